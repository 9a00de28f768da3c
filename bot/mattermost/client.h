#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "mattermost/server.h"

struct loop;
struct secret;

/*
 * The real Mattermost, 5.37 to 11.6, behind server.h: one websocket that says
 * "look now", and REST reads that say what is so.  The stream of events alone
 * is never trusted to be complete: the channel and the taps are read again
 * after every connection, resumed or not, and every half minute.
 *
 *	finding --channel known--> connecting --hello--> reading --> online
 *	   ^                            ^                   |          |
 *	   +--token refused-------------+-----gap, cut------+----------+
 *
 * Removes http_proxy and its like from the environment, which libwebsockets
 * reads without being asked.  One for each process at a time.
 */

/* Real milliseconds.  Zero: the default in the comment. */
struct client_pace {
	int64_t ping_ms;        // 12000: between application pings
	int64_t pong_ms;        // 5000: their answer is due within
	int64_t hello_ms;       // 10000: from the first SYN to the hello
	int64_t me_ms;          // 45000: between reads of our own account
	int64_t canary_ms;      // 30000: between reads of the channel while online
	int64_t again_ms;       // 3000: second read after a connection (replicas)
	int64_t backoff_ms;     // 250: doubled with each failure, full jitter
	int64_t backoff_max_ms; // 5000
	int64_t refused_ms;     // 15000: between tries with a refused token
};

struct client_options {
	const char *url; // https://chat.example.org, or with a path behind it
	const char *team;
	const char *channel;            // its name, without ~
	const struct secret *token;     // borrowed until destroy
	const char *ca_file;            // added to the system's; NULL: none
	const char *proxy;              // http://host:port; NULL: none
	struct server_mark mark;        // from the last process; zeroed: nowhere
	const struct client_pace *pace; // NULL: the defaults
};

/*
 * Nothing is sent before start().  The sink is copied.  NULL with @err when an
 * option is wrong; a server out of reach is no error here.  The result's
 * destroy() must not be called from inside a callback.
 */
struct server *client_create(struct loop *loop,
		const struct client_options *options, const struct server_sink *sink,
		void *data, struct err *err) __attribute__((warn_unused_result));

#endif
