#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct loop;

/*
 * The other end of a connection, for tests: an HTTP and websocket server on
 * 127.0.0.1, on the test's own loop, that answers whatever the test says, well
 * formed or not.  It speaks no TLS and knows nothing of Mattermost.
 */

struct peer;

enum peer_fate {
	PEER_ANSWERS,
	PEER_UPGRADES,  // to a websocket
	PEER_IGNORES,   // never answers
	PEER_CLOSES,    // without an answer
	PEER_RESETS,    // with a RST, without an answer
	PEER_BREAKS,    // sends half of the answer, then closes
	PEER_SENDS_RAW, // sends the body as the whole answer, then closes
};

struct peer_request {
	const char *method;
	const char *path;          // with the query
	const char *authorization; // "" if none
	const char *head;          // all header lines
	const char *body;
	size_t body_len;
	unsigned connection; // numbered from 1
};

struct peer_answer {
	enum peer_fate fate;
	int status;          // 0: 200
	const char *headers; // further lines, each ending in \r\n; NULL: none
	char *body;          // malloc'ed; the peer frees it; NULL: empty
};

struct peer_handler {
	void (*request)(void *data, const struct peer_request *request,
			struct peer_answer *answer);
	/* A websocket was opened; a text frame came in on it.  May be NULL. */
	void (*opened)(void *data, unsigned connection);
	void (*text)(void *data, unsigned connection, const char *text);
};

struct peer *peer_create(struct loop *loop, const struct peer_handler *handler,
		void *data, struct err *err) __attribute__((warn_unused_result));
void peer_destroy(struct peer *peer);

int peer_port(const struct peer *peer);

/* Stop listening, so that connecting is refused, or listen again. */
void peer_refuse(struct peer *peer, bool refuse);

/* Send to every websocket. */
void peer_send_text(struct peer *peer, const char *text);
/* A frame of any kind: @first_byte is FIN and opcode. */
void peer_send_frame(struct peer *peer, unsigned char first_byte,
		const void *bytes, size_t len);
/* Bytes as they are. */
void peer_send_raw(struct peer *peer, const void *bytes, size_t len);

/* Close every websocket; with a RST, or with a FIN as the real server does. */
void peer_cut(struct peer *peer, bool reset);

/* Websockets that are open now. */
unsigned peer_websockets(const struct peer *peer);

#endif
