#include "mattermost/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "loop/loop.h"
#include "mattermost/socket.h"
#include "support/peer.h"
#include "support/test.h"
#include "sys/clock.h"
#include "sys/secret.h"

/*
 * The real client against a peer that answers as a Mattermost with an almost
 * empty channel would, except where the test makes it say something else.
 */

#define TOKEN "tokenofthebot0000000000000"

static const struct client_pace quick = {
	.ping_ms = 5000,
	.hello_ms = 300,
	.canary_ms = 5000,
	.again_ms = 5000,
	.backoff_ms = 2,
	.backoff_max_ms = 10,
	.refused_ms = 30,
};

struct scene {
	struct clock *clock;
	struct loop *loop;
	struct peer *peer;
	struct secret *token;
	struct server *server;
	struct loop_timer *limit;
	struct str told;
	struct str asked;
	const char *until;
	bool timed_out;
	int seq;              // of the next event
	const char *bad_path; // whose answer is replaced
	const char *bad_body;
	int bad_status;
	int bad_times;
	const char *pages[4]; // what channel pages are, one after the other
	size_t page;
	enum server_result result;
	char reason[256];
};

static const char user_me[] =
		"{\"id\":\"me\",\"username\":\"bot\",\"is_bot\":true}";

static const struct {
	const char *path;
	const char *body;
} answers[] = {
	{ "/api/v4/users/me", user_me },
	{ "/api/v4/teams/name/", "{\"id\":\"c1\",\"delete_at\":0}" },
	{ "/api/v4/config/client", "{\"MaxPostSize\":\"4000\"}" },
	{ "/api/v4/users/",
			"[{\"id\":\"me\",\"username\":\"bot\"},"
			"{\"id\":\"u1\",\"username\":\"cto\"}]" },
	{ "/api/v4/channels/c1/members/ids", "[{\"user_id\":\"me\"}]" },
	{ "/api/v4/channels/c1", "{\"id\":\"c1\",\"delete_at\":0}" },
	{ "/api/v4/posts/ids/reactions", "{}" },
	{ "/api/v4/posts",
			"{\"id\":\"p1\",\"channel_id\":\"c1\",\"user_id\":\"me\","
			"\"message\":\"\",\"create_at\":5}" },
};

static const char *page_answer(struct scene *scene) {
	const char *page = scene->pages[scene->page];
	if (page == NULL) {
		return "{\"order\":[],\"posts\":{}}";
	}
	scene->page++;
	return page;
}

static const char *answer_to(struct scene *scene, const char *path) {
	if (strncmp(path, "/api/v4/channels/c1/posts", 25) == 0) {
		return page_answer(scene);
	}
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		size_t len = strlen(answers[i].path);
		if (strncmp(path, answers[i].path, len) == 0) {
			return answers[i].body;
		}
	}
	return "{}";
}

static void on_request(void *data, const struct peer_request *request,
		struct peer_answer *answer) {
	struct scene *scene = data;
	str_addf(&scene->asked, "%s %s %s\n", request->method, request->path,
			request->body);
	if (scene->bad_times > 0 && strstr(request->path, scene->bad_path)) {
		scene->bad_times--;
		answer->status = scene->bad_status;
		answer->body = xstrdup(scene->bad_body);
		return;
	}
	if (strstr(request->path, "/websocket") != NULL) {
		answer->fate = PEER_UPGRADES;
		return;
	}
	answer->headers = "Date: Tue, 24 Nov 2026 06:40:58 GMT\r\n";
	answer->body = xstrdup(answer_to(scene, request->path));
}

static void hello(struct scene *scene) {
	scene->seq = 1;
	peer_send_text(scene->peer,
			"{\"event\":\"hello\",\"data\":{\"connection_id\":\"k\"},"
			"\"broadcast\":{},\"seq\":0}");
}

static void on_text(void *data, unsigned connection, const char *text) {
	(void)connection;
	struct scene *scene = data;
	int seq = 0;
	if (sscanf(text, "{\"action\":\"ping\",\"seq\":%d}", &seq) != 1) {
		fail_msg("the client said %s", text);
	}
	if (seq == 1) {
		hello(scene);
	}
	char reply[64];
	snprintf(reply, sizeof(reply), "{\"status\":\"OK\",\"seq_reply\":%d}", seq);
	peer_send_text(scene->peer, reply);
}

static const struct peer_handler handler = {
	.request = on_request,
	.text = on_text,
};

__attribute__((format(printf, 2, 3))) static void note(
		struct scene *scene, const char *format, ...) {
	va_list args;
	va_start(args, format);
	char text[512];
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	assert_null(strstr(text, TOKEN));
	str_addf(&scene->told, "%s\n", text);
	if (scene->until != NULL && strstr(str_text(&scene->told), scene->until)) {
		loop_stop(scene->loop);
	}
}

static void on_post(void *data, const struct server_post *post) {
	note(data, "post %s: %s", post->user_id, post->message);
}

static void on_changed(void *data, const struct server_post *post) {
	note(data, "changed %s", post->id);
}

static void on_taps(void *data, const char *post_id,
		const struct server_tap *taps, size_t count) {
	(void)taps;
	note(data, "taps %s %zu", post_id, count);
}

static void on_online(void *data) {
	note(data, "online");
}

static void on_offline(void *data, const char *why) {
	note(data, "offline: %s", why);
}

static void on_people(void *data) {
	(void)data;
}

static void on_trouble(void *data, const char *what) {
	note(data, "trouble: %s", what);
}

static const struct server_sink sink = {
	.post = on_post,
	.post_changed = on_changed,
	.taps = on_taps,
	.online = on_online,
	.offline = on_offline,
	.people_changed = on_people,
	.trouble = on_trouble,
};

static void on_limit(void *data) {
	struct scene *scene = data;
	scene->timed_out = true;
	loop_stop(scene->loop);
}

static int setup(void **state) {
	struct scene *scene = xcalloc(1, sizeof(*scene));
	struct err err = { 0 };
	scene->clock = clock_create_real();
	scene->loop = loop_create(scene->clock, &err);
	scene->peer = peer_create(scene->loop, &handler, scene, &err);
	scene->token = secret_create(TOKEN, strlen(TOKEN));
	scene->limit = loop_timer_create(scene->loop, on_limit, scene);
	char url[64];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", peer_port(scene->peer));
	const struct client_options options = {
		.url = url,
		.team = "t",
		.channel = "c",
		.token = scene->token,
		.pace = &quick,
	};
	scene->server = client_create(scene->loop, &options, &sink, scene, &err);
	*state = scene;
	return scene->server != NULL ? 0 : -1;
}

static int teardown(void **state) {
	struct scene *scene = *state;
	scene->server->api->destroy(scene->server);
	peer_destroy(scene->peer);
	loop_timer_destroy(scene->limit);
	loop_destroy(scene->loop);
	clock_destroy(scene->clock);
	secret_destroy(scene->token);
	str_finish(&scene->told);
	str_finish(&scene->asked);
	free(scene);
	return 0;
}

static void until(struct scene *scene, const char *text) {
	scene->until = text;
	scene->timed_out = false;
	loop_timer_start_real(scene->limit, 10000);
	while (!scene->timed_out && !strstr(str_text(&scene->told), text)) {
		loop_run(scene->loop);
	}
	loop_timer_stop(scene->limit);
	scene->until = NULL;
	if (scene->timed_out) {
		fail_msg("waiting for `%s`; told:\n%s\nasked:\n%s", text,
				str_text(&scene->told), str_text(&scene->asked));
	}
}

static void forget(struct scene *scene) {
	str_clear(&scene->told);
	str_clear(&scene->asked);
}

static void go_online(struct scene *scene) {
	scene->server->api->start(scene->server);
	until(scene, "online");
	forget(scene);
}

static void send_event(
		struct scene *scene, const char *event, const char *data) {
	char *text = xasprintf("{\"event\":\"%s\",\"data\":%s,"
						   "\"broadcast\":{\"channel_id\":\"c1\"},\"seq\":%d}",
			event, data, scene->seq);
	scene->seq++;
	peer_send_text(scene->peer, text);
	free(text);
}

#define POSTED(message) \
	"{\"post\":\"{\\\"id\\\":\\\"p1\\\",\\\"channel_id\\\":\\\"c1\\\"," \
	"\\\"user_id\\\":\\\"u1\\\",\\\"create_at\\\":1,\\\"message\\\":" \
	"\\\"" message "\\\"}\"}"

static void every_bad_frame_is_said_and_survived(void **state) {
	struct scene *scene = *state;
	static const char *const bad[][2] = {
		{ "", "not JSON" },
		{ "\n", "not JSON" },
		{ "garbage", "not JSON" },
		{ "{\"event\":\"posted\",", "not JSON" },
		{ "[1,2,3]", "not an object" },
		{ "17", "not an object" },
		{ "{}", "neither an event nor a reply" },
		{ "{\"event\":\"posted\"}", "neither an event nor a reply" },
		{ "{\"event\":\"x\",\"seq\":-7}", "`seq` is no usable number" },
		{ "{\"event\":\"x\",\"seq\":1e99}", "`seq` is no usable number" },
		{ "{\"event\":\"x\",\"seq\":7}", "event 7 came where 1 was due" },
		{ "{\"event\":\"x\",\"seq\":0}", "event 0 came where 1 was due" },
		{ "{\"event\":\"\xc3\x28\",\"seq\":1}", "not UTF-8" },
		{ "{\"event\":\"\\u0000\",\"seq\":1}", "a NUL in a string" },
		{ "{\"event\":\"hello\",\"data\":{\"connection_id\":\"k\"},\"seq\":0}",
				"the server said hello twice" },
		{ "{\"event\":\"hello\",\"data\":7,\"seq\":1}",
				"the server said hello twice" },
		{ "{\"event\":\"posted\",\"data\":{\"post\":7},\"seq\":1}",
				"posted: no `post`" },
		{ "{\"event\":\"posted\",\"data\":{\"post\":\"{{\"},\"seq\":1}",
				"`post`: not JSON" },
		{ "{\"event\":\"posted\",\"data\":{\"post\":\"{}\"},\"seq\":1}",
				"no `message`" },
		{ "{\"event\":\"reaction_added\",\"data\":{\"reaction\":\"[]\"},"
		  "\"seq\":1}",
				"`post_id`" },
		{ "{\"event\":\"user_updated\",\"data\":{\"user\":[]},\"seq\":1}",
				"no `user`" },
		{ "{\"status\":\"OK\",\"seq_reply\":\"one\"}", "`seq_reply`" },
	};
	go_online(scene);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		forget(scene);
		peer_send_text(scene->peer, bad[i][0]);
		until(scene, "offline: ");
		until(scene, "online");
		if (strstr(str_text(&scene->told), bad[i][1]) == NULL) {
			fail_msg("%s: told\n%s", bad[i][0], str_text(&scene->told));
		}
	}
	send_event(scene, "posted", POSTED("still alive"));
	until(scene, "post u1: still alive");
}

static void a_refused_ping_tells_no_token(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	peer_send_text(scene->peer,
			"{\"status\":\"FAIL\",\"error\":{\"id\":\"api.web_socket_router\","
			"\"message\":\"session " TOKEN " is gone\"},\"seq_reply\":1}");
	until(scene, "offline: the server refuses our ping");
	until(scene, "online");
}

static void a_frame_over_the_cap_is_said_and_survived(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	size_t len = SOCKET_FRAME_MAX + 100;
	char *text = xcalloc(len + 1, 1);
	memset(text, ' ', len);
	peer_send_text(scene->peer, text);
	free(text);
	until(scene, "offline: a frame larger than 1 MiB");
	until(scene, "online");
}

static void a_binary_frame_is_said_and_survived(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	peer_send_frame(scene->peer, 0x82, "\x81\xa5", 2);
	until(scene, "offline: a binary frame");
	until(scene, "online");
}

static void unknown_events_and_keys_are_passed_over(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	send_event(scene, "thread_updated", "{\"thread\":\"{}\"}");
	send_event(scene, "user_activation_status_change", "{}");
	send_event(scene, "typing", "null");
	send_event(scene, "posted", POSTED("after them"));
	until(scene, "post u1: after them");
	assert_null(strstr(str_text(&scene->told), "offline"));
}

static void what_happens_in_other_channels_is_not_told(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	send_event(scene, "posted",
			"{\"post\":\"{\\\"id\\\":\\\"p9\\\",\\\"channel_id\\\":\\\"c2\\\","
			"\\\"user_id\\\":\\\"u1\\\",\\\"message\\\":\\\"elsewhere\\\"}\"}");
	send_event(scene, "posted", POSTED("here"));
	until(scene, "post u1: here");
	assert_null(strstr(str_text(&scene->told), "elsewhere"));
}

/* Answers that make no sense, one for each thing that is read on the way. */
static void every_bad_answer_is_said_and_survived(void **state) {
	(void)state;
	static const struct {
		const char *path;
		int status;
		const char *body;
		const char *said;
	} bad[] = {
		{ "/users/me", 200, "", "not JSON" },
		{ "/users/me", 200, "<html>login</html>", "not JSON" },
		{ "/users/me", 200, "{\"id\":7}", "no usable `id`" },
		{ "/users/me", 200, "{\"id\":\"../../x\"}", "no usable `id`" },
		{ "/users/me", 302, "", "HTTP 302" },
		{ "/users/me", 500, "{\"id\":\"a.b\",\"message\":\"Broken\"}",
				"HTTP 500: Broken (a.b)" },
		{ "/users/me", 403, "\x01\xff" TOKEN, "HTTP 403: " },
		{ "/teams/name", 200, "[]", "no usable `id`" },
		{ "/teams/name", 200, "{\"id\":\"c1\",\"delete_at\":\"x\"}",
				"`delete_at` is no usable number" },
		{ "/teams/name", 404, "not json at all",
				"offline: HTTP 404: not json at all" },
		{ "/teams/name", 404, "{\"id\":\"app.channel.get_by_name\"}",
				"the bot does not see channel c of team t: HTTP 404" },
		{ "/config/client", 503, "Service Unavailable", "HTTP 503" },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		void *each = NULL;
		assert_int_equal(setup(&each), 0);
		struct scene *one = each;
		one->bad_path = bad[i].path;
		one->bad_status = bad[i].status;
		one->bad_body = bad[i].body;
		one->bad_times = 2;
		one->server->api->start(one->server);
		until(one, "online");
		if (strstr(str_text(&one->told), bad[i].said) == NULL) {
			fail_msg("%s %s: told\n%s", bad[i].path, bad[i].body,
					str_text(&one->told));
		}
		teardown(&each);
	}
}

/* The same for what is read after each connection: online comes later. */
static void bad_pages_accounts_and_taps_only_delay(void **state) {
	struct scene *scene = *state;
	static const char *const bad[][2] = {
		{ "/channels/c1/posts", "" },
		{ "/channels/c1/posts", "[]" },
		{ "/channels/c1/posts", "{\"order\":{}}" },
		{ "/channels/c1/posts", "{\"order\":[\"p1\"],\"posts\":{}}" },
		{ "/channels/c1/posts",
				"{\"order\":[\"p1\"],\"posts\":{\"p1\":{\"id\":\"p1\"}}}" },
		{ "/channels/c1/posts", "{\"order\":[7],\"posts\":[]}" },
		{ "since=", "{\"order\":[\"p1\"]" },
		{ "/users/ids", "{\"id\":\"u1\"}" },
		{ "/users/ids", "[{\"username\":\"x\"}]" },
		{ "/members/ids", "[\"u1\"]" },
		{ "/ids/reactions", "[]" },
		{ "/ids/reactions", "{\"p1\":{\"a\":1}}" },
		{ "/ids/reactions", "{\"p1\":[{\"emoji_name\":\"x\"}]}" },
	};
	const char *post = "p1";
	scene->server->api->watch_taps(scene->server, &post, 1);
	go_online(scene);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		forget(scene);
		scene->bad_path = bad[i][0];
		scene->bad_body = bad[i][1];
		scene->bad_status = 200;
		scene->bad_times = 1;
		peer_cut(scene->peer, false);
		until(scene, "online");
		assert_int_equal(scene->bad_times, 0);
	}
	scene->pages[scene->page] = "{\"order\":null,\"posts\":null}";
	peer_cut(scene->peer, false);
	forget(scene);
	until(scene, "online");
}

static void on_reply(void *data, const struct server_reply *reply) {
	struct scene *scene = data;
	scene->result = reply->result;
	snprintf(scene->reason, sizeof(scene->reason), "%s", reply->err.text);
	note(scene, "replied %d: %s", (int)reply->result, reply->err.text);
}

static void a_bad_answer_to_a_post_is_a_doubt(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	const struct server_new_post post = {
		.key = "k",
		.root_id = "",
		.message = "hello",
	};
	static const struct {
		int status;
		const char *body;
		enum server_result result;
	} bad[] = {
		{ 201, "", SERVER_DOUBT },
		{ 201, "{\"id\":\"p1\"}", SERVER_DOUBT },
		{ 201, "null", SERVER_DOUBT },
		{ 500, "{\"id\":\"api.post.deduplicate_create_post.pending\"}",
				SERVER_AGAIN },
		{ 500, "{\"id\":\"app.post.save.app_error\"}", SERVER_DOUBT },
		{ 502, "<html>", SERVER_DOUBT },
		{ 408, "", SERVER_DOUBT },
		{ 413, "{\"id\":\"api.context.request_body_too_large.app_error\"}",
				SERVER_NEVER },
		{ 400, "{\"id\":\"model.post.is_valid.message_length.app_error\"}",
				SERVER_NEVER },
		{ 404, "default backend - 404", SERVER_AGAIN },
		{ 403, "echo " TOKEN " and " TOKEN, SERVER_NEVER },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		forget(scene);
		scene->bad_path = "/api/v4/posts";
		scene->bad_status = bad[i].status;
		scene->bad_body = bad[i].body;
		scene->bad_times = 1;
		scene->server->api->post(scene->server, &post, on_reply, scene);
		until(scene, "replied");
		if (scene->result != bad[i].result) {
			fail_msg("%d %s: %d %s", bad[i].status, bad[i].body,
					(int)scene->result, scene->reason);
		}
	}
	assert_string_equal(scene->reason, "HTTP 403: echo *** and ***");
	assert_non_null(strstr(str_text(&scene->asked),
			"\"pending_post_id\":\"me:k\",\"props\":{\"bridgekeeper\":\"k\"}"));
}

/* What says 404 without a name is a proxy, while the server is restarted. */
static void what_a_proxy_does_not_find_was_not_deleted(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	forget(scene);
	scene->bad_path = "/api/v4/posts/p1";
	scene->bad_status = 404;
	scene->bad_body = "<html>no such backend</html>";
	scene->bad_times = 1;
	scene->server->api->read_post(scene->server, "p1", on_reply, scene);
	until(scene, "replied");
	assert_int_equal(scene->result, SERVER_AGAIN);
	scene->bad_path = "/posts/p1/thread";
	scene->bad_times = 1;
	forget(scene);
	const struct server_new_post post = { .key = "k", .root_id = "p1" };
	scene->server->api->find(scene->server, &post, on_reply, scene);
	until(scene, "replied");
	assert_int_equal(scene->result, SERVER_AGAIN);
}

/* A log that was swept away, is too large for the server, or that it takes none
 * of: what was said with it is said all the same, for more waits behind it. */
static void a_file_that_cannot_be_attached_keeps_nothing_from_being_said(
		void **state) {
	struct scene *scene = *state;
	go_online(scene);
	char path[] = "/tmp/bridgekeeper-file-XXXXXX";
	close(mkstemp(path));
	static const struct {
		const char *path; // NULL: the one that is there
		int status;
		const char *why;
	} cases[] = {
		{ "/nowhere/log", 0, "No such file" },
		{ "/dev/zero", 0, "no regular file" },
		{ NULL, 413, "HTTP 413" },
		{ NULL, 501, "HTTP 501" },
		{ NULL, 403, "HTTP 403" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct server_new_post post = {
			.key = "k",
			.root_id = "",
			.message = "hello",
			.file_path = cases[i].path != NULL ? cases[i].path : path,
			.file_name = "1.log",
		};
		forget(scene);
		scene->bad_path = "/api/v4/files";
		scene->bad_status = cases[i].status;
		scene->bad_body = "";
		scene->bad_times = cases[i].status != 0 ? 1 : 0;
		scene->server->api->post(scene->server, &post, on_reply, scene);
		until(scene, "replied");
		assert_int_equal(scene->result, SERVER_OK);
		const char *said = strstr(str_text(&scene->asked), "hello\\n");
		assert_non_null(said);
		assert_non_null(strstr(said, cases[i].why));
	}
	unlink(path);
}

#define OLD_POST(id, at) \
	"\"" id "\":{\"id\":\"" id "\",\"channel_id\":\"c1\",\"user_id\":" \
	"\"u1\",\"message\":\"" id "\",\"create_at\":" at ",\"update_at\":" \
	"" at "}"

static void what_was_said_before_it_ever_came_is_not_told(void **state) {
	struct scene *scene = *state;
	scene->pages[0] = "{\"order\":[\"new\",\"old\"],\"posts\":{" OLD_POST(
			"new", "1795502457000") "," OLD_POST("old", "1795500000000") "}}";
	scene->server->api->start(scene->server);
	until(scene, "online");
	assert_non_null(strstr(str_text(&scene->told), "post u1: new"));
	assert_null(strstr(str_text(&scene->told), "old"));
}

/* A full page ends in the middle of a millisecond: the next is asked before
 * the youngest that is surely above it, so that no tie falls between. */
static void ties_at_a_pages_border_are_read_twice(void **state) {
	struct scene *scene = *state;
	scene->pages[0] = "{\"order\":[\"first\"],\"posts\":{" OLD_POST(
			"first", "1795502400000") "}}";
	go_online(scene);
	struct str page;
	str_init(&page, 0);
	str_add(&page, "{\"order\":[");
	for (int i = 0; i < 199; i++) {
		str_addf(&page, "%s\"n%d\"", i > 0 ? "," : "", i);
	}
	str_add(&page, "],\"posts\":{");
	for (int i = 0; i < 199; i++) {
		// n196, n197 and n198 are of one millisecond
		long long at = 1795502499000LL - (i < 196 ? i : 196);
		str_addf(&page,
				"%s\"n%d\":{\"id\":\"n%d\",\"channel_id\":\"c1\",\"user_id\":"
				"\"u1\",\"message\":\"n%d\",\"create_at\":%lld}",
				i > 0 ? "," : "", i, i, i, at);
	}
	str_add(&page, "}}");
	scene->pages[scene->page] = str_text(&page);
	scene->pages[scene->page + 1] =
			"{\"order\":[\"tied\"],\"posts\":{" OLD_POST(
					"tied", "1795502498804") "}}";
	peer_cut(scene->peer, false);
	until(scene, "online");
	str_finish(&page);
	assert_non_null(strstr(str_text(&scene->asked),
			"/channels/c1/posts?page=0&per_page=199&before=n195 "));
	const char *tied = strstr(str_text(&scene->told), "post u1: tied\n");
	assert_non_null(tied);
	assert_non_null(strstr(tied, "post u1: n198\n")); // oldest first
	assert_non_null(strstr(tied, "post u1: n0\n"));
}

static void a_whole_page_of_one_millisecond_is_counted_through(void **state) {
	struct scene *scene = *state;
	scene->pages[0] = "{\"order\":[\"first\"],\"posts\":{" OLD_POST(
			"first", "1795502400000") "}}";
	go_online(scene);
	struct str page;
	str_init(&page, 0);
	str_add(&page, "{\"order\":[");
	for (int i = 0; i < 199; i++) {
		str_addf(&page, "%s\"n\"", i > 0 ? "," : "");
	}
	str_add(&page, "],\"posts\":{" OLD_POST("n", "1795502499000") "}}");
	scene->pages[scene->page] = str_text(&page);
	peer_cut(scene->peer, false);
	until(scene, "online");
	str_finish(&page);
	assert_non_null(strstr(str_text(&scene->asked),
			"/channels/c1/posts?page=1&per_page=199 "));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		CASE(every_bad_frame_is_said_and_survived),
		CASE(a_refused_ping_tells_no_token),
		CASE(a_frame_over_the_cap_is_said_and_survived),
		CASE(a_binary_frame_is_said_and_survived),
		CASE(unknown_events_and_keys_are_passed_over),
		CASE(what_happens_in_other_channels_is_not_told),
		cmocka_unit_test(every_bad_answer_is_said_and_survived),
		CASE(bad_pages_accounts_and_taps_only_delay),
		CASE(a_bad_answer_to_a_post_is_a_doubt),
		CASE(what_a_proxy_does_not_find_was_not_deleted),
		CASE(a_file_that_cannot_be_attached_keeps_nothing_from_being_said),
		CASE(what_was_said_before_it_ever_came_is_not_told),
		CASE(ties_at_a_pages_border_are_read_twice),
		CASE(a_whole_page_of_one_millisecond_is_counted_through),
	};
	if (argc > 1) {
		cmocka_set_test_filter(argv[1]);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
