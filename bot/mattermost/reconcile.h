#ifndef RECONCILE_H
#define RECONCILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct api;
struct feed;
struct roster;
struct taps;

/*
 * Reads over REST whatever the socket may have missed, and feeds it:
 *
 *	channel --> accounts --> pages back to the mark --> edits and deletions
 *	        --> taps
 *
 * A light one (the canary, the second look after a connection) reads pages and
 * taps only.  The mark moves only when all of it has been read, and only from
 * what was read: events come in another order than posts are created.
 */

struct reconcile;

struct reconcile_options {
	struct api *api;
	struct feed *feed;
	struct roster *roster;
	struct taps *taps;
	int64_t read_to_ms;    // from the last process; 0: none
	int64_t changed_to_ms; // the same
};

/* @full as it was asked. */
typedef void (*reconcile_fn)(
		void *data, bool full, bool ok, const struct err *err);

struct reconcile *reconcile_create(const struct reconcile_options *options,
		reconcile_fn fn, void *data) __attribute__((warn_unused_result));
void reconcile_destroy(struct reconcile *reconcile);

/* Begin; drops what is under way.  @fn is called once, from the loop. */
void reconcile_start(
		struct reconcile *reconcile, const char *channel_id, bool full);
void reconcile_stop(struct reconcile *reconcile);
bool reconcile_is_running(const struct reconcile *reconcile);

/* Whether the channel was archived when a full one last read it. */
bool reconcile_is_archived(const struct reconcile *reconcile);
/* As an event says. */
void reconcile_note_archived(struct reconcile *reconcile);

/* The marks, as they stand. */
int64_t reconcile_read_to_ms(const struct reconcile *reconcile);
int64_t reconcile_changed_to_ms(const struct reconcile *reconcile);

#endif
