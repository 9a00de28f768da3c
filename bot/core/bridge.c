#include "core/bridge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "core/bridge_find.h"

#define BIT(n) (1u << (n))

/* Which status may follow which; enter() is the only writer. */
static const unsigned allowed_from[RUN_STATUS_COUNT] = {
	[RUN_PLANNED] = BIT(RUN_AT_GATE) | BIT(RUN_RUNNING) | BIT(RUN_ABORTED),
	[RUN_AT_GATE] = BIT(RUN_PLANNED) | BIT(RUN_RUNNING) | BIT(RUN_ABORTED),
	[RUN_RUNNING] = BIT(RUN_PLANNED) | BIT(RUN_DECIDING) |
			BIT(RUN_ROLLING_BACK) | BIT(RUN_ABORTED) | BIT(RUN_CLOSED),
	[RUN_DECIDING] = BIT(RUN_RUNNING) | BIT(RUN_SUCCEEDED) |
			BIT(RUN_ROLLING_BACK) | BIT(RUN_ABORTED),
	[RUN_SUCCEEDED] = BIT(RUN_ROLLING_BACK) | BIT(RUN_CLOSED),
	[RUN_ROLLING_BACK] = BIT(RUN_ROLLED_BACK) | BIT(RUN_ABORTED),
	[RUN_ROLLED_BACK] = BIT(RUN_CLOSED),
	[RUN_ABORTED] = BIT(RUN_ROLLING_BACK) | BIT(RUN_CLOSED),
	[RUN_CLOSED] = 0,
};

static const char *const status_names[RUN_STATUS_COUNT] = {
	[RUN_PLANNED] = "planned",
	[RUN_AT_GATE] = "at gate",
	[RUN_RUNNING] = "running",
	[RUN_DECIDING] = "deciding",
	[RUN_SUCCEEDED] = "succeeded",
	[RUN_ROLLING_BACK] = "rolling back",
	[RUN_ROLLED_BACK] = "rolled back",
	[RUN_ABORTED] = "aborted",
	[RUN_CLOSED] = "closed",
};

const char *run_status_name(enum run_status status) {
	return status_names[status];
}

bool run_status_may_follow(enum run_status from, enum run_status to) {
	return (allowed_from[from] & BIT(to)) != 0;
}

/* --- memory --- */

static void approvals_finish(struct approval *list, size_t count) {
	for (size_t i = 0; i < count; i++) {
		free(list[i].user);
		free(list[i].emoji);
		free(list[i].post);
	}
	free(list);
}

static void strings_finish(char **list, size_t count) {
	for (size_t i = 0; i < count; i++) {
		free(list[i]);
	}
	free(list);
}

static void gate_state_finish(struct gate_state *gate) {
	free(gate->asker);
	free(gate->why);
	free(gate->post);
	free(gate->holders);
	approvals_finish(gate->approvals, gate->approval_count);
	approvals_finish(gate->objections, gate->objection_count);
	strings_finish(gate->filled, gate->filled_count);
	strings_finish(gate->refused_taps, gate->refused_tap_count);
	strings_finish(gate->withdrawn, gate->withdrawn_count);
	approvals_finish(gate->overrides, gate->override_count);
	free(gate->reviewed);
}

static void step_state_finish(struct step_state *step) {
	for (size_t i = 0; i < step->attempt_count; i++) {
		free(step->attempts[i].reason);
		free(step->attempts[i].tail);
		for (size_t j = 0; j < step->attempts[i].found_count; j++) {
			free(step->attempts[i].found[j].name);
			free(step->attempts[i].found[j].value);
		}
		free(step->attempts[i].found);
		free(step->attempts[i].log);
	}
	free(step->attempts);
	free(step->post);
	free(step->claimed);
	strings_finish(step->refused_taps, step->refused_tap_count);
	free(step->said_by);
	free(step->text);
}

static void steps_finish(struct run *run) {
	run_index_finish(run);
	for (size_t i = 0; i < run->step_count; i++) {
		step_state_finish(&run->steps[i]);
	}
	free(run->steps);
	run->steps = NULL;
	run->step_count = 0;
}

void run_put_away(struct run *run) {
	steps_finish(run);
	run->put_away = true;
}

static void run_finish(struct run *run) {
	steps_finish(run);
	for (size_t i = 0; i < run->value_count; i++) {
		free(run->values[i].name);
		free(run->values[i].value);
	}
	for (size_t i = 0; i < run->file_count; i++) {
		struct run_file *file = &run->files[i];
		free(file->id);
		free(file->user);
		free(file->post);
		free(file->root);
		free(file->text);
		free(file->name);
		free(file->path);
	}
	free(run->files);
	free(run->values);
	free(run->by);
	free(run->held_why);
	free(run->held_by);
	for (size_t i = 0; i < run->accepted_count; i++) {
		free(run->accepted[i].name);
		free(run->accepted[i].value);
	}
	free(run->accepted);
	free(run->files_target);
	free(run->files_digest);
	free(run->files_text);
	free(run->rehearsed_why);
}

static void poll_state_finish(struct poll_state *poll) {
	for (size_t i = 0; i < poll->vote_count; i++) {
		free(poll->votes[i].user);
	}
	free(poll->votes);
	free(poll->group);
	free(poll->asker);
	free(poll->post);
}

void plan_record_destroy(struct plan_record *record) {
	if (record == NULL) {
		return;
	}
	plan_finish(&record->plan);
	runbook_destroy(record->runbook);
	free(record->source);
	free(record);
}

void bridge_init(struct bridge *bridge) {
	*bridge = (struct bridge){ 0 };
}

void bridge_finish(struct bridge *bridge) {
	for (size_t i = 0; i < bridge->run_count; i++) {
		run_finish(&bridge->runs[i]);
	}
	for (size_t i = 0; i < bridge->gate_count; i++) {
		gate_state_finish(&bridge->gates[i]);
	}
	for (size_t i = 0; i < bridge->poll_count; i++) {
		poll_state_finish(&bridge->polls[i]);
	}
	for (size_t i = 0; i < bridge->plan_count; i++) {
		plan_record_destroy(bridge->plans[i]);
	}
	for (size_t i = 0; i < bridge->deputy_count; i++) {
		free(bridge->deputies[i].role);
		free(bridge->deputies[i].user);
		free(bridge->deputies[i].by);
	}
	free(bridge->deputies);
	free(bridge->runs);
	free(bridge->gates);
	free(bridge->live_gates);
	free(bridge->polls);
	free(bridge->plans);
	free(bridge->plan_by);
	free(bridge->source_why);
	free(bridge->texts_why);
	bridge_init(bridge);
}

/* --- look-ups --- */

struct run *bridge_find_run(const struct bridge *bridge, uint32_t number) {
	return number > 0 && number <= bridge->run_count ? &bridge->runs[number - 1]
													 : NULL;
}

struct gate_state *bridge_find_gate(const struct bridge *bridge, uint32_t id) {
	for (size_t i = bridge->gate_count; i > 0 && bridge->gates[i - 1].id >= id;
			i--) {
		if (bridge->gates[i - 1].id == id) {
			return &bridge->gates[i - 1];
		}
	}
	return NULL;
}

struct poll_state *bridge_find_poll(const struct bridge *bridge, uint32_t id) {
	for (size_t i = bridge->poll_count; i > 0; i--) {
		if (bridge->polls[i - 1].id == id) {
			return &bridge->polls[i - 1];
		}
	}
	return NULL;
}

const struct plan_record *bridge_plan(const struct bridge *bridge) {
	return bridge->plan_count > 0 ? bridge->plans[bridge->plan_count - 1]
								  : NULL;
}

bool run_is_executing(const struct run *run) {
	switch (run->status) {
	case RUN_AT_GATE:
	case RUN_RUNNING:
	case RUN_DECIDING:
	case RUN_ROLLING_BACK:
		return true;
	case RUN_PLANNED:
	case RUN_SUCCEEDED:
	case RUN_ROLLED_BACK:
	case RUN_ABORTED:
	case RUN_CLOSED:
		return false;
	}
	return false;
}

const struct run *bridge_executing(const struct bridge *bridge) {
	const struct run *found = NULL;
	for (size_t i = bridge->run_count; i > bridge->first_open_run; i--) {
		const struct run *run = &bridge->runs[i - 1];
		if (run->status == RUN_ROLLING_BACK) {
			return run; // the others wait for it
		}
		if (found == NULL && run_is_executing(run)) {
			found = run;
		}
	}
	return found;
}

const struct run *bridge_current(const struct bridge *bridge) {
	const struct run *executing = bridge_executing(bridge);
	if (executing != NULL) {
		return executing;
	}
	for (size_t i = bridge->run_count; i > bridge->first_open_run; i--) {
		if (bridge->runs[i - 1].status != RUN_CLOSED) {
			return &bridge->runs[i - 1];
		}
	}
	return NULL;
}

const struct run *bridge_holdable(const struct bridge *bridge) {
	const struct run *run = bridge_current(bridge);
	if (run == NULL || run_is_executing(run) || run->held) {
		return run;
	}
	return run->status == RUN_SUCCEEDED && !run->watched ? run : NULL;
}

const struct run *bridge_held(const struct bridge *bridge) {
	const struct run *executing = bridge_executing(bridge);
	if (executing != NULL && executing->held) {
		return executing;
	}
	for (size_t i = bridge->run_count; i > 0; i--) {
		const struct run *run = &bridge->runs[i - 1];
		if (run->held && run->status != RUN_CLOSED) {
			return run;
		}
	}
	return NULL;
}

const struct run *bridge_rehearsal(
		const struct bridge *bridge, const char *digest) {
	for (size_t i = bridge->run_count; i > 0; i--) {
		const struct run *run = &bridge->runs[i - 1];
		bool judged = run->rehearsed_ok || run->rehearsed_why != NULL ||
				run->command_started;
		if (run->kind == RUN_REHEARSAL && run->ended_ms > 0 && judged &&
				(digest == NULL ||
						strcmp(run->plan->plan.digest, digest) == 0)) {
			return run;
		}
	}
	return NULL;
}

const struct run *bridge_to_roll_back(const struct bridge *bridge) {
	for (size_t i = bridge->run_count; i > 0; i--) {
		const struct run *run = &bridge->runs[i - 1];
		if (run->kind == RUN_PRODUCTION && run->status != RUN_CLOSED &&
				run->command_started) {
			return run;
		}
	}
	return NULL;
}

const struct run *bridge_run(const struct bridge *bridge, uint32_t number) {
	return bridge_find_run(bridge, number);
}

const struct gate_state *bridge_gate(const struct bridge *bridge, uint32_t id) {
	return bridge_find_gate(bridge, id);
}

const struct poll_state *bridge_poll(const struct bridge *bridge, uint32_t id) {
	return bridge_find_poll(bridge, id);
}

const struct gate_state *bridge_gate_for(
		const struct bridge *bridge, uint32_t run, enum gate_purpose purpose) {
	const struct run *state = bridge_find_run(bridge, run);
	size_t newest = 0;
	if (run == 0) {
		newest = bridge->newest_gate[purpose];
	} else if (state != NULL) {
		newest = state->newest_gate[purpose];
	}
	return newest > 0 ? &bridge->gates[newest - 1] : NULL;
}

const struct plan_record *bridge_find_plan(
		const struct bridge *bridge, const char *digest) {
	for (size_t i = bridge->plan_count; i > 0; i--) {
		if (strcmp(bridge->plans[i - 1]->plan.digest, digest) == 0) {
			return bridge->plans[i - 1];
		}
	}
	return NULL;
}

const struct plan_record *gate_state_plan(
		const struct bridge *bridge, const struct gate_state *gate) {
	const struct run *run = bridge_find_run(bridge, gate->run);
	return run != NULL ? run->plan : bridge_find_plan(bridge, gate->digest);
}

const struct gate *gate_state_model(
		const struct bridge *bridge, const struct gate_state *gate) {
	const struct plan_record *record = gate_state_plan(bridge, gate);
	if (record == NULL || gate->gate >= record->runbook->gate_count) {
		return NULL;
	}
	return &record->runbook->gates[gate->gate];
}

const struct attempt *step_attempt(const struct step_state *step,
		uint32_t block, uint32_t host, uint32_t number) {
	for (size_t i = 0; i < step->attempt_count; i++) {
		const struct attempt *attempt = &step->attempts[i];
		if (attempt->block == block && attempt->host == host &&
				attempt->number == number) {
			return attempt;
		}
	}
	return NULL;
}

const struct attempt *step_lost(const struct step_state *step) {
	for (size_t i = 0; i < step->attempt_count && step->running_count > 0;
			i++) {
		if (step->attempts[i].ended_ms == 0 && step->attempts[i].lost_ms != 0) {
			return &step->attempts[i];
		}
	}
	return NULL;
}

const struct attempt *step_running(const struct step_state *step) {
	for (size_t i = step->attempt_count; i > 0 && step->running_count > 0;
			i--) {
		if (step->attempts[i - 1].ended_ms == 0) {
			return &step->attempts[i - 1];
		}
	}
	return NULL;
}

const struct attempt *step_last_attempt(const struct step_state *step) {
	return step->attempt_count > 0 ? &step->attempts[step->attempt_count - 1]
								   : NULL;
}

int64_t step_took_ms(const struct step_state *step) {
	if (step->attempt_count == 0) {
		return step->begun_ms > 0 && step->ended_ms > step->begun_ms
				? step->ended_ms - step->begun_ms
				: 0;
	}
	int64_t took = 0;
	for (size_t i = 0; i < step->attempt_count; i++) {
		const struct attempt *attempt = &step->attempts[i];
		if (attempt->ended_ms > attempt->started_ms) {
			took += attempt->ended_ms - attempt->started_ms;
		}
	}
	return took;
}

bool run_has_running(const struct run *run) {
	for (size_t i = 0; i < run->index.live_count; i++) {
		if (step_running(&run->steps[run->index.live[i]]) != NULL) {
			return true;
		}
	}
	return false;
}

bool run_step_fetches(const struct run *run, size_t step) {
	for (size_t i = 0; run->files_due > 0 && i < run->file_count; i++) {
		if (run->files[i].step == step &&
				run->files[i].status == FILE_OFFERED) {
			return true;
		}
	}
	return false;
}

uint64_t run_file_room(const struct run *run) {
	uint64_t room = RUN_FILE_BYTES;
	for (size_t i = 0; i < run->file_count && room > 0; i++) {
		uint64_t bytes = run->files[i].bytes;
		room = bytes < room ? room - bytes : 0;
	}
	return room;
}

const char *run_value(const struct run *run, const char *name) {
	for (size_t i = 0; i < run->value_count; i++) {
		if (strcmp(run->values[i].name, name) == 0) {
			return run->values[i].value;
		}
	}
	return NULL;
}

size_t run_host_count(const struct run *run, size_t step, uint32_t block) {
	const struct block *model = &run->plan->runbook->steps[step].blocks[block];
	if (model->kind == BLOCK_HTTP) {
		return 1; // the bot's own, wherever commands run
	}
	const struct plan_target *target = plan_target(&run->plan->plan, model->on);
	return target != NULL && target->host_count > 0 ? target->host_count : 1;
}

size_t run_host_parallel(const struct run *run, size_t step, uint32_t block) {
	const struct block *model = &run->plan->runbook->steps[step].blocks[block];
	const struct plan_target *target = plan_target(&run->plan->plan, model->on);
	size_t most = target != NULL ? target->parallel : 0;
	size_t wanted = model->parallel > 0 ? model->parallel : 1;
	return most > 0 && most < wanted ? most : wanted;
}

bool step_host_done(
		const struct step_state *step, uint32_t block, uint32_t host) {
	for (size_t i = 0; i < step->attempt_count; i++) {
		const struct attempt *attempt = &step->attempts[i];
		if (attempt->block == block && attempt->host == host &&
				attempt->ended_ms != 0 && attempt->outcome == OUTCOME_OK) {
			return true;
		}
	}
	return false;
}
