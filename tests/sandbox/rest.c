#include "rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/xalloc.h"
#include "events.h"
#include "gojson.h"
#include "sandbox.h"

void answer_init(struct answer *answer) {
	*answer = (struct answer){
		.status = 200,
		.content_type = "application/json",
	};
	str_init(&answer->headers, 0);
	str_init(&answer->body, (size_t)1024 * 1024 * 1024);
}

void answer_finish(struct answer *answer) {
	str_finish(&answer->headers);
	str_finish(&answer->body);
}

void rest_error(
		struct call *call, int status, const char *id, const char *message) {
	char request_id[ID_ROOM];
	struct str *body = &call->answer->body;
	id_make(request_id);
	str_clear(body);
	call->answer->status = status;
	json_open(body, NULL, '{');
	json_text(body, "id", id);
	json_text(body, "message", message);
	json_text(body, "detailed_error", "");
	json_text(body, "request_id", request_id);
	json_number(body, "status_code", status);
	json_close(body, '}');
}

void rest_forbidden(struct call *call) {
	rest_error(call, 403, "api.context.permissions.app_error",
			"You do not have the appropriate permissions.");
}

void rest_ok(struct call *call) {
	str_add(&call->answer->body, "{\"status\":\"OK\"}");
}

void rest_bad_param(struct call *call, const char *what) {
	struct str message;
	str_init(&message, 0);
	str_addf(&message, "Invalid or missing %s in request body.", what);
	rest_error(call, 400, "api.context.invalid_body_param.app_error",
			str_text(&message));
	str_finish(&message);
}

void rest_side_error(struct call *call, const char *text) {
	struct str *body = &call->answer->body;
	str_clear(body);
	call->answer->status = 400;
	json_open(body, NULL, '{');
	json_text(body, "error", text);
	json_close(body, '}');
}

/* ---- reading a request ---- */

struct cJSON *rest_json(const struct call *call, bool *has_nul) {
	bool nul = false;
	const struct request *request = call->request;
	char *text = json_clean(request->body, request->body_len, &nul);
	cJSON *json = cJSON_Parse(text);
	free(text);
	if (has_nul != NULL) {
		*has_nul = nul;
	}
	return json;
}

const char *rest_member(const struct cJSON *json, const char *key) {
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
}

bool rest_query(
		const struct call *call, const char *key, char *value, size_t room) {
	size_t key_len = strlen(key);
	for (const char *at = call->request->query; *at != '\0';) {
		size_t len = strcspn(at, "&");
		if (len > key_len && strncmp(at, key, key_len) == 0 &&
				at[key_len] == '=') {
			snprintf(value, room, "%.*s", (int)(len - key_len - 1),
					at + key_len + 1);
			return true;
		}
		at += len + (at[len] == '&');
	}
	return false;
}

bool rest_can_read(const struct call *call, const struct channel *channel) {
	const struct user *user = call->user;
	bool open = call->sandbox->world.version != VERSION_5_37 &&
			channel->type == 'O' && user->in_team && !user->guest;
	return open || channel_has(channel, user) || user_is_admin(user);
}

bool rest_can_write(const struct call *call, const struct channel *channel) {
	return channel_has(channel, call->user) || user_is_admin(call->user);
}

static bool is_id(const char *text) {
	return strlen(text) == ID_LEN &&
			strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789") == ID_LEN;
}

static void bad_url(struct call *call, const char *what) {
	struct str message;
	str_init(&message, 0);
	str_addf(&message, "Invalid or missing %s parameter in request URL.", what);
	rest_error(call, 400, "api.context.invalid_url_param.app_error",
			str_text(&message));
	str_finish(&message);
}

struct post *rest_post_arg(struct call *call, size_t i) {
	if (!is_id(call->args[i])) {
		bad_url(call, "post_id");
		return NULL;
	}
	struct post *post = world_post(&call->sandbox->world, call->args[i]);
	if (post == NULL || post->delete_at != 0) {
		rest_error(
				call, 404, "app.post.get.app_error", "Unable to get the post.");
		return NULL;
	}
	if (!rest_can_read(call, post->channel)) {
		rest_forbidden(call);
		return NULL;
	}
	return post;
}

struct channel *rest_channel_arg(struct call *call, size_t i) {
	if (!is_id(call->args[i])) {
		bad_url(call, "channel_id");
		return NULL;
	}
	struct channel *channel = world_channel(
			&call->sandbox->world, call->args[i]);
	if (channel == NULL || !rest_can_read(call, channel)) {
		rest_forbidden(call);
		return NULL;
	}
	return channel;
}

/* ---- routes ---- */

static bool matches(struct call *call, const char *pattern) {
	const char *path = call->request->path;
	size_t arg = 0;
	for (;;) {
		size_t want = strcspn(pattern, "/");
		size_t have = strcspn(path, "/");
		if (want == 1 && pattern[0] == '*') {
			if (have == 0 || have >= sizeof(call->args[0])) {
				return false;
			}
			memcpy(call->args[arg], path, have);
			call->args[arg++][have] = '\0';
		} else if (want != have || strncmp(pattern, path, want) != 0) {
			return false;
		}
		pattern += want;
		path += have;
		if (*pattern == '\0') {
			return *path == '\0' || strcmp(path, "/") == 0;
		}
		if (*path == '\0') {
			return false;
		}
		pattern++;
		path++;
	}
}

static const struct route *find_route(
		struct call *call, const struct route *const *tables) {
	for (; *tables != NULL; tables++) {
		for (const struct route *route = *tables; route->method != NULL;
				route++) {
			if (strcmp(route->method, call->request->method) == 0 &&
					matches(call, route->pattern)) {
				return route;
			}
		}
	}
	return NULL;
}

static void unknown_route(struct call *call) {
	struct str *body = &call->answer->body;
	struct str detail;
	str_init(&detail, 0);
	str_addf(&detail,
			"There doesn't appear to be an api call for the url='%s'.  Typo? "
			"are you missing a team_id or user_id as part of the url?",
			call->request->path);
	call->answer->status = 404;
	if (call->sandbox->world.version == VERSION_5_37) {
		call->answer->content_type = "text/plain; charset=utf-8";
	}
	json_open(body, NULL, '{');
	json_text(body, "id", "api.context.404.app_error");
	json_text(body, "message", "Sorry, we could not find the page.");
	json_text(body, "detailed_error", str_text(&detail));
	json_number(body, "status_code", 404);
	json_close(body, '}');
	str_finish(&detail);
}

/* What the REST API answers without a token. */
static bool is_public(const struct request *request) {
	return strcmp(request->path, "/api/v4/system/ping") == 0 ||
			strcmp(request->path, "/api/v4/config/client") == 0 ||
			strncmp(request->path, "/hooks/", 7) == 0;
}

static void handle_api(struct call *call) {
	static const struct route *const tables[] = { rest_posts_routes,
		rest_reading_routes, rest_reactions_routes, rest_people_routes,
		rest_channels_routes, rest_files_routes, rest_rights_routes, NULL };
	const struct route *route = find_route(call, tables);
	if (route == NULL) {
		unknown_route(call);
		return;
	}
	if (call->user == NULL && !is_public(call->request)) {
		rest_error(call, 401, "api.context.session_expired.app_error",
				"Invalid or expired session, please login again.");
		return;
	}
	if (call->user != NULL) {
		call->user->active_us = real_now_us();
	}
	route->handle(call);
}

static void handle_side(struct call *call) {
	static const struct route *const tables[] = { rest_side_routes,
		rest_server_routes, NULL };
	const struct route *route = find_route(call, tables);
	if (route != NULL) {
		route->handle(call);
		return;
	}
	rest_side_error(call, "no such request: see tests/sandbox/README.md");
	call->answer->status = 404;
}

void rest_handle(struct sandbox *sandbox, const struct request *request,
		struct user *user, struct answer *answer) {
	struct call call = {
		.sandbox = sandbox,
		.request = request,
		.answer = answer,
		.user = user,
	};
	sandbox->requests++;
	if (strncmp(request->path, "/sandbox/", 9) == 0) {
		handle_side(&call);
	} else {
		handle_api(&call);
	}
}

void rest_announce(struct sandbox *sandbox, struct channel *channel,
		struct user *user, const char *type, const char *message,
		struct cJSON *take_props) {
	struct post *post = world_add_post(
			&sandbox->world, channel, user, NULL, message);
	free(post->type);
	post->type = xstrdup(type);
	cJSON_Delete(post->props);
	post->props = take_props;
	post->system = true;
	tell_posted(sandbox, post, true);
}
