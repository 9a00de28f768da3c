#include "mattermost/taps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "codec/mattermost_json.h"
#include "loop/loop.h"
#include "mattermost/api.h"
#include "mattermost/feed.h"
#include "sys/log.h"

#define CHUNK_MAX    ((size_t)100)
#define COALESCE_MS  3
#define RETRY_MS     500
#define RETRY_MAX_MS 8000

struct watched {
	char *id;
	bool dirty;
	bool asked; // stands in the read that is under way
	bool lost;  // the server does not know it
};

struct taps {
	struct loop *loop;
	struct api *api;
	struct feed *feed;
	struct watched *posts;
	size_t count;
	size_t chunk; // how many the next read asks for
	struct api_request *request;
	char *alone; // the one post whose being there is asked
	struct loop_timer *timer;
	int64_t retry_ms; // doubled with each failure
	bool holding;
	taps_fn fn; // of taps_read_all()
	void *data;
};

static void read_dirty(void *data);

struct taps *taps_create(
		struct loop *loop, struct api *api, struct feed *feed) {
	struct taps *taps = xcalloc(1, sizeof(*taps));
	taps->loop = loop;
	taps->api = api;
	taps->feed = feed;
	taps->chunk = CHUNK_MAX;
	taps->retry_ms = RETRY_MS;
	taps->timer = loop_timer_create(loop, read_dirty, taps);
	return taps;
}

static void hold(struct taps *taps) {
	if (!taps->holding) {
		taps->holding = true;
		loop_hold_clock(taps->loop);
	}
}

static void release(struct taps *taps) {
	if (taps->holding) {
		taps->holding = false;
		loop_release_clock(taps->loop);
	}
}

void taps_destroy(struct taps *taps) {
	if (taps == NULL) {
		return;
	}
	api_cancel(taps->request);
	release(taps);
	loop_timer_destroy(taps->timer);
	for (size_t i = 0; i < taps->count; i++) {
		free(taps->posts[i].id);
	}
	free(taps->posts);
	free(taps->alone);
	free(taps);
}

static struct watched *find(const struct taps *taps, const char *id) {
	for (size_t i = 0; i < taps->count; i++) {
		if (strcmp(taps->posts[i].id, id) == 0) {
			return &taps->posts[i];
		}
	}
	return NULL;
}

static void read_soon(struct taps *taps) {
	hold(taps);
	if (taps->request == NULL) {
		loop_timer_start_real(taps->timer, COALESCE_MS);
	}
}

void taps_watch(struct taps *taps, const char *const *post_ids, size_t count) {
	struct watched *posts = xcalloc(count, sizeof(*posts));
	bool dirty = false;
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (post_ids[i][0] == '\0') {
			continue;
		}
		const struct watched *known = find(taps, post_ids[i]);
		posts[kept] = known != NULL ? *known
									: (struct watched){ .dirty = true };
		posts[kept].id = xstrdup(post_ids[i]);
		dirty |= posts[kept].dirty;
		kept++;
	}
	for (size_t i = 0; i < taps->count; i++) {
		free(taps->posts[i].id);
	}
	free(taps->posts);
	taps->posts = posts;
	taps->count = kept;
	if (dirty) {
		read_soon(taps);
	}
}

void taps_touch(struct taps *taps, const char *post_id) {
	struct watched *post = find(taps, post_id);
	if (post != NULL) {
		post->dirty = true;
		read_soon(taps);
	}
}

void taps_read_all(struct taps *taps, taps_fn fn, void *data) {
	taps->fn = fn;
	taps->data = data;
	for (size_t i = 0; i < taps->count; i++) {
		taps->posts[i].dirty = !taps->posts[i].lost;
	}
	read_soon(taps);
}

static void tell(struct taps *taps, bool ok, const struct err *err) {
	taps_fn fn = taps->fn;
	taps->fn = NULL;
	if (fn != NULL) {
		fn(taps->data, ok, err);
	}
}

/* Put what was asked back; try again by itself later. */
static void fail(struct taps *taps, const struct err *err) {
	bool any = false;
	for (size_t i = 0; i < taps->count; i++) {
		taps->posts[i].dirty |= taps->posts[i].asked;
		taps->posts[i].asked = false;
		any |= taps->posts[i].dirty;
	}
	log_warn("mattermost.taps", "why=\"%s\"", err->text);
	if (any) {
		loop_timer_start_real(taps->timer, taps->retry_ms);
		taps->retry_ms = taps->retry_ms < RETRY_MAX_MS / 2 ? taps->retry_ms * 2
														   : RETRY_MAX_MS;
	}
	release(taps);
	tell(taps, false, err);
}

static void go_on(struct taps *taps) {
	for (size_t i = 0; i < taps->count; i++) {
		if (taps->posts[i].dirty) {
			read_dirty(taps);
			return;
		}
	}
	release(taps);
	struct err none = { 0 };
	tell(taps, true, &none);
}

static void on_alone(void *data, const struct api_answer *answer) {
	struct taps *taps = data;
	taps->request = NULL;
	struct watched *post = find(taps, taps->alone);
	if (answer->result == SERVER_AGAIN || answer->result == SERVER_DOUBT) {
		fail(taps, &answer->err);
		return;
	}
	if (post != NULL) {
		post->lost = true;
		post->asked = false;
	}
	log_warn("mattermost.taps", "post=%s status=%d why=\"cannot be read\"",
			taps->alone, answer->status);
	if (answer->status == 404) {
		feed_gone(taps->feed, taps->alone, api_server_time_ms(taps->api));
	}
	taps->chunk = CHUNK_MAX;
	go_on(taps);
}

/* The server refused the bulk read because of this one: is it there at all? */
static void ask_alone(struct taps *taps) {
	free(taps->alone);
	taps->alone = NULL;
	for (size_t i = 0; i < taps->count; i++) {
		if (taps->posts[i].asked) {
			taps->alone = xstrdup(taps->posts[i].id);
			break;
		}
	}
	if (taps->alone == NULL) {
		go_on(taps); // not watched any more
		return;
	}
	char path[128];
	snprintf(path, sizeof(path), "/posts/%s", taps->alone);
	const struct api_call call = { .method = HTTP_GET, .path = path };
	taps->request = api_start(taps->api, &call, on_alone, taps);
}

static void take(struct taps *taps, const struct mattermost_taps *answer) {
	for (size_t i = 0; i < answer->count; i++) {
		struct watched *post = find(taps, answer->posts[i].post_id);
		if (post != NULL && post->asked) {
			post->asked = false;
			feed_taps(taps->feed, &answer->posts[i]);
		}
	}
}

/* What was asked and is missing from the answer has no reactions. */
static void take_missing(struct taps *taps) {
	for (size_t i = 0; i < taps->count; i++) {
		if (taps->posts[i].asked) {
			taps->posts[i].asked = false;
			feed_taps(taps->feed,
					&(struct mattermost_tapped){
							.post_id = taps->posts[i].id });
		}
	}
}

static void on_refused(struct taps *taps, const struct api_answer *answer) {
	size_t asked = 0;
	for (size_t i = 0; i < taps->count; i++) {
		asked += taps->posts[i].asked;
	}
	if (answer->status != 403 && answer->status != 404) {
		fail(taps, &answer->err);
		return;
	}
	if (asked <= 1) {
		ask_alone(taps);
		return;
	}
	taps->chunk = asked / 2;
	for (size_t i = 0; i < taps->count; i++) {
		taps->posts[i].dirty |= taps->posts[i].asked;
		taps->posts[i].asked = false;
	}
	read_dirty(taps);
}

static void on_taps(void *data, const struct api_answer *answer) {
	struct taps *taps = data;
	taps->request = NULL;
	if (answer->result == SERVER_NEVER) {
		on_refused(taps, answer);
		return;
	}
	if (answer->result != SERVER_OK) {
		fail(taps, &answer->err);
		return;
	}
	struct mattermost_taps read;
	struct err err = { 0 };
	if (!mattermost_json_read_taps(answer->body, &read, &err)) {
		fail(taps, &err);
		return;
	}
	taps->retry_ms = RETRY_MS;
	take(taps, &read);
	mattermost_json_finish_taps(&read);
	take_missing(taps);
	taps->chunk = taps->chunk < CHUNK_MAX / 2 ? taps->chunk * 2 : CHUNK_MAX;
	go_on(taps);
}

/* Ask for the first dirty ones. */
static void read_dirty(void *data) {
	struct taps *taps = data;
	const char *ids[CHUNK_MAX];
	size_t count = 0;
	if (taps->request != NULL) {
		return;
	}
	for (size_t i = 0; i < taps->count && count < taps->chunk; i++) {
		struct watched *post = &taps->posts[i];
		if (post->dirty) {
			post->dirty = false;
			post->asked = true;
			ids[count] = post->id;
			count++;
		}
	}
	if (count == 0) {
		go_on(taps);
		return;
	}
	hold(taps);
	char *body = mattermost_json_write_list(ids, count);
	const struct api_call call = {
		.method = HTTP_POST,
		.path = "/posts/ids/reactions",
		.body = body,
	};
	taps->request = api_start(taps->api, &call, on_taps, taps);
	free(body);
}

size_t taps_count(const struct taps *taps) {
	return taps->count;
}

const char *taps_post(const struct taps *taps, size_t index) {
	return taps->posts[index].id;
}
