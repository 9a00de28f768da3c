#include "exec/attend.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "exec/attemptfolder.h"
#include "exec/child.h"
#include "exec/stepfolder.h"
#include "sys/fd.h"

#define SPEC_MAX      ((size_t)2 * 1024 * 1024)
#define PUBLISHED_MAX ((size_t)64 * 1024 + 1) // one over: refused over there
#define STATUS_MAX    ((size_t)16 * 1024)
#define SLICE_MS      100
#define TURN_WAIT_MS  50
#define TURN_TRIES    400
#define REASON_ROOM   240
#define EXIT_GOOD     0
#define EXIT_USAGE    2
#define EXIT_IO       4

struct attend {
	bool may_start;
	int64_t timeout_ms;
	off_t offset; // of the log: what was said
	bool begun_said;
	int inotify_fd;
	int attend_fd;
	char turn[64];
	pid_t child; // a runner that we started; 0: none
	int child_said;
	bool gone; // nobody listens, or another serves
};

/* ---- turns ---- */

static bool is_our_turn(const struct attend *attend) {
	struct str text = { 0 };
	struct err err = { 0 };
	bool ours = fd_read_file(STEP_TURN, 64, &text, &err) &&
			strcmp(str_text(&text), attend->turn) == 0;
	str_finish(&text);
	return ours;
}

/* In its place, and always as long: on a full disk it needs no room but that of
 * the turn before. */
static bool write_turn(const struct attend *attend, struct err *err) {
	size_t len = strlen(attend->turn);
	int fd = open(STEP_TURN, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && pwrite(fd, attend->turn, len, 0) == (ssize_t)len;
	if (!ok) {
		err_set(err, ERR_IO, "%s: cannot write: %s", STEP_TURN,
				strerror(errno));
	}
	fd_close(&fd);
	return ok;
}

static bool take_turn(struct attend *attend, struct err *err) {
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(attend->turn, sizeof(attend->turn), "%010d %020lld.%09ld",
			(int)getpid(), (long long)now.tv_sec, now.tv_nsec);
	if (!write_turn(attend, err)) {
		return false;
	}
	for (int i = 0; i < TURN_TRIES && is_our_turn(attend); i++) {
		attend->attend_fd = step_lock(STEP_ATTEND, err);
		if (attend->attend_fd >= 0 || err->code != ERR_REFUSED) {
			return attend->attend_fd >= 0;
		}
		poll(NULL, 0, TURN_WAIT_MS);
	}
	return err_set(err, ERR_IO, "another connection holds this attempt");
}

/* ---- saying ---- */

static void drain(int fd) {
	char events[4096];
	while (read(fd, events, sizeof(events)) > 0) {
	}
}

/* Wait for news, or for room to say more; sees when to leave. */
static void wait_for(struct attend *attend, bool room, int timeout_ms) {
	struct pollfd fds[] = {
		{ .fd = STDOUT_FILENO, .events = room ? POLLOUT : 0 },
		{ .fd = attend->inotify_fd, .events = POLLIN },
	};
	poll(fds, 2, timeout_ms);
	drain(attend->inotify_fd);
	attend->gone = attend->gone ||
			(fds[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0 ||
			!is_our_turn(attend);
}

static void say_bytes(struct attend *attend, const char *bytes, size_t len) {
	while (len > 0 && !attend->gone) {
		ssize_t n = write(STDOUT_FILENO, bytes, len);
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			wait_for(attend, true, SLICE_MS);
		} else if (n == 0 || errno != EINTR) {
			attend->gone = true;
		}
	}
}

static void say(struct attend *attend, const char *word, const char *bytes,
		size_t len) {
	char head[64];
	int n = snprintf(head, sizeof(head), "%s %zu\n", word, len);
	say_bytes(attend, head, (size_t)n);
	say_bytes(attend, bytes, len);
}

/* At most @max bytes of the file; nothing where there is none. */
static void say_file(
		struct attend *attend, const char *word, const char *name, size_t max) {
	char *bytes = xcalloc(max, 1);
	struct err err = { 0 };
	size_t len = 0;
	int fd = fd_open_file(name, &err);
	ssize_t n = 0;
	while (fd >= 0 && len < max && (n = read(fd, bytes + len, max - len)) > 0) {
		len += (size_t)n;
	}
	fd_close(&fd);
	say(attend, word, bytes, len);
	free(bytes);
}

static void say_log(struct attend *attend) {
	char bytes[65536];
	struct err err = { 0 };
	int fd = fd_open_file(STEP_LOG, &err);
	ssize_t n = 0;
	while (fd >= 0 && !attend->gone &&
			(n = pread(fd, bytes, sizeof(bytes), attend->offset)) > 0) {
		say(attend, "log", bytes, (size_t)n);
		attend->offset += n;
	}
	fd_close(&fd);
}

static void say_last(
		struct attend *attend, const char *word, const char *reason) {
	say(attend, word, reason, strlen(reason));
}

static void say_begun(struct attend *attend) {
	if (!attend->begun_said) {
		attend->begun_said = true;
		say_file(attend, "begun", STEP_STARTED, 1024);
	}
}

static bool is_there(const char *name) {
	return access(name, F_OK) == 0;
}

/* Said last, so that whoever has it has all. */
static bool say_status(struct attend *attend) {
	if (!is_there(STEP_STATUS)) {
		return false;
	}
	if (is_there(STEP_STARTED)) {
		say_begun(attend);
	}
	say_log(attend);
	say_file(attend, "published", STEP_PUBLISHED, PUBLISHED_MAX);
	say_file(attend, "status", STEP_STATUS, STATUS_MAX);
	return true;
}

/* ---- runners ---- */

static bool start(struct attend *attend, const char *option, struct err *err) {
	char program[] = "/proc/self/exe";
	char here[] = ".";
	char end[] = "--end";
	int ends[2] = { -1, -1 };
	char *argv[] = { program, option != NULL ? end : here,
		option != NULL ? here : NULL, NULL };
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		return err_set(err, ERR_IO, "cannot make a pipe: %s", strerror(errno));
	}
	const int fds[3] = { -1, -1, ends[1] };
	int code = child_spawn(argv, fds, &attend->child);
	fd_close(&ends[1]);
	if (code != 0) {
		fd_close(&ends[0]);
		attend->child = 0;
		return err_set(err, ERR_IO, "cannot start steprun: %s", strerror(code));
	}
	attend->child_said = ends[0];
	return true;
}

/* Whether it has ended, with its exit code (-1: killed) and last words. */
static bool child_ended(struct attend *attend, int *code, char *said) {
	int status = 0;
	if (attend->child == 0 || waitpid(attend->child, &status, WNOHANG) == 0) {
		return false;
	}
	ssize_t n = read(attend->child_said, said, REASON_ROOM - 1);
	said[n > 0 ? n : 0] = '\0';
	said[strcspn(said, "\n")] = '\0';
	fd_close(&attend->child_said);
	attend->child = 0;
	*code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return true;
}

/* ---- the spec ---- */

/* All of stdin; false where another came to serve meanwhile. */
static bool read_stdin(struct attend *attend, struct str *text) {
	char bytes[65536];
	ssize_t n = 1;
	while (n > 0 && is_our_turn(attend)) {
		struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
		if (poll(&fd, 1, SLICE_MS) == 0) {
			continue;
		}
		n = read(STDIN_FILENO, bytes, sizeof(bytes));
		if (n > 0) {
			str_add_bytes(text, bytes, (size_t)n);
		}
	}
	explicit_bzero(bytes, sizeof(bytes));
	return n == 0;
}

/* False where the connection was cut before the end of what it brings. */
static bool take_spec(struct attend *attend, struct err *err) {
	struct str text;
	struct step_spec spec = { 0 };
	str_init(&text, SPEC_MAX);
	bool ok = read_stdin(attend, &text) && !text.cut &&
			fd_write_file(STEP_SPEC, str_text(&text), text.len, 0600, err) &&
			step_spec_read(STEP_SPEC, &spec, err);
	step_spec_finish(&spec);
	if (text.len > 0) {
		explicit_bzero(text.data, text.len);
	}
	str_finish(&text);
	return ok;
}

/* ---- looking ---- */

static int64_t now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What is left without a runner has to go: cancelled, or its time is up. */
static bool must_end(const struct attend *attend) {
	struct step_mark mark = { 0 };
	struct err err = { 0 };
	return is_there(STEP_CANCEL) ||
			(step_mark_read(STEP_STARTED, &mark, &err) && mark.pid > 0 &&
					now_ms() - mark.started_ms >= attend->timeout_ms);
}

/* True: all is said. */
static bool look_marked(struct attend *attend) {
	struct err err = { 0 };
	say_begun(attend);
	say_log(attend);
	if (step_is_locked(STEP_LOCK)) {
		return false;
	}
	// It held the lock since before the mark: it is gone.  In this order.
	if (say_status(attend)) {
		return true;
	}
	if (!step_is_locked(STEP_ALIVE)) {
		say_log(attend);
		say_file(attend, "published", STEP_PUBLISHED, PUBLISHED_MAX);
		say_last(attend, "lost",
				"its runner there died; it may have done its work or not");
		return true;
	}
	if (attend->child == 0 && must_end(attend) &&
			!start(attend, "--end", &err)) {
		fprintf(stderr, "%s\n", err.text);
	}
	return false;
}

/* Make it true that it will never begin, then say so, if it has not begun. */
static bool refuse(struct attend *attend, const char *reason) {
	struct err err = { 0 };
	if (!attempt_folder_cancel(".", &err)) {
		fprintf(stderr, "%s\n", err.text);
		attend->gone = true;
		return true;
	}
	if (step_is_locked(STEP_LOCK) || is_there(STEP_STARTED) ||
			is_there(STEP_STATUS)) {
		return false;
	}
	unlink(STEP_SPEC);
	say_last(attend, "refused", reason);
	return true;
}

static bool look_unmarked(struct attend *attend) {
	struct err err = { 0 };
	char said[REASON_ROOM];
	int code = 0;
	if (child_ended(attend, &code, said)) {
		// Another has the lock, and has not come to its mark.
		return code != STEP_EXIT_OTHER &&
				refuse(attend,
						said[0] != '\0' ? said : "its runner did not come up");
	}
	if (attend->child != 0 || step_is_locked(STEP_LOCK) ||
			is_there(STEP_STARTED) || is_there(STEP_STATUS)) {
		return false;
	}
	if (!attempt_folder_is_whole(".")) {
		say_last(attend, "missing", ""); // emptied: nobody knows what it did
		return true;
	}
	if (is_there(STEP_CANCEL)) {
		return refuse(attend, "cancelled before it began");
	}
	if (!attend->may_start) {
		return refuse(attend, "it had not begun there in time, and will not");
	}
	attend->may_start = false;
	if (!take_spec(attend, &err)) {
		unlink(STEP_SPEC);
		if (err.code != ERR_NONE) {
			fprintf(stderr, "%s\n", err.text);
		}
		attend->gone = true; // cut off, or no room: it will be brought again
		return true;
	}
	return !start(attend, NULL, &err) && refuse(attend, err.text);
}

static bool look(struct attend *attend) {
	int code = 0;
	char said[REASON_ROOM];
	if (is_there(STEP_STARTED)) {
		child_ended(attend, &code, said);
		return look_marked(attend);
	}
	return say_status(attend) || look_unmarked(attend);
}

static bool watch_folder(struct attend *attend) {
	int flags = fcntl(STDOUT_FILENO, F_GETFL);
	attend->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	return attend->inotify_fd >= 0 &&
			inotify_add_watch(attend->inotify_fd, ".",
					IN_CREATE | IN_MOVED_TO | IN_MODIFY) >= 0 &&
			fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK) == 0;
}

static int serve(struct attend *attend) {
	struct err err = { 0 };
	if (!take_turn(attend, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return EXIT_IO;
	}
	if (!watch_folder(attend)) {
		fprintf(stderr, "cannot watch its folder: %s\n", strerror(errno));
		return EXIT_IO;
	}
	say_bytes(attend, "\n", 1); // whatever a login shell left unfinished
	say(attend, "attend", "", 0);
	while (!attend->gone && !look(attend)) {
		wait_for(attend, false, SLICE_MS);
	}
	return attend->gone ? EXIT_IO : EXIT_GOOD;
}

/* ---- the words ---- */

static int attend_folder(char **argv) {
	struct attend attend = {
		.may_start = strcmp(argv[0], "start") == 0,
		.offset = (off_t)strtoll(argv[1], NULL, 10),
		.timeout_ms = strtoll(argv[2], NULL, 10),
		.inotify_fd = -1,
		.attend_fd = -1,
		.child_said = -1,
	};
	int code = serve(&attend);
	fd_close(&attend.child_said);
	fd_close(&attend.inotify_fd);
	fd_close(&attend.attend_fd);
	return code;
}

/* Each folder on the way, durably. */
static bool make(const char *folder, struct err *err) {
	char *path = xstrdup(folder);
	bool ok = true;
	for (char *slash = strchr(path, '/'); slash != NULL && ok;
			slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		ok = path[0] == '\0' || attempt_folder_make_parent(path, err);
		*slash = '/';
	}
	ok = ok && attempt_folder_make(path, err);
	free(path);
	return ok;
}

/* Whether anything of it has begun here. */
static bool is_used(const char *folder) {
	char *lock = xasprintf("%s/%s", folder, STEP_LOCK);
	char *started = xasprintf("%s/%s", folder, STEP_STARTED);
	char *status = xasprintf("%s/%s", folder, STEP_STATUS);
	bool used = step_is_locked(lock) || is_there(started) || is_there(status);
	free(status);
	free(started);
	free(lock);
	return used;
}

static int tell(bool ok, const struct err *err) {
	if (!ok) {
		fprintf(stderr, "%s\n", err->text);
	}
	return ok ? EXIT_GOOD : EXIT_IO;
}

static bool is(const char *word, const char *wanted, int argc, int count) {
	return argc == count && strcmp(word, wanted) == 0;
}

int attend_main(int argc, char **argv) {
	struct err err = { 0 };
	const char *word = argc > 0 ? argv[0] : "";
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	if (is(word, "hello", argc, 1)) {
		return EXIT_GOOD;
	}
	if (is(word, "make", argc, 2)) {
		bool made = make(argv[1], &err);
		return made && is_used(argv[1]) ? ATTEND_USED : tell(made, &err);
	}
	if (is(word, "cancel", argc, 2)) {
		bool there = is_there(argv[1]) ||
				err_set(&err, ERR_NOT_FOUND, "%s is not there", argv[1]);
		return tell(there && attempt_folder_cancel(argv[1], &err), &err);
	}
	if (!is(word, "attend", argc, 5)) {
		return EXIT_USAGE;
	}
	if (chdir(argv[4]) < 0) {
		if (errno == ENOENT) {
			puts("\nmissing 0");
			return EXIT_GOOD;
		}
		err_set(&err, ERR_IO, "%s: %s", argv[4], strerror(errno));
		return tell(false, &err);
	}
	return attend_folder(argv + 1);
}
