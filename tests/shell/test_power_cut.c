#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "journal/journal.h"
#include "journal/sqlite.h"
#include "support/folder.h"
#include "support/synced.h"
#include "support/test.h"

struct machine {
	char memory[64]; // the state folder, as the running bot sees it
	char disk[64];   // as it is after a cut
	struct journal *journal;
};

static void make_dir(char dir[64]) {
	snprintf(dir, 64, "/tmp/power-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
}

static struct journal *open_journal(const char *dir) {
	struct err err = { 0 };
	struct journal *journal = journal_sqlite_open(dir, &err);
	assert_string_equal(err.text, "");
	assert_non_null(journal);
	return journal;
}

static int set_up(void **state) {
	struct machine *machine = calloc(1, sizeof(*machine));
	make_dir(machine->memory);
	make_dir(machine->disk);
	setenv("DISK", machine->disk, 1);
	machine->journal = open_journal(machine->memory);
	*state = machine;
	return 0;
}

static int tear_down(void **state) {
	struct machine *machine = *state;
	machine->journal->api->destroy(machine->journal);
	unsetenv("DISK");
	folder_remove(machine->memory);
	folder_remove(machine->disk);
	free(machine);
	return 0;
}

static void commit(struct machine *machine, const char *key) {
	const struct journal_row row = { .type = "said", .body = "{}" };
	const struct outbox_row post = { .key = key, .text = "hello" };
	const struct journal_batch batch = {
		.input = key,
		.rows = &row,
		.row_count = 1,
		.outbox = &post,
		.outbox_count = 1,
	};
	struct err err = { 0 };
	assert_int_equal(
			machine->journal->api->append(machine->journal, &batch, &err),
			JOURNAL_APPENDED);
}

static void add_pending(void *data, const struct outbox_row *row) {
	str_addf(data, "%s tried %" PRId64 ",", row->key, row->first_try_ms);
}

/* What a bot on a machine that lost its power finds: rows, and what waits. */
static void assert_left(struct machine *machine, const char *expected) {
	char before[64];
	struct err err = { 0 };
	char hash[SHA256_HEX];
	uint64_t seq = 0;
	struct str found;
	str_init(&found, 0);
	make_dir(before);
	char command[256];
	snprintf(command, sizeof(command), "cp -a %s/. %s", machine->disk, before);
	assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): no input
	unsetenv("DISK");
	struct journal *journal = open_journal(before);
	journal->api->head(journal, &seq, hash);
	str_addf(&found, "%" PRIu64 ":", seq);
	assert_true(journal->api->pending(journal, add_pending, &found, &err));
	assert_string_equal(str_text(&found), expected);
	journal->api->destroy(journal);
	setenv("DISK", machine->disk, 1);
	str_finish(&found);
	folder_remove(before);
}

static void what_was_acknowledged_outlives_a_power_cut(void **state) {
	struct machine *machine = *state;
	commit(machine, "a");
	assert_left(machine, "1:a tried 0,");
	commit(machine, "b");
	assert_left(machine, "2:a tried 0,b tried 0,");
}

/* Nobody waits for the disk before a post leaves, nor after it. */
static void what_came_of_a_post_is_kept_with_the_next_append(void **state) {
	struct machine *machine = *state;
	struct journal *journal = machine->journal;
	struct err err = { 0 };
	commit(machine, "a");
	commit(machine, "b");
	unsigned before = synced_count;
	assert_true(journal->api->tried(journal, 1, 42, &err));
	assert_true(journal->api->settled(journal, 1, OUTBOX_SENT, "p", &err));
	assert_true(journal->api->tried(journal, 2, 43, &err));
	assert_int_equal(synced_count, before);
	assert_left(machine, "2:a tried 0,b tried 0,");
	commit(machine, "c");
	assert_true(synced_count > before);
	assert_left(machine, "3:b tried 43,c tried 0,");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
				what_was_acknowledged_outlives_a_power_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
				what_came_of_a_post_is_kept_with_the_next_append, set_up,
				tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
