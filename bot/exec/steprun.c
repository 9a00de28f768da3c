/*
 * steprun FOLDER: run one command so that it outlives the bot.
 * steprun --end FOLDER: end what is left of one whose runner was killed.
 * steprun --far …: serve a bot on another machine (exec/attend.h).
 *
 *	spec, lock ─▶ mark ─▶ command runs ─▶ TERM ─▶ KILL ─▶ all gone ─▶ status
 *	   │                      │  └───── ends by itself ─────▶ │
 *	   └─▶ not begun          └─ cancel, time out ─▶ TERM
 *
 * It is started by the bot, is in a session of its own and needs nobody: what
 * it is told and what it tells is in the folder (exec/stepfolder.h).  It is the
 * reaper of all that the command starts, so nothing is left when it has
 * written the status.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "exec/attend.h"
#include "exec/command.h"
#include "exec/descend.h"
#include "exec/mask.h"
#include "exec/stepfolder.h"
#include "exec/steplog.h"
#include "exec/undertake.h"
#include "sys/clock.h"
#include "sys/fd.h"

#define STATUS_DRAFT      "status.draft"
#define SCRIPT_MAX        ((size_t)120 * 1024) // the kernel's limit is 128 KiB
#define GRACE_DEFAULT_MS  10000
#define LEFTOVER_WAIT_MS  500  // real: for `> >(tee log)` to finish
#define LEFTOVER_GRACE_MS 1000 // real
#define KILL_EVERY_MS     20
#define SHARED_SLICE_MS   10 // a run clock must be looked at
#define REAL_SLICE_MS     1000
#define RETRY_MS          1000 // to write the status on a full disk
#define LINGER_MS         10000

enum phase {
	RUNNING,
	LEFTOVER, // the command has ended, something that it started has not
	ENDING,   // TERM was sent
	KILLING,
};

enum cause {
	BY_ITSELF,
	BY_TIME,
	BY_CANCEL,
};

struct job {
	struct step_spec spec;
	struct clock *clock;
	struct mask *mask;
	struct steplog *log;
	int lock_fd;
	int alive_fd;
	int status_fd;
	int log_fd;
	int signal_fd;
	int inotify_fd;
	int out_fd[2]; // ends of the pipes that we read, by enum step_stream
	pid_t leader;
	bool leader_gone;
	bool all_gone;
	int wait_status;
	enum phase phase;
	enum cause cause;
	int64_t begun;    // of measure_ms()
	int64_t ended;    // of measure_ms(); of the leader
	int64_t kill_at;  // of measure_ms()
	int64_t hurry_at; // of real_ms(), in LEFTOVER and after it
	struct step_status status;
};

static int64_t ms_of(clockid_t id) {
	struct timespec now;
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t real_ms(void) {
	return ms_of(CLOCK_BOOTTIME);
}

/* What timeouts are measured on: the run's clock where there is one, else one
 * that nobody sets and that goes on while the machine sleeps. */
static int64_t measure_ms(const struct job *job) {
	return clock_is_shared(job->clock) ? clock_now_ms(job->clock) : real_ms();
}

static int not_begun(const struct err *err) {
	fprintf(stderr, "%s\n", err->text);
	return STEP_EXIT_NOT_BEGUN;
}

static void close_all(struct job *job) {
	steplog_destroy(job->log);
	mask_destroy(job->mask);
	clock_destroy(job->clock);
	step_spec_finish(&job->spec);
	step_status_finish(&job->status);
	fd_close(&job->out_fd[STEP_STDOUT]);
	fd_close(&job->out_fd[STEP_STDERR]);
	fd_close(&job->inotify_fd);
	fd_close(&job->signal_fd);
	fd_close(&job->log_fd);
	fd_close(&job->status_fd);
	fd_close(&job->alive_fd);
	fd_close(&job->lock_fd);
}

static bool open_clock(struct job *job, struct err *err) {
	if (job->spec.clock_path[0] == '\0') {
		job->clock = clock_create_real();
		return true;
	}
	job->clock = clock_join(job->spec.clock_path, job->spec.clock_name,
			CLOCK_ROLE_COMMAND, err);
	return job->clock != NULL;
}

static int create_file(const char *name, int flags, struct err *err) {
	int fd = open(name, O_CREAT | O_TRUNC | O_CLOEXEC | flags, 0600);
	if (fd < 0) {
		err_set(err, ERR_IO, "%s: %s", name, strerror(errno));
	}
	return fd;
}

static bool open_signals(struct job *job, struct err *err) {
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	job->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	job->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (job->signal_fd < 0 || job->inotify_fd < 0 ||
			inotify_add_watch(job->inotify_fd, ".", IN_CREATE | IN_MOVED_TO) <
					0) {
		return err_set(err, ERR_IO, "cannot watch the attempt's folder: %s",
				strerror(errno));
	}
	return true;
}

/* All that can fail for want of something is done before the mark. */
static bool prepare(struct job *job, struct err *err) {
	int published = -1;
	if (strlen(job->spec.script) > SCRIPT_MAX) {
		return err_set(err, ERR_INVALID, "a script of more than %zu bytes",
				SCRIPT_MAX);
	}
	if (!open_clock(job, err) || !open_signals(job, err)) {
		return false;
	}
	job->status_fd = step_status_reserve(STATUS_DRAFT, err);
	if (job->status_fd < 0) {
		return false;
	}
	job->log_fd = create_file(STEP_LOG, O_WRONLY | O_APPEND, err);
	published = job->log_fd >= 0 ? create_file(STEP_PUBLISHED, O_WRONLY, err)
								 : -1;
	job->alive_fd = published >= 0 ? step_lock(STEP_ALIVE, err) : -1;
	fd_close(&published);
	if (job->alive_fd < 0) {
		return false;
	}
	job->mask = mask_create((const char *const *)job->spec.masked);
	job->log = steplog_create(job->log_fd, job->mask, job->spec.log_cap);
	return true;
}

static bool make_mark(struct job *job, struct err *err) {
	struct step_mark mark = { 0 };
	if (!step_mark_self(&mark, err)) {
		return false;
	}
	mark.started_ms = clock_now_ms(job->clock);
	if (!step_mark_write(STEP_STARTED, &mark, err)) {
		return false;
	}
	job->status.started_ms = mark.started_ms;
	unlink(STEP_SPEC); // it has secrets, and is of no use from here on
	return true;
}

/* Read what is there, at most a few pieces so that timers get their turn. */
static void copy_output(struct job *job, enum step_stream stream, int pieces) {
	char bytes[65536];
	while (pieces-- > 0 && job->out_fd[stream] >= 0) {
		ssize_t n = read(job->out_fd[stream], bytes, sizeof(bytes));
		if (n > 0) {
			steplog_add(job->log, stream, bytes, (size_t)n,
					clock_now_ms(job->clock));
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			fd_close(&job->out_fd[stream]);
		} else {
			return;
		}
	}
}

static void reap(struct job *job) {
	struct signalfd_siginfo info;
	while (read(job->signal_fd, &info, sizeof(info)) > 0) {
	}
	int status = 0;
	pid_t pid = 0;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == job->leader) {
			job->leader_gone = true;
			job->wait_status = status;
			job->ended = measure_ms(job);
			job->status.ended_ms = clock_now_ms(job->clock);
		}
	}
	job->all_gone = pid < 0 && errno == ECHILD;
}

static void begin_ending(struct job *job, enum cause cause) {
	int64_t grace = job->spec.grace_ms > 0 ? job->spec.grace_ms
										   : GRACE_DEFAULT_MS;
	job->phase = ENDING;
	job->cause = cause;
	job->kill_at = measure_ms(job) + grace;
	steplog_remark(job->log,
			cause == BY_TIME ? "its time is up: ending it"
							 : "cancelled: ending it",
			clock_now_ms(job->clock));
	descend_signal(SIGTERM);
}

static void end_leftovers(struct job *job) {
	char text[80];
	size_t count = descend_signal(SIGTERM);
	snprintf(text, sizeof(text),
			"the command has ended; ending %zu left over from it", count);
	steplog_remark(job->log, text, clock_now_ms(job->clock));
	job->phase = ENDING;
	job->kill_at = CLOCK_NEVER;
	job->hurry_at = real_ms() + LEFTOVER_GRACE_MS;
}

/* One look at what should happen now. */
static void step_on(struct job *job) {
	switch (job->phase) {
	case RUNNING:
		if (job->leader_gone) {
			job->phase = LEFTOVER;
			job->hurry_at = real_ms() + LEFTOVER_WAIT_MS;
		} else if (access(STEP_CANCEL, F_OK) == 0) {
			begin_ending(job, BY_CANCEL);
		} else if (measure_ms(job) - job->begun >= job->spec.timeout_ms) {
			begin_ending(job, BY_TIME);
		}
		break;
	case LEFTOVER:
		if (real_ms() >= job->hurry_at) {
			end_leftovers(job);
		}
		break;
	case ENDING:
		if (measure_ms(job) >= job->kill_at ||
				(job->hurry_at > 0 && real_ms() >= job->hurry_at)) {
			job->phase = KILLING;
		}
		break;
	case KILLING:
		// Again and again: it may fork faster than it is looked at.
		descend_signal(SIGKILL);
		break;
	}
}

/* When measure_ms() calls for something. */
static int64_t due_ms(const struct job *job) {
	switch (job->phase) {
	case RUNNING:
		return job->begun + job->spec.timeout_ms;
	case ENDING:
		return job->kill_at;
	case LEFTOVER:
	case KILLING:
		break;
	}
	return CLOCK_NEVER;
}

static int wait_ms(const struct job *job) {
	if (job->phase == KILLING) {
		return KILL_EVERY_MS;
	}
	if (job->phase == LEFTOVER || job->hurry_at > 0 ||
			clock_is_shared(job->clock)) {
		return SHARED_SLICE_MS;
	}
	int64_t left = due_ms(job) - measure_ms(job);
	left = left > 0 ? left : 0;
	return (int)(left < REAL_SLICE_MS ? left : REAL_SLICE_MS);
}

static void drain_inotify(const struct job *job) {
	char events[4096];
	while (read(job->inotify_fd, events, sizeof(events)) > 0) {
	}
}

/* Until nothing of the command is left. */
static void follow(struct job *job) {
	while (!job->all_gone) {
		struct pollfd fds[] = {
			{ .fd = job->signal_fd, .events = POLLIN },
			{ .fd = job->inotify_fd, .events = POLLIN },
			{ .fd = job->out_fd[STEP_STDOUT], .events = POLLIN },
			{ .fd = job->out_fd[STEP_STDERR], .events = POLLIN },
		};
		clock_set_idle(job->clock, due_ms(job));
		poll(fds, 4, wait_ms(job));
		copy_output(job, STEP_STDOUT, 16);
		copy_output(job, STEP_STDERR, 16);
		drain_inotify(job);
		reap(job);
		step_on(job);
	}
	// All writers are gone: what the pipes still hold is all there will be.
	copy_output(job, STEP_STDOUT, 1024);
	copy_output(job, STEP_STDERR, 1024);
}

static void judge(struct job *job) {
	struct step_status *status = &job->status;
	status->exit_status = -1;
	if (WIFEXITED(job->wait_status)) {
		status->end = STEP_EXITED;
		status->exit_status = WEXITSTATUS(job->wait_status);
	} else if (WIFSIGNALED(job->wait_status)) {
		status->end = STEP_SIGNALLED;
		status->signal = WTERMSIG(job->wait_status);
	}
	if (job->cause == BY_TIME) {
		status->end = STEP_TIMED_OUT;
	} else if (job->cause == BY_CANCEL) {
		status->end = STEP_CANCELLED;
	}
	status->took_ms = job->ended - job->begun;
}

static void sleep_ms(int ms) {
	poll(NULL, 0, ms);
}

/* Nothing else is left to do, so wait for room if that is what is missing. */
static void keep_status(struct job *job) {
	struct err err = { 0 };
	while (!step_status_write(
			job->status_fd, STATUS_DRAFT, STEP_STATUS, &job->status, &err)) {
		sleep_ms(RETRY_MS);
	}
}

static void finish_log(struct job *job) {
	steplog_end(job->log, clock_now_ms(job->clock));
	struct steplog_totals totals = steplog_totals(job->log);
	job->status.lines = totals.lines;
	job->status.left_out = totals.left_out;
	job->status.log_error = totals.error;
	if (totals.error != 0) {
		struct str recent = { 0 };
		steplog_recent(job->log, &recent, STEP_RECENT_MAX);
		job->status.recent = str_take(&recent);
	}
	struct err err = { 0 };
	int fd = fd_open_file(STEP_PUBLISHED, &err);
	if (fd >= 0) {
		fsync(fd);
	}
	fd_close(&fd);
}

/*
 * While this one sits on the run clock it cannot jump.  The bot, if it runs,
 * is to see the result before time goes on; if it does not, the clock waits
 * for it anyway.
 */
static void linger(const struct job *job) {
	int64_t until = real_ms() + LINGER_MS;
	while (clock_is_shared(job->clock) && access(STEP_SEEN, F_OK) != 0 &&
			real_ms() < until) {
		struct pollfd fd = { .fd = job->inotify_fd, .events = POLLIN };
		clock_set_idle(job->clock, CLOCK_NEVER);
		poll(&fd, 1, SHARED_SLICE_MS);
		drain_inotify(job);
	}
}

static void run_command(struct job *job) {
	struct err err = { 0 };
	job->begun = measure_ms(job);
	if (command_spawn(
				&job->spec, job->alive_fd, job->out_fd, &job->leader, &err)) {
		follow(job);
		judge(job);
	} else {
		job->status.end = STEP_NOT_STARTED;
		job->status.exit_status = -1;
		job->status.ended_ms = clock_now_ms(job->clock);
		snprintf(
				job->status.reason, sizeof(job->status.reason), "%s", err.text);
	}
	finish_log(job);
	keep_status(job);
	linger(job);
}

/* Cancelled before anything happened: say so for good. */
static int refuse_cancelled(struct job *job, struct err *err) {
	job->status = (struct step_status){
		.end = STEP_CANCELLED,
		.exit_status = -1,
		.started_ms = clock_now_ms(job->clock),
		.ended_ms = clock_now_ms(job->clock),
		.reason = "cancelled before it began",
	};
	unlink(STEP_SPEC);
	if (!step_status_write(
				job->status_fd, STATUS_DRAFT, STEP_STATUS, &job->status, err)) {
		return not_begun(err);
	}
	linger(job);
	return STEP_EXIT_DONE;
}

static int run(struct job *job) {
	struct err err = { 0 };
	job->lock_fd = step_lock(STEP_LOCK, &err);
	if (job->lock_fd < 0) {
		return err.code == ERR_REFUSED ? STEP_EXIT_OTHER : not_begun(&err);
	}
	if (access(STEP_STARTED, F_OK) == 0 || access(STEP_STATUS, F_OK) == 0) {
		return STEP_EXIT_OTHER;
	}
	if (!step_spec_read(STEP_SPEC, &job->spec, &err) || !prepare(job, &err)) {
		return not_begun(&err);
	}
	if (access(STEP_CANCEL, F_OK) == 0) {
		return refuse_cancelled(job, &err);
	}
	if (!make_mark(job, &err)) {
		return err.code == ERR_REFUSED ? STEP_EXIT_OTHER : not_begun(&err);
	}
	run_command(job);
	return STEP_EXIT_DONE;
}

int main(int argc, char **argv) {
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("steprun " BRIDGEKEEPER_VERSION);
		return STEP_EXIT_DONE;
	}
	bool ends = argc == 3 && strcmp(argv[1], "--end") == 0;
	if (argc > 2 && strcmp(argv[1], "--far") == 0) {
		fd_close_from(3);
		return attend_main(argc - 2, argv + 2);
	}
	if (argc != 2 && !ends) {
		fprintf(stderr,
				"usage: steprun [--end] FOLDER | --version (the bot starts it)\n");
		return 2;
	}
	if (chdir(argv[argc - 1]) < 0) {
		fprintf(stderr, "%s: %s\n", argv[argc - 1], strerror(errno));
		return STEP_EXIT_NOT_BEGUN;
	}
	fd_close_from(3);
	setsid();
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	// What ends the machine ends the command too; its end is to be told.
	static const int ignored[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGXFSZ };
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
		signal(ignored[i], SIG_IGN);
	}
	if (ends) {
		return undertake();
	}
	struct job job = {
		.lock_fd = -1,
		.alive_fd = -1,
		.status_fd = -1,
		.log_fd = -1,
		.signal_fd = -1,
		.inotify_fd = -1,
		.out_fd = { -1, -1 },
	};
	int code = run(&job);
	close_all(&job);
	return code;
}
