#include "support/synced.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

unsigned synced_count;

static void copy(int fd, const char *path) {
	struct stat info;
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (to < 0 || fstat(fd, &info) != 0) {
		abort();
	}
	for (off_t at = 0; at < info.st_size;) {
		if (sendfile(to, fd, &at, (size_t)(info.st_size - at)) <= 0) {
			abort();
		}
	}
	close(to);
}

int fdatasync(int fd) {
	const char *disk = getenv("DISK");
	char link[64];
	char path[4096] = "";
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t len = disk != NULL ? readlink(link, path, sizeof(path) - 1) : -1;
	const char *name = len > 0 ? strrchr(path, '/') : NULL;
	if (name != NULL && strncmp(name, "/journal.db", 11) == 0) {
		char to[4096 + 64];
		snprintf(to, sizeof(to), "%s%s", disk, name);
		copy(fd, to);
		synced_count++;
	}
	return (int)syscall(SYS_fdatasync, fd);
}
