#include "mattermost/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "loop/loop.h"
#include "mattermost/roster.h"
#include "sys/log.h"

#define LOOKUP_RETRY_MS 500
#define LOOKUP_MAX      100
#define FULL_RETRY_MS   100

enum item_kind {
	ITEM_POST,
	ITEM_CHANGED,
	ITEM_TAPS,
	ITEM_ONLINE,
	ITEM_MARK,
	ITEM_OFFLINE,
	ITEM_TROUBLE,
	ITEM_PEOPLE,
};

struct item {
	struct item *next;
	enum item_kind kind;
	bool looked_up; // nobody else will be found for it
	char *text;     // why; the post id of taps
	struct server_post post;
	struct server_tap *taps;
	size_t tap_count;
	struct server_mark mark;
};

struct queue {
	struct item *head;
	struct item *tail;
};

struct feed {
	struct loop *loop;
	struct roster *roster;
	struct server_sink sink;
	void *data;
	char own_id[65];
	bool held;
	bool scheduled;
	bool looking;   // accounts of the first item are being read
	size_t unknown; // how many of them there were
	struct queue urgent;
	struct queue ready;
	struct queue live;
	struct loop_timer *retry;
};

static void free_const(const char *text) {
	free((void *)(uintptr_t)text);
}

static void item_free(struct item *item) {
	const struct server_post *post = &item->post;
	free_const(post->id);
	free_const(post->user_id);
	free_const(post->root_id);
	free_const(post->message);
	free_const(post->type);
	free_const(post->key);
	for (size_t i = 0; i < post->file_count; i++) {
		free_const(post->file_ids[i]);
	}
	free((void *)(uintptr_t)post->file_ids);
	for (size_t i = 0; i < item->tap_count; i++) {
		free_const(item->taps[i].user_id);
		free_const(item->taps[i].emoji);
	}
	free(item->taps);
	free(item->text);
	free(item);
}

static void queue_add(struct queue *queue, struct item *item) {
	if (queue->head == NULL) {
		queue->head = item;
	} else {
		queue->tail->next = item;
	}
	queue->tail = item;
}

static struct item *queue_take(struct queue *queue) {
	struct item *first = queue->head;
	if (first != NULL) {
		queue->head = first->next;
		first->next = NULL;
	}
	return first;
}

static void on_retry(void *data);

struct feed *feed_create(struct loop *loop, struct roster *roster,
		const struct server_sink *sink, void *data) {
	struct feed *feed = xcalloc(1, sizeof(*feed));
	feed->loop = loop;
	feed->roster = roster;
	feed->sink = *sink;
	feed->data = data;
	feed->retry = loop_timer_create(loop, on_retry, feed);
	return feed;
}

void feed_destroy(struct feed *feed) {
	if (feed == NULL) {
		return;
	}
	feed_release(feed);
	struct item *item = NULL;
	while ((item = queue_take(&feed->ready)) != NULL) {
		item_free(item);
	}
	while ((item = queue_take(&feed->urgent)) != NULL) {
		item_free(item);
	}
	if (feed->looking) {
		loop_release_clock(feed->loop);
	}
	loop_cancel_deferred(feed->loop, feed);
	loop_timer_destroy(feed->retry);
	free(feed);
}

void feed_set_own_id(struct feed *feed, const char *own_id) {
	snprintf(feed->own_id, sizeof(feed->own_id), "%s", own_id);
}

static bool is_known(const struct feed *feed, const char *user_id) {
	return people_by_id(roster_people(feed->roster), user_id) != NULL;
}

/* Who of @item is not known yet, at most LOOKUP_MAX. */
static size_t unknown_of(const struct feed *feed, const struct item *item,
		const char *ids[LOOKUP_MAX]) {
	size_t count = 0;
	bool post = item->kind == ITEM_POST || item->kind == ITEM_CHANGED;
	const char *author = post ? item->post.user_id : "";
	if (author[0] != '\0' && !is_known(feed, author)) {
		ids[count] = author;
		count++;
	}
	for (size_t i = 0; i < item->tap_count && count < LOOKUP_MAX; i++) {
		if (!is_known(feed, item->taps[i].user_id)) {
			ids[count] = item->taps[i].user_id;
			count++;
		}
	}
	return count;
}

static void tell_post(const struct feed *feed, struct item *item) {
	const struct person *author = people_by_id(
			roster_people(feed->roster), item->post.user_id);
	void (*fn)(void *data, const struct server_post *post) =
			item->kind == ITEM_POST ? feed->sink.post : feed->sink.post_changed;
	item->post.from_bot |= author != NULL && author->bot;
	if (fn != NULL) {
		fn(feed->data, &item->post);
	}
}

static void tell_words(const struct feed *feed, const struct item *item,
		void (*fn)(void *data, const char *words)) {
	if (fn != NULL) {
		fn(feed->data, item->text);
	}
}

static void tell_plain(const struct feed *feed, void (*fn)(void *data)) {
	if (fn != NULL) {
		fn(feed->data);
	}
}

static void tell(const struct feed *feed, struct item *item) {
	const struct server_sink *sink = &feed->sink;
	switch (item->kind) {
	case ITEM_POST:
	case ITEM_CHANGED:
		tell_post(feed, item);
		break;
	case ITEM_TAPS:
		if (sink->taps != NULL) {
			sink->taps(feed->data, item->text, item->taps, item->tap_count);
		}
		break;
	case ITEM_ONLINE:
		tell_plain(feed, sink->online);
		break;
	case ITEM_MARK:
		if (sink->marked != NULL) {
			sink->marked(feed->data, &item->mark);
		}
		break;
	case ITEM_OFFLINE:
		tell_words(feed, item, sink->offline);
		break;
	case ITEM_TROUBLE:
		tell_words(feed, item, sink->trouble);
		break;
	case ITEM_PEOPLE:
		tell_plain(feed, sink->people_changed);
		break;
	}
}

static void schedule(struct feed *feed);

static void on_looked_up(void *data, bool ok, const struct err *err) {
	struct feed *feed = data;
	feed->looking = false;
	loop_release_clock(feed->loop);
	if (ok || err->code == ERR_REFUSED) {
		struct item *first = feed->ready.head;
		const char *ids[LOOKUP_MAX];
		first->looked_up = unknown_of(feed, first, ids) >= feed->unknown;
		schedule(feed);
		return;
	}
	log_warn("mattermost.lookup", "why=\"%s\"", err->text);
	loop_timer_start_real(feed->retry, LOOKUP_RETRY_MS);
}

static void look_up(struct feed *feed, const char *const *ids, size_t count) {
	feed->looking = true;
	feed->unknown = count;
	loop_hold_clock(feed->loop);
	for (size_t i = 0; i < count; i++) {
		roster_add(feed->roster, ids[i]);
	}
	roster_read_ids(feed->roster, ids, count, on_looked_up, feed);
}

static bool must_wait(const struct feed *feed) {
	bool full = feed->sink.full != NULL && feed->sink.full(feed->data);
	if (full) {
		loop_timer_start_real(feed->retry, FULL_RETRY_MS);
	}
	return full || feed->looking;
}

static void tell_ready(void *data) {
	struct feed *feed = data;
	feed->scheduled = false;
	struct item *urgent = NULL;
	while ((urgent = queue_take(&feed->urgent)) != NULL) {
		tell(feed, urgent);
		item_free(urgent);
	}
	while (feed->ready.head != NULL && !must_wait(feed)) {
		struct item *first = feed->ready.head;
		const char *ids[LOOKUP_MAX];
		size_t unknown = first->looked_up ? 0 : unknown_of(feed, first, ids);
		if (unknown > 0) {
			look_up(feed, ids, unknown);
			return;
		}
		queue_take(&feed->ready);
		tell(feed, first);
		item_free(first);
	}
}

static void schedule(struct feed *feed) {
	if (!feed->scheduled) {
		feed->scheduled = true;
		loop_defer(feed->loop, tell_ready, feed);
	}
}

static void on_retry(void *data) {
	schedule(data);
}

void feed_hold(struct feed *feed) {
	feed->held = true;
}

void feed_release(struct feed *feed) {
	feed->held = false;
	struct item *item = NULL;
	while ((item = queue_take(&feed->live)) != NULL) {
		queue_add(&feed->ready, item);
	}
	schedule(feed);
}

static struct item *add(struct feed *feed, enum item_kind kind, bool live) {
	struct item *item = xcalloc(1, sizeof(*item));
	item->kind = kind;
	queue_add(live && feed->held ? &feed->live : &feed->ready, item);
	schedule(feed);
	return item;
}

/* What waits to be told as it was said is no longer so. */
static void drop_said(struct queue *queue, const char *post_id) {
	struct queue kept = { 0 };
	struct item *item = NULL;
	while ((item = queue_take(queue)) != NULL) {
		if (item->kind == ITEM_POST && strcmp(item->post.id, post_id) == 0) {
			item_free(item);
		} else {
			queue_add(&kept, item);
		}
	}
	*queue = kept;
}

static const char **copy_texts(const char *const *texts, size_t count) {
	const char **copy = xcalloc(count, sizeof(*copy));
	for (size_t i = 0; i < count; i++) {
		copy[i] = xstrdup(texts[i]);
	}
	return copy;
}

void feed_post(struct feed *feed, const struct mattermost_post *post,
		bool changed, bool live) {
	if (changed || post->edit_at_ms > 0) {
		drop_said(&feed->live, post->id);
	}
	struct item *item = add(feed, changed ? ITEM_CHANGED : ITEM_POST, live);
	bool ours = strcmp(post->user_id, feed->own_id) == 0;
	item->post = (struct server_post){
		.id = xstrdup(post->id),
		.user_id = xstrdup(post->user_id),
		.root_id = xstrdup(post->root_id),
		.message = xstrdup(post->message),
		.type = xstrdup(post->type),
		.key = xstrdup(ours ? post->key : ""), // anybody can set props
		.from_webhook = post->from_webhook,
		.from_bot = post->from_bot,
		.create_at_ms = post->create_at_ms,
		.edit_at_ms = post->edit_at_ms,
		.delete_at_ms = post->delete_at_ms,
		.file_count = post->file_count,
		.file_ids = copy_texts(post->file_ids, post->file_count),
	};
}

void feed_gone(struct feed *feed, const char *post_id, int64_t delete_at_ms) {
	drop_said(&feed->live, post_id);
	struct item *item = add(feed, ITEM_CHANGED, false);
	item->post = (struct server_post){
		.id = xstrdup(post_id),
		.user_id = xstrdup(""),
		.root_id = xstrdup(""),
		.message = xstrdup(""),
		.type = xstrdup(""),
		.key = xstrdup(""),
		.delete_at_ms = delete_at_ms > 0 ? delete_at_ms : 1,
	};
}

void feed_taps(struct feed *feed, const struct mattermost_tapped *tapped) {
	struct item *item = add(feed, ITEM_TAPS, false);
	item->text = xstrdup(tapped->post_id);
	item->taps = xcalloc(tapped->count, sizeof(*item->taps));
	for (size_t i = 0; i < tapped->count; i++) {
		const struct mattermost_tap *tap = &tapped->taps[i];
		if (strcmp(tap->user_id, feed->own_id) == 0) {
			continue;
		}
		item->taps[item->tap_count] = (struct server_tap){
			.user_id = xstrdup(tap->user_id),
			.emoji = xstrdup(tap->emoji),
			.update_at_ms = tap->update_at_ms,
		};
		item->tap_count++;
	}
}

void feed_online(struct feed *feed, const struct server_mark *mark) {
	feed_mark(feed, mark);
	struct item *item = add(feed, ITEM_ONLINE, false);
	item->mark = *mark;
}

void feed_mark(struct feed *feed, const struct server_mark *mark) {
	struct item *item = add(feed, ITEM_MARK, false);
	item->mark = *mark;
}

static void add_urgent(
		struct feed *feed, enum item_kind kind, const char *text) {
	struct item *item = xcalloc(1, sizeof(*item));
	item->kind = kind;
	item->text = xstrdup(text);
	queue_add(&feed->urgent, item);
	schedule(feed);
}

/* An "online" that was not told yet is no longer true. */
static void drop_online(struct queue *queue) {
	for (struct item *item = queue->head; item != NULL; item = item->next) {
		if (item->kind == ITEM_ONLINE) {
			item->kind = ITEM_MARK; // which it carries too
		}
	}
}

void feed_offline(struct feed *feed, const char *why) {
	drop_online(&feed->ready);
	add_urgent(feed, ITEM_OFFLINE, why);
}

void feed_trouble(struct feed *feed, const char *what) {
	add_urgent(feed, ITEM_TROUBLE, what);
}

void feed_people_changed(struct feed *feed) {
	struct item *item = feed->ready.tail;
	bool behind = feed->ready.head != NULL && item->kind == ITEM_PEOPLE;
	if (!behind) {
		add(feed, ITEM_PEOPLE, false);
	}
}
