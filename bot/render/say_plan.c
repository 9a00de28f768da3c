#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "codec/runbook_check.h"
#include "render/markdown.h"
#include "render/speak.h"
#include "render/words.h"

/*
 * A plan as it was fixed: what would happen, who approves it, and what `check`
 * warns of, for whoever approves the plan approves that too.
 */

#define LINE_LETTERS    46
#define WARNING_LETTERS 90
#define WARNINGS_MAX    2
#define LINES_MAX       8 // of phases, and of gates

/* --- what check would say of it --- */

/* The world that the plan was made in, as the rules see it. */
struct lint_world {
	struct lint_config config;
	struct lint_role *roles;
	struct lint_env *envs;
	struct lint_target *targets;
	const char **names; // of people and variables, in a row
	size_t name_count;
};

static const char *const *keep(
		struct lint_world *world, const char *name, size_t *count) {
	if (name != NULL) {
		world->names[world->name_count++] = name;
		(*count)++;
	}
	return &world->names[world->name_count - *count];
}

/* Findings tell of people, so the rules are given names for ids. */
static const char *name_of(const struct world *world, const char *id) {
	return id != NULL ? people_name(world->people, id) : NULL;
}

static void take_roles(struct lint_world *lint, const struct world *world) {
	for (size_t i = 0; i < world->settings->holder_count; i++) {
		const struct holders *from = &world->settings->holders[i];
		struct lint_role *role = &lint->roles[i];
		role->name = from->role;
		role->holders = keep(
				lint, name_of(world, from->primary), &role->holder_count);
		for (size_t j = 0; j < from->backup_count; j++) {
			role->holders = keep(lint, name_of(world, from->backups[j]),
					&role->holder_count);
		}
	}
}

static void take_plan(struct lint_world *world, const struct plan *plan) {
	for (size_t i = 0; i < plan->env_count; i++) {
		const struct plan_env *from = &plan->envs[i];
		struct lint_env *env = &world->envs[i];
		env->name = from->name;
		env->variables = keep(world, NULL, &env->variable_count);
		for (size_t j = 0; j < from->value_count; j++) {
			env->variables = keep(
					world, from->values[j].name, &env->variable_count);
		}
	}
	for (size_t i = 0; i < plan->target_count; i++) {
		world->targets[i] = (struct lint_target){
			.name = plan->targets[i].name,
			.host_count = plan->targets[i].host_count,
		};
	}
}

static void lint_world_init(struct lint_world *lint, const struct world *world,
		const struct plan *plan) {
	const struct settings *settings = world->settings;
	size_t names = 1;
	for (size_t i = 0; i < settings->holder_count; i++) {
		names += settings->holders[i].backup_count + 1;
	}
	for (size_t i = 0; i < plan->env_count; i++) {
		names += plan->envs[i].value_count;
	}
	*lint = (struct lint_world){
		.roles = xcalloc(settings->holder_count, sizeof(*lint->roles)),
		.envs = xcalloc(plan->env_count, sizeof(*lint->envs)),
		.targets = xcalloc(plan->target_count, sizeof(*lint->targets)),
		.names = xcalloc(names, sizeof(*lint->names)),
	};
	take_roles(lint, world);
	take_plan(lint, plan);
	lint->config = (struct lint_config){
		.roles = lint->roles,
		.role_count = settings->holder_count,
		.envs = lint->envs,
		.env_count = plan->env_count,
		.targets = lint->targets,
		.target_count = plan->target_count,
		.requester_approves = settings->requester_approves,
	};
}

static void lint_world_finish(struct lint_world *world) {
	free(world->roles);
	free(world->envs);
	free(world->targets);
	free(world->names);
}

static void add_warning(cJSON *list, const struct finding *finding) {
	char *text = words_short(finding->text, WARNING_LETTERS);
	char *whole = xasprintf("line %u: %s", finding->place.line, text);
	char *prose = words_prose(whole);
	struct str lines = { 0 };
	markdown_add_wrapped(&lines, prose, LINE_LETTERS - 3, LINE_LETTERS);
	speak_put_raw(speak_add(list), "warning", str_text(&lines));
	str_finish(&lines);
	free(prose);
	free(whole);
	free(text);
}

static void put_warnings(cJSON *context, const struct speech *speech,
		const struct plan_record *plan) {
	struct lint_world lint;
	struct findings findings;
	lint_world_init(&lint, speech->world, &plan->plan);
	findings_init(&findings);
	runbook_destroy(runbook_check_text(
			"", plan->source, strlen(plan->source), &lint.config, &findings));
	cJSON *list = speak_put_list(context, "warnings");
	size_t count = 0;
	for (size_t i = 0; i < findings.count; i++) {
		if (findings.list[i].severity == SEVERITY_WARNING &&
				++count <= WARNINGS_MAX) {
			add_warning(list, &findings.list[i]);
		}
	}
	speak_put_count(
			context, "more", count > WARNINGS_MAX ? count - WARNINGS_MAX : 0);
	findings_finish(&findings);
	lint_world_finish(&lint);
}

/* --- what would happen --- */

static size_t included(const struct plan_record *plan, size_t phase) {
	const struct phase *model = &plan->runbook->phases[phase];
	size_t count = 0;
	for (size_t i = 0; i < model->step_count; i++) {
		count += plan_includes(&plan->plan, model->first_step + i);
	}
	return count;
}

static void put_plan_phases(cJSON *context, const struct plan_record *plan) {
	cJSON *list = speak_put_list(context, "phases");
	for (size_t i = 0; i < plan->runbook->phase_count && i < LINES_MAX; i++) {
		const struct phase *phase = &plan->runbook->phases[i];
		cJSON *line = speak_add(list);
		speak_put(line, "number", phase->number);
		speak_take(line, "title", words_short(phase->title, 24));
		speak_take(line, "count", words_count(included(plan, i), "step"));
	}
}

static char *gate_name(const struct runbook *runbook, size_t gate) {
	if (gate == runbook_plan_gate(runbook)) {
		return xstrdup("plan");
	}
	if (gate == runbook_start_gate(runbook)) {
		return xstrdup("T0");
	}
	if (gate == runbook_success_gate(runbook)) {
		return xstrdup("success");
	}
	return gate == runbook_rollback_gate(runbook)
			? xstrdup("rollback")
			: words_short(runbook->gates[gate].name, 24);
}

static void put_plan_gates(cJSON *context, const struct runbook *runbook) {
	cJSON *list = speak_put_list(context, "gates");
	for (size_t i = 0; i < runbook->gate_count && i < LINES_MAX; i++) {
		cJSON *line = speak_add(list);
		speak_take(line, "name", gate_name(runbook, i));
		speak_put(line, "approvers", runbook->gates[i].approvers);
	}
}

static void put_plan_values(cJSON *context, const struct plan *plan) {
	struct str values = { 0 };
	for (size_t i = 0; i < plan->param_count; i++) {
		if (!plan->params[i].secret) {
			str_addf(&values, "%s%s=%s", i > 0 ? ", " : "",
					plan->params[i].name, plan->params[i].value);
		}
	}
	speak_take_raw(
			context, "values", words_wrapped(str_text(&values), LINE_LETTERS));
	str_finish(&values);
}

void speak_of_plan(const struct speech *speech) {
	const struct plan_record *plan = bridge_plan(speech->bridge);
	if (plan == NULL) {
		return;
	}
	const struct runbook *runbook = plan->runbook;
	cJSON *context = speak_context(speech, NULL);
	bool gate = runbook_plan_gate(runbook) != RUNBOOK_NONE;
	bool rehearsal = runbook_phase(runbook, PHASE_REHEARSAL) != RUNBOOK_NONE;
	const char *user = speech->event->user;
	speak_put(context, "user",
			user != NULL ? people_name(speech->world->people, user)
						 : "the bot");
	speak_take(context, "title", words_short(runbook->title, 46));
	put_plan_phases(context, plan);
	put_plan_gates(context, runbook);
	put_plan_values(context, &plan->plan);
	put_warnings(context, speech, plan);
	speak_put(context, "next",
			rehearsal      ? "!cutover rehearse"
					: gate ? NULL
						   : "!cutover start");
	speak_put_digest(context, "digest", plan->plan.digest, 12);
	speak_post(speech,
			speak_key(speech, NULL, "plan/%.8s/%zu", plan->plan.digest,
					speech->bridge->plan_count),
			NULL, "plan", context);
}
