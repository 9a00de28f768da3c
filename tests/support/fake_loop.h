#ifndef FAKE_LOOP_H
#define FAKE_LOOP_H

#include <stdint.h>

#include "loop/loop.h"

/*
 * loop/loop.h on a virtual clock: link fake_loop.c into a test instead of the
 * real one.  Both clocks move together and only when the test says so, so a
 * night takes no time and every order is the same each time.  Descriptors and
 * signals it has none.
 */

struct loop *fake_loop_create(int64_t start_ms)
		__attribute__((warn_unused_result));

/* Run what is deferred and due at this moment, until nothing is. */
void fake_loop_settle(struct loop *loop);

/* Go on by @ms, stopping at every timer on the way. */
void fake_loop_go(struct loop *loop, int64_t ms);

/* Somebody sets the run clock back by @ms; real time is not moved. */
void fake_loop_set_back(struct loop *loop, int64_t ms);

/* Holds on the run clock.  While there are any, go() must not move a run clock
 * that jumps; the fake moves on all the same, as a real one does. */
unsigned fake_loop_holds(const struct loop *loop);

/* Deferred calls and timers that are armed: for tests of tear-down. */
unsigned fake_loop_timers(const struct loop *loop);

#endif
