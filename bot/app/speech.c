#include "app/speech.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "commands/command.h"
#include "render/message.h"
#include "render/template.h"
#include "render/templates.h"
#include "sys/fd.h"

#define SUFFIX        ".mustache"
#define FILES_MOST    200
#define HEAD_OF_EMPTY ""

struct speech {
	struct voice voice;
	char *prefix;
	struct templates *templates;
	struct message_command *commands;
	size_t command_count;
};

static struct speech *of(struct voice *voice) {
	return (struct speech *)voice;
}

/* --- the user's own templates --- */

struct own_templates {
	struct template_text *list; // strings owned
	size_t count;
};

static void drop(const char *text) {
	union {
		const char *borrowed;
		void *owned;
	} both = { .borrowed = text };
	free(both.owned);
}

static void own_finish(struct own_templates *own) {
	for (size_t i = 0; i < own->count; i++) {
		drop(own->list[i].name);
		drop(own->list[i].text);
	}
	free(own->list);
}

static bool is_template(const char *name) {
	size_t len = strlen(name);
	size_t suffix = strlen(SUFFIX);
	return name[0] != '.' && len > suffix &&
			strcmp(name + len - suffix, SUFFIX) == 0;
}

/* One that cannot be read is listed without a text. */
static bool read_one(struct own_templates *own, const char *folder,
		const char *name, struct err *err) {
	struct str text;
	str_init(&text, 0);
	char *path = xasprintf("%s/%s", folder, name);
	bool ok = fd_read_file(path, TEMPLATE_BYTES_MAX, &text, err) ||
			err_wrap(err, "%s: ", path);
	own->list = xreallocarray(own->list, own->count + 1, sizeof(own->list[0]));
	own->list[own->count] = (struct template_text){
		.name = xstrndup(name, strlen(name) - strlen(SUFFIX)),
		.text = ok ? str_take(&text) : NULL,
	};
	own->count++;
	str_finish(&text);
	free(path);
	return ok;
}

static void keep_first(struct err *first, const struct err *err) {
	if (first->code == ERR_NONE) {
		*first = *err;
	}
}

/* @err: the first thing wrong.  False: the folder cannot be read. */
static bool read_own(
		struct own_templates *own, const char *folder, struct err *err) {
	if (folder == NULL) {
		return true;
	}
	DIR *dir = opendir(folder);
	if (dir == NULL) {
		return err_set(err, ERR_IO, "the templates' folder %s: %s", folder,
				strerror(errno));
	}
	const struct dirent *entry;
	while ((entry = readdir(dir)) != NULL) {
		struct err why = { 0 };
		if (!is_template(entry->d_name)) {
			continue;
		}
		if (own->count == FILES_MOST) {
			err_set(&why, ERR_INVALID, "%s: more than %d templates", folder,
					FILES_MOST);
			keep_first(err, &why);
			break;
		}
		if (!read_one(own, folder, entry->d_name, &why)) {
			keep_first(err, &why);
		}
	}
	closedir(dir);
	return true;
}

static bool has_own(const struct own_templates *own, const char *name) {
	for (size_t i = 0; i < own->count; i++) {
		if (strcmp(own->list[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

/* Bring @templates to what is in @folder now.  What cannot be used leaves what
 * it would replace; @err: the first of it. */
static void load(
		struct templates *templates, const char *folder, struct err *err) {
	struct own_templates own = { 0 };
	struct err why = { 0 };
	bool found = read_own(&own, folder, err);
	for (size_t i = 0; found && i < templates_builtin_count; i++) {
		const struct template_text *text = &templates_builtin[i];
		bool taken = has_own(&own, text->name) ||
				templates_replace(templates, text, &why);
		assert(taken); // the tests see to that
	}
	for (size_t i = 0; i < own.count; i++) {
		why = (struct err){ 0 };
		if (own.list[i].text != NULL &&
				!templates_replace(templates, &own.list[i], &why)) {
			keep_first(err, &why);
		}
	}
	own_finish(&own);
}

/* --- speaking --- */

static struct message_world world_of(
		struct speech *self, const struct voice_scene *scene) {
	return (struct message_world){
		.world = scene->world,
		.templates = self->templates,
		.head = scene->head != NULL ? scene->head : HEAD_OF_EMPTY,
		.commands = self->commands,
		.command_count = self->command_count,
		.following = scene->following,
		.following_count = scene->following_count,
	};
}

static enum outbox_kind kind_of(enum message_kind kind) {
	switch (kind) {
	case MESSAGE_POST:
		return OUTBOX_POST;
	case MESSAGE_EDIT:
		return OUTBOX_EDIT;
	case MESSAGE_PIN:
		return OUTBOX_PIN;
	case MESSAGE_UNPIN:
		return OUTBOX_UNPIN;
	case MESSAGE_REACT:
		return OUTBOX_REACT;
	}
	return OUTBOX_POST;
}

static void say(struct voice *voice, const struct voice_scene *scene,
		const struct event *event, struct said *said) {
	struct message_world world = world_of(of(voice), scene);
	struct message_rows rows;
	message_rows_init(&rows);
	message_rows(&world, scene->bridge, event, &rows);
	for (size_t i = 0; i < rows.count; i++) {
		const struct message_row *row = &rows.list[i];
		said_add(said,
				&(struct outbox_row){
						.key = row->key,
						.kind = kind_of(row->kind),
						.target = row->target,
						.target_post = row->target_post,
						.channel = row->channel,
						.text = row->text,
						.file_path = row->file_path,
						.file_name = row->file_name,
				});
	}
	message_rows_finish(&rows);
}

static char *card(struct voice *voice, const struct voice_scene *scene,
		const struct run *run) {
	struct message_world world = world_of(of(voice), scene);
	return message_card(&world, scene->bridge, run);
}

static char *card_key(struct voice *voice, const struct run *run) {
	return message_card_key(of(voice)->prefix, run);
}

static char *board_key(struct voice *voice, const struct run *run) {
	return message_board_key(of(voice)->prefix, run);
}

static char *gate_key(struct voice *voice, const struct gate_state *gate) {
	return message_gate_key(of(voice)->prefix, gate);
}

static char *poll_key(struct voice *voice, const struct poll_state *poll) {
	(void)voice;
	return message_poll_key(poll);
}

static char *step_key(
		struct voice *voice, const struct run *run, uint32_t step) {
	return message_step_key(of(voice)->prefix, run, step);
}

static char *log_row(struct voice *voice, const struct voice_scene *scene,
		const struct run *run) {
	struct message_world world = world_of(of(voice), scene);
	return message_log_row(&world, scene->bridge, run);
}

static char *alarm(struct voice *voice, const char *why) {
	return message_alarm(of(voice)->templates, why);
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

/* --- making it --- */

static void list_commands(struct speech *self) {
	size_t count = 0;
	const struct command *const *table = command_table(&count);
	self->commands = xcalloc(count, sizeof(self->commands[0]));
	self->command_count = count;
	for (size_t i = 0; i < count; i++) {
		self->commands[i] = (struct message_command){
			.name = table[i]->name,
			.usage = table[i]->usage,
			.summary = table[i]->summary,
			.who = table[i]->who,
			.type = table[i]->type,
		};
	}
}

static struct voice *make(struct templates *templates, const char *prefix) {
	struct speech *self = xcalloc(1, sizeof(*self));
	self->voice.api = &api;
	self->prefix = xstrdup(prefix);
	self->templates = templates;
	list_commands(self);
	return &self->voice;
}

struct voice *speech_create(
		const char *folder, const char *prefix, char **problem) {
	struct err err = { 0 };
	struct templates *templates = templates_create(NULL, 0, &err);
	assert(templates != NULL); // the tests see to that
	struct voice *voice = make(templates, prefix);
	*problem = speech_reload(voice, folder);
	return voice;
}

void speech_destroy(struct voice *voice) {
	if (voice == NULL) {
		return;
	}
	struct speech *self = of(voice);
	templates_destroy(self->templates);
	free(self->commands);
	free(self->prefix);
	free(self);
}

char *speech_reload(struct voice *voice, const char *folder) {
	struct err err = { 0 };
	load(of(voice)->templates, folder, &err);
	return err.code != ERR_NONE ? xstrdup(err.text) : NULL;
}
