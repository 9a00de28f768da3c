#ifndef SOCKET_H
#define SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "mattermost/address.h"

struct loop;
struct secret;

/*
 * One websocket to Mattermost at a time, by libwebsockets as a guest of the
 * loop.  It carries frames and judges nothing: mattermost/session.h does.
 * The token goes into the upgrade's Authorization header, no Origin is sent,
 * no extension offered.
 *
 *	closed --connect--> connecting --upgraded()--> open --down()--> closed
 *	                        +----------------bad() or down()--------->
 */

struct socket;

#define SOCKET_FRAME_MAX ((size_t)1024 * 1024)

struct socket_options {
	struct address address;
	const struct secret *token; // borrowed until destroy
	const char *ca_file;
	const char *proxy;
};

/* Told from the loop, in order; nothing after bad(), down() or a close. */
struct socket_sink {
	void (*upgraded)(void *data);
	/* A whole text frame, NUL-terminated; borrowed. */
	void (*frame)(void *data, const char *text, size_t len);
	/* A frame that nobody should send: binary, or over SOCKET_FRAME_MAX. */
	void (*bad)(void *data, const char *why);
	/* Never came up, or is gone; @retry_ms: its Retry-After, 0 if none. */
	void (*down)(void *data, const char *why, int64_t retry_ms);
};

/* The sink is copied.  Unsets http_proxy and socks_proxy: see client.h. */
struct socket *socket_create(struct loop *loop,
		const struct socket_options *options, const struct socket_sink *sink,
		void *data, struct err *err) __attribute__((warn_unused_result));

/* Turns the native loop until all is closed: never from a callback. */
void socket_destroy(struct socket *socket);

/* Close what is open and connect; @query is "" or "?connection_id=…". */
void socket_connect(struct socket *socket, const char *query);

/* Send one short text frame, soon.  Nothing when not open. */
void socket_send(struct socket *socket, const char *text);

/* Drop it at once, if there is one. */
void socket_close(struct socket *socket);

#endif
