#ifndef FEED_H
#define FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/mattermost_json.h"
#include "mattermost/server.h"

struct loop;
struct roster;

/*
 * What is told to the sink, in order, one turn of the loop later.  Nobody's
 * post or tap is told before their account is known, as far as the server
 * knows it; what comes behind waits too.  While the channel is being read
 * after a gap, what is live waits behind what was missed; a post that was
 * edited or deleted while it waited is not told as it was said.
 *
 *	live ----held----+
 *	                 v
 *	missed --> waiting for accounts --> told
 */

struct feed;

struct feed *feed_create(struct loop *loop, struct roster *roster,
		const struct server_sink *sink, void *data)
		__attribute__((warn_unused_result));
void feed_destroy(struct feed *feed);

/* Our own id: its taps are left out, its posts alone have a key. */
void feed_set_own_id(struct feed *feed, const char *own_id);

/* From now on live items wait, until feed_release(). */
void feed_hold(struct feed *feed);
void feed_release(struct feed *feed);

/* @live: an event; else something that was read. */
void feed_post(struct feed *feed, const struct mattermost_post *post,
		bool changed, bool live);
/* A post of which nothing is left but its id. */
void feed_gone(struct feed *feed, const char *post_id, int64_t delete_at_ms);
void feed_taps(struct feed *feed, const struct mattermost_tapped *tapped);

/* Behind all that was fed so far. */
void feed_online(struct feed *feed, const struct server_mark *mark);
void feed_mark(struct feed *feed, const struct server_mark *mark);
/* Before all else: what waits for accounts must not hide an outage. */
void feed_offline(struct feed *feed, const char *why);
void feed_trouble(struct feed *feed, const char *what);
void feed_people_changed(struct feed *feed);

#endif
