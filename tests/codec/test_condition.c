#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/xalloc.h"
#include "codec/condition.h"
#include "codec/match.h"
#include "support/test.h"

static struct condition_subject script(int exit_status, const char *output) {
	return (struct condition_subject){
		.exit_status = exit_status,
		.duration_ms = 90000,
		.output = output,
		.output_len = strlen(output),
	};
}

static struct condition_subject request(int http_status, const char *body) {
	return (struct condition_subject){
		.http = true,
		.exit_status = -1,
		.http_status = http_status,
		.output = body,
		.output_len = strlen(body),
	};
}

/* "" if @text holds of @subject, else why not. */
static const char *verdict(
		const char *text, const struct condition_subject *subject) {
	static struct err err;
	err = (struct err){ 0 };
	size_t column = 0;
	struct condition *condition = condition_parse(text, &column, &err);
	if (condition == NULL) {
		fail_msg("`%s` at %zu: %s", text, column, err.text);
	}
	bool holds = condition_holds(condition, subject, &err);
	condition_free(condition);
	return holds ? "" : err.text;
}

#define assert_verdict(text, subject, expected) \
	assert_string_equal(verdict(text, &(subject)), expected)

static void a_script_is_judged_by_its_exit_status(void **state) {
	(void)state;
	struct condition_subject ended = script(3, "");
	assert_verdict("exit 3", ended, "");
	assert_verdict(" exit  0 ", ended, "wanted exit 0, got 3");
	assert_verdict("http 200", ended, "a script has no http status");
	struct condition_subject killed = script(-1, "");
	assert_verdict("exit 0", killed, "wanted exit 0, it did not exit");
}

static void a_request_is_judged_by_its_status_or_its_class(void **state) {
	(void)state;
	struct condition_subject answer = request(202, "");
	assert_verdict("http 202", answer, "");
	assert_verdict("http 2xx", answer, "");
	assert_verdict("http 200", answer, "wanted http 200, got 202");
	struct condition_subject broken = request(503, "");
	assert_verdict("http 2xx", broken, "wanted http 2xx, got 503");
	assert_verdict("exit 0", broken, "a request has no exit status");
}

static void time_counts_to_the_millisecond(void **state) {
	(void)state;
	struct condition_subject ended = script(0, "");
	assert_verdict("within 90s", ended, "");
	assert_verdict("within 90000ms", ended, "");
	assert_verdict("within 2m", ended, "");
	assert_verdict("within 89s", ended, "took 1m30s, wanted within 1m29s");
	assert_verdict("within 1m", ended, "took 1m30s, wanted within 1m00s");
}

static void text_is_looked_for_as_it_is_written(void **state) {
	(void)state;
	struct condition_subject ended = script(0, "a \"b\" \\ \xc3\xa9\n");
	assert_verdict("output contains \"a \\\"b\\\" \\\\\"", ended, "");
	assert_verdict("output contains \"\\u00e9\\n\"", ended, "");
	assert_verdict(
			"output contains \"Healthy\"", ended, "output has no \"Healthy\"");
	assert_verdict("output contains \"x\\ny\"", ended, "output has no \"x y\"");
}

static void patterns_match_and_say_when_they_do_not(void **state) {
	(void)state;
	struct condition_subject ended = script(0, "result: ok = true\n");
	assert_verdict("output matches /ok\\s*=\\s*true/", ended, "");
	assert_verdict("output matches /(?i)OK.*e$/", ended, "");
	assert_verdict(
			"output matches /a/b/", ended, "output does not match /a/b/");
}

static void a_pattern_at_its_limit_is_an_error_and_never_no_match(
		void **state) {
	(void)state;
	char output[64] = { 0 };
	memset(output, 'a', 40);
	output[40] = '!';
	struct condition_subject ended = script(0, output);
	assert_verdict("output matches /^(a+)+$/", ended,
			"/^(a+)+$/: pattern too expensive");
}

/* Without a sum over all places where a match could begin these took up to a
 * minute and a half, and the bot with them. */
static void no_pattern_takes_longer_than_a_moment(void **state) {
	(void)state;
	static const char *const patterns[] = {
		"a*a*d",
		"[ab]*[ac]d",
		"[ab]*[ab]*cd",
		"(a?){20}a{20}d",
		"[ab]{0,90}[ab]{0,900}cd",
	};
	static char output[MATCH_SUBJECT_MAX + 2];
	memset(output, 'a', MATCH_SUBJECT_MAX);
	output[MATCH_SUBJECT_MAX - 2] = 'x';
	output[MATCH_SUBJECT_MAX - 1] = 'd';
	struct condition_subject ended = script(0, output);
	clock_t begun = clock();
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		char text[80];
		snprintf(text, sizeof(text), "output matches /%s/", patterns[i]);
		assert_non_null(strstr(verdict(text, &ended), "too expensive"));
	}
	assert_true(clock() - begun < 20 * CLOCKS_PER_SEC); // sanitizers are slow
	assert_verdict("output matches /xd$/", ended, "");
	output[MATCH_SUBJECT_MAX] = 'a';
	ended = script(0, output);
	assert_verdict("output matches /xd/", ended,
			"/xd/: 65537 bytes to search; a pattern is tried on 65536 at most");
	assert_verdict("output contains \"xd\"", ended, "");
}

static void deep_and_large_json_is_read_or_refused(void **state) {
	(void)state;
	const size_t deep = 200000;
	char *output = xcalloc(1, 2 * deep + 64);
	memset(output, '[', deep);
	struct condition_subject ended = script(0, output);
	assert_verdict("json [0] == 1", ended, "the output is no JSON");
	memset(output + deep, ']', deep);
	ended = script(0, output);
	assert_verdict("json [0] == 1", ended, "the output is no JSON");
	memset(output, ' ', 2 * deep);
	memcpy(output, "{\"a\":[7", 7);
	for (size_t i = 7; i < 2 * deep; i += 2) {
		memcpy(output + i, ",7", 2);
	}
	strcpy(output + 2 * deep + 1, "]}");
	ended = script(0, output);
	assert_verdict("json .a[199996] == 7", ended, "");
	assert_verdict("json .a[199999] == 7", ended, "output has no .a[199999]");
	free(output);
}

static void what_is_no_text_is_no_json(void **state) {
	(void)state;
	struct condition_subject ended = script(0, "{\"a\":\"x\xff\"}");
	assert_verdict("json .a != \"y\"", ended, "the output is no JSON");
	ended = script(0, "{\"a\":\"\xc3\xa9\"}");
	assert_verdict("json .a == \"\\u00e9\"", ended, "");
	ended = script(0, "\xff\xfe ok");
	assert_verdict("output contains \"ok\"", ended, "");
	assert_verdict(
			"output matches /^. ok/", ended, "output does not match /^. ok/");
}

static void numbers_are_never_taken_for_others(void **state) {
	(void)state;
	struct condition_subject ended = script(0,
			"{\"huge\":1e999,\"id\":9007199254740993,\"small\":1e-999,"
			"\"n\":0.1,\"minus\":-1e400,\"text\":\"1e999\"}");
	assert_verdict("json .huge > 5", ended, "");
	assert_verdict("json .huge <= 1e300", ended,
			".huge is a huge number, wanted <= 1e+300");
	assert_verdict("json .minus < 0", ended, "");
	assert_verdict("json .id == 9007199254740992", ended,
			".id is too large a number to compare exactly");
	assert_verdict("json .id != 9007199254740992", ended,
			".id is too large a number to compare exactly");
	assert_verdict("json .id >= 9007199254740993", ended,
			".id is too large a number to compare exactly");
	assert_verdict("json .id > 5", ended, "");
	assert_verdict("json .small == 0", ended, "");
	assert_verdict("json .n == 0.1", ended, "");
	assert_verdict(
			"json .n == 0.10000001", ended, ".n is 0.1, wanted == 0.10000001");
	assert_verdict("json .text == 5", ended, ".text is \"1e999\", wanted == 5");
}

static void json_paths_reach_into_objects_and_lists(void **state) {
	(void)state;
	struct condition_subject ended = script(0,
			"{\"status\":\"Healthy\",\"n\":3,\"up\":true,\"gone\":null,"
			"\"items\":[{\"a b\":1.5},{\"a b\":2}]}\n");
	assert_verdict("json .status == \"Healthy\"", ended, "");
	assert_verdict("json [\"status\"]!=\"Down\"", ended, "");
	assert_verdict("json .items[0][\"a b\"] == 1.5", ended, "");
	assert_verdict("json .items[1][\"a b\"] <= 2", ended, "");
	assert_verdict("json .up == true", ended, "");
	assert_verdict("json .gone == null", ended, "");
	assert_verdict("json .n >= 4", ended, ".n is 3, wanted >= 4");
	assert_verdict("json .status == \"Up\"", ended,
			".status is \"Healthy\", wanted == \"Up\"");
	assert_verdict("json .items == 1", ended, ".items is a list, wanted == 1");
}

static void every_comparison_does_what_its_sign_says(void **state) {
	(void)state;
	static const char signs[][3] = { "==", "!=", "<", "<=", ">", ">=" };
	static const char numbers[] = { '2', '3', '4' };
	static const bool expected[6][3] = {
		{ false, true, false },
		{ true, false, true },
		{ false, false, true },
		{ false, true, true },
		{ true, false, false },
		{ true, true, false },
	};
	struct condition_subject ended = script(0, "{\"n\":3,\"s\":\"3\"}");
	for (size_t i = 0; i < 6; i++) {
		for (size_t j = 0; j < 3; j++) {
			char text[40];
			snprintf(text, sizeof(text), "json .n %s %c", signs[i], numbers[j]);
			assert_int_equal(verdict(text, &ended)[0] == '\0', expected[i][j]);
			snprintf(text, sizeof(text), "json .s %s \"%c\"", signs[i],
					numbers[j]);
			assert_int_equal(verdict(text, &ended)[0] == '\0', expected[i][j]);
		}
	}
}

static void a_missing_path_fails_every_comparison(void **state) {
	(void)state;
	struct condition_subject ended = script(0, "{\"a\":[1]}");
	assert_verdict("json .b == 1", ended, "output has no .b");
	assert_verdict("json .b != 1", ended, "output has no .b");
	assert_verdict("json .a[1] < 9", ended, "output has no .a[1]");
	assert_verdict("json .a.b != 1", ended, "output has no .a.b");
	assert_verdict("json [0] != 1", ended, "output has no [0]");
}

static void unequal_types_are_never_equal_nor_ordered(void **state) {
	(void)state;
	struct condition_subject ended = script(0, "{\"n\":\"3\",\"t\":true}");
	assert_verdict("json .n == 3", ended, ".n is \"3\", wanted == 3");
	assert_verdict("json .n < 9", ended, ".n is \"3\", wanted < 9");
	assert_verdict("json .n >= 0", ended, ".n is \"3\", wanted >= 0");
	assert_verdict("json .n != 3", ended, "");
	assert_verdict("json .t == 1", ended, ".t is true, wanted == 1");
	assert_verdict("json .t == false", ended, ".t is true, wanted == false");
}

static void output_that_is_no_json_is_said_to_be_none(void **state) {
	(void)state;
	struct condition_subject ended = script(0, "ok\n");
	assert_verdict("json .a == 1", ended, "the output is no JSON");
	ended = script(0, "{\"a\":1} {}");
	assert_verdict("json .a == 1", ended, "the output is no JSON");
	ended = script(0, "");
	assert_verdict("json .a == 1", ended, "the output is no JSON");
	ended = script(0, "{\"a\":\"x\\u0000y\"}");
	assert_verdict("json .a == \"x\"", ended,
			"the output has a NUL character, which JSON conditions do not "
			"read");
}

static void output_that_was_cut_proves_no_absence(void **state) {
	(void)state;
	struct condition_subject ended = script(0, "Healthy");
	ended.output_missing = "it was cut at 50 MB";
	assert_verdict("output contains \"Healthy\"", ended, "");
	assert_verdict("output contains \"Down\"", ended,
			"cannot be told: it was cut at 50 MB");
	assert_verdict("output matches /Healthy/", ended,
			"cannot be told: it was cut at 50 MB");
	assert_verdict(
			"json .a == 1", ended, "cannot be told: it was cut at 50 MB");
}

static void what_does_not_parse_is_refused_at_its_column(void **state) {
	(void)state;
	static const struct {
		const char *text;
		size_t column;
		const char *says;
	} bad[] = {
		{ "", 0, "begins with" },
		{ "status 200", 0, "begins with" },
		{ "exits 0", 0, "begins with" },
		{ "exit", 4, "from 0 to 255" },
		{ "exit 256", 5, "from 0 to 255" },
		{ "exit -1", 5, "from 0 to 255" },
		{ "exit 0 or 1", 7, "nothing may follow" },
		{ "exit 0x1", 6, "nothing may follow" },
		{ "http 20", 5, "three digits" },
		{ "http 2XX", 5, "three digits" },
		{ "http 600", 5, "three digits" },
		{ "http 2000", 8, "nothing may follow" },
		{ "within 5", 7, "as in `within 5m`" },
		{ "within 0s", 7, "above 0" },
		{ "within 8d", 7, "ms, s, m or h" },
		{ "within 200h", 7, "7 days" },
		{ "within 99999999999999999999h", 7, "7 days" },
		{ "output Healthy", 7, "output contains" },
		{ "output contains Healthy", 16, "double quotes" },
		{ "output contains \"", 16, "no closing quote" },
		{ "output contains \"a\\\"", 16, "no closing quote" },
		{ "output contains \"a\\d\"", 16, "no JSON string" },
		{ "output contains \"\"", 16, "cannot fail" },
		{ "output contains \"a\" \"b\"", 20, "nothing may follow" },
		{ "output contains \"a\\u0000\"", 16, "no JSON string" },
		{ "output matches ok", 15, "between slashes" },
		{ "output matches //", 15, "cannot fail" },
		{ "output matches /", 15, "between slashes" },
		{ "output matches /a/i", 15, "options go inside" },
		{ "output matches /a(b/", 19, "does not compile" },
		{ "json", 4, "a path begins" },
		{ "json status == 1", 5, "a path begins" },
		{ "json . == 1", 5, "after the dot" },
		{ "json .a[b] == 1", 8, "in brackets" },
		{ "json .a[1 == 1", 9, "closing bracket" },
		{ "json .a", 7, "after the path" },
		{ "json .a = 1", 8, "after the path" },
		{ "json .a == Healthy", 11, "double quotes" },
		{ "json .a == ", 11, "is compared with" },
		{ "json .a == {}", 11, "is compared with" },
		{ "json .a == 1 2", 11, "is compared with" },
		{ "json .a < true", 10, "have an order" },
		{ "json .a < 1e999", 10, "no number as large" },
		{ "json .a == -1e999", 11, "no number as large" },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = { 0 };
		size_t column = 99;
		struct condition *condition = condition_parse(
				bad[i].text, &column, &err);
		if (condition != NULL || column != bad[i].column ||
				strstr(err.text, bad[i].says) == NULL) {
			fail_msg("`%s`: column %zu, %s", bad[i].text, column, err.text);
		}
	}
}

static void a_word_of_a_condition_says_what_is_meant(void **state) {
	(void)state;
	assert_true(condition_is_meant("json x"));
	assert_true(condition_is_meant("output contains \"a\""));
	assert_false(condition_is_meant("outputs"));
	assert_false(condition_is_meant("runtime_events"));
}

static const char *all(
		const char *const *texts, const struct condition_subject *subject) {
	static struct err err;
	err = (struct err){ 0 };
	return condition_all_hold(texts, subject, &err) ? "" : err.text;
}

static void success_is_implied_unless_another_status_is_named(void **state) {
	(void)state;
	static const char *const text_only[] = { "output contains \"a\"", NULL };
	static const char *const other[] = { "exit 1", "output contains \"a\"",
		NULL };
	static const char *const no_content[] = { "http 404", NULL };
	struct condition_subject bad = script(1, "a");
	assert_string_equal(all(NULL, &bad), "exit 1");
	assert_string_equal(all(text_only, &bad), "exit 1");
	assert_string_equal(all(other, &bad), "");
	struct condition_subject good = script(0, "b");
	assert_string_equal(all(NULL, &good), "");
	assert_string_equal(all(text_only, &good), "output has no \"a\"");
	assert_string_equal(all(other, &good), "wanted exit 1, got 0");
	struct condition_subject answer = request(404, "");
	assert_string_equal(all(NULL, &answer), "wanted http 2xx, got 404");
	assert_string_equal(all(no_content, &answer), "");
}

static void a_reason_fits_one_line_whatever_the_output_was(void **state) {
	(void)state;
	char output[512];
	memset(output, 0, sizeof(output));
	strcpy(output, "{\"a\":\"\x01\xc3\xa9");
	memset(output + 9, 'x', 400);
	strcpy(output + 409, "\"}");
	struct condition_subject ended = script(0, output);
	const char *why = verdict("json .a == \"y\"", &ended);
	assert_non_null(strstr(why, "…\""));
	assert_non_null(strstr(why, " \xc3\xa9x"));
	assert_null(strpbrk(why, "\n\x01"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_script_is_judged_by_its_exit_status),
		cmocka_unit_test(a_request_is_judged_by_its_status_or_its_class),
		cmocka_unit_test(time_counts_to_the_millisecond),
		cmocka_unit_test(text_is_looked_for_as_it_is_written),
		cmocka_unit_test(patterns_match_and_say_when_they_do_not),
		cmocka_unit_test(a_pattern_at_its_limit_is_an_error_and_never_no_match),
		cmocka_unit_test(no_pattern_takes_longer_than_a_moment),
		cmocka_unit_test(deep_and_large_json_is_read_or_refused),
		cmocka_unit_test(what_is_no_text_is_no_json),
		cmocka_unit_test(numbers_are_never_taken_for_others),
		cmocka_unit_test(json_paths_reach_into_objects_and_lists),
		cmocka_unit_test(every_comparison_does_what_its_sign_says),
		cmocka_unit_test(a_missing_path_fails_every_comparison),
		cmocka_unit_test(unequal_types_are_never_equal_nor_ordered),
		cmocka_unit_test(output_that_is_no_json_is_said_to_be_none),
		cmocka_unit_test(output_that_was_cut_proves_no_absence),
		cmocka_unit_test(what_does_not_parse_is_refused_at_its_column),
		cmocka_unit_test(a_word_of_a_condition_says_what_is_meant),
		cmocka_unit_test(success_is_implied_unless_another_status_is_named),
		cmocka_unit_test(a_reason_fits_one_line_whatever_the_output_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
