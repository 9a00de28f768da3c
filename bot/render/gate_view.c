#include "render/gate_view.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "core/flow.h"
#include "core/gate.h"
#include "render/words.h"

bool gate_view_init(const struct speech *speech, struct gate_view *view) {
	*view = (struct gate_view){ 0 };
	view->state = bridge_gate(speech->bridge, speech->event->gate);
	if (view->state == NULL) {
		return false;
	}
	view->model = gate_state_model(speech->bridge, view->state);
	view->plan = gate_state_plan(speech->bridge, view->state);
	if (view->model == NULL || view->plan == NULL) {
		return false;
	}
	view->run = bridge_run(speech->bridge, view->state->run);
	view->name = words_gate(speech->bridge, view->state);
	view->filled = gate_filled(
			speech->bridge, speech->world, view->state, &view->count);
	for (size_t i = 0; i < view->count; i++) {
		view->full += view->filled[i] != NULL;
	}
	return true;
}

void gate_view_finish(struct gate_view *view) {
	free(view->name);
	free(view->filled);
}

/* --- slots --- */

static bool same_roles(const struct role_set *a, const struct role_set *b) {
	return a->count == b->count &&
			memcmp(a->roles, b->roles, a->count * sizeof(a->roles[0])) == 0;
}

/* `2 of G` makes slots that are all alike: they are shown as one line. */
static size_t alike(const struct gate *model, size_t from) {
	size_t count = 1;
	while (from + count < model->slot_count &&
			same_roles(&model->slots[from].roles,
					&model->slots[from + count].roles)) {
		count++;
	}
	return count;
}

static char *slot_role(
		const struct gate_view *view, const struct slot *slot, size_t count) {
	const struct runbook *runbook = view->plan->runbook;
	if (count > 1 && slot->group != RUNBOOK_NONE) {
		return xasprintf("%zu of %s", count, runbook->groups[slot->group].name);
	}
	char *roles = words_roles(runbook, &slot->roles);
	char *text = count > 1 ? xasprintf("%zu of %s", count, roles)
						   : xstrdup(roles);
	free(roles);
	return text;
}

static bool holds_any(const struct speech *speech, const struct runbook *book,
		const struct role_set *roles, const char *user) {
	bool holds = false;
	for (size_t i = 0; i < roles->count && user != NULL; i++) {
		holds = holds ||
				world_holds(speech->world, user,
						book->roles[roles->roles[i]].name) > 0;
	}
	return holds;
}

/* @count places that are alike and empty; who can fill them is called, and
 * everybody of the roles where the first of them is the one who asks. */
static void add_empty(cJSON *list, const struct speech *speech,
		const struct gate_view *view, const struct slot *slot, size_t count,
		bool alone) {
	const struct runbook *runbook = view->plan->runbook;
	cJSON *line = speak_add(list);
	speak_take(line, "role", slot_role(view, slot, count));
	speak_put_flag(line, "filled", false);
	char *who = alone ? words_call_all(speech->world, runbook, &slot->roles)
					  : words_call_roles(speech->world, runbook, &slot->roles);
	speak_put_raw(line, "who", *who != '\0' ? who : "(nobody is there)");
	free(who);
}

void gate_view_put_slots(cJSON *context, const struct speech *speech,
		const struct gate_view *view, const char *approver) {
	const char *asker = view->state->asker;
	bool alone = asker != NULL &&
			gate_standing(speech->bridge, speech->world, view->state, asker) ==
					STANDING_ASKER;
	cJSON *list = speak_put_list(context, "slots");
	bool shown = false;
	for (size_t i = 0, n = 0; i < view->model->slot_count; i += n) {
		const struct slot *slot = &view->model->slots[i];
		n = alike(view->model, i);
		bool own = !shown &&
				holds_any(speech, view->plan->runbook, &slot->roles, approver);
		if (own) {
			cJSON *line = speak_add(list);
			speak_take(line, "role", slot_role(view, slot, 1));
			speak_put_flag(line, "filled", true);
			speak_put(
					line, "who", people_name(speech->world->people, approver));
		}
		shown = shown || own;
		if (n > own) {
			add_empty(list, speech, view, slot, n - own, alone);
		}
	}
	speak_put(context, "alone",
			alone ? people_name(speech->world->people, asker) : NULL);
}

char *gate_view_missing(const struct gate_view *view) {
	struct str out = { 0 };
	for (size_t i = 0; i < view->count; i++) {
		if (view->filled[i] == NULL) {
			char *roles = words_roles(
					view->plan->runbook, &view->model->slots[i].roles);
			str_addf(&out, "%s%s", out.len > 0 ? ", " : "", roles);
			free(roles);
		}
	}
	return str_take(&out);
}

/* --- facts under a gate --- */

static void add_fact(cJSON *list, char *take_text) {
	if (*take_text != '\0') {
		speak_put(speak_add(list), "fact", take_text);
	}
	free(take_text);
}

static size_t included(const struct plan_record *plan, enum phase_kind kind) {
	const struct runbook *runbook = plan->runbook;
	size_t count = 0;
	for (size_t i = 0; i < runbook->step_count; i++) {
		count += runbook->phases[runbook->steps[i].phase].kind == kind &&
				plan_includes(&plan->plan, i);
	}
	return count;
}

static size_t hosts_of(const struct run *run, enum phase_kind kind) {
	const struct runbook *runbook = run->plan->runbook;
	size_t most = 0;
	for (size_t i = 0; i < runbook->step_count; i++) {
		if (runbook->phases[runbook->steps[i].phase].kind != kind ||
				!plan_includes(&run->plan->plan, i)) {
			continue;
		}
		for (uint32_t j = 0; j < runbook->steps[i].block_count; j++) {
			size_t hosts = run_host_count(run, i, j);
			most = hosts > most ? hosts : most;
		}
	}
	return most;
}

static size_t undo_steps(const struct run *run) {
	size_t count = 0;
	for (size_t i = 0; i < run->step_count; i++) {
		count += run->steps[i].outcome != OUTCOME_EXCLUDED &&
				flow_publishes_undo(run, i);
	}
	return count;
}

static void add_production_facts(cJSON *list, const struct run *run) {
	char *steps = words_count(included(run->plan, PHASE_PRODUCTION), "step");
	char *hosts = words_count(hosts_of(run, PHASE_PRODUCTION), "host");
	size_t undo = undo_steps(run);
	add_fact(list,
			undo > 0 ? xasprintf("%s, %s · %zu save%s undo values", steps,
							   hosts, undo, undo == 1 ? "s" : "")
					 : xasprintf("%s, %s", steps, hosts));
	free(hosts);
	free(steps);
}

static void add_rehearsal_fact(
		cJSON *list, const struct speech *speech, const struct run *run) {
	const struct run *old = bridge_rehearsal(
			speech->bridge, run->plan->plan.digest);
	if (old == NULL || !old->rehearsed_ok) {
		return;
	}
	char *label = words_run(speech->world, old);
	char *age = words_age(speech->world->now_ms - old->ended_ms);
	add_fact(list, xasprintf("Rehearsal %s: %s ago, same plan", label, age));
	free(age);
	free(label);
}

/* What the polls say that are open till T0; they bind nobody. */
static void add_poll_facts(cJSON *list, const struct speech *speech) {
	for (size_t i = 0; i < speech->bridge->poll_count; i++) {
		const struct poll_state *poll = &speech->bridge->polls[i];
		if (poll->open) {
			char *tally = speak_poll_tally(speech, poll);
			add_fact(list, xasprintf("Poll: %s", tally));
			free(tally);
		}
	}
}

static void add_success_facts(
		cJSON *list, const struct speech *speech, const struct run *run) {
	size_t green = 0;
	size_t all = 0;
	(void)speech;
	for (size_t i = 0; i < run->step_count; i++) {
		if (speak_phase_of(run, i) == PHASE_SMOKE &&
				run->steps[i].outcome != OUTCOME_EXCLUDED) {
			all++;
			green += run->steps[i].outcome == OUTCOME_OK;
		}
	}
	char *interventions = words_count(run->interventions, "intervention");
	add_fact(list,
			xasprintf(
					"Smoke: %zu of %zu green · %s", green, all, interventions));
	free(interventions);
}

static void add_plan_facts(cJSON *list, const struct plan_record *plan) {
	char *steps = words_count(included(plan, PHASE_PRODUCTION), "step");
	char *tests = words_count(included(plan, PHASE_SMOKE), "smoke test");
	size_t back = included(plan, PHASE_ROLLBACK);
	add_fact(list, xasprintf("%s, %s, %zu to roll back", steps, tests, back));
	free(tests);
	free(steps);
}

/* What a rollback does not do unasked. */
static void add_asking_fact(cJSON *list, const struct run *run) {
	struct str out = { 0 };
	size_t count = 0;
	for (size_t i = 0; i < run->step_count; i++) {
		const struct step *model = &run->plan->runbook->steps[i];
		if (speak_phase_of(run, i) == PHASE_ROLLBACK && model->ask &&
				run->steps[i].outcome != OUTCOME_EXCLUDED) {
			str_addf(&out, "%s%s", count++ > 0 ? ", " : "", model->number);
		}
	}
	if (count > 0) {
		str_addf(&out, " ask%s again first", count == 1 ? "s" : "");
	}
	add_fact(list, str_take(&out));
}

void gate_view_put_facts(cJSON *context, const struct speech *speech,
		const struct gate_view *view) {
	cJSON *list = speak_put_list(context, "facts");
	switch (view->state->purpose) {
	case PURPOSE_PLAN:
		add_plan_facts(list, view->plan);
		break;
	case PURPOSE_START:
		add_production_facts(list, view->run);
		add_rehearsal_fact(list, speech, view->run);
		add_poll_facts(list, speech);
		break;
	case PURPOSE_SUCCESS:
		add_success_facts(list, speech, view->run);
		break;
	case PURPOSE_FILES:
		add_fact(list,
				xasprintf("Changed: %s",
						view->state->why != NULL ? view->state->why : "?"));
		break;
	case PURPOSE_STEP:
		add_fact(list, speak_progress(view->run));
		break;
	case PURPOSE_ROLLBACK: {
		char *first = speak_first_step(view->run, PHASE_ROLLBACK);
		char *running = speak_running(view->run);
		if (*running != '\0') {
			add_fact(list, xasprintf("Stops or awaits %s", running));
		}
		char *steps = words_count(included(view->plan, PHASE_ROLLBACK), "step");
		add_fact(list, xasprintf("%s, first %s", steps, first));
		add_asking_fact(list, view->run);
		free(steps);
		free(running);
		free(first);
		break;
	}
	}
}

/* --- undo values --- */

static char *undo_state(const struct speech *speech, const struct run *run,
		size_t step, const char *name, const char *users) {
	const struct step_state *state = &run->steps[step];
	if (run_value(run, name) != NULL) {
		char *age = words_age(speech->world->now_ms - state->ended_ms);
		char *text = xasprintf("%s old", age);
		free(age);
		return text;
	}
	if (state->status == STEP_UNKNOWN) {
		return xstrdup(flow_found_value(run, step, name) != NULL
						? "left behind, its owner is asked"
						: "not known, its owner is asked");
	}
	return xasprintf("not there, passes over %s", users);
}

static void add_undo(cJSON *list, const struct speech *speech,
		const struct run *run, size_t step, const char *name) {
	char *users = speak_undo_users(run, name);
	if (*users != '\0') {
		cJSON *line = speak_add(list);
		speak_put(line, "name", name);
		speak_take(line, "state", undo_state(speech, run, step, name, users));
	}
	free(users);
}

void gate_view_put_undo(
		cJSON *context, const struct speech *speech, const struct run *run) {
	cJSON *list = speak_put_list(context, "undo");
	for (size_t i = 0; i < run->step_count; i++) {
		const struct step *model = &run->plan->runbook->steps[i];
		if (run->steps[i].outcome == OUTCOME_EXCLUDED ||
				speak_phase_of(run, i) == PHASE_ROLLBACK) {
			continue;
		}
		for (size_t j = 0; j < model->set_count; j++) {
			add_undo(list, speech, run, i, model->sets[j]);
		}
		for (size_t j = 0; j < model->block_count; j++) {
			for (size_t k = 0; k < model->blocks[j].set_count; k++) {
				add_undo(list, speech, run, i, model->blocks[j].sets[k]);
			}
		}
	}
}
