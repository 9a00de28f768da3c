#include "support/fake_server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "loop/loop.h"

/* A test that follows a null pointer has failed anyway, and says where. */
#pragma GCC diagnostic ignored "-Wnull-dereference"

#define BOT_ID "bot"

struct fake_chat {
	struct loop *loop;
	struct fake_server *bot; // connected or not; NULL while none lives
	struct fake_post *posts;
	size_t count;
	struct people people;
	int64_t last_ms; // server times never repeat
	enum fake_fault fault;
	unsigned faults_after; // requests that pass before
	unsigned faults;
	unsigned read_failures;
	bool keeps_reads;
	const char *refused; // borrowed; posts that say this, so often
	unsigned refusals;
	size_t max_message;
	char *shut; // a channel that takes no posts
	enum server_result fetch_result;
	unsigned fetches; // asked for so far
};

struct fake_server {
	struct server server;
	struct fake_chat *chat;
	struct server_sink sink;
	void *data;
	bool online;
	bool dead;
	int64_t answered_ms;
	char **watched;
	size_t watched_count;
	struct answer *answers; // not yet given
};

/* An answer under way. */
struct answer {
	struct answer *next;
	struct fake_server *server;
	server_reply_fn fn;
	server_taps_fn taps_fn;
	void *data;
	enum server_result result;
	char *post_id;
	char *message;
	int64_t create_at_ms;
	int64_t edit_at_ms;
	int64_t delete_at_ms;
	server_fetched_fn fetched_fn;
	char *place;
	bool kept; // until the test says so
};

static struct fake_server *of(const struct server *server) {
	union {
		const struct server *borrowed;
		struct fake_server *owned;
	} both = { .borrowed = server };
	return both.owned;
}

static int64_t server_now(struct fake_chat *chat) {
	int64_t now = loop_now_ms(chat->loop);
	chat->last_ms = now > chat->last_ms ? now : chat->last_ms + 1;
	return chat->last_ms;
}

static struct fake_post *find_post(
		const struct fake_chat *chat, const char *id) {
	for (size_t i = 0; i < chat->count; i++) {
		if (strcmp(chat->posts[i].id, id) == 0) {
			return &chat->posts[i];
		}
	}
	return NULL;
}

static char *user_id(const char *name) {
	return xasprintf("id-%s", name);
}

/* --- what the bot is told --- */

static struct server_post seen(const struct fake_post *post) {
	return (struct server_post){
		.id = post->id,
		.user_id = post->user,
		.root_id = post->root,
		.message = post->message,
		.type = "",
		.key = post->key,
		.create_at_ms = post->create_at_ms,
		.edit_at_ms = post->edit_at_ms,
		.delete_at_ms = post->delete_at_ms,
		.file_ids = (const char *const *)&post->file_id,
		.file_count = post->file_id != NULL,
	};
}

static bool is_online(const struct fake_chat *chat) {
	return chat->bot != NULL && chat->bot->online && !chat->bot->dead;
}

static void tell_post(struct fake_chat *chat, const struct fake_post *post) {
	if (is_online(chat)) {
		struct server_post told = seen(post);
		chat->bot->answered_ms = loop_real_now_ms(chat->loop);
		chat->bot->sink.post(chat->bot->data, &told);
	}
}

static void tell_changed(struct fake_chat *chat, const struct fake_post *post) {
	if (is_online(chat)) {
		struct server_post told = seen(post);
		chat->bot->sink.post_changed(chat->bot->data, &told);
	}
}

static bool is_watched(const struct fake_server *bot, const char *id) {
	for (size_t i = 0; i < bot->watched_count; i++) {
		if (strcmp(bot->watched[i], id) == 0) {
			return true;
		}
	}
	return false;
}

static void tell_taps(struct fake_chat *chat, const struct fake_post *post) {
	if (is_online(chat) && is_watched(chat->bot, post->id)) {
		chat->bot->sink.taps(
				chat->bot->data, post->id, post->taps, post->tap_count);
	}
}

/* --- answers --- */

static void answer_free(struct answer *answer) {
	free(answer->post_id);
	free(answer->message);
	free(answer->place);
	free(answer);
}

static void give_fetched(
		const struct answer *answer, const struct server_reply *reply) {
	const struct server_fetched fetched = {
		.result = reply->result,
		.err = reply->err,
		.name = "shot.png",
		.place = answer->place,
		.bytes = 5,
		.digest = FAKE_FILE_DIGEST,
	};
	answer->fetched_fn(answer->data, &fetched);
}

static void give(void *data) {
	struct answer *answer = data;
	struct fake_server *server = answer->server;
	struct answer **link = &server->answers;
	while (*link != answer) {
		link = &(*link)->next;
	}
	*link = answer->next;
	if (server->dead) {
		answer_free(answer);
		return;
	}
	if (answer->result != SERVER_AGAIN) {
		server->answered_ms = loop_real_now_ms(server->chat->loop);
	}
	struct server_reply reply = {
		.result = answer->result,
		.post_id = answer->post_id != NULL ? answer->post_id : "",
		.create_at_ms = answer->create_at_ms,
		.message = answer->message,
		.edit_at_ms = answer->edit_at_ms,
		.delete_at_ms = answer->delete_at_ms,
	};
	if (answer->result != SERVER_OK) {
		err_set(&reply.err, ERR_IO, "the test says no");
	}
	if (answer->fn != NULL) {
		answer->fn(answer->data, &reply);
	} else if (answer->fetched_fn != NULL) {
		give_fetched(answer, &reply);
	} else {
		const struct fake_post *post = find_post(server->chat, answer->post_id);
		struct server_taps_reply taps = {
			.ok = answer->result == SERVER_OK,
			.err = reply.err,
			.taps = post != NULL ? post->taps : NULL,
			.count = post != NULL ? post->tap_count : 0,
		};
		answer->taps_fn(answer->data, &taps);
	}
	answer_free(answer);
}

static struct answer *answer_later(struct fake_server *server,
		server_reply_fn fn, void *data, enum server_result result) {
	struct answer *answer = xcalloc(1, sizeof(*answer));
	answer->server = server;
	answer->fn = fn;
	answer->data = data;
	answer->result = result;
	answer->next = server->answers;
	server->answers = answer;
	loop_defer(server->chat->loop, give, answer);
	return answer;
}

static struct answer *answer_read(struct fake_server *server,
		server_reply_fn fn, void *data, enum server_result result) {
	struct answer *answer = answer_later(server, fn, data, result);
	answer->kept = server->chat->keeps_reads;
	if (answer->kept) {
		loop_cancel_deferred(server->chat->loop, answer);
	}
	return answer;
}

static enum fake_fault next_fault(struct fake_server *server) {
	struct fake_chat *chat = server->chat;
	if (!server->online || server->dead) {
		return FAULT_AGAIN;
	}
	if (chat->faults_after > 0) {
		chat->faults_after--;
		return FAULT_NONE;
	}
	if (chat->faults == 0) {
		return FAULT_NONE;
	}
	chat->faults--;
	return chat->fault;
}

static enum server_result result_of(enum fake_fault fault) {
	switch (fault) {
	case FAULT_NONE:
	case FAULT_NO_ANSWER:
		return SERVER_OK;
	case FAULT_AGAIN:
		return SERVER_AGAIN;
	case FAULT_LOST:
	case FAULT_DONE:
		return SERVER_DOUBT;
	case FAULT_NEVER:
		return SERVER_NEVER;
	}
	return SERVER_NEVER;
}

static bool is_done(enum fake_fault fault) {
	return fault == FAULT_NONE || fault == FAULT_DONE ||
			fault == FAULT_NO_ANSWER;
}

/* --- posts --- */

static struct fake_post *add_post(struct fake_chat *chat, const char *user,
		const char *root, const char *key, const char *message) {
	chat->posts = xreallocarray(
			chat->posts, chat->count + 1, sizeof(chat->posts[0]));
	struct fake_post *post = &chat->posts[chat->count];
	*post = (struct fake_post){
		.id = xasprintf("post%zu", chat->count + 1),
		.user = xstrdup(user),
		.root = xstrdup(root),
		.key = xstrdup(key),
		.message = xstrdup(message),
		.create_at_ms = server_now(chat),
	};
	chat->count++;
	return post;
}

static const struct fake_post *by_key(
		const struct fake_chat *chat, const char *key) {
	for (size_t i = 0; i < chat->count; i++) {
		if (strcmp(chat->posts[i].key, key) == 0 &&
				chat->posts[i].delete_at_ms == 0) {
			return &chat->posts[i];
		}
	}
	return NULL;
}

static const char *channel_of(const struct server_new_post *post) {
	return post->channel != NULL ? post->channel : "";
}

static void fake_post(struct server *server, const struct server_new_post *post,
		server_reply_fn fn, void *data) {
	struct fake_server *self = of(server);
	enum fake_fault fault = next_fault(self);
	const struct fake_post *made = NULL;
	if (self->chat->refusals > 0 &&
			strstr(post->message, self->chat->refused) != NULL) {
		self->chat->refusals--;
		fault = FAULT_NEVER;
	}
	if (fault == FAULT_NONE && self->chat->shut != NULL &&
			strcmp(self->chat->shut, channel_of(post)) == 0) {
		fault = FAULT_NEVER;
	}
	if (is_done(fault)) {
		/* As pending_post_id does: a repeat gives the first one. */
		made = by_key(self->chat, post->key);
		if (made == NULL) {
			struct fake_post *added = add_post(self->chat, BOT_ID,
					post->root_id, post->key, post->message);
			added->channel = xstrdup(channel_of(post));
			made = added;
		}
	}
	if (fault == FAULT_NO_ANSWER) {
		return;
	}
	struct answer *answer = answer_later(self, fn, data, result_of(fault));
	if (made != NULL && fault == FAULT_NONE) {
		answer->post_id = xstrdup(made->id);
		answer->create_at_ms = made->create_at_ms;
	}
}

static void fake_find(struct server *server, const struct server_new_post *post,
		server_reply_fn fn, void *data) {
	struct fake_server *self = of(server);
	const struct fake_post *found = by_key(self->chat, post->key);
	struct answer *answer = answer_later(
			self, fn, data, self->online ? SERVER_OK : SERVER_AGAIN);
	if (found != NULL && found->delete_at_ms == 0) {
		answer->post_id = xstrdup(found->id);
		answer->create_at_ms = found->create_at_ms;
	}
}

static void set_message(
		struct fake_chat *chat, struct fake_post *post, const char *message) {
	if (strcmp(post->message, message) != 0) {
		free(post->message);
		post->message = xstrdup(message);
		post->edit_at_ms = server_now(chat);
		post->edits++;
	}
}

static bool has_reacted(const struct fake_post *post, const char *emoji) {
	for (size_t i = 0; i < post->reacted_count; i++) {
		if (strcmp(post->reacted[i], emoji) == 0) {
			return true;
		}
	}
	return false;
}

/* Do what is asked to an existing post, if no fault is due. */
static void change(struct server *server, const char *post_id,
		server_reply_fn fn, void *data, const char *message, int pin,
		const char *emoji) {
	struct fake_server *self = of(server);
	struct fake_post *post = find_post(self->chat, post_id);
	enum fake_fault fault = next_fault(self);
	if (post == NULL || post->delete_at_ms != 0) {
		fault = FAULT_NEVER;
	}
	if (is_done(fault)) {
		if (message != NULL) {
			set_message(self->chat, post, message);
		}
		if (pin >= 0) {
			post->pinned = pin > 0;
		}
		if (emoji != NULL && !has_reacted(post, emoji)) {
			post->reacted = xreallocarray(post->reacted,
					post->reacted_count + 1, sizeof(post->reacted[0]));
			post->reacted[post->reacted_count] = xstrdup(emoji);
			post->reacted_count++;
		}
	}
	if (fault != FAULT_NO_ANSWER) {
		answer_later(self, fn, data, result_of(fault));
	}
	if (message != NULL && is_done(fault)) {
		tell_changed(self->chat, post);
	}
}

static void fake_edit(struct server *server, const char *post_id,
		const char *message, server_reply_fn fn, void *data) {
	change(server, post_id, fn, data, message, -1, NULL);
}

static void fake_pin(struct server *server, const char *post_id, bool pinned,
		server_reply_fn fn, void *data) {
	change(server, post_id, fn, data, NULL, pinned ? 1 : 0, NULL);
}

static void fake_react(struct server *server, const char *post_id,
		const char *emoji, server_reply_fn fn, void *data) {
	change(server, post_id, fn, data, NULL, -1, emoji);
}

/* --- reads --- */

static enum server_result read_result(struct fake_server *server) {
	if (!server->online) {
		return SERVER_AGAIN;
	}
	if (server->chat->read_failures > 0) {
		server->chat->read_failures--;
		return SERVER_AGAIN;
	}
	return SERVER_OK;
}

static void fake_read_post(struct server *server, const char *post_id,
		server_reply_fn fn, void *data) {
	struct fake_server *self = of(server);
	const struct fake_post *post = find_post(self->chat, post_id);
	struct answer *answer = answer_read(self, fn, data, read_result(self));
	if (post == NULL) {
		answer->result = SERVER_NEVER;
		return;
	}
	answer->post_id = xstrdup(post_id);
	answer->message = xstrdup(post->message);
	answer->create_at_ms = post->create_at_ms;
	answer->edit_at_ms = post->edit_at_ms;
	answer->delete_at_ms = post->delete_at_ms;
}

static void fake_read_taps(struct server *server, const char *post_id,
		server_taps_fn fn, void *data) {
	struct fake_server *self = of(server);
	struct answer *answer = answer_read(self, NULL, data, read_result(self));
	answer->taps_fn = fn;
	answer->post_id = xstrdup(post_id);
}

static void fake_fetch(struct server *server, const struct server_fetch *fetch,
		server_fetched_fn fn, void *data) {
	struct fake_server *self = of(server);
	struct answer *answer = answer_read(
			self, NULL, data, self->chat->fetch_result);
	self->chat->fetches++;
	answer->fetched_fn = fn;
	answer->place = xasprintf("%sshot.png", fetch->prefix);
}

static void fake_refresh(
		struct server *server, server_reply_fn fn, void *data) {
	struct fake_server *self = of(server);
	answer_read(self, fn, data, read_result(self));
}

static void forget_watched(struct fake_server *self) {
	for (size_t i = 0; i < self->watched_count; i++) {
		free(self->watched[i]);
	}
	free(self->watched);
	self->watched = NULL;
	self->watched_count = 0;
}

static void tell_all_taps(void *data) {
	struct fake_chat *chat = data;
	for (size_t i = 0; i < chat->count; i++) {
		tell_taps(chat, &chat->posts[i]);
	}
}

static void fake_watch(
		struct server *server, const char *const *post_ids, size_t count) {
	struct fake_server *self = of(server);
	bool fresh = false;
	for (size_t i = 0; i < count; i++) {
		fresh = fresh || !is_watched(self, post_ids[i]);
	}
	forget_watched(self);
	self->watched = xcalloc(count, sizeof(self->watched[0]));
	for (size_t i = 0; i < count; i++) {
		self->watched[i] = xstrdup(post_ids[i]);
	}
	self->watched_count = count;
	if (fresh) {
		loop_defer(self->chat->loop, tell_all_taps, self->chat);
	}
}

static void fake_want(
		struct server *server, const char *const *names, size_t count) {
	(void)server;
	(void)names;
	(void)count;
}

static const struct people *fake_people(const struct server *server) {
	return &of(server)->chat->people;
}

static const char *fake_own_id(const struct server *server) {
	(void)server;
	return BOT_ID;
}

static int64_t fake_last_answer(const struct server *server) {
	const struct fake_server *self = of(server);
	return self->online ? loop_real_now_ms(self->chat->loop)
						: self->answered_ms;
}

static int64_t fake_server_time(const struct server *server) {
	return loop_now_ms(of(server)->chat->loop);
}

static size_t fake_max(const struct server *server) {
	return of(server)->chat->max_message;
}

static void fake_start(struct server *server) {
	(void)server;
}

static void fake_destroy(struct server *server) {
	struct fake_server *self = of(server);
	struct fake_chat *chat = self->chat;
	while (self->answers != NULL) {
		struct answer *answer = self->answers;
		self->answers = answer->next;
		loop_cancel_deferred(chat->loop, answer);
		answer_free(answer);
	}
	loop_cancel_deferred(chat->loop, chat);
	forget_watched(self);
	chat->bot = NULL;
	free(self);
}

static const struct server_api api = {
	.start = fake_start,
	.destroy = fake_destroy,
	.post = fake_post,
	.find = fake_find,
	.edit = fake_edit,
	.pin = fake_pin,
	.react = fake_react,
	.read_post = fake_read_post,
	.read_taps = fake_read_taps,
	.fetch = fake_fetch,
	.watch_taps = fake_watch,
	.want_people = fake_want,
	.refresh_people = fake_refresh,
	.people = fake_people,
	.own_id = fake_own_id,
	.last_answer_ms = fake_last_answer,
	.server_time_ms = fake_server_time,
	.max_message = fake_max,
};

struct server *fake_server_create(
		struct fake_chat *chat, const struct server_sink *sink, void *data) {
	struct fake_server *self = xcalloc(1, sizeof(*self));
	self->server.api = &api;
	self->chat = chat;
	self->sink = *sink;
	self->data = data;
	chat->bot = self;
	return &self->server;
}

/* --- the test's hand --- */

void fake_chat_bot_died(struct fake_chat *chat) {
	if (chat->bot != NULL) {
		chat->bot->dead = true;
	}
}

static void reconcile(void *data) {
	struct fake_chat *chat = data;
	if (!is_online(chat)) {
		return;
	}
	for (size_t i = 0; i < chat->count; i++) {
		tell_post(chat, &chat->posts[i]);
		if (chat->posts[i].edit_at_ms != 0 ||
				chat->posts[i].delete_at_ms != 0) {
			tell_changed(chat, &chat->posts[i]);
		}
	}
	tell_all_taps(chat);
	chat->bot->sink.online(chat->bot->data);
}

void fake_chat_connect(struct fake_chat *chat) {
	chat->bot->online = true;
	chat->bot->answered_ms = loop_real_now_ms(chat->loop);
	loop_defer(chat->loop, reconcile, chat);
}

void fake_chat_cut(struct fake_chat *chat) {
	if (is_online(chat)) {
		chat->bot->answered_ms = loop_real_now_ms(chat->loop);
		chat->bot->online = false;
		chat->bot->sink.offline(chat->bot->data, "the test cut it");
	}
}

const char *fake_chat_reply(struct fake_chat *chat, const char *user,
		const char *root, const char *message) {
	return fake_chat_attach(chat, user, root, message, NULL);
}

const char *fake_chat_attach(struct fake_chat *chat, const char *user,
		const char *root, const char *message, const char *file_id) {
	char *id = user_id(user);
	struct fake_post *post = add_post(chat, id, root, "", message);
	post->file_id = xstrdup(file_id);
	free(id);
	tell_post(chat, post);
	return post->id;
}

const char *fake_chat_say(
		struct fake_chat *chat, const char *user, const char *message) {
	return fake_chat_reply(chat, user, "", message);
}

void fake_chat_fetches(struct fake_chat *chat, enum server_result result) {
	chat->fetch_result = result;
}

unsigned fake_chat_fetched(const struct fake_chat *chat) {
	return chat->fetches;
}

void fake_chat_edit(
		struct fake_chat *chat, const char *post_id, const char *message) {
	struct fake_post *post = find_post(chat, post_id);
	set_message(chat, post, message);
	tell_changed(chat, post);
}

void fake_chat_delete(struct fake_chat *chat, const char *post_id) {
	struct fake_post *post = find_post(chat, post_id);
	post->delete_at_ms = server_now(chat);
	tell_changed(chat, post);
}

void fake_chat_tap(struct fake_chat *chat, const char *user,
		const char *post_id, const char *emoji) {
	struct fake_post *post = find_post(chat, post_id);
	post->taps = xreallocarray(
			post->taps, post->tap_count + 1, sizeof(post->taps[0]));
	post->taps[post->tap_count] = (struct server_tap){
		.user_id = user_id(user),
		.emoji = xstrdup(emoji),
		.update_at_ms = server_now(chat),
	};
	post->tap_count++;
	tell_taps(chat, post);
}

static void free_tap(const struct server_tap *tap) {
	union {
		const char *borrowed;
		void *owned;
	} user = { .borrowed = tap->user_id }, emoji = { .borrowed = tap->emoji };
	free(user.owned);
	free(emoji.owned);
}

void fake_chat_untap(struct fake_chat *chat, const char *user,
		const char *post_id, const char *emoji) {
	struct fake_post *post = find_post(chat, post_id);
	char *id = user_id(user);
	for (size_t i = 0; i < post->tap_count; i++) {
		if (strcmp(post->taps[i].user_id, id) == 0 &&
				strcmp(post->taps[i].emoji, emoji) == 0) {
			free_tap(&post->taps[i]);
			post->tap_count--;
			memmove(&post->taps[i], &post->taps[i + 1],
					(post->tap_count - i) * sizeof(post->taps[0]));
			break;
		}
	}
	free(id);
	tell_taps(chat, post);
}

void fake_chat_person(struct fake_chat *chat, const char *name) {
	char *id = user_id(name);
	char *copy = xstrdup(name);
	const struct person person = {
		.id = id,
		.name = copy,
		.active = true,
		.member = true,
	};
	people_put(&chat->people, &person);
	free(copy);
	free(id);
}

void fake_chat_fault(struct fake_chat *chat, enum fake_fault fault,
		unsigned nth, unsigned count) {
	chat->fault = fault;
	chat->faults_after = nth > 0 ? nth - 1 : 0;
	chat->faults = count;
}

void fake_chat_limit(struct fake_chat *chat, size_t most) {
	chat->max_message = most;
}

void fake_chat_refuse(
		struct fake_chat *chat, const char *text, unsigned count) {
	chat->refused = text;
	chat->refusals = count;
}

void fake_chat_shut(struct fake_chat *chat, const char *name) {
	free(chat->shut);
	chat->shut = xstrdup(name);
}

void fake_chat_fail_reads(struct fake_chat *chat, unsigned count) {
	chat->read_failures = count;
}

void fake_chat_keep_reads(struct fake_chat *chat) {
	chat->keeps_reads = true;
}

void fake_chat_give_reads(struct fake_chat *chat) {
	chat->keeps_reads = false;
	struct answer *answer = chat->bot != NULL ? chat->bot->answers : NULL;
	while (answer != NULL) {
		struct answer *next = answer->next;
		if (answer->kept) {
			give(answer);
		}
		answer = next;
	}
}

const struct fake_post *fake_chat_posts(
		const struct fake_chat *chat, size_t *count) {
	*count = chat->count;
	return chat->posts;
}

const struct fake_post *fake_chat_by_key(
		const struct fake_chat *chat, const char *key) {
	return by_key(chat, key);
}

const struct fake_post *fake_chat_newest(
		const struct fake_chat *chat, const char *text) {
	for (size_t i = chat->count; i > 0; i--) {
		const struct fake_post *post = &chat->posts[i - 1];
		if (strcmp(post->user, BOT_ID) == 0 &&
				strstr(post->message, text) != NULL) {
			return post;
		}
	}
	return NULL;
}

void fake_chat_print(const struct fake_chat *chat) {
	for (size_t i = 0; i < chat->count; i++) {
		const struct fake_post *post = &chat->posts[i];
		printf("# %s %s%s%s key=%s edits=%u\n", post->id, post->user,
				post->root[0] != '\0' ? " in " : "", post->root, post->key,
				post->edits);
		const char *line = post->message;
		while (line != NULL && *line != '\0') {
			size_t len = strcspn(line, "\n");
			printf("#     %.*s\n", (int)len, line);
			line += len + (line[len] == '\n');
		}
	}
}

struct fake_chat *fake_chat_create(struct loop *loop) {
	struct fake_chat *chat = xcalloc(1, sizeof(*chat));
	chat->loop = loop;
	chat->max_message = 4000;
	people_init(&chat->people);
	return chat;
}

void fake_chat_destroy(struct fake_chat *chat) {
	for (size_t i = 0; i < chat->count; i++) {
		struct fake_post *post = &chat->posts[i];
		for (size_t j = 0; j < post->tap_count; j++) {
			free_tap(&post->taps[j]);
		}
		for (size_t j = 0; j < post->reacted_count; j++) {
			free(post->reacted[j]);
		}
		free(post->id);
		free(post->user);
		free(post->root);
		free(post->key);
		free(post->channel);
		free(post->file_id);
		free(post->message);
		free(post->reacted);
		free(post->taps);
	}
	free(chat->posts);
	free(chat->shut);
	people_finish(&chat->people);
	free(chat);
}
