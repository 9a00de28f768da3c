#include "core/deciding.h"

#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "core/flow.h"
#include "core/gate.h"

static bool is_said(enum request_type type) {
	return type <= REQUEST_FILES;
}

struct event deciding_event(const struct deciding *d, enum event_type type) {
	struct event event = event_make(type, d->world->now_ms);
	if (is_said(d->request->type)) {
		event.user = d->request->user;
		event.post = d->request->post;
		event.root = d->request->root;
	}
	return event;
}

void deciding_add(struct deciding *d, struct event event) {
	decision_add(d->decision, event);
}

const char *deciding_name(const struct deciding *d, const char *id) {
	return id != NULL ? people_name(d->world->people, id) : "nobody";
}

/* --- who --- */

const char **world_holders_of(const struct world *world,
		const struct runbook *runbook, const struct role_set *roles,
		size_t *count) {
	const char **ids = NULL;
	*count = 0;
	for (size_t i = 0; i < roles->count; i++) {
		const struct holders *holders = settings_holders(
				world->settings, runbook->roles[roles->roles[i]].name);
		const struct deputy *deputy = world_deputy(
				world, runbook->roles[roles->roles[i]].name);
		size_t more = holders != NULL ? holders->backup_count + 2 : 0;
		ids = xreallocarray(ids, *count + more + 1, sizeof(*ids));
		for (size_t j = 0; j < more; j++) {
			const char *id = j == 0  ? holders->primary
					: j > 1          ? holders->backups[j - 2]
					: deputy != NULL ? deputy->user
									 : NULL;
			bool known = id == NULL;
			for (size_t k = 0; k < *count && !known; k++) {
				known = strcmp(ids[k], id) == 0;
			}
			if (!known) {
				ids[(*count)++] = id;
			}
		}
	}
	return ids != NULL ? ids : xcalloc(1, sizeof(*ids));
}

struct role_set step_owner(
		const struct runbook *runbook, size_t step, size_t *lead_storage) {
	if (runbook->steps[step].owner.count > 0) {
		return runbook->steps[step].owner;
	}
	*lead_storage = runbook_lead(runbook);
	return (struct role_set){
		.roles = lead_storage,
		.count = *lead_storage != RUNBOOK_NONE ? 1 : 0,
	};
}

const char *deciding_who(struct deciding *d, const struct runbook *runbook,
		const struct role_set *roles) {
	size_t count = 0;
	const char **ids = world_holders_of(d->world, runbook, roles, &count);
	struct str text = { 0 };
	for (size_t i = 0; i < count; i++) {
		str_add(&text, i == 0 ? "" : i + 1 == count ? " or " : ", ");
		str_add(&text, deciding_name(d, ids[i]));
	}
	if (count == 0 && roles->count > 0) {
		str_addf(&text, "nobody: no known account holds %s",
				runbook->roles[roles->roles[0]].name);
	} else if (count == 0) {
		str_add(&text, "anybody in this channel");
	}
	free(ids);
	return decision_own(d->decision, str_take(&text));
}

static struct role_set lead_set(
		const struct runbook *runbook, size_t *lead_storage) {
	*lead_storage = runbook != NULL ? runbook_lead(runbook) : RUNBOOK_NONE;
	return (struct role_set){
		.roles = lead_storage,
		.count = *lead_storage != RUNBOOK_NONE ? 1 : 0,
	};
}

const char *deciding_who_leads(
		struct deciding *d, const struct runbook *runbook) {
	size_t lead = 0;
	struct role_set set = lead_set(runbook, &lead);
	return deciding_who(d, runbook, &set);
}

bool deciding_holds_any(const struct deciding *d, const struct runbook *runbook,
		const struct role_set *roles, const char *user) {
	const struct person *person = people_by_id(d->world->people, user);
	if (person == NULL || !person_counts(person)) {
		return false;
	}
	for (size_t i = 0; i < roles->count; i++) {
		if (world_holds(d->world, user, runbook->roles[roles->roles[i]].name) >
				0) {
			return true;
		}
	}
	return roles->count == 0;
}

bool deciding_leads(const struct deciding *d, const struct runbook *runbook,
		const char *user) {
	size_t lead = 0;
	struct role_set set = lead_set(runbook, &lead);
	return deciding_holds_any(d, runbook, &set, user);
}

/* --- words --- */

const char *deciding_label(struct deciding *d, const struct run *run) {
	return decision_print(
			d->decision, "%s-%u", d->world->settings->prefix, run->number);
}

const char *deciding_span(struct deciding *d, int64_t ms) {
	int64_t s = (ms < 0 ? -ms : ms) / 1000;
	if (s < 60) {
		return decision_print(d->decision, "%lld s", (long long)s);
	}
	if (s < 3600) {
		return decision_print(d->decision, "%lld min", (long long)(s / 60));
	}
	if (s < 2 * 86400) {
		return decision_print(d->decision, "%lld h", (long long)(s / 3600));
	}
	return decision_print(d->decision, "%lld days", (long long)(s / 86400));
}

const char *deciding_clock(struct deciding *d, int64_t at_ms) {
	int64_t minutes = at_ms / 60000 % 1440;
	return decision_print(d->decision, "%02d:%02d UTC", (int)(minutes / 60),
			(int)(minutes % 60));
}

/* --- gates --- */

static uint32_t next_gate_id(const struct deciding *d) {
	uint32_t id = d->bridge->last_gate_id + 1;
	for (size_t i = 0; i < d->decision->count; i++) {
		enum event_type type = d->decision->events[i].type;
		id += type == EVENT_GATE_OPENED || type == EVENT_POLL_OPENED;
	}
	return id;
}

/* Adds gate.asked where asking is approving: in a rollback gate the asker's
 * command fills the asker's slot. */
static void approve_by_asking(struct deciding *d,
		const struct plan_record *record, size_t model, uint32_t id,
		uint32_t run) {
	const struct gate *gate = &record->runbook->gates[model];
	for (size_t i = 0; i < gate->slot_count; i++) {
		if (deciding_holds_any(d, record->runbook, &gate->slots[i].roles,
					d->request->user)) {
			struct event event = deciding_event(d, EVENT_GATE_ASKED);
			event.run = run;
			event.gate = id;
			deciding_add(d, event);
			return;
		}
	}
}

void deciding_ask_step(struct deciding *d, const struct run *run, size_t index,
		const char *text) {
	struct event event = event_make(EVENT_STEP_ASKED, d->world->now_ms);
	event.run = run->number;
	event.step = (uint32_t)index;
	event.text = text;
	event.count = run->steps[index].asked_count;
	deciding_add(d, event);
}

void deciding_close_poll(struct deciding *d, const struct poll_state *poll) {
	struct event event = event_make(EVENT_POLL_CLOSED, d->world->now_ms);
	event.gate = poll->id;
	deciding_add(d, event);
}

void deciding_open_gate(struct deciding *d, const struct plan_record *record,
		const struct run *run, size_t model, enum gate_purpose purpose,
		const char *user, const char *why) {
	const struct gate *gate = &record->runbook->gates[model];
	char *holders = decision_own(d->decision, xcalloc(1, SHA256_HEX));
	gate_holders_hash(d->world, record->runbook, gate, holders);
	struct event event = deciding_event(d, EVENT_GATE_OPENED);
	event.gate = next_gate_id(d);
	event.run = run != NULL ? run->number : 0;
	event.index = (uint32_t)model;
	event.purpose = purpose;
	event.user = user;
	event.until_ms = d->world->now_ms + gate->open_ms;
	event.valid_ms = gate->valid_ms;
	event.digest = record->plan.digest;
	event.name = holders;
	event.text = why;
	deciding_add(d, event);
	if (purpose == PURPOSE_ROLLBACK && user != NULL &&
			d->request->late_ms <= DECIDING_LATE_MS) {
		approve_by_asking(d, record, model, event.gate, event.run);
	}
}

/* What the run does when a gate of its did not pass. */
static void hold_for_gate(struct deciding *d, const struct gate_state *gate,
		const struct run *run, enum outcome outcome) {
	bool holds = gate->purpose == PURPOSE_ROLLBACK ||
			gate->purpose == PURPOSE_STEP || gate->purpose == PURPOSE_FILES ||
			(gate->purpose == PURPOSE_START && run->forward_begun);
	bool goes_on = run->status == RUN_RUNNING || run->status == RUN_DECIDING ||
			(run->status == RUN_SUCCEEDED && !run->watched) ||
			(run->status == RUN_ROLLING_BACK && gate->purpose == PURPOSE_STEP);
	if (!holds || !goes_on || deciding_is_held(d, run)) {
		return;
	}
	const struct gate *model = gate_state_model(d->bridge, gate);
	struct event event = event_make(EVENT_RUN_HELD, d->world->now_ms);
	event.run = run->number;
	event.text = decision_print(d->decision, "%s %s",
			model != NULL ? model->name : "gate", outcome_name(outcome));
	deciding_add(d, event);
}

/* A run that has not begun cannot outlive the approval of its plan. */
static void close_starts_of(
		struct deciding *d, const struct gate_state *plan_gate) {
	for (size_t i = 0; i < d->bridge->gate_count; i++) {
		const struct gate_state *gate = &d->bridge->gates[i];
		const struct run *run = bridge_run(d->bridge, gate->run);
		if (gate->purpose == PURPOSE_START && gate_waits(gate) && run != NULL &&
				run->kind == RUN_PRODUCTION && run_is_executing(run) &&
				!run->forward_begun &&
				strcmp(gate->digest, plan_gate->digest) == 0) {
			deciding_close_gate(d, gate, OUTCOME_VOID, NULL,
					"the approval of the plan is gone");
		}
	}
}

static bool says_of(
		const struct deciding *d, enum event_type type, const struct run *run) {
	for (size_t i = 0; i < d->decision->count; i++) {
		if (d->decision->events[i].type == type &&
				d->decision->events[i].run == run->number) {
			return true;
		}
	}
	return false;
}

bool deciding_is_held(const struct deciding *d, const struct run *run) {
	return run->held || says_of(d, EVENT_RUN_HELD, run);
}

/* Whether @run has begun without a gate of its own that could lead back, and
 * without a command: what let it begin can be gone, and then so is the run. */
static bool can_be_dropped(const struct deciding *d, const struct run *run) {
	return run->kind == RUN_PRODUCTION && run->status == RUN_RUNNING &&
			!run->forward_begun && !says_of(d, EVENT_RUN_ABORTED, run) &&
			bridge_gate_for(d->bridge, run->number, PURPOSE_START) == NULL;
}

void deciding_drop_run(
		struct deciding *d, const struct run *run, const char *why) {
	struct event event = event_make(EVENT_RUN_ABORTED, d->world->now_ms);
	event.run = run->number;
	event.text = why;
	deciding_add(d, event);
	event = event_make(EVENT_RUN_CLOSED, d->world->now_ms);
	event.run = run->number;
	deciding_add(d, event);
}

static void drop(struct deciding *d, const struct run *run, const char *why) {
	deciding_void_gates(d, run, why);
	deciding_drop_run(d, run, why);
}

/* Nor where no gate of its own leads back: it would wait for nobody. */
static void drop_runs_of(
		struct deciding *d, const struct gate_state *plan_gate) {
	for (size_t i = 0; i < d->bridge->run_count; i++) {
		const struct run *run = &d->bridge->runs[i];
		if (can_be_dropped(d, run) &&
				strcmp(run->plan->plan.digest, plan_gate->digest) == 0) {
			drop(d, run, "the approval of the plan is gone");
		}
	}
}

bool deciding_closes(const struct deciding *d, const struct gate_state *gate) {
	for (size_t i = 0; i < d->decision->count; i++) {
		if (d->decision->events[i].type == EVENT_GATE_CLOSED &&
				d->decision->events[i].gate == gate->id) {
			return true;
		}
	}
	return false;
}

void deciding_close_gate(struct deciding *d, const struct gate_state *gate,
		enum outcome outcome, const char *user, const char *text) {
	if (deciding_closes(d, gate)) {
		return;
	}
	struct event event = event_make(EVENT_GATE_CLOSED, d->world->now_ms);
	event.gate = gate->id;
	event.run = gate->run;
	event.outcome = outcome;
	event.user = user;
	event.text = text;
	deciding_add(d, event);
	const struct run *run = bridge_run(d->bridge, gate->run);
	if (run != NULL) {
		hold_for_gate(d, gate, run, outcome);
	}
	if (gate->purpose == PURPOSE_PLAN) {
		close_starts_of(d, gate);
		drop_runs_of(d, gate);
	}
}

void deciding_void_gates(
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

/* Production is locked behind a rollback: what was approved before it does not
 * start after it. */
static void void_other_starts(struct deciding *d, const struct run *run) {
	const char *why = decision_print(
			d->decision, "%s is rolled back", deciding_label(d, run));
	for (size_t i = 0; i < d->bridge->gate_count; i++) {
		const struct gate_state *gate = &d->bridge->gates[i];
		const struct run *other = bridge_run(d->bridge, gate->run);
		if (gate->purpose == PURPOSE_START && gate_waits(gate) &&
				other != NULL && other != run &&
				other->kind == RUN_PRODUCTION && run_is_executing(other)) {
			deciding_close_gate(d, gate, OUTCOME_VOID, NULL, why);
		}
	}
	for (size_t i = 0; i < d->bridge->run_count; i++) {
		const struct run *other = &d->bridge->runs[i];
		if (other != run && can_be_dropped(d, other)) {
			drop(d, other, why);
		}
	}
}

void deciding_roll_back(
		struct deciding *d, const struct run *run, struct event event) {
	deciding_void_gates(d, run, "the run is rolled back");
	void_other_starts(d, run);
	event.values = run->values;
	event.value_count = run->value_count;
	deciding_add(d, event);
}

void deciding_pass_gate(struct deciding *d, const struct gate_state *gate) {
	size_t count = 0;
	const char **filled = gate_filled(d->bridge, d->world, gate, &count);
	struct plan_value *values = decision_own(
			d->decision, xcalloc(count, sizeof(*values)));
	for (size_t i = 0; i < count; i++) {
		values[i].name = decision_own(d->decision, xasprintf("%zu", i + 1));
		values[i].value = decision_own(
				d->decision, xstrdup(filled[i] != NULL ? filled[i] : ""));
	}
	free(filled);
	struct event event = event_make(EVENT_GATE_PASSED, d->world->now_ms);
	event.gate = gate->id;
	event.run = gate->run;
	event.digest = gate->digest;
	event.values = values;
	event.value_count = count;
	deciding_add(d, event);
}
