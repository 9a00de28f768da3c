#include "app/tidy.h"
#include "support/test.h"

#define DAY INT64_C(86400000)

static void only_runs_closed_long_enough_ago_are_tidied_up(void **state) {
	(void)state;
	struct attempt hangs = { .started_ms = 1 };
	struct step_state step = {
		.attempts = &hangs, .attempt_count = 1, .running_count = 1
	};
	size_t first = 0;
	struct run runs[] = {
		{ .number = 1, .status = RUN_CLOSED, .closed_ms = DAY },
		{ .number = 2, .status = RUN_CLOSED, .closed_ms = 9 * DAY },
		{ .number = 3, .status = RUN_ABORTED, .ended_ms = DAY },
		{ .number = 4,
				.status = RUN_CLOSED,
				.closed_ms = DAY,
				.steps = &step,
				.step_count = 1,
				.index = { .live = &first, .live_count = 1 } },
	};
	const struct bridge bridge = { .runs = runs, .run_count = 4 };
	struct tidy tidy = {
		.bridge = &bridge,
		.id_prefix = "LB",
		.keep_ms = 5 * DAY,
		.now_ms = 10 * DAY,
	};
	assert_true(tidy_may_go(&tidy, "LB-1-4.2.1-b1-local-1"));
	assert_false(tidy_may_go(&tidy, "LB-2-4.2.1-b1-local-1"));  // too young
	assert_false(tidy_may_go(&tidy, "LB-3-4.2.1-b1-local-1"));  // not closed
	assert_false(tidy_may_go(&tidy, "LB-4-4.2.1-b1-local-1"));  // it hangs
	assert_false(tidy_may_go(&tidy, "LB-12-4.2.1-b1-local-1")); // not known
	assert_false(tidy_may_go(&tidy, "XLB-1-4.2.1-b1-local-1")); // not ours
	assert_false(tidy_may_go(&tidy, "LB-1"));
	tidy.keep_ms = 0;
	assert_false(tidy_may_go(&tidy, "LB-1-4.2.1-b1-local-1"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_runs_closed_long_enough_ago_are_tidied_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
