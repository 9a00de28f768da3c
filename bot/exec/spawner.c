#include "exec/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "exec/child.h"
#include "loop/loop.h"
#include "sys/fd.h"

#define POLL_MS 50 // real, where there are no pidfds

struct spawned {
	struct spawned *next;
	struct spawner *spawner;
	spawned_fn fn; // NULL: abandoned
	void *data;
	pid_t pid;
	int pidfd;
	int stderr_fd;
	struct loop_watch *watch;
	struct loop_timer *poll;
};

struct spawner {
	struct loop *loop;
	char *program;
	struct spawned *all;
};

struct spawner *spawner_create(struct loop *loop, const char *program) {
	struct spawner *spawner = xcalloc(1, sizeof(*spawner));
	spawner->loop = loop;
	spawner->program = xstrdup(program);
	return spawner;
}

static void spawned_free(struct spawned *spawned) {
	struct spawned **at = &spawned->spawner->all;
	while (*at != spawned) {
		at = &(*at)->next;
	}
	*at = spawned->next;
	loop_watch_destroy(spawned->watch);
	loop_timer_destroy(spawned->poll);
	fd_close(&spawned->pidfd);
	fd_close(&spawned->stderr_fd);
	free(spawned);
}

void spawner_destroy(struct spawner *spawner) {
	if (spawner == NULL) {
		return;
	}
	while (spawner->all != NULL) {
		spawned_free(spawner->all);
	}
	free(spawner->program);
	free(spawner);
}

void spawned_abandon(struct spawned *spawned) {
	if (spawned != NULL) {
		spawned->fn = NULL;
	}
}

static void on_end(void *data) {
	struct spawned *spawned = data;
	spawned_fn fn = spawned->fn;
	void *fn_data = spawned->data;
	int status = 0;
	char said[200];
	if (waitpid(spawned->pid, &status, WNOHANG) == 0) {
		loop_timer_start_real(spawned->poll, POLL_MS);
		return;
	}
	ssize_t n = read(spawned->stderr_fd, said, sizeof(said) - 1);
	said[n > 0 ? n : 0] = '\0';
	said[strcspn(said, "\n")] = '\0';
	spawned_free(spawned);
	if (fn != NULL) {
		fn(fn_data, WIFEXITED(status) ? WEXITSTATUS(status) : -1, said);
	}
}

/* 0, or an errno. */
static int spawn(const struct spawner *spawner, const char *option,
		const char *folder, int stderr_fd, pid_t *pid) {
	char *argv[4] = { NULL };
	size_t count = 0;
	if (access(spawner->program, X_OK) < 0) {
		return errno;
	}
	argv[count++] = xstrdup(spawner->program);
	if (option != NULL) {
		argv[count++] = xstrdup(option);
	}
	argv[count++] = xstrdup(folder);
	const int fds[3] = { -1, -1, stderr_fd };
	int code = child_spawn(argv, fds, pid);
	while (count > 0) {
		free(argv[--count]);
	}
	return code;
}

struct spawned *spawner_start(struct spawner *spawner, const char *option,
		const char *folder, spawned_fn fn, void *data, struct err *err) {
	int ends[2] = { -1, -1 };
	pid_t pid = 0;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		err_set(err, ERR_IO, "cannot make a pipe: %s", strerror(errno));
		return NULL;
	}
	int code = spawn(spawner, option, folder, ends[1], &pid);
	fd_close(&ends[1]);
	if (code != 0) {
		fd_close(&ends[0]);
		err_set(err, ERR_IO, "cannot start %s: %s", spawner->program,
				strerror(code));
		return NULL;
	}
	struct spawned *spawned = xcalloc(1, sizeof(*spawned));
	*spawned = (struct spawned){
		.next = spawner->all,
		.spawner = spawner,
		.fn = fn,
		.data = data,
		.pid = pid,
		.pidfd = (int)syscall(SYS_pidfd_open, pid, 0),
		.stderr_fd = ends[0],
		.poll = loop_timer_create(spawner->loop, on_end, spawned),
	};
	spawner->all = spawned;
	if (spawned->pidfd >= 0) {
		spawned->watch = loop_watch_create(
				spawner->loop, spawned->pidfd, on_end, spawned);
	} else { // an old kernel, or a sandbox that forbids it
		loop_timer_start_real(spawned->poll, POLL_MS);
	}
	return spawned;
}

char *spawner_find_program(struct err *err) {
	static const char *const places[] = { "steprun",
		"../libexec/bridgekeeper/steprun" };
	char *self = realpath("/proc/self/exe", NULL);
	char *slash = self != NULL ? strrchr(self, '/') : NULL;
	char *found = NULL;
	if (slash != NULL) {
		*slash = '\0';
	}
	for (size_t i = 0; slash != NULL && found == NULL && i < 2; i++) {
		char *path = xasprintf("%s/%s", self, places[i]);
		if (access(path, X_OK) == 0) {
			found = path;
		} else {
			free(path);
		}
	}
	if (found == NULL) {
		err_set(err, ERR_NOT_FOUND,
				"no steprun beside the program in %s, nor in "
				"../libexec/bridgekeeper of it",
				self != NULL ? self : "its folder");
	}
	free(self);
	return found;
}
