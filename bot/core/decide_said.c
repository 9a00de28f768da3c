#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "core/deciding.h"
#include "core/flow.h"
#include "core/gate.h"
#include "core/saying.h"

/*
 * What people say about the plan and the run.  Steps: decide_said_step.c.
 */

#define LATE_MS        120000
#define ABORT_AGAIN_MS 60000

void saying_refuse(struct deciding *d, const char *text) {
	struct event event = deciding_event(d, EVENT_COMMAND_REFUSED);
	const struct run *run = bridge_current(d->bridge);
	event.run = run != NULL ? run->number : 0;
	event.name = d->request->command;
	event.detail = d->request->words;
	event.text = text;
	deciding_add(d, event);
}

static void answer(struct deciding *d, const char *text) {
	struct event event = deciding_event(d, EVENT_COMMAND_ANSWERED);
	const struct run *run = bridge_current(d->bridge);
	event.run = run != NULL ? run->number : 0;
	event.name = d->request->command;
	event.detail = d->request->words;
	event.text = text;
	deciding_add(d, event);
}

/* Commands that hold when they are found late. */
static bool may_be_late(enum request_type type) {
	return type == REQUEST_HOLD || type == REQUEST_ROLLBACK ||
			type == REQUEST_DONE || type == REQUEST_FAIL ||
			type == REQUEST_NOTE;
}

bool saying_is_heard(struct deciding *d) {
	const struct person *person = people_by_id(
			d->world->people, d->request->user);
	if (person == NULL || !person_counts(person)) {
		saying_refuse(d,
				"only active people of this channel are heard\n"
				"no guests, no bots");
		return false;
	}
	if (d->request->late_ms > LATE_MS && !may_be_late(d->request->type)) {
		saying_refuse(d,
				decision_print(d->decision,
						"said %s ago while I was away\n"
						"say it again if it still holds",
						deciding_span(d, d->request->late_ms)));
		return false;
	}
	return true;
}

bool saying_needs_lead(struct deciding *d, const struct runbook *runbook) {
	if (runbook == NULL || deciding_leads(d, runbook, d->request->user)) {
		return true;
	}
	saying_refuse(d,
			decision_print(d->decision, "that is the lead's to say\n%s can",
					deciding_who_leads(d, runbook)));
	return false;
}

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

static bool plan_gate_stands(const struct gate_state *gate, int64_t now_ms) {
	return gate != NULL &&
			(gate->status == GATE_OPEN ||
					((gate->status == GATE_PASSED ||
							 gate->status == GATE_USED) &&
							now_ms < gate_good_until_ms(gate)));
}

static void void_other_plans(struct deciding *d, const char *digest) {
	for (size_t i = 0; i < d->bridge->gate_count; i++) {
		const struct gate_state *gate = &d->bridge->gates[i];
		bool waits = gate->status == GATE_OPEN || gate->status == GATE_PASSED;
		if (gate->purpose == PURPOSE_PLAN && waits &&
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

static void say_plan(struct deciding *d) {
	if (!is_free(d) || !plan_is_readable(d) ||
			!saying_needs_lead(d, d->request->plan->runbook)) {
		return;
	}
	const struct plan_record *record = d->request->plan;
	const struct plan_record *current = bridge_plan(d->bridge);
	bool same = current != NULL &&
			strcmp(current->plan.digest, record->plan.digest) == 0;
	size_t model = runbook_plan_gate(record->runbook);
	const struct gate_state *gate = plan_gate_of(
			d->bridge, record->plan.digest);
	if (same &&
			(model == RUNBOOK_NONE ||
					plan_gate_stands(gate, d->world->now_ms))) {
		answer(d, NULL);
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
	bool same = current != NULL &&
			strcmp(current->plan.digest, now->plan.digest) == 0;
	if (same) {
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
	char *difference = plan_difference(&current->plan, &now->plan, 5);
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

static void drop_planned(
		struct deciding *d, const struct run *run, const char *why) {
	struct event event = event_make(EVENT_RUN_ABORTED, d->world->now_ms);
	event.run = run->number;
	event.text = why;
	deciding_add(d, event);
	event = event_make(EVENT_RUN_CLOSED, d->world->now_ms);
	event.run = run->number;
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
			drop_planned(d, run, "another run took its place");
		}
	}
	return found;
}

static void say_rehearse(struct deciding *d) {
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

/* Why no rehearsal lets this plan start; NULL: one does, or none is needed. */
static const char *rehearsal_problem(
		struct deciding *d, const struct plan_record *record) {
	if (runbook_phase(record->runbook, PHASE_REHEARSAL) == RUNBOOK_NONE) {
		return NULL;
	}
	const struct run *last = NULL;
	for (size_t i = d->bridge->run_count; i > 0 && last == NULL; i--) {
		const struct run *run = &d->bridge->runs[i - 1];
		if (run->kind == RUN_REHEARSAL && run->ended_ms > 0) {
			last = run;
		}
	}
	if (last == NULL) {
		return "no rehearsal yet\nsay `!cutover rehearse`";
	}
	const char *label = deciding_label(d, last);
	if (!last->rehearsed_ok) {
		return decision_print(d->decision,
				"rehearsal %s did not pass\n%s\nsay `!cutover rehearse`", label,
				last->rehearsed_why != NULL ? last->rehearsed_why
											: "it was aborted");
	}
	if (strcmp(last->plan->plan.digest, record->plan.digest) != 0) {
		return decision_print(d->decision,
				"rehearsal %s was of another plan\nsay `!cutover rehearse`",
				label);
	}
	if (last->ended_ms <= d->bridge->locked_ms) {
		return decision_print(d->decision,
				"locked since the last run\n"
				"rehearsal %s was before it\nsay `!cutover rehearse`",
				label);
	}
	int64_t age = d->world->now_ms - last->ended_ms;
	if (age > d->world->settings->rehearsal_valid_ms) {
		return decision_print(d->decision,
				"rehearsal %s too old\n%s, limit %s. Run `!cutover rehearse`",
				label, deciding_span(d, age),
				deciding_span(d, d->world->settings->rehearsal_valid_ms));
	}
	return NULL;
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
		return decision_print(d->decision,
				"the plan is not approved yet\nit takes %s",
				record->runbook->gates[model].approvers);
	}
	if (!plan_gate_stands(gate, d->world->now_ms)) {
		return decision_print(d->decision,
				"the plan is not approved\n%s %s\nsay `!cutover plan`", name,
				gate == NULL ? "was never asked"
						: gate->status == GATE_CLOSED
						? outcome_name(gate->outcome)
						: "is too old");
	}
	return NULL;
}

static void say_start(struct deciding *d) {
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

static void say_poll(struct deciding *d) {
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

/* --- hold and resume --- */

static struct event run_said(
		struct deciding *d, enum event_type type, const struct run *run) {
	struct event event = deciding_event(d, type);
	event.run = run->number;
	event.text = d->request->text;
	return event;
}

static void say_hold(struct deciding *d) {
	const struct run *run = bridge_executing(d->bridge);
	if (run == NULL) {
		saying_refuse(d, "nothing runs: there is nothing to hold");
		return;
	}
	if (run->held) {
		saying_refuse(d,
				decision_print(d->decision, "%s is held already\n%s",
						deciding_label(d, run),
						run->held_why != NULL ? run->held_why : ""));
		return;
	}
	if (run->status == RUN_ROLLING_BACK &&
			!saying_needs_lead(d, run->plan->runbook)) {
		return;
	}
	struct event event = run_said(d, EVENT_RUN_HELD, run);
	if (event.text == NULL || event.text[0] == '\0') {
		event.text = "no reason given";
	}
	deciding_add(d, event);
}

static void resume_with_files(struct deciding *d, const struct run *run) {
	const struct gate_state *gate = bridge_gate_for(
			d->bridge, run->number, PURPOSE_FILES);
	size_t model = runbook_start_gate(run->plan->runbook);
	if (run->kind == RUN_REHEARSAL || model == RUNBOOK_NONE) {
		struct event event = run_said(d, EVENT_RUN_FILES_ACCEPTED, run);
		event.name = run->files_target;
		event.digest = run->files_digest;
		deciding_add(d, event);
		deciding_add(d, run_said(d, EVENT_RUN_RESUMED, run));
	} else if (gate != NULL && gate->status == GATE_OPEN) {
		saying_refuse(d,
				decision_print(d->decision,
						"tracked files changed: %s\nit takes %s",
						run->files_text != NULL ? run->files_text : "",
						run->plan->runbook->gates[model].approvers));
	} else {
		deciding_open_gate(d, run->plan, run, model, PURPOSE_FILES,
				d->request->user, run->files_text);
	}
}

static void say_resume(struct deciding *d) {
	const struct run *run = bridge_executing(d->bridge);
	if (run == NULL || !run->held) {
		saying_refuse(d, "nothing is held");
		return;
	}
	if (!saying_needs_lead(d, run->plan->runbook)) {
		return;
	}
	if (run->held_for_files) {
		resume_with_files(d, run);
	} else {
		deciding_add(d, run_said(d, EVENT_RUN_RESUMED, run));
	}
}

/* --- decide, abort, close --- */

static void say_decide(struct deciding *d) {
	const struct run *run = bridge_executing(d->bridge);
	if (run == NULL || run->kind != RUN_PRODUCTION ||
			(run->status != RUN_RUNNING && run->status != RUN_DECIDING)) {
		saying_refuse(d, "no production run is under way");
		return;
	}
	if (!saying_needs_lead(d, run->plan->runbook)) {
		return;
	}
	const struct gate_state *gate = bridge_gate_for(
			d->bridge, run->number, PURPOSE_SUCCESS);
	size_t model = runbook_success_gate(run->plan->runbook);
	bool open = gate != NULL && gate->status == GATE_OPEN;
	bool green = run->status == RUN_DECIDING && flow_is_green(run);
	if (green && !open && model != RUNBOOK_NONE) {
		deciding_open_gate(d, run->plan, run, model, PURPOSE_SUCCESS,
				d->request->user, NULL);
		return;
	}
	answer(d, NULL);
}

static void close_gates(
		struct deciding *d, const struct run *run, const char *why) {
	for (size_t i = 0; i < d->bridge->gate_count; i++) {
		const struct gate_state *gate = &d->bridge->gates[i];
		if (gate->run == run->number && gate->status == GATE_OPEN) {
			struct event event = event_make(
					EVENT_GATE_CLOSED, d->world->now_ms);
			event.gate = gate->id;
			event.run = run->number;
			event.outcome = OUTCOME_VOID;
			event.text = why;
			deciding_add(d, event);
		}
	}
}

static void say_abort(struct deciding *d) {
	const struct run *run = bridge_executing(d->bridge);
	if (run == NULL) {
		run = bridge_current(d->bridge);
	}
	if (run == NULL || !run_status_may_follow(run->status, RUN_ABORTED)) {
		saying_refuse(d, "nothing runs: there is nothing to abort");
		return;
	}
	if (!saying_needs_lead(d, run->plan->runbook)) {
		return;
	}
	bool again = run->abort_asked_ms > 0 &&
			d->world->now_ms - run->abort_asked_ms <= ABORT_AGAIN_MS;
	if (run_has_running(run) && !again) {
		deciding_add(d, run_said(d, EVENT_RUN_ABORT_ASKED, run));
		return;
	}
	close_gates(d, run, "the run was aborted");
	deciding_add(d, run_said(d, EVENT_RUN_ABORTED, run));
	if (run->kind == RUN_REHEARSAL) {
		struct event event = event_make(EVENT_RUN_CLOSED, d->world->now_ms);
		event.run = run->number;
		deciding_add(d, event);
	}
}

static void say_close(struct deciding *d) {
	const struct run *run = bridge_current(d->bridge);
	if (run == NULL) {
		saying_refuse(d, "every run is closed");
		return;
	}
	if (!run_status_may_follow(run->status, RUN_CLOSED) ||
			run->status == RUN_RUNNING) {
		saying_refuse(d,
				decision_print(d->decision, "%s is %s\nit must end first: %s",
						deciding_label(d, run), run_status_name(run->status),
						run->status == RUN_PLANNED
								? "`!cutover start` or `!cutover abort WHY`"
								: "success, rollback or abort"));
		return;
	}
	if (!saying_needs_lead(d, run->plan->runbook)) {
		return;
	}
	const struct gate_state *gate = bridge_gate_for(
			d->bridge, run->number, PURPOSE_ROLLBACK);
	if (gate != NULL && gate->status == GATE_OPEN) {
		saying_refuse(d, "a rollback is asked for: settle that first");
		return;
	}
	deciding_add(d, run_said(d, EVENT_RUN_CLOSED, run));
}

/* --- rollback --- */

static const struct run *run_to_roll_back(const struct bridge *bridge) {
	for (size_t i = bridge->run_count; i > 0; i--) {
		const struct run *run = &bridge->runs[i - 1];
		if (run->kind == RUN_PRODUCTION && run->status != RUN_CLOSED &&
				run->command_started) {
			return run;
		}
	}
	return NULL;
}

static bool could_approve(const struct deciding *d,
		const struct gate_state *gate, const char *user) {
	enum gate_standing standing = gate_standing(
			d->bridge, d->world, gate, user);
	return standing == STANDING_COUNTS || standing == STANDING_LATER;
}

static bool has_approved(const struct gate_state *gate, const char *user) {
	for (size_t i = 0; i < gate->approval_count; i++) {
		if (strcmp(gate->approvals[i].user, user) == 0) {
			return true;
		}
	}
	return false;
}

/* A second `!rollback` opens no second gate: it fills its author's slot. */
static void join_rollback(struct deciding *d, const struct run *run,
		const struct gate_state *gate) {
	const char *user = d->request->user;
	if (!could_approve(d, gate, user) || has_approved(gate, user) ||
			d->request->late_ms > LATE_MS) {
		answer(d, NULL);
		return;
	}
	struct event event = deciding_event(d, EVENT_GATE_ASKED);
	event.gate = gate->id;
	event.run = run->number;
	event.text = d->request->text;
	deciding_add(d, event);
}

static void open_rollback(struct deciding *d, const struct run *run) {
	const struct runbook *runbook = run->plan->runbook;
	size_t model = runbook_rollback_gate(runbook);
	if (model != RUNBOOK_NONE) {
		deciding_open_gate(d, run->plan, run, model, PURPOSE_ROLLBACK,
				d->request->user, d->request->text);
		return;
	}
	if (!saying_needs_lead(d, runbook)) {
		return;
	}
	struct event event = run_said(d, EVENT_RUN_ROLLING_BACK, run);
	event.text = NULL;
	event.values = run->values;
	event.value_count = run->value_count;
	deciding_add(d, event);
}

static void say_rollback(struct deciding *d) {
	const struct run *run = run_to_roll_back(d->bridge);
	if (run == NULL) {
		saying_refuse(d,
				"nothing to roll back\n"
				"no command of an open production run has started");
		return;
	}
	if (runbook_phase(run->plan->runbook, PHASE_ROLLBACK) == RUNBOOK_NONE) {
		saying_refuse(d, "the runbook has no rollback");
		return;
	}
	const struct gate_state *gate = bridge_gate_for(
			d->bridge, run->number, PURPOSE_ROLLBACK);
	if (run->status == RUN_ROLLED_BACK) {
		saying_refuse(d,
				decision_print(d->decision, "%s is rolled back already",
						deciding_label(d, run)));
	} else if (gate != NULL && gate->status == GATE_OPEN) {
		join_rollback(d, run, gate);
	} else if (run->status == RUN_ROLLING_BACK &&
			(gate == NULL || gate->status != GATE_CLOSED)) {
		saying_refuse(d,
				decision_print(d->decision, "%s is rolling back already",
						deciding_label(d, run)));
	} else {
		open_rollback(d, run);
	}
}

/* --- the rest --- */

static void say_note(struct deciding *d) {
	struct event event = deciding_event(d, EVENT_NOTE_TAKEN);
	const struct run *run = bridge_current(d->bridge);
	event.run = run != NULL ? run->number : 0;
	event.text = d->request->text;
	deciding_add(d, event);
}

typedef void (*say_fn)(struct deciding *d);

void decide_said(struct deciding *d) {
	static const say_fn says[] = {
		[REQUEST_PLAN] = say_plan,
		[REQUEST_REHEARSE] = say_rehearse,
		[REQUEST_POLL] = say_poll,
		[REQUEST_START] = say_start,
		[REQUEST_HOLD] = say_hold,
		[REQUEST_RESUME] = say_resume,
		[REQUEST_DECIDE] = say_decide,
		[REQUEST_ABORT] = say_abort,
		[REQUEST_CLOSE] = say_close,
		[REQUEST_ROLLBACK] = say_rollback,
		[REQUEST_NOTE] = say_note,
	};
	if (d->request->type == REQUEST_MISSED) {
		saying_refuse(d, d->request->text);
		return;
	}
	if (!saying_is_heard(d)) {
		return;
	}
	size_t type = (size_t)d->request->type;
	if (type < sizeof(says) / sizeof(says[0]) && says[type] != NULL) {
		says[type](d);
	} else {
		answer(d, d->request->text);
	}
}
