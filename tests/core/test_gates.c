#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/night.h"
#include "support/test.h"

/*
 * Gates where several things come together: what is taken back between the
 * last look and the first command, who asks, who breaks the glass.
 */

#define ROLES \
	"# Small launch\n\n" \
	"| Role | Primary | Backup | Contact |\n|---|---|---|---|\n" \
	"| Cutover lead | a | b | c |\n| DevOps lead | a | b | c |\n" \
	"| CTO | a | b | c |\n| Storage | a | b | c |\n\n"

#define GATES \
	"| Step | Required approvers | Record location |\n|---|---|---|\n" \
	"| T0 | DevOps lead + Storage | channel |\n" \
	"| Restore | Storage + CTO | channel |\n" \
	"| Success | DevOps lead + CTO | change |\n" \
	"| Back | DevOps lead + CTO | incident |\n\n"

/* Undoing has a dangerous part of its own. */
static const char careful[] = ROLES GATES
		"## 1 Go {.production gate=\"T0\"}\n\n"
		"1. Deploy\n\n   ```sh\n   echo deploy\n   ```\n\n"
		"## 2 Back {.rollback gate=\"Back\"}\n\n"
		"1. Down\n\n   ```sh\n   echo down\n   ```\n\n"
		"### 2.2 Restore {gate=\"Restore\"}\n\n"
		"1. Restore\n\n   ```sh\n   echo restore\n   ```\n\n";

/* The only test of the night goes on watching. */
static const char watched[] = ROLES GATES
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
	night_begin(night);
	night_approve_t0(night);
	night_say(night, "rep", REQUEST_DONE, "4.2", NULL);
	night_say(night, "rep", REQUEST_DONE, "5.3", NULL);
	night_tap(night, "lead", "white_check_mark");
	night_tap(night, "cto", "white_check_mark");
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
	night_begin(night);
	night_approve_t0(night);
	night_say(night, "rep", REQUEST_DONE, "4.2", NULL);
	night_say(night, "rep", REQUEST_DONE, "5.3", NULL);
	night_tap(night, "lead", "white_check_mark");
	night_tap(night, "cto", "white_check_mark");
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

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
				a_plan_behind_which_nothing_began_is_read_again, night_setup,
				night_teardown),
		cmocka_unit_test_setup_teardown(
				what_a_hold_put_off_is_read_again, night_setup, night_teardown),
		cmocka_unit_test_setup_teardown(
				what_has_begun_is_read_no_more, night_setup, night_teardown),
		cmocka_unit_test_setup_teardown(a_gate_inside_the_rollback_is_asked_for,
				night_setup, night_teardown),
		cmocka_unit_test_setup_teardown(
				a_refused_gate_inside_the_rollback_holds_it, night_setup,
				night_teardown),
		cmocka_unit_test_setup_teardown(
				an_old_approval_inside_the_rollback_does_not_count, night_setup,
				night_teardown),
		cmocka_unit_test_setup_teardown(
				a_refused_rollback_holds_what_comes_after_success, night_setup,
				night_teardown),
		cmocka_unit_test_setup_teardown(
				a_monitor_that_is_called_failed_is_a_red_test, night_setup,
				night_teardown),
		cmocka_unit_test_setup_teardown(that_a_step_failed_the_lead_may_tap_too,
				night_setup, night_teardown),
		cmocka_unit_test_setup_teardown(
				no_on_the_plan_holds_what_began_under_it, night_setup,
				night_teardown),
		cmocka_unit_test_setup_teardown(no_on_a_used_plan_lets_nothing_start,
				night_setup, night_teardown),
		cmocka_unit_test_setup_teardown(
				an_asker_deletes_the_words_before_anything_is_undone,
				night_setup, night_teardown),
		cmocka_unit_test_setup_teardown(
				others_in_its_roles_void_an_unused_rollback_too, night_setup,
				night_teardown),
		cmocka_unit_test_setup_teardown(
				an_abort_said_once_before_is_not_said_of_the_rollback,
				night_setup, night_teardown),
		cmocka_unit_test_setup_teardown(who_broke_the_glass_does_not_review_it,
				night_setup, night_teardown),
		cmocka_unit_test_setup_teardown(
				where_all_broke_the_glass_one_of_them_reviews_it, night_setup,
				night_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
