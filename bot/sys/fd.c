#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"

static bool io_error(struct err *err, const char *what) {
	return err_set(err, ERR_IO, "%s: %s", what, strerror(errno));
}

void fd_close(int *fd) {
	if (*fd >= 0) {
		close(*fd);
	}
	*fd = -1;
}

bool fd_set_cloexec(int fd, struct err *err) {
	int flags = fcntl(fd, F_GETFD);
	if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0) {
		return io_error(err, "cannot mark a descriptor close-on-exec");
	}
	return true;
}

void fd_close_from(int lowest) {
	if (close_range((unsigned)lowest, ~0u, 0) == 0) {
		return;
	}
	/* A kernel without it: the limit is the best bound there is. */
	long most = sysconf(_SC_OPEN_MAX);
	for (int fd = lowest; fd < most; fd++) {
		close(fd);
	}
}

bool fd_write_all(int fd, const void *bytes, size_t len, struct err *err) {
	const char *next = bytes;
	while (len > 0) {
		ssize_t n = write(fd, next, len);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return io_error(err, "cannot write");
		}
		next += n;
		len -= (size_t)n;
	}
	return true;
}

static bool read_all(int fd, size_t cap, struct str *text, struct err *err) {
	char piece[16384];
	size_t total = 0;
	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return io_error(err, "cannot read");
		}
		if (n == 0) {
			return true;
		}
		total += (size_t)n;
		if (total > cap) {
			return err_set(err, ERR_INVALID, "longer than %zu bytes", cap);
		}
		str_add_bytes(text, piece, (size_t)n);
		if (text->cut) {
			return err_set(err, ERR_INVALID, "does not fit in memory");
		}
	}
}

int fd_open_file(const char *path, struct err *err) {
	struct stat about;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path,
				strerror(errno));
	} else if (fstat(fd, &about) < 0) {
		io_error(err, "cannot stat");
		err_wrap(err, "%s: ", path);
		fd_close(&fd);
	} else if (!S_ISREG(about.st_mode)) {
		err_set(err, ERR_INVALID, "%s: no regular file", path);
		fd_close(&fd);
	}
	return fd;
}

bool fd_read_file(
		const char *path, size_t cap, struct str *text, struct err *err) {
	int fd = fd_open_file(path, err);
	if (fd < 0) {
		return false;
	}
	bool ok = read_all(fd, cap, text, err);
	fd_close(&fd);
	return ok || err_wrap(err, "%s: ", path);
}

static bool fill(
		int fd, const void *bytes, size_t len, mode_t mode, struct err *err) {
	if (!fd_write_all(fd, bytes, len, err)) {
		return false;
	}
	if (fchmod(fd, mode) < 0) {
		return io_error(err, "cannot set its mode");
	}
	if (fsync(fd) < 0) {
		return io_error(err, "cannot fsync");
	}
	return true;
}

bool fd_write_file(const char *path, const void *bytes, size_t len, mode_t mode,
		struct err *err) {
	char *temporary = xasprintf("%s.XXXXXX", path);
	bool ok = false;
	int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		io_error(err, "cannot create a file beside it");
		goto out;
	}
	ok = fill(fd, bytes, len, mode, err);
	if (ok && rename(temporary, path) < 0) {
		ok = io_error(err, "cannot rename into place");
	}
	if (!ok) {
		unlink(temporary);
		goto out;
	}
	ok = fd_sync_folder_of(path, err);

out:
	fd_close(&fd);
	free(temporary);
	return ok || err_wrap(err, "%s: ", path);
}

bool fd_sync_folder_of(const char *path, struct err *err) {
	const char *slash = strrchr(path, '/');
	char *folder = NULL;
	if (slash == NULL) {
		folder = xstrdup(".");
	} else {
		folder = xstrndup(path, slash > path ? (size_t)(slash - path) : 1);
	}
	bool ok = true;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0) {
		ok = io_error(err, "cannot fsync its folder");
	}
	fd_close(&fd);
	free(folder);
	return ok;
}
