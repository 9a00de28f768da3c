/* HTTP exchanges, with the faults that may befall them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/xalloc.h"
#include "gojson.h"
#include "sandbox.h"
#include "session.h"

#define BODY_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define HEAD_ROOM      4096

static struct request request_of(const struct session *session) {
	return (struct request){
		.method = session->method,
		.path = session->path,
		.query = session->query,
		.token = session->token,
		.content_type = session->content_type,
		.body = str_text(&session->body),
		.body_len = session->body.len,
		.owner = session,
	};
}

static bool is_side_door(const struct session *session) {
	return strncmp(session->path, "/sandbox/", 9) == 0;
}

static void touch_clock(const struct session *session) {
	struct runclock *clock = session->net->sandbox->clock;
	if (clock != NULL && !is_side_door(session)) {
		runclock_touch(clock);
	}
}

static void make_ready(struct session *session) {
	session->state = SESSION_READY;
	touch_clock(session);
	lws_callback_on_writable(session->wsi);
}

static struct user *user_of(const struct session *session) {
	return session->token[0] == '\0'
			? NULL
			: world_user_of_token(
					  &session->net->sandbox->world, session->token);
}

static void process(struct session *session) {
	struct request request = request_of(session);
	session->processed = true;
	rest_handle(session->net->sandbox, &request, user_of(session),
			&session->answer);
	if (session->answer.wait) {
		session->state = SESSION_WAITING;
		lws_set_timeout(session->wsi, NO_PENDING_TIMEOUT, 0);
	} else {
		make_ready(session);
	}
}

/* ---- faults ---- */

static void fault_answer(struct answer *answer, const struct fault *fault) {
	answer_finish(answer);
	answer_init(answer);
	answer->status = fault->status;
	if (fault->status == 429) {
		rate_refuse(answer, 101, fault->retry_after_s, 11);
	} else if (fault->status == 503) {
		answer->content_type = "text/html";
		str_add(&answer->body, "<html>Service Unavailable</html>\n");
	} else {
		json_open(&answer->body, NULL, '{');
		json_text(&answer->body, "id", "sandbox.fault.app_error");
		json_text(&answer->body, "message", "A fault was asked for.");
		json_text(&answer->body, "detailed_error", "");
		json_text(&answer->body, "request_id", "");
		json_number(&answer->body, "status_code", fault->status);
		json_close(&answer->body, '}');
	}
}

static void hold_back(struct session *session, const struct fault *fault) {
	struct request request = request_of(session);
	session->hold = *fault;
	session->hold_until_us = fault->kind == FAULT_DELAY
			? real_now_us() + fault->ms * 1000
			: INT64_MAX;
	session->state = SESSION_HELD;
	lws_set_timeout(session->wsi, NO_PENDING_TIMEOUT, 0);
	if (!session->processed) {
		rest_note_pending(session->net->sandbox, &request);
	}
}

static int suffer(struct session *session, const struct fault *fault) {
	switch ((int)fault->kind) {
	case FAULT_STATUS:
		fault_answer(&session->answer, fault);
		make_ready(session);
		return 0;
	case FAULT_RESET:
		session_hang_up(session, true);
		return 0;
	case FAULT_TIMEOUT:
		session->state = SESSION_NEVER;
		lws_set_timeout(session->wsi, NO_PENDING_TIMEOUT, 0);
		return 0;
	default:
		hold_back(session, fault);
		return 0;
	}
}

static int handle_whole(struct session *session) {
	struct fault fault = { .kind = FAULT_NONE };
	const struct user *user = user_of(session);
	if (!is_side_door(session)) {
		char *target = xasprintf("%s%s%s", session->path,
				session->query[0] != '\0' ? "?" : "", session->query);
		fault = faults_on_request(&session->net->sandbox->faults,
				session->method, target, user != NULL ? user->username : NULL);
		free(target);
	}
	if (fault.kind == FAULT_NONE && !is_side_door(session) &&
			!rate_allow(&session->net->sandbox->rate, real_now_us(),
					&session->answer)) {
		make_ready(session);
		return 0;
	}
	if (fault.kind == FAULT_NONE) {
		process(session);
		return 0;
	}
	if (fault.after) {
		process(session);
	}
	return suffer(session, &fault);
}

/* ---- reading ---- */

static const char *method_of(struct lws *wsi) {
	static const char *const names[] = {
		[LWSHUMETH_GET] = "GET",
		[LWSHUMETH_POST] = "POST",
		[LWSHUMETH_OPTIONS] = "OPTIONS",
		[LWSHUMETH_PUT] = "PUT",
		[LWSHUMETH_PATCH] = "PATCH",
		[LWSHUMETH_DELETE] = "DELETE",
		[LWSHUMETH_CONNECT] = "CONNECT",
		[LWSHUMETH_HEAD] = "HEAD",
	};
	char *uri = NULL;
	int len = 0;
	int method = lws_http_get_uri_and_method(wsi, &uri, &len);
	bool known = method >= 0 && method < (int)(sizeof(names) / sizeof(*names));
	return known ? names[method] : "?";
}

static bool has_body(struct lws *wsi) {
	char *length = session_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
	bool some = strtoll(length, NULL, 10) > 0;
	free(length);
	return some;
}

/* Those that send much wait for a word that they may. */
static void encourage(struct session *session) {
	static const char word[] = "HTTP/1.1 100 Continue\r\n\r\n";
	char *expect = session_header(session->wsi, WSI_TOKEN_HTTP_EXPECT);
	if (expect[0] != '\0') {
		unsigned char buffer[LWS_PRE + sizeof(word)];
		memcpy(buffer + LWS_PRE, word, sizeof(word));
		lws_write(session->wsi, buffer + LWS_PRE, sizeof(word) - 1,
				LWS_WRITE_HTTP_HEADERS);
	}
	free(expect);
}

int http_begin(struct session *session, const char *path) {
	struct lws *wsi = session->wsi;
	session_clear_exchange(session);
	session->method = xstrdup(method_of(wsi));
	session->path = xstrdup(path);
	session->query = session_query(wsi);
	session->token = session_token(wsi);
	session->content_type = session_header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
	session->state = SESSION_READING;
	str_init(&session->body, BODY_BYTES_MAX);
	if (strncmp(path, "/api/v4/websocket", 17) == 0) {
		return websocket_plain_get(session);
	}
	if (has_body(wsi)) {
		encourage(session);
		return 0;
	}
	return handle_whole(session);
}

int http_body(struct session *session, const void *bytes, size_t len) {
	if (session->state != SESSION_READING) {
		return 0;
	}
	str_add_bytes(&session->body, bytes, len);
	return session->body.cut ? -1 : 0;
}

int http_whole(struct session *session) {
	return session->state == SESSION_READING ? handle_whole(session) : 0;
}

/* ---- writing ---- */

/* Collects the head of an answer; lws keeps the position. */
struct head {
	struct lws *wsi;
	unsigned char buffer[LWS_PRE + HEAD_ROOM];
	unsigned char *at;
	bool failed;
};

static unsigned char *head_end(struct head *head) {
	return head->buffer + sizeof(head->buffer) - 1;
}

static void head_add(struct head *head, const char *name, const char *value) {
	char with_colon[300];
	snprintf(with_colon, sizeof(with_colon), "%s:", name);
	head->failed |= lws_add_http_header_by_name(head->wsi,
							(const unsigned char *)with_colon,
							(const unsigned char *)value, (int)strlen(value),
							&head->at, head_end(head)) != 0;
}

static void head_add_lines(struct head *head, const char *lines) {
	while (*lines != '\0') {
		char line[256];
		size_t len = strcspn(lines, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)len, lines);
		char *colon = strstr(line, ": ");
		if (colon != NULL) {
			*colon = '\0';
			head_add(head, line, colon + 2);
		}
		lines += len + (lines[len] == '\n');
	}
}

static void head_add_date(struct head *head, const struct world *world) {
	char date[64];
	struct tm utc;
	time_t seconds = (time_t)(world_now(world) / 1000);
	gmtime_r(&seconds, &utc);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &utc);
	head_add(head, "Date", date);
}

static void head_begin(struct head *head, struct session *session,
		const struct answer *answer) {
	char length[32];
	char request_id[ID_ROOM];
	const struct world *world = &session->net->sandbox->world;
	id_make(request_id);
	snprintf(length, sizeof(length), "%zu", answer->body.len);
	*head = (struct head){ .wsi = session->wsi };
	head->at = head->buffer + LWS_PRE;
	head->failed = lws_add_http_header_status(session->wsi,
						   (unsigned)answer->status, &head->at,
						   head_end(head)) != 0;
	head_add(head, "Content-Type", answer->content_type);
	head_add_lines(head, str_text(&answer->headers));
	head_add(head, "Vary", "Accept-Encoding");
	head_add(head, "X-Request-Id", request_id);
	head_add(head, "X-Version-Id",
			world->version == VERSION_5_37 ? "5.37.0.sandbox"
										   : "11.6.0.sandbox");
	head_add_date(head, world);
	head_add(head, "Content-Length", length);
	head->failed |= lws_finalize_http_header(
							session->wsi, &head->at, head_end(head)) != 0;
}

static bool write_answer(struct session *session, const struct answer *answer) {
	struct head head;
	head_begin(&head, session, answer);
	size_t head_len = (size_t)(head.at - head.buffer) - LWS_PRE;
	if (head.failed) {
		return false;
	}
	/* Head and body in one piece, so that a client sees them together. */
	size_t len = head_len + answer->body.len;
	unsigned char *buffer = xcalloc(1, LWS_PRE + len);
	memcpy(buffer + LWS_PRE, head.buffer + LWS_PRE, head_len);
	if (answer->body.len > 0) {
		memcpy(buffer + LWS_PRE + head_len, answer->body.data,
				answer->body.len);
	}
	int n = lws_write(
			session->wsi, buffer + LWS_PRE, len, LWS_WRITE_HTTP_FINAL);
	free(buffer);
	return n >= 0;
}

int http_write(struct session *session) {
	if (session->state != SESSION_READY || session->dooming) {
		return 0;
	}
	bool written = write_answer(session, &session->answer);
	touch_clock(session);
	session_clear_exchange(session);
	session->state = SESSION_IDLE;
	return written && lws_http_transaction_completed(session->wsi) == 0 ? 0
																		: -1;
}

int http_refuse(struct session *session, const struct answer *answer) {
	return write_answer(session, answer) ? 1 : -1;
}

/* ---- time ---- */

static bool is_over(const struct session *session, int64_t now_us) {
	if (session->hold.kind == FAULT_HOLD) {
		return !faults_has(&session->net->sandbox->faults, session->hold.id);
	}
	return now_us >= session->hold_until_us;
}

void http_tick(struct session *session, int64_t now_us) {
	if (session->dooming) {
		return;
	}
	if (session->state == SESSION_HELD && is_over(session, now_us)) {
		if (session->processed) {
			make_ready(session);
		} else {
			process(session);
		}
	} else if (session->state == SESSION_WAITING) {
		const char *why = players_is_over(
				session->net->sandbox, &session->answer.until);
		if (why != NULL) {
			rest_end_wait(session->net->sandbox, &session->answer, why);
			make_ready(session);
		}
	}
}
