#include "core/bridge.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "core/bridge_find.h"
#include "core/bridge_index.h"
#include "core/flow.h"

/*
 * The one writer of a bridge: each event, folded in.
 */

static void replace(char **field, const char *text) {
	char *copy = xstrdup(text);
	free(*field);
	*field = copy;
}

static bool enter(struct run *run, enum run_status status, struct err *err) {
	if (!run_status_may_follow(run->status, status)) {
		return err_set(err, ERR_INVALID, "run %u cannot be %s after %s",
				run->number, run_status_name(status),
				run_status_name(run->status));
	}
	run->status = status;
	return true;
}

/* --- folding, one function a family --- */

static bool out_of_place(
		const struct event *event, const char *why, struct err *err) {
	return err_set(err, ERR_INVALID, "%s out of place: %s",
			event_spec(event->type)->name, why);
}

static bool need_run(struct bridge *bridge, const struct event *event,
		struct run **run, struct err *err) {
	*run = bridge_find_run(bridge, event->run);
	if (*run == NULL) {
		return out_of_place(event, "no such run", err);
	}
	return true;
}

static bool need_step(struct run *run, const struct event *event,
		struct step_state **step, struct err *err) {
	if (event->step >= run->step_count) {
		return out_of_place(event, "no such step", err);
	}
	*step = &run->steps[event->step];
	return true;
}

static bool need_gate(struct bridge *bridge, const struct event *event,
		struct gate_state **gate, struct err *err) {
	*gate = bridge_find_gate(bridge, event->gate);
	if (*gate == NULL) {
		return out_of_place(event, "no such gate", err);
	}
	return true;
}

static bool fold_plan(
		struct bridge *bridge, const struct event *event, struct err *err) {
	if (event->record == NULL) {
		return out_of_place(event, "it has no plan", err);
	}
	bridge->plans = xreallocarray(
			bridge->plans, bridge->plan_count + 1, sizeof(*bridge->plans));
	/* Taken over: see bridge_fold(). */
	union {
		const struct plan_record *borrowed;
		struct plan_record *taken;
	} record = { .borrowed = event->record };
	bridge->plans[bridge->plan_count++] = record.taken;
	bridge->plan_ms = event->at_ms;
	replace(&bridge->plan_by, event->user);
	return true;
}

static bool fold_gate_opened(
		struct bridge *bridge, const struct event *event, struct err *err) {
	if (event->gate != bridge->last_gate_id + 1) {
		return out_of_place(event, "gates are numbered without gaps", err);
	}
	struct run *run = NULL;
	if (event->run != 0 && !need_run(bridge, event, &run, err)) {
		return false;
	}
	const struct plan_record *record = run != NULL
			? run->plan
			: bridge_find_plan(bridge, event->digest);
	if (record == NULL || event->index >= record->runbook->gate_count) {
		return out_of_place(event, "no such gate in the plan", err);
	}
	if (event->purpose == PURPOSE_START && run != NULL &&
			!enter(run, RUN_AT_GATE, err)) {
		return false;
	}
	if (event->purpose == PURPOSE_START && run != NULL) {
		run->active_ms = event->at_ms;
		run->status_grid_ms = 0;
		run->active_gate = bridge->last_gate_id;
	}
	bridge->gates = xreallocarray(
			bridge->gates, bridge->gate_count + 1, sizeof(*bridge->gates));
	struct gate_state *gate = &bridge->gates[bridge->gate_count++];
	*gate = (struct gate_state){
		.id = event->gate,
		.run = event->run,
		.gate = event->index,
		.purpose = event->purpose,
		.status = GATE_OPEN,
		.asker = xstrdup(event->user),
		.why = xstrdup(event->text),
		.holders = xstrdup(event->name != NULL ? event->name : ""),
		.opened_ms = event->at_ms,
		.until_ms = event->until_ms,
		.valid_ms = event->valid_ms,
	};
	size_t len = strlen(event->digest);
	if (len < sizeof(gate->digest)) {
		memcpy(gate->digest, event->digest, len + 1);
	}
	bridge->last_gate_id = event->gate;
	return true;
}

static void approval_put(
		struct approval **list, size_t *count, const struct event *event) {
	for (size_t i = 0; i < *count; i++) {
		if (strcmp((*list)[i].user, event->user) == 0) {
			replace(&(*list)[i].emoji, event->name);
			replace(&(*list)[i].post, event->post);
			(*list)[i].server_ms = event->server_ms;
			return;
		}
	}
	*list = xreallocarray(*list, *count + 1, sizeof(**list));
	(*list)[(*count)++] = (struct approval){
		.user = xstrdup(event->user),
		.emoji = xstrdup(event->name),
		.post = xstrdup(event->post),
		.server_ms = event->server_ms,
		.at_ms = event->at_ms,
	};
}

static void approval_drop(
		struct approval *list, size_t *count, const char *user) {
	for (size_t i = 0; i < *count; i++) {
		if (strcmp(list[i].user, user) == 0) {
			free(list[i].user);
			free(list[i].emoji);
			free(list[i].post);
			(*count)--;
			memmove(&list[i], &list[i + 1], (*count - i) * sizeof(*list));
			return;
		}
	}
}

static void string_put(char ***list, size_t *count, const char *text) {
	*list = xreallocarray(*list, *count + 1, sizeof(**list));
	(*list)[(*count)++] = xstrdup(text);
}

static void string_drop(char **list, size_t *count, const char *text) {
	for (size_t i = *count; i > 0; i--) {
		if (strcmp(list[i - 1], text) == 0) {
			free(list[i - 1]);
			(*count)--;
			memmove(&list[i - 1], &list[i],
					(*count - (i - 1)) * sizeof(list[0]));
		}
	}
}

static bool fold_gate_passed(struct bridge *bridge, struct gate_state *gate,
		const struct event *event, struct err *err) {
	if (gate->status != GATE_OPEN) {
		return out_of_place(event, "the gate is not open", err);
	}
	struct run *run = bridge_find_run(bridge, gate->run);
	if (gate->purpose == PURPOSE_ROLLBACK && run != NULL &&
			run->status == RUN_ROLLING_BACK) {
		run->rollback_gate = gate->id; // for the one under way
	}
	gate->status = GATE_PASSED;
	gate->passed_ms = event->at_ms;
	for (size_t i = 0; i < event->value_count; i++) {
		string_put(&gate->filled, &gate->filled_count, event->values[i].value);
	}
	return true;
}

static bool fold_gate_closed(struct bridge *bridge, struct gate_state *gate,
		const struct event *event, struct err *err) {
	if (gate->status == GATE_CLOSED) {
		return out_of_place(event, "the gate is closed already", err);
	}
	/* It leads back to before its run; no more once a command has begun, or
	 * where the run has ended meanwhile. */
	struct run *run = bridge_find_run(bridge, gate->run);
	bool waits = run != NULL &&
			(run->status == RUN_AT_GATE ||
					(run->status == RUN_RUNNING && !run->forward_begun));
	if (gate->purpose == PURPOSE_START && !gate->begun && waits &&
			!enter(run, RUN_PLANNED, err)) {
		return false;
	}
	gate->status = GATE_CLOSED;
	gate->outcome = event->outcome;
	return true;
}

/* Break-glass: it passes although slots are empty. */
static bool fold_overridden(struct bridge *bridge, struct gate_state *gate,
		const struct event *event, struct err *err) {
	if (!fold_gate_passed(bridge, gate, event, err)) {
		return false;
	}
	gate->overridden = true;
	return true;
}

static bool fold_gate(struct bridge *bridge, const struct event *event,
		enum event_type type, struct err *err) {
	struct gate_state *gate = NULL;
	if (!need_gate(bridge, event, &gate, err)) {
		return false;
	}
	if (type == EVENT_GATE_POSTED) {
		replace(&gate->post, event->post);
		gate->posted_server_ms = event->server_ms;
	} else if (type == EVENT_GATE_APPROVED || type == EVENT_GATE_ASKED) {
		approval_put(&gate->approvals, &gate->approval_count, event);
	} else if (type == EVENT_GATE_WITHDRAWN) {
		approval_drop(gate->approvals, &gate->approval_count, event->user);
		string_put(&gate->withdrawn, &gate->withdrawn_count, event->user);
	} else if (type == EVENT_GATE_OBJECTED) {
		string_drop(gate->withdrawn, &gate->withdrawn_count, event->user);
		approval_put(&gate->objections, &gate->objection_count, event);
	} else if (type == EVENT_GATE_OBJECTION_LIFTED) {
		approval_drop(gate->objections, &gate->objection_count, event->user);
	} else if (type == EVENT_GATE_TAP_REFUSED) {
		string_put(&gate->refused_taps, &gate->refused_tap_count, event->user);
	} else if (type == EVENT_GATE_BACKUP_CALLED) {
		gate->backups_called = true;
	} else if (type == EVENT_GATE_PASSED) {
		return fold_gate_passed(bridge, gate, event, err);
	} else if (type == EVENT_GATE_CLOSED) {
		return fold_gate_closed(bridge, gate, event, err);
	} else if (type == EVENT_GATE_OVERRIDE_SAID) {
		approval_put(&gate->overrides, &gate->override_count, event);
	} else if (type == EVENT_GATE_OVERRIDDEN) {
		return fold_overridden(bridge, gate, event, err);
	} else if (type == EVENT_GATE_REVIEWED) {
		replace(&gate->reviewed, event->user);
	} else if (type == EVENT_GATE_ESCALATED) {
		gate->escalated = event->count;
	} else if (type == EVENT_GATE_USED) {
		if (gate->status != GATE_PASSED) {
			return out_of_place(event, "the gate has not passed", err);
		}
		gate->status = GATE_USED;
	}
	return true;
}

/* --- between the last look at a gate and the first command behind it --- */

/* Whether after this the look is old by the time that the command starts. */
static bool comes_between(enum event_type type) {
	return type == EVENT_BOT_STARTED || type == EVENT_SERVER_LOST ||
			type == EVENT_SOURCE_BROKEN || type == EVENT_SOURCE_CHANGED ||
			type == EVENT_GATE_OPENED || type == EVENT_GATE_CLOSED ||
			type == EVENT_GATE_WITHDRAWN || type == EVENT_GATE_OBJECTED ||
			type == EVENT_RUN_HELD || type == EVENT_RUN_ABORTED ||
			type == EVENT_RUN_ROLLING_BACK;
}

/* A gate behind which nothing has begun has only passed: it is read again. */
static void look_again(struct bridge *bridge) {
	for (size_t i = 0; i < bridge->live_gate_count; i++) {
		struct gate_state *gate = &bridge->gates[bridge->live_gates[i]];
		if (gate->status == GATE_USED && !gate->begun) {
			gate->status = GATE_PASSED;
		}
	}
}

static void begin_behind(
		struct bridge *bridge, const struct gate_state *behind) {
	if (behind == NULL || behind->begun ||
			(behind->status != GATE_PASSED && behind->status != GATE_USED)) {
		return;
	}
	struct gate_state *gate = bridge_find_gate(bridge, behind->id);
	gate->status = GATE_USED;
	gate->begun = true;
	bridge_index_update(bridge, gate->id, 0);
}

static bool fold_poll_opened(
		struct bridge *bridge, const struct event *event, struct err *err) {
	if (event->gate != bridge->last_gate_id + 1) {
		return out_of_place(event, "polls are numbered with the gates", err);
	}
	bridge->polls = xreallocarray(
			bridge->polls, bridge->poll_count + 1, sizeof(*bridge->polls));
	bridge->polls[bridge->poll_count++] = (struct poll_state){
		.id = event->gate,
		.group = xstrdup(event->name),
		.asker = xstrdup(event->user),
		.open = true,
		.opened_ms = event->at_ms,
	};
	bridge->last_gate_id = event->gate;
	return true;
}

static void vote(struct poll_state *poll, const struct event *event) {
	for (size_t i = 0; i < poll->vote_count; i++) {
		if (strcmp(poll->votes[i].user, event->user) == 0) {
			poll->votes[i].outcome = event->outcome;
			return;
		}
	}
	poll->votes = xreallocarray(
			poll->votes, poll->vote_count + 1, sizeof(*poll->votes));
	poll->votes[poll->vote_count++] = (struct vote){
		.user = xstrdup(event->user),
		.outcome = event->outcome,
	};
}

static bool fold_poll(struct bridge *bridge, const struct event *event,
		enum event_type type, struct err *err) {
	if (type == EVENT_POLL_OPENED) {
		return fold_poll_opened(bridge, event, err);
	}
	struct poll_state *poll = bridge_find_poll(bridge, event->gate);
	if (poll == NULL) {
		return out_of_place(event, "no such poll", err);
	}
	if (type == EVENT_POLL_POSTED) {
		replace(&poll->post, event->post);
	} else if (type == EVENT_POLL_VOTED) {
		vote(poll, event);
	} else if (type == EVENT_POLL_CLOSED) {
		poll->open = false;
	}
	return true;
}

static bool phase_belongs(const struct run *run, size_t phase) {
	enum phase_kind kind = run->plan->runbook->phases[phase].kind;
	return (kind == PHASE_REHEARSAL) == (run->kind == RUN_REHEARSAL);
}

/* A run may be asked about until the next one begins; what comes later needs
 * to know how it ended, and no step of it.  One left with a step that waits
 * is kept whole: that step's post may still come. */
static void put_away_closed(struct bridge *bridge) {
	for (size_t i = bridge->run_count; i > 0; i--) {
		struct run *run = &bridge->runs[i - 1];
		if (run->put_away) {
			return; // what is older was looked at before
		}
		if (run->status == RUN_CLOSED && run->index.live_count == 0) {
			run_put_away(run);
		}
	}
}

static bool fold_run_begun(
		struct bridge *bridge, const struct event *event, struct err *err) {
	const struct plan_record *record = bridge_find_plan(bridge, event->digest);
	if (record == NULL) {
		return out_of_place(event, "no plan has its digest", err);
	}
	if (event->run != bridge->run_count + 1) {
		return out_of_place(event, "runs are numbered without gaps", err);
	}
	put_away_closed(bridge);
	bridge->runs = xreallocarray(
			bridge->runs, bridge->run_count + 1, sizeof(*bridge->runs));
	struct run *run = &bridge->runs[bridge->run_count++];
	*run = (struct run){
		.number = event->run,
		.kind = event->kind,
		.status = RUN_PLANNED,
		.plan = record,
		.by = xstrdup(event->user),
		.begun_ms = event->at_ms,
		.step_count = record->runbook->step_count,
		.first_gate = bridge->gate_count,
	};
	run->steps = xcalloc(run->step_count, sizeof(*run->steps));
	for (size_t i = 0; i < run->step_count; i++) {
		if (!phase_belongs(run, record->runbook->steps[i].phase) ||
				!plan_includes(&record->plan, i)) {
			run->steps[i].status = STEP_ENDED;
			run->steps[i].outcome = OUTCOME_EXCLUDED;
		}
	}
	run_index_init(run);
	return true;
}

static void hold(struct run *run, const struct event *event) {
	run->held = true;
	replace(&run->held_why, event->text);
	replace(&run->held_by, event->user);
	run->interventions += event->user != NULL;
}

static void resume(struct run *run) {
	run->held = false;
	run->held_for_files = false;
	replace(&run->held_why, NULL);
	replace(&run->held_by, NULL);
}

static void set_value(struct plan_value **list, size_t *count, const char *name,
		const char *value) {
	for (size_t i = 0; i < *count; i++) {
		if (strcmp((*list)[i].name, name) == 0) {
			replace(&(*list)[i].value, value);
			return;
		}
	}
	*list = xreallocarray(*list, *count + 1, sizeof(**list));
	(*list)[(*count)++] = (struct plan_value){
		.name = xstrdup(name),
		.value = xstrdup(value),
	};
}

static void take_values(struct run *run, const struct event *event) {
	for (size_t i = 0; i < event->value_count; i++) {
		set_value(&run->values, &run->value_count, event->values[i].name,
				event->values[i].value);
		run_index_publish(run, event->values[i].name);
	}
}

/* Whether anything is left to do of what comes after success. */
static bool has_post(const struct run *run) {
	const struct runbook *runbook = run->plan->runbook;
	for (size_t i = 0; i < run->step_count; i++) {
		if (runbook->phases[runbook->steps[i].phase].kind == PHASE_POST &&
				run->steps[i].status != STEP_ENDED) {
			return true;
		}
	}
	return false;
}

static void end_run(
		struct bridge *bridge, struct run *run, const struct event *event) {
	run->ended_ms = event->at_ms;
	if (event->type != EVENT_RUN_SUCCEEDED || !has_post(run)) {
		resume(run);
	}
	bool lock = event->type == EVENT_RUN_ROLLED_BACK ||
			(event->type == EVENT_RUN_ABORTED && run->command_started);
	if (lock && run->kind == RUN_PRODUCTION) {
		bridge->locked_ms = event->at_ms;
		bridge->locked_run = (uint32_t)bridge->run_count;
	}
}

static bool fold_run_files(struct run *run, const struct event *event) {
	if (event->type == EVENT_RUN_FILES_CHANGED) {
		run->held_for_files = true;
		replace(&run->files_target, event->name);
		replace(&run->files_digest, event->digest);
		replace(&run->files_text, event->text);
		return true;
	}
	set_value(&run->accepted, &run->accepted_count,
			event->name != NULL ? event->name : "", event->digest);
	run->held_for_files = false;
	run->interventions++;
	return true;
}

static bool fold_status(struct run *run, const struct event *event) {
	run->status_grid_ms = event->until_ms;
	run->status_count = event->number;
	return true;
}

/* Of a rollback that was aborted halfway: what was cut short is begun again,
 * what was asked is asked again, and what failed or ended unknown is said
 * again.  Blocks that went well stay done. */
static void take_up_rollback(struct run *run) {
	const struct runbook *runbook = run->plan->runbook;
	for (size_t i = 0; i < run->step_count; i++) {
		struct step_state *step = &run->steps[i];
		if (runbook->phases[runbook->steps[i].phase].kind != PHASE_ROLLBACK) {
			continue;
		}
		bool cut = step->status == STEP_ENDED &&
				step->outcome == OUTCOME_CANCELLED;
		if (cut || step->status == STEP_ASKED) {
			step->status = STEP_PENDING;
			step->try_from = step->attempt_count;
			step->allowed = false;
			replace(&step->post, NULL);
		} else if (step->status == STEP_FAILED ||
				step->status == STEP_UNKNOWN) {
			step->status = runbook->steps[i].kind == STEP_MANUAL ? STEP_PENDING
																 : STEP_RUNNING;
		} else {
			continue;
		}
		step->outcome = OUTCOME_NONE;
		step->ended_ms = 0;
		run_index_update(run, i);
	}
}

static void become_active(const struct bridge *bridge, struct run *run,
		const struct event *event) {
	run->active_ms = event->at_ms;
	run->status_grid_ms = 0;
	run->active_gate = bridge->last_gate_id;
	run->abort_asked_ms = 0; // that was about what ran before
}

static bool fold_run(struct bridge *bridge, const struct event *event,
		enum event_type type, struct err *err) {
	if (type == EVENT_RUN_BEGUN) {
		return fold_run_begun(bridge, event, err);
	}
	struct run *run = NULL;
	if (!need_run(bridge, event, &run, err)) {
		return false;
	}
	bool ok = true;
	if (type == EVENT_RUN_T0) {
		ok = enter(run, RUN_RUNNING, err);
		run->t0_ms = run->kind == RUN_PRODUCTION ? event->until_ms : 0;
		become_active(bridge, run, event);
	} else if (type == EVENT_RUN_HELD) {
		hold(run, event);
	} else if (type == EVENT_RUN_RESUMED) {
		resume(run);
	} else if (type == EVENT_RUN_DECIDING) {
		ok = enter(run, RUN_DECIDING, err);
		run->deciding_gate = bridge->last_gate_id;
	} else if (type == EVENT_RUN_SUCCEEDED) {
		ok = enter(run, RUN_SUCCEEDED, err);
		become_active(bridge, run, event);
		end_run(bridge, run, event);
	} else if (type == EVENT_RUN_ROLLING_BACK) {
		ok = enter(run, RUN_ROLLING_BACK, err);
		take_up_rollback(run);
		resume(run);
		run->rollback_ms = event->at_ms;
		run->rollback_gate = bridge->last_gate_id;
		become_active(bridge, run, event);
	} else if (type == EVENT_RUN_ROLLED_BACK) {
		ok = enter(run, RUN_ROLLED_BACK, err);
		end_run(bridge, run, event);
	} else if (type == EVENT_RUN_ABORT_ASKED) {
		run->abort_asked_ms = event->at_ms;
	} else if (type == EVENT_RUN_ABORTED) {
		ok = enter(run, RUN_ABORTED, err);
		end_run(bridge, run, event);
	} else if (type == EVENT_RUN_REHEARSED) {
		run->ended_ms = event->at_ms;
		run->rehearsed_ok = event->outcome == OUTCOME_OK;
		replace(&run->rehearsed_why, event->text);
	} else if (type == EVENT_RUN_WATCHED) {
		run->watched = true;
	} else if (type == EVENT_RUN_CLOSED) {
		enum run_status from = run->status;
		ok = enter(run, RUN_CLOSED, err);
		run->closed_from = ok ? from : run->closed_from;
		run->closed_ms = ok ? event->at_ms : run->closed_ms;
	} else if (type == EVENT_STATUS_DUE) {
		ok = fold_status(run, event);
	} else {
		ok = fold_run_files(run, event);
	}
	return ok;
}

static bool fold_attempt_started(struct run *run, struct step_state *step,
		const struct event *event, struct err *err) {
	const struct step *model = &run->plan->runbook->steps[event->step];
	if (event->block >= model->block_count) {
		return out_of_place(event, "no such block", err);
	}
	if (step->status == STEP_ENDED) {
		return out_of_place(event, "the step has ended", err);
	}
	step->attempts = xreallocarray(
			step->attempts, step->attempt_count + 1, sizeof(*step->attempts));
	step->attempts[step->attempt_count] = (struct attempt){
		.block = event->block,
		.host = event->host,
		.number = event->attempt,
		.started_ms = event->at_ms,
		.until_ms = event->until_ms,
		.by_person = step->try_from > 0,
	};
	step->attempt_count++;
	step->running_count++;
	step->status = STEP_RUNNING;
	step->cancelling_ms = 0;
	if (step->begun_ms == 0) {
		step->begun_ms = event->at_ms;
	}
	run->command_started = true;
	if (run->plan->runbook->phases[model->phase].kind != PHASE_ROLLBACK) {
		run->forward_begun = true;
	}
	return true;
}

static struct attempt *find_attempt(
		struct step_state *step, const struct event *event) {
	for (size_t i = step->attempt_count; i > 0; i--) {
		struct attempt *attempt = &step->attempts[i - 1];
		if (attempt->block == event->block && attempt->host == event->host &&
				attempt->number == event->attempt) {
			return attempt;
		}
	}
	return NULL;
}

/* What has just started as the last attempt of @step. */
static void begin_attempt(
		struct bridge *bridge, struct run *run, uint32_t step) {
	const struct gate_state *behind = flow_gate_state(bridge, run, step);
	struct step_state *state = &run->steps[step];
	if (behind != NULL) {
		state->attempts[state->attempt_count - 1].gate = behind->id;
		begin_behind(bridge, behind);
	}
}

/* Whether a command that gate @gate_id let begin runs, or did, whatever came of
 * it. */
static bool has_begun(const struct run *run, uint32_t gate_id) {
	for (size_t i = 0; i < run->step_count; i++) {
		const struct step_state *step = &run->steps[i];
		for (size_t j = 0; j < step->attempt_count; j++) {
			const struct attempt *attempt = &step->attempts[j];
			if (attempt->gate == gate_id &&
					attempt->outcome != OUTCOME_NOT_STARTED) {
				return true;
			}
		}
	}
	return false;
}

/* What was to start did not: the gate has let nothing begin yet. */
static void begin_nothing(
		struct bridge *bridge, const struct run *run, uint32_t gate_id) {
	struct gate_state *gate = bridge_find_gate(bridge, gate_id);
	if (gate != NULL && gate->begun && !has_begun(run, gate_id)) {
		gate->begun = false;
		gate->status = GATE_PASSED;
		bridge_index_update(bridge, gate->id, 0);
	}
}

/* A block is over when it went well on every host; monitors repeat. */
static void advance(
		struct run *run, struct step_state *step, const struct event *event) {
	const struct step *model = &run->plan->runbook->steps[event->step];
	if (model->blocks[event->block].every_ms > 0) {
		return;
	}
	size_t hosts = run_host_count(run, event->step, event->block);
	for (uint32_t i = 0; i < hosts; i++) {
		if (!step_host_done(step, event->block, i)) {
			return;
		}
	}
	step->block = event->block + 1;
	step->try_from = 0;
}

static bool fold_attempt_ended(struct run *run, struct step_state *step,
		const struct event *event, struct err *err) {
	struct attempt *attempt = find_attempt(step, event);
	if (attempt == NULL) {
		return out_of_place(event, "that attempt never started", err);
	}
	if (attempt->ended_ms != 0) {
		return out_of_place(event, "that attempt has ended already", err);
	}
	attempt->ended_ms = event->at_ms;
	step->running_count--;
	attempt->outcome = event->outcome;
	attempt->exit_status = event->exit_status;
	attempt->lines = event->number;
	attempt->reason = xstrdup(event->text);
	attempt->tail = xstrdup(event->detail);
	attempt->log = xstrdup(event->path);
	attempt->lost_ms = 0;
	for (size_t i = 0;
			event->outcome == OUTCOME_UNKNOWN && i < event->value_count; i++) {
		set_value(&attempt->found, &attempt->found_count, event->values[i].name,
				event->values[i].value);
	}
	if (event->outcome != OUTCOME_OK) {
		return true;
	}
	take_values(run, event);
	advance(run, step, event);
	return true;
}

/* Whether the machine that it runs on answers. */
static bool fold_attempt_reach(
		struct step_state *step, const struct event *event, struct err *err) {
	struct attempt *attempt = find_attempt(step, event);
	if (attempt == NULL || attempt->ended_ms != 0) {
		return out_of_place(event, "that attempt does not run", err);
	}
	bool lost = event->type == EVENT_ATTEMPT_LOST;
	attempt->lost_ms = lost ? event->at_ms : 0;
	attempt->may_run = lost && event->count > 0;
	return true;
}

/* Whether no later attempt was made there: what failed afterwards has failed. */
static bool is_last_of_host(const struct step_state *step, size_t index) {
	const struct attempt *attempt = &step->attempts[index];
	for (size_t i = index + 1; i < step->attempt_count; i++) {
		if (step->attempts[i].block == attempt->block &&
				step->attempts[i].host == attempt->host) {
			return false;
		}
	}
	return true;
}

/* A person says that what ended unknown went well. */
static bool confirm(struct run *run, struct step_state *step,
		const struct event *event, struct err *err) {
	const struct step *model = &run->plan->runbook->steps[event->step];
	if (step->status != STEP_UNKNOWN || event->block >= model->block_count) {
		return out_of_place(event, "its outcome is not unknown", err);
	}
	for (size_t i = 0; i < step->attempt_count; i++) {
		struct attempt *attempt = &step->attempts[i];
		if (attempt->block == event->block &&
				attempt->outcome == OUTCOME_UNKNOWN &&
				is_last_of_host(step, i)) {
			attempt->outcome = OUTCOME_OK;
		}
	}
	step->status = STEP_RUNNING;
	step->outcome = OUTCOME_NONE;
	step->ended_ms = 0;
	step->cancelling_ms = 0;
	replace(&step->said_by, event->user);
	replace(&step->text, event->text);
	take_values(run, event);
	advance(run, step, event);
	return true;
}

static void step_ended(
		struct run *run, struct step_state *step, const struct event *event) {
	const struct step *model = &run->plan->runbook->steps[event->step];
	if (event->user != NULL &&
			(event->outcome == OUTCOME_SKIPPED ||
					(model->kind == STEP_COMMAND &&
							event->outcome != OUTCOME_PASSED))) {
		run->interventions++;
	}
	step->outcome = event->outcome;
	step->ended_ms = event->at_ms;
	step->ended_count++;
	step->cancelling_ms = 0;
	replace(&step->said_by, event->user);
	replace(&step->text, event->text);
	if (event->outcome == OUTCOME_FAILED) {
		step->status = STEP_FAILED;
	} else if (event->outcome == OUTCOME_UNKNOWN) {
		step->status = STEP_UNKNOWN;
	} else {
		step->status = STEP_ENDED;
	}
	step->left = (step->status == STEP_FAILED ||
						 step->status == STEP_UNKNOWN) &&
			!flow_waits(run, event->step);
}

static void retry(
		struct run *run, struct step_state *step, const struct event *event) {
	const struct step *model = &run->plan->runbook->steps[event->step];
	run->interventions++;
	step->status = model->kind == STEP_MANUAL ? STEP_PENDING : STEP_RUNNING;
	step->outcome = OUTCOME_NONE;
	step->ended_ms = 0;
	step->cancelling_ms = 0;
	step->try_from = step->attempt_count;
	replace(&step->post, NULL);
	replace(&step->text, NULL);
	replace(&step->said_by, NULL);
	if (run->status == RUN_DECIDING) {
		run->status = RUN_RUNNING; // as allowed_from has it
	}
}

/* What was attached while its post was there speaks to the one made anew. */
static void ask(
		struct run *run, struct step_state *step, const struct event *event) {
	uint32_t asked = step->asked_count++;
	for (size_t i = 0; step->status == STEP_ASKED && i < run->file_count; i++) {
		struct run_file *file = &run->files[i];
		if (file->step == event->step && file->asked == asked) {
			file->asked = step->asked_count;
		}
	}
	step->asked_ms = event->at_ms;
	step->status = STEP_ASKED;
	if (step->begun_ms == 0) {
		step->begun_ms = event->at_ms;
	}
	replace(&step->post, NULL);
}

static bool change_step(struct run *run, struct step_state *step,
		const struct event *event, enum event_type type, struct err *err) {
	if (type == EVENT_ATTEMPT_LOST || type == EVENT_ATTEMPT_FOUND) {
		return fold_attempt_reach(step, event, err);
	}
	if (type != EVENT_STEP_ESCALATED && type != EVENT_STEP_POSTED &&
			type != EVENT_STEP_TAP_REFUSED) {
		step->escalated = 0; // somebody spoke, or it is another wait
		step->waits_ms = event->at_ms;
	}
	if (type == EVENT_STEP_ASKED) {
		ask(run, step, event);
	} else if (type == EVENT_STEP_POSTED) {
		replace(&step->post, event->post);
	} else if (type == EVENT_STEP_CLAIMED) {
		replace(&step->claimed, event->user);
	} else if (type == EVENT_STEP_ALLOWED) {
		step->allowed = true;
		step->status = STEP_RUNNING;
		take_values(run, event);
	} else if (type == EVENT_ATTEMPT_STARTED) {
		return fold_attempt_started(run, step, event, err);
	} else if (type == EVENT_ATTEMPT_ENDED) {
		return fold_attempt_ended(run, step, event, err);
	} else if (type == EVENT_STEP_ENDED) {
		step_ended(run, step, event);
	} else if (type == EVENT_STEP_RETRIED) {
		retry(run, step, event);
	} else if (type == EVENT_STEP_CANCELLING) {
		step->cancelling_ms = event->at_ms;
		replace(&step->text, event->text);
		replace(&step->said_by, event->user);
	} else if (type == EVENT_STEP_CONFIRMED) {
		return confirm(run, step, event, err);
	} else if (type == EVENT_STEP_ESCALATED) {
		step->escalated = event->count;
	} else if (type == EVENT_STEP_TAP_REFUSED) {
		string_put(&step->refused_taps, &step->refused_tap_count, event->user);
	}
	return true;
}

static bool fold_step(struct bridge *bridge, const struct event *event,
		enum event_type type, struct err *err) {
	struct run *run = NULL;
	struct step_state *step = NULL;
	if (!need_run(bridge, event, &run, err)) {
		return false;
	}
	if (run->put_away && event->step < run->plan->runbook->step_count) {
		return true; // nothing can come of it any more
	}
	if (!need_step(run, event, &step, err)) {
		return false;
	}
	bool began = run->forward_begun;
	bool ok = change_step(run, step, event, type, err);
	run_index_update(run, event->step);
	if (ok && type == EVENT_ATTEMPT_STARTED) {
		begin_attempt(bridge, run, event->step);
	}
	if (ok && type == EVENT_ATTEMPT_ENDED) {
		const struct attempt *attempt = find_attempt(step, event);
		if (attempt != NULL && attempt->outcome == OUTCOME_NOT_STARTED) {
			begin_nothing(bridge, run, attempt->gate);
		}
	}
	if (run->forward_begun && !began) {
		begin_behind(bridge, flow_plan_gate(bridge, run));
	}
	return ok;
}

static bool fold_file_offered(
		struct run *run, const struct event *event, struct err *err) {
	if (event->index != run->file_count) {
		return out_of_place(event, "files are numbered without gaps", err);
	}
	run->files = xreallocarray(
			run->files, run->file_count + 1, sizeof(*run->files));
	run->files[run->file_count++] = (struct run_file){
		.id = xstrdup(event->name),
		.step = event->step,
		.asked = event->step < run->step_count
				? run->steps[event->step].asked_count
				: 0,
		.user = xstrdup(event->user),
		.post = xstrdup(event->post),
		.root = xstrdup(event->root),
		.text = xstrdup(event->text),
	};
	run->files_due++;
	return true;
}

static bool fold_file_settled(
		struct run *run, const struct event *event, struct err *err) {
	if (event->index >= run->file_count ||
			run->files[event->index].status != FILE_OFFERED) {
		return out_of_place(event, "no such file is being fetched", err);
	}
	struct run_file *file = &run->files[event->index];
	bool kept = event->type == EVENT_FILE_KEPT;
	if (kept && strlen(event->digest) != SHA256_HEX - 1) {
		return out_of_place(event, "its digest is none", err);
	}
	run->files_due--;
	file->status = kept ? FILE_KEPT : FILE_LOST;
	replace(&file->name, event->name);
	if (!kept) {
		return true;
	}
	replace(&file->path, event->path);
	file->bytes = event->number;
	memcpy(file->digest, event->digest, SHA256_HEX);
	return true;
}

static bool fold_file(
		struct bridge *bridge, const struct event *event, struct err *err) {
	struct run *run = NULL;
	if (!need_run(bridge, event, &run, err)) {
		return false;
	}
	if (event->step < run->step_count) {
		struct step_state *step = &run->steps[event->step];
		step->escalated = 0; // somebody spoke, or is asked again
		step->waits_ms = event->at_ms;
	} else if (event->step != EVENT_NO_STEP &&
			(!run->put_away || event->step >= run->plan->runbook->step_count)) {
		return out_of_place(event, "no such step", err);
	}
	return event->type == EVENT_FILE_OFFERED
			? fold_file_offered(run, event, err)
			: fold_file_settled(run, event, err);
}

static void fold_deputy(struct bridge *bridge, const struct event *event) {
	bridge->deputies = xreallocarray(bridge->deputies, bridge->deputy_count + 1,
			sizeof(*bridge->deputies));
	bridge->deputies[bridge->deputy_count++] = (struct deputy){
		.role = xstrdup(event->name),
		.user = xstrdup(event->detail),
		.by = xstrdup(event->user),
		.until_ms = event->until_ms,
	};
}

static void fold_server(struct bridge *bridge, const struct event *event) {
	bridge->server_lost = event->type == EVENT_SERVER_LOST;
	bridge->server_lost_ms = event->at_ms;
}

static void fold_source(struct bridge *bridge, const struct event *event) {
	bridge->source_broken = event->type == EVENT_SOURCE_BROKEN;
	replace(&bridge->source_why, event->text);
	if (event->type == EVENT_SOURCE_CHANGED) {
		replace(&bridge->texts_why, NULL); // what is wrong still is said again
	}
}

bool bridge_fold(
		struct bridge *bridge, const struct event *event, struct err *err) {
	bool ok = true;
	switch (event->type) {
	case EVENT_BOT_STARTED:
		bridge->server_lost = false;
		bridge->started_ms = event->at_ms;
		break;
	case EVENT_COMMAND_ANSWERED:
	case EVENT_COMMAND_REFUSED:
	case EVENT_NOTE_TAKEN:
	case EVENT_BOT_BEHIND:
		break;
	case EVENT_TEXTS_BROKEN:
		replace(&bridge->texts_why, event->text);
		break;
	case EVENT_SERVER_LOST:
	case EVENT_SERVER_BACK:
		fold_server(bridge, event);
		break;
	case EVENT_SOURCE_CHANGED:
	case EVENT_SOURCE_BROKEN:
		fold_source(bridge, event);
		break;
	case EVENT_DEPUTY_NAMED:
		fold_deputy(bridge, event);
		break;
	case EVENT_PLAN_FIXED:
		ok = fold_plan(bridge, event, err);
		break;
	case EVENT_GATE_OPENED:
		ok = fold_gate_opened(bridge, event, err);
		break;
	case EVENT_GATE_POSTED:
	case EVENT_GATE_APPROVED:
	case EVENT_GATE_ASKED:
	case EVENT_GATE_WITHDRAWN:
	case EVENT_GATE_OBJECTED:
	case EVENT_GATE_OBJECTION_LIFTED:
	case EVENT_GATE_TAP_REFUSED:
	case EVENT_GATE_BACKUP_CALLED:
	case EVENT_GATE_PASSED:
	case EVENT_GATE_CLOSED:
	case EVENT_GATE_USED:
	case EVENT_GATE_OVERRIDE_SAID:
	case EVENT_GATE_OVERRIDDEN:
	case EVENT_GATE_REVIEWED:
	case EVENT_GATE_ESCALATED:
		ok = fold_gate(bridge, event, event->type, err);
		break;
	case EVENT_POLL_OPENED:
	case EVENT_POLL_POSTED:
	case EVENT_POLL_VOTED:
	case EVENT_POLL_CLOSED:
		ok = fold_poll(bridge, event, event->type, err);
		break;
	case EVENT_RUN_BEGUN:
	case EVENT_RUN_T0:
	case EVENT_RUN_HELD:
	case EVENT_RUN_RESUMED:
	case EVENT_RUN_DECIDING:
	case EVENT_RUN_SUCCEEDED:
	case EVENT_RUN_ROLLING_BACK:
	case EVENT_RUN_ROLLED_BACK:
	case EVENT_RUN_ABORT_ASKED:
	case EVENT_RUN_ABORTED:
	case EVENT_RUN_REHEARSED:
	case EVENT_RUN_WATCHED:
	case EVENT_RUN_CLOSED:
	case EVENT_RUN_FILES_CHANGED:
	case EVENT_RUN_FILES_ACCEPTED:
	case EVENT_STATUS_DUE:
		ok = fold_run(bridge, event, event->type, err);
		break;
	case EVENT_STEP_ASKED:
	case EVENT_STEP_POSTED:
	case EVENT_STEP_CLAIMED:
	case EVENT_STEP_ALLOWED:
	case EVENT_ATTEMPT_STARTED:
	case EVENT_ATTEMPT_ENDED:
	case EVENT_STEP_ENDED:
	case EVENT_STEP_RETRIED:
	case EVENT_STEP_CANCELLING:
	case EVENT_STEP_EVIDENCE:
	case EVENT_STEP_TAP_REFUSED:
	case EVENT_STEP_CONFIRMED:
	case EVENT_STEP_ESCALATED:
	case EVENT_ATTEMPT_LOST:
	case EVENT_ATTEMPT_FOUND:
		ok = fold_step(bridge, event, event->type, err);
		break;
	case EVENT_FILE_OFFERED:
	case EVENT_FILE_KEPT:
	case EVENT_FILE_LOST:
		ok = fold_file(bridge, event, err);
		break;
	}
	bridge_index_update(bridge, event->gate, event->run);
	if (ok && comes_between(event->type)) {
		look_again(bridge);
	}
	bridge->event_count += ok;
	return ok;
}
