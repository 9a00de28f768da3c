#ifndef DOWNLOAD_H
#define DOWNLOAD_H

#include "mattermost/server.h"

struct api;

/*
 * Files of the server's, streamed to our disk and hashed on the way.
 *
 *	(start) --> asked about --> streamed to .PREFIXpart --> durable, in place
 *	                 |                   |
 *	                 +-----refused-------+--> nothing is left of it
 *
 * One that is in place already, from before a crash, is not fetched again.
 */
struct downloads;

struct downloads *downloads_create(struct api *api)
		__attribute__((warn_unused_result));

/* Callbacks of what is under way are never called, and nothing half is left.
 * Accepts NULL. */
void downloads_destroy(struct downloads *downloads);

/* As server.h has it; the answer comes from the loop. */
void download_start(struct downloads *downloads,
		const struct server_fetch *fetch, server_fetched_fn fn, void *data);

/* @name with all but letters, digits, `.`, `_` and `-` replaced, no dot in
 * front, at most 100 bytes of which the end is kept; "file" for nothing.
 * Caller frees. */
char *download_safe_name(const char *name) __attribute__((warn_unused_result));

#endif
