#ifndef WORLD_H
#define WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys/id.h"
#include "table.h"

struct cJSON;

/*
 * What the server's database would hold: one team, its channels, people, posts
 * with their old copies, reaction rows, files.  Memory only; it decides nothing
 * about who may do what and tells nobody.
 */

enum version {
	VERSION_5_37,
	VERSION_11_6,
};

enum token_state {
	TOKEN_GOOD,
	TOKEN_DISABLED,
	TOKEN_REVOKED,
};

struct user {
	char id[ID_ROOM];
	char *username;
	char *first_name;
	char *roles; // "system_user", "system_admin system_user", …
	char *token;
	char token_id[ID_ROOM];
	enum token_state token_state;
	bool bot;
	bool guest;
	bool in_team;
	bool online;
	int64_t create_at;
	int64_t update_at;
	int64_t delete_at; // deactivated
	int64_t active_us; // real: the last REST request
};

struct channel {
	char id[ID_ROOM];
	char *name;
	char *display_name;
	char *header;
	char type; // O, P, D
	struct user *creator;
	int64_t create_at;
	int64_t update_at;
	int64_t delete_at;
	int64_t last_post_at;
	int64_t post_count;
	struct user **members;
	uint32_t *unseen; // of each member: mentions since they last spoke
	size_t member_count;
};

struct reaction {
	struct user *user;
	char *emoji;
	int64_t create_at; // of the first add, whatever came after
	int64_t update_at; // of the last add or removal
	bool gone;
};

struct file {
	char id[ID_ROOM];
	struct user *owner;
	struct channel *channel;
	struct post *post; // NULL until it is attached
	char *name;
	char *mime_type;
	char *bytes;
	size_t size;
	int64_t create_at;
};

struct post {
	char id[ID_ROOM];
	size_t row; // its place among all rows
	struct user *user;
	struct channel *channel;
	struct post *root; // NULL: stands in the channel itself
	char *original_id; // of an old copy; else ""
	char *message;
	char *type;
	struct cJSON *props;
	char *pending_id; // only in the first answer and event
	int64_t create_at;
	int64_t update_at;
	int64_t edit_at;
	int64_t delete_at;
	bool pinned;
	bool has_reactions; // the flag, which can be wrong
	bool system;        // by the server or a webhook: no remote_id
	bool files_lost;    // ids were given that could not be attached
	size_t edits;
	int64_t reply_count;
	struct reaction *reactions;
	size_t reaction_count;
	struct file **files;
	size_t file_count;
	struct user **writers; // of a root: who has written in its thread
	size_t writer_count;
};

struct webhook {
	char *id;
	struct user *owner;
	struct channel *channel;
};

struct world {
	enum version version;
	int64_t (*clock_ms)(void *data);
	void *clock_data;
	int64_t last_stamp;

	char team_id[ID_ROOM];
	char *team_name;
	char *team_display_name;
	int64_t team_create_at;

	char *denied; // to channels' roles, parted by blanks; NULL: nothing
	char *claimed_version; // NULL: the true one

	struct user **users;
	size_t user_count;
	struct channel **channels;
	size_t channel_count;
	struct webhook *webhooks;
	size_t webhook_count;
	struct post **posts; // all rows, old copies too, in order of creation
	size_t post_count;
	size_t post_room;
	struct table posts_by_id;
	struct file **files;
	size_t file_count;
};

void world_init(struct world *world, enum version version,
		int64_t (*clock_ms)(void *data), void *clock_data);
void world_finish(struct world *world);

/* The run's time. */
int64_t world_now(const struct world *world);

/*
 * A time for a change: now, but later than every one given before, so that any
 * two changes can be told apart.
 */
int64_t world_stamp(struct world *world);

struct user *world_add_user(struct world *world, const char *username);
struct user *world_user(const struct world *world, const char *id);
struct user *world_user_named(const struct world *world, const char *username);
struct user *world_user_of_token(const struct world *world, const char *token);
bool user_is_admin(const struct user *user);

struct channel *world_add_channel(
		struct world *world, const char *name, char type);
struct channel *world_channel(const struct world *world, const char *id);
struct channel *world_channel_named(
		const struct world *world, const char *name);
void channel_add(struct channel *channel, struct user *user);
void channel_remove(struct channel *channel, const struct user *user);
bool channel_has(const struct channel *channel, const struct user *user);

/* A new post with @message; its create_at is a stamp.  Counts as a reply. */
struct post *world_add_post(struct world *world, struct channel *channel,
		struct user *user, struct post *root, const char *message);
struct post *world_post(const struct world *world, const char *id);

/* Keep a copy of @post as it is, before it changes at @stamp. */
void world_keep_copy(struct world *world, struct post *post, int64_t stamp);

bool post_has_writer(const struct post *root, const struct user *user);
void post_set_message(struct post *post, const char *message);

/* The row for this user and emoji; NULL if there never was one. */
struct reaction *post_reaction(
		const struct post *post, const struct user *user, const char *emoji);
struct reaction *post_add_reaction(
		struct post *post, struct user *user, const char *emoji);

/* Reactions that are there; different emoji names among them. */
size_t post_reactions_there(const struct post *post);
size_t post_emoji_names(const struct post *post);

struct file *world_add_file(struct world *world, struct user *owner,
		struct channel *channel, const char *name, const void *bytes,
		size_t size);
struct file *world_file(const struct world *world, const char *id);
void post_attach(struct post *post, struct file *file);

#endif
