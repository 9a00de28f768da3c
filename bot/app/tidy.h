#ifndef TIDY_H
#define TIDY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/bridge.h"

/*
 * How long what commands printed is kept: until some time after their run was
 * closed.  What became of them, their last lines and what they published stay
 * in the journal.
 */

struct tidy {
	const struct bridge *bridge;
	const char *id_prefix; // of attempts
	int64_t keep_ms;       // 0: for ever
	int64_t now_ms;
};

/* Whether the folder of attempt @id may go: it is one of a run that is closed
 * since long enough, and of which nothing runs. */
bool tidy_may_go(const struct tidy *tidy, const char *id);

#endif
