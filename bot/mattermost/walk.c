#include "mattermost/walk.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "mattermost/api.h"

struct walk {
	struct api *api;
	struct walk_sink sink;
	void *data;
	char channel_id[65];
	char before[65]; // "": from the newest
	unsigned page;   // after @before
	unsigned pages;
	struct api_request *request;
};

static void ask(struct walk *walk);

static void end(struct walk *walk, const struct api_answer *answer) {
	struct walk_sink sink = walk->sink;
	void *data = walk->data;
	free(walk);
	sink.done(data, answer);
}

/* Where the next page begins: before the oldest that is younger than the last
 * of this one; where a whole page is of one millisecond, by counting on. */
static void move_border(
		struct walk *walk, const struct mattermost_posts *page) {
	int64_t oldest_ms = page->posts[page->count - 1].create_at_ms;
	for (size_t i = page->count; i > 0; i--) {
		const struct mattermost_post *post = &page->posts[i - 1];
		if (post->create_at_ms > oldest_ms) {
			snprintf(walk->before, sizeof(walk->before), "%s", post->id);
			walk->page = 0;
			return;
		}
	}
	walk->page++;
}

static void on_page(void *data, const struct api_answer *answer) {
	struct walk *walk = data;
	walk->request = NULL;
	struct api_answer end_answer = *answer;
	struct mattermost_posts page = { 0 };
	if (answer->result == SERVER_OK &&
			!mattermost_json_read_page(answer->body, &page, &end_answer.err)) {
		end_answer.result = SERVER_AGAIN;
	}
	bool more = end_answer.result == SERVER_OK && page.count > 0;
	if (more) {
		bool full = page.count >= WALK_PAGE;
		move_border(walk, &page);
		more = walk->sink.page(walk->data, &page) && full;
	}
	mattermost_json_finish_posts(&page);
	walk->pages++;
	if (more && walk->pages < WALK_PAGES_MAX) {
		ask(walk);
		return;
	}
	end(walk, &end_answer);
}

static void ask(struct walk *walk) {
	char path[256];
	snprintf(path, sizeof(path), "/channels/%s/posts?page=%u&per_page=%d%s%s",
			walk->channel_id, walk->page, WALK_PAGE,
			walk->before[0] != '\0' ? "&before=" : "", walk->before);
	const struct api_call call = { .method = HTTP_GET, .path = path };
	walk->request = api_start(walk->api, &call, on_page, walk);
}

struct walk *walk_start(struct api *api, const char *channel_id,
		const struct walk_sink *sink, void *data) {
	struct walk *walk = xcalloc(1, sizeof(*walk));
	walk->api = api;
	walk->sink = *sink;
	walk->data = data;
	snprintf(walk->channel_id, sizeof(walk->channel_id), "%s", channel_id);
	ask(walk);
	return walk;
}

void walk_cancel(struct walk *walk) {
	if (walk != NULL) {
		api_cancel(walk->request);
		free(walk);
	}
}
