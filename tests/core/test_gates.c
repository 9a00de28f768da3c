#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/night.h"
#include "support/test.h"

/*
 * Who says what on which post, and what comes of it: taps, owners, broken
 * glass, what is said once.
 */

/* The only test of the night goes on watching. */
static const char watched[] = NIGHT_ROLES NIGHT_GATES
		"## 1 Go {.production}\n\n"
		"1. Deploy\n\n   ```sh\n   echo deploy\n   ```\n\n"
		"## 2 Smoke {.smoke success=\"Success\"}\n\n"
		"1. Watch\n\n   ```sh every=10m for=30m\n   echo fine\n   ```\n\n"
		"## 3 Back {.rollback gate=\"Back\"}\n\n"
		"1. Down\n\n   ```sh\n   echo down\n   ```\n\n";

static void a_monitor_that_is_called_failed_is_a_red_test(void **state) {
	struct night *night = *state;
	night_init(night, watched);
	night_says(night, "lead", REQUEST_START);
	night_shown(night);
	night_say(night, "lead", REQUEST_FAIL, "2.1", "it is red");
	assert_string_equal(night_shown(night),
			"step.ended 2.1 failed by lead\n"
			"gate.closed void: a test is red\n");
	night_say(night, "lead", REQUEST_RETRY, "2.1", NULL);
	assert_non_null(strstr(night_shown(night), "gate.opened success"));
}

static void that_a_step_failed_the_lead_may_tap_too(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	night_shown(night);
	night_tap(night, "lead", "white_check_mark");
	assert_string_equal(night_shown(night), "step.tap_refused 4.2 by lead\n");
	night_tap(night, "lead", "x");
	assert_string_equal(night_shown(night), "step.ended 4.2 failed by lead\n");
}

/* Who approved only the plan says no where it was approved. */
static void no_on_the_plan_holds_what_began_under_it(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	const char *plan = night_gate(night, PURPOSE_PLAN)->post;
	size_t count = 0;
	const char **posts = bridge_tap_posts(&night->bridge, &count);
	bool watches = false;
	for (size_t i = 0; i < count; i++) {
		watches = watches || strcmp(posts[i], plan) == 0;
	}
	free(posts);
	assert_true(watches);
	night_shown(night);
	night_tap_post(night, plan, "rep", "x");
	night_tap_post(night, plan, "cto", "x");
	assert_string_equal(
			night_shown(night), "gate.objected by cto\nrun.held by cto\n");
}

static void two_who_say_no_at_once_hold_once(void **state) {
	struct night *night = *state;
	const struct request_tap taps[] = {
		{ .user = "lead", .emoji = "x" },
		{ .user = "rep", .emoji = "x" },
	};
	night_begin(night);
	night_approve_t0(night);
	night_shown(night);
	night_ask(night,
			&(struct request){
					.type = REQUEST_TAPS,
					.post = night_gate(night, PURPOSE_START)->post,
					.taps = taps,
					.tap_count = 2,
			});
	assert_string_equal(night_shown(night),
			"gate.objected by lead\nrun.held by lead\ngate.objected by rep\n");
}

/* An approved plan serves a second start, but not with a no on it. */
static void no_on_a_used_plan_lets_nothing_start(void **state) {
	struct night *night = *state;
	night_reach_success(night);
	night_approve(night);
	night_says(night, "lead", REQUEST_CLOSE);
	night_tap_post(night, night_gate(night, PURPOSE_PLAN)->post, "cto", "x");
	night_shown(night);
	night_says(night, "lead", REQUEST_START);
	assert_string_equal(night_shown(night),
			"command.refused by lead: the plan is not approved/"
			"Plan has a ❌ on it/say `!cutover plan`\n");
	night_says(night, "lead", REQUEST_PLAN);
	assert_non_null(strstr(night_shown(night), "gate.opened plan by lead"));
	night_tap(night, "lead", "+1");
	night_tap(night, "cto", "+1");
	night_says(night, "lead", REQUEST_START);
	assert_non_null(strstr(night_shown(night), "gate.opened start by lead"));
}

static void override(struct night *night, const char *user, const char *gate) {
	char post[32];
	snprintf(post, sizeof(post), "glass-%s", user);
	night_ask(night,
			&(struct request){
					.type = REQUEST_OVERRIDE,
					.user = user,
					.post = post,
					.command = "override",
					.role = gate,
					.text = "nobody is there",
			});
}

static void who_broke_the_glass_does_not_review_it(void **state) {
	struct night *night = *state;
	static const char *const glass[] = { "CTO", "DevOps lead" };
	night_begin(night);
	night->settings.override_roles = glass;
	night->settings.override_role_count = 2;
	night->settings.override_count = 2;
	override(night, "lead", "t0");
	override(night, "cto", "t0");
	night_shown(night);
	night_say(night, "lead", REQUEST_REVIEW, NULL, "fine");
	assert_string_equal(night_shown(night),
			"command.refused by lead: one who was passed over reviews it, "
			"none who broke the glass/lead or dep, rep\n");
	night_say(night, "dep", REQUEST_REVIEW, NULL, "I was there");
	assert_string_equal(night_shown(night), "gate.reviewed by dep\n");
}

static void where_all_broke_the_glass_one_of_them_reviews_it(void **state) {
	struct night *night = *state;
	static const char *const glass[] = { "Storage", "DevOps lead" };
	night_begin(night);
	night->settings.override_roles = glass;
	night->settings.override_role_count = 2;
	night->settings.override_count = 3;
	override(night, "lead", "t0");
	override(night, "rep", "t0");
	override(night, "dep", "t0");
	night_shown(night);
	night_say(night, "rep", REQUEST_REVIEW, NULL, "nobody else is left");
	assert_string_equal(night_shown(night), "gate.reviewed by rep\n");
}

static void another_emoji_says_nothing(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_shown(night);
	night_tap(night, "lead", "eyes");
	night_tap(night, "rep", "tada");
	assert_string_equal(night_shown(night), "");
	night_approve_t0(night);
	assert_non_null(strstr(night_shown(night), "gate.passed\n"));
}

static void a_gate_that_nobody_can_see_is_void(void **state) {
	struct night *night = *state;
	night_init(night, night_whole);
	night->unpostable = true;
	night_says(night, "lead", REQUEST_PLAN);
	assert_string_equal(night_shown(night),
			"plan.fixed by lead\n"
			"gate.opened plan by lead\n"
			"gate.closed void: it is refused\n");
}

static void start_request(const struct night *night, struct request *request) {
	struct world world = {
		.now_ms = night->now_ms,
		.settings = &night->settings,
		.people = &night->people,
	};
	struct effects effects;
	bridge_next(&night->bridge, &world, &effects);
	for (size_t i = 0; i < effects.count; i++) {
		const struct effect *effect = &effects.list[i];
		if (effect->type == EFFECT_START_ATTEMPT) {
			*request = (struct request){
				.type = REQUEST_ATTEMPT_START,
				.run = effect->run,
				.step_index = effect->step,
				.block = effect->block,
				.host = effect->host,
				.attempt = effect->attempt,
			};
		}
	}
	effects_finish(&effects);
}

static void what_cannot_begin_holds_and_does_not_start(void **state) {
	struct night *night = *state;
	struct request request = { .type = REQUEST_TICK };
	night_begin(night);
	night_approve_t0(night);
	night->away = true; // it is done by hand from here
	night_say(night, "rep", REQUEST_DONE, "4.2", NULL);
	start_request(night, &request);
	assert_int_equal(request.type, REQUEST_ATTEMPT_START);
	request.reason = "no room on the disk";
	night_shown(night);
	night_put(night, &request);
	assert_string_equal(night_shown(night), "run.held\n");
	night->away = false;
	night_settle(night);
	assert_string_equal(night_shown(night), "");
}

static void an_end_that_is_told_twice_is_one(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->slow = true;
	night_approve_t0(night);
	struct request request = {
		.type = REQUEST_ATTEMPT_ENDED,
		.run = night_run(night)->number,
		.step_index = (uint32_t)runbook_step(
				night_run(night)->plan->runbook, "4.1"),
		.attempt = 1,
		.outcome = OUTCOME_FAILED,
	};
	night_ask(night, &request);
	night_shown(night);
	night_ask(night, &request);
	request.attempt = 2; // never began
	night_ask(night, &request);
	assert_string_equal(night_shown(night), "");
}

/* Both are found in one reading, the other's first. */
static void the_owners_tap_counts_whoever_tapped_before(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	const struct run *run = night_run(night);
	size_t step = runbook_step(run->plan->runbook, "4.2");
	const struct request_tap taps[] = {
		{ .user = "other", .emoji = "+1" },
		{ .user = "rep", .emoji = "+1" },
	};
	night_shown(night);
	night_ask(night,
			&(struct request){
					.type = REQUEST_TAPS,
					.post = run->steps[step].post,
					.taps = taps,
					.tap_count = 2,
			});
	assert_non_null(strstr(night_shown(night),
			"step.tap_refused 4.2 by other\nstep.ended 4.2 ok by rep\n"));
}

static void an_owner_who_has_left_does_not_count(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	night_set_active(night, "rep", false);
	night_shown(night);
	night_tap(night, "rep", "+1");
	assert_string_equal(night_shown(night), "step.tap_refused 4.2 by rep\n");
}

/* A refused success holds nothing; the word that asks again asks once. */
static void success_that_was_refused_is_asked_for_again_once(void **state) {
	struct night *night = *state;
	night_reach_success(night);
	night_tap(night, "cto", "x");
	night_jump(night, 10000);
	assert_string_equal(night_shown(night),
			"gate.objected by cto\ngate.closed refused by cto: \n");
	night_says(night, "lead", REQUEST_DECIDE);
	assert_string_equal(
			night_shown(night), "gate.opened success by lead\ngate.posted\n");
	night_says(night, "lead", REQUEST_DECIDE);
	assert_string_equal(night_shown(night), "command.answered by lead\n");
}

static void an_override_of_the_plan_is_reviewed_before_the_record_closes(
		void **state) {
	struct night *night = *state;
	static const char *const glass[] = { "DevOps lead" };
	night_init(night, night_whole);
	night->settings.override_roles = glass;
	night->settings.override_role_count = 1;
	night->settings.override_count = 1;
	night_says(night, "lead", REQUEST_PLAN);
	override(night, "lead", "plan");
	night_says(night, "lead", REQUEST_REHEARSE);
	night_says(night, "lead", REQUEST_START);
	night_approve_t0(night);
	night_say(night, "lead", REQUEST_ABORT, NULL, "no");
	night_says(night, "lead", REQUEST_CLOSE);
	assert_int_equal(night_run(night)->status, RUN_ABORTED);
	night_say(night, "cto", REQUEST_REVIEW, NULL, "I slept");
	night_says(night, "lead", REQUEST_CLOSE);
	assert_int_equal(night_run(night)->status, RUN_CLOSED);
}

static void a_review_is_made_once(void **state) {
	struct night *night = *state;
	static const char *const glass[] = { "CTO" };
	night_begin(night);
	night->settings.override_roles = glass;
	night->settings.override_role_count = 1;
	night->settings.override_count = 1;
	override(night, "cto", "t0");
	night_say(night, "rep", REQUEST_REVIEW, NULL, "fine");
	night_shown(night);
	night_say(night, "lead", REQUEST_REVIEW, NULL, "fine");
	assert_string_equal(night_shown(night),
			"command.refused by lead: nothing awaits a review\n");
}

static void taps_on_what_is_closed_say_nothing(void **state) {
	struct night *night = *state;
	night_begin(night);
	const struct gate_state *gate = night_gate(night, PURPOSE_START);
	night_tap(night, "lead", "+1");
	night_tap(night, "rep", "x");
	night_jump(night, 10000);
	assert_int_equal(gate->status, GATE_CLOSED);
	night_shown(night);
	night_tap_post(night, gate->post, "dep", "x");
	night_untap_post(night, gate->post, "lead", "+1");
	assert_string_equal(night_shown(night), "");
}

static const char hand_behind_gate[] = NIGHT_ROLES NIGHT_GATES
		"## 1 Go {.production}\n\n"
		"1. Deploy\n\n   ```sh\n   echo deploy\n   ```\n\n"
		"### 1.2 Look {gate=\"Restore\"}\n\n"
		"1. Look {owner=\"DevOps lead\"}\n\n"
		"## 2 Back {.rollback}\n\n1. Down\n\n   ```sh\n   echo down\n   ```\n\n";

static void a_step_by_hand_waits_for_its_gate_too(void **state) {
	struct night *night = *state;
	night_init(night, hand_behind_gate);
	night_says(night, "lead", REQUEST_START);
	assert_non_null(strstr(
			night_shown(night), "step.ended 1.1 ok\ngate.opened step\n"));
	night_tap(night, "rep", "+1");
	night_tap(night, "cto", "+1");
	assert_string_equal(night_shown(night),
			"gate.approved by rep\n"
			"gate.approved by cto\n"
			"gate.passed\n"
			"step.asked 1.2.1\n"
			"step.posted 1.2.1\n");
}

static void two_owners_settle_a_step_once(void **state) {
	struct night *night = *state;
	const struct request_tap taps[] = {
		{ .user = "lead", .emoji = "+1" },
		{ .user = "dep", .emoji = "x" },
	};
	night_init(night, hand_behind_gate);
	night_says(night, "lead", REQUEST_START);
	night_tap(night, "rep", "+1");
	night_tap(night, "cto", "+1");
	const struct run *run = night_run(night);
	size_t step = runbook_step(run->plan->runbook, "1.2.1");
	night_shown(night);
	night_put(night,
			&(struct request){
					.type = REQUEST_TAPS,
					.post = run->steps[step].post,
					.taps = taps,
					.tap_count = 2,
			});
	assert_string_equal(night_shown(night), "step.ended 1.2.1 ok by lead\n");
}

static void what_is_lost_or_broken_is_said_once(void **state) {
	struct night *night = *state;
	struct request broken = {
		.type = REQUEST_SOURCE_BROKEN,
		.problem = "it does not parse",
	};
	night_begin(night);
	night_shown(night);
	night_ask(night, &broken);
	night_ask(night, &broken);
	assert_string_equal(night_shown(night), "source.broken\n");
	broken.problem = "another line does not";
	night_ask(night, &broken);
	assert_string_equal(night_shown(night), "source.broken\n");
	for (int i = 0; i < 2; i++) {
		night_ask(night, &(struct request){ .type = REQUEST_SERVER_LOST });
	}
	for (int i = 0; i < 2; i++) {
		night_ask(night, &(struct request){ .type = REQUEST_SERVER_BACK });
	}
	assert_string_equal(night_shown(night), "server.lost\nserver.back\n");
}

static const char by_hand_first[] = NIGHT_ROLES
		"## 1 Try {.rehearsal}\n\n1. Look\n"
		"2. Try\n\n   ```sh\n   echo try\n   ```\n\n"
		"## 2 Go {.production}\n\n"
		"1. Deploy\n\n   ```sh\n   echo deploy\n   ```\n\n"
		"## 3 Back {.rollback}\n\n1. Down\n\n   ```sh\n   echo down\n   ```\n\n";

static void a_rehearsal_given_up_before_a_command_is_none(void **state) {
	struct night *night = *state;
	night_init(night, by_hand_first);
	night_says(night, "lead", REQUEST_REHEARSE);
	night_say(night, "lead", REQUEST_DONE, "1.1", NULL);
	assert_non_null(strstr(night_shown(night), "run.rehearsed ok"));
	night_says(night, "lead", REQUEST_REHEARSE);
	night_say(night, "lead", REQUEST_ABORT, NULL, "not now");
	night_shown(night);
	night_says(night, "lead", REQUEST_START);
	assert_non_null(strstr(night_shown(night), "attempt.started 2.1#1"));
}

static void fold_refuses(struct night *night, enum event_type type) {
	struct event event = event_make(type, night->now_ms);
	struct err err = { 0 };
	event.gate = night_gate(night, PURPOSE_START)->id;
	event.run = night_run(night)->number;
	event.outcome = OUTCOME_VOID;
	enum gate_status before = night_gate(night, PURPOSE_START)->status;
	assert_false(bridge_fold(&night->bridge, &event, &err));
	assert_non_null(strstr(err.text, "out of place"));
	assert_int_equal(night_gate(night, PURPOSE_START)->status, before);
}

static void a_journal_that_cannot_be_is_not_believed(void **state) {
	struct night *night = *state;
	night_begin(night);
	fold_refuses(night, EVENT_GATE_USED); // it has not passed
	night_tap(night, "rep", "x");
	night_jump(night, 10000);
	fold_refuses(night, EVENT_GATE_PASSED);
	fold_refuses(night, EVENT_GATE_OVERRIDDEN);
	fold_refuses(night, EVENT_GATE_CLOSED);
	fold_refuses(night, EVENT_GATE_USED);
}

int main(void) {
	const struct CMUnitTest tests[] = {
#define claim(test) \
	cmocka_unit_test_setup_teardown(test, night_setup, night_teardown)
		claim(a_monitor_that_is_called_failed_is_a_red_test),
		claim(that_a_step_failed_the_lead_may_tap_too),
		claim(no_on_the_plan_holds_what_began_under_it),
		claim(two_who_say_no_at_once_hold_once),
		claim(no_on_a_used_plan_lets_nothing_start),
		claim(who_broke_the_glass_does_not_review_it),
		claim(where_all_broke_the_glass_one_of_them_reviews_it),
		claim(another_emoji_says_nothing),
		claim(a_gate_that_nobody_can_see_is_void),
		claim(what_cannot_begin_holds_and_does_not_start),
		claim(an_end_that_is_told_twice_is_one),
		claim(the_owners_tap_counts_whoever_tapped_before),
		claim(an_owner_who_has_left_does_not_count),
		claim(success_that_was_refused_is_asked_for_again_once),
		claim(an_override_of_the_plan_is_reviewed_before_the_record_closes),
		claim(a_review_is_made_once),
		claim(taps_on_what_is_closed_say_nothing),
		claim(a_step_by_hand_waits_for_its_gate_too),
		claim(two_owners_settle_a_step_once),
		claim(what_is_lost_or_broken_is_said_once),
		claim(a_rehearsal_given_up_before_a_command_is_none),
		claim(a_journal_that_cannot_be_is_not_believed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
