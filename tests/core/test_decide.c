#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/night.h"
#include "support/test.h"

static void a_ten_line_runbook_runs_with_start_alone(void **state) {
	struct night *night = *state;
	night_init(night, night_small);
	night_says(night, "lead", REQUEST_START);
	assert_string_equal(night_shown(night),
			"plan.fixed by lead\n"
			"run.begun by lead\n"
			"run.t0\n"
			"attempt.started 1.1#1\n"
			"attempt.ended 1.1#1 ok\n"
			"step.ended 1.1 ok\n"
			"attempt.started 1.2#1\n"
			"attempt.ended 1.2#1 ok\n"
			"step.ended 1.2 ok\n"
			"run.deciding\n"
			"run.succeeded\n"
			"run.watched\n");
}

static void only_the_lead_starts(void **state) {
	struct night *night = *state;
	night_init(night, night_small);
	night_says(night, "cto", REQUEST_START);
	assert_string_equal(night_shown(night),
			"command.refused by cto: that is the lead's to say/lead can\n");
	night_says(night, "guest", REQUEST_START);
	assert_non_null(strstr(night_shown(night), "command.refused by guest"));
}

static void nothing_starts_before_its_gate_and_rehearsal(void **state) {
	struct night *night = *state;
	night_init(night, night_whole);
	night_says(night, "lead", REQUEST_START);
	assert_string_equal(night_shown(night),
			"command.refused by lead: there is no plan yet/"
			"say `!cutover plan` first\n");
	night_says(night, "lead", REQUEST_PLAN);
	night_shown(night);
	night_says(night, "lead", REQUEST_START);
	assert_string_equal(night_shown(night),
			"command.refused by lead: plan not approved yet/"
			"missing: cto; lead or dep\n");
	night_approve(night);
	assert_string_equal(night_shown(night),
			"gate.approved by lead\ngate.approved by cto\ngate.passed\n");
	night_says(night, "lead", REQUEST_START);
	assert_string_equal(night_shown(night),
			"command.refused by lead: no rehearsal yet/"
			"say `!cutover rehearse`\n");
	night_says(night, "lead", REQUEST_REHEARSE);
	assert_non_null(strstr(night_shown(night), "run.rehearsed ok"));
	night_says(night, "lead", REQUEST_START);
	assert_string_equal(night_shown(night),
			"run.begun by lead\ngate.opened start by lead\ngate.posted\n");
	assert_int_equal(night->started, 1);
}

static void a_whole_night_succeeds(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_shown(night);
	night_approve_t0(night);
	assert_string_equal(night_shown(night),
			"gate.approved by lead\n"
			"gate.approved by rep\n"
			"gate.passed\n"
			"run.t0\n"
			"gate.used\n"
			"gate.used\n"
			"attempt.started 4.1#1\n"
			"attempt.ended 4.1#1 ok\n"
			"step.ended 4.1 ok\n"
			"step.asked 4.2\n"
			"step.posted 4.2\n");
	night_tap(night, "other", "white_check_mark");
	assert_string_equal(night_shown(night), "step.tap_refused 4.2 by other\n");
	night_tap(night, "rep", "white_check_mark");
	assert_string_equal(night_shown(night),
			"step.ended 4.2 ok by rep\n"
			"attempt.started 4.3#1\n"
			"attempt.ended 4.3#1 ok\n"
			"step.ended 4.3 ok\n"
			"attempt.started 5.1#1\n"
			"attempt.ended 5.1#1 ok\n"
			"step.ended 5.1 ok\n"
			"attempt.started 5.2#1\n"
			"attempt.ended 5.2#1 ok\n"
			"step.ended 5.2 ok\n"
			"step.asked 5.3\n"
			"step.posted 5.3\n");
	night_say(night, "rep", REQUEST_DONE, "5.3", "looks fine");
	assert_string_equal(night_shown(night),
			"step.ended 5.3 ok by rep\n"
			"run.deciding\n"
			"gate.opened success\n"
			"gate.posted\n");
	night_approve(night);
	assert_string_equal(night_shown(night),
			"gate.approved by lead\n"
			"gate.approved by cto\n"
			"gate.passed\n"
			"run.succeeded\n"
			"attempt.started 7.1#1\n"
			"step.asked 7.2\n"
			"step.posted 7.2\n"
			"attempt.ended 7.1#1 ok\n");
	night_tap(night, "cto", "white_check_mark");
	night_pass(night, 31);
	assert_string_equal(night_shown(night),
			"step.ended 7.2 ok by cto\n"
			"attempt.started 7.1#2\n"
			"attempt.ended 7.1#2 ok\n"
			"attempt.started 7.1#3\n"
			"attempt.ended 7.1#3 ok\n"
			"step.ended 7.1 ok\n"
			"run.watched\n");
	night_says(night, "lead", REQUEST_CLOSE);
	assert_string_equal(night_shown(night), "run.closed by lead\n");
}

static void status_keeps_its_grid(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_pass(night, 7);
	night_approve_t0(night); // T0 at +7
	night_shown(night);
	night_pass(night, 9);
	assert_string_equal(night_shown(night), "");
	night_pass(night, 1);
	assert_string_equal(night_shown(night), "status.due 1, 0 missed\n");
	night_jump(night, 25 * 60000); // away, from +17 to +42: 27 and 37
	assert_string_equal(night_shown(night), "status.due 2, 1 missed\n");
	night_pass(night, 5);
	assert_string_equal(night_shown(night), "status.due 3, 0 missed\n");
}

static void set_back(struct night *night, int64_t hours) {
	night->now_ms -= hours * 3600000;
	night_settle(night);
}

/* Somebody sets the machine's clock: nobody is left without a word for hours.
 */
static void status_goes_on_where_the_clock_is_set_back(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	night_pass(night, 20);
	night_shown(night);
	night_pass(night, 1);
	set_back(night, 3);
	assert_string_equal(night_shown(night), "status.due 3, 0 missed\n");
	night_pass(night, 8);
	assert_string_equal(night_shown(night), "");
	night_pass(night, 1);
	assert_string_equal(night_shown(night), "status.due 4, 0 missed\n");
	night_pass(night, 10);
	assert_string_equal(night_shown(night), "status.due 5, 0 missed\n");
	night_says(night, "lead", REQUEST_ROLLBACK);
	set_back(night, 2);
	night_tap(night, "cto", "white_check_mark");
	night_shown(night);
	night_pass(night, 30);
	assert_non_null(strstr(night_shown(night), "status.due 8, 0 missed\n"));
}

/* By seconds, as a clock that is kept right does all the time. */
static void a_clock_that_is_put_right_says_nothing_twice(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	night_pass(night, 10);
	night_shown(night);
	night->now_ms -= 5000;
	night_settle(night);
	assert_string_equal(night_shown(night), "");
	night_pass(night, 9);
	assert_string_equal(night_shown(night), "");
	night_pass(night, 1);
	night_pass(night, 1);
	assert_string_equal(night_shown(night), "status.due 2, 0 missed\n");
}

static void a_no_counts_where_the_clock_is_set_back(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_tap(night, "rep", "x");
	night_shown(night);
	set_back(night, 3);
	assert_non_null(strstr(night_shown(night), "gate.closed refused by rep"));
}

static void a_retry_does_not_wait_for_a_clock_that_was_set_back(void **state) {
	struct night *night = *state;
	night_init(night,
			NIGHT_ROLES "## 1 Go {.production}\n\n1. Go\n\n"
						"   ```sh retries=1 delay=5m\n   echo go\n   ```\n\n"
						"## 2 Back {.rollback}\n\n1. Undo\n\n"
						"   ```sh\n   echo undo\n   ```\n");
	night_will(night, "1.1", OUTCOME_FAILED);
	night_says(night, "lead", REQUEST_START);
	night_shown(night);
	set_back(night, 3);
	assert_non_null(strstr(night_shown(night), "attempt.started 1.1#2"));
}

static void what_hangs_is_declared_dead_where_the_clock_is_set_back(
		void **state) {
	struct night *night = *state;
	night_begin(night);
	night->slow = true;
	night->disobedient = true;
	night_approve_t0(night);
	night_say(night, "lead", REQUEST_FAIL, "4.1", "it hangs");
	night_shown(night);
	set_back(night, 3);
	night_say(night, "lead", REQUEST_FAIL, "4.1", "it hangs");
	assert_non_null(strstr(night_shown(night), "step.ended 4.1"));
}

static void a_failed_step_stops_and_is_retried(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_will(night, "4.1", OUTCOME_FAILED);
	night_shown(night);
	night_approve_t0(night);
	assert_non_null(strstr(night_shown(night),
			"attempt.ended 4.1#1 failed\nstep.ended 4.1 failed\n"));
	night_pass(night, 5);
	assert_string_equal(night_shown(night), "");
	night_say(night, "lead", REQUEST_SKIP, "4.1", "never mind");
	assert_string_equal(night_shown(night),
			"command.refused by lead: 4.1 cannot be skipped: rollback needs "
			"what it publishes/`!retry` it, or `!rollback`\n");
	night_say(night, "cto", REQUEST_RETRY, "4.1", NULL);
	assert_non_null(strstr(night_shown(night), "command.refused by cto"));
	night_say(night, "lead", REQUEST_RETRY, "4.1", NULL);
	assert_string_equal(night_shown(night),
			"step.retried 4.1 by lead\n"
			"attempt.started 4.1#2\n"
			"attempt.ended 4.1#2 ok\n"
			"step.ended 4.1 ok\n"
			"step.asked 4.2\n"
			"step.posted 4.2\n");
	assert_int_equal(night_run(night)->interventions, 1);
}

static void an_unknown_outcome_is_asked_for_and_never_repeated(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_will(night, "4.3", OUTCOME_UNKNOWN);
	night_approve_t0(night);
	night_say(night, "rep", REQUEST_DONE, "4.2", NULL);
	night_shown(night);
	night_pass(night, 9);
	assert_string_equal(night_shown(night), "");
	night_say(night, "lead", REQUEST_DONE, "4.3", "I looked");
	assert_non_null(strstr(night_shown(night),
			"step.confirmed 4.3 by lead\n"
			"step.ended 4.3 ok by lead\n"
			"attempt.started 5.1#1\n"));
	assert_int_equal(night_run(night)->interventions, 1);
}

static void what_an_unknown_step_left_is_taken_over_with_done(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_will(night, "4.1", OUTCOME_UNKNOWN);
	night->leaves = true;
	night_approve_t0(night);
	assert_null(run_value(night_run(night), "SNAP"));
	night_say(night, "lead", REQUEST_DONE, "4.1", "I looked");
	assert_string_equal(run_value(night_run(night), "SNAP"), "SNAP");
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_shown(night);
	night_tap(night, "cto", "white_check_mark");
	night_say(night, "rep", REQUEST_RUN, "6.2", NULL);
	assert_non_null(strstr(night_shown(night), "step.ended 6.2 ok"));
}

static void an_undo_value_is_given_up_only_in_so_many_words(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_will(night, "4.1", OUTCOME_UNKNOWN);
	night_approve_t0(night);
	night_shown(night);
	static const char *const words[] = { NULL, "I looked", "without SNAPS",
		"SNAP is lost" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		night_say(night, "lead", REQUEST_DONE, "4.1", words[i]);
		assert_string_equal(night_shown(night),
				"command.refused by lead: 4.1 left no SNAP behind/"
				"needed by rollback 6.2: passed over without it/"
				"`!retry 4.1` makes it anew; or, as it is:/"
				"`!done 4.1 without SNAP`\n");
	}
	night_say(night, "lead", REQUEST_DONE, "4.1", "without SNAP: disk full");
	assert_string_equal(night_shown(night),
			"step.confirmed 4.1 by lead\n"
			"step.ended 4.1 ok by lead\n"
			"step.asked 4.2\n"
			"step.posted 4.2\n");
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "white_check_mark");
	assert_non_null(strstr(night_shown(night), "step.ended 6.2 passed_over"));
}

static void a_rollback_takes_what_an_unknown_step_left_if_told_to(
		void **state) {
	struct night *night = *state;
	night_begin(night);
	night_will(night, "4.1", OUTCOME_UNKNOWN);
	night->leaves = true;
	night_approve_t0(night);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "white_check_mark");
	assert_non_null(strstr(night_shown(night), "step.asked 6.2"));
	night_say(night, "rep", REQUEST_RUN, "6.2", NULL);
	assert_non_null(strstr(night_shown(night), "step.ended 6.2 ok"));
	assert_string_equal(run_value(night_run(night), "SNAP"), "SNAP");
}

/* There is nothing to put back, and yet nobody wants it to begin by itself. */
static void a_rollback_before_any_command_holds_what_would_begin(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_shown(night);
	night_say(night, "rep", REQUEST_ROLLBACK, NULL, "ingest is red");
	assert_string_equal(night_shown(night), "run.held by rep\n");
	assert_string_equal(night_run(night)->held_why,
			"a rollback is asked for before any command: ingest is red");
	night_says(night, "cto", REQUEST_ROLLBACK);
	assert_non_null(strstr(night_shown(night), "nothing to roll back"));
	night_approve_t0(night);
	assert_false(night_run(night)->command_started);
	night_says(night, "lead", REQUEST_RESUME);
	assert_true(night_run(night)->command_started);
}

static void rollback_needs_two_and_asking_is_one(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	night_shown(night);
	night_say(night, "lead", REQUEST_ROLLBACK, NULL, "ingest is red");
	assert_string_equal(night_shown(night),
			"gate.opened rollback by lead\n"
			"gate.asked by lead\n"
			"gate.posted\n");
	night_tap(night, "rep", "white_check_mark");
	assert_string_equal(night_shown(night), "gate.tap_refused by rep\n");
	night_tap(night, "cto", "white_check_mark");
	assert_string_equal(night_shown(night),
			"gate.approved by cto\n"
			"gate.passed\n"
			"run.rolling_back\n"
			"gate.used\n"
			"attempt.started 6.1#1\n"
			"attempt.ended 6.1#1 ok\n"
			"step.ended 6.1 ok\n"
			"step.asked 6.2\n");
	night_tap(night, "rep", "white_check_mark"); // never by a tap
	assert_string_equal(night_shown(night), "");
	night_say(night, "rep", REQUEST_RUN, "6.2", NULL);
	assert_string_equal(night_shown(night),
			"step.allowed 6.2 by rep\n"
			"attempt.started 6.2#1\n"
			"attempt.ended 6.2#1 ok\n"
			"step.ended 6.2 ok\n"
			"run.rolled_back\n");
	night_says(night, "lead", REQUEST_CLOSE);
	night_shown(night);
	night_says(night, "lead", REQUEST_START);
	assert_string_equal(night_shown(night),
			"command.refused by lead: production is locked/"
			"rehearsal LB-1 was before the last run/say `!cutover rehearse`\n");
}

static void a_mended_workdir_is_taken_over_by_a_plan(void **state) {
	struct night *night = *state;
	night_init(night, night_whole);
	night->workdir = "/wrong";
	night_says(night, "lead", REQUEST_PLAN);
	night_approve(night);
	night_says(night, "lead", REQUEST_REHEARSE);
	night->workdir = "/right";
	night_shown(night);
	night_says(night, "lead", REQUEST_START);
	assert_string_equal(night_shown(night),
			"command.refused by lead: the plan has changed/"
			"commands start in another workdir/say `!cutover plan` again\n");
	night_says(night, "lead", REQUEST_PLAN);
	assert_string_equal(night_shown(night), "plan.fixed by lead\n");
	const struct plan_record *plan = bridge_plan(&night->bridge);
	assert_string_equal(plan_target(&plan->plan, "local")->workdir, "/right");
	// What it does is the same: neither approval nor rehearsal is asked anew.
	night_says(night, "lead", REQUEST_START);
	assert_non_null(strstr(night_shown(night), "gate.opened"));
	assert_ptr_equal(night_run(night)->plan, plan);
}

static void a_journal_that_is_behind_the_channel_holds(void **state) {
	struct night *night = *state;
	const struct request behind = {
		.type = REQUEST_JOURNAL_BEHIND,
		.server_ms = night->now_ms,
	};
	night_shown(night);
	night_ask(night, &behind); // nothing runs
	assert_string_equal(night_shown(night), "bot.behind\n");
	night_finish(night);
	night_begin(night);
	night_shown(night);
	night_ask(night, &behind);
	assert_string_equal(night_shown(night), "run.held\n");
	night_ask(night, &behind); // held already, perhaps for something else
	assert_string_equal(night_shown(night), "bot.behind\n");
	night_approve_t0(night);
	night_pass(night, 5);
	assert_null(strstr(night_shown(night), "attempt.started"));
	night_says(night, "lead", REQUEST_RESUME);
	assert_non_null(strstr(night_shown(night), "attempt.started"));
}

static void a_second_rollback_fills_its_authors_slot(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	night_says(night, "other", REQUEST_ROLLBACK);
	night_shown(night);
	night_says(night, "lead", REQUEST_ROLLBACK);
	assert_string_equal(night_shown(night), "gate.asked by lead\n");
	night_says(night, "lead", REQUEST_ROLLBACK);
	assert_string_equal(night_shown(night), "command.answered by lead\n");
	night_says(night, "cto", REQUEST_ROLLBACK);
	assert_non_null(strstr(night_shown(night), "run.rolling_back"));
}

static void rollback_stops_what_is_running(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->slow = true;
	night_approve_t0(night);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_shown(night);
	night_says(night, "cto", REQUEST_ROLLBACK);
	assert_string_equal(night_shown(night),
			"gate.asked by cto\n"
			"gate.passed\n"
			"run.rolling_back\n"
			"attempt.ended 4.1#1 cancelled\n"
			"step.ended 4.1 cancelled\n"
			"gate.used\n"
			"attempt.started 6.1#1\n");
	night_end(night, "6.1", OUTCOME_OK);
	assert_string_equal(night_shown(night),
			"attempt.ended 6.1#1 ok\n"
			"step.ended 6.1 ok\n"
			"step.ended 6.2 passed_over\n"
			"run.rolled_back\n");
}

/* It hangs in the kernel, say: no signal reaches it, and no rollback would ever
 * begin. */
static void what_cannot_be_ended_is_declared_dead(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->slow = true;
	night->disobedient = true;
	night_approve_t0(night);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_says(night, "cto", REQUEST_ROLLBACK);
	night_pass(night, 20);
	night_shown(night);
	night_say(night, "lead", REQUEST_FAIL, "4.1", "it hangs");
	night_say(night, "lead", REQUEST_FAIL, "4.1", "it hangs");
	assert_string_equal(night_shown(night),
			"step.cancelling 4.1 by lead\n"
			"command.refused by lead: 4.1 is being ended/"
			"if it does not end, say `!fail 4.1 WHY` again in 30 s\n");
	night_pass(night, 1);
	night_say(night, "cto", REQUEST_FAIL, "4.1", "it hangs");
	assert_non_null(strstr(night_shown(night), "command.refused by cto"));
	night_say(night, "lead", REQUEST_FAIL, "4.1", "it hangs");
	assert_non_null(strstr(night_shown(night),
			"attempt.ended 4.1#1 unknown\n"
			"step.ended 4.1 unknown by lead\n"
			"gate.used\n"
			"attempt.started 6.1#1\n"));
}

/* LB-2 was aborted with things done, LB-4 waits at its gate: then somebody
 * sees that LB-2 must be taken back. */
static void start_behind_an_aborted_run(struct night *night) {
	night_begin(night);
	night_approve_t0(night);
	night_say(night, "lead", REQUEST_ABORT, NULL, "enough");
	night_pass(night, 1);
	night_says(night, "lead", REQUEST_REHEARSE);
	night_says(night, "lead", REQUEST_START);
	assert_int_equal(night_run(night)->status, RUN_AT_GATE);
	assert_int_equal(bridge_run(&night->bridge, 2)->status, RUN_ABORTED);
}

static void an_older_runs_rollback_stops_the_one_at_its_gate(void **state) {
	struct night *night = *state;
	start_behind_an_aborted_run(night);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "white_check_mark");
	assert_int_equal(bridge_run(&night->bridge, 2)->status, RUN_ROLLING_BACK);
	assert_int_equal(bridge_run(&night->bridge, 4)->status, RUN_PLANNED);
	night_say(night, "rep", REQUEST_RUN, "6.2", NULL);
	assert_int_equal(bridge_run(&night->bridge, 2)->status, RUN_ROLLED_BACK);
	night_shown(night);
	night_says(night, "lead", REQUEST_START);
	assert_non_null(strstr(night_shown(night), "production is locked"));
}

static void nothing_starts_while_an_older_runs_rollback_is_asked_for(
		void **state) {
	struct night *night = *state;
	start_behind_an_aborted_run(night);
	night_says(night, "lead", REQUEST_HOLD);
	night_approve_t0(night);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_says(night, "lead", REQUEST_RESUME);
	size_t started = night->started;
	night_pass(night, 5);
	assert_int_equal(night->started, started);
	night_tap(night, "cto", "x");
	night_pass(night, 1);
	assert_int_equal(night->started, started + 1);
}

static void a_refused_rollback_holds_and_can_be_asked_again(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "x");
	night_shown(night);
	night_jump(night, 9000);
	assert_string_equal(night_shown(night), "");
	night_jump(night, 1000);
	assert_string_equal(night_shown(night),
			"gate.closed refused by cto: \n"
			"run.held\n");
	night_says(night, "lead", REQUEST_RESUME);
	night_shown(night);
	night_says(night, "lead", REQUEST_ROLLBACK);
	assert_non_null(strstr(night_shown(night), "gate.opened rollback"));
}

static void a_slipped_thumb_can_be_taken_back(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_tap(night, "rep", "x");
	night_jump(night, 5000);
	night_untap(night, "rep", "x");
	night_jump(night, 60000);
	night_approve_t0(night);
	assert_non_null(strstr(night_shown(night), "attempt.started 4.1#1"));
}

static void an_objection_keeps_a_full_gate_shut(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_tap(night, "lead", "white_check_mark");
	night_tap(night, "rep", "x");
	night_tap(night, "rep", "white_check_mark"); // both: the ❌ counts
	night_shown(night);
	night_jump(night, 10000);
	assert_string_equal(night_shown(night), "gate.closed refused by rep: \n");
	assert_int_equal(night_run(night)->status, RUN_PLANNED);
	night_says(night, "lead", REQUEST_START);
	assert_string_equal(
			night_shown(night), "gate.opened start by lead\ngate.posted\n");
	assert_int_equal(night_run(night)->number, 2); // under its number
}

static void a_withdrawn_approval_does_not_count(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_shown(night);
	night_tap(night, "lead", "white_check_mark");
	night_untap(night, "lead", "white_check_mark");
	night_tap(night, "rep", "white_check_mark");
	assert_null(strstr(night_shown(night), "run.t0"));
}

static void nothing_starts_without_a_fresh_answer(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->unverifiable = true;
	night_approve_t0(night);
	night_pass(night, 3);
	assert_int_equal(night->started, 1); // the rehearsal's
	night->unverifiable = false;
	night_pass(night, 1);
	assert_int_equal(night->started, 2);
}

static void an_unused_gate_expires_on_time(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_shown(night);
	night_pass(night, 31);
	assert_non_null(strstr(night_shown(night), "gate.closed expired"));
}

static void a_changed_runbook_voids_its_gate(void **state) {
	struct night *night = *state;
	night_begin(night);
	char *at = strstr(night->source, "echo deploy");
	memcpy(at, "echo DEPLOY", 11);
	night_shown(night);
	night_approve_t0(night);
	const char *shown = night_shown(night);
	assert_non_null(strstr(shown, "gate.closed void: the plan has changed"));
	assert_null(strstr(shown, "attempt.started"));
}

static void a_plan_whose_approval_is_gone_does_not_start(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_shown(night);
	night_untap(night, "cto", "+1_medium_skin_tone");
	assert_string_equal(night_shown(night),
			"gate.withdrawn by cto\n"
			"gate.closed void: an approval was withdrawn\n"
			"gate.closed void: the approval of the plan is gone\n");
	assert_int_equal(night_run(night)->status, RUN_PLANNED);
}

static void nothing_passes_while_the_files_are_broken(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_ask(night,
			&(struct request){ .type = REQUEST_SOURCE_BROKEN,
					.problem = "launch.md:3:1: no such role" });
	night_ask(night,
			&(struct request){ .type = REQUEST_SOURCE_BROKEN,
					.problem = "launch.md:3:1: no such role" });
	night_shown(night);
	night_approve_t0(night);
	assert_string_equal(night_shown(night),
			"gate.approved by lead\ngate.approved by rep\n");
	night_ask(night, &(struct request){ .type = REQUEST_SOURCE_CHANGED });
	assert_non_null(strstr(night_shown(night), "attempt.started 4.1#1"));
}

static void changed_files_hold_until_approved_again(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->files_changed = true;
	night_shown(night);
	night_approve_t0(night);
	const char *shown = night_shown(night);
	assert_non_null(strstr(shown, "run.files_changed"));
	assert_null(strstr(shown, "attempt.started"));
	night_approve_t0(night);
	shown = night_shown(night);
	assert_non_null(strstr(shown, "run.files_accepted\nrun.resumed\n"));
	assert_non_null(strstr(shown, "attempt.started 4.1#1"));
}

static void hold_stops_before_the_next_step(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->slow = true;
	night_approve_t0(night);
	night_say(night, "other", REQUEST_HOLD, NULL, "wait");
	night_shown(night);
	night_end(night, "4.1", OUTCOME_OK);
	assert_string_equal(
			night_shown(night), "attempt.ended 4.1#1 ok\nstep.ended 4.1 ok\n");
	night_says(night, "other", REQUEST_RESUME);
	assert_non_null(strstr(night_shown(night), "command.refused"));
	night_says(night, "lead", REQUEST_RESUME);
	assert_string_equal(night_shown(night),
			"run.resumed by lead\nstep.asked 4.2\nstep.posted 4.2\n");
}

static void a_red_test_does_not_stop_the_others(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_will(night, "5.1", OUTCOME_FAILED);
	night_approve_t0(night);
	night_shown(night);
	night_say(night, "rep", REQUEST_DONE, "4.2", NULL);
	const char *shown = night_shown(night);
	assert_non_null(strstr(shown, "step.ended 5.1 failed"));
	assert_non_null(strstr(shown, "step.ended 5.2 ok"));
	night_say(night, "rep", REQUEST_DONE, "5.3", NULL);
	assert_string_equal(
			night_shown(night), "step.ended 5.3 ok by rep\nrun.deciding\n");
	night_says(night, "lead", REQUEST_DECIDE);
	assert_string_equal(night_shown(night), "command.answered by lead\n");
	night_say(night, "lead", REQUEST_RETRY, "5.1", NULL);
	assert_string_equal(night_shown(night),
			"step.retried 5.1 by lead\n"
			"attempt.started 5.1#2\n"
			"attempt.ended 5.1#2 ok\n"
			"step.ended 5.1 ok\n"
			"run.deciding\n"
			"gate.opened success\n"
			"gate.posted\n");
}

static void abort_while_a_command_runs_is_said_twice(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->slow = true;
	night_approve_t0(night);
	night_shown(night);
	night_say(night, "lead", REQUEST_ABORT, NULL, "wrong night");
	assert_string_equal(night_shown(night), "run.abort_asked by lead\n");
	night_jump(night, 61000);
	night_say(night, "lead", REQUEST_ABORT, NULL, "wrong night");
	assert_string_equal(night_shown(night), "run.abort_asked by lead\n");
	night_say(night, "lead", REQUEST_ABORT, NULL, "wrong night");
	assert_string_equal(night_shown(night),
			"run.aborted by lead\n"
			"attempt.ended 4.1#1 cancelled\n"
			"step.ended 4.1 cancelled\n");
	night_says(night, "cto", REQUEST_ROLLBACK);
	assert_non_null(strstr(night_shown(night), "gate.opened rollback"));
}

static void a_rehearsal_with_an_intervention_does_not_count(void **state) {
	struct night *night = *state;
	night_init(night, night_whole);
	night_says(night, "lead", REQUEST_PLAN);
	night_will(night, "3.1", OUTCOME_FAILED);
	night_says(night, "lead", REQUEST_REHEARSE);
	night_shown(night);
	night_say(night, "lead", REQUEST_RETRY, "3.1", NULL);
	assert_non_null(strstr(
			night_shown(night), "run.rehearsed failed: 1 intervention\n"));
}

static void an_old_command_found_late_does_not_act(void **state) {
	struct night *night = *state;
	night_init(night, night_small);
	const struct request request = {
		.type = REQUEST_START,
		.user = "lead",
		.post = "old",
		.command = "start",
		.late_ms = 7 * 60000,
	};
	night_ask(night, &request);
	assert_string_equal(night_shown(night),
			"command.refused by lead: said 7 min ago while I was away/"
			"say it again if it still holds\n");
}

static void nothing_forward_starts_while_cut_off(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->slow = true;
	night_approve_t0(night);
	night_ask(night, &(struct request){ .type = REQUEST_SERVER_LOST });
	night_end(night, "4.1", OUTCOME_OK);
	night_shown(night);
	night_pass(night, 2);
	assert_string_equal(night_shown(night), "");
	night_ask(night, &(struct request){ .type = REQUEST_SERVER_BACK });
	assert_string_equal(night_shown(night),
			"server.back\nstep.asked 4.2\nstep.posted 4.2\n");
}

static void a_run_lets_go_of_its_steps_when_the_next_begins(void **state) {
	struct night *night = *state;
	struct err err = { 0 };
	night_begin(night); // planned, rehearsed and started
	const struct run *rehearsal = bridge_run(&night->bridge, 1);
	assert_true(rehearsal->put_away);
	assert_int_equal(rehearsal->step_count, 0);
	assert_true(rehearsal->rehearsed_ok);
	assert_false(night_run(night)->put_away);
	/* A journal that tells something late of such a step is still good. */
	struct event late = event_make(EVENT_STEP_POSTED, night->now_ms);
	late.run = 1;
	late.step = 0;
	late.post = "late";
	assert_true(bridge_fold(&night->bridge, &late, &err));
	late.step = (uint32_t)rehearsal->plan->runbook->step_count;
	assert_false(bridge_fold(&night->bridge, &late, &err));
	assert_string_equal(err.text, "step.posted out of place: no such step");
}

static void a_run_left_with_a_step_that_waits_is_kept_whole(void **state) {
	struct night *night = *state;
	night_init(night, night_small);
	night_will(night, "1.1", OUTCOME_FAILED);
	night_says(night, "lead", REQUEST_START);
	night_says(night, "lead", REQUEST_ABORT);
	night_says(night, "lead", REQUEST_CLOSE);
	assert_int_equal(night_run(night)->status, RUN_CLOSED);
	night_says(night, "lead", REQUEST_START);
	assert_int_equal(night->bridge.run_count, 2);
	assert_false(night->bridge.runs[0].put_away);
	assert_int_equal(night->bridge.runs[0].steps[0].status, STEP_FAILED);
}

static void a_closed_run_is_followed_while_something_of_it_runs(void **state) {
	struct night *night = *state;
	night_init(night, night_small);
	night->slow = true;
	night->disobedient = true;
	night_says(night, "lead", REQUEST_START);
	night_say(night, "lead", REQUEST_ABORT, NULL, "because");
	night_say(night, "lead", REQUEST_ABORT, NULL, "because");
	night_says(night, "lead", REQUEST_CLOSE);
	assert_int_equal(night_run(night)->status, RUN_CLOSED);
	const struct world world = {
		.now_ms = night->now_ms,
		.settings = &night->settings,
		.people = &night->people,
	};
	struct effects effects;
	bridge_next(&night->bridge, &world, &effects);
	assert_int_equal(effects.count, 2);
	assert_int_equal(effects.list[0].type, EFFECT_FOLLOW_ATTEMPT);
	assert_int_equal(effects.list[1].type, EFFECT_CANCEL_ATTEMPT);
	effects_finish(&effects);
	night_end(night, "1.1", OUTCOME_CANCELLED);
	bridge_next(&night->bridge, &world, &effects);
	assert_int_equal(effects.count, 0);
	effects_finish(&effects);
}

/* --- a thousand nights of chance --- */

static uint32_t draw(uint32_t *seed, uint32_t below) {
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % below;
}

static void act_by_chance(struct night *night, uint32_t *seed) {
	static const char *const users[] = { "lead", "lead", "lead", "cto", "rep",
		"dep", "other", "guest" };
	static const char *const emojis[] = { "white_check_mark",
		"white_check_mark", "white_check_mark", "x" };
	static const char *const steps[] = { "3.1", "4.1", "4.2", "4.3", "5.1",
		"5.2", "5.3", "6.1", "6.2", "7.1", "7.2", "9.9" };
	static const enum outcome outcomes[] = { OUTCOME_OK, OUTCOME_OK,
		OUTCOME_FAILED, OUTCOME_UNKNOWN, OUTCOME_TIMED_OUT };
	const char *user = users[draw(seed, 8)];
	switch (draw(seed, 10)) {
	case 0:
	case 1:
	case 2:
		night_tap(night, user, emojis[draw(seed, 4)]);
		break;
	case 3:
		night_untap(night, user, emojis[draw(seed, 4)]);
		break;
	case 4:
		night_jump(night, (int64_t)draw(seed, 15) * 60000);
		break;
	case 5:
		night_will(night, steps[draw(seed, 12)], outcomes[draw(seed, 5)]);
		break;
	case 6:
		night->slow = draw(seed, 3) == 0;
		night->away = draw(seed, 3) == 0;
		night->disobedient = draw(seed, 3) == 0;
		night_jump(night, 10000);
		break;
	case 7:
		night_ask(night,
				&(struct request){ .type = draw(seed, 3) == 0
								? REQUEST_SERVER_LOST
								: REQUEST_SERVER_BACK });
		break;
	default:
		night_say(night, user, (enum request_type)draw(seed, REQUEST_MISSED),
				steps[draw(seed, 12)], "because");
		break;
	}
}

static void invariants_hold_whatever_people_do(void **state) {
	struct night *night = *state;
	size_t started = 0;
	size_t ended = 0;
	for (uint32_t i = 1; i <= 400; i++) {
		uint32_t seed = i;
		if (i % 2 == 0) {
			night_init(night, night_whole);
		} else {
			night_begin(night);
			night->slow = i % 3 == 0;
			night_approve_t0(night);
		}
		for (size_t j = 0; j < 120 && night->violated[0] == '\0'; j++) {
			act_by_chance(night, &seed);
		}
		started += night->started;
		for (size_t j = 0; j < night->bridge.run_count; j++) {
			ended += night->bridge.runs[j].ended_ms > 0;
		}
		if (night->violated[0] != '\0') {
			printf("# seed %u\n", i);
			return; // teardown tells
		}
		if (i < 400) {
			night_finish(night);
		}
	}
	printf("# %zu attempts, %zu runs ended\n", started, ended);
	assert_true(started > 500);
	assert_true(ended > 200);
}

#define claim(name) \
	cmocka_unit_test_setup_teardown(name, night_setup, night_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		claim(a_ten_line_runbook_runs_with_start_alone),
		claim(only_the_lead_starts),
		claim(nothing_starts_before_its_gate_and_rehearsal),
		claim(a_whole_night_succeeds),
		claim(status_keeps_its_grid),
		claim(status_goes_on_where_the_clock_is_set_back),
		claim(a_clock_that_is_put_right_says_nothing_twice),
		claim(a_no_counts_where_the_clock_is_set_back),
		claim(a_retry_does_not_wait_for_a_clock_that_was_set_back),
		claim(what_hangs_is_declared_dead_where_the_clock_is_set_back),
		claim(a_failed_step_stops_and_is_retried),
		claim(an_unknown_outcome_is_asked_for_and_never_repeated),
		claim(what_an_unknown_step_left_is_taken_over_with_done),
		claim(an_undo_value_is_given_up_only_in_so_many_words),
		claim(a_rollback_takes_what_an_unknown_step_left_if_told_to),
		claim(a_rollback_before_any_command_holds_what_would_begin),
		claim(rollback_needs_two_and_asking_is_one),
		claim(a_mended_workdir_is_taken_over_by_a_plan),
		claim(a_journal_that_is_behind_the_channel_holds),
		claim(a_second_rollback_fills_its_authors_slot),
		claim(rollback_stops_what_is_running),
		claim(what_cannot_be_ended_is_declared_dead),
		claim(an_older_runs_rollback_stops_the_one_at_its_gate),
		claim(nothing_starts_while_an_older_runs_rollback_is_asked_for),
		claim(a_refused_rollback_holds_and_can_be_asked_again),
		claim(a_slipped_thumb_can_be_taken_back),
		claim(an_objection_keeps_a_full_gate_shut),
		claim(a_withdrawn_approval_does_not_count),
		claim(nothing_starts_without_a_fresh_answer),
		claim(an_unused_gate_expires_on_time),
		claim(a_changed_runbook_voids_its_gate),
		claim(a_plan_whose_approval_is_gone_does_not_start),
		claim(nothing_passes_while_the_files_are_broken),
		claim(changed_files_hold_until_approved_again),
		claim(hold_stops_before_the_next_step),
		claim(a_red_test_does_not_stop_the_others),
		claim(abort_while_a_command_runs_is_said_twice),
		claim(a_rehearsal_with_an_intervention_does_not_count),
		claim(a_closed_run_is_followed_while_something_of_it_runs),
		claim(a_run_lets_go_of_its_steps_when_the_next_begins),
		claim(a_run_left_with_a_step_that_waits_is_kept_whole),
		claim(an_old_command_found_late_does_not_act),
		claim(nothing_forward_starts_while_cut_off),
		claim(invariants_hold_whatever_people_do),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
