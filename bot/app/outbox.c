#include "app/outbox.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/wording.h"
#include "base/xalloc.h"
#include "journal/journal.h"
#include "loop/loop.h"
#include "mattermost/server.h"
#include "sys/boot.h"
#include "sys/log.h"

#define FLIGHTS_MAX  4
#define BACKOFF_MS   200
#define BACKOFF_MAX  5000
#define REFUSALS_MAX 3 // a server whose database is away refuses anything
#define POST_ID_ROOM 64

enum work {
	WORK_SEND,
	WORK_LOOK,   // may have been sent: look for it first
	WORK_SETTLE, // the server has spoken, the journal could not note it
};

/* A row that waits.  Strings are owned. */
struct item {
	struct outbox *outbox;
	uint64_t id;
	enum outbox_kind kind;
	char *key;
	char *target;
	char *target_post;
	char *channel;
	char *text;
	char *file_path;
	char *file_name;
	char *mark;
	int64_t first_try_ms;
	enum work work;
	bool busy;                // a request is in flight
	bool listed;              // still pending, by the last reading
	bool in_channel;          // its thread is gone: said in the channel
	unsigned tries;           // in this life
	unsigned refusals;        // likewise
	int64_t not_before;       // real
	enum outbox_state result; // WORK_SETTLE
	char post_id[POST_ID_ROOM];
	char why[sizeof(((struct err *)NULL)->text)];
};

struct outbox {
	struct outbox_options options;
	char boot[BOOT_ROOM];
	struct item **items; // by id
	size_t count;
	unsigned flights;
	bool online;
	bool begun;   // was online once
	bool taken;   // what an earlier life left has been read
	bool holding; // the run clock
	bool queued;  // a pump is deferred
	bool unread;  // the journal has rows that could not be read
	int64_t paused_until;
	struct loop_timer *timer;
};

static const char *const kind_names[] = {
	[OUTBOX_POST] = "post",
	[OUTBOX_EDIT] = "edit",
	[OUTBOX_PIN] = "pin",
	[OUTBOX_UNPIN] = "unpin",
	[OUTBOX_REACT] = "react",
};

static void pump_soon(struct outbox *outbox);

/* --- rows --- */

static int64_t unix_now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void item_destroy(struct item *item) {
	free(item->key);
	free(item->target);
	free(item->target_post);
	free(item->channel);
	free(item->text);
	free(item->file_path);
	free(item->file_name);
	free(item->mark);
	free(item);
}

/* Where row @id is, or would have to be. */
static size_t place_of(const struct outbox *outbox, uint64_t id) {
	size_t low = 0;
	size_t high = outbox->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (outbox->items[middle]->id < id) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

/* Each reading asks for each that waits: they may be many after an outage. */
static struct item *find_item(const struct outbox *outbox, uint64_t id) {
	size_t place = place_of(outbox, id);
	return place < outbox->count && outbox->items[place]->id == id
			? outbox->items[place]
			: NULL;
}

/* Mostly the newest; a post that is made anew has an old row. */
static void insert_item(struct outbox *outbox, struct item *item) {
	size_t place = place_of(outbox, item->id);
	outbox->items = xreallocarray(
			outbox->items, outbox->count + 1, sizeof(outbox->items[0]));
	memmove(&outbox->items[place + 1], &outbox->items[place],
			(outbox->count - place) * sizeof(outbox->items[0]));
	outbox->items[place] = item;
	outbox->count++;
}

static void add_item(void *data, const struct outbox_row *row) {
	struct outbox *outbox = data;
	struct item *item = find_item(outbox, row->id);
	if (item != NULL) {
		item->listed = true;
		return;
	}
	item = xcalloc(1, sizeof(*item));
	item->outbox = outbox;
	item->id = row->id;
	item->kind = row->kind;
	item->key = xstrdup(row->key);
	item->target = xstrdup(row->target != NULL ? row->target : "");
	item->target_post = xstrdup(
			row->target_post != NULL ? row->target_post : "");
	item->channel = xstrdup(row->channel != NULL ? row->channel : "");
	item->text = xstrdup(row->text != NULL ? row->text : "");
	item->file_path = xstrdup(row->file_path);
	item->file_name = xstrdup(row->file_name);
	item->mark = xstrdup(row->mark);
	item->first_try_ms = row->first_try_ms;
	item->work = row->first_try_ms != 0 && row->kind == OUTBOX_POST ? WORK_LOOK
																	: WORK_SEND;
	item->listed = true;
	insert_item(outbox, item);
}

static void remove_item(struct outbox *outbox, struct item *item) {
	for (size_t i = 0; i < outbox->count; i++) {
		if (outbox->items[i] == item) {
			outbox->count--;
			memmove(&outbox->items[i], &outbox->items[i + 1],
					(outbox->count - i) * sizeof(outbox->items[0]));
			break;
		}
	}
	item_destroy(item);
}

/*
 * What an earlier life tried was noted for this boot of the machine only: all
 * that it left is taken as tried, and only then is the boot noted as the one
 * to trust.  Where that cannot be written the next life does it again.
 */
static void take_over(struct outbox *outbox) {
	struct journal *journal = outbox->options.journal;
	const char *boot = outbox->boot;
	struct err err = { 0 };
	char before[BOOT_ROOM] = "";
	bool ok = true;
	outbox->taken = true;
	journal->api->get(journal, "outbox.boot", before, sizeof(before));
	if (boot[0] != '\0' && strcmp(boot, before) == 0) {
		return;
	}
	for (size_t i = 0; i < outbox->count; i++) {
		struct item *item = outbox->items[i];
		if (item->kind == OUTBOX_POST && item->work == WORK_SEND) {
			item->work = WORK_LOOK;
			item->first_try_ms = unix_now_ms();
			ok = ok &&
					journal->api->tried(
							journal, item->id, item->first_try_ms, &err);
		}
	}
	if (!ok || !journal->api->put(journal, "outbox.boot", boot, &err)) {
		log_error("outbox.untried", "why=\"%s\"", err.text);
	}
}

/* Read what is pending.  What is no longer so was superseded by a later edit
 * and is dropped, unless it is on its way. */
static void read_rows(struct outbox *outbox) {
	struct err err = { 0 };
	struct journal *journal = outbox->options.journal;
	for (size_t i = 0; i < outbox->count; i++) {
		outbox->items[i]->listed = false;
	}
	outbox->unread = !journal->api->pending(journal, add_item, outbox, &err);
	if (outbox->unread) {
		log_error("outbox.unread", "why=\"%s\"", err.text);
		return;
	}
	for (size_t i = outbox->count; i > 0; i--) {
		struct item *item = outbox->items[i - 1];
		if (!item->listed && !item->busy && item->work != WORK_SETTLE) {
			remove_item(outbox, item);
		}
	}
	if (!outbox->taken) {
		take_over(outbox);
	}
}

static struct outbox_row row_of(const struct item *item) {
	return (struct outbox_row){
		.id = item->id,
		.key = item->key,
		.kind = item->kind,
		.target = item->target,
		.target_post = item->target_post,
		.channel = item->channel,
		.text = item->text,
		.file_path = item->file_path,
		.file_name = item->file_name,
		.state = item->result,
		.post_id = item->post_id,
		.first_try_ms = item->first_try_ms,
	};
}

/* --- time --- */

static int64_t real_now(const struct outbox *outbox) {
	return loop_real_now_ms(outbox->options.loop);
}

static int64_t backoff_ms(unsigned tries) {
	int64_t delay = BACKOFF_MS;
	for (unsigned i = 1; i < tries && delay < BACKOFF_MAX; i++) {
		delay *= 2;
	}
	return delay < BACKOFF_MAX ? delay : BACKOFF_MAX;
}

static void put_off(struct item *item, int64_t delay_ms) {
	item->tries++;
	item->not_before = real_now(item->outbox) +
			(delay_ms > 0 ? delay_ms : backoff_ms(item->tries));
}

static void update_hold(struct outbox *outbox) {
	bool hold = outbox->online && outbox->count > 0;
	if (hold == outbox->holding) {
		return;
	}
	outbox->holding = hold;
	if (hold) {
		loop_hold_clock(outbox->options.loop);
	} else {
		loop_release_clock(outbox->options.loop);
	}
}

/* --- settling --- */

static void settle(struct item *item) {
	struct outbox *outbox = item->outbox;
	struct journal *journal = outbox->options.journal;
	struct err err = { 0 };
	item->work = WORK_SETTLE;
	if (!journal->api->settled(
				journal, item->id, item->result, item->post_id, &err)) {
		log_error("outbox.unsettled", "key=%s why=\"%s\"", item->key, err.text);
		put_off(item, 0);
		return;
	}
	struct outbox_row row = row_of(item);
	bool sent = item->result == OUTBOX_SENT;
	if (sent) {
		log_info("outbox.sent", "key=%s kind=%s post=%s tries=%u", item->key,
				kind_names[item->kind], item->post_id, item->tries + 1);
	} else {
		log_error("outbox.dead", "key=%s kind=%s why=\"%s\"", item->key,
				kind_names[item->kind], item->why);
	}
	outbox->options.settled(outbox->options.data, &row, sent, item->why);
	remove_item(outbox, item);
}

static void settle_sent(struct item *item, const char *post_id) {
	item->result = OUTBOX_SENT;
	snprintf(item->post_id, sizeof(item->post_id), "%s", post_id);
	settle(item);
}

static void settle_dead(struct item *item, const char *why) {
	const struct outbox_options *options = &item->outbox->options;
	item->work = WORK_SETTLE;
	item->result = OUTBOX_DEAD;
	item->post_id[0] = '\0';
	snprintf(item->why, sizeof(item->why), "%s", why);
	struct outbox_row row = row_of(item);
	if (options->refused != NULL) {
		options->refused(options->data, &row, item->why);
	}
	settle(item);
}

/* --- answers --- */

static void landed(struct item *item) {
	item->busy = false;
	item->outbox->flights--;
	pump_soon(item->outbox);
}

static void try_again(struct item *item, const struct server_reply *reply) {
	log_warn("outbox.again", "key=%s kind=%s tries=%u why=\"%s\"", item->key,
			kind_names[item->kind], item->tries + 1, reply->err.text);
	put_off(item, reply->retry_ms);
	if (reply->retry_ms > 0) {
		item->outbox->paused_until = real_now(item->outbox) + reply->retry_ms;
	}
}

/* Whether a refusal was repeated often enough to be believed. */
static bool believe_refusal(
		struct item *item, const struct server_reply *reply) {
	item->refusals++;
	if (item->refusals < REFUSALS_MAX) {
		try_again(item, reply);
		return false;
	}
	item->refusals = 0;
	return true;
}

/* What can no longer be said in its thread is still said. */
static bool leave_thread(struct item *item) {
	bool threaded = item->target[0] != '\0' || item->target_post[0] != '\0';
	if (item->kind != OUTBOX_POST || item->in_channel || !threaded) {
		return false;
	}
	item->in_channel = true;
	return true;
}

static void settle_posted(struct item *item, const struct server_reply *reply) {
	const struct outbox_options *options = &item->outbox->options;
	if (options->takes_taps(options->data, item->key)) {
		wording_remember_time(options->journal, item->key, reply->create_at_ms);
	}
	settle_sent(item, reply->post_id != NULL ? reply->post_id : "");
}

static void on_posted(void *data, const struct server_reply *reply) {
	struct item *item = data;
	landed(item);
	switch (reply->result) {
	case SERVER_OK:
		settle_posted(item, reply);
		break;
	case SERVER_DOUBT:
		item->work = WORK_LOOK;
		try_again(item, reply);
		break;
	case SERVER_AGAIN:
		try_again(item, reply);
		break;
	case SERVER_NEVER:
		if (believe_refusal(item, reply) && !leave_thread(item)) {
			settle_dead(item, reply->err.text);
		}
		break;
	}
}

static void on_found(void *data, const struct server_reply *reply) {
	struct item *item = data;
	landed(item);
	switch (reply->result) {
	case SERVER_OK:
		if (reply->post_id != NULL && reply->post_id[0] != '\0') {
			settle_posted(item, reply);
		} else {
			item->work = WORK_SEND;
		}
		break;
	case SERVER_DOUBT:
	case SERVER_AGAIN:
		try_again(item, reply);
		break;
	case SERVER_NEVER: // the thread is gone, and what stood in it
		item->work = WORK_SEND;
		break;
	}
}

static void on_done(void *data, const struct server_reply *reply) {
	struct item *item = data;
	landed(item);
	switch (reply->result) {
	case SERVER_OK:
		settle_sent(item, "");
		break;
	case SERVER_DOUBT: // doing it twice is doing it once
	case SERVER_AGAIN:
		try_again(item, reply);
		break;
	case SERVER_NEVER:
		if (believe_refusal(item, reply)) {
			settle_dead(item, reply->err.text);
		}
		break;
	}
}

/* --- sending --- */

enum aim {
	AIM_WAITS,
	AIM_READY,
	AIM_GONE,
};

static bool is_pending_post(const struct outbox *outbox, const char *key) {
	for (size_t i = 0; i < outbox->count; i++) {
		const struct item *item = outbox->items[i];
		if (item->kind == OUTBOX_POST && strcmp(item->key, key) == 0) {
			return true;
		}
	}
	return false;
}

/* The post that @item speaks of, or stands under; "" for the channel. */
static enum aim aim_at(const struct item *item, char post_id[POST_ID_ROOM]) {
	struct journal *journal = item->outbox->options.journal;
	post_id[0] = '\0';
	if (item->in_channel) {
		return AIM_READY;
	}
	if (item->target_post[0] != '\0') {
		snprintf(post_id, POST_ID_ROOM, "%s", item->target_post);
		return AIM_READY;
	}
	if (item->target[0] == '\0') {
		return item->kind == OUTBOX_POST ? AIM_READY : AIM_GONE;
	}
	if (is_pending_post(item->outbox, item->target)) {
		return AIM_WAITS;
	}
	return journal->api->post_of(journal, item->target, post_id, POST_ID_ROOM)
			? AIM_READY
			: AIM_GONE;
}

/* Note in the journal what is about to be done, before it is done. */
static bool note_try(struct item *item, const char *text, struct err *err) {
	struct outbox *outbox = item->outbox;
	struct journal *journal = outbox->options.journal;
	const char *key = item->kind == OUTBOX_EDIT ? item->target : item->key;
	bool says = item->kind == OUTBOX_POST || item->kind == OUTBOX_EDIT;
	if (says && outbox->options.takes_taps(outbox->options.data, key) &&
			!wording_remember(journal, key, text, err)) {
		return false;
	}
	if (item->first_try_ms != 0) {
		return true;
	}
	int64_t now = unix_now_ms();
	if (!journal->api->tried(journal, item->id, now, err)) {
		return false;
	}
	item->first_try_ms = now;
	return true;
}

static void call_server(
		struct item *item, const char *post_id, const char *text) {
	struct server *server = item->outbox->options.server;
	const struct server_new_post post = {
		.key = item->key,
		.mark = item->mark,
		.first_try_ms = item->first_try_ms,
		.channel = item->channel,
		.root_id = post_id,
		.message = text,
		.file_path = item->file_path,
		.file_name = item->file_name,
	};
	switch (item->kind) {
	case OUTBOX_POST:
		if (item->work == WORK_LOOK) {
			server->api->find(server, &post, on_found, item);
		} else {
			server->api->post(server, &post, on_posted, item);
		}
		return;
	case OUTBOX_EDIT:
		server->api->edit(server, post_id, text, on_done, item);
		return;
	case OUTBOX_PIN:
	case OUTBOX_UNPIN:
		server->api->pin(
				server, post_id, item->kind == OUTBOX_PIN, on_done, item);
		return;
	case OUTBOX_REACT:
		server->api->react(server, post_id, item->text, on_done, item);
		return;
	}
}

static void begin(struct item *item, const char *post_id) {
	struct outbox *outbox = item->outbox;
	struct err err = { 0 };
	struct server *server = outbox->options.server;
	char *text = wording_fit(item->text, server->api->max_message(server));
	if (note_try(item, text, &err)) {
		item->busy = true;
		outbox->flights++;
		call_server(item, post_id, text);
	} else {
		log_error("outbox.untried", "key=%s why=\"%s\"", item->key, err.text);
		put_off(item, 0);
	}
	free(text);
}

/* Whether @a must be settled before @b is begun: both are said in one thread,
 * or done to one post. */
static bool same_lane(const struct item *a, const struct item *b) {
	return (a->kind == OUTBOX_POST) == (b->kind == OUTBOX_POST) &&
			strcmp(a->target, b->target) == 0 &&
			strcmp(a->target_post, b->target_post) == 0 &&
			strcmp(a->channel, b->channel) == 0;
}

static bool has_turn(const struct outbox *outbox, size_t index) {
	const struct item *item = outbox->items[index];
	if (item->busy) {
		return false;
	}
	for (size_t i = 0; i < index; i++) {
		if (same_lane(outbox->items[i], item)) {
			return false;
		}
	}
	return true;
}

static bool post_in_flight(const struct outbox *outbox) {
	for (size_t i = 0; i < outbox->count; i++) {
		if (outbox->items[i]->busy && outbox->items[i]->kind == OUTBOX_POST) {
			return true;
		}
	}
	return false;
}

/* Do what can be done for one row; true if the list may have changed. */
static bool advance(struct outbox *outbox, struct item *item) {
	char post_id[POST_ID_ROOM];
	if (item->work == WORK_SETTLE) {
		settle(item);
		return true;
	}
	if (outbox->flights >= FLIGHTS_MAX ||
			(item->kind == OUTBOX_POST && post_in_flight(outbox))) {
		return false;
	}
	switch (aim_at(item, post_id)) {
	case AIM_WAITS:
		return false;
	case AIM_READY:
		begin(item, post_id);
		return false;
	case AIM_GONE:
		if (!leave_thread(item)) {
			settle_dead(item, "the post that it is about was never made");
		}
		return true;
	}
	return false;
}

/* One pass in the order of commit; true if another is worth while. */
static bool pass(struct outbox *outbox, int64_t now, int64_t *next) {
	for (size_t i = 0; i < outbox->count; i++) {
		struct item *item = outbox->items[i];
		if (!has_turn(outbox, i)) {
			continue;
		}
		if (item->not_before > now) {
			*next = item->not_before < *next ? item->not_before : *next;
			continue;
		}
		if (advance(outbox, item)) {
			return true;
		}
	}
	return false;
}

static void pump(void *data) {
	struct outbox *outbox = data;
	outbox->queued = false;
	if (outbox->unread) {
		read_rows(outbox);
	}
	int64_t now = real_now(outbox);
	int64_t next = INT64_MAX;
	if (!outbox->begun) {
		return;
	}
	if (outbox->paused_until > now) {
		next = outbox->paused_until;
	} else {
		while (pass(outbox, now, &next)) {
		}
	}
	if (outbox->unread) {
		next = now + BACKOFF_MAX;
	}
	if (next != INT64_MAX) {
		loop_timer_start_real(outbox->timer, next > now ? next - now : 1);
	}
	update_hold(outbox);
}

static void pump_soon(struct outbox *outbox) {
	if (!outbox->queued) {
		outbox->queued = true;
		loop_defer(outbox->options.loop, pump, outbox);
	}
}

static void on_timer(void *data) {
	pump_soon(data);
}

/* --- the surface --- */

struct outbox *outbox_create(const struct outbox_options *options) {
	struct outbox *outbox = xcalloc(1, sizeof(*outbox));
	outbox->options = *options;
	snprintf(outbox->boot, sizeof(outbox->boot), "%s", options->boot);
	outbox->timer = loop_timer_create(options->loop, on_timer, outbox);
	return outbox;
}

void outbox_destroy(struct outbox *outbox) {
	if (outbox == NULL) {
		return;
	}
	loop_cancel_deferred(outbox->options.loop, outbox);
	loop_timer_destroy(outbox->timer);
	for (size_t i = 0; i < outbox->count; i++) {
		item_destroy(outbox->items[i]);
	}
	outbox->count = 0;
	update_hold(outbox);
	free(outbox->items);
	free(outbox);
}

void outbox_wake(struct outbox *outbox) {
	read_rows(outbox);
	update_hold(outbox);
	pump_soon(outbox);
}

void outbox_set_online(struct outbox *outbox, bool online) {
	if (online && !outbox->online) {
		outbox->begun = true;
		for (size_t i = 0; i < outbox->count; i++) {
			outbox->items[i]->not_before = 0;
		}
		pump_soon(outbox);
	}
	outbox->online = online;
	update_hold(outbox);
}

size_t outbox_count(const struct outbox *outbox) {
	return outbox->count;
}
