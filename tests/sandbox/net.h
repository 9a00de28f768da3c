#ifndef NET_H
#define NET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "hub.h"

struct net;
struct sandbox;
struct str;

/*
 * The sockets, on libwebsockets' own loop: HTTP exchanges to rest.h, websocket
 * links to the hub.  Binds 127.0.0.1 only.
 */

/* Listen on @port (0: any).  NULL with @err. */
struct net *net_create(struct sandbox *sandbox, int port, struct err *err);
void net_destroy(struct net *net);

/* For hub_init(); the links are net's own. */
void net_wake(void *link);

/* Serve until SIGTERM or SIGINT. */
void net_run(struct net *net);

enum net_act {
	NET_KILL,   // FIN without a close frame
	NET_RESET,  // RST
	NET_DEAFEN, // no events, no replies to pings; the socket stays
	NET_HEAR,
	NET_FREEZE, // nothing is read or written any more
	NET_THAW,
};

/* Do it to every open socket of @user (all: NULL); returns to how many. */
size_t net_act_on(
		struct sandbox *sandbox, enum net_act act, const struct user *user);

/* Add the list of open sockets as JSON. */
void net_show(const struct sandbox *sandbox, struct str *out);

#endif
