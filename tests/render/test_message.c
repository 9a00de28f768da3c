/*
 * Whole nights through the core, and every row that is said of them.
 */
#include "render/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "commands/command.h"
#include "render/markdown.h"
#include "support/night.h"
#include "support/test.h"

#define ROLES \
	"# Small launch\n\n" \
	"| Role | Primary | Backup | Contact |\n|---|---|---|---|\n" \
	"| Cutover lead | a | b | c |\n| DevOps lead | a | b | c |\n" \
	"| CTO | a | b | c |\n| Storage | a | b | c |\n\n"

#define GATES \
	"| Step | Required approvers | Record location |\n|---|---|---|\n" \
	"| Plan | CTO + DevOps lead | change |\n" \
	"| Cutover start (T0) | DevOps lead + Storage | channel |\n" \
	"| Success | DevOps lead + CTO | change |\n" \
	"| Rollback | DevOps lead + CTO | incident |\n\n"

static const char launch[] = ROLES GATES
		"| Group | Roles |\n|---|---|\n| Reps | Storage + CTO |\n\n"
		"| Parameter | Value | Meaning |\n|---|---|---|\n"
		"| RELEASE | `2025.09.2` | what is launched |\n\n"
		"| Time | Activity | Owner |\n|---|---|---|\n"
		"| T0 | go | Cutover lead |\n| T+45m | `!cutover decide` | CTO |\n\n"
		"## 3 Rehearse {.rehearsal}\n\n"
		"1. Try\n\n   ```sh\n   echo try\n   ```\n\n"
		"## 4 Production {.production plan=\"Plan\" "
		"gate=\"Cutover start (T0)\"}\n\n"
		"### 4.1 Pre-flight\n\n"
		"1. Back up\n\n   ```sh sets=\"SNAP\"\n"
		"   echo SNAP=1 >>\"$BRIDGE_OUTPUT\"\n   ```\n"
		"2. Look at the board and at everything else that there is to see "
		"{owner=\"Storage\"}\n\n   It hangs on the wall.\n\n"
		"### 4.2 Apply updates\n\n"
		"1. Deploy\n\n   ```sh\n   echo deploy\n   ```\n\n"
		"## 5 Smoke tests {.smoke success=\"Success\"}\n\n"
		"| Test | Command / action | Expected result |\n|---|---|---|\n"
		"| API health | `echo ok` | `output contains \"ok\"` |\n"
		"| Scan | `echo scan` | `output contains \"scan\"` |\n"
		"| Web UI {owner=\"Storage\"} | look | it loads in 2 s |\n\n"
		"## 6 Back {.rollback gate=\"Rollback\"}\n\n"
		"1. Down\n\n   ```sh\n   echo down\n   ```\n"
		"2. Restore the snapshot {owner=\"Storage\"}\n\n"
		"   Only if data is inconsistent.\n\n   ```sh ask\n"
		"   echo \"$SNAP\"\n   ```\n\n"
		"## 7 After {.post}\n\n"
		"- Watch\n\n   ```sh every=10m for=30m\n   echo fine\n   ```\n"
		"- Tell people {owner=\"CTO\"}\n";

/* A night that is listened to. */
struct talk {
	struct night night;
	struct templates *templates;
	struct message_command commands[32];
	size_t command_count;
	struct message_rows rows; // all of them, in order
	size_t shown;             // rows before this one were looked at
};

static struct message_world world_in(
		const struct talk *talk, const struct world *world) {
	return (struct message_world){
		.world = world,
		.templates = talk->templates,
		.head = "7f3ac01988aa",
		.commands = talk->commands,
		.command_count = talk->command_count,
	};
}

static void heard(void *data, const struct world *world,
		const struct event *event, size_t following) {
	struct talk *talk = data;
	struct message_world in = world_in(talk, world);
	in.following = event + 1;
	in.following_count = following;
	message_rows(&in, &talk->night.bridge, event, &talk->rows);
}

static void talk_init(struct talk *talk, const char *runbook) {
	*talk = (struct talk){ 0 };
	struct err err = { 0 };
	talk->templates = templates_create(NULL, 0, &err);
	assert_non_null(talk->templates);
	const struct command *const *table = command_table(&talk->command_count);
	for (size_t i = 0; i < talk->command_count; i++) {
		talk->commands[i] = (struct message_command){
			.name = table[i]->name,
			.usage = table[i]->usage,
			.summary = table[i]->summary,
			.who = table[i]->who,
			.type = table[i]->type,
		};
	}
	night_init(&talk->night, runbook);
	talk->night.heard = heard;
	talk->night.heard_data = talk;
}

/* --- rules that every row keeps --- */

static const struct message_row *posted(
		const struct talk *talk, const char *key, size_t before) {
	for (size_t i = 0; i < before; i++) {
		if (talk->rows.list[i].kind == MESSAGE_POST &&
				strcmp(talk->rows.list[i].key, key) == 0) {
			return &talk->rows.list[i];
		}
	}
	return NULL;
}

static void check_line(const struct message_row *row, const char *line,
		size_t len, bool first) {
	size_t width = markdown_width(line, len);
	// What people and servers are called is not the bot's to shorten.
	bool named = memchr(line, '@', len) != NULL;
	if (width > (first ? 46 : 48) && !named) {
		fail_msg("%s: %zu letters: %.*s", row->key, width, (int)len, line);
	}
	assert_true(line[0] != '|');
	assert_true(strncmp(line, "- ", 2) != 0);
	if (line[0] == '#') {
		assert_true(first && strstr(row->key, "/gate/") != NULL);
	}
}

static void check_text(const struct message_row *row) {
	size_t lines = 0;
	bool fenced = false;
	assert_null(strstr(row->text, "could not be written"));
	for (const char *line = row->text;; lines++) {
		size_t len = strcspn(line, "\n");
		bool fence = strncmp(line, "```", 3) == 0;
		fenced ^= fence;
		if (!fenced && !fence) {
			check_line(row, line, len, lines == 0);
		}
		if (line[len] == '\0') {
			break;
		}
		line += len + 1;
	}
	assert_false(fenced);
	assert_true(lines < 20);
}

static void check_rows(const struct talk *talk) {
	for (size_t i = 0; i < talk->rows.count; i++) {
		const struct message_row *row = &talk->rows.list[i];
		for (size_t j = 0; j < i; j++) {
			if (strcmp(talk->rows.list[j].key, row->key) == 0) {
				fail_msg("said twice: %s", row->key);
			}
		}
		if (row->target[0] != '\0' && posted(talk, row->target, i) == NULL) {
			fail_msg("%s is about %s, which nobody posted", row->key,
					row->target);
		}
		bool text = row->kind == MESSAGE_POST || row->kind == MESSAGE_EDIT;
		if (text) {
			check_text(row);
		}
	}
}

static void talk_finish(struct talk *talk) {
	check_rows(talk);
	assert_string_equal(talk->night.violated, "");
	message_rows_finish(&talk->rows);
	templates_destroy(talk->templates);
	night_finish(&talk->night);
}

/* --- what was said, as text --- */

static void add_row(struct str *out, const struct message_row *row) {
	static const char *const kinds[] = { "post", "edit", "pin", "unpin",
		"react" };
	str_addf(out, "[%s %s", kinds[row->kind], row->key);
	if (row->kind == MESSAGE_POST && row->target[0] != '\0') {
		str_addf(out, " in %s", row->target);
	}
	if (row->target_post[0] != '\0') {
		str_addf(out, " at %s", row->target_post);
	}
	if (row->file_path != NULL) {
		str_addf(out, " file %s", row->file_name);
	}
	str_add(out, "]\n");
	if (row->kind == MESSAGE_POST || row->kind == MESSAGE_EDIT) {
		str_addf(out, "%s\n", row->text);
	}
}

/* All rows since the last call; valid until the next. */
static const char *said(struct talk *talk) {
	static struct str out;
	str_clear(&out);
	for (size_t i = talk->shown; i < talk->rows.count; i++) {
		add_row(&out, &talk->rows.list[i]);
	}
	talk->shown = talk->rows.count;
	return str_text(&out);
}

static void say(struct talk *talk, const char *user, enum request_type type,
		const char *step, const char *text) {
	talk->night.command = command_of(type)->name;
	night_say(&talk->night, user, type, step, text);
}

static void a_night_of_everything_keeps_every_rule(void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk, launch);
	say(&talk, "lead", REQUEST_PLAN, NULL, NULL);
	night_tap(&talk.night, "lead", "white_check_mark");
	night_tap(&talk.night, "cto", "white_check_mark");
	say(&talk, "lead", REQUEST_REHEARSE, NULL, NULL);
	say(&talk, "lead", REQUEST_POLL, NULL, NULL);
	say(&talk, "lead", REQUEST_START, NULL, NULL);
	say(&talk, "lead", REQUEST_STATUS, NULL, NULL);
	night_tap(&talk.night, "lead", "white_check_mark");
	talk.night.tail = "one\ntwo\nthree\nmanifest for x/y:1 not found\n";
	night_will(&talk.night, "4.2.1", OUTCOME_FAILED);
	night_tap(&talk.night, "rep", "white_check_mark");
	night_pass(&talk.night, 10);
	night_tap(&talk.night, "rep", "white_check_mark");
	say(&talk, "lead", REQUEST_HOLD, NULL, "queue is `growing` @all");
	say(&talk, "lead", REQUEST_RESUME, NULL, NULL);
	say(&talk, "lead", REQUEST_WHY, NULL, NULL);
	say(&talk, "lead", REQUEST_WHO, NULL, NULL);
	say(&talk, "lead", REQUEST_HELP, NULL, NULL);
	say(&talk, "lead", REQUEST_RETRY, "4.2.1", NULL);
	say(&talk, "lead", REQUEST_DECIDE, NULL, NULL);
	say(&talk, "rep", REQUEST_DONE, "5.3", "looks fine");
	say(&talk, "lead", REQUEST_ROLLBACK, NULL, "ingest is red");
	say(&talk, "lead", REQUEST_ROLLBACK, NULL, NULL);
	night_tap(&talk.night, "cto", "x");
	night_jump(&talk.night, 11000);
	say(&talk, "lead", REQUEST_ROLLBACK, NULL, "ingest is red");
	say(&talk, "cto", REQUEST_ROLLBACK, NULL, "yes");
	say(&talk, "rep", REQUEST_RUN, "6.2", NULL);
	const struct world world = {
		.now_ms = talk.night.now_ms,
		.settings = &talk.night.settings,
		.people = &talk.night.people,
	};
	struct message_world in = world_in(&talk, &world);
	char *card = message_card(&in, &talk.night.bridge, night_run(&talk.night));
	say(&talk, "lead", REQUEST_CLOSE, NULL, NULL);
	assert_non_null(strstr(said(&talk), "[unpin LB-2/card/unpin]"));
	assert_non_null(strstr(card, "rolled back"));
	free(card);
	talk_finish(&talk);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_night_of_everything_keeps_every_rule),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
