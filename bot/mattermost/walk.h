#ifndef WALK_H
#define WALK_H

#include <stdbool.h>

#include "codec/mattermost_json.h"

struct api;
struct api_answer;

/*
 * A walk over a channel's posts, newest to oldest, page by page.  Pages are of
 * a size that the server does not cache.  `before=` leaves out posts of the
 * border's own millisecond, so each page asks before the oldest post that is
 * younger than the border: ties are read twice rather than never.
 */

struct walk;

#define WALK_PAGE      199
#define WALK_PAGES_MAX 250

struct walk_sink {
	/*
	 * One page, newest first; what is left in *page afterwards is freed.
	 * Returns whether to go on.  Not called for an empty page.
	 */
	bool (*page)(void *data, struct mattermost_posts *page);
	/*
	 * The walk is over: OK, or as the answer that stopped it says.  The
	 * handle is freed before this is called.
	 */
	void (*done)(void *data, const struct api_answer *answer);
};

struct walk *walk_start(struct api *api, const char *channel_id,
		const struct walk_sink *sink, void *data)
		__attribute__((warn_unused_result));

/* Nothing more is told.  Accepts NULL. */
void walk_cancel(struct walk *walk);

#endif
