#include "acts.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "events.h"
#include "rest.h"
#include "sandbox.h"

static void replace(char **text, const char *with) {
	char *copy = xstrdup(with);
	free(*text);
	*text = copy;
}

void act_rename(
		struct sandbox *sandbox, struct user *user, const char *username) {
	replace(&user->username, username);
	user->update_at = world_stamp(&sandbox->world);
	tell_user(sandbox, user);
}

void act_set_active(struct sandbox *sandbox, struct user *user, bool active) {
	user->update_at = world_stamp(&sandbox->world);
	user->delete_at = active ? 0 : user->update_at;
	tell_user(sandbox, user);
	tell_activation(sandbox);
}

void act_set_roles(
		struct sandbox *sandbox, struct user *user, const char *roles) {
	replace(&user->roles, roles);
	user->guest = strstr(roles, "system_guest") != NULL;
	user->update_at = world_stamp(&sandbox->world);
}

void act_set_token(struct user *user, enum token_state state) {
	user->token_state = state;
}

/* A post by the server: @format has one or two usernames. */
static void announce(struct sandbox *sandbox, struct channel *channel,
		struct user *user, const char *type, cJSON *take_props,
		struct str *message) {
	rest_announce(sandbox, channel, user, type, str_text(message), take_props);
	str_finish(message);
}

void act_add_member(struct sandbox *sandbox, struct channel *channel,
		struct user *user, struct user *by) {
	struct str message;
	cJSON *props = cJSON_CreateObject();
	str_init(&message, 0);
	channel_add(channel, user);
	tell_member_added(sandbox, channel, user);
	cJSON_AddStringToObject(props, "username", by->username);
	if (by == user) {
		str_addf(&message, "%s joined the channel.", user->username);
		announce(
				sandbox, channel, user, "system_join_channel", props, &message);
		return;
	}
	cJSON_AddStringToObject(props, "addedUserId", user->id);
	cJSON_AddStringToObject(props, "addedUsername", user->username);
	cJSON_AddStringToObject(props, "userId", by->id);
	str_addf(&message, "%s added to the channel by %s.", user->username,
			by->username);
	announce(sandbox, channel, by, "system_add_to_channel", props, &message);
}

void act_remove_member(struct sandbox *sandbox, struct channel *channel,
		struct user *user, struct user *by) {
	struct str message;
	cJSON *props = cJSON_CreateObject();
	str_init(&message, 0);
	channel_remove(channel, user);
	tell_member_removed(sandbox, channel, user, by);
	if (by == user) {
		cJSON_AddStringToObject(props, "username", user->username);
		str_addf(&message, "@%s left the channel.", user->username);
		announce(sandbox, channel, user, "system_leave_channel", props,
				&message);
		return;
	}
	cJSON_AddStringToObject(props, "removedUserId", user->id);
	cJSON_AddStringToObject(props, "removedUsername", user->username);
	str_addf(&message, "@%s removed from the channel.", user->username);
	announce(sandbox, channel, by, "system_remove_from_channel", props,
			&message);
}

void act_change_channel(struct sandbox *sandbox, struct channel *channel,
		const char *display_name, const char *header) {
	if (display_name != NULL) {
		replace(&channel->display_name, display_name);
	}
	if (header != NULL) {
		replace(&channel->header, header);
	}
	channel->update_at = world_stamp(&sandbox->world);
	tell_channel(sandbox, channel);
}

static void announce_state(struct sandbox *sandbox, struct channel *channel,
		struct user *by, const char *type, const char *what) {
	struct str message;
	cJSON *props = cJSON_CreateObject();
	str_init(&message, 0);
	cJSON_AddStringToObject(props, "username", by->username);
	str_addf(&message, "%s %s the channel.", by->username, what);
	announce(sandbox, channel, by, type, props, &message);
}

void act_archive(
		struct sandbox *sandbox, struct channel *channel, struct user *by) {
	announce_state(sandbox, channel, by, "system_channel_deleted", "archived");
	channel->update_at = world_stamp(&sandbox->world);
	channel->delete_at = channel->update_at;
	tell_archived(sandbox, channel);
}

void act_restore(
		struct sandbox *sandbox, struct channel *channel, struct user *by) {
	channel->update_at = world_stamp(&sandbox->world);
	channel->delete_at = 0;
	tell_restored(sandbox, channel);
	announce_state(
			sandbox, channel, by, "system_channel_restored", "unarchived");
}
