/* Adding, removing and reading reactions. */
#include <string.h>

#include <cjson/cJSON.h>

#include "emoji.h"
#include "events.h"
#include "gojson.h"
#include "rest.h"
#include "sandbox.h"
#include "shape.h"

#define NAME_BYTES      64
#define NAMES_ON_A_POST 50 // 11.6

static void invalid(struct call *call) {
	rest_error(call, 400, "api.reaction.save_reaction.invalid.app_error",
			"Reaction is not valid.");
}

static bool is_name(const char *emoji) {
	return emoji[0] != '\0' &&
			emoji[strspn(emoji,
					"abcdefghijklmnopqrstuvwxyz"
					"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+_")] == '\0';
}

/* Whether the name may be used at all; else it is answered. */
static bool is_usable(struct call *call, const char *emoji) {
	bool old = call->sandbox->world.version == VERSION_5_37;
	if (old && !is_name(emoji)) {
		invalid(call);
		return false;
	}
	if (!old && !emoji_is_known(emoji)) {
		rest_error(call, 404, "app.emoji.get_by_name.no_result",
				"We couldn\xe2\x80\x99t find the emoji.");
		return false;
	}
	return true;
}

static bool has_name(const struct post *post, const char *emoji) {
	for (size_t i = 0; i < post->reaction_count; i++) {
		const struct reaction *reaction = &post->reactions[i];
		if (!reaction->gone && strcmp(reaction->emoji, emoji) == 0) {
			return true;
		}
	}
	return false;
}

static bool has_room(
		struct call *call, const struct post *post, const char *emoji) {
	if (call->sandbox->world.version == VERSION_5_37 || has_name(post, emoji) ||
			post_emoji_names(post) < NAMES_ON_A_POST) {
		return true;
	}
	rest_error(call, 400, "app.reaction.save.save.too_many_reactions",
			"Reaction limit has been reached for this post.");
	return false;
}

/* The post that may be reacted to; else it is answered and NULL. */
static struct post *open_post(struct call *call, const char *post_id) {
	struct post *post = world_post(&call->sandbox->world, post_id);
	if (post == NULL || post->delete_at != 0) {
		rest_error(
				call, 404, "app.post.get.app_error", "Unable to get the post.");
		return NULL;
	}
	if (!rest_may(call, post->channel, "add_reaction")) {
		rest_forbidden(call);
		return NULL;
	}
	if (post->channel->delete_at != 0) {
		rest_error(call, 403, "api.reaction.save.archived_channel.app_error",
				"You cannot react in an archived channel.");
		return NULL;
	}
	return post;
}

/* The row keeps the time of its first add; what is told has only the new. */
static void add(struct call *call, struct post *post, const char *emoji) {
	int64_t stamp = world_stamp(&call->sandbox->world);
	struct reaction *row = post_reaction(post, call->user, emoji);
	if (row == NULL) {
		row = post_add_reaction(post, call->user, emoji);
		row->create_at = stamp;
	}
	row->update_at = stamp;
	row->gone = false;
	post->update_at = stamp;
	post->has_reactions = true;
	struct reaction told = *row;
	told.create_at = stamp;
	shape_reaction(
			&call->answer->body, NULL, &call->sandbox->world, post, &told);
	tell_reaction(call->sandbox, post, &told, true);
}

static void add_reaction(struct call *call) {
	cJSON *json = rest_json(call, NULL);
	const char *user_id = rest_member(json, "user_id");
	const char *post_id = rest_member(json, "post_id");
	const char *emoji = rest_member(json, "emoji_name");
	if (user_id == NULL || post_id == NULL || emoji == NULL ||
			strlen(user_id) != ID_LEN || strlen(post_id) != ID_LEN) {
		invalid(call);
	} else if (strcmp(user_id, call->user->id) != 0) {
		rest_error(call, 403, "api.reaction.save_reaction.user_id.app_error",
				"You cannot save reaction for the other user.");
	} else if (emoji[0] == '\0' || strlen(emoji) > NAME_BYTES) {
		invalid(call);
	} else {
		struct post *post = open_post(call, post_id);
		if (post != NULL && is_usable(call, emoji) &&
				has_room(call, post, emoji)) {
			add(call, post, emoji);
		}
	}
	cJSON_Delete(json);
}

/* Told whether or not there was one. */
static void remove_reaction(struct call *call) {
	struct world *world = &call->sandbox->world;
	struct user *user = strcmp(call->args[0], "me") == 0
			? call->user
			: world_user(world, call->args[0]);
	if (user == NULL || (user != call->user && !user_is_admin(call->user))) {
		rest_forbidden(call);
		return;
	}
	struct post *post = open_post(call, call->args[1]);
	if (post == NULL) {
		return;
	}
	int64_t stamp = world_stamp(world);
	struct reaction *row = post_reaction(post, user, call->args[2]);
	if (row != NULL) {
		row->gone = true;
		row->update_at = stamp;
	}
	post->update_at = stamp;
	post->has_reactions = post_reactions_there(post) > 0;
	struct reaction told = {
		.user = user,
		.emoji = call->args[2],
		.update_at = stamp,
	};
	tell_reaction(call->sandbox, post, &told, false);
	rest_ok(call);
}

static void get_reactions(struct call *call) {
	struct post *post = rest_post_arg(call, 0);
	if (post == NULL) {
		return;
	}
	struct fault fault = faults_on_read(
			&call->sandbox->faults, call->user->username);
	int64_t as_of = fault.kind == FAULT_STALE ? fault.since_ms : INT64_MAX;
	struct str *body = &call->answer->body;
	shape_reactions(body, NULL, &call->sandbox->world, post, as_of);
	if (call->sandbox->world.version != VERSION_5_37 &&
			strcmp(str_text(body), "[]") == 0) {
		str_clear(body);
		str_add(body, "null");
	}
}

/* One post that may not be read spoils the answer for all. */
static bool may_read_all(struct call *call, const cJSON *ids) {
	const cJSON *id;
	cJSON_ArrayForEach(id, ids) {
		const struct post *post = cJSON_IsString(id)
				? world_post(&call->sandbox->world, id->valuestring)
				: NULL;
		if (post == NULL || !rest_can_read(call, post->channel)) {
			return false;
		}
	}
	return true;
}

static void add_all(struct call *call, const cJSON *ids) {
	struct str *body = &call->answer->body;
	struct table seen = { 0 };
	const cJSON *id;
	json_open(body, NULL, '{');
	cJSON_ArrayForEach(id, ids) {
		struct post *post = world_post(&call->sandbox->world, id->valuestring);
		if (table_get(&seen, post->id) == NULL) {
			table_put(&seen, post->id, post);
			shape_reactions(
					body, post->id, &call->sandbox->world, post, INT64_MAX);
		}
	}
	json_close(body, '}');
	table_finish(&seen);
}

static void bulk_reactions(struct call *call) {
	bool old = call->sandbox->world.version == VERSION_5_37;
	cJSON *ids = rest_json(call, NULL);
	if (!cJSON_IsArray(ids) && !old) {
		rest_error(call, 400, "api.payload.parse.error",
				"An error occurred while parsing the payload.");
	} else if (!cJSON_IsArray(ids) || cJSON_GetArraySize(ids) == 0) {
		rest_error(call, 500, "app.reaction.bulk_get_for_post_ids.app_error",
				"Unable to get reactions for post.");
	} else if (!may_read_all(call, ids)) {
		rest_forbidden(call);
	} else {
		add_all(call, ids);
	}
	cJSON_Delete(ids);
}

const struct route rest_reactions_routes[] = {
	{ "POST", "/api/v4/reactions", add_reaction },
	{ "DELETE", "/api/v4/users/*/posts/*/reactions/*", remove_reaction },
	{ "GET", "/api/v4/posts/*/reactions", get_reactions },
	{ "POST", "/api/v4/posts/ids/reactions", bulk_reactions },
	{ NULL, NULL, NULL },
};
