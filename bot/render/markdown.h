#ifndef MARKDOWN_H
#define MARKDOWN_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/*
 * Text into a Mattermost message: what people typed and commands printed must
 * neither ping anybody nor change how the message looks.
 */

/* Letters of people's words that are shown. */
#define MARKDOWN_WORDS 60

/*
 * Add @text as plain text, on one line: what would format is escaped, an `@`
 * is followed by a zero width space so that it calls nobody.
 */
void markdown_add_text(struct str *out, const char *text);

/* Add @text so that it calls nobody, its Markdown left as it is. */
void markdown_add_uncalled(struct str *out, const char *text);

/*
 * Add people's words as inline code: no backticks, no line breaks, cut behind
 * @most letters.  Nothing is added where there are no words.
 */
void markdown_add_code(struct str *out, const char *text, size_t most);

/*
 * Add the last @lines lines of @output in a fence without a language that it
 * cannot close, each cut behind @letters letters; without control characters
 * and terminal colours.  A line break stands behind the fence.  Nothing is
 * added where there is no output.
 */
void markdown_add_fence(
		struct str *out, const char *output, size_t lines, size_t letters);

/* The last line of @output that says something, plain, cut behind @letters
 * letters; "" if none does.  Caller frees. */
char *markdown_last_line(const char *output, size_t letters);

/*
 * Add @text with line breaks between words so that no line shows more than
 * @first letters (the first) or @others.  A code span is not broken.
 */
void markdown_add_wrapped(
		struct str *out, const char *text, size_t first, size_t others);

/* Add @text as it goes out: emoji that need it with U+FE0F, no blanks at line
 * ends, at most one empty line in a row, none at the end. */
void markdown_add_finished(struct str *out, const char *text);

/* Letters that the @len bytes of a line take on a screen: marks of formatting
 * none, an emoji two. */
size_t markdown_width(const char *line, size_t len);

#endif
