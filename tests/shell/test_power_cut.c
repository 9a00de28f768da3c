#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"
#include "journal/journal.h"
#include "journal/sqlite.h"
#include "support/test.h"

/*
 * What is left of a journal when the machine loses its power: of each file what
 * it held when it was last brought to the disk.  SQLite calls the fdatasync()
 * of this file, which keeps such a copy.
 */

struct machine {
	char memory[64]; // the state folder, as the running bot sees it
	char disk[64];   // as it is after a cut
	struct journal *journal;
};

static struct machine *running;
static unsigned syncs;

static void copy_to_disk(int fd, const char *name) {
	char path[128];
	struct stat info;
	snprintf(path, sizeof(path), "%s/%s", running->disk, name);
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(to >= 0);
	assert_int_equal(fstat(fd, &info), 0);
	for (off_t at = 0; at < info.st_size;) {
		assert_true(sendfile(to, fd, &at, (size_t)(info.st_size - at)) > 0);
	}
	close(to);
}

int fdatasync(int fd) {
	char link[64];
	char path[128] = "";
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, path, sizeof(path) - 1);
	size_t folder = running != NULL ? strlen(running->memory) : 0;
	if (folder > 0 && len > (ssize_t)folder &&
			strncmp(path, running->memory, folder) == 0) {
		syncs++;
		copy_to_disk(fd, path + folder + 1);
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static void make_dir(char dir[64]) {
	snprintf(dir, 64, "/tmp/power-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
}

static void remove_dir(const char *dir) {
	DIR *listing = opendir(dir);
	assert_non_null(listing);
	for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
		if (entry->d_name[0] != '.') {
			assert_int_equal(unlinkat(dirfd(listing), entry->d_name, 0), 0);
		}
	}
	closedir(listing);
	assert_int_equal(rmdir(dir), 0);
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
	running = machine;
	machine->journal = open_journal(machine->memory);
	*state = machine;
	return 0;
}

static int tear_down(void **state) {
	struct machine *machine = *state;
	machine->journal->api->destroy(machine->journal);
	running = NULL;
	remove_dir(machine->memory);
	remove_dir(machine->disk);
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
	struct journal *journal = open_journal(before);
	journal->api->head(journal, &seq, hash);
	str_addf(&found, "%" PRIu64 ":", seq);
	assert_true(journal->api->pending(journal, add_pending, &found, &err));
	assert_string_equal(str_text(&found), expected);
	journal->api->destroy(journal);
	str_finish(&found);
	remove_dir(before);
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
	unsigned before = syncs;
	assert_true(journal->api->tried(journal, 1, 42, &err));
	assert_true(journal->api->settled(journal, 1, OUTBOX_SENT, "p", &err));
	assert_true(journal->api->tried(journal, 2, 43, &err));
	assert_int_equal(syncs, before);
	assert_left(machine, "2:a tried 0,b tried 0,");
	commit(machine, "c");
	assert_true(syncs > before);
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
