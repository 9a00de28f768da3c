/* Websocket links: upgrade, authentication, frames, pings. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "actions.h"
#include "base/xalloc.h"
#include "gojson.h"
#include "sandbox.h"
#include "session.h"

#define SECOND_US     INT64_C(1000000)
#define AUTH_US       (5 * SECOND_US)
#define PING_US       (60 * SECOND_US)
#define PONG_US       (100 * SECOND_US)
#define MESSAGE_BYTES 8192

/* ---- refusing an upgrade ---- */

static void upgrade_error(struct answer *answer, int status, const char *word,
		const char *id, const char *message, int inner_status) {
	char request_id[ID_ROOM];
	id_make(request_id);
	answer->status = status;
	if (word != NULL) {
		answer->content_type = "text/plain; charset=utf-8";
		str_addf(&answer->body, "%s\n", word);
	}
	struct str json;
	str_init(&json, 0);
	json_open(&json, NULL, '{');
	json_text(&json, "id", id);
	json_text(&json, "message", message);
	json_text(&json, "detailed_error", "");
	json_text(&json, "request_id", request_id);
	json_number(&json, "status_code", inner_status);
	json_close(&json, '}');
	str_add(&answer->body, str_text(&json));
	str_finish(&json);
}

static bool is_old(const struct session *session) {
	return session->net->sandbox->world.version == VERSION_5_37;
}

/* A foreign page's script must not get in. */
static bool refuse_origin(struct session *session, struct answer *answer) {
	char *origin = session_header(session->wsi, WSI_TOKEN_ORIGIN);
	bool foreign = origin[0] != '\0' &&
			strcmp(origin, session->net->sandbox->url) != 0;
	free(origin);
	if (foreign) {
		upgrade_error(answer, 403, "Forbidden",
				"api.web_socket.connect.upgrade.app_error",
				"Failed to upgrade websocket connection.",
				is_old(session) ? 500 : 400);
	}
	return foreign;
}

static bool refuse_query_token(struct session *session, struct answer *answer) {
	if (strstr(session->query, "access_token=") == NULL) {
		return false;
	}
	upgrade_error(answer, 401, NULL, "api.context.token_provided.app_error",
			"Session is not OAuth but token was provided in the query string.",
			401);
	return true;
}

static bool refuse_path(struct session *session, struct answer *answer) {
	if (strcmp(session->path, "/api/v4/websocket") == 0 ||
			strcmp(session->path, "/api/v4/websocket/") == 0) {
		return false;
	}
	upgrade_error(answer, 404, NULL, "api.context.404.app_error",
			"Sorry, we could not find the page.", 404);
	return true;
}

static bool refuse_for_fault(
		struct session *session, struct answer *answer, int *result) {
	struct sandbox *sandbox = session->net->sandbox;
	const struct user *user = world_user_of_token(
			&sandbox->world, session->token);
	struct fault fault = faults_on_upgrade(
			&sandbox->faults, user != NULL ? user->username : NULL);
	session->silent = fault.kind == FAULT_SILENT;
	session->refuse_resume = fault.kind == FAULT_REFUSE_RESUME;
	if (fault.kind == FAULT_RESET) {
		session_hang_up(session, true);
		*result = -1;
		return true;
	}
	if (fault.kind != FAULT_STATUS) {
		return false;
	}
	answer_init(answer);
	answer->status = fault.status;
	answer->content_type = "text/plain; charset=utf-8";
	if (fault.status == 429) {
		rate_refuse(answer, 101, fault.retry_after_s, 11);
	} else {
		str_add(&answer->body, "unavailable\n");
	}
	*result = http_refuse(session, answer);
	answer_finish(answer);
	return true;
}

int websocket_confirm(struct session *session) {
	struct answer answer;
	int result = 0;
	char *uri = NULL;
	int len = 0;
	session_clear_exchange(session);
	if (lws_http_get_uri_and_method(session->wsi, &uri, &len) < 0) {
		return -1;
	}
	session->path = xstrndup(uri, (size_t)len);
	session->query = session_query(session->wsi);
	session->token = session_token(session->wsi);
	if (refuse_for_fault(session, &answer, &result)) {
		return result;
	}
	answer_init(&answer);
	bool refused = !rate_allow(
			&session->net->sandbox->rate, real_now_us(), &answer);
	if (refused || refuse_path(session, &answer) ||
			refuse_origin(session, &answer) ||
			refuse_query_token(session, &answer)) {
		result = http_refuse(session, &answer);
	}
	answer_finish(&answer);
	return result;
}

int websocket_plain_get(struct session *session) {
	struct answer *answer = &session->answer;
	upgrade_error(answer, 400, "Bad Request",
			"api.web_socket.connect.upgrade.app_error",
			is_old(session) ? "Failed to upgrade websocket connection."
							: "URL Blocked because of CORS. Url: ",
			is_old(session) ? 500 : 400);
	session->state = SESSION_READY;
	lws_callback_on_writable(session->wsi);
	return 0;
}

/* ---- an open link ---- */

static bool value_of(const char *query, const char *key, char **value) {
	size_t key_len = strlen(key);
	for (const char *at = query; *at != '\0';) {
		size_t len = strcspn(at, "&");
		if (len > key_len && strncmp(at, key, key_len) == 0 &&
				at[key_len] == '=') {
			*value = xstrndup(at + key_len + 1, len - key_len - 1);
			return true;
		}
		at += len + (at[len] == '&');
	}
	return false;
}

static int join(struct session *session, struct user *user) {
	char *id = NULL;
	char *number = NULL;
	value_of(session->query, "connection_id", &id);
	value_of(session->query, "sequence_number", &number);
	struct hub_hail hail = {
		.user = user,
		.token = session->token,
		.id = id,
		.number = number,
		.link = session,
		.refuse_resume = session->refuse_resume,
	};
	session->conn = hub_join(&session->net->sandbox->hub, &hail);
	free(id);
	free(number);
	if (session->conn == NULL) {
		session_hang_up(session, false);
		return 0;
	}
	lws_callback_on_writable(session->wsi);
	return 0;
}

int websocket_open(struct session *session) {
	struct sandbox *sandbox = session->net->sandbox;
	int64_t now_us = real_now_us();
	session->state = SESSION_WEBSOCKET;
	session->deadline_us = now_us + AUTH_US / sandbox->hurry;
	session->ping_due_us = now_us + PING_US / sandbox->hurry;
	session->ponged_us = now_us;
	str_init(&session->message, 0);
	struct user *user = session->token[0] != '\0'
			? world_user_of_token(&sandbox->world, session->token)
			: NULL;
	if (user == NULL || session->silent) {
		return 0;
	}
	return join(session, user);
}

/* Without a header in the upgrade nothing can be resumed. */
static void challenged(
		struct session *session, const char *message, size_t len) {
	struct sandbox *sandbox = session->net->sandbox;
	double seq = 0;
	char *token = actions_challenge(message, len, &seq);
	struct user *user = token != NULL
			? world_user_of_token(&sandbox->world, token)
			: NULL;
	if (user == NULL) {
		free(token);
		session_hang_up(session, false);
		return;
	}
	struct hub_hail hail = { .user = user, .token = token, .link = session };
	session->conn = hub_join(&sandbox->hub, &hail);
	actions_reply_ok(sandbox, session->conn, seq);
	free(token);
}

static void whole_message(struct session *session) {
	const char *message = str_text(&session->message);
	size_t len = session->message.len;
	if (session->silent) {
		return;
	}
	if (session->conn == NULL) {
		challenged(session, message, len);
	} else if (!actions_handle(
					   session->net->sandbox, session->conn, message, len)) {
		session_hang_up(session, false);
	}
}

int websocket_receive(struct session *session, const void *bytes, size_t len) {
	struct runclock *clock = session->net->sandbox->clock;
	if (session->dooming) {
		return 0;
	}
	if (clock != NULL) {
		runclock_touch(clock);
	}
	str_add_bytes(&session->message, bytes, len);
	if (session->message.len > MESSAGE_BYTES) {
		lws_close_reason(
				session->wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
		return -1;
	}
	if (!lws_is_final_fragment(session->wsi) ||
			lws_remaining_packet_payload(session->wsi) > 0) {
		return 0;
	}
	if (lws_frame_is_binary(session->wsi)) {
		session_hang_up(session, false);
	} else {
		whole_message(session);
	}
	str_clear(&session->message);
	return 0;
}

/* ---- writing ---- */

static int write_frame(struct session *session, const struct str *frame) {
	unsigned char *buffer = xcalloc(1, LWS_PRE + frame->len);
	memcpy(buffer + LWS_PRE, frame->data, frame->len);
	int n = lws_write(
			session->wsi, buffer + LWS_PRE, frame->len, LWS_WRITE_TEXT);
	free(buffer);
	return n < (int)frame->len ? -1 : 0;
}

/* The library always adds a status; the real server sends none here. */
static void write_empty_close(struct session *session) {
	static const char frame[] = { '\x88', '\0' };
	ssize_t n = send(lws_get_socket_fd(session->wsi), frame, sizeof(frame),
			MSG_NOSIGNAL);
	(void)n; // whoever does not get it sees the FIN
	session_hang_up(session, false);
}

/* The real one's is empty; but the library does not tell of an empty pong. */
static int write_ping(struct session *session) {
	unsigned char buffer[LWS_PRE + 1] = { 0 };
	buffer[LWS_PRE] = 'p';
	return lws_write(session->wsi, buffer + LWS_PRE, 1, LWS_WRITE_PING) < 0 ? -1
																			: 0;
}

static int write_next(struct session *session) {
	struct str frame;
	int result = 0;
	str_init(&frame, 0);
	switch (hub_next(&session->net->sandbox->hub, session->conn, real_now_us(),
			&frame)) {
	case HUB_FRAME:
		result = write_frame(session, &frame);
		lws_callback_on_writable(session->wsi);
		break;
	case HUB_CLOSE:
		write_empty_close(session);
		break;
	case HUB_NOTHING:
	case HUB_LATER: // the tick asks again
		break;
	}
	str_finish(&frame);
	return result;
}

int websocket_write(struct session *session) {
	struct runclock *clock = session->net->sandbox->clock;
	if (session->dooming || session->frozen) {
		return 0;
	}
	if (real_now_us() >= session->ping_due_us) {
		session->ping_due_us += PING_US / session->net->sandbox->hurry;
		lws_callback_on_writable(session->wsi);
		return write_ping(session);
	}
	if (session->conn == NULL || lws_send_pipe_choked(session->wsi)) {
		return 0;
	}
	if (clock != NULL && conn_waiting(session->conn) > 0) {
		runclock_touch(clock);
	}
	return write_next(session);
}

void websocket_tick(struct session *session, int64_t now_us) {
	if (session->dooming || session->frozen) {
		return;
	}
	if ((session->conn == NULL && now_us >= session->deadline_us &&
				!session->silent) ||
			now_us - session->ponged_us >=
					PONG_US / session->net->sandbox->hurry) {
		session_hang_up(session, false);
		return;
	}
	if (now_us >= session->ping_due_us ||
			(session->conn != NULL && conn_waiting(session->conn) > 0)) {
		lws_callback_on_writable(session->wsi);
	}
}

void websocket_gone(struct session *session) {
	struct conn *conn = session->conn;
	if (conn != NULL) {
		session->conn = NULL;
		hub_link_gone(&session->net->sandbox->hub, conn);
	}
}
