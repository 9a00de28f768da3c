#ifndef RUN_INDEX_H
#define RUN_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/runbook.h"

struct run;

/*
 * What the fold keeps at hand about the steps of a run, so that nothing asked
 * after every event has to look at all of them: a long runbook costs no more
 * an event than a short one.
 *
 * All of it follows from the steps; it is never a second truth.
 */

/* Steps counted: those that belong to the run. */
struct step_tally {
	size_t all;
	size_t done;
	size_t red;
	size_t waits;
	size_t begun;
	int64_t from_ms; // when the first began; 0: none has
	int64_t to_ms;   // when the last ended; 0
};

/* A value that a forward step publishes and rollback needs. */
struct undo_value {
	size_t step;
	const char *name; // the runbook's
	bool published;
};

struct run_index {
	/* Neither pending nor ended, or with an attempt that runs; ascending. */
	size_t *live;
	size_t live_count;
	/* The first step of the kind that has not ended, or step_count. */
	size_t first_left[PHASE_KIND_COUNT];
	struct step_tally *tallies; // one for each so many steps
	struct undo_value *undo;
	size_t undo_count;
};

/* Make @run's index from its steps, which are new. */
void run_index_init(struct run *run);
void run_index_finish(struct run *run);

/* Step @step may have changed. */
void run_index_update(struct run *run, size_t step);

/* There is a value @name now. */
void run_index_publish(struct run *run, const char *name);

/* The tally of @count steps from @first on. */
struct step_tally run_tally(const struct run *run, size_t first, size_t count);

#endif
