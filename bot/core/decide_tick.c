#include <stdlib.h>
#include <string.h>

#include "core/deciding.h"
#include "core/flow.h"
#include "core/gate.h"

/*
 * What follows from the state and the time alone.  decide_tick() is asked
 * again after each commit until it has nothing more to say, so each function
 * here may leave the next consequence to the next turn.
 */

static struct event run_event(
		const struct deciding *d, enum event_type type, const struct run *run) {
	struct event event = event_make(type, d->world->now_ms);
	event.run = run->number;
	return event;
}

/* --- gates --- */

static void call_backups(struct deciding *d, const struct gate_state *gate) {
	if (gate->status != GATE_OPEN ||
			d->world->now_ms < gate_backups_at(d->world->settings, gate)) {
		return;
	}
	struct event event = event_make(EVENT_GATE_BACKUP_CALLED, d->world->now_ms);
	event.gate = gate->id;
	event.run = gate->run;
	deciding_add(d, event);
}

static uint32_t escalation_due(
		const struct deciding *d, int64_t since_ms, uint32_t most) {
	int64_t level = (d->world->now_ms - since_ms) /
			d->world->settings->escalate_after_ms;
	return level < most ? (uint32_t)level : most;
}

static void escalate_gate(struct deciding *d, const struct gate_state *gate) {
	if (gate->objection_count > 0 || d->world->now_ms >= gate->until_ms ||
			d->world->now_ms < gate_escalates_ms(d->world->settings, gate) ||
			gate_is_full(d->bridge, d->world, gate)) {
		return;
	}
	struct event event = event_make(EVENT_GATE_ESCALATED, d->world->now_ms);
	event.gate = gate->id;
	event.run = gate->run;
	event.count = escalation_due(d, gate->opened_ms, ESCALATIONS_MOST);
	deciding_add(d, event);
}

bool deciding_guards_more(const struct deciding *d,
		const struct gate_state *gate, bool commands) {
	const struct run *run = bridge_run(d->bridge, gate->run);
	if (gate->purpose == PURPOSE_PLAN || run == NULL) {
		return gate->purpose == PURPOSE_PLAN;
	}
	bool over = run->status == RUN_ROLLED_BACK || run->status == RUN_ABORTED ||
			run->status == RUN_CLOSED;
	bool more = false;
	for (size_t i = 0; i < run->step_count && !over && !more; i++) {
		more = flow_gate_of(run, i) == gate->gate &&
				run->steps[i].status != STEP_ENDED &&
				(run->status != RUN_ROLLING_BACK || flow_is_active(run, i)) &&
				(!commands ||
						run->plan->runbook->steps[i].kind == STEP_COMMAND);
	}
	return more;
}

/* A gate that passed and is not used yet can still lose what let it pass. */
static void recheck_passed(struct deciding *d, const struct gate_state *gate) {
	if (d->world->now_ms >= gate_good_until_ms(gate) &&
			deciding_guards_more(d, gate, true)) {
		deciding_close_gate(d, gate, OUTCOME_EXPIRED, NULL,
				"the approval was not used in time");
		return;
	}
	if (gate->objection_count == 0 &&
			!gate_is_full(d->bridge, d->world, gate)) {
		deciding_close_gate(
				d, gate, OUTCOME_VOID, NULL, "an approval was withdrawn");
	}
}

/* Whether enough people have broken the glass. */
static bool is_overridden(
		const struct deciding *d, const struct gate_state *gate) {
	const struct settings *settings = d->world->settings;
	return gate->objection_count == 0 && settings->override_role_count > 0 &&
			gate->override_count > 0 &&
			gate->override_count >= settings->override_count;
}

static void pass_open(struct deciding *d, const struct gate_state *gate) {
	bool full = gate_is_full(d->bridge, d->world, gate);
	if (d->world->now_ms >= gate->until_ms || !gate_may_pass(d->bridge, gate) ||
			(!full && !is_overridden(d, gate))) {
		return;
	}
	deciding_pass_gate(d, gate);
	if (!full) {
		d->decision->events[d->decision->count - 1].type =
				EVENT_GATE_OVERRIDDEN;
	}
}

static void tick_gate(struct deciding *d, const struct gate_state *gate) {
	if ((gate->status != GATE_OPEN && gate->status != GATE_PASSED) ||
			deciding_closes(d, gate)) {
		return;
	}
	bool guards = gate->purpose == PURPOSE_PLAN ||
			gate->purpose == PURPOSE_START || gate->purpose == PURPOSE_STEP;
	if (gate->status == GATE_PASSED &&
			(!guards || !deciding_guards_more(d, gate, false))) {
		return; // it has done its work
	}
	if (gate_holders_changed(d->bridge, d->world, gate)) {
		deciding_close_gate(d, gate, OUTCOME_VOID, NULL, HOLDERS_CHANGED);
		return;
	}
	if (gate->status == GATE_PASSED) {
		recheck_passed(d, gate);
		return;
	}
	call_backups(d, gate);
	escalate_gate(d, gate);
	pass_open(d, gate);
}

/* --- what a passed gate lets happen --- */

static void close_polls(struct deciding *d) {
	for (size_t i = 0; i < d->bridge->poll_count; i++) {
		if (d->bridge->polls[i].open) {
			deciding_close_poll(d, &d->bridge->polls[i]);
		}
	}
}

static void begin_at_t0(struct deciding *d, const struct run *run) {
	struct event event = run_event(d, EVENT_RUN_T0, run);
	event.until_ms = d->world->now_ms;
	deciding_add(d, event);
	if (run->kind == RUN_PRODUCTION) {
		close_polls(d);
	}
}

static void accept_files(struct deciding *d, const struct run *run) {
	struct event event = run_event(d, EVENT_RUN_FILES_ACCEPTED, run);
	event.name = run->files_target;
	event.digest = run->files_digest;
	deciding_add(d, event);
	deciding_add(d, run_event(d, EVENT_RUN_RESUMED, run));
}

/* Whether the newest gate of @purpose has passed, if it came after @gate_id. */
static bool passed_after(const struct deciding *d, const struct run *run,
		enum gate_purpose purpose, uint32_t gate_id) {
	const struct gate_state *gate = bridge_gate_for(
			d->bridge, run->number, purpose);
	return gate != NULL && gate->id > gate_id &&
			(gate->status == GATE_PASSED || gate->status == GATE_USED);
}

static bool tick_passed(struct deciding *d, const struct run *run) {
	if (run->status == RUN_AT_GATE &&
			passed_after(d, run, PURPOSE_START, run->active_gate)) {
		begin_at_t0(d, run);
		return true;
	}
	bool can_roll_back = run->status == RUN_RUNNING ||
			run->status == RUN_DECIDING || run->status == RUN_SUCCEEDED ||
			run->status == RUN_ABORTED;
	if (can_roll_back && run->kind == RUN_PRODUCTION &&
			/* One approval rolls back once. */
			passed_after(d, run, PURPOSE_ROLLBACK, run->rollback_gate)) {
		deciding_roll_back(d, run, run_event(d, EVENT_RUN_ROLLING_BACK, run));
		return true;
	}
	if (run->status == RUN_DECIDING &&
			passed_after(d, run, PURPOSE_SUCCESS, run->deciding_gate)) {
		deciding_add(d, run_event(d, EVENT_RUN_SUCCEEDED, run));
		return true;
	}
	if (run->held_for_files &&
			passed_after(d, run, PURPOSE_FILES, run->active_gate)) {
		accept_files(d, run);
		return true;
	}
	return false;
}

/* --- steps --- */

static void end_step(struct deciding *d, const struct run *run, size_t index,
		enum outcome outcome, const char *text) {
	struct event event = run_event(d, EVENT_STEP_ENDED, run);
	event.step = (uint32_t)index;
	event.outcome = outcome;
	event.text = text;
	const struct step_state *step = &run->steps[index];
	if (step->cancelling_ms != 0 || step->said_by != NULL) {
		event.user = step->said_by;
	}
	deciding_add(d, event);
}

/* What stopped: a step whose last attempt has ended and that has none to
 * follow.  Also for steps of a phase that a rollback or an abort has left. */
static bool settle_steps(struct deciding *d, const struct run *run) {
	bool any = false;
	for (size_t j = 0; j < run->index.live_count; j++) {
		size_t i = run->index.live[j];
		enum outcome outcome = flow_outcome(run, i, d->world->now_ms);
		if (outcome == OUTCOME_NONE) {
			continue;
		}
		const struct attempt *last = step_last_attempt(&run->steps[i]);
		const char *text = outcome == OUTCOME_OK || last == NULL ? NULL
																 : last->reason;
		if (run->steps[i].text != NULL && outcome == OUTCOME_FAILED) {
			text = run->steps[i].text; // the words of `!fail`
		}
		end_step(d, run, i, outcome, text);
		any = true;
	}
	return any;
}

static bool gate_in_the_way(
		struct deciding *d, const struct run *run, size_t step) {
	size_t wanted = flow_gate_of(run, step);
	if (wanted == RUNBOOK_NONE ||
			/* What has begun the rollback; `!rollback` asks for it again. */
			(run->status == RUN_ROLLING_BACK &&
					wanted == runbook_rollback_gate(run->plan->runbook))) {
		return false;
	}
	const struct gate_state *gate = flow_gate_state(d->bridge, run, step);
	if (gate != NULL && gate->status != GATE_CLOSED) {
		/* Of a used one ❌ has held the run, and was answered by `resume`. */
		return gate->status == GATE_OPEN ||
				(gate->status == GATE_PASSED && gate->objection_count > 0);
	}
	deciding_open_gate(d, run->plan, run, wanted, PURPOSE_STEP, NULL, NULL);
	return true;
}

/* What a step in its turn needs before an attempt, or instead of one. */
static bool turn_step(struct deciding *d, const struct run *run, size_t index) {
	const struct step_state *step = &run->steps[index];
	const struct step *model = &run->plan->runbook->steps[index];
	if (gate_in_the_way(d, run, index)) {
		return d->decision->count > 0;
	}
	if (model->kind == STEP_MANUAL) {
		deciding_ask_step(d, run, index, NULL);
		return true;
	}
	if (step->status == STEP_PENDING && run->status == RUN_ROLLING_BACK) {
		size_t publisher = 0;
		const char *name = flow_missing_value(run, index, &publisher);
		if (name != NULL && run->steps[publisher].status == STEP_UNKNOWN) {
			const char *found = flow_found_value(run, publisher, name);
			deciding_ask_step(d, run, index,
					decision_print(d->decision,
							"%s is not known: %s ended unknown%s%s", name,
							run->plan->runbook->steps[publisher].number,
							found != NULL ? "; it left " : "",
							found != NULL ? found : ""));
			return true;
		}
		if (name != NULL) {
			end_step(d, run, index, OUTCOME_PASSED_OVER,
					decision_print(
							d->decision, "%s was never published", name));
			return true;
		}
	}
	if (step->block < model->block_count && model->blocks[step->block].ask &&
			!step->allowed) {
		deciding_ask_step(d, run, index, NULL);
		return true;
	}
	return false;
}

static bool tick_turns(struct deciding *d, const struct run *run) {
	if (run_stands_still(d->bridge, run)) {
		return false;
	}
	size_t count = 0;
	size_t *turns = flow_turns(run, &count);
	bool any = false;
	for (size_t i = 0; i < count && !any; i++) {
		any = run->steps[turns[i]].status == STEP_PENDING ||
						run->steps[turns[i]].status == STEP_RUNNING
				? turn_step(d, run, turns[i])
				: false;
	}
	free(turns);
	return any;
}

/* --- the end of phases --- */

static const char *rehearsal_verdict(
		struct deciding *d, const struct run *run) {
	size_t commands = 0;
	for (size_t i = 0; i < run->step_count; i++) {
		const struct step_state *step = &run->steps[i];
		const char *number = run->plan->runbook->steps[i].number;
		if (step->outcome == OUTCOME_EXCLUDED) {
			continue;
		}
		if (step->outcome != OUTCOME_OK) {
			return decision_print(d->decision, "step %s was %s", number,
					step->outcome == OUTCOME_SKIPPED ? "skipped"
													 : "passed over");
		}
		if (run->plan->runbook->steps[i].kind == STEP_COMMAND) {
			commands++;
		}
	}
	if (commands == 0) {
		return "no command ran";
	}
	if (run->interventions > 0) {
		return decision_print(d->decision, "%u intervention%s",
				run->interventions, run->interventions == 1 ? "" : "s");
	}
	return NULL;
}

static void end_rehearsal(struct deciding *d, const struct run *run) {
	struct event event = run_event(d, EVENT_RUN_REHEARSED, run);
	event.text = rehearsal_verdict(d, run);
	event.outcome = event.text == NULL ? OUTCOME_OK : OUTCOME_FAILED;
	deciding_add(d, event);
	deciding_add(d, run_event(d, EVENT_RUN_CLOSED, run));
}

static bool tick_deciding(struct deciding *d, const struct run *run) {
	const struct gate_state *gate = bridge_gate_for(
			d->bridge, run->number, PURPOSE_SUCCESS);
	bool green = flow_is_green(run);
	if (!green && gate != NULL && gate->status == GATE_OPEN) {
		deciding_close_gate(d, gate, OUTCOME_VOID, NULL, "a test is red");
		return true;
	}
	if (!green || run->held || flow_rollback_is_asked(d->bridge, run)) {
		return false;
	}
	size_t model = runbook_success_gate(run->plan->runbook);
	if (model == RUNBOOK_NONE) {
		deciding_add(d, run_event(d, EVENT_RUN_SUCCEEDED, run));
		return true;
	}
	if (gate != NULL && gate->id > run->deciding_gate) {
		return false;
	}
	deciding_open_gate(d, run->plan, run, model, PURPOSE_SUCCESS, NULL, NULL);
	return true;
}

static bool tick_phase_end(struct deciding *d, const struct run *run) {
	if (run->status == RUN_DECIDING) {
		return tick_deciding(d, run);
	}
	if (run->status == RUN_ROLLING_BACK) {
		if (flow_is_over(run, PHASE_ROLLBACK) &&
				!run_has_forward_running(run)) {
			deciding_void_gates(d, run, "the run is rolled back");
			deciding_add(d, run_event(d, EVENT_RUN_ROLLED_BACK, run));
			return true;
		}
		return false;
	}
	if (run->status == RUN_SUCCEEDED && !run->watched) {
		if (flow_is_over(run, PHASE_POST)) {
			deciding_add(d, run_event(d, EVENT_RUN_WATCHED, run));
			return true;
		}
		return false;
	}
	if (run->status != RUN_RUNNING || run->held) {
		return false;
	}
	if (run->kind == RUN_REHEARSAL) {
		if (flow_is_over(run, PHASE_REHEARSAL)) {
			end_rehearsal(d, run);
			return true;
		}
		return false;
	}
	if (flow_is_over(run, PHASE_PRODUCTION) && flow_is_over(run, PHASE_SMOKE)) {
		deciding_add(d, run_event(d, EVENT_RUN_DECIDING, run));
		return true;
	}
	return false;
}

/* --- silence --- */

static bool tick_silence(struct deciding *d, const struct run *run) {
	for (size_t j = 0; j < run->index.live_count; j++) {
		size_t i = run->index.live[j];
		if (d->world->now_ms < flow_escalates_ms(run, i, d->world->settings)) {
			continue;
		}
		struct event event = run_event(d, EVENT_STEP_ESCALATED, run);
		event.step = (uint32_t)i;
		event.count = escalation_due(
				d, run->steps[i].waits_ms, ESCALATIONS_MOST);
		deciding_add(d, event);
		return true;
	}
	return false;
}

/* --- the status grid --- */

static void tick_status(struct deciding *d, const struct run *run) {
	int64_t due = flow_status_due_ms(run, d->world->settings, d->world->now_ms);
	if (d->world->now_ms < due) {
		return;
	}
	int64_t every = flow_status_every_ms(run, d->world->settings);
	int64_t missed = (d->world->now_ms - due) / every;
	struct event event = run_event(d, EVENT_STATUS_DUE, run);
	event.number = run->status_count + 1;
	event.until_ms = due + missed * every;
	event.count = (uint32_t)missed;
	deciding_add(d, event);
}

static void tick_run(struct deciding *d, const struct run *run) {
	if (tick_passed(d, run)) {
		return;
	}
	if (settle_steps(d, run)) {
		return;
	}
	if (flow_phases(run) != 0 && tick_turns(d, run)) {
		return;
	}
	if (!tick_phase_end(d, run)) {
		tick_silence(d, run);
	}
}

void decide_tick(struct deciding *d) {
	size_t first = d->bridge->first_open_run;
	for (size_t i = 0; i < d->bridge->live_gate_count; i++) {
		tick_gate(d, &d->bridge->gates[d->bridge->live_gates[i]]);
	}
	for (size_t i = first; i < d->bridge->run_count && d->decision->count == 0;
			i++) {
		const struct run *run = &d->bridge->runs[i];
		if (run->status != RUN_CLOSED) {
			tick_run(d, run);
		}
	}
	for (size_t i = first; i < d->bridge->run_count && d->decision->count == 0;
			i++) {
		tick_status(d, &d->bridge->runs[i]);
	}
}
