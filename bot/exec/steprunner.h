#ifndef STEPRUNNER_H
#define STEPRUNNER_H

#include <stddef.h>

#include "base/err.h"
#include "exec/runner.h"

struct http;
struct loop;

/*
 * The real runner: scripts under steprun, which outlives the bot, and requests
 * made by the bot itself.  All that it knows of an attempt it reads from the
 * attempt's folder, STATE_DIR/attempts/ID (exec/stepfolder.h); after a restart
 * it looks there again, so there is nothing to recover.
 *
 *	no mark, no lock ----start----> no mark ---> mark, locked ---> status
 *	       ^                           |              |
 *	       └── not begun: told so <────┘              └── mark, no lock, but
 *	                                                     alive: wait for the
 *	                                                     rest, then unknown
 *
 * It never signals a process: it asks by the file `cancel`, and where a runner
 * was killed it starts another (`steprun --end`) to end what is left, once that
 * was cancelled or its time is up.
 */

struct steprunner_options {
	struct loop *loop;
	struct http *http;
	const char *state_dir;  // absolute; exists
	const char *program;    // steprun; NULL: spawner_find_program()
	const char *clock_path; // run clock; NULL: the system's
	size_t log_cap;         // bytes of output kept; 0: 50 MiB
};

/*
 * What is told goes to @sink with @data.  Everything in @options but the
 * strings is borrowed until destroy().
 */
struct runner *steprunner_create(const struct steprunner_options *options,
		const struct runner_sink *sink, void *data, struct err *err)
		__attribute__((warn_unused_result));

#endif
