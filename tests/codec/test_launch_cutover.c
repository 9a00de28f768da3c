/*
 * The user's runbook, templates/runbooks/launch-cutover.md, is understood as
 * its people would: gates, milestones, tests, and a way back on both platforms.
 *
 * Usage: test_launch_cutover RUNBOOK
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codec/runbook_check.h"
#include "core/plan.h"
#include "support/test.h"

static struct runbook *runbook;
static struct findings findings;

static int read_runbook(const char *path) {
	struct str text = { 0 };
	char bytes[4096];
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		fprintf(stderr, "cannot read %s\n", path);
		return 2;
	}
	size_t n = 0;
	while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0) {
		str_add_bytes(&text, bytes, n);
	}
	fclose(file);
	findings_init(&findings);
	runbook = runbook_check_text(
			path, str_text(&text), text.len, NULL, &findings);
	str_finish(&text);
	return 0;
}

static void it_has_no_error(void **state) {
	(void)state;
	for (size_t i = 0; i < findings.count; i++) {
		const struct finding *finding = &findings.list[i];
		if (finding->severity == SEVERITY_ERROR) {
			fail_msg("%u:%u %s [%s]", finding->place.line,
					finding->place.column, finding->text, finding->rule);
		}
	}
}

/* "DevOps lead, Storage" */
static void assert_slots(const char *gate, const char *wanted) {
	size_t index = runbook_gate(runbook, gate);
	assert_int_not_equal(index, RUNBOOK_NONE);
	struct str text = { 0 };
	for (size_t i = 0; i < runbook->gates[index].slot_count; i++) {
		const struct role_set *roles = &runbook->gates[index].slots[i].roles;
		assert_int_equal(roles->count, 1);
		str_addf(&text, "%s%s", i > 0 ? ", " : "",
				runbook->roles[roles->roles[0]].name);
	}
	assert_string_equal(str_text(&text), wanted);
	str_finish(&text);
}

static void its_four_gates_need_whom_the_matrix_says(void **state) {
	(void)state;
	assert_int_equal(runbook->gate_count, 4);
	assert_slots("Production deployment plan", "CTO, DevOps lead");
	assert_slots("Cutover start (T0)",
			"DevOps lead, Authority stack, Scanner / Queue, Storage, "
			"Observability");
	assert_slots("Post-smoke success", "DevOps lead, Product owner");
	assert_slots("Rollback", "DevOps lead, CTO");
	assert_string_equal(runbook->gates[runbook_plan_gate(runbook)].name,
			"Production deployment plan");
	assert_string_equal(runbook->gates[runbook_start_gate(runbook)].name,
			"Cutover start (T0)");
	assert_string_equal(runbook->gates[runbook_success_gate(runbook)].name,
			"Post-smoke success");
	assert_string_equal(
			runbook->gates[runbook_rollback_gate(runbook)].name, "Rollback");
}

static void its_eight_milestones_lie_around_t0(void **state) {
	(void)state;
	static const int64_t offsets_s[] = { -86400, -43200, -21600, -7200, -1800,
		0, 2700, 14400 };
	assert_int_equal(runbook->milestone_count, 8);
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(runbook->milestones[i].offset_s, offsets_s[i]);
		assert_true(runbook->milestones[i].owner.count > 0);
	}
}

static void its_six_smoke_tests_say_when_they_have_passed(void **state) {
	(void)state;
	const struct phase *smoke =
			&runbook->phases[runbook_phase(runbook, PHASE_SMOKE)];
	assert_int_equal(smoke->step_count, 6);
	for (size_t i = 0; i < smoke->step_count; i++) {
		const struct step *step = &runbook->steps[smoke->first_step + i];
		assert_true(step->test);
		assert_true(step->kind == STEP_MANUAL ||
				step->blocks[0].condition_count > 0);
	}
}

static void there_is_a_way_back_on_both_platforms(void **state) {
	(void)state;
	struct err err = { 0 };
	static const char *const platforms[] = { "compose", "helm" };
	size_t phase = runbook_phase(runbook, PHASE_ROLLBACK);
	for (size_t p = 0; p < 2; p++) {
		struct plan plan;
		size_t own = 0;
		plan_init(&plan, runbook);
		assert_true(plan_set_param(&plan, "PLATFORM", platforms[p], &err));
		assert_true(plan_complete(&plan, &err));
		for (size_t i = 0; i < runbook->step_count; i++) {
			const struct step *step = &runbook->steps[i];
			own += step->phase == phase && step->kind == STEP_COMMAND &&
					step->when_count > 0 && plan_includes(&plan, i);
		}
		assert_true(own > 0);
		plan_finish(&plan);
	}
}

/* A misspelt value would leave out both ways, and the rehearsal would pass. */
static void what_steps_hang_on_can_only_be_what_they_know(void **state) {
	(void)state;
	struct err err = { 0 };
	for (size_t i = 0; i < runbook->step_count; i++) {
		const struct step *step = &runbook->steps[i];
		for (size_t j = 0; j < step->when_count; j++) {
			struct plan plan;
			plan_init(&plan, runbook);
			assert_false(plan_set_param(
					&plan, step->when[j].name, "no such way", &err));
			plan_finish(&plan);
		}
	}
}

static void every_phase_is_there(void **state) {
	(void)state;
	for (int kind = 0; kind < PHASE_KIND_COUNT; kind++) {
		size_t index = runbook_phase(runbook, (enum phase_kind)kind);
		assert_int_not_equal(index, RUNBOOK_NONE);
		assert_true(runbook->phases[index].step_count > 0);
	}
	assert_true(runbook->log_line > 0);
}

int main(int argc, char **argv) {
	if (argc != 2 || read_runbook(argv[1]) != 0) {
		fprintf(stderr, "usage: test_launch_cutover RUNBOOK\n");
		return 2;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_has_no_error),
		cmocka_unit_test(its_four_gates_need_whom_the_matrix_says),
		cmocka_unit_test(its_eight_milestones_lie_around_t0),
		cmocka_unit_test(its_six_smoke_tests_say_when_they_have_passed),
		cmocka_unit_test(there_is_a_way_back_on_both_platforms),
		cmocka_unit_test(what_steps_hang_on_can_only_be_what_they_know),
		cmocka_unit_test(every_phase_is_there),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	runbook_destroy(runbook);
	findings_finish(&findings);
	return failed;
}
