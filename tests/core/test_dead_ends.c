#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/night.h"
#include "support/test.h"

/*
 * Corners in which a run could come to wait for nobody, or what was approved
 * to be forgotten.
 */

#define GATES \
	"| Step | Required approvers | Record location |\n|---|---|---|\n" \
	"| Plan | DevOps lead + CTO | change |\n" \
	"| Later | Storage + CTO | channel |\n" \
	"| Back | DevOps lead + CTO | incident |\n\n"

#define BACK \
	"## 8 Back {.rollback gate=\"Back\"}\n\n" \
	"1. Down\n\n   ```sh\n   echo down\n   ```\n\n"

#define DEPLOY "1. Deploy\n\n   ```sh\n   echo deploy\n   ```\n\n"

static const char no_success_gate[] = NIGHT_ROLES GATES
		"## 1 Go {.production}\n\n" DEPLOY BACK;

static const char plan_gate_alone[] = NIGHT_ROLES GATES
		"## 1 Go {.production plan=\"Plan\"}\n\n"
		"1. Look at the board\n\n"
		"### 1.1 Deploy\n\n" DEPLOY BACK;

static const char gate_after[] = NIGHT_ROLES GATES
		"## 1 Go {.production}\n\n" DEPLOY BACK "## 9 After {.post}\n\n"
		"### 9.1 Clean {gate=\"Later\"}\n\n"
		"1. Clean\n\n   ```sh\n   echo clean\n   ```\n";

static void a_rollback_asked_for_before_success_still_rolls_back(void **state) {
	struct night *night = *state;
	night_init(night, no_success_gate);
	night->slow = true;
	night_says(night, "lead", REQUEST_START);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_pass(night, 1);
	night_end(night, "1.1", OUTCOME_OK);
	night_pass(night, 1);
	night_shown(night);
	night->slow = false;
	night_tap(night, "cto", "white_check_mark");
	assert_int_equal(night_run(night)->status, RUN_ROLLED_BACK);
}

/* Nothing would lead back to `!cutover plan`: one run at a time. */
static void a_run_whose_plan_lost_its_approval_is_given_up(void **state) {
	struct night *night = *state;
	night_init(night, plan_gate_alone);
	night_says(night, "lead", REQUEST_PLAN);
	night_approve(night);
	night_says(night, "lead", REQUEST_START);
	night_shown(night);
	const struct gate_state *plan = &night->bridge.gates[0];
	night_ask(night,
			&(struct request){ .type = REQUEST_TAPS, .post = plan->post });
	assert_string_equal(night_shown(night),
			"gate.withdrawn by lead\n"
			"gate.withdrawn by cto\n"
			"gate.closed void: an approval was withdrawn\n"
			"run.aborted\n"
			"run.closed\n");
	night_says(night, "lead", REQUEST_PLAN);
	assert_non_null(strstr(night_shown(night), "gate.opened plan by lead"));
}

static void a_gate_after_success_that_is_refused_holds(void **state) {
	struct night *night = *state;
	night_init(night, gate_after);
	night_says(night, "lead", REQUEST_START);
	night_shown(night);
	night_tap(night, "cto", "x");
	night_pass(night, 60);
	assert_string_equal(night_shown(night),
			"gate.objected by cto\n"
			"gate.closed refused by cto: \n"
			"run.held\n"
			"status.due 1, 0 missed\n");
	night_untap(night, "cto", "x");
	night_says(night, "lead", REQUEST_RESUME);
	assert_non_null(strstr(night_shown(night), "gate.opened step"));
	night_tap(night, "rep", "white_check_mark");
	night_tap(night, "cto", "white_check_mark");
	assert_non_null(strstr(night_shown(night), "step.ended 9.1.1 ok"));
}

static void what_is_watched_can_be_held(void **state) {
	struct night *night = *state;
	night_reach_success(night);
	night_approve(night);
	assert_int_equal(night_run(night)->status, RUN_SUCCEEDED);
	night_shown(night);
	night_say(night, "other", REQUEST_HOLD, NULL, "it looks odd");
	night_pass(night, 15);
	assert_string_equal(night_shown(night), "run.held by other\n");
	night_says(night, "lead", REQUEST_RESUME);
	assert_non_null(strstr(night_shown(night), "attempt.started 7.1#2"));
}

static void a_hold_outlives_the_gate_and_can_be_ended(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_says(night, "other", REQUEST_HOLD);
	night_approve_t0(night);
	night_pass(night, 31);
	assert_int_equal(night_run(night)->status, RUN_PLANNED);
	assert_true(night_run(night)->held);
	night_shown(night);
	night_says(night, "lead", REQUEST_RESUME);
	assert_string_equal(night_shown(night), "run.resumed by lead\n");
}

/* Deployed, and rolling back: 6.1 runs. */
static void begin_to_roll_back(struct night *night) {
	night_begin(night);
	night_approve_t0(night);
	night->slow = true;
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "white_check_mark");
	night_end(night, "4.1", OUTCOME_OK);
	assert_int_equal(night_run(night)->status, RUN_ROLLING_BACK);
	night_pass(night, 1);
	night_shown(night);
}

static void abort_and_ask_again(struct night *night) {
	night_say(night, "lead", REQUEST_ABORT, NULL, "wait");
	night_say(night, "lead", REQUEST_ABORT, NULL, "wait");
	night_pass(night, 1);
	assert_int_equal(night_run(night)->status, RUN_ABORTED);
	night_shown(night);
	night->slow = false;
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "white_check_mark");
}

#define ROLLS_BACK_AGAIN \
	"gate.opened rollback by lead\n" \
	"gate.asked by lead\n" \
	"gate.posted\n" \
	"gate.approved by cto\n" \
	"gate.passed\n" \
	"run.rolling_back\n"

static void a_rollback_cut_short_begins_its_step_again(void **state) {
	struct night *night = *state;
	begin_to_roll_back(night);
	abort_and_ask_again(night);
	assert_string_equal(night_shown(night),
			ROLLS_BACK_AGAIN "gate.used\n"
							 "attempt.started 6.1#2\n"
							 "attempt.ended 6.1#2 ok\n"
							 "step.ended 6.1 ok\n"
							 "step.asked 6.2\n");
}

/* It was approved twice, for its first approval was refused afterwards. */
static void an_aborted_rollback_does_not_begin_again_by_itself(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	night->unverifiable = true;
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "white_check_mark");
	night_tap(night, "cto", "x");
	night->unverifiable = false;
	night_jump(night, 10000);
	night_untap(night, "cto", "x");
	night->slow = true;
	night_jump(night, 1000);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "white_check_mark");
	assert_non_null(strstr(night_shown(night), "attempt.started 6.1#1"));
	night_say(night, "lead", REQUEST_ABORT, NULL, "wait");
	night_say(night, "lead", REQUEST_ABORT, NULL, "wait");
	assert_int_equal(night_run(night)->status, RUN_ABORTED);
}

static void a_clock_that_goes_back_asks_for_success_once(void **state) {
	struct night *night = *state;
	night_reach_success(night);
	night_tap(night, "cto", "x");
	night_jump(night, 11000);
	night_untap(night, "cto", "x");
	night_shown(night);
	night->now_ms -= 3600000;
	night_says(night, "lead", REQUEST_DECIDE);
	assert_string_equal(night_shown(night),
			"gate.opened success by lead\n"
			"status.due 1, 0 missed\n"
			"gate.posted\n");
	night_approve(night);
	assert_int_equal(night_run(night)->status, RUN_SUCCEEDED);
}

static void a_rollback_taken_up_asks_what_it_had_asked(void **state) {
	struct night *night = *state;
	begin_to_roll_back(night);
	night_end(night, "6.1", OUTCOME_OK);
	night_pass(night, 1);
	abort_and_ask_again(night);
	assert_string_equal(
			night_shown(night), ROLLS_BACK_AGAIN "step.asked 6.2\n");
	night_say(night, "rep", REQUEST_RUN, "6.2", NULL);
	assert_int_equal(night_run(night)->status, RUN_ROLLED_BACK);
}

/* `!run` was for that time; and what went before it stays as it ended. */
static void a_rollback_taken_up_asks_again_what_it_cut_short(void **state) {
	struct night *night = *state;
	begin_to_roll_back(night);
	night_end(night, "6.1", OUTCOME_OK);
	night_say(night, "rep", REQUEST_RUN, "6.2", NULL);
	abort_and_ask_again(night);
	assert_string_equal(
			night_shown(night), ROLLS_BACK_AGAIN "step.asked 6.2\n");
	const struct run *run = night_run(night);
	const struct runbook *runbook = run->plan->runbook;
	const struct step_state *forward =
			&run->steps[runbook_step(runbook, "4.3")];
	const struct step_state *back = &run->steps[runbook_step(runbook, "6.1")];
	assert_int_equal(forward->status, STEP_PENDING);
	assert_int_equal(back->status, STEP_ENDED);
	assert_int_equal(back->outcome, OUTCOME_OK);
}

static void a_rollback_taken_up_repeats_nothing_unknown(void **state) {
	struct night *night = *state;
	begin_to_roll_back(night);
	night_end(night, "6.1", OUTCOME_UNKNOWN);
	night_pass(night, 1);
	abort_and_ask_again(night);
	assert_string_equal(
			night_shown(night), ROLLS_BACK_AGAIN "step.ended 6.1 unknown\n");
	night_say(night, "lead", REQUEST_RETRY, "6.1", NULL);
	assert_non_null(strstr(night_shown(night), "attempt.started 6.1#2"));
}

static void a_step_left_between_two_attempts_does_not_go_on(void **state) {
	static const char text[] = NIGHT_ROLES GATES
			"## 1 Go {.production}\n\n"
			"1. Deploy\n\n   ```sh retries=2 delay=5m\n"
			"   echo deploy\n   ```\n\n" BACK;
	struct night *night = *state;
	night_init(night, text);
	night_will(night, "1.1", OUTCOME_FAILED);
	night_says(night, "lead", REQUEST_START);
	night_shown(night);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "white_check_mark");
	assert_non_null(strstr(night_shown(night), "step.ended 1.1 failed\n"));
	assert_int_equal(night_run(night)->status, RUN_ROLLED_BACK);
}

/* Nothing came of it any more: nor does its running out. */
static void a_gate_that_was_never_used_ends_with_its_run(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_says(night, "other", REQUEST_HOLD);
	night_approve_t0(night);
	night_say(night, "lead", REQUEST_ABORT, NULL, "not today");
	night_says(night, "lead", REQUEST_CLOSE);
	assert_int_equal(night_run(night)->status, RUN_CLOSED);
	night_shown(night);
	night_pass(night, 60);
	assert_string_equal(night_shown(night), "");
}

static void a_no_that_still_stands_after_resume_stops_nothing(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->slow = true;
	night_approve_t0(night);
	night_tap(night, "rep", "x");
	assert_true(night_run(night)->held);
	night_says(night, "lead", REQUEST_RESUME);
	night_end(night, "4.1", OUTCOME_OK);
	assert_non_null(strstr(night_shown(night), "step.asked 4.2"));
}

static const char gate_between[] = NIGHT_ROLES GATES
		"## 1 Go {.production}\n\n### 1.1 First\n\n" DEPLOY
		"### 1.2 Then {gate=\"Later\"}\n\n" DEPLOY BACK;

/* What runs is what the journal holds; the file may be tomorrow's by now. */
static void a_gate_within_a_run_asks_for_what_runs_not_for_the_file(
		void **state) {
	struct night *night = *state;
	night_init(night, gate_between);
	night_says(night, "lead", REQUEST_START);
	free(night->source);
	night->source = strdup(no_success_gate);
	night_tap(night, "rep", "white_check_mark");
	night_tap(night, "cto", "white_check_mark");
	assert_non_null(strstr(night_shown(night), "step.ended 1.2.1 ok"));
}

static const char manual_first[] = NIGHT_ROLES GATES
		"## 1 Go {.production}\n\n### 1.1 Look {gate=\"Later\"}\n\n"
		"1. Look at the board\n\n"
		"### 1.2 Then\n\n1. Deploy\n\n   ```sh\n   echo deploy\n   ```\n"
		"2. Look again\n\n" BACK;

static void a_gate_without_a_command_behind_it_lets_the_run_go_on(
		void **state) {
	struct night *night = *state;
	night_init(night, manual_first);
	night_says(night, "lead", REQUEST_START);
	night_tap(night, "rep", "white_check_mark");
	night_tap(night, "cto", "white_check_mark");
	night_say(night, "lead", REQUEST_DONE, "1.1.1", NULL);
	assert_non_null(strstr(night_shown(night), "step.asked 1.2.2"));
	night_pass(night, 60);
	assert_int_equal(night_run(night)->status, RUN_RUNNING);
	night_say(night, "lead", REQUEST_DONE, "1.2.2", NULL);
	assert_int_equal(night_run(night)->status, RUN_SUCCEEDED);
}

static void a_hold_before_success_holds_what_comes_after_it(void **state) {
	struct night *night = *state;
	night_reach_success(night);
	night_says(night, "other", REQUEST_HOLD);
	night_shown(night);
	night_approve(night);
	assert_string_equal(night_shown(night),
			"gate.approved by lead\n"
			"gate.approved by cto\n"
			"gate.passed\n"
			"run.succeeded\n");
	night_says(night, "lead", REQUEST_RESUME);
	assert_non_null(strstr(night_shown(night), "attempt.started 7.1"));
}

static const char two_hosts[] = NIGHT_ROLES GATES
		"## 1 Go {.production}\n\n"
		"1. Deploy {on=app}\n\n   ```sh parallel=2\n   echo deploy\n   ```\n\n" BACK;

/* On one host it ended unknown, then failed; on the other the other way. */
static void what_failed_last_is_not_done_by_a_word_for_what_is_unknown(
		void **state) {
	struct night *night = *state;
	night_init(night, two_hosts);
	night_will(night, "1.1", OUTCOME_UNKNOWN);
	night_will(night, "1.1", OUTCOME_FAILED);
	night_will(night, "1.1", OUTCOME_FAILED);
	night_will(night, "1.1", OUTCOME_UNKNOWN);
	night_says(night, "lead", REQUEST_START);
	night_say(night, "lead", REQUEST_RETRY, "1.1", NULL);
	night_shown(night);
	night_say(night, "lead", REQUEST_DONE, "1.1", "it is up there");
	assert_string_equal(night_shown(night),
			"step.confirmed 1.1 by lead\n"
			"step.ended 1.1 failed by lead\n");
}

#define WATCH "   ```sh every=10m for=30m\n   echo fine\n   ```\n\n"

static const char watched_deploy[] = NIGHT_ROLES GATES
		"## 1 Go {.production}\n\n"
		"1. Deploy and watch\n\n   ```sh\n   echo deploy\n   ```\n\n" WATCH
		"2. Next\n\n   ```sh\n   echo next\n   ```\n\n" BACK;

/* What has to be done before it watches is a step like any other. */
static void what_a_monitor_does_first_keeps_its_turn(void **state) {
	struct night *night = *state;
	night_init(night, watched_deploy);
	night->settings.status_every_ms = 0;
	night_will(night, "1.1", OUTCOME_FAILED);
	night_says(night, "lead", REQUEST_START);
	assert_null(strstr(night_shown(night), "attempt.started 1.2"));
	night_pass(night, 40);
	assert_string_equal(night_shown(night), "");
	night_say(night, "lead", REQUEST_RETRY, "1.1", NULL);
	assert_non_null(strstr(night_shown(night), "attempt.started 1.2"));
}

static const char watched_smoke[] = NIGHT_ROLES GATES
		"## 1 Go {.production}\n\n1. Watch\n\n" WATCH
		"2. Next\n\n   ```sh\n   echo next\n   ```\n\n"
		"## 2 Smoke {.smoke success=\"Plan\"}\n\n"
		"1. Look {owner=\"CTO\"}\n\n" BACK;

/* It is looked at no more, and is not said to have lasted for its time. */
static void what_watched_the_cutover_has_ended_when_that_has_succeeded(
		void **state) {
	struct night *night = *state;
	night_init(night, watched_smoke);
	night->settings.status_every_ms = 0;
	night_says(night, "lead", REQUEST_START);
	night_pass(night, 12);
	night_tap(night, "cto", "white_check_mark");
	assert_int_equal(night_run(night)->status, RUN_DECIDING);
	night_shown(night);
	night_tap(night, "cto", "white_check_mark");
	night_tap(night, "lead", "white_check_mark");
	assert_int_equal(night_run(night)->status, RUN_SUCCEEDED);
	assert_non_null(strstr(night_shown(night), "step.ended 1.1 ok"));
}

static const char watched_last[] = NIGHT_ROLES GATES
		"## 1 Go {.production}\n\n"
		"1. Next\n\n   ```sh\n   echo next\n   ```\n\n"
		"## 2 Smoke {.smoke success=\"Plan\"}\n\n"
		"1. Try and watch\n\n   ```sh\n   echo try\n   ```\n\n" WATCH BACK;

/* Nothing begins any more once success is asked for. */
static void what_watches_last_watches_before_success_is_asked_for(
		void **state) {
	struct night *night = *state;
	night_init(night, watched_last);
	night->settings.status_every_ms = 0;
	night_says(night, "lead", REQUEST_START);
	assert_non_null(strstr(night_shown(night),
			"attempt.ended 2.1#1 ok\n"
			"attempt.started 2.1#1\n"
			"run.deciding\n"));
	night_tap(night, "cto", "white_check_mark");
	night_tap(night, "lead", "white_check_mark");
	assert_non_null(strstr(night_shown(night), "step.ended 2.1 ok"));
}

/* The time for which it was to watch is over: that makes no red test green. */
static void what_watches_anew_watches_for_its_time(void **state) {
	struct night *night = *state;
	night_init(night, watched_smoke);
	night->settings.status_every_ms = 0;
	night_says(night, "lead", REQUEST_START);
	night_pass(night, 12);
	night_say(night, "lead", REQUEST_FAIL, "1.1", "it is red");
	night_pass(night, 30);
	night_shown(night);
	night_say(night, "lead", REQUEST_RETRY, "1.1", NULL);
	assert_string_equal(night_shown(night),
			"step.retried 1.1 by lead\n"
			"attempt.started 1.1#3\n"
			"attempt.ended 1.1#3 ok\n");
	night_pass(night, 31);
	assert_string_equal(night_shown(night),
			"attempt.started 1.1#4\n"
			"attempt.ended 1.1#4 ok\n"
			"attempt.started 1.1#5\n"
			"attempt.ended 1.1#5 ok\n"
			"step.ended 1.1 ok\n");
}

static const char watched_rehearsal[] = NIGHT_ROLES
		"## 1 Try {.rehearsal}\n\n1. Watch\n\n" WATCH
		"2. Try\n\n   ```sh\n   echo try\n   ```\n";

static void a_rehearsal_ends_when_its_monitors_have_watched(void **state) {
	struct night *night = *state;
	night_init(night, watched_rehearsal);
	night_says(night, "lead", REQUEST_REHEARSE);
	assert_int_equal(night_run(night)->status, RUN_RUNNING);
	night_pass(night, 31);
	assert_int_equal(night_run(night)->status, RUN_CLOSED);
	assert_true(night_run(night)->rehearsed_ok);
}

static const char looks_first[] = NIGHT_ROLES GATES
		"## 1 Go {.production}\n\n1. Look at the board\n"
		"2. Deploy\n\n   ```sh\n   echo deploy\n   ```\n\n" BACK;

/* Its T0 was before the lock, and it has no gate that could be void. */
static void what_has_not_begun_a_command_ends_when_another_is_rolled_back(
		void **state) {
	struct night *night = *state;
	night_init(night, looks_first);
	night_says(night, "lead", REQUEST_START);
	night_say(night, "lead", REQUEST_DONE, "1.1", NULL);
	assert_int_equal(night_run(night)->status, RUN_SUCCEEDED);
	night_says(night, "lead", REQUEST_START);
	assert_int_equal(night_run(night)->number, 2);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_shown(night);
	night_tap(night, "cto", "white_check_mark");
	assert_non_null(strstr(night_shown(night),
			"gate.passed\nrun.aborted\nrun.closed\nrun.rolling_back\n"));
}

static void a_run_that_was_given_up_says_no_more_of_its_gate(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_says(night, "other", REQUEST_HOLD);
	night_approve_t0(night);
	night_say(night, "lead", REQUEST_ABORT, NULL, "not today");
	night_says(night, "lead", REQUEST_CLOSE);
	night_shown(night);
	night_change(night, no_success_gate);
	assert_null(strstr(night_shown(night), "the approval of the plan is gone"));
}

static char *first_waiting(const struct night *night) {
	static char what[128];
	struct waitings waitings;
	const struct world world = {
		.now_ms = night->now_ms,
		.settings = &night->settings,
		.people = &night->people,
	};
	bridge_waiting(&night->bridge, &world, &waitings);
	snprintf(what, sizeof(what), "%s",
			waitings.count > 0 ? waitings.list[0].what : "nobody");
	waitings_finish(&waitings);
	return what;
}

static void a_broken_document_is_what_a_full_gate_waits_for(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_put(night,
			&(struct request){ .type = REQUEST_SOURCE_BROKEN,
					.problem = "x.md:1:1: error" });
	night_approve_t0(night);
	night_pass(night, 1);
	assert_string_equal(first_waiting(night), "a mended runbook or config");
	night_ask(night,
			&(struct request){
					.type = REQUEST_SOURCE_CHANGED, .text = "runbook" });
	assert_string_equal(first_waiting(night), "4.2 Look at the board");
}

static void a_gate_that_cannot_be_read_is_what_a_run_waits_for(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->unverifiable = true;
	night_approve_t0(night);
	assert_string_equal(first_waiting(night), "nobody");
	night_pass(night, 2);
	assert_string_equal(first_waiting(night), "a fresh read of the plan gate");
}

static void a_no_that_cannot_be_read_again_is_what_a_rollback_waits_for(
		void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	night->unverifiable = true;
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "white_check_mark");
	night_tap(night, "cto", "x");
	assert_int_equal(night_run(night)->status, RUN_ROLLING_BACK);
	night_pass(night, 1);
	char *what = first_waiting(night);
	assert_string_equal(what, "a fresh read of the rollback gate");
}

/* What comes after its success is held; the one after it was rolled back. */
static void what_is_held_goes_on_though_a_later_run_is_open(void **state) {
	struct night *night = *state;
	night_reach_success(night);
	night_approve(night);
	night_says(night, "other", REQUEST_HOLD);
	night_says(night, "lead", REQUEST_START);
	night_approve_t0(night);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "white_check_mark");
	night_say(night, "rep", REQUEST_RUN, "6.2", NULL);
	assert_int_equal(night_run(night)->status, RUN_ROLLED_BACK);
	night_shown(night);
	night_says(night, "lead", REQUEST_RESUME);
	assert_non_null(strstr(night_shown(night), "run.resumed by lead"));
}

/* A rehearsal for the next time runs beside it. */
static void what_waits_in_an_older_run_is_settled_by_words_too(void **state) {
	struct night *night = *state;
	night_reach_success(night);
	night_approve(night);
	night->slow = true;
	night_says(night, "lead", REQUEST_REHEARSE);
	assert_int_equal(night_run(night)->kind, RUN_REHEARSAL);
	night_shown(night);
	night_say(night, "cto", REQUEST_DONE, "7.2", NULL);
	assert_string_equal(night_shown(night), "step.ended 7.2 ok by cto\n");
	night_say(night, "cto", REQUEST_DONE, "4.2", NULL);
	assert_non_null(strstr(night_shown(night), "4.2 is not up now"));
}

static bool may(
		const struct night *night, const char *user, enum request_type type) {
	const struct world world = {
		.now_ms = night->now_ms,
		.settings = &night->settings,
		.people = &night->people,
	};
	return bridge_may(&night->bridge, &world, user, type);
}

static void what_may_be_said_of_rollback_is_what_is_heard(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	assert_true(may(night, "other", REQUEST_ROLLBACK));
	night->unverifiable = true;
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "white_check_mark");
	assert_int_equal(night_run(night)->status, RUN_ROLLING_BACK);
	assert_false(may(night, "cto", REQUEST_ROLLBACK));
	night_tap(night, "cto", "x");
	night->unverifiable = false;
	night_jump(night, 11000);
	assert_true(may(night, "cto", REQUEST_ROLLBACK)); // it was refused
}

static void without_a_gate_only_the_lead_may_roll_back(void **state) {
	struct night *night = *state;
	night_init(night, night_small);
	night_says(night, "lead", REQUEST_START);
	assert_false(may(night, "lead", REQUEST_REHEARSE));
	assert_true(may(night, "lead", REQUEST_ROLLBACK));
	assert_false(may(night, "cto", REQUEST_ROLLBACK));
}

#define claim(name) \
	cmocka_unit_test_setup_teardown(name, night_setup, night_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		claim(a_rollback_asked_for_before_success_still_rolls_back),
		claim(a_run_whose_plan_lost_its_approval_is_given_up),
		claim(a_gate_after_success_that_is_refused_holds),
		claim(what_is_watched_can_be_held),
		claim(a_hold_outlives_the_gate_and_can_be_ended),
		claim(a_rollback_cut_short_begins_its_step_again),
		claim(a_rollback_taken_up_asks_what_it_had_asked),
		claim(an_aborted_rollback_does_not_begin_again_by_itself),
		claim(a_clock_that_goes_back_asks_for_success_once),
		claim(a_rollback_taken_up_asks_again_what_it_cut_short),
		claim(a_rollback_taken_up_repeats_nothing_unknown),
		claim(a_step_left_between_two_attempts_does_not_go_on),
		claim(a_gate_that_was_never_used_ends_with_its_run),
		claim(a_no_that_still_stands_after_resume_stops_nothing),
		claim(a_gate_within_a_run_asks_for_what_runs_not_for_the_file),
		claim(a_gate_without_a_command_behind_it_lets_the_run_go_on),
		claim(a_hold_before_success_holds_what_comes_after_it),
		claim(what_failed_last_is_not_done_by_a_word_for_what_is_unknown),
		claim(what_a_monitor_does_first_keeps_its_turn),
		claim(what_watched_the_cutover_has_ended_when_that_has_succeeded),
		claim(what_watches_last_watches_before_success_is_asked_for),
		claim(what_watches_anew_watches_for_its_time),
		claim(a_rehearsal_ends_when_its_monitors_have_watched),
		claim(what_has_not_begun_a_command_ends_when_another_is_rolled_back),
		claim(a_run_that_was_given_up_says_no_more_of_its_gate),
		claim(what_waits_in_an_older_run_is_settled_by_words_too),
		claim(what_may_be_said_of_rollback_is_what_is_heard),
		claim(without_a_gate_only_the_lead_may_roll_back),
		claim(a_broken_document_is_what_a_full_gate_waits_for),
		claim(a_gate_that_cannot_be_read_is_what_a_run_waits_for),
		claim(a_no_that_cannot_be_read_again_is_what_a_rollback_waits_for),
		claim(what_is_held_goes_on_though_a_later_run_is_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
