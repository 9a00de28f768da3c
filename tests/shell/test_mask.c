#include "exec/mask.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "support/test.h"

#define SECRET "p\"ss w+rd/\xc3\xa9\xf0\x9f\x9a\x80%1"

/* @text, which comes in two reads that are cut at @cut. */
static char *masked(const char *secret, const char *text, size_t cut) {
	const char *const values[] = { secret, NULL };
	struct mask *mask = mask_create(values);
	struct str out = { 0 };
	size_t len = strlen(text);
	size_t taken = mask_add(mask, text, cut, false, &out);
	assert_true(taken <= cut);
	taken += mask_add(mask, text + taken, len - taken, true, &out);
	assert_int_equal(taken, len);
	char *copy = xstrdup(str_text(&out));
	str_finish(&out);
	mask_destroy(mask);
	return copy;
}

static void assert_masked(
		const char *secret, const char *text, const char *wanted) {
	for (size_t cut = 0; cut <= strlen(text); cut++) {
		char *got = masked(secret, text, cut);
		assert_string_equal(got, wanted);
		free(got);
	}
}

static void a_value_is_hidden_wherever_a_read_ends(void **state) {
	(void)state;
	assert_masked(SECRET, "a" SECRET "b", "a***b");
	assert_masked(SECRET, SECRET SECRET, "******");
	assert_masked("abcabcabd", "abcabcabcabd abcabcab", "abc*** abcabcab");
}

static void a_value_is_hidden_as_a_url_spells_it(void **state) {
	(void)state;
	static const char *const spelled[] = {
		"p%22ss%20w%2Brd%2F%C3%A9%F0%9F%9A%80%251", // curl, jq's @uri
		"p%22ss+w%2Brd%2F%C3%A9%F0%9F%9A%80%251",   // a form
		"p%22ss%20w+rd/%c3%a9%f0%9f%9a%80%251",     // a path
	};
	for (size_t i = 0; i < sizeof(spelled) / sizeof(spelled[0]); i++) {
		char *text = xasprintf("?x=%s&y", spelled[i]);
		assert_masked(SECRET, text, "?x=***&y");
		free(text);
	}
}

static void a_value_is_hidden_as_json_spells_it(void **state) {
	(void)state;
	static const char *const spelled[] = {
		"p\\\"ss w+rd/\xc3\xa9\xf0\x9f\x9a\x80%1",       // most
		"p\\\"ss w+rd\\/\\u00e9\\ud83d\\ude80%1",        // PHP
		"p\\u0022ss w\\u002Brd/\\u00E9\\uD83D\\uDE80%1", // .NET
		"p\\u0022ss\\u0020w\\u002brd\\u002f\\u00e9\\ud83d\\ude80\\u00251",
	};
	for (size_t i = 0; i < sizeof(spelled) / sizeof(spelled[0]); i++) {
		char *text = xasprintf("{\"x\":\"%s\"}", spelled[i]);
		assert_masked(SECRET, text, "{\"x\":\"***\"}");
		free(text);
	}
}

static void a_value_is_hidden_as_a_shell_quotes_it(void **state) {
	(void)state;
	assert_masked("it's a \"secret\"", "+ : 'it'\\''s a \"secret\"' b",
			"+ : '***' b");
	assert_masked(
			"it's a \"secret\"", "it\\'s\\ a\\ \\\"secret\\\" b", "*** b");
	assert_masked("pa\xc3\xa9 wo\\rd", "$'pa\\303\\251 wo\\\\rd'", "$'***'");
	assert_masked("pa\xc3\xa9 wo\\rd", "+ x 'pa\xc3\xa9 wo\\rd'", "+ x '***'");
	assert_masked("100% sure'", "'100% sure'\\'''", "'***'");
}

/* Base64 of @before, the secret and @after. */
static char *encoded(
		const char *secret, const char *before, const char *after, bool url) {
	char *plain = xasprintf("%s%s%s", before, secret, after);
	char *out = xcalloc(4 * (strlen(plain) + 2) / 3 + 4, 1);
	EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)plain,
			(int)strlen(plain));
	for (char *at = out; url && *at != '\0'; at++) {
		*at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
	}
	free(plain);
	return out;
}

/* What must be left of an encoded text, at most, beside its neighbours. */
static size_t shown(const char *before, const char *after) {
	return (8 * strlen(before) + 5) / 6 + 4 + 4 * strlen(after);
}

static void assert_hides_base64(
		const char *secret, const char *before, const char *after, bool url) {
	char *text = encoded(secret, before, after, url);
	for (size_t cut = 0; cut <= strlen(text); cut++) {
		char *got = masked(secret, text, cut);
		assert_non_null(strstr(got, "***"));
		assert_true(strlen(got) - 3 <= shown(before, after));
		free(got);
	}
	free(text);
}

static void a_value_is_hidden_in_base64_wherever_it_stands(void **state) {
	(void)state;
	/* Bits of all kinds, so that both alphabets' own letters come up. */
	static const char *const secrets[] = { SECRET, "Hunter2Hunter2",
		"\xfb\xff\xfe\xfb\xef\xbe~~~\?\?\?>>>", "12345678" };
	static const char *const others[] = { "", "u", "u:", "me:", "user",
		"user:" };
	for (size_t i = 0; i < 4; i++) {
		for (size_t j = 0; j < 6; j++) {
			for (size_t k = 0; k < 6; k++) {
				assert_hides_base64(secrets[i], others[j], others[k], false);
				assert_hides_base64(secrets[i], others[j], others[k], true);
			}
		}
	}
}

static void base64_is_hidden_within_a_url_and_json_too(void **state) {
	(void)state;
	/* "~~~\?\?\?>>>": fn5+Pz8/Pj4+ */
	assert_masked("~~~\?\?\?>>>", "x=fn5%2BPz8%2FPj4%2B&", "x=***&");
	assert_masked("~~~\?\?\?>>>", "\"fn5\\u002BPz8\\/Pj4\\u002B\"", "\"***\"");
	assert_masked("~~~\?\?\?>>>", "fn5-Pz8_Pj4-", "***");
}

static void a_long_value_is_hidden_in_broken_lines_of_base64(void **state) {
	(void)state;
	char secret[121];
	memset(secret, 'k', 120);
	secret[120] = '\0';
	memcpy(secret, "Hunter2Hunter2-begin", 20);
	memcpy(secret + 100, "Hunter2Hunter2---end", 20);
	char *text = encoded(secret, "", "", false);
	static const size_t widths[] = { 76, 64 };
	for (size_t i = 0; i < 2; i++) {
		for (size_t at = 0; at < strlen(text); at += widths[i]) {
			size_t left = strlen(text + at);
			char *line = xstrndup(
					text + at, left < widths[i] ? left : widths[i]);
			assert_masked(secret, line, "***");
			free(line);
		}
	}
	free(text);
}

static void a_value_is_hidden_in_hexadecimal(void **state) {
	(void)state;
	/* od, hexdump -e and most programs; openssl, or printf %X */
	assert_masked("Hunter2?Jkz/+", "x:48756e746572323f4a6b7a2f2b\n", "x:***\n");
	assert_masked("Hunter2?Jkz/+", "48756E746572323F4A6B7A2F2B.", "***.");
	assert_masked("two long\nlines here",
			"74776f206c6f6e670a6c696e657320686572650a", "***0a");
	assert_masked("two long\nlines here", "6c696e65732068657265", "***");
	assert_masked("short", "73686f7274", "73686f7274");
}

static void a_long_value_is_hidden_in_broken_lines_of_hexadecimal(
		void **state) {
	(void)state;
	const char *secret = "Hunter2Hunter2-begin.Hunter2Hunter2--end";
	/* xxd -p: thirty bytes a line */
	assert_masked(secret,
			"48756e7465723248756e746572322d626567696e2e48756e746572324875",
			"***");
	assert_masked(secret, "6e746572322d2d656e640a", "***0a");
}

static void what_only_looks_alike_is_left_alone(void **state) {
	(void)state;
	assert_masked("Hunter2Hunter2", "Hunter2Hunter3 hunter2Hunter2",
			"Hunter2Hunter3 hunter2Hunter2");
	assert_masked("a%41bcdefgh", "aAbcdefgh a%2541bcdefgh", "aAbcdefgh ***");
	assert_masked("short", "short c2hvcnQ=", "short c2hvcnQ=");
	assert_masked("", "nothing to hide", "nothing to hide");
}

static void a_value_that_may_not_be_published_is_found(void **state) {
	(void)state;
	static const char *const values[] = { "Hunter2Hunter2", NULL };
	struct mask *mask = mask_create(values);
	assert_true(mask_finds(mask, "x=Hunter2Hunter2"));
	assert_true(mask_finds(mask, "SHVudGVyMkh1bnRlcjI="));
	assert_false(mask_finds(mask, "Hunter2Hunter"));
	mask_destroy(mask);
	mask_destroy(NULL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_hidden_wherever_a_read_ends),
		cmocka_unit_test(a_value_is_hidden_as_a_url_spells_it),
		cmocka_unit_test(a_value_is_hidden_as_json_spells_it),
		cmocka_unit_test(a_value_is_hidden_as_a_shell_quotes_it),
		cmocka_unit_test(a_value_is_hidden_in_base64_wherever_it_stands),
		cmocka_unit_test(base64_is_hidden_within_a_url_and_json_too),
		cmocka_unit_test(a_long_value_is_hidden_in_broken_lines_of_base64),
		cmocka_unit_test(a_value_is_hidden_in_hexadecimal),
		cmocka_unit_test(a_long_value_is_hidden_in_broken_lines_of_hexadecimal),
		cmocka_unit_test(what_only_looks_alike_is_left_alone),
		cmocka_unit_test(a_value_that_may_not_be_published_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
