/* Blocks on several hosts: a night's target `web` has two. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/flow.h"
#include "support/night.h"
#include "support/test.h"

#define HEAD \
	"# Hosts\n\n" \
	"| Role | Primary | Backup | Contact |\n|---|---|---|---|\n" \
	"| Cutover lead | a | b | c |\n\n" \
	"## 1 Go {.production on=web}\n\n"
#define TAIL \
	"\n## 2 Back {.rollback}\n\n1. Undo\n\n   ```sh\n   echo undo\n   ```\n"

static const char in_order[] = HEAD
		"1. Do\n\n   ```sh\n   echo do\n   ```\n" TAIL;
static const char at_once[] = HEAD
		"1. Do\n\n   ```sh parallel=2\n   echo do\n   ```\n"
		"2. More\n\n   ```sh\n   echo more\n   ```\n" TAIL;
static const char watched[] = HEAD
		"1. Do\n\n   ```sh\n   echo do\n   ```\n" TAIL
		"\n## 3 After {.post on=web}\n\n"
		"- Watch\n\n   ```sh parallel=2 every=10m for=25m\n   echo do\n   ```\n";

static const char in_two_parts[] = HEAD
		"1. Do\n\n   ```sh sets=\"SNAP\"\n"
		"   echo SNAP=1 >>\"$BRIDGE_OUTPUT\"\n   ```\n\n"
		"   ```sh\n   echo more\n   ```\n"
		"\n## 2 Back {.rollback}\n\n"
		"1. Undo\n\n   ```sh\n   echo \"$SNAP\"\n   ```\n";

static const char published_at_once[] = HEAD
		"1. Do\n\n   ```sh sets=\"SNAP\" parallel=2\n"
		"   echo SNAP=1 >>\"$BRIDGE_OUTPUT\"\n   ```\n"
		"\n## 2 Back {.rollback}\n\n"
		"1. Undo\n\n   ```sh\n   echo \"$SNAP\"\n   ```\n";

static void begin(struct night *night, const char *text) {
	night_init(night, text);
	night->slow = true;
	night_says(night, "lead", REQUEST_START);
	assert_int_equal(night_run(night)->status, RUN_RUNNING);
}

static void end(struct night *night) {
	assert_string_equal(night->violated, "");
	night_finish(night);
}

/* Of the first step's first block. */
static struct request of_host(enum request_type type, uint32_t host,
		uint32_t attempt, enum outcome outcome) {
	return (struct request){
		.type = type,
		.run = 1,
		.host = host,
		.attempt = attempt,
		.outcome = outcome,
		.problem = "Connection refused",
		.may_run = true,
	};
}

static void ends(struct night *night, uint32_t host, uint32_t attempt,
		enum outcome outcome) {
	const struct request request = of_host(
			REQUEST_ATTEMPT_ENDED, host, attempt, outcome);
	night_ask(night, &request);
}

static void is_lost(struct night *night, uint32_t host) {
	const struct request request = of_host(
			REQUEST_ATTEMPT_LOST, host, 1, OUTCOME_NONE);
	night_ask(night, &request);
}

static void hosts_follow_each_other(void **state) {
	(void)state;
	struct night night;
	begin(&night, in_order);
	assert_non_null(strstr(night_shown(&night), "attempt.started 1.1#1\n"));
	ends(&night, 0, 1, OUTCOME_OK);
	assert_string_equal(night_shown(&night),
			"attempt.ended 1.1#1 ok\nattempt.started 1.1#1@2\n");
	ends(&night, 1, 1, OUTCOME_OK);
	assert_int_equal(night_run(&night)->status, RUN_SUCCEEDED);
	end(&night);
}

static void a_host_that_failed_lets_no_other_begin(void **state) {
	(void)state;
	struct night night;
	begin(&night, in_order);
	night_shown(&night);
	ends(&night, 0, 1, OUTCOME_FAILED);
	assert_string_equal(night_shown(&night),
			"attempt.ended 1.1#1 failed\nstep.ended 1.1 failed\n");
	end(&night);
}

static void a_retry_is_of_those_that_failed(void **state) {
	(void)state;
	struct night night;
	begin(&night, at_once);
	ends(&night, 1, 1, OUTCOME_FAILED);
	assert_int_equal(night_run(&night)->steps[0].status, STEP_RUNNING);
	ends(&night, 0, 1, OUTCOME_OK);
	night_shown(&night);
	night_say(&night, "lead", REQUEST_RETRY, "1.1", NULL);
	assert_string_equal(night_shown(&night),
			"step.retried 1.1 by lead\nattempt.started 1.1#2@2\n");
	ends(&night, 1, 2, OUTCOME_OK);
	assert_non_null(strstr(night_shown(&night), "attempt.started 1.2#1\n"));
	end(&night);
}

static void an_unknown_outcome_is_asked_before_a_failed_one(void **state) {
	(void)state;
	struct night night;
	begin(&night, at_once);
	ends(&night, 0, 1, OUTCOME_FAILED);
	ends(&night, 1, 1, OUTCOME_UNKNOWN);
	assert_int_equal(night_run(&night)->steps[0].status, STEP_UNKNOWN);
	night_say(&night, "lead", REQUEST_DONE, "1.1", "looked");
	assert_int_equal(night_run(&night)->steps[0].status, STEP_FAILED);
	night_say(&night, "lead", REQUEST_RETRY, "1.1", NULL);
	ends(&night, 0, 2, OUTCOME_OK);
	assert_int_equal(night_run(&night)->steps[0].outcome, OUTCOME_OK);
	end(&night);
}

static void leaves(struct night *night, uint32_t host, uint32_t attempt,
		enum outcome outcome, const char *snap) {
	struct request request = of_host(
			REQUEST_ATTEMPT_ENDED, host, attempt, outcome);
	const struct plan_value value = {
		.name = (char *)(uintptr_t) "SNAP",
		.value = (char *)(uintptr_t)snap,
	};
	request.values = &value;
	request.value_count = 1;
	night_ask(night, &request);
}

/* The second part is what is taken as done. */
static void what_a_repeated_try_left_is_not_taken_back(void **state) {
	(void)state;
	struct night night;
	begin(&night, in_two_parts);
	leaves(&night, 0, 1, OUTCOME_UNKNOWN, "/a");
	night_say(&night, "lead", REQUEST_RETRY, "1.1", NULL);
	leaves(&night, 0, 2, OUTCOME_OK, "/b");
	leaves(&night, 1, 1, OUTCOME_OK, "/b");
	struct request second = of_host(
			REQUEST_ATTEMPT_ENDED, 0, 1, OUTCOME_UNKNOWN);
	second.block = 1;
	night_ask(&night, &second);
	assert_int_equal(night_run(&night)->steps[0].status, STEP_UNKNOWN);
	night_say(&night, "lead", REQUEST_DONE, "1.1", "looked");
	assert_string_equal(run_value(night_run(&night), "SNAP"), "/b");
	end(&night);
}

/* `sets-many` lets no plan with such a block in; where one is, values are the
 * run's, and nothing says which of two hosts' is meant. */
static void what_one_host_published_is_not_replaced_by_anothers(void **state) {
	(void)state;
	struct night night;
	begin(&night, published_at_once);
	leaves(&night, 0, 1, OUTCOME_OK, "/a");
	leaves(&night, 1, 1, OUTCOME_UNKNOWN, "/b");
	assert_int_equal(night_run(&night)->steps[0].status, STEP_UNKNOWN);
	night_say(&night, "lead", REQUEST_DONE, "1.1", "looked");
	assert_string_equal(run_value(night_run(&night), "SNAP"), "/a");
	end(&night);
}

static void what_hosts_left_differently_is_not_chosen_from(void **state) {
	(void)state;
	struct night night;
	begin(&night, published_at_once);
	leaves(&night, 0, 1, OUTCOME_UNKNOWN, "/a");
	leaves(&night, 1, 1, OUTCOME_UNKNOWN, "/b");
	night_shown(&night);
	night_say(&night, "lead", REQUEST_DONE, "1.1", "looked");
	assert_non_null(strstr(night_shown(&night), "left no SNAP behind"));
	assert_int_equal(night_run(&night)->steps[0].status, STEP_UNKNOWN);
	night_say(&night, "lead", REQUEST_DONE, "1.1", "without SNAP");
	assert_null(run_value(night_run(&night), "SNAP"));
	end(&night);
}

/* Said while two run: the one that ends well in spite of it changes nothing. */
static void what_was_called_failed_begins_on_no_other_host(void **state) {
	(void)state;
	struct night night;
	begin(&night, in_order);
	night.disobedient = true;
	night_say(&night, "lead", REQUEST_FAIL, "1.1", "wrong");
	night_shown(&night);
	ends(&night, 0, 1, OUTCOME_OK);
	assert_string_equal(night_shown(&night),
			"attempt.ended 1.1#1 ok\nstep.ended 1.1 failed by lead\n");
	end(&night);
}

static void a_lost_host_is_said_once_and_found_again(void **state) {
	(void)state;
	struct night night;
	begin(&night, at_once);
	night_shown(&night);
	is_lost(&night, 1);
	is_lost(&night, 1);
	const struct request found = of_host(
			REQUEST_ATTEMPT_FOUND, 1, 1, OUTCOME_NONE);
	night_ask(&night, &found);
	night_ask(&night, &found);
	assert_string_equal(night_shown(&night),
			"attempt.lost 1.1#1@2\nattempt.found 1.1#1@2\n");
	end(&night);
}

static void what_runs_out_of_reach_is_declared_dead_at_once(void **state) {
	(void)state;
	struct night night;
	begin(&night, at_once);
	night.disobedient = true;
	is_lost(&night, 1);
	night_shown(&night);
	night_say(&night, "lead", REQUEST_FAIL, "1.1", "no answer");
	assert_string_equal(night_shown(&night),
			"step.cancelling 1.1 by lead\n"
			"attempt.ended 1.1#1@2 unknown\n");
	ends(&night, 0, 1, OUTCOME_CANCELLED);
	assert_string_equal(night_shown(&night),
			"attempt.ended 1.1#1 cancelled\nstep.ended 1.1 unknown by lead\n");
	end(&night);
}

/* The first thing that is waited for; "" for nothing. */
static const char *waited_for(struct night *night, char text[80]) {
	struct waitings waitings;
	const struct world world = {
		.now_ms = night->now_ms,
		.settings = &night->settings,
		.people = &night->people,
	};
	bridge_waiting(&night->bridge, &world, &waitings);
	snprintf(text, 80, "%s", waitings.count > 0 ? waitings.list[0].what : "");
	waitings_finish(&waitings);
	return text;
}

static void what_is_out_of_reach_is_waited_for_also_in_a_rollback(
		void **state) {
	(void)state;
	char text[80];
	struct night night;
	begin(&night, at_once);
	night.disobedient = true;
	assert_string_equal(waited_for(&night, text), "");
	is_lost(&night, 1);
	assert_string_equal(
			waited_for(&night, text), "1.1 host is away: `!fail 1.1 WHY`");
	night_says(&night, "lead", REQUEST_ROLLBACK);
	assert_int_equal(night_run(&night)->status, RUN_ROLLING_BACK);
	ends(&night, 0, 1, OUTCOME_CANCELLED);
	assert_string_equal(
			waited_for(&night, text), "1.1 host is away: `!fail 1.1 WHY`");
	night_say(&night, "lead", REQUEST_FAIL, "1.1", "gone");
	assert_string_equal(waited_for(&night, text), "");
	assert_non_null(strstr(night_shown(&night), "attempt.started 2.1#1\n"));
	end(&night);
}

static void what_has_not_begun_out_of_reach_is_cancelled(void **state) {
	(void)state;
	struct night night;
	begin(&night, in_order);
	struct request lost = of_host(REQUEST_ATTEMPT_LOST, 0, 1, OUTCOME_NONE);
	lost.may_run = false;
	night_ask(&night, &lost);
	night_say(&night, "lead", REQUEST_FAIL, "1.1", "no answer");
	assert_non_null(strstr(night_shown(&night),
			"step.cancelling 1.1 by lead\nattempt.ended 1.1#1 cancelled\n"
			"step.ended 1.1 failed by lead\n"));
	end(&night);
}

static void a_monitor_watches_every_host(void **state) {
	(void)state;
	struct night night;
	begin(&night, watched);
	night.slow = false;
	night_settle(&night);
	night_pass(&night, 30);
	size_t count[2] = { 0 };
	const struct step_state *step = &night_run(&night)->steps[2];
	for (size_t i = 0; i < step->attempt_count; i++) {
		count[step->attempts[i].host]++;
	}
	assert_int_equal(count[0], 3);
	assert_int_equal(count[1], 3);
	end(&night);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_follow_each_other),
		cmocka_unit_test(a_host_that_failed_lets_no_other_begin),
		cmocka_unit_test(a_retry_is_of_those_that_failed),
		cmocka_unit_test(an_unknown_outcome_is_asked_before_a_failed_one),
		cmocka_unit_test(what_a_repeated_try_left_is_not_taken_back),
		cmocka_unit_test(what_one_host_published_is_not_replaced_by_anothers),
		cmocka_unit_test(what_hosts_left_differently_is_not_chosen_from),
		cmocka_unit_test(what_was_called_failed_begins_on_no_other_host),
		cmocka_unit_test(a_lost_host_is_said_once_and_found_again),
		cmocka_unit_test(what_runs_out_of_reach_is_declared_dead_at_once),
		cmocka_unit_test(what_is_out_of_reach_is_waited_for_also_in_a_rollback),
		cmocka_unit_test(what_has_not_begun_out_of_reach_is_cancelled),
		cmocka_unit_test(a_monitor_watches_every_host),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
