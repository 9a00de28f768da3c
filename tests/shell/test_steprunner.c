#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "exec/ssh.h"
#include "exec/stepfolder.h"
#include "exec/steprunner.h"
#include "loop/http.h"
#include "loop/loop.h"
#include "support/test.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/runclock.h"

#define TOLD_MAX 16
#define LIMIT_MS 8000 // of a wait, real

/* What was told of one attempt. */
struct told {
	char id[64];
	enum attempt_end end;
	int exit_status;
	int signal;
	int http_status;
	uint64_t lines;
	char reason[256];
	char tail[4200];
	char values[256]; // "A=1 B=2 "
};

/* A folder, and a bot's loop and runner on it that come and go. */
struct rig {
	char folder[64];
	const char *clock_path; // run clock; NULL: the system's
	struct clock *clock;
	struct loop *loop;
	struct http *http;
	struct runner *runner;
	struct loop_timer *limit;
	bool late;
	struct told told[TOLD_MAX];
	size_t told_count;
	size_t wanted;
};

static void on_ended(
		void *data, const char *id, const struct attempt_result *result) {
	struct rig *rig = data;
	assert_true(rig->told_count < TOLD_MAX);
	struct told *told = &rig->told[rig->told_count++];
	*told = (struct told){
		.end = result->end,
		.exit_status = result->exit_status,
		.signal = result->signal,
		.http_status = result->http_status,
		.lines = result->lines,
	};
	snprintf(told->id, sizeof(told->id), "%s", id);
	snprintf(told->reason, sizeof(told->reason), "%s", result->reason);
	snprintf(told->tail, sizeof(told->tail), "%s", result->tail);
	for (size_t i = 0; i < result->value_count; i++) {
		size_t used = strlen(told->values);
		snprintf(told->values + used, sizeof(told->values) - used, "%s=%s ",
				result->values[i].name, result->values[i].value);
	}
	assert_true(result->ended_ms >= result->started_ms);
	assert_non_null(result->log_path);
	if (rig->told_count == rig->wanted) {
		loop_stop(rig->loop);
	}
}

static const struct runner_sink sink = { .ended = on_ended };

static void on_limit(void *data) {
	struct rig *rig = data;
	rig->late = true;
	loop_stop(rig->loop);
}

static void bot_starts(struct rig *rig) {
	struct err err = { 0 };
	const struct http_options http_options = { 0 };
	rig->clock = rig->clock_path != NULL
			? clock_join(rig->clock_path, "bot", CLOCK_ROLE_WORKER, &err)
			: clock_create_real();
	assert_non_null(rig->clock);
	rig->loop = loop_create(rig->clock, &err);
	assert_non_null(rig->loop);
	rig->http = http_create(rig->loop, &http_options, &err);
	assert_non_null(rig->http);
	const struct steprunner_options options = {
		.loop = rig->loop,
		.http = rig->http,
		.state_dir = rig->folder,
		.program = getenv("STEPRUN"),
		.clock_path = rig->clock_path,
	};
	rig->runner = steprunner_create(&options, &sink, rig, &err);
	if (rig->runner == NULL) {
		fail_msg("%s", err.text);
	}
	rig->limit = loop_timer_create(rig->loop, on_limit, rig);
}

/* As if it had died: nothing is said to anybody. */
static void bot_dies(struct rig *rig) {
	rig->runner->api->destroy(rig->runner);
	loop_timer_destroy(rig->limit);
	http_destroy(rig->http);
	loop_destroy(rig->loop);
	clock_destroy(rig->clock);
}

static void setup(struct rig *rig) {
	*rig = (struct rig){ .folder = "/tmp/steprunner-XXXXXX" };
	assert_non_null(mkdtemp(rig->folder));
}

static void teardown(struct rig *rig) {
	char *command = xasprintf("rm -rf %s", rig->folder);
	assert_int_equal(system(command), 0);
	free(command);
}

/* Turn until @count more were told. */
static void await(struct rig *rig, size_t count) {
	rig->wanted = rig->told_count + count;
	rig->late = false;
	loop_timer_start_real(rig->limit, LIMIT_MS);
	loop_run(rig->loop);
	loop_timer_stop(rig->limit);
	assert_false(rig->late);
}

static void turn_for(struct rig *rig, int64_t ms) {
	rig->wanted = SIZE_MAX;
	loop_timer_start_real(rig->limit, ms);
	loop_run(rig->loop);
}

static struct attempt_spec script(
		const struct rig *rig, const char *id, const char *text) {
	return (struct attempt_spec){
		.id = id,
		.kind = ATTEMPT_SH,
		.text = text,
		.workdir = rig->folder,
		.timeout_ms = 20000,
		.grace_ms = 200,
	};
}

static void prepare(struct rig *rig, const char *id) {
	struct err err = { 0 };
	if (!rig->runner->api->prepare(rig->runner, id, &err)) {
		fail_msg("%s", err.text);
	}
}

static void nap(int ms) {
	struct timespec time = { ms / 1000, (long)(ms % 1000) * 1000000 };
	nanosleep(&time, NULL);
}

static char *path_in(const struct rig *rig, const char *name) {
	return xasprintf("%s/%s", rig->folder, name);
}

static bool exists(const struct rig *rig, const char *name) {
	char *path = path_in(rig, name);
	bool there = access(path, F_OK) == 0;
	free(path);
	return there;
}

static void wait_for(const struct rig *rig, const char *name) {
	for (int i = 0; i < 1600 && !exists(rig, name); i++) {
		nap(5);
	}
	assert_true(exists(rig, name));
}

static void touch(const struct rig *rig, const char *name) {
	char *path = path_in(rig, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	free(path);
}

/* One that is on record as started: its place was made before. */
static void follow(struct rig *rig, const struct attempt_spec *spec) {
	rig->runner->api->ensure(rig->runner, spec);
}

/* As the engine does: the place is made before the start goes on record, which
 * outlives the bot. */
static void ensure(struct rig *rig, const struct attempt_spec *spec) {
	char *record = xasprintf("record-%s", spec->id);
	if (!exists(rig, record)) {
		prepare(rig, spec->id);
		touch(rig, record);
	}
	follow(rig, spec);
	free(record);
}

static const struct told *outcome(
		struct rig *rig, const struct attempt_spec *spec) {
	ensure(rig, spec);
	await(rig, 1);
	assert_string_equal(rig->told[rig->told_count - 1].id, spec->id);
	return &rig->told[rig->told_count - 1];
}

static char *content(const struct rig *rig, const char *name) {
	char *path = path_in(rig, name);
	struct str text = { 0 };
	struct err err = { 0 };
	if (!fd_read_file(path, 1 << 20, &text, &err)) {
		fail_msg("%s", err.text);
	}
	free(path);
	return str_take(&text);
}

static void assert_content(
		const struct rig *rig, const char *name, const char *expected) {
	char *text = content(rig, name);
	assert_string_equal(text, expected);
	free(text);
}

static pid_t runner_of(const struct rig *rig, const char *id) {
	char *name = xasprintf("attempts/%s/%s", id, STEP_STARTED);
	wait_for(rig, name);
	char *path = path_in(rig, name);
	struct step_mark mark = { 0 };
	struct err err = { 0 };
	do {
		assert_true(step_mark_read(path, &mark, &err));
	} while (mark.pid == 0);
	free(path);
	free(name);
	return mark.pid;
}

static void a_command_that_ends_well_is_told_once(void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	bot_starts(&rig);
	struct attempt_spec spec = script(
			&rig, "LB-1.4.1.a", "echo one; echo two >&2");
	prepare(&rig, spec.id);
	assert_false(rig.runner->api->has_begun(rig.runner, spec.id));
	ensure(&rig, &spec);
	ensure(&rig, &spec);
	assert_int_equal(rig.told_count, 0); // never from inside
	await(&rig, 1);
	turn_for(&rig, 100);
	assert_int_equal(rig.told_count, 1);
	assert_int_equal(rig.told[0].end, ATTEMPT_OK);
	assert_int_equal(rig.told[0].lines, 2);
	assert_string_equal(rig.told[0].reason, "");
	assert_non_null(strstr(rig.told[0].tail, "one\n"));
	assert_true(rig.runner->api->has_begun(rig.runner, spec.id));
	bot_dies(&rig);
	teardown(&rig);
}

/* A command knows its folder, and may do there what it likes. */
static void whatever_it_does_to_its_folder_its_end_is_told(void **state) {
	(void)state;
	static const struct {
		const char *text;
		enum attempt_end end;
	} cases[] = {
		{ "rm -rf \"${BRIDGE_OUTPUT%/*}\"; echo x >>ran", ATTEMPT_UNKNOWN },
		{ "rm \"$BRIDGE_OUTPUT\"; mkfifo \"$BRIDGE_OUTPUT\"", ATTEMPT_FAILED },
		{ "cd \"${BRIDGE_OUTPUT%/*}\"; rm log; mkfifo log", ATTEMPT_FAILED },
		{ "cd \"${BRIDGE_OUTPUT%/*}\"; rm log; mkdir log; exit 1",
				ATTEMPT_FAILED },
	};
	static const char *const conditions[] = { "output contains \"x\"", NULL };
	struct rig rig;
	setup(&rig);
	bot_starts(&rig);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char id[16];
		snprintf(id, sizeof(id), "a%zu", i);
		struct attempt_spec spec = script(&rig, id, cases[i].text);
		spec.conditions = conditions;
		const struct told *told = outcome(&rig, &spec);
		if (told->end != cases[i].end) {
			fail_msg("%s: %d, %s", cases[i].text, (int)told->end, told->reason);
		}
	}
	char *path = path_in(&rig, "ran");
	struct str ran = { 0 };
	struct err err = { 0 };
	assert_true(fd_read_file(path, 100, &ran, &err));
	assert_string_equal(str_text(&ran), "x\n");
	str_finish(&ran);
	free(path);
	bot_dies(&rig);
	teardown(&rig);
}

static void why_it_failed_is_one_line_for_people(void **state) {
	(void)state;
	static const struct {
		const char *text;
		const char *condition;
		const char *reason;
	} cases[] = {
		{ "exit 3", NULL, "exit 3" },
		{ "kill -KILL $$", NULL, "killed by SIGKILL" },
		{ "echo sick", "output contains \"Healthy\"",
				"output has no \"Healthy\"" },
		{ "echo '{\"n\": 2}'; echo noise >&2", "json .n > 2",
				".n is 2, wanted > 2" },
		{ "true", "exit 4", "wanted exit 4, got 0" },
		{ "sleep 0.15", "within 100ms", "took 1" },
		{ "printf '%02000d' 7 | tr 0 a", "output matches /^(a+)+$/",
				"/^(a+)+$/: pattern too expensive" },
	};
	struct rig rig;
	setup(&rig);
	bot_starts(&rig);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char id[8];
		snprintf(id, sizeof(id), "a%zu", i);
		const char *const conditions[] = { cases[i].condition, NULL };
		struct attempt_spec spec = script(&rig, id, cases[i].text);
		spec.conditions = conditions;
		const struct told *told = outcome(&rig, &spec);
		assert_int_equal(told->end, ATTEMPT_FAILED);
		if (strncmp(told->reason, cases[i].reason, strlen(cases[i].reason)) !=
				0) {
			fail_msg("%s: %s", cases[i].text, told->reason);
		}
	}
	bot_dies(&rig);
	teardown(&rig);
}

static void only_what_was_declared_may_be_published_and_all_of_it(
		void **state) {
	(void)state;
	static const struct {
		const char *text;
		enum attempt_end end;
		const char *reason;
		const char *values;
	} cases[] = {
		{ "echo DIR=/backups/a b >> $BRIDGE_OUTPUT", ATTEMPT_OK, "",
				"DIR=/backups/a b " },
		{ "printf 'DIR=1\\nREV=x=y\\nDIR=2' > $BRIDGE_OUTPUT", ATTEMPT_OK, "",
				"DIR=2 REV=x=y " },
		{ "true", ATTEMPT_FAILED, "no `DIR=` in $BRIDGE_OUTPUT", "" },
		{ "echo REV=1 >> $BRIDGE_OUTPUT", ATTEMPT_FAILED,
				"no `DIR=` in $BRIDGE_OUTPUT", "REV=1 " },
		{ "printf 'DIR=\\nOTHER=1\\n' >> $BRIDGE_OUTPUT", ATTEMPT_FAILED,
				"`OTHER=` in $BRIDGE_OUTPUT is not declared with sets=",
				"DIR= OTHER=1 " },
		{ "printf 'DIR=1\\nnoise\\n' >> $BRIDGE_OUTPUT", ATTEMPT_FAILED,
				"line 2 of $BRIDGE_OUTPUT is no `NAME=value`", "" },
		{ "printf 'DIR=\\xff' >> $BRIDGE_OUTPUT", ATTEMPT_FAILED,
				"line 1 of $BRIDGE_OUTPUT is no `NAME=value`", "" },
		{ "printf 'DIR=%070000d' 1 >> $BRIDGE_OUTPUT", ATTEMPT_FAILED,
				"$BRIDGE_OUTPUT cannot be read, or is over 65536 bytes", "" },
		{ "echo DIR=1 >> $BRIDGE_OUTPUT; exit 2", ATTEMPT_FAILED, "exit 2",
				"DIR=1 " },
	};
	static const char *const sets[] = { "DIR", NULL };
	static const char *const may_set[] = { "REV", NULL };
	struct rig rig;
	setup(&rig);
	bot_starts(&rig);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char id[8];
		snprintf(id, sizeof(id), "a%zu", i);
		struct attempt_spec spec = script(&rig, id, cases[i].text);
		spec.sets = sets;
		spec.may_set = may_set;
		const struct told *told = outcome(&rig, &spec);
		assert_string_equal(told->reason, cases[i].reason);
		assert_int_equal(told->end, cases[i].end);
		assert_string_equal(told->values, cases[i].values);
	}
	bot_dies(&rig);
	teardown(&rig);
}

static void a_bot_that_comes_back_hears_every_line_once(void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	struct attempt_spec spec = script(&rig, "a",
			"echo x >> counter; echo before; touch ready\n"
			"while [ ! -e go ]; do sleep 0.02; done; echo after; exit 3");
	for (int i = 0; i < 3; i++) {
		bot_starts(&rig);
		ensure(&rig, &spec);
		turn_for(&rig, 50);
		bot_dies(&rig);
	}
	wait_for(&rig, "ready");
	assert_int_equal(rig.told_count, 0);
	bot_starts(&rig);
	ensure(&rig, &spec);
	turn_for(&rig, 50);
	touch(&rig, "go");
	await(&rig, 1);
	assert_int_equal(rig.told[0].exit_status, 3);
	assert_int_equal(rig.told[0].lines, 2);
	assert_string_equal(rig.told[0].tail, "before\nafter\n");
	assert_content(&rig, "counter", "x\n");
	bot_dies(&rig);
	teardown(&rig);
}

static void what_ended_while_no_bot_ran_is_told_to_the_next(void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	struct attempt_spec spec = script(&rig, "a", "echo x >> counter; sleep 99");
	spec.timeout_ms = 300;
	bot_starts(&rig);
	ensure(&rig, &spec);
	turn_for(&rig, 20);
	bot_dies(&rig);
	wait_for(&rig, "attempts/a/status");
	for (int i = 0; i < 2; i++) {
		bot_starts(&rig);
		assert_true(rig.runner->api->has_begun(rig.runner, "a"));
		const struct told *told = outcome(&rig, &spec);
		assert_int_equal(told->end, ATTEMPT_TIMED_OUT);
		assert_string_equal(told->reason, "did not end within 300ms");
		bot_dies(&rig);
	}
	assert_content(&rig, "counter", "x\n");
	teardown(&rig);
}

/* A whole bot in a process of its own, killed from outside. */
static void bot_killed_after(
		struct rig *rig, const struct attempt_spec *spec, int us) {
	pid_t bot = fork();
	assert_true(bot >= 0);
	if (bot == 0) {
		bot_starts(rig);
		ensure(rig, spec);
		turn_for(rig, LIMIT_MS);
		_exit(0);
	}
	struct timespec time = { 0, (long)us * 1000 };
	nanosleep(&time, NULL);
	kill(bot, SIGKILL);
	waitpid(bot, NULL, 0);
}

static void wherever_a_bot_is_killed_the_command_runs_once(void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	int kills = 0;
	for (int us = 500; us < 24000; us += 900, kills++) {
		char id[16];
		char *text = xasprintf("echo x >> counter%d", us);
		snprintf(id, sizeof(id), "a%d", us);
		struct attempt_spec spec = script(&rig, id, text);
		bot_killed_after(&rig, &spec, us);
		bot_killed_after(&rig, &spec, 24500 - us);
		bot_starts(&rig);
		rig.told_count = 0;
		assert_int_equal(outcome(&rig, &spec)->end, ATTEMPT_OK);
		bot_dies(&rig);
		char *counter = xasprintf("counter%d", us);
		assert_content(&rig, counter, "x\n");
		free(counter);
		free(text);
	}
	printf("# bots killed: %d\n", 2 * kills);
	teardown(&rig);
}

static void a_cancel_holds_across_a_restart(void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	struct attempt_spec spec = script(&rig, "a",
			"trap '' TERM; echo x >> counter; touch ready\n"
			"while :; do sleep 0.05; done");
	bot_starts(&rig);
	ensure(&rig, &spec);
	turn_for(&rig, 20);
	bot_dies(&rig);
	wait_for(&rig, "ready");
	bot_starts(&rig);
	ensure(&rig, &spec);
	rig.runner->api->cancel(rig.runner, "a");
	rig.runner->api->cancel(rig.runner, "a");
	bot_dies(&rig);
	bot_starts(&rig);
	const struct told *told = outcome(&rig, &spec);
	assert_int_equal(told->end, ATTEMPT_CANCELLED);
	assert_int_equal(told->signal, SIGKILL);
	assert_string_equal(told->reason, "cancelled");
	assert_content(&rig, "counter", "x\n");
	bot_dies(&rig);
	teardown(&rig);
}

static void what_is_cancelled_before_it_is_ensured_never_begins(void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	bot_starts(&rig);
	prepare(&rig, "a");
	rig.runner->api->cancel(rig.runner, "a");
	struct attempt_spec spec = script(&rig, "a", "echo x >> counter");
	assert_int_equal(outcome(&rig, &spec)->end, ATTEMPT_CANCELLED);
	assert_false(exists(&rig, "counter"));
	bot_dies(&rig);
	teardown(&rig);
}

/* A bot that died knows from its journal alone that the command was started:
 * whatever became of the folder meanwhile, it is not started again. */
static void what_was_started_is_not_begun_anew_where_its_folder_is_gone(
		void **state) {
	(void)state;
	static const char *const gone[] = { "attempts", "attempts/a",
		"attempts/a/*" };
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
		struct rig rig;
		setup(&rig);
		bot_starts(&rig);
		struct attempt_spec spec = script(&rig, "a", "echo x >> counter");
		ensure(&rig, &spec);
		turn_for(&rig, 20);
		wait_for(&rig, "counter");
		runner_of(&rig, "a");
		bot_dies(&rig);
		nap(100);
		char *command = xasprintf("rm -r %s/%s", rig.folder, gone[i]);
		assert_int_equal(system(command), 0);
		free(command);
		bot_starts(&rig);
		assert_true(rig.runner->api->has_begun(rig.runner, "a"));
		if (i == 1) {
			rig.runner->api->cancel(rig.runner, "a"); // a rollback, say
		}
		size_t told = rig.told_count;
		follow(&rig, &spec);
		await(&rig, 1);
		assert_int_equal(rig.told[told].end, ATTEMPT_UNKNOWN);
		assert_string_equal(rig.told[told].reason,
				"its folder is gone; it may have done its work or not");
		assert_content(&rig, "counter", "x\n");
		bot_dies(&rig);
		teardown(&rig);
	}
}

static bool may_go(void *data, const char *id) {
	(void)data;
	return strcmp(id, "kept") != 0;
}

/* Its runner leaves a moment after the end was told. */
static void sweep_until_gone(struct rig *rig, const char *folder) {
	for (int i = 0; i < 400 && exists(rig, folder); i++) {
		assert_false(rig->runner->api->sweep(rig->runner, may_go, NULL));
		nap(5);
	}
}

static void what_is_swept_is_neither_followed_nor_alive(void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	bot_starts(&rig);
	struct attempt_spec old = script(&rig, "old",
			"cd \"${BRIDGE_OUTPUT%/*}\"; mkdir -p a/b; touch a/b/c; "
			"ln -s / a/root");
	struct attempt_spec kept = script(&rig, "kept", "true");
	struct attempt_spec runs = script(&rig, "runs",
			"touch ready; while [ ! -e go ]; do sleep 0.02; done");
	assert_int_equal(outcome(&rig, &old)->end, ATTEMPT_OK);
	assert_int_equal(outcome(&rig, &kept)->end, ATTEMPT_OK);
	ensure(&rig, &runs);
	turn_for(&rig, 20);
	wait_for(&rig, "ready");
	sweep_until_gone(&rig, "attempts/old");
	assert_false(exists(&rig, "attempts/old"));
	assert_true(exists(&rig, "attempts/kept/log"));
	assert_true(exists(&rig, "attempts/runs"));
	bot_dies(&rig);
	bot_starts(&rig); // which follows nothing yet
	assert_false(rig.runner->api->sweep(rig.runner, may_go, NULL));
	assert_true(exists(&rig, "attempts/runs"));
	touch(&rig, "go");
	follow(&rig, &runs);
	await(&rig, 1);
	assert_int_equal(rig.told[2].end, ATTEMPT_OK);
	sweep_until_gone(&rig, "attempts/runs");
	assert_false(exists(&rig, "attempts/runs"));
	bot_dies(&rig);
	teardown(&rig);
}

/* The runner is killed; what it started goes on until `go` is there. */
static void runner_dies(struct rig *rig, bool bot_watches) {
	struct attempt_spec spec = script(rig, "a",
			"echo DIR=/b >> $BRIDGE_OUTPUT; echo x >> counter; echo said\n"
			"touch ready; while [ ! -e go ]; do sleep 0.02; done\n"
			"echo y >> counter");
	bot_starts(rig);
	ensure(rig, &spec);
	turn_for(rig, 20);
	wait_for(rig, "ready");
	nap(50); // for the log
	pid_t runner = runner_of(rig, "a");
	if (!bot_watches) {
		bot_dies(rig);
	}
	kill(runner, SIGKILL);
	if (!bot_watches) {
		bot_starts(rig);
		ensure(rig, &spec);
	}
	turn_for(rig, 300);
	assert_int_equal(rig->told_count, 0); // not while any of it lives
	touch(rig, "go");
	await(rig, 1);
	assert_int_equal(rig->told[0].end, ATTEMPT_UNKNOWN);
	assert_string_equal(rig->told[0].reason,
			"its runner died; it may have done its work or not");
	assert_string_equal(rig->told[0].values, "DIR=/b ");
	assert_string_equal(rig->told[0].tail, "said\n");
	assert_int_equal(rig->told[0].lines, 1);
	assert_int_equal(outcome(rig, &spec)->end, ATTEMPT_UNKNOWN);
	assert_content(rig, "counter", "x\ny\n");
	bot_dies(rig);
	waitpid(runner, NULL, WNOHANG);
}

static void a_runner_that_is_killed_makes_the_outcome_unknown(void **state) {
	(void)state;
	for (int watches = 0; watches < 2; watches++) {
		struct rig rig;
		setup(&rig);
		runner_dies(&rig, watches == 1);
		teardown(&rig);
	}
}

static void what_a_killed_runner_left_is_ended_when_cancelled_or_late(
		void **state) {
	(void)state;
	for (int late = 0; late < 2; late++) {
		struct rig rig;
		setup(&rig);
		struct attempt_spec spec = script(&rig, "a",
				"setsid sleep 99 & touch ready\n"
				"while [ ! -e go ]; do sleep 0.02; done; echo y >> counter");
		bot_starts(&rig);
		ensure(&rig, &spec);
		turn_for(&rig, 20);
		wait_for(&rig, "ready");
		kill(runner_of(&rig, "a"), SIGKILL);
		turn_for(&rig, 250);
		assert_int_equal(rig.told_count, 0);
		if (late) { // the next bot is told another time-out: that is past
			bot_dies(&rig);
			bot_starts(&rig);
			spec.timeout_ms = 200;
			ensure(&rig, &spec);
		} else {
			rig.runner->api->cancel(rig.runner, "a");
		}
		await(&rig, 1);
		assert_int_equal(rig.told[0].end, ATTEMPT_UNKNOWN);
		assert_false(exists(&rig, "counter"));
		bot_dies(&rig);
		teardown(&rig);
	}
}

static void a_mark_of_another_boot_or_of_a_stranger_is_not_trusted(
		void **state) {
	(void)state;
	static const char *const marks[] = { "", "1 1 nonsense 5\n", NULL };
	struct rig rig;
	setup(&rig);
	bot_starts(&rig);
	for (size_t i = 0; i < 3; i++) {
		char id[8];
		snprintf(id, sizeof(id), "a%zu", i);
		struct attempt_spec spec = script(&rig, id, "echo x >> counter");
		char *folder = xasprintf("%s/attempts/%s", rig.folder, id);
		char *path = xasprintf("%s/started", folder);
		assert_int_equal(mkdir(folder, 0700), 0);
		struct err err = { 0 };
		if (marks[i] == NULL) { // ours: alive, but holding no lock
			struct step_mark mark = { 0 };
			assert_true(step_mark_self(&mark, &err));
			assert_true(step_mark_write(path, &mark, &err));
		} else {
			assert_true(fd_write_file(
					path, marks[i], strlen(marks[i]), 0600, &err));
		}
		assert_int_equal(outcome(&rig, &spec)->end, ATTEMPT_UNKNOWN);
		free(path);
		free(folder);
	}
	assert_false(exists(&rig, "counter"));
	bot_dies(&rig);
	teardown(&rig);
}

static void what_could_not_begin_is_told_so_and_can_begin_later(void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	bot_starts(&rig);
	struct attempt_spec spec = script(&rig, "a", "echo x >> counter");
	struct rlimit was;
	getrlimit(RLIMIT_FSIZE, &was);
	struct rlimit tiny = { 4096, was.rlim_max }; // a disk with room for little
	setrlimit(RLIMIT_FSIZE, &tiny);
	const struct told *told = outcome(&rig, &spec);
	setrlimit(RLIMIT_FSIZE, &was);
	assert_int_equal(told->end, ATTEMPT_NOT_STARTED);
	assert_non_null(strstr(told->reason, "no room to keep a result"));
	assert_false(rig.runner->api->has_begun(rig.runner, "a"));
	assert_int_equal(outcome(&rig, &spec)->end, ATTEMPT_OK);
	assert_content(&rig, "counter", "x\n");
	struct attempt_spec nowhere = script(&rig, "b", "true");
	nowhere.workdir = "/nonexistent";
	told = outcome(&rig, &nowhere);
	assert_int_equal(told->end, ATTEMPT_NOT_STARTED);
	assert_string_equal(told->reason,
			"cannot enter /nonexistent: No such file or directory");
	struct attempt_spec outside = script(&rig, "../c", "true");
	struct err err = { 0 };
	assert_false(rig.runner->api->prepare(rig.runner, "../c", &err));
	follow(&rig, &outside);
	await(&rig, 1);
	assert_int_equal(rig.told[rig.told_count - 1].end, ATTEMPT_NOT_STARTED);
	bot_dies(&rig);
	teardown(&rig);
}

static void a_missing_step_runner_is_said(void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	char *program = xstrdup(getenv("STEPRUN"));
	setenv("STEPRUN", "/nonexistent/steprun", 1);
	bot_starts(&rig);
	struct attempt_spec spec = script(&rig, "a", "true");
	const struct told *told = outcome(&rig, &spec);
	assert_int_equal(told->end, ATTEMPT_NOT_STARTED);
	assert_string_equal(told->reason,
			"cannot start /nonexistent/steprun: No such file or directory");
	bot_dies(&rig);
	setenv("STEPRUN", program, 1);
	free(program);
	teardown(&rig);
}

static void what_is_forgotten_is_heard_of_no_more(void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	bot_starts(&rig);
	struct attempt_spec spec = script(&rig, "a", "touch done");
	ensure(&rig, &spec);
	rig.runner->api->forget(rig.runner, "a");
	wait_for(&rig, "attempts/a/status");
	turn_for(&rig, 100);
	assert_int_equal(rig.told_count, 0);
	bot_dies(&rig);
	teardown(&rig);
}

static void secrets_reach_no_tail_no_reason_and_no_file(void **state) {
	(void)state;
	static const char *const env[] = { "TOKEN=Hunter2Hunter2", NULL };
	static const char *const masked[] = { "Hunter2Hunter2", NULL };
	static const char *const conditions[] = { "json .token == \"x\"", NULL };
	struct rig rig;
	setup(&rig);
	bot_starts(&rig);
	struct attempt_spec spec = script(&rig, "a",
			"printf '{\"token\": \"%s\"}\\n' $TOKEN; echo $TOKEN >&2");
	spec.env = env;
	spec.masked = masked;
	spec.conditions = conditions;
	const struct told *told = outcome(&rig, &spec);
	assert_string_equal(told->reason, ".token is \"***\", wanted == \"x\"");
	assert_null(strstr(told->tail, "Hunter2"));
	static const char *const sets[] = { "URL", NULL };
	spec.id = "b";
	spec.text = "echo URL=mongodb://u:$TOKEN@h/ >>$BRIDGE_OUTPUT";
	spec.sets = sets;
	spec.conditions = NULL;
	told = outcome(&rig, &spec);
	assert_int_equal(told->end, ATTEMPT_FAILED);
	assert_string_equal(told->reason,
			"`URL=` in $BRIDGE_OUTPUT holds a secret: it would be on record");
	assert_string_equal(told->values, "");
	struct str long_text = { 0 };
	for (size_t i = 0; i < 130000; i++) {
		str_add_char(&long_text, '#');
	}
	spec.id = "c";
	spec.text = str_text(&long_text);
	assert_int_equal(outcome(&rig, &spec)->end, ATTEMPT_NOT_STARTED);
	str_finish(&long_text);
	/* A bot that died when it had just written down what to run. */
	prepare(&rig, "d");
	char *armed = xasprintf(
			"echo Hunter2Hunter2 >%s/attempts/d/spec", rig.folder);
	assert_int_equal(system(armed), 0);
	free(armed);
	rig.runner->api->cancel(rig.runner, "d");
	bot_dies(&rig);
	char *grep = xasprintf("grep -rq Hunter2 %s", rig.folder);
	assert_int_equal(WEXITSTATUS(system(grep)), 1);
	free(grep);
	teardown(&rig);
}

/* ---- on the run clock ---- */

#define CLOCK_START 1000000
#define HOUR_MS     3600000

/* A process that owns the clock and moves it. */
static pid_t clock_starts(const char *path) {
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct err err = { 0 };
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		struct runclock *clock = runclock_create(path, CLOCK_START, &err);
		for (;;) {
			struct timespec now;
			clock_gettime(CLOCK_MONOTONIC, &now);
			runclock_advance(
					clock, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
			nap(1);
		}
	}
	return pid;
}

static void on_hour(void *data) {
	loop_stop(((struct rig *)data)->loop);
}

static void the_run_clock_waits_for_a_command_and_then_jumps(void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	char *path = path_in(&rig, "clock");
	pid_t clock = clock_starts(path);
	wait_for(&rig, "clock");
	nap(20);
	rig.clock_path = path;
	bot_starts(&rig);
	struct loop_timer *hour = loop_timer_create(rig.loop, on_hour, &rig);
	loop_timer_start_at(hour, CLOCK_START + HOUR_MS);
	for (int i = 0; i < 5; i++) {
		char id[8];
		snprintf(id, sizeof(id), "a%d", i);
		struct attempt_spec spec = script(&rig, id, "sleep 0.05");
		assert_int_equal(outcome(&rig, &spec)->end, ATTEMPT_OK);
	}
	// Ten times as fast as real time, and not an hour further.
	assert_true(loop_now_ms(rig.loop) >= CLOCK_START + 250);
	assert_true(loop_now_ms(rig.loop) < CLOCK_START + 60000);
	struct attempt_spec spec = script(&rig, "b", "touch ready; sleep 0.2");
	ensure(&rig, &spec);
	turn_for(&rig, 20);
	wait_for(&rig, "ready");
	kill(runner_of(&rig, "b"), SIGKILL); // its seat is empty, its name is not
	await(&rig, 1);
	assert_int_equal(rig.told[5].end, ATTEMPT_UNKNOWN);
	loop_timer_start_real(rig.limit, LIMIT_MS);
	loop_run(rig.loop);
	assert_false(rig.late);
	assert_true(loop_now_ms(rig.loop) >= CLOCK_START + HOUR_MS);
	loop_timer_destroy(hour);
	bot_dies(&rig);
	kill(clock, SIGKILL);
	waitpid(clock, NULL, 0);
	free(path);
	teardown(&rig);
}

/* ---- requests ---- */

struct server {
	pid_t pid;
	int port;
};

static void answer(int client, const struct rig *rig) {
	char text[2048] = "";
	size_t len = 0;
	ssize_t n = 0;
	while (strstr(text, "\r\n\r\n") == NULL &&
			(n = read(client, text + len, sizeof(text) - 1 - len)) > 0) {
		len += (size_t)n;
	}
	char *path = path_in(rig, "requests");
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	dprintf(fd, "%.*s\n", (int)strcspn(text, "\r"), text);
	close(fd);
	free(path);
	if (strstr(text, "/never") != NULL) {
		nap(60000);
	}
	const char *head = strstr(text, "/sick") != NULL ? "HTTP/1.1 503 Busy"
													 : "HTTP/1.1 200 OK";
	static const char body[] = "{\"status\": \"Healthy\", \"k\": "
							   "\"Hunter2Hunter2\"}\n";
	dprintf(client, "%s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
			head, sizeof(body) - 1, body);
}

static struct server server_starts(const struct rig *rig) {
	struct server server = { 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	getsockname(fd, (struct sockaddr *)&address, &len);
	server.port = ntohs(address.sin_port);
	server.pid = fork();
	if (server.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			int client = accept(fd, NULL, NULL);
			answer(client, rig);
			close(client);
		}
	}
	close(fd);
	return server;
}

static void server_stops(const struct server *server) {
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
}

static struct attempt_spec request(const char *id, const char *text) {
	return (struct attempt_spec){
		.id = id,
		.kind = ATTEMPT_HTTP,
		.text = text,
		.timeout_ms = 5000,
	};
}

static void a_request_is_made_once_and_judged(void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	struct server server = server_starts(&rig);
	bot_starts(&rig);
	char *base = xasprintf("BASE=http://127.0.0.1:%d", server.port);
	const char *const env[] = { base, "WHO=a/b", NULL };
	static const char *const masked[] = { "Hunter2Hunter2", NULL };
	static const char *const conditions[] = { "json .status == \"Healthy\"",
		NULL };
	struct attempt_spec spec = request("a", "GET {{BASE}}/healthz?q={{WHO}}");
	spec.env = env;
	spec.masked = masked;
	spec.conditions = conditions;
	const struct told *told = outcome(&rig, &spec);
	assert_string_equal(told->reason, "");
	assert_int_equal(told->end, ATTEMPT_OK);
	assert_int_equal(told->http_status, 200);
	assert_string_equal(
			told->tail, "{\"status\": \"Healthy\", \"k\": \"***\"}\n");
	assert_int_equal(outcome(&rig, &spec)->end, ATTEMPT_OK);
	bot_dies(&rig);
	bot_starts(&rig);
	assert_int_equal(outcome(&rig, &spec)->end, ATTEMPT_OK);
	assert_content(&rig, "requests", "GET /healthz?q=a%2Fb HTTP/1.1\n");
	struct attempt_spec sick = request("b", "GET {{BASE}}/sick");
	sick.env = env;
	told = outcome(&rig, &sick);
	assert_int_equal(told->end, ATTEMPT_FAILED);
	assert_string_equal(told->reason, "wanted http 2xx, got 503");
	bot_dies(&rig);
	server_stops(&server);
	free(base);
	teardown(&rig);
}

static void a_request_in_flight_when_the_bot_died_is_unknown(void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	struct server server = server_starts(&rig);
	bot_starts(&rig);
	char *text = xasprintf("POST http://127.0.0.1:%d/never\n\nx", server.port);
	struct attempt_spec spec = request("a", text);
	ensure(&rig, &spec);
	for (int i = 0; i < 100 && !exists(&rig, "requests"); i++) {
		turn_for(&rig, 20);
	}
	bot_dies(&rig);
	bot_starts(&rig);
	assert_true(rig.runner->api->has_begun(rig.runner, "a"));
	const struct told *told = outcome(&rig, &spec);
	assert_int_equal(told->end, ATTEMPT_UNKNOWN);
	assert_content(&rig, "requests", "POST /never HTTP/1.1\n");
	bot_dies(&rig);
	server_stops(&server);
	free(text);
	teardown(&rig);
}

static void a_request_without_an_answer_is_told_by_what_it_may_have_done(
		void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	struct server server = server_starts(&rig);
	bot_starts(&rig);
	char *get = xasprintf("GET http://127.0.0.1:%d/never", server.port);
	struct attempt_spec spec = request("a", get);
	spec.timeout_ms = 150;
	assert_int_equal(outcome(&rig, &spec)->end, ATTEMPT_TIMED_OUT);
	server_stops(&server);
	struct attempt_spec refused = request("b", get);
	const struct told *told = outcome(&rig, &refused);
	assert_int_equal(told->end, ATTEMPT_FAILED);
	assert_true(told->reason[0] != '\0');
	server = server_starts(&rig);
	char *post = xasprintf("POST http://127.0.0.1:%d/never\n\nx", server.port);
	struct attempt_spec sent = request("c", post);
	sent.timeout_ms = 150;
	assert_int_equal(outcome(&rig, &sent)->end, ATTEMPT_UNKNOWN);
	server_stops(&server);
	bot_dies(&rig);
	free(post);
	free(get);
	teardown(&rig);
}

static void a_request_can_be_cancelled_before_and_while_it_is_made(
		void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	struct server server = server_starts(&rig);
	bot_starts(&rig);
	char *text = xasprintf("GET http://127.0.0.1:%d/never", server.port);
	struct attempt_spec spec = request("a", text);
	prepare(&rig, "a");
	rig.runner->api->cancel(rig.runner, "a");
	assert_int_equal(outcome(&rig, &spec)->end, ATTEMPT_CANCELLED);
	assert_false(exists(&rig, "requests"));
	struct attempt_spec second = request("b", text);
	ensure(&rig, &second);
	turn_for(&rig, 50);
	rig.runner->api->cancel(rig.runner, "b");
	await(&rig, 1);
	assert_int_equal(rig.told[1].end, ATTEMPT_CANCELLED);
	bot_dies(&rig);
	server_stops(&server);
	free(text);
	teardown(&rig);
}

static void a_template_that_cannot_be_filled_sends_nothing(void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	bot_starts(&rig);
	struct attempt_spec spec = request("a", "GET https://{{HOST}}/");
	const struct told *told = outcome(&rig, &spec);
	assert_int_equal(told->end, ATTEMPT_NOT_STARTED);
	assert_string_equal(told->reason, "{{HOST}} is not set");
	assert_false(rig.runner->api->has_begun(rig.runner, "a"));
	bot_dies(&rig);
	teardown(&rig);
}

/* The journal was put back from a copy, what is beside it was not: a run has
 * the number of one that it does not know. */
static void what_was_done_for_a_lost_journal_is_no_result(void **state) {
	(void)state;
	struct rig rig;
	setup(&rig);
	bot_starts(&rig);
	struct attempt_spec spec = script(&rig, "a", "echo ran >> runs");
	assert_int_equal(outcome(&rig, &spec)->end, ATTEMPT_OK);
	bot_dies(&rig);
	bot_starts(&rig);
	prepare(&rig, "a");
	prepare(&rig, "a");
	bot_dies(&rig);
	bot_starts(&rig);
	follow(&rig, &spec);
	await(&rig, 1);
	const struct told *told = &rig.told[rig.told_count - 1];
	assert_int_equal(told->end, ATTEMPT_UNKNOWN);
	assert_non_null(strstr(told->reason, "my journal does not know"));
	char *command = xasprintf("[ $(wc -l < %s/runs) = 1 ]", rig.folder);
	assert_int_equal(system(command), 0);
	free(command);
	bot_dies(&rig);
	teardown(&rig);
}

/* ---- on other machines ---- */

/* A program by the name of ssh does here what is to be done there. */
static void make_host(const struct rig *rig) {
	char *home = xasprintf("%s/home", rig->folder);
	char *path = xasprintf("%s/ssh", rig->folder);
	char *search = xasprintf("%s:%s", rig->folder, getenv("PATH"));
	assert_int_equal(mkdir(home, 0700), 0);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file,
			"#!/bin/sh\nfor last; do :; done\nHOME=%s\n"
			"export HOME\nexec sh -c \"$last\"\n",
			home);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0700), 0);
	setenv("PATH", search, 1);
	free(search);
	free(path);
	free(home);
}

/* The state folder was put back from a copy, the hosts were not. */
static void what_a_host_did_for_a_lost_journal_is_no_result(void **state) {
	(void)state;
	const struct ssh_host host = {
		.name = "node1", .key = "none", .known_hosts = "none"
	};
	struct rig rig;
	setup(&rig);
	make_host(&rig);
	bot_starts(&rig);
	struct attempt_spec spec = script(&rig, "a", "echo ran >> runs");
	spec.host = &host;
	assert_int_equal(outcome(&rig, &spec)->end, ATTEMPT_OK);
	bot_dies(&rig);
	char *command = xasprintf("cd %s && rm -r attempts/a record-a", rig.folder);
	assert_int_equal(system(command), 0);
	bot_starts(&rig);
	const struct told *told = outcome(&rig, &spec);
	assert_int_equal(told->end, ATTEMPT_UNKNOWN);
	assert_non_null(strstr(told->reason, "my journal does not know"));
	free(command);
	command = xasprintf("[ $(wc -l < %s/runs) = 1 ]", rig.folder);
	assert_int_equal(system(command), 0);
	free(command);
	bot_dies(&rig);
	teardown(&rig);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_that_ends_well_is_told_once),
		cmocka_unit_test(whatever_it_does_to_its_folder_its_end_is_told),
		cmocka_unit_test(why_it_failed_is_one_line_for_people),
		cmocka_unit_test(only_what_was_declared_may_be_published_and_all_of_it),
		cmocka_unit_test(a_bot_that_comes_back_hears_every_line_once),
		cmocka_unit_test(what_ended_while_no_bot_ran_is_told_to_the_next),
		cmocka_unit_test(wherever_a_bot_is_killed_the_command_runs_once),
		cmocka_unit_test(a_cancel_holds_across_a_restart),
		cmocka_unit_test(what_is_cancelled_before_it_is_ensured_never_begins),
		cmocka_unit_test(what_is_swept_is_neither_followed_nor_alive),
		cmocka_unit_test(
				what_was_started_is_not_begun_anew_where_its_folder_is_gone),
		cmocka_unit_test(a_runner_that_is_killed_makes_the_outcome_unknown),
		cmocka_unit_test(
				what_a_killed_runner_left_is_ended_when_cancelled_or_late),
		cmocka_unit_test(
				a_mark_of_another_boot_or_of_a_stranger_is_not_trusted),
		cmocka_unit_test(what_could_not_begin_is_told_so_and_can_begin_later),
		cmocka_unit_test(a_missing_step_runner_is_said),
		cmocka_unit_test(what_is_forgotten_is_heard_of_no_more),
		cmocka_unit_test(secrets_reach_no_tail_no_reason_and_no_file),
		cmocka_unit_test(the_run_clock_waits_for_a_command_and_then_jumps),
		cmocka_unit_test(a_request_is_made_once_and_judged),
		cmocka_unit_test(a_request_in_flight_when_the_bot_died_is_unknown),
		cmocka_unit_test(
				a_request_without_an_answer_is_told_by_what_it_may_have_done),
		cmocka_unit_test(
				a_request_can_be_cancelled_before_and_while_it_is_made),
		cmocka_unit_test(a_template_that_cannot_be_filled_sends_nothing),
		cmocka_unit_test(what_was_done_for_a_lost_journal_is_no_result),
		cmocka_unit_test(what_a_host_did_for_a_lost_journal_is_no_result),
	};
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
