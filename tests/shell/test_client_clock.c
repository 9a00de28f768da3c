#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "loop/loop.h"
#include "mattermost/client.h"
#include "support/sandboxed.h"
#include "support/test.h"
#include "sys/clock.h"
#include "sys/runclock.h"
#include "sys/secret.h"

/*
 * The real client and the real sandbox, with the loop on a run clock that a
 * second thread watches: as long as something is on its way the bot may not
 * say that it is idle, or the clock would run on past it.
 */

static const char scene_json[] =
		"{\"team\":{\"name\":\"platform\",\"display_name\":\"Platform\"},"
		"\"channels\":[{\"name\":\"launch-bridge\"}],"
		"\"users\":["
		"{\"username\":\"bot\",\"token\":\"t-bot\",\"bot\":true},"
		"{\"username\":\"cto\",\"token\":\"t-cto\"}]}";

#define PHASES   8
#define LIMIT_MS 20000

struct scene {
	char clock_path[64];
	struct runclock *owner;
	struct clock *clock;
	struct loop *loop;
	struct sandboxed *sandbox;
	struct secret *token;
	struct server *server;
	struct loop_timer *limit;
	pthread_t watcher;
	atomic_bool over;
	atomic_int phase;
	atomic_int idle[PHASES]; // how often the bot was seen idle in each
	bool online;
	int online_count;
	bool replied;
};

static void *watch_clock(void *data) {
	struct scene *scene = data;
	while (!atomic_load(&scene->over)) {
		/* What is seen now is of this phase, whenever it is noted. */
		int phase = atomic_load(&scene->phase);
		struct runclock_slot_view slots[RUNCLOCK_SLOTS];
		size_t count = runclock_slots(scene->owner, slots);
		if (count == 1 && !slots[0].busy) {
			atomic_fetch_add(&scene->idle[phase], 1);
		}
		usleep(200);
	}
	return NULL;
}

static void on_online(void *data) {
	struct scene *scene = data;
	scene->online = true;
	scene->online_count++;
	loop_stop(scene->loop);
}

static void on_offline(void *data, const char *why) {
	struct scene *scene = data;
	(void)why;
	scene->online = false;
	loop_stop(scene->loop);
}

static const struct server_sink sink = {
	.online = on_online,
	.offline = on_offline,
};

static void on_limit(void *data) {
	(void)data;
	fail_msg("nothing happened for %d ms", LIMIT_MS);
}

static int setup(void **state) {
	struct scene *scene = xcalloc(1, sizeof(*scene));
	struct err err = { 0 };
	snprintf(scene->clock_path, sizeof(scene->clock_path),
			"/tmp/bridgekeeper-clock-%d", (int)getpid());
	scene->owner = runclock_create(scene->clock_path, 1000, &err);
	scene->clock = clock_join(
			scene->clock_path, "bot", CLOCK_ROLE_WORKER, &err);
	scene->loop = loop_create(scene->clock, &err);
	scene->limit = loop_timer_create(scene->loop, on_limit, scene);
	scene->token = secret_create("t-bot", 5);
	scene->sandbox = sandboxed_start(scene->loop, "11.6", scene_json, &err);
	*state = scene;
	if (scene->sandbox == NULL) {
		printf("# %s\n", err.text);
		return -1;
	}
	const struct client_options options = {
		.url = sandboxed_url(scene->sandbox),
		.team = "platform",
		.channel = "launch-bridge",
		.token = scene->token,
	};
	scene->server = client_create(scene->loop, &options, &sink, scene, &err);
	pthread_create(&scene->watcher, NULL, watch_clock, scene);
	return scene->server != NULL ? 0 : -1;
}

static int teardown(void **state) {
	struct scene *scene = *state;
	atomic_store(&scene->over, true);
	pthread_join(scene->watcher, NULL);
	scene->server->api->destroy(scene->server);
	sandboxed_stop(scene->sandbox);
	loop_timer_destroy(scene->limit);
	loop_destroy(scene->loop);
	clock_destroy(scene->clock);
	runclock_destroy(scene->owner);
	secret_destroy(scene->token);
	free(scene);
	return 0;
}

static void door(struct scene *scene, const char *path, const char *body) {
	assert_true(sandboxed_call(
						scene->sandbox, "", HTTP_POST, path, body, NULL) < 300);
}

static void until_online(struct scene *scene, int count) {
	loop_timer_start_real(scene->limit, LIMIT_MS);
	while (scene->online_count < count) {
		loop_run(scene->loop);
	}
	loop_timer_stop(scene->limit);
}

static void on_reply(void *data, const struct server_reply *reply) {
	struct scene *scene = data;
	assert_int_equal(reply->result, SERVER_OK);
	scene->replied = true;
	loop_stop(scene->loop);
}

static int times_idle(struct scene *scene) {
	return atomic_load(&scene->idle[atomic_load(&scene->phase)]);
}

static void next_phase(struct scene *scene) {
	assert_true(atomic_fetch_add(&scene->phase, 1) + 1 < PHASES);
}

/* Nothing is going on, and the watcher sees so when it has its turn. */
static void until_idle(struct scene *scene) {
	loop_timer_start_real(scene->limit, LIMIT_MS);
	while (times_idle(scene) == 0) {
		sandboxed_pass(scene->sandbox, 10);
	}
	loop_timer_stop(scene->limit);
}

static void the_clock_waits_for_what_is_on_its_way(void **state) {
	struct scene *scene = *state;
	until_idle(scene);
	door(scene, "/sandbox/faults",
			"{\"on\":\"request\",\"do\":\"delay\",\"ms\":40,\"times\":0,"
			"\"user\":\"bot\"}");
	next_phase(scene);
	scene->server->api->start(scene->server);
	until_online(scene, 1);
	assert_int_equal(times_idle(scene), 0);

	next_phase(scene);
	until_idle(scene);
	const struct server_new_post post = {
		.key = "k",
		.root_id = "",
		.message = "hello",
	};
	next_phase(scene);
	scene->server->api->post(scene->server, &post, on_reply, scene);
	while (!scene->replied) {
		loop_run(scene->loop);
	}
	assert_int_equal(times_idle(scene), 0);
}

static void the_clock_waits_while_the_socket_is_away(void **state) {
	struct scene *scene = *state;
	scene->server->api->start(scene->server);
	until_online(scene, 1);
	door(scene, "/sandbox/sockets", "{\"do\":\"kill\",\"user\":\"bot\"}");
	while (scene->online) {
		loop_run(scene->loop);
	}
	next_phase(scene);
	until_online(scene, 2);
	assert_int_equal(times_idle(scene), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		CASE(the_clock_waits_for_what_is_on_its_way),
		CASE(the_clock_waits_while_the_socket_is_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
