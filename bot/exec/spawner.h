#ifndef SPAWNER_H
#define SPAWNER_H

#include "base/err.h"

struct loop;

/*
 * Starts steprun programs, in sessions of their own, and reaps them.  They do
 * not end with this one; whoever wants to know how a command ended reads its
 * folder (exec/stepfolder.h).
 */

struct spawner;
struct spawned;

/*
 * A steprun has ended: its exit code (exec/stepfolder.h), -1 if it was killed,
 * and the line that it said on stderr.  Called once, from the loop; @spawned
 * is gone by then.
 */
typedef void (*spawned_fn)(void *data, int exit_code, const char *said);

/* @loop is borrowed. */
struct spawner *spawner_create(struct loop *loop, const char *program)
		__attribute__((warn_unused_result));

/* Nobody is told of what still runs.  Accepts NULL. */
void spawner_destroy(struct spawner *spawner);

/* Start `steprun [option] folder`; @option may be NULL. */
struct spawned *spawner_start(struct spawner *spawner, const char *option,
		const char *folder, spawned_fn fn, void *data, struct err *err)
		__attribute__((warn_unused_result));

/* It will still be reaped, but @fn is not called.  Accepts NULL. */
void spawned_abandon(struct spawned *spawned);

/*
 * Where steprun is: beside the running program, else in
 * ../libexec/bridgekeeper of its folder.  NULL with @err if it is in neither.
 */
char *spawner_find_program(struct err *err) __attribute__((warn_unused_result));

#endif
