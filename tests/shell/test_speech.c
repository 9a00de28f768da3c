/* The voice that people hear, with templates of the user's own. */
#include "app/speech.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
		"card.mustache", "nothing_like_it.mustache" };
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

/* Free @problem, which must tell @part; NULL: there must be none. */
static void assert_problem(char *problem, const char *part) {
	if (part == NULL) {
		assert_null(problem);
	} else {
		assert_non_null(problem);
		assert_non_null(strstr(problem, part));
	}
	free(problem);
}

static struct voice *speech_of(const char *path, const char *problem) {
	char *why = NULL;
	struct voice *voice = speech_create(path, "LB", &why);
	assert_problem(why, problem);
	return voice;
}

static void assert_answer(struct voice *voice, const char *want) {
	char *text = answer(voice, "fine");
	assert_string_equal(text, want);
	free(text);
}

static void without_a_folder_it_speaks_as_built(void **state) {
	(void)state;
	struct voice *voice = speech_of(NULL, NULL);
	assert_answer(voice, "ℹ️ fine");
	speech_destroy(voice);
}

static void a_template_of_the_users_own_is_used(void **state) {
	const struct folder *folder = *state;
	put(folder, "answer.mustache", "so: {{text}}\n");
	put(folder, "note", "{{no template}}");
	struct voice *voice = speech_of(folder->path, NULL);
	assert_answer(voice, "so: fine");
	speech_destroy(voice);
}

static void in_the_place_of_one_that_cannot_work_the_built_in_is_said(
		void **state) {
	const struct folder *folder = *state;
	put(folder, "answer.mustache", "so:\n{{txt}}\n");
	struct voice *voice = speech_of(
			folder->path, "answer.mustache:2:1: {{txt}}: no such name");
	assert_answer(voice, "ℹ️ fine");
	speech_destroy(voice);
	put(folder, "answer.mustache", "so: {{text}}\n");
	put(folder, "nothing_like_it.mustache", "x");
	voice = speech_of(
			folder->path, "nothing_like_it.mustache: there is no such message");
	assert_answer(voice, "so: fine");
	speech_destroy(voice);
	voice = speech_of("/nowhere/at/all", "/nowhere/at/all");
	assert_answer(voice, "ℹ️ fine");
	speech_destroy(voice);
}

static void what_breaks_while_it_runs_leaves_the_old_in_force(void **state) {
	const struct folder *folder = *state;
	char unreadable[128];
	put(folder, "answer.mustache", "so: {{text}}\n");
	struct voice *voice = speech_of(folder->path, NULL);
	put(folder, "answer.mustache", "{{#text}}\n");
	assert_problem(speech_reload(voice, folder->path), "answer.mustache");
	assert_answer(voice, "so: fine");
	assert_problem(speech_reload(voice, "/nowhere/at/all"), "/nowhere/at/all");
	assert_answer(voice, "so: fine");
	snprintf(
			unreadable, sizeof(unreadable), "%s/answer.mustache", folder->path);
	assert_int_equal(unlink(unreadable), 0);
	assert_int_equal(mkdir(unreadable, 0700), 0);
	assert_problem(speech_reload(voice, folder->path), unreadable);
	assert_answer(voice, "so: fine");
	assert_int_equal(rmdir(unreadable), 0);
	speech_destroy(voice);
}

static void beside_one_that_breaks_the_others_are_taken_over(void **state) {
	const struct folder *folder = *state;
	struct voice *voice = speech_of(folder->path, NULL);
	put(folder, "answer.mustache", "so: {{text}}\n");
	put(folder, "card.mustache", "{{#never closed");
	assert_problem(speech_reload(voice, folder->path), "card.mustache");
	assert_answer(voice, "so: fine");
	speech_destroy(voice);
}

static void one_that_is_taken_away_gives_way_to_the_built_in(void **state) {
	const struct folder *folder = *state;
	put(folder, "answer.mustache", "so: {{text}}\n");
	struct voice *voice = speech_of(folder->path, NULL);
	assert_problem(speech_reload(voice, NULL), NULL);
	assert_answer(voice, "ℹ️ fine");
	speech_destroy(voice);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_folder_it_speaks_as_built),
		cmocka_unit_test_setup_teardown(
				a_template_of_the_users_own_is_used, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(
				in_the_place_of_one_that_cannot_work_the_built_in_is_said,
				make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(
				what_breaks_while_it_runs_leaves_the_old_in_force, make_folder,
				drop_folder),
		cmocka_unit_test_setup_teardown(
				beside_one_that_breaks_the_others_are_taken_over, make_folder,
				drop_folder),
		cmocka_unit_test_setup_teardown(
				one_that_is_taken_away_gives_way_to_the_built_in, make_folder,
				drop_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
