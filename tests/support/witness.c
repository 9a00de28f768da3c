#include "support/witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "codec/event_json.h"
#include "core/decide.h"

static void violate(
		struct witness *witness, const struct event *event, const char *what) {
	struct night *night = witness->night;
	if (night->violated[0] == '\0') {
		const struct run *run = bridge_run(&night->bridge, event->run);
		bool known = run != NULL && event->step < run->step_count;
		snprintf(night->violated, sizeof(night->violated), "%s: %s %s", what,
				event_spec(event->type)->name,
				known ? run->plan->runbook->steps[event->step].number : "");
	}
}

static struct witness_block *find(
		const struct witness *witness, const struct event *event) {
	for (size_t i = 0; i < witness->count; i++) {
		struct witness_block *block = &witness->blocks[i];
		if (block->run == event->run && block->step == event->step &&
				block->block == event->block && block->host == event->host) {
			return block;
		}
	}
	return NULL;
}

static enum phase_kind kind_of(const struct run *run, size_t step) {
	const struct runbook *runbook = run->plan->runbook;
	return runbook->phases[runbook->steps[step].phase].kind;
}

static bool is_monitor(const struct run *run, size_t step) {
	const struct step *model = &run->plan->runbook->steps[step];
	return model->block_count > 0 &&
			model->blocks[model->block_count - 1].every_ms > 0;
}

/* --- S1: who agreed, as the posts on the server have it now --- */

static bool taps(const struct witness *witness, const struct gate_state *gate,
		const char *user, const char *emoji) {
	const struct night *night = witness->night;
	for (size_t i = 0; i < night->tap_count && gate->post != NULL; i++) {
		const struct night_tap *tap = &night->taps[i];
		if (strcmp(tap->post, gate->post) == 0 &&
				strcmp(tap->user, user) == 0 &&
				strncmp(tap->emoji, emoji, strlen(emoji)) == 0) {
			return true;
		}
	}
	return false;
}

static bool has_asked(const struct gate_state *gate, const char *user) {
	for (size_t i = 0; i < gate->approval_count; i++) {
		if (gate->approvals[i].emoji == NULL &&
				strcmp(gate->approvals[i].user, user) == 0) {
			return true;
		}
	}
	return false;
}

#define PEOPLE 5
static const char *const people[PEOPLE] = { "lead", "cto", "rep", "dep",
	"other" };

static bool agrees(const struct witness *witness, const struct gate_state *gate,
		const char *user) {
	bool yes = taps(witness, gate, user, "white_check_mark") ||
			taps(witness, gate, user, "+1") || has_asked(gate, user);
	return yes && !taps(witness, gate, user, "x");
}

/* Whether the slots from @slot on can be filled by people not in @taken. */
static bool fills(const struct witness *witness, const struct world *world,
		const struct gate_state *gate, size_t slot, unsigned taken) {
	const struct gate *model = gate_state_model(&witness->night->bridge, gate);
	const struct runbook *runbook =
			gate_state_plan(&witness->night->bridge, gate)->runbook;
	if (slot == model->slot_count) {
		return true;
	}
	const struct role_set *roles = &model->slots[slot].roles;
	for (size_t i = 0; i < PEOPLE; i++) {
		bool holds = false;
		for (size_t j = 0; j < roles->count; j++) {
			holds = holds ||
					world_holds(world, people[i],
							runbook->roles[roles->roles[j]].name) > 0;
		}
		if (holds && (taken & (1u << i)) == 0 &&
				agrees(witness, gate, people[i]) &&
				fills(witness, world, gate, slot + 1, taken | (1u << i))) {
			return true;
		}
	}
	return false;
}

/* Whether what @gate lets happen may begin: by what is true now, whoever was
 * asked before. */
static void see_agreed(struct witness *witness, const struct world *given,
		const struct gate_state *gate, const struct event *event) {
	struct world world = *given;
	world.bridge = &witness->night->bridge;
	const struct run *run = bridge_run(world.bridge, gate->run);
	if (!gate->overridden && !fills(witness, &world, gate, 0, 0)) {
		violate(witness, event, "S1 not all have agreed");
	}
	for (size_t i = 0; i < gate->filled_count; i++) {
		if (taps(witness, gate, gate->filled[i], "x")) {
			violate(witness, event, "S1 one who agreed says no");
		}
	}
	if (world.now_ms >= gate->passed_ms + gate->valid_ms) {
		violate(witness, event, "S1 expired");
	}
	if (run != NULL && strcmp(run->plan->plan.digest, gate->digest) != 0) {
		violate(witness, event, "S1 for another plan");
	}
}

/* The first command behind @gate starts. */
static void see_begun(struct witness *witness, const struct world *world,
		const struct gate_state *gate, const struct event *event) {
	for (size_t i = 0; i < witness->begun_count; i++) {
		if (witness->begun[i] == gate->id) {
			return;
		}
	}
	witness->begun = xreallocarray(witness->begun, witness->begun_count + 1,
			sizeof(witness->begun[0]));
	witness->begun[witness->begun_count++] = gate->id;
	see_agreed(witness, world, gate, event);
}

static void see_plan(struct witness *witness, const struct world *world,
		const struct run *run, const struct event *event) {
	const struct bridge *bridge = &witness->night->bridge;
	if (runbook_plan_gate(run->plan->runbook) == RUNBOOK_NONE) {
		return;
	}
	for (size_t i = bridge->gate_count; i > 0; i--) {
		const struct gate_state *gate = &bridge->gates[i - 1];
		if (gate->purpose == PURPOSE_PLAN && gate->status == GATE_USED &&
				strcmp(gate->digest, run->plan->plan.digest) == 0) {
			see_begun(witness, world, gate, event);
			return;
		}
	}
	violate(witness, event, "S1 nobody has agreed to the plan");
}

static void see_gate(struct witness *witness, const struct world *world,
		const struct run *run, const struct event *event) {
	const struct bridge *bridge = &witness->night->bridge;
	size_t wanted = run->plan->runbook->steps[event->step].gate;
	for (size_t i = bridge->gate_count; i > 0 && wanted != RUNBOOK_NONE; i--) {
		const struct gate_state *gate = &bridge->gates[i - 1];
		if (gate->run == run->number && gate->gate == wanted &&
				gate->status == GATE_USED && gate->purpose != PURPOSE_SUCCESS &&
				gate->purpose != PURPOSE_FILES) {
			see_begun(witness, world, gate, event);
			return;
		}
	}
	if (wanted != RUNBOOK_NONE) {
		violate(witness, event, "S1 nobody has agreed to this step");
	}
}

/* --- what begins --- */

/* S4: whether a rollback of any run is asked for, or was approved and is not
 * over. */
static bool rolls_back(const struct bridge *bridge, const struct run *run) {
	for (size_t i = 0; i < bridge->gate_count; i++) {
		const struct gate_state *gate = &bridge->gates[i];
		const struct run *other = bridge_run(bridge, gate->run);
		bool agreed = gate->status == GATE_PASSED || gate->status == GATE_USED;
		if (gate->purpose != PURPOSE_ROLLBACK ||
				(other != run && !run_is_executing(run))) {
			continue;
		}
		if (gate->status == GATE_OPEN || (other == run && agreed) ||
				(agreed && other->status != RUN_ROLLED_BACK &&
						other->status != RUN_ABORTED &&
						other->status != RUN_CLOSED)) {
			return true;
		}
	}
	return false;
}

/* Whether a rule of the runbook lets it be tried again, unasked. */
static bool rule_allows(
		const struct block *model, const struct witness_block *block) {
	if (block->last == OUTCOME_UNKNOWN) {
		return model->repeatable;
	}
	return block->last != OUTCOME_CANCELLED && block->ended <= model->retries;
}

static bool is_settled(const struct run *run, size_t step) {
	return run->steps[step].status == STEP_ENDED || is_monitor(run, step);
}

/* Steps come in order: in the strict phases each waits for those before it. */
static bool is_in_order(const struct run *run, uint32_t step) {
	enum phase_kind kind = kind_of(run, step);
	bool strict = kind != PHASE_SMOKE && kind != PHASE_POST;
	for (size_t i = 0; i < run->step_count; i++) {
		enum phase_kind other = kind_of(run, i);
		bool before = (strict && other == kind && i < step) ||
				(kind == PHASE_SMOKE && other == PHASE_PRODUCTION);
		if (before && !is_settled(run, i)) {
			return false;
		}
	}
	return true;
}

static bool is_its_time(const struct run *run, uint32_t step) {
	switch (kind_of(run, step)) {
	case PHASE_REHEARSAL:
		return run->kind == RUN_REHEARSAL && run->status == RUN_RUNNING;
	case PHASE_PRODUCTION:
	case PHASE_SMOKE:
		return run->kind == RUN_PRODUCTION && run->status == RUN_RUNNING;
	case PHASE_ROLLBACK:
		return run->status == RUN_ROLLING_BACK;
	case PHASE_POST:
		return run->status == RUN_SUCCEEDED;
	}
	return false;
}

static void see_repeated(struct witness *witness, const struct run *run,
		const struct event *event, const struct witness_block *block) {
	const struct block *model =
			&run->plan->runbook->steps[event->step].blocks[event->block];
	if (model->every_ms > 0) {
		return; // that is what a monitor does
	}
	if (block->ok) {
		violate(witness, event, "S2 again, though it went well");
	} else if (block->runs) {
		violate(witness, event, "S2 again, though it runs");
	} else if (!block->may_again && !rule_allows(model, block)) {
		violate(witness, event, "S2 again, unasked");
	}
}

static void see_started(struct witness *witness, const struct world *world,
		const struct event *event) {
	const struct bridge *bridge = &witness->night->bridge;
	const struct run *run = bridge_run(bridge, event->run);
	struct witness_block *block = find(witness, event);
	if (block != NULL) {
		see_repeated(witness, run, event, block);
	} else {
		witness->blocks = xreallocarray(
				witness->blocks, witness->count + 1, sizeof(*witness->blocks));
		block = &witness->blocks[witness->count++];
		*block = (struct witness_block){
			.run = event->run,
			.step = event->step,
			.block = event->block,
			.host = event->host,
		};
	}
	block->begun++;
	block->runs = true;
	block->may_again = false;
	enum phase_kind kind = kind_of(run, event->step);
	if (kind != PHASE_ROLLBACK && rolls_back(bridge, run)) {
		violate(witness, event, "S4 forward, and a rollback is asked for");
	}
	if (!is_its_time(run, event->step)) {
		violate(witness, event, "not its time");
	}
	if (!is_in_order(run, event->step)) {
		violate(witness, event, "out of order");
	}
	see_gate(witness, world, run, event);
	if (run->kind == RUN_PRODUCTION && kind != PHASE_ROLLBACK) {
		see_plan(witness, world, run, event);
	}
}

/* --- what comes of it --- */

/* What was to begin behind a gate of the run did not; if nothing else has, it
 * is as if nobody had tried.  (A plan's gate is not looked at again: its run
 * has begun.) */
static void see_not_begun(struct witness *witness, const struct event *event) {
	const struct bridge *bridge = &witness->night->bridge;
	const struct run *run = bridge_run(bridge, event->run);
	size_t wanted = run->plan->runbook->steps[event->step].gate;
	for (size_t i = 0; i < witness->count; i++) {
		const struct witness_block *block = &witness->blocks[i];
		if (block->run == event->run && (block->runs || block->began) &&
				run->plan->runbook->steps[block->step].gate == wanted) {
			return;
		}
	}
	for (size_t i = witness->begun_count; i > 0; i--) {
		const struct gate_state *gate = bridge_gate(
				bridge, witness->begun[i - 1]);
		if (gate->run == event->run && gate->gate == wanted) {
			witness->begun[i - 1] = witness->begun[--witness->begun_count];
		}
	}
}

static void see_ended(struct witness *witness, const struct event *event) {
	struct witness_block *block = find(witness, event);
	if (block == NULL || !block->runs) {
		violate(witness, event, "ended, and never began");
		return;
	}
	block->runs = false;
	block->last = event->outcome;
	block->ended++;
	block->ok = block->ok || event->outcome == OUTCOME_OK;
	block->began = block->began || event->outcome != OUTCOME_NOT_STARTED;
	if (event->outcome == OUTCOME_NOT_STARTED) {
		see_not_begun(witness, event);
	}
}

/* A person lets what did not go well be done again. */
static void see_retried(struct witness *witness, const struct event *event) {
	for (size_t i = 0; i < witness->count; i++) {
		struct witness_block *block = &witness->blocks[i];
		if (block->run == event->run && block->step == event->step) {
			block->may_again = true;
			block->ended = 0;
		}
	}
}

static void see_confirmed(struct witness *witness, const struct event *event) {
	for (size_t i = 0; i < witness->count; i++) {
		struct witness_block *block = &witness->blocks[i];
		if (block->run == event->run && block->step == event->step &&
				block->block == event->block &&
				block->last == OUTCOME_UNKNOWN) {
			block->ok = true;
		}
	}
}

static void lock(struct witness *witness) {
	witness->locked_run = (uint32_t)witness->night->bridge.run_count;
}

/* A rollback that is taken up begins again what was cut short. */
static void see_rolling_back(
		struct witness *witness, const struct event *event) {
	const struct run *run = bridge_run(&witness->night->bridge, event->run);
	for (size_t i = 0; i < witness->count; i++) {
		struct witness_block *block = &witness->blocks[i];
		if (block->run == event->run &&
				kind_of(run, block->step) == PHASE_ROLLBACK &&
				block->last == OUTCOME_CANCELLED) {
			block->may_again = true;
			block->ended = 0;
		}
	}
	lock(witness);
}

static bool whole_step_went_well(
		const struct witness *witness, const struct run *run, size_t step) {
	const struct step *model = &run->plan->runbook->steps[step];
	for (uint32_t i = 0; i < model->block_count; i++) {
		for (uint32_t j = 0; j < run_host_count(run, step, i); j++) {
			const struct event event = {
				.run = run->number,
				.step = (uint32_t)step,
				.block = i,
				.host = j,
			};
			const struct witness_block *block = find(witness, &event);
			if (model->blocks[i].every_ms == 0 &&
					(block == NULL || !block->ok)) {
				return false;
			}
		}
	}
	return true;
}

/* Nothing is left out: each step was done, or a person or a missing value has
 * settled it. */
static void see_all_settled(struct witness *witness, const struct event *event,
		enum phase_kind kind) {
	const struct run *run = bridge_run(&witness->night->bridge, event->run);
	for (size_t i = 0; i < run->step_count; i++) {
		const struct step_state *step = &run->steps[i];
		if (kind_of(run, i) != kind || is_monitor(run, i)) {
			continue;
		}
		if (step->status != STEP_ENDED || step->outcome == OUTCOME_CANCELLED ||
				step->outcome == OUTCOME_FAILED ||
				step->outcome == OUTCOME_UNKNOWN) {
			violate(witness, event, "a step was left out");
		}
		if (step->outcome == OUTCOME_OK &&
				!whole_step_went_well(witness, run, i)) {
			violate(witness, event, "a step was done by half");
		}
	}
}

static void see_rolled_back(
		struct witness *witness, const struct event *event) {
	see_all_settled(witness, event, PHASE_ROLLBACK);
	for (size_t i = 0; i < witness->count; i++) {
		if (witness->blocks[i].run == event->run && witness->blocks[i].runs) {
			violate(witness, event, "rolled back, and a command runs");
		}
	}
	witness->rolled_back++;
}

static void see_succeeded(struct witness *witness, const struct event *event) {
	const struct bridge *bridge = &witness->night->bridge;
	const struct run *run = bridge_run(bridge, event->run);
	see_all_settled(witness, event, PHASE_PRODUCTION);
	see_all_settled(witness, event, PHASE_SMOKE);
	if (rolls_back(bridge, run)) {
		violate(witness, event, "success, and a rollback was agreed on");
	}
	const struct gate_state *gate = bridge_gate_for(
			bridge, run->number, PURPOSE_SUCCESS);
	if (runbook_success_gate(run->plan->runbook) != RUNBOOK_NONE &&
			(gate == NULL || gate->status != GATE_PASSED)) {
		violate(witness, event, "success, and nobody has agreed");
	}
	witness->succeeded++;
}

static void see_aborted(struct witness *witness, const struct event *event) {
	const struct run *run = bridge_run(&witness->night->bridge, event->run);
	for (size_t i = 0; i < witness->count; i++) {
		if (witness->blocks[i].run == event->run &&
				run->kind == RUN_PRODUCTION) {
			lock(witness);
		}
	}
}

/* Production needs a rehearsal of this very plan, since it was last undone. */
static void see_t0(struct witness *witness, const struct event *event) {
	const struct bridge *bridge = &witness->night->bridge;
	const struct run *run = bridge_run(bridge, event->run);
	bool rehearsed = run->kind == RUN_REHEARSAL ||
			runbook_phase(run->plan->runbook, PHASE_REHEARSAL) == RUNBOOK_NONE;
	for (size_t i = 0; i < bridge->run_count; i++) {
		const struct run *other = &bridge->runs[i];
		rehearsed = rehearsed ||
				(other->kind == RUN_REHEARSAL && other->rehearsed_ok &&
						strcmp(other->plan->plan.digest,
								run->plan->plan.digest) == 0 &&
						other->number > witness->locked_run);
	}
	if (!rehearsed) {
		violate(witness, event, "not rehearsed");
	}
}

/* --- S3: what a restart would make of it --- */

static void write_down(struct witness *witness, const struct event *event) {
	struct err err = { 0 };
	struct event_row row;
	const char *type = event_spec(event->type)->name;
	char *body = event_json_write(event, &err);
	bool ok = body != NULL &&
			event_json_read(
					&row, ++witness->seq, event->at_ms, type, body, &err);
	if (ok) {
		ok = bridge_fold(&witness->twin, &row.event, &err);
		if (ok) {
			row.record = NULL; // the twin has taken it over
		}
		event_row_finish(&row);
	}
	free(body);
	if (!ok) {
		violate(witness, event, err.text);
	}
}

static void add_run(struct str *text, const struct run *run) {
	str_addf(text, "run %u %s %d %d\n", run->number,
			run_status_name(run->status), run->held, run->rehearsed_ok);
	for (size_t i = 0; i < run->step_count; i++) {
		const struct step_state *step = &run->steps[i];
		str_addf(text, " %d%d%zu", (int)step->status, (int)step->outcome,
				step->attempt_count);
	}
	str_add(text, "\n");
}

/* All that a bot with this state would wait for and do. */
static char *view_of(const struct night *night, const struct bridge *bridge) {
	const struct world world = {
		.now_ms = night->now_ms,
		.settings = &night->settings,
		.people = &night->people,
		.bridge = bridge,
	};
	struct str text = { 0 };
	for (size_t i = 0; i < bridge->run_count; i++) {
		add_run(&text, &bridge->runs[i]);
	}
	struct waitings waitings = { 0 };
	bridge_waiting(bridge, &world, &waitings);
	for (size_t i = 0; i < waitings.count; i++) {
		str_addf(&text, "waits: %s\n", waitings.list[i].what);
	}
	waitings_finish(&waitings);
	struct effects effects;
	bridge_next(bridge, &world, &effects);
	for (size_t i = 0; i < effects.count; i++) {
		const struct effect *effect = &effects.list[i];
		str_addf(&text, "does %d: %u %u %u.%u.%u\n", (int)effect->type,
				effect->gate, effect->run, effect->step, effect->block,
				effect->attempt);
	}
	effects_finish(&effects);
	size_t count = 0;
	const char **posts = bridge_tap_posts(bridge, &count);
	for (size_t i = 0; i < count; i++) {
		str_addf(&text, "watches %s\n", posts[i]);
	}
	free(posts);
	str_addf(&text, "until %lld\n", (long long)bridge_deadline(bridge, &world));
	return str_take(&text);
}

void witness_compare(struct witness *witness) {
	struct night *night = witness->night;
	char *here = view_of(night, &night->bridge);
	char *there = view_of(night, &witness->twin);
	if (strcmp(here, there) != 0 && night->violated[0] == '\0') {
		snprintf(night->violated, sizeof(night->violated),
				"S3 a restart would know other things");
		printf("# here\n%s# after a restart\n%s", here, there);
	}
	free(here);
	free(there);
}

static void hear(void *data, const struct world *world,
		const struct event *event, size_t following) {
	struct witness *witness = data;
	(void)following;
	write_down(witness, event);
	if (event->type == EVENT_GATE_USED) {
		see_agreed(witness, world,
				bridge_gate(&witness->night->bridge, event->gate), event);
	} else if (event->type == EVENT_ATTEMPT_STARTED) {
		see_started(witness, world, event);
	} else if (event->type == EVENT_ATTEMPT_ENDED) {
		see_ended(witness, event);
	} else if (event->type == EVENT_STEP_RETRIED) {
		see_retried(witness, event);
	} else if (event->type == EVENT_STEP_CONFIRMED) {
		see_confirmed(witness, event);
	} else if (event->type == EVENT_RUN_ROLLING_BACK) {
		see_rolling_back(witness, event);
	} else if (event->type == EVENT_RUN_ROLLED_BACK) {
		see_rolled_back(witness, event);
	} else if (event->type == EVENT_RUN_SUCCEEDED) {
		see_succeeded(witness, event);
	} else if (event->type == EVENT_RUN_ABORTED) {
		see_aborted(witness, event);
	} else if (event->type == EVENT_RUN_T0) {
		see_t0(witness, event);
	}
}

void witness_init(struct witness *witness, struct night *night) {
	*witness = (struct witness){ .night = night };
	bridge_init(&witness->twin);
	night->heard = hear;
	night->heard_data = witness;
}

void witness_finish(struct witness *witness) {
	free(witness->blocks);
	free(witness->begun);
	bridge_finish(&witness->twin);
}
