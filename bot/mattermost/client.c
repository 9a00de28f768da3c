#include "mattermost/client.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "loop/loop.h"
#include "mattermost/api.h"
#include "mattermost/download.h"
#include "mattermost/feed.h"
#include "mattermost/line.h"
#include "mattermost/locate.h"
#include "mattermost/outgoing.h"
#include "mattermost/roster.h"
#include "mattermost/socket.h"
#include "mattermost/taps.h"

struct client {
	struct server server; // first: what others see
	struct loop *loop;
	bool started;
	struct api *api;
	struct locate *locate;
	struct roster *roster;
	struct feed *feed;
	struct taps *taps;
	struct outgoing *outgoing;
	struct downloads *downloads;
	struct line *line;
	struct refresh *refreshes;
};

static struct client *client_of(struct server *server) {
	return (struct client *)(void *)server;
}

static const struct client *client_of_const(const struct server *server) {
	return (const struct client *)(const void *)server;
}

/* Who and where we are */

static void on_found(void *data, const struct locate_place *place) {
	struct client *client = data;
	roster_add(client->roster, place->own_id);
	roster_set_channel(client->roster, place->channel_id);
	feed_set_own_id(client->feed, place->own_id);
	outgoing_set_place(client->outgoing, place->own_id, place->channel_id,
			place->max_message);
	line_open(client->line, place);
}

static void on_not_found(void *data, const char *why, bool lasting) {
	struct client *client = data;
	line_fail(client->line, why, lasting);
}

static void on_token_refused(void *data) {
	struct client *client = data;
	line_shut(client->line, "the server refuses the bot's token");
}

static void on_token_accepted(void *data) {
	struct client *client = data;
	line_forgive(client->line);
	if (locate_is_known(client->locate)) {
		line_open(client->line, locate_place(client->locate));
	}
}

static void on_doubt(void *data) {
	struct client *client = data;
	locate_doubt(client->locate);
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
		line_await(client->line);
		locate_start(client->locate);
	}
}

static void post(struct server *server, const struct server_new_post *post,
		server_reply_fn fn, void *data) {
	outgoing_post(client_of(server)->outgoing, post, fn, data);
}

static void find(struct server *server, const struct server_new_post *post,
		server_reply_fn fn, void *data) {
	outgoing_find(client_of(server)->outgoing, post, fn, data);
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

static void fetch(struct server *server, const struct server_fetch *what,
		server_fetched_fn fn, void *data) {
	download_start(client_of(server)->downloads, what, fn, data);
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
	line_destroy(client->line);
	downloads_destroy(client->downloads);
	outgoing_destroy(client->outgoing);
	taps_destroy(client->taps);
	roster_destroy(client->roster);
	drop_refreshes(client);
	feed_destroy(client->feed);
	locate_destroy(client->locate);
	api_destroy(client->api);
	free(client);
}

static const struct people *people(const struct server *server) {
	return roster_people(client_of_const(server)->roster);
}

static const char *own_id(const struct server *server) {
	return locate_place(client_of_const(server)->locate)->own_id;
}

static int64_t last_answer_ms(const struct server *server) {
	return api_last_answer_ms(client_of_const(server)->api);
}

static int64_t server_time_ms(const struct server *server) {
	return api_server_time_ms(client_of_const(server)->api);
}

static size_t max_message(const struct server *server) {
	return locate_place(client_of_const(server)->locate)->max_message;
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
	.fetch = fetch,
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

static void make_parts(struct client *client,
		const struct client_options *options, const struct client_pace *pace,
		const struct server_sink *sink, void *data) {
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
		.me_ms = pace->me_ms,
		.refused_ms = pace->refused_ms,
		.backoff_ms = pace->backoff_ms,
		.backoff_max_ms = pace->backoff_max_ms,
	};
	struct loop *loop = client->loop;
	client->locate = locate_create(
			loop, client->api, &locate_options, &locate_sink, client);
	client->roster = roster_create(client->api, &roster_sink, client);
	client->feed = feed_create(loop, client->roster, sink, data);
	client->taps = taps_create(loop, client->api, client->feed);
	client->outgoing = outgoing_create(loop, client->api, options->team);
	client->downloads = downloads_create(client->api);
}

static bool make_api(struct client *client,
		const struct client_options *options, const struct address *address,
		int64_t refused_ms, struct err *err) {
	const struct api_options api_options = {
		.address = *address,
		.token = options->token,
		.ca_file = options->ca_file,
		.proxy = options->proxy,
		.refused_ms = refused_ms,
		.refused = on_401,
		.data = client,
	};
	client->api = api_create(client->loop, &api_options, err);
	return client->api != NULL;
}

static bool make_line(struct client *client,
		const struct client_options *options, const struct address *address,
		const struct client_pace *pace, struct err *err) {
	static const struct line_sink line_sink = { .doubt = on_doubt };
	const struct line_options line_options = {
		.pace = pace,
		.channel = options->channel,
		.socket = {
			.address = *address,
			.token = options->token,
			.ca_file = options->ca_file,
			.proxy = options->proxy,
		},
		.mark = options->mark,
		.api = client->api,
		.feed = client->feed,
		.roster = client->roster,
		.taps = client->taps,
	};
	client->line = line_create(
			client->loop, &line_options, &line_sink, client, err);
	return client->line != NULL;
}

struct server *client_create(struct loop *loop,
		const struct client_options *options, const struct server_sink *sink,
		void *data, struct err *err) {
	struct address address;
	if (!address_parse(options->url, &address, err)) {
		return NULL;
	}
	const struct client_pace pace = full_pace(options->pace);
	struct client *client = xcalloc(1, sizeof(*client));
	client->server.api = &client_api;
	client->loop = loop;
	bool ok = make_api(client, options, &address, pace.refused_ms, err);
	if (ok) {
		make_parts(client, options, &pace, sink, data);
		ok = make_line(client, options, &address, &pace, err);
	}
	if (!ok) {
		destroy(&client->server);
		return NULL;
	}
	return &client->server;
}
