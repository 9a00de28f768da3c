#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/people.h"

/*
 * A chat server, as the bot sees it: one channel, its posts, the taps on some
 * of them, its people.  An interface, so that a simulation can stand in;
 * mattermost/client.h is the real one.  It knows nothing of runs.
 *
 * What comes in is told through `struct server_sink`, always from the loop,
 * never from inside a call.  It is told at least once and may be told again:
 * the journal's identities drop repeats.
 *
 *	offline --connect--> hello --reconcile--> online --gap, cut--> offline
 */

struct server;

struct server_post {
	const char *id;
	const char *user_id;
	const char *root_id; // "" when it stands in the channel
	const char *message;
	const char *type;     // "" for what a person typed
	const char *key;      // props.bridgekeeper, our outbox key; "" if none
	bool from_webhook;    // props.from_webhook is there: nobody's word
	bool from_bot;        // props.from_bot is there, or the author is a bot
	int64_t create_at_ms; // all three by the server's clock
	int64_t edit_at_ms;   // 0: the text was never edited
	int64_t delete_at_ms; // 0: not deleted
	size_t file_count;
	const char *const *file_ids;
};

struct server_tap {
	const char *user_id;
	const char *emoji;    // as stored; not folded
	int64_t update_at_ms; // the server's; identifies and orders the tap
};

/*
 * How far the server was read, for the next process to go on from.  What was
 * told before it was marked need not be told again, though it may be.
 */
struct server_mark {
	int64_t read_to_ms;     // newest create_at up to which nothing is missing
	int64_t changed_to_ms;  // newest update_at seen
	char connection_id[65]; // "" when there is none to resume
	int64_t next_seq;
};

/* What is told; a function that is NULL is not called. */
struct server_sink {
	/* A post in the channel, live or found while reconciling. */
	void (*post)(void *data, const struct server_post *post);
	/*
	 * Its text was edited, or it was deleted (delete_at_ms).  Also told for
	 * an edit that post() carried already: edit_at_ms tells which it is.
	 */
	void (*post_changed)(void *data, const struct server_post *post);
	/*
	 * Everything that is tapped on a watched post, read afresh from the
	 * database (the bulk call), our own taps left out.
	 */
	void (*taps)(void *data, const char *post_id, const struct server_tap *taps,
			size_t count);
	/* Connected and reconciled: nothing older is still to come. */
	void (*online)(void *data);
	/* Cut off, and why, in words. */
	void (*offline)(void *data, const char *why);
	/*
	 * server->people() says something new.  Whoever spoke or tapped is in it
	 * before their post or tap is told, unless the server knows no such user.
	 */
	void (*people_changed)(void *data);
	/* The token is refused, the channel is archived, the bot was removed. */
	void (*trouble)(void *data, const char *what);
	/* Store this, after what was told so far. */
	void (*marked)(void *data, const struct server_mark *mark);
	/* Whether what is told could not be acted on for now: it is kept, and told
	 * later. */
	bool (*full)(void *data);
};

enum server_result {
	SERVER_OK,
	SERVER_AGAIN, // not done as far as is known; try again after retry_ms
	SERVER_DOUBT, // may have been done: look for it (find) before trying again
	SERVER_NEVER, // refused for good: a dead letter
};

struct server_reply {
	enum server_result result;
	int64_t retry_ms;     // AGAIN: real time to wait; 0: the caller's own
	const char *post_id;  // post, find: "" where nothing was found
	int64_t create_at_ms; // post, find: by the server's clock
	const char *message;  // read_post: the text as it stands
	int64_t edit_at_ms;   // read_post
	int64_t delete_at_ms; // read_post: not 0 when it was deleted
	struct err err;       // unless OK: what the server or the network said
};

typedef void (*server_reply_fn)(void *data, const struct server_reply *reply);

struct server_taps_reply {
	bool ok; // a fresh answer; else err
	struct err err;
	const struct server_tap *taps; // of the one post that was asked
	size_t count;
};

typedef void (*server_taps_fn)(
		void *data, const struct server_taps_reply *reply);

struct server_new_post {
	const char *key;      // the outbox key: pending_post_id and props carry it
	const char *mark;     // props carry it, too; "" or NULL: none
	int64_t first_try_ms; // of it, for pending_post_id: the server refuses for
						  // 30 s to make again what was deleted; 0: not known
	const char *channel;  // another one of the team, by name; NULL or "": ours
	const char *root_id;  // "" for the channel
	const char *message;
	const char *file_path; // attach this file, if possible; NULL: none
	const char *file_name; // under this name
};

/* A file of the server's, to be kept on our disk. */
struct server_fetch {
	const char *file_id;
	const char *folder;   // where it is to be put; it must be there
	const char *prefix;   // of its name there: PREFIX + its own name, made safe
	uint64_t cap_bytes;   // what is larger is refused
	uint64_t spare_bytes; // that stay free on the disk, else it is refused
};

struct server_fetched {
	enum server_result result; // never DOUBT: fetching twice is no harm
	int64_t retry_ms;
	struct err err;    // unless OK
	const char *name;  // as it was sent; "": not known
	const char *place; // its name in the folder
	uint64_t bytes;
	const char *digest; // SHA-256 of what is there, hex
};

typedef void (*server_fetched_fn)(
		void *data, const struct server_fetched *fetched);

/*
 * Every function that takes a callback calls it exactly once, from the loop,
 * unless the server is destroyed first.  At most one request per key is in
 * flight: the caller sees to that.
 */
struct server_api {
	/* Begin to connect; the sink hears the rest. */
	void (*start)(struct server *server);
	void (*destroy)(struct server *server);

	void (*post)(struct server *server, const struct server_new_post *post,
			server_reply_fn fn, void *data);
	/* Look for what post() was to make, by its key and mark: a bot whose
	 * journal was put back from a copy since may have used the key before. */
	void (*find)(struct server *server, const struct server_new_post *post,
			server_reply_fn fn, void *data);
	void (*edit)(struct server *server, const char *post_id,
			const char *message, server_reply_fn fn, void *data);
	void (*pin)(struct server *server, const char *post_id, bool pinned,
			server_reply_fn fn, void *data);
	void (*react)(struct server *server, const char *post_id, const char *emoji,
			server_reply_fn fn, void *data);
	void (*read_post)(struct server *server, const char *post_id,
			server_reply_fn fn, void *data);
	/* One fresh bulk read of one post. */
	void (*read_taps)(struct server *server, const char *post_id,
			server_taps_fn fn, void *data);

	/*
	 * Keep a file: it is in the folder under its name only once it is whole
	 * and durable, readable for us alone.  NEVER: too large, gone, not ours
	 * to read, or no room for it.
	 */
	void (*fetch)(struct server *server, const struct server_fetch *fetch,
			server_fetched_fn fn, void *data);

	/*
	 * The posts on which a tap still means something.  Replaces the set
	 * before; each new one is read at once, all of them after every gap and
	 * on the canary grid.
	 */
	void (*watch_taps)(
			struct server *server, const char *const *post_ids, size_t count);

	/*
	 * Usernames that must be known (from the config).  Looked up at once and
	 * kept fresh; those not found are missing from people().
	 */
	void (*want_people)(
			struct server *server, const char *const *names, size_t count);
	/* Read accounts and membership afresh, then call @fn (reply: OK or not). */
	void (*refresh_people)(
			struct server *server, server_reply_fn fn, void *data);
	/* Borrowed; valid until the loop turns. */
	const struct people *(*people)(const struct server *server);

	/* The bot's own user id; "" before the first connection. */
	const char *(*own_id)(const struct server *server);
	/* Real monotonic ms (loop_real_now_ms) of the last fresh answer; 0: none. */
	int64_t (*last_answer_ms)(const struct server *server);
	/* The server's clock, by its last Date header, ms; 0: none yet. */
	int64_t (*server_time_ms)(const struct server *server);
	/* Longest message in runes. */
	size_t (*max_message)(const struct server *server);
};

struct server {
	const struct server_api *api;
};

#endif
