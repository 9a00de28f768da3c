/* Roles, what they permit, and who has which. */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "gojson.h"
#include "rest.h"
#include "sandbox.h"

/* As both versions ship them, as far as the sandbox knows what they permit. */
static const struct role {
	const char *name;
	const char *permits;
} roles[] = {
	{ "system_user", "create_team create_direct_channel list_public_teams" },
	{ "system_admin",
			"manage_system create_post edit_post add_reaction upload_file "
			"read_channel" },
	{ "system_guest", "create_direct_channel" },
	{ "team_user", "list_team_channels read_public_channel view_team" },
	{ "team_guest", "view_team" },
	{ "channel_user",
			"read_channel read_channel_content create_post edit_post "
			"add_reaction remove_reaction upload_file use_channel_mentions" },
	{ "channel_guest",
			"read_channel read_channel_content create_post edit_post "
			"add_reaction remove_reaction upload_file" },
};

#define ROLE_COUNT (sizeof(roles) / sizeof(roles[0]))

static bool is_among(const char *list, const char *word, size_t len) {
	while (*list != '\0') {
		size_t here = strcspn(list, " ");
		if (here == len && strncmp(list, word, len) == 0) {
			return true;
		}
		list += here + (list[here] == ' ');
	}
	return false;
}

/* What is denied is denied to channels' roles, as moderation does it. */
static bool is_denied(const struct world *world, const char *word, size_t len) {
	return world->denied != NULL && is_among(world->denied, word, len);
}

bool rest_may(const struct call *call, const struct channel *channel,
		const char *permission) {
	return user_is_admin(call->user) ||
			(channel_has(channel, call->user) &&
					!is_denied(&call->sandbox->world, permission,
							strlen(permission)));
}

static void shape_role(
		struct str *out, const struct world *world, const struct role *role) {
	bool of_channels = strncmp(role->name, "channel_", 8) == 0;
	json_open(out, NULL, '{');
	json_text(out, "id", role->name);
	json_text(out, "name", role->name);
	json_text(out, "display_name", role->name);
	json_text(out, "description", "");
	json_open(out, "permissions", '[');
	const char *at = role->permits;
	while (*at != '\0') {
		size_t len = strcspn(at, " ");
		if (!of_channels || !is_denied(world, at, len)) {
			char *word = xstrndup(at, len);
			json_text(out, NULL, word);
			free(word);
		}
		at += len + (at[len] == ' ');
	}
	json_close(out, ']');
	json_bool(out, "scheme_managed", true);
	json_bool(out, "built_in", true);
	json_close(out, '}');
}

bool rest_knows_roles(const char *names) {
	bool known = true;
	while (*names != '\0') {
		size_t len = strcspn(names, " ");
		bool found = len == 0;
		for (size_t i = 0; i < ROLE_COUNT; i++) {
			found = found ||
					(strlen(roles[i].name) == len &&
							strncmp(roles[i].name, names, len) == 0);
		}
		known = known && found;
		names += len + (names[len] == ' ');
	}
	return known;
}

static void roles_by_names(struct call *call) {
	cJSON *names = rest_json(call, NULL);
	const cJSON *name;
	if (!cJSON_IsArray(names) || cJSON_GetArraySize(names) == 0) {
		rest_bad_param(call, "rolenames");
		cJSON_Delete(names);
		return;
	}
	json_open(&call->answer->body, NULL, '[');
	cJSON_ArrayForEach(name, names) {
		for (size_t i = 0; cJSON_IsString(name) && i < ROLE_COUNT; i++) {
			if (strcmp(roles[i].name, name->valuestring) == 0) {
				shape_role(
						&call->answer->body, &call->sandbox->world, &roles[i]);
			}
		}
	}
	json_close(&call->answer->body, ']');
	cJSON_Delete(names);
}

static void get_team_member(struct call *call) {
	const struct world *world = &call->sandbox->world;
	const struct user *user = strcmp(call->args[1], "me") == 0
			? call->user
			: world_user(world, call->args[1]);
	if (strcmp(call->args[0], world->team_id) != 0 || !call->user->in_team) {
		rest_forbidden(call);
		return;
	}
	if (user == NULL || !user->in_team) {
		rest_error(call, 404, "app.team.get_member.missing.app_error",
				"No team member found for that user ID and team ID.");
		return;
	}
	struct str *out = &call->answer->body;
	json_open(out, NULL, '{');
	json_text(out, "team_id", world->team_id);
	json_text(out, "user_id", user->id);
	json_text(out, "roles", user->guest ? "team_guest" : "team_user");
	json_number(out, "delete_at", 0);
	json_bool(out, "scheme_guest", user->guest);
	json_bool(out, "scheme_user", !user->guest);
	json_bool(out, "scheme_admin", false);
	json_text(out, "explicit_roles", "");
	json_close(out, '}');
}

static void set_text(char **field, const char *text) {
	if (text != NULL) {
		free(*field);
		*field = xstrdup(text);
	}
}

static void change_server(struct call *call) {
	struct world *world = &call->sandbox->world;
	cJSON *json = rest_json(call, NULL);
	set_text(&world->denied, rest_member(json, "deny"));
	set_text(&world->claimed_version, rest_member(json, "version"));
	rest_ok(call);
	cJSON_Delete(json);
}

const struct route rest_rights_routes[] = {
	{ "POST", "/api/v4/roles/names", roles_by_names },
	{ "GET", "/api/v4/teams/*/members/*", get_team_member },
	{ NULL, NULL, NULL },
};

const struct route rest_server_routes[] = {
	{ "POST", "/sandbox/server", change_server },
	{ NULL, NULL, NULL },
};
