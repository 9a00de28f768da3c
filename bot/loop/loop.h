#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct clock;

/*
 * The one event loop: timers, signals, file descriptors and deferred calls, on
 * libuv.  One thread.  Nobody calls back into whoever called him: to act on
 * something seen inside a callback of another module, defer it.
 *
 * Timers come in two kinds.  A *run* timer is due at a time of the run's clock
 * (sys/clock.h); a *real* one after a number of real milliseconds, for the
 * network.
 */

struct loop;
struct loop_timer;
struct loop_watch;
struct loop_signal;

typedef void (*loop_fn)(void *data);

struct loop *loop_create(struct clock *clock, struct err *err)
		__attribute__((warn_unused_result));

/*
 * Closes what is left of its own; others' handles must be gone already.
 * Accepts NULL.  Never from inside a callback.
 */
void loop_destroy(struct loop *loop);

/* Turn until loop_stop().  Each turn: what is due, then deferred calls. */
void loop_run(struct loop *loop);

void loop_stop(struct loop *loop);

/* The uv_loop_t, for libwebsockets, which is a guest on it. */
void *loop_native(struct loop *loop);

/*
 * One turn of the native loop alone, without sleeping, so that a guest that is
 * going away can finish closing its handles; true once nothing is closing any
 * more.  No timer, deferred call, watch or signal of this module is called.
 * Never from inside a callback.
 */
bool loop_settle(struct loop *loop);
bool loop_is_settling(const struct loop *loop);

int64_t loop_now_ms(const struct loop *loop);      // the run's clock
int64_t loop_real_now_ms(const struct loop *loop); // monotonic, for durations

/*
 * While a count is held the run clock stands still: something is on its way
 * that is no timer (a request in flight, a row of the outbox).  Nothing on a
 * real clock.
 */
void loop_hold_clock(struct loop *loop);
void loop_release_clock(struct loop *loop);

/* Timers are one-shot, disarmed at creation; starting one again moves it. */
struct loop_timer *loop_timer_create(struct loop *loop, loop_fn fn, void *data)
		__attribute__((warn_unused_result));
void loop_timer_destroy(struct loop_timer *timer); // accepts NULL
void loop_timer_start_at(struct loop_timer *timer, int64_t due_ms);
void loop_timer_start_real(struct loop_timer *timer, int64_t delay_ms);
void loop_timer_stop(struct loop_timer *timer);

/* Call @fn once, on the next turn, before the loop sleeps. */
void loop_defer(struct loop *loop, loop_fn fn, void *data);

/* Drop deferred calls that carry @data: its owner is going away. */
void loop_cancel_deferred(struct loop *loop, void *data);

/* Call @fn whenever @fd is readable (level-triggered).  @fd stays yours. */
struct loop_watch *loop_watch_create(struct loop *loop, int fd, loop_fn fn,
		void *data) __attribute__((warn_unused_result));
void loop_watch_destroy(struct loop_watch *watch); // accepts NULL

/* Call @fn when signal @number arrives. */
struct loop_signal *loop_signal_create(struct loop *loop, int number,
		loop_fn fn, void *data) __attribute__((warn_unused_result));
void loop_signal_destroy(struct loop_signal *handle); // accepts NULL

#endif
