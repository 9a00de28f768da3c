#ifndef EXEC_FAR_H
#define EXEC_FAR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "exec/runner.h"

struct loop;
struct ssh;

/*
 * An attempt on another machine.  steprun is brought there once, by its hash,
 * to ~/.bridgekeeper/bin, and runs it as it would here (exec/attend.h is that
 * end), so a cut connection loses nothing.  What it leaves there is copied to
 * the attempt's folder here as it comes: mark, log, published values, status.
 *
 *	making ─▶ offered ─▶ attending ─▶ ended
 *	  │ ▲        │ ▲        │
 *	  ▼ │        ▼ └────────┤ cut off: again, with growing delay
 *	bringing   (durable)    └─▶ cancelling ─▶ attending
 *
 * `offered` is durable here before a spec leaves: from then on only that
 * machine can say what became of it, and if its folder there is gone the
 * outcome is unknown.  Before that, nothing has happened.
 */

struct far;

enum far_end {
	FAR_ENDED,     // a status is in the folder
	FAR_LOST,      // its runner there died, or its folder is gone: unknown
	FAR_NEVER,     // it has not begun and never will
	FAR_CANCELLED, // likewise, for it was cancelled
};

struct far_sink {
	/* Called once, from the loop; @reason is one line for people. */
	void (*ended)(void *data, enum far_end end, const char *reason);
	/* As reach() of struct runner_sink. */
	void (*reach)(void *data, const struct attempt_reach *reach);
};

struct far_options {
	struct loop *loop;
	struct ssh *ssh;
	const char *program; // steprun
	const char *bridge;  // name of this journal's folder there
	size_t log_cap;
};

/* Begin, or go on.  @spec and @folder (here) are borrowed until far_destroy().
 * Strings of @options are copied. */
struct far *far_start(const struct far_options *options,
		const struct attempt_spec *spec, const char *folder,
		const struct far_sink *sink, void *data)
		__attribute__((warn_unused_result));

/* The file `cancel` is in the folder here: see that it gets there. */
void far_cancel(struct far *far);

/* Stop following it.  Accepts NULL. */
void far_destroy(struct far *far);

/* The kind of machine that steprun can be brought to, as `uname -sm` says it.
 * Caller frees. */
char *far_machine(void) __attribute__((warn_unused_result));

#endif
