#ifndef GIT_H
#define GIT_H

#include <stdbool.h>

/*
 * Which commit a folder is of.  Asks the program `git`, for at most some
 * seconds; where that cannot tell, there is none: it is shown and decides
 * nothing.
 */

/*
 * True with *commit (its hash; the caller frees it) and whether tracked files
 * differ from it.
 */
bool git_describe(const char *folder, char **commit, bool *dirty);

#endif
