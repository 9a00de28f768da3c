#include "render/templates.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "render/markdown.h"
#include "render/template.h"

struct entry {
	const char *name;
	struct template *template;
};

struct templates {
	struct entry *entries; // by name, as templates_builtin
	size_t count;
};

static const struct template_sample *sample_of(const char *name) {
	size_t count = 0;
	const struct template_sample *samples = template_samples(&count);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(samples[i].name, name) == 0) {
			return &samples[i];
		}
	}
	return NULL;
}

/* Parse and hold it to what its message has. */
static struct template *take(
		const struct template_text *text, struct err *err) {
	const struct template_sample *sample = sample_of(text->name);
	if (sample == NULL) {
		err_set(err, ERR_INVALID, "%s.mustache: there is no such message",
				text->name);
		return NULL;
	}
	char *file = xasprintf("%s.mustache", text->name);
	struct template *template = template_parse(file, text->text, err);
	cJSON *context = template_sample_context(sample);
	if (template != NULL && !template_check(template, context, err)) {
		template_destroy(template);
		template = NULL;
	}
	cJSON_Delete(context);
	free(file);
	return template;
}

static struct entry *entry_of(
		const struct templates *templates, const char *name) {
	for (size_t i = 0; i < templates->count; i++) {
		if (strcmp(templates->entries[i].name, name) == 0) {
			return &templates->entries[i];
		}
	}
	return NULL;
}

bool templates_replace(struct templates *templates,
		const struct template_text *own, struct err *err) {
	struct template *template = take(own, err);
	if (template == NULL) {
		return false;
	}
	struct entry *entry = entry_of(templates, own->name);
	assert(entry != NULL); // take() knows only names of messages
	template_destroy(entry->template);
	entry->template = template;
	return true;
}

struct templates *templates_create(
		const struct template_text *own, size_t count, struct err *err) {
	struct templates *templates = xcalloc(1, sizeof(*templates));
	templates->entries = xcalloc(
			templates_builtin_count, sizeof(*templates->entries));
	for (size_t i = 0; i < templates_builtin_count; i++) {
		struct template *template = take(&templates_builtin[i], err);
		if (template == NULL) {
			templates_destroy(templates);
			return NULL;
		}
		templates->entries[templates->count++] = (struct entry){
			.name = templates_builtin[i].name,
			.template = template,
		};
	}
	for (size_t i = 0; i < count; i++) {
		if (!templates_replace(templates, &own[i], err)) {
			templates_destroy(templates);
			return NULL;
		}
	}
	return templates;
}

void templates_destroy(struct templates *templates) {
	if (templates == NULL) {
		return;
	}
	for (size_t i = 0; i < templates->count; i++) {
		template_destroy(templates->entries[i].template);
	}
	free(templates->entries);
	free(templates);
}

bool templates_check(
		const struct template_text *own, size_t count, struct err *err) {
	struct templates *templates = templates_create(own, count, err);
	templates_destroy(templates);
	return templates != NULL;
}

char *templates_say(const struct templates *templates, const char *name,
		const cJSON *context) {
	struct err err = { 0 };
	struct str raw = { 0 };
	struct str done = { 0 };
	const struct entry *entry = entry_of(templates, name);
	bool ok = entry != NULL
			? template_render(entry->template, context, &raw, &err)
			: err_set(&err, ERR_NOT_FOUND, "no template %s", name);
	if (!ok) {
		str_clear(&raw);
		str_add(&raw, "⚠️ A message could not be written: ");
		markdown_add_text(&raw, err.text);
	}
	markdown_add_finished(&done, str_text(&raw));
	str_finish(&raw);
	return str_take(&done);
}

/* --- samples --- */

/* "md:" marks Markdown: such a text becomes a raw one. */
static void mark_markdown(cJSON *value) {
	cJSON *child = NULL;
	cJSON_ArrayForEach(child, value) {
		mark_markdown(child);
	}
	if (cJSON_IsString(value) && strncmp(value->valuestring, "md:", 3) == 0) {
		memmove(value->valuestring, value->valuestring + 3,
				strlen(value->valuestring + 3) + 1);
		value->type = cJSON_Raw;
	}
}

cJSON *template_sample_context(const struct template_sample *sample) {
	cJSON *context = cJSON_Parse(sample->json);
	assert(cJSON_IsObject(context));
	mark_markdown(context);
	return context;
}
