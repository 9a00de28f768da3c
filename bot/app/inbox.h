#ifndef INBOX_H
#define INBOX_H

#include <stddef.h>
#include <stdint.h>

struct engine;
struct journal;
struct server;
struct server_post;
struct server_tap;
struct sources;

/*
 * What the server tells, as requests: commands that people said, taps on the
 * posts that take them, changes to posts that mean something.  It may be told
 * everything twice; the identities that it gives drop repeats.
 *
 * Nobody's word: what the bot itself, other bots and webhooks say, system
 * messages, deleted posts, posts that were edited before they were read, and
 * whatever stood in the channel before the bot first did.
 *
 * What a message says of the config's secrets goes no further.
 */
struct inbox;

struct inbox_options {
	struct journal *journal;
	struct server *server;
	struct engine *engine;
	struct sources *sources;
	const char *prefix; // of the runs' names; borrowed
};

struct inbox *inbox_create(const struct inbox_options *options)
		__attribute__((warn_unused_result));

/* Accepts NULL. */
void inbox_destroy(struct inbox *inbox);

/* The server can be read: what is said from now on is said to this bot.  To be
 * called before anything is decided. */
void inbox_online(struct inbox *inbox);

/* When the journal's bot first saw the channel, by the server's clock; 0: it
 * never has.  Nothing before it needs to be read. */
int64_t inbox_first_start_ms(struct journal *journal);

/* The three of server_sink. */
void inbox_post(struct inbox *inbox, const struct server_post *post);
void inbox_post_changed(struct inbox *inbox, const struct server_post *post);
void inbox_taps(struct inbox *inbox, const char *post_id,
		const struct server_tap *taps, size_t count);

#endif
