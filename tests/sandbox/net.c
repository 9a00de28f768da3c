#include "net.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libwebsockets.h>

#include "base/xalloc.h"
#include "gojson.h"
#include "sandbox.h"
#include "session.h"
#include "sys/runclock.h"

#define TICK_US       5000
#define TICK_CLOCK_US 1000 // with a run clock to be moved
#define HEADER_BYTES  16384
#define KEEP_ALIVE_S  60 // as the real server's
#define HTTP_LATE_S   600

static volatile sig_atomic_t stopped;

static void on_signal(int number) {
	(void)number;
	stopped = 1;
}

/* ---- sessions ---- */

/* The session of @wsi; made if there is none. */
static struct session *session_of(struct net *net, struct lws *wsi) {
	struct session *session = lws_get_opaque_user_data(wsi);
	if (session == NULL) {
		session = xcalloc(1, sizeof(*session));
		session->net = net;
		session->wsi = wsi;
		answer_init(&session->answer);
		session->next = net->sessions;
		net->sessions = session;
		lws_set_opaque_user_data(wsi, session);
	}
	return session;
}

void session_clear_exchange(struct session *session) {
	free(session->method);
	free(session->path);
	free(session->query);
	free(session->token);
	free(session->content_type);
	session->method = NULL;
	session->path = NULL;
	session->query = NULL;
	session->token = NULL;
	session->content_type = NULL;
	str_finish(&session->body);
	answer_finish(&session->answer);
	answer_init(&session->answer);
	session->processed = false;
	session->reset = false;
}

static void session_destroy(struct session *session) {
	struct session **at = &session->net->sessions;
	while (*at != session) {
		at = &(*at)->next;
	}
	*at = session->next;
	websocket_gone(session);
	session_clear_exchange(session);
	answer_finish(&session->answer);
	str_finish(&session->message);
	lws_set_opaque_user_data(session->wsi, NULL);
	free(session);
}

void session_hang_up(struct session *session, bool reset) {
	int fd = lws_get_socket_fd(session->wsi);
	if (session->dooming) {
		return;
	}
	session->dooming = true;
	if (reset) {
		struct linger linger = { .l_onoff = 1, .l_linger = 0 };
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	} else {
		shutdown(fd, SHUT_RDWR);
	}
	websocket_gone(session);
	lws_set_timeout(
			session->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

char *session_header(struct lws *wsi, enum lws_token_indexes token) {
	int len = lws_hdr_total_length(wsi, token);
	if (len <= 0) {
		return xstrdup("");
	}
	char *text = xcalloc(1, (size_t)len + 1);
	if (lws_hdr_copy(wsi, text, len + 1, token) < 0) {
		text[0] = '\0';
	}
	return text;
}

char *session_query(struct lws *wsi) {
	struct str query;
	char piece[4096];
	str_init(&query, 0);
	for (int i = 0; lws_hdr_copy_fragment(wsi, piece, sizeof(piece),
							WSI_TOKEN_HTTP_URI_ARGS, i) > 0;
			i++) {
		str_addf(&query, "%s%s", i > 0 ? "&" : "", piece);
	}
	return str_take(&query);
}

char *session_token(struct lws *wsi) {
	static const char *const schemes[] = { "bearer ", "token " };
	char *header = session_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t len = strlen(schemes[i]);
		if (strncasecmp(header, schemes[i], len) == 0) {
			char *token = xstrdup(header + len);
			free(header);
			return token;
		}
	}
	free(header);
	char *cookie = session_header(wsi, WSI_TOKEN_HTTP_COOKIE);
	const char *at = strstr(cookie, "MMAUTHTOKEN=");
	char *token = xstrdup("");
	if (at != NULL) {
		free(token);
		at += strlen("MMAUTHTOKEN=");
		token = xstrndup(at, strcspn(at, "; "));
	}
	free(cookie);
	return token;
}

/* ---- callbacks ---- */

static int serve(struct lws *wsi, enum lws_callback_reasons reason, void *user,
		void *in, size_t len) {
	(void)user;
	struct net *net = lws_context_user(lws_get_context(wsi));
	switch ((int)reason) {
	case LWS_CALLBACK_HTTP:
		return http_begin(session_of(net, wsi), in);
	case LWS_CALLBACK_HTTP_BODY:
		return http_body(session_of(net, wsi), in, len);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return http_whole(session_of(net, wsi));
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return http_write(session_of(net, wsi));
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return websocket_confirm(session_of(net, wsi));
	case LWS_CALLBACK_ESTABLISHED:
		return websocket_open(session_of(net, wsi));
	case LWS_CALLBACK_RECEIVE:
		return websocket_receive(session_of(net, wsi), in, len);
	case LWS_CALLBACK_RECEIVE_PONG:
		session_of(net, wsi)->ponged_us = real_now_us();
		return 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return websocket_write(session_of(net, wsi));
	case LWS_CALLBACK_WSI_DESTROY:
		if (lws_get_opaque_user_data(wsi) != NULL) {
			session_destroy(lws_get_opaque_user_data(wsi));
		}
		return 0;
	default:
		return 0;
	}
}

static int serve_listener(struct lws *wsi, enum lws_callback_reasons reason,
		void *user, void *in, size_t len) {
	(void)user;
	(void)in;
	(void)len;
	struct net *net = lws_context_user(lws_get_context(wsi));
	if (reason != LWS_CALLBACK_RAW_RX_FILE) {
		return 0;
	}
	int one = 1;
	int fd = accept4(
			lws_get_socket_fd(wsi), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		lws_adopt_socket_vhost(net->vhost, fd); // closes it if it fails
	}
	return 0;
}

static const struct lws_protocols protocols[] = {
	{ .name = "sandbox", .callback = serve, .rx_buffer_size = 16384 },
	{ .name = "listener", .callback = serve_listener },
	{ 0 },
};

/* The server's own pings are ours, not the library's. */
static const lws_retry_bo_t no_pings = {
	.secs_since_valid_ping = 64000,
	.secs_since_valid_hangup = 65000,
};

/* ---- time ---- */

static bool has_work(const struct net *net) {
	for (const struct session *session = net->sessions; session != NULL;
			session = session->next) {
		if (session->state == SESSION_HELD || session->state == SESSION_READY ||
				session->state == SESSION_READING) {
			return true;
		}
	}
	return hub_is_pending(&net->sandbox->hub);
}

static void move_clock(struct net *net, int64_t now_us) {
	struct sandbox *sandbox = net->sandbox;
	if (sandbox->clock == NULL) {
		return;
	}
	if (has_work(net)) {
		runclock_touch(sandbox->clock);
	}
	players_turn(&sandbox->players);
	sandbox->clock_state = runclock_advance(sandbox->clock, now_us);
}

static void on_tick(lws_sorted_usec_list_t *sul) {
	struct net *net = lws_container_of(sul, struct net, tick);
	int64_t now_us = real_now_us();
	struct session *next;
	for (struct session *session = net->sessions; session != NULL;
			session = next) {
		next = session->next;
		if (session->state == SESSION_WEBSOCKET) {
			websocket_tick(session, now_us);
		} else {
			http_tick(session, now_us);
		}
	}
	hub_reap(&net->sandbox->hub, now_us);
	move_clock(net, now_us);
	lws_sul_schedule(net->context, 0, &net->tick, on_tick, net->tick_us);
}

/* ---- starting and stopping ---- */

static int listen_on_loopback(int port, int *bound, struct err *err) {
	int one = 1;
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 ||
			setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
			bind(fd, (struct sockaddr *)&address, len) < 0 ||
			listen(fd, 128) < 0 ||
			getsockname(fd, (struct sockaddr *)&address, &len) < 0) {
		err_set(err, ERR_IO, "cannot listen on 127.0.0.1:%d: %s", port,
				strerror(errno));
		if (fd >= 0) {
			close(fd);
		}
		return -1;
	}
	*bound = ntohs(address.sin_port);
	return fd;
}

static bool start_lws(struct net *net, int fd) {
	struct lws_context_creation_info info = {
		.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
				LWS_SERVER_OPTION_DISABLE_IPV6,
		.user = net,
		.max_http_header_data2 = HEADER_BYTES,
		.pt_serv_buf_size = 65536,
	};
	struct lws_context_creation_info vhost = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.protocols = protocols,
		.options = LWS_SERVER_OPTION_DISABLE_IPV6,
		.keepalive_timeout = KEEP_ALIVE_S,
		.timeout_secs = HTTP_LATE_S,
		.retry_and_idle_policy = &no_pings,
	};
	lws_set_log_level(LLL_ERR, NULL);
	net->context = lws_create_context(&info);
	if (net->context == NULL) {
		return false;
	}
	net->vhost = lws_create_vhost(net->context, &vhost);
	if (net->vhost == NULL) {
		return false;
	}
	lws_sock_file_fd_type descriptor = { .filefd = fd };
	net->listener = lws_adopt_descriptor_vhost(
			net->vhost, LWS_ADOPT_RAW_FILE_DESC, descriptor, "listener", NULL);
	return net->listener != NULL;
}

struct net *net_create(struct sandbox *sandbox, int port, struct err *err) {
	struct net *net = xcalloc(1, sizeof(*net));
	net->sandbox = sandbox;
	net->tick_us = sandbox->clock != NULL ? TICK_CLOCK_US : TICK_US;
	int fd = listen_on_loopback(port, &net->port, err);
	if (fd < 0) {
		free(net);
		return NULL;
	}
	if (!start_lws(net, fd)) {
		err_set(err, ERR_IO, "libwebsockets does not start");
		net_destroy(net);
		return NULL;
	}
	snprintf(sandbox->url, sizeof(sandbox->url), "http://127.0.0.1:%d",
			net->port);
	lws_sul_schedule(net->context, 0, &net->tick, on_tick, net->tick_us);
	return net;
}

void net_destroy(struct net *net) {
	if (net == NULL) {
		return;
	}
	if (net->context != NULL) {
		lws_context_destroy(net->context);
	}
	free(net);
}

void net_run(struct net *net) {
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	while (stopped == 0 && lws_service(net->context, 0) >= 0) {
	}
}

/* ---- for the hub and the side door ---- */

void net_wake(void *link) {
	struct session *session = link;
	if (!session->frozen) {
		lws_callback_on_writable(session->wsi);
	}
}

static void act_on(struct session *session, enum net_act act) {
	switch (act) {
	case NET_KILL:
	case NET_RESET:
		session_hang_up(session, act == NET_RESET);
		break;
	case NET_DEAFEN:
	case NET_HEAR:
		if (session->conn != NULL) {
			conn_set_deaf(session->conn, act == NET_DEAFEN);
		}
		break;
	case NET_FREEZE:
	case NET_THAW:
		session->frozen = act == NET_FREEZE;
		lws_rx_flow_control(session->wsi, act == NET_THAW);
		net_wake(session);
		break;
	}
}

size_t net_act_on(
		struct sandbox *sandbox, enum net_act act, const struct user *user) {
	size_t count = 0;
	struct session *next;
	for (struct session *session = sandbox->net->sessions; session != NULL;
			session = next) {
		next = session->next;
		bool theirs = user == NULL ||
				(session->conn != NULL && conn_user(session->conn) == user);
		if (session->state == SESSION_WEBSOCKET && theirs &&
				!session->dooming) {
			act_on(session, act);
			count++;
		}
	}
	return count;
}

void net_show(const struct sandbox *sandbox, struct str *out) {
	json_open(out, "sockets", '[');
	for (const struct session *session = sandbox->net->sessions;
			session != NULL; session = session->next) {
		if (session->state != SESSION_WEBSOCKET || session->dooming) {
			continue;
		}
		json_open(out, NULL, '{');
		if (session->conn != NULL) {
			json_text(out, "user", conn_user(session->conn)->username);
			json_text(out, "connection_id", conn_id(session->conn));
			json_number(out, "waiting", (int64_t)conn_waiting(session->conn));
			json_bool(out, "deaf", conn_is_deaf(session->conn));
		}
		json_bool(out, "frozen", session->frozen);
		json_close(out, '}');
	}
	json_close(out, ']');
}
