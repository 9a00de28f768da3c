#ifndef FAKE_SERVER_H
#define FAKE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mattermost/server.h"

/*
 * A chat server in memory, and the bot's connection to it.  The two live apart:
 * what the server holds outlives a bot that dies and the next one that comes.
 * Answers come from the loop; what goes wrong, and when, the test says.
 */

struct loop;
struct fake_chat;

struct fake_post {
	char *id;
	char *user; // an id; "bot": ours
	char *root;
	char *key;     // ours only
	char *channel; // ours only: another one than the bridge's, or ""
	char *message;
	int64_t create_at_ms;
	int64_t edit_at_ms;
	int64_t delete_at_ms;
	bool pinned;
	char **reacted; // emoji that the bot put
	size_t reacted_count;
	char *file_id;           // attached; NULL
	struct server_tap *taps; // people's; strings owned
	size_t tap_count;
	unsigned edits;
};

/* What the next request for a post does, once each. */
enum fake_fault {
	FAULT_NONE,
	FAULT_AGAIN,     // refused for now
	FAULT_LOST,      // in doubt, and not done
	FAULT_DONE,      // in doubt, and done
	FAULT_NEVER,     // refused for good
	FAULT_NO_ANSWER, // done, and no answer ever comes
};

struct fake_chat *fake_chat_create(struct loop *loop)
		__attribute__((warn_unused_result));
void fake_chat_destroy(struct fake_chat *chat);

/* An account that is a member of the channel; its id is "id-NAME". */
void fake_chat_person(struct fake_chat *chat, const char *name);

/* A bot's connection; offline until fake_chat_connect(). */
struct server *fake_server_create(
		struct fake_chat *chat, const struct server_sink *sink, void *data)
		__attribute__((warn_unused_result));

/* No call of the living bot does anything any more, and it hears nothing. */
void fake_chat_bot_died(struct fake_chat *chat);

/* Connect, and tell everything as a reconciling client would. */
void fake_chat_connect(struct fake_chat *chat);
void fake_chat_cut(struct fake_chat *chat);

/* @user ("ada" for "id-ada") posts; returns the post's id. */
const char *fake_chat_say(
		struct fake_chat *chat, const char *user, const char *message);
const char *fake_chat_reply(struct fake_chat *chat, const char *user,
		const char *root, const char *message);
/* The same, with a file. */
const char *fake_chat_attach(struct fake_chat *chat, const char *user,
		const char *root, const char *message, const char *file_id);
/* What comes of fetching a file from now on, and how often it was tried.
 * Every file is the 5 bytes "hello". */
#define FAKE_FILE_DIGEST \
	"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
void fake_chat_fetches(struct fake_chat *chat, enum server_result result);
unsigned fake_chat_fetched(const struct fake_chat *chat);
void fake_chat_edit(
		struct fake_chat *chat, const char *post_id, const char *message);
void fake_chat_delete(struct fake_chat *chat, const char *post_id);
void fake_chat_tap(struct fake_chat *chat, const char *user,
		const char *post_id, const char *emoji);
void fake_chat_untap(struct fake_chat *chat, const char *user,
		const char *post_id, const char *emoji);

/* Of the requests that post, edit, pin or react the @nth from now, and @count
 * in all, meet @fault. */
void fake_chat_fault(struct fake_chat *chat, enum fake_fault fault,
		unsigned nth, unsigned count);
/* A post may have so many characters at most; at first 4000. */
void fake_chat_limit(struct fake_chat *chat, size_t most);
/* The next @count requests to post what contains @text, a literal, are refused
 * for good. */
void fake_chat_refuse(struct fake_chat *chat, const char *text, unsigned count);
/* Whatever the bot posts in channel @name is refused; NULL: nothing is. */
void fake_chat_shut(struct fake_chat *chat, const char *name);
/* The next @count fresh reads fail. */
void fake_chat_fail_reads(struct fake_chat *chat, unsigned count);
/* Answers to fresh reads and fetches are kept back, until they are given: at
 * once, before anything else happens. */
void fake_chat_keep_reads(struct fake_chat *chat);
void fake_chat_give_reads(struct fake_chat *chat);

const struct fake_post *fake_chat_posts(
		const struct fake_chat *chat, size_t *count);
/* The bot's post with @key, or NULL. */
const struct fake_post *fake_chat_by_key(
		const struct fake_chat *chat, const char *key);
/* The bot's newest post that contains @text, or NULL. */
const struct fake_post *fake_chat_newest(
		const struct fake_chat *chat, const char *text);

/* Print the channel, as TAP comments. */
void fake_chat_print(const struct fake_chat *chat);

#endif
