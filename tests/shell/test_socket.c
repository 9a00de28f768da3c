#include "mattermost/socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "loop/loop.h"
#include "support/peer.h"
#include "support/test.h"
#include "sys/clock.h"
#include "sys/secret.h"

#define TOKEN "tokenofthebot0000000000000"

/* A real socket against the test's peer; what it tells is written down. */
struct scene {
	struct clock *clock;
	struct loop *loop;
	struct peer *peer;
	struct socket *socket;
	struct secret *token;
	struct loop_timer *limit; // no test lasts longer
	struct str told;
	struct str asked; // what the peer was asked
	struct peer_answer answer;
	const char *until; // stop when this was told
	bool timed_out;
};

static void note(struct scene *scene, const char *what, const char *text) {
	str_addf(&scene->told, "%s(%.60s) ", what, text);
	if (scene->until != NULL && strstr(str_text(&scene->told), scene->until)) {
		loop_stop(scene->loop);
	}
}

static void on_upgraded(void *data) {
	note(data, "up", "");
}

static void on_frame(void *data, const char *text, size_t len) {
	assert_int_equal(strlen(text), len);
	note(data, "frame", text);
}

static void on_bad(void *data, const char *why) {
	note(data, "bad", why);
}

static void on_down(void *data, const char *why, int64_t retry_ms) {
	char text[200];
	snprintf(text, sizeof(text), "%s, %d", why, (int)retry_ms);
	note(data, "down", text);
}

static const struct socket_sink sink = {
	.upgraded = on_upgraded,
	.frame = on_frame,
	.bad = on_bad,
	.down = on_down,
};

static void on_request(void *data, const struct peer_request *request,
		struct peer_answer *answer) {
	struct scene *scene = data;
	str_addf(&scene->asked, "%s %s\n%s\n", request->path,
			request->authorization, request->head);
	*answer = scene->answer;
}

static void on_text(void *data, unsigned connection, const char *text) {
	(void)connection;
	struct scene *scene = data;
	str_addf(&scene->asked, "text %s\n", text);
	peer_send_text(scene->peer, "echo");
}

static const struct peer_handler handler = {
	.request = on_request,
	.text = on_text,
};

static void on_limit(void *data) {
	struct scene *scene = data;
	scene->timed_out = true;
	loop_stop(scene->loop);
}

static void make_socket(struct scene *scene, const char *host, bool tls) {
	struct socket_options options = { .token = scene->token };
	char url[128];
	snprintf(url, sizeof(url), "%s://%s:%d/chat/", tls ? "https" : "http", host,
			peer_port(scene->peer));
	struct err err = { 0 };
	assert_true(address_parse(url, &options.address, &err));
	scene->socket = socket_create(scene->loop, &options, &sink, scene, &err);
	assert_non_null(scene->socket);
}

static int setup(void **state) {
	struct scene *scene = xcalloc(1, sizeof(*scene));
	struct err err = { 0 };
	scene->clock = clock_create_real();
	scene->loop = loop_create(scene->clock, &err);
	scene->peer = peer_create(scene->loop, &handler, scene, &err);
	scene->token = secret_create(TOKEN, strlen(TOKEN));
	scene->limit = loop_timer_create(scene->loop, on_limit, scene);
	scene->answer.fate = PEER_UPGRADES;
	make_socket(scene, "127.0.0.1", false);
	*state = scene;
	return 0;
}

static int teardown(void **state) {
	struct scene *scene = *state;
	socket_destroy(scene->socket);
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

/* Run until @text was told. */
static void until(struct scene *scene, const char *text) {
	if (strstr(str_text(&scene->told), text) != NULL) {
		return;
	}
	scene->until = text;
	loop_timer_start_real(scene->limit, 10000);
	loop_run(scene->loop);
	loop_timer_stop(scene->limit);
	if (scene->timed_out) {
		fail_msg("waiting for %s; told: %s", text, str_text(&scene->told));
	}
	scene->until = NULL;
}

static void turn_for(struct scene *scene, int64_t ms) {
	loop_timer_start_real(scene->limit, ms);
	loop_run(scene->loop);
	scene->timed_out = false;
}

static void the_upgrade_carries_the_token_and_no_origin(void **state) {
	struct scene *scene = *state;
	socket_connect(scene->socket, "?connection_id=a&sequence_number=7");
	until(scene, "up()");
	const char *asked = str_text(&scene->asked);
	const char *line = "/chat/api/v4/websocket?connection_id=a&"
					   "sequence_number=7 Bearer " TOKEN "\n";
	assert_memory_equal(asked, line, strlen(line));
	assert_null(strcasestr(asked, "\r\nOrigin:"));
	assert_null(strcasestr(asked, "Sec-WebSocket-Extensions"));
	char host[64];
	snprintf(host, sizeof(host), "\r\nHost: 127.0.0.1:%d\r\n",
			peer_port(scene->peer));
	assert_non_null(strcasestr(asked, host));
}

static void frames_come_whole_and_in_order(void **state) {
	struct scene *scene = *state;
	socket_connect(scene->socket, "");
	until(scene, "up()");
	peer_send_text(scene->peer, "{\"one\":1}");
	peer_send_frame(scene->peer, 0x01, "{\"tw", 4); // in three pieces
	peer_send_frame(scene->peer, 0x00, "o\":", 3);
	peer_send_frame(scene->peer, 0x89, "", 0); // a ping between them
	peer_send_frame(scene->peer, 0x80, "2}", 2);
	until(scene, "2})");
	assert_string_equal(str_text(&scene->told),
			"up() frame({\"one\":1}) frame({\"two\":2}) ");
}

static void a_large_frame_comes_whole(void **state) {
	struct scene *scene = *state;
	socket_connect(scene->socket, "");
	until(scene, "up()");
	char *text = xcalloc(200001, 1);
	memset(text, 'x', 200000);
	peer_send_text(scene->peer, text);
	peer_send_text(scene->peer, "after");
	until(scene, "frame(after)");
	free(text);
}

static void a_text_is_sent_and_answered(void **state) {
	struct scene *scene = *state;
	socket_connect(scene->socket, "");
	until(scene, "up()");
	socket_send(scene->socket, "{\"action\":\"ping\",\"seq\":1}");
	until(scene, "frame(echo)");
	assert_non_null(strstr(
			str_text(&scene->asked), "text {\"action\":\"ping\",\"seq\":1}"));
}

static void a_frame_over_the_cap_is_bad_and_the_end(void **state) {
	struct scene *scene = *state;
	socket_connect(scene->socket, "");
	until(scene, "up()");
	size_t len = SOCKET_FRAME_MAX + 1;
	char *text = xcalloc(len, 1);
	memset(text, 'x', len);
	peer_send_frame(scene->peer, 0x81, text, len);
	free(text);
	until(scene, "bad(a frame larger than 1 MiB)");
	turn_for(scene, 20);
	assert_string_equal(
			str_text(&scene->told), "up() bad(a frame larger than 1 MiB) ");
	assert_int_equal(peer_websockets(scene->peer), 0);
}

static void a_binary_frame_is_bad(void **state) {
	struct scene *scene = *state;
	socket_connect(scene->socket, "");
	until(scene, "up()");
	peer_send_frame(scene->peer, 0x82, "x", 1);
	until(scene, "bad(a binary frame)");
}

static void broken_framing_ends_the_connection(void **state) {
	struct scene *scene = *state;
	static const unsigned char bad[][4] = {
		{ 0xf1, 1, 'x', 'x' }, // reserved bits
		{ 0x83, 1, 'x', 'x' }, // reserved opcode
		{ 0x09, 0, 'x', 'x' }, // a ping in pieces
		{ 0x89, 126, 0, 126 }, // a ping too long
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		str_clear(&scene->told);
		socket_connect(scene->socket, "");
		until(scene, "up()");
		peer_send_raw(scene->peer, bad[i], 4);
		until(scene, "down(");
	}
}

static void every_way_to_go_down_is_told_once(void **state) {
	struct scene *scene = *state;
	for (int reset = 0; reset < 2; reset++) {
		str_clear(&scene->told);
		socket_connect(scene->socket, "");
		until(scene, "up()");
		peer_cut(scene->peer, reset == 1);
		until(scene, "down(");
		turn_for(scene, 20);
		assert_string_equal(str_text(&scene->told),
				"up() down(the connection was closed, 0) ");
	}
	str_clear(&scene->told);
	socket_connect(scene->socket, "");
	until(scene, "up()");
	peer_send_frame(scene->peer, 0x88, "", 0); // close, without a code
	until(scene, "down(");
}

static void a_refused_upgrade_says_why_and_when_to_retry(void **state) {
	struct scene *scene = *state;
	scene->answer = (struct peer_answer){
		.status = 429,
		.headers = "Retry-After: 3\r\n",
	};
	socket_connect(scene->socket, "");
	until(scene, "down(");
	assert_string_equal(str_text(&scene->told),
			"down(the upgrade was answered with HTTP 429, 3000) ");
	str_clear(&scene->told);
	scene->answer = (struct peer_answer){ .status = 401 };
	socket_connect(scene->socket, "");
	until(scene, "down(");
	assert_string_equal(str_text(&scene->told),
			"down(the upgrade was answered with HTTP 401, 0) ");
}

static void whatever_answers_instead_of_an_upgrade_is_down(void **state) {
	struct scene *scene = *state;
	static const enum peer_fate fates[] = { PEER_CLOSES, PEER_RESETS,
		PEER_BREAKS };
	for (size_t i = 0; i < 3; i++) {
		str_clear(&scene->told);
		scene->answer.fate = fates[i];
		socket_connect(scene->socket, "");
		until(scene, "down(");
	}
}

static void a_refused_connection_is_down(void **state) {
	struct scene *scene = *state;
	peer_refuse(scene->peer, true);
	socket_connect(scene->socket, "");
	until(scene, "down(");
}

static void a_name_that_cannot_be_found_is_down(void **state) {
	struct scene *scene = *state;
	socket_destroy(scene->socket);
	make_socket(scene, "no..such..name", false);
	socket_connect(scene->socket, "");
	until(scene, "down(no..such..name: ");
}

/* localhost is often ::1 first, where the peer does not listen. */
static void every_address_of_a_name_is_tried(void **state) {
	struct scene *scene = *state;
	socket_destroy(scene->socket);
	make_socket(scene, "localhost", false);
	socket_connect(scene->socket, "");
	until(scene, "up()");
}

static void a_peer_that_speaks_no_tls_is_down(void **state) {
	struct scene *scene = *state;
	socket_destroy(scene->socket);
	make_socket(scene, "127.0.0.1", true);
	scene->answer.fate = PEER_CLOSES;
	socket_connect(scene->socket, "");
	turn_for(scene, 50); // the peer waits for the rest of what it cannot read
	peer_destroy(scene->peer);
	scene->peer = NULL;
	until(scene, "down(");
}

static void after_a_close_nothing_is_told(void **state) {
	struct scene *scene = *state;
	socket_connect(scene->socket, "");
	until(scene, "up()");
	str_clear(&scene->told);
	peer_send_text(scene->peer, "late");
	socket_close(scene->socket);
	turn_for(scene, 20);
	socket_send(scene->socket, "nobody hears this");
	socket_connect(scene->socket, "");
	socket_close(scene->socket); // while it resolves
	turn_for(scene, 20);
	assert_string_equal(str_text(&scene->told), "");
	assert_int_equal(peer_websockets(scene->peer), 0);
}

static void it_can_be_destroyed_at_any_moment(void **state) {
	struct scene *scene = *state;
	for (int ms = 0; ms < 12; ms++) {
		socket_destroy(scene->socket);
		make_socket(scene, "localhost", false);
		socket_connect(scene->socket, "");
		if (ms > 0) {
			turn_for(scene, ms / 2);
			peer_send_text(scene->peer, "in flight");
			socket_send(scene->socket, "in flight");
		}
	}
}

static void the_environments_proxy_is_not_used(void **state) {
	struct scene *scene = *state;
	socket_destroy(scene->socket);
	setenv("http_proxy", "127.0.0.1:1", 1);
	make_socket(scene, "127.0.0.1", false);
	assert_null(getenv("http_proxy"));
	socket_connect(scene->socket, "");
	until(scene, "up()");
}

static void a_proxy_is_asked_for_a_tunnel(void **state) {
	struct scene *scene = *state;
	socket_destroy(scene->socket);
	struct socket_options options = { .token = scene->token };
	char proxy[64];
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d/",
			peer_port(scene->peer));
	options.proxy = proxy;
	struct err err = { 0 };
	assert_true(
			address_parse("http://chat.example.org", &options.address, &err));
	scene->socket = socket_create(scene->loop, &options, &sink, scene, &err);
	scene->answer = (struct peer_answer){ .status = 403 };
	socket_connect(scene->socket, "");
	until(scene, "down(");
	assert_memory_equal(str_text(&scene->asked), "chat.example.org:80 ", 20);
}

static void a_missing_ca_file_is_told_at_once(void **state) {
	struct scene *scene = *state;
	struct socket_options options = {
		.token = scene->token,
		.ca_file = "/nonexistent/ca.pem",
	};
	struct err err = { 0 };
	assert_null(socket_create(scene->loop, &options, &sink, scene, &err));
	assert_string_equal(
			err.text, "cannot read the CA file /nonexistent/ca.pem");
}

static void an_address_is_read_from_a_url(void **state) {
	(void)state;
	struct address address;
	struct err err = { 0 };
	assert_true(address_parse("https://chat.example.org/", &address, &err));
	assert_true(address.tls);
	assert_int_equal(address.port, 443);
	assert_string_equal(address.authority, "chat.example.org");
	assert_string_equal(address.path, "");
	assert_true(address_parse("http://[::1]:8065/mm/", &address, &err));
	assert_string_equal(address.host, "::1");
	assert_string_equal(address.authority, "[::1]:8065");
	assert_int_equal(address.port, 8065);
	assert_string_equal(address.path, "/mm");
	static const char *const bad[] = { "chat.example.org", "ftp://x", "http://",
		"http://:80", "http://x:0", "http://x:65536", "http://x:8x",
		"http://[::1", "http://u:p@x", "http://x/?a=b", "http://x y",
		"http://x\r\nY: z" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (address_parse(bad[i], &address, &err)) {
			fail_msg("%s was taken", bad[i]);
		}
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		CASE(the_upgrade_carries_the_token_and_no_origin),
		CASE(frames_come_whole_and_in_order),
		CASE(a_large_frame_comes_whole),
		CASE(a_text_is_sent_and_answered),
		CASE(a_frame_over_the_cap_is_bad_and_the_end),
		CASE(a_binary_frame_is_bad),
		CASE(broken_framing_ends_the_connection),
		CASE(every_way_to_go_down_is_told_once),
		CASE(a_refused_upgrade_says_why_and_when_to_retry),
		CASE(whatever_answers_instead_of_an_upgrade_is_down),
		CASE(a_refused_connection_is_down),
		CASE(a_name_that_cannot_be_found_is_down),
		CASE(every_address_of_a_name_is_tried),
		CASE(a_peer_that_speaks_no_tls_is_down),
		CASE(after_a_close_nothing_is_told),
		CASE(it_can_be_destroyed_at_any_moment),
		CASE(the_environments_proxy_is_not_used),
		CASE(a_proxy_is_asked_for_a_tunnel),
		CASE(a_missing_ca_file_is_told_at_once),
		cmocka_unit_test(an_address_is_read_from_a_url),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
