#include "app/inbox.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/engine.h"
#include "app/flood.h"
#include "app/sources.h"
#include "app/wording.h"
#include "base/duration.h"
#include "base/xalloc.h"
#include "commands/command.h"
#include "core/bridge.h"
#include "core/decide.h"
#include "journal/journal.h"
#include "mattermost/server.h"
#include "sys/log.h"

#define MESSAGE_MOST 65536 // bytes; what is longer is no command
#define TAPS_MOST    5000
#define INPUT_ROOM   300
#define DAY_MS       86400000
#define FIRST_START  "first_start_ms" // of the journal's named values
#define BEHIND_UNTIL "behind_until_ms"

struct inbox {
	struct flood *flood;
	struct inbox_options options;
	int64_t first_start_ms;  // by the server's clock; 0: not yet known
	bool behind;             // that the journal is an older copy was told
	int64_t behind_until_ms; // of posts until then; 0: kept in the journal
};

/* --- since when --- */

int64_t inbox_first_start_ms(struct journal *journal) {
	char value[32];
	return journal->api->get(journal, FIRST_START, value, sizeof(value))
			? strtoll(value, NULL, 10)
			: 0;
}

/* When this journal's bot first saw the channel.  What is older was not said
 * to it; a server whose clock was set back makes everything older, and begins
 * anew.  False while the server's time is not known, or cannot be kept. */
static bool know_first_start(struct inbox *inbox) {
	struct server *server = inbox->options.server;
	struct journal *journal = inbox->options.journal;
	struct err err = { 0 };
	char value[32];
	int64_t now = server->api->server_time_ms(server);
	if (inbox->first_start_ms != 0 &&
			(now == 0 || !duration_is_ahead(inbox->first_start_ms, now))) {
		return true;
	}
	snprintf(value, sizeof(value), "%" PRId64, now);
	if (now == 0) {
		return false;
	}
	if (!journal->api->put(journal, FIRST_START, value, &err)) {
		log_error("inbox.start_unstored", "why=\"%s\"", err.text);
		return false;
	}
	inbox->first_start_ms = now;
	log_info("inbox.first_start", "at_ms=%" PRId64, now);
	return true;
}

/* --- whose word it is --- */

static bool is_a_persons(
		const struct inbox *inbox, const struct server_post *post) {
	struct server *server = inbox->options.server;
	return post->user_id[0] != '\0' &&
			strcmp(post->user_id, server->api->own_id(server)) != 0 &&
			post->type[0] == '\0' && !post->from_webhook && !post->from_bot;
}

static bool has_input(const struct inbox *inbox, const char *input) {
	struct journal *journal = inbox->options.journal;
	return journal->api->has_input(journal, input);
}

static void post_input(const char *post_id, char input[INPUT_ROOM]) {
	snprintf(input, INPUT_ROOM, "post:%s", post_id);
}

static bool is_ours(const struct inbox *inbox, const char *post_id) {
	struct journal *journal = inbox->options.journal;
	char key[INPUT_ROOM];
	return journal->api->key_of(journal, post_id, key, sizeof(key));
}

/* Whether commands count where @post stands, and whether that is a thread. */
static bool is_heard(const struct inbox *inbox, const struct server_post *post,
		bool *in_thread) {
	*in_thread = post->root_id[0] != '\0';
	return !*in_thread || is_ours(inbox, post->root_id);
}

/* --- posts --- */

static int64_t late_ms(
		const struct inbox *inbox, const struct server_post *post) {
	struct server *server = inbox->options.server;
	int64_t now = server->api->server_time_ms(server);
	int64_t age = now - post->create_at_ms;
	if (now != 0 && duration_is_ahead(post->create_at_ms, now)) {
		return DAY_MS; // said before the clock was set back: who knows when
	}
	return age > 0 ? age : 0;
}

/* What stops things is heard from anybody, however much else they say. */
static bool stops(enum request_type type) {
	return type == REQUEST_HOLD || type == REQUEST_ROLLBACK ||
			type == REQUEST_FAIL || type == REQUEST_ABORT;
}

/* Whether @request is one too many; the first is answered so. */
static bool is_flood(struct inbox *inbox, const struct server_post *post,
		struct request *request) {
	unsigned count = flood_count(
			inbox->flood, post->user_id, post->id, post->create_at_ms);
	if (count <= FLOOD_MOST || stops(request->type)) {
		return false;
	}
	if (count > FLOOD_MOST + 1) {
		return true;
	}
	log_warn("inbox.flood", "user=%s", post->user_id);
	request->type = REQUEST_MISSED;
	request->text = "**Too many at once:** nothing was done\n"
					"I hear 60 commands in 10 s from one person,\n"
					"and what stops things";
	return false;
}

static char *hush(const struct inbox *inbox, const char *text) {
	struct sources *sources = inbox->options.sources;
	return sources->api->hush(sources, text);
}

/* Files below one of our posts, with or without a word. */
static void show_files(struct inbox *inbox, const struct server_post *post,
		const char *input) {
	char *text = hush(inbox, post->message);
	struct request request = {
		.type = REQUEST_FILES,
		.user = post->user_id,
		.post = post->id,
		.root = post->root_id,
		.command = "done",
		.words = "",
		.text = text,
		.late_ms = late_ms(inbox, post),
		.files = post->file_ids,
		.file_count = post->file_count,
	};
	if (!is_flood(inbox, post, &request)) {
		engine_ask(inbox->options.engine, &request, input);
	}
	free(text);
}

/* Read anew what is a command, without the secrets in it. */
static void parse_hushed(const struct inbox *inbox, const char *message,
		bool in_thread, struct command_match *match) {
	char *text = hush(inbox, message);
	command_match_finish(match);
	command_parse(text, in_thread, match);
	free(text);
}

static void act_on(struct inbox *inbox, const struct server_post *post,
		const char *input, bool in_thread) {
	struct command_match match;
	command_parse(post->message, in_thread, &match);
	/* Nearly all is talk: only a command is worth a look into the journal. */
	bool is_new = match.found && !has_input(inbox, input);
	if (is_new) {
		parse_hushed(inbox, post->message, in_thread, &match);
	}
	struct request request = match.request;
	if (is_new && match.found && !is_flood(inbox, post, &request)) {
		request.user = post->user_id;
		request.post = post->id;
		request.root = in_thread ? post->root_id : NULL;
		request.late_ms = late_ms(inbox, post);
		request.files = post->file_ids;
		request.file_count = post->file_count;
		log_info("inbox.command", "post=%s user=%s command=%s late_ms=%" PRId64,
				post->id, post->user_id,
				request.command != NULL ? request.command : "-",
				request.late_ms);
		engine_ask(inbox->options.engine, &request, input);
	}
	if (!match.found && in_thread && post->file_count > 0) {
		show_files(inbox, post, input);
	}
	command_match_finish(&match);
}

/* What an edit made of a message is never run; whoever wrote it learns so. */
static void answer_edit(struct inbox *inbox, const struct server_post *post) {
	char input[INPUT_ROOM];
	post_input(post->id, input);
	bool acted = has_input(inbox, input);
	snprintf(input, sizeof(input), "edit:%s", post->id);
	const struct request request = {
		.type = REQUEST_MISSED,
		.user = post->user_id,
		.post = post->id,
		.root = post->root_id[0] != '\0' ? post->root_id : NULL,
		.command = "edit",
		.words = "",
		.text = acted ? "Edits do not count: what you first wrote was acted "
						"on.\nSay it anew as a message of its own."
					  : "Edits do not count: nothing was done.\n"
						"Say it anew as a message of its own.",
	};
	engine_ask(inbox->options.engine, &request, input);
}

/* Whether @post, as it reads now, would be a command. */
static bool reads_as_command(
		const struct inbox *inbox, const struct server_post *post) {
	bool in_thread = false;
	if (strlen(post->message) > MESSAGE_MOST ||
			!is_heard(inbox, post, &in_thread)) {
		return false;
	}
	struct command_match match;
	command_parse(post->message, in_thread, &match);
	bool is_command = match.found && match.request.type != REQUEST_MISSED;
	command_match_finish(&match);
	return is_command;
}

/* Of a run by that name: another bridge may speak here through our account. */
static bool is_of_runs(const struct inbox *inbox, const char *key) {
	size_t len = strlen(inbox->options.prefix);
	return strncmp(key, inbox->options.prefix, len) == 0 && key[len] == '-';
}

/* Whether it is a post of ours about a run that this journal does not know: one
 * that was put back from a copy, or a second one that speaks here too. */
static bool is_unknown(
		const struct inbox *inbox, const struct server_post *post) {
	struct server *server = inbox->options.server;
	struct journal *journal = inbox->options.journal;
	return strcmp(post->user_id, server->api->own_id(server)) == 0 &&
			is_of_runs(inbox, post->key) &&
			post->create_at_ms >= inbox->first_start_ms &&
			!journal->api->has_key(journal, post->key);
}

/* Until when what we posted and do not know was told of; 0: it was not. */
static int64_t told_until_ms(struct journal *journal) {
	char value[32];
	return journal->api->get(journal, BEHIND_UNTIL, value, sizeof(value))
			? strtoll(value, NULL, 10)
			: 0;
}

static void tell_behind(struct inbox *inbox, const struct server_post *post) {
	struct server *server = inbox->options.server;
	if (inbox->behind ||
			post->create_at_ms <= told_until_ms(inbox->options.journal)) {
		return;
	}
	inbox->behind = true;
	// The server's clock is read off headers that count seconds.
	inbox->behind_until_ms = server->api->server_time_ms(server) + 1000;
	log_error("journal.behind", "key=%s post=%s", post->key, post->id);
	const struct request request = {
		.type = REQUEST_JOURNAL_BEHIND,
		.server_ms = post->create_at_ms,
	};
	engine_ask(inbox->options.engine, &request, NULL);
}

/* What the lead resumes after a look is not held for the same posts when the
 * bot is started again.  Kept once the hold is in the journal, or
 * what is said where nothing could be held. */
static void keep_told(struct inbox *inbox) {
	struct journal *journal = inbox->options.journal;
	struct err err = { 0 };
	char value[32];
	if (inbox->behind_until_ms == 0 ||
			!engine_is_drained(inbox->options.engine)) {
		return;
	}
	snprintf(value, sizeof(value), "%" PRId64, inbox->behind_until_ms);
	if (journal->api->put(journal, BEHIND_UNTIL, value, &err)) {
		inbox->behind_until_ms = 0;
	} else {
		log_error("inbox.start_unstored", "why=\"%s\"", err.text);
	}
}

void inbox_post(struct inbox *inbox, const struct server_post *post) {
	char input[INPUT_ROOM];
	bool in_thread = false;
	post_input(post->id, input);
	keep_told(inbox);
	if (know_first_start(inbox) && is_unknown(inbox, post)) {
		tell_behind(inbox, post);
		return;
	}
	if (!know_first_start(inbox) ||
			post->create_at_ms < inbox->first_start_ms ||
			!is_a_persons(inbox, post) || post->delete_at_ms != 0 ||
			strlen(post->message) > MESSAGE_MOST ||
			!is_heard(inbox, post, &in_thread)) {
		return;
	}
	if (post->edit_at_ms == 0) {
		act_on(inbox, post, input, in_thread);
	} else if (reads_as_command(inbox, post) && !has_input(inbox, input)) {
		answer_edit(inbox, post);
	}
}

/* --- changes --- */

static bool takes_taps(const struct bridge *bridge, const char *post_id) {
	size_t count = 0;
	const char **posts = bridge_tap_posts(bridge, &count);
	bool found = false;
	for (size_t i = 0; i < count; i++) {
		found = found || strcmp(posts[i], post_id) == 0;
	}
	free(posts);
	return found;
}

/* Whether @post_id is a command by which somebody approved. */
static bool is_approval(const struct bridge *bridge, const char *post_id) {
	for (size_t i = 0; i < bridge->gate_count; i++) {
		const struct gate_state *gate = &bridge->gates[i];
		for (size_t j = 0; j < gate->approval_count; j++) {
			const char *post = gate->approvals[j].post;
			if (gate->status != GATE_CLOSED && post != NULL &&
					strcmp(post, post_id) == 0) {
				return true;
			}
		}
	}
	return false;
}

static void ask_changed(struct inbox *inbox, const struct server_post *post) {
	bool deleted = post->delete_at_ms != 0;
	char input[INPUT_ROOM];
	snprintf(input, sizeof(input), "changed:%s:%" PRId64, post->id,
			deleted ? post->delete_at_ms : post->edit_at_ms);
	const struct request request = {
		.type = REQUEST_POST_CHANGED,
		.post = post->id,
		.deleted = deleted,
		.edited = !deleted,
	};
	engine_ask(inbox->options.engine, &request, input);
}

/* Whether the text of our own post is still what we said. */
static bool says_ours(
		const struct inbox *inbox, const struct server_post *post) {
	struct journal *journal = inbox->options.journal;
	char key[INPUT_ROOM];
	return journal->api->key_of(journal, post->id, key, sizeof(key)) &&
			wording_is_ours(journal, key, post->message);
}

void inbox_post_changed(struct inbox *inbox, const struct server_post *post) {
	const struct bridge *bridge = engine_bridge(inbox->options.engine);
	bool deleted = post->delete_at_ms != 0;
	char input[INPUT_ROOM];
	if (!deleted && post->edit_at_ms == 0) {
		return; // a pin, or the like
	}
	post_input(post->id, input);
	if (deleted) {
		engine_post_deleted(inbox->options.engine, post->id);
	}
	if (takes_taps(bridge, post->id)) {
		if (deleted || !says_ours(inbox, post)) {
			ask_changed(inbox, post);
		}
	} else if (is_approval(bridge, post->id) && deleted) {
		ask_changed(inbox, post);
	}
	if (!deleted && is_a_persons(inbox, post) && know_first_start(inbox) &&
			post->create_at_ms >= inbox->first_start_ms &&
			(has_input(inbox, input) || reads_as_command(inbox, post))) {
		answer_edit(inbox, post);
	}
}

/* --- taps --- */

void inbox_taps(struct inbox *inbox, const char *post_id,
		const struct server_tap *taps, size_t count) {
	count = count < TAPS_MOST ? count : TAPS_MOST;
	struct request_tap *list = xcalloc(count, sizeof(*list));
	for (size_t i = 0; i < count; i++) {
		list[i] = (struct request_tap){
			.user = taps[i].user_id,
			.emoji = taps[i].emoji,
			.server_ms = taps[i].update_at_ms,
		};
	}
	const struct request request = {
		.type = REQUEST_TAPS,
		.post = post_id,
		.taps = list,
		.tap_count = count,
	};
	engine_ask(inbox->options.engine, &request, NULL);
	free(list);
}

void inbox_online(struct inbox *inbox) {
	know_first_start(inbox);
}

struct inbox *inbox_create(const struct inbox_options *options) {
	struct inbox *inbox = xcalloc(1, sizeof(*inbox));
	inbox->options = *options;
	inbox->flood = flood_create();
	inbox->first_start_ms = inbox_first_start_ms(options->journal);
	return inbox;
}

void inbox_destroy(struct inbox *inbox) {
	if (inbox != NULL) {
		flood_destroy(inbox->flood);
	}
	free(inbox);
}
