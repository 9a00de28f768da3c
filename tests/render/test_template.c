#include "render/template.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "support/test.h"

/* What @text says with @json, or "error: …".  Caller frees. */
static char *say(const char *text, const char *json) {
	struct err err = { 0 };
	struct str out = { 0 };
	cJSON *context = cJSON_Parse(json);
	assert_non_null(context);
	struct template *template = template_parse("t", text, &err);
	if (template == NULL || !template_render(template, context, &out, &err)) {
		str_clear(&out);
		str_addf(&out, "error: %s", err.text);
	}
	template_destroy(template);
	cJSON_Delete(context);
	return str_take(&out);
}

struct row {
	const char *text;
	const char *json;
	const char *says;
};

static void check_rows(const struct row *rows, size_t count) {
	for (size_t i = 0; i < count; i++) {
		char *said = say(rows[i].text, rows[i].json);
		if (strcmp(said, rows[i].says) != 0) {
			print_error("template: %s\n", rows[i].text);
		}
		assert_string_equal(said, rows[i].says);
		free(said);
	}
}

#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof(rows[0]))

static void values_stand_where_their_names_stood(void **state) {
	(void)state;
	static const struct row rows[] = {
		{ "", "{}", "" },
		{ "plain } { text", "{}", "plain } { text" },
		{ "a {{b}} c", "{\"b\":\"x\"}", "a x c" },
		{ "{{ b }}{{b}}", "{\"b\":7}", "77" },
		{ "{{n}}", "{\"n\":1767225600000}", "1767225600000" },
		{ "{{b}}", "{\"b\":null}", "" },
		{ "{{b}}", "{\"b\":\"*a* `b` @all\"}",
				"\\*a\\* \\`b\\` @\xE2\x80\x8B"
				"all" },
		{ "{{{b}}}", "{\"b\":\"*a*\"}", "*a*" },
		{ "{{&b}}", "{\"b\":\"*a*\"}", "*a*" },
		{ "a{{! not shown }}b", "{}", "ab" },
	};
	CHECK(rows);
}

static void sections_repeat_and_choose(void **state) {
	(void)state;
	static const struct row rows[] = {
		{ "{{#a}}x{{/a}}", "{\"a\":true}", "x" },
		{ "{{#a}}x{{/a}}", "{\"a\":false}", "" },
		{ "{{#a}}x{{/a}}", "{\"a\":null}", "" },
		{ "{{#a}}x{{/a}}", "{\"a\":\"\"}", "" },
		{ "{{#a}}x{{/a}}", "{\"a\":0}", "" },
		{ "{{#a}}x{{/a}}", "{\"a\":[]}", "" },
		{ "{{^a}}x{{/a}}", "{\"a\":[]}", "x" },
		{ "{{^a}}x{{/a}}", "{\"a\":\"y\"}", "" },
		{ "{{#a}}[{{.}}]{{/a}}", "{\"a\":[1,\"b\"]}", "[1][b]" },
		{ "{{#a}}{{b}}{{/a}}", "{\"a\":{\"b\":1},\"b\":2}", "1" },
		{ "{{#a}}{{b}}{{/a}}", "{\"a\":{\"c\":1},\"b\":2}", "2" },
		{ "{{#a}} · {{a}}{{/a}}", "{\"a\":\"x\"}", " · x" },
		{ "{{#a}}{{#b}}{{c}}{{d}}{{/b}};{{/a}}",
				"{\"d\":\"-\",\"a\":[{\"b\":[{\"c\":1},{\"c\":2}]},"
				"{\"b\":[]}]}",
				"1-2-;;" },
	};
	CHECK(rows);
}

static void a_tag_alone_on_its_line_takes_the_line_away(void **state) {
	(void)state;
	static const struct row rows[] = {
		{ "a\n{{#b}}\nc\n{{/b}}\nd", "{\"b\":true}", "a\nc\nd" },
		{ "a\n  {{#b}}  \nc\n{{/b}}\n", "{\"b\":false}", "a\n" },
		{ "{{! head }}\na", "{}", "a" },
		{ "{{#b}}\n{{#b}}\nx\n{{/b}}\n{{/b}}", "{\"b\":true}", "x\n" },
		{ "a {{#b}}\nc{{/b}}\n", "{\"b\":true}", "a \nc\n" },
		{ "{{b}}\nc", "{\"b\":\"\"}", "\nc" },
	};
	CHECK(rows);
}

static void what_is_not_right_is_told_with_its_place(void **state) {
	(void)state;
	static const struct row rows[] = {
		{ "a\nb {{c}}", "{}", "error: t:2:3: {{c}}: no such name" },
		{ "{{#a}}{{c}}{{/a}}", "{\"a\":[{}]}",
				"error: t:1:7: {{c}}: no such name" },
		{ "{{#a}}x", "{\"a\":1}",
				"error: t:1:1: {{a}}: the section is not closed" },
		{ "x{{/a}}", "{}", "error: t:1:2: no section is open here" },
		{ "{{#a}}{{#b}}{{/a}}{{/b}}", "{\"a\":1,\"b\":1}",
				"error: t:1:13: the section to close is {{/b}}" },
		{ "é{{a", "{}", "error: t:1:2: the tag is not closed" },
		{ "{{{a}}", "{}", "error: t:1:1: the tag is not closed" },
		{ "{{a b}}", "{}",
				"error: t:1:1: a tag holds one name of letters, "
				"digits and _" },
		{ "{{}}", "{}",
				"error: t:1:1: a tag holds one name of letters, digits "
				"and _" },
		{ "{{a.b}}", "{}",
				"error: t:1:1: a tag holds one name of letters, "
				"digits and _" },
		{ "{{>a}}", "{}",
				"error: t:1:1: partials, blocks and other delimiters "
				"are not supported" },
		{ "{{=<% %>=}}", "{}",
				"error: t:1:1: partials, blocks and other "
				"delimiters are not supported" },
		{ "{{a}}", "{\"a\":[1]}",
				"error: t:1:1: {{a}}: neither text nor a number" },
		{ "{{#a}}{{.}}{{/a}}", "{\"a\":true}",
				"error: t:1:7: {{.}}: neither text nor a number" },
		{ "{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}", "{}",
				"error: t:1:49: sections too deep" },
	};
	CHECK(rows);
}

static void a_template_is_capped(void **state) {
	(void)state;
	struct str text = { 0 };
	for (size_t i = 0; i <= TEMPLATE_NODES_MAX; i++) {
		str_add(&text, "{{a}}");
	}
	char *said = say(str_text(&text), "{\"a\":1}");
	assert_string_equal(said, "error: t:1:2501: too many tags");
	free(said);
	while (text.len <= TEMPLATE_BYTES_MAX) {
		str_add(&text, "xxxxxxxxxxxxxxxx");
	}
	said = say(str_text(&text), "{\"a\":1}");
	assert_string_equal(said, "error: t: over 16 kB");
	free(said);
	str_clear(&text);
	str_add(&text, "{\"a\":[");
	for (int i = 0; i < 3000; i++) {
		str_add(&text, "1,");
	}
	str_add(&text, "1]}");
	said = say("{{#a}}a line of thirty-one letters\n{{/a}}", str_text(&text));
	assert_string_equal(said, "error: t: says more than 64 kB");
	free(said);
	str_finish(&text);
}

static void a_check_looks_into_every_branch(void **state) {
	(void)state;
	struct err err = { 0 };
	cJSON *sample = cJSON_Parse("{\"a\":[{\"b\":1}],\"off\":false,\"n\":1}");
	static const char *const good[] = { "{{#a}}{{b}}{{/a}}",
		"{{^a}}{{n}}{{/a}}", "{{#off}}{{#a}}{{b}}{{/a}}{{/off}}" };
	static const char *const bad[] = { "{{#off}}{{x}}{{/off}}",
		"{{^a}}{{x}}{{/a}}", "{{#a}}{{x}}{{/a}}" };
	for (size_t i = 0; i < 3; i++) {
		struct template *template = template_parse("t", good[i], &err);
		assert_true(template_check(template, sample, &err));
		template_destroy(template);
		template = template_parse("t", bad[i], &err);
		assert_false(template_check(template, sample, &err));
		assert_non_null(strstr(err.text, "{{x}}: no such name"));
		template_destroy(template);
	}
	cJSON_Delete(sample);
}

static void what_a_check_lets_through_can_be_said(void **state) {
	(void)state;
	struct err err = { 0 };
	cJSON *sample = cJSON_Parse("{\"a\":[{\"b\":1}],\"on\":true,\"l\":[1]}");
	static const char *const good[] = { "{{#l}}{{.}}{{/l}}",
		"{{#a}}{{b}}{{/a}}" };
	static const char *const bad[] = { "{{.}}", "{{a}}", "{{#on}}{{.}}{{/on}}",
		"{{#a}}{{.}}{{/a}}", "{{^l}}{{.}}{{/l}}", "{{^on}}{{&on}}{{/on}}" };
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct template *template = template_parse("t", good[i], &err);
		assert_true(template_check(template, sample, &err));
		template_destroy(template);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct template *template = template_parse("t", bad[i], &err);
		assert_false(template_check(template, sample, &err));
		assert_non_null(strstr(err.text, "neither text nor a number"));
		template_destroy(template);
	}
	cJSON_Delete(sample);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_stand_where_their_names_stood),
		cmocka_unit_test(sections_repeat_and_choose),
		cmocka_unit_test(a_tag_alone_on_its_line_takes_the_line_away),
		cmocka_unit_test(what_is_not_right_is_told_with_its_place),
		cmocka_unit_test(a_template_is_capped),
		cmocka_unit_test(a_check_looks_into_every_branch),
		cmocka_unit_test(what_a_check_lets_through_can_be_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
