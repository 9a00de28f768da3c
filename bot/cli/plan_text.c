#include "cli/plan_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "cli/finding.h"

#define SHOWN_DIGITS 12

static void heading(FILE *out, const char *text) {
	fprintf(out, "\n%s\n", text);
}

/* @text and blanks up to @width characters. */
static void column(FILE *out, const char *text, size_t width) {
	size_t len = utf8_count(text);
	fprintf(out, "%s%*s", text, len < width ? (int)(width - len) : 0, "");
}

/* "90 s", "15 min", "24 h" */
static const char *duration(int64_t ms, char text[32]) {
	int64_t s = ms / 1000;
	if (s % 3600 == 0) {
		snprintf(text, 32, "%" PRId64 " h", s / 3600);
	} else if (s % 60 == 0) {
		snprintf(text, 32, "%" PRId64 " min", s / 60);
	} else {
		snprintf(text, 32, "%" PRId64 " s", s);
	}
	return text;
}

static void print_digest(
		FILE *out, const struct plan *plan, const char *digest) {
	if (plan != NULL) {
		fprintf(out, "plan digest %.*s\n", SHOWN_DIGITS, plan->digest);
	} else {
		fprintf(out, "document digest %.*s (a config makes it a plan)\n",
				SHOWN_DIGITS, digest);
	}
}

static void print_value(
		FILE *out, const struct plan *plan, const struct parameter *parameter) {
	const char *value = plan != NULL ? plan_param(plan, parameter->name) : NULL;
	if (value != NULL) {
		fprintf(out, "%s", value);
	} else if (parameter->kind == PARAMETER_ASK) {
		fputs("(to be given)", out);
	} else if (parameter->kind == PARAMETER_SECRET) {
		fputs("(secret)", out);
	}
	for (size_t i = 0; value == NULL && i < parameter->choice_count; i++) {
		fprintf(out, "%s%s", i > 0 ? " or " : "", parameter->choices[i]);
	}
}

static void print_parameters(
		FILE *out, const struct runbook *runbook, const struct plan *plan) {
	if (runbook->parameter_count > 0) {
		heading(out, "Parameters");
	}
	for (size_t i = 0; i < runbook->parameter_count; i++) {
		const struct parameter *parameter = &runbook->parameters[i];
		fputs("  ", out);
		column(out, parameter->name, 20);
		fputc(' ', out);
		print_value(out, plan, parameter);
		fprintf(out, "%s%s\n", parameter->meaning[0] != '\0' ? ": " : "",
				parameter->meaning);
	}
}

static void print_roles(FILE *out, const struct runbook *runbook) {
	if (runbook->role_count > 0) {
		heading(out, "Roles");
	}
	for (size_t i = 0; i < runbook->role_count; i++) {
		fprintf(out, "  %s%s\n", runbook->roles[i].name,
				i == runbook_lead(runbook) ? " (leads)" : "");
	}
	for (size_t i = 0; i < runbook->group_count; i++) {
		const struct role_set *members = &runbook->groups[i].members;
		fprintf(out, "  %s = ", runbook->groups[i].name);
		for (size_t k = 0; k < members->count; k++) {
			fprintf(out, "%s%s", k > 0 ? ", " : "",
					runbook->roles[members->roles[k]].name);
		}
		fputc('\n', out);
	}
}

static void print_slot(
		FILE *out, const struct runbook *runbook, const struct slot *slot) {
	for (size_t i = 0; i < slot->roles.count; i++) {
		fprintf(out, "%s%s", i > 0 ? " or " : "",
				runbook->roles[slot->roles.roles[i]].name);
	}
}

static void print_gates(FILE *out, const struct runbook *runbook) {
	char open[32];
	char valid[32];
	if (runbook->gate_count > 0) {
		heading(out, "Gates");
	}
	for (size_t i = 0; i < runbook->gate_count; i++) {
		const struct gate *gate = &runbook->gates[i];
		fprintf(out, "  %s: %zu approval%s\n", gate->name, gate->slot_count,
				gate->slot_count == 1 ? "" : "s");
		for (size_t k = 0; k < gate->slot_count; k++) {
			fputs("    - ", out);
			print_slot(out, runbook, &gate->slots[k]);
			fputc('\n', out);
		}
		fprintf(out, "    open %s, good for %s%s%s\n",
				duration(gate->open_ms, open), duration(gate->valid_ms, valid),
				gate->record[0] != '\0' ? ", recorded in: " : "", gate->record);
	}
}

static void print_milestones(FILE *out, const struct runbook *runbook) {
	if (runbook->milestone_count > 0) {
		heading(out, "Milestones");
	}
	for (size_t i = 0; i < runbook->milestone_count; i++) {
		const struct milestone *milestone = &runbook->milestones[i];
		fputs("  ", out);
		column(out, milestone->label, 8);
		fprintf(out, " %s (%s)\n", milestone->activity, milestone->owner_text);
	}
}

static void print_block(FILE *out, const struct block *block) {
	char text[32];
	const char *at = block->text;
	while (*at != '\0') {
		size_t len = strcspn(at, "\n");
		fprintf(out, "        | %.*s\n", (int)len, at);
		at += len + (at[len] == '\n');
	}
	for (size_t i = 0; i < block->condition_count; i++) {
		fprintf(out, "        = %s\n", block->conditions[i]);
	}
	if (block->timeout_ms > 0) {
		fprintf(out, "        at most %s\n", duration(block->timeout_ms, text));
	}
	if (block->every_ms > 0) {
		char until[32];
		fprintf(out, "        every %s for %s\n",
				duration(block->every_ms, text),
				duration(block->for_ms, until));
	}
	if (block->retries > 0) {
		fprintf(out, "        after a failure again, %" PRIu32 " time%s",
				block->retries, block->retries == 1 ? "" : "s");
		fprintf(out, ", each %s later\n", duration(block->delay_ms, text));
	}
	if (block->repeatable) {
		fputs("        may run again where nobody knows how it ended\n", out);
	}
	if (block->parallel > 1) {
		fprintf(out, "        on %" PRIu32 " hosts at once\n", block->parallel);
	}
	if (block->on_rollback == ON_ROLLBACK_WAIT) {
		fputs("        a rollback waits for it\n", out);
	}
	for (size_t i = 0; i < block->set_count; i++) {
		fprintf(out, "        publishes %s\n", block->sets[i]);
	}
}

/* Where it runs, whose it is, what it waits for. */
static void print_about(
		FILE *out, const struct runbook *runbook, const struct step *step) {
	size_t lead = runbook_lead(runbook);
	const char *owner = step->owner.text[0] != '\0' ? step->owner.text
			: lead != RUNBOOK_NONE                  ? runbook->roles[lead].name
													: "whoever leads";
	fprintf(out, "        %s", owner);
	if (step->kind == STEP_COMMAND) {
		fprintf(out, ", on %s", step->on);
	}
	if (step->env != NULL) {
		fprintf(out, ", env %s", step->env);
	}
	for (size_t i = 0; i < step->when_count; i++) {
		fprintf(out, ", when %s=%s", step->when[i].name, step->when[i].value);
	}
	fprintf(out, "%s%s\n", step->evidence ? ", with evidence" : "",
			step->ask ? ", only if its owner says so" : "");
}

static void print_step(FILE *out, const struct runbook *runbook,
		const struct plan *plan, size_t index) {
	const struct step *step = &runbook->steps[index];
	bool excluded = plan != NULL && !plan_includes(plan, index);
	fputs("  ", out);
	column(out, step->number, 8);
	fprintf(out, " %s%s%s\n", step->title,
			step->kind == STEP_MANUAL ? " [by hand]" : "",
			excluded ? " [not with these parameters]" : "");
	if (excluded) {
		return;
	}
	print_about(out, runbook, step);
	if (step->kind == STEP_MANUAL && step->expected != NULL) {
		fprintf(out, "        expected: %s\n", step->expected);
	}
	for (size_t i = 0; i < step->block_count; i++) {
		print_block(out, &step->blocks[i]);
	}
	for (size_t i = 0; i < step->set_count; i++) {
		fprintf(out, "        publishes %s\n", step->sets[i]);
	}
}

static void print_phase(FILE *out, const struct runbook *runbook,
		const struct plan *plan, const struct phase *phase) {
	fprintf(out, "\n%s: %s %s\n", phase_kind_name(phase->kind), phase->number,
			phase->title);
	size_t gate = RUNBOOK_NONE;
	for (size_t i = 0; i < phase->step_count; i++) {
		size_t index = phase->first_step + i;
		size_t behind = runbook->steps[index].gate;
		if (behind != gate && behind != RUNBOOK_NONE) {
			fprintf(out, "  -- gate: %s\n", runbook->gates[behind].name);
		}
		gate = behind;
		print_step(out, runbook, plan, index);
	}
	if (phase->success_gate != RUNBOOK_NONE) {
		fprintf(out, "  -- gate: %s\n",
				runbook->gates[phase->success_gate].name);
	}
}

static void print_targets(FILE *out, const struct plan *plan) {
	if (plan->target_count > 0) {
		heading(out, "Targets");
	}
	for (size_t i = 0; i < plan->target_count; i++) {
		const struct plan_target *target = &plan->targets[i];
		fprintf(out, "  %s: %zu host%s, %zu file%s in %s", target->name,
				target->host_count, target->host_count == 1 ? "" : "s",
				target->file_count, target->file_count == 1 ? "" : "s",
				target->workdir != NULL ? target->workdir : "?");
		if (target->commit != NULL) {
			fprintf(out, ", commit %.12s%s", target->commit,
					target->dirty ? " with changes" : "");
		}
		fputc('\n', out);
	}
}

/* What commands see beside the parameters; of secrets the names. */
static void print_envs(FILE *out, const struct plan *plan) {
	if (plan->env_count > 0) {
		heading(out, "Environments");
	}
	for (size_t i = 0; i < plan->env_count; i++) {
		const struct plan_env *env = &plan->envs[i];
		fprintf(out, "  %s\n", env->name);
		for (size_t k = 0; k < env->value_count; k++) {
			const struct plan_value *value = &env->values[k];
			fprintf(out, "    %s=%s\n", value->name,
					value->secret ? "(secret)" : value->value);
		}
	}
}

void plan_text_print(FILE *out, const struct runbook_file *file,
		const struct plan *plan, const char *digest) {
	const struct runbook *runbook = file->runbook;
	fprintf(out, "%s\n", runbook->title);
	print_digest(out, plan, digest);
	print_parameters(out, runbook, plan);
	print_roles(out, runbook);
	print_gates(out, runbook);
	print_milestones(out, runbook);
	if (plan != NULL) {
		print_targets(out, plan);
		print_envs(out, plan);
	}
	for (size_t i = 0; i < runbook->phase_count; i++) {
		print_phase(out, runbook, plan, &runbook->phases[i]);
	}
	fputc('\n', out);
	for (size_t i = 0; i < file->findings.count; i++) {
		finding_print(out, file->path, &file->findings.list[i]);
	}
	fprintf(out, "%zu steps, %zu gates, %zu findings\n", runbook->step_count,
			runbook->gate_count, file->findings.count);
}
