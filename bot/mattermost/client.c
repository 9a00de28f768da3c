#include "mattermost/client.h"

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
#include "mattermost/outgoing.h"
#include "mattermost/reconcile.h"
#include "mattermost/roster.h"
#include "mattermost/session.h"
#include "mattermost/socket.h"
#include "mattermost/taps.h"
#include "sys/log.h"

/* While we are cut off the run clock waits for so long, then goes on. */
#define OUTAGE_HOLD_MS 5000
/* Events between two marks; a resume replays 128 at most. */
#define EVENTS_PER_MARK 64

struct client {
	struct server server; // first: what others see
	struct loop *loop;
	struct client_pace pace;
	char *channel;
	struct api *api;
	struct socket *socket;
	struct session session;
	struct roster *roster;
	struct feed *feed;
	struct taps *taps;
	struct outgoing *outgoing;
	struct reconcile *reconcile;
	struct locate *locate;
	const struct locate_place *place; // locate's; empty until it is found
	bool started;
	bool online;
	bool told_offline;
	bool holding;      // the run clock, for an outage
	bool again;        // a full reconcile is owed when this one ends
	unsigned events;   // since the last mark
	char trouble[240]; // the last that was told; "" when it is over
	struct refresh *refreshes;
	struct loop_timer *session_timer;
	struct loop_timer *canary_timer;
	struct loop_timer *outage_timer;
};

static struct client *client_of(struct server *server) {
	return (struct client *)(void *)server;
}

static const struct client *client_of_const(const struct server *server) {
	return (const struct client *)(const void *)server;
}

static uint32_t random_number(void) {
	uint32_t number = 0;
	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
		abort();
	}
	return number;
}

/* The run clock */

static void release_outage(void *data) {
	struct client *client = data;
	loop_timer_stop(client->outage_timer);
	if (client->holding) {
		client->holding = false;
		loop_release_clock(client->loop);
	}
}

static void hold_outage(struct client *client) {
	if (!client->holding) {
		client->holding = true;
		loop_hold_clock(client->loop);
	}
	loop_timer_start_real(client->outage_timer, OUTAGE_HOLD_MS);
}

/* Telling */

static struct server_mark mark_of(const struct client *client) {
	struct server_mark mark = {
		.read_to_ms = reconcile_read_to_ms(client->reconcile),
		.changed_to_ms = reconcile_changed_to_ms(client->reconcile),
		.next_seq = client->session.next_seq,
	};
	snprintf(mark.connection_id, sizeof(mark.connection_id), "%s",
			client->session.connection_id);
	return mark;
}

static void tell_mark(struct client *client) {
	struct server_mark mark = mark_of(client);
	client->events = 0;
	feed_mark(client->feed, &mark);
}

static void tell_offline(struct client *client, const char *why) {
	if (client->online || !client->told_offline) {
		log_warn("mattermost.offline", "why=\"%s\"", why);
		feed_offline(client->feed, why);
		hold_outage(client);
	}
	client->online = false;
	client->told_offline = true;
	loop_timer_stop(client->canary_timer);
}

static void tell_trouble(struct client *client, const char *what) {
	if (strcmp(client->trouble, what) == 0) {
		return;
	}
	snprintf(client->trouble, sizeof(client->trouble), "%s", what);
	log_error("mattermost.trouble", "what=\"%s\"", what);
	feed_trouble(client->feed, client->trouble);
}

/* Reading what may have been missed */

static void reconcile_fully(struct client *client) {
	loop_timer_stop(client->canary_timer);
	client->again = false;
	feed_hold(client->feed);
	reconcile_start(client->reconcile, client->place->channel_id, true);
}

static void on_canary(void *data) {
	struct client *client = data;
	if (client->session.state != SESSION_OPEN) {
		return;
	}
	if (!client->online || client->again) {
		reconcile_fully(client);
		return;
	}
	reconcile_start(client->reconcile, client->place->channel_id, false);
}

/*
 * Nothing can be said or heard in an archived channel, nor by who is not in
 * it: that is as good as being cut off, although the server answers.  False
 * when it is open to us.
 */
static bool stay_out(struct client *client) {
	const struct person *own = people_by_id(
			roster_people(client->roster), client->place->own_id);
	bool archived = reconcile_is_archived(client->reconcile);
	char what[200];
	if (!archived && (own == NULL || own->member)) {
		return false;
	}
	snprintf(what, sizeof(what), "%s ~%.100s%s",
			archived ? "the channel" : "the bot is not a member of",
			client->channel, archived ? " is archived" : "");
	tell_trouble(client, what);
	tell_offline(client, client->trouble);
	loop_timer_start_real(client->canary_timer, client->pace.canary_ms);
	return true;
}

static void become_online(struct client *client) {
	struct server_mark mark = mark_of(client);
	feed_release(client->feed);
	if (!client->online) {
		log_info("mattermost.online", "channel=%s", client->place->channel_id);
		client->online = true;
		client->told_offline = false;
		feed_online(client->feed, &mark);
	}
	client->trouble[0] = '\0';
	release_outage(client);
}

static void on_reconciled(
		void *data, bool full, bool ok, const struct err *err) {
	struct client *client = data;
	if (client->session.state != SESSION_OPEN) {
		return; // the next connection begins anew
	}
	if (!client->again && stay_out(client)) {
		return; // until an event tells otherwise, or the canary finds it so
	}
	if (!ok) {
		log_warn("mattermost.reconcile", "full=%d why=\"%s\"", full, err->text);
		loop_timer_start_real(
				client->canary_timer, client->pace.backoff_ms * 4);
		client->again |= full || err->code == ERR_REFUSED;
		return;
	}
	if (client->again) {
		reconcile_fully(client);
		return;
	}
	if (full) {
		become_online(client);
	}
	tell_mark(client);
	loop_timer_start_real(client->canary_timer,
			full ? client->pace.again_ms : client->pace.canary_ms);
}

/* A full read, now or when the one that is under way has ended. */
static void reconcile_soon(struct client *client) {
	if (reconcile_is_running(client->reconcile)) {
		client->again = true;
	} else if (client->session.state == SESSION_OPEN) {
		reconcile_fully(client);
	}
}

/* The connection */

static void connect_socket(struct client *client) {
	char query[160] = "";
	if (client->session.resuming) {
		snprintf(query, sizeof(query),
				"?connection_id=%s&sequence_number=%" PRId64,
				client->session.connection_id, client->session.next_seq);
	}
	log_info("mattermost.connect", "resume=%d", client->session.resuming);
	feed_hold(client->feed); // what a resume replays may be so no longer
	socket_connect(client->socket, query);
}

static void send_ping(struct client *client) {
	char *text = mattermost_json_write_action("ping", client->session.ping_seq);
	socket_send(client->socket, text);
	free(text);
}

static void obey(struct client *client, const struct session_orders *orders) {
	if (orders->answered) {
		api_note_answer(client->api);
	}
	if (orders->close) {
		socket_close(client->socket);
	}
	if (orders->lost) {
		log_info("mattermost.lost", "why=\"%s\"", orders->why);
		reconcile_stop(client->reconcile);
		tell_offline(client, orders->why);
	}
	if (orders->doubt) {
		locate_doubt(client->locate);
	}
	if (orders->connect) {
		connect_socket(client);
	}
	if (orders->ping) {
		send_ping(client);
	}
	if (orders->opened) {
		reconcile_fully(client);
	}
}

static bool put_in(struct client *client, struct session_input input) {
	input.now_ms = loop_real_now_ms(client->loop);
	input.random = random_number();
	struct session_orders orders = session_handle(&client->session, &input);
	obey(client, &orders);
	if (client->session.due_ms != SESSION_NEVER) {
		loop_timer_start_real(client->session_timer,
				client->session.due_ms - loop_real_now_ms(client->loop));
	} else {
		loop_timer_stop(client->session_timer);
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
		const struct client *client, const struct mattermost_frame *frame) {
	return strcmp(frame->channel_id, client->place->channel_id) == 0;
}

/* What is being read was perhaps read before. */
static void shut_out(struct client *client) {
	client->again |= reconcile_is_running(client->reconcile);
	stay_out(client);
}

static void handle_member(
		struct client *client, const struct mattermost_frame *frame) {
	bool added = frame->kind == MATTERMOST_FRAME_USER_ADDED;
	if (strcmp(frame->user_id, client->place->own_id) != 0) {
		roster_handle_member(client->roster, frame->user_id, added);
		return;
	}
	roster_handle_member(client->roster, client->place->own_id, added);
	if (added) {
		reconcile_soon(client);
	} else {
		shut_out(client);
	}
}

static void handle_archived(struct client *client) {
	reconcile_note_archived(client->reconcile);
	shut_out(client);
}

/* An event's post has no delete_at yet: it is told before the row is marked. */
static void handle_deleted(
		struct client *client, struct mattermost_post *post) {
	if (post->delete_at_ms == 0) {
		int64_t now_ms = api_server_time_ms(client->api);
		post->delete_at_ms = now_ms > post->update_at_ms
				? now_ms
				: post->update_at_ms + 1;
	}
	feed_post(client->feed, post, true, true);
}

static void handle_edited(
		struct client *client, const struct mattermost_post *post) {
	if (post->edit_at_ms > 0) { // else pinned, or nothing of the text changed
		feed_post(client->feed, post, true, true);
	}
}

/* An event of our channel, or about a person. */
static void handle_event(
		struct client *client, const struct mattermost_frame *frame) {
	switch (frame->kind) {
	case MATTERMOST_FRAME_POSTED:
		feed_post(client->feed, &frame->posts.posts[0], false, true);
		break;
	case MATTERMOST_FRAME_POST_EDITED:
		handle_edited(client, &frame->posts.posts[0]);
		break;
	case MATTERMOST_FRAME_POST_DELETED:
		handle_deleted(client, &frame->posts.posts[0]);
		break;
	case MATTERMOST_FRAME_REACTION:
		taps_touch(client->taps, frame->post_id);
		break;
	case MATTERMOST_FRAME_USER_ADDED:
	case MATTERMOST_FRAME_USER_REMOVED:
		handle_member(client, frame);
		break;
	case MATTERMOST_FRAME_CHANNEL_DELETED:
		handle_archived(client);
		break;
	case MATTERMOST_FRAME_CHANNEL_RESTORED:
		reconcile_soon(client);
		break;
	case MATTERMOST_FRAME_USER_UPDATED:
	case MATTERMOST_FRAME_HELLO:
	case MATTERMOST_FRAME_REPLY:
	case MATTERMOST_FRAME_OTHER:
		break;
	}
}

static void count_event(struct client *client) {
	client->events++;
	if (client->events >= EVENTS_PER_MARK && client->online) {
		tell_mark(client);
	}
}

static void deliver(
		struct client *client, const struct mattermost_frame *frame) {
	if (frame->kind == MATTERMOST_FRAME_USER_UPDATED) {
		roster_handle_user(client->roster, &frame->users.users[0]);
	} else if (is_ours(client, frame)) {
		handle_event(client, frame);
	}
	count_event(client);
}

static void take_frame(
		struct client *client, const struct mattermost_frame *frame) {
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
	if (put_in(client, input)) {
		deliver(client, frame);
	}
}

static void on_frame(void *data, const char *text, size_t len) {
	struct client *client = data;
	struct mattermost_frame frame;
	struct err err = { 0 };
	if (!mattermost_json_read_frame(text, len, &frame, &err)) {
		on_bad(client, err.text);
		return;
	}
	take_frame(client, &frame);
	mattermost_json_finish_frame(&frame);
}

/* Who and where we are */

static void on_found(void *data, const struct locate_place *place) {
	struct client *client = data;
	roster_add(client->roster, place->own_id);
	roster_set_channel(client->roster, place->channel_id);
	feed_set_own_id(client->feed, place->own_id);
	outgoing_set_place(client->outgoing, place->own_id, place->channel_id,
			place->max_message);
	if (place->archived) {
		reconcile_note_archived(client->reconcile);
	}
	put_in(client, (struct session_input){ .type = SESSION_START });
}

static void on_not_found(void *data, const char *why, bool lasting) {
	struct client *client = data;
	if (lasting) {
		tell_trouble(client, why);
	}
	tell_offline(client, why);
}

/* Drop what may still be open: an open socket is no proof of being allowed. */
static void on_token_refused(void *data) {
	struct client *client = data;
	tell_trouble(client, "the server refuses the bot's token");
	reconcile_stop(client->reconcile);
	put_in(client, (struct session_input){ .type = SESSION_STOP });
	tell_offline(client, "the server refuses the bot's token");
}

static void on_token_accepted(void *data) {
	struct client *client = data;
	client->trouble[0] = '\0';
	if (locate_is_known(client->locate)) {
		put_in(client, (struct session_input){ .type = SESSION_START });
	}
}

/* Any request was answered 401. */
static void on_401(void *data) {
	struct client *client = data;
	locate_refuse(client->locate);
}

static void on_people(void *data) {
	struct client *client = data;
	feed_people_changed(client->feed);
}

/* The interface */

static void start(struct server *server) {
	struct client *client = client_of(server);
	if (!client->started) {
		client->started = true;
		hold_outage(client);
		locate_start(client->locate);
	}
}

static void post(struct server *server, const struct server_new_post *post,
		server_reply_fn fn, void *data) {
	outgoing_post(client_of(server)->outgoing, post, fn, data);
}

static void find(struct server *server, const char *key, const char *root_id,
		server_reply_fn fn, void *data) {
	outgoing_find(client_of(server)->outgoing, key, root_id, fn, data);
}

static void edit(struct server *server, const char *post_id,
		const char *message, server_reply_fn fn, void *data) {
	outgoing_edit(client_of(server)->outgoing, post_id, message, fn, data);
}

static void pin(struct server *server, const char *post_id, bool pinned,
		server_reply_fn fn, void *data) {
	outgoing_pin(client_of(server)->outgoing, post_id, pinned, fn, data);
}

static void react(struct server *server, const char *post_id, const char *emoji,
		server_reply_fn fn, void *data) {
	outgoing_react(client_of(server)->outgoing, post_id, emoji, fn, data);
}

static void read_post(struct server *server, const char *post_id,
		server_reply_fn fn, void *data) {
	outgoing_read(client_of(server)->outgoing, post_id, fn, data);
}

static void read_taps(struct server *server, const char *post_id,
		server_taps_fn fn, void *data) {
	outgoing_read_taps(client_of(server)->outgoing, post_id, fn, data);
}

static void watch_taps(
		struct server *server, const char *const *post_ids, size_t count) {
	taps_watch(client_of(server)->taps, post_ids, count);
}

static void want_people(
		struct server *server, const char *const *names, size_t count) {
	struct client *client = client_of(server);
	roster_want(client->roster, names, count);
	if (locate_is_known(client->locate) && !locate_is_refused(client->locate)) {
		roster_read_all(client->roster, NULL, NULL);
	}
}

/* Someone's callback, until the accounts have been read. */
struct refresh {
	struct client *client;
	struct refresh *next;
	server_reply_fn fn;
	void *data;
};

static void on_refreshed(void *data, bool ok, const struct err *err) {
	struct refresh *refresh = data;
	const struct server_reply reply = {
		.result = ok ? SERVER_OK : SERVER_AGAIN,
		.post_id = "",
		.message = "",
		.err = *err,
	};
	struct refresh **at = &refresh->client->refreshes;
	while (*at != refresh) {
		at = &(*at)->next;
	}
	*at = refresh->next;
	refresh->fn(refresh->data, &reply);
	free(refresh);
}

static void refuse_refresh(void *data) {
	const struct err err = {
		.code = ERR_IO,
		.text = "the channel is not found yet",
	};
	on_refreshed(data, false, &err);
}

static void drop_refreshes(struct client *client) {
	while (client->refreshes != NULL) {
		struct refresh *refresh = client->refreshes;
		client->refreshes = refresh->next;
		loop_cancel_deferred(client->loop, refresh);
		free(refresh);
	}
}

static void refresh_people(
		struct server *server, server_reply_fn fn, void *data) {
	struct client *client = client_of(server);
	struct refresh *refresh = xcalloc(1, sizeof(*refresh));
	refresh->client = client;
	refresh->fn = fn;
	refresh->data = data;
	refresh->next = client->refreshes;
	client->refreshes = refresh;
	if (!locate_is_known(client->locate)) {
		loop_defer(client->loop, refuse_refresh, refresh);
		return;
	}
	roster_read_all(client->roster, on_refreshed, refresh);
}

static void destroy(struct server *server) {
	struct client *client = client_of(server);
	if (client == NULL) {
		return;
	}
	reconcile_destroy(client->reconcile);
	outgoing_destroy(client->outgoing);
	taps_destroy(client->taps);
	roster_destroy(client->roster);
	drop_refreshes(client);
	feed_destroy(client->feed);
	socket_destroy(client->socket);
	locate_destroy(client->locate);
	api_destroy(client->api);
	if (client->outage_timer != NULL) {
		release_outage(client);
	}
	loop_timer_destroy(client->session_timer);
	loop_timer_destroy(client->canary_timer);
	loop_timer_destroy(client->outage_timer);
	free(client->channel);
	free(client);
}

static const struct people *people(const struct server *server) {
	return roster_people(client_of_const(server)->roster);
}

static const char *own_id(const struct server *server) {
	return client_of_const(server)->place->own_id;
}

static int64_t last_answer_ms(const struct server *server) {
	return api_last_answer_ms(client_of_const(server)->api);
}

static int64_t server_time_ms(const struct server *server) {
	return api_server_time_ms(client_of_const(server)->api);
}

static size_t max_message(const struct server *server) {
	return client_of_const(server)->place->max_message;
}

static const struct server_api client_api = {
	.start = start,
	.destroy = destroy,
	.post = post,
	.find = find,
	.edit = edit,
	.pin = pin,
	.react = react,
	.read_post = read_post,
	.read_taps = read_taps,
	.watch_taps = watch_taps,
	.want_people = want_people,
	.refresh_people = refresh_people,
	.people = people,
	.own_id = own_id,
	.last_answer_ms = last_answer_ms,
	.server_time_ms = server_time_ms,
	.max_message = max_message,
};

static int64_t or_default(int64_t value, int64_t otherwise) {
	return value > 0 ? value : otherwise;
}

static struct client_pace full_pace(const struct client_pace *given) {
	const struct client_pace none = { 0 };
	const struct client_pace *from = given != NULL ? given : &none;
	return (struct client_pace){
		.ping_ms = or_default(from->ping_ms, 12000),
		.pong_ms = or_default(from->pong_ms, 5000),
		.hello_ms = or_default(from->hello_ms, 10000),
		.me_ms = or_default(from->me_ms, 45000),
		.canary_ms = or_default(from->canary_ms, 30000),
		.again_ms = or_default(from->again_ms, 3000),
		.backoff_ms = or_default(from->backoff_ms, 250),
		.backoff_max_ms = or_default(from->backoff_max_ms, 5000),
		.refused_ms = or_default(from->refused_ms, 15000),
	};
}

static bool make_network(struct client *client,
		const struct client_options *options, struct err *err) {
	static const struct socket_sink socket_sink = {
		.upgraded = on_upgraded,
		.frame = on_frame,
		.bad = on_bad,
		.down = on_down,
	};
	struct socket_options socket_options = {
		.token = options->token,
		.ca_file = options->ca_file,
		.proxy = options->proxy,
	};
	if (!address_parse(options->url, &socket_options.address, err)) {
		return false;
	}
	const struct api_options api_options = {
		.address = socket_options.address,
		.token = options->token,
		.ca_file = options->ca_file,
		.proxy = options->proxy,
		.refused_ms = client->pace.refused_ms,
		.refused = on_401,
		.data = client,
	};
	client->api = api_create(client->loop, &api_options, err);
	if (client->api == NULL) {
		return false;
	}
	client->socket = socket_create(
			client->loop, &socket_options, &socket_sink, client, err);
	return client->socket != NULL;
}

static void make_parts(struct client *client,
		const struct client_options *options, const struct server_sink *sink,
		void *data) {
	static const struct roster_sink roster_sink = { .changed = on_people };
	static const struct locate_sink locate_sink = {
		.found = on_found,
		.failed = on_not_found,
		.refused = on_token_refused,
		.accepted = on_token_accepted,
	};
	const struct locate_options locate_options = {
		.team = options->team,
		.channel = options->channel,
		.me_ms = client->pace.me_ms,
		.refused_ms = client->pace.refused_ms,
		.backoff_ms = client->pace.backoff_ms,
		.backoff_max_ms = client->pace.backoff_max_ms,
	};
	struct loop *loop = client->loop;
	client->locate = locate_create(
			loop, client->api, &locate_options, &locate_sink, client);
	client->place = locate_place(client->locate);
	client->roster = roster_create(client->api, &roster_sink, client);
	client->feed = feed_create(loop, client->roster, sink, data);
	client->taps = taps_create(loop, client->api, client->feed);
	client->outgoing = outgoing_create(loop, client->api);
	const struct reconcile_options reconcile_options = {
		.api = client->api,
		.feed = client->feed,
		.roster = client->roster,
		.taps = client->taps,
		.read_to_ms = options->mark.read_to_ms,
		.changed_to_ms = options->mark.changed_to_ms,
	};
	client->reconcile = reconcile_create(
			&reconcile_options, on_reconciled, client);
	client->session_timer = loop_timer_create(loop, on_session_time, client);
	client->canary_timer = loop_timer_create(loop, on_canary, client);
	client->outage_timer = loop_timer_create(loop, release_outage, client);
}

struct server *client_create(struct loop *loop,
		const struct client_options *options, const struct server_sink *sink,
		void *data, struct err *err) {
	struct client *client = xcalloc(1, sizeof(*client));
	client->server.api = &client_api;
	client->loop = loop;
	client->pace = full_pace(options->pace);
	client->channel = xstrdup(options->channel);
	if (!make_network(client, options, err)) {
		destroy(&client->server);
		return NULL;
	}
	const struct session_pace session_pace = {
		.ping_ms = client->pace.ping_ms,
		.pong_ms = client->pace.pong_ms,
		.hello_ms = client->pace.hello_ms,
		.backoff_ms = client->pace.backoff_ms,
		.backoff_max_ms = client->pace.backoff_max_ms,
	};
	session_init(&client->session, &session_pace, options->mark.connection_id,
			options->mark.next_seq);
	make_parts(client, options, sink, data);
	return &client->server;
}
