#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "support/test.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/id.h"
#include "sys/log.h"
#include "sys/runclock.h"
#include "sys/secret.h"

#define START_MS INT64_C(1795478400000) // 2026-11-24T00:00:00Z
#define MINUTE   INT64_C(60000)

/* A folder of our own for one test, and the owner of a run clock in it. */
struct world {
	char folder[64];
	char path[96];
	struct runclock *owner;
	int64_t real_us; // the test's own real time
};

static int set_up(void **state) {
	struct world *world = xcalloc(1, sizeof(*world));
	struct err err = { 0 };
	strcpy(world->folder, "/tmp/test_sys.XXXXXX");
	assert_non_null(mkdtemp(world->folder));
	snprintf(world->path, sizeof(world->path), "%s/clock", world->folder);
	world->owner = runclock_create(world->path, START_MS, &err);
	assert_non_null(world->owner);
	*state = world;
	return 0;
}

static int tear_down(void **state) {
	struct world *world = *state;
	runclock_destroy(world->owner);
	rmdir(world->folder);
	free(world);
	return 0;
}

static struct clock *join(
		struct world *world, const char *name, enum clock_role role) {
	struct err err = { 0 };
	struct clock *clock = clock_join(world->path, name, role, &err);
	if (clock == NULL) {
		printf("# %s\n", err.text);
	}
	assert_non_null(clock);
	return clock;
}

/* One real millisecond passes. */
static enum runclock_state tick(struct world *world) {
	world->real_us += 1000;
	return runclock_advance(world->owner, world->real_us);
}

/* Let @ms pass, @worker (may be NULL) turning once a millisecond. */
static enum runclock_state pass(
		struct world *world, int ms, struct clock *worker, int64_t due_ms) {
	enum runclock_state state = RUNCLOCK_RESTING;
	for (int i = 0; i < ms && state != RUNCLOCK_JUMPED; i++) {
		if (worker != NULL) {
			clock_set_idle(worker, due_ms);
		}
		state = tick(world);
	}
	return state;
}

static int64_t minutes(const struct world *world) {
	return (runclock_now_ms(world->owner) - START_MS) / MINUTE;
}

static void the_clock_jumps_to_the_earliest_due_time(void **state) {
	struct world *world = *state;
	struct clock *bot = join(world, "bot", CLOCK_ROLE_WORKER);
	struct clock *player = join(world, "player", CLOCK_ROLE_WORKER);
	clock_set_idle(player, START_MS + 30 * MINUTE);
	assert_true(
			pass(world, 100, bot, START_MS + 10 * MINUTE) == RUNCLOCK_JUMPED);
	assert_true(clock_now_ms(bot) == START_MS + 10 * MINUTE);
	assert_true(clock_now_ms(player) == START_MS + 10 * MINUTE);
	assert_true(clock_is_shared(bot));
	clock_destroy(bot);
	clock_destroy(player);
}

static void the_clock_stands_still_while_anybody_is_busy(void **state) {
	struct world *world = *state;
	struct clock *bot = join(world, "bot", CLOCK_ROLE_WORKER);
	struct clock *player = join(world, "player", CLOCK_ROLE_WORKER);
	assert_true(pass(world, 200, bot, START_MS + MINUTE) == RUNCLOCK_BUSY);
	assert_true(minutes(world) == 0);
	clock_set_idle(player, CLOCK_NEVER);
	assert_true(pass(world, 100, bot, START_MS + MINUTE) == RUNCLOCK_JUMPED);
	assert_true(minutes(world) == 1);
	clock_destroy(bot);
	clock_destroy(player);
}

static void who_is_due_gets_its_turn_before_time_goes_on(void **state) {
	struct world *world = *state;
	struct clock *bot = join(world, "bot", CLOCK_ROLE_WORKER);
	struct clock *player = join(world, "player", CLOCK_ROLE_WORKER);
	clock_set_idle(bot, START_MS + MINUTE);
	assert_true(
			pass(world, 100, player, START_MS + 2 * MINUTE) == RUNCLOCK_JUMPED);
	assert_true(
			pass(world, 200, player, START_MS + 2 * MINUTE) == RUNCLOCK_BUSY);
	assert_true(minutes(world) == 1);
	clock_set_idle(bot, START_MS + 5 * MINUTE);
	assert_true(
			pass(world, 100, player, START_MS + 2 * MINUTE) == RUNCLOCK_JUMPED);
	assert_true(minutes(world) == 2);
	clock_destroy(bot);
	clock_destroy(player);
}

static void a_jump_waits_until_every_worker_has_turned_twice(void **state) {
	struct world *world = *state;
	struct clock *bot = join(world, "bot", CLOCK_ROLE_WORKER);
	clock_set_idle(bot, START_MS + MINUTE);
	tick(world);
	assert_true(pass(world, 10, NULL, 0) == RUNCLOCK_SETTLING);
	clock_set_idle(bot, START_MS + MINUTE);
	assert_true(tick(world) == RUNCLOCK_SETTLING);
	clock_set_idle(bot, START_MS + MINUTE);
	assert_true(tick(world) == RUNCLOCK_JUMPED);
	clock_destroy(bot);
}

static void a_worker_that_sleeps_through_is_waited_for_only_so_long(
		void **state) {
	struct world *world = *state;
	struct clock *bot = join(world, "bot", CLOCK_ROLE_WORKER);
	clock_set_idle(bot, START_MS + MINUTE);
	assert_true(pass(world, 60, NULL, 0) == RUNCLOCK_JUMPED);
	clock_destroy(bot);
}

static void bytes_on_their_way_put_a_jump_off(void **state) {
	struct world *world = *state;
	struct clock *bot = join(world, "bot", CLOCK_ROLE_WORKER);
	for (int i = 0; i < 50; i++) {
		clock_set_idle(bot, START_MS + MINUTE);
		runclock_touch(world->owner);
		assert_true(tick(world) == RUNCLOCK_SETTLING);
	}
	assert_true(minutes(world) == 0);
	clock_destroy(bot);
}

static void a_command_holds_the_clock_to_ten_times_real_time(void **state) {
	struct world *world = *state;
	struct clock *bot = join(world, "bot", CLOCK_ROLE_WORKER);
	struct clock *command = join(world, "step", CLOCK_ROLE_COMMAND);
	clock_set_idle(bot, START_MS + 10 * MINUTE);
	tick(world);
	assert_true(
			pass(world, 1000, bot, START_MS + 10 * MINUTE) == RUNCLOCK_COMMAND);
	assert_true(clock_now_ms(bot) == START_MS + 10000);
	clock_destroy(command);
	clock_destroy(bot);
}

static void a_command_takes_nobody_past_his_due_time(void **state) {
	struct world *world = *state;
	struct clock *bot = join(world, "bot", CLOCK_ROLE_WORKER);
	struct clock *command = join(world, "step", CLOCK_ROLE_COMMAND);
	clock_set_idle(bot, START_MS + 95);
	assert_true(pass(world, 100, NULL, 0) == RUNCLOCK_BUSY);
	assert_true(clock_now_ms(bot) == START_MS + 95);
	clock_destroy(command);
	clock_destroy(bot);
}

static void a_stalled_owner_does_not_make_up_for_it(void **state) {
	struct world *world = *state;
	struct clock *bot = join(world, "bot", CLOCK_ROLE_WORKER);
	struct clock *command = join(world, "step", CLOCK_ROLE_COMMAND);
	clock_set_idle(bot, CLOCK_NEVER);
	tick(world);
	world->real_us += 5000000;
	tick(world);
	assert_true(clock_now_ms(bot) <= START_MS + 200);
	clock_destroy(command);
	clock_destroy(bot);
}

static void with_a_pace_the_clock_never_jumps(void **state) {
	struct world *world = *state;
	struct clock *bot = join(world, "bot", CLOCK_ROLE_WORKER);
	runclock_set_pace(world->owner, 60);
	clock_set_idle(bot, CLOCK_NEVER);
	tick(world);
	assert_true(pass(world, 1000, NULL, 0) == RUNCLOCK_PACED);
	assert_true(minutes(world) == 1);
	clock_destroy(bot);
}

static void nobody_due_means_no_time_passes(void **state) {
	struct world *world = *state;
	struct clock *bot = join(world, "bot", CLOCK_ROLE_WORKER);
	assert_true(pass(world, 100, bot, CLOCK_NEVER) == RUNCLOCK_RESTING);
	assert_true(clock_now_ms(bot) == START_MS);
	clock_destroy(bot);
}

/* A process that joins as @name, goes idle, says so, and waits. */
static pid_t start_member(struct world *world, const char *name) {
	int ready[2];
	assert_true(pipe(ready) == 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct err err = { 0 };
		struct clock *clock = clock_join(
				world->path, name, CLOCK_ROLE_WORKER, &err);
		if (clock != NULL) {
			clock_set_idle(clock, START_MS + MINUTE);
			ssize_t n = write(ready[1], "!", 1);
			(void)n;
		}
		for (;;) {
			pause();
		}
	}
	struct pollfd poll_fd = { .fd = ready[0], .events = POLLIN };
	assert_true(poll(&poll_fd, 1, 5000) == 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void the_clock_stands_still_when_a_process_was_killed(void **state) {
	struct world *world = *state;
	pid_t pid = start_member(world, "bot");
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT); // a zombie is gone too
	assert_true(pass(world, 200, NULL, 0) == RUNCLOCK_GONE);
	assert_true(minutes(world) == 0);
	waitpid(pid, NULL, 0);
	struct clock *again = join(world, "bot", CLOCK_ROLE_WORKER);
	struct runclock_slot_view views[RUNCLOCK_SLOTS];
	assert_true(runclock_slots(world->owner, views) == 1);
	assert_true(!views[0].gone && views[0].busy);
	assert_true(pass(world, 100, again, START_MS + MINUTE) == RUNCLOCK_JUMPED);
	clock_destroy(again);
}

static void the_owner_can_forgive_a_dead_process(void **state) {
	struct world *world = *state;
	pid_t pid = start_member(world, "step 7");
	assert_true(!runclock_forgive(world->owner, "step 7")); // it lives
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(tick(world) == RUNCLOCK_GONE);
	assert_true(!runclock_forgive(world->owner, "step 8"));
	assert_true(runclock_forgive(world->owner, "step 7"));
	assert_true(tick(world) == RUNCLOCK_RESTING);
}

static void a_name_is_held_by_one_living_process(void **state) {
	struct world *world = *state;
	struct err err = { 0 };
	struct clock *bot = join(world, "bot", CLOCK_ROLE_WORKER);
	struct clock *twin = clock_join(
			world->path, "bot", CLOCK_ROLE_WORKER, &err);
	assert_null(twin);
	assert_true(err.code == ERR_REFUSED);
	clock_destroy(bot);
}

static void a_file_that_is_no_run_clock_is_refused(void **state) {
	struct world *world = *state;
	struct err err = { 0 };
	char other[128];
	snprintf(other, sizeof(other), "%s/other", world->folder);
	assert_null(clock_join(other, "bot", CLOCK_ROLE_WORKER, &err));
	assert_true(err.code == ERR_NOT_FOUND);
	assert_true(fd_write_file(other, "short", 5, 0600, &err));
	assert_null(clock_join(other, "bot", CLOCK_ROLE_WORKER, &err));
	assert_true(err.code == ERR_INVALID);
	unlink(other);
}

static void a_full_clock_says_so(void **state) {
	struct world *world = *state;
	struct clock *clocks[RUNCLOCK_SLOTS];
	struct err err = { 0 };
	for (int i = 0; i < RUNCLOCK_SLOTS; i++) {
		char name[16];
		snprintf(name, sizeof(name), "p%d", i);
		clocks[i] = join(world, name, CLOCK_ROLE_WORKER);
	}
	assert_null(clock_join(world->path, "one", CLOCK_ROLE_WORKER, &err));
	assert_non_null(strstr(err.text, "slots are taken"));
	for (int i = 0; i < RUNCLOCK_SLOTS; i++) {
		clock_destroy(clocks[i]);
	}
}

static void a_real_clock_is_the_systems(void **state) {
	(void)state;
	struct clock *clock = clock_create_real();
	assert_true(!clock_is_shared(clock));
	int64_t now_ms = clock_now_ms(clock);
	assert_true(now_ms > INT64_C(1600000000000));
	clock_set_idle(clock, CLOCK_NEVER);
	clock_set_busy(clock);
	assert_true(clock_now_ms(clock) >= now_ms);
	clock_destroy(clock);
}

static int entries_of(const char *folder) {
	int count = 0;
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	while (readdir(dir) != NULL) {
		count++;
	}
	closedir(dir);
	return count;
}

static void a_file_is_replaced_whole_and_read_back(void **state) {
	struct world *world = *state;
	struct err err = { 0 };
	struct str text;
	char path[128];
	struct stat about;
	snprintf(path, sizeof(path), "%s/file", world->folder);
	str_init(&text, 0);
	assert_true(fd_write_file(path, "old and longer", 14, 0644, &err));
	assert_true(fd_write_file(path, "new", 3, 0600, &err));
	assert_true(fd_read_file(path, 3, &text, &err));
	assert_string_equal(str_text(&text), "new");
	assert_true(stat(path, &about) == 0 && (about.st_mode & 0777) == 0600);
	unlink(path);
	assert_true(entries_of(world->folder) == 3); // ., .. and the clock
	str_finish(&text);
}

static void a_file_over_the_cap_or_of_another_kind_is_refused(void **state) {
	struct world *world = *state;
	struct err err = { 0 };
	struct str text;
	char path[128];
	snprintf(path, sizeof(path), "%s/file", world->folder);
	str_init(&text, 0);
	assert_true(!fd_read_file(path, 10, &text, &err));
	assert_true(err.code == ERR_NOT_FOUND);
	assert_true(fd_write_file(path, "01234567890", 11, 0600, &err));
	assert_true(!fd_read_file(path, 10, &text, &err));
	assert_true(err.code == ERR_INVALID);
	unlink(path);
	assert_true(mkfifo(path, 0600) == 0);
	assert_true(!fd_read_file(path, 10, &text, &err));
	assert_true(err.code == ERR_INVALID);
	unlink(path);
	str_finish(&text);
}

static void a_child_keeps_no_descriptor(void **state) {
	(void)state;
	int fd = dup(STDERR_FILENO);
	pid_t pid = fork();
	if (pid == 0) {
		fd_close_from(3);
		_exit(fcntl(fd, F_GETFD) < 0 && errno == EBADF ? 0 : 1);
	}
	int status = -1;
	assert_true(waitpid(pid, &status, 0) == pid && status == 0);
	struct err err = { 0 };
	assert_true(fd_set_cloexec(fd, &err));
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	fd_close(&fd);
	assert_true(fd == -1);
	assert_true(!fd_set_cloexec(fd, &err));
}

static void ids_are_26_signs_and_differ(void **state) {
	(void)state;
	char a[ID_ROOM], b[ID_ROOM];
	id_make(a);
	id_make(b);
	assert_true(strlen(a) == ID_LEN);
	assert_true(strspn(a, "abcdefghijklmnopqrstuvwxyz0123456789") == ID_LEN);
	assert_string_not_equal(a, b);
}

static struct secret *secret_in(
		struct world *world, const char *text, mode_t mode, struct err *err) {
	char path[128];
	snprintf(path, sizeof(path), "%s/token", world->folder);
	assert_true(fd_write_file(path, text, strlen(text), mode, err));
	struct secret *secret = secret_read_file(path, err);
	unlink(path);
	return secret;
}

static void a_secret_is_read_only_from_a_file_that_nobody_else_reads(
		void **state) {
	struct world *world = *state;
	struct err err = { 0 };
	struct secret *secret = secret_in(world, "abc def\n", 0400, &err);
	assert_non_null(secret);
	assert_string_equal(secret_reveal(secret), "abc def");
	assert_true(secret_len(secret) == 7);
	assert_string_equal(secret_shown(secret), "***");
	secret_destroy(secret);
	assert_null(secret_in(world, "abc\n", 0640, &err));
	assert_true(err.code == ERR_REFUSED);
	assert_null(strstr(err.text, "abc"));
	assert_null(secret_in(world, "abc\n", 0604, &err));
	assert_true(err.code == ERR_REFUSED);
	assert_null(secret_in(world, " \n", 0600, &err));
	assert_true(err.code == ERR_INVALID);
	assert_null(secret_read_file("/nowhere/token", &err));
	assert_true(err.code == ERR_NOT_FOUND);
	assert_null(secret_read_file("/tmp", &err));
	assert_true(err.code == ERR_INVALID);
}

static void a_credential_is_read_whoever_systemd_lets_at_it(void **state) {
	struct world *world = *state;
	struct err err = { 0 };
	char path[128];
	snprintf(path, sizeof(path), "%s/token", world->folder);
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_null(secret_read_credential("token", &err));
	assert_true(err.code == ERR_REFUSED);
	setenv("CREDENTIALS_DIRECTORY", world->folder, 1);
	assert_null(secret_read_credential("token", &err));
	assert_true(err.code == ERR_NOT_FOUND);
	/* With an ACL the group's bits are the ACL's mask. */
	assert_true(fd_write_file(path, "abc\n", 4, 0440, &err));
	struct secret *secret = secret_read_credential("token", &err);
	assert_non_null(secret);
	assert_string_equal(secret_reveal(secret), "abc");
	secret_destroy(secret);
	unlink(path);
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void a_log_line_is_one_line_whatever_it_holds(void **state) {
	(void)state;
	int ends[2];
	char line[8192];
	assert_true(pipe(ends) == 0);
	int kept = dup(STDERR_FILENO);
	char *longest = xcalloc(1, 6001);
	memset(longest, 'x', 6000);
	dup2(ends[1], STDERR_FILENO);
	log_info("step.started", "run=%s why=\"%s\"", "LB-7", "a\nb\x1b[2J");
	log_error("much", "text=%s", longest);
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(ends[1]);
	ssize_t len = read(ends[0], line, sizeof(line) - 1);
	assert_true(len > 0);
	line[len] = '\0';
	close(ends[0]);
	free(longest);
	assert_non_null(strstr(
			line, "Z info step.started run=LB-7 why=\"a\\nb\\x1b[2J\"\n"));
	char *second = strchr(line, '\n') + 1;
	assert_true(strlen(second) <= 4097);
	assert_true(strchr(second, '\n') == second + strlen(second) - 1);
}

#define WITH_WORLD(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		WITH_WORLD(the_clock_jumps_to_the_earliest_due_time),
		WITH_WORLD(the_clock_stands_still_while_anybody_is_busy),
		WITH_WORLD(who_is_due_gets_its_turn_before_time_goes_on),
		WITH_WORLD(a_jump_waits_until_every_worker_has_turned_twice),
		WITH_WORLD(a_worker_that_sleeps_through_is_waited_for_only_so_long),
		WITH_WORLD(bytes_on_their_way_put_a_jump_off),
		WITH_WORLD(a_command_holds_the_clock_to_ten_times_real_time),
		WITH_WORLD(a_command_takes_nobody_past_his_due_time),
		WITH_WORLD(a_stalled_owner_does_not_make_up_for_it),
		WITH_WORLD(with_a_pace_the_clock_never_jumps),
		WITH_WORLD(nobody_due_means_no_time_passes),
		WITH_WORLD(the_clock_stands_still_when_a_process_was_killed),
		WITH_WORLD(the_owner_can_forgive_a_dead_process),
		WITH_WORLD(a_name_is_held_by_one_living_process),
		WITH_WORLD(a_file_that_is_no_run_clock_is_refused),
		WITH_WORLD(a_full_clock_says_so),
		cmocka_unit_test(a_real_clock_is_the_systems),
		WITH_WORLD(a_file_is_replaced_whole_and_read_back),
		WITH_WORLD(a_file_over_the_cap_or_of_another_kind_is_refused),
		cmocka_unit_test(a_child_keeps_no_descriptor),
		cmocka_unit_test(ids_are_26_signs_and_differ),
		WITH_WORLD(a_secret_is_read_only_from_a_file_that_nobody_else_reads),
		WITH_WORLD(a_credential_is_read_whoever_systemd_lets_at_it),
		cmocka_unit_test(a_log_line_is_one_line_whatever_it_holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
