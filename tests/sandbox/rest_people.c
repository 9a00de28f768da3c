/* Accounts, the team, and what the server says about itself. */
#include <string.h>

#include <cjson/cJSON.h>

#include "acts.h"
#include "events.h"
#include "gojson.h"
#include "rest.h"
#include "sandbox.h"
#include "shape.h"

static void no_user(struct call *call) {
	rest_error(call, 404, "app.user.missing_account.const",
			"Unable to find the user.");
}

static struct user *user_arg(struct call *call) {
	return strcmp(call->args[0], "me") == 0
			? call->user
			: world_user(&call->sandbox->world, call->args[0]);
}

static void answer_user(struct call *call, const struct user *user) {
	bool self = user == call->user || user_is_admin(call->user);
	shape_user(&call->answer->body, NULL, &call->sandbox->world, user, self);
}

static void get_user(struct call *call) {
	const struct user *user = user_arg(call);
	if (user == NULL) {
		no_user(call);
		return;
	}
	answer_user(call, user);
}

static void get_user_named(struct call *call) {
	const struct user *user = world_user_named(
			&call->sandbox->world, call->args[0]);
	if (user == NULL) {
		rest_error(call, 404, "app.user.get_by_username.app_error",
				"Unable to find an existing account matching your username "
				"for this team. This team may require an invite from the team "
				"owner to join.");
		return;
	}
	answer_user(call, user);
}

/* Those who are there, each once; who is not is just missing. */
static void get_users(struct call *call,
		struct user *(*find)(const struct world *world, const char *text)) {
	const struct world *world = &call->sandbox->world;
	struct table seen = { 0 };
	cJSON *list = rest_json(call, NULL);
	const cJSON *node;
	if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0) {
		rest_bad_param(call, "user_ids");
		cJSON_Delete(list);
		return;
	}
	json_open(&call->answer->body, NULL, '[');
	cJSON_ArrayForEach(node, list) {
		struct user *user = cJSON_IsString(node)
				? find(world, node->valuestring)
				: NULL;
		if (user != NULL && table_get(&seen, user->id) == NULL) {
			table_put(&seen, user->id, user);
			shape_user(&call->answer->body, NULL, world, user, false);
		}
	}
	json_close(&call->answer->body, ']');
	table_finish(&seen);
	cJSON_Delete(list);
}

static void users_by_ids(struct call *call) {
	get_users(call, world_user);
}

static struct user *named_exactly(
		const struct world *world, const char *username) {
	struct user *user = world_user_named(world, username);
	return user != NULL && strcmp(user->username, username) == 0 ? user : NULL;
}

static void users_by_names(struct call *call) {
	get_users(call, named_exactly);
}

static bool is_admin(struct call *call) {
	if (!user_is_admin(call->user)) {
		rest_forbidden(call);
		return false;
	}
	return true;
}

static void patch_user(struct call *call) {
	struct user *user = user_arg(call);
	if (user == NULL) {
		no_user(call);
		return;
	}
	if (user != call->user && !is_admin(call)) {
		return;
	}
	cJSON *json = rest_json(call, NULL);
	const char *username = rest_member(json, "username");
	act_rename(
			call->sandbox, user, username != NULL ? username : user->username);
	answer_user(call, user);
	cJSON_Delete(json);
}

static void set_active(struct call *call) {
	struct user *user = user_arg(call);
	if (user == NULL || !is_admin(call)) {
		if (user == NULL) {
			no_user(call);
		}
		return;
	}
	cJSON *json = rest_json(call, NULL);
	const cJSON *active = cJSON_GetObjectItemCaseSensitive(json, "active");
	if (cJSON_IsBool(active)) {
		act_set_active(call->sandbox, user, cJSON_IsTrue(active));
		rest_ok(call);
	} else {
		rest_bad_param(call, "active");
	}
	cJSON_Delete(json);
}

static void set_roles(struct call *call) {
	struct user *user = user_arg(call);
	if (user == NULL || !is_admin(call)) {
		if (user == NULL) {
			no_user(call);
		}
		return;
	}
	cJSON *json = rest_json(call, NULL);
	const char *roles = rest_member(json, "roles");
	if (roles != NULL && !rest_knows_roles(roles)) {
		rest_error(call, 400, "app.role.check_roles_exist.role_not_found",
				"The provided role does not exist");
	} else if (roles != NULL) {
		act_set_roles(call->sandbox, user, roles);
		rest_ok(call);
	} else {
		rest_bad_param(call, "roles");
	}
	cJSON_Delete(json);
}

static void answer_bot(struct call *call, const struct user *bot) {
	struct str *body = &call->answer->body;
	json_open(body, NULL, '{');
	json_text(body, "user_id", bot->id);
	json_text(body, "username", bot->username);
	json_text(body, "owner_id", call->user->id);
	json_number(body, "create_at", bot->create_at);
	json_number(body, "update_at", bot->update_at);
	json_number(body, "delete_at", bot->delete_at);
	json_close(body, '}');
}

static void switch_bot(struct call *call, bool active) {
	struct user *bot = world_user(&call->sandbox->world, call->args[0]);
	if (!is_admin(call)) {
		return;
	}
	if (bot == NULL || !bot->bot) {
		rest_error(call, 404, "store.sql_bot.get.missing.app_error",
				"Bot does not exist.");
		return;
	}
	act_set_active(call->sandbox, bot, active);
	answer_bot(call, bot);
}

static void disable_bot(struct call *call) {
	switch_bot(call, false);
}

static void enable_bot(struct call *call) {
	switch_bot(call, true);
}

static void switch_token(struct call *call, enum token_state state) {
	struct world *world = &call->sandbox->world;
	if (!is_admin(call)) {
		return;
	}
	cJSON *json = rest_json(call, NULL);
	const char *token_id = rest_member(json, "token_id");
	struct user *owner = NULL;
	for (size_t i = 0; token_id != NULL && i < world->user_count; i++) {
		if (strcmp(world->users[i]->token_id, token_id) == 0) {
			owner = world->users[i];
		}
	}
	if (owner == NULL) {
		rest_bad_param(call, "token_id");
	} else {
		act_set_token(owner, state);
		rest_ok(call);
	}
	cJSON_Delete(json);
}

static void revoke_token(struct call *call) {
	switch_token(call, TOKEN_REVOKED);
}

static void disable_token(struct call *call) {
	switch_token(call, TOKEN_DISABLED);
}

static void enable_token(struct call *call) {
	switch_token(call, TOKEN_GOOD);
}

static void type_in_channel(struct call *call) {
	cJSON *json = rest_json(call, NULL);
	const char *channel_id = rest_member(json, "channel_id");
	const char *parent_id = rest_member(json, "parent_id");
	struct channel *channel = channel_id != NULL
			? world_channel(&call->sandbox->world, channel_id)
			: NULL;
	if (channel == NULL || !rest_can_write(call, channel)) {
		rest_forbidden(call);
	} else {
		tell_typing(call->sandbox, channel, call->user,
				parent_id != NULL ? parent_id : "");
		rest_ok(call);
	}
	cJSON_Delete(json);
}

static bool is_team(struct call *call, const char *name) {
	if (strcmp(name, call->sandbox->world.team_name) == 0) {
		return true;
	}
	rest_error(call, 404, "app.team.get_by_name.missing.app_error",
			"Unable to find the existing team.");
	return false;
}

static void get_team_named(struct call *call) {
	if (is_team(call, call->args[0])) {
		shape_team(&call->answer->body, NULL, &call->sandbox->world);
	}
}

static void my_teams(struct call *call) {
	json_open(&call->answer->body, NULL, '[');
	if (call->user->in_team) {
		shape_team(&call->answer->body, NULL, &call->sandbox->world);
	}
	json_close(&call->answer->body, ']');
}

static void ping(struct call *call) {
	struct str *body = &call->answer->body;
	json_open(body, NULL, '{');
	if (call->sandbox->world.version != VERSION_5_37) {
		json_text(body, "ActiveSearchBackend", "database");
	}
	json_text(body, "AndroidLatestVersion", "");
	json_text(body, "AndroidMinVersion", "");
	json_text(body, "IosLatestVersion", "");
	json_text(body, "IosMinVersion", "");
	json_text(body, "status", "OK");
	json_close(body, '}');
}

static void client_config(struct call *call) {
	bool old = call->sandbox->world.version == VERSION_5_37;
	struct str *body = &call->answer->body;
	json_open(body, NULL, '{');
	json_text(body, "BuildNumber", "");
	json_text(body, "EnableUserAccessTokens", "true");
	json_text(body, "MaxPostSize", "16383");
	json_text(body, "PostEditTimeLimit", "-1");
	json_text(body, "SiteURL", call->sandbox->url);
	const char *claimed = call->sandbox->world.claimed_version;
	json_text(body, "Version",
			claimed != NULL ? claimed
					: old   ? "5.37.0"
							: "11.6.0");
	json_close(body, '}');
}

const struct route rest_people_routes[] = {
	{ "POST", "/api/v4/users/ids", users_by_ids },
	{ "POST", "/api/v4/users/usernames", users_by_names },
	{ "GET", "/api/v4/users/username/*", get_user_named },
	{ "GET", "/api/v4/users/me/teams", my_teams },
	{ "GET", "/api/v4/users/*", get_user },
	{ "PUT", "/api/v4/users/*/patch", patch_user },
	{ "PUT", "/api/v4/users/*/active", set_active },
	{ "PUT", "/api/v4/users/*/roles", set_roles },
	{ "POST", "/api/v4/users/me/typing", type_in_channel },
	{ "POST", "/api/v4/users/tokens/revoke", revoke_token },
	{ "POST", "/api/v4/users/tokens/disable", disable_token },
	{ "POST", "/api/v4/users/tokens/enable", enable_token },
	{ "POST", "/api/v4/bots/*/disable", disable_bot },
	{ "POST", "/api/v4/bots/*/enable", enable_bot },
	{ "GET", "/api/v4/teams/name/*", get_team_named },
	{ "GET", "/api/v4/system/ping", ping },
	{ "GET", "/api/v4/config/client", client_config },
	{ NULL, NULL, NULL },
};
