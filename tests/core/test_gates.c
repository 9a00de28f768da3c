#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/night.h"
#include "support/test.h"

/*
 * Gates where several things come together: what is taken back between the
 * last look and the first command, who asks, who breaks the glass.
 */

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

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
				a_plan_behind_which_nothing_began_is_read_again, night_setup,
				night_teardown),
		cmocka_unit_test_setup_teardown(
				what_a_hold_put_off_is_read_again, night_setup, night_teardown),
		cmocka_unit_test_setup_teardown(
				what_has_begun_is_read_no_more, night_setup, night_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
