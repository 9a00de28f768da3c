#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/err.h"
#include "base/near.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "support/test.h"

static void a_string_stops_at_its_cap_and_says_so(void **state) {
	(void)state;
	struct str str;
	str_init(&str, 8);
	str_add(&str, "12345");
	assert_false(str.cut);
	str_addf(&str, "%d", 678901);
	assert_true(str.cut);
	assert_string_equal(str_text(&str), "12345678");
	str_finish(&str);
}

static void an_empty_string_has_a_text(void **state) {
	(void)state;
	struct str str = { 0 };
	assert_string_equal(str_text(&str), "");
	char *text = str_take(&str);
	assert_string_equal(text, "");
	free(text);
}

static void hashes_are_the_published_ones(void **state) {
	(void)state;
	char hex[SHA256_HEX];
	sha256_of("abc", 3, hex); // FIPS 180-4, example B.1
	assert_string_equal(hex,
			"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256_hmac("Jefe", 4, "what do ya want for nothing?", 28, hex);
	assert_string_equal(hex, // RFC 4231, test case 2
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void fields_do_not_run_together(void **state) {
	(void)state;
	char one[SHA256_HEX];
	char two[SHA256_HEX];
	struct sha256 *sha = sha256_begin();
	sha256_add_field(sha, "ab");
	sha256_add_field(sha, "c");
	sha256_end(sha, one);
	sha = sha256_begin();
	sha256_add_field(sha, "a");
	sha256_add_field(sha, "bc");
	sha256_end(sha, two);
	assert_string_not_equal(one, two);
}

static void an_error_is_told_from_the_outside_in(void **state) {
	(void)state;
	struct err err = { 0 };
	assert_false(err_set(&err, ERR_INVALID, "line %d: no such key", 4));
	assert_false(err_wrap(&err, "config.ini: "));
	assert_string_equal(err.text, "config.ini: line 4: no such key");
	assert_int_equal(err.code, ERR_INVALID);
}

static void bytes_that_are_no_utf8_are_replaced_one_by_one(void **state) {
	(void)state;
	struct str str = { 0 };
	// An overlong slash, a surrogate, one above U+10FFFF, a cut-off é.
	utf8_add_clean(&str, "a\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80\xc3", 11);
	assert_int_equal(str.len, 1 + 10 * 3);
	str_clear(&str);
	utf8_add_clean(&str, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\x80", 9);
	assert_string_equal(str_text(&str), "é€🚀");
	str_finish(&str);
}

static void a_cut_never_halves_a_character(void **state) {
	(void)state;
	assert_int_equal(utf8_cut("a€b", 5, 9), 5);
	assert_int_equal(utf8_cut("a€b", 5, 4), 4);
	assert_int_equal(utf8_cut("a€b", 5, 3), 1);
	assert_int_equal(utf8_cut("€", 3, 0), 0);
}

static void a_misspelled_word_is_guessed(void **state) {
	(void)state;
	static const char *const words[] = { "runbook", "state_dir", "prefix" };
	assert_string_equal(near_word("runbok", words, 3), "runbook");
	assert_string_equal(near_word("state_idr", words, 3), "state_dir");
	assert_string_equal(near_word("PREFIX", words, 3), "prefix");
	assert_null(near_word("timeout", words, 3));
	assert_null(near_word("", words, 3));
	assert_int_equal(near_distance("abcd", "acbd"), 1);
	assert_int_equal(near_distance("kitten", "sitting"), 3);
	char longest[80];
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_null(near_word(longest, words, 3));
}

static void a_duration_has_one_unit(void **state) {
	(void)state;
	int64_t ms = -1;
	assert_true(duration_parse("90s", &ms));
	assert_int_equal(ms, 90000);
	assert_true(duration_parse("10m", &ms));
	assert_int_equal(ms, 600000);
	assert_true(duration_parse("24h", &ms));
	assert_int_equal(ms, 86400000);
	assert_true(duration_parse("0", &ms));
	assert_int_equal(ms, 0);
	static const char *const bad[] = { "", "m", "10", "10 m", "-1s", "1h30m",
		"1.5h", "367d", "99999999999999999999s", "10M", " 1s", "1s " };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(duration_parse(bad[i], &ms));
	}
}

static void a_walk_over_text_skips_nothing_and_ends(void **state) {
	(void)state;
	size_t len = 0;
	assert_int_equal(utf8_next("\xE2\x82\xAC", &len), 0x20AC);
	assert_int_equal(len, 3);
	assert_int_equal(utf8_next("\xE2\x82", &len), UTF8_REPLACEMENT);
	assert_int_equal(len, 1);
	assert_int_equal(utf8_next("", &len), 0);
	assert_int_equal(len, 0);
	assert_int_equal(utf8_count("a\xC3\xBC\xFF"), 3);
	assert_int_equal(utf8_prefix("\xC3\xBC\xC3\xBC", 1), 2);
	assert_int_equal(utf8_prefix("ab", 9), 2);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_walk_over_text_skips_nothing_and_ends),
		cmocka_unit_test(a_string_stops_at_its_cap_and_says_so),
		cmocka_unit_test(an_empty_string_has_a_text),
		cmocka_unit_test(hashes_are_the_published_ones),
		cmocka_unit_test(fields_do_not_run_together),
		cmocka_unit_test(an_error_is_told_from_the_outside_in),
		cmocka_unit_test(bytes_that_are_no_utf8_are_replaced_one_by_one),
		cmocka_unit_test(a_cut_never_halves_a_character),
		cmocka_unit_test(a_misspelled_word_is_guessed),
		cmocka_unit_test(a_duration_has_one_unit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
