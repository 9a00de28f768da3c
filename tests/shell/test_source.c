/* The files on disk, and somebody who writes them in the very moment in which
 * they are read. */
#include "app/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "journal/journal.h"
#include "journal/memory.h"
#include "support/test.h"
#include "sys/fd.h"

#define CONFIG(runbook, lead) \
	"[mattermost]\nurl = https://chat.example.org\nteam = t\n" \
	"token_file = token\n[bridge]\nchannel = bridge\nrunbook = " runbook \
	"\nstate_dir = state\n[role Lead]\nprimary = " lead "\n"

#define RUNBOOK(words) \
	"# Hello\n\n| Role | Primary | Backup | Contact |\n|---|---|---|---|\n" \
	"| Lead | a | b | c |\n\n## 1 Try {.rehearsal}\n\n1. Say it\n\n" \
	"   ```sh\n   echo " words "\n   ```\n"

struct fixture {
	char dir[64];
	struct journal *journal;
	struct source *source;
};

static void write_file(
		const struct fixture *fixture, const char *name, const char *text) {
	char *path = xasprintf("%s/%s", fixture->dir, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	free(path);
}

/* --- the one who writes --- */

static struct {
	const struct fixture *fixture; // NULL: nobody writes
	const char *name;              // as soon as this has been read
	unsigned again;                // so often once more
	const char *text;
} writer;

bool __real_fd_read_file(
		const char *path, size_t cap, struct str *text, struct err *err);
bool __wrap_fd_read_file(
		const char *path, size_t cap, struct str *text, struct err *err);

bool __wrap_fd_read_file(
		const char *path, size_t cap, struct str *text, struct err *err) {
	bool ok = __real_fd_read_file(path, cap, text, err);
	const char *slash = strrchr(path, '/');
	if (writer.fixture != NULL && slash != NULL &&
			strcmp(slash + 1, writer.name) == 0 && writer.again-- == 0) {
		const struct fixture *fixture = writer.fixture;
		writer.fixture = NULL;
		write_file(fixture, writer.name, writer.text);
	}
	return ok;
}

static void written_once_read(
		const struct fixture *fixture, const char *name, const char *text) {
	writer.fixture = fixture;
	writer.name = name;
	writer.again = 0;
	writer.text = text;
}

/* --- the fixture --- */

static int set_up(void **state) {
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));
	snprintf(fixture->dir, sizeof(fixture->dir), "/tmp/source-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->dir));
	write_file(fixture, "config.ini", CONFIG("one.md", "ann"));
	write_file(fixture, "one.md", RUNBOOK("one"));
	write_file(fixture, "two.md", RUNBOOK("two"));
	fixture->journal = journal_memory_create();
	*state = fixture;
	return 0;
}

static int tear_down(void **state) {
	struct fixture *fixture = *state;
	source_destroy(fixture->source);
	fixture->journal->api->destroy(fixture->journal);
	char *command = xasprintf("rm -r '%s'", fixture->dir);
	assert_int_equal(system(command), 0);
	free(command);
	free(fixture);
	return 0;
}

static void read_all(struct fixture *fixture) {
	struct err err = { 0 };
	char *path = xasprintf("%s/config.ini", fixture->dir);
	fixture->source = source_read(path, &err);
	free(path);
	assert_non_null(fixture->source);
	assert_null(source_broken(fixture->source));
	assert_true(source_use_journal(fixture->source, fixture->journal, &err));
}

static enum source_news look(struct fixture *fixture) {
	char *text = NULL;
	enum source_news news = source_look(fixture->source, false, &text);
	free(text);
	return news;
}

static const char *lead(const struct fixture *fixture) {
	const struct config *config = source_config(fixture->source)->config;
	return config->roles[0].primary;
}

/* --- claims --- */

static void what_did_not_change_is_no_news(void **state) {
	struct fixture *fixture = *state;
	read_all(fixture);
	assert_int_equal(look(fixture), SOURCE_SAME);
	write_file(fixture, "config.ini", CONFIG("one.md", "bertha"));
	assert_int_equal(look(fixture), SOURCE_CHANGED);
	assert_string_equal(lead(fixture), "bertha");
	assert_int_equal(look(fixture), SOURCE_SAME);
}

static void what_is_written_while_the_bot_starts_is_seen(void **state) {
	struct fixture *fixture = *state;
	static const char *const names[] = { "config.ini", "one.md" };
	static const char *const texts[] = { CONFIG("one.md", "bertha"),
		RUNBOOK("one and a half") };
	for (size_t i = 0; i < 2; i++) {
		written_once_read(fixture, names[i], texts[i]);
		writer.again = i == 0; // the config is read to know where all is
		read_all(fixture);
		assert_null(writer.fixture);
		assert_int_equal(look(fixture), SOURCE_CHANGED);
		assert_int_equal(look(fixture), SOURCE_SAME);
		assert_string_equal(lead(fixture), "bertha");
		source_destroy(fixture->source);
		fixture->source = NULL;
	}
}

/* An editor that saves in two halves: only the first was read. */
static void what_is_written_while_news_are_read_is_seen(void **state) {
	struct fixture *fixture = *state;
	read_all(fixture);
	write_file(fixture, "config.ini", CONFIG("one.md", "bertha"));
	written_once_read(fixture, "config.ini", CONFIG("one.md", "caroline"));
	assert_int_equal(look(fixture), SOURCE_CHANGED);
	assert_string_equal(lead(fixture), "bertha");
	assert_int_equal(look(fixture), SOURCE_CHANGED);
	assert_string_equal(lead(fixture), "caroline");
	write_file(fixture, "one.md", RUNBOOK("another"));
	written_once_read(fixture, "one.md", RUNBOOK("still another"));
	assert_int_equal(look(fixture), SOURCE_CHANGED);
	assert_int_equal(look(fixture), SOURCE_CHANGED);
	assert_int_equal(look(fixture), SOURCE_SAME);
}

static void a_runbook_that_is_new_to_the_config_is_not_missed(void **state) {
	struct fixture *fixture = *state;
	read_all(fixture);
	write_file(fixture, "config.ini", CONFIG("two.md", "ann"));
	written_once_read(fixture, "two.md", RUNBOOK("two and a half"));
	assert_int_equal(look(fixture), SOURCE_CHANGED);
	assert_null(writer.fixture);
	assert_int_equal(look(fixture), SOURCE_CHANGED);
	assert_int_equal(look(fixture), SOURCE_SAME);
}

static void a_new_runbook_that_was_broken_is_read_once_it_is_mended(
		void **state) {
	struct fixture *fixture = *state;
	read_all(fixture);
	write_file(fixture, "two.md", "## 1 Try {.rehearsal gate=\"T\"}\n");
	write_file(fixture, "config.ini", CONFIG("two.md", "bertha"));
	assert_int_equal(look(fixture), SOURCE_BROKEN);
	assert_string_equal(lead(fixture), "ann");
	assert_int_equal(look(fixture), SOURCE_SAME);
	write_file(fixture, "two.md", RUNBOOK("two"));
	assert_int_equal(look(fixture), SOURCE_CHANGED);
	assert_string_equal(lead(fixture), "bertha");
	assert_int_equal(look(fixture), SOURCE_SAME);
}

static void half_a_config_leaves_the_old_until_it_is_whole(void **state) {
	struct fixture *fixture = *state;
	read_all(fixture);
	write_file(fixture, "config.ini", "[mattermost]\nurl = htt");
	written_once_read(fixture, "config.ini", CONFIG("one.md", "bertha"));
	assert_int_equal(look(fixture), SOURCE_BROKEN);
	assert_string_equal(lead(fixture), "ann");
	assert_int_equal(look(fixture), SOURCE_CHANGED);
	assert_string_equal(lead(fixture), "bertha");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
				what_did_not_change_is_no_news, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
				what_is_written_while_the_bot_starts_is_seen, set_up,
				tear_down),
		cmocka_unit_test_setup_teardown(
				what_is_written_while_news_are_read_is_seen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
				a_runbook_that_is_new_to_the_config_is_not_missed, set_up,
				tear_down),
		cmocka_unit_test_setup_teardown(
				a_new_runbook_that_was_broken_is_read_once_it_is_mended, set_up,
				tear_down),
		cmocka_unit_test_setup_teardown(
				half_a_config_leaves_the_old_until_it_is_whole, set_up,
				tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
