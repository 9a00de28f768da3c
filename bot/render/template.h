#ifndef TEMPLATE_H
#define TEMPLATE_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "base/err.h"
#include "base/str.h"

/*
 * A strict subset of Mustache, over cJSON objects:
 *
 *	{{name}}              text, escaped for Markdown
 *	{{{name}}} {{&name}}  as it is
 *	{{#name}} … {{/name}} once for each element of an array; once, inside it,
 *	                      for an object; once for true or a text that is not
 *	                      empty; else not at all
 *	{{^name}} … {{/name}} where the section would not be shown
 *	{{.}}                 the element itself, within a section
 *	{{! comment }}
 *
 * A section's or comment's tag alone on its line takes the line away with it.
 * A value made with cJSON_CreateRaw() is Markdown already and never escaped.
 *
 * Strict: a name that no enclosing object has is an error, as are unbalanced
 * tags, partials and changed delimiters, all of them with line and column.
 */

#define TEMPLATE_BYTES_MAX  ((size_t)16 * 1024)
#define TEMPLATE_NODES_MAX  500
#define TEMPLATE_DEPTH_MAX  8
#define TEMPLATE_OUTPUT_MAX ((size_t)64 * 1024)

struct template;

/* Parse @text; @name stands before ":line:column:" in errors.  NULL with *err
 * where it is no template.  Free with template_destroy(). */
struct template *template_parse(const char *name, const char *text,
		struct err *err) __attribute__((warn_unused_result));

/* Accepts NULL. */
void template_destroy(struct template *template);

/* Add what @template says with @context to @out. */
bool template_render(const struct template *template, const cJSON *context,
		struct str *out, struct err *err) __attribute__((warn_unused_result));

/*
 * Whether every name in @template, in every branch, is one that @sample has and
 * of a kind that can stand there: a context with all keys and an element in
 * every array.
 */
bool template_check(const struct template *template, const cJSON *sample,
		struct err *err) __attribute__((warn_unused_result));

#endif
