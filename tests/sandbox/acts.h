#ifndef ACTS_H
#define ACTS_H

#include <stdbool.h>

#include "world.h"

struct sandbox;

/* What an administrator does, by REST or by the side door, with its events. */
void act_rename(
		struct sandbox *sandbox, struct user *user, const char *username);
void act_set_active(struct sandbox *sandbox, struct user *user, bool active);
/* Nobody else hears of it, and a guest's role alone makes a guest. */
void act_set_roles(
		struct sandbox *sandbox, struct user *user, const char *roles);
void act_set_token(struct user *user, enum token_state state);
void act_add_member(struct sandbox *sandbox, struct channel *channel,
		struct user *user, struct user *by);
void act_remove_member(struct sandbox *sandbox, struct channel *channel,
		struct user *user, struct user *by);

/* NULL leaves a part as it is. */
void act_change_channel(struct sandbox *sandbox, struct channel *channel,
		const char *display_name, const char *header);
void act_archive(
		struct sandbox *sandbox, struct channel *channel, struct user *by);
void act_restore(
		struct sandbox *sandbox, struct channel *channel, struct user *by);

#endif
