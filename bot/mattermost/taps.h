#ifndef TAPS_H
#define TAPS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct loop;
struct api;
struct feed;

/*
 * The reactions on the posts that are watched.  An event about one only marks
 * it: what is told is one bulk read of the database, at most 100 posts each,
 * which events, caches and flags of the post cannot lead astray.
 *
 *	clean --touched, watched, gap--> dirty --read--> clean
 *
 * One bulk read is under way at a time.  One unknown post makes the server
 * refuse the whole call: then halves are asked until it stands alone.
 */

struct taps;

/* All that was dirty has been read and fed, or a read has failed. */
typedef void (*taps_fn)(void *data, bool ok, const struct err *err);

struct taps *taps_create(struct loop *loop, struct api *api, struct feed *feed)
		__attribute__((warn_unused_result));
void taps_destroy(struct taps *taps);

/* Replace the set; posts that are new in it are read at once. */
void taps_watch(struct taps *taps, const char *const *post_ids, size_t count);

/* Something happened to @post_id; nothing if it is not watched. */
void taps_touch(struct taps *taps, const char *post_id);

/* Read every one anew; at most one such call at a time. */
void taps_read_all(struct taps *taps, taps_fn fn, void *data);

/* The watched posts, for who must read them one by one. */
size_t taps_count(const struct taps *taps);
const char *taps_post(const struct taps *taps, size_t index);

#endif
