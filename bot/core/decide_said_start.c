#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "core/deciding.h"
#include "core/gate.h"
#include "core/saying.h"

/*
 * What people say before T0: plan, rehearse, poll, start.
 */

static const struct runbook *any_runbook(const struct deciding *d) {
	const struct plan_record *record = bridge_plan(d->bridge);
	if (d->request->plan != NULL) {
		return d->request->plan->runbook;
	}
	return record != NULL ? record->runbook : NULL;
}

/* Refuses where a run executes. */
static bool is_free(struct deciding *d) {
	const struct run *run = bridge_executing(d->bridge);
	if (run == NULL) {
		return true;
	}
	saying_refuse(d,
			decision_print(d->decision, "%s is %s\nonly one run at a time",
					deciding_label(d, run), run_status_name(run->status)));
	return false;
}

static bool plan_is_readable(struct deciding *d) {
	if (d->request->plan != NULL) {
		return true;
	}
	saying_refuse(d,
			d->request->plan_problem != NULL ? d->request->plan_problem
											 : "the plan cannot be read");
	return false;
}

/* --- plan --- */

static const struct gate_state *plan_gate_of(
		const struct bridge *bridge, const char *digest) {
	for (size_t i = bridge->gate_count; i > 0; i--) {
		const struct gate_state *gate = &bridge->gates[i - 1];
		if (gate->purpose == PURPOSE_PLAN &&
				strcmp(gate->digest, digest) == 0) {
			return gate;
		}
	}
	return NULL;
}

/* A ❌ on one that was used held what ran under it, and lets no other start. */
static bool plan_gate_stands(const struct gate_state *gate, int64_t now_ms) {
	if (gate == NULL || gate->status == GATE_CLOSED) {
		return false;
	}
	return gate->status == GATE_OPEN ||
			(now_ms < gate_good_until_ms(gate) &&
					(gate->status == GATE_PASSED ||
							gate->objection_count == 0));
}

static void void_other_plans(struct deciding *d, const char *digest) {
	for (size_t i = 0; i < d->bridge->gate_count; i++) {
		const struct gate_state *gate = &d->bridge->gates[i];
		if (gate->purpose == PURPOSE_PLAN && gate_waits(gate) &&
				strcmp(gate->digest, digest) != 0) {
			deciding_close_gate(
					d, gate, OUTCOME_VOID, NULL, "there is another plan");
		}
	}
}

static void fix_plan(struct deciding *d) {
	struct event event = deciding_event(d, EVENT_PLAN_FIXED);
	event.record = d->request->plan;
	event.digest = d->request->plan->plan.digest;
	deciding_add(d, event);
}

/* Where commands start is no part of the digest, and yet a plan that is mended
 * so is another: else the folder that was wrong would stay. */
static bool is_same_plan(
		const struct plan_record *then, const struct plan_record *now) {
	return then != NULL && strcmp(then->plan.digest, now->plan.digest) == 0 &&
			plan_has_same_folders(&then->plan, &now->plan);
}

void saying_plan(struct deciding *d) {
	if (!is_free(d) || !plan_is_readable(d) ||
			!saying_needs_lead(d, d->request->plan->runbook)) {
		return;
	}
	const struct plan_record *record = d->request->plan;
	const struct plan_record *current = bridge_plan(d->bridge);
	bool same = is_same_plan(current, record);
	size_t model = runbook_plan_gate(record->runbook);
	const struct gate_state *gate = plan_gate_of(
			d->bridge, record->plan.digest);
	if (same &&
			(model == RUNBOOK_NONE ||
					plan_gate_stands(gate, d->world->now_ms))) {
		saying_answer(d, NULL);
		return;
	}
	void_other_plans(d, record->plan.digest);
	if (!same) {
		fix_plan(d);
	}
	if (model != RUNBOOK_NONE && !plan_gate_stands(gate, d->world->now_ms)) {
		deciding_open_gate(d, same ? current : record, NULL, model,
				PURPOSE_PLAN, d->request->user, NULL);
	}
}

/*
 * The plan that a run may begin with: the one in force, if that is still what
 * the files make; a runbook with no gate for its plan needs no `plan` first.
 * NULL: refused.
 */
static const struct plan_record *plan_to_run(struct deciding *d) {
	if (!plan_is_readable(d)) {
		return NULL;
	}
	const struct plan_record *now = d->request->plan;
	const struct plan_record *current = bridge_plan(d->bridge);
	if (is_same_plan(current, now)) {
		return current;
	}
	if (runbook_plan_gate(now->runbook) == RUNBOOK_NONE) {
		void_other_plans(d, now->plan.digest);
		fix_plan(d);
		return now;
	}
	if (current == NULL) {
		saying_refuse(d, "there is no plan yet\nsay `!cutover plan` first");
		return NULL;
	}
	char *difference = strcmp(current->plan.digest, now->plan.digest) != 0
			? plan_difference(&current->plan, &now->plan, 5)
			: xstrdup("commands start in another workdir");
	decision_own(d->decision, difference);
	saying_refuse(d,
			decision_print(d->decision,
					"the plan has changed\n%s\nsay `!cutover plan` again",
					difference));
	return NULL;
}

/* --- rehearse and start --- */

static size_t first_step(
		const struct plan_record *record, enum phase_kind kind) {
	const struct runbook *runbook = record->runbook;
	for (size_t i = 0; i < runbook->step_count; i++) {
		if (runbook->phases[runbook->steps[i].phase].kind == kind &&
				plan_includes(&record->plan, i)) {
			return i;
		}
	}
	return RUNBOOK_NONE;
}

/* Begin a new run, or go on with the one that its gate left planned. */
static void begin(struct deciding *d, const struct plan_record *record,
		enum run_kind kind, const struct run *planned, size_t first) {
	struct run fresh = {
		.number = (uint32_t)d->bridge->run_count + 1,
		.kind = kind,
	};
	const struct run *run = planned != NULL ? planned : &fresh;
	if (planned == NULL) {
		struct event event = deciding_event(d, EVENT_RUN_BEGUN);
		event.run = run->number;
		event.kind = kind;
		event.digest = record->plan.digest;
		deciding_add(d, event);
	}
	size_t gate = record->runbook->steps[first].gate;
	if (gate != RUNBOOK_NONE) {
		deciding_open_gate(
				d, record, run, gate, PURPOSE_START, d->request->user, NULL);
		return;
	}
	struct event event = event_make(EVENT_RUN_T0, d->world->now_ms);
	event.run = run->number;
	event.until_ms = d->world->now_ms;
	deciding_add(d, event);
}

/* The run that a gate left where it was, if it is of this plan; others that
 * were left so are dropped. */
static const struct run *planned_run(struct deciding *d,
		const struct plan_record *record, enum run_kind kind) {
	const struct run *found = NULL;
	for (size_t i = d->bridge->run_count; i > 0; i--) {
		const struct run *run = &d->bridge->runs[i - 1];
		if (run->status != RUN_PLANNED) {
			continue;
		}
		if (found == NULL && run->kind == kind && run->plan == record) {
			found = run;
		} else {
			deciding_drop_run(d, run, "another run took its place");
		}
	}
	return found;
}

void saying_rehearse(struct deciding *d) {
	if (!is_free(d) || !saying_needs_lead(d, any_runbook(d))) {
		return;
	}
	const struct plan_record *record = plan_to_run(d);
	if (record == NULL) {
		return;
	}
	size_t first = first_step(record, PHASE_REHEARSAL);
	if (first == RUNBOOK_NONE) {
		saying_refuse(d, "the runbook has no rehearsal");
		return;
	}
	begin(d, record, RUN_REHEARSAL, planned_run(d, record, RUN_REHEARSAL),
			first);
}

bool bridge_is_rehearsed(const struct bridge *bridge, const struct world *world,
		const struct plan_record *record) {
	const struct run *last = bridge_rehearsal(bridge, record->plan.digest);
	return runbook_phase(record->runbook, PHASE_REHEARSAL) == RUNBOOK_NONE ||
			(last != NULL && last->rehearsed_ok &&
					last->number > bridge->locked_run &&
					world->now_ms - last->ended_ms <=
							world->settings->rehearsal_valid_ms);
}

bool bridge_may_start(const struct bridge *bridge, const struct world *world) {
	const struct plan_record *record = bridge_plan(bridge);
	if (record == NULL || bridge->source_broken ||
			bridge_executing(bridge) != NULL) {
		return false;
	}
	const struct gate_state *gate = plan_gate_of(bridge, record->plan.digest);
	bool approved = runbook_plan_gate(record->runbook) == RUNBOOK_NONE ||
			(plan_gate_stands(gate, world->now_ms) &&
					gate->status != GATE_OPEN);
	return approved && bridge_is_rehearsed(bridge, world, record) &&
			first_step(record, PHASE_PRODUCTION) != RUNBOOK_NONE;
}

/* Why no rehearsal lets this plan start; NULL: one does, or none is needed.  The
 * newest one of this plan tells, whatever other plans were rehearsed since. */
static const char *rehearsal_problem(
		struct deciding *d, const struct plan_record *record) {
	if (bridge_is_rehearsed(d->bridge, d->world, record)) {
		return NULL;
	}
	const struct run *last = bridge_rehearsal(d->bridge, record->plan.digest);
	const struct run *other = bridge_rehearsal(d->bridge, NULL);
	if (last == NULL && other == NULL) {
		return "no rehearsal yet\nsay `!cutover rehearse`";
	}
	if (last == NULL) {
		return decision_print(d->decision,
				"rehearsal %s was of another plan\nsay `!cutover rehearse`",
				deciding_label(d, other));
	}
	const char *label = deciding_label(d, last);
	if (!last->rehearsed_ok) {
		return decision_print(d->decision,
				"rehearsal %s did not pass\n%s\nsay `!cutover rehearse`", label,
				last->rehearsed_why != NULL ? last->rehearsed_why
											: "it was aborted");
	}
	if (last->number <= d->bridge->locked_run) {
		return decision_print(d->decision,
				"production is locked\n"
				"rehearsal %s was before the last run\nsay `!cutover rehearse`",
				label);
	}
	return decision_print(d->decision,
			"rehearsal %s too old\n%s, limit %s. Run `!cutover rehearse`",
			label, deciding_span(d, d->world->now_ms - last->ended_ms),
			deciding_span(d, d->world->settings->rehearsal_valid_ms));
}

/* Who could fill what is still empty of @gate, a slot after the other. */
static const char *who_is_missing(struct deciding *d,
		const struct plan_record *record, const struct gate_state *gate) {
	const struct gate *model = gate_state_model(d->bridge, gate);
	size_t count = 0;
	const char **filled = gate_filled(d->bridge, d->world, gate, &count);
	const char *text = "";
	for (size_t i = 0; i < count; i++) {
		if (filled[i] == NULL) {
			text = decision_print(d->decision, "%s%s%s", text,
					text[0] != '\0' ? "; " : "",
					deciding_who(d, record->runbook, &model->slots[i].roles));
		}
	}
	free(filled);
	return text;
}

/* Why the plan's own gate does not let it start; NULL: it does. */
static const char *plan_gate_problem(
		struct deciding *d, const struct plan_record *record) {
	size_t model = runbook_plan_gate(record->runbook);
	if (model == RUNBOOK_NONE) {
		return NULL;
	}
	const struct gate_state *gate = plan_gate_of(
			d->bridge, record->plan.digest);
	const char *name = record->runbook->gates[model].name;
	if (gate != NULL && gate->status == GATE_OPEN) {
		return decision_print(d->decision, "plan not approved yet\nmissing: %s",
				who_is_missing(d, record, gate));
	}
	if (!plan_gate_stands(gate, d->world->now_ms)) {
		return decision_print(d->decision,
				"the plan is not approved\n%s %s\nsay `!cutover plan`", name,
				gate == NULL ? "was never asked"
						: gate->status == GATE_CLOSED
						? outcome_name(gate->outcome)
						: gate->objection_count > 0 ? "has a ❌ on it"
													: "is too old");
	}
	return NULL;
}

void saying_start(struct deciding *d) {
	if (!is_free(d) || !saying_needs_lead(d, any_runbook(d))) {
		return;
	}
	const struct plan_record *record = plan_to_run(d);
	if (record == NULL) {
		return;
	}
	const char *problem = plan_gate_problem(d, record);
	if (problem == NULL) {
		problem = rehearsal_problem(d, record);
	}
	size_t first = first_step(record, PHASE_PRODUCTION);
	if (problem == NULL && first == RUNBOOK_NONE) {
		problem = "the runbook has no production steps";
	}
	if (problem == NULL && d->bridge->source_broken) {
		problem = decision_print(d->decision,
				"the runbook or config on disk is broken\n%s",
				d->bridge->source_why != NULL ? d->bridge->source_why : "");
	}
	if (problem != NULL) {
		saying_refuse(d, problem);
		return;
	}
	begin(d, record, RUN_PRODUCTION, planned_run(d, record, RUN_PRODUCTION),
			first);
}

/* --- poll --- */

void saying_poll(struct deciding *d) {
	const struct plan_record *record = bridge_plan(d->bridge);
	if (record == NULL) {
		saying_refuse(d, "there is no plan yet\nsay `!cutover plan` first");
		return;
	}
	if (!saying_needs_lead(d, record->runbook)) {
		return;
	}
	const struct run *run = bridge_executing(d->bridge);
	if (run != NULL && run->t0_ms > 0) {
		saying_refuse(d, "T0 has passed: nothing is left to poll");
		return;
	}
	const char *name = d->request->text;
	size_t gate = runbook_start_gate(record->runbook);
	if (name != NULL && name[0] != '\0') {
		size_t group = runbook_group(record->runbook, name);
		if (group == RUNBOOK_NONE) {
			saying_refuse(d,
					decision_print(
							d->decision, "the runbook has no group %s", name));
			return;
		}
		name = record->runbook->groups[group].name;
	} else if (gate != RUNBOOK_NONE) {
		name = record->runbook->gates[gate].name;
	} else {
		saying_refuse(d, "name a group: no gate stands before production");
		return;
	}
	for (size_t i = 0; i < d->bridge->poll_count; i++) {
		if (d->bridge->polls[i].open &&
				strcmp(d->bridge->polls[i].group, name) == 0) {
			saying_refuse(d, "that poll is open already: tap its post");
			return;
		}
	}
	struct event event = deciding_event(d, EVENT_POLL_OPENED);
	event.gate = d->bridge->last_gate_id + 1;
	event.name = name;
	deciding_add(d, event);
}
