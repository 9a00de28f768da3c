#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/duration.h"
#include "base/xalloc.h"
#include "core/deciding.h"
#include "core/gate.h"
#include "core/saying.h"

/*
 * Who stands in for whom, and what happens when too few are there: deputies,
 * break-glass and its review.
 */

#define DAY_MS    INT64_C(86400000)
#define MINUTE_MS INT64_C(60000)

static const struct runbook *runbook_now(const struct deciding *d) {
	const struct run *run = bridge_current(d->bridge);
	const struct plan_record *plan = bridge_plan(d->bridge);
	if (run != NULL) {
		return run->plan->runbook;
	}
	return plan != NULL ? plan->runbook : NULL;
}

/* --- deputies --- */

/* "02:30": the next such time, UTC.  "4h": so long.  0: neither. */
static int64_t until_of(const struct deciding *d, const char *text) {
	int64_t now = d->world->now_ms;
	if (text == NULL) {
		return now + DAY_MS;
	}
	int64_t span = 0;
	if (duration_parse(text, &span) && span > 0 && span <= 7 * DAY_MS) {
		return now + span;
	}
	bool clock = strlen(text) == 5 && strspn(text, "0123456789:") == 5 &&
			text[2] == ':' && strchr(text, ':') == text + 2;
	int hours = clock ? (text[0] - '0') * 10 + text[1] - '0' : 24;
	int minutes = clock ? (text[3] - '0') * 10 + text[4] - '0' : 60;
	if (hours > 23 || minutes > 59) {
		return 0;
	}
	int64_t at = now - now % DAY_MS + (hours * 60 + minutes) * MINUTE_MS;
	return at > now ? at : at + DAY_MS;
}

static bool names_role(const struct role_set *roles, size_t role) {
	for (size_t i = 0; i < roles->count; i++) {
		if (roles->roles[i] == role) {
			return true;
		}
	}
	return false;
}

static bool holds_firmly(const struct deciding *d,
		const struct runbook *runbook, const struct role_set *roles,
		const char *user) {
	for (size_t i = 0; i < roles->count; i++) {
		if (world_holds(d->world, user, runbook->roles[roles->roles[i]].name) >=
				2) {
			return true;
		}
	}
	return false;
}

/* A gate in which @user fills another place than that of @role; NULL: none. */
static const struct gate *other_place(const struct deciding *d,
		const struct runbook *runbook, size_t role, const char *user) {
	for (size_t i = 0; i < runbook->gate_count; i++) {
		const struct gate *gate = &runbook->gates[i];
		bool here = false;
		bool there = false;
		for (size_t j = 0; j < gate->slot_count; j++) {
			const struct role_set *roles = &gate->slots[j].roles;
			bool own = names_role(roles, role);
			here = here || own;
			there = there || (!own && holds_firmly(d, runbook, roles, user));
		}
		if (here && there) {
			return gate;
		}
	}
	return NULL;
}

static const char *deputy_problem(struct deciding *d,
		const struct runbook *runbook, size_t role,
		const struct person *person) {
	if (person == NULL || !person_counts(person)) {
		return decision_print(d->decision,
				"%s is no active person of this channel",
				d->request->who != NULL ? d->request->who : "that");
	}
	if (world_holds(d->world, person->id, runbook->roles[role].name) == 3) {
		return decision_print(d->decision, "%s holds %s already", person->name,
				runbook->roles[role].name);
	}
	const struct gate *gate = other_place(d, runbook, role, person->id);
	return gate == NULL ? NULL
						: decision_print(d->decision,
								  "%s fills another place of %s\n"
								  "one person cannot fill two",
								  person->name, gate->name);
}

void saying_delegate(struct deciding *d) {
	const struct runbook *runbook = runbook_now(d);
	if (runbook == NULL) {
		saying_refuse(d, "there is no plan yet\nsay `!cutover plan` first");
		return;
	}
	size_t role = runbook_role(
			runbook, d->request->role != NULL ? d->request->role : "");
	if (role == RUNBOOK_NONE) {
		saying_refuse(d,
				decision_print(d->decision,
						"the runbook has no role %s\n"
						"`!who` shows them",
						d->request->role));
		return;
	}
	const char *name = runbook->roles[role].name;
	if (world_holds(d->world, d->request->user, name) != 3) {
		const struct holders *holders = settings_holders(
				d->world->settings, name);
		saying_refuse(d,
				decision_print(d->decision,
						"only its primary names a deputy\n%s holds %s",
						deciding_name(
								d, holders != NULL ? holders->primary : NULL),
						name));
		return;
	}
	const struct person *person = people_by_name(
			d->world->people, d->request->who);
	const char *problem = deputy_problem(d, runbook, role, person);
	int64_t until = until_of(d, d->request->until);
	if (problem == NULL && until == 0) {
		problem = "until when? `until 02:30` (UTC) or `until 4h`";
	}
	if (problem != NULL) {
		saying_refuse(d, problem);
		return;
	}
	struct event event = deciding_event(d, EVENT_DEPUTY_NAMED);
	event.name = name;
	event.detail = person->id;
	event.until_ms = until;
	deciding_add(d, event);
}

/* --- break-glass --- */

static bool is_gate_word(enum gate_purpose purpose, const char *word) {
	if (strcasecmp(word, purpose_name(purpose)) == 0) {
		return true;
	}
	return purpose == PURPOSE_START && strcasecmp(word, "t0") == 0;
}

static const struct gate_state *open_gate_called(
		const struct deciding *d, const char *word) {
	for (size_t i = d->bridge->gate_count; i > 0; i--) {
		const struct gate_state *gate = &d->bridge->gates[i - 1];
		const struct gate *model = gate_state_model(d->bridge, gate);
		if (gate->status == GATE_OPEN && model != NULL &&
				(is_gate_word(gate->purpose, word) ||
						strcasecmp(model->name, word) == 0)) {
			return gate;
		}
	}
	return NULL;
}

static bool may_override(const struct deciding *d) {
	const struct settings *settings = d->world->settings;
	for (size_t i = 0; i < settings->override_role_count; i++) {
		if (world_holds(d->world, d->request->user,
					settings->override_roles[i]) > 0) {
			return true;
		}
	}
	return false;
}

static bool has_said(const struct gate_state *gate, const char *user) {
	for (size_t i = 0; i < gate->override_count; i++) {
		if (strcmp(gate->overrides[i].user, user) == 0) {
			return true;
		}
	}
	return false;
}

static const char *override_problem(
		struct deciding *d, const struct gate_state *gate) {
	if (d->world->settings->override_role_count == 0) {
		return "break-glass is off\nno [override] in the config";
	}
	if (!may_override(d)) {
		const char *roles = "";
		for (size_t i = 0; i < d->world->settings->override_role_count; i++) {
			roles = decision_print(d->decision, "%s%s%s", roles,
					i > 0 ? ", " : "", d->world->settings->override_roles[i]);
		}
		return decision_print(
				d->decision, "you may not break the glass\n%s may", roles);
	}
	if (gate == NULL) {
		return "no such gate is open";
	}
	return has_said(gate, d->request->user)
			? decision_print(d->decision,
					  "you have said so already\nit takes %zu people",
					  d->world->settings->override_count)
			: NULL;
}

void saying_override(struct deciding *d) {
	const struct gate_state *gate = open_gate_called(
			d, d->request->role != NULL ? d->request->role : "");
	const char *problem = override_problem(d, gate);
	if (problem != NULL) {
		saying_refuse(d, problem);
		return;
	}
	struct event event = deciding_event(d, EVENT_GATE_OVERRIDE_SAID);
	event.gate = gate->id;
	event.run = gate->run;
	event.text = d->request->text;
	deciding_add(d, event); // decide_tick() looks whether that is enough
}

const struct gate_state *run_unreviewed(
		const struct bridge *bridge, const struct run *run) {
	for (size_t i = 0; i < bridge->gate_count; i++) {
		const struct gate_state *gate = &bridge->gates[i];
		bool of_plan = gate->purpose == PURPOSE_PLAN &&
				strcmp(gate->digest, run->plan->plan.digest) == 0;
		if (gate->overridden && gate->reviewed == NULL &&
				(gate->run == run->number || of_plan)) {
			return gate;
		}
	}
	return NULL;
}

/* Whether @user could have filled a place that was left empty. */
static bool was_skipped(const struct deciding *d, const struct gate_state *gate,
		const char *user) {
	const struct gate *model = gate_state_model(d->bridge, gate);
	const struct plan_record *record = gate_state_plan(d->bridge, gate);
	for (size_t i = 0;
			model != NULL && i < model->slot_count && i < gate->filled_count;
			i++) {
		if (gate->filled[i][0] == '\0' &&
				deciding_holds_any(
						d, record->runbook, &model->slots[i].roles, user)) {
			return true;
		}
	}
	return false;
}

/* Who broke the glass does not review that, unless nobody else could. */
static bool may_review(const struct deciding *d, const struct gate_state *gate,
		const char *user) {
	if (!was_skipped(d, gate, user) || !has_said(gate, user)) {
		return was_skipped(d, gate, user);
	}
	for (size_t i = 0; i < d->world->people->count; i++) {
		const char *other = d->world->people->persons[i].id;
		if (was_skipped(d, gate, other) && !has_said(gate, other)) {
			return false;
		}
	}
	return true;
}

static const char *skipped_names(
		struct deciding *d, const struct gate_state *gate) {
	const struct gate *model = gate_state_model(d->bridge, gate);
	const struct plan_record *record = gate_state_plan(d->bridge, gate);
	const char *names = "";
	for (size_t i = 0;
			model != NULL && i < model->slot_count && i < gate->filled_count;
			i++) {
		if (gate->filled[i][0] == '\0') {
			names = decision_print(d->decision, "%s%s%s", names,
					names[0] != '\0' ? ", " : "",
					deciding_who(d, record->runbook, &model->slots[i].roles));
		}
	}
	return names;
}

void saying_review(struct deciding *d) {
	const struct gate_state *waits = NULL;
	for (size_t i = 0; i < d->bridge->gate_count; i++) {
		const struct gate_state *gate = &d->bridge->gates[i];
		if (!gate->overridden || gate->reviewed != NULL) {
			continue;
		}
		waits = gate;
		if (may_review(d, gate, d->request->user)) {
			struct event event = deciding_event(d, EVENT_GATE_REVIEWED);
			event.gate = gate->id;
			event.run = gate->run;
			event.text = d->request->text;
			deciding_add(d, event);
			return;
		}
	}
	saying_refuse(d,
			waits == NULL ? "nothing awaits a review"
						  : decision_print(d->decision,
									"one who was passed over reviews it%s\n%s",
									was_skipped(d, waits, d->request->user)
											? ", none who broke the glass"
											: "",
									skipped_names(d, waits)));
}
