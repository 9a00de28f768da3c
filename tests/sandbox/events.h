#ifndef EVENTS_H
#define EVENTS_H

#include <stdbool.h>

#include "world.h"

struct sandbox;

/* Tells the websockets what has happened, in the shape of the version. */
void tell_posted(struct sandbox *sandbox, struct post *post, bool set_online);
void tell_edited(struct sandbox *sandbox, struct post *post);

/* Call it before @post is marked: its event shows it as it was. */
void tell_deleted(struct sandbox *sandbox, struct post *post, struct user *by);

/* A removal is told with the reaction's create_at as 0. */
void tell_reaction(struct sandbox *sandbox, struct post *post,
		const struct reaction *reaction, bool added);
void tell_member_added(
		struct sandbox *sandbox, struct channel *channel, struct user *user);
void tell_member_removed(struct sandbox *sandbox, struct channel *channel,
		struct user *user, struct user *by);
void tell_user(struct sandbox *sandbox, struct user *user);
void tell_activation(struct sandbox *sandbox);
void tell_channel(struct sandbox *sandbox, struct channel *channel);
void tell_archived(struct sandbox *sandbox, struct channel *channel);
void tell_restored(struct sandbox *sandbox, struct channel *channel);
void tell_typing(struct sandbox *sandbox, struct channel *channel,
		struct user *user, const char *root_id);
void tell_direct(struct sandbox *sandbox, struct channel *channel);

#endif
