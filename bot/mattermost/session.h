#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stdint.h>

/*
 * One websocket after another, as a machine without I/O: what happens goes in
 * with the time and a random number as data, orders come out.
 *
 *	idle --start--> connecting --upgraded--> greeting --hello|barrier--> open
 *	                  ^   ^                     |                         |
 *	                  |   +--hello though a ----+                         |
 *	                  |      resume was asked: fresh                      |
 *	                waiting <--down, gap, silence, nonsense---------------+
 *
 * The rules are those of the server's reliable websockets (5.37 web_conn.go,
 * web_hub.go), as observed:
 *  - A resume names the connection and the exact next number, or neither.
 *  - A hello may name no connection (EnableReliableWebSockets is off): then
 *    there is none to resume.
 *  - The reply to a ping sent right after the upgrade is a barrier: a hello
 *    before it means a new connection, none means resumed, all replayed.
 *  - A hello in answer to a resume: the server may have registered us twice,
 *    so drop it and connect without the name.
 *  - Numbers of events have no gap and no repeat; any other is a lost socket.
 *  - Only an answered application ping proves that we are served.
 * An open connection is no proof that nothing was missed: whoever reads the
 * order `opened` reads the channel again, after a resume too.
 */

#define SESSION_NEVER INT64_MAX

/* Real milliseconds. */
struct session_pace {
	int64_t ping_ms;
	int64_t pong_ms;
	int64_t hello_ms;
	int64_t backoff_ms;
	int64_t backoff_max_ms;
};

enum session_state {
	SESSION_IDLE,
	SESSION_WAITING, // until due_ms
	SESSION_CONNECTING,
	SESSION_GREETING,
	SESSION_OPEN,
};

#define SESSION_STATE_COUNT 5

struct session {
	struct session_pace pace;
	enum session_state state;
	int64_t due_ms;         // when SESSION_TIME must be told at the latest
	char connection_id[65]; // "": connect fresh
	int64_t next_seq;
	bool resuming;     // this socket asked for connection_id
	bool greeted;      // a hello has come on this socket
	unsigned failures; // in a row
	int64_t opened_ms;
	int64_t ping_seq;    // of the last ping on this socket
	int64_t pong_due_ms; // SESSION_NEVER: no ping is out
	int64_t ping_due_ms;
};

enum session_input_type {
	SESSION_START,    // connect; also after SESSION_STOP
	SESSION_STOP,     // drop it and stay away
	SESSION_UPGRADED, // the handshake was accepted
	SESSION_HELLO,    // seq, connection_id
	SESSION_EVENT,    // seq
	SESSION_REPLY,    // seq (seq_reply), ok
	SESSION_NONSENSE, // a frame that cannot be read; why
	SESSION_DOWN,     // the socket is gone; why, retry_ms
	SESSION_TIME,
};

struct session_input {
	enum session_input_type type;
	int64_t now_ms;
	uint32_t random;
	int64_t seq;
	const char *connection_id;
	bool ok;
	const char *why;
	int64_t retry_ms; // the server's Retry-After; 0: none
};

/* What to do now, in this order. */
struct session_orders {
	bool deliver;  // the event is the next one: act on it
	bool answered; // a ping came back: the server serves us
	bool close;    // drop the socket; nothing more is heard of it
	bool lost;     // tell, with `why`: not connected any more, or still not
	bool doubt;    // ask over REST whether the token is good
	bool connect;  // open a socket; resuming says how
	bool ping;     // send one, numbered ping_seq
	bool opened;   // read what may have been missed
	char why[160];
};

/* @connection_id and @next_seq from an earlier process; "" and 0: none. */
void session_init(struct session *session, const struct session_pace *pace,
		const char *connection_id, int64_t next_seq);

struct session_orders session_handle(
		struct session *session, const struct session_input *input);

/* Lower-case name of @state, for logs. */
const char *session_state_name(enum session_state state);

#endif
