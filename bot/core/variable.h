#ifndef VARIABLE_H
#define VARIABLE_H

#include <stdbool.h>

/*
 * Names of environment variables: what a parameter, a variable of an
 * environment or a published value may be called.
 */

#define VARIABLE_NAME_MAX 128

/* Letters, digits and `_`, no digit first, at most VARIABLE_NAME_MAX bytes. */
bool variable_is_name(const char *name);

/* The same, and every letter a capital. */
bool variable_is_capital(const char *name);

/*
 * Whether a shell, a loader or the bot itself acts on @name, so that setting
 * it would do more than hand a value over: PATH, IFS, ENV, LD_…, BASH_… and
 * the like.
 */
bool variable_is_reserved(const char *name);

#endif
