#ifndef TEMPLATES_H
#define TEMPLATES_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/err.h"
#include "base/str.h"

/*
 * The texts of all messages, one template each, by name.  They are compiled in
 * from templates/messages/; a folder of the user's replaces some of them.
 * Reading that folder is the shell's: here come names and texts.
 */

struct template_text {
	const char *name; // file name without ".mustache"
	const char *text;
};

/* By name; made from templates/messages/ by templates/embed.py. */
extern const struct template_text templates_builtin[];
extern const size_t templates_builtin_count;

struct templates;

/*
 * The built-in templates, with those of @own in the place of their namesakes.
 * NULL with *err where one of @own has a name that there is no message for, is
 * no template, or uses a name that its message does not have.  Free with
 * templates_destroy().
 */
struct templates *templates_create(const struct template_text *own,
		size_t count, struct err *err) __attribute__((warn_unused_result));

/* Put @own in the place of its namesake; false with *err, and nothing changed,
 * where templates_create() would not take it. */
bool templates_replace(struct templates *templates,
		const struct template_text *own, struct err *err)
		__attribute__((warn_unused_result));

/* Accepts NULL. */
void templates_destroy(struct templates *templates);

/*
 * For `check`: whether templates_create() would take @own.  Each problem but
 * the first is left unsaid.
 */
bool templates_check(const struct template_text *own, size_t count,
		struct err *err) __attribute__((warn_unused_result));

/*
 * What template @name says with @context, finished to go out.  Should it fail,
 * which templates_create() sees to that it does not, the text says so instead.
 * Caller frees.
 */
char *templates_say(const struct templates *templates, const char *name,
		const cJSON *context);

/* --- what a message's template can use --- */

struct template_sample {
	const char *name;
	const char *when; // it is said, for docs/messages.md
	/* JSON object: every name of the context with a value as people see it,
	 * and an element in every array.  "md:" marks what is Markdown already. */
	const char *json;
};

/* By name, one for each template. */
const struct template_sample *template_samples(size_t *count);

/* The sample's context, parsed; caller deletes. */
cJSON *template_sample_context(const struct template_sample *sample);

#endif
