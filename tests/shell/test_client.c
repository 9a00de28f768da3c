#include "mattermost/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "loop/loop.h"
#include "support/sandboxed.h"
#include "support/test.h"
#include "sys/clock.h"
#include "sys/secret.h"

#define TOKEN "t-bot"

static const char scene_json[] =
		"{\"team\":{\"name\":\"platform\",\"display_name\":\"Platform\"},"
		"\"channels\":[{\"name\":\"launch-bridge\"},{\"name\":\"bench\"}],"
		"\"users\":["
		"{\"username\":\"bot\",\"token\":\"t-bot\",\"bot\":true},"
		"{\"username\":\"cto\",\"token\":\"t-cto\"},"
		"{\"username\":\"lead\",\"token\":\"t-lead\"},"
		"{\"username\":\"robot\",\"token\":\"t-robot\",\"bot\":true},"
		"{\"username\":\"guest\",\"token\":\"t-guest\",\"guest\":true,"
		"\"channels\":[\"launch-bridge\"]},"
		"{\"username\":\"late\",\"token\":\"t-late\",\"channels\":[]},"
		"{\"username\":\"admin\",\"token\":\"t-admin\","
		"\"roles\":\"system_admin system_user\"}],"
		"\"webhooks\":[{\"id\":\"hook1\",\"owner\":\"cto\","
		"\"channel\":\"launch-bridge\"}]}";

/* Everything that waits in life for seconds waits for tenths here. */
static const struct client_pace quick = {
	.ping_ms = 200,
	.pong_ms = 500,
	.hello_ms = 1000,
	.me_ms = 300,
	.canary_ms = 200,
	.again_ms = 150,
	.backoff_ms = 20,
	.backoff_max_ms = 100,
	.refused_ms = 100,
};

/* The real client and the real sandbox; what is told is written down. */
struct scene {
	const char *like;
	struct clock *clock;
	struct loop *loop;
	struct sandboxed *sandbox;
	struct secret *token;
	struct server *server;
	struct server_mark mark;
	struct loop_timer *limit;
	struct str told;
	const char *until;
	size_t from; // of `told`, where until() looks
	bool timed_out;
	bool full; // nothing more is wanted for now
	char *channel_id;
	/* of the last reply */
	bool replied;
	enum server_result result;
	char post_id[65];
	char message[256];
	char reason[256];
	int64_t retry_ms;
	int64_t edit_at_ms;
	int64_t delete_at_ms;
};

static const char *name_of(const struct scene *scene, const char *id) {
	return people_name(scene->server->api->people(scene->server), id);
}

__attribute__((format(printf, 2, 3))) static void note(
		struct scene *scene, const char *format, ...) {
	va_list args;
	va_start(args, format);
	char text[512];
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	str_addf(&scene->told, "%s\n", text);
	if (scene->until != NULL &&
			strstr(str_text(&scene->told) + scene->from, scene->until)) {
		loop_stop(scene->loop);
	}
}

static void on_post(void *data, const struct server_post *post) {
	struct scene *scene = data;
	note(scene, "post %s: %.80s%s%s%s%s%s", name_of(scene, post->user_id),
			post->message, post->root_id[0] != '\0' ? " [reply]" : "",
			post->from_webhook ? " [webhook]" : "",
			post->from_bot ? " [bot]" : "", post->key[0] != '\0' ? " key=" : "",
			post->key);
	assert_true(post->create_at_ms > 0);
}

static void on_changed(void *data, const struct server_post *post) {
	struct scene *scene = data;
	note(scene, "changed %s: %.80s%s%s", name_of(scene, post->user_id),
			post->message, post->edit_at_ms > 0 ? " [edited]" : "",
			post->delete_at_ms > 0 ? " [deleted]" : "");
}

static int compare_texts(const void *a, const void *b) {
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void on_taps(void *data, const char *post_id,
		const struct server_tap *taps, size_t count) {
	struct scene *scene = data;
	char *texts[64];
	assert_true(count < 64 && post_id[0] != '\0');
	for (size_t i = 0; i < count; i++) {
		texts[i] = xasprintf(
				" %s/%s", name_of(scene, taps[i].user_id), taps[i].emoji);
	}
	qsort(texts, count, sizeof(texts[0]), compare_texts);
	struct str line;
	str_init(&line, 400);
	for (size_t i = 0; i < count; i++) {
		str_add(&line, texts[i]);
		free(texts[i]);
	}
	note(scene, "taps%s.", str_text(&line));
	str_finish(&line);
}

static void on_online(void *data) {
	note(data, "online");
}

static void on_offline(void *data, const char *why) {
	assert_null(strstr(why, TOKEN));
	note(data, "offline: %s", why);
}

static void on_people(void *data) {
	note(data, "people");
}

static void on_trouble(void *data, const char *what) {
	assert_null(strstr(what, TOKEN));
	note(data, "trouble: %s", what);
}

static void on_marked(void *data, const struct server_mark *mark) {
	struct scene *scene = data;
	scene->mark = *mark;
}

static bool on_full(void *data) {
	return ((struct scene *)data)->full;
}

static const struct server_sink sink = {
	.post = on_post,
	.post_changed = on_changed,
	.taps = on_taps,
	.online = on_online,
	.offline = on_offline,
	.people_changed = on_people,
	.trouble = on_trouble,
	.marked = on_marked,
	.full = on_full,
};

static void on_limit(void *data) {
	struct scene *scene = data;
	scene->timed_out = true;
	loop_stop(scene->loop);
}

static void make_client(struct scene *scene, const struct client_pace *pace) {
	const struct client_options options = {
		.url = sandboxed_url(scene->sandbox),
		.team = "platform",
		.channel = "launch-bridge",
		.token = scene->token,
		.mark = scene->mark,
		.pace = pace,
	};
	struct err err = { 0 };
	scene->server = client_create(scene->loop, &options, &sink, scene, &err);
	if (scene->server == NULL) {
		fail_msg("%s", err.text);
	}
}

static void stop_client(struct scene *scene) {
	if (scene->server != NULL) {
		scene->server->api->destroy(scene->server);
		scene->server = NULL;
	}
}

/* Run until @text is told after what was told at @from. */
static void until_from(struct scene *scene, size_t from, const char *text) {
	if (strstr(str_text(&scene->told) + from, text) != NULL) {
		return;
	}
	scene->until = text;
	scene->from = from;
	scene->timed_out = false;
	loop_timer_start_real(scene->limit, 15000);
	while (!scene->timed_out &&
			strstr(str_text(&scene->told) + from, text) == NULL) {
		loop_run(scene->loop);
	}
	loop_timer_stop(scene->limit);
	scene->until = NULL;
	if (scene->timed_out) {
		fail_msg("waiting for `%s`; told:\n%s", text, str_text(&scene->told));
	}
}

static void until(struct scene *scene, const char *text) {
	until_from(scene, 0, text);
}

static bool was_told(const struct scene *scene, const char *text) {
	return strstr(str_text(&scene->told), text) != NULL;
}

static void forget(struct scene *scene) {
	str_clear(&scene->told);
}

/* Turn the loop until it holds. */
#define UNTIL(scene, condition) \
	do { \
		for (int turn = 0; turn < 2000 && !(condition); turn++) { \
			sandboxed_pass((scene)->sandbox, 5); \
		} \
		assert_true(condition); \
	} while (0)

/* As some person */

static char *say_in(struct scene *scene, const char *who, const char *channel,
		const char *root, const char *message) {
	char token[32];
	snprintf(token, sizeof(token), "t-%s", who);
	char *body = xasprintf("{\"channel_id\":\"%s\",\"root_id\":\"%s\","
						   "\"message\":\"%s\"}",
			channel, root, message);
	char *answer = NULL;
	int status = sandboxed_call(
			scene->sandbox, token, HTTP_POST, "/api/v4/posts", body, &answer);
	if (status != 201) {
		fail_msg("posting as %s: %d %s", who, status, answer);
	}
	char *id = sandboxed_text(answer, NULL, "id");
	free(answer);
	free(body);
	return id;
}

static char *say(struct scene *scene, const char *who, const char *message) {
	return say_in(scene, who, scene->channel_id, "", message);
}

static void said(struct scene *scene, const char *who, const char *message) {
	free(say(scene, who, message));
}

static int act(struct scene *scene, const char *who, enum http_method method,
		const char *path, const char *body) {
	char token[32];
	snprintf(token, sizeof(token), "t-%s", who);
	return sandboxed_call(scene->sandbox, token, method, path, body, NULL);
}

static void edit(struct scene *scene, const char *who, const char *post_id,
		const char *message) {
	char path[128];
	char body[256];
	snprintf(path, sizeof(path), "/api/v4/posts/%s/patch", post_id);
	snprintf(body, sizeof(body), "{\"message\":\"%s\"}", message);
	assert_int_equal(act(scene, who, HTTP_PUT, path, body), 200);
}

static void delete (struct scene *scene, const char *who, const char *post_id) {
	char path[128];
	snprintf(path, sizeof(path), "/api/v4/posts/%s", post_id);
	assert_int_equal(act(scene, who, HTTP_DELETE, path, NULL), 200);
}

static char *user_id(struct scene *scene, const char *who) {
	char path[128];
	snprintf(path, sizeof(path), "/api/v4/users/username/%s", who);
	char *answer = NULL;
	assert_int_equal(sandboxed_call(scene->sandbox, "t-admin", HTTP_GET, path,
							 NULL, &answer),
			200);
	char *id = sandboxed_text(answer, NULL, "id");
	free(answer);
	return id;
}

static int tap(struct scene *scene, const char *who, const char *post_id,
		const char *emoji) {
	char *id = user_id(scene, who);
	char body[256];
	snprintf(body, sizeof(body),
			"{\"user_id\":\"%s\",\"post_id\":\"%s\",\"emoji_name\":\"%s\"}", id,
			post_id, emoji);
	free(id);
	return act(scene, who, HTTP_POST, "/api/v4/reactions", body);
}

static void untap(struct scene *scene, const char *who, const char *post_id,
		const char *emoji) {
	char path[160];
	snprintf(path, sizeof(path), "/api/v4/users/me/posts/%s/reactions/%s",
			post_id, emoji);
	assert_int_equal(act(scene, who, HTTP_DELETE, path, NULL), 200);
}

/* The side door */

static void door(struct scene *scene, const char *path, const char *body) {
	char *answer = NULL;
	int status = sandboxed_call(
			scene->sandbox, "", HTTP_POST, path, body, &answer);
	if (status < 200 || status > 299) {
		fail_msg("%s %s: %d %s", path, body, status, answer);
	}
	free(answer);
}

static void fault(struct scene *scene, const char *rule) {
	door(scene, "/sandbox/faults", rule);
}

static void sockets(struct scene *scene, const char *what) {
	char body[64];
	snprintf(body, sizeof(body), "{\"do\":\"%s\",\"user\":\"bot\"}", what);
	door(scene, "/sandbox/sockets", body);
}

/* Not inlined: gcc 12 takes what it returns for its own local otherwise. */
__attribute__((noinline)) static char *state_of(struct scene *scene) {
	char *answer = NULL;
	assert_int_equal(sandboxed_call(scene->sandbox, "", HTTP_GET,
							 "/sandbox/state", NULL, &answer),
			200);
	return answer;
}

static size_t count_in(const char *text, const char *what) {
	size_t count = 0;
	for (const char *at = strstr(text, what); at != NULL;
			at = strstr(at + 1, what)) {
		count++;
	}
	return count;
}

static size_t times_told(const struct scene *scene, const char *line) {
	return count_in(str_text(&scene->told), line);
}

/* How often the server holds a post whose text is @message. */
static size_t held(struct scene *scene, const char *message) {
	char *state = state_of(scene);
	char *text = xasprintf("\"message\":\"%s\"", message);
	size_t count = count_in(state, text);
	free(text);
	free(state);
	return count;
}

static void go_online(struct scene *scene) {
	scene->server->api->start(scene->server);
	until(scene, "online");
}

static int setup_like(void **state, const char *like) {
	struct scene *scene = xcalloc(1, sizeof(*scene));
	struct err err = { 0 };
	scene->like = like;
	scene->clock = clock_create_real();
	scene->loop = loop_create(scene->clock, &err);
	scene->limit = loop_timer_create(scene->loop, on_limit, scene);
	scene->token = secret_create(TOKEN, strlen(TOKEN));
	scene->sandbox = sandboxed_start(scene->loop, like, scene_json, &err);
	*state = scene;
	if (scene->sandbox == NULL) {
		printf("# %s\n", err.text);
		return -1;
	}
	char *answer = NULL;
	sandboxed_call(
			scene->sandbox, "", HTTP_GET, "/sandbox/info", NULL, &answer);
	scene->channel_id = sandboxed_text(answer, "\"channels\"", "id");
	free(answer);
	make_client(scene, &quick);
	return 0;
}

static int setup_new(void **state) {
	return setup_like(state, "11.6");
}

static int setup_old(void **state) {
	return setup_like(state, "5.37");
}

static int teardown(void **state) {
	struct scene *scene = *state;
	stop_client(scene);
	sandboxed_stop(scene->sandbox);
	loop_timer_destroy(scene->limit);
	loop_destroy(scene->loop);
	clock_destroy(scene->clock);
	secret_destroy(scene->token);
	str_finish(&scene->told);
	free(scene->channel_id);
	free(scene);
	return 0;
}

/* Requests of the bot */

static void on_reply(void *data, const struct server_reply *reply) {
	struct scene *scene = data;
	assert_false(scene->replied);
	assert_null(strstr(reply->err.text, TOKEN));
	scene->replied = true;
	scene->result = reply->result;
	scene->retry_ms = reply->retry_ms;
	scene->edit_at_ms = reply->edit_at_ms;
	scene->delete_at_ms = reply->delete_at_ms;
	snprintf(scene->post_id, sizeof(scene->post_id), "%s", reply->post_id);
	snprintf(scene->message, sizeof(scene->message), "%s", reply->message);
	snprintf(scene->reason, sizeof(scene->reason), "%s", reply->err.text);
	note(scene, "<replied>");
}

static void await_reply(struct scene *scene) {
	size_t from = scene->told.len;
	while (!scene->replied) {
		until_from(scene, from, "<replied>");
	}
	scene->replied = false;
}

static enum server_result bot_says(struct scene *scene, const char *key,
		const char *root_id, const char *message) {
	const struct server_new_post post = {
		.key = key,
		.root_id = root_id,
		.message = message,
	};
	scene->server->api->post(scene->server, &post, on_reply, scene);
	await_reply(scene);
	return scene->result;
}

static enum server_result bot_finds(
		struct scene *scene, const char *key, const char *root_id) {
	const struct server_new_post post = { .key = key, .root_id = root_id };
	scene->server->api->find(scene->server, &post, on_reply, scene);
	await_reply(scene);
	return scene->result;
}

static void watch(struct scene *scene, const char *post_id) {
	scene->server->api->watch_taps(scene->server, &post_id, 1);
}

/* Claims */

static void it_connects_and_tells_what_is_said(void **state) {
	struct scene *scene = *state;
	scene->server->api->want_people(
			scene->server, (const char *const[]){ "cto", "nobody" }, 2);
	go_online(scene);
	char *id = user_id(scene, "bot");
	assert_string_equal(scene->server->api->own_id(scene->server), id);
	free(id);
	const struct people *people = scene->server->api->people(scene->server);
	const struct person *cto = people_by_name(people, "cto");
	assert_non_null(cto);
	assert_true(person_counts(cto));
	assert_null(people_by_name(people, "nobody"));
	assert_int_equal(scene->server->api->max_message(scene->server), 16383);
	assert_true(scene->server->api->server_time_ms(scene->server) > 0);
	assert_true(scene->server->api->last_answer_ms(scene->server) > 0);
	said(scene, "cto", "!cutover status");
	until(scene, "post cto: !cutover status\n");
	assert_true(scene->mark.connection_id[0] != '\0');
}

/* More than can be acted on: a disk is full, and people go on talking. */
static void what_cannot_be_heard_now_is_told_later_in_order(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	said(scene, "cto", "before");
	until(scene, "post cto: before\n");
	scene->full = true;
	said(scene, "cto", "!hold");
	said(scene, "cto", "!status");
	sandboxed_pass(scene->sandbox, 400);
	assert_false(was_told(scene, "!hold"));
	scene->full = false;
	until(scene, "post cto: !status\n");
	assert_true(was_told(scene, "post cto: !hold\npost cto: !status\n"));
}

static void who_speaks_is_known_before_it_is_told(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	const struct people *people = scene->server->api->people(scene->server);
	assert_null(people_by_name(people, "guest"));
	said(scene, "guest", "hello");
	said(scene, "robot", "beep");
	until(scene, "post robot: beep [bot]\n");
	assert_true(was_told(scene, "post guest: hello\n"));
	assert_true(people_by_name(people, "guest")->guest);
	assert_true(people_by_name(people, "robot")->bot);
}

static void another_channel_is_not_told(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	char *answer = NULL;
	sandboxed_call(
			scene->sandbox, "", HTTP_GET, "/sandbox/info", NULL, &answer);
	const char *second = strstr(answer, "\"name\":\"launch-bridge\"");
	char *bench = sandboxed_text(second, NULL, "id");
	free(answer);
	char *id = say_in(scene, "cto", bench, "", "elsewhere");
	said(scene, "cto", "here");
	until(scene, "post cto: here\n");
	assert_false(was_told(scene, "elsewhere"));
	free(id);
	free(bench);
}

/* What a bot that stood still hears then was said while it stood. */
static void the_servers_time_goes_on_between_answers(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	int64_t before_ms = scene->server->api->server_time_ms(scene->server);
	assert_true(before_ms > 0);
	usleep(1100 * 1000);
	assert_true(scene->server->api->server_time_ms(scene->server) >=
			before_ms + 1100);
}

static void a_webhook_is_nobodys_word(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	sandboxed_call(scene->sandbox, "", HTTP_POST, "/hooks/hook1",
			"{\"text\":\"!cutover start\"}", NULL);
	until(scene, "post cto: !cutover start [webhook]");
}

static void a_key_in_another_persons_post_is_no_key(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	char *body = xasprintf(
			"{\"channel_id\":\"%s\",\"message\":\"forged\","
			"\"props\":{\"bridgekeeper\":\"LB-1/card\",\"from_bot\":\"true\"}}",
			scene->channel_id);
	assert_int_equal(act(scene, "cto", HTTP_POST, "/api/v4/posts", body), 201);
	free(body);
	until(scene, "post cto: forged [bot]\n");
	assert_int_equal(bot_finds(scene, "LB-1/card", ""), SERVER_OK);
	assert_string_equal(scene->post_id, "");
}

static void edits_and_deletions_are_told(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	char *one = say(scene, "cto", "one");
	until(scene, "post cto: one\n");
	edit(scene, "cto", one, "one and a half");
	until(scene, "changed cto: one and a half [edited]\n");
	delete (scene, "cto", one);
	until(scene, "[deleted]\n");
	free(one);
}

static void a_cut_socket_loses_nothing(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	forget(scene);
	for (int i = 0; i < 5; i++) {
		char text[32];
		sockets(scene, i % 2 == 0 ? "kill" : "reset");
		snprintf(text, sizeof(text), "after cut %d", i);
		said(scene, "cto", text);
		snprintf(text, sizeof(text), "post cto: after cut %d\n", i);
		until(scene, text);
		UNTIL(scene, times_told(scene, "online\n") > (size_t)i);
	}
	assert_true(was_told(scene, "offline: the connection was closed"));
}

static void a_refused_resume_loses_nothing(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	forget(scene);
	fault(scene, "{\"on\":\"upgrade\",\"do\":\"refuse_resume\"}");
	sockets(scene, "kill");
	said(scene, "cto", "while away");
	until(scene, "online");
	assert_true(was_told(scene, "post cto: while away\n"));
	said(scene, "cto", "back again");
	until(scene, "post cto: back again\n");
}

static void a_gap_in_the_numbers_is_made_good(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	forget(scene);
	fault(scene, "{\"on\":\"event\",\"do\":\"gap\",\"event\":\"posted\"}");
	said(scene, "cto", "lost");
	said(scene, "cto", "seen");
	until(scene, "online");
	assert_true(was_told(scene, "where"));
	assert_true(was_told(scene, "post cto: lost\n"));
	assert_true(was_told(scene, "post cto: seen\n"));
}

static void an_event_that_comes_twice_is_told(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	forget(scene);
	fault(scene, "{\"on\":\"event\",\"do\":\"duplicate\"}");
	said(scene, "cto", "twice");
	said(scene, "cto", "once");
	until(scene, "post cto: once\n");
	assert_true(was_told(scene, "post cto: twice\n"));
}

static void an_event_that_was_never_sent_is_found_by_the_canary(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	forget(scene);
	fault(scene, "{\"on\":\"event\",\"do\":\"drop\",\"event\":\"posted\"}");
	said(scene, "cto", "silent");
	until(scene, "post cto: silent\n");
	assert_false(was_told(scene, "offline"));
}

static void a_long_outage_is_told_in_order(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	stop_client(scene);
	forget(scene);
	for (int i = 0; i < 430; i++) {
		char text[32];
		snprintf(text, sizeof(text), "number %03d", i);
		said(scene, "cto", text);
	}
	make_client(scene, &quick);
	go_online(scene);
	const char *at = str_text(&scene->told);
	for (int i = 0; i < 430; i++) {
		char line[48];
		snprintf(line, sizeof(line), "post cto: number %03d\n", i);
		at = strstr(at, line);
		if (at == NULL) {
			fail_msg("%s is missing or out of order", line);
		}
	}
}

static void a_new_process_goes_on_where_the_last_one_stopped(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	said(scene, "cto", "before");
	until(scene, "post cto: before\n");
	sandboxed_pass(scene->sandbox, 400); // a canary moves the mark
	stop_client(scene);
	char *id = say(scene, "cto", "between");
	edit(scene, "cto", id, "between, edited");
	free(id);
	forget(scene);
	make_client(scene, &quick);
	go_online(scene);
	assert_true(was_told(scene, "post cto: between, edited\n"));
	assert_true(was_told(scene, "changed cto: between, edited [edited]\n"));
	said(scene, "cto", "after");
	until(scene, "post cto: after\n");
}

/* The numbers let it resume: what it was not told is replayed as it was said,
 * although it is no longer so. */
static void what_was_taken_back_while_it_was_dead_is_not_told(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	said(scene, "cto", "before");
	until(scene, "post cto: before\n");
	sandboxed_pass(scene->sandbox, 400);
	stop_client(scene);
	char *gone = say(scene, "cto", "!cutover start");
	delete (scene, "cto", gone);
	char *other = say(scene, "cto", "!rollback");
	edit(scene, "cto", other, "never mind");
	forget(scene);
	make_client(scene, &quick);
	go_online(scene);
	said(scene, "cto", "after");
	until(scene, "post cto: after\n");
	assert_false(was_told(scene, "post cto: !cutover start\n"));
	assert_false(was_told(scene, "post cto: !rollback\n"));
	assert_true(was_told(scene, "post cto: never mind\n"));
	free(gone);
	free(other);
}

static void what_changed_while_cut_off_is_told(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	char *one = say(scene, "cto", "one");
	char *two = say(scene, "cto", "two");
	until(scene, "post cto: two\n");
	sandboxed_pass(scene->sandbox, 400);
	fault(scene, "{\"on\":\"event\",\"do\":\"drop\",\"times\":0}");
	edit(scene, "cto", one, "one, edited");
	delete (scene, "cto", two);
	forget(scene);
	fault(scene, "{\"on\":\"upgrade\",\"do\":\"refuse_resume\"}");
	sockets(scene, "kill");
	until(scene, "online");
	assert_true(was_told(scene, "changed cto: one, edited [edited]\n"));
	assert_true(was_told(scene, "[deleted]\n"));
	free(one);
	free(two);
}

static void stale_reads_do_not_hide_an_edit(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	char *one = say(scene, "cto", "one");
	until(scene, "post cto: one\n");
	sandboxed_pass(scene->sandbox, 400);
	watch(scene, one);
	fault(scene, "{\"on\":\"read\",\"do\":\"stale\",\"times\":0}");
	fault(scene, "{\"on\":\"event\",\"do\":\"drop\",\"times\":0}");
	edit(scene, "cto", one, "one, edited");
	forget(scene);
	fault(scene, "{\"on\":\"upgrade\",\"do\":\"refuse_resume\"}");
	sockets(scene, "kill");
	until(scene, "online");
	assert_true(was_told(scene, "changed cto: one, edited [edited]\n"));
	free(one);
}

/* Only the last telling counts: none may be wrong for ever. */
static void taps_are_what_the_database_holds(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	assert_int_equal(bot_says(scene, "gate", "", "approve?"), SERVER_OK);
	char gate[65];
	snprintf(gate, sizeof(gate), "%s", scene->post_id);
	watch(scene, gate);
	until(scene, "taps.\n");
	scene->server->api->react(
			scene->server, gate, "white_check_mark", on_reply, scene);
	await_reply(scene);
	assert_int_equal(scene->result, SERVER_OK);
	assert_int_equal(tap(scene, "cto", gate, "white_check_mark"), 200);
	until(scene, "taps cto/white_check_mark.\n");
	assert_int_equal(tap(scene, "guest", gate, "+1"), 200);
	until(scene, "taps cto/white_check_mark guest/+1.\n");
	forget(scene);
	untap(scene, "cto", gate, "white_check_mark");
	until(scene, "taps guest/+1.\n");
	assert_false(was_told(scene, "bot/"));
}

static void taps_are_right_after_any_race(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	char *gate = say(scene, "lead", "gate");
	watch(scene, gate);
	until(scene, "taps.\n");
	for (int round = 0; round < 20; round++) {
		assert_int_equal(tap(scene, "cto", gate, "+1"), 200);
		assert_int_equal(tap(scene, "cto", gate, "+1"), 200);
		untap(scene, "cto", gate, "+1");
		untap(scene, "cto", gate, "+1"); // what is not there
		if (round % 2 == 0) {
			assert_int_equal(tap(scene, "lead", gate, "x"), 200);
		} else {
			untap(scene, "lead", gate, "x");
		}
	}
	assert_int_equal(tap(scene, "cto", gate, "eyes"), 200);
	until(scene, "taps cto/eyes.\n");
	free(gate);
}

static void taps_given_while_cut_off_are_told(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	char *gate = say(scene, "lead", "gate");
	watch(scene, gate);
	until(scene, "taps.\n");
	fault(scene, "{\"on\":\"event\",\"do\":\"drop\",\"times\":0}");
	forget(scene);
	assert_int_equal(tap(scene, "cto", gate, "+1"), 200);
	fault(scene, "{\"on\":\"upgrade\",\"do\":\"refuse_resume\"}");
	sockets(scene, "kill");
	until(scene, "online");
	assert_true(was_told(scene, "taps cto/+1.\n"));
	forget(scene);
	untap(scene, "cto", gate, "+1");
	until(scene, "taps.\n"); // by the canary alone
	free(gate);
}

static void one_lost_post_does_not_hide_the_taps_of_others(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	const char *ids[7];
	char *posts[6];
	for (size_t i = 0; i < 6; i++) {
		posts[i] = say(scene, "lead", "gate");
		ids[i] = posts[i];
		assert_int_equal(tap(scene, "cto", posts[i], "+1"), 200);
	}
	ids[6] = ids[3];
	ids[3] = "aaaaaaaaaaaaaaaaaaaaaaaaaa";
	forget(scene);
	scene->server->api->watch_taps(scene->server, ids, 7);
	until(scene, "[deleted]\n");
	sandboxed_pass(scene->sandbox, 100);
	assert_int_equal(times_told(scene, "taps cto/+1.\n") % 6, 0);
	assert_true(times_told(scene, "taps cto/+1.\n") >= 6);
	assert_false(was_told(scene, "taps.\n"));
	for (size_t i = 0; i < 6; i++) {
		free(posts[i]);
	}
}

static void on_fresh_taps(void *data, const struct server_taps_reply *reply) {
	struct scene *scene = data;
	note(scene, "fresh %d %zu %s", reply->ok, reply->count,
			reply->count > 0 ? reply->taps[0].emoji : "-");
}

static void a_fresh_read_is_one_of_the_database(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	char *gate = say(scene, "lead", "gate");
	assert_int_equal(tap(scene, "cto", gate, "+1"), 200);
	scene->server->api->read_taps(scene->server, gate, on_fresh_taps, scene);
	until(scene, "fresh 1 1 +1");
	fault(scene,
			"{\"on\":\"request\",\"do\":\"503\",\"path\":\"ids/reactions\","
			"\"times\":2}");
	scene->server->api->read_taps(scene->server, gate, on_fresh_taps, scene);
	until(scene, "fresh 0 0 -");
	free(gate);
}

static void a_post_carries_its_key_and_is_found_by_it(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	assert_int_equal(bot_says(scene, "LB-1/card", "", "the card"), SERVER_OK);
	char card[65];
	snprintf(card, sizeof(card), "%s", scene->post_id);
	until(scene, "post bot: the card [bot] key=LB-1/card\n");
	assert_int_equal(bot_says(scene, "LB-1/reply", card, "a reply"), SERVER_OK);
	char reply[65];
	snprintf(reply, sizeof(reply), "%s", scene->post_id);
	assert_int_equal(bot_finds(scene, "LB-1/card", ""), SERVER_OK);
	assert_string_equal(scene->post_id, card);
	assert_int_equal(bot_finds(scene, "LB-1/reply", card), SERVER_OK);
	assert_string_equal(scene->post_id, reply);
	assert_int_equal(bot_finds(scene, "LB-1/none", ""), SERVER_OK);
	assert_string_equal(scene->post_id, "");
	assert_int_equal(
			bot_finds(scene, "LB-1/none", "aaaaaaaaaaaaaaaaaaaaaaaaaa"),
			SERVER_OK);
	assert_string_equal(scene->post_id, "");
}

/* The older one is of a journal that was put back from a copy since; what was
 * tapped there is no answer to what is asked now. */
static void a_post_of_another_mark_with_its_key_is_not_taken_for_it(
		void **state) {
	struct scene *scene = *state;
	go_online(scene);
	const struct server_api *api = scene->server->api;
	const struct server_new_post older = { .key = "LB-1/gate/1",
		.mark = "aa",
		.first_try_ms = 1,
		.root_id = "",
		.message = "T0" };
	struct server_new_post newer = older;
	newer.mark = "bb";
	newer.first_try_ms = 2;
	api->post(scene->server, &older, on_reply, scene);
	await_reply(scene);
	char gate[65];
	snprintf(gate, sizeof(gate), "%s", scene->post_id);
	api->find(scene->server, &newer, on_reply, scene);
	await_reply(scene);
	assert_int_equal(scene->result, SERVER_OK);
	assert_string_equal(scene->post_id, "");
	api->find(scene->server, &older, on_reply, scene);
	await_reply(scene);
	assert_string_equal(scene->post_id, gate);
	api->post(scene->server, &newer, on_reply, scene);
	await_reply(scene);
	snprintf(gate, sizeof(gate), "%s", scene->post_id);
	api->find(scene->server, &newer, on_reply, scene);
	await_reply(scene);
	assert_string_equal(scene->post_id, gate);
}

static void a_post_is_edited_pinned_and_read(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	const struct server_api *api = scene->server->api;
	assert_int_equal(bot_says(scene, "k", "", "before"), SERVER_OK);
	char id[65];
	snprintf(id, sizeof(id), "%s", scene->post_id);
	api->edit(scene->server, id, "after", on_reply, scene);
	await_reply(scene);
	assert_int_equal(scene->result, SERVER_OK);
	api->pin(scene->server, id, true, on_reply, scene);
	await_reply(scene);
	assert_int_equal(scene->result, SERVER_OK);
	api->read_post(scene->server, id, on_reply, scene);
	await_reply(scene);
	assert_string_equal(scene->message, "after");
	assert_true(scene->edit_at_ms > 0 && scene->delete_at_ms == 0);
	char *answer = state_of(scene);
	assert_int_equal(count_in(answer, "\"is_pinned\":true"), 1);
	free(answer);
	assert_int_equal(bot_finds(scene, "k", ""), SERVER_OK);
	assert_string_equal(scene->post_id, id); // a patch keeps the props
	delete (scene, "bot", id);
	api->read_post(scene->server, id, on_reply, scene);
	await_reply(scene);
	assert_int_equal(scene->result, SERVER_OK);
	assert_true(scene->delete_at_ms > 0);
	api->edit(scene->server, id, "too late", on_reply, scene);
	await_reply(scene);
	assert_int_equal(scene->result, SERVER_NEVER);
}

static void a_file_is_attached(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	char path[] = "/tmp/bridgekeeper-file-XXXXXX";
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "line\n", 5), 5);
	close(fd);
	const struct server_new_post post = {
		.key = "k",
		.root_id = "",
		.message = "see the file",
		.file_path = path,
		.file_name = "step-3.log",
	};
	fault(scene,
			"{\"on\":\"request\",\"do\":\"503\",\"method\":\"POST\","
			"\"path\":\"/posts$\"}");
	scene->server->api->post(scene->server, &post, on_reply, scene);
	await_reply(scene);
	assert_int_equal(scene->result, SERVER_DOUBT);
	scene->server->api->post(scene->server, &post, on_reply, scene);
	await_reply(scene);
	assert_int_equal(scene->result, SERVER_OK);
	unlink(path);
	char *answer = state_of(scene);
	assert_int_equal(count_in(answer, "\"name\":\"step-3.log\",\"size\":5"), 1);
	free(answer);
}

static void a_message_too_long_is_cut_by_runes(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	struct str text;
	str_init(&text, 0);
	for (int i = 0; i < 17000; i++) {
		str_add(&text, "\xc3\xa9");
	}
	assert_int_equal(bot_says(scene, "k", "", str_text(&text)), SERVER_OK);
	str_finish(&text);
	assert_int_equal(bot_says(scene, "k2", "", ""), SERVER_OK);
}

static void a_429_makes_everything_wait(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	fault(scene,
			"{\"on\":\"request\",\"do\":\"429\",\"method\":\"POST\","
			"\"path\":\"/posts$\",\"retry_after\":1}");
	int64_t begun_ms = loop_real_now_ms(scene->loop);
	assert_int_equal(bot_says(scene, "k", "", "hello"), SERVER_AGAIN);
	assert_int_equal(scene->retry_ms, 1000);
	assert_non_null(strstr(scene->reason, "HTTP 429: limit exceeded"));
	assert_int_equal(bot_says(scene, "k", "", "hello"), SERVER_OK);
	assert_true(loop_real_now_ms(scene->loop) - begun_ms >= 990);
	assert_int_equal(held(scene, "hello"), 1);
}

static void a_server_error_leaves_a_doubt(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	fault(scene,
			"{\"on\":\"request\",\"do\":\"500\",\"method\":\"POST\","
			"\"path\":\"/posts$\"}");
	assert_int_equal(bot_says(scene, "k", "", "hello"), SERVER_DOUBT);
	assert_int_equal(bot_finds(scene, "k", ""), SERVER_OK);
	assert_string_equal(scene->post_id, "");
	assert_int_equal(bot_says(scene, "k", "", "hello"), SERVER_OK);
	assert_int_equal(held(scene, "hello"), 1);
}

static void a_reset_after_the_deed_is_found_to_be_done(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	fault(scene,
			"{\"on\":\"request\",\"do\":\"reset\",\"method\":\"POST\","
			"\"path\":\"/posts$\",\"when\":\"after\",\"times\":2}");
	assert_int_equal(bot_says(scene, "k", "", "hello"), SERVER_DOUBT);
	assert_int_equal(bot_finds(scene, "k", ""), SERVER_OK);
	assert_true(scene->post_id[0] != '\0');
	char found[65];
	snprintf(found, sizeof(found), "%s", scene->post_id);
	// Whoever asks again at once is given the same post.
	door(scene, "/sandbox/faults",
			"{\"on\":\"request\",\"do\":\"delay\",\"ms\":1,\"path\":\"/posts$\"}");
	enum server_result result = SERVER_DOUBT;
	while (result == SERVER_DOUBT) {
		result = bot_says(scene, "k", "", "hello");
	}
	assert_int_equal(result, SERVER_OK);
	assert_string_equal(scene->post_id, found);
	assert_int_equal(held(scene, "hello"), 1);
}

static void what_is_refused_for_good_is_a_dead_letter(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	assert_int_equal(
			bot_says(scene, "k", "aaaaaaaaaaaaaaaaaaaaaaaaaa", "reply"),
			SERVER_NEVER);
	assert_non_null(strstr(scene->reason, "HTTP 400"));
	assert_non_null(strstr(scene->reason, "root_id"));
}

static void before_the_channel_is_found_it_is_again(void **state) {
	struct scene *scene = *state;
	assert_int_equal(bot_says(scene, "k", "", "early"), SERVER_AGAIN);
	assert_int_equal(bot_finds(scene, "k", ""), SERVER_AGAIN);
	scene->server->api->react(scene->server, "p", "x", on_reply, scene);
	await_reply(scene);
	assert_int_equal(scene->result, SERVER_AGAIN);
	scene->server->api->refresh_people(scene->server, on_reply, scene);
	await_reply(scene);
	assert_int_equal(scene->result, SERVER_AGAIN);
}

static void a_wrong_token_is_trouble_until_it_is_right(void **state) {
	struct scene *scene = *state;
	door(scene, "/sandbox/users/bot", "{\"token\":\"disable\"}");
	scene->server->api->start(scene->server);
	until(scene, "trouble: the server refuses the bot's token\n");
	until(scene, "offline: the server refuses the bot's token\n");
	sandboxed_pass(scene->sandbox, 250);
	assert_int_equal(times_told(scene, "trouble"), 1);
	door(scene, "/sandbox/users/bot", "{\"token\":\"enable\"}");
	until(scene, "online");
}

static void a_token_revoked_meanwhile_is_noticed(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	forget(scene);
	door(scene, "/sandbox/users/bot", "{\"token\":\"disable\"}");
	until(scene, "trouble: the server refuses the bot's token\n");
	until(scene, "offline: ");
	forget(scene);
	said(scene, "cto", "!cutover start"); // an open socket may still tell it
	sandboxed_pass(scene->sandbox, 150);
	assert_false(was_told(scene, "post"));
	door(scene, "/sandbox/users/bot", "{\"token\":\"enable\"}");
	until(scene, "online");
	assert_true(was_told(scene, "post cto: !cutover start\n"));
}

static void a_frozen_peer_is_noticed(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	forget(scene);
	sockets(scene, "freeze");
	said(scene, "cto", "into the void");
	until(scene, "offline: the server answers no ping\n");
	until(scene, "online");
	assert_true(was_told(scene, "post cto: into the void\n"));
}

static void a_deaf_hub_is_noticed(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	forget(scene);
	sockets(scene, "deafen");
	said(scene, "cto", "unheard");
	until(scene, "offline: the server answers no ping\n");
	until(scene, "online");
	assert_true(was_told(scene, "post cto: unheard\n"));
}

static void an_upgrade_without_a_hello_is_left(void **state) {
	struct scene *scene = *state;
	fault(scene, "{\"on\":\"upgrade\",\"do\":\"silent\"}");
	scene->server->api->start(scene->server);
	until(scene, "offline: the server says no hello\n");
	until(scene, "online");
}

static void a_refused_upgrade_is_tried_again(void **state) {
	struct scene *scene = *state;
	fault(scene, "{\"on\":\"upgrade\",\"do\":\"503\"}");
	fault(scene, "{\"on\":\"upgrade\",\"do\":\"reset\"}");
	scene->server->api->start(scene->server);
	until(scene, "offline: the upgrade was answered with HTTP 503\n");
	until(scene, "online");
}

static void a_failing_rest_delays_online(void **state) {
	struct scene *scene = *state;
	fault(scene,
			"{\"on\":\"request\",\"do\":\"503\",\"times\":12,"
			"\"user\":\"bot\"}");
	go_online(scene);
	forget(scene);
	fault(scene,
			"{\"on\":\"request\",\"do\":\"500\",\"times\":3,"
			"\"user\":\"bot\",\"path\":\"per_page\"}");
	fault(scene,
			"{\"on\":\"request\",\"do\":\"reset\",\"times\":3,"
			"\"user\":\"bot\",\"path\":\"since=|ids\"}");
	sockets(scene, "kill");
	said(scene, "cto", "patience");
	until(scene, "online");
	assert_true(was_told(scene, "post cto: patience\n"));
}

/* As without its database: the hub goes on to answer pings. */
static void a_channel_that_cannot_be_read_is_an_outage(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	forget(scene);
	fault(scene,
			"{\"on\":\"request\",\"do\":\"500\",\"times\":0,"
			"\"user\":\"bot\",\"path\":\"per_page\"}");
	until(scene, "offline: HTTP 500");
	assert_int_equal(sandboxed_call(scene->sandbox, "", HTTP_DELETE,
							 "/sandbox/faults", NULL, NULL),
			200);
	until(scene, "online");
}

static void people_are_kept_fresh(void **state) {
	struct scene *scene = *state;
	const struct people *people = scene->server->api->people(scene->server);
	scene->server->api->want_people(
			scene->server, (const char *const[]){ "cto", "lead", "late" }, 3);
	go_online(scene);
	assert_false(people_by_name(people, "late")->member);
	forget(scene);
	door(scene, "/sandbox/users/late",
			"{\"channel\":\"launch-bridge\",\"member\":true}");
	UNTIL(scene, people_by_name(people, "late")->member);
	until(scene, "people");
	door(scene, "/sandbox/users/cto", "{\"username\":\"chief\"}");
	UNTIL(scene, people_by_name(people, "cto") == NULL);
	assert_non_null(people_by_name(people, "chief"));
	door(scene, "/sandbox/users/lead",
			"{\"channel\":\"launch-bridge\",\"member\":false}");
	UNTIL(scene, !people_by_name(people, "lead")->member);
	fault(scene, "{\"on\":\"event\",\"do\":\"drop\",\"times\":0}");
	door(scene, "/sandbox/users/chief", "{\"active\":false}");
	scene->server->api->refresh_people(scene->server, on_reply, scene);
	await_reply(scene);
	assert_int_equal(scene->result, SERVER_OK);
	assert_false(people_by_name(people, "chief")->active);
	fault(scene, "{\"on\":\"request\",\"do\":\"503\",\"path\":\"/users/\"}");
	scene->server->api->refresh_people(scene->server, on_reply, scene);
	await_reply(scene);
	assert_int_equal(scene->result, SERVER_AGAIN);
}

static void a_removed_bot_says_so_and_catches_up(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	forget(scene);
	door(scene, "/sandbox/users/bot",
			"{\"channel\":\"launch-bridge\",\"member\":false}");
	until(scene, "trouble: the bot is not a member of ~launch-bridge\n");
	said(scene, "cto", "while it was out");
	door(scene, "/sandbox/users/bot",
			"{\"channel\":\"launch-bridge\",\"member\":true}");
	until(scene, "post cto: while it was out\n");
}

static void what_is_refused_while_it_is_out_is_not_for_good(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	assert_int_equal(bot_says(scene, "card", "", "card"), SERVER_OK);
	char *card = xstrdup(scene->post_id);
	door(scene, "/sandbox/users/bot",
			"{\"channel\":\"launch-bridge\",\"member\":false}");
	assert_int_equal(bot_says(scene, "k", "", "hello"), SERVER_AGAIN);
	scene->server->api->edit(scene->server, card, "new", on_reply, scene);
	await_reply(scene);
	assert_int_not_equal(scene->result, SERVER_NEVER);
	scene->server->api->react(scene->server, card, "x", on_reply, scene);
	await_reply(scene);
	assert_int_equal(scene->result, SERVER_AGAIN);
	until(scene, "offline: the bot is not a member of ~launch-bridge");
	door(scene, "/sandbox/users/bot",
			"{\"channel\":\"launch-bridge\",\"member\":true}");
	until(scene, "online");
	assert_int_equal(bot_says(scene, "k", "", "hello"), SERVER_OK);
	assert_int_equal(held(scene, "hello"), 1);
	free(card);
}

static void a_bot_that_was_put_out_while_it_was_dead_says_so(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	sandboxed_pass(scene->sandbox, 400);
	stop_client(scene);
	door(scene, "/sandbox/users/bot",
			"{\"channel\":\"launch-bridge\",\"member\":false}");
	forget(scene);
	make_client(scene, &quick);
	scene->server->api->start(scene->server);
	until(scene, "trouble: the bot "); // is not a member, or may not read it
	assert_true(was_told(scene, "~launch-bridge"));
	assert_false(was_told(scene, "online"));
	door(scene, "/sandbox/users/bot",
			"{\"channel\":\"launch-bridge\",\"member\":true}");
	until(scene, "online");
}

/* 5.37 refuses reads also while its database is away. */
static void a_refused_read_makes_nobody_a_stranger(void **state) {
	struct scene *scene = *state;
	scene->server->api->want_people(
			scene->server, (const char *const[]){ "cto" }, 1);
	go_online(scene);
	fault(scene, "{\"on\":\"event\",\"do\":\"drop\",\"times\":0}");
	door(scene, "/sandbox/users/bot",
			"{\"channel\":\"launch-bridge\",\"member\":false}");
	scene->server->api->refresh_people(scene->server, on_reply, scene);
	await_reply(scene);
	assert_int_equal(scene->result, SERVER_AGAIN);
	const struct people *people = scene->server->api->people(scene->server);
	assert_true(people_by_name(people, "cto")->member);
	until(scene, "offline: the bot may not read ~launch-bridge");
}

static void an_archived_channel_is_an_outage(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	door(scene, "/sandbox/channels/launch-bridge", "{\"archived\":true}");
	until(scene, "trouble: the channel ~launch-bridge is archived\n");
	until(scene, "offline: the channel ~launch-bridge is archived");
	assert_int_equal(bot_says(scene, "k", "", "hello"), SERVER_AGAIN);
	forget(scene);
	door(scene, "/sandbox/channels/launch-bridge", "{\"archived\":false}");
	until(scene, "online");
	assert_int_equal(bot_says(scene, "k", "", "hello"), SERVER_OK);
}

static void an_archived_channel_is_not_seen_at_the_start(void **state) {
	struct scene *scene = *state;
	door(scene, "/sandbox/channels/launch-bridge", "{\"archived\":true}");
	scene->server->api->start(scene->server);
	until(scene, "trouble: the bot does not see channel launch-bridge");
	assert_false(was_told(scene, "online"));
	door(scene, "/sandbox/channels/launch-bridge", "{\"archived\":false}");
	until(scene, "online");
}

static void a_channel_that_is_not_there_is_trouble(void **state) {
	struct scene *scene = *state;
	stop_client(scene);
	struct client_options options = {
		.url = sandboxed_url(scene->sandbox),
		.team = "platform",
		.channel = "no-such-channel",
		.token = scene->token,
		.pace = &quick,
	};
	struct err err = { 0 };
	scene->server = client_create(scene->loop, &options, &sink, scene, &err);
	scene->server->api->start(scene->server);
	until(scene,
			"trouble: the bot does not see channel no-such-channel of "
			"team platform: HTTP 404");
}

static void a_server_that_is_gone_is_offline(void **state) {
	struct scene *scene = *state;
	go_online(scene);
	forget(scene);
	sandboxed_stop(scene->sandbox);
	scene->sandbox = NULL;
	until(scene, "offline: ");
	loop_timer_start_real(scene->limit, 300);
	loop_run(scene->loop);
	assert_int_equal(times_told(scene, "offline"), 1);
}

static void it_can_be_destroyed_at_any_moment(void **state) {
	struct scene *scene = *state;
	char *gate = say(scene, "cto", "gate");
	for (int i = 0; i < 25; i++) {
		stop_client(scene);
		make_client(scene, &quick);
		scene->server->api->start(scene->server);
		watch(scene, gate);
		sandboxed_pass(scene->sandbox, i);
		const struct server_new_post post = {
			.key = "k",
			.root_id = "",
			.message = "in flight",
		};
		scene->server->api->post(scene->server, &post, on_reply, scene);
		scene->server->api->find(scene->server, &post, on_reply, scene);
		scene->server->api->refresh_people(scene->server, on_reply, scene);
	}
	free(gate);
}

#define NEW(name) cmocka_unit_test_setup_teardown(name, setup_new, teardown)
#define OLD(name) \
	{ "5.37: " #name, name, setup_old, teardown, NULL }
#define BOTH(name) NEW(name), OLD(name)

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		BOTH(it_connects_and_tells_what_is_said),
		NEW(what_cannot_be_heard_now_is_told_later_in_order),
		NEW(who_speaks_is_known_before_it_is_told),
		NEW(another_channel_is_not_told),
		NEW(the_servers_time_goes_on_between_answers),
		BOTH(a_webhook_is_nobodys_word),
		BOTH(a_key_in_another_persons_post_is_no_key),
		BOTH(edits_and_deletions_are_told),
		BOTH(a_cut_socket_loses_nothing),
		BOTH(a_refused_resume_loses_nothing),
		BOTH(a_gap_in_the_numbers_is_made_good),
		BOTH(an_event_that_comes_twice_is_told),
		NEW(an_event_that_was_never_sent_is_found_by_the_canary),
		NEW(a_long_outage_is_told_in_order),
		BOTH(a_new_process_goes_on_where_the_last_one_stopped),
		BOTH(what_was_taken_back_while_it_was_dead_is_not_told),
		BOTH(what_changed_while_cut_off_is_told),
		BOTH(stale_reads_do_not_hide_an_edit),
		BOTH(taps_are_what_the_database_holds),
		BOTH(taps_are_right_after_any_race),
		BOTH(taps_given_while_cut_off_are_told),
		BOTH(one_lost_post_does_not_hide_the_taps_of_others),
		NEW(a_fresh_read_is_one_of_the_database),
		BOTH(a_post_carries_its_key_and_is_found_by_it),
		BOTH(a_post_of_another_mark_with_its_key_is_not_taken_for_it),
		BOTH(a_post_is_edited_pinned_and_read),
		BOTH(a_file_is_attached),
		NEW(a_message_too_long_is_cut_by_runes),
		NEW(a_429_makes_everything_wait),
		NEW(a_server_error_leaves_a_doubt),
		BOTH(a_reset_after_the_deed_is_found_to_be_done),
		BOTH(what_is_refused_for_good_is_a_dead_letter),
		NEW(before_the_channel_is_found_it_is_again),
		NEW(a_wrong_token_is_trouble_until_it_is_right),
		BOTH(a_token_revoked_meanwhile_is_noticed),
		NEW(a_frozen_peer_is_noticed),
		NEW(a_deaf_hub_is_noticed),
		NEW(an_upgrade_without_a_hello_is_left),
		NEW(a_refused_upgrade_is_tried_again),
		NEW(a_failing_rest_delays_online),
		NEW(a_channel_that_cannot_be_read_is_an_outage),
		BOTH(people_are_kept_fresh),
		BOTH(a_removed_bot_says_so_and_catches_up),
		BOTH(what_is_refused_while_it_is_out_is_not_for_good),
		BOTH(a_bot_that_was_put_out_while_it_was_dead_says_so),
		OLD(a_refused_read_makes_nobody_a_stranger),
		BOTH(an_archived_channel_is_an_outage),
		BOTH(an_archived_channel_is_not_seen_at_the_start),
		NEW(a_channel_that_is_not_there_is_trouble),
		NEW(a_server_that_is_gone_is_offline),
		NEW(it_can_be_destroyed_at_any_moment),
	};
	if (argc > 1) {
		cmocka_set_test_filter(argv[1]);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
