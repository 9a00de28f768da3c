#include "mattermost/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libwebsockets.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "loop/loop.h"
#include "loop/resolve.h"
#include "sys/secret.h"

#define OUT_MAX       ((size_t)4096) // the server takes 8192 bytes at most
#define HEADERS_MAX   ((unsigned)16384)
#define SETTLE_TURNS  1000
#define REASON_ROOM   160
#define RETRY_DEFAULT ((int64_t)1000)

enum happening_kind {
	HAPPENING_UPGRADED,
	HAPPENING_FRAME,
	HAPPENING_BAD,
	HAPPENING_DOWN,
};

/* What libwebsockets said inside its callback, to be told from the loop. */
struct happening {
	struct happening *next;
	enum happening_kind kind;
	char *text; // the frame, or why
	size_t len;
	int64_t retry_ms;
	int status; // of the refused upgrade; 0: no answer
};

struct socket {
	struct loop *loop;
	struct socket_sink sink;
	void *data;
	struct address address;
	const struct secret *token;
	char *proxy;                 // without the scheme; NULL: none
	struct lws_context *context; // set to NULL by lws when it is gone
	struct lws *wsi;
	uintptr_t generation; // of the connection that counts
	bool live;            // it is wanted, and has not ended
	bool open;
	struct resolve *resolve;
	struct resolve_answer found;
	size_t next_address;
	char *path;
	struct str in; // the frame that is arriving
	unsigned char out[LWS_PRE + OUT_MAX];
	size_t out_len;
	struct happening *head;
	struct happening *tail;
};

/*
 * Why a TLS connection fails is said only in libwebsockets' log, whose function
 * gets no pointer of ours: the one variable of this kind in the program.
 */
static char last_log[REASON_ROOM];

static void on_log(int level, const char *line) {
	(void)level;
	size_t len = strcspn(line, "\r\n");
	snprintf(last_log, sizeof(last_log), "%.*s", (int)len, line);
}

static void happening_free(struct happening *happening) {
	free(happening->text);
	free(happening);
}

static void clear_happenings(struct socket *socket) {
	while (socket->head != NULL) {
		struct happening *first = socket->head;
		socket->head = first->next;
		happening_free(first);
	}
	socket->tail = NULL;
}

static void connect_next(struct socket *socket);

/* A further address is tried when this one gave no HTTP answer at all. */
static void tell_down(struct socket *socket, const struct happening *what) {
	bool answered = socket->open || what->status != 0;
	if (!answered && socket->next_address < socket->found.count) {
		connect_next(socket);
		return;
	}
	socket->open = false;
	socket->sink.down(socket->data, what->text, what->retry_ms);
}

static void tell(struct socket *socket, const struct happening *what) {
	switch (what->kind) {
	case HAPPENING_UPGRADED:
		socket->open = true;
		socket->sink.upgraded(socket->data);
		break;
	case HAPPENING_FRAME:
		socket->sink.frame(socket->data, what->text, what->len);
		break;
	case HAPPENING_BAD:
		socket->open = false;
		socket->sink.bad(socket->data, what->text);
		break;
	case HAPPENING_DOWN:
		tell_down(socket, what);
		break;
	}
}

static void tell_all(void *data) {
	struct socket *socket = data;
	while (socket->head != NULL) {
		struct happening *first = socket->head;
		socket->head = first->next;
		if (socket->head == NULL) {
			socket->tail = NULL;
		}
		tell(socket, first);
		happening_free(first);
	}
}

static struct happening *push(struct socket *socket, enum happening_kind kind) {
	struct happening *happening = xcalloc(1, sizeof(*happening));
	happening->kind = kind;
	if (socket->head == NULL) {
		socket->head = happening;
		loop_defer(socket->loop, tell_all, socket);
	} else {
		socket->tail->next = happening;
	}
	socket->tail = happening;
	return happening;
}

/* The connection has ended; said once, however many callbacks say it. */
static struct happening *end(
		struct socket *socket, enum happening_kind kind, const char *why) {
	if (!socket->live) {
		return NULL;
	}
	socket->live = false;
	struct happening *happening = push(socket, kind);
	happening->text = xstrdup(why);
	return happening;
}

static int add_authorization(struct socket *socket, struct lws *wsi,
		unsigned char **at, size_t room) {
	char *value = xasprintf("Bearer %s", secret_reveal(socket->token));
	int rc = lws_add_http_header_by_name(wsi,
			(const unsigned char *)"Authorization:",
			(const unsigned char *)value, (int)strlen(value), at, *at + room);
	explicit_bzero(value, strlen(value));
	free(value);
	return rc;
}

static int64_t retry_after(struct lws *wsi, int status) {
	char text[16] = "";
	int len = lws_hdr_copy(
			wsi, text, (int)sizeof(text), WSI_TOKEN_HTTP_RETRY_AFTER);
	long seconds = len > 0 ? strtol(text, NULL, 10) : 0;
	if (seconds > 0 && seconds <= 3600) {
		return seconds * 1000;
	}
	return status == 429 ? RETRY_DEFAULT : 0;
}

/* What a certificate lacks is in the log; what is said with the callback is
 * then only that something does. */
static const char *why_not(const char *said) {
	if (strncmp(last_log, "SSL error: ", 11) == 0) {
		return last_log;
	}
	if (said != NULL) {
		return said;
	}
	return last_log[0] != '\0' ? last_log : "cannot connect";
}

static void connection_error(
		struct socket *socket, struct lws *wsi, const char *in) {
	int status = (int)lws_http_client_http_response(wsi);
	char why[REASON_ROOM];
	if (status != 0 && status != 101) {
		snprintf(why, sizeof(why), "the upgrade was answered with HTTP %d",
				status);
	} else {
		snprintf(why, sizeof(why), "%s", why_not(in));
		status = 0;
	}
	struct happening *down = end(socket, HAPPENING_DOWN, why);
	if (down != NULL) {
		down->status = status;
		down->retry_ms = status != 0 ? retry_after(wsi, status) : 0;
	}
}

static void established(struct socket *socket, struct lws *wsi) {
	fcntl(lws_get_socket_fd(wsi), F_SETFD, FD_CLOEXEC);
	push(socket, HAPPENING_UPGRADED);
}

static void set_quickack(struct lws *wsi) {
	/* The server leaves Nagle on; once we have sent anything, a delayed ACK
	 * of ours would cost each event up to 40 ms.  The kernel forgets it. */
	int on = 1;
	setsockopt(
			lws_get_socket_fd(wsi), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

static int receive(
		struct socket *socket, struct lws *wsi, const void *bytes, size_t len) {
	set_quickack(wsi);
	if (lws_frame_is_binary(wsi)) {
		end(socket, HAPPENING_BAD, "a binary frame");
		return -1;
	}
	str_add_bytes(&socket->in, bytes, len);
	if (socket->in.cut) {
		end(socket, HAPPENING_BAD, "a frame larger than 1 MiB");
		return -1;
	}
	if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0) {
		return 0;
	}
	struct happening *frame = push(socket, HAPPENING_FRAME);
	frame->len = socket->in.len;
	frame->text = str_take(&socket->in);
	return 0;
}

static int writeable(struct socket *socket, struct lws *wsi) {
	size_t len = socket->out_len;
	if (len == 0) {
		return 0;
	}
	socket->out_len = 0;
	int n = lws_write(wsi, socket->out + LWS_PRE, len, LWS_WRITE_TEXT);
	return n < (int)len ? -1 : 0;
}

static bool is_current(const struct socket *socket, struct lws *wsi) {
	return socket->live &&
			(uintptr_t)lws_get_opaque_user_data(wsi) == socket->generation;
}

/* What happens on the connection that counts. */
static int on_current(struct socket *socket, struct lws *wsi, int reason,
		void *in, size_t len) {
	switch (reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return add_authorization(socket, wsi, in, len);
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		connection_error(socket, wsi, in);
		return 0;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		established(socket, wsi);
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return receive(socket, wsi, in, len);
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return writeable(socket, wsi);
	case LWS_CALLBACK_CLIENT_CLOSED:
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
	case LWS_CALLBACK_WSI_DESTROY:
		end(socket, HAPPENING_DOWN,
				socket->open ? "the connection was closed"
							 : "closed before the upgrade");
		return 0;
	default:
		return 0;
	}
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user,
		void *in, size_t len) {
	(void)user;
	struct socket *socket = lws_context_user(lws_get_context(wsi));
	if (socket == NULL) {
		return 0;
	}
	int rc = 0;
	if (is_current(socket, wsi)) {
		rc = on_current(socket, wsi, (int)reason, in, len);
	} else if (reason == LWS_CALLBACK_CLIENT_RECEIVE ||
			reason == LWS_CALLBACK_CLIENT_WRITEABLE) {
		rc = -1; // one that was dropped
	}
	if (reason == LWS_CALLBACK_WSI_DESTROY && socket->wsi == wsi) {
		socket->wsi = NULL;
	}
	return rc;
}

static const struct lws_protocols protocols[] = {
	{ .name = "bridgekeeper", .callback = on_lws, .rx_buffer_size = 16384 },
	{ 0 },
};

static char *without_scheme(const char *proxy) {
	if (proxy == NULL) {
		return NULL;
	}
	const char *at = strstr(proxy, "://");
	at = at != NULL ? at + 3 : proxy;
	return xstrndup(at, strcspn(at, "/"));
}

static struct lws_context *make_context(
		struct socket *socket, const struct socket_options *options) {
	void *loops[] = { loop_native(socket->loop) };
	/* It reads all of the system's certificates, half of what a start costs. */
	uint64_t tls = socket->address.tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT
									   : 0;
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.options = LWS_SERVER_OPTION_LIBUV | tls,
		.protocols = protocols,
		.foreign_loops = loops,
		.user = socket,
		.client_ssl_ca_filepath = options->ca_file,
		.http_proxy_address = socket->proxy,
		.max_http_header_data2 = HEADERS_MAX,
		.pcontext = &socket->context,
		.gid = -1,
		.uid = -1,
	};
	return lws_create_context(&info);
}

struct socket *socket_create(struct loop *loop,
		const struct socket_options *options, const struct socket_sink *sink,
		void *data, struct err *err) {
	if (options->ca_file != NULL && access(options->ca_file, R_OK) != 0) {
		err_set(err, ERR_INVALID, "cannot read the CA file %s",
				options->ca_file);
		return NULL;
	}
	unsetenv("http_proxy");
	unsetenv("socks_proxy");
	lws_set_log_level(LLL_ERR | LLL_WARN, on_log);
	struct socket *socket = xcalloc(1, sizeof(*socket));
	socket->loop = loop;
	socket->sink = *sink;
	socket->data = data;
	socket->address = options->address;
	socket->token = options->token;
	socket->proxy = without_scheme(options->proxy);
	str_init(&socket->in, SOCKET_FRAME_MAX);
	socket->context = make_context(socket, options);
	if (socket->context == NULL) {
		err_set(err, ERR_IO,
				"libwebsockets does not start (is libwebsockets-evlib-uv "
				"installed?): %s",
				last_log);
		socket_destroy(socket);
		return NULL;
	}
	return socket;
}

void socket_destroy(struct socket *socket) {
	if (socket == NULL) {
		return;
	}
	if (socket->context != NULL) {
		socket_close(socket);
		lws_context_destroy(socket->context);
	}
	/* Only when its handles have closed may it be told again, and is freed.
	 * Its event pipe it closes twice, now and once its handle has closed: no
	 * descriptor may be opened in between. */
	for (int i = 0; socket->context != NULL && i < SETTLE_TURNS; i++) {
		if (loop_settle(socket->loop)) {
			lws_context_destroy(socket->context);
		}
	}
	loop_cancel_deferred(socket->loop, socket);
	clear_happenings(socket);
	str_finish(&socket->in);
	free(socket->proxy);
	free(socket->path);
	free(socket);
}

static void connect_to(struct socket *socket, const char *address) {
	socket->generation++;
	socket->live = true;
	socket->open = false;
	socket->out_len = 0;
	last_log[0] = '\0';
	struct lws_client_connect_info info = {
		.context = socket->context,
		.address = address,
		.port = socket->address.port,
		.ssl_connection = socket->address.tls ? LCCSCF_USE_SSL : 0,
		.path = socket->path,
		.host = socket->address.authority,
		.ietf_version_or_minus_one = -1,
		.local_protocol_name = protocols[0].name,
		.pwsi = &socket->wsi,
		.opaque_user_data = (void *)socket->generation,
	};
	if (lws_client_connect_via_info(&info) == NULL) {
		end(socket, HAPPENING_DOWN, why_not(NULL));
	}
	if (socket->context != NULL) {
		lws_cancel_service(socket->context);
	}
}

static void connect_next(struct socket *socket) {
	const char *address = socket->found.addresses[socket->next_address];
	socket->next_address++;
	connect_to(socket, address);
}

static void on_resolved(void *data, const struct resolve_answer *answer) {
	struct socket *socket = data;
	socket->resolve = NULL;
	socket->found = *answer;
	socket->next_address = 0;
	if (answer->ok) {
		connect_next(socket);
		return;
	}
	char why[REASON_ROOM];
	snprintf(why, sizeof(why), "%.80s: %.60s", socket->address.host,
			answer->err.text);
	socket->live = true;
	end(socket, HAPPENING_DOWN, why);
}

void socket_connect(struct socket *socket, const char *query) {
	socket_close(socket);
	free(socket->path);
	socket->path = xasprintf(
			"%s/api/v4/websocket%s", socket->address.path, query);
	if (socket->proxy != NULL) {
		// The proxy looks the name up, not we.
		socket->found.count = 0;
		socket->next_address = 0;
		connect_to(socket, socket->address.host);
		return;
	}
	socket->resolve = resolve_start(
			socket->loop, socket->address.host, on_resolved, socket);
}

void socket_send(struct socket *socket, const char *text) {
	size_t len = strlen(text);
	if (!socket->live || !socket->open || socket->wsi == NULL ||
			len > OUT_MAX) {
		return;
	}
	memcpy(socket->out + LWS_PRE, text, len);
	socket->out_len = len;
	lws_callback_on_writable(socket->wsi);
	lws_cancel_service(socket->context);
}

void socket_close(struct socket *socket) {
	resolve_cancel(socket->resolve);
	socket->resolve = NULL;
	socket->live = false;
	socket->open = false;
	socket->generation++;
	socket->out_len = 0;
	clear_happenings(socket);
	str_clear(&socket->in);
	if (socket->wsi != NULL) {
		lws_set_timeout(socket->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
		socket->wsi = NULL;
		lws_cancel_service(socket->context);
	}
}
