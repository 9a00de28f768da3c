#include <stdlib.h>

#include "base/xalloc.h"
#include "render/speak.h"
#include "render/words.h"

/*
 * The board of smoke tests: posted when the first begins, then edited.
 */

#define TITLE_LETTERS 30

/* Lines; all red ones are shown, and the first line counts the rest. */
#define GREEN_MAX 10
#define REST_MAX  8

static void add_test(const struct speech *speech, const struct run *run,
		size_t index, cJSON *red, cJSON *green, cJSON *rest) {
	const struct step_state *state = &run->steps[index];
	const struct step *model = &run->plan->runbook->steps[index];
	bool failed = state->status == STEP_FAILED || state->status == STEP_UNKNOWN;
	bool ended = state->status == STEP_ENDED;
	bool ok = ended && state->outcome == OUTCOME_OK;
	cJSON *line = speak_add(failed ? red : ok ? green : rest);
	speak_put(line, "number", model->number);
	speak_take(line, "title", words_short(model->title, TITLE_LETTERS));
	speak_take(line, "note", speak_step_note(speech, run, index));
	if (state->status == STEP_PENDING) {
		speak_put(line, "icon", "⬜");
	} else if (ended && !ok) {
		speak_put(line, "icon", "⏭️");
		speak_put(line, "note", "skipped");
	} else {
		speak_put(line, "icon", state->status == STEP_ASKED ? "⏳" : "▶️");
	}
}

static cJSON *board_context(
		const struct speech *speech, const struct run *run) {
	cJSON *context = speak_context(speech, run);
	cJSON *red = speak_put_list(context, "red");
	cJSON *green = speak_put_list(context, "green");
	cJSON *rest = speak_put_list(context, "rest");
	for (size_t i = 0; i < run->step_count; i++) {
		if (speak_phase_of(run, i) == PHASE_SMOKE &&
				run->steps[i].outcome != OUTCOME_EXCLUDED) {
			add_test(speech, run, i, red, green, rest);
		}
	}
	int reds = cJSON_GetArraySize(red);
	int greens = cJSON_GetArraySize(green);
	int all = reds + greens + cJSON_GetArraySize(rest);
	while (cJSON_GetArraySize(green) > GREEN_MAX) {
		cJSON_DeleteItemFromArray(green, 0);
	}
	while (cJSON_GetArraySize(rest) > REST_MAX) {
		cJSON_DeleteItemFromArray(rest, REST_MAX);
	}
	speak_take(context, "summary",
			reds > 0 ? xasprintf("%d of %d green, %d red", greens, all, reds)
					 : xasprintf("%d of %d green", greens, all));
	return context;
}

/* Whether this event is the first that any smoke test has had. */
static bool opens_board(
		const struct speech *speech, const struct run *run, size_t index) {
	const struct step_state *step = &run->steps[index];
	enum event_type type = speech->event->type;
	bool begins = (type == EVENT_STEP_ASKED && step->asked_count == 1 &&
						  step->attempt_count == 0) ||
			(type == EVENT_ATTEMPT_STARTED && step->attempt_count == 1 &&
					step->asked_count == 0);
	for (size_t i = 0; i < run->step_count && begins; i++) {
		begins = i == index || speak_phase_of(run, i) != PHASE_SMOKE ||
				run->steps[i].begun_ms == 0;
	}
	return begins;
}

/* Whether the event changes what the board shows. */
static bool shows(enum event_type type) {
	return type != EVENT_STEP_POSTED && type != EVENT_STEP_TAP_REFUSED &&
			type != EVENT_STEP_EVIDENCE && type != EVENT_ATTEMPT_ENDED;
}

void speak_of_smoke(
		const struct speech *speech, const struct run *run, size_t index) {
	if (speak_phase_of(run, index) != PHASE_SMOKE ||
			!shows(speech->event->type)) {
		return;
	}
	char *key = speak_key(speech, run, "smoke");
	cJSON *context = board_context(speech, run);
	if (opens_board(speech, run, index)) {
		speak_post(speech, xstrdup(key), NULL, "smoke", context);
	} else {
		speak_edit(speech, key, "smoke", context);
	}
	free(key);
}
