#include "loop/http.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "loop/loop.h"
#include "support/peer.h"
#include "support/test.h"
#include "sys/clock.h"

struct scene {
	struct clock *clock;
	struct loop *loop;
	struct http *http;
	struct peer *peer;
	struct peer_answer answer; // what the peer says
	const char *say;           // and its body
	struct str seen;           // what the peer was asked
	unsigned last_connection;
	int pending;
	bool ok;
	bool sent;
	int status;
	int64_t date_ms;
	int64_t retry_after_ms;
	int64_t rate_remaining;
	char body[256];
	char reason[256];
};

static void on_request(void *data, const struct peer_request *request,
		struct peer_answer *answer) {
	struct scene *scene = data;
	str_addf(&scene->seen, "%s %s [%s]\n", request->method, request->path,
			request->body);
	scene->last_connection = request->connection;
	*answer = scene->answer;
	answer->body = xstrdup(scene->say);
	if (strcmp(request->path, "/moved") == 0) {
		answer->status = 302;
		answer->headers = "Location: /there\r\n";
	}
}

static const struct peer_handler handler = { .request = on_request };

static int setup(void **state) {
	struct scene *scene = xcalloc(1, sizeof(*scene));
	struct err err = { 0 };
	scene->clock = clock_create_real();
	scene->loop = loop_create(scene->clock, &err);
	scene->http = http_create(scene->loop, &(struct http_options){ 0 }, &err);
	scene->peer = peer_create(scene->loop, &handler, scene, &err);
	*state = scene;
	return scene->http != NULL && scene->peer != NULL ? 0 : -1;
}

static int teardown(void **state) {
	struct scene *scene = *state;
	http_destroy(scene->http);
	peer_destroy(scene->peer);
	loop_destroy(scene->loop);
	clock_destroy(scene->clock);
	str_finish(&scene->seen);
	free(scene);
	return 0;
}

static void on_answer(void *data, const struct http_answer *answer) {
	struct scene *scene = data;
	scene->ok = answer->ok;
	scene->sent = answer->sent;
	scene->status = answer->status;
	scene->date_ms = answer->date_ms;
	scene->retry_after_ms = answer->retry_after_ms;
	scene->rate_remaining = answer->rate_remaining;
	snprintf(scene->body, sizeof(scene->body), "%s", answer->body);
	snprintf(scene->reason, sizeof(scene->reason), "%s", answer->err.text);
	scene->pending--;
	if (scene->pending == 0) {
		loop_stop(scene->loop);
	}
}

static void ask(struct scene *scene, const char *path, struct http_call call) {
	char url[128];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", peer_port(scene->peer),
			path);
	call.url = url;
	scene->pending++;
	assert_non_null(http_start(scene->http, &call, on_answer, scene));
}

static void get(struct scene *scene, const char *path) {
	ask(scene, path, (struct http_call){ .method = HTTP_GET });
	loop_run(scene->loop);
}

static void an_answer_comes_whole_with_what_its_headers_say(void **state) {
	struct scene *scene = *state;
	scene->answer = (struct peer_answer){
		.status = 429,
		.headers = "Date: Tue, 24 Nov 2026 06:40:58 GMT\r\n"
				   "Retry-After: 7\r\nX-Ratelimit-Remaining: 3\r\n",
	};
	scene->say = "limit exceeded";
	get(scene, "/a?b=c");
	assert_true(scene->ok);
	assert_int_equal(scene->status, 429);
	assert_string_equal(scene->body, "limit exceeded");
	assert_int_equal(scene->date_ms, 1795502458000);
	assert_int_equal(scene->retry_after_ms, 7000);
	assert_int_equal(scene->rate_remaining, 3);
	assert_string_equal(str_text(&scene->seen), "GET /a?b=c []\n");
}

static void what_the_headers_do_not_say_is_known_as_unknown(void **state) {
	struct scene *scene = *state;
	scene->answer.headers =
			"Retry-After: soon\r\nX-Ratelimit-Remaining: -4\r\n";
	get(scene, "/");
	assert_true(scene->ok);
	assert_int_equal(scene->date_ms, 0);
	assert_int_equal(scene->retry_after_ms, -1);
	assert_int_equal(scene->rate_remaining, -1);
}

static void every_method_sends_its_name_and_body(void **state) {
	struct scene *scene = *state;
	static const enum http_method methods[] = { HTTP_POST, HTTP_PUT, HTTP_PATCH,
		HTTP_DELETE };
	for (size_t i = 0; i < 4; i++) {
		ask(scene, "/x",
				(struct http_call){
						.method = methods[i], .body = "{}", .body_len = 2 });
		loop_run(scene->loop);
	}
	ask(scene, "/empty", (struct http_call){ .method = HTTP_POST });
	loop_run(scene->loop);
	assert_string_equal(str_text(&scene->seen),
			"POST /x [{}]\nPUT /x [{}]\nPATCH /x [{}]\nDELETE /x [{}]\n"
			"POST /empty []\n");
}

static void an_answer_over_the_cap_is_an_error_not_a_piece(void **state) {
	struct scene *scene = *state;
	scene->say = "0123456789";
	ask(scene, "/", (struct http_call){ .answer_cap = 9 });
	loop_run(scene->loop);
	assert_false(scene->ok);
	assert_true(scene->sent);
	assert_string_equal(scene->reason, "the answer is larger than 9 bytes");
	ask(scene, "/", (struct http_call){ .answer_cap = 10 });
	loop_run(scene->loop);
	assert_true(scene->ok);
}

static void a_refused_connection_has_sent_nothing(void **state) {
	struct scene *scene = *state;
	peer_refuse(scene->peer, true);
	get(scene, "/");
	assert_false(scene->ok);
	assert_false(scene->sent);
	assert_non_null(strstr(scene->reason, "Failed to connect"));
}

static void a_reset_after_the_request_leaves_a_doubt(void **state) {
	struct scene *scene = *state;
	static const enum peer_fate fates[] = { PEER_RESETS, PEER_CLOSES,
		PEER_BREAKS };
	scene->say = "half of this";
	for (size_t i = 0; i < 3; i++) {
		scene->answer.fate = fates[i];
		ask(scene, "/", (struct http_call){ .method = HTTP_POST });
		loop_run(scene->loop);
		assert_false(scene->ok);
		assert_true(scene->sent);
		assert_null(strstr(scene->reason, "poll")); // means nothing to people
	}
}

static void silence_ends_with_the_timeout(void **state) {
	struct scene *scene = *state;
	scene->answer.fate = PEER_IGNORES;
	ask(scene, "/",
			(struct http_call){ .method = HTTP_POST, .timeout_ms = 30 });
	loop_run(scene->loop);
	assert_false(scene->ok);
	assert_true(scene->sent);
	assert_non_null(strstr(scene->reason, "timed out"));
}

static void garbage_is_no_answer(void **state) {
	struct scene *scene = *state;
	scene->answer.fate = PEER_SENDS_RAW;
	scene->say = "\x16\x03\x01 what is this";
	get(scene, "/");
	assert_false(scene->ok);
	assert_true(scene->reason[0] != '\0');
}

/* On a warm connection libcurl sends again by itself when the server has
 * closed it meanwhile: right for a GET, never for a POST. */
static void only_what_is_repeatable_uses_a_warm_connection(void **state) {
	struct scene *scene = *state;
	get(scene, "/");
	unsigned warm = scene->last_connection;
	get(scene, "/");
	assert_int_equal(scene->last_connection, warm);
	ask(scene, "/", (struct http_call){ .method = HTTP_POST });
	loop_run(scene->loop);
	assert_int_not_equal(scene->last_connection, warm);
	unsigned last = scene->last_connection;
	ask(scene, "/",
			(struct http_call){ .method = HTTP_POST, .repeatable = true });
	loop_run(scene->loop);
	assert_true(scene->last_connection <= last);
}

static void redirects_are_followed_only_where_asked(void **state) {
	struct scene *scene = *state;
	get(scene, "/moved");
	assert_int_equal(scene->status, 302);
	ask(scene, "/moved", (struct http_call){ .follow_redirects = true });
	loop_run(scene->loop);
	assert_int_equal(scene->status, 200);
	assert_non_null(strstr(str_text(&scene->seen), "GET /there"));
}

static void a_file_goes_as_the_field_files(void **state) {
	struct scene *scene = *state;
	char path[] = "/tmp/bridgekeeper-upload-XXXXXX";
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "the log", 7), 7);
	close(fd);
	ask(scene, "/files",
			(struct http_call){
					.method = HTTP_POST,
					.upload_file = path,
					.upload_name = "step 3.log",
					.form = (const char *const[]){ "channel_id", "c1", NULL },
			});
	loop_run(scene->loop);
	unlink(path);
	assert_true(scene->ok);
	const char *seen = str_text(&scene->seen);
	assert_non_null(strstr(seen, "name=\"channel_id\"\r\n\r\nc1"));
	assert_non_null(strstr(seen, "name=\"files\"; filename=\"step 3.log\""));
	assert_non_null(strstr(seen, "\r\n\r\nthe log\r\n"));
}

static void a_call_that_cannot_begin_is_answered_like_any_other(void **state) {
	struct scene *scene = *state;
	ask(scene, "/",
			(struct http_call){
					.method = HTTP_POST, .upload_file = "/nonexistent/file" });
	loop_run(scene->loop);
	assert_false(scene->ok);
	assert_false(scene->sent);
	ask(scene, "/",
			(struct http_call){
					.headers = (const char *const[]){ "X: a\r\nY: b", NULL } });
	loop_run(scene->loop);
	assert_false(scene->ok);
	assert_string_equal(scene->reason, "a line break in a header");
	scene->pending++;
	http_start(scene->http, &(struct http_call){ .url = "file:///etc/passwd" },
			on_answer, scene);
	loop_run(scene->loop);
	assert_false(scene->ok);
	assert_string_equal(str_text(&scene->seen), "");
}

static void what_is_cancelled_is_never_told(void **state) {
	struct scene *scene = *state;
	struct http_call bad = { .url = "gopher://127.0.0.1/" };
	struct http_request *refused = http_start(
			scene->http, &bad, on_answer, NULL);
	http_cancel(refused); // done already, not told yet
	char url[64];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", peer_port(scene->peer));
	struct http_request *begun = http_start(
			scene->http, &(struct http_call){ .url = url }, on_answer, NULL);
	http_cancel(begun);
	http_cancel(NULL);
	get(scene, "/after");
	assert_true(scene->ok);
}

static void destroying_in_flight_leaves_nothing_behind(void **state) {
	struct scene *scene = *state;
	scene->answer.fate = PEER_IGNORES;
	char url[64];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", peer_port(scene->peer));
	for (int i = 0; i < 3; i++) {
		struct http_call call = { .url = url, .timeout_ms = 5000 };
		http_start(scene->http, &call, on_answer, NULL);
	}
	ask(scene, "/", (struct http_call){ .timeout_ms = 20 });
	loop_run(scene->loop);
	http_destroy(scene->http);
	scene->http = NULL;
}

static void a_missing_ca_file_is_told_at_once(void **state) {
	struct scene *scene = *state;
	struct err err = { 0 };
	struct http_options options = { .ca_file = "/nonexistent/ca.pem" };
	assert_null(http_create(scene->loop, &options, &err));
	assert_string_equal(
			err.text, "cannot read the CA file /nonexistent/ca.pem");
}

static void the_environment_names_no_proxy(void **state) {
	struct scene *scene = *state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	get(scene, "/direct");
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	assert_true(scene->ok);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		CASE(an_answer_comes_whole_with_what_its_headers_say),
		CASE(what_the_headers_do_not_say_is_known_as_unknown),
		CASE(every_method_sends_its_name_and_body),
		CASE(an_answer_over_the_cap_is_an_error_not_a_piece),
		CASE(a_refused_connection_has_sent_nothing),
		CASE(a_reset_after_the_request_leaves_a_doubt),
		CASE(silence_ends_with_the_timeout),
		CASE(garbage_is_no_answer),
		CASE(only_what_is_repeatable_uses_a_warm_connection),
		CASE(redirects_are_followed_only_where_asked),
		CASE(a_file_goes_as_the_field_files),
		CASE(a_call_that_cannot_begin_is_answered_like_any_other),
		CASE(what_is_cancelled_is_never_told),
		CASE(destroying_in_flight_leaves_nothing_behind),
		CASE(a_missing_ca_file_is_told_at_once),
		CASE(the_environment_names_no_proxy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
