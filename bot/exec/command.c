#include "exec/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "exec/steplog.h"
#include "sys/fd.h"

#define ALIVE_FD 199 // out of the way of a script's own descriptors

/* Why the command could not be started, from the child. */
struct child_failure {
	int stage;
	int error;
};

enum child_stage {
	STAGE_WORKDIR,
	STAGE_STDIO,
	STAGE_EXEC,
};

/* "NAME=" of @entry is in @list. */
static bool is_given(char *const *list, const char *entry) {
	size_t len = strcspn(entry, "=") + 1;
	for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
		if (strncmp(list[i], entry, len) == 0) {
			return true;
		}
	}
	return false;
}

/* PATH, HOME, USER and LANG of the surroundings, what was given, and where to
 * publish.  Nothing else. */
static char **command_env(const struct step_spec *spec) {
	static const char *const passed[] = { "PATH", "HOME", "USER", "LANG" };
	size_t given = 0;
	while (spec->env != NULL && spec->env[given] != NULL) {
		given++;
	}
	char **env = xcalloc(given + 6, sizeof(*env));
	size_t count = 0;
	for (size_t i = 0; i < 4; i++) {
		const char *value = getenv(passed[i]);
		if (value == NULL) {
			continue;
		}
		char *entry = xasprintf("%s=%s", passed[i], value);
		if (is_given(spec->env, entry)) {
			free(entry);
		} else {
			env[count++] = entry;
		}
	}
	for (size_t i = 0; i < given; i++) {
		env[count++] = spec->env[i];
	}
	char *folder = realpath(".", NULL);
	env[count] = xasprintf("BRIDGE_OUTPUT=%s/%s", folder != NULL ? folder : ".",
			STEP_PUBLISHED);
	free(folder);
	return env;
}

static void fail_child(int report_fd, enum child_stage stage) {
	struct child_failure failure = { .stage = (int)stage, .error = errno };
	ssize_t n = write(report_fd, &failure, sizeof(failure));
	_exit(n == (ssize_t)sizeof(failure) ? 127 : 126);
}

static void reset_signals(void) {
	struct sigaction plain = { .sa_handler = SIG_DFL };
	for (int number = 1; number < NSIG; number++) {
		sigaction(number, &plain, NULL); // KILL and STOP refuse: they are plain
	}
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become_command(const struct step_spec *spec, int alive_fd, int out,
		int err, int report_fd) {
	setsid();
	char **env = command_env(spec);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	// dup2() clears close-on-exec: these four are all that the command gets.
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
			dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0 ||
			dup2(alive_fd, ALIVE_FD) < 0) {
		fail_child(report_fd, STAGE_STDIO);
	}
	if (chdir(spec->workdir) < 0) {
		fail_child(report_fd, STAGE_WORKDIR);
	}
	reset_signals();
	char *argv[] = { xstrdup("bash"), xstrdup("-euo"), xstrdup("pipefail"),
		xstrdup("-c"), spec->script, xstrdup("bash"), NULL };
	execvpe("bash", argv, env);
	fail_child(report_fd, STAGE_EXEC);
}

/* False with the reason in *err: it was not started, for certain. */
static bool read_report(int fd, const char *workdir, struct err *err) {
	struct child_failure failure;
	ssize_t n = 0;
	do {
		n = read(fd, &failure, sizeof(failure));
	} while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(failure)) {
		return true; // closed by a successful exec
	}
	const char *what = strerror(failure.error);
	switch ((enum child_stage)failure.stage) {
	case STAGE_WORKDIR:
		return err_set(err, ERR_IO, "cannot enter %s: %s", workdir, what);
	case STAGE_STDIO:
		return err_set(err, ERR_IO, "cannot set up its descriptors: %s", what);
	case STAGE_EXEC:
		return err_set(err, ERR_IO, "cannot start bash: %s", what);
	}
	return err_set(err, ERR_IO, "cannot start it: %s", what);
}

bool command_spawn(const struct step_spec *spec, int alive_fd, int out_fd[2],
		pid_t *leader, struct err *err) {
	int out[2] = { -1, -1 };
	int errs[2] = { -1, -1 };
	int report[2] = { -1, -1 };
	bool ok = false;
	*leader = -1;
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(errs, O_CLOEXEC) < 0 ||
			pipe2(report, O_CLOEXEC) < 0) {
		err_set(err, ERR_IO, "cannot make pipes: %s", strerror(errno));
		goto out;
	}
	*leader = fork();
	if (*leader < 0) {
		err_set(err, ERR_IO, "cannot fork: %s", strerror(errno));
		goto out;
	}
	if (*leader == 0) {
		become_command(spec, alive_fd, out[1], errs[1], report[1]);
	}
	fd_close(&report[1]);
	ok = read_report(report[0], spec->workdir, err);
	if (!ok) {
		waitpid(*leader, NULL, 0);
		goto out;
	}
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(errs[0], F_SETFL, O_NONBLOCK);
	out_fd[STEP_STDOUT] = out[0];
	out_fd[STEP_STDERR] = errs[0];
	out[0] = -1;
	errs[0] = -1;

out:
	fd_close(&out[0]);
	fd_close(&out[1]);
	fd_close(&errs[0]);
	fd_close(&errs[1]);
	fd_close(&report[0]);
	fd_close(&report[1]);
	return ok;
}
