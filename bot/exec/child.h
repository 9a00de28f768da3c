#ifndef EXEC_CHILD_H
#define EXEC_CHILD_H

#include <sys/types.h>

/*
 * Start the program argv[0], looked for in PATH unless it has a slash, in a
 * session of its own, with fds as its stdin, stdout and stderr (-1: /dev/null),
 * nothing else open, default signals, and of the environment PATH, HOME, USER
 * and LANG.  0 and *pid, or an errno.
 */
int child_spawn(char *const *argv, const int fds[3], pid_t *pid)
		__attribute__((warn_unused_result));

#endif
