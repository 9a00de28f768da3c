#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "core/flow.h"
#include "render/contact.h"
#include "render/markdown.h"
#include "render/speak.h"
#include "render/words.h"

/*
 * Steps: what their owners are asked, what came of them, what they printed.
 */

#define TITLE_LETTERS    30 // in a line with more on it
#define QUESTION_LETTERS 24 // in a first line that calls somebody
#define LINE_LETTERS     44
#define LINE_MOST        48 // of one that is better whole
#define DETAIL_LETTERS   140
#define OUTPUT_LINES     4
#define OUTPUT_LETTERS   200
#define TELLING          160
#define QUIET_LINES      4 // a good step's output of more is a file
#define OK_LINES_MAX     3
#define HOST_LETTERS     20

struct step_view {
	const struct run *run;
	const struct step *model;
	const struct step_state *state;
	size_t index;
};

static bool view_init(const struct speech *speech, struct step_view *view) {
	view->run = bridge_run(speech->bridge, speech->event->run);
	view->index = speech->event->step;
	if (view->run == NULL || view->index >= view->run->step_count) {
		return false;
	}
	view->model = &view->run->plan->runbook->steps[view->index];
	view->state = &view->run->steps[view->index];
	return true;
}

static cJSON *step_context(
		const struct speech *speech, const struct step_view *view) {
	cJSON *context = speak_context(speech, view->run);
	speak_put(context, "number", view->model->number);
	speak_take(
			context, "title", words_short(view->model->title, TITLE_LETTERS));
	speak_take_raw(context, "who",
			words_call_owner(speech->world, view->run, view->index));
	const char *user = speech->event->user;
	speak_put(context, "user",
			user != NULL ? people_name(speech->world->people, user) : NULL);
	return context;
}

static char *below(const struct speech *speech, const struct step_view *view,
		const char *what) {
	return speak_key(speech, view->run, "step/%s/%s/%llu", view->model->number,
			what, (unsigned long long)speech->bridge->event_count);
}

char *speak_stopped_key(
		const struct speech *speech, const struct run *run, size_t step) {
	const struct step_state *state = &run->steps[step];
	return speak_key(speech, run, "step/%s/%s/%u",
			run->plan->runbook->steps[step].number,
			state->status == STEP_UNKNOWN ? "unknown" : "failed",
			state->ended_count);
}

/* --- asked --- */

/* Where @text can be cut at @most bytes or before: behind a sentence, else
 * between words, never within a code span. */
static size_t cut_between(const char *text, size_t most) {
	size_t word = 0;
	size_t sentence = 0;
	bool code = false;
	for (size_t i = 0; text[i] != '\0' && i < most; i++) {
		code ^= text[i] == '`';
		if (code || (text[i] != ' ' && text[i] != '\n')) {
			continue;
		}
		word = i;
		if (i > 0 && strchr(".:!?", text[i - 1]) != NULL) {
			sentence = i;
		}
	}
	return sentence > 0 ? sentence : word;
}

/* What the item says first below its title, if that is prose. */
static char *first_words(const char *detail) {
	detail += strspn(detail, " \n");
	const char *end = strstr(detail, "\n\n");
	size_t len = end != NULL ? (size_t)(end - detail) : strlen(detail);
	bool prose = len > 0 && strchr("~|-*>#", detail[0]) == NULL &&
			strncmp(detail, "```", 3) != 0;
	if (prose && len > DETAIL_LETTERS) {
		len = cut_between(detail, DETAIL_LETTERS);
	}
	return xstrndup(detail, prose ? len : 0);
}

/* @before: letters that the template has in front. */
static void put_behind(
		cJSON *context, const char *name, const char *text, size_t before) {
	char *prose = words_prose(text);
	struct str lines = { 0 };
	for (char *c = prose; *c != '\0'; c++) {
		if (*c == '\n') {
			*c = ' ';
		}
	}
	markdown_add_wrapped(&lines, prose, LINE_LETTERS - before, LINE_LETTERS);
	speak_put_raw(context, name, str_text(&lines));
	str_finish(&lines);
	free(prose);
}

static void put_wrapped(cJSON *context, const char *name, const char *text) {
	put_behind(context, name, text, 0);
}

static void say_asked(
		const struct speech *speech, const struct step_view *view) {
	bool manual = view->model->kind == STEP_MANUAL;
	cJSON *context = step_context(speech, view);
	char *title = words_short(view->model->title, DETAIL_LETTERS);
	char *detail = first_words(
			view->model->detail != NULL ? view->model->detail : "");
	const char *why = speech->event->text;
	if (manual) {
		put_wrapped(context, "title", title);
	} else {
		speak_take(context, "title",
				words_short(view->model->title, QUESTION_LETTERS));
	}
	put_wrapped(context, "detail", detail);
	put_wrapped(context, "why", why != NULL ? why : "");
	put_behind(context, "expected",
			view->model->expected != NULL ? view->model->expected : "",
			sizeof("Expected: ") - 1);
	speak_put_flag(context, "evidence", view->model->evidence);
	char *key = speak_step_key(speech, view->run, view->index);
	speak_post(speech, xstrdup(key), NULL,
			manual ? "step_asked" : "step_question", context);
	if (manual && !view->model->evidence) {
		speak_seed(speech, key);
	}
	free(key);
	free(detail);
	free(title);
}

/* The post that asked, once it is answered. */
static void edit_asked(const struct speech *speech,
		const struct step_view *view, const char *icon, const char *outcome) {
	if (view->state->asked_count == 0) {
		return;
	}
	cJSON *context = step_context(speech, view);
	speak_put(context, "icon", icon);
	speak_put(context, "outcome", outcome);
	speak_take(context, "at",
			words_clock(speech->event->at_ms, speech->world->now_ms));
	speak_take_raw(context, "text", words_said(speech->event->text));
	char *key = speak_step_key(speech, view->run, view->index);
	speak_edit(speech, key, "step_answered", context);
	free(key);
}

/* --- attempts --- */

static const struct attempt *attempt_of(
		const struct speech *speech, const struct step_view *view) {
	for (size_t i = view->state->attempt_count; i > 0; i--) {
		const struct attempt *attempt = &view->state->attempts[i - 1];
		if (attempt->block == speech->event->block &&
				attempt->host == speech->event->host &&
				attempt->number == speech->event->attempt) {
			return attempt;
		}
	}
	return NULL;
}

/* "4.2.2-node2-try1.log"; a step of several blocks has the block's too. */
static char *log_name(
		const struct step_view *view, const struct attempt *attempt) {
	const char *host = words_host(
			view->run, view->index, attempt->block, attempt->host);
	char *name = view->model->block_count > 1
			? xasprintf("%s.%u-%s-try%u.log", view->model->number,
					  attempt->block + 1, host, attempt->number)
			: xasprintf("%s-%s-try%u.log", view->model->number, host,
					  attempt->number);
	for (char *c = name; *c != '\0'; c++) {
		bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
				(*c >= '0' && *c <= '9') || strchr(".-_", *c) != NULL;
		if (!plain) {
			*c = '_';
		}
	}
	return name;
}

static void attach_log(const struct speech *speech,
		const struct step_view *view, const struct attempt *attempt) {
	if (attempt->log != NULL && attempt->log[0] != '\0' && attempt->lines > 0) {
		speak_attach(speech, attempt->log, log_name(view, attempt));
	}
}

/* "part 2 of 3", "node2", "node2, part 2 of 3": which of the step it was. */
static char *part_words(
		const struct step_view *view, const struct attempt *attempt) {
	bool hosts = run_host_count(view->run, view->index, attempt->block) > 1;
	const char *host = hosts
			? words_host(view->run, view->index, attempt->block, attempt->host)
			: "";
	if (view->model->block_count < 2) {
		return xstrdup(host);
	}
	return xasprintf("%s%spart %u of %zu", host, hosts ? ", " : "",
			attempt->block + 1, view->model->block_count);
}

static char *lines_words(const struct attempt *attempt) {
	unsigned long long lines = attempt->lines;
	if (lines == 0) {
		return xstrdup("");
	}
	if (lines > OUTPUT_LINES) {
		return xasprintf("last %d of %llu lines", OUTPUT_LINES, lines);
	}
	return words_count((size_t)lines, "line");
}

static char *attempt_key(const struct speech *speech,
		const struct step_view *view, const char *what) {
	const struct event *event = speech->event;
	return speak_key(speech, view->run, "step/%s/try/%u.%u.%u/%s",
			view->model->number, event->block + 1, event->host + 1,
			event->attempt, what);
}

static void say_log(const struct speech *speech, const struct step_view *view,
		const struct attempt *attempt, const char *card) {
	cJSON *context = step_context(speech, view);
	speak_take(context, "part", part_words(view, attempt));
	speak_take(context, "count", words_count((size_t)attempt->lines, "line"));
	speak_post(speech,
			speak_key(speech, view->run, "step/%s/try/%u.%u.%u/log",
					view->model->number, attempt->block + 1, attempt->host + 1,
					attempt->number),
			card, "attempt_log", context);
	attach_log(speech, view, attempt);
}

/* The last line that an attempt printed, under its host where it is one of
 * several. */
static void add_last_line(cJSON *list, const struct step_view *view,
		const struct attempt *attempt) {
	bool hosts = run_host_count(view->run, view->index, attempt->block) > 1;
	const char *host = hosts
			? words_host(view->run, view->index, attempt->block, attempt->host)
			: "";
	size_t taken = utf8_count(host);
	char *last = markdown_last_line(attempt->tail != NULL ? attempt->tail : "",
			LINE_LETTERS - (taken < HOST_LETTERS ? taken : HOST_LETTERS));
	if (last[0] != '\0') {
		speak_take(speak_add(list), "line",
				xasprintf("%s%s%s", host, hosts ? ": " : "", last));
	}
	while (cJSON_GetArraySize(list) > OK_LINES_MAX) {
		cJSON_DeleteItemFromArray(list, 0);
	}
	free(last);
}

static bool is_long(const struct attempt *attempt) {
	return attempt->lines > QUIET_LINES && attempt->log != NULL &&
			attempt->log[0] != '\0';
}

/* One reply for the step, with the file of its longest output; what else was
 * long follows, a file each. */
static void say_ok(const struct speech *speech, const struct step_view *view) {
	cJSON *context = step_context(speech, view);
	cJSON *lines = speak_put_list(context, "lines");
	const struct attempt *longest = NULL;
	uint32_t block = 0;
	const struct step_state *state = view->state;
	for (size_t i = 0; i < state->attempt_count; i++) {
		const struct attempt *attempt = &state->attempts[i];
		if (attempt->outcome != OUTCOME_OK || attempt->ended_ms == 0) {
			continue;
		}
		if (attempt->block != block) {
			lines = speak_put_list(context, "lines"); // the last block's
			block = attempt->block;
		}
		add_last_line(lines, view, attempt);
		if (is_long(attempt) &&
				(longest == NULL || attempt->lines > longest->lines)) {
			longest = attempt;
		}
	}
	char *card = speak_card_key(speech, view->run);
	speak_take(context, "took", words_span(step_took_ms(state)));
	speak_post(speech, below(speech, view, "ok"), card, "attempt_ok", context);
	if (longest != NULL) {
		attach_log(speech, view, longest);
	}
	for (size_t i = 0; i < state->attempt_count; i++) {
		const struct attempt *attempt = &state->attempts[i];
		if (attempt->outcome == OUTCOME_OK && attempt != longest &&
				is_long(attempt)) {
			say_log(speech, view, attempt, card);
		}
	}
	free(card);
}

static void say_attempt_failed(const struct speech *speech,
		const struct step_view *view, const struct attempt *attempt) {
	bool stopped = attempt->outcome == OUTCOME_CANCELLED;
	cJSON *context = step_context(speech, view);
	char *card = speak_card_key(speech, view->run);
	struct str output = { 0 };
	markdown_add_fence(&output, attempt->tail != NULL ? attempt->tail : "",
			OUTPUT_LINES, OUTPUT_LETTERS);
	bool unknown = attempt->outcome == OUTCOME_UNKNOWN;
	speak_put(context, "icon", stopped ? "⏹️" : unknown ? "❔" : "🔴");
	speak_take(context, "host", part_words(view, attempt));
	speak_put_count(context, "try", attempt->number);
	speak_take(context, "lines", lines_words(attempt));
	speak_take(context, "reason", words_reason(attempt));
	speak_put_raw(context, "output", str_text(&output));
	speak_post(speech,
			attempt_key(speech, view, stopped ? "stopped" : "failed"), card,
			"attempt_failed", context);
	attach_log(speech, view, attempt);
	str_finish(&output);
	free(card);
}

/* What went well is told when its step has ended, and of a monitor in the
 * status. */
static void say_attempt(
		const struct speech *speech, const struct step_view *view) {
	const struct attempt *attempt = attempt_of(speech, view);
	if (attempt != NULL && attempt->outcome != OUTCOME_OK) {
		say_attempt_failed(speech, view, attempt);
	}
}

/* --- ended --- */

static void add_command(cJSON *list, char *take_text) {
	speak_take(speak_add(list), "command", take_text);
}

static void put_commands(cJSON *context, const struct step_view *view) {
	cJSON *list = speak_put_list(context, "commands");
	const char *number = view->model->number;
	enum phase_kind kind = speak_phase_of(view->run, view->index);
	add_command(list, xasprintf("!retry %s", number));
	if (!flow_publishes_undo(view->run, view->index)) {
		add_command(list, xasprintf("!skip %s WHY", number));
	}
	if (kind == PHASE_REHEARSAL || kind == PHASE_ROLLBACK) {
		add_command(list, xstrdup("!cutover abort WHY"));
	} else if (view->run->command_started) {
		add_command(list, xstrdup("!rollback WHY"));
	}
}

/* The attempt that made the step fail, or NULL. */
static const struct attempt *culprit(const struct step_view *view) {
	for (size_t i = view->state->attempt_count; i > 0; i--) {
		const struct attempt *attempt = &view->state->attempts[i - 1];
		if (attempt->ended_ms != 0 && attempt->outcome != OUTCOME_OK) {
			return attempt;
		}
	}
	return NULL;
}

/* Why it failed, as Markdown of @letters letters before it was broken: behind
 * the title where there is room, else on lines of its own. */
static void take_reason(cJSON *context, const struct step_view *view,
		char *take_lines, size_t letters) {
	char *title = words_short(view->model->title, TITLE_LETTERS);
	speak_put_flag(
			context, "long", utf8_count(title) + 2 + letters > LINE_MOST);
	speak_take_raw(context, "reason", take_lines);
	free(title);
}

static char *said_by(const struct speech *speech) {
	const char *user = speech->event->user;
	const char *name = user != NULL ? people_name(speech->world->people, user)
									: "the bot";
	char *says = xasprintf("says %s", name);
	char *text = words_prose(says);
	free(says);
	return text;
}

static void put_failure(cJSON *context, const struct speech *speech,
		const struct step_view *view) {
	const struct attempt *attempt = culprit(view);
	struct str output = { 0 };
	const char *host = NULL;
	if (attempt != NULL) {
		bool hosts = run_host_count(view->run, view->index, attempt->block) > 1;
		host = hosts ? words_host(view->run, view->index, attempt->block,
							   attempt->host)
					 : NULL;
		char *line = markdown_last_line(
				attempt->tail != NULL ? attempt->tail : "", TELLING);
		markdown_add_fence(&output, line, 1, TELLING);
		free(line);
	}
	speak_put(context, "host", host);
	if (attempt != NULL && speech->event->user == NULL) {
		char *reason = words_reason(attempt);
		take_reason(context, view, words_wrapped(reason, LINE_LETTERS),
				utf8_count(reason));
		free(reason);
	} else {
		char *said = speech->event->text != NULL
				? words_said(speech->event->text)
				: said_by(speech);
		take_reason(context, view, said, utf8_count(said));
	}
	speak_put_raw(context, "output", str_text(&output));
	str_finish(&output);
}

static void say_failed(
		const struct speech *speech, const struct step_view *view) {
	if (view->model->kind == STEP_MANUAL) {
		edit_asked(speech, view, "❌", "failed");
	}
	if (!flow_waits(view->run, view->index)) {
		return; // a rollback or an abort has left it
	}
	cJSON *context = step_context(speech, view);
	put_failure(context, speech, view);
	put_commands(context, view);
	speak_post(speech, speak_stopped_key(speech, view->run, view->index), NULL,
			"step_failed", context);
}

/* What its command left published, which `!done` would take over, and what it
 * did not leave, which `!done` has to give up by name. */
static void put_left(cJSON *context, const struct step_view *view) {
	cJSON *left = speak_put_list(context, "left");
	struct str lacks = { 0 };
	const char *name = NULL;
	for (size_t i = 0; (name = flow_published(view->model, i)) != NULL; i++) {
		const char *value = flow_found_value(view->run, view->index, name);
		if (value != NULL) {
			char *said = xasprintf("%s=%s", name, value);
			speak_take_raw(speak_add(left), "value", words_said(said));
			free(said);
		} else if (flow_lacks_value(view->run, view->index, name)) {
			str_addf(&lacks, "%s%s", lacks.len > 0 ? ", " : "", name);
		}
	}
	speak_take(context, "lacks", str_take(&lacks));
}

static void say_unknown(
		const struct speech *speech, const struct step_view *view) {
	if (!flow_waits(view->run, view->index)) {
		return; // a rollback or an abort has left it: nothing is asked
	}
	const struct attempt *attempt = step_last_attempt(view->state);
	cJSON *context = step_context(speech, view);
	int64_t begun_ms = attempt != NULL ? attempt->started_ms
									   : view->state->begun_ms;
	speak_take(context, "begun", words_clock(begun_ms, speech->world->now_ms));
	speak_put(context, "reason", speech->event->text);
	put_left(context, view);
	speak_post(speech, speak_stopped_key(speech, view->run, view->index), NULL,
			"step_unknown", context);
}

static void say_skipped(const struct speech *speech,
		const struct step_view *view, const char *outcome) {
	cJSON *context = step_context(speech, view);
	speak_put(context, "outcome", outcome);
	if (speech->event->user != NULL) {
		speak_take_raw(context, "text", words_said(speech->event->text));
	} else {
		put_wrapped(context, "text",
				speech->event->text != NULL ? speech->event->text : "");
	}
	speak_post(speech, below(speech, view, "skipped"), NULL, "step_skipped",
			context);
}

/* Taken as done: what that leaves a rollback with, where it needs something. */
static void say_confirmed(
		const struct speech *speech, const struct step_view *view) {
	const char *name = NULL;
	cJSON *context = step_context(speech, view);
	cJSON *taken = speak_put_list(context, "taken");
	cJSON *lost = speak_put_list(context, "lost");
	for (size_t i = 0; (name = flow_published(view->model, i)) != NULL; i++) {
		char *users = speak_undo_users(view->run, name);
		if (run_value(view->run, name) != NULL) {
			speak_put(speak_add(taken), "name", name);
		} else if (*users != '\0') {
			cJSON *line = speak_add(lost);
			speak_put(line, "name", name);
			speak_put(line, "steps", users);
		}
		free(users);
	}
	speak_ack(speech, "white_check_mark");
	if (cJSON_GetArraySize(taken) + cJSON_GetArraySize(lost) > 0) {
		speak_post(speech, below(speech, view, "confirmed"), NULL,
				"step_confirmed", context);
	} else {
		cJSON_Delete(context);
	}
}

static void say_ended(
		const struct speech *speech, const struct step_view *view) {
	enum outcome outcome = speech->event->outcome;
	if (outcome == OUTCOME_FAILED) {
		say_failed(speech, view);
	} else if (outcome == OUTCOME_UNKNOWN) {
		say_unknown(speech, view);
	} else if (outcome == OUTCOME_SKIPPED) {
		say_skipped(speech, view, "skipped");
	} else if (outcome == OUTCOME_PASSED_OVER) {
		say_skipped(speech, view, "passed over");
	} else if (outcome == OUTCOME_PASSED) {
		edit_asked(speech, view, "⏭️", "not needed");
		speak_ack(speech, "white_check_mark");
	} else if (outcome == OUTCOME_OK && speech->event->user != NULL) {
		edit_asked(speech, view, "✅", "done");
		speak_ack(speech, "white_check_mark");
	} else if (outcome == OUTCOME_OK &&
			!flow_is_monitor(view->run, view->index)) {
		say_ok(speech, view);
	}
}

static void say_tap_refused(
		const struct speech *speech, const struct step_view *view) {
	cJSON *context = step_context(speech, view);
	put_wrapped(context, "why", speech->event->text);
	char *thread = speak_step_key(speech, view->run, view->index);
	speak_post(speech, below(speech, view, "tap"), thread, "gate_tap_refused",
			context);
	free(thread);
}

static void call_contacts(const struct speech *speech,
		const struct step_view *view, const struct role_set *owner,
		const char *key) {
	char *what = words_short(view->model->title, TITLE_LETTERS);
	char *title = xasprintf("%s %s", view->model->number, what);
	contact_speak(speech,
			&(struct contact_call){
					.runbook = view->run->plan->runbook,
					.run = view->run,
					.key = key,
					.title = title,
					.since_ms = view->state->waits_ms,
					.slots = owner,
					.slot_count = 1,
			});
	free(title);
	free(what);
}

/* Nobody has answered: first the backups are called, then the lead beside the
 * role's contact. */
static void say_escalated(
		const struct speech *speech, const struct step_view *view) {
	const struct runbook *runbook = view->run->plan->runbook;
	size_t lead = 0;
	struct role_set owner = step_owner(runbook, view->index, &lead);
	cJSON *context = speak_context(speech, view->run);
	speak_put(context, "number", view->model->number);
	speak_take(
			context, "title", words_short(view->model->title, TITLE_LETTERS));
	speak_take_raw(context, "who",
			words_call_next(
					speech->world, runbook, &owner, speech->event->count));
	speak_put_flag(context, "asks", view->state->status == STEP_ASKED);
	speak_take(context, "since",
			words_clock(view->state->waits_ms, speech->world->now_ms));
	char *key = speak_key(speech, view->run, "step/%s/silence/%llu",
			view->model->number,
			(unsigned long long)speech->bridge->event_count);
	speak_post(speech, xstrdup(key), NULL, "step_escalated", context);
	if (speech->event->count >= ESCALATIONS_MOST) {
		call_contacts(speech, view, &owner, key);
	}
	free(key);
}

/* One post when a host is lost and, where that was said, one below the card
 * when it answers again. */
static void say_reach(
		const struct speech *speech, const struct step_view *view) {
	const struct event *event = speech->event;
	bool lost = event->type == EVENT_ATTEMPT_LOST;
	cJSON *context = step_context(speech, view);
	speak_put(context, "host",
			words_host(view->run, view->index, event->block, event->host));
	speak_put(context, "reason", lost ? event->text : NULL);
	speak_put_flag(context, "may_run", lost && event->count > 0);
	speak_take(context, "away", words_span(event->duration_ms));
	char *card = lost ? NULL : speak_card_key(speech, view->run);
	char *key = speak_key(speech, view->run, "step/%s/try/%u.%u.%u/%s/%llu",
			view->model->number, event->block + 1, event->host + 1,
			event->attempt, lost ? "lost" : "found",
			(unsigned long long)speech->bridge->event_count);
	speak_post(speech, key, card, lost ? "host_lost" : "host_found", context);
	free(card);
}

/* A tick alone would read as if it ran already. */
static void say_retried_later(
		const struct speech *speech, const struct step_view *view) {
	cJSON *context = speak_context(speech, view->run);
	char *label = words_run(speech->world, view->run);
	char *text = xasprintf("%s is held: %s is repeated after\n"
						   "`!cutover resume`",
			label, view->model->number);
	speak_take_raw(context, "text", text);
	free(label);
	speak_answer(speech, "answer", context);
}

void speak_of_step(const struct speech *speech) {
	struct step_view view;
	if (!view_init(speech, &view)) {
		return;
	}
	enum event_type type = speech->event->type;
	speak_of_smoke(speech, view.run, view.index);
	if (type == EVENT_STEP_ASKED) {
		say_asked(speech, &view);
	} else if (type == EVENT_STEP_CLAIMED) {
		speak_ack(speech, "eyes");
	} else if (type == EVENT_STEP_ALLOWED) {
		edit_asked(speech, &view, "▶️",
				view.run->held ? "to be run once resumed" : "to be run");
		speak_ack(speech, "white_check_mark");
	} else if (type == EVENT_ATTEMPT_ENDED) {
		say_attempt(speech, &view);
	} else if (type == EVENT_STEP_ENDED) {
		say_ended(speech, &view);
	} else if (type == EVENT_STEP_CONFIRMED) {
		say_confirmed(speech, &view);
	} else if (type == EVENT_STEP_RETRIED && view.run->held) {
		say_retried_later(speech, &view);
	} else if (type == EVENT_STEP_RETRIED || type == EVENT_STEP_CANCELLING) {
		speak_ack(speech, "white_check_mark");
	} else if (type == EVENT_STEP_EVIDENCE) {
		speak_ack(speech, "memo");
	} else if (type == EVENT_STEP_ESCALATED) {
		say_escalated(speech, &view);
	} else if (type == EVENT_STEP_TAP_REFUSED) {
		say_tap_refused(speech, &view);
	} else if (type == EVENT_ATTEMPT_LOST || type == EVENT_ATTEMPT_FOUND) {
		say_reach(speech, &view);
	}
}
