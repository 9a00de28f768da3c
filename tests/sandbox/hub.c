#include "hub.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "faults.h"
#include "gojson.h"

#define RECORDS       20000
#define MINOR_ROOM    128
#define REAP_EVERY_US (INT64_C(300) * 1000000)
#define REAP_IDLE_US  (INT64_C(300) * 1000000)

struct item {
	struct event *event; // NULL: a reply, or a number that is skipped
	char *reply;
	int64_t not_before_us;
};

struct written {
	int64_t seq;
	char *frame;
};

struct conn {
	struct conn *next;
	char id[ID_ROOM];
	struct user *user;
	char *token;
	void *link;
	int64_t next_seq;
	unsigned copies; // 5.37 can register one connection twice
	bool closing;
	bool deaf;
	struct item queue[HUB_QUEUE + 64]; // replies may pass the limit of events
	size_t queue_head;
	size_t queue_count;
	struct written dead[HUB_DEAD]; // a ring
	size_t dead_count;
	size_t dead_next;
	int64_t replay_from;   // -1: nothing to replay
	struct event *swapped; // is queued behind the next event
};

#define QUEUE_ROOM (sizeof(((struct conn *)0)->queue) / sizeof(struct item))

/* ---- events ---- */

struct event *event_create(const char *name, char *tail) {
	struct event *event = xcalloc(1, sizeof(*event));
	event->refs = 1;
	event->name = xstrdup(name);
	event->head = xstrdup("");
	event->tail = tail;
	return event;
}

static void event_unref(struct event *event) {
	if (event == NULL || --event->refs > 0) {
		return;
	}
	free(event->name);
	free(event->head);
	free(event->tail);
	free(event->mentions);
	free(event);
}

static bool mentions(const struct event *event, const struct user *user) {
	for (size_t i = 0; i < event->mention_count; i++) {
		if (event->mentions[i] == user) {
			return true;
		}
	}
	return false;
}

static bool is_for(const struct event *event, const struct user *user) {
	if (event->omit == user) {
		return false;
	}
	if (event->user != NULL) {
		return event->user == user;
	}
	if (event->channel != NULL) {
		return channel_has(event->channel, user);
	}
	return !event->team || user->in_team;
}

static char *list_of_ids(const struct event *event, const struct user *only) {
	struct str list;
	str_init(&list, 0);
	json_open(&list, NULL, '[');
	for (size_t i = 0; i < event->mention_count; i++) {
		if (only == NULL || event->mentions[i] == only) {
			json_text(&list, NULL, event->mentions[i]->id);
		}
	}
	json_close(&list, ']');
	return str_take(&list);
}

/* The members of `data` that @user gets and others do not.  True: some. */
static bool add_extra(struct str *out, const struct hub *hub,
		const struct event *event, const struct user *user) {
	size_t before = out->len;
	if (event->extra == EXTRA_DELETED_BY && user_is_admin(user)) {
		json_text(out, "delete_by", event->deleted_by->id);
		str_add_char(out, ',');
	}
	bool old = hub->world->version == VERSION_5_37;
	if (event->extra == EXTRA_MENTIONS && event->mention_count > 0 &&
			(old || mentions(event, user))) {
		char *list = list_of_ids(event, old ? NULL : user);
		if (!old && event->followers) {
			json_text(out, "followers", list);
			str_add_char(out, ',');
		}
		json_text(out, "mentions", list);
		str_add_char(out, ',');
		free(list);
	}
	return out->len > before;
}

static void add_broadcast(struct str *out, const struct hub *hub,
		const struct event *event, const struct user *user) {
	str_add_char(out, '{');
	if (event->omit != NULL) {
		json_open(out, "omit_users", '{');
		json_raw(out, event->omit->id, "true");
		json_close(out, '}');
	} else {
		json_null(out, "omit_users");
	}
	json_text(out, "user_id", event->user != NULL ? event->user->id : "");
	json_text(out, "channel_id",
			event->channel != NULL ? event->channel->id : "");
	json_text(out, "team_id", event->team ? hub->world->team_id : "");
	if (hub->world->version != VERSION_5_37) {
		json_text(out, "connection_id", "");
		json_text(out, "omit_connection_id", "");
	}
	if (hub->world->version != VERSION_5_37 && event->sanitized) {
		bool admin = event->extra == EXTRA_DELETED_BY && user_is_admin(user);
		json_raw(out,
				admin ? "contains_sensitive_data" : "contains_sanitized_data",
				"true");
	}
	json_close(out, '}');
}

/* 11.6 writes most events with blanks between the members of the frame, from a
 * form made once for all receivers; 5.37, and what is made for one, without. */
static void add_frame(struct str *out, const struct hub *hub,
		const struct event *event, const struct user *user, int64_t seq) {
	struct str extra;
	str_init(&extra, 0);
	/* So that the first member gets no comma. */
	str_add_char(&extra, '{');
	bool special = add_extra(&extra, hub, event, user);
	bool tight = hub->world->version == VERSION_5_37 || event->tight ||
			(special && event->extra == EXTRA_MENTIONS);
	const char *colon = tight ? ":" : ": ";
	const char *comma = tight ? "," : ", ";
	str_addf(out, "{\"event\"%s\"%s\"%s\"data\"%s{%s%s%s}%s\"broadcast\"%s",
			colon, event->name, comma, colon, event->head, str_text(&extra) + 1,
			event->tail, comma, colon);
	add_broadcast(out, hub, event, user);
	str_addf(out, "%s\"seq\"%s%lld}%s", comma, colon, (long long)seq,
			tight ? "\n" : "");
	str_finish(&extra);
}

/* ---- queues ---- */

static void free_conn(struct conn *conn) {
	for (size_t i = 0; i < conn->queue_count; i++) {
		struct item *item = &conn->queue[(conn->queue_head + i) % QUEUE_ROOM];
		event_unref(item->event);
		free(item->reply);
	}
	for (size_t i = 0; i < HUB_DEAD; i++) {
		free(conn->dead[i].frame);
	}
	event_unref(conn->swapped);
	free(conn->token);
	free(conn);
}

/* Take @conn out of the hub: nobody finds it any more. */
static void forget(struct hub *hub, struct conn *conn) {
	struct conn **at = &hub->conns;
	while (*at != NULL && *at != conn) {
		at = &(*at)->next;
	}
	if (*at != NULL) {
		*at = conn->next;
	}
}

static bool push(struct conn *conn, struct item item) {
	if (conn->queue_count == QUEUE_ROOM) {
		return false;
	}
	size_t at = (conn->queue_head + conn->queue_count) % QUEUE_ROOM;
	conn->queue[at] = item;
	conn->queue_count++;
	if (item.event != NULL) {
		item.event->refs++;
	}
	return true;
}

/* Too far behind: gone at once when it is down, else once it is drained. */
static void overflow(struct hub *hub, struct conn *conn) {
	forget(hub, conn);
	if (conn->link == NULL) {
		free_conn(conn);
		return;
	}
	conn->closing = true;
	hub->wake(conn->link);
}

/* Queue @event; false when @conn was lost over it. */
static bool queue_event(struct hub *hub, struct conn *conn, struct event *event,
		int64_t not_before_us) {
	if (event->minor && conn->queue_count >= MINOR_ROOM) {
		return true;
	}
	if (conn->queue_count >= HUB_QUEUE) {
		overflow(hub, conn);
		return false;
	}
	push(conn, (struct item){ .event = event, .not_before_us = not_before_us });
	if (conn->link != NULL) {
		hub->wake(conn->link);
	}
	return true;
}

static void deliver(struct hub *hub, struct conn *conn, struct event *event) {
	struct fault_event fault = faults_on_event(
			hub->faults, event->name, conn->user->username);
	if (fault.kind == FAULT_EVENT_DROP) {
		return;
	}
	if (fault.kind == FAULT_EVENT_GAP) {
		push(conn, (struct item){ .event = NULL, .reply = NULL });
		return;
	}
	if (fault.kind == FAULT_EVENT_SWAP && conn->swapped == NULL) {
		conn->swapped = event;
		event->refs++;
		return;
	}
	unsigned copies = conn->copies;
	if (fault.kind == FAULT_EVENT_DUPLICATE) {
		copies++;
	}
	bool there = true;
	while (copies-- > 0 && there) {
		there = queue_event(hub, conn, event, fault.not_before_us);
	}
	if (there && conn->swapped != NULL) {
		struct event *swapped = conn->swapped;
		conn->swapped = NULL;
		queue_event(hub, conn, swapped, 0);
		event_unref(swapped);
	}
}

static void keep_record(struct hub *hub, struct event *event) {
	hub->last_record++;
	struct record *record = &hub->records[hub->last_record % RECORDS];
	event_unref(record->event);
	event->refs++;
	*record = (struct record){
		.n = hub->last_record,
		.at_ms = world_now(hub->world),
		.event = event,
	};
}

static bool hears(const struct hub *hub, const struct conn *conn) {
	bool old = hub->world->version == VERSION_5_37;
	if (conn->deaf || conn->closing) {
		return false;
	}
	return old ? conn->user->delete_at == 0 : hub_is_authorised(hub, conn);
}

void hub_publish(struct hub *hub, struct event *event) {
	if (!event->minor) {
		keep_record(hub, event);
	}
	struct conn *next;
	for (struct conn *conn = hub->conns; conn != NULL; conn = next) {
		next = conn->next; // delivering may lose it
		if (is_for(event, conn->user) && hears(hub, conn)) {
			deliver(hub, conn, event);
		}
	}
	event_unref(event);
}

const struct record *hub_record(const struct hub *hub, uint64_t n) {
	const struct record *record = &hub->records[n % RECORDS];
	return n > 0 && record->event != NULL && record->n == n ? record : NULL;
}

void hub_init(struct hub *hub, struct world *world, struct faults *faults,
		hub_wake wake) {
	*hub = (struct hub){
		.world = world, .faults = faults, .wake = wake, .hurry = 1
	};
	hub->records = xcalloc(RECORDS, sizeof(*hub->records));
}

void hub_finish(struct hub *hub) {
	while (hub->conns != NULL) {
		struct conn *conn = hub->conns;
		hub->conns = conn->next;
		free_conn(conn);
	}
	for (size_t i = 0; i < RECORDS; i++) {
		event_unref(hub->records[i].event);
	}
	free(hub->records);
}

/* ---- joining ---- */

static void say_status(struct hub *hub, struct user *user, bool online) {
	if (user->online == online) {
		return;
	}
	user->online = online;
	struct str tail;
	str_init(&tail, 0);
	str_add_char(&tail, '{');
	json_text(&tail, "status", online ? "online" : "offline");
	json_text(&tail, "user_id", user->id);
	struct event *event = event_create(
			"status_change", xstrdup(str_text(&tail) + 1));
	str_finish(&tail);
	event->user = user;
	event->minor = true;
	hub_publish(hub, event);
}

static const char *version_of(const struct hub *hub) {
	return hub->world->version == VERSION_5_37 ? "5.37.0..sandbox.false"
											   : "11.6.0..sandbox.false";
}

static struct event *hello_for(const struct hub *hub, const struct conn *conn) {
	struct str tail;
	str_init(&tail, 0);
	str_add_char(&tail, '{');
	json_text(&tail, "connection_id", conn->id);
	if (hub->world->version != VERSION_5_37) {
		json_text(&tail, "server_hostname", "sandbox");
	}
	json_text(&tail, "server_version", version_of(hub));
	struct event *event = event_create("hello", xstrdup(str_text(&tail) + 1));
	str_finish(&tail);
	event->user = conn->user;
	event->tight = true;
	return event;
}

static void push_hello(struct hub *hub, struct conn *conn) {
	struct event *hello = hello_for(hub, conn);
	push(conn, (struct item){ .event = hello });
	event_unref(hello);
}

static struct conn *create_conn(struct hub *hub, const struct hub_hail *hail) {
	struct conn *conn = xcalloc(1, sizeof(*conn));
	id_make(conn->id);
	conn->user = hail->user;
	conn->token = xstrdup(hail->token);
	conn->link = hail->link;
	conn->copies = 1;
	conn->replay_from = -1;
	push_hello(hub, conn);
	conn->next = hub->conns;
	hub->conns = conn;
	return conn;
}

/*
 * A resume that cannot be served: a new connection takes over what was queued
 * for the old one.  5.37 registers it twice.
 */
static struct conn *replace_conn(
		struct hub *hub, struct conn *old, const struct hub_hail *hail) {
	struct conn *conn = create_conn(hub, hail);
	for (size_t i = 0; i < old->queue_count; i++) {
		push(conn, old->queue[(old->queue_head + i) % QUEUE_ROOM]);
	}
	if (hub->world->version == VERSION_5_37) {
		push_hello(hub, conn);
		conn->copies = 2;
	}
	forget(hub, old);
	free_conn(old);
	return conn;
}

static struct conn *find_conn(const struct hub *hub, const char *id) {
	for (struct conn *conn = hub->conns; conn != NULL; conn = conn->next) {
		if (strcmp(conn->id, id) == 0) {
			return conn;
		}
	}
	return NULL;
}

static bool is_id(const char *text) {
	size_t len = strlen(text);
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i])) {
			return false;
		}
	}
	return len == ID_LEN;
}

static bool parse_number(const char *text, int64_t *number) {
	char *end = NULL;
	if (text == NULL || text[0] == '\0') {
		return false;
	}
	errno = 0;
	*number = strtoll(text, &end, 10);
	return *end == '\0' && errno == 0;
}

static bool has_written(const struct conn *conn, int64_t seq) {
	for (size_t i = 0; i < HUB_DEAD; i++) {
		if (conn->dead[i].frame != NULL && conn->dead[i].seq == seq) {
			return true;
		}
	}
	return false;
}

static struct conn *resume(struct hub *hub, struct conn *conn, int64_t number,
		const struct hub_hail *hail) {
	conn->link = hail->link;
	conn->deaf = false;
	free(conn->token);
	conn->token = xstrdup(hail->token);
	conn->replay_from = -1;
	if (number == 0) {
		/* As the real one: numbering begins anew and nothing is said. */
		conn->next_seq = 0;
	} else if (number != conn->next_seq) {
		conn->replay_from = number;
	}
	hub->wake(conn->link);
	return conn;
}

static struct conn *join(struct hub *hub, const struct hub_hail *hail) {
	if (hail->id == NULL || hail->id[0] == '\0') {
		return create_conn(hub, hail);
	}
	bool old = hub->world->version == VERSION_5_37;
	int64_t number = 0;
	bool numbered = parse_number(hail->number, &number);
	struct conn *conn = find_conn(hub, hail->id);
	if (!is_id(hail->id) || (!numbered && (conn != NULL || !old)) ||
			(number < 0 && old)) {
		return NULL;
	}
	if (conn == NULL || conn->user != hail->user || conn->link != NULL ||
			hail->refuse_resume) {
		return create_conn(hub, hail);
	}
	if (number == 0 || number == conn->next_seq || has_written(conn, number)) {
		return resume(hub, conn, number, hail);
	}
	return replace_conn(hub, conn, hail);
}

struct conn *hub_join(struct hub *hub, const struct hub_hail *hail) {
	struct conn *conn = join(hub, hail);
	if (conn != NULL) {
		say_status(hub, conn->user, true);
	}
	return conn;
}

void hub_link_gone(struct hub *hub, struct conn *conn) {
	struct user *user = conn->user;
	conn->link = NULL;
	if (conn->closing) {
		free_conn(conn); // forgotten already
	}
	for (const struct conn *c = hub->conns; c != NULL; c = c->next) {
		if (c->user == user && c->link != NULL) {
			return;
		}
	}
	say_status(hub, user, false);
}

/* ---- writing ---- */

static void keep_written(struct conn *conn, int64_t seq, const char *frame) {
	struct written *slot = &conn->dead[conn->dead_next];
	free(slot->frame);
	*slot = (struct written){ .seq = seq, .frame = xstrdup(frame) };
	conn->dead_next = (conn->dead_next + 1) % HUB_DEAD;
}

/* One frame of the replay; false when it is over.  A number that was used up
 * without a frame (a fault) has none now either. */
static bool next_replayed(struct conn *conn, struct str *frame) {
	while (conn->replay_from >= 0 && conn->replay_from < conn->next_seq) {
		int64_t seq = conn->replay_from++;
		for (size_t i = 0; i < HUB_DEAD; i++) {
			const struct written *written = &conn->dead[i];
			if (written->frame != NULL && written->seq == seq) {
				str_add(frame, written->frame);
				return true;
			}
		}
	}
	conn->replay_from = -1;
	return false;
}

static struct item pop(struct conn *conn) {
	struct item item = conn->queue[conn->queue_head];
	conn->queue_head = (conn->queue_head + 1) % QUEUE_ROOM;
	conn->queue_count--;
	return item;
}

enum hub_next hub_next(struct hub *hub, struct conn *conn, int64_t real_us,
		struct str *frame) {
	if (next_replayed(conn, frame)) {
		return HUB_FRAME;
	}
	while (conn->queue_count > 0) {
		if (conn->queue[conn->queue_head].not_before_us > real_us) {
			return HUB_LATER;
		}
		struct item item = pop(conn);
		if (item.reply != NULL) {
			str_add(frame, item.reply);
			free(item.reply);
			return HUB_FRAME;
		}
		int64_t seq = conn->next_seq++;
		if (item.event != NULL) {
			add_frame(frame, hub, item.event, conn->user, seq);
			keep_written(conn, seq, str_text(frame));
			event_unref(item.event);
			return HUB_FRAME;
		}
	}
	return conn->closing ? HUB_CLOSE : HUB_NOTHING;
}

void hub_reply(struct hub *hub, struct conn *conn, const char *text) {
	struct item item = { .reply = xstrdup(text) };
	if (conn->deaf || !push(conn, item)) {
		free(item.reply);
		return;
	}
	hub->wake(conn->link);
}

bool hub_is_authorised(const struct hub *hub, const struct conn *conn) {
	return world_user_of_token(hub->world, conn->token) == conn->user;
}

struct user *conn_user(const struct conn *conn) {
	return conn->user;
}

const char *conn_token(const struct conn *conn) {
	return conn->token;
}

const char *conn_id(const struct conn *conn) {
	return conn->id;
}

size_t conn_waiting(const struct conn *conn) {
	return conn->queue_count;
}

void conn_set_deaf(struct conn *conn, bool deaf) {
	conn->deaf = deaf;
}

bool conn_is_deaf(const struct conn *conn) {
	return conn->deaf;
}

void hub_reap(struct hub *hub, int64_t real_us) {
	if (hub->reaped_us == 0) {
		hub->reaped_us = real_us;
	}
	if (real_us - hub->reaped_us < REAP_EVERY_US / hub->hurry) {
		return;
	}
	hub->reaped_us = real_us;
	struct conn *next;
	for (struct conn *conn = hub->conns; conn != NULL; conn = next) {
		next = conn->next;
		if (conn->link == NULL &&
				real_us - conn->user->active_us > REAP_IDLE_US / hub->hurry) {
			forget(hub, conn);
			free_conn(conn);
		}
	}
}

bool hub_is_pending(const struct hub *hub) {
	for (const struct conn *conn = hub->conns; conn != NULL;
			conn = conn->next) {
		if (conn->link != NULL && conn->queue_count > 0) {
			return true;
		}
	}
	return false;
}
