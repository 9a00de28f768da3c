#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <libwebsockets.h>

#include "base/str.h"
#include "net.h"
#include "rest.h"

/*
 * Inside net: one socket of a client.  It begins as HTTP, one exchange after
 * the other, and may become a websocket.
 *
 *	idle --request--> reading --whole--> ready --written--> idle
 *	                     |                 ^
 *	                     +--> held, waiting, never (faults, waits)
 */

enum session_state {
	SESSION_IDLE,
	SESSION_READING,
	SESSION_HELD,    // a fault holds it back
	SESSION_WAITING, // a player waits
	SESSION_NEVER,   // will not be answered
	SESSION_READY,   // the answer is to be written
	SESSION_WEBSOCKET,
};

struct session {
	struct session *next;
	struct net *net;
	struct lws *wsi;
	enum session_state state;

	/* HTTP */
	char *method;
	char *path;
	char *query;
	char *token;
	char *content_type;
	struct str body;
	struct answer answer;
	bool processed;
	bool reset; // RST instead of the answer
	struct fault hold;
	int64_t hold_until_us;

	/* websocket */
	struct conn *conn; // NULL until it is authenticated
	struct str message;
	bool silent;        // a fault: nothing is ever said
	bool refuse_resume; // a fault
	bool dooming;       // is being closed
	bool frozen;
	int64_t deadline_us; // authenticated by then
	int64_t ping_due_us;
	int64_t ponged_us;
};

struct net {
	struct sandbox *sandbox;
	struct lws_context *context;
	struct lws_vhost *vhost;
	struct lws *listener;
	int port;
	int64_t tick_us;
	lws_sorted_usec_list_t tick;
	struct session *sessions;
};

/* Forget what the last exchange left. */
void session_clear_exchange(struct session *session);

/* Close the socket without a close frame, by RST or FIN. */
void session_hang_up(struct session *session, bool reset);

/* Read a header; *text is taken by the caller. */
char *session_header(struct lws *wsi, enum lws_token_indexes token);
char *session_query(struct lws *wsi);

/* The token of the Authorization header or cookie. */
char *session_token(struct lws *wsi);

/* ---- http.c ---- */

/* Each returns what lws wants of its callback: 0, or -1 to close. */
int http_begin(struct session *session, const char *path);
int http_body(struct session *session, const void *bytes, size_t len);
int http_whole(struct session *session);
int http_write(struct session *session);
void http_tick(struct session *session, int64_t now_us);

/* Write @answer at once, before an upgrade; -1 or 1. */
int http_refuse(struct session *session, const struct answer *answer);

/* ---- websocket.c ---- */

int websocket_confirm(struct session *session);
int websocket_open(struct session *session);
int websocket_plain_get(struct session *session);
int websocket_receive(struct session *session, const void *bytes, size_t len);
int websocket_write(struct session *session);
void websocket_tick(struct session *session, int64_t now_us);
void websocket_gone(struct session *session);

#endif
