#include "exec/descend.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "sys/fd.h"

struct process {
	pid_t pid;
	pid_t parent;
	char state;
	uint64_t start_ticks;
	bool below;
};

/* proc_pid_stat(5): pid (name) state ppid …; the 22nd is the start time. */
static bool look(pid_t pid, struct process *process) {
	char path[64];
	char text[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	fd_close(&fd);
	if (n <= 0) {
		return false;
	}
	text[n] = '\0';
	const char *at = strrchr(text, ')');
	int parent = 0;
	*process = (struct process){ .pid = pid };
	if (at == NULL || sscanf(at + 1, " %c %d", &process->state, &parent) != 2) {
		return false;
	}
	process->parent = parent;
	for (int field = 2; at != NULL && field < 22; field++) {
		at = strchr(at + 1, ' ');
	}
	process->start_ticks = at != NULL ? strtoull(at + 1, NULL, 10) : 0;
	return process->start_ticks != 0;
}

static size_t list_all(struct process **processes) {
	DIR *proc = opendir("/proc");
	size_t count = 0;
	struct dirent *entry = NULL;
	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		struct process process;
		if (!isdigit((unsigned char)entry->d_name[0]) ||
				!look((pid_t)atoi(entry->d_name), &process)) {
			continue;
		}
		*processes = xreallocarray(*processes, count + 1, sizeof(process));
		(*processes)[count++] = process;
	}
	if (proc != NULL) {
		closedir(proc);
	}
	return count;
}

/* Mark those below @root; numbers are in no order, so go until none is new. */
static void mark_below(struct process *processes, size_t count, pid_t root) {
	bool grew = true;
	while (grew) {
		grew = false;
		for (size_t i = 0; i < count; i++) {
			if (processes[i].below) {
				continue;
			}
			bool below = processes[i].parent == root;
			for (size_t j = 0; j < count && !below; j++) {
				below = processes[j].below &&
						processes[j].pid == processes[i].parent;
			}
			processes[i].below = below;
			grew = grew || below;
		}
	}
}

/* Without pidfds (an old kernel, a sandbox) the second look must do. */
static void send_to(int fd, pid_t pid, int signal) {
	if (fd >= 0) {
		syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0);
	} else {
		kill(pid, signal);
	}
}

static void signal_one(const struct process *process, int signal) {
	int fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	struct process again;
	if ((fd >= 0 || errno != ESRCH) && look(process->pid, &again) &&
			again.start_ticks == process->start_ticks) {
		send_to(fd, process->pid, signal);
		if (signal == SIGTERM) { // a stopped one would never hear of it
			send_to(fd, process->pid, SIGCONT);
		}
	}
	fd_close(&fd);
}

size_t descend_signal(int signal) {
	struct process *processes = NULL;
	size_t count = list_all(&processes);
	size_t found = 0;
	mark_below(processes, count, getpid());
	for (size_t i = 0; i < count; i++) {
		if (processes[i].below && processes[i].state != 'Z') {
			signal_one(&processes[i], signal);
			found++;
		}
	}
	free(processes);
	return found;
}
