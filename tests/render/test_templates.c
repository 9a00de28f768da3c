/*
 * The built-in texts, each with its sample, held to what was measured in the
 * web client at phone width; and docs/messages.md held to the samples.  After
 * a change of those: test_render_templates --write docs/messages.md
 */
#include "render/templates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "render/markdown.h"
#include "support/test.h"

/* Letters of a line on a phone; of the first, where bold ones are wider (the
 * card's, 45, was measured as it is); lines before a post folds. */
#define LINE_LETTERS  48
#define FIRST_LETTERS 42
#define CARD_LETTERS  45
#define LINES_MAX     20

static const char *document_path;

static struct templates *builtin(void) {
	struct err err = { 0 };
	struct templates *templates = templates_create(NULL, 0, &err);
	if (templates == NULL) {
		fail_msg("%s", err.text);
	}
	return templates;
}

static char *sample_text(
		const struct templates *templates, const struct template_sample *of) {
	cJSON *context = template_sample_context(of);
	char *text = templates_say(templates, of->name, context);
	cJSON_Delete(context);
	return text;
}

static void every_template_has_a_sample_and_every_sample_a_template(
		void **state) {
	(void)state;
	size_t count = 0;
	const struct template_sample *samples = template_samples(&count);
	assert_int_equal(count, templates_builtin_count);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(samples[i].name, templates_builtin[i].name);
	}
}

static void check_line(
		const char *name, const char *line, size_t len, size_t number) {
	size_t width = markdown_width(line, len);
	size_t most = LINE_LETTERS;
	if (number == 0) {
		most = strcmp(name, "card") == 0 ? CARD_LETTERS : FIRST_LETTERS;
	}
	if (width > most) {
		fail_msg("%s, line %zu: %zu letters: %.*s", name, number + 1, width,
				(int)len, line);
	}
	if (line[0] == '-' || line[0] == '|') {
		fail_msg("%s: neither lists nor tables: %.*s", name, (int)len, line);
	}
	if (line[0] == '#' &&
			(strncmp(name, "gate", 4) != 0 || number > 0 ||
					strncmp(line, "#### ", 5) != 0)) {
		fail_msg("%s: only a gate's first line is a heading", name);
	}
}

static void check_text(const char *name, const char *text) {
	size_t number = 0;
	bool fenced = false;
	for (const char *line = text;; number++) {
		size_t len = strcspn(line, "\n");
		bool fence = strncmp(line, "```", 3) == 0;
		fenced ^= fence;
		if (!fenced && !fence) {
			check_line(name, line, len, number);
		}
		if (line[len] == '\0') {
			break;
		}
		line += len + 1;
	}
	assert_false(fenced);
	assert_true(number < LINES_MAX);
}

static void every_message_fits_a_phone(void **state) {
	(void)state;
	struct templates *templates = builtin();
	size_t count = 0;
	const struct template_sample *samples = template_samples(&count);
	for (size_t i = 0; i < count; i++) {
		char *text = sample_text(templates, &samples[i]);
		assert_null(strstr(text, "could not be written"));
		check_text(samples[i].name, text);
		free(text);
	}
	templates_destroy(templates);
}

/* Without U+FE0F these are small grey glyphs. */
static void every_emoji_is_one(void **state) {
	(void)state;
	static const char *const bare[] = { "⏱", "▶", "⏸", "↩", "⚠", "ℹ", "⏭",
		"🗒", "🗳" };
	for (size_t i = 0; i < templates_builtin_count; i++) {
		for (size_t j = 0; j < sizeof(bare) / sizeof(bare[0]); j++) {
			const char *at = templates_builtin[i].text;
			while ((at = strstr(at, bare[j])) != NULL) {
				at += strlen(bare[j]);
				assert_memory_equal(at, "\xEF\xB8\x8F", 3);
			}
		}
	}
}

static void an_own_template_replaces_its_namesake(void **state) {
	(void)state;
	struct err err = { 0 };
	const struct template_text own = { "resumed", "{{run}} weiter\n" };
	struct templates *templates = templates_create(&own, 1, &err);
	assert_non_null(templates);
	cJSON *context = cJSON_Parse("{\"run\":\"LB-7\",\"user\":null}");
	char *text = templates_say(templates, "resumed", context);
	assert_string_equal(text, "LB-7 weiter");
	free(text);
	cJSON_Delete(context);
	templates_destroy(templates);
}

static void an_own_template_that_cannot_work_is_refused(void **state) {
	(void)state;
	struct err err = { 0 };
	static const struct template_text wrong[] = { { "resumd", "x" },
		{ "resumed", "{{rum}}" }, { "resumed", "{{#run}}" } };
	static const char *const errors[] = {
		"resumd.mustache: there is no such message",
		"resumed.mustache:1:1: {{rum}}: no such name",
		"resumed.mustache:1:1: {{run}}: the section is not closed",
	};
	for (size_t i = 0; i < 3; i++) {
		assert_false(templates_check(&wrong[i], 1, &err));
		assert_string_equal(err.text, errors[i]);
	}
}

/* --- docs/messages.md --- */

static const char head[] =
		"# The bot's messages\n\n"
		"<!-- Written from bot/render/samples.c by a test; see "
		"tests/render/test_templates.c. -->\n\n"
		"Every text that the bot posts is a template in `templates/messages/`, "
		"compiled in. To say it\notherwise, put a file of the same name into a "
		"folder and name the folder in the config\n(`templates = FOLDER`); "
		"`bridgekeeper check` holds it to the names below.\n\n"
		"Templates are a strict subset of Mustache: `{{name}}`, "
		"`{{#name}}…{{/name}}` (once for each\nelement of a list, or if there "
		"is something), `{{^name}}…{{/name}}` (if there is not),\n`{{.}}` and "
		"`{{! comment }}`. Text is escaped for Markdown and calls nobody; "
		"`{{{name}}}` is\nnot escaped. Values marked * are Markdown already: "
		"mentions, people's words as inline code,\noutput in a fence. A name "
		"that a message does not have is an error.\n\n"
		"Keep lines under 48 letters and the first under 42, break them "
		"yourself, and mention only\nthose who must act: a phone shows no "
		"more, and a mention rings.\n\nWhat is longer than the server lets a "
		"post be is said in several, cut at line ends and\nmarked `(2/3)`. A "
		"post that is edited in place is cut,\nand what needs more than 20 "
		"posts: both say so.\n";

static void add_names(struct str *out, const cJSON *object) {
	const cJSON *value = NULL;
	bool first = true;
	cJSON_ArrayForEach(value, object) {
		str_addf(out, "%s`%s`%s", first ? "" : ", ", value->string,
				cJSON_IsRaw(value) ? "*" : "");
		first = false;
		const cJSON *inner = cJSON_IsArray(value) ? value->child : value;
		if (cJSON_IsObject(inner)) {
			str_add(out, " (each: ");
			if (!cJSON_IsArray(value)) {
				str_truncate(out, out->len - 6);
			}
			add_names(out, inner);
			str_add(out, ")");
		}
	}
}

static char *document(void) {
	struct templates *templates = builtin();
	struct str out = { 0 };
	str_add(&out, head);
	size_t count = 0;
	const struct template_sample *samples = template_samples(&count);
	for (size_t i = 0; i < count; i++) {
		char *text = sample_text(templates, &samples[i]);
		cJSON *context = template_sample_context(&samples[i]);
		str_addf(&out, "\n## %s\n\n%c%s.\n\nNames: ", samples[i].name,
				samples[i].when[0], samples[i].when + 1);
		add_names(&out, context);
		str_addf(&out, "\n\n````\n%s\n````\n", text);
		cJSON_Delete(context);
		free(text);
	}
	templates_destroy(templates);
	return str_take(&out);
}

static void the_page_shows_every_message(void **state) {
	(void)state;
	FILE *file = fopen(document_path, "r");
	assert_non_null(file);
	struct str found = { 0 };
	char part[4096];
	size_t len = 0;
	while ((len = fread(part, 1, sizeof(part), file)) > 0) {
		str_add_bytes(&found, part, len);
	}
	fclose(file);
	char *wanted = document();
	assert_string_equal(str_text(&found), wanted);
	str_finish(&found);
	free(wanted);
}

static int write_document(const char *path) {
	FILE *file = fopen(path, "w");
	if (file == NULL) {
		perror(path);
		return 1;
	}
	char *text = document();
	fputs(text, file);
	free(text);
	return fclose(file) == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
	if (argc == 3 && strcmp(argv[1], "--write") == 0) {
		return write_document(argv[2]);
	}
	if (argc != 2) {
		fprintf(stderr, "usage: %s [--write] docs/messages.md\n", argv[0]);
		return 2;
	}
	document_path = argv[1];
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
				every_template_has_a_sample_and_every_sample_a_template),
		cmocka_unit_test(every_message_fits_a_phone),
		cmocka_unit_test(every_emoji_is_one),
		cmocka_unit_test(an_own_template_replaces_its_namesake),
		cmocka_unit_test(an_own_template_that_cannot_work_is_refused),
		cmocka_unit_test(the_page_shows_every_message),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
