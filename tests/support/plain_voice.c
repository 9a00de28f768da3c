#include "support/plain_voice.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"

static char *gate_key(struct voice *voice, const struct gate_state *gate) {
	(void)voice;
	return xasprintf("gate/%u", gate->id);
}

static char *poll_key(struct voice *voice, const struct poll_state *poll) {
	(void)voice;
	return xasprintf("poll/%u", poll->id);
}

static char *step_key(
		struct voice *voice, const struct run *run, uint32_t step) {
	(void)voice;
	return xasprintf("run/%u/step/%u/%u", run->number, step,
			run->steps[step].asked_count);
}

static char *card_key(struct voice *voice, const struct run *run) {
	(void)voice;
	return xasprintf("run/%u/card", run->number);
}

static char *board_key(struct voice *voice, const struct run *run) {
	(void)voice;
	return xasprintf("run/%u/board", run->number);
}

static void add(struct said *said, enum outbox_kind kind, char *take_key,
		const char *target, const char *text) {
	said_add(said,
			&(struct outbox_row){
					.key = take_key,
					.kind = kind,
					.target = target,
					.text = text,
			});
	free(take_key);
}

/* A post that people tap on. */
static void add_tappable(struct said *said, char *take_key, const char *text) {
	add(said, OUTBOX_POST, xstrdup(take_key), "", text);
	add(said, OUTBOX_REACT, xasprintf("%s/yes", take_key), take_key,
			"white_check_mark");
	add(said, OUTBOX_REACT, xasprintf("%s/no", take_key), take_key, "x");
	free(take_key);
}

static char *card_text(const struct run *run) {
	struct str text = { 0 };
	str_addf(&text, "card of run %u: %s%s", run->number,
			run_status_name(run->status), run->held ? ", held" : "");
	for (size_t i = 0; i < run->step_count; i++) {
		str_addf(&text, " %u", run->steps[i].status);
	}
	return str_take(&text);
}

static char *event_text(
		const struct bridge *bridge, const struct event *event) {
	struct str text = { 0 };
	const struct run *run = bridge_run(bridge, event->run);
	str_add(&text, event_spec(event->type)->name);
	if (event->type == EVENT_GATE_OPENED) {
		str_addf(&text, " %s", purpose_name(event->purpose));
	}
	if (run != NULL && event->step < run->step_count) {
		str_addf(&text, " %s", run->plan->runbook->steps[event->step].number);
	}
	if (event->outcome != OUTCOME_NONE) {
		str_addf(&text, " %s", outcome_name(event->outcome));
	}
	if (event->user != NULL) {
		str_addf(&text, " by %s", event->user);
	}
	if (event->text != NULL) {
		str_addf(&text, ": %s", event->text);
	}
	return str_take(&text);
}

static void say(struct voice *voice, const struct voice_scene *scene,
		const struct event *event, struct said *said) {
	const struct bridge *bridge = scene->bridge;
	const struct run *run = bridge_run(bridge, event->run);
	char *text = event_text(bridge, event);
	char *card = run != NULL ? card_key(voice, run) : NULL;
	if (event->type == EVENT_RUN_BEGUN) {
		char *first = card_text(run);
		add(said, OUTBOX_POST, xstrdup(card), "", first);
		add(said, OUTBOX_PIN, xasprintf("%s/pin", card), card, "");
		free(first);
		add(said, OUTBOX_POST, board_key(voice, run), "", "board");
	}
	if (event->type == EVENT_GATE_OPENED) {
		add_tappable(
				said, gate_key(voice, bridge_gate(bridge, event->gate)), text);
	} else if (event->type == EVENT_POLL_OPENED) {
		add_tappable(
				said, poll_key(voice, bridge_poll(bridge, event->gate)), text);
	} else if (event->type == EVENT_STEP_ASKED) {
		add_tappable(said, step_key(voice, run, event->step), text);
	} else if (event->type == EVENT_NOTE_TAKEN) {
		/* A mistake: the second note goes under the key of the first, and what
		 * speaks of a part under that of a part. */
		bool part = strstr(event->text, "part") != NULL;
		add(said, OUTBOX_POST, xstrdup(part ? "note/2" : "note"), "", text);
	} else if (event->type != EVENT_GATE_POSTED &&
			event->type != EVENT_GATE_USED &&
			event->type != EVENT_POLL_POSTED &&
			event->type != EVENT_STEP_POSTED) {
		add(said, OUTBOX_POST, xasprintf("event/%" PRIu64, bridge->event_count),
				card != NULL ? card : "", text);
	}
	if (event->type == EVENT_GATE_CLOSED || event->type == EVENT_GATE_PASSED) {
		char *key = gate_key(voice, bridge_gate(bridge, event->gate));
		add(said, OUTBOX_EDIT, xasprintf("%s/closed", key), key, text);
		free(key);
	}
	free(card);
	free(text);
}

static char *card(struct voice *voice, const struct voice_scene *scene,
		const struct run *run) {
	(void)voice;
	(void)scene;
	return card_text(run);
}

static char *log_row(struct voice *voice, const struct voice_scene *scene,
		const struct run *run) {
	(void)voice;
	(void)scene;
	return xasprintf("| run %u |", run->number);
}

static char *alarm(struct voice *voice, const char *why) {
	(void)voice;
	return why != NULL ? xasprintf("cannot write: %s", why)
					   : xstrdup("can write again");
}

static const struct voice_api api = {
	.alarm = alarm,
	.say = say,
	.card = card,
	.log_row = log_row,
	.card_key = card_key,
	.board_key = board_key,
	.gate_key = gate_key,
	.poll_key = poll_key,
	.step_key = step_key,
};

struct voice *plain_voice_create(void) {
	struct voice *voice = xcalloc(1, sizeof(*voice));
	voice->api = &api;
	return voice;
}

void plain_voice_destroy(struct voice *voice) {
	free(voice);
}
