#ifndef CREW_H
#define CREW_H

#include "support/night.h"

/*
 * People who do what the bot says it waits for, and nothing else: just those
 * whom it names, with the words that it names.  If that does not bring a run
 * to its end, the bot does not say what is missing, or nothing can help.
 */

/*
 * Serve until every run is closed and no gate is open.  @undo: they say
 * `!rollback` first, where they can.  What they cannot get over is told as
 * night->violated.
 */
void crew_finish_runs(struct night *night, bool undo);

/* Plan, rehearse and start anew, up to the end. */
void crew_make_run(struct night *night);

/* Do one thing of what is waited for, the @choice'th. */
void crew_help(struct night *night, size_t choice);

/* Whether somebody or something is waited for, or time alone will do. */
bool crew_sees_a_way(const struct night *night);

#endif
