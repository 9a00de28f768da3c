#ifndef SHELL_BUILTIN_H
#define SHELL_BUILTIN_H

#include <stdbool.h>

#include "codec/shell_scan.h"

/* What bash's own commands and variables mean for codec/shell_scan. */

/* Add to @scan the variables that @command sets: `read`, `for`, `local`, ... */
void shell_builtin_sets(
		struct shell_scan *scan, const struct shell_command *command);

/* Whether @name is a variable that bash sets itself, or one that every command
 * of the bot sees: PATH, HOME, USER, LANG and BRIDGE_OUTPUT. */
bool shell_builtin_is_own(const char *name);

#endif
