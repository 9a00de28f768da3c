#include "actions.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "events.h"
#include "gojson.h"
#include "sandbox.h"

/* One request of a client. */
struct action {
	struct sandbox *sandbox;
	struct conn *conn;
	const cJSON *json;
	const char *name;
	double seq;
};

static void reply_begin(struct str *out, const char *status, double seq) {
	str_init(out, 0);
	json_open(out, NULL, '{');
	json_text(out, "status", status);
	if (seq != 0) {
		json_number(out, "seq_reply", (int64_t)seq);
	}
}

static void reply_end(
		struct sandbox *sandbox, struct conn *conn, struct str *out) {
	json_close(out, '}');
	str_add_char(out, '\n');
	hub_reply(&sandbox->hub, conn, str_text(out));
	str_finish(out);
}

void actions_reply_ok(struct sandbox *sandbox, struct conn *conn, double seq) {
	struct str out;
	reply_begin(&out, "OK", seq);
	reply_end(sandbox, conn, &out);
}

static void fail(const struct action *action, const char *id,
		const char *message, int status) {
	struct str out;
	reply_begin(&out, "FAIL", action->seq);
	json_open(&out, "error", '{');
	json_text(&out, "id", id);
	json_text(&out, "message", message);
	json_text(&out, "detailed_error", "");
	json_number(&out, "status_code", status);
	json_close(&out, '}');
	reply_end(action->sandbox, action->conn, &out);
}

/* 5.37 prints the token that it refuses. */
static void fail_unauthorised(const struct action *action) {
	bool old = action->sandbox->world.version == VERSION_5_37;
	if (!old || conn_user(action->conn)->delete_at != 0) {
		fail(action, "api.web_socket_router.not_authenticated.app_error",
				"WebSocket connection is not authenticated. Please log in and "
				"try again.",
				401);
		return;
	}
	struct str message;
	str_init(&message, 0);
	str_addf(&message,
			"Invalid session token=%s, err=", conn_token(action->conn));
	fail(action, "api.context.invalid_token.error", str_text(&message), 401);
	str_finish(&message);
}

static void pong(const struct action *action) {
	const struct world *world = &action->sandbox->world;
	struct str out;
	reply_begin(&out, "OK", action->seq);
	json_open(&out, "data", '{');
	json_text(&out, "node_id", "");
	json_number(&out, "server_time", world_now(world));
	json_text(&out, "text", "pong");
	json_text(&out, "version",
			world->version == VERSION_5_37 ? "5.37.0" : "11.6.0");
	json_close(&out, '}');
	reply_end(action->sandbox, action->conn, &out);
}

static const char *data_text(const struct action *action, const char *key) {
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(
			cJSON_GetObjectItemCaseSensitive(action->json, "data"), key));
}

static void type_in_channel(const struct action *action) {
	const char *id = data_text(action, "channel_id");
	const char *parent = data_text(action, "parent_id");
	struct user *user = conn_user(action->conn);
	struct channel *channel = id != NULL
			? world_channel(&action->sandbox->world, id)
			: NULL;
	if (channel == NULL || !channel_has(channel, user)) {
		fail(action, "api.websocket_handler.invalid_param.app_error",
				"Invalid channel_id parameter.", 400);
		return;
	}
	tell_typing(action->sandbox, channel, user, parent != NULL ? parent : "");
	actions_reply_ok(action->sandbox, action->conn, action->seq);
}

static void add_status(struct str *out, const struct user *user) {
	json_text(out, user->id, user->online ? "online" : "offline");
}

static void statuses(const struct action *action) {
	const struct world *world = &action->sandbox->world;
	struct str out;
	reply_begin(&out, "OK", action->seq);
	json_open(&out, "data", '{');
	for (size_t i = 0; i < world->user_count; i++) {
		if (world->users[i]->online) {
			add_status(&out, world->users[i]);
		}
	}
	json_close(&out, '}');
	reply_end(action->sandbox, action->conn, &out);
}

static void act(const struct action *action) {
	if (strcmp(action->name, "ping") == 0) {
		pong(action);
	} else if (strcmp(action->name, "user_typing") == 0) {
		type_in_channel(action);
	} else if (strcmp(action->name, "get_statuses") == 0) {
		statuses(action);
	} else {
		fail(action, "api.web_socket_router.bad_action.app_error",
				"Unknown WebSocket action.", 500);
	}
}

/* A challenge after a header gets no reply at all. */
static void check_and_act(const struct action *action) {
	if (action->name[0] == '\0') {
		fail(action, "api.web_socket_router.no_action.app_error",
				"No websocket action.", 400);
	} else if (action->seq <= 0) {
		fail(action, "api.web_socket_router.bad_seq.app_error",
				"Invalid sequence for WebSocket message.", 400);
	} else if (strcmp(action->name, "authentication_challenge") == 0) {
		return;
	} else if (!hub_is_authorised(&action->sandbox->hub, action->conn)) {
		fail_unauthorised(action);
	} else {
		act(action);
	}
}

static cJSON *parse(const char *message, size_t len) {
	char *text = xstrndup(message, len);
	bool has_nul = false;
	char *clean = json_clean(message, len, &has_nul);
	/* Unlike a request's body, a frame with bad UTF-8 is not mended. */
	bool same = strcmp(text, clean) == 0 && strlen(text) == len;
	cJSON *json = same ? cJSON_Parse(text) : NULL;
	free(text);
	free(clean);
	if (json != NULL && !cJSON_IsObject(json)) {
		cJSON_Delete(json);
		return NULL;
	}
	return json;
}

static double seq_of(const cJSON *json) {
	const cJSON *seq = cJSON_GetObjectItemCaseSensitive(json, "seq");
	return cJSON_IsNumber(seq) ? seq->valuedouble : 0;
}

bool actions_handle(struct sandbox *sandbox, struct conn *conn,
		const char *message, size_t len) {
	cJSON *json = parse(message, len);
	if (json == NULL) {
		return false;
	}
	const char *name = cJSON_GetStringValue(
			cJSON_GetObjectItemCaseSensitive(json, "action"));
	struct action action = {
		.sandbox = sandbox,
		.conn = conn,
		.json = json,
		.name = name != NULL ? name : "",
		.seq = seq_of(json),
	};
	check_and_act(&action);
	cJSON_Delete(json);
	return true;
}

char *actions_challenge(const char *message, size_t len, double *seq) {
	cJSON *json = parse(message, len);
	const char *name = cJSON_GetStringValue(
			cJSON_GetObjectItemCaseSensitive(json, "action"));
	const char *token = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(
			cJSON_GetObjectItemCaseSensitive(json, "data"), "token"));
	char *copy = NULL;
	if (name != NULL && strcmp(name, "authentication_challenge") == 0 &&
			token != NULL) {
		*seq = seq_of(json);
		copy = xstrdup(token);
	}
	cJSON_Delete(json);
	return copy;
}
