#include "exec/undertake.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "exec/stepfolder.h"
#include "sys/fd.h"

#define GRACE_MS 3000 // real
#define SLICE_MS 50

static bool holds(pid_t pid, const struct stat *file) {
	char path[300];
	struct stat about;
	bool found = false;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *fds = opendir(path);
	struct dirent *entry = NULL;
	while (!found && fds != NULL && (entry = readdir(fds)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0])) {
			continue;
		}
		snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)pid, entry->d_name);
		found = stat(path, &about) == 0 && about.st_ino == file->st_ino &&
				about.st_dev == file->st_dev;
	}
	if (fds != NULL) {
		closedir(fds);
	}
	return found;
}

static void signal_holder(pid_t pid, const struct stat *file, int signal) {
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	bool found = (fd >= 0 || errno != ESRCH) && holds(pid, file);
	if (found && fd >= 0) {
		syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0);
	} else if (found) {
		kill(pid, signal); // without pidfds the look just now must do
	}
	fd_close(&fd);
}

/* Signal all that have @path open but this one. */
static void signal_holders(const char *path, int signal) {
	struct stat file;
	DIR *proc = stat(path, &file) == 0 ? opendir("/proc") : NULL;
	struct dirent *entry = NULL;
	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		pid_t pid = isdigit((unsigned char)entry->d_name[0])
				? (pid_t)atoi(entry->d_name)
				: 0;
		if (pid > 1 && pid != getpid() && holds(pid, &file)) {
			signal_holder(pid, &file, signal);
		}
	}
	if (proc != NULL) {
		closedir(proc);
	}
}

int undertake(void) {
	struct err err = { 0 };
	int lock = step_lock(STEP_LOCK, &err);
	if (lock < 0) {
		return STEP_EXIT_OTHER;
	}
	signal_holders(STEP_ALIVE, SIGTERM);
	for (int waited = 0; step_is_locked(STEP_ALIVE); waited += SLICE_MS) {
		poll(NULL, 0, SLICE_MS);
		if (waited >= GRACE_MS) {
			signal_holders(STEP_ALIVE, SIGKILL);
		}
	}
	fd_close(&lock);
	return STEP_EXIT_DONE;
}
