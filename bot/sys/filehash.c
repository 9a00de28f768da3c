#include "sys/filehash.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sys/fd.h"

bool file_hash(const char *path, uint64_t *bytes, char hex[SHA256_HEX],
		struct err *err) {
	char piece[65536];
	int fd = fd_open_file(path, err);
	if (fd < 0) {
		return false;
	}
	struct sha256 *sha = sha256_begin();
	ssize_t n = 0;
	*bytes = 0;
	do {
		n = read(fd, piece, sizeof(piece));
		if (n > 0) {
			sha256_add(sha, piece, (size_t)n);
			*bytes += (uint64_t)n;
		}
	} while (n > 0 || (n < 0 && errno == EINTR));
	sha256_end(sha, hex);
	bool ok = n == 0 ||
			err_set(err, ERR_IO, "cannot read: %s", strerror(errno));
	fd_close(&fd);
	return ok || err_wrap(err, "%s: ", path);
}
