#ifndef SHELL_BUILTIN_H
#define SHELL_BUILTIN_H

#include <stdbool.h>

#include "codec/shell_words.h"

/* What bash's own commands and variables mean for codec/shell_scan. */

/* Add to @sets the variables that @command sets: `read`, `for`, `local`, ... */
void shell_builtin_sets(const struct shell_command *command,
		struct shell_name **sets, size_t *count);

/* Whether @name is a variable that bash sets itself, or one that every command
 * of the bot sees: PATH, HOME, USER, LANG and BRIDGE_OUTPUT. */
bool shell_builtin_is_own(const char *name);

#endif
