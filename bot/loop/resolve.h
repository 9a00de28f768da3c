#ifndef RESOLVE_H
#define RESOLVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct loop;

/*
 * Addresses of a host name, without blocking the loop: the system's resolver
 * on libuv's threads.  A numeric address resolves to itself, and `localhost`
 * to this machine without anybody being asked (RFC 6761 section 6.3): what may
 * be done only on loopback is allowed by that name.
 */

struct resolve;

#define RESOLVE_ADDRESSES_MAX 8
#define RESOLVE_ADDRESS_ROOM  64

struct resolve_answer {
	bool ok; // else err
	struct err err;
	size_t count; // at least 1 if ok; in the order to be tried
	char addresses[RESOLVE_ADDRESSES_MAX][RESOLVE_ADDRESS_ROOM]; // numeric
};

typedef void (*resolve_fn)(void *data, const struct resolve_answer *answer);

/*
 * @fn is called once, from the loop, never before this returns.  The handle is
 * valid until then.
 */
struct resolve *resolve_start(struct loop *loop, const char *host,
		resolve_fn fn, void *data) __attribute__((warn_unused_result));

/* @fn will not be called.  Accepts NULL. */
void resolve_cancel(struct resolve *resolve);

#endif
