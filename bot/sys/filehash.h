#ifndef FILEHASH_H
#define FILEHASH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"

/*
 * How many bytes the file @path has, and their SHA-256.  Errors as those of
 * fd_open_file().  Apart from fd.h, for steprun does without libcrypto.
 */
bool file_hash(const char *path, uint64_t *bytes, char hex[SHA256_HEX],
		struct err *err) __attribute__((warn_unused_result));

#endif
