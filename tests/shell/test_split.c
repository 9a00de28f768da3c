#include <stdlib.h>
#include <string.h>

#include "app/split.h"
#include "app/wording.h"
#include "base/str.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "support/test.h"

static void free_parts(char **parts, size_t count) {
	for (size_t i = 0; i < count; i++) {
		free(parts[i]);
	}
	free(parts);
}

static void what_fits_stays_as_it_is(void **state) {
	(void)state;
	size_t count = 0;
	char **parts = split_text("one\ntwo\n", 200, &count);
	assert_int_equal(count, 1);
	assert_string_equal(parts[0], "one\ntwo\n");
	free_parts(parts, count);
}

static void a_long_text_is_split_at_line_ends_and_nothing_is_lost(
		void **state) {
	(void)state;
	struct str text = { 0 };
	for (int i = 0; i < 60; i++) {
		str_addf(&text, "✅ step %d went well\n", i);
	}
	size_t count = 0;
	char **parts = split_text(str_text(&text), 300, &count);
	struct str all = { 0 };
	assert_true(count > 3);
	for (size_t i = 0; i < count; i++) {
		char *mark = xasprintf("\n(%zu/%zu)", i + 1, count);
		char *at = strstr(parts[i], mark);
		assert_true(utf8_count(parts[i]) <= 300);
		assert_non_null(at);
		assert_string_equal(at, mark); // at the end
		str_addf(&all, "%.*s\n", (int)(at - parts[i]), parts[i]);
		free(mark);
	}
	assert_string_equal(str_text(&all), str_text(&text));
	str_finish(&all);
	str_finish(&text);
	free_parts(parts, count);
}

static void a_line_without_an_end_is_cut_between_characters(void **state) {
	(void)state;
	struct str text = { 0 };
	for (int i = 0; i < 1000; i++) {
		str_add(&text, "ü");
	}
	size_t count = 0;
	char **parts = split_text(str_text(&text), 200, &count);
	size_t letters = 0;
	for (size_t i = 0; i < count; i++) {
		assert_true(utf8_count(parts[i]) <= 200);
		for (const char *c = parts[i]; (c = strstr(c, "ü")) != NULL; c++) {
			letters++;
		}
	}
	assert_int_equal(letters, 1000);
	free_parts(parts, count);
	str_finish(&text);
}

static void a_block_that_is_split_goes_on_as_one(void **state) {
	(void)state;
	struct str text = { 0 };
	str_add(&text, "Its output:\n````\n");
	for (int i = 0; i < 40; i++) {
		str_addf(&text, "line %d\n```\n", i);
	}
	str_add(&text, "````\nThat was it @all\n");
	size_t count = 0;
	char **parts = split_text(str_text(&text), 200, &count);
	assert_true(count > 3);
	assert_true(strncmp(parts[0], "Its output:\n````\nline 0\n", 24) == 0);
	for (size_t i = 0; i < count; i++) {
		size_t fences = 0;
		for (const char *c = parts[i]; (c = strstr(c, "````")) != NULL;
				c += 4) {
			fences++;
		}
		assert_int_equal(fences, 2); // opened and closed
	}
	assert_non_null(strstr(parts[count - 1], "````\nThat was it @all\n("));
	free_parts(parts, count);
	str_finish(&text);
}

static void what_needs_too_many_parts_says_that_it_is_cut(void **state) {
	(void)state;
	struct str text = { 0 };
	for (int i = 0; i < 1000; i++) {
		str_addf(&text, "✅ step %d went well\n", i);
	}
	size_t count = 0;
	char **parts = split_text(str_text(&text), 300, &count);
	assert_int_equal(count, SPLIT_MOST);
	for (size_t i = 0; i < count; i++) {
		assert_true(utf8_count(parts[i]) <= 300);
		assert_true(
				(strstr(parts[i], WORDING_CUT) != NULL) == (i + 1 == count));
	}
	assert_non_null(strstr(parts[0], "\n(1/")); // of all that it would take
	assert_null(strstr(parts[0], "\n(1/20)"));
	free_parts(parts, count);
	str_finish(&text);
}

static void only_posts_are_split_and_in_order(void **state) {
	(void)state;
	char text[401];
	memset(text, 'x', 400);
	text[400] = '\0';
	struct said said = { 0 };
	said_add(&said,
			&(struct outbox_row){
					.key = "a", .text = text, .file_path = "/f" });
	said_add(&said,
			&(struct outbox_row){ .key = "e",
					.kind = OUTBOX_EDIT,
					.target = "a",
					.text = text });
	said_add(&said, &(struct outbox_row){ .key = "b", .text = "short" });
	split_said(&said, 300);
	assert_int_equal(said.count, 4);
	assert_string_equal(said.rows[0].key, "a");
	assert_string_equal(said.rows[0].file_path, "/f");
	assert_string_equal(said.rows[1].key, "a/2");
	assert_null(said.rows[1].file_path);
	assert_string_equal(said.rows[2].text, text);
	assert_string_equal(said.rows[3].key, "b");
	said_finish(&said);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_stays_as_it_is),
		cmocka_unit_test(a_long_text_is_split_at_line_ends_and_nothing_is_lost),
		cmocka_unit_test(a_line_without_an_end_is_cut_between_characters),
		cmocka_unit_test(a_block_that_is_split_goes_on_as_one),
		cmocka_unit_test(what_needs_too_many_parts_says_that_it_is_cut),
		cmocka_unit_test(only_posts_are_split_and_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
