#include "core/runbook.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/xalloc.h"

#define LEAD_NAME    "Cutover lead"
#define FINDINGS_MAX 1000 // garbage may trip a rule on every byte

static void free_texts(char **texts, size_t count) {
	for (size_t i = 0; i < count; i++) {
		free(texts[i]);
	}
	free(texts);
}

static void finish_role_set(struct role_set *set) {
	free(set->roles);
	free(set->text);
}

static void finish_block(struct block *block) {
	free(block->text);
	free(block->on);
	free_texts(block->sets, block->set_count);
	free_texts(block->conditions, block->condition_count);
	free(block->condition_places);
}

static void finish_step(struct step *step) {
	free(step->number);
	free(step->title);
	free(step->detail);
	finish_role_set(&step->owner);
	for (size_t i = 0; i < step->when_count; i++) {
		free(step->when[i].name);
		free(step->when[i].value);
	}
	free(step->when);
	free(step->env);
	free(step->on);
	free(step->expected);
	for (size_t i = 0; i < step->block_count; i++) {
		finish_block(&step->blocks[i]);
	}
	free(step->blocks);
	free_texts(step->sets, step->set_count);
}

static void free_steps(struct runbook *runbook) {
	for (size_t i = 0; i < runbook->step_count; i++) {
		finish_step(&runbook->steps[i]);
	}
	free(runbook->steps);
	for (size_t i = 0; i < runbook->section_count; i++) {
		free(runbook->sections[i].number);
		free(runbook->sections[i].title);
	}
	free(runbook->sections);
	for (size_t i = 0; i < runbook->phase_count; i++) {
		free(runbook->phases[i].number);
		free(runbook->phases[i].title);
	}
	free(runbook->phases);
}

static void free_roles(struct runbook *runbook) {
	for (size_t i = 0; i < runbook->role_count; i++) {
		struct role *role = &runbook->roles[i];
		free(role->name);
		free(role->primary);
		free(role->backup);
		free(role->contact);
		free(role->channel);
	}
	free(runbook->roles);
	for (size_t i = 0; i < runbook->group_count; i++) {
		free(runbook->groups[i].name);
		finish_role_set(&runbook->groups[i].members);
	}
	free(runbook->groups);
}

static void free_gates(struct runbook *runbook) {
	for (size_t i = 0; i < runbook->gate_count; i++) {
		struct gate *gate = &runbook->gates[i];
		free(gate->name);
		free(gate->approvers);
		free(gate->record);
		for (size_t k = 0; k < gate->slot_count; k++) {
			finish_role_set(&gate->slots[k].roles);
		}
		free(gate->slots);
	}
	free(runbook->gates);
}

static void free_milestones(struct runbook *runbook) {
	for (size_t i = 0; i < runbook->milestone_count; i++) {
		struct milestone *milestone = &runbook->milestones[i];
		free(milestone->label);
		free(milestone->activity);
		finish_role_set(&milestone->owner);
		free(milestone->owner_text);
		free(milestone->command);
	}
	free(runbook->milestones);
}

static void free_parameters(struct runbook *runbook) {
	for (size_t i = 0; i < runbook->parameter_count; i++) {
		struct parameter *parameter = &runbook->parameters[i];
		free(parameter->name);
		free_texts(parameter->choices, parameter->choice_count);
		free(parameter->meaning);
	}
	free(runbook->parameters);
}

void runbook_destroy(struct runbook *runbook) {
	if (runbook == NULL) {
		return;
	}
	free(runbook->title);
	free(runbook->file);
	free_steps(runbook);
	free_roles(runbook);
	free_gates(runbook);
	free_milestones(runbook);
	free_parameters(runbook);
	free(runbook);
}

void findings_init(struct findings *findings) {
	*findings = (struct findings){ 0 };
}

void findings_finish(struct findings *findings) {
	for (size_t i = 0; i < findings->count; i++) {
		free(findings->list[i].text);
	}
	free(findings->list);
	findings_init(findings);
}

void findings_add(struct findings *findings, enum severity severity,
		const char *rule, struct place place, const char *format, ...) {
	if (findings->count >= FINDINGS_MAX) {
		return;
	}
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	findings->list = xreallocarray(
			findings->list, findings->count + 1, sizeof(*findings->list));
	findings->list[findings->count++] = (struct finding){
		.severity = severity,
		.rule = rule,
		.place = place,
		.text = xstrdup(text),
	};
}

static int by_number(uint32_t a, uint32_t b) {
	return (a > b) - (a < b);
}

static int by_place(const void *a, const void *b) {
	const struct finding *one = a;
	const struct finding *two = b;
	if (one->first != two->first) {
		return one->first ? -1 : 1;
	}
	int order = by_number(one->place.line, two->place.line);
	if (order == 0) {
		order = by_number(one->place.column, two->place.column);
	}
	if (order == 0) {
		order = (int)two->severity - (int)one->severity;
	}
	return order != 0 ? order : strcmp(one->rule, two->rule);
}

void findings_sort(struct findings *findings) {
	if (findings->count > 1) {
		qsort(findings->list, findings->count, sizeof(*findings->list),
				by_place);
	}
}

size_t findings_errors(const struct findings *findings) {
	size_t errors = 0;
	for (size_t i = 0; i < findings->count; i++) {
		errors += findings->list[i].severity == SEVERITY_ERROR;
	}
	return errors;
}

const char *phase_kind_name(enum phase_kind kind) {
	static const char *const names[PHASE_KIND_COUNT] = {
		[PHASE_REHEARSAL] = "rehearsal",
		[PHASE_PRODUCTION] = "production",
		[PHASE_SMOKE] = "smoke",
		[PHASE_ROLLBACK] = "rollback",
		[PHASE_POST] = "post",
	};
	return names[kind];
}

/* A fenced text's lines are all indented alike; a cell has one line, and each
 * pipe in it was written with a backslash before it. */
struct place block_place(const struct block *block, size_t offset) {
	struct place place = block->text_place;
	bool cell = block->place.line == block->text_place.line;
	for (size_t i = 0; i < offset && block->text[i] != '\0'; i++) {
		if (block->text[i] == '\n') {
			place.line++;
			place.column = block->text_place.column;
		} else {
			place.column += cell && block->text[i] == '|' ? 2 : 1;
		}
	}
	return place;
}

size_t runbook_role(const struct runbook *runbook, const char *name) {
	for (size_t i = 0; i < runbook->role_count; i++) {
		if (strcasecmp(runbook->roles[i].name, name) == 0) {
			return i;
		}
	}
	return RUNBOOK_NONE;
}

size_t runbook_group(const struct runbook *runbook, const char *name) {
	for (size_t i = 0; i < runbook->group_count; i++) {
		if (strcasecmp(runbook->groups[i].name, name) == 0) {
			return i;
		}
	}
	return RUNBOOK_NONE;
}

size_t runbook_gate(const struct runbook *runbook, const char *name) {
	for (size_t i = 0; i < runbook->gate_count; i++) {
		if (strcasecmp(runbook->gates[i].name, name) == 0) {
			return i;
		}
	}
	return RUNBOOK_NONE;
}

size_t runbook_step(const struct runbook *runbook, const char *number) {
	for (size_t i = 0; i < runbook->step_count; i++) {
		if (strcmp(runbook->steps[i].number, number) == 0) {
			return i;
		}
	}
	return RUNBOOK_NONE;
}

size_t runbook_parameter(const struct runbook *runbook, const char *name) {
	for (size_t i = 0; i < runbook->parameter_count; i++) {
		if (strcasecmp(runbook->parameters[i].name, name) == 0) {
			return i;
		}
	}
	return RUNBOOK_NONE;
}

size_t runbook_phase(const struct runbook *runbook, enum phase_kind kind) {
	for (size_t i = 0; i < runbook->phase_count; i++) {
		if (runbook->phases[i].kind == kind) {
			return i;
		}
	}
	return RUNBOOK_NONE;
}

size_t runbook_lead(const struct runbook *runbook) {
	if (runbook->role_count == 0) {
		return RUNBOOK_NONE;
	}
	size_t named = runbook_role(runbook, LEAD_NAME);
	return named != RUNBOOK_NONE ? named : 0;
}

/* The gate before the first step of the phase of @kind. */
static size_t first_gate(const struct runbook *runbook, enum phase_kind kind) {
	size_t index = runbook_phase(runbook, kind);
	if (index == RUNBOOK_NONE || runbook->phases[index].step_count == 0) {
		return RUNBOOK_NONE;
	}
	return runbook->steps[runbook->phases[index].first_step].gate;
}

size_t runbook_plan_gate(const struct runbook *runbook) {
	size_t index = runbook_phase(runbook, PHASE_PRODUCTION);
	return index != RUNBOOK_NONE ? runbook->phases[index].plan_gate
								 : RUNBOOK_NONE;
}

size_t runbook_start_gate(const struct runbook *runbook) {
	return first_gate(runbook, PHASE_PRODUCTION);
}

size_t runbook_success_gate(const struct runbook *runbook) {
	size_t index = runbook_phase(runbook, PHASE_SMOKE);
	if (index == RUNBOOK_NONE || runbook->phases[index].step_count == 0) {
		index = runbook_phase(runbook, PHASE_PRODUCTION);
	}
	return index != RUNBOOK_NONE ? runbook->phases[index].success_gate
								 : RUNBOOK_NONE;
}

size_t runbook_rollback_gate(const struct runbook *runbook) {
	return first_gate(runbook, PHASE_ROLLBACK);
}
