#include "core/flow.h"

#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/sha256.h"
#include "base/xalloc.h"

#define BIT(n) (1u << (n))

/* An unknown outcome of a repeatable block is tried again at most so often. */
#define UNKNOWN_MOST 3

static const struct step *model_of(const struct run *run, size_t step) {
	return &run->plan->runbook->steps[step];
}

static enum phase_kind kind_of(const struct run *run, size_t step) {
	return run->plan->runbook->phases[model_of(run, step)->phase].kind;
}

unsigned flow_phases(const struct run *run) {
	switch (run->status) {
	case RUN_RUNNING:
		return run->kind == RUN_REHEARSAL
				? BIT(PHASE_REHEARSAL)
				: BIT(PHASE_PRODUCTION) | BIT(PHASE_SMOKE);
	case RUN_ROLLING_BACK:
		return BIT(PHASE_ROLLBACK);
	case RUN_SUCCEEDED:
		return run->watched ? 0 : BIT(PHASE_POST);
	case RUN_PLANNED:
	case RUN_AT_GATE:
	case RUN_DECIDING:
	case RUN_ROLLED_BACK:
	case RUN_ABORTED:
	case RUN_CLOSED:
		return 0;
	}
	return 0;
}

bool flow_is_active(const struct run *run, size_t step) {
	return (flow_phases(run) & BIT(kind_of(run, step))) != 0;
}

bool flow_is_monitor(const struct run *run, size_t step) {
	const struct step *model = model_of(run, step);
	return model->block_count > 0 &&
			model->blocks[model->block_count - 1].every_ms > 0;
}

/* Whether what it has to do before it watches is done, and nobody has said that
 * it failed: then it stops what a failed step stops. */
static bool is_watching(const struct run *run, size_t step) {
	const struct step_state *state = &run->steps[step];
	return flow_is_monitor(run, step) && state->status != STEP_FAILED &&
			state->block + 1 >= model_of(run, step)->block_count;
}

/* Since when it watches; 0: it has not looked yet, in this try. */
static int64_t monitor_begun_ms(const struct step_state *step, uint32_t block) {
	for (size_t i = step->try_from; i < step->attempt_count; i++) {
		if (step->attempts[i].block == block) {
			return step->attempts[i].started_ms;
		}
	}
	return 0;
}

/* --- turns --- */

struct turns {
	size_t *list;
	size_t count;
};

static void turns_add(struct turns *turns, size_t step) {
	turns->list = xreallocarray(
			turns->list, turns->count + 1, sizeof(*turns->list));
	turns->list[turns->count++] = step;
}

static bool is_strict(enum phase_kind kind) {
	return kind != PHASE_SMOKE && kind != PHASE_POST;
}

/* Adds what has its turn in phases of @kind; whether a step keeps it, so that
 * nothing behind it may begin. */
static bool turns_in(
		const struct run *run, enum phase_kind kind, struct turns *turns) {
	for (size_t i = run->index.first_left[kind]; i < run->step_count; i++) {
		const struct step_state *step = &run->steps[i];
		if (kind_of(run, i) != kind || step->status == STEP_ENDED) {
			continue;
		}
		bool waits = step->status == STEP_ASKED ||
				step->status == STEP_FAILED || step->status == STEP_UNKNOWN;
		if (!waits) {
			turns_add(turns, i);
		}
		if (is_watching(run, i)) {
			continue;
		}
		if (is_strict(kind)) {
			return true;
		}
		if (!waits && model_of(run, i)->kind == STEP_COMMAND) {
			return true;
		}
	}
	return false;
}

size_t *flow_turns(const struct run *run, size_t *count) {
	static const enum phase_kind order[] = { PHASE_REHEARSAL, PHASE_PRODUCTION,
		PHASE_SMOKE, PHASE_POST, PHASE_ROLLBACK };
	struct turns turns = { 0 };
	unsigned phases = flow_phases(run);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if ((phases & BIT(order[i])) != 0 && turns_in(run, order[i], &turns)) {
			break;
		}
	}
	*count = turns.count;
	return turns.list;
}

bool flow_is_over(const struct run *run, enum phase_kind kind) {
	for (size_t i = run->index.first_left[kind]; i < run->step_count; i++) {
		if (kind_of(run, i) != kind || run->steps[i].status == STEP_ENDED) {
			continue;
		}
		if (kind == PHASE_SMOKE && run->steps[i].status == STEP_FAILED) {
			continue;
		}
		/* A rehearsal shows all, and what comes after success is watching. */
		if (kind != PHASE_POST && kind != PHASE_REHEARSAL &&
				is_watching(run, i) &&
				monitor_begun_ms(&run->steps[i], run->steps[i].block) != 0) {
			continue;
		}
		return false;
	}
	return true;
}

bool flow_is_green(const struct run *run) {
	for (size_t i = run->index.first_left[PHASE_SMOKE]; i < run->step_count;
			i++) {
		if (kind_of(run, i) == PHASE_SMOKE &&
				run->steps[i].status != STEP_ENDED && !is_watching(run, i)) {
			return false;
		}
	}
	return true;
}

/* --- gates --- */

size_t flow_gate_of(const struct run *run, size_t step) {
	return model_of(run, step)->gate;
}

const struct gate_state *flow_gate_state(
		const struct bridge *bridge, const struct run *run, size_t step) {
	size_t wanted = flow_gate_of(run, step);
	for (size_t i = bridge->gate_count;
			i > run->first_gate && wanted != RUNBOOK_NONE; i--) {
		const struct gate_state *gate = &bridge->gates[i - 1];
		bool guards = gate->purpose == PURPOSE_START ||
				gate->purpose == PURPOSE_STEP ||
				gate->purpose == PURPOSE_ROLLBACK;
		if (gate->run == run->number && gate->gate == wanted && guards) {
			return gate;
		}
	}
	return NULL;
}

const struct gate_state *flow_plan_gate(
		const struct bridge *bridge, const struct run *run) {
	if (run->kind != RUN_PRODUCTION ||
			runbook_plan_gate(run->plan->runbook) == RUNBOOK_NONE) {
		return NULL;
	}
	for (size_t i = bridge->gate_count; i > 0; i--) {
		const struct gate_state *gate = &bridge->gates[i - 1];
		if (gate->purpose == PURPOSE_PLAN &&
				strcmp(gate->digest, run->plan->plan.digest) == 0) {
			return gate;
		}
	}
	return NULL;
}

/* --- attempts --- */

static const struct attempt *last_of(const struct step_state *step,
		uint32_t block, uint32_t host, size_t *index) {
	for (size_t i = step->attempt_count; i > 0; i--) {
		if (step->attempts[i - 1].block == block &&
				step->attempts[i - 1].host == host) {
			*index = i - 1;
			return &step->attempts[i - 1];
		}
	}
	return NULL;
}

/* Attempts of the block on the host in this try that ended so. */
static uint32_t count_ended(const struct step_state *step, uint32_t block,
		uint32_t host, bool unknown) {
	uint32_t count = 0;
	for (size_t i = step->try_from; i < step->attempt_count; i++) {
		const struct attempt *attempt = &step->attempts[i];
		if (attempt->block == block && attempt->host == host &&
				attempt->ended_ms != 0 &&
				(attempt->outcome == OUTCOME_UNKNOWN) == unknown) {
			count++;
		}
	}
	return count;
}

/* Whether an attempt that did not go well is followed by another, unasked. */
static bool again(const struct step_state *step, const struct block *block,
		const struct attempt *last, int64_t *due_ms) {
	int64_t now_ms = *due_ms;
	if (last->outcome == OUTCOME_UNKNOWN) {
		*due_ms = duration_end_ms(last->ended_ms, 0, now_ms);
		return block->repeatable &&
				count_ended(step, last->block, last->host, true) <=
				UNKNOWN_MOST;
	}
	if (last->outcome == OUTCOME_CANCELLED) {
		return false;
	}
	*due_ms = duration_end_ms(last->ended_ms, block->delay_ms, now_ms);
	return count_ended(step, last->block, last->host, false) <= block->retries;
}

int64_t flow_watched_ms(const struct run *run, size_t step) {
	const struct step *model = model_of(run, step);
	if (run->steps[step].status != STEP_RUNNING || !is_watching(run, step)) {
		return INT64_MAX;
	}
	uint32_t last = (uint32_t)model->block_count - 1;
	int64_t begun = monitor_begun_ms(&run->steps[step], last);
	return begun != 0 ? begun + model->blocks[last].for_ms : INT64_MAX;
}

/* What one host of a block needs. */
enum need {
	NEED_NOTHING,  // it went well, or its monitor's time is up
	NEED_PATIENCE, // an attempt runs there
	NEED_ATTEMPT,
	NEED_PERSON, // it did not go well, and is not repeated unasked
};

static enum need monitor_needs(const struct step_state *step,
		const struct block *block, struct flow_attempt *next) {
	size_t index = 0;
	const struct attempt *last = last_of(step, next->block, next->host, &index);
	if (last == NULL) {
		return NEED_ATTEMPT;
	}
	if (last->ended_ms == 0) {
		return NEED_PATIENCE;
	}
	next->number = last->number + 1;
	if (index < step->try_from) {
		return NEED_ATTEMPT;
	}
	int64_t begun = monitor_begun_ms(step, next->block);
	int64_t turns = (last->started_ms - begun) / block->every_ms + 1;
	if (!duration_is_ahead(last->started_ms, next->due_ms)) {
		next->due_ms = begun + turns * block->every_ms;
	}
	return next->due_ms < begun + block->for_ms ? NEED_ATTEMPT : NEED_NOTHING;
}

static enum need host_needs(const struct step_state *step,
		const struct block *block, struct flow_attempt *next) {
	size_t index = 0;
	if (block->every_ms > 0) {
		return monitor_needs(step, block, next);
	}
	if (step_host_done(step, next->block, next->host)) {
		return NEED_NOTHING;
	}
	const struct attempt *last = last_of(step, next->block, next->host, &index);
	if (last == NULL) {
		return NEED_ATTEMPT;
	}
	if (last->ended_ms == 0) {
		return NEED_PATIENCE;
	}
	next->number = last->number + 1;
	return index < step->try_from || again(step, block, last, &next->due_ms)
			? NEED_ATTEMPT
			: NEED_PERSON;
}

static bool may_go_on(const struct run *run, size_t step_index) {
	const struct step *model = model_of(run, step_index);
	const struct step_state *step = &run->steps[step_index];
	return (step->status == STEP_PENDING || step->status == STEP_RUNNING) &&
			model->kind == STEP_COMMAND && step->block < model->block_count &&
			(!model->blocks[step->block].ask || step->allowed) &&
			step->cancelling_ms == 0;
}

struct flow_attempt *flow_next_attempts(const struct run *run,
		size_t step_index, int64_t now_ms, size_t *count) {
	const struct step_state *step = &run->steps[step_index];
	*count = 0;
	if (!may_go_on(run, step_index)) {
		return NULL;
	}
	const struct block *block = &model_of(run, step_index)->blocks[step->block];
	size_t hosts = run_host_count(run, step_index, step->block);
	size_t room = run_host_parallel(run, step_index, step->block);
	struct flow_attempt *list = xcalloc(hosts, sizeof(*list));
	bool stopped = false;
	for (uint32_t host = 0; host < hosts; host++) {
		struct flow_attempt next = {
			.block = step->block,
			.host = host,
			.number = 1,
			.due_ms = now_ms,
		};
		enum need need = host_needs(step, block, &next);
		if (need == NEED_ATTEMPT) {
			list[(*count)++] = next;
		}
		room -= need == NEED_PATIENCE && room > 0;
		stopped = stopped || need == NEED_PERSON;
	}
	// One that stopped lets no other begin.
	*count = stopped ? 0 : *count < room ? *count : room;
	return list;
}

static enum outcome stopped_outcome(
		const struct run *run, size_t step, enum outcome last) {
	if (last == OUTCOME_UNKNOWN) {
		return OUTCOME_UNKNOWN;
	}
	if (last == OUTCOME_CANCELLED && !flow_is_active(run, step)) {
		return OUTCOME_CANCELLED;
	}
	return OUTCOME_FAILED;
}

/* Whether a rollback or an abort has left the phase of @step for good. */
static bool is_left(const struct run *run, size_t step) {
	return (run->status == RUN_ROLLING_BACK || run->status == RUN_ROLLED_BACK ||
				   run->status == RUN_ABORTED) &&
			!flow_is_active(run, step);
}

static enum outcome worse_of(enum outcome a, enum outcome b) {
	static const enum outcome order[] = {
		OUTCOME_UNKNOWN, // the first to ask for
		OUTCOME_FAILED,
		OUTCOME_CANCELLED,
	};
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (a == order[i] || b == order[i]) {
			return order[i];
		}
	}
	return OUTCOME_NONE;
}

/* Of a block that goes no further, by its attempts from @from on. */
static enum outcome outcome_of_hosts(
		const struct run *run, size_t step_index, size_t from) {
	const struct step_state *step = &run->steps[step_index];
	enum outcome worst = step->cancelling_ms != 0 ? OUTCOME_FAILED
												  : OUTCOME_NONE;
	size_t hosts = run_host_count(run, step_index, step->block);
	for (uint32_t host = 0; host < hosts; host++) {
		size_t index = 0;
		const struct attempt *last = last_of(step, step->block, host, &index);
		if (last != NULL && last->outcome != OUTCOME_OK && index >= from) {
			worst = worse_of(
					worst, stopped_outcome(run, step_index, last->outcome));
		}
	}
	return worst;
}

/* What a step comes to that was left between two attempts, or two blocks. */
static enum outcome left_outcome(const struct run *run, size_t step) {
	return worse_of(OUTCOME_CANCELLED, outcome_of_hosts(run, step, 0));
}

enum outcome flow_outcome(
		const struct run *run, size_t step_index, int64_t now_ms) {
	const struct step *model = model_of(run, step_index);
	const struct step_state *step = &run->steps[step_index];
	if (step->status != STEP_RUNNING || step_running(step) != NULL ||
			model->kind != STEP_COMMAND) {
		return OUTCOME_NONE;
	}
	if (step->block >= model->block_count) {
		return OUTCOME_OK;
	}
	if (is_left(run, step_index)) {
		return left_outcome(run, step_index);
	}
	const struct block *block = &model->blocks[step->block];
	if (block->every_ms > 0) {
		int64_t begun = monitor_begun_ms(step, step->block);
		bool over = now_ms >= begun + block->for_ms ||
				(run->status == RUN_SUCCEEDED &&
						!flow_is_active(run, step_index));
		return begun != 0 && over ? OUTCOME_OK : OUTCOME_NONE;
	}
	size_t count = 0;
	free(flow_next_attempts(run, step_index, now_ms, &count));
	return count > 0 ? OUTCOME_NONE
					 : outcome_of_hosts(run, step_index, step->try_from);
}

/* --- values --- */

static bool is_name_char(char c) {
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			(c >= '0' && c <= '9') || c == '_';
}

/* $NAME, ${NAME…} or {{NAME}}. */
static bool text_mentions(const char *text, const char *name) {
	size_t len = strlen(name);
	for (const char *at = strstr(text, name); at != NULL;
			at = strstr(at + 1, name)) {
		if (is_name_char(at[len]) || at == text) {
			continue;
		}
		char before = at[-1];
		if (before == '$' || before == '{' || before == '#' || before == '!') {
			return true;
		}
	}
	return false;
}

bool flow_mentions(const struct step *step, const char *name) {
	for (size_t i = 0; i < step->block_count; i++) {
		if (text_mentions(step->blocks[i].text, name)) {
			return true;
		}
	}
	return false;
}

const char *flow_published(const struct step *step, size_t index) {
	if (index < step->set_count) {
		return step->sets[index];
	}
	index -= step->set_count;
	for (size_t i = 0; i < step->block_count; i++) {
		if (index < step->blocks[i].set_count) {
			return step->blocks[i].sets[index];
		}
		index -= step->blocks[i].set_count;
	}
	return NULL;
}

const char *flow_missing_value(
		const struct run *run, size_t step, size_t *publisher) {
	const struct step *model = model_of(run, step);
	for (size_t i = 0; i < run->step_count; i++) {
		if (i == step || run->steps[i].outcome == OUTCOME_EXCLUDED) {
			continue;
		}
		const char *name = NULL;
		for (size_t j = 0; (name = flow_published(model_of(run, i), j)) != NULL;
				j++) {
			if (flow_mentions(model, name) && run_value(run, name) == NULL) {
				*publisher = i;
				return name;
			}
		}
	}
	return NULL;
}

bool flow_needs(const struct run *run, size_t user, const char *name) {
	return run->steps[user].outcome != OUTCOME_EXCLUDED &&
			flow_mentions(model_of(run, user), name);
}

/* Whether what @attempt left may still count: a later one there that went well
 * has published its own. */
static bool may_be_taken(
		const struct step_state *step, const struct attempt *attempt) {
	size_t index = 0;
	const struct attempt *last = last_of(
			step, attempt->block, attempt->host, &index);
	return attempt->outcome == OUTCOME_UNKNOWN &&
			(last == NULL || last->outcome != OUTCOME_OK);
}

static const char *found_by(const struct attempt *attempt, const char *name) {
	for (size_t i = 0; i < attempt->found_count; i++) {
		if (strcmp(attempt->found[i].name, name) == 0) {
			return attempt->found[i].value;
		}
	}
	return NULL;
}

const char *flow_found_value(
		const struct run *run, size_t step, const char *name) {
	const struct step_state *state = &run->steps[step];
	const struct attempt *newest = NULL;
	const char *found = NULL;
	for (size_t i = state->attempt_count; i > 0; i--) {
		const struct attempt *attempt = &state->attempts[i - 1];
		const char *value = may_be_taken(state, attempt)
				? found_by(attempt, name)
				: NULL;
		if (value == NULL) {
			continue;
		}
		if (found == NULL) {
			newest = attempt;
			found = value;
		} else if (newest->host != attempt->host && strcmp(found, value) != 0) {
			return NULL;
		}
	}
	return run_value(run, name) == NULL ? found : NULL;
}

/* Whether a block of @step behind the one it is at may still publish @name. */
static bool may_follow(const struct run *run, size_t step, const char *name) {
	const struct step *model = model_of(run, step);
	uint32_t block = run->steps[step].block;
	for (size_t i = 0; i < model->set_count; i++) {
		if (strcmp(model->sets[i], name) == 0) {
			return block + 1 < model->block_count;
		}
	}
	for (size_t i = block + 1; i < model->block_count; i++) {
		for (size_t j = 0; j < model->blocks[i].set_count; j++) {
			if (strcmp(model->blocks[i].sets[j], name) == 0) {
				return true;
			}
		}
	}
	return false;
}

bool flow_lacks_value(const struct run *run, size_t step, const char *name) {
	bool needed = false;
	for (size_t i = 0; i < run->step_count && !needed; i++) {
		needed = i != step && run->steps[i].status != STEP_ENDED &&
				flow_needs(run, i, name);
	}
	return needed && run_value(run, name) == NULL &&
			flow_found_value(run, step, name) == NULL &&
			!may_follow(run, step, name);
}

bool flow_publishes_undo(const struct run *run, size_t step) {
	const char *name = NULL;
	for (size_t j = 0; (name = flow_published(model_of(run, step), j)) != NULL;
			j++) {
		for (size_t i = 0; i < run->step_count; i++) {
			if (kind_of(run, i) == PHASE_ROLLBACK &&
					run->steps[i].outcome != OUTCOME_EXCLUDED &&
					flow_mentions(model_of(run, i), name)) {
				return true;
			}
		}
	}
	return false;
}

bool flow_stops_on_rollback(
		const struct run *run, size_t step, uint32_t block) {
	return kind_of(run, step) != PHASE_ROLLBACK &&
			model_of(run, step)->blocks[block].on_rollback == ON_ROLLBACK_STOP;
}

void plan_target_hash(const struct plan_target *target, char hex[SHA256_HEX]) {
	struct sha256 *sha = sha256_begin();
	sha256_add_number(sha, target->file_count);
	for (size_t i = 0; i < target->file_count; i++) {
		sha256_add_field(sha, target->files[i].path);
		sha256_add_field(sha, target->files[i].hash);
	}
	sha256_end(sha, hex);
}

bool flow_files_stand(const struct run *run, const struct plan_target *now) {
	char hex[SHA256_HEX];
	char planned[SHA256_HEX] = "";
	const char *good = NULL;
	for (size_t i = 0; i < run->accepted_count && good == NULL; i++) {
		if (strcmp(run->accepted[i].name, now->name) == 0) {
			good = run->accepted[i].value;
		}
	}
	const struct plan_target *then = plan_target(&run->plan->plan, now->name);
	if (good == NULL && then != NULL) {
		plan_target_hash(then, planned);
	}
	plan_target_hash(now, hex);
	return strcmp(hex, good != NULL ? good : planned) == 0;
}

bool run_has_forward_running(const struct run *run) {
	for (size_t i = 0; i < run->index.live_count; i++) {
		size_t step = run->index.live[i];
		if (step_running(&run->steps[step]) != NULL &&
				kind_of(run, step) != PHASE_ROLLBACK) {
			return true;
		}
	}
	return false;
}

bool flow_rollback_is_asked(
		const struct bridge *bridge, const struct run *run) {
	const struct gate_state *rollback = bridge_gate_for(
			bridge, run->number, PURPOSE_ROLLBACK);
	return rollback != NULL && run->status != RUN_ROLLED_BACK &&
			(rollback->status == GATE_OPEN ||
					(rollback->status == GATE_PASSED &&
							rollback->id > run->rollback_gate));
}

/* One run at a time: while an older one is taken back, or that is asked for,
 * no other goes on. */
static bool another_rolls_back(
		const struct bridge *bridge, const struct run *run) {
	if (!run_is_executing(run)) {
		return false;
	}
	for (size_t i = bridge->first_open_run; i < bridge->run_count; i++) {
		const struct run *other = &bridge->runs[i];
		if (other != run && other->status != RUN_CLOSED &&
				(other->status == RUN_ROLLING_BACK ||
						flow_rollback_is_asked(bridge, other))) {
			return true;
		}
	}
	return false;
}

bool run_stands_still(const struct bridge *bridge, const struct run *run) {
	bool asked = flow_rollback_is_asked(bridge, run) ||
			another_rolls_back(bridge, run);
	bool forward = run->status != RUN_ROLLING_BACK;
	return run->held || (forward && (asked || bridge->server_lost)) ||
			(!forward && run->status == RUN_ROLLING_BACK &&
					run_has_forward_running(run));
}

/* --- silence --- */

bool flow_waits(const struct run *run, size_t index) {
	enum step_status status = run->steps[index].status;
	bool waits = status == STEP_ASKED || status == STEP_FAILED ||
			status == STEP_UNKNOWN;
	bool decides = run->status == RUN_DECIDING &&
			kind_of(run, index) == PHASE_SMOKE;
	return waits && (flow_is_active(run, index) || decides);
}

int64_t flow_escalates_ms(
		const struct run *run, size_t index, const struct settings *settings) {
	const struct step_state *step = &run->steps[index];
	if (settings->escalate_after_ms <= 0 || step->claimed != NULL ||
			step->escalated >= ESCALATIONS_MOST || !flow_waits(run, index) ||
			kind_of(run, index) == PHASE_POST) {
		return INT64_MAX;
	}
	return step->waits_ms + (step->escalated + 1) * settings->escalate_after_ms;
}

/* --- the status grid --- */

int64_t flow_status_every_ms(
		const struct run *run, const struct settings *settings) {
	if (run_is_executing(run)) {
		return settings->status_every_ms;
	}
	if (run->status == RUN_SUCCEEDED && !run->watched) {
		return settings->watch_status_every_ms;
	}
	return 0;
}

/* The last grid time that is not after @now_ms. */
static int64_t grid_before(int64_t base, int64_t every, int64_t now_ms) {
	int64_t past = (now_ms - base) % every;
	return now_ms - (past < 0 ? past + every : past);
}

int64_t flow_status_due_ms(const struct run *run,
		const struct settings *settings, int64_t now_ms) {
	int64_t every = flow_status_every_ms(run, settings);
	if (every <= 0) {
		return INT64_MAX;
	}
	int64_t base = run->t0_ms > 0 ? run->t0_ms : run->begun_ms;
	int64_t last = run->status_grid_ms != 0 ? run->status_grid_ms
											: run->active_ms;
	if (run->status_grid_ms == 0 && last < base) {
		last = base;
	}
	if (duration_is_ahead(last, now_ms)) {
		return grid_before(base, every, now_ms);
	}
	return grid_before(base, every, last) + every;
}
