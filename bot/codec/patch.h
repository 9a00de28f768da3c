#ifndef PATCH_H
#define PATCH_H

#include <stdint.h>

/*
 * A unified diff, as `patch -p1` and `git apply` take it, that adds one line to
 * a text.
 */

/*
 * The diff that puts @row (one line, with or without its newline) before line
 * @line of @text, counted from 1; one past the last line puts it at the end.
 * @path is the file's name in it.  Caller frees.  NULL where the text has no
 * such line.
 */
char *patch_insert(const char *path, const char *text, uint32_t line,
		const char *row) __attribute__((warn_unused_result));

#endif
