#include "core/lint_gates.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/near.h"
#include "base/str.h"
#include "base/xalloc.h"

static const struct lint_role *find_role(
		const struct lint_config *config, const char *name) {
	for (size_t i = 0; i < config->role_count; i++) {
		if (strcasecmp(config->roles[i].name, name) == 0) {
			return &config->roles[i];
		}
	}
	return NULL;
}

/* People as numbers, so that a matching can be made of them. */
struct crowd {
	const char **names;
	size_t count;
};

static size_t number_of(struct crowd *crowd, const char *name) {
	for (size_t i = 0; i < crowd->count; i++) {
		if (strcmp(crowd->names[i], name) == 0) {
			return i;
		}
	}
	crowd->names = xreallocarray(
			crowd->names, crowd->count + 1, sizeof(*crowd->names));
	crowd->names[crowd->count] = name;
	return crowd->count++;
}

/* Who may fill which slot of one gate. */
struct seats {
	size_t slots;
	struct crowd crowd;
	bool *may; // [slot * crowd.count + person]
};

/* Whether someone holds @role; adds all who do to @crowd. */
static bool add_holders(const struct runbook *runbook,
		const struct lint_config *config, size_t role, struct crowd *crowd) {
	const struct lint_role *held = find_role(config, runbook->roles[role].name);
	for (size_t i = 0; held != NULL && i < held->holder_count; i++) {
		number_of(crowd, held->holders[i]);
	}
	return held != NULL && held->holder_count > 0;
}

static bool holds(const struct runbook *runbook,
		const struct lint_config *config, size_t role, const char *person) {
	const struct lint_role *held = find_role(config, runbook->roles[role].name);
	for (size_t i = 0; held != NULL && i < held->holder_count; i++) {
		if (strcmp(held->holders[i], person) == 0) {
			return true;
		}
	}
	return false;
}

/* False where a slot has no role that anybody holds: `role-unheld` says so. */
static bool make_seats(const struct runbook *runbook,
		const struct lint_config *config, const struct gate *gate,
		struct seats *seats) {
	bool all_held = gate->slot_count > 0;
	*seats = (struct seats){ .slots = gate->slot_count };
	for (size_t s = 0; s < gate->slot_count; s++) {
		const struct role_set *roles = &gate->slots[s].roles;
		bool held = false;
		for (size_t r = 0; r < roles->count; r++) {
			if (add_holders(runbook, config, roles->roles[r], &seats->crowd)) {
				held = true;
			}
		}
		all_held = all_held && held;
	}
	size_t people = seats->crowd.count;
	seats->may = xcalloc(seats->slots * people, sizeof(bool));
	for (size_t s = 0; s < gate->slot_count; s++) {
		const struct role_set *roles = &gate->slots[s].roles;
		for (size_t p = 0; p < people; p++) {
			for (size_t r = 0; r < roles->count; r++) {
				if (holds(runbook, config, roles->roles[r],
							seats->crowd.names[p])) {
					seats->may[s * people + p] = true;
				}
			}
		}
	}
	return all_held;
}

static void finish_seats(struct seats *seats) {
	free(seats->crowd.names);
	free(seats->may);
}

/* Find a place for @slot, moving others on if need be (Kuhn). */
static bool seat(const struct seats *seats, size_t slot, size_t without,
		size_t *sits, bool *tried) {
	size_t people = seats->crowd.count;
	for (size_t p = 0; p < people; p++) {
		if (p == without || tried[p] || !seats->may[slot * people + p]) {
			continue;
		}
		tried[p] = true;
		if (sits[p] == RUNBOOK_NONE ||
				seat(seats, sits[p], without, sits, tried)) {
			sits[p] = slot;
			return true;
		}
	}
	return false;
}

/* Whether distinct people can fill all slots without person @without. */
static bool can_fill(const struct seats *seats, size_t without) {
	size_t people = seats->crowd.count;
	size_t *sits = xcalloc(people, sizeof(*sits));
	bool *tried = xcalloc(people, sizeof(*tried));
	bool filled = true;
	for (size_t p = 0; p < people; p++) {
		sits[p] = RUNBOOK_NONE;
	}
	for (size_t s = 0; s < seats->slots && filled; s++) {
		memset(tried, 0, people * sizeof(*tried));
		filled = seat(seats, s, without, sits, tried);
	}
	free(sits);
	free(tried);
	return filled;
}

/*
 * Whether it can be filled if one of those who may ask for it asks: one
 * approver at least did not.  Anybody may ask for a rollback, and success is
 * asked for by the bot.
 */
static bool can_be_asked(const struct runbook *runbook,
		const struct lint_config *config, size_t gate,
		const struct seats *seats) {
	size_t lead = runbook_lead(runbook);
	const struct lint_role *askers = lead != RUNBOOK_NONE
			? find_role(config, runbook->roles[lead].name)
			: NULL;
	if (gate == runbook_rollback_gate(runbook) ||
			gate == runbook_success_gate(runbook) || askers == NULL ||
			(config->requester_approves && seats->slots > 1)) {
		return true;
	}
	for (size_t i = 0; i < askers->holder_count; i++) {
		size_t asker = RUNBOOK_NONE;
		for (size_t p = 0; p < seats->crowd.count; p++) {
			if (strcmp(seats->crowd.names[p], askers->holders[i]) == 0) {
				asker = p;
			}
		}
		if (asker == RUNBOOK_NONE || can_fill(seats, asker)) {
			return true;
		}
	}
	return askers->holder_count == 0;
}

/* Everybody without whom it cannot be filled. */
static void check_fragile(const struct runbook *runbook, size_t index,
		const struct seats *seats, struct findings *findings) {
	struct str who = { 0 };
	for (size_t p = 0; p < seats->crowd.count; p++) {
		if (!can_fill(seats, p)) {
			str_addf(&who, "%s%s", who.len > 0 ? ", " : "",
					seats->crowd.names[p]);
		}
	}
	if (who.len > 0) {
		const struct gate *gate = &runbook->gates[index];
		size_t before = findings->count;
		findings_add(findings, SEVERITY_WARNING, "gate-fragile", gate->place,
				"`%s` cannot be filled when one of these is away: %s; add a "
				"backup to their roles",
				gate->name, str_text(&who));
		if (findings->count > before) {
			findings->list[before].first = index ==
					runbook_rollback_gate(runbook);
		}
	}
	str_finish(&who);
}

static void check_gate(const struct runbook *runbook,
		const struct lint_config *config, size_t index,
		struct findings *findings) {
	const struct gate *gate = &runbook->gates[index];
	struct seats seats;
	if (!make_seats(runbook, config, gate, &seats)) {
		finish_seats(&seats);
		return;
	}
	if (!can_fill(&seats, RUNBOOK_NONE)) {
		findings_add(findings, SEVERITY_ERROR, "gate-unsatisfiable",
				gate->place,
				"`%s` has %zu places, one person fills one, and %zu %s its "
				"roles; give them to more people",
				gate->name, seats.slots, seats.crowd.count,
				seats.crowd.count == 1 ? "person holds" : "people hold");
	} else if (!can_be_asked(runbook, config, index, &seats)) {
		findings_add(findings, SEVERITY_ERROR, "gate-unsatisfiable",
				gate->place,
				"`%s` needs an approver who did not ask for it, and only who "
				"asks could fill it; give its roles to somebody else too",
				gate->name);
	} else {
		check_fragile(runbook, index, &seats, findings);
	}
	finish_seats(&seats);
}

static void mark(bool *used, const struct role_set *set) {
	for (size_t i = 0; i < set->count; i++) {
		used[set->roles[i]] = true;
	}
}

/* A role of the config that the runbook does not know and that @name was
 * probably meant to be, or NULL. */
static const char *misspelled(const struct runbook *runbook,
		const struct lint_config *config, const char *name) {
	const char **others = xcalloc(config->role_count, sizeof(*others));
	size_t count = 0;
	for (size_t i = 0; i < config->role_count; i++) {
		if (runbook_role(runbook, config->roles[i].name) == RUNBOOK_NONE) {
			others[count++] = config->roles[i].name;
		}
	}
	const char *near = near_word(name, others, count);
	free(others);
	return near;
}

static void check_held(const struct runbook *runbook,
		const struct lint_config *config, struct findings *findings) {
	bool *used = xcalloc(runbook->role_count, sizeof(*used));
	for (size_t i = 0; i < runbook->step_count; i++) {
		mark(used, &runbook->steps[i].owner);
	}
	for (size_t i = 0; i < runbook->milestone_count; i++) {
		mark(used, &runbook->milestones[i].owner);
	}
	for (size_t i = 0; i < runbook->group_count; i++) {
		mark(used, &runbook->groups[i].members);
	}
	for (size_t i = 0; i < runbook->gate_count; i++) {
		for (size_t s = 0; s < runbook->gates[i].slot_count; s++) {
			mark(used, &runbook->gates[i].slots[s].roles);
		}
	}
	size_t lead = runbook_lead(runbook);
	if (lead != RUNBOOK_NONE) {
		used[lead] = true; // owns every step that names no owner
	}
	for (size_t i = 0; i < runbook->role_count; i++) {
		const struct role *role = &runbook->roles[i];
		const struct lint_role *held = find_role(config, role->name);
		if (used[i] && (held == NULL || held->holder_count == 0)) {
			const char *near = misspelled(runbook, config, role->name);
			findings_add(findings, SEVERITY_ERROR, "role-unheld", role->place,
					near != NULL
							? "nobody holds the role `%s`; is it [role %s] of "
							  "the config, misspelled?"
							: "nobody holds the role `%s`; add a section "
							  "[role %s] to the config",
					role->name, near != NULL ? near : role->name);
		}
	}
	free(used);
}

void lint_gates_check(const struct runbook *runbook,
		const struct lint_config *config, struct findings *findings) {
	check_held(runbook, config, findings);
	for (size_t i = 0; i < runbook->gate_count; i++) {
		check_gate(runbook, config, i, findings);
	}
}
