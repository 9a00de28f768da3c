#include "exec/hearing.h"

#include <string.h>

#include "base/str.h"
#include "support/test.h"

/* What is heard, `WORD(BYTES)` each, `…` where a log goes on; `!` at the end
 * where it makes no sense. */
static void hear(const char *said, size_t piece, const char *wanted) {
	struct hearing hearing;
	struct str got = { 0 };
	size_t len = strlen(said);
	bool good = true;
	hearing_init(&hearing);
	for (size_t at = 0; at < len && good;) {
		struct heard heard;
		struct err err = { 0 };
		size_t some = len - at < piece ? len - at : piece;
		size_t taken = hearing_take(&hearing, said + at, some, &heard, &err);
		good = taken > 0;
		at += taken;
		if (heard.word != NULL) {
			str_addf(&got, "%s(%.*s%s)", heard.word, (int)heard.len,
					heard.bytes, heard.whole ? "" : "…");
		}
	}
	str_add(&got, good ? "" : "!");
	assert_string_equal(str_text(&got), wanted);
	str_finish(&got);
	hearing_finish(&hearing);
}

static void frames_are_heard_whole_and_logs_as_they_come(void **state) {
	(void)state;
	static const char said[] =
			"\nattend 0\nbegun 2\n17log 5\nhellopublished 0\nstatus 4\ngood";
	hear(said, sizeof(said),
			"attend()begun(17)log(hello)published()status(good)");
	hear(said, 3, "attend()begun(17)log(hel…)log(lo)published()status(good)");
	hear("\nmissing 0\n", 100, "missing()");
}

static void what_a_login_shell_says_first_is_passed_over(void **state) {
	(void)state;
	hear("Welcome to node1!\nlog 5\nhello\nattend 1\nattend 0\nlog 2\nhi", 100,
			"attend()log(hi)");
	hear("a line that is longer than any head may be, and goes on and on and "
		 "on\n\nattend 0\n",
			100, "attend()");
	hear("unfinished\nattend 0\n", 100, "attend()");
}

static void nonsense_is_told(void **state) {
	(void)state;
	hear("attend 0\nhello\n", 100, "attend()!");
	hear("attend 0\nlog\n", 100, "attend()!");
	hear("attend 0\nlog -1\n", 100, "attend()!");
	hear("attend 0\nlog 1 2\n", 100, "attend()!");
	hear("attend 0\nlog 9999999999\n", 100, "attend()!");
	hear("attend 0\nstatus 65538\n", 100, "attend()!");
	hear("attend 0\nawordthatistoolong 1\n", 100, "attend()!");
	hear("attend 0\na head without an end, that goes on for as long as it "
		 "likes to and longer",
			100, "attend()!");
}

static void another_connection_begins_anew(void **state) {
	(void)state;
	static const char half[] = "attend 0\nstatus 10\nhal";
	static const char again[] = "welcome\nattend 0\n";
	struct hearing hearing;
	struct heard heard;
	struct err err = { 0 };
	hearing_init(&hearing);
	for (size_t at = 0; at < strlen(half);) {
		at += hearing_take(&hearing, half + at, 1, &heard, &err);
	}
	hearing_reset(&hearing);
	for (size_t at = 0; at < strlen(again);) {
		at += hearing_take(&hearing, again + at, 1, &heard, &err);
	}
	assert_int_equal(err.code, ERR_NONE);
	assert_string_equal(heard.word, "attend");
	hearing_finish(&hearing);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_heard_whole_and_logs_as_they_come),
		cmocka_unit_test(what_a_login_shell_says_first_is_passed_over),
		cmocka_unit_test(nonsense_is_told),
		cmocka_unit_test(another_connection_begins_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
