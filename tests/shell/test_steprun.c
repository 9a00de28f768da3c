#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "exec/stepfolder.h"
#include "exec/steplog.h"
#include "support/test.h"
#include "sys/fd.h"
#include "sys/runclock.h"

/* One attempt's folder, and what will run in it. */
struct bench {
	char folder[64];
	struct step_spec spec; // its texts are literals: never finished
	rlim_t file_limit;     // of steprun; 0: none
	const char *path;      // PATH of steprun; NULL: ours
};

static void remove_tree(const char *path) {
	pid_t pid = 0;
	char *argv[] = { xstrdup("rm"), xstrdup("-rf"), xstrdup(path), NULL };
	assert_int_equal(posix_spawnp(&pid, "rm", NULL, NULL, argv, environ), 0);
	waitpid(pid, NULL, 0);
	for (size_t i = 0; i < 3; i++) {
		free(argv[i]);
	}
}

static void setup(struct bench *bench, const char *script) {
	*bench = (struct bench){ .folder = "/tmp/steprun-XXXXXX" };
	assert_non_null(mkdtemp(bench->folder));
	bench->spec = (struct step_spec){
		.script = xstrdup(script),
		.workdir = xstrdup(bench->folder),
		.clock_path = xstrdup(""),
		.clock_name = xstrdup(""),
		.timeout_ms = 20000,
		.grace_ms = 100,
	};
}

static void teardown(struct bench *bench) {
	remove_tree(bench->folder);
	free(bench->spec.script);
	free(bench->spec.workdir);
	free(bench->spec.clock_path);
	free(bench->spec.clock_name);
}

static char *path_in(const struct bench *bench, const char *name) {
	return xasprintf("%s/%s", bench->folder, name);
}

static bool exists(const struct bench *bench, const char *name) {
	char *path = path_in(bench, name);
	bool there = access(path, F_OK) == 0;
	free(path);
	return there;
}

static char *content(const struct bench *bench, const char *name) {
	char *path = path_in(bench, name);
	struct str text = { 0 };
	struct err err = { 0 };
	if (!fd_read_file(path, (size_t)64 << 20, &text, &err)) {
		fail_msg("%s", err.text);
	}
	free(path);
	return str_take(&text);
}

static void write_spec(const struct bench *bench) {
	struct err err = { 0 };
	char *path = path_in(bench, STEP_SPEC);
	assert_true(step_spec_write(path, &bench->spec, &err));
	free(path);
}

static pid_t start(const struct bench *bench) {
	char *program = getenv("STEPRUN");
	assert_non_null(program);
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (bench->file_limit > 0) {
			struct rlimit limit = { bench->file_limit, bench->file_limit };
			setrlimit(RLIMIT_FSIZE, &limit);
		}
		if (bench->path != NULL) {
			setenv("PATH", bench->path, 1);
		}
		setenv("STRANGER", "x", 1);
		int null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execl(program, program, bench->folder, NULL);
		_exit(99);
	}
	return pid;
}

static int end_of(pid_t pid) {
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void nap(int ms) {
	struct timespec time = { ms / 1000, (long)(ms % 1000) * 1000000 };
	nanosleep(&time, NULL);
}

/* Until the command has written @name: a shell makes the file first. */
static bool is_written(const struct bench *bench, const char *name) {
	char *path = path_in(bench, name);
	struct stat info;
	bool written = stat(path, &info) == 0 && info.st_size > 0;
	free(path);
	return written;
}

static void wait_for(const struct bench *bench, const char *name) {
	for (int i = 0; i < 1000 && !is_written(bench, name); i++) {
		nap(5);
	}
	assert_true(is_written(bench, name));
}

static struct step_status status_of(const struct bench *bench) {
	struct step_status status = { 0 };
	struct err err = { 0 };
	char *path = path_in(bench, STEP_STATUS);
	if (!step_status_read(path, &status, &err)) {
		fail_msg("%s", err.text);
	}
	free(path);
	return status;
}

/* Run it to its end and read the status. */
static struct step_status outcome(const struct bench *bench) {
	write_spec(bench);
	assert_int_equal(end_of(start(bench)), STEP_EXIT_DONE);
	return status_of(bench);
}

static char *output_of(const struct bench *bench) {
	char *path = path_in(bench, STEP_LOG);
	struct str output = { 0 };
	struct err err = { 0 };
	assert_true(steplog_read_output(path, &output, &err));
	free(path);
	return str_take(&output);
}

static char *tail_of(const struct bench *bench) {
	char *path = path_in(bench, STEP_LOG);
	struct str tail = { 0 };
	steplog_read_tail(path, &tail, 4096);
	free(path);
	return str_take(&tail);
}

/* Whether the process whose number the command wrote to @name is gone. */
static bool is_gone(const struct bench *bench, const char *name) {
	char *text = content(bench, name);
	pid_t pid = (pid_t)atoi(text);
	free(text);
	assert_true(pid > 1);
	return kill(pid, 0) < 0 && errno == ESRCH;
}

static void both_streams_and_the_exit_status_are_kept(void **state) {
	(void)state;
	struct bench bench;
	setup(&bench,
			"echo one; sleep 0.05; echo two >&2; sleep 0.05; printf three\n"
			"exit 7");
	struct step_status status = outcome(&bench);
	assert_int_equal(status.end, STEP_EXITED);
	assert_int_equal(status.exit_status, 7);
	assert_int_equal(status.lines, 3);
	assert_true(status.took_ms >= 100 && status.took_ms < 15000);
	assert_true(status.ended_ms >= status.started_ms + 100);
	char *output = output_of(&bench);
	assert_string_equal(output, "one\nthree");
	char *tail = tail_of(&bench);
	assert_string_equal(tail, "one\ntwo\nthree");
	char *log = content(&bench, STEP_LOG);
	assert_memory_equal(log + 23, "Z | one\n", 8);
	assert_non_null(strstr(log, "Z ! two\n"));
	free(log);
	free(tail);
	free(output);
	teardown(&bench);
}

static void a_failing_command_stops_the_script(void **state) {
	(void)state;
	struct bench bench;
	setup(&bench, "echo a\nfalse | true\necho b");
	struct step_status status = outcome(&bench);
	assert_int_equal(status.exit_status, 1);
	char *output = output_of(&bench);
	assert_string_equal(output, "a\n");
	free(output);
	teardown(&bench);
	setup(&bench, "echo \"$NOBODY_SET_IT\"");
	status = outcome(&bench);
	assert_true(status.exit_status > 0);
	teardown(&bench);
}

static void it_sees_four_names_and_what_it_was_given(void **state) {
	(void)state;
	struct bench bench;
	setup(&bench,
			"env -0 -u SHLVL -u PWD -u _ -u BRIDGE_OUTPUT | cut -z -d= -f1 |\n"
			"sort -z | tr '\\0' '\\n'\n"
			"cat; echo \"$WORDS\"; tty || true; pwd\n"
			"ls /proc/self/fd | tr '\\n' ' '");
	char *env[] = { xstrdup("WORDS=two\nlines"), NULL };
	bench.spec.env = env;
	free(bench.spec.workdir);
	bench.spec.workdir = xstrdup("/usr");
	setenv("LANG", "C.UTF-8", 1);
	setenv("USER", "somebody", 1);
	setenv("HOME", "/root", 1);
	struct step_status status = outcome(&bench);
	assert_int_equal(status.exit_status, 0);
	char *output = output_of(&bench);
	// 3 is what ls itself opened, 199 the lock that its children share.
	assert_string_equal(output,
			"HOME\nLANG\nPATH\nUSER\nWORDS\ntwo\nlines\nnot a tty\n/usr\n"
			"0 1 199 2 3 ");
	free(output);
	free(env[0]);
	teardown(&bench);
}

static void secrets_are_in_no_argument_no_file_and_no_output(void **state) {
	(void)state;
	struct bench bench;
	setup(&bench,
			"printf 'pass is %s.\\n' \"$TOKEN\"; echo \"$PEM\" >&2\n"
			"printf 'user:%s@' \"$TOKEN\" | base64\n"
			"tr '\\0' ' ' < /proc/$PPID/cmdline; echo\n"
			"tr '\\0' ' ' < /proc/$PPID/environ | grep -c Hunter2Hunter2 || "
			"true\n"
			"printf '%70000s' x; printf %s \"$TOKEN\" | head -c 7; sleep 0.1\n"
			"printf %s \"$TOKEN\" | tail -c +8");
	char *env[] = { xstrdup("TOKEN=Hunter2Hunter2"),
		xstrdup("PEM=-----BEGIN\nabcdefgh12345"), NULL };
	char *masked[] = { xstrdup("Hunter2Hunter2"),
		xstrdup("-----BEGIN\nabcdefgh12345"), xstrdup("pass"), NULL };
	bench.spec.env = env;
	bench.spec.masked = masked;
	struct step_status status = outcome(&bench);
	assert_int_equal(status.exit_status, 0);
	char *log = content(&bench, STEP_LOG);
	assert_null(strstr(log, "Hunter2"));
	assert_null(strstr(log, "bnRlcjJIdW50ZX"));
	assert_null(strstr(log, "BEGIN"));
	assert_null(strstr(log, "abcdefgh"));
	assert_non_null(strstr(log, "pass is ***.\n")); // too short to be hidden
	char *output = output_of(&bench);
	assert_string_equal(output + strlen(output) - 5, " x***");
	free(output);
	free(log);
	assert_false(exists(&bench, STEP_SPEC));
	for (size_t i = 0; i < 2; i++) {
		free(env[i]);
	}
	for (size_t i = 0; i < 3; i++) {
		free(masked[i]);
	}
	teardown(&bench);
}

static void files_of_an_attempt_are_nobody_elses(void **state) {
	(void)state;
	struct bench bench;
	setup(&bench, "echo A=1 >> \"$BRIDGE_OUTPUT\"; stat -c %a spec || true");
	outcome(&bench);
	static const char *const names[] = { STEP_LOG, STEP_STATUS, STEP_STARTED,
		STEP_PUBLISHED, STEP_LOCK, STEP_ALIVE };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = path_in(&bench, names[i]);
		struct stat about;
		assert_int_equal(stat(path, &about), 0);
		assert_int_equal(about.st_mode & 0777, 0600);
		free(path);
	}
	char *published = content(&bench, STEP_PUBLISHED);
	assert_string_equal(published, "A=1\n");
	free(published);
	teardown(&bench);
}

static void an_attempt_is_started_once_whoever_tries(void **state) {
	(void)state;
	struct bench bench;
	setup(&bench, "echo x >> counter; sleep 0.3");
	write_spec(&bench);
	pid_t runners[4];
	for (size_t i = 0; i < 4; i++) {
		runners[i] = start(&bench);
	}
	int done = 0;
	for (size_t i = 0; i < 4; i++) {
		int code = end_of(runners[i]);
		assert_true(code == STEP_EXIT_DONE || code == STEP_EXIT_OTHER);
		done += code == STEP_EXIT_DONE;
	}
	assert_int_equal(done, 1);
	write_spec(&bench);
	assert_int_equal(end_of(start(&bench)), STEP_EXIT_OTHER);
	char *counter = content(&bench, "counter");
	assert_string_equal(counter, "x\n");
	free(counter);
	teardown(&bench);
}

/* steprun as ssh starts it on a host, with @in as its stdin. */
static pid_t start_far(const struct bench *bench, const char *const *words,
		int in, const char *out_name) {
	char *program = getenv("STEPRUN");
	char *out = path_in(bench, out_name);
	const char *argv[10] = { program, "--far" };
	for (size_t i = 0; words[i] != NULL; i++) {
		argv[i + 2] = words[i];
	}
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(in, 0);
		dup2(open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
		execv(program, (char *const *)(uintptr_t)argv);
		_exit(99);
	}
	free(out);
	return pid;
}

/* Offer the attempt, and bring all of it but the end; that comes when @end is
 * closed. */
static pid_t start_offering(const struct bench *bench, int *end) {
	const char *const make[] = { "make", bench->folder, NULL };
	const char *const attend[] = { "attend", "start", "0", "20000",
		bench->folder, NULL };
	struct str text = { 0 };
	struct err err = { 0 };
	int ends[2] = { -1, -1 };
	int left = 1;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(end_of(start_far(bench, make, 0, "made")), 0);
	pid_t pid = start_far(bench, attend, ends[0], "said");
	assert_true(step_spec_format(&text, &bench->spec, &err));
	assert_true(fd_write_all(ends[1], text.data, text.len, &err));
	for (int i = 0; i < 1000 && left > 0; i++) {
		nap(5);
		assert_int_equal(ioctl(ends[0], FIONREAD, &left), 0);
	}
	assert_int_equal(left, 0);
	close(ends[0]);
	str_finish(&text);
	*end = ends[1];
	return pid;
}

/* The connection was cut as a runner came up, which has the lock and no mark
 * yet when the attempt is offered again. */
static void what_another_runner_begins_is_not_cancelled(void **state) {
	(void)state;
	struct bench bench;
	struct err err = { 0 };
	int end = -1;
	setup(&bench, "echo x >> counter");
	pid_t pid = start_offering(&bench, &end);
	char *path = path_in(&bench, STEP_LOCK);
	int lock = step_lock(path, &err);
	assert_true(lock >= 0);
	close(end);
	wait_for(&bench, STEP_SPEC);
	nap(500);
	assert_false(exists(&bench, STEP_CANCEL));
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	close(lock);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	free(path);
	teardown(&bench);
}

static void a_timeout_ends_what_ignores_term_and_hides_in_sessions(
		void **state) {
	(void)state;
	struct bench bench;
	setup(&bench,
			"trap '' TERM\n"
			"setsid bash -c 'trap \"\" TERM; echo $$ > a; sleep 99' &\n"
			"(setsid setsid bash -c 'echo $$ > b; sleep 99' &)\n"
			"echo begun; while :; do sleep 0.2; done");
	bench.spec.timeout_ms = 400;
	struct step_status status = outcome(&bench);
	assert_int_equal(status.end, STEP_TIMED_OUT);
	assert_int_equal(status.signal, SIGKILL);
	assert_true(status.took_ms >= 500);
	assert_true(is_gone(&bench, "a"));
	assert_true(is_gone(&bench, "b"));
	char *tail = tail_of(&bench);
	assert_string_equal(tail, "begun\nits time is up: ending it\n");
	free(tail);
	teardown(&bench);
}

static void what_obeys_term_has_its_grace(void **state) {
	(void)state;
	struct bench bench;
	setup(&bench,
			"trap 'sleep 0.2; echo tidied; exit 3' TERM\n"
			"while :; do sleep 0.05; done");
	bench.spec.timeout_ms = 200;
	bench.spec.grace_ms = 9000;
	struct step_status status = outcome(&bench);
	assert_int_equal(status.end, STEP_TIMED_OUT);
	assert_int_equal(status.exit_status, 3);
	assert_true(status.took_ms < 5000);
	char *output = output_of(&bench);
	assert_string_equal(output, "tidied\n");
	free(output);
	teardown(&bench);
}

static void a_cancel_file_ends_it(void **state) {
	(void)state;
	struct bench bench;
	setup(&bench, "echo $$ > a; sleep 99");
	write_spec(&bench);
	pid_t runner = start(&bench);
	wait_for(&bench, "a");
	char *path = path_in(&bench, STEP_CANCEL);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(end_of(runner), STEP_EXIT_DONE);
	struct step_status status = status_of(&bench);
	assert_int_equal(status.end, STEP_CANCELLED);
	assert_int_equal(status.signal, SIGTERM);
	assert_true(is_gone(&bench, "a"));
	free(path);
	teardown(&bench);
}

static void what_was_cancelled_before_never_begins(void **state) {
	(void)state;
	struct bench bench;
	setup(&bench, "echo x > counter");
	char *path = path_in(&bench, STEP_CANCEL);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	struct step_status status = outcome(&bench);
	assert_int_equal(status.end, STEP_CANCELLED);
	assert_string_equal(status.reason, "cancelled before it began");
	assert_false(exists(&bench, "counter"));
	assert_false(exists(&bench, STEP_STARTED));
	free(path);
	teardown(&bench);
}

static void what_cannot_be_started_is_told_apart(void **state) {
	(void)state;
	struct bench bench;
	setup(&bench, "true");
	free(bench.spec.workdir);
	bench.spec.workdir = xstrdup("/nonexistent");
	struct step_status status = outcome(&bench);
	assert_int_equal(status.end, STEP_NOT_STARTED);
	assert_string_equal(status.reason,
			"cannot enter /nonexistent: No such file or directory");
	teardown(&bench);
	setup(&bench, "true");
	bench.path = "/nonexistent";
	status = outcome(&bench);
	assert_int_equal(status.end, STEP_NOT_STARTED);
	assert_string_equal(
			status.reason, "cannot start bash: No such file or directory");
	teardown(&bench);
}

static void what_the_command_leaves_behind_is_ended(void **state) {
	(void)state;
	struct bench bench;
	setup(&bench,
			"setsid sleep 99 & echo $! > a\n"
			"(trap '' TERM; echo $BASHPID > b; while :; do sleep 0.1; done) &\n"
			"while [ ! -s b ]; do sleep 0.01; done; echo done");
	struct step_status status = outcome(&bench);
	assert_int_equal(status.end, STEP_EXITED);
	assert_int_equal(status.exit_status, 0);
	assert_true(status.took_ms < 1000);
	assert_true(is_gone(&bench, "a"));
	assert_true(is_gone(&bench, "b"));
	char *tail = tail_of(&bench);
	assert_non_null(strstr(tail, "left over from it"));
	free(tail);
	teardown(&bench);
}

static void output_over_its_cap_keeps_head_and_tail(void **state) {
	(void)state;
	struct bench bench;
	setup(&bench, "seq -f 'line %.0f' 1 100000");
	bench.spec.log_cap = 64 * 1024;
	struct step_status status = outcome(&bench);
	assert_int_equal(status.exit_status, 0);
	assert_int_equal(status.lines, 100000);
	assert_true(status.left_out > 1000000);
	char *log = content(&bench, STEP_LOG);
	assert_true(strlen(log) < 96 * 1024);
	assert_non_null(strstr(log, "| line 1\n"));
	assert_non_null(strstr(log, " bytes are left out here\n"));
	assert_non_null(strstr(log, "| line 100000\n"));
	free(log);
	teardown(&bench);
}

static void a_full_disk_at_the_start_starts_nothing(void **state) {
	(void)state;
	struct bench bench;
	setup(&bench, "echo x >> counter");
	write_spec(&bench);
	bench.file_limit = 4096;
	assert_int_equal(end_of(start(&bench)), STEP_EXIT_NOT_BEGUN);
	assert_false(exists(&bench, STEP_STARTED));
	assert_false(exists(&bench, "counter"));
	bench.file_limit = 0;
	assert_int_equal(end_of(start(&bench)), STEP_EXIT_DONE);
	assert_true(exists(&bench, "counter"));
	teardown(&bench);
}

static void a_full_disk_at_the_end_still_tells_how_it_ended(void **state) {
	(void)state;
	struct bench bench;
	setup(&bench, "seq 1 20000; echo the end; exit 5");
	bench.file_limit = 64 * 1024;
	struct step_status status = outcome(&bench);
	assert_int_equal(status.end, STEP_EXITED);
	assert_int_equal(status.exit_status, 5);
	assert_int_equal(status.log_error, EFBIG);
	assert_non_null(status.recent);
	assert_non_null(strstr(status.recent, "| the end\n"));
	step_status_finish(&status);
	teardown(&bench);
}

static void a_killed_runner_leaves_a_mark_and_a_lock_until_all_are_gone(
		void **state) {
	(void)state;
	struct bench bench;
	setup(&bench, "echo $$ > a; while [ ! -e go ]; do sleep 0.05; done");
	write_spec(&bench);
	pid_t runner = start(&bench);
	wait_for(&bench, "a");
	char *lock = path_in(&bench, STEP_LOCK);
	char *alive = path_in(&bench, STEP_ALIVE);
	char *mark_path = path_in(&bench, STEP_STARTED);
	struct step_mark mark = { 0 };
	struct err err = { 0 };
	assert_true(step_mark_read(mark_path, &mark, &err));
	assert_true(step_mark_is(&mark, runner));
	assert_false(step_mark_is(&mark, getpid()));
	mark.start_ticks++;
	assert_false(step_mark_is(&mark, runner));
	assert_true(step_is_locked(lock));
	kill(runner, SIGKILL);
	assert_int_equal(end_of(runner), -SIGKILL);
	assert_false(step_is_locked(lock));
	assert_true(step_is_locked(alive));
	assert_false(exists(&bench, STEP_STATUS));
	write_spec(&bench);
	assert_int_equal(end_of(start(&bench)), STEP_EXIT_OTHER);
	char *go = path_in(&bench, "go");
	close(open(go, O_CREAT | O_WRONLY, 0600));
	for (int i = 0; i < 1000 && step_is_locked(alive); i++) {
		nap(5);
	}
	assert_false(step_is_locked(alive));
	free(go);
	free(mark_path);
	free(alive);
	free(lock);
	teardown(&bench);
}

static void timeouts_count_on_the_run_clock(void **state) {
	(void)state;
	struct bench bench;
	setup(&bench, "sleep 99");
	free(bench.spec.clock_path);
	bench.spec.clock_path = path_in(&bench, "clock");
	free(bench.spec.clock_name);
	bench.spec.clock_name = xstrdup("step");
	bench.spec.timeout_ms = 3000;
	bench.spec.grace_ms = 1000;
	struct err err = { 0 };
	struct runclock *clock = runclock_create(
			bench.spec.clock_path, 1000000, &err);
	assert_non_null(clock);
	write_spec(&bench);
	pid_t runner = start(&bench);
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	int64_t begun = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	int64_t real_us = 0;
	bool seen = false;
	while (waitpid(runner, NULL, WNOHANG) == 0) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		real_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
		runclock_advance(clock, real_us);
		nap(1);
		if (!seen && exists(&bench, STEP_STATUS)) {
			char *path = path_in(&bench, STEP_SEEN);
			close(open(path, O_CREAT | O_WRONLY, 0600));
			free(path);
			seen = true;
		}
	}
	struct step_status status = status_of(&bench);
	assert_int_equal(status.end, STEP_TIMED_OUT);
	assert_true(status.started_ms >= 1000000 && status.started_ms < 1003000);
	assert_true(status.took_ms >= 3000 && status.took_ms < 6000);
	assert_true(real_us / 1000 - begun < 3000); // real time goes slower
	struct runclock_slot_view views[RUNCLOCK_SLOTS];
	assert_int_equal(runclock_slots(clock, views), 0);
	runclock_destroy(clock);
	teardown(&bench);
}

static void the_end_of_a_line_without_an_end_is_seen(void **state) {
	(void)state;
	struct bench bench;
	setup(&bench, "head -c 300000 /dev/zero | tr '\\0' x; printf end");
	outcome(&bench);
	char *tail = tail_of(&bench);
	assert_int_equal(strlen(tail), 4096);
	assert_string_equal(tail + 4093, "end");
	free(tail);
	teardown(&bench);
}

static void a_tail_is_what_a_person_would_have_seen(void **state) {
	(void)state;
	struct str tail = { 0 };
	static const char text[] =
			"10%\r20%\r100%\r\n\x1b[31mred\x1b[0m \xff\x07\n";
	steplog_tail_of(text, sizeof(text) - 1, &tail, 4096);
	assert_string_equal(str_text(&tail), "100%\nred \xef\xbf\xbd\n");
	str_clear(&tail);
	steplog_tail_of("first\nsecond\nthird\n", 19, &tail, 14);
	assert_string_equal(str_text(&tail), "second\nthird\n");
	str_clear(&tail);
	steplog_tail_of("\xc3\xa9\xc3\xa9\xc3\xa9", 6, &tail, 3);
	assert_string_equal(str_text(&tail), "\xc3\xa9");
	str_finish(&tail);
}

static void a_spec_comes_back_as_it_was_and_a_broken_one_is_refused(
		void **state) {
	(void)state;
	struct bench bench;
	setup(&bench, "echo 'two\nlines' # \xc3\xa9");
	char *env[] = { xstrdup("A=x\ny 12\n"), xstrdup("B="), NULL };
	bench.spec.env = env;
	write_spec(&bench);
	char *path = path_in(&bench, STEP_SPEC);
	struct step_spec spec;
	struct err err = { 0 };
	assert_true(step_spec_read(path, &spec, &err));
	assert_string_equal(spec.script, bench.spec.script);
	assert_string_equal(spec.env[0], env[0]);
	assert_string_equal(spec.env[1], env[1]);
	assert_null(spec.env[2]);
	assert_int_equal(spec.timeout_ms, 20000);
	step_spec_finish(&spec);
	struct stat about;
	assert_int_equal(stat(path, &about), 0);
	for (off_t len = 0; len < about.st_size; len += 7) {
		write_spec(&bench);
		assert_int_equal(truncate(path, len), 0);
		assert_false(step_spec_read(path, &spec, &err));
		step_spec_finish(&spec);
	}
	free(path);
	free(env[0]);
	free(env[1]);
	teardown(&bench);
}

/* Nothing that can be misread as "it went well". */
static void a_damaged_file_of_an_attempt_is_said_to_be_broken(void **state) {
	(void)state;
	static const struct {
		const char *name;
		const char *text;
	} bad[] = {
		{ STEP_STATUS, "" },
		{ STEP_STATUS, "done 0\n\n" },
		{ STEP_STATUS, "end 1\n0\n" },
		{ STEP_STATUS, "end 1\n0\ndone 0\n" },
		{ STEP_STATUS, "end 0\n\ndone 0\n\n" },
		{ STEP_STATUS, "end 1\n9\ndone 0\n\n" },
		{ STEP_STATUS, "end 2\n-1\ndone 0\n\n" },
		{ STEP_STATUS, "end 1\n0\nexit_status 1\nx\ndone 0\n\n" },
		{ STEP_STATUS, "end 1\n0\nexit_status 2\n3x\ndone 0\n\n" },
		{ STEP_STATUS, "end 1\n0\nreason 99\nshort\ndone 0\n\n" },
		{ STEP_STATUS, "end 1\n0\nreason -1\nx\ndone 0\n\n" },
		{ STEP_STATUS, "a_key_that_is_too_long 1\n0\ndone 0\n\n" },
		{ STEP_STATUS, "end1\n0\ndone 0\n\n" },
		{ STEP_SPEC, "" },
		{ STEP_SPEC, "end 0\n\n" },
		{ STEP_SPEC, "script 4\ntrue\nend 0\n\n" },
		{ STEP_SPEC, "script 9999999\ntrue\n" },
		{ STEP_SPEC, "colour 4\nblue\nend 0\n\n" },
	};
	struct bench bench;
	setup(&bench, "true");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = { 0 };
		char *path = path_in(&bench, bad[i].name);
		assert_true(fd_write_file(
				path, bad[i].text, strlen(bad[i].text), 0600, &err));
		struct step_status status;
		struct step_spec spec;
		bool read = strcmp(bad[i].name, STEP_SPEC) == 0
				? step_spec_read(path, &spec, &err)
				: step_status_read(path, &status, &err);
		char *wanted = xasprintf("%s is broken", path);
		if (read || strcmp(err.text, wanted) != 0) {
			fail_msg("%s: %s", bad[i].text, read ? "was read" : err.text);
		}
		if (strcmp(bad[i].name, STEP_SPEC) == 0) {
			step_spec_finish(&spec);
		}
		free(wanted);
		free(path);
	}
	teardown(&bench);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_streams_and_the_exit_status_are_kept),
		cmocka_unit_test(a_failing_command_stops_the_script),
		cmocka_unit_test(it_sees_four_names_and_what_it_was_given),
		cmocka_unit_test(secrets_are_in_no_argument_no_file_and_no_output),
		cmocka_unit_test(files_of_an_attempt_are_nobody_elses),
		cmocka_unit_test(an_attempt_is_started_once_whoever_tries),
		cmocka_unit_test(what_another_runner_begins_is_not_cancelled),
		cmocka_unit_test(
				a_timeout_ends_what_ignores_term_and_hides_in_sessions),
		cmocka_unit_test(what_obeys_term_has_its_grace),
		cmocka_unit_test(a_cancel_file_ends_it),
		cmocka_unit_test(what_was_cancelled_before_never_begins),
		cmocka_unit_test(what_cannot_be_started_is_told_apart),
		cmocka_unit_test(what_the_command_leaves_behind_is_ended),
		cmocka_unit_test(output_over_its_cap_keeps_head_and_tail),
		cmocka_unit_test(a_full_disk_at_the_start_starts_nothing),
		cmocka_unit_test(a_full_disk_at_the_end_still_tells_how_it_ended),
		cmocka_unit_test(
				a_killed_runner_leaves_a_mark_and_a_lock_until_all_are_gone),
		cmocka_unit_test(timeouts_count_on_the_run_clock),
		cmocka_unit_test(the_end_of_a_line_without_an_end_is_seen),
		cmocka_unit_test(a_tail_is_what_a_person_would_have_seen),
		cmocka_unit_test(
				a_spec_comes_back_as_it_was_and_a_broken_one_is_refused),
		cmocka_unit_test(a_damaged_file_of_an_attempt_is_said_to_be_broken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
