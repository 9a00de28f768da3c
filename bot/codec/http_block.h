#ifndef HTTP_BLOCK_H
#define HTTP_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * An `http` block: a request in the form of .http files.
 *
 *	POST https://{{HOST}}/runtime/events?source={{SOURCE}}
 *	Content-Type: application/json
 *
 *	{"id": "{{EVENT}}", "count": {{COUNT}}}
 *
 * What people approve is the template.  A value cannot make another request of
 * it: where {{NAME}} opens the URL or is (part of) its host the value is
 * checked, elsewhere in the URL and in a form it is percent-encoded, in a JSON
 * text it is escaped, outside of one it must be a number, true, false or null,
 * and in a header it has no line break.  A body of any other type takes it as
 * it is.  A body that begins with { or [ and has no Content-Type is JSON.
 */

struct http_block {
	char *method; // "GET", in capitals
	char *url;
	char **headers; // "Name: value", NULL-terminated
	char *body;     // NULL: none
};

/* Release what @block holds.  Safe on a zeroed or already finished one. */
void http_block_finish(struct http_block *block);

/*
 * Parse @text, of which nothing is guessed.  On false *err says what is wrong
 * and *offset at which byte of @text; *block is then empty.
 */
bool http_block_parse(const char *text, struct http_block *block,
		size_t *offset, struct err *err) __attribute__((warn_unused_result));

/* What type to send @block's body as; NULL if a header says it, or none. */
const char *http_block_implied_type(const struct http_block *block);

/* The names in @text, each once, NULL-terminated; free them and the list. */
char **http_block_names(const char *text) __attribute__((warn_unused_result));

/*
 * Put the values of @env ("NAME=value", NULL-terminated, may be NULL) into a
 * copy of @block.  False, with *filled empty, if one is not set or may not
 * stand where it would; *err names it and never shows its value.
 */
bool http_block_fill(const struct http_block *block, const char *const *env,
		struct http_block *filled, struct err *err)
		__attribute__((warn_unused_result));

#endif
