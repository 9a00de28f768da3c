#include "core/lint.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "core/lint_gates.h"
#include "core/variable.h"

static void check_gates_used(
		const struct runbook *runbook, struct findings *findings) {
	for (size_t i = 0; i < runbook->gate_count; i++) {
		bool used = false;
		for (size_t k = 0; k < runbook->phase_count; k++) {
			used = used || runbook->phases[k].plan_gate == i ||
					runbook->phases[k].success_gate == i;
		}
		for (size_t k = 0; k < runbook->step_count && !used; k++) {
			used = runbook->steps[k].gate == i;
		}
		if (!used) {
			findings_add(findings, SEVERITY_WARNING, "gate-unused",
					runbook->gates[i].place,
					"no heading names the gate `%s`; write gate=\"%s\" where it "
					"belongs, or drop the row",
					runbook->gates[i].name, runbook->gates[i].name);
		}
	}
}

static void check_phases(
		const struct runbook *runbook, struct findings *findings) {
	for (size_t i = 0; i < runbook->phase_count; i++) {
		const struct phase *phase = &runbook->phases[i];
		if (phase->step_count == 0) {
			findings_add(findings, SEVERITY_ERROR, "phase-empty", phase->place,
					"the %s phase has no step; a list item under the heading "
					"makes one%s",
					phase_kind_name(phase->kind),
					phase->kind == PHASE_SMOKE
							? ", and so does a row of a table with the "
							  "columns Test, Command / action, Expected result"
							: "");
		}
	}
	size_t production = runbook_phase(runbook, PHASE_PRODUCTION);
	if (production == RUNBOOK_NONE) {
		return;
	}
	struct place place = runbook->phases[production].place;
	if (runbook_phase(runbook, PHASE_ROLLBACK) == RUNBOOK_NONE) {
		findings_add(findings, SEVERITY_ERROR, "no-rollback", place,
				"there is no way back from this phase; add a heading "
				"{.rollback} with the steps that undo it");
	}
	if (runbook_phase(runbook, PHASE_REHEARSAL) == RUNBOOK_NONE) {
		findings_add(findings, SEVERITY_WARNING, "no-rehearsal", place,
				"nothing rehearses this phase, so none is required; add a "
				"heading {.rehearsal}");
	}
}

static bool in_phase(const struct runbook *runbook, const struct step *step,
		enum phase_kind kind) {
	return runbook->phases[step->phase].kind == kind;
}

static const struct when *find_when(const struct step *step, const char *name) {
	for (size_t i = 0; i < step->when_count; i++) {
		if (strcmp(step->when[i].name, name) == 0) {
			return &step->when[i];
		}
	}
	return NULL;
}

/* Which values of @name the rollback is written for: whether for any, and
 * whether for @value. */
static void look_for_undo(const struct runbook *runbook, const char *name,
		const char *value, bool *any, bool *this_one) {
	for (size_t i = 0; i < runbook->step_count; i++) {
		const struct step *step = &runbook->steps[i];
		const struct when *when = find_when(step, name);
		if (in_phase(runbook, step, PHASE_ROLLBACK) && when != NULL) {
			*any = true;
			*this_one = *this_one || strcmp(when->value, value) == 0;
		}
	}
}

/* Whether a step before @index has the same condition: said once. */
static bool said_before(
		const struct runbook *runbook, size_t index, const struct when *when) {
	for (size_t i = 0; i < index; i++) {
		const struct when *other = find_when(&runbook->steps[i], when->name);
		if (in_phase(runbook, &runbook->steps[i], PHASE_PRODUCTION) &&
				other != NULL && strcmp(other->value, when->value) == 0) {
			return true;
		}
	}
	return false;
}

static void check_undo_branches(
		const struct runbook *runbook, struct findings *findings) {
	for (size_t i = 0; i < runbook->step_count; i++) {
		const struct step *step = &runbook->steps[i];
		if (!in_phase(runbook, step, PHASE_PRODUCTION)) {
			continue;
		}
		for (size_t k = 0; k < step->when_count; k++) {
			const struct when *when = &step->when[k];
			bool any = false;
			bool this_one = false;
			look_for_undo(runbook, when->name, when->value, &any, &this_one);
			if (any && !this_one && !said_before(runbook, i, when)) {
				findings_add(findings, SEVERITY_ERROR, "no-rollback",
						when->place,
						"no rollback step has when=\"%s=%s\", though there are "
						"some for other values; add what undoes this one",
						when->name, when->value);
			}
		}
	}
}

static void check_numbers(
		const struct runbook *runbook, struct findings *findings) {
	for (size_t i = 0; i < runbook->step_count; i++) {
		size_t first = runbook_step(runbook, runbook->steps[i].number);
		if (first < i) {
			findings_add(findings, SEVERITY_ERROR, "step-twice",
					runbook->steps[i].place,
					"there is a step %s already, in line %u; give one of the "
					"headings another number",
					runbook->steps[i].number,
					(unsigned)runbook->steps[first].place.line);
		}
	}
}

/* The target of the first command of production that goes together with @step,
 * if none of them runs here; else NULL. */
static const char *where_production_runs(
		const struct runbook *runbook, const struct step *step) {
	const char *on = NULL;
	for (size_t i = 0; i < runbook->step_count; i++) {
		const struct step *other = &runbook->steps[i];
		bool counts = in_phase(runbook, other, PHASE_PRODUCTION) &&
				lint_go_together(other, step);
		for (size_t k = 0; counts && k < other->block_count; k++) {
			const struct block *block = &other->blocks[k];
			if (block->kind == BLOCK_SH && strcmp(block->on, "local") == 0) {
				return NULL;
			}
			if (block->kind == BLOCK_SH && on == NULL) {
				on = block->on;
			}
		}
	}
	return on;
}

/* The first command of @step that runs here and does not say so. */
static const struct block *runs_here_unsaid(const struct step *step) {
	for (size_t i = 0; i < step->block_count; i++) {
		const struct block *block = &step->blocks[i];
		if (block->kind == BLOCK_SH && !block->on_given) {
			return block;
		}
	}
	return NULL;
}

/* Said once for a phase: who forgot it forgot it on the heading. */
static void check_on_of(const struct runbook *runbook, size_t phase,
		struct findings *findings) {
	for (size_t i = 0; i < runbook->step_count; i++) {
		const struct step *step = &runbook->steps[i];
		const struct block *block = step->phase == phase
				? runs_here_unsaid(step)
				: NULL;
		const char *on = block != NULL ? where_production_runs(runbook, step)
									   : NULL;
		if (on != NULL) {
			findings_add(findings, SEVERITY_WARNING, "on-forgotten",
					block->place,
					"this runs on the bot's machine, and none of production "
					"does; write on=%s on the heading, or on=local if it is "
					"meant",
					on);
			return;
		}
	}
}

static void check_on(const struct runbook *runbook, struct findings *findings) {
	for (size_t i = 0; i < runbook->phase_count; i++) {
		enum phase_kind kind = runbook->phases[i].kind;
		if (kind == PHASE_SMOKE || kind == PHASE_ROLLBACK) {
			check_on_of(runbook, i, findings);
		}
	}
}

static void check_tests(
		const struct runbook *runbook, struct findings *findings) {
	for (size_t i = 0; i < runbook->step_count; i++) {
		const struct step *step = &runbook->steps[i];
		bool test = step->test || in_phase(runbook, step, PHASE_SMOKE);
		size_t conditions = 0;
		for (size_t k = 0; k < step->block_count; k++) {
			conditions += step->blocks[k].condition_count;
		}
		if (test && step->kind == STEP_COMMAND && conditions == 0) {
			findings_add(findings, SEVERITY_ERROR, "smoke-unchecked",
					step->place,
					"nothing says when this test has passed; write a condition "
					"in a code span, as in `output contains \"ok\"`");
		}
	}
}

/* A value that some block publishes. */
struct published {
	const char *name;
	const struct step *step;
	struct place place;
};

struct publishing {
	struct published *list;
	size_t count;
};

static void add_published(struct publishing *all, const struct step *step,
		char *const *names, size_t count, struct place place) {
	for (size_t i = 0; i < count; i++) {
		all->list = xreallocarray(
				all->list, all->count + 1, sizeof(*all->list));
		all->list[all->count++] = (struct published){
			.name = names[i],
			.step = step,
			.place = place,
		};
	}
}

static void collect_published(
		const struct runbook *runbook, struct publishing *all) {
	for (size_t i = 0; i < runbook->step_count; i++) {
		const struct step *step = &runbook->steps[i];
		add_published(all, step, step->sets, step->set_count, step->sets_place);
		for (size_t k = 0; k < step->block_count; k++) {
			const struct block *block = &step->blocks[k];
			add_published(all, step, block->sets, block->set_count,
					block->sets_place);
		}
	}
}

static void refuse_name(struct findings *findings, struct place place,
		const char *name, const char *why) {
	findings_add(findings, SEVERITY_ERROR, "name-reserved", place,
			"`%s` is %s; choose another name", name, why);
}

static bool rehearses(const struct runbook *runbook, const struct step *step) {
	return in_phase(runbook, step, PHASE_REHEARSAL);
}

/* Whether an earlier one publishes the same name in the same run. */
static bool published_before(const struct runbook *runbook,
		const struct publishing *all, size_t index) {
	const struct published *this_one = &all->list[index];
	for (size_t i = 0; i < index; i++) {
		const struct published *other = &all->list[i];
		if (strcmp(other->name, this_one->name) == 0 &&
				rehearses(runbook, other->step) ==
						rehearses(runbook, this_one->step) &&
				lint_go_together(other->step, this_one->step)) {
			return true;
		}
	}
	return false;
}

static bool any_env_has(const struct lint_config *config, const char *name) {
	for (size_t i = 0; config != NULL && i < config->env_count; i++) {
		if (lint_has_variable(config, config->envs[i].name, name)) {
			return true;
		}
	}
	return false;
}

static void check_names(const struct runbook *runbook,
		const struct lint_config *config, struct findings *findings) {
	struct publishing all = { 0 };
	collect_published(runbook, &all);
	for (size_t i = 0; i < runbook->parameter_count; i++) {
		const struct parameter *parameter = &runbook->parameters[i];
		if (variable_is_reserved(parameter->name)) {
			refuse_name(findings, parameter->place, parameter->name,
					"a name that the shell, a loader or the bot acts on");
		} else if (parameter->kind != PARAMETER_SECRET &&
				any_env_has(config, parameter->name)) {
			refuse_name(findings, parameter->place, parameter->name,
					"a variable of an environment too");
		}
	}
	for (size_t i = 0; i < all.count; i++) {
		const struct published *value = &all.list[i];
		const char *why = NULL;
		size_t parameter = runbook_parameter(runbook, value->name);
		if (variable_is_reserved(value->name)) {
			why = "a name that the shell, a loader or the bot acts on";
		} else if (parameter != RUNBOOK_NONE &&
				strcmp(runbook->parameters[parameter].name, value->name) == 0) {
			why = "a parameter too";
		} else if (any_env_has(config, value->name)) {
			why = "a variable of an environment too";
		} else if (published_before(runbook, &all, i)) {
			why = "published by an earlier block of the same run";
		}
		if (why != NULL) {
			refuse_name(findings, value->place, value->name, why);
		}
	}
	free(all.list);
}

static const struct lint_target *find_target(
		const struct lint_config *config, const char *name) {
	for (size_t i = 0; i < config->target_count; i++) {
		if (strcmp(config->targets[i].name, name) == 0) {
			return &config->targets[i];
		}
	}
	return NULL;
}

static const struct lint_env *find_env(
		const struct lint_config *config, const char *name) {
	for (size_t i = 0; i < config->env_count; i++) {
		if (strcmp(config->envs[i].name, name) == 0) {
			return &config->envs[i];
		}
	}
	return NULL;
}

static void check_block_target(const struct lint_config *config,
		const struct step *step, const struct block *block,
		struct findings *findings) {
	const struct lint_target *target = find_target(config, block->on);
	if (target != NULL && target->host_count > 1 &&
			block->set_count + step->set_count > 0) {
		findings_add(findings, SEVERITY_ERROR, "sets-many", block->place,
				"the target `%s` has %zu hosts, and a value is published by "
				"one; run this on a target with one host",
				block->on, target->host_count);
	}
}

static void check_targets(const struct runbook *runbook,
		const struct lint_config *config, struct findings *findings) {
	for (size_t i = 0; i < runbook->step_count; i++) {
		const struct step *step = &runbook->steps[i];
		for (size_t k = 0; k < step->block_count; k++) {
			check_block_target(config, step, &step->blocks[k], findings);
		}
	}
}

bool lint_has_variable(
		const struct lint_config *config, const char *env, const char *name) {
	const struct lint_env *found = find_env(config, env);
	for (size_t i = 0; found != NULL && i < found->variable_count; i++) {
		if (strcmp(found->variables[i], name) == 0) {
			return true;
		}
	}
	return false;
}

bool lint_go_together(const struct step *a, const struct step *b) {
	for (size_t i = 0; i < a->when_count; i++) {
		const struct when *other = find_when(b, a->when[i].name);
		if (other != NULL && strcmp(other->value, a->when[i].value) != 0) {
			return false;
		}
	}
	return true;
}

void lint_runbook(const struct runbook *runbook,
		const struct lint_config *config, struct findings *findings) {
	check_gates_used(runbook, findings);
	check_phases(runbook, findings);
	check_undo_branches(runbook, findings);
	check_numbers(runbook, findings);
	check_on(runbook, findings);
	check_tests(runbook, findings);
	check_names(runbook, config, findings);
	if (config != NULL) {
		check_targets(runbook, config, findings);
		lint_gates_check(runbook, config, findings);
	}
}
