#include "sys/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "sys/fd.h"

struct secret {
	size_t len;
	char text[]; // @len bytes and a NUL
};

struct secret *secret_create(const char *bytes, size_t len) {
	struct secret *secret = xcalloc(1, sizeof(*secret) + len + 1);
	secret->len = len;
	if (len > 0) {
		memcpy(secret->text, bytes, len);
	}
	return secret;
}

void secret_destroy(struct secret *secret) {
	if (secret == NULL) {
		return;
	}
	explicit_bzero(secret->text, secret->len);
	free(secret);
}

static bool check_file(const struct stat *about, struct err *err) {
	if (!S_ISREG(about->st_mode)) {
		return err_set(err, ERR_INVALID, "no regular file");
	}
	if (about->st_size > SECRET_MAX_BYTES) {
		return err_set(
				err, ERR_INVALID, "longer than %d bytes", SECRET_MAX_BYTES);
	}
	return true;
}

static bool check_rights(const struct stat *about, struct err *err) {
	if (about->st_uid != geteuid() && about->st_uid != 0) {
		return err_set(err, ERR_REFUSED,
				"belongs to another user: chown it to the one that runs this");
	}
	if ((about->st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		return err_set(err, ERR_REFUSED,
				"mode %04o lets others at it: chmod 600 it",
				(unsigned)(about->st_mode & 07777));
	}
	return true;
}

/* Read up to @room bytes; returns how many, or -1. */
static ssize_t read_up_to(int fd, char *bytes, size_t room) {
	size_t len = 0;
	while (len < room) {
		ssize_t n = read(fd, bytes + len, room - len);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return -1;
		}
		if (n == 0) {
			break;
		}
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static bool is_blank(char c) {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct secret *make_of_file(
		const char *bytes, size_t len, struct err *err) {
	while (len > 0 && is_blank(bytes[len - 1])) {
		len--;
	}
	if (len == 0) {
		err_set(err, ERR_INVALID, "is empty");
		return NULL;
	}
	if (memchr(bytes, '\0', len) != NULL) {
		err_set(err, ERR_INVALID, "holds a NUL byte");
		return NULL;
	}
	return secret_create(bytes, len);
}

typedef bool (*check_fn)(const struct stat *about, struct err *err);

/* What is to be done about a file that cannot be opened; "" where the reason
 * says it. */
static const char *mend_of(int reason, bool brought) {
	switch (reason) {
	case ENOENT:
		return brought ? ": name it in the unit's LoadCredential="
					   : ": write it, mode 0600";
	case EACCES:
		return brought ? ": start this by its unit, as the unit's user"
					   : ": give it to the user that runs this";
	default:
		return "";
	}
}

/* @check is NULL for what systemd brought. */
static struct secret *read_checked(
		const char *path, check_fn check, struct err *err) {
	struct secret *secret = NULL;
	struct stat about;
	char *bytes = xcalloc(1, SECRET_MAX_BYTES);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &about) < 0) {
		err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s%s",
				strerror(errno), mend_of(errno, check == NULL));
		goto out;
	}
	if (!check_file(&about, err) || (check != NULL && !check(&about, err))) {
		goto out;
	}
	ssize_t len = read_up_to(fd, bytes, SECRET_MAX_BYTES);
	if (len < 0) {
		err_set(err, ERR_IO, "%s", strerror(errno));
		goto out;
	}
	secret = make_of_file(bytes, (size_t)len, err);

out:
	explicit_bzero(bytes, SECRET_MAX_BYTES);
	free(bytes);
	fd_close(&fd);
	return secret;
}

struct secret *secret_read_file(const char *path, struct err *err) {
	struct secret *secret = read_checked(path, check_rights, err);
	if (secret == NULL) {
		err_wrap(err, "secret file %s: ", path);
	}
	return secret;
}

struct secret *secret_read_credential(const char *name, struct err *err) {
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	if (folder == NULL) {
		err_set(err, ERR_REFUSED,
				"systemd brought no credential %s: start this by its unit, or "
				"by systemd-run with LoadCredential=",
				name);
		return NULL;
	}
	char *path = xasprintf("%s/%s", folder, name);
	struct secret *secret = read_checked(path, NULL, err);
	if (secret == NULL) {
		err_wrap(err, "credential %s: ", name);
	}
	free(path);
	return secret;
}

const char *secret_reveal(const struct secret *secret) {
	return secret->text;
}

size_t secret_len(const struct secret *secret) {
	return secret->len;
}

const char *secret_shown(const struct secret *secret) {
	(void)secret;
	return "***";
}
