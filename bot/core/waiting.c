#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "core/decide.h"
#include "core/flow.h"
#include "core/gate.h"

/*
 * What the bridge waits for, and for whom; and what a person may do now.
 */

void waitings_finish(struct waitings *waitings) {
	for (size_t i = 0; i < waitings->count; i++) {
		struct waiting *waiting = &waitings->list[i];
		for (size_t j = 0; j < waiting->user_count; j++) {
			free(waiting->users[j]);
		}
		for (size_t j = 0; j < waiting->role_count; j++) {
			free(waiting->roles[j]);
		}
		free(waiting->users);
		free(waiting->roles);
		free(waiting->what);
	}
	free(waitings->list);
	*waitings = (struct waitings){ 0 };
}

static struct waiting *add(struct waitings *waitings, char *what) {
	waitings->list = xreallocarray(
			waitings->list, waitings->count + 1, sizeof(*waitings->list));
	struct waiting *waiting = &waitings->list[waitings->count++];
	*waiting = (struct waiting){ .what = what };
	return waiting;
}

static void add_user(struct waiting *waiting, const char *user) {
	for (size_t i = 0; i < waiting->user_count; i++) {
		if (strcmp(waiting->users[i], user) == 0) {
			return;
		}
	}
	waiting->users = xreallocarray(
			waiting->users, waiting->user_count + 1, sizeof(*waiting->users));
	waiting->users[waiting->user_count++] = xstrdup(user);
}

static void add_role(struct waiting *waiting, const char *role) {
	waiting->roles = xreallocarray(
			waiting->roles, waiting->role_count + 1, sizeof(*waiting->roles));
	waiting->roles[waiting->role_count++] = xstrdup(role);
}

/* The primary of each role, or who stands in; where there is none, its
 * backups. */
static void add_holders(struct waiting *waiting, const struct world *world,
		const struct runbook *runbook, const struct role_set *roles,
		bool backups) {
	for (size_t i = 0; i < roles->count; i++) {
		const struct holders *holders = settings_holders(
				world->settings, runbook->roles[roles->roles[i]].name);
		if (holders == NULL) {
			continue;
		}
		const struct deputy *deputy = world_deputy(
				world, runbook->roles[roles->roles[i]].name);
		if (deputy != NULL) {
			add_user(waiting, deputy->user);
		} else if (holders->primary != NULL) {
			add_user(waiting, holders->primary);
		}
		for (size_t j = 0; (backups || holders->primary == NULL) &&
				j < holders->backup_count;
				j++) {
			if (holders->backups[j] != NULL) {
				add_user(waiting, holders->backups[j]);
			}
		}
	}
}

static void add_lead(struct waiting *waiting, const struct world *world,
		const struct runbook *runbook) {
	size_t lead = runbook_lead(runbook);
	struct role_set set = { .roles = &lead, .count = 1 };
	if (lead != RUNBOOK_NONE) {
		add_holders(waiting, world, runbook, &set, false);
	}
}

static const char *purpose_words(enum gate_purpose purpose) {
	switch (purpose) {
	case PURPOSE_PLAN:
		return "plan gate";
	case PURPOSE_START:
		return "T0 gate";
	case PURPOSE_STEP:
		return "step's gate";
	case PURPOSE_SUCCESS:
		return "success gate";
	case PURPOSE_ROLLBACK:
		return "rollback gate";
	case PURPOSE_FILES:
		return "changed files";
	}
	return "gate";
}

static void wait_for_gate(const struct bridge *bridge,
		const struct world *world, const struct gate_state *gate,
		struct waitings *waitings) {
	const struct gate *model = gate_state_model(bridge, gate);
	if (gate->status != GATE_OPEN || model == NULL) {
		return;
	}
	const struct runbook *runbook = gate_state_plan(bridge, gate)->runbook;
	size_t count = 0;
	const char **filled = gate_filled(bridge, world, gate, &count);
	size_t full = 0;
	for (size_t i = 0; i < count; i++) {
		full += filled[i] != NULL;
	}
	struct waiting *waiting = add(waitings,
			xasprintf("%s, %zu of %zu", purpose_words(gate->purpose), full,
					count));
	bool backups = gate_backups_count(world->settings, gate, world->now_ms) &&
			world->settings->backup_after_ms > 0;
	for (size_t i = 0; i < count; i++) {
		const struct role_set *roles = &model->slots[i].roles;
		if (filled[i] != NULL || roles->count == 0) {
			continue;
		}
		add_role(waiting, runbook->roles[roles->roles[0]].name);
		add_holders(waiting, world, runbook, roles, backups);
	}
	for (size_t i = 0; i < gate->objection_count; i++) {
		add_user(waiting, gate->objections[i].user);
	}
	free(filled);
}

static void wait_for_step(const struct world *world, const struct run *run,
		size_t index, struct waitings *waitings) {
	const struct runbook *runbook = run->plan->runbook;
	const struct step_state *step = &run->steps[index];
	const char *suffix = NULL;
	char *owned = NULL;
	if (step_lost(step) != NULL) {
		owned = xasprintf(
				"host is away: `!fail %s WHY`", runbook->steps[index].number);
		suffix = owned;
	} else if (step->status == STEP_FAILED) {
		suffix = "failed";
	} else if (step->status == STEP_UNKNOWN) {
		suffix = "ended unknown";
	} else if (step->status == STEP_ASKED) {
		suffix = run_step_fetches(run, index) ? "file is being fetched"
											  : runbook->steps[index].title;
	} else {
		return;
	}
	struct waiting *waiting = add(
			waitings, xasprintf("%s %s", runbook->steps[index].number, suffix));
	free(owned);
	size_t lead = 0;
	struct role_set owner = step_owner(runbook, index, &lead);
	if (step->claimed != NULL) {
		add_user(waiting, step->claimed);
	} else {
		add_holders(waiting, world, runbook, &owner, false);
	}
	for (size_t i = 0; i < owner.count; i++) {
		add_role(waiting, runbook->roles[owner.roles[i]].name);
	}
}

static bool shows_step(const struct run *run, size_t index) {
	if (flow_is_active(run, index)) {
		return true;
	}
	size_t phase = run->plan->runbook->steps[index].phase;
	return run->status == RUN_DECIDING &&
			run->plan->runbook->phases[phase].kind == PHASE_SMOKE;
}

static void wait_for_decision(const struct bridge *bridge,
		const struct world *world, const struct run *run,
		struct waitings *waitings) {
	const struct gate_state *gate = bridge_gate_for(
			bridge, run->number, PURPOSE_SUCCESS);
	if (run->status != RUN_DECIDING || !flow_is_green(run) || gate == NULL ||
			gate->status != GATE_CLOSED) {
		return;
	}
	add_lead(add(waitings, xstrdup("the decision: `!cutover decide`")), world,
			run->plan->runbook);
}

/* A rollback whose approval was found void before its first command. */
static void wait_for_rollback(const struct bridge *bridge,
		const struct world *world, const struct run *run,
		struct waitings *waitings) {
	const struct gate_state *gate = bridge_gate_for(
			bridge, run->number, PURPOSE_ROLLBACK);
	if (run->status == RUN_ROLLING_BACK && gate != NULL &&
			gate->status == GATE_CLOSED) {
		add_lead(add(waitings, xstrdup("approval: `!rollback` again")), world,
				run->plan->runbook);
	}
}

/* A read before the first command takes a moment; longer, and people should
 * know why nothing happens. */
#define UNREAD_MS 30000

static void wait_for_reading(const struct bridge *bridge,
		const struct world *world, const struct run *run,
		struct waitings *waitings) {
	struct effects effects;
	bridge_next(bridge, world, &effects);
	for (size_t i = 0; i < effects.count; i++) {
		const struct effect *effect = &effects.list[i];
		const struct gate_state *gate = bridge_gate(bridge, effect->gate);
		bool verified = effect->type == EFFECT_VERIFY_GATE && gate != NULL &&
				run->t0_ms + UNREAD_MS < world->now_ms &&
				gate->passed_ms + UNREAD_MS < world->now_ms;
		/* An objection that should have closed it by now, or its time. */
		bool settled = effect->type == EFFECT_READ_TAPS && gate != NULL &&
				(gate_objection_due_ms(bridge, gate, world->now_ms) <
								world->now_ms - UNREAD_MS ||
						(gate->status == GATE_OPEN &&
								gate->until_ms < world->now_ms - UNREAD_MS));
		if (effect->run == run->number && (verified || settled)) {
			add(waitings,
					xasprintf("a fresh read of the %s",
							purpose_words(gate->purpose)));
		}
	}
	effects_finish(&effects);
}

/* While the documents are broken nothing new passes or begins. */
static void wait_for_source(
		const struct bridge *bridge, struct waitings *waitings) {
	const struct run *run = bridge_executing(bridge);
	bool stops = run != NULL && run->status != RUN_ROLLING_BACK &&
			!run->forward_begun;
	for (size_t i = 0; i < bridge->live_gate_count; i++) {
		const struct gate_state *gate = &bridge->gates[bridge->live_gates[i]];
		stops = stops ||
				(gate->status == GATE_OPEN &&
						gate->purpose != PURPOSE_ROLLBACK);
	}
	if (bridge->source_broken && stops) {
		add(waitings, xstrdup("a mended runbook or config"));
	}
}

static void wait_for_run(const struct bridge *bridge, const struct world *world,
		const struct run *run, struct waitings *waitings) {
	if (run->status == RUN_CLOSED) {
		return;
	}
	if (run->held) {
		add_lead(add(waitings, xstrdup("held: `!cutover resume`")), world,
				run->plan->runbook);
	}
	if (run->status == RUN_PLANNED) {
		add_lead(add(waitings,
						 xstrdup(run->kind == RUN_PRODUCTION
										 ? "`!cutover start`"
										 : "`!cutover rehearse`")),
				world, run->plan->runbook);
	}
	if (run->status == RUN_ROLLED_BACK || run->status == RUN_ABORTED ||
			(run->status == RUN_SUCCEEDED && run->watched)) {
		add_lead(add(waitings, xstrdup("`!cutover close`")), world,
				run->plan->runbook);
	}
	wait_for_decision(bridge, world, run, waitings);
	wait_for_rollback(bridge, world, run, waitings);
	wait_for_reading(bridge, world, run, waitings);
	for (size_t i = 0; i < run->index.live_count; i++) {
		size_t step = run->index.live[i];
		if (shows_step(run, step) || step_lost(&run->steps[step]) != NULL) {
			wait_for_step(world, run, step, waitings);
		}
	}
}

void bridge_waiting(const struct bridge *bridge, const struct world *given,
		struct waitings *waitings) {
	struct world here = *given;
	here.bridge = bridge;
	const struct world *world = &here;
	*waitings = (struct waitings){ 0 };
	if (bridge->server_lost) {
		add(waitings, xstrdup("the chat server"));
	}
	wait_for_source(bridge, waitings);
	for (size_t i = 0; i < bridge->live_gate_count; i++) {
		const struct gate_state *gate = &bridge->gates[bridge->live_gates[i]];
		if (gate->run != 0) {
			wait_for_gate(bridge, world, gate, waitings);
		}
	}
	for (size_t i = bridge->first_open_run; i < bridge->run_count; i++) {
		wait_for_run(bridge, world, &bridge->runs[i], waitings);
	}
	// A plan's approval keeps no run, so what a run waits for is said first.
	for (size_t i = 0; i < bridge->live_gate_count; i++) {
		const struct gate_state *gate = &bridge->gates[bridge->live_gates[i]];
		if (gate->run == 0) {
			wait_for_gate(bridge, world, gate, waitings);
		}
	}
}

/* --- what a person may do now --- */

static bool leads(const struct world *world, const struct runbook *runbook,
		const char *user) {
	size_t lead = runbook_lead(runbook);
	return lead == RUNBOOK_NONE ||
			world_holds(world, user, runbook->roles[lead].name) > 0;
}

static bool owns(const struct world *world, const struct run *run, size_t index,
		const char *user) {
	const struct runbook *runbook = run->plan->runbook;
	size_t lead = 0;
	struct role_set owner = step_owner(runbook, index, &lead);
	for (size_t i = 0; i < owner.count; i++) {
		if (world_holds(world, user, runbook->roles[owner.roles[i]].name) > 0) {
			return true;
		}
	}
	return owner.count == 0;
}

/* Whether step command @type would do something to step @index, said by its
 * owner (or the lead, as the command allows). */
static bool step_takes(
		const struct run *run, size_t index, enum request_type type) {
	const struct step_state *step = &run->steps[index];
	bool manual = run->plan->runbook->steps[index].kind == STEP_MANUAL;
	bool stopped = step->status == STEP_FAILED || step->status == STEP_UNKNOWN;
	if (type == REQUEST_DONE) {
		return step->status == STEP_UNKNOWN ||
				(manual && step->status == STEP_ASKED);
	}
	if (type == REQUEST_FAIL) {
		return step->status == STEP_UNKNOWN || step->status == STEP_RUNNING ||
				(manual && step->status == STEP_ASKED);
	}
	if (type == REQUEST_RUN || type == REQUEST_PASS) {
		return !manual && step->status == STEP_ASKED;
	}
	if (type == REQUEST_SKIP) {
		return stopped && !flow_publishes_undo(run, index);
	}
	if (type == REQUEST_CLAIM) {
		return step->status == STEP_ASKED || stopped;
	}
	return stopped;
}

size_t *bridge_may_steps(const struct bridge *bridge, const struct world *given,
		const char *user, enum request_type type, size_t *count) {
	struct world here = *given;
	here.bridge = bridge;
	const struct world *world = &here;
	const struct run *run = bridge_current(bridge);
	*count = 0;
	if (run == NULL) {
		return NULL;
	}
	size_t *steps = NULL;
	bool lead = leads(world, run->plan->runbook, user);
	for (size_t j = 0; j < run->index.live_count; j++) {
		size_t i = run->index.live[j];
		if (!shows_step(run, i) || !step_takes(run, i, type)) {
			continue;
		}
		bool owner = type != REQUEST_SKIP && owns(world, run, i, user);
		bool as_lead = lead && type != REQUEST_DONE && type != REQUEST_CLAIM;
		if (owner || as_lead) {
			steps = xreallocarray(steps, *count + 1, sizeof(*steps));
			steps[(*count)++] = i;
		}
	}
	return steps;
}

static bool may_roll_back(const struct bridge *bridge,
		const struct world *world, const char *user) {
	const struct run *run = bridge_to_roll_back(bridge);
	if (run == NULL || run->status == RUN_ROLLED_BACK ||
			runbook_phase(run->plan->runbook, PHASE_ROLLBACK) == RUNBOOK_NONE) {
		return false;
	}
	if (runbook_rollback_gate(run->plan->runbook) == RUNBOOK_NONE) {
		return run->status != RUN_ROLLING_BACK &&
				leads(world, run->plan->runbook, user);
	}
	const struct gate_state *gate = bridge_gate_for(
			bridge, run->number, PURPOSE_ROLLBACK);
	return run->status != RUN_ROLLING_BACK ||
			(gate != NULL &&
					(gate->status == GATE_OPEN || gate->status == GATE_CLOSED));
}

static bool may_lead(const struct bridge *bridge, const struct world *world,
		const struct run *executing, enum request_type type) {
	const struct run *current = bridge_current(bridge);
	if (type == REQUEST_PLAN) {
		return executing == NULL;
	}
	const struct plan_record *plan = bridge_plan(bridge);
	if (type == REQUEST_REHEARSE) {
		return executing == NULL && plan != NULL &&
				runbook_phase(plan->runbook, PHASE_REHEARSAL) != RUNBOOK_NONE;
	}
	if (type == REQUEST_START) {
		return bridge_may_start(bridge, world);
	}
	if (type == REQUEST_POLL) {
		return plan != NULL && (executing == NULL || executing->t0_ms == 0);
	}
	if (type == REQUEST_RESUME) {
		return bridge_held(bridge) != NULL;
	}
	if (type == REQUEST_DECIDE) {
		return executing != NULL && executing->kind == RUN_PRODUCTION &&
				(executing->status == RUN_RUNNING ||
						executing->status == RUN_DECIDING);
	}
	if (type == REQUEST_ABORT) {
		return current != NULL &&
				run_status_may_follow(current->status, RUN_ABORTED);
	}
	return current != NULL && current->status != RUN_RUNNING &&
			run_status_may_follow(current->status, RUN_CLOSED);
}

static bool holds_some(const struct world *world, const char *user, int least) {
	for (size_t i = 0; i < world->settings->holder_count; i++) {
		if (world_holds(world, user, world->settings->holders[i].role) >=
				least) {
			return true;
		}
	}
	return false;
}

static bool may_override(const struct world *world, const char *user) {
	for (size_t i = 0; i < world->settings->override_role_count; i++) {
		if (world_holds(world, user, world->settings->override_roles[i]) > 0) {
			return true;
		}
	}
	return false;
}

static bool may_of_people(const struct bridge *bridge,
		const struct world *world, const char *user, enum request_type type) {
	if (type == REQUEST_DELEGATE) {
		return bridge_plan(bridge) != NULL && holds_some(world, user, 3);
	}
	for (size_t i = 0; i < bridge->gate_count; i++) {
		const struct gate_state *gate = &bridge->gates[i];
		if (type == REQUEST_REVIEW && gate->overridden &&
				gate->reviewed == NULL && holds_some(world, user, 1)) {
			return true;
		}
		if (type == REQUEST_OVERRIDE && gate->status == GATE_OPEN &&
				may_override(world, user)) {
			return true;
		}
	}
	return false;
}

bool bridge_may(const struct bridge *bridge, const struct world *given,
		const char *user, enum request_type type) {
	struct world here = *given;
	here.bridge = bridge;
	const struct world *world = &here;
	const struct run *executing = bridge_executing(bridge);
	const struct plan_record *plan = bridge_plan(bridge);
	const struct runbook *runbook = executing != NULL ? executing->plan->runbook
			: plan != NULL                            ? plan->runbook
													  : NULL;
	bool lead = runbook == NULL || leads(world, runbook, user);
	if (type == REQUEST_ROLLBACK) {
		return may_roll_back(bridge, world, user);
	}
	if (type == REQUEST_HOLD) {
		const struct run *run = bridge_holdable(bridge);
		return run != NULL && !run->held &&
				(run->status != RUN_ROLLING_BACK || lead);
	}
	if (type >= REQUEST_DONE && type <= REQUEST_CLAIM) {
		size_t count = 0;
		free(bridge_may_steps(bridge, world, user, type, &count));
		return count > 0;
	}
	if (type >= REQUEST_PLAN && type <= REQUEST_CLOSE) {
		return lead && may_lead(bridge, world, executing, type);
	}
	if (type >= REQUEST_DELEGATE && type <= REQUEST_REVIEW) {
		return may_of_people(bridge, world, user, type);
	}
	return type <= REQUEST_WHY;
}
