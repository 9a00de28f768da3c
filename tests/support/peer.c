#include "support/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "loop/loop.h"

#define WEBSOCKET_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" // RFC 6455 1.3

struct connection {
	struct peer *peer;
	struct connection *next;
	int fd;
	unsigned number;
	bool websocket;
	bool closed; // to be freed by the next sweep
	struct loop_watch *watch;
	struct str in;
};

struct peer {
	struct loop *loop;
	const struct peer_handler *handler;
	void *data;
	int listener;
	int port;
	struct loop_watch *watch;
	struct connection *connections;
	unsigned count;
};

static void connection_close(struct connection *connection, bool reset) {
	if (connection->closed) {
		return;
	}
	if (reset) {
		struct linger linger = { .l_onoff = 1, .l_linger = 0 };
		setsockopt(
				connection->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	}
	loop_watch_destroy(connection->watch);
	connection->watch = NULL;
	close(connection->fd);
	connection->closed = true;
}

static void connection_free(struct connection *connection) {
	connection_close(connection, false);
	str_finish(&connection->in);
	free(connection);
}

static void sweep(struct peer *peer) {
	struct connection **at = &peer->connections;
	while (*at != NULL) {
		struct connection *connection = *at;
		if (!connection->closed) {
			at = &connection->next;
			continue;
		}
		*at = connection->next;
		connection_free(connection);
	}
}

static void send_all(
		struct connection *connection, const void *bytes, size_t len) {
	const char *at = bytes;
	while (len > 0 && !connection->closed) {
		ssize_t n = send(connection->fd, at, len, MSG_NOSIGNAL);
		if (n > 0) {
			at += n;
			len -= (size_t)n;
			continue;
		}
		struct pollfd full = { .fd = connection->fd, .events = POLLOUT };
		if (n < 0 && errno == EAGAIN && poll(&full, 1, 1000) == 1) {
			continue;
		}
		connection_close(connection, false);
	}
}

static char *header_of(const char *head, const char *name) {
	const char *at = strcasestr(head, name);
	if (at == NULL) {
		return xasprintf("%s", "");
	}
	at += strlen(name);
	at += strspn(at, ": ");
	return xstrndup(at, strcspn(at, "\r\n"));
}

static void accept_key(const char *key, char accept[29]) {
	char joined[128];
	snprintf(joined, sizeof(joined), "%s" WEBSOCKET_GUID, key);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	EVP_Digest(joined, strlen(joined), digest, &len, EVP_sha1(), NULL);
	EVP_EncodeBlock((unsigned char *)accept, digest, (int)len);
}

static void upgrade(struct connection *connection, const char *head) {
	char *key = header_of(head, "Sec-WebSocket-Key");
	char accept[29];
	accept_key(key, accept);
	free(key);
	char answer[256];
	int len = snprintf(answer, sizeof(answer),
			"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			"Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			accept);
	send_all(connection, answer, (size_t)len);
	connection->websocket = true;
	struct peer *peer = connection->peer;
	if (peer->handler->opened != NULL) {
		peer->handler->opened(peer->data, connection->number);
	}
}

static void answer_with(
		struct connection *connection, const struct peer_answer *answer) {
	const char *body = answer->body != NULL ? answer->body : "";
	struct str text;
	str_init(&text, 0);
	str_addf(&text, "HTTP/1.1 %d Test\r\nContent-Length: %zu\r\n%s\r\n",
			answer->status != 0 ? answer->status : 200, strlen(body),
			answer->headers != NULL ? answer->headers : "");
	str_add(&text, body);
	size_t len = answer->fate == PEER_BREAKS ? text.len - strlen(body) / 2 - 1
											 : text.len;
	send_all(connection, str_text(&text), len);
	str_finish(&text);
}

static void respond(struct connection *connection,
		const struct peer_request *request, const char *head) {
	struct peer *peer = connection->peer;
	struct peer_answer answer = { 0 };
	peer->handler->request(peer->data, request, &answer);
	switch (answer.fate) {
	case PEER_ANSWERS:
		answer_with(connection, &answer);
		break;
	case PEER_UPGRADES:
		upgrade(connection, head);
		break;
	case PEER_IGNORES:
		break;
	case PEER_CLOSES:
		connection_close(connection, false);
		break;
	case PEER_RESETS:
		connection_close(connection, true);
		break;
	case PEER_BREAKS:
		answer_with(connection, &answer);
		connection_close(connection, false);
		break;
	case PEER_SENDS_RAW:
		send_all(connection, answer.body, strlen(answer.body));
		connection_close(connection, false);
		break;
	}
	free(answer.body);
}

static void drop_front(struct str *str, size_t len) {
	str->len -= len;
	memmove(str->data, str->data + len, str->len + 1);
}

/* Answer one request if it is there whole. */
static bool take_request(struct connection *connection) {
	char *end = strstr(str_text(&connection->in), "\r\n\r\n");
	if (end == NULL) {
		return false;
	}
	size_t head_len = (size_t)(end - connection->in.data) + 4;
	char *head = xstrndup(connection->in.data, head_len);
	char *length = header_of(head, "Content-Length");
	size_t body_len = strtoul(length, NULL, 10);
	free(length);
	if (connection->in.len < head_len + body_len) {
		free(head);
		return false;
	}
	char *body = xstrndup(connection->in.data + head_len, body_len);
	drop_front(&connection->in, head_len + body_len);
	char method[16] = "";
	char path[1024] = "";
	sscanf(head, "%15s %1023s", method, path);
	char *authorization = header_of(head, "\r\nAuthorization");
	struct peer_request request = {
		.method = method,
		.path = path,
		.authorization = authorization,
		.head = head,
		.body = body,
		.body_len = body_len,
		.connection = connection->number,
	};
	respond(connection, &request, head);
	free(authorization);
	free(body);
	free(head);
	return !connection->closed;
}

/* Take one masked frame of less than 64 KiB; only text is told. */
static bool take_frame(struct connection *connection) {
	const unsigned char *in = (const unsigned char *)connection->in.data;
	if (connection->in.len < 6) {
		return false;
	}
	size_t len = in[1] & 0x7f;
	size_t at = 2;
	if (len == 126) {
		len = (size_t)in[2] << 8 | in[3];
		at = 4;
	}
	if (connection->in.len < at + 4 + len) {
		return false;
	}
	unsigned opcode = in[0] & 0x0f;
	char *text = xstrndup(connection->in.data + at + 4, len);
	for (size_t i = 0; i < len; i++) {
		text[i] = (char)(in[at + 4 + i] ^ in[at + i % 4]);
	}
	drop_front(&connection->in, at + 4 + len);
	struct peer *peer = connection->peer;
	if (opcode == 8) {
		connection_close(connection, false);
	} else if (opcode == 1 && peer->handler->text != NULL) {
		peer->handler->text(peer->data, connection->number, text);
	}
	free(text);
	return !connection->closed;
}

static void on_readable(void *data) {
	struct connection *connection = data;
	char bytes[16384];
	ssize_t n = recv(connection->fd, bytes, sizeof(bytes), 0);
	if (n < 0 && errno == EAGAIN) {
		return;
	}
	if (n <= 0) {
		connection_close(connection, false);
		return;
	}
	str_add_bytes(&connection->in, bytes, (size_t)n);
	bool more = true;
	while (more) {
		more = connection->websocket ? take_frame(connection)
									 : take_request(connection);
	}
}

static void on_connection(void *data) {
	struct peer *peer = data;
	sweep(peer);
	int fd = accept4(peer->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		return;
	}
	struct connection *connection = xcalloc(1, sizeof(*connection));
	connection->peer = peer;
	connection->fd = fd;
	connection->number = ++peer->count;
	connection->next = peer->connections;
	peer->connections = connection;
	connection->watch = loop_watch_create(
			peer->loop, fd, on_readable, connection);
}

static bool start_listening(struct peer *peer, struct err *err) {
	peer->listener = socket(
			AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;
	setsockopt(peer->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)peer->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	void *any = &address;
	if (bind(peer->listener, any, len) != 0 ||
			listen(peer->listener, 16) != 0 ||
			getsockname(peer->listener, any, &len) != 0) {
		return err_set(err, ERR_IO, "cannot listen: %s", strerror(errno));
	}
	peer->port = ntohs(address.sin_port);
	peer->watch = loop_watch_create(
			peer->loop, peer->listener, on_connection, peer);
	return true;
}

static void stop_listening(struct peer *peer) {
	loop_watch_destroy(peer->watch);
	peer->watch = NULL;
	if (peer->listener >= 0) {
		close(peer->listener);
		peer->listener = -1;
	}
}

struct peer *peer_create(struct loop *loop, const struct peer_handler *handler,
		void *data, struct err *err) {
	struct peer *peer = xcalloc(1, sizeof(*peer));
	peer->loop = loop;
	peer->handler = handler;
	peer->data = data;
	if (!start_listening(peer, err)) {
		peer_destroy(peer);
		return NULL;
	}
	return peer;
}

void peer_destroy(struct peer *peer) {
	if (peer == NULL) {
		return;
	}
	stop_listening(peer);
	while (peer->connections != NULL) {
		struct connection *connection = peer->connections;
		peer->connections = connection->next;
		connection_free(connection);
	}
	free(peer);
}

int peer_port(const struct peer *peer) {
	return peer->port;
}

void peer_refuse(struct peer *peer, bool refuse) {
	stop_listening(peer);
	struct err err = { 0 };
	if (!refuse && !start_listening(peer, &err)) {
		abort();
	}
}

void peer_send_raw(struct peer *peer, const void *bytes, size_t len) {
	for (struct connection *c = peer->connections; c != NULL; c = c->next) {
		if (c->websocket && !c->closed) {
			send_all(c, bytes, len);
		}
	}
}

void peer_send_frame(struct peer *peer, unsigned char first_byte,
		const void *bytes, size_t len) {
	unsigned char head[10] = { first_byte };
	size_t head_len = 2;
	if (len < 126) {
		head[1] = (unsigned char)len;
	} else if (len < 65536) {
		head[1] = 126;
		head[2] = (unsigned char)(len >> 8);
		head[3] = (unsigned char)(len & 0xff);
		head_len = 4;
	} else {
		head[1] = 127;
		for (size_t i = 0; i < 8; i++) {
			head[9 - i] = (unsigned char)(len >> (8 * i) & 0xff);
		}
		head_len = 10;
	}
	struct str frame;
	str_init(&frame, 64 * 1024 * 1024);
	str_add_bytes(&frame, head, head_len);
	str_add_bytes(&frame, bytes, len);
	peer_send_raw(peer, frame.data, frame.len);
	str_finish(&frame);
}

void peer_send_text(struct peer *peer, const char *text) {
	peer_send_frame(peer, 0x81, text, strlen(text));
}

void peer_cut(struct peer *peer, bool reset) {
	for (struct connection *c = peer->connections; c != NULL; c = c->next) {
		if (c->websocket) {
			connection_close(c, reset);
		}
	}
}

unsigned peer_websockets(const struct peer *peer) {
	unsigned count = 0;
	for (struct connection *c = peer->connections; c != NULL; c = c->next) {
		count += c->websocket && !c->closed;
	}
	return count;
}
