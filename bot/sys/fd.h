#ifndef FD_H
#define FD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct str;

/* Files and descriptors, done the careful way once. */

/* Close *@fd if it is open, and set it to -1. */
void fd_close(int *fd);

/* Make @fd close on exec; for those that a library opened without. */
bool fd_set_cloexec(int fd, struct err *err);

/* Close every descriptor from @lowest on: first thing in a child. */
void fd_close_from(int lowest);

/* Write all of it, through short writes and signals.  Not for non-blocking. */
bool fd_write_all(int fd, const void *bytes, size_t len, struct err *err)
		__attribute__((warn_unused_result));

/*
 * Open the regular file @path for reading; -1 if it cannot be, ERR_NOT_FOUND
 * if there is none.  What is no regular file is refused: a FIFO would block,
 * a device may never end.
 */
int fd_open_file(const char *path, struct err *err)
		__attribute__((warn_unused_result));

/*
 * Append the file @path to @text.  ERR_NOT_FOUND if there is none, ERR_INVALID
 * if it is longer than @cap bytes or no regular file.
 */
bool fd_read_file(const char *path, size_t cap, struct str *text,
		struct err *err) __attribute__((warn_unused_result));

/*
 * Replace the file @path by these bytes so that after any crash the old or the
 * new content is there, whole: temporary file beside it, fsync, rename, fsync
 * of the folder.  Durable once it returns true.
 */
bool fd_write_file(const char *path, const void *bytes, size_t len, mode_t mode,
		struct err *err) __attribute__((warn_unused_result));

/* Make names that were made, renamed or removed beside @path durable. */
bool fd_sync_folder_of(const char *path, struct err *err)
		__attribute__((warn_unused_result));

#endif
