#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/runbook_md.h"
#include "support/test.h"

/* A document, read; freed by done(). */
struct reading {
	struct runbook *runbook;
	struct findings findings;
};

static struct reading read_text(const char *text) {
	struct reading reading;
	findings_init(&reading.findings);
	reading.runbook = runbook_md_parse(
			"test.md", text, strlen(text), &reading.findings);
	findings_sort(&reading.findings);
	return reading;
}

static void done(struct reading *reading) {
	runbook_destroy(reading->runbook);
	findings_finish(&reading->findings);
}

/* Read what must be without findings. */
static struct reading read_good(const char *text) {
	struct reading reading = read_text(text);
	for (size_t i = 0; i < reading.findings.count; i++) {
		const struct finding *finding = &reading.findings.list[i];
		printf("# %u:%u %s [%s]\n", finding->place.line, finding->place.column,
				finding->text, finding->rule);
	}
	assert_int_equal(reading.findings.count, 0);
	return reading;
}

#define ROLES \
	"| Role | Primary | Backup | Contact |\n" \
	"|---|---|---|---|\n" \
	"| Ops | a | b | ~ops, please |\n" \
	"| CTO | c | d | |\n" \
	"| QA | e | f | |\n\n" \
	"| Group | Roles |\n" \
	"|---|---|\n" \
	"| Reps | Ops, CTO + QA |\n\n"

static void assert_numbers(
		const struct runbook *runbook, const char *const *numbers) {
	size_t count = 0;
	while (numbers[count] != NULL) {
		count++;
	}
	assert_int_equal(runbook->step_count, count);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(runbook->steps[i].number, numbers[i]);
	}
}

static void steps_are_numbered_as_a_reader_would(void **state) {
	(void)state;
	struct reading reading = read_good("# Title\n"
									   "## Notes\n"
									   "## Release {.production}\n"
									   "- one\n"
									   "- two\n\n"
									   "words\n\n"
									   "3. three\n"
									   "4. four\n"
									   "### Deep\n"
									   "* five\n"
									   "### 7.4 Own number\n"
									   "1. six\n"
									   "   1. a\n"
									   "      ```sh\n"
									   "      true\n"
									   "      ```\n"
									   "   1. b\n\n"
									   "   words\n\n"
									   "   - c\n");
	static const char *const numbers[] = { "2.1", "2.2", "2.3", "2.4", "2.1.1",
		"7.4.1.1", "7.4.1.2", "7.4.1.3", NULL };
	assert_numbers(reading.runbook, numbers);
	assert_string_equal(reading.runbook->title, "Title");
	assert_string_equal(reading.runbook->sections[2].title, "Own number");
	done(&reading);
}

static void what_a_heading_carries_its_steps_inherit(void **state) {
	(void)state;
	struct reading reading = read_good(
			"| Parameter | Value | Meaning |\n|--|--|--|\n"
			"| P | `a` or `b` | |\n\n" ROLES
			"## 4. Go {.production env=prod owner=\"Ops\" on=web}\n"
			"### 4.1 A {when=\"P=a\"}\n"
			"- x {owner=\"CTO + QA\" timeout=5m}\n"
			"  ```sh\n  true\n  ```\n"
			"  ```sh timeout=90s on=db sets=\"V W\"\n  true\n  ```\n"
			"### 4.2 B\n"
			"- y {evidence}\n");
	const struct step *step = &reading.runbook->steps[0];
	assert_string_equal(step->env, "prod");
	assert_string_equal(step->owner.text, "CTO + QA");
	assert_int_equal(step->owner.count, 2);
	assert_int_equal(step->when_count, 1);
	assert_string_equal(step->when[0].value, "a");
	assert_int_equal(step->blocks[0].timeout_ms, 300000);
	assert_string_equal(step->blocks[0].on, "web");
	assert_string_equal(step->blocks[0].text, "true\n");
	assert_int_equal(step->blocks[1].timeout_ms, 90000);
	assert_string_equal(step->blocks[1].on, "db");
	assert_int_equal(step->blocks[1].set_count, 2);
	assert_int_equal(reading.runbook->steps[1].when_count, 0);
	assert_true(reading.runbook->steps[1].evidence);
	assert_string_equal(reading.runbook->steps[1].title, "y");
	done(&reading);
}

static void a_gate_has_a_slot_for_each_approval(void **state) {
	(void)state;
	struct reading reading = read_good(
			ROLES "| Step | Required approvers | Record location | Open for |\n"
				  "|---|---|---|---|\n"
				  "| Plan | Ops + CTO | ticket | |\n"
				  "| One | Ops or CTO | ticket | 5m |\n"
				  "| All | Reps | ticket | |\n"
				  "| Some | 2 of reps + QA | ticket | |\n\n"
				  "# Go {.production plan=plan gate=\"one\"}\n- x\n"
				  "## A {gate=All}\n- y\n## B {gate=\"Some\"}\n- z\n");
	const struct gate *gates = reading.runbook->gates;
	assert_int_equal(gates[0].slot_count, 2);
	assert_int_equal(gates[0].open_ms, 24 * 3600 * 1000);
	assert_int_equal(gates[0].valid_ms, 36 * 3600 * 1000);
	assert_int_equal(gates[1].slot_count, 1);
	assert_int_equal(gates[1].slots[0].roles.count, 2);
	assert_int_equal(gates[1].open_ms, 300000);
	assert_int_equal(gates[1].valid_ms, 1800000);
	assert_int_equal(gates[2].slot_count, 3);
	assert_int_equal(gates[2].slots[2].group, 0);
	assert_int_equal(gates[3].slot_count, 3);
	assert_int_equal(gates[3].slots[0].roles.count, 3);
	assert_int_equal(gates[3].slots[2].roles.count, 1);
	assert_int_equal(runbook_plan_gate(reading.runbook), 0);
	assert_int_equal(runbook_start_gate(reading.runbook), 1);
	assert_int_equal(reading.runbook->steps[1].gate, 2);
	assert_string_equal(reading.runbook->roles[0].channel, "ops");
	done(&reading);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_are_numbered_as_a_reader_would),
		cmocka_unit_test(what_a_heading_carries_its_steps_inherit),
		cmocka_unit_test(a_gate_has_a_slot_for_each_approval),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
