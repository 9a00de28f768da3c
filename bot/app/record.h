#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "app/cards.h"
#include "base/err.h"
#include "core/bridge.h"

struct decision;
struct journal;
struct voice;
struct world;

/*
 * The state, as the journal has it, and the one way to add to both: the events
 * of a decision are folded, put into words and appended as one batch.
 *
 *	good --committed--> good
 *	  |
 *	  +--full disk, impossible, known already--> stale --read back--> good
 *
 * While it is stale the state is ahead of the journal and nothing may be
 * decided or done by it.
 */
struct record {
	struct journal *journal;
	struct voice *voice;
	struct bridge bridge;
	struct cards cards;
	bool stale;
	size_t most;        // characters in one post; 0: no limit
	bool said;          // the outbox has rows since this was last cleared
	unsigned failures;  // in a row
	struct err failure; // the last of them
};

enum record_result {
	RECORD_DONE,
	RECORD_DROPPED, // known already, or impossible: logged; will never do
	RECORD_LATER,   // the journal cannot be written now
};

/* Read the journal.  False with @err when it is damaged.  Pair with
 * record_finish(), on failure too. */
bool record_init(struct record *record, struct journal *journal,
		struct voice *voice, struct err *err)
		__attribute__((warn_unused_result));
void record_finish(struct record *record);

/*
 * Commit @decision, which has at least one event, as what @input led to (NULL:
 * nothing that could come again).  *@took_plan tells, whatever the result,
 * whether the state has taken over the plan of a plan.fixed event.
 */
enum record_result record_commit(struct record *record,
		const struct world *world, const struct decision *decision,
		const char *input, bool *took_plan) __attribute__((warn_unused_result));

/* Make a stale state again from the journal.  False with @err where that
 * cannot be done: ERR_INVALID, it is damaged; else it may be tried again. */
bool record_read_back(struct record *record, struct err *err)
		__attribute__((warn_unused_result));

#endif
