#include "render/markdown.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#define ZWSP "\xE2\x80\x8B"

#define CHECK(call, wanted) \
	do { \
		struct str out = { 0 }; \
		call; \
		assert_string_equal(str_text(&out), wanted); \
		str_finish(&out); \
	} while (0)

static void text_is_shown_as_it_was_typed(void **state) {
	(void)state;
	CHECK(markdown_add_text(&out, "pull 11 images"), "pull 11 images");
	CHECK(markdown_add_text(&out, "stellaops_frontdoor"),
			"stellaops_frontdoor");
	CHECK(markdown_add_text(&out, "_x_ *y* ~z~ `c` [l](u) <b>"),
			"\\_x\\_ \\*y\\* \\~z\\~ \\`c\\` \\[l\\](u) \\<b>");
	CHECK(markdown_add_text(&out, "# head"), "\\# head");
	CHECK(markdown_add_text(&out, "- list"), "\\- list");
	CHECK(markdown_add_text(&out, "> quote"), "\\> quote");
	CHECK(markdown_add_text(&out, "1. first"), "1\\. first");
	CHECK(markdown_add_text(&out, "4.2.1 Pull"), "4.2.1 Pull");
	CHECK(markdown_add_text(&out, "R&D, A&amp;B"), "R\\&D, A\\&amp;B");
	CHECK(markdown_add_text(&out, "two\nlines\x01\x7F"), "two lines");
	CHECK(markdown_add_text(&out, "C:\\tmp"), "C:\\\\tmp");
}

static void nothing_of_it_calls_anybody(void **state) {
	(void)state;
	CHECK(markdown_add_text(&out, "@all @here"), "@" ZWSP "all @" ZWSP "here");
	CHECK(markdown_add_uncalled(&out, "**say** `!x` to @cto"),
			"**say** `!x` to @" ZWSP "cto");
}

static void nothing_of_it_turns_what_follows(void **state) {
	(void)state;
	CHECK(markdown_add_finished(&out,
				  "`\xE2\x80\xAE"
				  "deliaf`\n\xE2\x81\xA6ok\xE2\x80\x8F"),
			"`deliaf`\nok");
	CHECK(markdown_add_finished(&out, "\xD7\x90\xE2\x80\x8D"),
			"\xD7\x90\xE2\x80\x8D");
}

static void peoples_words_stay_in_their_code_span(void **state) {
	(void)state;
	CHECK(markdown_add_code(&out, "queue is growing", 60),
			"`queue is growing`");
	CHECK(markdown_add_code(&out, " `a` ``b``\nc ", 60), "`'a' ''b'' c`");
	CHECK(markdown_add_code(&out, "", 60), "");
	CHECK(markdown_add_code(&out, " \n ", 60), "");
	CHECK(markdown_add_code(&out, "üüüü", 3), "`üüü…`");
	CHECK(markdown_add_code(&out, "üüü", 3), "`üüü`");
	CHECK(markdown_add_code(&out,
				  "a\xFF"
				  "b",
				  9),
			"`a\xEF\xBF\xBD"
			"b`");
}

static void output_cannot_close_its_fence(void **state) {
	(void)state;
	CHECK(markdown_add_fence(&out, "one\ntwo\n", 4, 80),
			"```\none\ntwo\n```\n");
	CHECK(markdown_add_fence(&out, "1\n2\n3\n4\n5\n6", 4, 80),
			"```\n3\n4\n5\n6\n```\n");
	CHECK(markdown_add_fence(&out, "x\n```\n@all", 4, 80),
			"````\nx\n```\n@all\n````\n");
	// What is left out of the output brings its backticks together.
	CHECK(markdown_add_fence(&out, "x\n``\x07`\n@all", 4, 80),
			"````\nx\n```\n@all\n````\n");
	CHECK(markdown_add_fence(&out, "\x1b[31mred\x1b[0m\r\nbell\x07", 4, 80),
			"```\nred\nbell\n```\n");
	CHECK(markdown_add_fence(&out, "abcdef", 4, 3), "```\nabc…\n```\n");
	CHECK(markdown_add_fence(&out, " \n\n", 4, 3), "");
}

static void the_telling_line_is_the_last_that_says_something(void **state) {
	(void)state;
	char *line = markdown_last_line("pulling\nnot found\n\n  \n", 40);
	assert_string_equal(line, "not found");
	free(line);
	line = markdown_last_line("\n", 40);
	assert_string_equal(line, "");
	free(line);
	line = markdown_last_line("  abcdef", 3);
	assert_string_equal(line, "abc…");
	free(line);
}

static void long_lines_break_between_words(void **state) {
	(void)state;
	CHECK(markdown_add_wrapped(&out, "one two three four", 8, 8),
			"one two\nthree\nfour");
	CHECK(markdown_add_wrapped(&out, "say `one two three` now", 8, 8),
			"say\n`one two three`\nnow");
	CHECK(markdown_add_wrapped(&out, "a\nb  c", 8, 8), "a\nb c");
	CHECK(markdown_add_wrapped(&out, "**bold** and more", 8, 20),
			"**bold** and\nmore");
	CHECK(markdown_add_wrapped(&out, "wayoverthelimit x", 8, 8),
			"wayoverthelimit\nx");
}

static void what_goes_out_is_tidy(void **state) {
	(void)state;
	CHECK(markdown_add_finished(&out, "\n\na  \n\n\n\nb\n\n"), "a\n\nb");
	CHECK(markdown_add_finished(&out, "⏱ ▶️ ↩ ✅"),
			"⏱️ ▶️ ↩️ ✅");
}

static void a_width_is_what_is_seen(void **state) {
	(void)state;
	assert_int_equal(markdown_width("abc", 3), 3);
	assert_int_equal(markdown_width("**abc** `d`", 11), 5);
	assert_int_equal(markdown_width("#### ab", 7), 2);
	assert_int_equal(markdown_width("✅ a", strlen("✅ a")), 4);
	assert_int_equal(markdown_width("▶️ a", strlen("▶️ a")), 4);
	assert_int_equal(markdown_width("a\\_b", 4), 3);
	assert_int_equal(markdown_width("@" ZWSP "x", 5), 2);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_shown_as_it_was_typed),
		cmocka_unit_test(nothing_of_it_calls_anybody),
		cmocka_unit_test(nothing_of_it_turns_what_follows),
		cmocka_unit_test(peoples_words_stay_in_their_code_span),
		cmocka_unit_test(output_cannot_close_its_fence),
		cmocka_unit_test(the_telling_line_is_the_last_that_says_something),
		cmocka_unit_test(long_lines_break_between_words),
		cmocka_unit_test(what_goes_out_is_tidy),
		cmocka_unit_test(a_width_is_what_is_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
