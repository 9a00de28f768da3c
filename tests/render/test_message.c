/*
 * Whole nights through the core, and every row that is said of them.
 *
 * Each night is held against a transcript in tests/render/nights/, to be read
 * as people would see it.  After a change that is meant, read what it became:
 * test_render_message --write tests/render/nights \
 *	templates/runbooks/launch-cutover.md
 */
#include "render/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "commands/command.h"
#include "render/markdown.h"
#include "support/chance.h"
#include "support/night.h"
#include "support/test.h"

#define ROLES \
	"# Small launch\n\n" \
	"| Role | Primary | Backup | Contact |\n|---|---|---|---|\n" \
	"| Cutover lead | a | b | c |\n| DevOps lead | a | b | ~launch-bridge |\n" \
	"| CTO | a | b | c |\n| Storage | a | b | ~storage, pager |\n\n"

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
	bool any_width;           // lines may be longer than is good
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

static void check_line(
		const char *key, const char *line, size_t len, bool first) {
	size_t width = markdown_width(line, len);
	// What people and servers are called is not the bot's to shorten.
	bool named = memchr(line, '@', len) != NULL;
	if (width > (first ? 46 : 48) && !named) {
		fail_msg("%s: %zu letters: %.*s", key, width, (int)len, line);
	}
	assert_true(line[0] != '|');
	assert_true(strncmp(line, "- ", 2) != 0);
	if (line[0] == '#') {
		assert_true(first && strstr(key, "/gate/") != NULL);
	}
}

/* Backticks that open a fence, or close the one of @open; 0: neither. */
static size_t fence_of(const char *line, size_t len, size_t open) {
	size_t ticks = strspn(line, "`");
	bool fence = ticks >= 3 && ticks == len && (open == 0 || ticks >= open);
	return fence ? ticks : 0;
}

static void check_text(const char *key, const char *text) {
	size_t lines = 0;
	size_t open = 0;
	assert_null(strstr(text, "could not be written"));
	for (const char *line = text;; lines++) {
		size_t len = strcspn(line, "\n");
		size_t fence = fence_of(line, len, open);
		if (fence > 0) {
			open = open == 0 ? fence : 0;
		} else if (open == 0) {
			check_line(key, line, len, lines == 0);
		}
		if (line[len] == '\0') {
			break;
		}
		line += len + 1;
	}
	assert_int_equal(open, 0);
	// A plan is read at leisure; the web folds what has more lines.
	assert_true(lines < (strncmp(key, "plan/", 5) == 0 ? 26 : 20));
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
		if (text && !talk->any_width) {
			check_text(row->key, row->text);
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

/* A key, without the count of events that some end in: how many there were
 * before is nothing that people read. */
static void add_key(struct str *out, const char *key) {
	static const char *const kept[] = { "gate", "poll", "asked", "status" };
	const char *slash = strrchr(key, '/');
	bool count = slash[1] != '\0' &&
			strspn(slash + 1, "0123456789") == strlen(slash + 1);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]) && count; i++) {
		size_t len = strlen(kept[i]);
		count = (size_t)(slash - key) < len ||
				strncmp(slash - len, kept[i], len) != 0;
	}
	str_add_bytes(out, key, count ? (size_t)(slash - key) : strlen(key));
}

static void add_row(struct str *out, const struct message_row *row) {
	static const char *const kinds[] = { "post", "edit", "pin", "unpin",
		"react" };
	str_addf(out, "[%s ", kinds[row->kind]);
	add_key(out, row->key);
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

static void tap(struct talk *talk, const char *user, const char *emoji) {
	night_tap(&talk->night, user, emoji);
}

static void yes(struct talk *talk, const char *user) {
	tap(talk, user, "white_check_mark");
}

static void pass(struct talk *talk, int64_t minutes) {
	night_pass(&talk->night, minutes);
}

static struct world world_now(const struct talk *talk) {
	return (struct world){
		.now_ms = talk->night.now_ms,
		.settings = &talk->night.settings,
		.people = &talk->night.people,
	};
}

/* The card of the newest run, under a line of its own. */
static void add_card(struct talk *talk, struct str *out) {
	const struct world world = world_now(talk);
	struct message_world in = world_in(talk, &world);
	const struct run *run = night_run(&talk->night);
	char *card = message_card(&in, &talk->night.bridge, run);
	check_text("card", card);
	str_addf(out, "%s[the card]\n%s\n", said(talk), card);
	free(card);
}

/* --- the nights --- */

static void until_t0(struct talk *talk) {
	say(talk, "lead", REQUEST_PLAN, NULL, NULL);
	yes(talk, "lead");
	yes(talk, "cto");
	say(talk, "lead", REQUEST_REHEARSE, NULL, NULL);
	say(talk, "lead", REQUEST_START, NULL, NULL);
}

static void approve_t0(struct talk *talk) {
	yes(talk, "lead");
	yes(talk, "rep");
}

/* To the first step of production. */
static void begin_launch(struct talk *talk) {
	talk_init(talk, launch);
	until_t0(talk);
	approve_t0(talk);
}

/* From plan to close, all well. */
static void night_success(struct talk *talk, struct str *out) {
	until_t0(talk);
	yes(talk, "lead");
	add_card(talk, out);
	talk->night.slow = true;
	yes(talk, "rep");
	pass(talk, 2);
	add_card(talk, out);
	talk->night.tail = "11 pulled\n";
	talk->night.slow = false;
	pass(talk, 1);
	yes(talk, "rep");
	yes(talk, "rep");
	pass(talk, 1);
	yes(talk, "lead");
	yes(talk, "cto");
	pass(talk, 30);
	add_card(talk, out);
	yes(talk, "cto");
	pass(talk, 1);
	say(talk, "lead", REQUEST_CLOSE, NULL, NULL);
	add_card(talk, out);
}

/* A failed step retried, a hold, a refused rollback, a rollback. */
static void night_rollback(struct talk *talk, struct str *out) {
	until_t0(talk);
	said(talk);
	talk->night.tail = "one\ntwo\nthree\nfour\nno manifest for x:1\n";
	night_will(&talk->night, "4.2.1", OUTCOME_FAILED);
	approve_t0(talk);
	pass(talk, 10);
	yes(talk, "rep");
	add_card(talk, out);
	say(talk, "rep", REQUEST_CLAIM, "4.2.1", NULL);
	say(talk, "cto", REQUEST_HOLD, NULL, "queue is `growing` @all");
	say(talk, "lead", REQUEST_WHY, NULL, NULL);
	say(talk, "lead", REQUEST_RESUME, NULL, NULL);
	say(talk, "lead", REQUEST_RETRY, "4.2.1", NULL);
	say(talk, "lead", REQUEST_DECIDE, NULL, NULL);
	tap(talk, "rep", "x");
	say(talk, "other", REQUEST_ROLLBACK, NULL, NULL);
	tap(talk, "rep", "white_check_mark");
	tap(talk, "cto", "x");
	night_untap(&talk->night, "cto", "x");
	tap(talk, "cto", "x");
	night_jump(&talk->night, 11000);
	say(talk, "lead", REQUEST_ROLLBACK, NULL, "ingest is red");
	say(talk, "lead", REQUEST_ROLLBACK, NULL, NULL);
	say(talk, "cto", REQUEST_ROLLBACK, NULL, "yes");
	add_card(talk, out);
	say(talk, "rep", REQUEST_RUN, "6.2", NULL);
	say(talk, "lead", REQUEST_CLOSE, NULL, NULL);
	add_card(talk, out);
}

/* Questions, refusals and what else does not go as planned. */
static void night_trouble(struct talk *talk, struct str *out) {
	say(talk, "lead", REQUEST_STATUS, NULL, NULL);
	say(talk, "lead", REQUEST_HELP, NULL, NULL);
	say(talk, "lead", REQUEST_HELP, NULL, "retry");
	say(talk, "lead", REQUEST_HELP, NULL, "dance");
	say(talk, "lead", REQUEST_START, NULL, NULL);
	say(talk, "cto", REQUEST_PLAN, NULL, NULL);
	say(talk, "lead", REQUEST_PLAN, NULL, NULL);
	yes(talk, "cto");
	night_untap(&talk->night, "cto", "white_check_mark");
	pass(talk, 24 * 60);
	say(talk, "lead", REQUEST_PLAN, NULL, NULL);
	approve_t0(talk);
	yes(talk, "cto");
	say(talk, "lead", REQUEST_PLAN, NULL, NULL);
	say(talk, "lead", REQUEST_START, NULL, NULL);
	say(talk, "lead", REQUEST_POLL, NULL, "Reps");
	tap(talk, "rep", "x");
	yes(talk, "cto");
	night_will(&talk->night, "3.1", OUTCOME_FAILED);
	say(talk, "lead", REQUEST_REHEARSE, NULL, NULL);
	say(talk, "lead", REQUEST_SKIP, "3.1", "not today");
	say(talk, "lead", REQUEST_REHEARSE, NULL, NULL);
	say(talk, "lead", REQUEST_START, NULL, NULL);
	night_will(&talk->night, "4.1.1", OUTCOME_UNKNOWN);
	approve_t0(talk);
	say(talk, "lead", REQUEST_DONE, "4.1.1", "I looked");
	say(talk, "lead", REQUEST_DONE, "4.1.1", "without SNAP");
	say(talk, "cto", REQUEST_DONE, "4.1.2", NULL);
	say(talk, "cto", REQUEST_NOTE, NULL, "the vendor is on the line");
	say(talk, "lead", REQUEST_STATUS, NULL, NULL);
	say(talk, "lead", REQUEST_WHO, NULL, NULL);
	say(talk, "rep", REQUEST_HELP, NULL, NULL);
	night_jump(&talk->night, 25 * 60000);
	const struct request lost = { .type = REQUEST_SERVER_LOST };
	night_ask(&talk->night, &lost);
	night_jump(&talk->night, 90000);
	const struct request back = { .type = REQUEST_SERVER_BACK };
	night_ask(&talk->night, &back);
	const struct request broken = {
		.type = REQUEST_SOURCE_BROKEN,
		.problem = "launch.md:12:3: error: no such gate: T00 [gate-unknown]",
	};
	night_ask(&talk->night, &broken);
	talk->night.files_changed = true;
	yes(talk, "rep");
	talk->night.slow = true;
	approve_t0(talk);
	say(talk, "lead", REQUEST_ABORT, NULL, "wrong release");
	say(talk, "lead", REQUEST_ABORT, NULL, "wrong release");
	say(talk, "lead", REQUEST_CLOSE, NULL, NULL);
	add_card(talk, out);
}

/* --- the runbook that ships, with as many people as it has roles --- */

static const char *const platform_ops[] = { "platform-ops", "sre-lead" };
static const struct holders crew[] = {
	{ .role = "Cutover lead",
			.primary = "devops-lead",
			.backups = platform_ops,
			.backup_count = 2 },
	{ .role = "Authority stack", .primary = "authority-rep" },
	{ .role = "Scanner / Queue", .primary = "scanner-rep" },
	{ .role = "Storage", .primary = "storage-rep" },
	{ .role = "Observability", .primary = "telemetry-rep" },
	{ .role = "Approvals", .primary = "product-owner" },
	{ .role = "Product owner", .primary = "product-owner" },
	{ .role = "CTO", .primary = "cto" },
	{ .role = "DevOps lead", .primary = "devops-lead" },
	{ .role = "DevOps engineer", .primary = "devops-engineer" },
};

static void join(struct talk *talk) {
	for (size_t i = 0; i < sizeof(crew) / sizeof(crew[0]); i++) {
		char name[32];
		snprintf(name, sizeof(name), "%s", crew[i].primary);
		const struct person person = {
			.id = name,
			.name = name,
			.active = true,
			.member = true,
		};
		people_put(&talk->night.people, &person);
	}
	talk->night.settings.holders = crew;
	talk->night.settings.holder_count = sizeof(crew) / sizeof(crew[0]);
}

/* The step that waits for a person, or NULL. */
static const struct step *asked_step(const struct talk *talk) {
	const struct run *run = night_run(&talk->night);
	for (size_t i = 0; i < run->step_count; i++) {
		if (run->steps[i].status == STEP_ASKED) {
			return &run->plan->runbook->steps[i];
		}
	}
	return NULL;
}

/* Everybody who is asked does as asked, three minutes each. */
static void do_all(struct talk *talk) {
	const struct step *step = NULL;
	for (size_t i = 0; i < 40 && (step = asked_step(talk)) != NULL; i++) {
		const struct run *run = night_run(&talk->night);
		size_t index = runbook_step(run->plan->runbook, step->number);
		size_t lead = 0;
		struct role_set owner = step_owner(run->plan->runbook, index, &lead);
		const char *role = run->plan->runbook->roles[owner.roles[0]].name;
		const char *user =
				settings_holders(&talk->night.settings, role)->primary;
		pass(talk, 3);
		say(talk, user, step->ask ? REQUEST_RUN : REQUEST_DONE, step->number,
				"seen by me");
	}
}

static void approve(struct talk *talk, const char *const *users) {
	for (; *users != NULL; users++) {
		yes(talk, *users);
	}
}

static void night_launch(struct talk *talk, struct str *out) {
	static const char *const plan[] = { "cto", "devops-lead", NULL };
	static const char *const t0[] = { "devops-lead", "authority-rep",
		"scanner-rep", "storage-rep", NULL };
	join(talk);
	say(talk, "devops-lead", REQUEST_PLAN, NULL, NULL);
	approve(talk, plan);
	talk->night.tail = "pulling\n11 pulled on this host, 0 failed\n";
	say(talk, "devops-lead", REQUEST_REHEARSE, NULL, NULL);
	do_all(talk);
	say(talk, "devops-lead", REQUEST_POLL, NULL, "guild leads");
	say(talk, "devops-lead", REQUEST_START, NULL, NULL);
	say(talk, "storage-rep", REQUEST_STATUS, NULL, NULL);
	approve(talk, t0);
	add_card(talk, out);
	talk->night.tail = "manifest for scanner-web:2025.09.2 not found\n";
	night_will(&talk->night, "4.2.2", OUTCOME_FAILED);
	yes(talk, "telemetry-rep");
	do_all(talk);
	add_card(talk, out);
	say(talk, "devops-lead", REQUEST_RETRY, "4.2.2", NULL);
	do_all(talk);
	add_card(talk, out);
	say(talk, "devops-lead", REQUEST_WHO, NULL, NULL);
	say(talk, "storage-rep", REQUEST_ROLLBACK, NULL, "503, queue growing");
	yes(talk, "devops-lead");
	yes(talk, "cto");
	do_all(talk);
	add_card(talk, out);
	say(talk, "devops-lead", REQUEST_CLOSE, NULL, NULL);
	str_add(out, said(talk));
}

struct written {
	const char *name;
	void (*play)(struct talk *talk, struct str *out);
};

static const struct written nights[] = {
	{ "success", night_success },
	{ "rollback", night_rollback },
	{ "trouble", night_trouble },
	{ "launch", night_launch },
};

static const char *folder;
static const char *launch_path; // templates/runbooks/launch-cutover.md

static char *read_file(const char *path) {
	FILE *file = fopen(path, "r");
	if (file == NULL) {
		fail_msg("cannot read %s", path);
	}
	struct str text = { 0 };
	char part[4096];
	size_t len = 0;
	while ((len = fread(part, 1, sizeof(part), file)) > 0) {
		str_add_bytes(&text, part, len);
	}
	fclose(file);
	return str_take(&text);
}

/* Play it; caller frees the transcript. */
static char *transcript(const struct written *night) {
	struct talk talk;
	struct str out = { 0 };
	char *runbook = night->play == night_launch ? read_file(launch_path)
												: xstrdup(launch);
	talk_init(&talk, runbook);
	free(runbook);
	night->play(&talk, &out);
	talk_finish(&talk);
	return str_take(&out);
}

static char *path_of(const struct written *night) {
	return xasprintf("%s/%s.txt", folder, night->name);
}

static void check_night(size_t index) {
	char *path = path_of(&nights[index]);
	char *wanted = read_file(path);
	char *is = transcript(&nights[index]);
	size_t same = 0;
	while (is[same] != '\0' && is[same] == wanted[same]) {
		same++;
	}
	if (strcmp(is, wanted) != 0) {
		print_error("%s differs at: %.200s\n", path, is + same);
	}
	assert_string_equal(is, wanted);
	free(is);
	free(wanted);
	free(path);
}

static void a_night_that_succeeds_reads_well(void **state) {
	(void)state;
	check_night(0);
}

static void a_night_that_is_rolled_back_reads_well(void **state) {
	(void)state;
	check_night(1);
}

static void a_night_of_troubles_reads_well(void **state) {
	(void)state;
	check_night(2);
}

static void the_runbook_that_ships_reads_well(void **state) {
	(void)state;
	check_night(3);
}

/* --- claims over single rows --- */

static const struct message_row *row_with(
		const struct talk *talk, const char *part) {
	for (size_t i = talk->rows.count; i > 0; i--) {
		if (strstr(talk->rows.list[i - 1].key, part) != NULL) {
			return &talk->rows.list[i - 1];
		}
	}
	return NULL;
}

static void a_long_board_of_smoke_tests_shows_what_counts(void **state) {
	(void)state;
	struct str runbook = { 0 };
	str_add(&runbook,
			ROLES
			"## 1 Go {.production}\n\n1. Go\n\n   ```sh\n   go\n   ```\n\n"
			"## 2 Smoke {.smoke}\n\n"
			"| Test | Command / action | Expected result |\n"
			"|---|---|---|\n");
	for (int i = 1; i <= 30; i++) {
		str_addf(&runbook, "| Test %d | `true` | `exit 0` |\n", i);
	}
	struct talk talk;
	talk_init(&talk, str_text(&runbook));
	str_finish(&runbook);
	talk.night.slow = true;
	say(&talk, "lead", REQUEST_START, NULL, NULL);
	night_end(&talk.night, "1.1", OUTCOME_OK);
	for (int i = 1; i <= 15; i++) {
		char number[16];
		snprintf(number, sizeof(number), "2.%d", i);
		night_end(&talk.night, number, i == 2 ? OUTCOME_FAILED : OUTCOME_OK);
	}
	const char *text = row_with(&talk, "/smoke/edit/")->text;
	assert_non_null(strstr(text, "14 of 30 green, 1 red"));
	assert_non_null(strstr(text, "❌ **2.2 Test 2"));
	assert_null(strstr(text, "✅ 2.5 "));
	assert_non_null(strstr(text, "✅ 2.6 "));
	assert_non_null(strstr(text, "✅ 2.15 "));
	assert_non_null(strstr(text, "▶️ 2.16 "));
	assert_non_null(strstr(text, "⬜ 2.23 "));
	assert_null(strstr(text, "2.24 "));
	talk_finish(&talk);
}

static void a_post_that_takes_taps_is_never_edited_while_it_is_open(
		void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk, launch);
	until_t0(&talk);
	size_t before = talk.rows.count;
	yes(&talk, "lead");
	tap(&talk, "rep", "x");
	night_untap(&talk.night, "rep", "x");
	for (size_t i = before; i < talk.rows.count; i++) {
		assert_true(talk.rows.list[i].kind != MESSAGE_EDIT);
	}
	yes(&talk, "rep");
	assert_non_null(row_with(&talk, "/gate/2/edit/"));
	talk_finish(&talk);
}

static void break_glass(struct talk *talk, const char *user) {
	night_ask(&talk->night,
			&(struct request){
					.type = REQUEST_OVERRIDE,
					.user = user,
					.post = user,
					.command = "override",
					.role = "t0",
					.text = "nobody of @storage is there",
			});
}

/* The row whose key ends so. */
static const struct message_row *row_ending(
		const struct talk *talk, const char *end) {
	for (size_t i = 0; i < talk->rows.count; i++) {
		const char *key = talk->rows.list[i].key;
		size_t len = strlen(key);
		if (len >= strlen(end) && strcmp(key + len - strlen(end), end) == 0) {
			return &talk->rows.list[i];
		}
	}
	return NULL;
}

static void deputies_silence_and_broken_glass_are_told(void **state) {
	(void)state;
	static const char *const roles[] = { "CTO", "DevOps lead" };
	struct talk talk;
	talk_init(&talk, launch);
	talk.night.settings.override_roles = roles;
	talk.night.settings.override_role_count = 2;
	talk.night.settings.override_count = 2;
	talk.night.settings.escalate_after_ms = 10 * 60000;
	until_t0(&talk);
	night_ask(&talk.night,
			&(struct request){
					.type = REQUEST_DELEGATE,
					.user = "rep",
					.post = "delegating",
					.command = "delegate",
					.role = "Storage",
					.who = "other",
					.until = "4h",
			});
	const struct message_row *row = row_with(&talk, "deputy/");
	assert_non_null(row);
	assert_non_null(strstr(row->text, "**Storage:** @other stands in\nuntil "));
	night_pass(&talk.night, 11);
	row = row_with(&talk, "/silence/1");
	assert_non_null(row);
	assert_non_null(strstr(row->text, "· DevOps lead @dep\n"));
	assert_non_null(strstr(row->text, "· Storage @other\n")); // no backup
	night_pass(&talk.night, 10);
	row = row_ending(&talk, "/silence/2");
	assert_non_null(row);
	assert_non_null(strstr(row->text, "@lead"));
	assert_string_equal(row->channel, "");
	assert_non_null(strstr(row->text, "~storage"));
	assert_null(strstr(row->text, "~launch-bridge"));
	row = row_with(&talk, "/silence/2/~storage");
	assert_non_null(row);
	assert_string_equal(row->channel, "storage");
	assert_non_null(strstr(row->text, "**T0 still waits**\n"));
	assert_non_null(strstr(row->text, "· Storage @other @rep\n"));
	assert_null(strstr(row->text, "DevOps"));
	assert_non_null(strstr(row->text, "LB-2 in ~launch-bridge, since "));
	assert_null(row_with(&talk, "/silence/2/~launch-bridge"));
	yes(&talk, "lead");
	break_glass(&talk, "cto");
	row = row_with(&talk, "/override/");
	assert_non_null(row);
	assert_non_null(strstr(row->text, "1 of 2 have said so"));
	assert_non_null(strstr(row->text, "`nobody of @storage is there`"));
	break_glass(&talk, "dep");
	row = row_with(&talk, "/overridden");
	assert_non_null(row);
	assert_non_null(strstr(row->text, "T0 passed by override**"));
	assert_non_null(strstr(row->text, "· Storage @other\n"));
	assert_non_null(strstr(row->text, "`!review WHY`"));
	row = row_with(&talk, "/gate/2/edit/");
	assert_non_null(row);
	assert_non_null(strstr(row->text, "T0 overridden, "));
	assert_non_null(strstr(row->text, "1 of 2**"));
	assert_non_null(strstr(row->text, "\nlead\n"));
	talk_finish(&talk);
}

/* The text of what is said when the server is back after 90 s more. */
static const char *said_after_an_outage(struct talk *talk) {
	night_ask(&talk->night, &(struct request){ .type = REQUEST_SERVER_LOST });
	night_jump(&talk->night, 90000);
	night_ask(&talk->night, &(struct request){ .type = REQUEST_SERVER_BACK });
	return row_with(talk, "/back/")->text;
}

static void what_is_said_after_an_outage_is_true(void **state) {
	(void)state;
	struct talk talk;
	begin_launch(&talk);
	assert_string_equal(said_after_an_outage(&talk),
			"🔌 **I was cut off for 2 min 30 s**\n"
			"No new step began. LB-2 goes on");
	say(&talk, "cto", REQUEST_HOLD, NULL, "wait");
	assert_non_null(strstr(
			said_after_an_outage(&talk), "s**\nLB-2 is held, as it was"));
	say(&talk, "cto", REQUEST_ROLLBACK, NULL, NULL);
	talk.night.slow = true;
	yes(&talk, "lead");
	assert_int_equal(night_run(&talk.night)->status, RUN_ROLLING_BACK);
	assert_non_null(strstr(said_after_an_outage(&talk),
			"s**\nThe rollback of LB-2 went on meanwhile"));
	talk_finish(&talk);
}

static void success_does_not_say_that_it_watches_what_is_held(void **state) {
	(void)state;
	struct talk talk;
	begin_launch(&talk);
	pass(&talk, 1);
	yes(&talk, "rep");
	yes(&talk, "rep");
	pass(&talk, 1);
	say(&talk, "other", REQUEST_HOLD, NULL, "wait");
	yes(&talk, "lead");
	yes(&talk, "cto");
	assert_int_equal(night_run(&talk.night)->status, RUN_SUCCEEDED);
	const char *text = row_with(&talk, "/succeeded")->text;
	assert_non_null(strstr(text, "What comes after is held"));
	assert_null(strstr(text, "Now watching"));
	assert_null(strstr(text, "close"));
	talk_finish(&talk);
}

static void attach(
		struct talk *talk, const char *step, const char *root, size_t count) {
	static const char *const files[] = { "file1", "file2" };
	night_ask(&talk->night,
			&(struct request){
					.type = step != NULL ? REQUEST_DONE : REQUEST_NOTE,
					.user = "lead",
					.post = root != NULL ? "replied" : "said",
					.root = root,
					.command = step != NULL ? "done" : "note",
					.step = step,
					.text = step != NULL ? NULL : "look",
					.files = files,
					.file_count = count,
			});
}

static void what_people_attach_is_told_where_they_did(void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk,
			"## 1 Go {.production}\n\n1. Look at the board {evidence}\n\n"
			"## 2 Back {.rollback}\n\n1. Back\n");
	say(&talk, "lead", REQUEST_START, NULL, NULL);
	attach(&talk, NULL, NULL, 2);
	const struct message_row *row = row_ending(&talk, "/file/1");
	assert_non_null(row);
	assert_string_equal(row->text,
			"📎 kept with LB-1\n`shot.png`\n12 kB · SHA-256 `2cf24dba5fb0`");
	assert_string_equal(row->target_post, "said"); // below the message
	talk.night.unfetched = "it is gone from the server (HTTP 404)";
	attach(&talk, "1.1", "thread", 1);
	row = row_ending(&talk, "/file/3");
	assert_non_null(row);
	assert_string_equal(row->target_post, "thread"); // where it was said
	assert_string_equal(row->text,
			"⚠️ @lead **not kept** for 1.1\n`shot.png`\n"
			"it is gone from the server (HTTP 404)\n"
			"1.1 still waits: attach it again, or\n`!done 1.1 TEXT`");
	say(&talk, "lead", REQUEST_DONE, "1.1", "seen by all");
	say(&talk, "lead", REQUEST_CLOSE, NULL, NULL);
	row = row_with(&talk, "/closed");
	assert_non_null(row);
	assert_non_null(strstr(row->text, "\n📎 2 evidence files, 1 lost\n"));
	row = row_ending(&talk, "ack/said/paperclip");
	assert_non_null(row);
	assert_int_equal(row->kind, MESSAGE_REACT);
	talk_finish(&talk);
}

static void peoples_words_call_nobody_and_break_nothing(void **state) {
	(void)state;
	struct talk talk;
	begin_launch(&talk);
	say(&talk, "cto", REQUEST_HOLD, NULL, "`@all`\n# no\n| x |");
	const struct message_row *held = row_with(&talk, "/held/");
	assert_non_null(strstr(held->text, "\n`'@all' # no | x |`\n"));
	say(&talk, "lead", REQUEST_POLL, NULL, "# @here **x**");
	const struct message_row *refused = row_with(&talk, "answer/");
	assert_null(strstr(refused->text, "@here"));
	assert_null(strstr(refused->text, " **x**"));
	talk_finish(&talk);
}

static void output_cannot_leave_its_fence(void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk, launch);
	talk.night.tail = "\x1b[31m```\n@all **bold**\n````\n";
	night_will(&talk.night, "3.1", OUTCOME_FAILED);
	until_t0(&talk);
	const struct message_row *reply = row_with(&talk, "/try/1.1.1/failed");
	assert_non_null(strstr(reply->text,
			"\n`````\n```\n@all **bold**\n````\n"
			"`````"));
	assert_string_equal(reply->file_name, "3.1-local-try1.log");
	assert_string_equal(reply->target, "LB-1/card");
	talk_finish(&talk);
}

static void what_comes_next_is_what_can_be_done(void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk, launch);
	say(&talk, "lead", REQUEST_PLAN, NULL, NULL);
	yes(&talk, "cto");
	say(&talk, "lead", REQUEST_REHEARSE, NULL, NULL);
	assert_non_null(strstr(row_with(&talk, "/rehearsed")->text,
			"\nNext: the plan's approval, 1 of 2 so far"));
	say(&talk, "lead", REQUEST_START, NULL, NULL);
	assert_non_null(strstr(row_with(&talk, "/start")->text,
			"not approved yet\nmissing: lead or dep"));
	yes(&talk, "lead");
	say(&talk, "lead", REQUEST_REHEARSE, NULL, NULL);
	assert_non_null(strstr(
			row_with(&talk, "/rehearsed")->text, "\nNext: `!cutover start`"));
	talk_finish(&talk);
}

static void a_command_without_its_step_is_told_which_steps_it_could_mean(
		void **state) {
	(void)state;
	struct talk talk;
	begin_launch(&talk);
	struct request missed = {
		.type = REQUEST_MISSED,
		.user = "rep",
		.post = "missed1",
		.command = "done",
		.text = "**Which step?** Say its number:\n`!done STEP [evidence]`",
		.wants_step = true,
		.meant = REQUEST_DONE,
	};
	night_ask(&talk.night, &missed);
	assert_string_equal(row_with(&talk, "answer/missed1")->text,
			"✋ **Which step?** Say its number:\n`!done STEP [evidence]`\n"
			"Now: `!done 4.1.2`");
	missed.user = "other"; // nobody who could say it
	missed.post = "missed2";
	night_ask(&talk.night, &missed);
	assert_string_equal(row_with(&talk, "answer/missed2")->text,
			"✋ **Which step?** Say its number:\n`!done STEP [evidence]`");
	talk_finish(&talk);
}

static void what_waits_for_a_held_run_is_told_so(void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk, launch);
	until_t0(&talk);
	night_will(&talk.night, "4.2.1", OUTCOME_FAILED);
	approve_t0(&talk);
	yes(&talk, "rep");
	say(&talk, "cto", REQUEST_HOLD, NULL, "wait");
	say(&talk, "lead", REQUEST_RETRY, "4.2.1", NULL);
	assert_string_equal(row_with(&talk, "answer/")->text,
			"ℹ️ LB-2 is held: 4.2.1 is repeated after\n`!cutover resume`");
	talk_finish(&talk);
}

static void what_a_held_run_lost_is_asked_for_by_resume(void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk, launch);
	until_t0(&talk);
	night_will(&talk.night, "4.1.1", OUTCOME_NOT_STARTED);
	approve_t0(&talk);
	night_untap(&talk.night, "rep", "white_check_mark");
	assert_non_null(strstr(row_with(&talk, "/closed")->text,
			"an approval was withdrawn\nAgain: `!cutover resume`"));
	talk_finish(&talk);
}

static void what_ended_waits_for_its_record_to_be_closed(void **state) {
	(void)state;
	struct talk talk;
	begin_launch(&talk);
	say(&talk, "cto", REQUEST_ROLLBACK, NULL, NULL);
	say(&talk, "lead", REQUEST_ROLLBACK, NULL, NULL);
	say(&talk, "rep", REQUEST_RUN, "6.2", NULL);
	assert_int_equal(night_run(&talk.night)->status, RUN_ROLLED_BACK);
	say(&talk, "rep", REQUEST_WHY, NULL, NULL);
	assert_string_equal(
			row_with(&talk, "/why")->text, "⏳ lead: `!cutover close`");
	say(&talk, "lead", REQUEST_CLOSE, NULL, NULL);
	say(&talk, "lead", REQUEST_STATUS, NULL, NULL);
	const char *text = row_with(&talk, "/status")->text;
	assert_non_null(strstr(text, "\nLast: LB-2, production rolled back\n"));
	assert_non_null(strstr(text, "Production is locked: `!cutover rehearse`"));
	pass(&talk, 1);
	say(&talk, "lead", REQUEST_REHEARSE, NULL, NULL);
	say(&talk, "lead", REQUEST_STATUS, NULL, NULL);
	text = row_with(&talk, "/status")->text;
	assert_non_null(strstr(text, "\nLast: LB-3, rehearsal passed"));
	assert_null(strstr(text, "locked"));
	talk_finish(&talk);
}

static void an_abort_in_the_middle_says_that_production_is_locked(
		void **state) {
	(void)state;
	for (int begun = 0; begun < 2; begun++) {
		struct talk talk;
		talk_init(&talk, launch);
		until_t0(&talk);
		if (begun == 1) {
			approve_t0(&talk);
		}
		say(&talk, "lead", REQUEST_ABORT, NULL, "wrong release");
		const char *text = row_with(&talk, "/aborted")->text;
		assert_true(
				(strstr(text, "Production is locked") != NULL) == (begun == 1));
		talk_finish(&talk);
	}
}

static void nothing_is_locked_where_no_rehearsal_could_unlock_it(void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk,
			"# Short\n\n"
			"| Role | Primary | Backup | Contact |\n|---|---|---|---|\n"
			"| Cutover lead | a | b | c |\n\n"
			"## 1 Go {.production}\n\n1. Go\n\n   ```sh\n   echo go\n   ```\n\n"
			"## 2 Back {.rollback}\n\n"
			"1. Undo\n\n   ```sh\n   echo undo\n   ```\n");
	say(&talk, "lead", REQUEST_START, NULL, NULL);
	say(&talk, "lead", REQUEST_ROLLBACK, NULL, "no good");
	assert_int_equal(night_run(&talk.night)->status, RUN_ROLLED_BACK);
	assert_null(strstr(row_with(&talk, "/rolled-back")->text, "locked"));
	say(&talk, "lead", REQUEST_CLOSE, NULL, NULL);
	say(&talk, "lead", REQUEST_STATUS, NULL, NULL);
	assert_null(strstr(row_with(&talk, "/status")->text, "locked"));
	talk_finish(&talk);
}

static void a_closed_run_asks_for_no_taps(void **state) {
	(void)state;
	struct talk talk;
	begin_launch(&talk);
	yes(&talk, "rep");
	yes(&talk, "rep");
	yes(&talk, "lead");
	yes(&talk, "cto");
	assert_int_equal(night_run(&talk.night)->status, RUN_SUCCEEDED);
	assert_null(row_with(&talk, "step/7.2/asked/1/edit"));
	say(&talk, "lead", REQUEST_CLOSE, NULL, NULL);
	assert_int_equal(bridge_run(&talk.night.bridge, 2)->status, RUN_CLOSED);
	const struct message_row *row = row_with(&talk, "step/7.2/asked/1/edit");
	assert_non_null(row);
	assert_non_null(strstr(row->text, "no longer asked"));
	talk_finish(&talk);
}

static void what_a_rollback_leaves_behind_offers_nothing_any_more(
		void **state) {
	(void)state;
	static const enum outcome ends[] = { OUTCOME_UNKNOWN, OUTCOME_FAILED };
	for (size_t i = 0; i < 2; i++) {
		for (int aborted = 0; aborted < 2; aborted++) {
			struct talk talk;
			talk_init(&talk, launch);
			until_t0(&talk);
			night_will(&talk.night, "4.1.1", ends[i]);
			approve_t0(&talk);
			const struct message_row *asked = row_with(
					&talk, i == 0 ? "/unknown/" : "/failed/");
			assert_non_null(asked);
			assert_non_null(strstr(asked->text, "`!retry 4.1.1`"));
			char *key = xstrdup(asked->key);
			if (aborted == 1) {
				say(&talk, "lead", REQUEST_ABORT, NULL, "enough");
			} else {
				say(&talk, "lead", REQUEST_ROLLBACK, NULL, "enough");
				yes(&talk, "cto");
			}
			char *edits = xasprintf("%s/edit/", key);
			const struct message_row *left = row_with(&talk, edits);
			assert_non_null(left);
			assert_string_equal(left->target, key);
			assert_null(strstr(left->text, "!"));
			free(edits);
			free(key);
			talk_finish(&talk);
		}
	}
}

static void a_long_reason_of_a_failure_is_broken_between_words(void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk,
			"# Short\n\n"
			"| Role | Primary | Backup | Contact |\n|---|---|---|---|\n"
			"| Cutover lead | a | b | c |\n\n"
			"## 1 Go {.production}\n\n"
			"1. Runtime event ingest\n\n   ```sh\n   echo go\n   ```\n");
	night_will(&talk.night, "1.1", OUTCOME_FAILED);
	talk.night.reason = "output has no \"http 202\"";
	say(&talk, "lead", REQUEST_START, NULL, NULL);
	assert_non_null(strstr(row_with(&talk, "/1.1/failed/")->text,
			"\nRuntime event ingest:\n"
			"output has no \"http 202\" after 0 s\n"));
	talk_finish(&talk);
}

/* A runbook of one step and @more, which has succeeded; what is said of that. */
static const char *success_with(struct talk *talk, const char *more) {
	char *text = xasprintf(
			"# Short\n\n"
			"| Role | Primary | Backup | Contact |\n|---|---|---|---|\n"
			"| Cutover lead | a | b | c |\n| CTO | a | b | c |\n\n"
			"## 1 Go {.production}\n\n"
			"1. Go\n\n   ```sh\n   echo go\n   ```\n\n%s",
			more);
	talk_init(talk, text);
	free(text);
	say(talk, "lead", REQUEST_START, NULL, NULL);
	return row_with(talk, "/succeeded")->text;
}

static void success_says_what_comes_next(void **state) {
	(void)state;
#define WATCH "\n\n   ```sh every=10m for=4h\n   echo fine\n   ```\n"
	static const struct {
		const char *more;
		const char *said;
	} cases[] = {
		{ "", "\nTo end the record: `!cutover close`" },
		{ "## 2 After {.post}\n\n1. Latency" WATCH,
				"\nNow watching: 2.1 Latency" },
		{ "## 2 After {.post}\n\n1. Latency" WATCH "2. Errors" WATCH
		  "3. Tell people {owner=\"CTO\"}\n",
				"\nNow watching: 2.1 Latency · 1 more" },
		{ "## 2 After {.post}\n\n1. Tell people {owner=\"CTO\"}\n",
				"\nNext: 2.1 Tell people" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct talk talk;
		const char *text = success_with(&talk, cases[i].more);
		const char *said = strstr(text, cases[i].said);
		assert_non_null(said);
		assert_string_equal(said, cases[i].said);
		talk_finish(&talk);
	}
}

static void what_was_not_needed_is_not_told_as_undone(void **state) {
	(void)state;
	struct talk talk;
	begin_launch(&talk);
	say(&talk, "cto", REQUEST_ROLLBACK, NULL, NULL);
	say(&talk, "lead", REQUEST_ROLLBACK, NULL, NULL);
	say(&talk, "rep", REQUEST_PASS, "6.2", "objects are untouched");
	assert_int_equal(night_run(&talk.night)->status, RUN_ROLLED_BACK);
	const char *text = row_with(&talk, "/rolled-back")->text;
	assert_null(strstr(text, "Not done"));
	assert_non_null(strstr(text, "\nNot needed: 6.2\n"));
	talk_finish(&talk);
}

static void those_who_decide_see_what_was_watched_last(void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk,
			"# Short\n\n"
			"| Role | Primary | Backup | Contact |\n|---|---|---|---|\n"
			"| Cutover lead | a | b | c |\n| CTO | a | b | c |\n\n"
			"| Step | Required approvers | Record location |\n"
			"|---|---|---|\n| Success | CTO | x |\n\n"
			"## 1 Go {.production}\n\n"
			"1. Watch\n\n   ```sh every=10m for=4h\n   echo fine\n   ```\n"
			"2. Go\n\n   ```sh\n   echo go\n   ```\n\n"
			"## 2 Smoke {.smoke success=\"Success\"}\n\n"
			"1. Look {owner=\"CTO\"}\n");
	say(&talk, "lead", REQUEST_START, NULL, NULL);
	pass(&talk, 5);
	say(&talk, "lead", REQUEST_STATUS, NULL, NULL);
	assert_non_null(strstr(row_with(&talk, "/status")->text, "\n📈 1.1 ok\n"));
	yes(&talk, "cto");
	assert_int_equal(night_run(&talk.night)->status, RUN_DECIDING);
	say(&talk, "lead", REQUEST_STATUS, NULL, NULL);
	assert_non_null(
			strstr(row_with(&talk, "/status")->text, "\n📈 Last: 1.1 ok\n"));
	talk_finish(&talk);
}

static void a_closed_gate_has_lines_that_fit_whatever_it_is_called(
		void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk, launch);
	until_t0(&talk);
	talk.night.files_changed = true;
	approve_t0(&talk);
	yes(&talk, "lead");
	yes(&talk, "rep");
	assert_non_null(strstr(row_with(&talk, "gate/3/edit/")->text,
			"✅ **Changed files approved, 2 of 2**\nlead, rep\n"
			"LB-2 · 14:13 UTC · plan `"));
	talk_finish(&talk); // which looks at every line
}

/* The runbook with another rule for its rollback. */
static char *launch_with_rollback(const char *approvers) {
	static const char was[] = "| Rollback | DevOps lead + CTO |";
	const char *at = strstr(launch, was);
	assert_non_null(at);
	return xasprintf("%.*s| Rollback | %s |%s", (int)(at - launch), launch,
			approvers, at + strlen(was));
}

static void who_asks_is_not_shown_to_approve_where_that_does_not_count(
		void **state) {
	(void)state;
	struct talk talk;
	char *runbook = launch_with_rollback("DevOps lead");
	talk_init(&talk, runbook);
	until_t0(&talk);
	approve_t0(&talk);
	say(&talk, "lead", REQUEST_ROLLBACK, NULL, NULL);
	const char *text = posted(&talk, "LB-2/gate/3", talk.rows.count)->text;
	assert_null(strstr(text, "by asking"));
	assert_non_null(strstr(text,
			"\n· DevOps lead @lead @dep\n"
			"lead asked, so somebody else approves\n"));
	yes(&talk, "dep");
	assert_int_equal(night_run(&talk.night)->status, RUN_ROLLING_BACK);
	talk_finish(&talk);
	free(runbook);
}

static void of_places_that_are_alike_the_asker_fills_one(void **state) {
	(void)state;
	struct talk talk;
	char *runbook = launch_with_rollback("2 of Reps");
	talk_init(&talk, runbook);
	until_t0(&talk);
	approve_t0(&talk);
	say(&talk, "cto", REQUEST_ROLLBACK, NULL, NULL);
	const char *text = posted(&talk, "LB-2/gate/3", talk.rows.count)->text;
	assert_non_null(strstr(text,
			"\n✅ Storage or CTO · cto, by asking\n"
			"· Storage or CTO @rep @cto\n"));
	yes(&talk, "rep");
	assert_int_equal(night_run(&talk.night)->status, RUN_ROLLING_BACK);
	talk_finish(&talk);
	free(runbook);
}

static size_t rows_with(const struct talk *talk, const char *part) {
	size_t count = 0;
	for (size_t i = 0; i < talk->rows.count; i++) {
		count += strstr(talk->rows.list[i].key, part) != NULL;
	}
	return count;
}

static void who_taps_to_and_fro_is_told_once(void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk, launch);
	until_t0(&talk);
	for (int i = 0; i < 5; i++) {
		yes(&talk, "lead");
		night_untap(&talk.night, "lead", "white_check_mark");
	}
	assert_int_equal(rows_with(&talk, "/gate/2/withdrawn"), 1);
	yes(&talk, "lead");
	tap(&talk, "lead", "x"); // of which its own post tells
	night_untap(&talk.night, "lead", "x");
	night_untap(&talk.night, "lead", "white_check_mark");
	yes(&talk, "lead");
	night_untap(&talk.night, "lead", "white_check_mark");
	assert_int_equal(rows_with(&talk, "/gate/2/withdrawn"), 2);
	talk_finish(&talk);
}

static void only_those_who_must_act_are_called(void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk, launch);
	until_t0(&talk);
	const struct message_row *gate = row_with(&talk, "/gate/2");
	gate = posted(&talk, "LB-2/gate/2", talk.rows.count);
	assert_non_null(strstr(gate->text, "@lead"));
	assert_non_null(strstr(gate->text, "@rep"));
	assert_null(strstr(gate->text, "@cto"));
	assert_null(strstr(gate->text, "@dep")); // a backup is called later
	approve_t0(&talk);
	assert_null(strchr(row_with(&talk, "/begins/")->text, '@'));
	talk_finish(&talk);
}

static void backups_are_called_when_they_begin_to_count(void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk, launch);
	talk.night.settings.backup_after_ms = 5 * 60000;
	until_t0(&talk);
	yes(&talk, "rep");
	pass(&talk, 6);
	assert_string_equal(row_with(&talk, "/backups")->text,
			"📣 **T0 still waits:** backups count\n"
			"· DevOps lead @dep\n"
			"✅ or ❌ on its post; until 14:43 UTC");
	talk_finish(&talk);
}

static void an_approval_that_ran_out_was_given_in_time(void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk, launch);
	say(&talk, "lead", REQUEST_PLAN, NULL, NULL);
	yes(&talk, "lead");
	night_jump(&talk.night, (int64_t)48 * 3600000);
	assert_string_equal(row_with(&talk, "/closed")->text,
			"⌛ **Plan not approved in time** @lead\n"
			"Missing: CTO\n"
			"Again: `!cutover plan`");
	say(&talk, "lead", REQUEST_PLAN, NULL, NULL);
	yes(&talk, "lead");
	yes(&talk, "cto");
	night_jump(&talk.night, (int64_t)48 * 3600000);
	assert_string_equal(row_with(&talk, "/closed")->text,
			"⌛ **Plan: its approval ran out** @lead\n"
			"Again: `!cutover plan`");
	talk_finish(&talk);
}

static void help_says_what_a_person_is_asked(void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk, launch);
	say(&talk, "lead", REQUEST_PLAN, NULL, NULL);
	say(&talk, "cto", REQUEST_HELP, NULL, NULL);
	assert_non_null(strstr(row_with(&talk, "answer/")->text,
			"\n⏳ You are asked: plan gate, 0 of 2\n"));
	say(&talk, "other", REQUEST_HELP, NULL, NULL);
	assert_null(strstr(row_with(&talk, "answer/")->text, "⏳"));
	talk_finish(&talk);
}

static void help_begins_with_how_to_answer_what_is_asked(void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk, launch);
	until_t0(&talk);
	night_will(&talk.night, "4.2.1", OUTCOME_FAILED);
	approve_t0(&talk);
	say(&talk, "rep", REQUEST_HELP, NULL, NULL);
	assert_non_null(strstr(row_with(&talk, "answer/")->text,
			"**What you may do now**\n"
			"⏳ You are asked: 4.1.2 Look at the board and…\n"
			"`!done 4.1.2 [evidence]` it is done\n"));
	yes(&talk, "rep");
	say(&talk, "lead", REQUEST_HELP, NULL, NULL);
	assert_non_null(strstr(row_with(&talk, "answer/")->text,
			"⏳ You are asked: 4.2.1 failed\n"
			"`!claim 4.2.1` you are on it\n"
			"`!retry 4.2.1` repeat what failed\n"
			"`!skip 4.2.1 WHY` go on without it\n"));
	talk_finish(&talk);
}

static void who_leaves_out_what_nobody_holds(void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk, launch);
	say(&talk, "lead", REQUEST_PLAN, NULL, NULL);
	say(&talk, "lead", REQUEST_WHO, NULL, NULL);
	assert_non_null(strstr(row_with(&talk, "answer/")->text, "· Storage: rep"));
	const struct holders *kept = talk.night.settings.holders;
	size_t count = 0;
	struct holders without[16];
	for (size_t i = 0; i < talk.night.settings.holder_count; i++) {
		if (strcmp(kept[i].role, "Storage") != 0) {
			without[count++] = kept[i];
		}
	}
	size_t all = talk.night.settings.holder_count;
	talk.night.settings.holders = without;
	talk.night.settings.holder_count = count;
	say(&talk, "lead", REQUEST_WHO, NULL, NULL);
	assert_null(strstr(row_with(&talk, "answer/")->text, "Storage"));
	talk.night.settings.holders = kept;
	talk.night.settings.holder_count = all;
	talk_finish(&talk);
}

static void what_a_run_waits_for_comes_before_the_plan(void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk, launch);
	night_will(&talk.night, "3.1", OUTCOME_FAILED);
	say(&talk, "lead", REQUEST_PLAN, NULL, NULL);
	say(&talk, "lead", REQUEST_REHEARSE, NULL, NULL);
	say(&talk, "lead", REQUEST_WHY, NULL, NULL);
	assert_string_equal(row_with(&talk, "answer/")->text,
			"⏳ lead: 3.1 failed\n"
			"⏳ cto, lead: plan gate, 0 of 2");
	talk_finish(&talk);
}

static void a_late_status_says_what_was_missed(void **state) {
	(void)state;
	struct talk talk;
	begin_launch(&talk);
	night_jump(&talk.night, 37 * 60000);
	assert_string_equal(row_with(&talk, "/status/")->text,
			"⏱️ **T+37m** LB-2: 1 of 6 steps\n"
			"Late by 7 min; 2 posts missed: I was away\n"
			"⏳ 4.1.2 Look at the board and at everythi…\n"
			"Waiting for @rep. Next: T+45m\n"
			"↩️ Rollback ready, undo 37 min old · `7f3ac019`");
	talk_finish(&talk);
}

static void keys_are_found_again_from_the_state(void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk, launch);
	say(&talk, "lead", REQUEST_PLAN, NULL, NULL);
	yes(&talk, "lead");
	yes(&talk, "cto");
	say(&talk, "lead", REQUEST_POLL, NULL, NULL);
	say(&talk, "lead", REQUEST_REHEARSE, NULL, NULL);
	say(&talk, "lead", REQUEST_START, NULL, NULL);
	approve_t0(&talk);
	const struct bridge *bridge = &talk.night.bridge;
	const struct run *run = night_run(&talk.night);
	size_t step = runbook_step(run->plan->runbook, "4.1.2");
	char *keys[] = { message_card_key("LB", run),
		message_gate_key("LB", &bridge->gates[0]),
		message_gate_key("LB", &bridge->gates[1]),
		message_poll_key(&bridge->polls[0]),
		message_step_key("LB", run, step) };
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (posted(&talk, keys[i], talk.rows.count) == NULL) {
			fail_msg("no post %s", keys[i]);
		}
		free(keys[i]);
	}
	talk_finish(&talk);
}

static void the_log_row_is_one_row(void **state) {
	(void)state;
	struct talk talk;
	talk_init(&talk, launch);
	until_t0(&talk);
	const struct world world = world_now(&talk);
	struct message_world in = world_in(&talk, &world);
	const struct bridge *bridge = &talk.night.bridge;
	char *row = message_log_row(&in, bridge, bridge_run(bridge, 1));
	assert_non_null(strstr(row, "| 2026-09-21 | LB-1: rehearsal 2025.09.2, "));
	assert_ptr_equal(strchr(row, '\n'), row + strlen(row) - 1);
	free(row);
	talk_finish(&talk);
}

static int write_nights(const char *to) {
	folder = to;
	for (size_t i = 0; i < sizeof(nights) / sizeof(nights[0]); i++) {
		char *path = path_of(&nights[i]);
		FILE *file = fopen(path, "w");
		if (file == NULL) {
			perror(path);
			return 1;
		}
		char *text = transcript(&nights[i]);
		fputs(text, file);
		free(text);
		free(path);
		if (fclose(file) != 0) {
			return 1;
		}
	}
	return 0;
}

/* Nothing is said under a key that was taken, or about a post that nobody made:
 * it would not be said at all. */
static void whatever_people_do_all_of_it_can_be_said(void **state) {
	(void)state;
	for (uint32_t i = 1; i <= 150; i++) {
		const char *text = chance_texts[i % CHANCE_TEXTS];
		struct talk talk;
		uint32_t seed = i;
		talk_init(&talk, text);
		talk.any_width = true;
		chance_begin(&talk.night, i);
		for (size_t j = 0; j < 120; j++) {
			chance_act(&talk.night, text, &seed);
		}
		chance_mend(&talk.night, text);
		talk_finish(&talk);
	}
}

int main(int argc, char **argv) {
	if (argc == 4 && strcmp(argv[1], "--write") == 0) {
		launch_path = argv[3];
		return write_nights(argv[2]);
	}
	if (argc != 3) {
		fprintf(stderr, "usage: %s [--write] FOLDER RUNBOOK\n", argv[0]);
		return 2;
	}
	folder = argv[1];
	launch_path = argv[2];
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_night_that_succeeds_reads_well),
		cmocka_unit_test(a_night_that_is_rolled_back_reads_well),
		cmocka_unit_test(a_night_of_troubles_reads_well),
		cmocka_unit_test(the_runbook_that_ships_reads_well),
		cmocka_unit_test(
				a_post_that_takes_taps_is_never_edited_while_it_is_open),
		cmocka_unit_test(a_long_board_of_smoke_tests_shows_what_counts),
		cmocka_unit_test(deputies_silence_and_broken_glass_are_told),
		cmocka_unit_test(what_is_said_after_an_outage_is_true),
		cmocka_unit_test(success_does_not_say_that_it_watches_what_is_held),
		cmocka_unit_test(what_people_attach_is_told_where_they_did),
		cmocka_unit_test(peoples_words_call_nobody_and_break_nothing),
		cmocka_unit_test(output_cannot_leave_its_fence),
		cmocka_unit_test(what_comes_next_is_what_can_be_done),
		cmocka_unit_test(
				a_command_without_its_step_is_told_which_steps_it_could_mean),
		cmocka_unit_test(what_waits_for_a_held_run_is_told_so),
		cmocka_unit_test(what_a_held_run_lost_is_asked_for_by_resume),
		cmocka_unit_test(what_ended_waits_for_its_record_to_be_closed),
		cmocka_unit_test(a_long_reason_of_a_failure_is_broken_between_words),
		cmocka_unit_test(success_says_what_comes_next),
		cmocka_unit_test(what_was_not_needed_is_not_told_as_undone),
		cmocka_unit_test(those_who_decide_see_what_was_watched_last),
		cmocka_unit_test(
				a_closed_gate_has_lines_that_fit_whatever_it_is_called),
		cmocka_unit_test(an_abort_in_the_middle_says_that_production_is_locked),
		cmocka_unit_test(nothing_is_locked_where_no_rehearsal_could_unlock_it),
		cmocka_unit_test(a_closed_run_asks_for_no_taps),
		cmocka_unit_test(what_a_rollback_leaves_behind_offers_nothing_any_more),
		cmocka_unit_test(
				who_asks_is_not_shown_to_approve_where_that_does_not_count),
		cmocka_unit_test(of_places_that_are_alike_the_asker_fills_one),
		cmocka_unit_test(who_taps_to_and_fro_is_told_once),
		cmocka_unit_test(whatever_people_do_all_of_it_can_be_said),
		cmocka_unit_test(only_those_who_must_act_are_called),
		cmocka_unit_test(backups_are_called_when_they_begin_to_count),
		cmocka_unit_test(an_approval_that_ran_out_was_given_in_time),
		cmocka_unit_test(help_says_what_a_person_is_asked),
		cmocka_unit_test(help_begins_with_how_to_answer_what_is_asked),
		cmocka_unit_test(who_leaves_out_what_nobody_holds),
		cmocka_unit_test(what_a_run_waits_for_comes_before_the_plan),
		cmocka_unit_test(a_late_status_says_what_was_missed),
		cmocka_unit_test(keys_are_found_again_from_the_state),
		cmocka_unit_test(the_log_row_is_one_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
