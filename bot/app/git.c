#include "app/git.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "sys/fd.h"

#define WAIT_MS    3000
#define OUTPUT_MAX ((size_t)4096)

static int64_t now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What git is asked; at most three words, NULL behind the last. */
struct question {
	const char *words[3];
};

/* Become git; its configuration may not start programs of its own. */
static void become_git(
		const char *folder, const struct question *question, int out) {
	int null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
			dup2(null, STDERR_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0) {
		_exit(127);
	}
	fd_close_from(3);
	setenv("GIT_OPTIONAL_LOCKS", "0", 1);
	setenv("GIT_TERMINAL_PROMPT", "0", 1);
	execlp("git", "git", "-C", folder, "-c", "core.fsmonitor=false", "-c",
			"core.hooksPath=/dev/null", question->words[0], question->words[1],
			question->words[2], (char *)NULL);
	_exit(127);
}

/* Read what comes from @fd until it ends, the time is up, or it is enough. */
static bool read_output(int fd, struct str *out) {
	int64_t until = now_ms() + WAIT_MS;
	char bytes[512];
	for (;;) {
		int64_t left = until - now_ms();
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		int ready = left > 0 ? poll(&poll_fd, 1, (int)left) : 0;
		if (ready < 0 && errno == EINTR) {
			continue;
		}
		if (ready <= 0) {
			return false;
		}
		ssize_t n = read(fd, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return n == 0;
		}
		str_add_bytes(out, bytes, (size_t)n);
		if (out->cut) {
			return true; // enough to tell
		}
	}
}

/* Run git and take its output; false where it failed or took too long. */
static bool ask(
		const char *folder, const struct question *question, struct str *out) {
	int pipe_fds[2];
	if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
		return false;
	}
	pid_t pid = fork();
	if (pid == 0) {
		become_git(folder, question, pipe_fds[1]);
	}
	fd_close(&pipe_fds[1]);
	bool read_it = pid > 0 && read_output(pipe_fds[0], out);
	fd_close(&pipe_fds[0]);
	if (pid < 0) {
		return false;
	}
	if (!read_it || out->cut) {
		kill(pid, SIGKILL);
	}
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	return read_it &&
			(out->cut || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

bool git_describe(const char *folder, char **commit, bool *dirty) {
	static const struct question which = { { "rev-parse", "--verify",
			"HEAD" } };
	static const struct question differs = { { "status", "--porcelain",
			"--untracked-files=no" } };
	struct str hash;
	struct str changes;
	str_init(&hash, OUTPUT_MAX);
	str_init(&changes, OUTPUT_MAX);
	bool known = ask(folder, &which, &hash) &&
			strspn(str_text(&hash), "0123456789abcdef") >= 40 &&
			ask(folder, &differs, &changes);
	if (known) {
		*commit = xstrndup(
				str_text(&hash), strspn(str_text(&hash), "0123456789abcdef"));
		*dirty = changes.len > 0;
	}
	str_finish(&hash);
	str_finish(&changes);
	return known;
}
