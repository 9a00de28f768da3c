#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/night.h"
#include "support/test.h"

/*
 * What is refused does nothing else: one event, which says so.
 */

static void refuses(struct night *night, const char *user,
		enum request_type type, const char *step) {
	char wanted[64];
	snprintf(wanted, sizeof(wanted), "command.refused by %s: ", user);
	night_shown(night);
	night_say(night, user, type, step, "because");
	const char *shown = night_shown(night);
	const char *end = strchr(shown, '\n');
	if (strncmp(shown, wanted, strlen(wanted)) != 0 || end == NULL ||
			end[1] != '\0') {
		printf("# type %d, step %s: %s", (int)type, step != NULL ? step : "-",
				shown);
		fail();
	}
}

static void nobody_is_heard_who_is_no_active_member(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	night_set_active(night, "lead", false);
	night_set_active(night, "rep", false);
	for (int type = REQUEST_HELP; type <= REQUEST_REVIEW; type++) {
		const char *step = "4.2";
		refuses(night, "guest", (enum request_type)type, step);
		refuses(night, "lead", (enum request_type)type, step);
		refuses(night, "rep", (enum request_type)type, step);
	}
}

static void what_is_the_leads_nobody_else_does(void **state) {
	struct night *night = *state;
	night_init(night, night_whole);
	refuses(night, "cto", REQUEST_PLAN, NULL);
	night_says(night, "lead", REQUEST_PLAN);
	refuses(night, "cto", REQUEST_REHEARSE, NULL);
	refuses(night, "cto", REQUEST_POLL, NULL);
	night_tap(night, "lead", "+1");
	night_tap(night, "cto", "+1");
	night_says(night, "lead", REQUEST_REHEARSE);
	refuses(night, "cto", REQUEST_START, NULL);
	night_says(night, "lead", REQUEST_START);
	refuses(night, "cto", REQUEST_ABORT, NULL);
	refuses(night, "lead", REQUEST_DECIDE, NULL); // nothing has begun
	night_approve_t0(night);
	refuses(night, "cto", REQUEST_DECIDE, NULL);
	night_shown(night);
	night_says(night, "lead", REQUEST_DECIDE);
	assert_string_equal(night_shown(night), "command.answered by lead\n");
	night_says(night, "other", REQUEST_HOLD);
	refuses(night, "other", REQUEST_RESUME, NULL);
	refuses(night, "other", REQUEST_HOLD, NULL); // held already
	night_says(night, "lead", REQUEST_RESUME);
	night_will(night, "4.3", OUTCOME_FAILED);
	night_say(night, "rep", REQUEST_DONE, "4.2", NULL);
	refuses(night, "rep", REQUEST_SKIP, "4.3");
	night_say(night, "lead", REQUEST_SKIP, "4.3", "never mind");
	night_say(night, "rep", REQUEST_DONE, "5.3", NULL);
	assert_int_equal(night_run(night)->status, RUN_DECIDING);
	night_tap(night, "cto", "x");
	night_jump(night, 10000);
	refuses(night, "cto", REQUEST_DECIDE, NULL);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "+1");
	refuses(night, "lead", REQUEST_DECIDE, NULL); // it is decided
	refuses(night, "other", REQUEST_HOLD, NULL);  // a rollback only the lead
	night_say(night, "rep", REQUEST_PASS, "6.2", NULL);
	assert_int_equal(night_run(night)->status, RUN_ROLLED_BACK);
	refuses(night, "cto", REQUEST_CLOSE, NULL);
	night_says(night, "lead", REQUEST_CLOSE);
	assert_int_equal(night_run(night)->status, RUN_CLOSED);
}

static void a_step_is_settled_by_its_own_people(void **state) {
	static const enum request_type all[] = { REQUEST_DONE, REQUEST_FAIL,
		REQUEST_RUN, REQUEST_PASS, REQUEST_RETRY, REQUEST_SKIP, REQUEST_CLAIM };
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		refuses(night, "cto", all[i], "4.2");
		refuses(night, "cto", all[i], "4.3"); // not up yet, nor his
	}
	/* Nor by their words where they do not fit. */
	refuses(night, "rep", REQUEST_RUN, "4.2");
	refuses(night, "rep", REQUEST_PASS, "4.2");
	refuses(night, "rep", REQUEST_RETRY, "4.2");
	refuses(night, "lead", REQUEST_SKIP, "4.2");
	refuses(night, "lead", REQUEST_DONE, "4.2");
	refuses(night, "lead", REQUEST_CLAIM, "4.2");
	night_will(night, "4.3", OUTCOME_FAILED);
	night_say(night, "rep", REQUEST_DONE, "4.2", NULL);
	refuses(night, "lead", REQUEST_RUN, "4.3");
	refuses(night, "lead", REQUEST_PASS, "4.3");
	refuses(night, "lead", REQUEST_DONE, "4.3");
	refuses(night, "rep", REQUEST_RETRY, "4.3");
	refuses(night, "lead", REQUEST_RETRY, "6.1"); // no rollback is under way
	refuses(night, "lead", REQUEST_DONE, "9.9");
}

static void there_is_nothing_to_hold_beside_a_run_that_goes_on(void **state) {
	struct night *night = *state;
	night_init(night, night_whole);
	refuses(night, "lead", REQUEST_HOLD, NULL);
	refuses(night, "lead", REQUEST_RESUME, NULL);
	refuses(night, "lead", REQUEST_DECIDE, NULL);
	refuses(night, "lead", REQUEST_ABORT, NULL);
	refuses(night, "lead", REQUEST_CLOSE, NULL);
	refuses(night, "lead", REQUEST_ROLLBACK, NULL);
	refuses(night, "lead", REQUEST_REVIEW, NULL);
	refuses(night, "lead", REQUEST_DELEGATE, NULL);
	night_finish(night);
	night_begin(night);
	night_tap(night, "rep", "x");
	night_jump(night, 10000);
	assert_int_equal(night_run(night)->status, RUN_PLANNED);
	refuses(night, "other", REQUEST_HOLD, NULL);
	night_says(night, "lead", REQUEST_ABORT); // that it can be
	assert_int_equal(night_run(night)->status, RUN_ABORTED);
	night_says(night, "lead", REQUEST_CLOSE);
	night_says(night, "lead", REQUEST_START);
	night_untap(night, "rep", "x");
	night_approve_t0(night);
	night_says(night, "lead", REQUEST_ROLLBACK);
	night_tap(night, "cto", "+1");
	night_say(night, "rep", REQUEST_PASS, "6.2", NULL);
	assert_int_equal(night_run(night)->status, RUN_ROLLED_BACK);
	refuses(night, "other", REQUEST_HOLD, NULL);
	refuses(night, "other", REQUEST_ROLLBACK, NULL);
	refuses(night, "lead", REQUEST_ABORT, NULL);
}

static void a_run_executes_alone(void **state) {
	struct night *night = *state;
	night_begin(night);
	for (int i = 0; i < 2; i++) {
		refuses(night, "lead", REQUEST_PLAN, NULL);
		refuses(night, "lead", REQUEST_REHEARSE, NULL);
		refuses(night, "lead", REQUEST_START, NULL);
		night_approve_t0(night);
	}
	refuses(night, "lead", REQUEST_CLOSE, NULL);
	refuses(night, "lead", REQUEST_POLL, NULL); // T0 has passed
}

static void a_rollback_that_is_asked_for_keeps_the_record_open(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	night_say(night, "rep", REQUEST_DONE, "4.2", NULL);
	night_say(night, "rep", REQUEST_DONE, "5.3", NULL);
	night_tap(night, "lead", "white_check_mark");
	night_tap(night, "cto", "white_check_mark");
	night_says(night, "other", REQUEST_ROLLBACK);
	refuses(night, "lead", REQUEST_CLOSE, NULL);
}

static void without_a_gate_nobody_but_the_lead_rolls_back(void **state) {
	struct night *night = *state;
	night_init(night, night_small);
	night_says(night, "lead", REQUEST_START);
	refuses(night, "cto", REQUEST_ROLLBACK, NULL);
	assert_int_equal(night_run(night)->status, RUN_SUCCEEDED);
}

int main(void) {
	const struct CMUnitTest tests[] = {
#define claim(test) \
	cmocka_unit_test_setup_teardown(test, night_setup, night_teardown)
		claim(nobody_is_heard_who_is_no_active_member),
		claim(what_is_the_leads_nobody_else_does),
		claim(a_step_is_settled_by_its_own_people),
		claim(there_is_nothing_to_hold_beside_a_run_that_goes_on),
		claim(a_run_executes_alone),
		claim(without_a_gate_nobody_but_the_lead_rolls_back),
		claim(a_rollback_that_is_asked_for_keeps_the_record_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
