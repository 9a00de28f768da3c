#ifndef HOSTFILES_H
#define HOSTFILES_H

#include <stdbool.h>

#include "app/readings.h"
#include "codec/config.h"

struct loop;

/*
 * The tracked files and the commit of targets over ssh, as last read there:
 * one call of ssh a host, all at once, each with a time limit.  Never waits;
 * whoever wants them fresh asks for a reading and is called back.
 */

struct hostfiles;

typedef void (*hostfiles_fn)(void *data);

/* @state_dir: of exec/ssh.h; NULL: connections are not shared. */
struct hostfiles *hostfiles_create(struct loop *loop, const char *state_dir)
		__attribute__((warn_unused_result));

/* Nobody is called any more.  Accepts NULL. */
void hostfiles_destroy(struct hostfiles *hostfiles);

/*
 * Read @host of target @name afresh; with NULL all of its hosts, or of all
 * targets.  Call @fn once all are read, from the loop.  False: none of them is
 * over ssh, and @fn is not called.  One reading at a time.
 */
bool hostfiles_read(struct hostfiles *hostfiles, const struct config *config,
		const char *base_dir, const char *name, const char *host,
		hostfiles_fn fn, void *data) __attribute__((warn_unused_result));

/* What they last said; while one is asked again, that of the time before. */
const struct readings *hostfiles_readings(const struct hostfiles *hostfiles);

#endif
