#include "render/message.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "render/markdown.h"
#include "render/speak.h"
#include "render/words.h"

#define LINE_LETTERS 46

/* --- the bot itself --- */

static void put_prose(cJSON *context, const char *name, const char *text) {
	char *prose = words_prose(text != NULL ? text : "");
	struct str lines = { 0 };
	markdown_add_wrapped(&lines, prose, LINE_LETTERS, LINE_LETTERS);
	speak_put_raw(context, name, str_text(&lines));
	str_finish(&lines);
	free(prose);
}

static char *bot_key(const struct speech *speech, const char *what) {
	return speak_key(speech, NULL, "bot/%s/%llu", what,
			(unsigned long long)speech->bridge->event_count);
}

void speak_of_bot(const struct speech *speech) {
	const struct event *event = speech->event;
	const struct run *run = bridge_executing(speech->bridge);
	cJSON *context = speak_context(speech, run);
	if (event->type == EVENT_SERVER_BACK && run != NULL) {
		bool rolls = run->status == RUN_ROLLING_BACK;
		speak_take(context, "lost", words_span(event->duration_ms));
		speak_put_flag(context, "held", run->held);
		speak_put_flag(context, "rolls_back", rolls && !run->held);
		speak_put_flag(context, "goes_on", !rolls && !run->held);
		speak_post(
				speech, bot_key(speech, "back"), NULL, "server_back", context);
	} else if (event->type == EVENT_SOURCE_CHANGED) {
		put_prose(context, "what", event->text);
		speak_post(speech, bot_key(speech, "source"), NULL, "source_changed",
				context);
	} else if (event->type == EVENT_SOURCE_BROKEN) {
		put_prose(context, "why", event->text);
		speak_post(speech, bot_key(speech, "source"), NULL, "source_broken",
				context);
	} else if (event->type == EVENT_TEXTS_BROKEN) {
		put_prose(context, "why", event->text);
		speak_post(speech, bot_key(speech, "texts"), NULL, "texts_broken",
				context);
	} else if (event->type == EVENT_BOT_BEHIND) {
		speak_take(context, "at", words_clock(event->until_ms, event->at_ms));
		speak_post(
				speech, bot_key(speech, "behind"), NULL, "bot_behind", context);
	} else {
		cJSON_Delete(context);
	}
}

char *message_alarm(const struct templates *templates, const char *why) {
	cJSON *context = cJSON_CreateObject();
	put_prose(context, "why", why != NULL ? why : "");
	char *text = templates_say(
			templates, why != NULL ? "journal_lost" : "journal_back", context);
	cJSON_Delete(context);
	return text;
}

/* --- which file speaks of what --- */

static void speak(const struct speech *speech) {
	switch (speech->event->type) {
	case EVENT_BOT_STARTED:
	case EVENT_SERVER_LOST:
	case EVENT_SERVER_BACK:
	case EVENT_SOURCE_CHANGED:
	case EVENT_SOURCE_BROKEN:
	case EVENT_TEXTS_BROKEN:
	case EVENT_BOT_BEHIND:
		speak_of_bot(speech);
		break;
	case EVENT_COMMAND_ANSWERED:
	case EVENT_COMMAND_REFUSED:
	case EVENT_NOTE_TAKEN:
	case EVENT_DEPUTY_NAMED:
		speak_of_command(speech);
		break;
	case EVENT_PLAN_FIXED:
		speak_of_plan(speech);
		break;
	case EVENT_GATE_OPENED:
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
		speak_of_gate(speech);
		break;
	case EVENT_POLL_OPENED:
	case EVENT_POLL_POSTED:
	case EVENT_POLL_VOTED:
	case EVENT_POLL_CLOSED:
		speak_of_poll(speech);
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
		speak_of_run(speech);
		break;
	case EVENT_STATUS_DUE:
		speak_of_status(speech);
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
		speak_of_step(speech);
		break;
	case EVENT_FILE_OFFERED:
	case EVENT_FILE_KEPT:
	case EVENT_FILE_LOST:
		speak_of_file(speech);
		break;
	}
}

void message_rows(const struct message_world *world, const struct bridge *after,
		const struct event *event, struct message_rows *out) {
	struct world here = *world->world;
	here.bridge = after;
	const struct speech speech = {
		.in = world,
		.world = &here,
		.bridge = after,
		.event = event,
		.rows = out,
	};
	speak(&speech);
}
