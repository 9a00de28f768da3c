#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/night.h"
#include "support/test.h"

/*
 * Gates where several things come together: what is taken back between the
 * last look and the first command, who asks, who breaks the glass.
 */

#define GATES \
	"| Step | Required approvers | Record location |\n|---|---|---|\n" \
	"| T0 | DevOps lead + Storage | channel |\n" \
	"| Restore | Storage + CTO | channel |\n" \
	"| Success | DevOps lead + CTO | change |\n" \
	"| Back | DevOps lead + CTO | incident |\n\n"

/* Undoing has a dangerous part of its own. */
static const char careful[] = NIGHT_ROLES GATES
		"## 1 Go {.production gate=\"T0\"}\n\n"
		"1. Deploy\n\n   ```sh\n   echo deploy\n   ```\n\n"
		"## 2 Back {.rollback gate=\"Back\"}\n\n"
		"1. Down\n\n   ```sh\n   echo down\n   ```\n\n"
		"### 2.2 Restore {gate=\"Restore\"}\n\n"
		"1. Restore\n\n   ```sh\n   echo restore\n   ```\n\n";

/* The only test of the night goes on watching. */
static const char watched[] = NIGHT_ROLES GATES
		"## 1 Go {.production}\n\n"
		"1. Deploy\n\n   ```sh\n   echo deploy\n   ```\n\n"
		"## 2 Smoke {.smoke success=\"Success\"}\n\n"
		"1. Watch\n\n   ```sh every=10m for=30m\n   echo fine\n   ```\n\n"
		"## 3 Back {.rollback gate=\"Back\"}\n\n"
		"1. Down\n\n   ```sh\n   echo down\n   ```\n\n";

static const struct gate_state *gate_for(
		const struct night *night, enum gate_purpose purpose) {
	uint32_t run = purpose == PURPOSE_PLAN ? 0 : night_run(night)->number;
	return bridge_gate_for(&night->bridge, run, purpose);
}

/* Gone from the server, and nobody told the bot. */
static void lose_tap(struct night *night, const char *post, const char *user) {
	for (size_t i = night->tap_count; i > 0; i--) {
		struct night_tap *tap = &night->taps[i - 1];
		if (strcmp(tap->post, post) == 0 && strcmp(tap->user, user) == 0) {
			night->tap_count--;
			memmove(tap, tap + 1,
					(night->tap_count - (i - 1)) * sizeof(night->taps[0]));
		}
	}
}

/* The plan was looked at, then the other gate was void and nothing began. */
static void a_plan_behind_which_nothing_began_is_read_again(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->unverifiable = true;
	night_approve_t0(night);
	lose_tap(night, gate_for(night, PURPOSE_START)->post, "rep");
	night->unverifiable = false;
	night_shown(night);
	night_settle(night);
	assert_string_equal(night_shown(night),
			"gate.used\n"
			"gate.withdrawn by rep\n"
			"gate.closed void: an approval was withdrawn\n");
	lose_tap(night, gate_for(night, PURPOSE_PLAN)->post, "cto");
	night_says(night, "lead", REQUEST_START);
	night_approve_t0(night);
	assert_non_null(strstr(night_shown(night),
			"gate.withdrawn by cto\n"
			"gate.closed void: an approval was withdrawn\n"
			"gate.closed void: the approval of the plan is gone\n"));
	assert_int_equal(night->started, 1); // the rehearsal's
}

static void what_a_hold_put_off_is_read_again(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->files_changed = true;
	night_approve_t0(night);
	assert_non_null(strstr(night_shown(night),
			"gate.used\ngate.used\nrun.files_changed 4.1\nrun.held\n"));
	lose_tap(night, gate_for(night, PURPOSE_PLAN)->post, "cto");
	night_approve_t0(night); // the same slots, for the files
	assert_non_null(strstr(night_shown(night),
			"run.resumed\n"
			"gate.withdrawn by cto\n"
			"gate.closed void: an approval was withdrawn\n"));
	assert_int_equal(night->started, 1);
}

/* Once a command has begun the rest goes on under what let it. */
static void what_has_begun_is_read_no_more(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	night_says(night, "other", REQUEST_HOLD);
	lose_tap(night, gate_for(night, PURPOSE_START)->post, "rep");
	lose_tap(night, gate_for(night, PURPOSE_PLAN)->post, "cto");
	night_says(night, "lead", REQUEST_RESUME);
	night_shown(night);
	night_say(night, "rep", REQUEST_DONE, "4.2", NULL);
	assert_non_null(strstr(night_shown(night),
			"step.ended 4.2 ok by rep\nattempt.started 4.3#1\n"));
}

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
	const char *plan = gate_for(night, PURPOSE_PLAN)->post;
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

/* An approved plan serves a second start, but not with a no on it. */
static void no_on_a_used_plan_lets_nothing_start(void **state) {
	struct night *night = *state;
	night_reach_success(night);
	night_approve(night);
	night_says(night, "lead", REQUEST_CLOSE);
	night_tap_post(night, gate_for(night, PURPOSE_PLAN)->post, "cto", "x");
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

static void spoil(struct night *night, const char *post, bool deleted) {
	night_ask(night,
			&(struct request){
					.type = REQUEST_POST_CHANGED,
					.post = post,
					.deleted = deleted,
					.edited = !deleted,
			});
}

/* It is said when it happens, not when five have approved what hangs on it. */
static void a_spoiled_post_voids_what_has_passed_at_once(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_shown(night);
	spoil(night, gate_for(night, PURPOSE_PLAN)->post, true);
	assert_string_equal(night_shown(night),
			"gate.closed void: its post was deleted\n"
			"gate.closed void: the approval of the plan is gone\n");
	night_finish(night);
	night_begin(night);
	night_approve_t0(night);
	night_shown(night);
	spoil(night, gate_for(night, PURPOSE_PLAN)->post, false);
	spoil(night, gate_for(night, PURPOSE_START)->post, true);
	assert_string_equal(night_shown(night), ""); // 4.1 has run
	night_say(night, "rep", REQUEST_DONE, "4.2", NULL);
	night_say(night, "rep", REQUEST_DONE, "5.3", NULL);
	night_tap(night, "lead", "white_check_mark");
	night_tap(night, "cto", "white_check_mark");
	night_shown(night);
	spoil(night, gate_for(night, PURPOSE_SUCCESS)->post, true);
	assert_string_equal(night_shown(night), "");
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
					.post = gate_for(night, PURPOSE_ROLLBACK)
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

static void override_t0(struct night *night, const char *user) {
	char post[32];
	snprintf(post, sizeof(post), "glass-%s", user);
	night_ask(night,
			&(struct request){
					.type = REQUEST_OVERRIDE,
					.user = user,
					.post = post,
					.command = "override",
					.role = "t0",
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
	override_t0(night, "lead");
	override_t0(night, "cto");
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
	override_t0(night, "lead");
	override_t0(night, "rep");
	override_t0(night, "dep");
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

/* Approved by the backup; nothing has begun yet. */
static void who_filled_no_place_does_not_stop_what_passed(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->unverifiable = true;
	const char *post = gate_for(night, PURPOSE_START)->post;
	night_tap(night, "dep", "+1");
	night_tap(night, "rep", "+1");
	assert_int_equal(gate_for(night, PURPOSE_START)->status, GATE_PASSED);
	night_shown(night);
	night_tap_post(night, post, "lead", "x");
	night_tap_post(night, post, "cto", "x");
	assert_string_equal(night_shown(night), "");
	night_tap_post(night, post, "dep", "x");
	assert_string_equal(night_shown(night), "gate.objected by dep\n");
}

static void a_thumb_that_slipped_spoils_nothing_that_has_passed(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->unverifiable = true;
	const char *post = gate_for(night, PURPOSE_START)->post;
	night_approve_t0(night);
	night_shown(night);
	night_tap_post(night, post, "rep", "x");
	night_jump(night, 9000);
	night_untap_post(night, post, "rep", "x");
	assert_string_equal(night_shown(night),
			"gate.objected by rep\ngate.objection_lifted by rep\n");
	night->unverifiable = false;
	night_settle(night);
	assert_non_null(strstr(night_shown(night), "attempt.started 4.1#1"));
}

static const char looking[] = NIGHT_ROLES GATES
		"## 1 Go {.production gate=\"T0\"}\n\n1. Look\n\n"
		"## 2 Back {.rollback gate=\"Back\"}\n\n1. Think\n\n";

static const char in_two_parts[] = NIGHT_ROLES GATES
		"## 1 Go {.production gate=\"T0\"}\n\n"
		"1. Deploy\n\n   ```sh\n   echo deploy\n   ```\n\n"
		"### 1.2 Switch {gate=\"Restore\"}\n\n"
		"1. Switch\n\n   ```sh\n   echo switch\n   ```\n\n"
		"## 2 Back {.rollback}\n\n1. Down\n\n   ```sh\n   echo down\n   ```\n\n";

static const char looking_first[] = NIGHT_ROLES GATES
		"## 1 Go {.production gate=\"T0\"}\n\n1. Look\n"
		"2. Deploy\n\n   ```sh\n   echo deploy\n   ```\n\n"
		"## 2 Back {.rollback gate=\"Back\"}\n\n1. Think\n\n";

static void an_approval_runs_out_where_a_command_is_to_come(void **state) {
	struct night *night = *state;
	night_init(night, looking_first);
	night_says(night, "lead", REQUEST_START);
	night_approve_t0(night);
	night_jump(night, INT64_C(30) * 60000);
	assert_int_equal(night_run(night)->status, RUN_PLANNED);
	night_finish(night);
	night_init(night, looking);
	night_says(night, "lead", REQUEST_START);
	night_approve_t0(night);
	night_jump(night, INT64_C(30) * 60000);
	assert_int_equal(night_run(night)->status, RUN_RUNNING);
	night_shown(night);
	night_say(night, "lead", REQUEST_DONE, "1.1", NULL);
	assert_non_null(strstr(night_shown(night), "run.deciding"));
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
	char name[] = "rep";
	const struct person gone = { .id = name, .name = name, .active = true };
	people_put(&night->people, &gone);
	night_shown(night);
	night_tap(night, "rep", "+1");
	assert_string_equal(night_shown(night), "step.tap_refused 4.2 by rep\n");
}

/* Its files or its key were not there; meanwhile people think again. */
static void what_let_something_begin_that_did_not_is_read_again(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_will(night, "4.1", OUTCOME_NOT_STARTED);
	night_approve_t0(night);
	lose_tap(night, gate_for(night, PURPOSE_START)->post, "rep");
	night_shown(night);
	night_say(night, "lead", REQUEST_RETRY, "4.1", NULL);
	assert_string_equal(night_shown(night),
			"step.retried 4.1 by lead\n"
			"gate.withdrawn by rep\n"
			"gate.closed void: an approval was withdrawn\n"
			"run.held\n");
	night_says(night, "lead", REQUEST_RESUME);
	night_approve_t0(night);
	assert_non_null(strstr(night_shown(night),
			"gate.passed\ngate.used\nattempt.started 4.1#2\n"));
}

static void put_taps(struct night *night, const struct gate_state *gate,
		const struct request_tap *taps, size_t count) {
	night_ask(night,
			&(struct request){
					.type = REQUEST_TAPS,
					.post = gate->post,
					.taps = taps,
					.tap_count = count,
			});
}

static void look_at_plan(struct night *night, bool deleted, bool edited) {
	const struct request_tap taps[] = {
		{ .user = "lead", .emoji = "white_check_mark" },
		{ .user = "cto", .emoji = "+1" },
	};
	night_shown(night);
	night_put(night,
			&(struct request){
					.type = REQUEST_GATE_VERIFIED,
					.gate = gate_for(night, PURPOSE_PLAN)->id,
					.fresh = true,
					.taps = taps,
					.tap_count = 2,
					.deleted = deleted,
					.edited = edited,
					.plan = bridge_plan(&night->bridge),
			});
}

static void verify(struct night *night, bool deleted, bool edited) {
	night_begin(night);
	night->unverifiable = true;
	night_approve_t0(night);
	look_at_plan(night, deleted, edited);
}

static void a_post_spoiled_before_the_first_command_is_void(void **state) {
	struct night *night = *state;
	verify(night, false, false);
	assert_string_equal(night_shown(night), "gate.used\n");
	night_finish(night);
	verify(night, true, false);
	assert_string_equal(night_shown(night),
			"gate.closed void: its post was deleted\n"
			"gate.closed void: the approval of the plan is gone\n");
	night_finish(night);
	verify(night, false, true);
	assert_string_equal(night_shown(night),
			"gate.closed void: its post was edited\n"
			"gate.closed void: the approval of the plan is gone\n");
}

static void what_is_taken_back_after_the_look_voids_it(void **state) {
	struct night *night = *state;
	const struct request_tap taps[] = { { .user = "lead", .emoji = "+1" } };
	verify(night, false, false);
	night_shown(night);
	put_taps(night, gate_for(night, PURPOSE_PLAN), taps, 1);
	assert_string_equal(night_shown(night),
			"gate.withdrawn by cto\n"
			"gate.closed void: an approval was withdrawn\n"
			"gate.closed void: the approval of the plan is gone\n");
}

static void a_look_that_comes_after_a_hold_is_not_used(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->unverifiable = true;
	night_approve_t0(night);
	night_says(night, "other", REQUEST_HOLD);
	look_at_plan(night, false, false);
	assert_string_equal(night_shown(night), "");
}

static void come_to_decide(struct night *night) {
	night_reach_success(night);
	assert_int_equal(night_run(night)->status, RUN_DECIDING);
	night_shown(night);
}

static void what_is_decided_can_be_rolled_back(void **state) {
	struct night *night = *state;
	come_to_decide(night);
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
	come_to_decide(night);
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
		.post = gate_for(night, PURPOSE_ROLLBACK)->post,
		.taps = &tap,
		.tap_count = 1,
		.fresh = true,
	};
	night_put(night, &request);
	night_jump(night, INT64_C(31) * 60000);
	night_put(night, &request);
	assert_int_equal(gate_for(night, PURPOSE_ROLLBACK)->status, GATE_PASSED);
	night_says(night, "lead", REQUEST_CLOSE);
	night->away = false;
	night_settle(night);
	assert_int_equal(night_run(night)->status, RUN_ROLLING_BACK);
}

/* A refused success holds nothing; the word that asks again asks once. */
static void success_that_was_refused_is_asked_for_again_once(void **state) {
	struct night *night = *state;
	come_to_decide(night);
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

static void a_rollback_is_held_by_the_lead_alone(void **state) {
	struct night *night = *state;
	wait_to_roll_back(night);
	const char *post = gate_for(night, PURPOSE_START)->post;
	night_shown(night);
	night_tap_post(night, post, "rep", "x");
	assert_string_equal(night_shown(night), "gate.objected by rep\n");
	night_tap_post(night, post, "lead", "x");
	assert_string_equal(
			night_shown(night), "gate.objected by lead\nrun.held by lead\n");
}

static void a_review_is_made_once(void **state) {
	struct night *night = *state;
	static const char *const glass[] = { "CTO" };
	night_begin(night);
	night->settings.override_roles = glass;
	night->settings.override_role_count = 1;
	night->settings.override_count = 1;
	override_t0(night, "cto");
	night_say(night, "rep", REQUEST_REVIEW, NULL, "fine");
	night_shown(night);
	night_say(night, "lead", REQUEST_REVIEW, NULL, "fine");
	assert_string_equal(night_shown(night),
			"command.refused by lead: nothing awaits a review\n");
}

static void change_command(struct night *night, const char *command) {
	char *at = strstr(night->source, "echo deploy");
	memcpy(at, command, strlen(command));
}

static void another_plan_voids_the_one_that_waits(void **state) {
	struct night *night = *state;
	night_init(night, night_whole);
	night_says(night, "lead", REQUEST_PLAN);
	change_command(night, "echo DEPLOY");
	night_shown(night);
	night_says(night, "lead", REQUEST_PLAN);
	assert_string_equal(night_shown(night),
			"gate.closed void: there is another plan\n"
			"plan.fixed by lead\n"
			"gate.opened plan by lead\n"
			"gate.posted\n");
}

static void change_on_disk(struct night *night, const char *command) {
	change_command(night, command);
	char *text = strdup(night->source);
	night_change(night, text);
	free(text);
}

static void a_change_on_disk_voids_a_gate_that_no_plan_has(void **state) {
	struct night *night = *state;
	night_init(night, looking_first);
	night_says(night, "lead", REQUEST_START);
	night_shown(night);
	change_on_disk(night, "echo DEPLOY");
	assert_string_equal(night_shown(night),
			"source.changed\n"
			"gate.closed void: the plan has changed/1.2: its commands changed\n");
	assert_int_equal(night_run(night)->status, RUN_PLANNED);
}

static void what_waits_for_a_hand_alone_can_be_taken_back_too(void **state) {
	struct night *night = *state;
	night_init(night, looking);
	night_says(night, "lead", REQUEST_START);
	night_approve_t0(night);
	night_shown(night);
	night_untap(night, "rep", "white_check_mark");
	assert_string_equal(night_shown(night),
			"gate.withdrawn by rep\n"
			"gate.closed void: an approval was withdrawn\n");
}

static void a_change_on_disk_voids_what_waits(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->unverifiable = true;
	night_approve_t0(night); // passed, and nothing has begun
	night_shown(night);
	change_on_disk(night, "echo deploy"); // what it is
	assert_string_equal(night_shown(night), "source.changed\n");
	change_on_disk(night, "echo DEPLOY");
	assert_string_equal(night_shown(night),
			"source.changed\n"
			"gate.closed void: the plan has changed/4.3: its commands changed\n"
			"gate.closed void: the approval of the plan is gone\n");
	assert_int_equal(night_run(night)->status, RUN_PLANNED);
}

static void a_change_on_disk_is_nothing_to_what_has_begun(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	night_shown(night);
	change_on_disk(night, "echo DEPLOY");
	assert_string_equal(night_shown(night), "source.changed\n");
	night_say(night, "rep", REQUEST_DONE, "4.2", NULL);
	assert_non_null(strstr(night_shown(night), "attempt.started 4.3#1"));
}

/* The text that was approved runs; a gate on its way is for that. */
static void a_change_on_disk_is_nothing_to_a_gate_on_the_way(void **state) {
	struct night *night = *state;
	night_init(night, in_two_parts);
	night_says(night, "lead", REQUEST_START);
	night_approve_t0(night);
	assert_non_null(strstr(night_shown(night), "gate.opened step\n"));
	change_on_disk(night, "echo DEPLOY");
	assert_string_equal(night_shown(night), "source.changed\n");
	night_tap(night, "rep", "+1");
	night_tap(night, "cto", "+1");
	assert_non_null(strstr(night_shown(night), "attempt.started 1.2.1#1"));
}

static void taps_on_what_is_closed_say_nothing(void **state) {
	struct night *night = *state;
	night_begin(night);
	const struct gate_state *gate = gate_for(night, PURPOSE_START);
	night_tap(night, "lead", "+1");
	night_tap(night, "rep", "x");
	night_jump(night, 10000);
	assert_int_equal(gate->status, GATE_CLOSED);
	night_shown(night);
	night_tap_post(night, gate->post, "dep", "x");
	night_untap_post(night, gate->post, "lead", "+1");
	assert_string_equal(night_shown(night), "");
}

static void a_rollback_by_hand_alone_can_be_closed(void **state) {
	struct night *night = *state;
	night_init(night, looking_first);
	night_says(night, "lead", REQUEST_START);
	night_approve_t0(night);
	night_say(night, "lead", REQUEST_DONE, "1.1", NULL);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "+1");
	night_say(night, "lead", REQUEST_DONE, "2.1", NULL);
	assert_int_equal(night_run(night)->status, RUN_ROLLED_BACK);
	night_says(night, "lead", REQUEST_CLOSE);
	assert_int_equal(night_run(night)->status, RUN_CLOSED);
}

static void fold_refuses(struct night *night, enum event_type type) {
	struct event event = event_make(type, night->now_ms);
	struct err err = { 0 };
	event.gate = gate_for(night, PURPOSE_START)->id;
	event.run = night_run(night)->number;
	event.outcome = OUTCOME_VOID;
	enum gate_status before = gate_for(night, PURPOSE_START)->status;
	assert_false(bridge_fold(&night->bridge, &event, &err));
	assert_non_null(strstr(err.text, "out of place"));
	assert_int_equal(gate_for(night, PURPOSE_START)->status, before);
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
		claim(a_plan_behind_which_nothing_began_is_read_again),
		claim(what_a_hold_put_off_is_read_again),
		claim(what_has_begun_is_read_no_more),
		claim(a_gate_inside_the_rollback_is_asked_for),
		claim(a_refused_gate_inside_the_rollback_holds_it),
		claim(an_old_approval_inside_the_rollback_does_not_count),
		claim(a_refused_rollback_holds_what_comes_after_success),
		claim(a_monitor_that_is_called_failed_is_a_red_test),
		claim(that_a_step_failed_the_lead_may_tap_too),
		claim(no_on_the_plan_holds_what_began_under_it),
		claim(no_on_a_used_plan_lets_nothing_start),
		claim(a_spoiled_post_voids_what_has_passed_at_once),
		claim(an_asker_deletes_the_words_before_anything_is_undone),
		claim(others_in_its_roles_void_an_unused_rollback_too),
		claim(an_abort_said_once_before_is_not_said_of_the_rollback),
		claim(who_broke_the_glass_does_not_review_it),
		claim(where_all_broke_the_glass_one_of_them_reviews_it),
		claim(another_emoji_says_nothing),
		claim(who_filled_no_place_does_not_stop_what_passed),
		claim(a_thumb_that_slipped_spoils_nothing_that_has_passed),
		claim(an_approval_runs_out_where_a_command_is_to_come),
		claim(a_gate_that_nobody_can_see_is_void),
		claim(what_cannot_begin_holds_and_does_not_start),
		claim(an_end_that_is_told_twice_is_one),
		claim(the_owners_tap_counts_whoever_tapped_before),
		claim(an_owner_who_has_left_does_not_count),
		claim(what_let_something_begin_that_did_not_is_read_again),
		claim(a_post_spoiled_before_the_first_command_is_void),
		claim(what_is_taken_back_after_the_look_voids_it),
		claim(a_look_that_comes_after_a_hold_is_not_used),
		claim(what_is_decided_can_be_rolled_back),
		claim(a_record_is_not_closed_on_an_approved_rollback),
		claim(success_that_was_refused_is_asked_for_again_once),
		claim(a_rollback_is_held_by_the_lead_alone),
		claim(a_review_is_made_once),
		claim(another_plan_voids_the_one_that_waits),
		claim(a_change_on_disk_voids_a_gate_that_no_plan_has),
		claim(what_waits_for_a_hand_alone_can_be_taken_back_too),
		claim(a_change_on_disk_voids_what_waits),
		claim(a_change_on_disk_is_nothing_to_what_has_begun),
		claim(nothing_is_said_of_a_gate_whose_run_was_given_up),
		claim(a_change_on_disk_is_nothing_to_a_gate_on_the_way),
		claim(taps_on_what_is_closed_say_nothing),
		claim(a_rollback_by_hand_alone_can_be_closed),
		claim(a_journal_that_cannot_be_is_not_believed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
