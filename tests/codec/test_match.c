#include <string.h>

#include "codec/match.h"
#include "support/test.h"

static struct match *compiled(const char *pattern, unsigned flags) {
	struct err err = { 0 };
	size_t offset = 0;
	struct match *match = match_compile(
			pattern, strlen(pattern), flags, &offset, &err);
	assert_non_null(match);
	return match;
}

static void groups_are_told_and_an_unused_one_is_null(void **state) {
	(void)state;
	struct match *match = compiled("^!(\\w+)(?:\\s+(\\d+))?", MATCH_PLAIN);
	struct match_found found;
	struct err err = { 0 };
	assert_int_equal(match_find(match, "!done", 5, &found, &err), MATCH_YES);
	assert_int_equal(found.count, 3);
	assert_int_equal(found.groups[1].len, 4);
	assert_memory_equal(found.groups[1].start, "done", 4);
	assert_null(found.groups[2].start);
	assert_int_equal(match_find(match, "done", 4, NULL, &err), MATCH_NO);
	match_free(match);
}

static void a_runaway_pattern_is_an_error_and_never_a_no(void **state) {
	(void)state;
	struct match *match = compiled("^(a+)+$", MATCH_PLAIN);
	char subject[64];
	memset(subject, 'a', sizeof(subject));
	subject[63] = '!';
	struct err err = { 0 };
	assert_int_equal(match_find(match, subject, sizeof(subject), NULL, &err),
			MATCH_ERROR);
	assert_string_equal(err.text, "pattern too expensive");
	match_free(match);
}

static void a_subject_that_is_too_long_is_an_error(void **state) {
	(void)state;
	static char subject[MATCH_SUBJECT_MAX + 1];
	struct match *match = compiled("x", MATCH_PLAIN);
	struct err err = { 0 };
	assert_int_equal(match_find(match, subject, MATCH_SUBJECT_MAX, NULL, &err),
			MATCH_NO);
	assert_int_equal(match_find(match, subject, sizeof(subject), NULL, &err),
			MATCH_ERROR);
	match_free(match);
}

static void a_broken_pattern_says_where(void **state) {
	(void)state;
	struct err err = { 0 };
	size_t offset = 0;
	assert_null(match_compile("ab(c", 4, MATCH_PLAIN, &offset, &err));
	assert_int_equal(offset, 4);
	assert_non_null(strstr(err.text, "parenthes"));
	assert_null(match_compile("a\\Cb", 4, MATCH_PLAIN, &offset, &err));
}

static void bytes_that_are_no_text_match_nothing(void **state) {
	(void)state;
	struct match *match = compiled("^.$", MATCH_PLAIN);
	struct err err = { 0 };
	assert_int_equal(match_find(match, "\xff", 1, NULL, &err), MATCH_NO);
	assert_int_equal(match_find(match, "\xc3\xa9", 2, NULL, &err), MATCH_YES);
	match_free(match);
}

static void case_is_ignored_only_when_asked(void **state) {
	(void)state;
	struct match *exact = compiled("ready", MATCH_PLAIN);
	struct match *loose = compiled(
			"rea dy", MATCH_IGNORE_CASE | MATCH_EXTENDED);
	struct err err = { 0 };
	assert_int_equal(match_find(exact, "READY", 5, NULL, &err), MATCH_NO);
	assert_int_equal(match_find(loose, "READY", 5, NULL, &err), MATCH_YES);
	match_free(exact);
	match_free(loose);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_told_and_an_unused_one_is_null),
		cmocka_unit_test(a_runaway_pattern_is_an_error_and_never_a_no),
		cmocka_unit_test(a_subject_that_is_too_long_is_an_error),
		cmocka_unit_test(a_broken_pattern_says_where),
		cmocka_unit_test(bytes_that_are_no_text_match_nothing),
		cmocka_unit_test(case_is_ignored_only_when_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
