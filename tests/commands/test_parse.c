#include "commands/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "support/test.h"

/* A match in one line: `-` for talk, `start`, `done 4.2 "words"`, `plan A=1`,
 * or `missed` and the first line of the answer. */
static char *told(const struct command_match *match) {
	struct str line = { 0 };
	if (!match->found) {
		str_add(&line, "-");
	} else if (match->request.type == REQUEST_MISSED) {
		str_add(&line, "missed ");
		str_add_bytes(
				&line, match->request.text, strcspn(match->request.text, "\n"));
	} else {
		assert_ptr_equal(match->command, command_of(match->request.type));
		str_add(&line, match->command->name);
		if (match->request.step != NULL) {
			str_addf(&line, " %s", match->request.step);
		}
		for (size_t i = 0; i < match->request.param_count; i++) {
			str_addf(&line, " %s=%s", match->request.params[i].name,
					match->request.params[i].value);
		}
		if (match->request.text != NULL) {
			str_addf(&line, " \"%s\"", match->request.text);
		}
	}
	return str_take(&line);
}

struct row {
	const char *said;
	const char *understood;
};

static void check_rows(const struct row *rows, size_t count, bool in_thread) {
	for (size_t i = 0; i < count; i++) {
		struct command_match match;
		command_parse(rows[i].said, in_thread, &match);
		char *line = told(&match);
		if (strcmp(line, rows[i].understood) != 0) {
			print_error("said: %s\n", rows[i].said);
		}
		assert_string_equal(line, rows[i].understood);
		free(line);
		command_match_finish(&match);
	}
}

#define CHECK(rows, in_thread) \
	check_rows(rows, sizeof(rows) / sizeof(rows[0]), in_thread)

static const struct row plain_rows[] = {
	{ "!help", "help" },
	{ "!help start", "help \"start\"" },
	{ "!help !cutover start", "help \"start\"" },
	{ "!help cutover hold", "help \"hold\"" },
	{ "!help Rollback", "help \"rollback\"" },
	{ "!help dance", "help \"dance\"" },
	{ "!cutover plan", "plan" },
	{ "!cutover plan RELEASE=2025.09.2", "plan RELEASE=2025.09.2" },
	{ "!cutover plan RELEASE=2025.09.2 PLATFORM=compose",
			"plan RELEASE=2025.09.2 PLATFORM=compose" },
	{ "!cutover plan NOTE=\"two words\"", "plan NOTE=two words" },
	{ "!cutover plan NOTE='two words' B=2", "plan NOTE=two words B=2" },
	{ "!cutover plan EMPTY=\"\"", "plan EMPTY=" },
	{ "!cutover plan URL=https://a.example/?b=c",
			"plan URL=https://a.example/?b=c" },
	{ "!cutover rehearse", "rehearse" },
	{ "!cutover poll", "poll" },
	{ "!cutover poll Guild leads", "poll \"Guild leads\"" },
	{ "!cutover start", "start" },
	{ "!cutover hold", "hold" },
	{ "!cutover hold queue is growing", "hold \"queue is growing\"" },
	{ "!cutover resume", "resume" },
	{ "!cutover decide", "decide" },
	{ "!cutover abort wrong release", "abort \"wrong release\"" },
	{ "!cutover close", "close" },
	{ "!rollback", "rollback" },
	{ "!rollback ingest returns 503", "rollback \"ingest returns 503\"" },
	{ "!done 4.2.1", "done 4.2.1" },
	{ "!done 4.2.1 all pods up", "done 4.2.1 \"all pods up\"" },
	{ "!done 3", "done 3" },
	{ "!done 4.1.3.1", "done 4.1.3.1" },
	{ "!fail 5.6 dashboards empty", "fail 5.6 \"dashboards empty\"" },
	{ "!run 6.4", "run 6.4" },
	{ "!pass 6.4", "pass 6.4" },
	{ "!pass 6.4 data is fine", "pass 6.4 \"data is fine\"" },
	{ "!retry 4.2.2", "retry 4.2.2" },
	{ "!skip 4.2.3 no such container", "skip 4.2.3 \"no such container\"" },
	{ "!claim 4.1.1", "claim 4.1.1" },
	{ "!note vendor joined the call", "note \"vendor joined the call\"" },
	{ "!status", "status" },
	{ "!who", "who" },
	{ "!why", "why" },
};

static void a_command_is_understood(void **state) {
	(void)state;
	CHECK(plain_rows, false);
}

static const struct row sloppy_rows[] = {
	{ "!Cutover Start", "start" },
	{ "!CUTOVER START", "start" },
	{ "!cutover   start  ", "start" },
	{ "  !cutover start", "start" },
	{ "\n!cutover start\n", "start" },
	{ "!cutover start.", "start" },
	{ "!cutover start!", "start" },
	{ "!cutover start !", "start" },
	{ "!cutover start…", "start" },
	{ "!cutover: start", "start" },
	{ "!cutover\nstart", "start" },
	{ "! cutover start", "start" },
	{ "!cutover\xC2\xA0start", "start" }, // no-break space
	{ "\xEF\xBC\x81"
	  "cutover start",
			"start" },                         // fullwidth !
	{ "!cutover\xE2\x80\xAFstart", "start" },  // narrow no-break space
	{ "!cutover\xE3\x80\x80start", "start" },  // ideographic space
	{ "\xEF\xBB\xBF!cutover start", "start" }, // byte order mark
	{ "!\xE2\x80\x8B"
	  "cutover start",
			"start" }, // zero width space
	{ "!cutover\tstart", "start" },
	{ "!rollback!", "rollback" },
	{ "!rollback: storage is down", "rollback \"storage is down\"" },
	{ "!rollback - storage is down", "rollback \"storage is down\"" },
	{ "!rollback — storage is down", "rollback \"storage is down\"" },
	{ "!rollback\r\nstorage is down", "rollback \"storage is down\"" },
	{ "!Status?", "status" },
	{ "!who?", "who" },
	{ "!why ?", "why" },
	{ "!done 4.2.1.", "done 4.2.1" },
	{ "!done 4.2.1: pods up", "done 4.2.1 \"pods up\"" },
	{ "!done 4.2.1 - pods up", "done 4.2.1 \"pods up\"" },
	{ "!done step 4.2.1", "done 4.2.1" },
	{ "!done 5.1 17", "done 5.1 \"17\"" },
	{ "!done 4.2.1\nthree lines\nof evidence",
			"done 4.2.1 \"three lines\nof evidence\"" },
	{ "! done 4.2.1", "done 4.2.1" },
	{ "!run 6.4?", "run 6.4" },
	{ "!cutover plan NOTE=“two words”", "plan NOTE=two words" },
	{ "!cutover plan NOTE=„two words“", "plan NOTE=two words" },
	{ "!cutover plan\xC2\xA0"
	  "A=1\xC2\xA0"
	  "B=2",
			"plan A=1 B=2" },
	{ "!cutover hold “red” is what I see", "hold \"“red” is what I see\"" },
	{ "!cutover hold WHY", "hold" }, // pasted: no reason
	{ "!rollback WHY", "rollback" },
	{ "!rollback [WHY]", "rollback" },
	{ "!done 4.2 [evidence]", "done 4.2" },
	{ "!rollback ...", "rollback" },
	{ "!cutover poll GROUP", "poll" },
};

static void what_phones_and_tired_hands_make_of_it_is_understood(void **state) {
	(void)state;
	CHECK(sloppy_rows, false);
}

#define MEANT  "missed **Did you mean this?** Nothing was done"
#define STEP   "missed **Which step?** Say its number:"
#define REASON "missed **Say why.** Nothing was done"

static const struct row near_rows[] = {
	{ "!start", MEANT },
	{ "!hold", MEANT },
	{ "!hold on a second", MEANT },
	{ "!plan A=1", MEANT },
	{ "!cutover rollback", MEANT },
	{ "!cutover status", MEANT },
	{ "!cutover help", MEANT },
	{ "!cutover done 4.2", MEANT },
	{ "!cutover strat", MEANT },
	{ "!cutover reherse", MEANT },
	{ "!cutover stop", MEANT },
	{ "!cutover go", MEANT },
	{ "!cutovr start", MEANT },
	{ "!cutover-start", MEANT },
	{ "!cutoverstart", MEANT },
	{ "!cut over start", MEANT },
	{ "!cutover", "missed **`!cutover` and what?** One of" },
	{ "!cutover !", "missed **Unknown:** `!cutover` with `!`" },
	{ "!cutover schedule 02:00",
			"missed **Unknown:** `!cutover` with "
			"`schedule`" },
	{ "!cutover the thing", "missed **Unknown:** `!cutover` with `the`" },
	{ "!rolback", MEANT },
	{ "!rollbakc storage", MEANT },
	{ "!roll back now", MEANT },
	{ "!stauts", MEANT },
	{ "!stat", MEANT },
	{ "!hlep", MEANT },
	{ "!doen 4.2", MEANT },
	{ "!rnu 6.4", MEANT },
	{ "!retyr 4.2", MEANT },
	{ "!undo", MEANT },
	{ "!stop", MEANT },
	{ "!approve", "missed **Nothing is approved by words**" },
	{ "!veto", "missed **Nothing is approved by words**" },
	{ "!!rollback", "missed **Not run:** one ! is enough" },
	{ "`!retry 4.2.2`", "missed **Not run:** it stood in backticks" },
	{ "!cutover start now", "missed **It stands alone:** not with `now`" },
	{ "!status of step 4", "missed **It stands alone:** not with `of step 4`" },
	{ "!done", STEP },
	{ "!done STEP", STEP },
	{ "!done pull images", STEP },
	{ "!done v4.2", STEP },
	{ "!retry", STEP },
	{ "!run it", STEP },
	{ "!claim …", STEP },
	{ "!skip because", STEP },
	{ "!done 4,2,1", MEANT },
	{ "!done 4.1 4.2", "missed **One step at a time:** nothing done" },
	{ "!done 4.1, 4.2 and 4.3", "missed **One step at a time:** nothing done" },
	{ "!retry 4.2.2 on node2", "missed **Only the step, not** `on node2`" },
	{ "!fail 5.6", REASON },
	{ "!fail 5.6 WHY", REASON },
	{ "!skip 4.2.2 WHY", REASON },
	{ "!skip 4.2.2 <WHY>", REASON },
	{ "!skip 4.2.2 ...", REASON },
	{ "!cutover abort", "missed **Say why.** Nothing was aborted" },
	{ "!cutover abort WHY", "missed **Say why.** Nothing was aborted" },
	{ "!note", "missed **Note what?** Say it in one go:" },
	{ "!note TEXT", "missed **Note what?** Say it in one go:" },
	{ "!cutover plan RELEASE 2025.09.2",
			"missed **No NAME=VALUE:** "
			"`RELEASE`" },
	{ "!cutover plan A = 1", "missed **No NAME=VALUE:** `A`" },
	{ "!cutover plan A=1 A=2", "missed **Given twice:** `A`" },
	{ "!cutover plan A=\"open", "missed **No NAME=VALUE:** `A=\"open`" },
	{ "!cutover plan 1A=x", "missed **No NAME=VALUE:** `1A=x`" },
	{ "!help the net is down", "missed **Help with what?** `the net is down`" },
	{ "!done 4.1\n!done 4.2", "missed **One command a message,** please" },
	{ "!rollback\n!cutover hold", "missed **One command a message,** please" },
};

static void a_near_miss_is_answered_and_never_run(void **state) {
	(void)state;
	CHECK(near_rows, false);
}

static const struct row talk_rows[] = {
	{ "", "-" },
	{ "!", "-" },
	{ "!!!", "-" },
	{ "! ", "-" },
	{ "hello", "-" },
	{ "all set? !cutover start", "-" },
	{ "please !rollback", "-" },
	{ "> !cutover start", "-" },
	{ "```\n!cutover start\n```", "-" },
	{ "    !cutover start", "-" },
	{ "\t!cutover start", "-" },
	{ "`!cutover start` opens the gate", "-" },
	{ "**!cutover start**", "-" },
	{ "- !cutover start", "-" },
	{ "!important", "-" },
	{ "!great work everybody", "-" },
	{ "!fun", "-" },
	{ "!= is not equal", "-" },
	{ "!1", "-" },
	{ "!nice", "-" },
	{ "! wow", "-" },
	{ "!?", "-" },
	{ "!🚀", "-" },
	{ "\xEF\xBC\x81", "-" },
	{ "¡rollback!", "-" },
	{ "/cutover start", "-" },
	{ "!\xFF\xFE", "-" },
};

static void talk_is_left_alone(void **state) {
	(void)state;
	CHECK(talk_rows, false);
}

#define CHANNEL "missed **Say it in the channel,** please,"

static const struct row thread_rows[] = {
	{ "!done 4.2.1", "done 4.2.1" },
	{ "!fail 4.2.1 no", "fail 4.2.1 \"no\"" },
	{ "!note seen", "note \"seen\"" },
	{ "!claim 4.2.1", "claim 4.2.1" },
	{ "!status", "status" },
	{ "!cutover hold", "hold" },
	{ "!rollback", "rollback" },
	{ "!cutover start", CHANNEL },
	{ "!cutover plan", CHANNEL },
	{ "!cutover abort x", CHANNEL },
	{ "!retry 4.2.1", CHANNEL },
	{ "!skip 4.2.1", CHANNEL },
	{ "!run 4.2.1", CHANNEL },
	{ "!who", CHANNEL },
	{ "!help", CHANNEL },
	{ "looks good!", "-" },
};

static void in_a_thread_only_some_commands_act(void **state) {
	(void)state;
	CHECK(thread_rows, true);
}

static void every_answer_fits_a_phone(void **state) {
	(void)state;
	for (size_t i = 0; i < sizeof(near_rows) / sizeof(near_rows[0]); i++) {
		struct command_match match;
		command_parse(near_rows[i].said, i % 2 == 1, &match);
		assert_true(match.found);
		const char *line = match.request.text;
		for (size_t row = 0; line != NULL; row++) {
			size_t len = strcspn(line, "\n");
			char *text = strndup(line, len);
			// Two for the sign in front; asterisks and backticks do not show.
			size_t letters = row == 0 ? 2 : 0;
			for (const char *c = text; *c != '\0'; c++) {
				bool shows = *c != '*' && *c != '`' &&
						((unsigned char)*c & 0xC0u) != 0x80u;
				letters += shows;
			}
			if (letters > (row == 0 ? 42 : 48)) {
				print_error("too long: %s\n", text);
			}
			assert_true(letters <= (row == 0 ? 42 : 48));
			free(text);
			line = line[len] == '\n' ? line + len + 1 : NULL;
		}
		command_match_finish(&match);
	}
}

static void what_was_said_is_kept_in_one_short_line(void **state) {
	(void)state;
	struct command_match match;
	command_parse("!note  first\n\nsecond\x01 `third`", false, &match);
	assert_string_equal(match.request.words, "!note first second `third`");
	assert_string_equal(match.request.command, "note");
	assert_string_equal(match.request.text, "first\n\nsecond  `third`");
	command_match_finish(&match);

	struct str long_note = { 0 };
	str_add(&long_note, "!note ");
	for (int i = 0; i < 16000; i++) {
		str_add(&long_note, "ü");
	}
	command_parse(str_text(&long_note), false, &match);
	assert_true(match.found);
	assert_int_equal(match.request.type, REQUEST_NOTE);
	assert_int_equal(utf8_count(match.request.text), 2000);
	assert_true(utf8_count(match.request.words) <= 201);
	command_match_finish(&match);
	str_finish(&long_note);
}

/* Half a million letters of nothing, of blanks, of marks, of steps. */
static void a_hostile_message_is_survived(void **state) {
	(void)state;
	static const char *const heads[] = { "!", "!cutover ", "!cutover plan ",
		"!done ", "!done 4.2 ", "!note ", "!help ", "`!", "!a" };
	static const char *const tails[] = { "!", " ", "a", "1.", "A=1 ", "\n!x",
		"\"", "\xE2\x80", "\xC2\xA0", "…", "`" };
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		for (size_t j = 0; j < sizeof(tails) / sizeof(tails[0]); j++) {
			struct str message = { 0 };
			str_add(&message, heads[i]);
			while (message.len < 70000) {
				str_add(&message, tails[j]);
			}
			struct command_match match;
			command_parse(str_text(&message), false, &match);
			assert_true(!match.found || match.request.text == NULL ||
					strlen(match.request.text) <= 8000);
			command_match_finish(&match);
			str_finish(&message);
		}
	}
}

static void an_answer_cannot_be_broken_out_of(void **state) {
	(void)state;
	struct command_match match;
	command_parse("!cutover `@all` x", false, &match);
	assert_string_equal(match.request.text,
			"**Unknown:** `!cutover` with `'@all'`\n"
			"`!help` shows what you can say");
	command_match_finish(&match);
	command_parse("!cutover who T0", false, &match); // who stands alone
	assert_string_equal(match.request.text,
			"**Did you mean this?** Nothing was done\n`!who`");
	command_match_finish(&match);
	command_parse("!rolback `x` @all\n# y", false, &match);
	assert_string_equal(match.request.text,
			"**Did you mean this?** Nothing was done\n"
			"`!rollback 'x' @all # y`");
	command_match_finish(&match);
}

static void every_command_is_in_the_table_under_its_usage(void **state) {
	(void)state;
	size_t count = 0;
	const struct command *const *table = command_table(&count);
	assert_int_equal(count, REQUEST_MISSED);
	for (size_t i = 0; i < count; i++) {
		const struct command *command = table[i];
		assert_ptr_equal(command_of(command->type), command);
		assert_ptr_equal(
				command_find(command->name, strlen(command->name)), command);
		char usage[40];
		snprintf(usage, sizeof(usage), "!%s%s",
				command->cutover ? "cutover " : "", command->name);
		assert_memory_equal(command->usage, usage, strlen(usage));
		assert_true(strlen(command->summary) <= 40);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_is_understood),
		cmocka_unit_test(what_phones_and_tired_hands_make_of_it_is_understood),
		cmocka_unit_test(a_near_miss_is_answered_and_never_run),
		cmocka_unit_test(talk_is_left_alone),
		cmocka_unit_test(in_a_thread_only_some_commands_act),
		cmocka_unit_test(every_answer_fits_a_phone),
		cmocka_unit_test(what_was_said_is_kept_in_one_short_line),
		cmocka_unit_test(a_hostile_message_is_survived),
		cmocka_unit_test(an_answer_cannot_be_broken_out_of),
		cmocka_unit_test(every_command_is_in_the_table_under_its_usage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
