#include <string.h>

#include "base/xalloc.h"
#include "core/deciding.h"
#include "core/flow.h"
#include "core/gate.h"

/*
 * Attempts: the last look before one starts, and how one ended.
 */

static const struct run *wanted_run(
		const struct deciding *d, size_t *step_index) {
	const struct run *run = bridge_run(d->bridge, d->request->run);
	if (run == NULL || d->request->step_index >= run->step_count) {
		return NULL;
	}
	*step_index = d->request->step_index;
	return run;
}

/* Whether bridge_next() still wants just this attempt started. */
static bool is_wanted(const struct deciding *d) {
	struct effects effects;
	bridge_next(d->bridge, d->world, &effects);
	bool wanted = false;
	const struct request *request = d->request;
	for (size_t i = 0; i < effects.count && !wanted; i++) {
		const struct effect *effect = &effects.list[i];
		wanted = effect->type == EFFECT_START_ATTEMPT &&
				effect->run == request->run &&
				effect->step == request->step_index &&
				effect->block == request->block &&
				effect->host == request->host &&
				effect->attempt == request->attempt;
	}
	effects_finish(&effects);
	return wanted;
}

static const char *changed_files(struct deciding *d,
		const struct plan_target *then, const struct plan_target *now) {
	const char *text = "";
	for (size_t i = 0; i < now->file_count; i++) {
		const struct plan_file *file = &now->files[i];
		bool same = false;
		for (size_t j = 0; then != NULL && j < then->file_count; j++) {
			same = same ||
					(strcmp(then->files[j].path, file->path) == 0 &&
							strcmp(then->files[j].hash, file->hash) == 0);
		}
		if (!same) {
			text = decision_print(d->decision, "%s%s%s", text,
					text[0] != '\0' ? ", " : "", file->path);
		}
	}
	return text[0] != '\0' ? text : "a file is gone";
}

static void hold(struct deciding *d, const struct run *run, const char *text) {
	if (deciding_is_held(d, run)) {
		return;
	}
	struct event event = event_make(EVENT_RUN_HELD, d->world->now_ms);
	event.run = run->number;
	event.text = text;
	deciding_add(d, event);
}

/* Tracked files that differ hold the run until the slots of its start approve
 * again; where it had no such gate, `resume` by the lead accepts them. */
static void hold_for_files(struct deciding *d, const struct run *run,
		const struct plan_target *then, const char *digest) {
	struct event event = event_make(EVENT_RUN_FILES_CHANGED, d->world->now_ms);
	event.run = run->number;
	event.step = d->request->step_index;
	event.name = d->request->target->name;
	event.digest = digest;
	event.text = changed_files(d, then, d->request->target);
	deciding_add(d, event);
	hold(d, run,
			decision_print(d->decision, "files of %s changed: %s", event.name,
					event.text));
	size_t gate = run->kind == RUN_PRODUCTION
			? runbook_start_gate(run->plan->runbook)
			: RUNBOOK_NONE;
	if (gate != RUNBOOK_NONE) {
		deciding_open_gate(
				d, run->plan, run, gate, PURPOSE_FILES, NULL, event.text);
	}
}

/* Whether the files that the commands read are those that were approved. */
static bool files_stand(
		struct deciding *d, const struct run *run, const struct step *model) {
	const struct request *request = d->request;
	const char *name = model->blocks[request->block].on;
	if (request->target == NULL) {
		hold(d, run,
				decision_print(d->decision, "files of %s cannot be read: %s",
						name,
						request->problem != NULL ? request->problem : ""));
		return false;
	}
	if (flow_files_stand(run, request->target)) {
		return true;
	}
	char *now = decision_own(d->decision, xcalloc(1, SHA256_HEX));
	plan_target_hash(request->target, now);
	hold_for_files(d, run, plan_target(&run->plan->plan, name), now);
	return false;
}

static struct event attempt_event(
		const struct deciding *d, enum event_type type) {
	struct event event = event_make(type, d->world->now_ms);
	event.run = d->request->run;
	event.step = d->request->step_index;
	event.block = d->request->block;
	event.host = d->request->host;
	event.attempt = d->request->attempt;
	return event;
}

void decide_attempt_start(struct deciding *d) {
	size_t index = 0;
	const struct run *run = wanted_run(d, &index);
	if (run == NULL || !is_wanted(d)) {
		return;
	}
	const struct step *model = &run->plan->runbook->steps[index];
	if (d->request->reason != NULL) {
		hold(d, run,
				decision_print(d->decision, "%s cannot begin: %s",
						model->number, d->request->reason));
		return;
	}
	if (run->status != RUN_ROLLING_BACK && !files_stand(d, run, model)) {
		return;
	}
	int64_t timeout = model->blocks[d->request->block].timeout_ms;
	struct event event = attempt_event(d, EVENT_ATTEMPT_STARTED);
	event.until_ms = d->world->now_ms +
			(timeout > 0 ? timeout : d->world->settings->step_timeout_ms);
	deciding_add(d, event);
}

/* The attempt that the request names, if it runs; else NULL. */
static const struct attempt *running(
		const struct run *run, size_t index, const struct request *request) {
	const struct attempt *attempt = step_attempt(&run->steps[index],
			request->block, request->host, request->attempt);
	return attempt != NULL && attempt->ended_ms == 0 ? attempt : NULL;
}

void decide_attempt_reach(struct deciding *d) {
	size_t index = 0;
	const struct run *run = wanted_run(d, &index);
	const struct attempt *attempt = run != NULL
			? running(run, index, d->request)
			: NULL;
	bool lost = d->request->type == REQUEST_ATTEMPT_LOST;
	if (attempt == NULL || lost == (attempt->lost_ms != 0)) {
		return; // over, or known
	}
	struct event event = attempt_event(
			d, lost ? EVENT_ATTEMPT_LOST : EVENT_ATTEMPT_FOUND);
	event.text = lost ? d->request->problem : NULL;
	event.count = lost && d->request->may_run;
	event.duration_ms = lost ? 0 : d->world->now_ms - attempt->lost_ms;
	deciding_add(d, event);
}

void decide_attempt_ended(struct deciding *d) {
	size_t index = 0;
	const struct run *run = wanted_run(d, &index);
	const struct request *request = d->request;
	if (run == NULL || running(run, index, request) == NULL) {
		return;
	}
	struct event event = attempt_event(d, EVENT_ATTEMPT_ENDED);
	event.outcome = request->outcome;
	event.exit_status = request->exit_status;
	event.duration_ms = request->duration_ms;
	event.text = request->reason;
	event.detail = request->tail;
	event.path = request->log;
	event.number = request->lines;
	event.values = request->values;
	event.value_count = request->value_count;
	deciding_add(d, event);
}
