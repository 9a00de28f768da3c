#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/chance.h"
#include "support/crew.h"
#include "support/night.h"
#include "support/test.h"
#include "support/witness.h"

/*
 * Nights in which anybody does anything, at any time, and then people do what
 * the bot asks for.  Whatever was done, nothing runs that should not, nothing
 * is left out or done twice, and there is always a way to the end.
 *
 *	test_walk [NIGHTS [FIRST]]
 */

#define ACTS 150

static void walk(
		struct night *night, struct witness *witness, uint32_t number) {
	const char *text = chance_texts[number % CHANCE_TEXTS];
	uint32_t seed = number;
	night_init(night, text);
	night->settings.status_every_ms = 0; // nothing is due but what must be
	night->settings.watch_status_every_ms = 0;
	witness_init(witness, night);
	chance_begin(night, number);
	for (size_t i = 0; i < ACTS && night->violated[0] == '\0'; i++) {
		chance_act(night, text, &seed);
		witness_compare(witness);
		if (!night->away && !crew_sees_a_way(night)) {
			snprintf(night->violated, sizeof(night->violated),
					"dead end: nobody and nothing is waited for");
		}
	}
	chance_mend(night, text);
	if (night->violated[0] == '\0') {
		crew_finish_runs(night, number % 2 == 0);
	}
	if (night->violated[0] == '\0') {
		crew_make_run(night);
	}
	witness_compare(witness);
}

static uint32_t nights = 300;
static uint32_t first = 1;

static void there_is_always_a_way_to_the_end_and_no_shorter_one(void **state) {
	struct night *night = *state;
	size_t started = 0;
	size_t rolled_back = 0;
	size_t succeeded = 0;
	for (uint32_t i = first; i < first + nights; i++) {
		struct witness witness;
		walk(night, &witness, i);
		started += night->started;
		rolled_back += witness.rolled_back;
		succeeded += witness.succeeded;
		witness_finish(&witness);
		if (night->violated[0] != '\0') {
			printf("# night %u\n", i);
			return; // teardown tells
		}
		if (i + 1 < first + nights) {
			night_finish(night);
		}
	}
	printf("# %u nights: %zu attempts, %zu runs rolled back, %zu succeeded\n",
			nights, started, rolled_back, succeeded);
	assert_true(nights < 100 || rolled_back > nights / 6);
	assert_true(succeeded >= nights);
}

int main(int argc, char **argv) {
	nights = argc > 1 ? (uint32_t)atoi(argv[1]) : nights;
	first = argc > 2 ? (uint32_t)atoi(argv[2]) : first;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
				there_is_always_a_way_to_the_end_and_no_shorter_one,
				night_setup, night_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
