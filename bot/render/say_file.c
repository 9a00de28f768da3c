#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/str.h"
#include "core/flow.h"
#include "render/markdown.h"
#include "render/speak.h"
#include "render/words.h"

/*
 * Files that people attach: seen at once, kept or not a moment later.
 */

#define LINE_LETTERS 46
#define HEX_SHOWN    12

static cJSON *file_context(const struct speech *speech, const struct run *run) {
	const struct event *event = speech->event;
	cJSON *context = speak_context(speech, run);
	speak_put(context, "number",
			event->step < run->step_count
					? run->plan->runbook->steps[event->step].number
					: NULL);
	speak_take_raw(context, "name", words_said(event->name));
	return context;
}

/* In the thread that it was attached in, else below the message. */
static void answer(const struct speech *speech, const struct run *run,
		const char *template, cJSON *context) {
	speak_reply(speech,
			speak_key(speech, run, "file/%u", speech->event->index + 1),
			template, context);
}

static void say_kept(const struct speech *speech, const struct run *run) {
	const struct event *event = speech->event;
	char size[BYTES_ROOM];
	cJSON *context = file_context(speech, run);
	speak_put(context, "size", bytes_words(event->number, size));
	speak_put_digest(context, "digest", event->digest, HEX_SHOWN);
	answer(speech, run, "file_kept", context);
}

/* Whether the step needs another file, or words. */
static bool still_waits(const struct run *run, uint32_t step) {
	return step < run->step_count && run->steps[step].status == STEP_ASKED &&
			run->plan->runbook->steps[step].evidence &&
			flow_is_active(run, step) && !run_step_fetches(run, step);
}

static void say_lost(const struct speech *speech, const struct run *run) {
	const struct event *event = speech->event;
	cJSON *context = file_context(speech, run);
	char *prose = words_prose(event->text);
	struct str lines = { 0 };
	markdown_add_wrapped(&lines, prose, LINE_LETTERS, LINE_LETTERS);
	speak_put_raw(context, "why", str_text(&lines));
	str_finish(&lines);
	free(prose);
	speak_take_raw(context, "who",
			words_calls(speech->world, &event->user, event->user != NULL));
	speak_put_flag(context, "waits", still_waits(run, event->step));
	answer(speech, run, "file_lost", context);
}

/* Of several files of one message one acknowledgement is enough. */
static bool is_first(const struct run *run, const struct event *event) {
	if (event->index == 0 || event->index > run->file_count) {
		return true;
	}
	const char *before = run->files[event->index - 1].post;
	return before == NULL || event->post == NULL ||
			strcmp(before, event->post) != 0;
}

void speak_of_file(const struct speech *speech) {
	const struct event *event = speech->event;
	const struct run *run = bridge_run(speech->bridge, event->run);
	if (run == NULL) {
		return;
	}
	if (event->type == EVENT_FILE_OFFERED) {
		if (is_first(run, event)) {
			speak_ack(speech, "paperclip");
		}
	} else if (event->type == EVENT_FILE_KEPT) {
		say_kept(speech, run);
	} else {
		say_lost(speech, run);
	}
}
