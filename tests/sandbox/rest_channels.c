/* Channels and who is in them. */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "acts.h"
#include "base/xalloc.h"
#include "events.h"
#include "gojson.h"
#include "rest.h"
#include "sandbox.h"
#include "shape.h"

static void answer_channel(struct call *call, const struct channel *channel) {
	shape_channel(&call->answer->body, NULL, &call->sandbox->world, channel);
}

static void get_channel(struct call *call) {
	struct channel *channel = rest_channel_arg(call, 0);
	if (channel != NULL) {
		answer_channel(call, channel);
	}
}

/* An archived one is as if it were not there, unless it is asked for. */
static void get_channel_named(struct call *call) {
	char deleted[8] = "";
	rest_query(call, "include_deleted", deleted, sizeof(deleted));
	const struct world *world = &call->sandbox->world;
	if (strcmp(call->args[0], world->team_name) != 0) {
		rest_error(call, 404, "app.team.get_by_name.missing.app_error",
				"Unable to find the existing team.");
		return;
	}
	struct channel *channel = world_channel_named(world, call->args[1]);
	bool hidden = channel == NULL ||
			(channel->delete_at != 0 && strcmp(deleted, "true") != 0) ||
			(channel->type == 'P' && !rest_can_read(call, channel));
	if (hidden) {
		rest_error(call, 404, "app.channel.get_by_name.missing.app_error",
				"Channel does not exist.");
		return;
	}
	answer_channel(call, channel);
}

static struct channel *managed_channel_arg(struct call *call) {
	struct channel *channel = rest_channel_arg(call, 0);
	if (channel != NULL && !rest_can_write(call, channel)) {
		rest_forbidden(call);
		return NULL;
	}
	return channel;
}

static void patch_channel(struct call *call) {
	struct channel *channel = managed_channel_arg(call);
	if (channel == NULL) {
		return;
	}
	cJSON *json = rest_json(call, NULL);
	act_change_channel(call->sandbox, channel,
			rest_member(json, "display_name"), rest_member(json, "header"));
	answer_channel(call, channel);
	cJSON_Delete(json);
}

static void archive_channel(struct call *call) {
	struct channel *channel = managed_channel_arg(call);
	if (channel != NULL) {
		act_archive(call->sandbox, channel, call->user);
		rest_ok(call);
	}
}

static void restore_channel(struct call *call) {
	struct channel *channel = managed_channel_arg(call);
	if (channel != NULL) {
		act_restore(call->sandbox, channel, call->user);
		answer_channel(call, channel);
	}
}

/* ---- members ---- */

static void add_member(struct call *call) {
	struct channel *channel = rest_channel_arg(call, 0);
	if (channel == NULL) {
		return;
	}
	cJSON *json = rest_json(call, NULL);
	const char *user_id = rest_member(json, "user_id");
	struct user *user = user_id != NULL
			? world_user(&call->sandbox->world, user_id)
			: NULL;
	if (user == NULL) {
		rest_bad_param(call, "user_id");
	} else if (!user->in_team) {
		rest_error(call, 404, "app.team.get_member.missing.app_error",
				"No team member found for that user ID and team ID.");
	} else if (user != call->user && !rest_can_write(call, channel)) {
		rest_forbidden(call);
	} else {
		if (!channel_has(channel, user)) {
			act_add_member(call->sandbox, channel, user, call->user);
		}
		call->answer->status = 201;
		shape_member(&call->answer->body, NULL, &call->sandbox->world, channel,
				user);
	}
	cJSON_Delete(json);
}

/* Who is in a channel is told to who is in it, though 11.6 shows the posts of
 * an open one to all. */
static struct channel *members_channel(struct call *call) {
	struct channel *channel = rest_channel_arg(call, 0);
	if (channel != NULL && !rest_can_write(call, channel)) {
		rest_forbidden(call);
		return NULL;
	}
	return channel;
}

static struct user *member_arg(struct call *call, struct channel *channel) {
	struct user *user = strcmp(call->args[1], "me") == 0
			? call->user
			: world_user(&call->sandbox->world, call->args[1]);
	if (user == NULL || !channel_has(channel, user)) {
		rest_error(call, 404, "app.channel.get_member.missing.app_error",
				"No channel member found for that user ID and channel ID.");
		return NULL;
	}
	return user;
}

static void remove_member(struct call *call) {
	struct channel *channel = rest_channel_arg(call, 0);
	struct user *user = channel != NULL ? member_arg(call, channel) : NULL;
	if (user == NULL) {
		return;
	}
	if (user != call->user && !rest_can_write(call, channel)) {
		rest_forbidden(call);
		return;
	}
	act_remove_member(call->sandbox, channel, user, call->user);
	rest_ok(call);
}

static void get_member(struct call *call) {
	struct channel *channel = members_channel(call);
	struct user *user = channel != NULL ? member_arg(call, channel) : NULL;
	if (user != NULL) {
		shape_member(&call->answer->body, NULL, &call->sandbox->world, channel,
				user);
	}
}

/* Members as a page, the way a client walks through all of them. */
static void get_members(struct call *call) {
	char text[16] = "";
	struct channel *channel = members_channel(call);
	if (channel == NULL) {
		return;
	}
	size_t page = rest_query(call, "page", text, sizeof(text))
			? strtoul(text, NULL, 10)
			: 0;
	size_t size = rest_query(call, "per_page", text, sizeof(text))
			? strtoul(text, NULL, 10)
			: 60;
	json_open(&call->answer->body, NULL, '[');
	for (size_t i = page * size;
			i < channel->member_count && i < (page + 1) * size; i++) {
		shape_member(&call->answer->body, NULL, &call->sandbox->world, channel,
				channel->members[i]);
	}
	json_close(&call->answer->body, ']');
}

/* Deactivated members are members still. */
static void members_by_ids(struct call *call) {
	struct channel *channel = members_channel(call);
	if (channel == NULL) {
		return;
	}
	cJSON *ids = rest_json(call, NULL);
	const cJSON *id;
	if (!cJSON_IsArray(ids) || cJSON_GetArraySize(ids) == 0) {
		rest_bad_param(call, "user_ids");
		cJSON_Delete(ids);
		return;
	}
	json_open(&call->answer->body, NULL, '[');
	cJSON_ArrayForEach(id, ids) {
		struct user *user = cJSON_IsString(id)
				? world_user(&call->sandbox->world, id->valuestring)
				: NULL;
		if (user != NULL && channel_has(channel, user)) {
			shape_member(&call->answer->body, NULL, &call->sandbox->world,
					channel, user);
		}
	}
	json_close(&call->answer->body, ']');
	cJSON_Delete(ids);
}

/* ---- direct messages ---- */

static char *direct_name(const struct user *a, const struct user *b) {
	bool ordered = strcmp(a->id, b->id) < 0;
	return xasprintf(
			"%s__%s", ordered ? a->id : b->id, ordered ? b->id : a->id);
}

static void open_direct(
		struct call *call, struct user *one, struct user *other) {
	struct world *world = &call->sandbox->world;
	char *name = direct_name(one, other);
	struct channel *channel = world_channel_named(world, name);
	if (channel == NULL) {
		channel = world_add_channel(world, name, 'D');
		free(channel->display_name);
		channel->display_name = xstrdup("");
		channel->creator = call->user;
		channel_add(channel, call->user);
		channel_add(channel, call->user == one ? other : one);
		tell_direct(call->sandbox, channel);
	}
	call->answer->status = 201;
	answer_channel(call, channel);
	free(name);
}

static struct user *user_at(struct call *call, const cJSON *ids, int i) {
	const char *id = cJSON_GetStringValue(cJSON_GetArrayItem(ids, i));
	return id != NULL ? world_user(&call->sandbox->world, id) : NULL;
}

static void create_direct(struct call *call) {
	cJSON *ids = rest_json(call, NULL);
	struct user *one = user_at(call, ids, 0);
	struct user *other = user_at(call, ids, 1);
	if (one == NULL || other == NULL || one == other) {
		rest_bad_param(call, "user_ids");
	} else if (call->user != one && call->user != other) {
		rest_forbidden(call);
	} else {
		open_direct(call, one, other);
	}
	cJSON_Delete(ids);
}

const struct route rest_channels_routes[] = {
	{ "GET", "/api/v4/teams/name/*/channels/name/*", get_channel_named },
	{ "POST", "/api/v4/channels/direct", create_direct },
	{ "GET", "/api/v4/channels/*", get_channel },
	{ "PUT", "/api/v4/channels/*/patch", patch_channel },
	{ "DELETE", "/api/v4/channels/*", archive_channel },
	{ "POST", "/api/v4/channels/*/restore", restore_channel },
	{ "POST", "/api/v4/channels/*/members/ids", members_by_ids },
	{ "POST", "/api/v4/channels/*/members", add_member },
	{ "GET", "/api/v4/channels/*/members", get_members },
	{ "GET", "/api/v4/channels/*/members/*", get_member },
	{ "DELETE", "/api/v4/channels/*/members/*", remove_member },
	{ NULL, NULL, NULL },
};
