#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdint.h>

#include "faults.h"
#include "hub.h"
#include "players.h"
#include "rate.h"
#include "sys/runclock.h"
#include "world.h"

struct net;

/* The whole server, but for its sockets (net.h). */
struct sandbox {
	struct world world;
	struct hub hub;
	struct faults faults;
	struct players players;
	struct runclock *clock;          // NULL: the system's time
	enum runclock_state clock_state; // as of the last look
	char *clock_path;
	char url[64];
	int64_t hurry; // what the server's own timers are divided by; at least 1
	uint64_t requests;
	struct rate rate;
	struct net *net;
	struct pending *pendings; // requests with a pending_post_id, 30 s long
};

#endif
