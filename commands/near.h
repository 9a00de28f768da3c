#ifndef COMMANDS_NEAR_H
#define COMMANDS_NEAR_H

#include <stdbool.h>
#include <stddef.h>

#include "commands/command.h"

/*
 * What is nearly a command: it is answered, never run.
 */

/* Answer @out with "did you mean", @command and what followed it. */
void near_suggest(struct command_match *out, const struct command *command,
		const char *rest);

/*
 * Answer a word after `!` that is no command, if it is like one.  @line begins
 * behind the `!`.  False: it is like none.
 */
bool near_line(const char *line, struct command_match *out);

/* Answer what follows `!cutover` and is no command that goes with it. */
void near_cutover(const char *rest, struct command_match *out);

#endif
