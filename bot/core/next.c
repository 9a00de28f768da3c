#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "core/decide.h"
#include "core/flow.h"
#include "core/gate.h"

/*
 * What the shell must do, and until when it may sleep: pure questions.
 */

void effects_finish(struct effects *effects) {
	free(effects->list);
	*effects = (struct effects){ 0 };
}

static void add(struct effects *effects, struct effect effect) {
	effects->list = xreallocarray(
			effects->list, effects->count + 1, sizeof(*effects->list));
	effects->list[effects->count++] = effect;
}

/* --- gates --- */

static void next_gate(const struct bridge *bridge, const struct world *world,
		const struct gate_state *gate, struct effects *effects) {
	bool open = gate->status == GATE_OPEN;
	if ((!open && gate->status != GATE_PASSED) || gate->post == NULL) {
		return;
	}
	bool due = world->now_ms >=
					gate_objection_due_ms(bridge, gate, world->now_ms) ||
			(open && world->now_ms >= gate->until_ms);
	if (due) {
		add(effects,
				(struct effect){
						.type = EFFECT_READ_TAPS,
						.gate = gate->id,
						.run = gate->run,
				});
	}
}

/* The gate that must still be verified before a command of @step. */
static const struct gate_state *unverified(const struct bridge *bridge,
		const struct run *run, size_t step, bool *barred) {
	const struct gate_state *plan = flow_plan_gate(bridge, run);
	const struct gate_state *gate = flow_gate_state(bridge, run, step);
	bool rolling = run->status == RUN_ROLLING_BACK;
	*barred = false;
	if (flow_gate_of(run, step) != RUNBOOK_NONE) {
		*barred = gate == NULL || gate->status == GATE_OPEN ||
				gate->status == GATE_CLOSED ||
				(gate->status == GATE_PASSED && gate->objection_count > 0);
	}
	if (!rolling && !run->forward_begun && plan != NULL) {
		*barred = *barred || plan->status == GATE_OPEN ||
				plan->status == GATE_CLOSED ||
				(plan->status == GATE_PASSED && plan->objection_count > 0);
		if (plan->status == GATE_PASSED) {
			return plan;
		}
	}
	return gate != NULL && gate->status == GATE_PASSED ? gate : NULL;
}

/* --- attempts --- */

static struct effect attempt_effect(enum effect_type type,
		const struct run *run, size_t step, uint32_t block, uint32_t host,
		uint32_t number) {
	size_t phase = run->plan->runbook->steps[step].phase;
	return (struct effect){
		.type = type,
		.run = run->number,
		.step = (uint32_t)step,
		.block = block,
		.host = host,
		.attempt = number,
		.forward = run->plan->runbook->phases[phase].kind != PHASE_ROLLBACK,
	};
}

static bool is_cancelled(
		const struct run *run, size_t step, const struct attempt *attempt) {
	if (run->steps[step].cancelling_ms != 0) {
		return true;
	}
	switch (run->status) {
	case RUN_ROLLING_BACK:
	case RUN_ROLLED_BACK:
		return flow_stops_on_rollback(run, step, attempt->block);
	case RUN_ABORTED:
	case RUN_CLOSED:
		return true;
	case RUN_PLANNED:
	case RUN_AT_GATE:
	case RUN_RUNNING:
	case RUN_DECIDING:
	case RUN_SUCCEEDED:
		return false;
	}
	return false;
}

static void next_running_of(
		const struct run *run, size_t step, struct effects *effects) {
	const struct step_state *state = &run->steps[step];
	for (size_t i = 0; i < state->attempt_count && state->running_count > 0;
			i++) {
		const struct attempt *attempt = &state->attempts[i];
		if (attempt->ended_ms != 0) {
			continue;
		}
		add(effects,
				attempt_effect(EFFECT_FOLLOW_ATTEMPT, run, step, attempt->block,
						attempt->host, attempt->number));
		if (is_cancelled(run, step, attempt)) {
			add(effects,
					attempt_effect(EFFECT_CANCEL_ATTEMPT, run, step,
							attempt->block, attempt->host, attempt->number));
		}
	}
}

static void next_running(const struct run *run, struct effects *effects) {
	for (size_t i = 0; i < run->index.live_count; i++) {
		next_running_of(run, run->index.live[i], effects);
	}
}

/* One after the other, so that together they stay below the run's limit;
 * whatever has become of the run since. */
static void next_files(const struct run *run, struct effects *effects) {
	for (size_t i = 0; run->files_due > 0 && i < run->file_count; i++) {
		if (run->files[i].status == FILE_OFFERED) {
			add(effects,
					(struct effect){
							.type = EFFECT_FETCH_FILE,
							.run = run->number,
							.file = (uint32_t)i,
					});
			return;
		}
	}
}

/* Whether anything of @step may be started; a gate may have to be verified. */
static bool may_start(const struct bridge *bridge, const struct run *run,
		size_t step, struct effects *effects) {
	size_t publisher = 0;
	if (run->status == RUN_ROLLING_BACK &&
			flow_missing_value(run, step, &publisher) != NULL) {
		return false; // decide_tick passes it over, or asks
	}
	bool barred = false;
	const struct gate_state *gate = unverified(bridge, run, step, &barred);
	if (barred || gate == NULL) {
		return !barred;
	}
	add(effects,
			(struct effect){
					.type = EFFECT_VERIFY_GATE,
					.gate = gate->id,
					.run = run->number,
					.forward = run->status != RUN_ROLLING_BACK,
			});
	return false;
}

static void next_start(const struct bridge *bridge, const struct world *world,
		const struct run *run, size_t step, struct effects *effects) {
	size_t count = 0;
	struct flow_attempt *list = flow_next_attempts(
			run, step, world->now_ms, &count);
	bool asked = false;
	for (size_t i = 0; i < count; i++) {
		if (list[i].due_ms > world->now_ms) {
			continue;
		}
		if (!asked && !may_start(bridge, run, step, effects)) {
			break;
		}
		asked = true;
		add(effects,
				attempt_effect(EFFECT_START_ATTEMPT, run, step, list[i].block,
						list[i].host, list[i].number));
	}
	free(list);
}

static void next_run(const struct bridge *bridge, const struct world *world,
		const struct run *run, struct effects *effects) {
	next_running(run, effects);
	next_files(run, effects);
	if (flow_phases(run) == 0 || run_stands_still(bridge, run) ||
			(bridge->source_broken && run->status != RUN_ROLLING_BACK &&
					!run->forward_begun)) {
		return;
	}
	size_t count = 0;
	size_t *turns = flow_turns(run, &count);
	for (size_t i = 0; i < count; i++) {
		next_start(bridge, world, run, turns[i], effects);
	}
	free(turns);
}

void bridge_next(const struct bridge *bridge, const struct world *given,
		struct effects *effects) {
	struct world here = *given;
	here.bridge = bridge;
	const struct world *world = &here;
	*effects = (struct effects){ 0 };
	for (size_t i = 0; i < bridge->live_gate_count; i++) {
		next_gate(
				bridge, world, &bridge->gates[bridge->live_gates[i]], effects);
	}
	for (size_t i = bridge->first_open_run; i < bridge->run_count; i++) {
		next_run(bridge, world, &bridge->runs[i], effects);
	}
}

/* --- until when --- */

/* What was due already has become an event or an effect. */
struct alarm {
	int64_t now_ms;
	int64_t due_ms;
};

static void earlier(struct alarm *alarm, int64_t due_ms) {
	if (due_ms > alarm->now_ms && due_ms < alarm->due_ms) {
		alarm->due_ms = due_ms;
	}
}

static void gate_deadline(const struct bridge *bridge,
		const struct world *world, const struct gate_state *gate,
		struct alarm *due) {
	if (gate->status == GATE_OPEN) {
		earlier(due, gate->until_ms);
		earlier(due, gate_backups_at(world->settings, gate));
		earlier(due, gate_escalates_ms(world->settings, gate));
	}
	if (gate->status == GATE_PASSED) {
		earlier(due, gate_good_until_ms(gate));
	}
	if (gate->status == GATE_OPEN || gate->status == GATE_PASSED) {
		earlier(due, gate_objection_due_ms(bridge, gate, world->now_ms));
	}
}

static void run_deadline(
		const struct run *run, const struct world *world, struct alarm *due) {
	earlier(due, flow_status_due_ms(run, world->settings, world->now_ms));
	for (size_t i = 0; i < run->index.live_count; i++) {
		size_t step = run->index.live[i];
		earlier(due, flow_escalates_ms(run, step, world->settings));
		earlier(due, flow_watched_ms(run, step));
	}
	size_t count = 0;
	size_t *turns = flow_turns(run, &count);
	for (size_t i = 0; i < count; i++) {
		size_t nexts = 0;
		struct flow_attempt *list = flow_next_attempts(
				run, turns[i], world->now_ms, &nexts);
		for (size_t j = 0; j < nexts; j++) {
			earlier(due, list[j].due_ms);
		}
		free(list);
	}
	free(turns);
}

int64_t bridge_deadline(
		const struct bridge *bridge, const struct world *world) {
	struct alarm due = { .now_ms = world->now_ms, .due_ms = INT64_MAX };
	for (size_t i = 0; i < bridge->live_gate_count; i++) {
		gate_deadline(
				bridge, world, &bridge->gates[bridge->live_gates[i]], &due);
	}
	for (size_t i = bridge->first_open_run; i < bridge->run_count; i++) {
		if (bridge->runs[i].status != RUN_CLOSED) {
			run_deadline(&bridge->runs[i], world, &due);
		}
	}
	return due.due_ms;
}

/* --- taps --- */

static bool gate_takes_taps(
		const struct bridge *bridge, const struct gate_state *gate) {
	if (gate->post == NULL || gate->status == GATE_CLOSED) {
		return false;
	}
	if (gate->status == GATE_OPEN) {
		return true;
	}
	if (gate->purpose == PURPOSE_PLAN) {
		const struct plan_record *plan = bridge_plan(bridge);
		return plan != NULL && gate->status == GATE_PASSED &&
				strcmp(plan->plan.digest, gate->digest) == 0;
	}
	const struct run *run = bridge_run(bridge, gate->run);
	return run != NULL && run_is_executing(run) &&
			gate->purpose != PURPOSE_SUCCESS && gate->purpose != PURPOSE_FILES;
}

/* The approval of the plan by which something has begun: ❌ still means
 * something there. */
static const struct gate_state *used_plan_gate(const struct bridge *bridge) {
	const struct run *run = bridge_executing(bridge);
	const struct gate_state *gate = run != NULL
			? flow_plan_gate(bridge, run)
			: bridge_gate_for(bridge, 0, PURPOSE_PLAN);
	return gate != NULL && gate->status == GATE_USED ? gate : NULL;
}

const char **bridge_tap_posts(const struct bridge *bridge, size_t *count) {
	const char **posts = NULL;
	*count = 0;
	const struct gate_state *used = used_plan_gate(bridge);
	if (used != NULL && used->post != NULL) {
		posts = xcalloc(1, sizeof(*posts));
		posts[(*count)++] = used->post;
	}
	for (size_t i = 0; i < bridge->live_gate_count; i++) {
		const struct gate_state *gate = &bridge->gates[bridge->live_gates[i]];
		if (gate_takes_taps(bridge, gate)) {
			posts = xreallocarray(posts, *count + 1, sizeof(*posts));
			posts[(*count)++] = gate->post;
		}
	}
	for (size_t i = 0; i < bridge->poll_count; i++) {
		if (bridge->polls[i].open && bridge->polls[i].post != NULL) {
			posts = xreallocarray(posts, *count + 1, sizeof(*posts));
			posts[(*count)++] = bridge->polls[i].post;
		}
	}
	for (size_t i = bridge->first_open_run; i < bridge->run_count; i++) {
		const struct run *run = &bridge->runs[i];
		for (size_t j = 0; j < run->index.live_count; j++) {
			const struct step_state *step = &run->steps[run->index.live[j]];
			if (step->status == STEP_ASKED && step->post != NULL &&
					flow_is_active(run, run->index.live[j])) {
				posts = xreallocarray(posts, *count + 1, sizeof(*posts));
				posts[(*count)++] = step->post;
			}
		}
	}
	return posts;
}
