#include "core/gate.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/duration.h"
#include "base/sha256.h"
#include "base/xalloc.h"
#include "core/flow.h"

#define OBJECTION_MS 10000

const struct deputy *world_deputy(const struct world *world, const char *role) {
	const struct bridge *bridge = world->bridge;
	for (size_t i = bridge != NULL ? bridge->deputy_count : 0; i > 0; i--) {
		const struct deputy *deputy = &bridge->deputies[i - 1];
		if (strcasecmp(deputy->role, role) == 0) {
			return world->now_ms < deputy->until_ms ? deputy : NULL;
		}
	}
	return NULL;
}

int world_holds(const struct world *world, const char *user, const char *role) {
	const struct holders *holders = settings_holders(world->settings, role);
	if (holders == NULL || user == NULL) {
		return 0;
	}
	if (holders->primary != NULL && strcmp(holders->primary, user) == 0) {
		return 3;
	}
	const struct deputy *deputy = world_deputy(world, role);
	if (deputy != NULL && strcmp(deputy->user, user) == 0) {
		return 2;
	}
	for (size_t i = 0; i < holders->backup_count; i++) {
		if (holders->backups[i] != NULL &&
				strcmp(holders->backups[i], user) == 0) {
			return 1;
		}
	}
	return 0;
}

bool gate_backups_count(const struct settings *settings,
		const struct gate_state *gate, int64_t now_ms) {
	return settings->backup_after_ms <= 0 ||
			now_ms >= gate->opened_ms + settings->backup_after_ms;
}

int64_t gate_backups_at(
		const struct settings *settings, const struct gate_state *gate) {
	if (settings->backup_after_ms <= 0 || gate->backups_called) {
		return INT64_MAX;
	}
	return gate->opened_ms + settings->backup_after_ms;
}

/* Where asking is approving, the asker's own word fills the asker's slot; a
 * gate of one slot needs somebody else in any case. */
static bool asker_counts(const struct settings *settings,
		const struct gate *model, const struct gate_state *gate,
		const char *user) {
	if (gate->asker == NULL || strcmp(gate->asker, user) != 0) {
		return true;
	}
	return settings->requester_approves && model->slot_count > 1;
}

static bool can_fill(const struct world *world, const struct runbook *runbook,
		const struct slot *slot, const char *user, bool backups) {
	for (size_t i = 0; i < slot->roles.count; i++) {
		const char *role = runbook->roles[slot->roles.roles[i]].name;
		int holds = world_holds(world, user, role);
		if (holds >= 2 || (holds == 1 && backups)) {
			return true;
		}
	}
	return false;
}

static bool can_fill_any(const struct world *world,
		const struct runbook *runbook, const struct gate *model,
		const char *user, bool backups) {
	for (size_t i = 0; i < model->slot_count; i++) {
		if (can_fill(world, runbook, &model->slots[i], user, backups)) {
			return true;
		}
	}
	return false;
}

bool gate_waits(const struct gate_state *gate) {
	return gate->status != GATE_CLOSED && !gate->begun;
}

enum gate_standing gate_standing(const struct bridge *bridge,
		const struct world *world, const struct gate_state *gate,
		const char *user) {
	const struct gate *model = gate_state_model(bridge, gate);
	const struct plan_record *record = gate_state_plan(bridge, gate);
	const struct person *person = people_by_id(world->people, user);
	if (model == NULL || person == NULL || !person_counts(person)) {
		return STANDING_NOBODY;
	}
	bool backups = gate_backups_count(world->settings, gate, world->now_ms);
	if (!can_fill_any(world, record->runbook, model, user, true)) {
		return STANDING_NO_ROLE;
	}
	if (!asker_counts(world->settings, model, gate, user)) {
		return STANDING_ASKER;
	}
	if (!can_fill_any(world, record->runbook, model, user, backups)) {
		return STANDING_LATER;
	}
	return STANDING_COUNTS;
}

/* --- matching --- */

struct matching {
	const struct world *world;
	const struct runbook *runbook;
	const struct gate *model;
	const char **users;
	size_t user_count;
	size_t *user_of_slot; // RUNBOOK_NONE: empty
	bool *seen;           // slots, in this search
	bool backups;
};

static bool augment(struct matching *m, size_t user) {
	for (size_t slot = 0; slot < m->model->slot_count; slot++) {
		if (m->seen[slot] ||
				!can_fill(m->world, m->runbook, &m->model->slots[slot],
						m->users[user], m->backups)) {
			continue;
		}
		m->seen[slot] = true;
		if (m->user_of_slot[slot] == RUNBOOK_NONE ||
				augment(m, m->user_of_slot[slot])) {
			m->user_of_slot[slot] = user;
			return true;
		}
	}
	return false;
}

static bool counts_now(const struct world *world, const struct gate *model,
		const struct gate_state *gate, const char *user) {
	const struct person *person = people_by_id(world->people, user);
	return person != NULL && person_counts(person) &&
			asker_counts(world->settings, model, gate, user);
}

/* Slots filled by those who approve; @users has room for all of them. */
static void match(struct matching *m, const struct gate_state *gate) {
	for (size_t i = 0; i < m->model->slot_count; i++) {
		m->user_of_slot[i] = RUNBOOK_NONE;
	}
	for (size_t i = 0; i < gate->approval_count; i++) {
		const char *user = gate->approvals[i].user;
		if (counts_now(m->world, m->model, gate, user)) {
			m->users[m->user_count++] = user;
		}
	}
	for (size_t i = 0; i < m->user_count; i++) {
		memset(m->seen, 0, m->model->slot_count * sizeof(*m->seen));
		augment(m, i);
	}
}

static const char **filled_now(const struct bridge *bridge,
		const struct world *world, const struct gate_state *gate,
		size_t *count) {
	const struct gate *model = gate_state_model(bridge, gate);
	*count = model != NULL ? model->slot_count : 0;
	const char **filled = xcalloc(*count, sizeof(*filled));
	if (model == NULL) {
		return filled;
	}
	struct matching m = {
		.world = world,
		.runbook = gate_state_plan(bridge, gate)->runbook,
		.model = model,
		.users = xcalloc(gate->approval_count, sizeof(*m.users)),
		.user_of_slot = xcalloc(*count, sizeof(*m.user_of_slot)),
		.seen = xcalloc(*count, sizeof(*m.seen)),
		.backups = gate_backups_count(world->settings, gate, world->now_ms),
	};
	match(&m, gate);
	for (size_t i = 0; i < *count; i++) {
		size_t user = m.user_of_slot[i];
		filled[i] = user != RUNBOOK_NONE ? m.users[user] : NULL;
	}
	free(m.users);
	free(m.user_of_slot);
	free(m.seen);
	return filled;
}

const char **gate_filled(const struct bridge *bridge, const struct world *world,
		const struct gate_state *gate, size_t *count) {
	if (gate->filled_count == 0) {
		return filled_now(bridge, world, gate, count);
	}
	*count = gate->filled_count;
	const char **filled = xcalloc(*count, sizeof(*filled));
	for (size_t i = 0; i < *count; i++) {
		/* An overridden gate has empty places. */
		filled[i] = gate->filled[i][0] != '\0' ? gate->filled[i] : NULL;
	}
	return filled;
}

bool gate_is_full(const struct bridge *bridge, const struct world *world,
		const struct gate_state *gate) {
	if (gate->overridden) {
		return gate->objection_count == 0;
	}
	size_t count = 0;
	const char **filled = filled_now(bridge, world, gate, &count);
	bool full = count > 0 && gate->objection_count == 0;
	for (size_t i = 0; i < count; i++) {
		full = full && filled[i] != NULL;
	}
	free(filled);
	return full;
}

bool gate_may_pass(const struct bridge *bridge, const struct gate_state *gate) {
	if (gate->purpose == PURPOSE_ROLLBACK) {
		return true;
	}
	const struct run *run = bridge_run(bridge, gate->run);
	return !bridge->source_broken &&
			(gate->purpose != PURPOSE_SUCCESS ||
					(!flow_rollback_is_asked(bridge, run) &&
							flow_is_green(run)));
}

bool gate_may_object(const struct bridge *bridge, const struct world *world,
		const struct gate_state *gate, const char *user) {
	const struct gate *model = gate_state_model(bridge, gate);
	const struct person *person = people_by_id(world->people, user);
	if (model == NULL || person == NULL || !person_counts(person)) {
		return false;
	}
	const struct runbook *runbook = gate_state_plan(bridge, gate)->runbook;
	size_t count = 0;
	const char **filled = gate_filled(bridge, world, gate, &count);
	bool may = false;
	for (size_t i = 0; i < count && i < model->slot_count; i++) {
		may = may || (filled[i] != NULL && strcmp(filled[i], user) == 0) ||
				(filled[i] == NULL &&
						can_fill(world, runbook, &model->slots[i], user, true));
	}
	free(filled);
	return may;
}

/* --- who holds what, as one hash --- */

static void hash_role(
		struct sha256 *sha, const struct world *world, const char *role) {
	const struct holders *holders = settings_holders(world->settings, role);
	sha256_add_field(sha, role);
	if (holders == NULL) {
		return;
	}
	sha256_add_field(sha, holders->primary);
	sha256_add_number(sha, holders->backup_count);
	for (size_t i = 0; i < holders->backup_count; i++) {
		sha256_add_field(sha, holders->backups[i]);
	}
}

void gate_holders_hash(const struct world *world, const struct runbook *runbook,
		const struct gate *model, char hex[SHA256_HEX]) {
	struct sha256 *sha = sha256_begin();
	for (size_t i = 0; i < model->slot_count; i++) {
		const struct role_set *roles = &model->slots[i].roles;
		sha256_add_number(sha, roles->count);
		for (size_t j = 0; j < roles->count; j++) {
			hash_role(sha, world, runbook->roles[roles->roles[j]].name);
		}
	}
	sha256_end(sha, hex);
}

bool gate_holders_changed(const struct bridge *bridge,
		const struct world *world, const struct gate_state *gate) {
	const struct plan_record *record = gate_state_plan(bridge, gate);
	const struct gate *model = gate_state_model(bridge, gate);
	if (model == NULL || gate->holders[0] == '\0') {
		return false;
	}
	char hex[SHA256_HEX];
	gate_holders_hash(world, record->runbook, model, hex);
	return strcmp(hex, gate->holders) != 0;
}

bool gate_wants_plan(
		const struct bridge *bridge, const struct gate_state *gate) {
	const struct run *run = bridge_run(bridge, gate->run);
	return gate->purpose != PURPOSE_ROLLBACK &&
			(run == NULL || !run->forward_begun);
}

int64_t gate_escalates_ms(
		const struct settings *settings, const struct gate_state *gate) {
	if (settings->escalate_after_ms <= 0 || gate->status != GATE_OPEN ||
			gate->escalated >= ESCALATIONS_MOST) {
		return INT64_MAX;
	}
	return gate->opened_ms +
			(gate->escalated + 1) * settings->escalate_after_ms;
}

int64_t gate_good_until_ms(const struct gate_state *gate) {
	return gate->passed_ms + gate->valid_ms;
}

int64_t gate_objection_due_ms(const struct bridge *bridge,
		const struct gate_state *gate, int64_t now_ms) {
	if (gate->objection_count == 0) {
		return INT64_MAX;
	}
	int64_t seen = gate->objections[0].at_ms;
	int64_t from = seen > bridge->started_ms ? seen : bridge->started_ms;
	return duration_end_ms(from, OBJECTION_MS, now_ms);
}
