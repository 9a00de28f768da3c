#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/night.h"
#include "support/test.h"

/*
 * Between an approval and the first command behind it: what is taken back,
 * changed or spoiled there, and when a gate is looked at again.
 */

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
	lose_tap(night, night_gate(night, PURPOSE_START)->post, "rep");
	night->unverifiable = false;
	night_shown(night);
	night_settle(night);
	assert_string_equal(night_shown(night),
			"gate.used\n"
			"gate.withdrawn by rep\n"
			"gate.closed void: an approval was withdrawn\n");
	lose_tap(night, night_gate(night, PURPOSE_PLAN)->post, "cto");
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
	lose_tap(night, night_gate(night, PURPOSE_PLAN)->post, "cto");
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
	lose_tap(night, night_gate(night, PURPOSE_START)->post, "rep");
	lose_tap(night, night_gate(night, PURPOSE_PLAN)->post, "cto");
	night_says(night, "lead", REQUEST_RESUME);
	night_shown(night);
	night_say(night, "rep", REQUEST_DONE, "4.2", NULL);
	assert_non_null(strstr(night_shown(night),
			"step.ended 4.2 ok by rep\nattempt.started 4.3#1\n"));
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
	spoil(night, night_gate(night, PURPOSE_PLAN)->post, true);
	assert_string_equal(night_shown(night),
			"gate.closed void: its post was deleted\n"
			"gate.closed void: the approval of the plan is gone\n");
	night_finish(night);
	night_begin(night);
	night_approve_t0(night);
	night_shown(night);
	spoil(night, night_gate(night, PURPOSE_PLAN)->post, false);
	spoil(night, night_gate(night, PURPOSE_START)->post, true);
	assert_string_equal(night_shown(night), ""); // 4.1 has run
	night_say(night, "rep", REQUEST_DONE, "4.2", NULL);
	night_say(night, "rep", REQUEST_DONE, "5.3", NULL);
	night_tap(night, "lead", "white_check_mark");
	night_tap(night, "cto", "white_check_mark");
	night_shown(night);
	spoil(night, night_gate(night, PURPOSE_SUCCESS)->post, true);
	assert_string_equal(night_shown(night), "");
}

/* Approved by the backup; nothing has begun yet. */
static void who_filled_no_place_does_not_stop_what_passed(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->unverifiable = true;
	const char *post = night_gate(night, PURPOSE_START)->post;
	night_tap(night, "dep", "+1");
	night_tap(night, "rep", "+1");
	assert_int_equal(night_gate(night, PURPOSE_START)->status, GATE_PASSED);
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
	const char *post = night_gate(night, PURPOSE_START)->post;
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

/* Who approved beside the others, and whose tap has counted since one of them
 * took theirs back, fills no place by name: with a no it is gone. */
static void a_no_beside_an_approval_that_fills_in_takes_that_back(
		void **state) {
	struct night *night = *state;
	night_begin(night);
	const char *post = night_gate(night, PURPOSE_START)->post;
	night_tap(night, "lead", "+1");
	night_tap(night, "dep", "+1");
	night->unverifiable = true;
	night_tap(night, "rep", "+1");
	night_untap_post(night, post, "lead", "+1");
	assert_int_equal(night_gate(night, PURPOSE_START)->status, GATE_PASSED);
	night_shown(night);
	night_tap_post(night, post, "dep", "x");
	assert_string_equal(night_shown(night),
			"gate.withdrawn by dep\n"
			"gate.closed void: an approval was withdrawn\n");
}

static const char looking[] = NIGHT_ROLES NIGHT_GATES
		"## 1 Go {.production gate=\"T0\"}\n\n1. Look\n\n"
		"## 2 Back {.rollback gate=\"Back\"}\n\n1. Think\n\n";

static const char in_two_parts[] = NIGHT_ROLES NIGHT_GATES
		"## 1 Go {.production gate=\"T0\"}\n\n"
		"1. Deploy\n\n   ```sh\n   echo deploy\n   ```\n\n"
		"### 1.2 Switch {gate=\"Restore\"}\n\n"
		"1. Switch\n\n   ```sh\n   echo switch\n   ```\n\n"
		"## 2 Back {.rollback}\n\n1. Down\n\n   ```sh\n   echo down\n   ```\n\n";

static const char looking_first[] = NIGHT_ROLES NIGHT_GATES
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

/* Its files or its key were not there; meanwhile people think again. */
static void what_let_something_begin_that_did_not_is_read_again(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_will(night, "4.1", OUTCOME_NOT_STARTED);
	night_approve_t0(night);
	lose_tap(night, night_gate(night, PURPOSE_START)->post, "rep");
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
					.gate = night_gate(night, PURPOSE_PLAN)->id,
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
	put_taps(night, night_gate(night, PURPOSE_PLAN), taps, 1);
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

/* Hosts are asked for a minute between a look and what comes of it. */
static void a_look_from_before_a_no_takes_none_back(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->unverifiable = true;
	night_approve_t0(night);
	night_tap_post(night, night_gate(night, PURPOSE_PLAN)->post, "cto", "x");
	look_at_plan(night, false, false);
	assert_string_equal(night_shown(night), "");
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

static void what_breaks_on_disk_keeps_back_what_has_passed(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->unverifiable = true;
	night_approve_t0(night);
	night_ask(night,
			&(struct request){
					.type = REQUEST_SOURCE_BROKEN,
					.problem = "it does not parse",
			});
	night->unverifiable = false;
	night_shown(night);
	night_settle(night);
	assert_string_equal(night_shown(night), "");
	night_ask(night, &(struct request){ .type = REQUEST_SOURCE_CHANGED });
	assert_non_null(strstr(night_shown(night), "attempt.started 4.1#1"));
}

/* The lead alone does not accept other files where others approved. */
static void refused_files_are_asked_for_again_by_resume(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->files_changed = true;
	night_approve_t0(night);
	night_tap(night, "rep", "x");
	night_jump(night, 10000);
	night_untap(night, "rep", "x");
	night_shown(night);
	night_says(night, "lead", REQUEST_RESUME);
	assert_string_equal(
			night_shown(night), "gate.opened files by lead\ngate.posted\n");
	night_approve_t0(night);
	assert_non_null(strstr(night_shown(night), "run.files_accepted\n"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
#define claim(test) \
	cmocka_unit_test_setup_teardown(test, night_setup, night_teardown)
		claim(a_plan_behind_which_nothing_began_is_read_again),
		claim(what_a_hold_put_off_is_read_again),
		claim(what_has_begun_is_read_no_more),
		claim(a_spoiled_post_voids_what_has_passed_at_once),
		claim(who_filled_no_place_does_not_stop_what_passed),
		claim(a_thumb_that_slipped_spoils_nothing_that_has_passed),
		claim(an_approval_runs_out_where_a_command_is_to_come),
		claim(what_let_something_begin_that_did_not_is_read_again),
		claim(a_post_spoiled_before_the_first_command_is_void),
		claim(what_is_taken_back_after_the_look_voids_it),
		claim(a_look_that_comes_after_a_hold_is_not_used),
		claim(a_look_from_before_a_no_takes_none_back),
		claim(another_plan_voids_the_one_that_waits),
		claim(a_change_on_disk_voids_a_gate_that_no_plan_has),
		claim(what_waits_for_a_hand_alone_can_be_taken_back_too),
		claim(a_change_on_disk_voids_what_waits),
		claim(a_change_on_disk_is_nothing_to_what_has_begun),
		claim(a_change_on_disk_is_nothing_to_a_gate_on_the_way),
		claim(what_breaks_on_disk_keeps_back_what_has_passed),
		claim(refused_files_are_asked_for_again_by_resume),
		claim(a_no_beside_an_approval_that_fills_in_takes_that_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
