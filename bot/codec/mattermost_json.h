#ifndef MATTERMOST_JSON_H
#define MATTERMOST_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct cJSON;

/*
 * Mattermost's JSON, versions 5.37 to 11.6: what comes over the websocket and
 * in REST answers, and what is sent there.
 *
 * A reader returns false with a sentence when the text is not JSON, not UTF-8,
 * holds a NUL (it would cut a string short), or lacks something that is relied
 * on; nothing is left to free then.  What it fills borrows its strings from
 * the document that it owns, until its finish function.  Unknown keys are
 * ignored, `null` is an empty list, a missing string is "".  Ids are checked to
 * be letters, digits, `_`, `-` and `+`, at most 64, so that they can stand in a
 * path; times to be whole and not negative.
 */

struct mattermost_post {
	const char *id;
	const char *channel_id;
	const char *user_id;
	const char *root_id;     // "" when it stands in the channel
	const char *original_id; // not "": an old copy of an edited post
	const char *message;
	const char *type;
	const char *key;   // props.bridgekeeper, whoever wrote it; "" if none
	const char *mark;  // props.bridgekeeper_mark, likewise
	bool from_webhook; // props.from_webhook is there, whatever it says
	bool from_bot;     // props.from_bot is there
	int64_t create_at_ms;
	int64_t update_at_ms;
	int64_t edit_at_ms;
	int64_t delete_at_ms;
	const char **file_ids;
	size_t file_count;
};

struct mattermost_posts {
	struct mattermost_post *posts; // in the server's order
	size_t count;
	struct cJSON *json;
};

/* One post: the answer to creating, patching and reading one. */
bool mattermost_json_read_post(
		const char *text, struct mattermost_posts *posts, struct err *err);
/* A page of posts: {"order":[…],"posts":{…}}. */
bool mattermost_json_read_page(
		const char *text, struct mattermost_posts *posts, struct err *err);
void mattermost_json_finish_posts(struct mattermost_posts *posts);

struct mattermost_tap {
	const char *user_id;
	const char *emoji;
	int64_t update_at_ms;
};

struct mattermost_tapped {
	const char *post_id;
	struct mattermost_tap *taps;
	size_t count;
};

struct mattermost_taps {
	struct mattermost_tapped *posts;
	size_t count;
	struct cJSON *json;
};

/* The bulk answer: {"post id":[reaction, …] or null, …}. */
bool mattermost_json_read_taps(
		const char *text, struct mattermost_taps *taps, struct err *err);
void mattermost_json_finish_taps(struct mattermost_taps *taps);

struct mattermost_user {
	const char *id;
	const char *name;
	bool active; // not deactivated
	bool bot;
	bool guest;
};

struct mattermost_users {
	struct mattermost_user *users;
	size_t count;
	struct cJSON *json;
};

/* A list of users, or one. */
bool mattermost_json_read_users(
		const char *text, struct mattermost_users *users, struct err *err);
void mattermost_json_finish_users(struct mattermost_users *users);

/* A list of strings found under one name, as ids of members. */
struct mattermost_ids {
	const char **ids;
	size_t count;
	struct cJSON *json;
};

/* user_id of each member of a channel. */
bool mattermost_json_read_members(
		const char *text, struct mattermost_ids *ids, struct err *err);
/* id of each file of an upload's answer. */
bool mattermost_json_read_files(
		const char *text, struct mattermost_ids *ids, struct err *err);
/* A file's own: name, size in bytes. */
struct mattermost_file {
	char name[256]; // one line of clean text, cut where it is longer
	uint64_t bytes;
	bool deleted;
};
bool mattermost_json_read_file(
		const char *text, struct mattermost_file *file, struct err *err);
/* id of a team or channel; @archived: its delete_at is set.  Either NULL. */
bool mattermost_json_read_id(
		const char *text, char id[65], bool *archived, struct err *err);
void mattermost_json_finish_ids(struct mattermost_ids *ids);

/* MaxPostSize of the client's config, in runes; 0 where it does not say. */
size_t mattermost_json_read_max_post(const char *text);

/* What a refusal says.  Never fails: a body that is no JSON has no id. */
struct mattermost_error {
	char id[128];      // "api.context.permissions.app_error"; "" if none
	char message[160]; // one line of clean text; "" if none
};

void mattermost_json_read_error(
		const char *text, size_t len, struct mattermost_error *error);

enum mattermost_frame_kind {
	MATTERMOST_FRAME_HELLO,
	MATTERMOST_FRAME_REPLY,
	MATTERMOST_FRAME_POSTED,
	MATTERMOST_FRAME_POST_EDITED,
	MATTERMOST_FRAME_POST_DELETED,
	MATTERMOST_FRAME_REACTION, // added or removed: a hint to look
	MATTERMOST_FRAME_USER_ADDED,
	MATTERMOST_FRAME_USER_REMOVED,
	MATTERMOST_FRAME_USER_UPDATED,
	MATTERMOST_FRAME_CHANNEL_DELETED,
	MATTERMOST_FRAME_CHANNEL_RESTORED,
	MATTERMOST_FRAME_OTHER, // an event that says nothing to us; seq counts
};

struct mattermost_frame {
	enum mattermost_frame_kind kind;
	int64_t seq;                   // of events, hello included
	const char *connection_id;     // hello; "": it cannot be resumed
	int64_t seq_reply;             // reply
	bool reply_ok;                 // reply: status OK
	const char *error_id;          // reply that is not OK; "" if none
	const char *channel_id;        // that it is about; "" if none
	const char *post_id;           // reaction
	const char *user_id;           // member events: who
	struct mattermost_posts posts; // posted, edited, deleted: one
	struct mattermost_users users; // user_updated: one
	struct cJSON *json;
	struct cJSON *inner;
};

bool mattermost_json_read_frame(const char *text, size_t len,
		struct mattermost_frame *frame, struct err *err);
void mattermost_json_finish_frame(struct mattermost_frame *frame);

struct mattermost_new_post {
	const char *channel_id;
	const char *root_id; // "" for the channel
	const char *message;
	const char *pending_post_id;
	const char *key;     // props.bridgekeeper
	const char *mark;    // props.bridgekeeper_mark; "" or NULL: none
	const char *file_id; // NULL: none
};

/* The writers return a text that the caller frees. */
char *mattermost_json_write_post(const struct mattermost_new_post *post)
		__attribute__((warn_unused_result));
char *mattermost_json_write_patch(const char *message)
		__attribute__((warn_unused_result));
char *mattermost_json_write_reaction(const char *user_id, const char *post_id,
		const char *emoji) __attribute__((warn_unused_result));
char *mattermost_json_write_list(const char *const *texts, size_t count)
		__attribute__((warn_unused_result));
/* A websocket request without data. */
char *mattermost_json_write_action(const char *action, int64_t seq)
		__attribute__((warn_unused_result));

#endif
