#ifndef EXEC_COMMAND_H
#define EXEC_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "exec/stepfolder.h"

/*
 * Starts a step's command: bash -euo pipefail with the script, in a session
 * of its own without a terminal, stdin /dev/null.  It sees PATH, HOME, USER and
 * LANG of the surroundings, what the spec gives, BRIDGE_OUTPUT, and three
 * descriptors besides the one that holds the lock `alive`.
 */

/*
 * Start @spec's script.  On true *leader is its process and @out_fd, by enum
 * step_stream, our ends of its pipes, non-blocking.  On false it was not
 * started, for certain, and nothing of it is left.  The working directory is
 * the attempt's folder.
 */
bool command_spawn(const struct step_spec *spec, int alive_fd, int out_fd[2],
		pid_t *leader, struct err *err) __attribute__((warn_unused_result));

#endif
