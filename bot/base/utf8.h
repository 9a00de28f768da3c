#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

#define UTF8_REPLACEMENT 0xFFFDu

/*
 * The code point at the NUL-terminated @text, and in *len the bytes it takes
 * (at least 1).  A byte of no character reads as U+FFFD, so that every walk
 * ends and skips nothing; at the NUL it is 0 and *len 0.
 */
uint32_t utf8_next(const char *text, size_t *len);

/* Whether @point turns the direction of what stands behind it, or hides how it
 * is ordered: text with it can be read as other than it is. */
bool utf8_turns(uint32_t point);

/* Code points in @text. */
size_t utf8_count(const char *text);

/* Bytes that the first @most code points of @text take. */
size_t utf8_prefix(const char *text, size_t most);

#endif
