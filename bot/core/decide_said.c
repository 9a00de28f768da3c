#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "core/deciding.h"
#include "core/flow.h"
#include "core/gate.h"
#include "core/saying.h"

/*
 * What people say about the plan and the run.  Steps: decide_said_step.c.
 */

#define ABORT_AGAIN_MS 60000
#define STEPS_OFFERED  4 // an answer has seven lines at most

/* --- hold and resume --- */

static struct event run_said(
		struct deciding *d, enum event_type type, const struct run *run) {
	struct event event = deciding_event(d, type);
	event.run = run->number;
	event.text = d->request->text;
	return event;
}

static void say_hold(struct deciding *d) {
	const struct run *run = bridge_holdable(d->bridge);
	if (run == NULL) {
		saying_refuse(d, "nothing runs: there is nothing to hold");
		return;
	}
	if (run->held) {
		saying_refuse(d,
				decision_print(d->decision, "%s is held already\n%s",
						deciding_label(d, run),
						run->held_why != NULL ? run->held_why : ""));
		return;
	}
	if (run->status == RUN_ROLLING_BACK &&
			!saying_needs_lead(d, run->plan->runbook)) {
		return;
	}
	struct event event = run_said(d, EVENT_RUN_HELD, run);
	if (event.text == NULL || event.text[0] == '\0') {
		event.text = "no reason given";
	}
	deciding_add(d, event);
}

static void resume_with_files(struct deciding *d, const struct run *run) {
	const struct gate_state *gate = bridge_gate_for(
			d->bridge, run->number, PURPOSE_FILES);
	size_t model = runbook_start_gate(run->plan->runbook);
	if (run->kind == RUN_REHEARSAL || model == RUNBOOK_NONE) {
		struct event event = run_said(d, EVENT_RUN_FILES_ACCEPTED, run);
		event.name = run->files_target;
		event.digest = run->files_digest;
		deciding_add(d, event);
		deciding_add(d, run_said(d, EVENT_RUN_RESUMED, run));
	} else if (gate != NULL && gate->status == GATE_OPEN) {
		saying_refuse(d,
				decision_print(d->decision,
						"tracked files changed: %s\nit takes %s",
						run->files_text != NULL ? run->files_text : "",
						run->plan->runbook->gates[model].approvers));
	} else {
		deciding_open_gate(d, run->plan, run, model, PURPOSE_FILES,
				d->request->user, run->files_text);
	}
}

static void say_resume(struct deciding *d) {
	const struct run *run = bridge_held(d->bridge);
	if (run == NULL) {
		saying_refuse(d, "nothing is held");
		return;
	}
	if (!saying_needs_lead(d, run->plan->runbook)) {
		return;
	}
	if (run->held_for_files) {
		resume_with_files(d, run);
	} else {
		deciding_add(d, run_said(d, EVENT_RUN_RESUMED, run));
	}
}

/* --- decide, abort, close --- */

static void say_decide(struct deciding *d) {
	const struct run *run = bridge_executing(d->bridge);
	if (run == NULL || run->kind != RUN_PRODUCTION ||
			(run->status != RUN_RUNNING && run->status != RUN_DECIDING)) {
		saying_refuse(d, "no production run is under way");
		return;
	}
	if (!saying_needs_lead(d, run->plan->runbook)) {
		return;
	}
	const struct gate_state *gate = bridge_gate_for(
			d->bridge, run->number, PURPOSE_SUCCESS);
	size_t model = runbook_success_gate(run->plan->runbook);
	bool open = gate != NULL && gate->status == GATE_OPEN;
	bool green = run->status == RUN_DECIDING && flow_is_green(run);
	if (green && !open && model != RUNBOOK_NONE) {
		deciding_open_gate(d, run->plan, run, model, PURPOSE_SUCCESS,
				d->request->user, NULL);
		return;
	}
	saying_answer(d, NULL);
}

static void say_abort(struct deciding *d) {
	const struct run *run = bridge_executing(d->bridge);
	if (run == NULL) {
		run = bridge_current(d->bridge);
	}
	if (run == NULL || !run_status_may_follow(run->status, RUN_ABORTED)) {
		saying_refuse(d, "nothing runs: there is nothing to abort");
		return;
	}
	if (!saying_needs_lead(d, run->plan->runbook)) {
		return;
	}
	bool again = run->abort_asked_ms > 0 &&
			d->world->now_ms - run->abort_asked_ms <= ABORT_AGAIN_MS;
	if (run_has_running(run) && !again) {
		deciding_add(d, run_said(d, EVENT_RUN_ABORT_ASKED, run));
		return;
	}
	deciding_void_gates(d, run, "the run was aborted");
	deciding_add(d, run_said(d, EVENT_RUN_ABORTED, run));
	if (run->kind == RUN_REHEARSAL) {
		struct event event = event_make(EVENT_RUN_CLOSED, d->world->now_ms);
		event.run = run->number;
		deciding_add(d, event);
	}
}

static void say_close(struct deciding *d) {
	const struct run *run = bridge_current(d->bridge);
	if (run == NULL) {
		saying_refuse(d, "every run is closed");
		return;
	}
	if (!run_status_may_follow(run->status, RUN_CLOSED) ||
			run->status == RUN_RUNNING) {
		saying_refuse(d,
				decision_print(d->decision, "%s is %s\nit must end first: %s",
						deciding_label(d, run), run_status_name(run->status),
						run->status == RUN_PLANNED
								? "`!cutover start` or `!cutover abort WHY`"
								: "success, rollback or abort"));
		return;
	}
	if (!saying_needs_lead(d, run->plan->runbook)) {
		return;
	}
	if (flow_rollback_is_asked(d->bridge, run)) {
		saying_refuse(d, "a rollback is asked for: settle that first");
		return;
	}
	if (run_unreviewed(d->bridge, run) != NULL) {
		saying_refuse(d,
				"an override awaits its review\n"
				"one who was passed over says `!review WHY`");
		return;
	}
	deciding_add(d, run_said(d, EVENT_RUN_CLOSED, run));
}

/* --- rollback --- */

static bool could_approve(const struct deciding *d,
		const struct gate_state *gate, const char *user) {
	enum gate_standing standing = gate_standing(
			d->bridge, d->world, gate, user);
	return standing == STANDING_COUNTS || standing == STANDING_LATER;
}

static bool has_approved(const struct gate_state *gate, const char *user) {
	for (size_t i = 0; i < gate->approval_count; i++) {
		if (strcmp(gate->approvals[i].user, user) == 0) {
			return true;
		}
	}
	return false;
}

/* A second `!rollback` opens no second gate: it fills its author's slot. */
static void join_rollback(struct deciding *d, const struct run *run,
		const struct gate_state *gate) {
	const char *user = d->request->user;
	if (!could_approve(d, gate, user) || has_approved(gate, user) ||
			d->request->late_ms > DECIDING_LATE_MS) {
		saying_answer(d, NULL);
		return;
	}
	struct event event = deciding_event(d, EVENT_GATE_ASKED);
	event.gate = gate->id;
	event.run = run->number;
	event.text = d->request->text;
	deciding_add(d, event);
}

static void open_rollback(struct deciding *d, const struct run *run) {
	const struct runbook *runbook = run->plan->runbook;
	size_t model = runbook_rollback_gate(runbook);
	if (model != RUNBOOK_NONE) {
		deciding_open_gate(d, run->plan, run, model, PURPOSE_ROLLBACK,
				d->request->user, d->request->text);
		return;
	}
	if (!saying_needs_lead(d, runbook)) {
		return;
	}
	struct event event = run_said(d, EVENT_RUN_ROLLING_BACK, run);
	event.text = NULL;
	deciding_roll_back(d, run, event);
}

/* There is nothing to put back; but whoever asks wants nothing to begin. */
static void hold_instead(struct deciding *d) {
	const struct run *run = bridge_executing(d->bridge);
	if (run == NULL || run->kind != RUN_PRODUCTION || run->held) {
		saying_refuse(d,
				"nothing to roll back\n"
				"no command of an open production run has started");
		return;
	}
	struct event event = run_said(d, EVENT_RUN_HELD, run);
	bool why = event.text != NULL && event.text[0] != '\0';
	event.text = decision_print(d->decision,
			"a rollback is asked for before any command%s%s", why ? ": " : "",
			why ? event.text : "");
	deciding_add(d, event);
}

static void say_rollback(struct deciding *d) {
	const struct run *run = bridge_to_roll_back(d->bridge);
	if (run == NULL) {
		hold_instead(d);
		return;
	}
	if (runbook_phase(run->plan->runbook, PHASE_ROLLBACK) == RUNBOOK_NONE) {
		saying_refuse(d, "the runbook has no rollback");
		return;
	}
	const struct gate_state *gate = bridge_gate_for(
			d->bridge, run->number, PURPOSE_ROLLBACK);
	if (run->status == RUN_ROLLED_BACK) {
		saying_refuse(d,
				decision_print(d->decision, "%s is rolled back already",
						deciding_label(d, run)));
	} else if (gate != NULL && gate->status == GATE_OPEN) {
		join_rollback(d, run, gate);
	} else if (run->status == RUN_ROLLING_BACK &&
			(gate == NULL || gate->status != GATE_CLOSED)) {
		saying_refuse(d,
				decision_print(d->decision, "%s is rolling back already",
						deciding_label(d, run)));
	} else {
		open_rollback(d, run);
	}
}

/* --- the rest --- */

static void say_note(struct deciding *d) {
	struct event event = deciding_event(d, EVENT_NOTE_TAKEN);
	const struct run *run = bridge_current(d->bridge);
	event.run = run != NULL ? run->number : 0;
	event.text = d->request->text;
	if (d->request->file_count > 0 && run == NULL) {
		saying_refuse(d,
				"no run is open that the file could be kept with\n"
				"say it without the file, or once there is one");
		return;
	}
	if (run != NULL && !deciding_offer_files(d, run, EVENT_NO_STEP)) {
		saying_refuse(d, deciding_no_room(d, run));
		return;
	}
	deciding_add(d, event);
}

/* The answer to a near miss; where only the step is missing, with those steps
 * to which it could be said now. */
static const char *missed_text(struct deciding *d) {
	const char *text = d->request->text;
	size_t count = 0;
	size_t *steps = d->request->wants_step
			? bridge_may_steps(d->bridge, d->world, d->request->user,
					  d->request->meant, &count)
			: NULL;
	const struct run *run = bridge_current(d->bridge);
	for (size_t i = 0; i < count && i < STEPS_OFFERED; i++) {
		text = decision_print(d->decision, "%s\n%s`!%s %s`", text,
				i == 0 ? "Now: " : "", d->request->command,
				run->plan->runbook->steps[steps[i]].number);
	}
	free(steps);
	return text;
}

typedef void (*say_fn)(struct deciding *d);

void decide_said(struct deciding *d) {
	static const say_fn says[] = {
		[REQUEST_PLAN] = saying_plan,
		[REQUEST_REHEARSE] = saying_rehearse,
		[REQUEST_POLL] = saying_poll,
		[REQUEST_START] = saying_start,
		[REQUEST_HOLD] = say_hold,
		[REQUEST_RESUME] = say_resume,
		[REQUEST_DECIDE] = say_decide,
		[REQUEST_ABORT] = say_abort,
		[REQUEST_CLOSE] = say_close,
		[REQUEST_ROLLBACK] = say_rollback,
		[REQUEST_NOTE] = say_note,
		[REQUEST_DELEGATE] = saying_delegate,
		[REQUEST_OVERRIDE] = saying_override,
		[REQUEST_REVIEW] = saying_review,
	};
	if (d->request->type == REQUEST_MISSED) {
		saying_refuse(d, missed_text(d));
		return;
	}
	if (!saying_is_heard(d)) {
		return;
	}
	size_t type = (size_t)d->request->type;
	if (type < sizeof(says) / sizeof(says[0]) && says[type] != NULL) {
		says[type](d);
	} else {
		saying_answer(d, d->request->text);
	}
}
