#include "core/decide.h"

#include <string.h>

#include "core/deciding.h"
#include "core/gate.h"

static void decide_server(struct deciding *d, bool lost) {
	if (d->bridge->server_lost == lost) {
		return;
	}
	struct event event = event_make(
			lost ? EVENT_SERVER_LOST : EVENT_SERVER_BACK, d->world->now_ms);
	if (lost) {
		event.text = d->request->problem;
	} else {
		/* It was lost only when it had been silent for so long. */
		event.duration_ms = d->world->now_ms - d->bridge->server_lost_ms +
				SERVER_LOST_MS;
	}
	deciding_add(d, event);
}

/* An open or unused gate is for one digest only. */
static void void_other_digests(struct deciding *d) {
	const struct plan_record *now = d->request->plan;
	for (size_t i = 0; now != NULL && i < d->bridge->gate_count; i++) {
		const struct gate_state *gate = &d->bridge->gates[i];
		bool bound = gate->purpose == PURPOSE_PLAN ||
				gate->purpose == PURPOSE_START || gate->purpose == PURPOSE_STEP;
		if (!bound || !gate_waits(gate) ||
				strcmp(gate->digest, now->plan.digest) == 0) {
			continue;
		}
		const struct run *run = bridge_run(d->bridge, gate->run);
		if (run != NULL && (run->forward_begun || !run_is_executing(run))) {
			continue; // the journal's text runs, or nothing any more
		}
		const struct plan_record *then = gate_state_plan(d->bridge, gate);
		char *difference = plan_difference(&then->plan, &now->plan, 5);
		decision_own(d->decision, difference);
		deciding_close_gate(d, gate, OUTCOME_VOID, NULL,
				decision_print(
						d->decision, "the plan has changed\n%s", difference));
	}
}

static void decide_source(struct deciding *d, bool broken) {
	struct event event = event_make(
			broken ? EVENT_SOURCE_BROKEN : EVENT_SOURCE_CHANGED,
			d->world->now_ms);
	event.text = broken ? d->request->problem : d->request->text;
	const char *known = d->bridge->source_why;
	if (broken && d->bridge->source_broken && known != NULL &&
			event.text != NULL && strcmp(known, event.text) == 0) {
		return; // said already
	}
	deciding_add(d, event);
	if (!broken) {
		void_other_digests(d);
	}
}

static void decide_texts(struct deciding *d) {
	struct event event = event_make(EVENT_TEXTS_BROKEN, d->world->now_ms);
	const char *known = d->bridge->texts_why;
	event.text = d->request->problem;
	if (known == NULL || strcmp(known, event.text) != 0) {
		deciding_add(d, event);
	}
}

/* What runs was decided without what happened since: it would run again. */
static void decide_behind(struct deciding *d) {
	const struct run *run = bridge_holdable(d->bridge);
	if (run == NULL || run->held) {
		struct event told = event_make(EVENT_BOT_BEHIND, d->world->now_ms);
		told.until_ms = d->request->server_ms;
		deciding_add(d, told);
		return;
	}
	struct event event = event_make(EVENT_RUN_HELD, d->world->now_ms);
	event.run = run->number;
	event.text = decision_print(d->decision,
			"my journal is an older copy: I posted here at %s and do not know "
			"it. What ran since would run again: look first, "
			"`!cutover abort WHY` ends it",
			deciding_clock(d, d->request->server_ms));
	deciding_add(d, event);
}

static void decide_bot_started(struct deciding *d) {
	struct event event = event_make(EVENT_BOT_STARTED, d->world->now_ms);
	event.text = d->request->text;
	event.number = d->bridge->event_count;
	event.duration_ms = d->request->duration_ms;
	deciding_add(d, event);
}

void decide(const struct bridge *bridge, const struct world *world,
		const struct request *request, struct decision *decision) {
	struct world here = *world;
	here.bridge = bridge;
	struct deciding d = {
		.bridge = bridge,
		.world = &here,
		.request = request,
		.decision = decision,
	};
	switch (request->type) {
	case REQUEST_HELP:
	case REQUEST_PLAN:
	case REQUEST_REHEARSE:
	case REQUEST_POLL:
	case REQUEST_START:
	case REQUEST_HOLD:
	case REQUEST_RESUME:
	case REQUEST_DECIDE:
	case REQUEST_ABORT:
	case REQUEST_CLOSE:
	case REQUEST_ROLLBACK:
	case REQUEST_NOTE:
	case REQUEST_STATUS:
	case REQUEST_WHO:
	case REQUEST_WHY:
	case REQUEST_DELEGATE:
	case REQUEST_OVERRIDE:
	case REQUEST_REVIEW:
	case REQUEST_MISSED:
		decide_said(&d);
		break;
	case REQUEST_DONE:
	case REQUEST_FAIL:
	case REQUEST_RUN:
	case REQUEST_PASS:
	case REQUEST_RETRY:
	case REQUEST_SKIP:
	case REQUEST_CLAIM:
	case REQUEST_FILES:
		decide_said_step(&d);
		break;
	case REQUEST_TICK:
		decide_tick(&d);
		break;
	case REQUEST_TAPS:
		decide_taps(&d);
		break;
	case REQUEST_POSTED:
		decide_posted(&d);
		break;
	case REQUEST_POST_CHANGED:
		decide_post_changed(&d);
		break;
	case REQUEST_GATE_VERIFIED:
		decide_verified(&d);
		break;
	case REQUEST_ATTEMPT_START:
		decide_attempt_start(&d);
		break;
	case REQUEST_ATTEMPT_ENDED:
		decide_attempt_ended(&d);
		break;
	case REQUEST_ATTEMPT_LOST:
	case REQUEST_ATTEMPT_FOUND:
		decide_attempt_reach(&d);
		break;
	case REQUEST_FILE_FETCHED:
		decide_file_fetched(&d);
		break;
	case REQUEST_JOURNAL_BEHIND:
		decide_behind(&d);
		break;
	case REQUEST_SERVER_LOST:
		decide_server(&d, true);
		break;
	case REQUEST_SERVER_BACK:
		decide_server(&d, false);
		break;
	case REQUEST_SOURCE_CHANGED:
		decide_source(&d, false);
		break;
	case REQUEST_SOURCE_BROKEN:
		decide_source(&d, true);
		break;
	case REQUEST_TEXTS_BROKEN:
		decide_texts(&d);
		break;
	case REQUEST_BOT_STARTED:
		decide_bot_started(&d);
		break;
	}
}
