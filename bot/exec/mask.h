#ifndef MASK_H
#define MASK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/*
 * Hides secret values in output: as they are, as a URL, a JSON string or a
 * shell's quotes spell them, in hexadecimal, and in base64 (either alphabet,
 * wherever the value stands in what was encoded; the one character at each end
 * that it shares with its neighbours stays).  A value of several lines is hidden line by line, for
 * output is kept by lines.  What is shorter than MASK_MIN_BYTES is left alone: it would be
 * found everywhere, and hide nothing.
 *
 * A value that a command changed in another way (reversed, encrypted, cut in
 * pieces) is not found.
 */

#define MASK_MIN_BYTES ((size_t)8)
#define MASK_SHOWN     "***"

struct mask;

/* @values is NULL-terminated or NULL, and copied. */
struct mask *mask_create(const char *const *values)
		__attribute__((warn_unused_result));

/* Wipes the values.  Accepts NULL. */
void mask_destroy(struct mask *mask);

/*
 * Add @bytes to @out with the values hidden.  If more of the same text is to
 * come (@last false) it stops where a value could have begun and not ended.
 * Returns how many bytes were dealt with; the caller brings the others again.
 */
size_t mask_add(const struct mask *mask, const char *bytes, size_t len,
		bool last, struct str *out) __attribute__((warn_unused_result));

/* Whether @text holds one of the values. */
bool mask_finds(const struct mask *mask, const char *text);

#endif
