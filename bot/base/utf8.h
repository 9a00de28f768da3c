#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>

#include "base/str.h"

/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above
 * U+10FFFF.  What comes from commands and networks is bytes; what goes into a
 * message must be this.
 */

/* Bytes of the character at @bytes (1 to 4); 0 if none stands there. */
size_t utf8_char_len(const char *bytes, size_t len);

/* Add @bytes to @out with U+FFFD for every byte that belongs to no character. */
void utf8_add_clean(struct str *out, const char *bytes, size_t len);

/* The longest length up to @max at which @text can be cut between characters. */
size_t utf8_cut(const char *text, size_t len, size_t max);

#endif
