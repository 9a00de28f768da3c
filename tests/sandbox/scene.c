#include "scene.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "sandbox.h"
#include "sys/fd.h"

#define SCENE_BYTES_MAX ((size_t)1024 * 1024)

static const char own_scene[] =
		"{\"team\":{\"name\":\"platform\",\"display_name\":\"Platform\"},"
		"\"channels\":[{\"name\":\"launch-bridge\","
		"\"display_name\":\"Launch bridge\"}],"
		"\"users\":[{\"username\":\"admin\","
		"\"roles\":\"system_admin system_user\"},"
		"{\"username\":\"bridgekeeper\",\"bot\":true}]}";

static const char *text_in(const cJSON *json, const char *key) {
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
}

static bool flag_in(const cJSON *json, const char *key, bool otherwise) {
	const cJSON *node = cJSON_GetObjectItemCaseSensitive(json, key);
	return cJSON_IsBool(node) ? cJSON_IsTrue(node) : otherwise;
}

static void set(char **text, const char *to) {
	if (to != NULL) {
		free(*text);
		*text = xstrdup(to);
	}
}

static bool load_team(
		struct world *world, const cJSON *scene, struct err *err) {
	const cJSON *team = cJSON_GetObjectItemCaseSensitive(scene, "team");
	const char *name = text_in(team, "name");
	if (name == NULL) {
		return err_set(err, ERR_INVALID, "no team with a name");
	}
	set(&world->team_name, name);
	set(&world->team_display_name, name);
	set(&world->team_display_name, text_in(team, "display_name"));
	return true;
}

static bool load_channel(
		struct world *world, const cJSON *node, struct err *err) {
	const char *name = text_in(node, "name");
	const char *type = text_in(node, "type");
	if (name == NULL || world_channel_named(world, name) != NULL) {
		return err_set(err, ERR_INVALID, "a channel without a name of its own");
	}
	if (type != NULL && strcmp(type, "O") != 0 && strcmp(type, "P") != 0) {
		return err_set(err, ERR_INVALID, "channel %s: type O or P", name);
	}
	struct channel *channel = world_add_channel(
			world, name, type != NULL ? type[0] : 'O');
	set(&channel->display_name, text_in(node, "display_name"));
	return true;
}

static bool join_channels(struct world *world, struct user *user,
		const cJSON *names, struct err *err) {
	const cJSON *name;
	if (!cJSON_IsArray(names)) {
		for (size_t i = 0; user->in_team && i < world->channel_count; i++) {
			channel_add(world->channels[i], user);
		}
		return true;
	}
	cJSON_ArrayForEach(name, names) {
		struct channel *channel = cJSON_IsString(name)
				? world_channel_named(world, name->valuestring)
				: NULL;
		if (channel == NULL) {
			return err_set(err, ERR_INVALID, "user %s: no such channel",
					user->username);
		}
		channel_add(channel, user);
	}
	return true;
}

static bool load_user(struct world *world, const cJSON *node, struct err *err) {
	const char *username = text_in(node, "username");
	if (username == NULL || world_user_named(world, username) != NULL) {
		return err_set(err, ERR_INVALID, "a user without a name of its own");
	}
	struct user *user = world_add_user(world, username);
	user->bot = flag_in(node, "bot", false);
	user->guest = flag_in(node, "guest", false);
	user->in_team = flag_in(node, "team", true);
	set(&user->token, text_in(node, "token"));
	set(&user->first_name, text_in(node, "first_name"));
	set(&user->roles, user->guest ? "system_guest" : NULL);
	set(&user->roles, text_in(node, "roles"));
	if (!flag_in(node, "active", true)) {
		user->delete_at = user->create_at;
	}
	return join_channels(world, user,
			cJSON_GetObjectItemCaseSensitive(node, "channels"), err);
}

static bool load_webhook(
		struct world *world, const cJSON *node, struct err *err) {
	const char *id = text_in(node, "id");
	const char *owner = text_in(node, "owner");
	const char *channel = text_in(node, "channel");
	struct webhook hook = {
		.owner = owner != NULL ? world_user_named(world, owner) : NULL,
		.channel = channel != NULL ? world_channel_named(world, channel) : NULL,
	};
	if (id == NULL || hook.owner == NULL || hook.channel == NULL) {
		return err_set(err, ERR_INVALID,
				"a webhook needs id, owner and channel that are there");
	}
	hook.id = xstrdup(id);
	world->webhooks = xreallocarray(
			world->webhooks, world->webhook_count + 1, sizeof(hook));
	world->webhooks[world->webhook_count++] = hook;
	return true;
}

static bool load_each(struct world *world, const cJSON *scene, const char *key,
		bool (*load)(struct world *, const cJSON *, struct err *),
		struct err *err) {
	const cJSON *node;
	cJSON_ArrayForEach(node, cJSON_GetObjectItemCaseSensitive(scene, key)) {
		if (!load(world, node, err)) {
			return err_wrap(err, "%s: ", key);
		}
	}
	return true;
}

static bool load(struct world *world, const char *text, struct err *err) {
	cJSON *scene = cJSON_Parse(text);
	bool ok = scene != NULL;
	if (!ok) {
		err_set(err, ERR_INVALID, "not JSON");
	}
	ok = ok && load_team(world, scene, err) &&
			load_each(world, scene, "channels", load_channel, err) &&
			load_each(world, scene, "users", load_user, err) &&
			load_each(world, scene, "webhooks", load_webhook, err);
	cJSON_Delete(scene);
	return ok;
}

bool scene_load(struct sandbox *sandbox, const char *path, struct err *err) {
	if (path == NULL) {
		return load(&sandbox->world, own_scene, err);
	}
	struct str text;
	str_init(&text, SCENE_BYTES_MAX);
	bool ok = fd_read_file(path, SCENE_BYTES_MAX, &text, err);
	if (ok && !load(&sandbox->world, str_text(&text), err)) {
		ok = err_wrap(err, "%s: ", path);
	}
	str_finish(&text);
	return ok;
}
