#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/night.h"
#include "support/test.h"

/*
 * Rollbacks where several things come together.
 */

/* Undoing has a dangerous part of its own. */
static const char careful[] = NIGHT_ROLES NIGHT_GATES
		"## 1 Go {.production gate=\"T0\"}\n\n"
		"1. Deploy\n\n   ```sh\n   echo deploy\n   ```\n\n"
		"## 2 Back {.rollback gate=\"Back\"}\n\n"
		"1. Down\n\n   ```sh\n   echo down\n   ```\n\n"
		"### 2.2 Restore {gate=\"Restore\"}\n\n"
		"1. Restore\n\n   ```sh\n   echo restore\n   ```\n\n";

static void roll_back_careful(struct night *night) {
	night_init(night, careful);
	night_says(night, "lead", REQUEST_START);
	night_approve_t0(night);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_shown(night);
	night_tap(night, "cto", "+1");
}

static void a_gate_inside_the_rollback_is_asked_for(void **state) {
	struct night *night = *state;
	roll_back_careful(night);
	assert_string_equal(night_shown(night),
			"gate.approved by cto\n"
			"gate.passed\n"
			"run.rolling_back\n"
			"gate.used\n"
			"attempt.started 2.1#1\n"
			"attempt.ended 2.1#1 ok\n"
			"step.ended 2.1 ok\n"
			"gate.opened step\n"
			"gate.posted\n");
	night_tap(night, "cto", "+1");
	night_tap(night, "rep", "+1");
	assert_string_equal(night_shown(night),
			"gate.approved by cto\n"
			"gate.approved by rep\n"
			"gate.passed\n"
			"gate.used\n"
			"attempt.started 2.2.1#1\n"
			"attempt.ended 2.2.1#1 ok\n"
			"step.ended 2.2.1 ok\n"
			"run.rolled_back\n");
}

static void a_refused_gate_inside_the_rollback_holds_it(void **state) {
	struct night *night = *state;
	roll_back_careful(night);
	night_tap(night, "rep", "x");
	night_shown(night);
	night_jump(night, 10000);
	assert_string_equal(
			night_shown(night), "gate.closed refused by rep: \nrun.held\n");
	night_says(night, "lead", REQUEST_RESUME);
	assert_string_equal(night_shown(night),
			"run.resumed by lead\ngate.opened step\ngate.posted\n");
	night_tap(night, "rep", "+1");
	night_tap(night, "cto", "+1");
	assert_int_equal(night_run(night)->status, RUN_ROLLED_BACK);
}

/* Nobody looks, the thirty minutes are over: as any approval it is asked for
 * again. */
static void an_old_approval_inside_the_rollback_does_not_count(void **state) {
	struct night *night = *state;
	roll_back_careful(night);
	night->unverifiable = true;
	night_tap(night, "rep", "+1");
	night_tap(night, "cto", "+1");
	night_shown(night);
	night_jump(night, INT64_C(31) * 60000);
	assert_non_null(strstr(night_shown(night),
			"gate.closed expired: the approval was not used in time\n"
			"run.held\n"));
}

/* "Tap ❌ to hold instead", says the post. */
static void a_refused_rollback_holds_what_comes_after_success(void **state) {
	struct night *night = *state;
	night_reach_success(night);
	night_approve(night);
	night_says(night, "other", REQUEST_ROLLBACK);
	night_tap(night, "cto", "x");
	night_shown(night);
	night_jump(night, 10000);
	assert_string_equal(
			night_shown(night), "gate.closed refused by cto: \nrun.held\n");
	night_pass(night, 15);
	night_says(night, "lead", REQUEST_RESUME);
	assert_non_null(strstr(night_shown(night), "attempt.started 7.1#2"));
}

/* That something began under an earlier approval says nothing of this one. */
static void what_a_second_rollback_did_not_begin_is_read_again(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	night_will(night, "6.1", OUTCOME_FAILED);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "+1");
	night_say(night, "lead", REQUEST_ABORT, NULL, "wait");
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "+1");
	night_will(night, "6.1", OUTCOME_NOT_STARTED);
	night_say(night, "lead", REQUEST_RETRY, "6.1", NULL);
	night_untap_post(
			night, night_gate(night, PURPOSE_ROLLBACK)->post, "cto", "+1");
	night_shown(night);
	night_say(night, "lead", REQUEST_RETRY, "6.1", NULL);
	assert_string_equal(night_shown(night),
			"step.retried 6.1 by lead\n"
			"gate.closed void: an approval was withdrawn\n");
}

/* Approved, and waiting for 4.1 to end before anything is undone. */
static void wait_to_roll_back(struct night *night) {
	night_begin(night);
	night->slow = true;
	night->disobedient = true;
	night_approve_t0(night);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "+1");
	assert_int_equal(night_run(night)->status, RUN_ROLLING_BACK);
}

static void an_asker_deletes_the_words_before_anything_is_undone(void **state) {
	struct night *night = *state;
	wait_to_roll_back(night);
	night_shown(night);
	night_ask(night,
			&(struct request){
					.type = REQUEST_POST_CHANGED,
					.post = night_gate(night, PURPOSE_ROLLBACK)
									->approvals[0]
									.post,
					.deleted = true,
			});
	night_end(night, "4.1", OUTCOME_CANCELLED);
	assert_string_equal(night_shown(night),
			"gate.withdrawn by lead\n"
			"attempt.ended 4.1#1 cancelled\n"
			"step.ended 4.1 cancelled\n"
			"gate.closed void: an approval was withdrawn\n");
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "+1");
	assert_non_null(strstr(night_shown(night), "attempt.started 6.1#1"));
}

static const char *const other_backups[] = { "dep", "other" };

static const struct holders more_holders[] = {
	{ .role = "Cutover lead", .primary = "lead" },
	{ .role = "DevOps lead",
			.primary = "lead",
			.backups = other_backups,
			.backup_count = 2 },
	{ .role = "CTO", .primary = "cto" },
	{ .role = "Storage", .primary = "rep" },
};

static void others_in_its_roles_void_an_unused_rollback_too(void **state) {
	struct night *night = *state;
	wait_to_roll_back(night);
	night->settings.holders = more_holders;
	night_shown(night);
	night_end(night, "4.1", OUTCOME_CANCELLED);
	assert_non_null(strstr(night_shown(night),
			"gate.closed void: who holds its roles has changed\n"));
}

/* The lead meant what ran forward, and that is over. */
static void an_abort_said_once_before_is_not_said_of_the_rollback(
		void **state) {
	struct night *night = *state;
	night_begin(night);
	night->slow = true;
	night_approve_t0(night);
	night_say(night, "lead", REQUEST_ABORT, NULL, "no");
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "+1");
	night_shown(night);
	night_say(night, "lead", REQUEST_ABORT, NULL, "no");
	assert_string_equal(night_shown(night), "run.abort_asked by lead\n");
}

static const char by_hand[] = NIGHT_ROLES NIGHT_GATES
		"## 1 Go {.production gate=\"T0\"}\n\n1. Look\n"
		"2. Deploy\n\n   ```sh\n   echo deploy\n   ```\n\n"
		"## 2 Back {.rollback gate=\"Back\"}\n\n1. Think\n\n";

static void what_is_decided_can_be_rolled_back(void **state) {
	struct night *night = *state;
	night_reach_success(night);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "+1");
	assert_non_null(strstr(night_shown(night),
			"gate.passed\n"
			"gate.closed void: the run is rolled back\n"
			"run.rolling_back\n"));
}

/* Approved in time, found after it; the lead's words come right behind. */
static void a_record_is_not_closed_on_an_approved_rollback(void **state) {
	struct night *night = *state;
	night_reach_success(night);
	night_tap(night, "lead", "white_check_mark");
	night_tap(night, "cto", "white_check_mark");
	night_says(night, "lead", REQUEST_ROLLBACK);
	night->away = true;
	const struct request_tap tap = {
		.user = "cto",
		.emoji = "+1",
		.server_ms = night->now_ms,
	};
	struct request request = {
		.type = REQUEST_TAPS,
		.post = night_gate(night, PURPOSE_ROLLBACK)->post,
		.taps = &tap,
		.tap_count = 1,
		.fresh = true,
	};
	night_put(night, &request);
	night_jump(night, INT64_C(31) * 60000);
	night_put(night, &request);
	assert_int_equal(night_gate(night, PURPOSE_ROLLBACK)->status, GATE_PASSED);
	night_says(night, "lead", REQUEST_CLOSE);
	night->away = false;
	night_settle(night);
	assert_int_equal(night_run(night)->status, RUN_ROLLING_BACK);
}

static void a_rollback_is_held_by_the_lead_alone(void **state) {
	struct night *night = *state;
	wait_to_roll_back(night);
	const char *post = night_gate(night, PURPOSE_START)->post;
	night_shown(night);
	night_tap_post(night, post, "rep", "x");
	assert_string_equal(night_shown(night), "gate.objected by rep\n");
	night_tap_post(night, post, "lead", "x");
	assert_string_equal(
			night_shown(night), "gate.objected by lead\nrun.held by lead\n");
}

static void roll_back_by_hand(struct night *night) {
	night_init(night, by_hand);
	night_says(night, "lead", REQUEST_START);
	night_approve_t0(night);
	night_say(night, "lead", REQUEST_DONE, "1.1", NULL);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "+1");
}

static void a_rollback_by_hand_alone_can_be_closed(void **state) {
	struct night *night = *state;
	roll_back_by_hand(night);
	night_say(night, "lead", REQUEST_DONE, "2.1", NULL);
	assert_int_equal(night_run(night)->status, RUN_ROLLED_BACK);
	night_says(night, "lead", REQUEST_CLOSE);
	assert_int_equal(night_run(night)->status, RUN_CLOSED);
}

/* Its post was deleted, it was asked for again, and all was done by hand before
 * that was approved. */
static void a_rollback_that_is_over_is_asked_for_no_more(void **state) {
	struct night *night = *state;
	roll_back_by_hand(night);
	night_ask(night,
			&(struct request){
					.type = REQUEST_POST_CHANGED,
					.post = night_gate(night, PURPOSE_ROLLBACK)->post,
					.deleted = true,
			});
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_shown(night);
	night_say(night, "lead", REQUEST_DONE, "2.1", NULL);
	assert_string_equal(night_shown(night),
			"step.ended 2.1 ok by lead\n"
			"gate.closed void: the run is rolled back\n"
			"run.rolled_back\n");
	night_says(night, "lead", REQUEST_CLOSE);
	assert_int_equal(night_run(night)->status, RUN_CLOSED);
}

/* As journals of before have it: it was approved when it was over. */
static void a_rollback_approved_when_it_was_over_keeps_nothing_open(
		void **state) {
	struct night *night = *state;
	roll_back_careful(night);
	night_tap(night, "rep", "+1");
	night_tap(night, "cto", "+1");
	assert_int_equal(night_run(night)->status, RUN_ROLLED_BACK);
	const struct gate_state *before = night_gate(night, PURPOSE_ROLLBACK);
	struct event event = event_make(EVENT_GATE_OPENED, night->now_ms);
	event.gate = night->bridge.last_gate_id + 1;
	event.run = before->run;
	event.index = (uint32_t)before->gate;
	event.purpose = PURPOSE_ROLLBACK;
	event.digest = night_run(night)->plan->plan.digest;
	event.until_ms = night->now_ms + 1000;
	struct err err = { 0 };
	assert_true(bridge_fold(&night->bridge, &event, &err));
	event.type = EVENT_GATE_PASSED;
	assert_true(bridge_fold(&night->bridge, &event, &err));
	night_says(night, "lead", REQUEST_CLOSE);
	assert_int_equal(night_run(night)->status, RUN_CLOSED);
}

static void who_may_not_approve_adds_nothing_by_asking_too(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_shown(night);
	night_says(night, "other", REQUEST_ROLLBACK);
	night_says(night, "lead", REQUEST_ROLLBACK);
	assert_string_equal(night_shown(night),
			"command.answered by other\ncommand.answered by lead\n");
}

/* LB-3 rehearses while LB-2, which succeeded, is rolled back. */
static void a_rehearsal_begun_before_a_rollback_unlocks_nothing(void **state) {
	struct night *night = *state;
	night_reach_success(night);
	night_tap(night, "lead", "white_check_mark");
	night_tap(night, "cto", "white_check_mark");
	night->slow = true;
	night_says(night, "lead", REQUEST_REHEARSE);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "+1");
	night->slow = false;
	night_settle(night);
	night_say(night, "rep", REQUEST_PASS, "6.2", NULL);
	night_shown(night);
	assert_int_equal(night->bridge.runs[1].status, RUN_ROLLED_BACK);
	assert_true(night->bridge.runs[2].rehearsed_ok);
	night_says(night, "lead", REQUEST_START);
	assert_non_null(strstr(night_shown(night), "production is locked"));
}

static void nothing_is_said_of_a_gate_whose_run_was_given_up(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->unverifiable = true;
	night_approve_t0(night);
	night_say(night, "lead", REQUEST_ABORT, NULL, "no");
	night->settings.holders = more_holders;
	night_shown(night);
	night_jump(night, INT64_C(31) * 60000);
	assert_string_equal(night_shown(night),
			"gate.closed void: who holds its roles has changed\n"); // the plan's
}

int main(void) {
	const struct CMUnitTest tests[] = {
#define claim(test) \
	cmocka_unit_test_setup_teardown(test, night_setup, night_teardown)
		claim(a_gate_inside_the_rollback_is_asked_for),
		claim(a_refused_gate_inside_the_rollback_holds_it),
		claim(an_old_approval_inside_the_rollback_does_not_count),
		claim(a_refused_rollback_holds_what_comes_after_success),
		claim(what_a_second_rollback_did_not_begin_is_read_again),
		claim(an_asker_deletes_the_words_before_anything_is_undone),
		claim(others_in_its_roles_void_an_unused_rollback_too),
		claim(an_abort_said_once_before_is_not_said_of_the_rollback),
		claim(what_is_decided_can_be_rolled_back),
		claim(a_record_is_not_closed_on_an_approved_rollback),
		claim(a_rollback_is_held_by_the_lead_alone),
		claim(a_rollback_by_hand_alone_can_be_closed),
		claim(a_rollback_that_is_over_is_asked_for_no_more),
		claim(a_rollback_approved_when_it_was_over_keeps_nothing_open),
		claim(who_may_not_approve_adds_nothing_by_asking_too),
		claim(a_rehearsal_begun_before_a_rollback_unlocks_nothing),
		claim(nothing_is_said_of_a_gate_whose_run_was_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
