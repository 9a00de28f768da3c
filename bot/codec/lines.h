#ifndef LINES_H
#define LINES_H

#include <stddef.h>
#include <stdint.h>

/* A text file, line by line, for formats whose lines stand for themselves. */

#define LINES_MAX_BYTES ((size_t)4096) // of one line

/*
 * One line, from 1, without its end (`\n` or `\r\n`); @text is a copy that
 * may be changed and is wiped afterwards.  @flaw is NULL, or says what no line
 * may hold: too many bytes, a control character, what is not UTF-8.
 */
typedef void (*lines_fn)(
		void *data, uint32_t line, char *text, const char *flaw);

/* Each line of @len bytes at @text to @fn.  A byte order mark is passed over. */
void lines_each(const char *text, size_t len, lines_fn fn, void *data);

/* Overwrite @text, in a way that the compiler may not leave out. */
void lines_wipe(char *text, size_t len);

#endif
