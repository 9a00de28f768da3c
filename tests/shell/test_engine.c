#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/engine.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "journal/journal.h"
#include "support/fake_loop.h"
#include "support/fake_runner.h"
#include "support/fake_server.h"
#include "support/frail_journal.h"
#include "support/rig.h"
#include "support/test.h"

#define YES "white_check_mark"
#define NO  "x"

#define ROLES \
	"# Small launch\n\n" \
	"| Role | Primary | Backup | Contact |\n|---|---|---|---|\n" \
	"| Cutover lead | a | b | c |\n| DevOps lead | a | b | c |\n" \
	"| CTO | a | b | c |\n| Storage | a | b | c |\n\n"

#define GATES \
	"## Approvals\n\n" \
	"| Step | Required approvers | Record location |\n|---|---|---|\n" \
	"| Plan | CTO + DevOps lead | change |\n" \
	"| T0 | DevOps lead + Storage | channel |\n" \
	"| Success | DevOps lead + CTO | change |\n" \
	"| Back | DevOps lead + CTO | incident |\n\n"

static const char ten_lines[] = ROLES
		"## 1 Go {.production env=prod}\n\n"
		"1. Say hello\n\n   ```sh\n   echo hello\n   ```\n"
		"2. Say bye\n\n   ```sh\n   echo bye\n   ```\n";

static const char with_way_back[] = ROLES GATES
		"## 1 Go {.production}\n\n"
		"1. Go\n\n   ```sh\n   echo go\n   ```\n"
		"2. Look at the board {owner=\"Storage\"}\n\n"
		"## 2 Back {.rollback gate=\"Back\"}\n\n"
		"1. Down\n\n   ```sh\n   echo down\n   ```\n";

static const char with_a_gate[] = ROLES GATES
		"## 1 Go {.production gate=\"T0\"}\n\n"
		"1. Go\n\n   ```sh\n   echo go\n   ```\n"
		"2. Go on\n\n   ```sh\n   echo on\n   ```\n\n"
		"## 2 Back {.rollback gate=\"Back\"}\n\n"
		"1. Down\n\n   ```sh\n   echo down\n   ```\n";

static const char whole[] = ROLES GATES
		"## 3 Rehearse {.rehearsal}\n\n"
		"1. Try\n\n   ```sh\n   echo try\n   ```\n\n"
		"## 4 Go {.production plan=\"Plan\" gate=\"T0\" env=prod}\n\n"
		"1. Back up\n\n   ```sh sets=\"SNAP\"\n"
		"   echo SNAP=1 >>\"$BRIDGE_OUTPUT\"\n   ```\n"
		"2. Look at the board {owner=\"Storage\"}\n"
		"3. Deploy\n\n   ```sh\n   echo deploy\n   ```\n\n"
		"## 5 Smoke {.smoke success=\"Success\"}\n\n"
		"| Test | Command / action | Expected result |\n|---|---|---|\n"
		"| API | `echo ok` | `output contains \"ok\"` |\n"
		"| UI {owner=\"Storage\" evidence} | look | fine |\n\n"
		"## 6 Back {.rollback gate=\"Back\"}\n\n"
		"1. Down\n\n   ```sh\n   echo down\n   ```\n"
		"2. Restore {owner=\"Storage\"}\n\n   ```sh ask\n"
		"   echo \"$SNAP\"\n   ```\n";

/* --- a night played by people who look at the channel --- */

/* When a post of the bot says @sign, @user does it: says @words, or taps
 * @emoji on that post. */
struct act {
	const char *sign;
	const char *user;
	const char *words; // NULL: a tap
	const char *emoji;
	const char *file; // goes with the words
};

static const struct act night[] = {
	{ "bot.started", "lead", "!cutover plan", NULL, NULL },
	{ "gate.opened plan", "lead", NULL, YES, NULL },
	{ "gate.opened plan", "cto", NULL, "+1_medium_skin_tone", NULL },
	{ "gate.passed", "lead", "!cutover rehearse", NULL, NULL },
	{ "run.rehearsed ok", "lead", "!cutover start", NULL, NULL },
	{ "gate.opened start", "rep", NULL, YES, NULL },
	{ "gate.opened start", "lead", NULL, YES, NULL },
	{ "step.asked 4.2", "rep", NULL, YES, NULL },
	{ "step.ended 4.3 failed", "lead", "!retry 4.3", NULL, NULL },
	{ "step.asked 5.2", "rep", "!done 5.2", NULL, "file1" },
	{ "gate.opened success", "lead", "!rollback it smells", NULL, NULL },
	{ "gate.opened rollback", "cto", NULL, YES, NULL },
	{ "step.asked 6.2", "rep", "!run 6.2", NULL, NULL },
	{ "run.rolled_back", "lead", "!cutover close", NULL, NULL },
	{ "run.closed by id-lead", NULL, NULL, NULL, NULL },
};
#define NIGHT_ACTS (sizeof(night) / sizeof(night[0]))

static void world_of_the_night(struct rig *rig) {
	rig_init(rig, whole);
	fake_machine_will(rig->machine, "-4.3-b1-local-1", ATTEMPT_FAILED);
}

/* The next act, if its sign has come; whether that was so. */
static bool act(struct rig *rig, size_t *next) {
	const struct act *now = &night[*next];
	const struct fake_post *post = fake_chat_newest(rig->chat, now->sign);
	if (post == NULL) {
		return false;
	}
	(*next)++;
	if (now->words != NULL) {
		fake_chat_attach(rig->chat, now->user, "", now->words, now->file);
	} else if (now->emoji != NULL) {
		fake_chat_tap(rig->chat, now->user, post->id, now->emoji);
	}
	return true;
}

/* The night until the first @acts of it are done. */
static void play_night(struct rig *rig, size_t acts) {
	world_of_the_night(rig);
	rig_start(rig);
	size_t next = 0;
	for (size_t i = 0; i < 200 && next < acts; i++) {
		rig_go(rig, 500);
		act(rig, &next);
	}
	assert_int_equal(next, acts);
}

static bool is_dead(const struct rig *rig, const char *key) {
	return rig->journal->api->is_dead(rig->journal, key);
}

static void bury_if_dead(struct rig *rig) {
	if (rig->dead) {
		rig_bury(rig);
		rig->dead = false;
	}
}

/* A bot that dies when all is said to people has still to tidy up. */
static void see_out(struct rig *rig) {
	for (int i = 0; i < 2; i++) {
		bury_if_dead(rig);
		if (rig->engine == NULL) {
			rig_start(rig);
		}
		rig_go(rig, 5000);
	}
}

/* Play to the end; a bot that died is followed by another after @away_ms.
 * False: the night did not end in an hour. */
static bool play(struct rig *rig, int64_t away_ms) {
	size_t next = 0;
	int64_t back_ms = 0;
	for (int64_t ms = 0; ms < 3600000 && next < NIGHT_ACTS; ms += 500) {
		rig_go(rig, 500);
		if (rig->dead) {
			bury_if_dead(rig);
			back_ms = ms + away_ms;
		}
		if (rig->engine == NULL && ms >= back_ms) {
			rig_start(rig);
		}
		act(rig, &next);
	}
	see_out(rig);
	if (next < NIGHT_ACTS) {
		printf("# waits for \"%s\"\n", night[next].sign);
		fake_chat_print(rig->chat);
	}
	return next == NIGHT_ACTS;
}

static int by_text(const void *a, const void *b) {
	const char *const *x = a;
	const char *const *y = b;
	return strcmp(*x, *y);
}

/* The lines of @text in order of the alphabet; frees @text. */
static char *sorted(char *text) {
	char *lines[2000];
	size_t count = 0;
	for (char *line = strtok(text, "\n"); line != NULL && count < 2000;
			line = strtok(NULL, "\n")) {
		lines[count++] = line;
	}
	qsort(lines, count, sizeof(lines[0]), by_text);
	struct str out = { 0 };
	for (size_t i = 0; i < count; i++) {
		str_addf(&out, "%s\n", lines[i]);
	}
	free(text);
	return str_take(&out);
}

static char *ledger(const struct rig *rig) {
	size_t count = 0;
	const struct fake_attempt *attempts = fake_machine_attempts(
			rig->machine, &count);
	struct str text = { 0 };
	for (size_t i = 0; i < count; i++) {
		str_addf(&text, "%s begun %u\n", attempts[i].id, attempts[i].begun);
	}
	return str_take(&text);
}

/* What a night left: what happened, what was run, what was said. */
struct traces {
	char *events;
	char *attempts;
	char *channel;
	size_t writes;
};

static struct traces traces_of(struct rig *rig) {
	return (struct traces){
		.events = sorted(rig_events(rig)),
		.attempts = ledger(rig),
		.channel = rig_channel(rig),
		.writes = frail_journal_writes(rig->journal),
	};
}

static void traces_finish(struct traces *traces) {
	free(traces->events);
	free(traces->attempts);
	free(traces->channel);
}

/* Print the lines that only one of two sorted texts has. */
static void print_difference(const char *a, const char *b) {
	while (*a != '\0' || *b != '\0') {
		size_t a_len = strcspn(a, "\n");
		size_t b_len = strcspn(b, "\n");
		size_t least = a_len < b_len ? a_len : b_len;
		int order = memcmp(a, b, least);
		order = order != 0 ? order : (a_len > b_len) - (a_len < b_len);
		if (*b == '\0' || (*a != '\0' && order < 0)) {
			printf("# wanted: %.*s\n", (int)a_len, a);
		} else if (*a == '\0' || order > 0) {
			printf("# got:    %.*s\n", (int)b_len, b);
		}
		bool next_a = *a != '\0' && (*b == '\0' || order <= 0);
		bool next_b = *b != '\0' && (*a == '\0' || order >= 0);
		a += next_a ? a_len + 1 : 0;
		b += next_b ? b_len + 1 : 0;
	}
}

static bool same(const char *what, const char *a, const char *b) {
	if (strcmp(a, b) == 0) {
		return true;
	}
	printf("# %s differ\n", what);
	print_difference(a, b);
	return false;
}

static bool same_traces(const struct traces *a, const struct traces *b) {
	bool events = same("events", a->events, b->events);
	bool attempts = same("attempts", a->attempts, b->attempts);
	return same("posts", a->channel, b->channel) && events && attempts;
}

static struct traces quiet_night(void) {
	struct rig rig;
	world_of_the_night(&rig);
	rig_start(&rig);
	assert_true(play(&rig, 0));
	struct traces traces = traces_of(&rig);
	rig_finish(&rig);
	return traces;
}

static void a_night_goes_from_plan_to_rollback(void **state) {
	(void)state;
	struct traces traces = quiet_night();
	assert_string_equal(traces.attempts,
			"LB-1-3.1-b1-local-1 begun 1\n"
			"LB-2-4.1-b1-local-1 begun 1\n"
			"LB-2-4.3-b1-local-1 begun 1\n"
			"LB-2-4.3-b1-local-2 begun 1\n"
			"LB-2-5.1-b1-local-1 begun 1\n"
			"LB-2-6.1-b1-local-1 begun 1\n"
			"LB-2-6.2-b1-local-1 begun 1\n");
	traces_finish(&traces);
}

static bool night_killed_at(
		const struct traces *wanted, size_t nth, int64_t away_ms) {
	struct rig rig;
	world_of_the_night(&rig);
	rig_kill_after(&rig, nth);
	rig_start(&rig);
	bool ended = play(&rig, away_ms);
	struct traces got = traces_of(&rig);
	bool ok = ended && same_traces(wanted, &got);
	if (!ok) {
		printf("# killed after write %zu, away for %d ms\n", nth, (int)away_ms);
	}
	traces_finish(&got);
	rig_finish(&rig);
	return ok;
}

static void a_bot_killed_after_any_write_leaves_the_same_night(void **state) {
	(void)state;
	struct traces wanted = quiet_night();
	size_t kills = 0;
	for (size_t nth = 1; nth < wanted.writes; nth++) {
		/* Every other time people go on while nobody listens. */
		assert_true(night_killed_at(&wanted, nth, nth % 2 == 0 ? 0 : 20000));
		kills++;
	}
	print_message("# %zu kills, one after each durable write\n", kills);
	traces_finish(&wanted);
}

/* --- faults --- */

static bool night_with_full_disk_at(
		const struct traces *wanted, size_t nth, size_t count) {
	struct rig rig;
	world_of_the_night(&rig);
	frail_journal_fail(rig.journal, nth, count);
	rig_start(&rig);
	bool ended = play(&rig, 0);
	struct traces got = traces_of(&rig);
	bool ok = ended && same_traces(wanted, &got) && rig.fate == NULL;
	if (!ok) {
		printf("# disk full at append %zu\n", nth);
	}
	traces_finish(&got);
	rig_finish(&rig);
	return ok;
}

static void a_full_disk_delays_the_night_and_changes_nothing(void **state) {
	(void)state;
	struct traces wanted = quiet_night();
	struct rig rig;
	world_of_the_night(&rig);
	rig_start(&rig);
	assert_true(play(&rig, 0));
	size_t events = 0;
	char hash[SHA256_HEX];
	rig.journal->api->head(rig.journal, &events, hash);
	rig_finish(&rig);
	for (size_t nth = 1; nth < events; nth++) {
		assert_true(night_with_full_disk_at(&wanted, nth, nth % 3 + 1));
	}
	traces_finish(&wanted);
}

static bool night_with_fault_at(
		const struct traces *wanted, enum fake_fault fault, unsigned nth) {
	struct rig rig;
	world_of_the_night(&rig);
	fake_chat_fault(rig.chat, fault, nth, 2);
	rig_start(&rig);
	bool ended = play(&rig, 0);
	struct traces got = traces_of(&rig);
	bool ok = ended && same_traces(wanted, &got);
	if (!ok) {
		printf("# fault %d at request %u\n", (int)fault, nth);
	}
	traces_finish(&got);
	rig_finish(&rig);
	return ok;
}

static void what_the_server_leaves_in_doubt_is_said_once(void **state) {
	(void)state;
	struct traces wanted = quiet_night();
	static const enum fake_fault faults[] = { FAULT_AGAIN, FAULT_LOST,
		FAULT_DONE };
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		for (unsigned nth = 1; nth < 60; nth += 1) {
			assert_true(night_with_fault_at(&wanted, faults[i], nth));
		}
	}
	traces_finish(&wanted);
}

static void what_is_told_again_and_again_happens_once(void **state) {
	(void)state;
	struct traces wanted = quiet_night();
	struct rig rig;
	world_of_the_night(&rig);
	rig_start(&rig);
	size_t next = 0;
	for (size_t i = 0; i < 7200 && next < NIGHT_ACTS; i++) {
		rig_go(&rig, 400);
		fake_chat_cut(rig.chat);
		rig_go(&rig, 100);
		fake_chat_connect(rig.chat);
		act(&rig, &next);
	}
	rig_go(&rig, 5000);
	struct traces got = traces_of(&rig);
	assert_true(same_traces(&wanted, &got));
	traces_finish(&got);
	traces_finish(&wanted);
	rig_finish(&rig);
}

/* --- one thing at a time --- */

static void start_ten_lines(struct rig *rig) {
	rig_init(rig, ten_lines);
	rig_start(rig);
	rig_go(rig, 1000);
	fake_chat_say(rig->chat, "lead", "!cutover start");
}

static void a_command_sees_what_the_runbook_gives_it(void **state) {
	(void)state;
	struct rig rig;
	start_ten_lines(&rig);
	rig_go(&rig, 1000);
	const struct fake_attempt *attempt = fake_machine_attempt(
			rig.machine, "LB-1-1.1-b1-local-1");
	assert_non_null(attempt);
	assert_string_equal(attempt->env,
			"BRIDGE_RUN=LB-1\nBRIDGE_STEP=1.1\nBRIDGE_TRY=1\n"
			"NAMESPACE=stella\nTOKEN=hush-hush\n");
	rig_finish(&rig);
}

static void a_command_without_its_secrets_does_not_begin(void **state) {
	(void)state;
	struct rig rig;
	start_ten_lines(&rig);
	rig_break_secrets(&rig, true);
	rig_go(&rig, 5000);
	assert_null(fake_machine_attempt(rig.machine, "LB-1-1.1-b1-local-1"));
	assert_non_null(fake_chat_newest(rig.chat, "prod.secrets is gone"));
	assert_int_equal(rig_count(&rig, "attempt.started"), 1);
	rig_finish(&rig);
}

/* What it is judged by needs none. */
static void what_has_begun_is_followed_as_it_was_though_its_secrets_are_gone(
		void **state) {
	(void)state;
	struct rig rig;
	rig_init(&rig,
			ROLES "## 1 Go {.production env=prod}\n\n"
				  "1. Go\n\n   ```sh timeout=7m\n   echo go\n   ```\n"
				  "\n   ```expect\n   output contains \"go\"\n   ```\n");
	fake_machine_takes(rig.machine, 60000);
	rig_start(&rig);
	rig_go(&rig, 1000);
	fake_chat_say(rig.chat, "lead", "!cutover start");
	rig_go(&rig, 1000);
	rig_bury(&rig);
	rig_break_secrets(&rig, true);
	rig_start(&rig);
	rig_go(&rig, 1000);
	const struct fake_attempt *attempt = fake_machine_attempt(
			rig.machine, "LB-1-1.1-b1-local-1");
	assert_non_null(attempt);
	assert_int_equal(attempt->begun, 1);
	assert_int_equal(attempt->timeout_ms, 7 * 60000);
	assert_int_equal(attempt->condition_count, 1);
	rig_finish(&rig);
}

static void a_command_that_a_full_disk_kept_for_minutes_is_late(void **state) {
	(void)state;
	struct rig rig;
	rig_init(&rig, ten_lines);
	rig_start(&rig);
	rig_go(&rig, 1000);
	frail_journal_fail(rig.journal, 1, 10000);
	fake_chat_say(rig.chat, "lead", "!cutover start");
	rig_go(&rig, 300000);
	frail_journal_fail(rig.journal, 1, 0);
	rig_go(&rig, 30000);
	assert_int_equal(rig_count(&rig, "command.refused"), 1);
	assert_int_equal(rig_count(&rig, "run.begun"), 0);
	fake_chat_say(rig.chat, "lead", "!cutover start");
	rig_go(&rig, 1000);
	assert_int_equal(rig_count(&rig, "run.begun"), 1);
	rig_finish(&rig);
}

static void a_clock_that_is_set_back_silences_nobody(void **state) {
	(void)state;
	struct rig rig;
	rig_init(&rig, with_way_back);
	rig_start(&rig);
	rig_go(&rig, 1000);
	fake_chat_say(rig.chat, "lead", "!cutover start");
	rig_go(&rig, 25 * 60000);
	assert_int_equal(rig_count(&rig, "status.due"), 2);
	fake_loop_set_back(rig.loop, 3 * 3600000);
	rig_go(&rig, 3000);
	assert_int_equal(rig_count(&rig, "status.due"), 3);
	rig_go(&rig, 20 * 60000);
	assert_int_equal(rig_count(&rig, "status.due"), 5);
	rig_finish(&rig);
}

/* Both say it before the gate's own post is there to be tapped. */
static void a_rollback_that_all_asked_for_at_once_goes_on(void **state) {
	(void)state;
	struct rig rig;
	rig_init(&rig, with_way_back);
	rig_start(&rig);
	rig_go(&rig, 1000);
	fake_chat_say(rig.chat, "lead", "!cutover start");
	rig_go(&rig, 5000);
	assert_int_equal(rig_count(&rig, "step.asked"), 1);
	fake_chat_say(rig.chat, "lead", "!rollback it smells");
	fake_chat_say(rig.chat, "cto", "!rollback it does");
	rig_go(&rig, 10000);
	assert_int_equal(rig_count(&rig, "run.rolled_back"), 1);
	rig_finish(&rig);
}

/* Its gate is for what the journal has, whatever hosts have by now. */
static void a_rollback_waits_for_no_host(void **state) {
	(void)state;
	struct rig rig;
	rig_init(&rig, with_way_back);
	rig_start(&rig);
	rig_go(&rig, 1000);
	fake_chat_say(rig.chat, "lead", "!cutover start");
	rig_go(&rig, 5000);
	assert_int_equal(rig_count(&rig, "step.asked"), 1);
	rig_far(&rig, 15000);
	rig_break_files(&rig, true);
	fake_chat_say(rig.chat, "lead", "!rollback it smells");
	fake_chat_say(rig.chat, "cto", "!rollback it does");
	rig_go(&rig, 3000);
	assert_int_equal(rig_count(&rig, "run.rolling_back"), 1);
	rig_go(&rig, 3000);
	assert_non_null(fake_machine_attempt(rig.machine, "LB-1-2.1-b1-local-1"));
	rig_finish(&rig);
}

static void no_forward_step_begins_while_nobody_could_stop_it(void **state) {
	(void)state;
	struct rig rig;
	start_ten_lines(&rig);
	rig_go(&rig, 1000);
	fake_machine_takes(rig.machine, 1000);
	fake_chat_cut(rig.chat);
	rig_go(&rig, 90000);
	size_t count = 0;
	fake_machine_attempts(rig.machine, &count);
	assert_int_equal(count, 1);
	assert_int_equal(rig_count(&rig, "server.lost"), 1);
	fake_chat_connect(rig.chat);
	rig_go(&rig, 10000);
	fake_machine_attempts(rig.machine, &count);
	assert_int_equal(count, 2);
	assert_int_equal(rig_count(&rig, "server.back"), 1);
	assert_non_null(fake_chat_newest(rig.chat, "run.succeeded"));
	rig_finish(&rig);
}

/* A mistake of ours must not become a bot that says and does nothing. */
static void what_cannot_be_decided_holds_up_nothing_else(void **state) {
	(void)state;
	struct rig rig;
	size_t count = 0;
	rig_init(&rig, ten_lines);
	fake_machine_takes(rig.machine, 660000);
	frail_journal_refuse_type(rig.journal, "status.due");
	rig_start(&rig);
	rig_go(&rig, 1000);
	fake_chat_say(rig.chat, "lead", "!cutover start");
	rig_go(&rig, 700000);
	fake_machine_attempts(rig.machine, &count);
	assert_int_equal(count, 2);
	assert_int_equal(rig_count(&rig, "step.ended"), 1);
	assert_int_equal(rig_count(&rig, "status.due"), 0);
	fake_chat_say(rig.chat, "lead", "!note still here");
	rig_go(&rig, 1000);
	assert_non_null(fake_chat_newest(rig.chat, "still here"));
	frail_journal_refuse_type(rig.journal, NULL);
	rig_go(&rig, 60000);
	assert_int_equal(rig_count(&rig, "status.due"), 1);
	rig_finish(&rig);
}

/* T0's people tap the gate whose post says @sign, if there is one. */
static void approve(struct rig *rig, const char *sign) {
	const struct fake_post *post = fake_chat_newest(rig->chat, sign);
	if (post != NULL) {
		fake_chat_tap(rig->chat, "lead", post->id, YES);
		fake_chat_tap(rig->chat, "rep", post->id, YES);
		rig_go(rig, 1000);
	}
}

/* Die between the journal's @started and the machine's. */
static bool die_before_beginning(
		struct rig *rig, const char *runbook, size_t nth, size_t started) {
	size_t begun = 0;
	rig_init(rig, runbook);
	rig_kill_after(rig, nth);
	rig_start(rig);
	rig_go(rig, 1000);
	fake_chat_say(rig->chat, "lead", "!cutover start");
	rig_go(rig, 1000);
	approve(rig, "gate.opened start");
	fake_machine_attempts(rig->machine, &begun);
	return rig->dead && begun == 0 &&
			rig_count(rig, "attempt.started") == started;
}

/* The post of the gate before it, which the caller frees; NULL: none. */
static char *bury_before_beginning_all(
		struct rig *rig, const char *runbook, size_t started) {
	size_t nth = 1;
	while (!die_before_beginning(rig, runbook, nth, started)) {
		rig_finish(rig);
		nth++;
		assert_true(nth < 100);
	}
	const struct bridge *bridge = rig_bridge(rig);
	char *post = xstrdup(bridge->gate_count > 0 ? bridge->gates[0].post : NULL);
	rig_bury(rig);
	return post;
}

static char *bury_before_beginning(struct rig *rig, const char *runbook) {
	return bury_before_beginning_all(rig, runbook, 1);
}

static void a_started_step_that_never_began_begins_after_the_restart(
		void **state) {
	(void)state;
	struct rig rig;
	bury_before_beginning(&rig, ten_lines);
	rig_start(&rig);
	rig_go(&rig, 20000);
	const struct fake_attempt *attempt = fake_machine_attempt(
			rig.machine, "LB-1-1.1-b1-local-1");
	assert_non_null(attempt);
	assert_int_equal(attempt->begun, 1);
	assert_int_equal(rig_count(&rig, "attempt.started"), 2);
	rig_finish(&rig);
}

/* Meanwhile an approval was taken back from @take_post; nothing begins. */
static void come_back_late(struct rig *rig, char *take_post) {
	size_t count = 0;
	fake_chat_untap(rig->chat, "rep", take_post, YES);
	free(take_post);
	rig_go(rig, 300000);
	rig_start(rig);
	rig_go(rig, 20000);
	fake_machine_attempts(rig->machine, &count);
	assert_int_equal(count, 0);
}

static void what_never_began_does_not_under_an_approval_of_long_ago(
		void **state) {
	(void)state;
	struct rig rig;
	size_t count = 0;
	char *post = bury_before_beginning(&rig, with_a_gate);
	come_back_late(&rig, post);
	assert_int_equal(rig_count(&rig, "attempt.ended"), 1);
	fake_chat_say(rig.chat, "lead", "!retry 1.1");
	rig_go(&rig, 20000);
	fake_machine_attempts(rig.machine, &count);
	assert_int_equal(count, 0);
	assert_int_equal(rig_count(&rig, "gate.withdrawn"), 1);
	assert_int_equal(rig_count(&rig, "gate.closed"), 1);
	fake_chat_say(rig.chat, "lead", "!cutover resume");
	rig_go(&rig, 2000);
	approve(&rig, "gate.opened step");
	rig_go(&rig, 20000);
	fake_machine_attempts(rig.machine, &count);
	assert_int_equal(count, 2);
	rig_finish(&rig);
}

static const char watched_from_the_first[] = ROLES GATES
		"## 1 Go {.production gate=\"T0\"}\n\n"
		"1. Watch\n\n   ```sh every=10m for=30m\n   echo fine\n   ```\n"
		"2. Go\n\n   ```sh\n   echo go\n   ```\n";

/* Neither says of the other that something has begun. */
static void of_two_that_never_began_none_does_under_an_old_approval(
		void **state) {
	(void)state;
	struct rig rig;
	char *post = bury_before_beginning_all(&rig, watched_from_the_first, 2);
	come_back_late(&rig, post);
	rig_finish(&rig);
}

static void what_never_began_waits_for_a_hold_said_meanwhile(void **state) {
	(void)state;
	struct rig rig;
	size_t count = 0;
	bury_before_beginning(&rig, ten_lines);
	fake_chat_say(rig.chat, "other", "!cutover hold the bot is gone");
	rig_go(&rig, 60000);
	rig_start(&rig);
	rig_go(&rig, 20000);
	assert_int_equal(rig_count(&rig, "run.held"), 1);
	fake_machine_attempts(rig.machine, &count);
	assert_int_equal(count, 0);
	fake_chat_say(rig.chat, "lead", "!cutover resume");
	rig_go(&rig, 20000);
	fake_machine_attempts(rig.machine, &count);
	assert_int_equal(count, 2);
	rig_finish(&rig);
}

static void what_never_began_does_not_once_a_rollback_is_asked_for(
		void **state) {
	(void)state;
	struct rig rig;
	bury_before_beginning(&rig, with_way_back);
	fake_chat_say(rig.chat, "lead", "!rollback the bot is gone");
	rig_go(&rig, 60000);
	rig_start(&rig);
	rig_go(&rig, 20000);
	assert_int_equal(rig_count(&rig, "gate.opened"), 1);
	assert_null(fake_machine_attempt(rig.machine, "LB-1-1.1-b1-local-1"));
	fake_chat_say(rig.chat, "cto", "!rollback it is");
	rig_go(&rig, 20000);
	assert_null(fake_machine_attempt(rig.machine, "LB-1-1.1-b1-local-1"));
	assert_int_equal(rig_count(&rig, "run.rolled_back"), 1);
	rig_finish(&rig);
}

/* The bot is away for as long as it takes to edit a file. */
static void what_never_began_does_not_with_other_files(void **state) {
	(void)state;
	struct rig rig;
	size_t count = 0;
	bury_before_beginning(&rig, ten_lines);
	rig_change_files(&rig, true);
	rig_start(&rig);
	rig_go(&rig, 20000);
	fake_machine_attempts(rig.machine, &count);
	assert_int_equal(count, 0);
	assert_int_equal(rig_count(&rig, "attempt.ended"), 1);
	fake_chat_say(rig.chat, "lead", "!retry 1.1");
	rig_go(&rig, 20000);
	fake_machine_attempts(rig.machine, &count);
	assert_int_equal(count, 0);
	assert_int_equal(rig_count(&rig, "run.files_changed"), 1);
	fake_chat_say(rig.chat, "lead", "!cutover resume");
	rig_go(&rig, 20000);
	fake_machine_attempts(rig.machine, &count);
	assert_int_equal(count, 2);
	rig_finish(&rig);
}

static const char with_evidence[] = ROLES
		"## 1 Go {.production}\n\n"
		"1. Look at the board {owner=\"Storage\" evidence}\n"
		"2. Look again {owner=\"Storage\"}\n";

static void start_with_evidence(struct rig *rig) {
	rig_init(rig, with_evidence);
	rig_start(rig);
	fake_chat_say(rig->chat, "lead", "!cutover start");
	rig_go(rig, 2000);
}

static void a_file_that_comes_late_is_waited_for(void **state) {
	(void)state;
	struct rig rig;
	start_with_evidence(&rig);
	fake_chat_fetches(rig.chat, SERVER_AGAIN);
	fake_chat_attach(rig.chat, "rep", "", "!done 1.1", "file1");
	rig_go(&rig, 3000);
	assert_true(fake_chat_fetched(rig.chat) >= 2);
	assert_int_equal(rig_count(&rig, "step.ended"), 0);
	rig_bury(&rig);
	fake_chat_fetches(rig.chat, SERVER_OK);
	rig_start(&rig);
	rig_go(&rig, 2000);
	assert_int_equal(rig_count(&rig, "file.kept"), 1);
	assert_int_equal(rig_count(&rig, "step.ended"), 1);
	rig_finish(&rig);
}

static void a_file_that_never_comes_is_given_up_and_told(void **state) {
	(void)state;
	struct rig rig;
	start_with_evidence(&rig);
	fake_chat_fetches(rig.chat, SERVER_AGAIN);
	fake_chat_attach(rig.chat, "rep", "", "!done 1.1", "file1");
	rig_go(&rig, 180000);
	assert_int_equal(fake_chat_fetched(rig.chat), 8);
	assert_int_equal(rig_count(&rig, "file.lost"), 1);
	fake_chat_fetches(rig.chat, SERVER_NEVER);
	fake_chat_attach(rig.chat, "rep", "", "!done 1.1", "file2");
	rig_go(&rig, 2000);
	assert_int_equal(fake_chat_fetched(rig.chat), 9);
	assert_int_equal(rig_count(&rig, "file.lost"), 2);
	assert_int_equal(rig_count(&rig, "step.ended"), 0);
	rig_finish(&rig);
}

static void a_file_below_the_question_answers_it(void **state) {
	(void)state;
	struct rig rig;
	start_with_evidence(&rig);
	const char *asks = fake_chat_by_key(rig.chat, "run/1/step/0/1")->id;
	fake_chat_attach(rig.chat, "other", asks, "nice", "file1");
	rig_go(&rig, 1000);
	assert_int_equal(rig_count(&rig, "file.offered"), 0);
	fake_chat_attach(rig.chat, "rep", asks, "", "file2");
	rig_go(&rig, 1000);
	assert_int_equal(rig_count(&rig, "step.ended"), 1);
	asks = fake_chat_by_key(rig.chat, "run/1/step/1/1")->id;
	fake_chat_attach(rig.chat, "rep", asks, "look", "file3");
	rig_go(&rig, 1000);
	assert_int_equal(rig_count(&rig, "file.kept"), 2);
	assert_int_equal(rig_count(&rig, "step.ended"), 1); // no evidence asked for
	rig_finish(&rig);
}

static bool add_body(
		void *data, const struct journal_row *row, struct err *err) {
	(void)err;
	str_addf(data, "%s\n", row->body);
	return true;
}

static void a_secret_that_somebody_types_is_not_kept(void **state) {
	(void)state;
	static const char *const words[] = {
		"!note the token is hush-hush, no?",
		"!dome 1.2 token=hush-hush",
		"!fail 1.2 aHVzaC1odXNo does not work",
		"!delegate hush-hush @dep",
		"!cutover plan X=hush-hush",
		"`!hold hush-hush`",
	};
	struct rig rig;
	rig_init(&rig, with_way_back);
	rig_start(&rig);
	rig_go(&rig, 2000);
	fake_chat_say(rig.chat, "lead", "!cutover start");
	rig_go(&rig, 30000);
	char *asked = xstrdup(fake_chat_newest(rig.chat, "step.asked 1.2")->id);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		fake_chat_say(rig.chat, "rep", words[i]);
		rig_go(&rig, 1000);
	}
	fake_chat_attach(rig.chat, "rep", asked, "see hush-hush", "file1");
	rig_go(&rig, 3000);
	struct str kept = { 0 };
	struct err err = { 0 };
	assert_true(rig.journal->api->read(rig.journal, 1, add_body, &kept, &err));
	const char *events = str_text(&kept);
	char *channel = rig_channel(&rig);
	assert_non_null(strstr(events, "the token is ***, no?"));
	assert_non_null(strstr(events, "token=***"));
	assert_non_null(strstr(events, "see ***"));
	assert_null(strstr(events, "hush-hush"));
	assert_null(strstr(events, "aHVzaC1odXNo"));
	assert_null(strstr(channel, "hush-hush"));
	assert_null(strstr(channel, "aHVzaC1odXNo"));
	free(asked);
	str_finish(&kept);
	free(channel);
	rig_finish(&rig);
}

static void a_mistake_in_words_does_not_hold_up_what_happened(void **state) {
	(void)state;
	struct rig rig;
	rig_init(&rig, ten_lines);
	rig_start(&rig);
	rig_go(&rig, 1000);
	fake_chat_say(rig.chat, "lead", "!note one");
	fake_chat_say(rig.chat, "lead", "!note two");
	rig_go(&rig, 1000);
	assert_int_equal(rig_count(&rig, "note.taken"), 2);
	assert_non_null(fake_chat_newest(rig.chat, "one"));
	assert_null(fake_chat_newest(rig.chat, "two"));
	rig_finish(&rig);
}

static void a_part_under_a_known_key_does_not_hold_up_what_happened(
		void **state) {
	(void)state;
	struct rig rig;
	struct str note = { 0 };
	rig_init(&rig, ten_lines);
	fake_chat_limit(rig.chat, 300);
	rig_start(&rig);
	rig_go(&rig, 1000);
	fake_chat_say(rig.chat, "lead", "!note part two");
	rig_go(&rig, 1000);
	str_add(&note, "!note one");
	for (int i = 0; i < 60; i++) {
		str_addf(&note, " word%d", i);
	}
	fake_chat_say(rig.chat, "lead", str_text(&note));
	str_finish(&note);
	rig_go(&rig, 1000);
	assert_int_equal(rig_count(&rig, "note.taken"), 2);
	assert_non_null(fake_chat_newest(rig.chat, ": one word0 "));
	rig_finish(&rig);
}

static void files_that_cannot_be_read_start_nothing(void **state) {
	(void)state;
	struct rig rig;
	start_ten_lines(&rig);
	rig_go(&rig, 1000);
	rig_break_files(&rig, true);
	rig_go(&rig, 30000);
	size_t count = 0;
	fake_machine_attempts(rig.machine, &count);
	assert_int_equal(count, 1);
	rig_finish(&rig);
}

static void a_host_that_was_away_before_may_be_so_for_a_moment_again(
		void **state) {
	(void)state;
	struct rig rig;
	rig_init(&rig, ten_lines);
	rig_far(&rig, 0);
	rig_start(&rig);
	rig_go(&rig, 1000);
	fake_chat_say(rig.chat, "lead", "!cutover start");
	rig_go(&rig, 1000);
	rig_break_files(&rig, true);
	rig_go(&rig, 5000);
	fake_chat_say(rig.chat, "lead", "!cutover hold let me look");
	rig_go(&rig, 200000);
	assert_int_equal(rig_count(&rig, "run.held"), 1);
	fake_chat_say(rig.chat, "lead", "!cutover resume");
	rig_go(&rig, 5000);
	assert_int_equal(rig_count(&rig, "run.resumed"), 1);
	assert_int_equal(rig_count(&rig, "run.held"), 1);
	rig_go(&rig, 40000);
	assert_int_equal(rig_count(&rig, "run.held"), 2);
	rig_finish(&rig);
}

/* Hosts take long to say what files they have. */
static void start_far(struct rig *rig, const char *runbook) {
	rig_init(rig, runbook);
	rig_far(rig, 10000);
	rig_start(rig);
	rig_go(rig, 1000);
	fake_chat_say(rig->chat, "lead", "!cutover start");
	rig_go(rig, 2000);
	assert_int_equal(rig_count(rig, "run.begun"), 0);
}

static size_t begun(const struct rig *rig) {
	size_t count = 0;
	fake_machine_attempts(rig->machine, &count);
	return count;
}

static void a_hold_said_while_a_start_asks_hosts_holds_what_it_starts(
		void **state) {
	(void)state;
	struct rig rig;
	start_far(&rig, ten_lines);
	fake_chat_say(rig.chat, "other", "!cutover hold wait");
	rig_go(&rig, 60000);
	assert_int_equal(rig_count(&rig, "run.begun"), 1);
	assert_int_equal(rig_count(&rig, "run.held"), 1);
	assert_int_equal(rig_count(&rig, "command.refused"), 0);
	assert_int_equal(begun(&rig), 0);
	fake_chat_say(rig.chat, "lead", "!cutover resume");
	rig_go(&rig, 60000);
	assert_int_equal(begun(&rig), 2);
	rig_finish(&rig);
}

static void an_abort_said_while_a_start_asks_hosts_ends_what_it_starts(
		void **state) {
	(void)state;
	struct rig rig;
	start_far(&rig, ten_lines);
	fake_chat_say(rig.chat, "lead", "!cutover abort not tonight");
	rig_go(&rig, 60000);
	assert_int_equal(rig_count(&rig, "run.aborted"), 1);
	assert_int_equal(rig_count(&rig, "command.refused"), 0);
	assert_int_equal(begun(&rig), 0);
	rig_finish(&rig);
}

static void a_rollback_said_while_a_start_asks_hosts_holds_what_it_starts(
		void **state) {
	(void)state;
	struct rig rig;
	start_far(&rig, with_way_back);
	fake_chat_say(rig.chat, "cto", "!rollback it smells");
	rig_go(&rig, 60000);
	assert_int_equal(rig_count(&rig, "run.held"), 1);
	assert_int_equal(begun(&rig), 0);
	rig_finish(&rig);
}

/* Each of them may be the last that the bot of before heard. */
static void a_bot_killed_while_hosts_are_asked_keeps_what_was_said_in_order(
		void **state) {
	(void)state;
	struct rig rig;
	start_far(&rig, ten_lines);
	fake_chat_say(rig.chat, "other", "!cutover hold wait");
	rig_go(&rig, 2000);
	rig_bury(&rig);
	rig_start(&rig);
	rig_go(&rig, 60000);
	assert_int_equal(rig_count(&rig, "run.held"), 1);
	assert_int_equal(begun(&rig), 0);
	rig_finish(&rig);
}

/* The answer comes in the very moment in which the hold is heard. */
static void a_hold_heard_as_hosts_answer_holds(void **state) {
	(void)state;
	struct rig rig;
	for (int64_t ms = 7990; ms <= 8010; ms++) {
		start_far(&rig, ten_lines);
		rig_go(&rig, ms);
		fake_chat_say(rig.chat, "other", "!cutover hold wait");
		rig_go(&rig, 60000);
		assert_int_equal(rig_count(&rig, "run.held"), 1);
		assert_int_equal(rig_count(&rig, "command.refused"), 0);
		assert_int_equal(begun(&rig), 0);
		rig_finish(&rig);
	}
}

/* The disk was full when the hosts had answered: with room there is a start on
 * record, and a hold right behind it. */
static void what_a_hold_kept_back_begins_under_no_old_approval(void **state) {
	(void)state;
	struct rig rig;
	start_far(&rig, with_a_gate);
	rig_go(&rig, 9000);
	const char *post = fake_chat_newest(rig.chat, "gate.opened start")->id;
	approve(&rig, "gate.opened start");
	rig_go(&rig, 15000);
	assert_int_equal(rig_count(&rig, "gate.used"), 1);
	frail_journal_fail(rig.journal, 1, 1000);
	rig_go(&rig, 10000);
	fake_chat_say(rig.chat, "other", "!cutover hold wait");
	rig_go(&rig, 5000);
	frail_journal_fail(rig.journal, 1, 0);
	rig_go(&rig, 10000);
	assert_int_equal(rig_count(&rig, "attempt.started"), 1);
	assert_int_equal(rig_count(&rig, "run.held"), 1);
	assert_int_equal(begun(&rig), 0);
	fake_chat_untap(rig.chat, "rep", post, YES);
	rig_go(&rig, 300000);
	fake_chat_say(rig.chat, "lead", "!cutover resume");
	rig_go(&rig, 60000);
	assert_int_equal(begun(&rig), 0);
	assert_int_equal(rig_count(&rig, "attempt.ended"), 1);
	rig_finish(&rig);
}

/* T0 has passed, and the first command waits for its host to be asked. */
static void words_that_stop_stop_a_command_whose_host_is_asked(void **state) {
	static const char *const words[] = { "!cutover hold wait",
		"!cutover abort not tonight", "!rollback it smells" };
	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct rig rig;
		start_far(&rig, with_way_back);
		rig_go(&rig, 10000);
		assert_int_equal(rig_count(&rig, "run.t0"), 1);
		fake_chat_say(rig.chat, "lead", words[i]);
		rig_go(&rig, 1000);
		assert_int_equal(
				rig_count(&rig, "run.held") + rig_count(&rig, "run.aborted"),
				1);
		rig_go(&rig, 60000);
		assert_int_equal(begun(&rig), 0);
		rig_finish(&rig);
	}
}

static void questions_wait_for_no_host(void **state) {
	(void)state;
	struct rig rig;
	start_far(&rig, ten_lines);
	fake_chat_say(rig.chat, "other", "!status");
	rig_go(&rig, 1000);
	assert_int_equal(rig_count(&rig, "command.answered"), 1);
	assert_int_equal(rig_count(&rig, "run.begun"), 0);
	rig_finish(&rig);
}

/* A run is under way: what would be refused for that asks nobody, and keeps
 * nobody from stopping it. */
static void a_second_start_delays_no_hold_of_the_first(void **state) {
	(void)state;
	struct rig rig;
	start_far(&rig, ten_lines);
	rig_go(&rig, 8000);
	assert_int_equal(rig_count(&rig, "run.begun"), 1);
	fake_chat_say(rig.chat, "other", "!cutover start");
	fake_chat_say(rig.chat, "other", "!cutover hold wait");
	rig_go(&rig, 1000);
	assert_int_equal(rig_count(&rig, "command.refused"), 1);
	assert_int_equal(rig_count(&rig, "run.held"), 1);
	rig_go(&rig, 60000);
	assert_int_equal(begun(&rig), 0);
	rig_finish(&rig);
}

/* One answer of the hosts serves all that was asked for before. */
static void many_plans_wait_for_hosts_once(void **state) {
	(void)state;
	struct rig rig;
	start_far(&rig, with_way_back);
	for (int i = 0; i < 5; i++) {
		fake_chat_say(rig.chat, "lead", "!cutover plan");
	}
	fake_chat_say(rig.chat, "lead", "!cutover hold wait");
	rig_go(&rig, 20000);
	assert_int_equal(rig_count(&rig, "command.refused"), 5);
	assert_int_equal(rig_count(&rig, "run.held"), 1);
	assert_int_equal(begun(&rig), 0);
	rig_finish(&rig);
}

static void a_bot_that_finds_no_server_says_so_when_it_is_there(void **state) {
	(void)state;
	struct rig rig;
	rig_init(&rig, ten_lines);
	rig_start_offline(&rig);
	rig_go(&rig, 59000);
	assert_int_equal(rig_count(&rig, "bot.started"), 0);
	rig_go(&rig, 5000);
	assert_int_equal(rig_count(&rig, "bot.started"), 1);
	assert_int_equal(rig_count(&rig, "server.lost"), 1);
	size_t count = 0;
	fake_chat_posts(rig.chat, &count);
	assert_int_equal(count, 0);
	fake_chat_connect(rig.chat);
	rig_go(&rig, 5000);
	assert_int_equal(rig_count(&rig, "server.back"), 1);
	assert_non_null(fake_chat_newest(rig.chat, "server.back"));
	rig_finish(&rig);
}

static void a_withdrawn_approval_is_seen_before_the_first_command(
		void **state) {
	(void)state;
	struct rig rig;
	play_night(&rig, 6);
	const struct fake_post *gate = fake_chat_newest(
			rig.chat, "gate.opened start");
	assert_non_null(gate);
	const char *post = gate->id;
	/* The last tap comes with a read that is held up; meanwhile the first is
	 * taken back. */
	fake_chat_fail_reads(rig.chat, 3);
	fake_chat_tap(rig.chat, "lead", post, YES);
	rig_go(&rig, 200);
	fake_chat_untap(rig.chat, "rep", post, YES);
	rig_go(&rig, 20000);
	assert_null(fake_machine_attempt(rig.machine, "LB-2-4.1-b1-local-1"));
	rig_finish(&rig);
}

/* An answer that comes while nobody wants it, and then somebody does again. */
static void a_hold_that_is_taken_back_as_a_gate_is_read_holds_nothing_up(
		void **state) {
	(void)state;
	struct rig rig;
	play_night(&rig, 6);
	const struct fake_post *gate = fake_chat_newest(
			rig.chat, "gate.opened start");
	assert_non_null(gate);
	fake_chat_keep_reads(rig.chat);
	fake_chat_tap(rig.chat, "lead", gate->id, YES);
	rig_go(&rig, 200);
	assert_int_equal(rig_count(&rig, "run.t0"), 2);
	fake_chat_say(rig.chat, "rep", "!cutover hold a moment");
	rig_go(&rig, 200);
	assert_int_equal(rig_count(&rig, "run.held"), 1);
	fake_chat_say(rig.chat, "lead", "!cutover resume");
	fake_chat_give_reads(rig.chat);
	rig_go(&rig, 20000);
	assert_int_equal(rig_count(&rig, "run.resumed"), 1);
	assert_non_null(fake_machine_attempt(rig.machine, "LB-2-4.1-b1-local-1"));
	rig_finish(&rig);
}

static void a_gate_that_another_hand_rewrote_is_void(void **state) {
	(void)state;
	struct rig rig;
	play_night(&rig, 2);
	const struct fake_post *gate = fake_chat_newest(
			rig.chat, "gate.opened plan");
	assert_non_null(gate);
	fake_chat_edit(rig.chat, gate->id, "tap here for cake");
	rig_go(&rig, 2000);
	assert_int_equal(rig_count(&rig, "gate.closed"), 1);
	rig_finish(&rig);
}

static void a_refused_gate_waits_ten_seconds_for_the_thumb(void **state) {
	(void)state;
	struct rig rig;
	play_night(&rig, 2);
	const struct fake_post *gate = fake_chat_newest(
			rig.chat, "gate.opened plan");
	assert_non_null(gate);
	fake_chat_tap(rig.chat, "cto", gate->id, NO);
	rig_go(&rig, 9000);
	assert_int_equal(rig_count(&rig, "gate.objected"), 1);
	assert_int_equal(rig_count(&rig, "gate.closed"), 0);
	rig_go(&rig, 3000);
	assert_int_equal(rig_count(&rig, "gate.closed"), 1);
	rig_finish(&rig);
}

/* The server takes anything but the gate's own post: nobody could ever tap. */
static void a_gate_whose_post_is_refused_is_void_and_can_be_asked_for_again(
		void **state) {
	(void)state;
	for (int restart = 0; restart < 2; restart++) {
		struct rig rig;
		world_of_the_night(&rig);
		rig_start(&rig);
		rig_go(&rig, 2000);
		fake_chat_refuse(rig.chat, "gate.opened plan", 3);
		fake_chat_say(rig.chat, "lead", "!cutover plan");
		if (restart == 1) { // dies when the refusal was noted
			for (int i = 0; i < 400 && !is_dead(&rig, "gate/1"); i++) {
				rig_go(&rig, 10);
			}
			assert_true(is_dead(&rig, "gate/1"));
			rig_bury(&rig);
			rig_start(&rig);
		}
		rig_go(&rig, 20000);
		assert_int_equal(rig_count(&rig, "gate.closed"), 1);
		assert_non_null(
				fake_chat_newest(rig.chat, "the server refused its post"));
		fake_chat_say(rig.chat, "lead", "!cutover plan");
		rig_go(&rig, 2000);
		assert_int_equal(rig_count(&rig, "gate.posted"), 1);
		assert_int_equal(rig_bridge(&rig)->gates[1].status, GATE_OPEN);
		rig_finish(&rig);
	}
}

/* Whether the post under @key is another one than @id, and stands. */
static bool is_anew(const struct rig *rig, const char *key, const char *id) {
	const struct fake_post *post = fake_chat_by_key(rig->chat, key);
	return post != NULL && post->delete_at_ms == 0 && strcmp(post->id, id) != 0;
}

static void posts_that_are_deleted_together_are_all_made_anew(void **state) {
	(void)state;
	static const char *const keys[] = { "run/1/card", "run/1/board" };
	char *ids[2] = { NULL };
	struct rig rig;
	rig_init(&rig, with_way_back);
	rig_start(&rig);
	rig_go(&rig, 2000);
	fake_chat_say(rig.chat, "lead", "!cutover start");
	rig_go(&rig, 10000);
	for (size_t i = 0; i < 2; i++) {
		ids[i] = xstrdup(fake_chat_by_key(rig.chat, keys[i])->id);
		fake_chat_delete(rig.chat, ids[i]);
	}
	rig_go(&rig, 3000);
	for (size_t i = 0; i < 2; i++) {
		assert_true(is_anew(&rig, keys[i], ids[i]));
		free(ids[i]);
		ids[i] = xstrdup(fake_chat_by_key(rig.chat, keys[i])->id);
		fake_chat_delete(rig.chat, ids[i]); // at once: something eats them
	}
	rig_go(&rig, 3000);
	for (size_t i = 0; i < 2; i++) {
		assert_false(is_anew(&rig, keys[i], ids[i]));
		free(ids[i]);
	}
	rig_finish(&rig);
}

static void a_tap_counts_on_the_post_that_asks_anew(void **state) {
	(void)state;
	struct rig rig;
	rig_init(&rig, with_way_back);
	rig_start(&rig);
	rig_go(&rig, 2000);
	fake_chat_say(rig.chat, "lead", "!cutover start");
	rig_go(&rig, 30000);
	const struct fake_post *post = fake_chat_newest(rig.chat, "step.asked 1.2");
	char *id = xstrdup(post->id);
	rig_bury(&rig);
	fake_chat_delete(rig.chat, id); // while no bot runs
	rig_start(&rig);
	rig_go(&rig, 3000);
	post = fake_chat_newest(rig.chat, "step.asked 1.2");
	assert_string_not_equal(post->id, id);
	assert_int_equal(post->delete_at_ms, 0);
	fake_chat_tap(rig.chat, "rep", post->id, YES);
	rig_go(&rig, 3000);
	assert_non_null(fake_chat_newest(rig.chat, "step.ended 1.2 ok"));
	free(id);
	rig_finish(&rig);
}

static void a_card_that_somebody_deletes_is_made_and_pinned_anew(void **state) {
	(void)state;
	struct rig rig;
	rig_init(&rig, with_way_back);
	rig_start(&rig);
	rig_go(&rig, 2000);
	fake_chat_say(rig.chat, "lead", "!cutover start");
	rig_go(&rig, 10000);
	const struct fake_post *card = fake_chat_by_key(rig.chat, "run/1/card");
	assert_non_null(card);
	assert_true(card->pinned);
	char *said = xstrdup(card->message);
	char *id = xstrdup(card->id);
	fake_chat_delete(rig.chat, id);
	fake_chat_delete(rig.chat, id); // told again
	rig_go(&rig, 3000);
	card = fake_chat_by_key(rig.chat, "run/1/card");
	assert_non_null(card);
	assert_string_not_equal(card->id, id);
	assert_string_equal(card->message, said);
	assert_true(card->pinned);
	fake_chat_say(rig.chat, "rep", "!done 1.2"); // and it goes on
	rig_go(&rig, 3000);
	card = fake_chat_by_key(rig.chat, "run/1/card");
	assert_string_not_equal(card->message, said);
	rig_bury(&rig);
	fake_chat_delete(rig.chat, card->id); // while no bot runs
	rig_start(&rig);
	rig_go(&rig, 3000);
	card = fake_chat_by_key(rig.chat, "run/1/card");
	assert_int_equal(card->delete_at_ms, 0);
	assert_true(card->pinned);
	free(said);
	free(id);
	rig_finish(&rig);
}

static size_t posts_saying(const struct rig *rig, const char *text) {
	size_t count = 0;
	size_t said = 0;
	const struct fake_post *posts = fake_chat_posts(rig->chat, &count);
	for (size_t i = 0; i < count; i++) {
		said += strstr(posts[i].message, text) != NULL;
	}
	return said;
}

/* A silent channel looks like a bot that has nothing to say. */
static void a_journal_that_stays_full_is_told_of_once_and_then_that_it_is_not(
		void **state) {
	(void)state;
	static const enum fake_fault faults[] = { FAULT_NONE, FAULT_AGAIN,
		FAULT_LOST, FAULT_DONE };
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct rig rig;
		rig_init(&rig, with_way_back);
		rig_start(&rig);
		rig_go(&rig, 2000);
		frail_journal_fail(rig.journal, 1, 3); // for 3.5 s
		fake_chat_say(rig.chat, "lead", "!note a moment");
		rig_go(&rig, 10000);
		assert_int_equal(rig_count(&rig, "note.taken"), 1);
		assert_int_equal(posts_saying(&rig, "write"), 0);
		frail_journal_fail(rig.journal, 1, 10000);
		fake_chat_fault(rig.chat, faults[i], 1, 2);
		fake_chat_say(rig.chat, "lead", "!cutover start");
		rig_go(&rig, 50000);
		assert_int_equal(posts_saying(&rig, "cannot write: "), 1);
		assert_int_equal(rig_count(&rig, "run.begun"), 0);
		frail_journal_fail(rig.journal, 1, 0);
		rig_go(&rig, 6000); // there is room: that is soon seen, and said
		assert_int_equal(rig_count(&rig, "run.begun"), 1);
		assert_int_equal(posts_saying(&rig, "cannot write: "), 1);
		assert_int_equal(posts_saying(&rig, "can write again"), 1);
		rig_finish(&rig);
	}
}

/* However long the disk is full, and however much is said meanwhile. */
static void what_waits_for_the_journal_is_not_lost(void **state) {
	(void)state;
	const unsigned asked = 3000;
	struct rig rig;
	rig_init(&rig, ten_lines);
	rig_start(&rig);
	rig_go(&rig, 1000);
	assert_false(engine_is_full(rig.engine));
	frail_journal_fail(rig.journal, 1, 1000);
	for (unsigned i = 0; i < asked; i++) {
		char input[32];
		snprintf(input, sizeof(input), "post:%u", i);
		const struct request request = {
			.type = REQUEST_NOTE,
			.user = "id-lead",
			.post = input,
			.command = "note",
			.words = "x",
			.text = "x",
		};
		engine_ask(rig.engine, &request, input);
	}
	rig_go(&rig, 1000);
	assert_true(engine_is_full(rig.engine)); // it wants to hear no more
	frail_journal_fail(rig.journal, 0, 0);
	rig_go(&rig, 60000);
	assert_int_equal(rig_count(&rig, "note.taken"), asked);
	assert_false(engine_is_full(rig.engine));
	rig_finish(&rig);
}

static void what_is_too_long_for_a_post_is_said_in_several(void **state) {
	(void)state;
	struct rig rig;
	struct str why = { 0 };
	rig_init(&rig, ten_lines);
	fake_chat_limit(rig.chat, 300);
	rig_start(&rig);
	rig_go(&rig, 2000);
	for (int i = 0; i < 60; i++) {
		str_addf(&why, "word%d ", i);
	}
	str_add(&why, "the end");
	char *note = xasprintf("!note %s", str_text(&why));
	fake_chat_say(rig.chat, "lead", note);
	rig_go(&rig, 5000);
	const struct fake_post *last = fake_chat_newest(rig.chat, "the end");
	assert_non_null(last);
	assert_non_null(strstr(last->message, "\n(2/2)"));
	assert_null(fake_chat_newest(rig.chat, "… cut"));
	assert_non_null(fake_chat_newest(rig.chat, "word0 "));
	free(note);
	str_finish(&why);
	rig_finish(&rig);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_night_goes_from_plan_to_rollback),
		cmocka_unit_test(a_bot_killed_after_any_write_leaves_the_same_night),
		cmocka_unit_test(a_full_disk_delays_the_night_and_changes_nothing),
		cmocka_unit_test(what_the_server_leaves_in_doubt_is_said_once),
		cmocka_unit_test(what_is_told_again_and_again_happens_once),
		cmocka_unit_test(a_command_sees_what_the_runbook_gives_it),
		cmocka_unit_test(a_command_without_its_secrets_does_not_begin),
		cmocka_unit_test(
				what_has_begun_is_followed_as_it_was_though_its_secrets_are_gone),
		cmocka_unit_test(a_command_that_a_full_disk_kept_for_minutes_is_late),
		cmocka_unit_test(a_clock_that_is_set_back_silences_nobody),
		cmocka_unit_test(a_rollback_that_all_asked_for_at_once_goes_on),
		cmocka_unit_test(a_rollback_waits_for_no_host),
		cmocka_unit_test(no_forward_step_begins_while_nobody_could_stop_it),
		cmocka_unit_test(
				a_started_step_that_never_began_begins_after_the_restart),
		cmocka_unit_test(
				what_never_began_does_not_under_an_approval_of_long_ago),
		cmocka_unit_test(
				of_two_that_never_began_none_does_under_an_old_approval),
		cmocka_unit_test(what_never_began_waits_for_a_hold_said_meanwhile),
		cmocka_unit_test(
				what_never_began_does_not_once_a_rollback_is_asked_for),
		cmocka_unit_test(what_never_began_does_not_with_other_files),
		cmocka_unit_test(a_file_that_comes_late_is_waited_for),
		cmocka_unit_test(a_file_that_never_comes_is_given_up_and_told),
		cmocka_unit_test(a_file_below_the_question_answers_it),
		cmocka_unit_test(a_secret_that_somebody_types_is_not_kept),
		cmocka_unit_test(a_mistake_in_words_does_not_hold_up_what_happened),
		cmocka_unit_test(what_cannot_be_decided_holds_up_nothing_else),
		cmocka_unit_test(
				a_part_under_a_known_key_does_not_hold_up_what_happened),
		cmocka_unit_test(files_that_cannot_be_read_start_nothing),
		cmocka_unit_test(
				a_host_that_was_away_before_may_be_so_for_a_moment_again),
		cmocka_unit_test(
				a_hold_said_while_a_start_asks_hosts_holds_what_it_starts),
		cmocka_unit_test(
				an_abort_said_while_a_start_asks_hosts_ends_what_it_starts),
		cmocka_unit_test(
				a_rollback_said_while_a_start_asks_hosts_holds_what_it_starts),
		cmocka_unit_test(
				a_bot_killed_while_hosts_are_asked_keeps_what_was_said_in_order),
		cmocka_unit_test(a_hold_heard_as_hosts_answer_holds),
		cmocka_unit_test(what_a_hold_kept_back_begins_under_no_old_approval),
		cmocka_unit_test(words_that_stop_stop_a_command_whose_host_is_asked),
		cmocka_unit_test(questions_wait_for_no_host),
		cmocka_unit_test(a_second_start_delays_no_hold_of_the_first),
		cmocka_unit_test(many_plans_wait_for_hosts_once),
		cmocka_unit_test(a_bot_that_finds_no_server_says_so_when_it_is_there),
		cmocka_unit_test(a_withdrawn_approval_is_seen_before_the_first_command),
		cmocka_unit_test(
				a_hold_that_is_taken_back_as_a_gate_is_read_holds_nothing_up),
		cmocka_unit_test(a_gate_that_another_hand_rewrote_is_void),
		cmocka_unit_test(a_refused_gate_waits_ten_seconds_for_the_thumb),
		cmocka_unit_test(
				a_gate_whose_post_is_refused_is_void_and_can_be_asked_for_again),
		cmocka_unit_test(posts_that_are_deleted_together_are_all_made_anew),
		cmocka_unit_test(a_tap_counts_on_the_post_that_asks_anew),
		cmocka_unit_test(a_card_that_somebody_deletes_is_made_and_pinned_anew),
		cmocka_unit_test(what_waits_for_the_journal_is_not_lost),
		cmocka_unit_test(what_is_too_long_for_a_post_is_said_in_several),
		cmocka_unit_test(
				a_journal_that_stays_full_is_told_of_once_and_then_that_it_is_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
