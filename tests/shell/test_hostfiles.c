#include "app/hostfiles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "loop/loop.h"
#include "support/test.h"
#include "sys/clock.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* A program by the name of ssh answers for the host. */
struct scene {
	char folder[64];
	struct clock *clock;
	struct loop *loop;
	struct hostfiles *hostfiles;
	struct config_target target;
	struct config config;
	struct config_host host;
};

static char web[] = "web";
static char node[] = "node1";
static char place[] = "/srv";
static char none[] = "none";

static void answers(const struct scene *scene, const char *hash) {
	char *path = xasprintf("%s/ssh", scene->folder);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\nprintf 'begin\\nfile %s a.yml\\nend\\n'\n", hash);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0700), 0);
	free(path);
}

static int setup(void **state) {
	static struct scene scene;
	struct err err = { 0 };
	scene = (struct scene){ .folder = "/tmp/hostfiles.XXXXXX" };
	scene.host = (struct config_host){ .text = node, .name = node };
	scene.target = (struct config_target){
		.name = web,
		.hosts = &scene.host,
		.host_count = 1,
		.workdir = place,
		.ssh_key = none,
		.ssh_known_hosts = none,
	};
	scene.config.targets = &scene.target;
	scene.config.target_count = 1;
	scene.clock = clock_create_real();
	scene.loop = loop_create(scene.clock, &err);
	if (mkdtemp(scene.folder) == NULL || scene.loop == NULL) {
		return -1;
	}
	char *path = xasprintf("%s:%s", scene.folder, getenv("PATH"));
	setenv("PATH", path, 1);
	free(path);
	scene.hostfiles = hostfiles_create(scene.loop, NULL);
	*state = &scene;
	return 0;
}

static int teardown(void **state) {
	struct scene *scene = *state;
	hostfiles_destroy(scene->hostfiles);
	loop_destroy(scene->loop);
	clock_destroy(scene->clock);
	char *path = xasprintf("%s/ssh", scene->folder);
	unlink(path);
	free(path);
	return rmdir(scene->folder);
}

static void on_read(void *data) {
	loop_stop(((struct scene *)data)->loop);
}

static void ask(struct scene *scene) {
	assert_true(hostfiles_read(
			scene->hostfiles, &scene->config, "/", web, NULL, on_read, scene));
}

static const char *last_seen(const struct scene *scene) {
	const struct reading *reading = readings_of(
			hostfiles_readings(scene->hostfiles), web, node);
	const char *hash = reading != NULL ? reading_hash(reading, "a.yml") : NULL;
	return hash != NULL ? hash : "";
}

/* Whoever was called back may decide by it a little later. */
static void what_was_read_stands_until_the_next_answer(void **state) {
	struct scene *scene = *state;
	answers(scene, A);
	ask(scene);
	assert_null(readings_of(hostfiles_readings(scene->hostfiles), web, node));
	loop_run(scene->loop);
	assert_string_equal(last_seen(scene), A);
	answers(scene, B);
	ask(scene);
	assert_string_equal(last_seen(scene), A);
	loop_run(scene->loop);
	assert_string_equal(last_seen(scene), B);
}

static void a_question_that_is_dropped_changes_nothing(void **state) {
	struct scene *scene = *state;
	answers(scene, A);
	ask(scene);
	loop_run(scene->loop);
	ask(scene);
	assert_string_equal(last_seen(scene), A);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
				what_was_read_stands_until_the_next_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(
				a_question_that_is_dropped_changes_nothing, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
