#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "core/flow.h"
#include "render/speak.h"
#include "render/words.h"

/*
 * The status post: four lines that do not wrap, on a fixed grid.
 */

#define STEP_LETTERS  42 // of a step's line, behind its icon
#define TITLE_LETTERS 18 // at least
#define STEPS_MAX     3
#define LATE_MS       5000

static char *clock_words(const struct speech *speech, const struct run *run) {
	int64_t now_ms = speech->world->now_ms;
	if (run->t0_ms > 0) {
		return words_relative(now_ms - run->t0_ms);
	}
	char *at = words_clock(now_ms, now_ms);
	char *text = xasprintf("%s UTC", at);
	free(at);
	return text;
}

/* What the run is doing, in a word or two where it is not just running. */
static char *progress_words(const struct run *run) {
	char *steps = speak_progress(run);
	char *text = NULL;
	if (run->held) {
		text = xasprintf("held, %s", steps);
	} else if (run->status != RUN_RUNNING) {
		text = xasprintf("%s, %s", run_status_name(run->status), steps);
	} else {
		text = xstrdup(steps);
	}
	free(steps);
	return text;
}

static bool is_live(const struct step_state *step) {
	return step->status == STEP_RUNNING || step->status == STEP_FAILED ||
			step->status == STEP_UNKNOWN || step->status == STEP_ASKED;
}

static const char *icon_of(const struct step_state *step) {
	if (step->status == STEP_ASKED) {
		return "⏳";
	}
	return step->status == STEP_RUNNING ? "▶️" : "🔴";
}

/* Of a phase that is over: what still runs, and what is red while people
 * decide what to do about it. */
static bool is_on(const struct run *run, const struct step_state *step) {
	return step->status == STEP_RUNNING ||
			(step->status != STEP_ASKED && run->status == RUN_DECIDING);
}

/* ⏳ tells already that it is done by hand; the room is the title's. */
static char *note_of(
		const struct speech *speech, const struct run *run, size_t index) {
	const struct step_state *step = &run->steps[index];
	bool by_hand = step->status == STEP_ASKED && step->claimed == NULL &&
			run->plan->runbook->steps[index].kind == STEP_MANUAL;
	return by_hand && !run_step_fetches(run, index)
			? xstrdup("")
			: speak_step_note(speech, run, index);
}

static void add_step(cJSON *line, const struct speech *speech,
		const struct run *run, size_t index) {
	const struct step *model = &run->plan->runbook->steps[index];
	char *note = note_of(speech, run, index);
	size_t taken = utf8_count(model->number) + utf8_count(note) + 3;
	size_t room = taken < STEP_LETTERS ? STEP_LETTERS - taken : 0;
	speak_put(line, "icon", icon_of(&run->steps[index]));
	speak_put(line, "number", model->number);
	speak_take(line, "title",
			words_short(
					model->title, room > TITLE_LETTERS ? room : TITLE_LETTERS));
	speak_take(line, "note", note);
}

static void put_steps(
		cJSON *context, const struct speech *speech, const struct run *run) {
	cJSON *list = speak_put_list(context, "steps");
	for (size_t i = 0; i < run->step_count; i++) {
		const struct step_state *step = &run->steps[i];
		bool shows = is_live(step) && !flow_is_monitor(run, i) &&
				(flow_is_active(run, i) || is_on(run, step));
		if (!shows || cJSON_GetArraySize(list) == STEPS_MAX) {
			continue;
		}
		add_step(speak_add(list), speech, run, i);
	}
}

/* The last result of each monitor: "7.1.1 ok, 7.1.2 red"; people decide by
 * those that watch no more. */
static char *monitor_words(const struct run *run) {
	struct str out = { 0 };
	bool decides = run->status == RUN_DECIDING;
	for (size_t i = 0; i < run->step_count; i++) {
		if (!flow_is_monitor(run, i) || !(decides || flow_is_active(run, i))) {
			continue;
		}
		const struct attempt *last = NULL;
		for (size_t j = 0; j < run->steps[i].attempt_count; j++) {
			if (run->steps[i].attempts[j].ended_ms != 0) {
				last = &run->steps[i].attempts[j];
			}
		}
		if (last != NULL) {
			str_addf(&out, "%s%s %s",
					out.len > 0       ? ", "
							: decides ? "Last: "
									  : "",
					run->plan->runbook->steps[i].number,
					last->outcome == OUTCOME_OK ? "ok" : "red");
		}
	}
	return str_take(&out);
}

static cJSON *status_context(
		const struct speech *speech, const struct run *run) {
	cJSON *context = speak_context(speech, run);
	speak_take(context, "clock", clock_words(speech, run));
	speak_take(context, "progress", progress_words(run));
	speak_put(context, "late", NULL);
	speak_put(context, "missed", NULL);
	put_steps(context, speech, run);
	speak_take(context, "monitors", monitor_words(run));
	speak_take_raw(context, "waiting", speak_waiting(speech, true, true));
	speak_take(context, "next", speak_next_milestone(speech, run, true));
	speak_take(context, "rollback", speak_rollback_ready(speech, run, true));
	speak_put_digest(context, "head", speech->in->head, 8);
	return context;
}

void speak_of_status(const struct speech *speech) {
	const struct event *event = speech->event;
	const struct run *run = bridge_run(speech->bridge, event->run);
	if (run == NULL) {
		return;
	}
	cJSON *context = status_context(speech, run);
	if (event->type == EVENT_COMMAND_ANSWERED) {
		speak_answer(speech, "status", context);
		return;
	}
	int64_t late_ms = event->at_ms - event->until_ms;
	if (late_ms > LATE_MS) {
		speak_take(context, "late", words_span(late_ms));
		speak_take(context, "missed",
				event->count > 0 ? words_count(event->count, "post") : NULL);
	}
	speak_post(speech,
			speak_key(speech, run, "status/%llu",
					(unsigned long long)event->number),
			NULL, "status", context);
}
