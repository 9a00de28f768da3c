#ifndef ACTIONS_H
#define ACTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct conn;
struct sandbox;

/*
 * What a client says on its websocket once it is authenticated; the reply is
 * queued behind its events.  False: hang up without a word.
 */
bool actions_handle(struct sandbox *sandbox, struct conn *conn,
		const char *message, size_t len);

/*
 * The challenge of a client that came without a header: the token in it, which
 * the caller frees, and *seq for the reply; NULL if it is something else.
 */
char *actions_challenge(const char *message, size_t len, double *seq);

/* The reply to a challenge or action that went well. */
void actions_reply_ok(struct sandbox *sandbox, struct conn *conn, double seq);

#endif
