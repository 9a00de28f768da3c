/* A message's template: the first line is the message's name, the rest the
 * template.  What the check lets through can be said: its only way to fail is
 * to say too much. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/input.h"
#include "render/template.h"
#include "render/templates.h"

static const struct template_sample *sample_of(const char *name) {
	size_t count = 0;
	const struct template_sample *samples = template_samples(&count);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(samples[i].name, name) == 0) {
			return &samples[i];
		}
	}
	return &samples[0];
}

static void render(const struct template *template, const cJSON *context) {
	struct err err = { 0 };
	struct str out;
	str_init(&out, 0);
	bool sound = template_check(template, context, &err);
	bool said = template_render(template, context, &out, &err);
	assert(said || !sound || strstr(err.text, "says more than") != NULL);
	assert(out.len <= TEMPLATE_OUTPUT_MAX);
	str_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *name = fuzz_text(data, size);
	char *text = fuzz_cut(name, "\n");
	struct err err = { 0 };
	struct template *template = template_parse("fuzz.mustache", text, &err);
	if (template != NULL) {
		cJSON *context = template_sample_context(sample_of(name));
		render(template, context);
		cJSON_Delete(context);
	} else {
		assert(err.text[0] != '\0');
	}
	template_destroy(template);
	free(name);
	return 0;
}
