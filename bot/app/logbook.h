#ifndef LOGBOOK_H
#define LOGBOOK_H

#include <stdint.h>

struct bridge;
struct voice;
struct world;

/*
 * The rehearsal log's rows: for each run that was closed a patch in the state
 * folder, rehearsal-log/LB-7.patch, that adds its row to the runbook as it was
 * planned.  `git apply` takes it.  The runbook itself is never written.
 *
 * Made from the journal, so a patch that is missing is made again.
 */
struct logbook {
	char *dir;     // absolute
	char *runbook; // file name of the runbook
	uint32_t done; // runs up to this one have theirs, or need none
};

/* @runbook is the path in the config; only its last part counts. */
void logbook_init(
		struct logbook *logbook, const char *state_dir, const char *runbook);
void logbook_finish(struct logbook *logbook);

/* Write what is missing.  What cannot be written is logged, and tried again
 * the next time. */
void logbook_update(struct logbook *logbook, struct voice *voice,
		const struct bridge *bridge, const struct world *world);

#endif
