#ifndef LOCK_H
#define LOCK_H

#include "base/err.h"

/*
 * One bot a state folder: an flock(2) on DIR/lock, which the kernel drops when
 * the process is gone, however it went.  The holder's pid stands in the file
 * for whoever is turned away; nothing is decided by it.
 */

/*
 * Take the lock of @dir within a second or fail, ERR_REFUSED naming who holds
 * it.
 * Returns a descriptor for lock_release(), or -1.
 */
int lock_take(const char *dir, struct err *err)
		__attribute__((warn_unused_result));

/* Accepts -1. */
void lock_release(int fd);

#endif
