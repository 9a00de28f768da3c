#include "journal/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/xalloc.h"

#define TRY_EVERY_MS 50
#define TRIES        20

/* The pid in the lock file, or 0 where there is none to read. */
static long holder(int fd) {
	char text[24] = { 0 };
	if (pread(fd, text, sizeof(text) - 1, 0) <= 0) {
		return 0;
	}
	return strtol(text, NULL, 10);
}

static void sign(int fd) {
	char text[24];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	/* Only a courtesy: on a full disk the lock holds all the same. */
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len) {
		return;
	}
}

static void turn_away(const char *dir, int fd, struct err *err) {
	long pid = holder(fd);
	if (pid > 0) {
		err_set(err, ERR_REFUSED,
				"state folder %s is in use by process %ld: one bot a folder",
				dir, pid);
	} else {
		err_set(err, ERR_REFUSED,
				"state folder %s is in use by another process: one bot a "
				"folder",
				dir);
	}
}

/* A child that the last holder was just making when it was killed holds the
 * lock too, until it has become another program. */
static int lock_soon(int fd) {
	int failed = flock(fd, LOCK_EX | LOCK_NB);
	for (int i = 1; failed != 0 && errno == EWOULDBLOCK && i < TRIES; i++) {
		poll(NULL, 0, TRY_EVERY_MS);
		failed = flock(fd, LOCK_EX | LOCK_NB);
	}
	return failed;
}

int lock_take(const char *dir, struct err *err) {
	char *path = xasprintf("%s/lock", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		err_set(err, ERR_IO, "cannot open %s: %s", path, strerror(errno));
	} else if (lock_soon(fd) != 0) {
		if (errno == EWOULDBLOCK) {
			turn_away(dir, fd, err);
		} else {
			err_set(err, ERR_IO, "cannot lock %s: %s", path, strerror(errno));
		}
		close(fd);
		fd = -1;
	} else {
		sign(fd);
	}
	free(path);
	return fd;
}

void lock_release(int fd) {
	if (fd >= 0) {
		close(fd);
	}
}
