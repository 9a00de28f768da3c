#ifndef SHAPE_H
#define SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "world.h"

struct str;

/* How each version writes its things as JSON; @key as in gojson.h. */

enum shape_metadata {
	METADATA_NONE,
	METADATA_EMPTY, // `{}` whatever there is
	METADATA_FULL,
};

struct shape_post {
	enum shape_metadata metadata;
	bool pending;   // show its pending_post_id
	bool keep_text; // a deleted post's text is shown only in its event
	int64_t reply_count;
};

void shape_post(struct str *out, const char *key, const struct world *world,
		const struct post *post, const struct shape_post *how);
void shape_reaction(struct str *out, const char *key, const struct world *world,
		const struct post *post, const struct reaction *reaction);

/* Reactions that are there; @as_of: what a cache filled then would hold. */
void shape_reactions(struct str *out, const char *key,
		const struct world *world, const struct post *post, int64_t as_of);

/* @self: as the user, or an admin, sees the account. */
void shape_user(struct str *out, const char *key, const struct world *world,
		const struct user *user, bool self);
void shape_channel(struct str *out, const char *key, const struct world *world,
		const struct channel *channel);
void shape_member(struct str *out, const char *key, const struct world *world,
		const struct channel *channel, const struct user *user);
void shape_team(struct str *out, const char *key, const struct world *world);
void shape_file(struct str *out, const char *key, const struct world *world,
		const struct file *file);

#endif
