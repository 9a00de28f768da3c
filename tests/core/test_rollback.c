#include <stdlib.h>
#include <string.h>

#include "support/night.h"
#include "support/test.h"

/*
 * Rollback, asked for when the run is just about to be something else.
 */

static const char no_success_gate[] =
		"# Small launch\n\n"
		"| Role | Primary | Backup | Contact |\n|---|---|---|---|\n"
		"| Cutover lead | a | b | c |\n| DevOps lead | a | b | c |\n"
		"| CTO | a | b | c |\n\n"
		"| Step | Required approvers | Record location |\n|---|---|---|\n"
		"| Back | DevOps lead + CTO | incident |\n\n"
		"## 1 Go {.production}\n\n"
		"1. Deploy\n\n   ```sh\n   echo deploy\n   ```\n\n"
		"## 2 Back {.rollback gate=\"Back\"}\n\n"
		"1. Down\n\n   ```sh\n   echo down\n   ```\n";

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

#define claim(name) \
	cmocka_unit_test_setup_teardown(name, night_setup, night_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		claim(a_rollback_asked_for_before_success_still_rolls_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
