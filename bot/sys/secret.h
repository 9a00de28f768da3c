#ifndef SECRET_H
#define SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * A token or password.  It cannot be printed by mistake: it is an opaque type,
 * and what there is to print of it is secret_shown().  It never changes, and
 * its memory is wiped when it is freed.
 */
struct secret;

#define SECRET_MAX_BYTES 65536

/*
 * Read it from @path, without the white space at its end.  Refused: a file
 * that others than its owner may read, one that is not ours (or root's), an
 * empty one, one with a NUL, one over SECRET_MAX_BYTES.  NULL with @err, which
 * never quotes the content.
 */
struct secret *secret_read_file(const char *path, struct err *err)
		__attribute__((warn_unused_result));

/*
 * Read the credential @name that systemd brought ($CREDENTIALS_DIRECTORY,
 * systemd.exec(5)).  Who may read it is systemd's care: it stands in memory,
 * belongs to root, and newer versions let the service in by an ACL, which looks
 * like the right of a group.
 */
struct secret *secret_read_credential(const char *name, struct err *err)
		__attribute__((warn_unused_result));

/* Make one of @len bytes, which are copied; the caller wipes its own. */
struct secret *secret_create(const char *bytes, size_t len)
		__attribute__((warn_unused_result));

/* Wipe and free.  Accepts NULL. */
void secret_destroy(struct secret *secret);

/* The real text, for the one line that sends it.  NUL-terminated. */
const char *secret_reveal(const struct secret *secret);

size_t secret_len(const struct secret *secret);

/* What may be shown of any secret: "***". */
const char *secret_shown(const struct secret *secret);

#endif
