#ifndef WITNESS_H
#define WITNESS_H

#include "support/night.h"

/*
 * Looks on during a night and remembers by itself what was begun, so that it
 * need not believe what the core says of it.  It knows the rules from the
 * design alone: what must come before what, who must have agreed, what may not
 * be done again.  The first thing that is not so is told as night->violated.
 */

struct witness_block {
	uint32_t run;
	uint32_t step;
	uint32_t block;
	uint32_t host;
	uint32_t begun; // attempts
	uint32_t ended; // of them, since people last asked for another
	bool ok;        // one went well, or a person said so
	bool runs;      // the last one, as far as is known
	bool began;     // one that has ended had begun
	bool may_again; // a person has asked for another
	enum outcome last;
};

struct witness {
	struct night *night;
	struct witness_block *blocks;
	size_t count;
	uint32_t *begun; // gates behind which a command has started
	size_t begun_count;
	uint32_t locked_run; // the newest when production was undone, or given up
	struct bridge twin;  // made of nothing but what stands in the journal
	uint64_t seq;
	size_t rolled_back;
	size_t succeeded;
};

/* Let @witness hear of all that happens in @night from now on. */
void witness_init(struct witness *witness, struct night *night);
void witness_finish(struct witness *witness);

/* Whether a bot that read the journal now would know, wait for and do just what
 * this one does; else it is told as violated. */
void witness_compare(struct witness *witness);

#endif
