#include "mattermost/reconcile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "codec/mattermost_json.h"
#include "mattermost/api.h"
#include "mattermost/feed.h"
#include "mattermost/roster.h"
#include "mattermost/taps.h"
#include "mattermost/walk.h"
#include "sys/log.h"

/* Posts are committed in another order than created; re-reading is free. */
#define OVERLAP_MS  ((int64_t)60000)
#define SINCE_LIMIT 1000 // the server's own, in no order

enum stage {
	STAGE_NONE,
	STAGE_CHANNEL,
	STAGE_ACCOUNTS,
	STAGE_PAGES,
	STAGE_CHANGES,
	STAGE_TAPS,
};

struct reconcile {
	struct api *api;
	struct feed *feed;
	struct roster *roster;
	struct taps *taps;
	reconcile_fn fn;
	void *data;
	char channel_id[65];
	enum stage stage;
	bool full;
	bool archived;
	int64_t read_to_ms;
	int64_t changed_to_ms;
	int64_t floor_ms; // of this run; posts older than this are not missed
	struct mattermost_posts *pages; // newest first
	size_t page_count;
	struct roster_read *accounts;
	struct walk *walk;
	struct api_request *request; // of the channel, `since`, or of one post
	size_t reading;              // which watched post is read alone
};

struct reconcile *reconcile_create(
		const struct reconcile_options *options, reconcile_fn fn, void *data) {
	struct reconcile *reconcile = xcalloc(1, sizeof(*reconcile));
	reconcile->api = options->api;
	reconcile->feed = options->feed;
	reconcile->roster = options->roster;
	reconcile->taps = options->taps;
	reconcile->read_to_ms = options->read_to_ms;
	reconcile->changed_to_ms = options->changed_to_ms;
	reconcile->fn = fn;
	reconcile->data = data;
	return reconcile;
}

static void drop_pages(struct reconcile *reconcile) {
	for (size_t i = 0; i < reconcile->page_count; i++) {
		mattermost_json_finish_posts(&reconcile->pages[i]);
	}
	free(reconcile->pages);
	reconcile->pages = NULL;
	reconcile->page_count = 0;
}

void reconcile_stop(struct reconcile *reconcile) {
	reconcile->stage = STAGE_NONE;
	roster_cancel(reconcile->accounts);
	reconcile->accounts = NULL;
	walk_cancel(reconcile->walk);
	reconcile->walk = NULL;
	api_cancel(reconcile->request);
	reconcile->request = NULL;
	drop_pages(reconcile);
}

void reconcile_destroy(struct reconcile *reconcile) {
	if (reconcile != NULL) {
		reconcile_stop(reconcile);
		free(reconcile);
	}
}

bool reconcile_is_running(const struct reconcile *reconcile) {
	return reconcile->stage != STAGE_NONE;
}

bool reconcile_is_archived(const struct reconcile *reconcile) {
	return reconcile->archived;
}

void reconcile_note_archived(struct reconcile *reconcile) {
	reconcile->archived = true;
}

int64_t reconcile_read_to_ms(const struct reconcile *reconcile) {
	return reconcile->read_to_ms;
}

int64_t reconcile_changed_to_ms(const struct reconcile *reconcile) {
	return reconcile->changed_to_ms;
}

static void finish(
		struct reconcile *reconcile, bool ok, const struct err *err) {
	bool full = reconcile->full;
	reconcile_stop(reconcile);
	reconcile->fn(reconcile->data, full, ok, err);
}

static int64_t later(int64_t a, int64_t b) {
	return a > b ? a : b;
}

/* Newest create_at and update_at of all pages. */
static void newest_of(
		const struct reconcile *reconcile, int64_t *created, int64_t *updated) {
	for (size_t i = 0; i < reconcile->page_count; i++) {
		for (size_t j = 0; j < reconcile->pages[i].count; j++) {
			const struct mattermost_post *post = &reconcile->pages[i].posts[j];
			*created = later(*created, post->create_at_ms);
			*updated = later(*updated, post->update_at_ms);
		}
	}
}

/* A channel without a post: whatever comes is missed from now on. */
static void set_first_mark(struct reconcile *reconcile) {
	int64_t begun_ms = reconcile->floor_ms + OVERLAP_MS;
	if (reconcile->read_to_ms == 0) {
		reconcile->read_to_ms = begun_ms;
	}
	if (reconcile->changed_to_ms == 0) {
		reconcile->changed_to_ms = begun_ms;
	}
}

static void on_taps(void *data, bool ok, const struct err *err) {
	struct reconcile *reconcile = data;
	if (reconcile->stage != STAGE_TAPS) {
		return; // of a start that was dropped
	}
	if (ok) {
		newest_of(reconcile, &reconcile->read_to_ms, &reconcile->changed_to_ms);
		set_first_mark(reconcile);
	}
	finish(reconcile, ok, err);
}

static void read_taps(struct reconcile *reconcile) {
	reconcile->stage = STAGE_TAPS;
	taps_read_all(reconcile->taps, on_taps, reconcile);
}

static int64_t changed_floor(const struct reconcile *reconcile) {
	return reconcile->changed_to_ms - OVERLAP_MS;
}

/* An edit or deletion that may be news. */
static bool is_change(
		const struct reconcile *reconcile, const struct mattermost_post *post) {
	bool changed = post->edit_at_ms > 0 || post->delete_at_ms > 0;
	return changed && post->update_at_ms >= changed_floor(reconcile) &&
			reconcile->changed_to_ms > 0;
}

static void read_watched(struct reconcile *reconcile);

static void on_watched(void *data, const struct api_answer *answer) {
	struct reconcile *reconcile = data;
	reconcile->request = NULL;
	struct mattermost_posts post;
	struct err err = answer->err;
	if (answer->result == SERVER_AGAIN || answer->result == SERVER_DOUBT) {
		finish(reconcile, false, &err);
		return;
	}
	if (answer->status == 404) {
		feed_gone(reconcile->feed,
				taps_post(reconcile->taps, reconcile->reading),
				answer->date_ms);
	} else if (answer->result == SERVER_OK &&
			mattermost_json_read_post(answer->body, &post, &err)) {
		if (post.posts[0].edit_at_ms > 0 || post.posts[0].delete_at_ms > 0) {
			feed_post(reconcile->feed, &post.posts[0], true, false);
		}
		mattermost_json_finish_posts(&post);
	}
	reconcile->reading++;
	read_watched(reconcile);
}

/* Where `since` cannot be trusted: the posts that matter, one by one. */
static void read_watched(struct reconcile *reconcile) {
	if (reconcile->reading >= taps_count(reconcile->taps)) {
		read_taps(reconcile);
		return;
	}
	char path[128];
	snprintf(path, sizeof(path), "/posts/%s",
			taps_post(reconcile->taps, reconcile->reading));
	const struct api_call call = { .method = HTTP_GET, .path = path };
	reconcile->request = api_start(
			reconcile->api, &call, on_watched, reconcile);
}

/* The post of the pages that was changed last. */
static const struct mattermost_post *last_changed(
		const struct reconcile *reconcile) {
	const struct mattermost_post *last = NULL;
	for (size_t i = 0; i < reconcile->page_count; i++) {
		for (size_t j = 0; j < reconcile->pages[i].count; j++) {
			const struct mattermost_post *post = &reconcile->pages[i].posts[j];
			if (last == NULL || post->update_at_ms > last->update_at_ms) {
				last = post;
			}
		}
	}
	return last;
}

/* A stale cache of the server's, or an answer that its limit has cut. */
static bool is_unfit(const struct reconcile *reconcile,
		const struct mattermost_posts *answer) {
	if (answer->count >= SINCE_LIMIT) {
		return true;
	}
	const struct mattermost_post *last = last_changed(reconcile);
	if (last == NULL || last->update_at_ms <= changed_floor(reconcile)) {
		return false;
	}
	for (size_t i = 0; i < answer->count; i++) {
		if (strcmp(answer->posts[i].id, last->id) == 0) {
			return false;
		}
	}
	return true;
}

static void take_changes(
		struct reconcile *reconcile, const struct mattermost_posts *answer) {
	for (size_t i = 0; i < answer->count; i++) {
		const struct mattermost_post *post = &answer->posts[i];
		if (post->original_id[0] != '\0') {
			continue; // an old copy of an edited post, under an id of its own
		}
		bool live = post->delete_at_ms == 0;
		if (live && post->create_at_ms >= reconcile->floor_ms) {
			feed_post(reconcile->feed, post, false, false);
		}
		if (is_change(reconcile, post)) {
			feed_post(reconcile->feed, post, true, false);
		}
	}
}

static void on_since(void *data, const struct api_answer *answer) {
	struct reconcile *reconcile = data;
	reconcile->request = NULL;
	struct mattermost_posts posts = { 0 };
	struct err err = answer->err;
	bool ok = answer->result == SERVER_OK &&
			mattermost_json_read_page(answer->body, &posts, &err);
	if (!ok) {
		finish(reconcile, false, &err);
		return;
	}
	bool unfit = is_unfit(reconcile, &posts);
	take_changes(reconcile, &posts);
	mattermost_json_finish_posts(&posts);
	if (unfit) {
		log_info("mattermost.since", "rows=%zu why=\"stale or cut\"",
				posts.count);
		reconcile->reading = 0;
		read_watched(reconcile);
		return;
	}
	read_taps(reconcile);
}

static void read_changes(struct reconcile *reconcile) {
	reconcile->stage = STAGE_CHANGES;
	char path[160];
	snprintf(path, sizeof(path), "/channels/%s/posts?since=%" PRId64,
			reconcile->channel_id, changed_floor(reconcile));
	const struct api_call call = { .method = HTTP_GET, .path = path };
	reconcile->request = api_start(reconcile->api, &call, on_since, reconcile);
}

/* Oldest first, as they were said. */
static void feed_pages(struct reconcile *reconcile) {
	for (size_t i = reconcile->page_count; i > 0; i--) {
		const struct mattermost_posts *page = &reconcile->pages[i - 1];
		for (size_t j = page->count; j > 0; j--) {
			const struct mattermost_post *post = &page->posts[j - 1];
			if (post->create_at_ms >= reconcile->floor_ms) {
				feed_post(reconcile->feed, post, false, false);
			}
			if (is_change(reconcile, post)) {
				feed_post(reconcile->feed, post, true, false);
			}
		}
	}
}

/* Whether older pages can still hold what was missed. */
static bool on_page(void *data, struct mattermost_posts *page) {
	struct reconcile *reconcile = data;
	int64_t newest_ms = page->posts[0].create_at_ms;
	int64_t oldest_ms = page->posts[page->count - 1].create_at_ms;
	reconcile->pages = xreallocarray(reconcile->pages,
			reconcile->page_count + 1, sizeof(*reconcile->pages));
	reconcile->pages[reconcile->page_count] = *page;
	reconcile->page_count++;
	*page = (struct mattermost_posts){ 0 };
	if (reconcile->read_to_ms == 0) {
		return false; // what was said before we ever came is not for us
	}
	return (reconcile->full ? newest_ms : oldest_ms) >= reconcile->floor_ms;
}

static void on_walked(void *data, const struct api_answer *answer) {
	struct reconcile *reconcile = data;
	reconcile->walk = NULL;
	if (answer->result != SERVER_OK) {
		finish(reconcile, false, &answer->err);
		return;
	}
	if (reconcile->page_count >= WALK_PAGES_MAX) {
		log_error("mattermost.reconcile",
				"pages=%zu why=\"too much was missed, older posts are not "
				"read\"",
				reconcile->page_count);
	}
	if (reconcile->read_to_ms == 0) {
		reconcile->floor_ms = api_server_time_ms(reconcile->api) - OVERLAP_MS;
	}
	feed_pages(reconcile);
	if (reconcile->full && reconcile->changed_to_ms > OVERLAP_MS) {
		read_changes(reconcile);
	} else {
		read_taps(reconcile);
	}
}

static void read_pages(struct reconcile *reconcile) {
	reconcile->stage = STAGE_PAGES;
	static const struct walk_sink sink = {
		.page = on_page,
		.done = on_walked,
	};
	reconcile->walk = walk_start(
			reconcile->api, reconcile->channel_id, &sink, reconcile);
}

static void on_accounts(void *data, bool ok, const struct err *err) {
	struct reconcile *reconcile = data;
	reconcile->accounts = NULL;
	if (!ok) {
		finish(reconcile, false, err);
		return;
	}
	read_pages(reconcile);
}

static void on_channel(void *data, const struct api_answer *answer) {
	struct reconcile *reconcile = data;
	reconcile->request = NULL;
	struct err err = answer->err;
	bool refused = answer->result == SERVER_NEVER; // the accounts tell why
	if (!refused &&
			(answer->result != SERVER_OK ||
					!mattermost_json_read_id(
							answer->body, NULL, &reconcile->archived, &err))) {
		finish(reconcile, false, &err);
		return;
	}
	reconcile->stage = STAGE_ACCOUNTS;
	reconcile->accounts = roster_read_all(
			reconcile->roster, on_accounts, reconcile);
}

static void read_channel(struct reconcile *reconcile) {
	reconcile->stage = STAGE_CHANNEL;
	char path[128];
	snprintf(path, sizeof(path), "/channels/%s", reconcile->channel_id);
	const struct api_call call = { .method = HTTP_GET, .path = path };
	reconcile->request = api_start(
			reconcile->api, &call, on_channel, reconcile);
}

void reconcile_start(
		struct reconcile *reconcile, const char *channel_id, bool full) {
	reconcile_stop(reconcile);
	snprintf(reconcile->channel_id, sizeof(reconcile->channel_id), "%s",
			channel_id);
	reconcile->full = full;
	reconcile->floor_ms = reconcile->read_to_ms - OVERLAP_MS;
	if (full) {
		read_channel(reconcile);
	} else {
		read_pages(reconcile);
	}
}
