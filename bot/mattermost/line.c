#include "mattermost/line.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/xalloc.h"
#include "codec/mattermost_json.h"
#include "loop/loop.h"
#include "mattermost/api.h"
#include "mattermost/feed.h"
#include "mattermost/locate.h"
#include "mattermost/reconcile.h"
#include "mattermost/roster.h"
#include "mattermost/session.h"
#include "mattermost/taps.h"
#include "sys/log.h"

/* While we are cut off the run clock waits for so long, then goes on. */
#define OUTAGE_HOLD_MS 5000
/* Events between two marks.  A resume replays 128 at most, and a number that
 * 5.37 cannot serve makes it register a connection twice. */
#define EVENTS_PER_MARK 32

struct line {
	struct loop *loop;
	struct client_pace pace;
	char *channel;
	struct line_sink sink;
	void *data;
	struct api *api;
	struct feed *feed;
	struct roster *roster;
	struct taps *taps;
	struct socket *socket;
	struct session session;
	struct reconcile *reconcile;
	const struct locate_place *place; // NULL before line_open()
	bool online;
	bool told_offline;
	bool holding;            // the run clock, for an outage
	bool again;              // a full reconcile is owed when this one ends
	unsigned events;         // since the last mark
	uint32_t random;         // drawn last, for the session
	int64_t unread_since_ms; // real; reads have failed since then; 0: none
	char trouble[240];       // the last that was told; "" when it is over
	struct loop_timer *session_timer;
	struct loop_timer *canary_timer;
	struct loop_timer *outage_timer;
};

static uint32_t random_number(void) {
	uint32_t number = 0;
	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
		abort();
	}
	return number;
}

/* The run clock */

static void release_outage(void *data) {
	struct line *line = data;
	loop_timer_stop(line->outage_timer);
	if (line->holding) {
		line->holding = false;
		loop_release_clock(line->loop);
	}
}

static void hold_outage(struct line *line) {
	if (!line->holding) {
		line->holding = true;
		loop_hold_clock(line->loop);
	}
	loop_timer_start_real(line->outage_timer, OUTAGE_HOLD_MS);
}

/* Telling */

static struct server_mark mark_of(const struct line *line) {
	struct server_mark mark = {
		.read_to_ms = reconcile_read_to_ms(line->reconcile),
		.changed_to_ms = reconcile_changed_to_ms(line->reconcile),
		.next_seq = line->session.next_seq,
	};
	snprintf(mark.connection_id, sizeof(mark.connection_id), "%s",
			line->session.connection_id);
	return mark;
}

static void tell_mark(struct line *line) {
	struct server_mark mark = mark_of(line);
	line->events = 0;
	feed_mark(line->feed, &mark);
}

static void tell_offline(struct line *line, const char *why) {
	if (line->online || !line->told_offline) {
		log_warn("mattermost.offline", "why=\"%s\"", why);
		feed_offline(line->feed, why);
		hold_outage(line);
	}
	line->online = false;
	line->told_offline = true;
	loop_timer_stop(line->canary_timer);
}

static void tell_trouble(struct line *line, const char *what) {
	if (strcmp(line->trouble, what) == 0) {
		return;
	}
	snprintf(line->trouble, sizeof(line->trouble), "%s", what);
	log_error("mattermost.trouble", "what=\"%s\"", what);
	feed_trouble(line->feed, line->trouble);
}

/* Reading what may have been missed */

static void reconcile_fully(struct line *line) {
	loop_timer_stop(line->canary_timer);
	line->again = false;
	feed_hold(line->feed);
	reconcile_start(line->reconcile, line->place->channel_id, true);
}

static void on_canary(void *data) {
	struct line *line = data;
	if (line->session.state != SESSION_OPEN) {
		return;
	}
	if (!line->online || line->again) {
		reconcile_fully(line);
		return;
	}
	reconcile_start(line->reconcile, line->place->channel_id, false);
}

/*
 * Nothing can be said or heard in an archived channel, nor by who is not in
 * it: that is as good as being cut off, although the server answers.  False
 * when it is open to us.
 */
static bool stay_out(struct line *line) {
	const struct person *own = people_by_id(
			roster_people(line->roster), line->place->own_id);
	bool archived = reconcile_is_archived(line->reconcile);
	char what[200];
	if (!archived && (own == NULL || own->member)) {
		return false;
	}
	snprintf(what, sizeof(what), "%s ~%.100s%s",
			archived ? "the channel" : "the bot is not a member of",
			line->channel, archived ? " is archived" : "");
	tell_trouble(line, what);
	tell_offline(line, line->trouble);
	loop_timer_start_real(line->canary_timer, line->pace.canary_ms);
	return true;
}

/*
 * 5.37 refuses reads to who is not in the channel, and also for as long as its
 * database is away.  Whichever it is, we are deaf; nobody else's membership is
 * in doubt for it.
 */
static void tell_refused(struct line *line, const char *why) {
	char what[240];
	snprintf(what, sizeof(what), "the bot may not read ~%.60s: %.120s",
			line->channel, why);
	tell_trouble(line, what);
	tell_offline(line, line->trouble);
}

static void handle_unread(struct line *line, bool full, const struct err *err) {
	int64_t now_ms = loop_real_now_ms(line->loop);
	bool refused = err->code == ERR_REFUSED;
	log_warn("mattermost.reconcile", "full=%d why=\"%s\"", full, err->text);
	if (line->unread_since_ms == 0) {
		line->unread_since_ms = now_ms;
	}
	if (full && refused) {
		tell_refused(line, err->text);
	} else if (now_ms - line->unread_since_ms >= line->pace.hello_ms) {
		// A hub without its database answers pings and brings no news.
		tell_offline(line, err->text);
	}
	loop_timer_start_real(line->canary_timer, line->pace.backoff_ms * 4);
	line->again |= full || refused;
}

static void become_online(struct line *line) {
	struct server_mark mark = mark_of(line);
	feed_release(line->feed);
	if (!line->online) {
		log_info("mattermost.online", "channel=%s", line->place->channel_id);
		line->online = true;
		line->told_offline = false;
		feed_online(line->feed, &mark);
	}
	line->trouble[0] = '\0';
	release_outage(line);
}

static void on_reconciled(
		void *data, bool full, bool ok, const struct err *err) {
	struct line *line = data;
	if (line->session.state != SESSION_OPEN) {
		return; // the next connection begins anew
	}
	if (!line->again && stay_out(line)) {
		return; // until an event tells otherwise, or the canary finds it so
	}
	if (!ok) {
		handle_unread(line, full, err);
		return;
	}
	line->unread_since_ms = 0;
	if (line->again) {
		reconcile_fully(line);
		return;
	}
	if (full) {
		become_online(line);
	}
	tell_mark(line);
	loop_timer_start_real(line->canary_timer,
			full ? line->pace.again_ms : line->pace.canary_ms);
}

/* A full read, now or when the one that is under way has ended. */
static void reconcile_soon(struct line *line) {
	if (reconcile_is_running(line->reconcile)) {
		line->again = true;
	} else if (line->session.state == SESSION_OPEN) {
		reconcile_fully(line);
	}
}

/* The connection */

static void connect_socket(struct line *line) {
	char query[160] = "";
	if (line->session.resuming) {
		snprintf(query, sizeof(query),
				"?connection_id=%s&sequence_number=%" PRId64,
				line->session.connection_id, line->session.next_seq);
	}
	log_info("mattermost.connect", "resume=%d", line->session.resuming);
	feed_hold(line->feed); // what a resume replays may be so no longer
	socket_connect(line->socket, query);
}

static void send_ping(struct line *line) {
	char *text = mattermost_json_write_action("ping", line->session.ping_seq);
	socket_send(line->socket, text);
	free(text);
}

static void obey(struct line *line, const struct session_orders *orders) {
	if (orders->answered) {
		api_note_answer(line->api);
	}
	if (orders->close) {
		socket_close(line->socket);
	}
	if (orders->lost) {
		log_info("mattermost.lost", "why=\"%s\"", orders->why);
		reconcile_stop(line->reconcile);
		tell_offline(line, orders->why);
	}
	if (orders->doubt) {
		line->sink.doubt(line->data);
	}
	if (orders->connect) {
		connect_socket(line);
	}
	if (orders->ping) {
		send_ping(line);
	}
	if (orders->opened) {
		reconcile_fully(line);
	}
}

static bool put_in(struct line *line, struct session_input input) {
	input.now_ms = loop_real_now_ms(line->loop);
	if (input.type != SESSION_EVENT) {
		line->random = random_number(); // an event hardly ever needs one
	}
	input.random = line->random;
	struct session_orders orders = session_handle(&line->session, &input);
	obey(line, &orders);
	if (line->session.due_ms != SESSION_NEVER) {
		loop_timer_start_real(line->session_timer,
				line->session.due_ms - loop_real_now_ms(line->loop));
	} else {
		loop_timer_stop(line->session_timer);
	}
	return orders.deliver;
}

static void on_session_time(void *data) {
	put_in(data, (struct session_input){ .type = SESSION_TIME });
}

static void on_upgraded(void *data) {
	put_in(data, (struct session_input){ .type = SESSION_UPGRADED });
}

static void on_bad(void *data, const char *why) {
	put_in(data,
			(struct session_input){ .type = SESSION_NONSENSE, .why = why });
}

static void on_down(void *data, const char *why, int64_t retry_ms) {
	put_in(data,
			(struct session_input){
					.type = SESSION_DOWN,
					.why = why,
					.retry_ms = retry_ms,
			});
}

/* What events say */

static bool is_ours(
		const struct line *line, const struct mattermost_frame *frame) {
	return strcmp(frame->channel_id, line->place->channel_id) == 0;
}

/* What is being read was perhaps read before. */
static void shut_out(struct line *line) {
	line->again |= reconcile_is_running(line->reconcile);
	stay_out(line);
}

static void handle_member(
		struct line *line, const struct mattermost_frame *frame) {
	bool added = frame->kind == MATTERMOST_FRAME_USER_ADDED;
	if (strcmp(frame->user_id, line->place->own_id) != 0) {
		roster_handle_member(line->roster, frame->user_id, added);
		return;
	}
	roster_handle_member(line->roster, line->place->own_id, added);
	if (added) {
		reconcile_soon(line);
	} else {
		shut_out(line);
	}
}

static void handle_archived(struct line *line) {
	reconcile_note_archived(line->reconcile);
	shut_out(line);
}

/* An event's post has no delete_at yet: it is told before the row is marked. */
static void handle_deleted(struct line *line, struct mattermost_post *post) {
	if (post->delete_at_ms == 0) {
		int64_t now_ms = api_server_time_ms(line->api);
		post->delete_at_ms = now_ms > post->update_at_ms
				? now_ms
				: post->update_at_ms + 1;
	}
	feed_post(line->feed, post, true, true);
}

static void handle_edited(
		struct line *line, const struct mattermost_post *post) {
	if (post->edit_at_ms > 0) { // else pinned, or nothing of the text changed
		feed_post(line->feed, post, true, true);
	}
}

/* An event of our channel, or about a person. */
static void handle_event(
		struct line *line, const struct mattermost_frame *frame) {
	switch (frame->kind) {
	case MATTERMOST_FRAME_POSTED:
		feed_post(line->feed, &frame->posts.posts[0], false, true);
		break;
	case MATTERMOST_FRAME_POST_EDITED:
		handle_edited(line, &frame->posts.posts[0]);
		break;
	case MATTERMOST_FRAME_POST_DELETED:
		handle_deleted(line, &frame->posts.posts[0]);
		break;
	case MATTERMOST_FRAME_REACTION:
		taps_touch(line->taps, frame->post_id);
		break;
	case MATTERMOST_FRAME_USER_ADDED:
	case MATTERMOST_FRAME_USER_REMOVED:
		handle_member(line, frame);
		break;
	case MATTERMOST_FRAME_CHANNEL_DELETED:
		handle_archived(line);
		break;
	case MATTERMOST_FRAME_CHANNEL_RESTORED:
		reconcile_soon(line);
		break;
	case MATTERMOST_FRAME_USER_UPDATED:
	case MATTERMOST_FRAME_HELLO:
	case MATTERMOST_FRAME_REPLY:
	case MATTERMOST_FRAME_OTHER:
		break;
	}
}

static void count_event(struct line *line) {
	line->events++;
	if (line->events >= EVENTS_PER_MARK && line->online) {
		tell_mark(line);
	}
}

static void deliver(struct line *line, const struct mattermost_frame *frame) {
	if (frame->kind == MATTERMOST_FRAME_USER_UPDATED) {
		roster_handle_user(line->roster, &frame->users.users[0]);
	} else if (is_ours(line, frame)) {
		handle_event(line, frame);
	}
	count_event(line);
}

static void take_frame(
		struct line *line, const struct mattermost_frame *frame) {
	struct session_input input = {
		.type = SESSION_EVENT,
		.seq = frame->seq,
	};
	if (frame->kind == MATTERMOST_FRAME_HELLO) {
		input.type = SESSION_HELLO;
		input.connection_id = frame->connection_id;
	} else if (frame->kind == MATTERMOST_FRAME_REPLY) {
		input.type = SESSION_REPLY;
		input.seq = frame->seq_reply;
		input.ok = frame->reply_ok;
	}
	if (put_in(line, input)) {
		deliver(line, frame);
	}
}

static void on_frame(void *data, const char *text, size_t len) {
	struct line *line = data;
	struct mattermost_frame frame;
	struct err err = { 0 };
	if (!mattermost_json_read_frame(text, len, &frame, &err)) {
		on_bad(line, err.text);
		return;
	}
	take_frame(line, &frame);
	mattermost_json_finish_frame(&frame);
}

void line_await(struct line *line) {
	hold_outage(line);
}

void line_open(struct line *line, const struct locate_place *place) {
	if (line->place == NULL && place->archived) {
		reconcile_note_archived(line->reconcile);
	}
	line->place = place;
	put_in(line, (struct session_input){ .type = SESSION_START });
}

/* An open socket is no proof of being allowed: what it still says is nothing. */
void line_shut(struct line *line, const char *why) {
	tell_trouble(line, why);
	reconcile_stop(line->reconcile);
	put_in(line, (struct session_input){ .type = SESSION_STOP });
	tell_offline(line, why);
}

void line_fail(struct line *line, const char *why, bool lasting) {
	if (lasting) {
		tell_trouble(line, why);
	}
	tell_offline(line, why);
}

void line_forgive(struct line *line) {
	line->trouble[0] = '\0';
}

static void make_parts(struct line *line, const struct line_options *options) {
	const struct session_pace session_pace = {
		.ping_ms = line->pace.ping_ms,
		.pong_ms = line->pace.pong_ms,
		.hello_ms = line->pace.hello_ms,
		.backoff_ms = line->pace.backoff_ms,
		.backoff_max_ms = line->pace.backoff_max_ms,
	};
	const struct reconcile_options reconcile_options = {
		.api = options->api,
		.feed = options->feed,
		.roster = options->roster,
		.taps = options->taps,
		.read_to_ms = options->mark.read_to_ms,
		.changed_to_ms = options->mark.changed_to_ms,
	};
	struct loop *loop = line->loop;
	session_init(&line->session, &session_pace, options->mark.connection_id,
			options->mark.next_seq);
	line->reconcile = reconcile_create(&reconcile_options, on_reconciled, line);
	line->session_timer = loop_timer_create(loop, on_session_time, line);
	line->canary_timer = loop_timer_create(loop, on_canary, line);
	line->outage_timer = loop_timer_create(loop, release_outage, line);
}

struct line *line_create(struct loop *loop, const struct line_options *options,
		const struct line_sink *sink, void *data, struct err *err) {
	static const struct socket_sink socket_sink = {
		.upgraded = on_upgraded,
		.frame = on_frame,
		.bad = on_bad,
		.down = on_down,
	};
	struct line *line = xcalloc(1, sizeof(*line));
	line->loop = loop;
	line->pace = *options->pace;
	line->channel = xstrdup(options->channel);
	line->sink = *sink;
	line->data = data;
	line->api = options->api;
	line->feed = options->feed;
	line->roster = options->roster;
	line->taps = options->taps;
	make_parts(line, options);
	line->socket = socket_create(
			loop, &options->socket, &socket_sink, line, err);
	if (line->socket == NULL) {
		line_destroy(line);
		return NULL;
	}
	return line;
}

void line_destroy(struct line *line) {
	if (line == NULL) {
		return;
	}
	reconcile_destroy(line->reconcile);
	socket_destroy(line->socket);
	release_outage(line);
	loop_timer_destroy(line->session_timer);
	loop_timer_destroy(line->canary_timer);
	loop_timer_destroy(line->outage_timer);
	free(line->channel);
	free(line);
}
