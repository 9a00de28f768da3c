#ifndef RUNCLOCK_H
#define RUNCLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sys/clock.h"

/*
 * The run clock: one page of memory, shared through a file, that holds the
 * run's time and one slot a process.  The processes say when they are at work
 * and when they are next due; the owner alone moves the time, and nobody's
 * time ever goes backwards.
 *
 *	free --join--> busy <--> idle until due --leave--> free
 *	                 |          |
 *	                 +---died---+--> gone --same name joins, forgiven--> …
 *
 * While a slot is gone, or a worker is busy, or an idle one is due and has not
 * taken its turn, the time stands still.  Otherwise, while a command runs it
 * goes ten times as fast as real time, up to the earliest due time; else, once
 * nothing has changed for a few real milliseconds in which every worker took
 * two turns of its loop, it jumps to the earliest due time.
 *
 * A slot's life is a lock on one byte of the file, which the kernel lets go of
 * with the process, however that ends.
 */

struct runclock;      // the owner's side
struct runclock_seat; // one process's slot

#define RUNCLOCK_SLOTS     64
#define RUNCLOCK_NAME_ROOM 64 // bytes, with the NUL

/* Why the time does, or does not, move. */
enum runclock_state {
	RUNCLOCK_GONE,     // a process died in its slot
	RUNCLOCK_BUSY,     // somebody is at work, or due
	RUNCLOCK_SETTLING, // all is quiet, but not for long enough
	RUNCLOCK_COMMAND,  // going at most ten times as fast as real time
	RUNCLOCK_PACED,    // going at the pace that was set
	RUNCLOCK_JUMPED,   // it just jumped
	RUNCLOCK_RESTING,  // nobody is due, ever
};

/* One slot, as it stands. */
struct runclock_slot_view {
	char name[RUNCLOCK_NAME_ROOM];
	enum clock_role role;
	int32_t pid; // as the process itself sees it
	bool busy;
	bool gone;
	int64_t due_ms;
};

/*
 * Create the clock file @path, replacing what is there, at @start_ms.  NULL
 * with @err when it cannot be written.
 */
struct runclock *runclock_create(const char *path, int64_t start_ms,
		struct err *err) __attribute__((warn_unused_result));

/* Stop moving it and remove the file.  Accepts NULL. */
void runclock_destroy(struct runclock *clock);

int64_t runclock_now_ms(const struct runclock *clock);

/*
 * Look at the slots and move the time if it may be moved.  To be called about
 * once a real millisecond with a monotonic time in microseconds.
 */
enum runclock_state runclock_advance(struct runclock *clock, int64_t real_us);

/*
 * Something is on its way that no slot shows yet (bytes were written to a
 * socket): begin to settle anew.
 */
void runclock_touch(struct runclock *clock);

/*
 * 0: jump from due time to due time.  Else never jump, but go @pace times as
 * fast as real time while nobody is busy, as a person who watches wants it.
 */
void runclock_set_pace(struct runclock *clock, unsigned pace);

/* Go on without the process that died as @name.  False if there is none. */
bool runclock_forgive(struct runclock *clock, const char *name);

/* Copy the taken slots to @views; returns how many there are. */
size_t runclock_slots(const struct runclock *clock,
		struct runclock_slot_view views[RUNCLOCK_SLOTS]);

/* Lower-case word for @state. */
const char *runclock_state_name(enum runclock_state state);

/*
 * Take a slot of the clock in @path, busy; the one that a dead process of the
 * same name left, if there is one.  NULL with @err: no such file, another
 * version, full, or @name is too long or is held by a living process.
 */
struct runclock_seat *runclock_join(const char *path, const char *name,
		enum clock_role role, struct err *err)
		__attribute__((warn_unused_result));

/* Leave the slot.  Accepts NULL. */
void runclock_leave(struct runclock_seat *seat);

int64_t runclock_seat_now_ms(const struct runclock_seat *seat);

/* To be called at the end of every turn of a loop, changed or not. */
void runclock_seat_idle(struct runclock_seat *seat, int64_t due_ms);
void runclock_seat_busy(struct runclock_seat *seat);

#endif
