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

enum look {
	LOOK_RED,
	LOOK_GREEN,
	LOOK_REST,
};
#define LOOK_COUNT (LOOK_REST + 1)

static bool is_test(const struct run *run, size_t index) {
	return speak_phase_of(run, index) == PHASE_SMOKE &&
			run->steps[index].outcome != OUTCOME_EXCLUDED;
}

static enum look look_of(const struct step_state *state) {
	if (state->status == STEP_FAILED || state->status == STEP_UNKNOWN) {
		return LOOK_RED;
	}
	return state->status == STEP_ENDED && state->outcome == OUTCOME_OK
			? LOOK_GREEN
			: LOOK_REST;
}

static void add_test(const struct speech *speech, const struct run *run,
		size_t index, cJSON *list) {
	const struct step_state *state = &run->steps[index];
	const struct step *model = &run->plan->runbook->steps[index];
	bool skipped = state->status == STEP_ENDED && state->outcome != OUTCOME_OK;
	cJSON *line = speak_add(list);
	speak_put(line, "number", model->number);
	speak_take(line, "title", words_short(model->title, TITLE_LETTERS));
	speak_take(line, "note", speak_step_note(speech, run, index));
	if (state->status == STEP_PENDING) {
		speak_put(line, "icon", "⬜");
	} else if (skipped) {
		speak_put(line, "icon", "⏭️");
		speak_put(line, "note", "skipped");
	} else {
		speak_put(line, "icon", state->status == STEP_ASKED ? "⏳" : "▶️");
	}
}

static void count_tests(const struct run *run, size_t counts[LOOK_COUNT]) {
	for (size_t i = 0; i < run->step_count; i++) {
		if (is_test(run, i)) {
			counts[look_of(&run->steps[i])]++;
		}
	}
}

/* Whether the board has a line for the @nth test of that look, of @count. */
static bool has_line(enum look look, size_t nth, size_t count) {
	switch (look) {
	case LOOK_RED:
		return true;
	case LOOK_GREEN:
		return nth + GREEN_MAX >= count; // the last ones
	case LOOK_REST:
		return nth < REST_MAX;
	}
	return false;
}

static cJSON *board_context(
		const struct speech *speech, const struct run *run) {
	cJSON *context = speak_context(speech, run);
	cJSON *lists[LOOK_COUNT] = {
		[LOOK_RED] = speak_put_list(context, "red"),
		[LOOK_GREEN] = speak_put_list(context, "green"),
		[LOOK_REST] = speak_put_list(context, "rest"),
	};
	size_t counts[LOOK_COUNT] = { 0 };
	size_t seen[LOOK_COUNT] = { 0 };
	count_tests(run, counts);
	for (size_t i = 0; i < run->step_count; i++) {
		if (!is_test(run, i)) {
			continue;
		}
		enum look look = look_of(&run->steps[i]);
		if (has_line(look, seen[look]++, counts[look])) {
			add_test(speech, run, i, lists[look]);
		}
	}
	size_t all = counts[LOOK_RED] + counts[LOOK_GREEN] + counts[LOOK_REST];
	speak_take(context, "summary",
			counts[LOOK_RED] > 0
					? xasprintf("%zu of %zu green, %zu red", counts[LOOK_GREEN],
							  all, counts[LOOK_RED])
					: xasprintf("%zu of %zu green", counts[LOOK_GREEN], all));
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

/* Whether any test has begun: a claim can come before the board is there. */
static bool has_board(const struct run *run) {
	for (size_t i = 0; i < run->step_count; i++) {
		if (is_test(run, i) && run->steps[i].begun_ms != 0) {
			return true;
		}
	}
	return false;
}

/* Whether the event changes what the board shows. */
static bool shows(enum event_type type) {
	return type != EVENT_STEP_POSTED && type != EVENT_STEP_TAP_REFUSED &&
			type != EVENT_STEP_EVIDENCE && type != EVENT_ATTEMPT_ENDED;
}

void speak_of_smoke(
		const struct speech *speech, const struct run *run, size_t index) {
	if (speak_phase_of(run, index) != PHASE_SMOKE ||
			!shows(speech->event->type) || !has_board(run)) {
		return;
	}
	char *key = message_board_key(speech->world->settings->prefix, run);
	cJSON *context = board_context(speech, run);
	if (opens_board(speech, run, index)) {
		speak_post(speech, xstrdup(key), NULL, "smoke", context);
	} else {
		speak_edit(speech, key, "smoke", context);
	}
	free(key);
}
