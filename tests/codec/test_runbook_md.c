#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codec/runbook_check.h"
#include "codec/runbook_md.h"
#include "core/plan.h"
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

static void an_item_is_a_command_a_group_or_a_persons(void **state) {
	(void)state;
	struct reading reading = read_good("# Go {.rehearsal}\n"
									   "- a command\n\n"
									   "  ```sh\n  one\n  ```\n"
									   "  ```expect\n  exit 1\n  ```\n\n"
									   "  words\n\n"
									   "  ```sh\n  two\n  ```\n"
									   "  - prose\n"
									   "- a group {timeout=5m evidence}\n"
									   "  - inner\n"
									   "    ```http\n"
									   "    GET https://x.org\n"
									   "    ```\n"
									   "  - by hand\n"
									   "- by hand too\n\n"
									   "  why\n"
									   "  - this\n"
									   "  - that\n");
	static const char *const numbers[] = { "1.1", "1.2.1", "1.2.2", "1.3",
		NULL };
	const struct runbook *runbook = reading.runbook;
	assert_numbers(runbook, numbers);
	assert_int_equal(runbook->steps[0].block_count, 2);
	assert_int_equal(runbook->steps[0].blocks[0].condition_count, 1);
	assert_int_equal(runbook->steps[0].blocks[1].condition_count, 0);
	assert_string_equal(runbook->steps[0].detail, "words\n\n- prose");
	assert_int_equal(runbook->steps[1].blocks[0].kind, BLOCK_HTTP);
	assert_int_equal(runbook->steps[1].blocks[0].timeout_ms, 300000);
	assert_true(runbook->steps[2].evidence);
	assert_string_equal(runbook->steps[3].detail, "why\n\n- this\n- that");
	assert_int_equal(runbook->section_count, 2);
	assert_string_equal(runbook->sections[1].title, "a group");
	assert_int_equal(runbook->sections[1].step_count, 2);
	assert_int_equal(runbook->sections[0].step_count, 4);
	done(&reading);
}

static void a_row_of_a_test_table_is_a_step(void **state) {
	(void)state;
	struct reading reading = read_good(ROLES
			"# 5 Test {.smoke env=prod owner=QA}\n\n"
			"| Owner | Command / action | Test | Expected result | x |\n"
			"|--|--|--|--|--|\n"
			"| | `GET https://x.org/h` | Health {timeout=5s} | it is "
			"`http 200`, `json .s == \"a \\| b\"` or `so` | y |\n"
			"| Ops | ` a \\| b ` | Pipe {sets=\"V\" on=web} | `within 5m` | |\n"
			"| CTO | log in, see `the page` | UI {evidence} | fast | |\n");
	const struct step *steps = reading.runbook->steps;
	assert_int_equal(reading.runbook->step_count, 3);
	assert_string_equal(steps[0].number, "5.1");
	assert_string_equal(steps[0].title, "Health");
	assert_string_equal(steps[0].owner.text, "QA");
	assert_int_equal(steps[0].blocks[0].kind, BLOCK_HTTP);
	assert_int_equal(steps[0].blocks[0].timeout_ms, 5000);
	assert_int_equal(steps[0].blocks[0].condition_count, 2);
	assert_string_equal(
			steps[0].blocks[0].conditions[1], "json .s == \"a | b\"");
	assert_string_equal(steps[1].blocks[0].text, "a | b");
	assert_string_equal(steps[1].blocks[0].on, "web");
	assert_string_equal(steps[1].owner.text, "Ops");
	assert_string_equal(steps[1].sets[0], "V");
	assert_int_equal(steps[2].kind, STEP_MANUAL);
	assert_true(steps[2].evidence);
	assert_string_equal(steps[2].detail, "log in, see the page");
	assert_string_equal(steps[2].expected, "fast");
	done(&reading);
}

static void a_block_runs_byte_for_byte(void **state) {
	(void)state;
	struct reading reading = read_good("# Go {.rehearsal}\r\n"
									   "1. x\r\n\r\n"
									   "   ```sh\r\n"
									   "   if a; then\r\n"
									   "     b \"é &amp; \\n\" | c\r\n"
									   "\r\n"
									   "   \tfi {ask}\r\n"
									   "   ```\r\n"
									   "2. y\r\n\r\n"
									   "   ````sh\r\n"
									   "   ```\r\n"
									   "   ````\r\n");
	const struct step *steps = reading.runbook->steps;
	assert_string_equal(steps[0].blocks[0].text,
			"if a; then\n  b \"é &amp; \\n\" | c\n\n\tfi {ask}\n");
	assert_string_equal(steps[1].blocks[0].text, "```\n");
	struct place place = block_place(&steps[0].blocks[0], 13);
	assert_int_equal(place.line, 6);
	assert_int_equal(place.column, 6);
	done(&reading);
}

static void titles_are_plain_words(void **state) {
	(void)state;
	struct reading reading = read_good("Top `code` \\{x}\n===\n"
									   "## 3. **Go** _now_ {.rehearsal}   \n"
									   "- [ ] See [the page](http://x) "
									   "`{a}` at\n  once &amp; <b>so</b>\n");
	assert_string_equal(reading.runbook->title, "Top code {x}");
	assert_string_equal(reading.runbook->phases[0].title, "Go now");
	assert_string_equal(reading.runbook->phases[0].number, "3");
	assert_string_equal(reading.runbook->steps[0].title,
			"See the page {a} at once & <b>so</b>");
	done(&reading);
}

static bool says(const struct reading *reading, const char *words) {
	for (size_t i = 0; i < reading->findings.count; i++) {
		if (strstr(reading->findings.list[i].text, words) != NULL) {
			return true;
		}
	}
	return false;
}

static void a_table_that_is_not_there_is_described(void **state) {
	(void)state;
	struct reading reading = read_text(
			"| Role | Primary |\n|--|--|\n| Ops | a |\n\n"
			"# Go {.production gate=Well}\n- x {owner=Ops}\n");
	assert_true(says(&reading,
			"no table of roles with a row for `Ops`; its columns are Role, "
			"Primary, Backup, Contact"));
	assert_true(says(&reading,
			"no table of approvals with a row for `Well`; its columns are "
			"Step, Required approvers, Record location"));
	done(&reading);
}

static void success_is_asked_for_once(void **state) {
	(void)state;
	struct reading reading = read_text(
			ROLES "| Step | Required approvers | Record location |\n"
				  "|--|--|--|\n| Well | Ops | |\n\n"
				  "# Go {.production success=Well}\n- x\n"
				  "# Test {.smoke success=Well}\n- y\n");
	assert_int_equal(reading.findings.count, 1);
	assert_string_equal(reading.findings.list[0].rule, "attribute");
	assert_int_equal(reading.findings.list[0].place.line, 15);
	done(&reading);
}

static void parameters_have_four_kinds(void **state) {
	(void)state;
	struct reading reading = read_good(
			"| parameter | VALUE | meaning |\n|--|--|--|\n"
			"| `A` | `1` | one |\n| B | `x` or `y z` | |\n"
			"| C | Ask | |\n| D | secret | |\n");
	const struct parameter *parameters = reading.runbook->parameters;
	assert_int_equal(reading.runbook->parameter_count, 4);
	assert_int_equal(parameters[0].kind, PARAMETER_DEFAULT);
	assert_string_equal(parameters[0].choices[0], "1");
	assert_int_equal(parameters[1].kind, PARAMETER_CHOICE);
	assert_string_equal(parameters[1].choices[1], "y z");
	assert_int_equal(parameters[2].kind, PARAMETER_ASK);
	assert_int_equal(parameters[3].kind, PARAMETER_SECRET);
	done(&reading);
}

static void milestones_lie_before_and_after_t0(void **state) {
	(void)state;
	struct reading reading = read_good(
			ROLES "| Time | Activity | Owner |\n|--|--|--|\n"
				  "| T-1d | a | Ops + CTO |\n| T\xe2\x88\x92"
				  "90m | b | Reps |\n| T0 | c | |\n"
				  "| T+1h30m | `!cutover poll reps` then `go` | Ops |\n");
	const struct milestone *milestones = reading.runbook->milestones;
	assert_int_equal(reading.runbook->milestone_count, 4);
	assert_int_equal(milestones[0].offset_s, -86400);
	assert_int_equal(milestones[0].owner.count, 2);
	assert_int_equal(milestones[1].offset_s, -5400);
	assert_int_equal(milestones[1].owner.count, 3);
	assert_int_equal(milestones[2].offset_s, 0);
	assert_int_equal(milestones[2].owner.count, 0);
	assert_int_equal(milestones[3].offset_s, 5400);
	assert_string_equal(milestones[3].command, "poll reps");
	done(&reading);
}

/* Read anything: it must come back, with something to say or not. */
static void read_any(const char *text, size_t len) {
	struct findings findings;
	findings_init(&findings);
	struct runbook *runbook = runbook_check_text(
			"any.md", text, len, NULL, &findings);
	char digest[SHA256_HEX];
	plan_document_digest(runbook, digest);
	runbook_destroy(runbook);
	findings_finish(&findings);
}

static void random_bytes_are_survived(void **state) {
	(void)state;
	char bytes[600];
	uint32_t random = 1;
	for (int round = 0; round < 300; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++) {
			random = random * 1664525 + 1013904223;
			bytes[i] = (char)(random >> 24);
		}
		read_any(bytes, sizeof(bytes));
	}
	read_any("", 0);
	read_any("\0", 1);
	read_any("a\0b\n# x {.production}\n", 22);
}

/* Pieces of runbooks in any order reach further than bytes do. */
static void shuffled_runbooks_are_survived(void **state) {
	(void)state;
	static const char *const pieces[] = { "# A {.production gate=G}\n",
		"## 4.2 B {.smoke}\n", "### C {when=\"P=a\"}\n", "- x {owner=Ops}\n",
		"  - y\n", "1. z\n", "   ```sh\n", "   ```\n", "```expect\n", "```\n",
		"> q\n", "    indented\n", "\n", "| Role | Primary | Backup | Contact ",
		"|\n", "|---|---|---|---|\n", "| Ops | `a | b` | c | ~d |\n",
		"| Test | Command / action | Expected result |\n|--|--|--|\n",
		"| T {sets=X} | `run` | `exit 0` |\n", "echo $X <y> ...\n",
		"| Time | Activity | Owner |\n|--|--|--|\n", "| T-1h | x | Ops |\n",
		"| Step | Required approvers | Record location |\n|--|--|--|\n",
		"| G | Ops + 2 of R or (Q | t |\n", "title\n===\n", "{.rollback}\n",
		"\t- t {", "}\n", "- ```http timeout=\"\n", "exit 0\n",
		"| Parameter | Value | Meaning |\n|--|--|--|\n",
		"| P | `a` `b` | |\n" };
	const size_t count = sizeof(pieces) / sizeof(pieces[0]);
	uint32_t random = 7;
	for (int round = 0; round < 1500; round++) {
		struct str text = { 0 };
		for (int i = 0; i < 25; i++) {
			random = random * 1664525 + 1013904223;
			str_add(&text, pieces[(random >> 16) % count]);
		}
		read_any(text.data, text.len);
		str_finish(&text);
	}
}

static void deep_and_long_documents_are_survived(void **state) {
	(void)state;
	static const char *const repeated[] = { "- ", "> ", "#", "`", "{", "*", "[",
		"|", "1. ", "<", "\t", "  - a\n", "{a ", "$(", "# A\n", "| a | b |\n",
		"\\" };
	for (size_t i = 0; i < sizeof(repeated) / sizeof(repeated[0]); i++) {
		struct str text = { 0 };
		str_add(&text, "# A {.rehearsal}\n- ");
		while (text.len < 12000) {
			str_add(&text, repeated[i]);
		}
		read_any(text.data, text.len);
		str_finish(&text);
	}
	struct str nested = { 0 };
	str_add(&nested, "# A {.rehearsal}\n");
	for (int depth = 0; depth < 100; depth++) {
		str_addf(&nested, "%*s- item\n", depth * 2, "");
	}
	str_addf(&nested, "%*s```sh\n%*strue\n%*s```\n", 200, "", 200, "", 200, "");
	read_any(nested.data, nested.len);
	str_finish(&nested);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_are_numbered_as_a_reader_would),
		cmocka_unit_test(what_a_heading_carries_its_steps_inherit),
		cmocka_unit_test(a_gate_has_a_slot_for_each_approval),
		cmocka_unit_test(an_item_is_a_command_a_group_or_a_persons),
		cmocka_unit_test(a_row_of_a_test_table_is_a_step),
		cmocka_unit_test(a_block_runs_byte_for_byte),
		cmocka_unit_test(titles_are_plain_words),
		cmocka_unit_test(a_table_that_is_not_there_is_described),
		cmocka_unit_test(success_is_asked_for_once),
		cmocka_unit_test(parameters_have_four_kinds),
		cmocka_unit_test(milestones_lie_before_and_after_t0),
		cmocka_unit_test(random_bytes_are_survived),
		cmocka_unit_test(shuffled_runbooks_are_survived),
		cmocka_unit_test(deep_and_long_documents_are_survived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
