#include <stdlib.h>

#include "codec/patch.h"
#include "support/test.h"

/*
 * That `git apply` and `patch` take these is tried in tests/crash/night.py,
 * on the patches that a bot leaves.
 */

static void check(const char *text, uint32_t line, const char *expected) {
	char *patch = patch_insert("log.md", text, line, "| new |");
	assert_string_equal(patch, expected);
	free(patch);
}

static void a_row_goes_between_its_neighbours(void **state) {
	(void)state;
	check("1\n2\n3\n4\n5\n6\n7\n8\n", 5,
			"--- a/log.md\n+++ b/log.md\n@@ -2,6 +2,7 @@\n"
			" 2\n 3\n 4\n+| new |\n 5\n 6\n 7\n");
}

static void a_row_goes_to_the_very_end(void **state) {
	(void)state;
	check("1\n2\n", 3,
			"--- a/log.md\n+++ b/log.md\n@@ -1,2 +1,3 @@\n"
			" 1\n 2\n+| new |\n");
}

static void a_last_line_without_an_end_is_given_one(void **state) {
	(void)state;
	check("1\n2", 3,
			"--- a/log.md\n+++ b/log.md\n@@ -1,2 +1,3 @@\n"
			" 1\n-2\n\\ No newline at end of file\n+2\n+| new |\n");
	check("1\n2", 2,
			"--- a/log.md\n+++ b/log.md\n@@ -1,2 +1,3 @@\n"
			" 1\n+| new |\n 2\n\\ No newline at end of file\n");
}

static void a_line_that_is_not_there_is_refused(void **state) {
	(void)state;
	assert_null(patch_insert("log.md", "1\n", 4, "| new |"));
	assert_null(patch_insert("log.md", "1\n", 0, "| new |"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_goes_between_its_neighbours),
		cmocka_unit_test(a_row_goes_to_the_very_end),
		cmocka_unit_test(a_last_line_without_an_end_is_given_one),
		cmocka_unit_test(a_line_that_is_not_there_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
