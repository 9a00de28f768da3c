#ifndef BRIDGE_INDEX_H
#define BRIDGE_INDEX_H

#include "core/bridge.h"

/*
 * What the fold keeps at hand about gates and runs, so that what is asked
 * after every event costs no more in the hundredth run than in the first.
 * Like a run's index, it follows from the state and is never a second truth.
 */

/* Gate @id (0: none) and run @run (0: none) may have changed. */
void bridge_index_update(struct bridge *bridge, uint32_t id, uint32_t run);

#endif
