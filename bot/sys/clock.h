#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * What time it is for the run.  Two kinds stand behind one interface:
 *
 *   real   the system's UTC clock.
 *   run    a clock that the sandbox owns and shares through a file mapped by
 *          the bot, every steprun and the players of a demo.  It stands still
 *          while anybody is busy, goes at most ten times as fast as real time
 *          while a command runs, and jumps to the next due time when nobody
 *          is busy, no command runs and no process that it knows is gone.
 *
 * Everything that the config or the runbook states in time (grid, gates,
 * timeouts, milestones, age of a rehearsal) is read from here.  The network's
 * own timers are not: they use loop_timer_start_real().
 */

struct clock;

/* What a process is to the run clock.  A command holds the clock to 10x. */
enum clock_role {
	CLOCK_ROLE_WORKER, // bot, sandbox, player: the clock waits for its due time
	CLOCK_ROLE_COMMAND, // steprun while its command runs
};

#define CLOCK_NEVER INT64_MAX

/* The system's clock.  Never NULL; free with clock_destroy(). */
struct clock *clock_create_real(void) __attribute__((warn_unused_result));

/*
 * Join the run clock in @path as @name.  Takes a slot, busy, until
 * clock_destroy() or until the owner sees that the process is gone (the clock
 * stands still until clock_forgive() of the owner or a process of the same
 * @name joins again).  NULL with @err when the file is missing, of another
 * version, or full.
 */
struct clock *clock_join(const char *path, const char *name,
		enum clock_role role, struct err *err)
		__attribute__((warn_unused_result));

/* Leave; a run clock's slot becomes free.  Accepts NULL. */
void clock_destroy(struct clock *clock);

/* Milliseconds since 1970 UTC, in the run's time. */
int64_t clock_now_ms(const struct clock *clock);

/* Whether this is a run clock, whose timers must be polled. */
bool clock_is_shared(const struct clock *clock);

/*
 * Say that this process has nothing to do until @due_ms (CLOCK_NEVER: until
 * something reaches it from outside), or that it is at work again.  Nothing on
 * a real clock.
 */
void clock_set_idle(struct clock *clock, int64_t due_ms);
void clock_set_busy(struct clock *clock);

#endif
