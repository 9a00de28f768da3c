/* The voice that people hear, with templates of the user's own. */
#include "app/speech.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "core/decide.h"
#include "support/test.h"

struct folder {
	char path[64];
};

static int make_folder(void **state) {
	struct folder *folder = calloc(1, sizeof(*folder));
	strcpy(folder->path, "/tmp/test_speech.XXXXXX");
	*state = folder;
	return folder != NULL && mkdtemp(folder->path) != NULL ? 0 : -1;
}

static int drop_folder(void **state) {
	struct folder *folder = *state;
	static const char *const names[] = { "note", "answer.mustache",
		"server_back.mustache", "nothing_like_it.mustache" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = xasprintf("%s/%s", folder->path, names[i]);
		unlink(path);
		free(path);
	}
	rmdir(folder->path);
	free(folder);
	return 0;
}

static void put(
		const struct folder *folder, const char *name, const char *text) {
	char *path = xasprintf("%s/%s", folder->path, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	free(path);
}

/* What is said when @text is answered to somebody. */
static char *answer(struct voice *voice, const char *text) {
	struct bridge bridge;
	bridge_init(&bridge);
	struct people people;
	people_init(&people);
	const struct settings settings = { .prefix = "LB" };
	const struct world world = {
		.settings = &settings,
		.people = &people,
	};
	const struct voice_scene scene = { .bridge = &bridge, .world = &world };
	struct event event = event_make(EVENT_COMMAND_ANSWERED, 0);
	event.user = "u";
	event.post = "p";
	event.name = "poll";
	event.text = text;
	struct said said = { 0 };
	voice->api->say(voice, &scene, &event, &said);
	assert_int_equal(said.count, 1);
	char *copy = xstrdup(said.rows[0].text);
	said_finish(&said);
	people_finish(&people);
	bridge_finish(&bridge);
	return copy;
}

static void without_a_folder_it_speaks_as_built(void **state) {
	(void)state;
	struct err err = { 0 };
	struct voice *voice = speech_create(NULL, "LB", &err);
	assert_non_null(voice);
	char *text = answer(voice, "fine");
	assert_string_equal(text, "ℹ️ fine");
	free(text);
	speech_destroy(voice);
}

static void a_template_of_the_users_own_is_used(void **state) {
	const struct folder *folder = *state;
	struct err err = { 0 };
	put(folder, "answer.mustache", "so: {{text}}\n");
	put(folder, "note", "{{no template}}");
	struct voice *voice = speech_create(folder->path, "LB", &err);
	assert_non_null(voice);
	char *text = answer(voice, "fine");
	assert_string_equal(text, "so: fine");
	free(text);
	speech_destroy(voice);
}

static void one_that_cannot_work_is_refused_with_its_place(void **state) {
	const struct folder *folder = *state;
	struct err err = { 0 };
	put(folder, "answer.mustache", "so:\n{{txt}}\n");
	assert_null(speech_create(folder->path, "LB", &err));
	assert_non_null(
			strstr(err.text, "answer.mustache:2:1: {{txt}}: no such name"));
	put(folder, "answer.mustache", "{{text}}\n");
	put(folder, "nothing_like_it.mustache", "x");
	assert_null(speech_create(folder->path, "LB", &err));
	assert_non_null(strstr(
			err.text, "nothing_like_it.mustache: there is no such message"));
	assert_null(speech_create("/nowhere/at/all", "LB", &err));
}

static void what_breaks_while_it_runs_leaves_the_old_in_force(void **state) {
	const struct folder *folder = *state;
	struct err err = { 0 };
	put(folder, "answer.mustache", "so: {{text}}\n");
	struct voice *voice = speech_create(folder->path, "LB", &err);
	assert_non_null(voice);
	put(folder, "answer.mustache", "{{#text}}\n");
	assert_false(speech_reload(voice, folder->path, &err));
	char *text = answer(voice, "fine");
	assert_string_equal(text, "so: fine");
	free(text);
	speech_destroy(voice);
}

static void a_run_is_spoken_of_with_what_of_the_users_own_can_be_used(
		void **state) {
	const struct folder *folder = *state;
	char *problem = NULL;
	put(folder, "answer.mustache", "so: {{text}}\n");
	put(folder, "card.mustache", "{{#never closed");
	struct voice *voice = speech_salvage(folder->path, "LB", &problem);
	assert_non_null(voice);
	assert_non_null(problem);
	assert_non_null(strstr(problem, "card.mustache"));
	free(problem);
	char *text = answer(voice, "fine");
	assert_string_equal(text, "so: fine");
	free(text);
	speech_destroy(voice);
	voice = speech_salvage("/nowhere/at/all", "LB", &problem);
	assert_non_null(voice);
	assert_non_null(strstr(problem, "/nowhere/at/all"));
	free(problem);
	text = answer(voice, "fine");
	assert_string_equal(text, "ℹ️ fine");
	free(text);
	speech_destroy(voice);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_folder_it_speaks_as_built),
		cmocka_unit_test_setup_teardown(
				a_template_of_the_users_own_is_used, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(
				one_that_cannot_work_is_refused_with_its_place, make_folder,
				drop_folder),
		cmocka_unit_test_setup_teardown(
				what_breaks_while_it_runs_leaves_the_old_in_force, make_folder,
				drop_folder),
		cmocka_unit_test_setup_teardown(
				a_run_is_spoken_of_with_what_of_the_users_own_can_be_used,
				make_folder, drop_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
