#ifndef DESCEND_H
#define DESCEND_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The processes below this one, in whatever session or group they hide.  As
 * long as this one is a subreaper (prctl(2)) none of them can get away.
 *
 * One is signalled through a descriptor, after a second look that it is the
 * process that was found: a number alone could have been given to another.
 */

/* Send @signal to all of them.  Returns how many were there. */
size_t descend_signal(int signal);

#endif
