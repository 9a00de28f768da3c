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

#define MAX_MESSAGE_DEFAULT 16383
#define MAX_MESSAGE_LEAST   1000

/* What is looked up, one after the other, before the first connection. */
enum finding {
	FINDING_ME,
	FINDING_CHANNEL,
	FINDING_CONFIG,
	FINDING_NOTHING, // all is known
};

struct client {
	struct server server; // first: what others see
	struct loop *loop;
	struct client_pace pace;
	char *team;
	char *channel;
	struct api *api;
	struct socket *socket;
	struct session session;
	struct roster *roster;
	struct feed *feed;
	struct taps *taps;
	struct outgoing *outgoing;
	struct reconcile *reconcile;
	enum finding finding;
	struct api_request *request; // of finding, or of our own account
	unsigned find_failures;
	char own_id[65];
	char channel_id[65];
	size_t max_message;
	bool started;
	bool refused; // the token is; nothing but asking for ourselves is done
	bool online;
	bool told_offline;
	bool holding;      // the run clock, for an outage
	bool again;        // a full reconcile is owed when this one ends
	unsigned events;   // since the last mark
	char trouble[240]; // the last that was told; "" when it is over
	struct refresh *refreshes;
	struct loop_timer *session_timer;
	struct loop_timer *find_timer; // next step of finding, or of ourselves
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
	reconcile_start(client->reconcile, client->channel_id, true);
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
	reconcile_start(client->reconcile, client->channel_id, false);
}

/*
 * Nothing can be said or heard in an archived channel, nor by who is not in
 * it: that is as good as being cut off, although the server answers.  False
 * when it is open to us.
 */
static bool stay_out(struct client *client) {
	const struct person *own = people_by_id(
			roster_people(client->roster), client->own_id);
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
		log_info("mattermost.online", "channel=%s", client->channel_id);
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

static void check_token(struct client *client);

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
		check_token(client);
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
	return strcmp(frame->channel_id, client->channel_id) == 0;
}

/* What is being read was perhaps read before. */
static void shut_out(struct client *client) {
	client->again |= reconcile_is_running(client->reconcile);
	stay_out(client);
}

static void handle_member(
		struct client *client, const struct mattermost_frame *frame) {
	bool added = frame->kind == MATTERMOST_FRAME_USER_ADDED;
	if (strcmp(frame->user_id, client->own_id) != 0) {
		roster_handle_member(client->roster, frame->user_id, added);
		return;
	}
	roster_handle_member(client->roster, client->own_id, added);
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

/* Finding out who and where we are */

static void find_next(void *data);

static void find_later(struct client *client, int64_t wait_ms) {
	loop_timer_start_real(client->find_timer, wait_ms);
}

static int64_t find_delay(struct client *client) {
	int64_t longest = client->pace.backoff_ms;
	for (unsigned i = 0; i < client->find_failures && i < 8; i++) {
		longest *= 2;
	}
	if (longest > client->pace.backoff_max_ms) {
		longest = client->pace.backoff_max_ms;
	}
	client->find_failures++;
	return (int64_t)(random_number() % (uint64_t)(longest + 1));
}

/* The token is refused: drop what may still be open, and ask now and then. */
static void refuse(void *data) {
	struct client *client = data;
	tell_trouble(client, "the server refuses the bot's token");
	if (client->refused) {
		return;
	}
	client->refused = true;
	reconcile_stop(client->reconcile);
	put_in(client, (struct session_input){ .type = SESSION_STOP });
	tell_offline(client, "the server refuses the bot's token");
	api_cancel(client->request);
	client->request = NULL;
	find_later(client, client->pace.refused_ms);
}

static void found_all(struct client *client) {
	client->finding = FINDING_NOTHING;
	roster_set_channel(client->roster, client->channel_id);
	outgoing_set_place(client->outgoing, client->own_id, client->channel_id,
			client->max_message);
	put_in(client, (struct session_input){ .type = SESSION_START });
	find_later(client, client->pace.me_ms);
}

static bool take_me(struct client *client, const char *body, struct err *err) {
	char id[65];
	if (!mattermost_json_read_id(body, id, NULL, err)) {
		return false;
	}
	snprintf(client->own_id, sizeof(client->own_id), "%s", id);
	roster_add(client->roster, id);
	feed_set_own_id(client->feed, id);
	return true;
}

static bool take_channel(
		struct client *client, const char *body, struct err *err) {
	bool archived = false;
	if (!mattermost_json_read_id(body, client->channel_id, &archived, err)) {
		return false;
	}
	if (archived) {
		reconcile_note_archived(client->reconcile);
	}
	return true;
}

static void take_config(struct client *client, const char *body) {
	size_t runes = mattermost_json_read_max_post(body);
	if (runes >= MAX_MESSAGE_LEAST) {
		client->max_message = runes;
	}
}

static bool take_found(
		struct client *client, const char *body, struct err *err) {
	switch (client->finding) {
	case FINDING_ME:
		client->finding = FINDING_CHANNEL;
		return take_me(client, body, err);
	case FINDING_CHANNEL:
		client->finding = FINDING_CONFIG;
		return take_channel(client, body, err);
	case FINDING_CONFIG:
		client->finding = FINDING_NOTHING;
		take_config(client, body);
		return true;
	case FINDING_NOTHING:
		return true;
	}
	return true;
}

static void explain_failure(
		struct client *client, const struct api_answer *answer) {
	char what[240];
	if (client->finding == FINDING_CHANNEL && answer->result == SERVER_NEVER) {
		snprintf(what, sizeof(what),
				"the bot does not see channel %.40s of team %.40s: %.100s",
				client->channel, client->team, answer->err.text);
		tell_trouble(client, what);
	} else if (answer->result == SERVER_NEVER) {
		tell_trouble(client, answer->err.text);
	}
	tell_offline(client, answer->err.text);
}

static void on_found(void *data, const struct api_answer *answer) {
	struct client *client = data;
	client->request = NULL;
	if (answer->status == 401) {
		find_later(client, client->pace.refused_ms);
		return; // refuse() follows
	}
	enum finding asked = client->finding;
	struct api_answer judged = *answer;
	if (answer->result != SERVER_OK ||
			!take_found(client, answer->body, &judged.err)) {
		client->finding = asked;
		explain_failure(client, &judged);
		int64_t wait_ms = find_delay(client);
		find_later(client,
				answer->retry_ms > wait_ms ? answer->retry_ms : wait_ms);
		return;
	}
	client->find_failures = 0;
	if (client->refused) {
		client->refused = false;
		client->trouble[0] = '\0';
	}
	if (client->finding == FINDING_NOTHING) {
		found_all(client);
	} else {
		find_next(client);
	}
}

/* Our own account, with all known: the token, and the resume window. */
static void on_me(void *data, const struct api_answer *answer) {
	struct client *client = data;
	client->request = NULL;
	bool still_refused = client->refused && answer->result != SERVER_OK;
	if (answer->status == 401 || still_refused) {
		find_later(client, client->pace.refused_ms);
		return; // refuse() follows a 401
	}
	if (client->refused) {
		client->refused = false;
		client->trouble[0] = '\0';
		put_in(client, (struct session_input){ .type = SESSION_START });
	}
	find_later(client, client->pace.me_ms);
}

static void ask_me(struct client *client, api_fn fn) {
	const struct api_call call = { .method = HTTP_GET, .path = "/users/me" };
	client->request = api_start(client->api, &call, fn, client);
}

static void check_token(struct client *client) {
	if (client->finding == FINDING_NOTHING && client->request == NULL) {
		loop_timer_stop(client->find_timer);
		ask_me(client, on_me);
	}
}

static void find_next(void *data) {
	struct client *client = data;
	char path[300];
	struct api_call call = { .method = HTTP_GET, .path = path };
	switch (client->finding) {
	case FINDING_ME:
		ask_me(client, on_found);
		return;
	case FINDING_CHANNEL:
		snprintf(path, sizeof(path), "/teams/name/%.120s/channels/name/%.120s",
				client->team, client->channel);
		break;
	case FINDING_CONFIG:
		snprintf(path, sizeof(path), "/config/client?format=old");
		break;
	case FINDING_NOTHING:
		check_token(client);
		return;
	}
	client->request = api_start(client->api, &call, on_found, client);
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
		find_later(client, 0);
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
	if (client->finding == FINDING_NOTHING && !client->refused) {
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
	if (client->finding != FINDING_NOTHING) {
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
	api_cancel(client->request);
	api_destroy(client->api);
	if (client->outage_timer != NULL) {
		release_outage(client);
	}
	loop_timer_destroy(client->session_timer);
	loop_timer_destroy(client->find_timer);
	loop_timer_destroy(client->canary_timer);
	loop_timer_destroy(client->outage_timer);
	free(client->team);
	free(client->channel);
	free(client);
}

static const struct people *people(const struct server *server) {
	return roster_people(client_of_const(server)->roster);
}

static const char *own_id(const struct server *server) {
	return client_of_const(server)->own_id;
}

static int64_t last_answer_ms(const struct server *server) {
	return api_last_answer_ms(client_of_const(server)->api);
}

static int64_t server_time_ms(const struct server *server) {
	return api_server_time_ms(client_of_const(server)->api);
}

static size_t max_message(const struct server *server) {
	return client_of_const(server)->max_message;
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
		.refused = refuse,
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
	struct loop *loop = client->loop;
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
	client->find_timer = loop_timer_create(loop, find_next, client);
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
	client->team = xstrdup(options->team);
	client->channel = xstrdup(options->channel);
	client->max_message = MAX_MESSAGE_DEFAULT;
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
