#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "render/speak.h"
#include "render/words.h"

#define LIST_LETTERS 40 // of a list, behind a word or two

void message_rows_init(struct message_rows *rows) {
	*rows = (struct message_rows){ 0 };
}

void message_rows_finish(struct message_rows *rows) {
	for (size_t i = 0; i < rows->count; i++) {
		struct message_row *row = &rows->list[i];
		free(row->key);
		free(row->target);
		free(row->target_post);
		free(row->channel);
		free(row->text);
		free(row->file_path);
		free(row->file_name);
	}
	free(rows->list);
	message_rows_init(rows);
}

static struct message_row *add_row(struct message_rows *rows,
		enum message_kind kind, char *take_key, const char *target) {
	rows->list = xreallocarray(
			rows->list, rows->count + 1, sizeof(*rows->list));
	struct message_row *row = &rows->list[rows->count++];
	*row = (struct message_row){
		.kind = kind,
		.key = take_key,
		.target = xstrdup(target != NULL ? target : ""),
		.target_post = xstrdup(""),
		.channel = xstrdup(""),
	};
	return row;
}

static char *say(
		const struct speech *speech, const char *template, cJSON *context) {
	char *text = templates_say(speech->in->templates, template, context);
	cJSON_Delete(context);
	return text;
}

void speak_post(const struct speech *speech, char *take_key,
		const char *thread_key, const char *template, cJSON *take_context) {
	struct message_row *row = add_row(
			speech->rows, MESSAGE_POST, take_key, thread_key);
	row->text = say(speech, template, take_context);
}

void speak_elsewhere(const struct speech *speech, char *take_key,
		const char *channel, const char *template, cJSON *take_context) {
	struct message_row *row = add_row(
			speech->rows, MESSAGE_POST, take_key, NULL);
	row->text = say(speech, template, take_context);
	free(row->channel);
	row->channel = xstrdup(channel);
}

void speak_answer(const struct speech *speech, const char *template,
		cJSON *take_context) {
	const struct event *event = speech->event;
	// One message is answered once, and once more if it is edited.
	const char *name = event->name != NULL ? event->name : "missed";
	char *key = event->post != NULL
			? xasprintf("answer/%s/%s", event->post, name)
			: xasprintf("answer/%llu",
					  (unsigned long long)speech->bridge->event_count);
	struct message_row *row = add_row(speech->rows, MESSAGE_POST, key, NULL);
	row->text = say(speech, template, take_context);
	if (event->root != NULL && event->root[0] != '\0') {
		free(row->target_post);
		row->target_post = xstrdup(event->root);
	}
}

void speak_reply(const struct speech *speech, char *take_key,
		const char *template, cJSON *take_context) {
	const struct event *event = speech->event;
	bool threaded = event->root != NULL && event->root[0] != '\0';
	const char *root = threaded ? event->root : event->post;
	struct message_row *row = add_row(
			speech->rows, MESSAGE_POST, take_key, NULL);
	row->text = say(speech, template, take_context);
	if (root != NULL) {
		free(row->target_post);
		row->target_post = xstrdup(root);
	}
}

static char *edit_key(const char *target, uint64_t number) {
	return xasprintf("%s/edit/%llu", target, (unsigned long long)number);
}

void speak_edit(const struct speech *speech, const char *target_key,
		const char *template, cJSON *take_context) {
	struct message_row *row = add_row(speech->rows, MESSAGE_EDIT,
			edit_key(target_key, speech->bridge->event_count), target_key);
	row->text = say(speech, template, take_context);
}

void speak_post_text(
		const struct speech *speech, char *take_key, char *take_text) {
	add_row(speech->rows, MESSAGE_POST, take_key, NULL)->text = take_text;
}

void speak_attach(
		const struct speech *speech, const char *path, char *take_name) {
	struct message_row *row = &speech->rows->list[speech->rows->count - 1];
	free(row->file_name);
	free(row->file_path);
	row->file_path = xstrdup(path);
	row->file_name = take_name;
}

static void react(const struct speech *speech, const char *target_key,
		const char *emoji) {
	struct message_row *row = add_row(speech->rows, MESSAGE_REACT,
			xasprintf("%s/react/%s", target_key, emoji), target_key);
	row->text = xstrdup(emoji);
}

void speak_seed(const struct speech *speech, const char *target_key) {
	const struct settings *settings = speech->world->settings;
	if (settings->yes_count > 0) {
		react(speech, target_key, settings->yes[0]);
	}
	if (settings->no_count > 0) {
		react(speech, target_key, settings->no[0]);
	}
}

void speak_ack(const struct speech *speech, const char *emoji) {
	const char *post = speech->event->post;
	if (post == NULL || post[0] == '\0') {
		return;
	}
	struct message_row *row = add_row(speech->rows, MESSAGE_REACT,
			xasprintf("ack/%s/%s", post, emoji), NULL);
	free(row->target_post);
	row->target_post = xstrdup(post);
	row->text = xstrdup(emoji);
}

void speak_pin(const struct speech *speech, const char *target_key, bool pin) {
	struct message_row *row = add_row(speech->rows,
			pin ? MESSAGE_PIN : MESSAGE_UNPIN,
			xasprintf("%s/%s", target_key, pin ? "pin" : "unpin"), target_key);
	row->text = xstrdup("");
}

/* --- keys --- */

char *speak_key(const struct speech *speech, const struct run *run,
		const char *format, ...) {
	char tail[160];
	va_list args;
	va_start(args, format);
	vsnprintf(tail, sizeof(tail), format, args);
	va_end(args);
	if (run == NULL) {
		return xstrdup(tail);
	}
	char *label = words_run(speech->world, run);
	char *key = xasprintf("%s/%s", label, tail);
	free(label);
	return key;
}

char *message_card_key(const char *prefix, const struct run *run) {
	return xasprintf("%s-%u/card", prefix, run->number);
}

char *message_board_key(const char *prefix, const struct run *run) {
	return xasprintf("%s-%u/smoke", prefix, run->number);
}

char *message_gate_key(const char *prefix, const struct gate_state *gate) {
	return gate->run != 0
			? xasprintf("%s-%u/gate/%u", prefix, gate->run, gate->id)
			: xasprintf("plan/%.8s/gate/%u", gate->digest, gate->id);
}

char *message_poll_key(const struct poll_state *poll) {
	return xasprintf("poll/%u", poll->id);
}

char *message_step_key(const char *prefix, const struct run *run, size_t step) {
	return xasprintf("%s-%u/step/%s/asked/%u", prefix, run->number,
			run->plan->runbook->steps[step].number,
			run->steps[step].asked_count);
}

char *speak_card_key(const struct speech *speech, const struct run *run) {
	return message_card_key(speech->world->settings->prefix, run);
}

char *speak_gate_key(
		const struct speech *speech, const struct gate_state *gate) {
	return message_gate_key(speech->world->settings->prefix, gate);
}

char *speak_step_key(
		const struct speech *speech, const struct run *run, size_t step) {
	return message_step_key(speech->world->settings->prefix, run, step);
}

/* --- contexts --- */

cJSON *speak_context(const struct speech *speech, const struct run *run) {
	cJSON *context = cJSON_CreateObject();
	if (context == NULL) {
		abort();
	}
	speak_take(
			context, "run", run != NULL ? words_run(speech->world, run) : NULL);
	speak_put(context, "kind", run != NULL ? run_kind_name(run->kind) : NULL);
	const struct plan_record *plan = run != NULL ? run->plan
												 : bridge_plan(speech->bridge);
	speak_put(context, "release",
			plan != NULL ? words_release(&plan->plan) : NULL);
	return context;
}

static void put(cJSON *object, const char *name, cJSON *value) {
	if (value == NULL) {
		abort();
	}
	cJSON_DeleteItemFromObjectCaseSensitive(object, name);
	cJSON_AddItemToObject(object, name, value);
}

void speak_put(cJSON *object, const char *name, const char *text) {
	put(object, name,
			text != NULL ? cJSON_CreateString(text) : cJSON_CreateNull());
}

void speak_take(cJSON *object, const char *name, char *take_text) {
	speak_put(object, name, take_text);
	free(take_text);
}

void speak_put_raw(cJSON *object, const char *name, const char *text) {
	put(object, name,
			text != NULL ? cJSON_CreateRaw(text) : cJSON_CreateNull());
}

void speak_take_raw(cJSON *object, const char *name, char *take_text) {
	speak_put_raw(object, name, take_text);
	free(take_text);
}

void speak_take_list(cJSON *object, const char *name, char *take_text) {
	speak_take_raw(object, name,
			take_text != NULL ? words_wrapped(take_text, LIST_LETTERS) : NULL);
	free(take_text);
}

void speak_put_flag(cJSON *object, const char *name, bool flag) {
	put(object, name, cJSON_CreateBool(flag));
}

void speak_put_count(cJSON *object, const char *name, size_t count) {
	put(object, name, cJSON_CreateNumber((double)count));
}

void speak_put_digest(
		cJSON *object, const char *name, const char *digest, int digits) {
	speak_take(object, name,
			xasprintf("%.*s", digits, digest != NULL ? digest : ""));
}

cJSON *speak_put_list(cJSON *object, const char *name) {
	cJSON *list = cJSON_CreateArray();
	put(object, name, list);
	return list;
}

cJSON *speak_add(cJSON *list) {
	cJSON *object = cJSON_CreateObject();
	if (object == NULL || !cJSON_AddItemToArray(list, object)) {
		abort();
	}
	return object;
}
