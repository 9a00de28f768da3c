#ifndef AT_HAND_H
#define AT_HAND_H

#include <stdbool.h>

#include "core/decide.h"

/*
 * What the fold keeps at hand (core/run_index.h, core/bridge_index.h), held
 * against what it stands for: once by looking at every step, gate and run,
 * and once by asking each question that uses it a second time, with all of
 * them at hand.
 */

/* What is not as a look at everything finds it, or NULL. */
const char *at_hand_differs(const struct bridge *bridge);

/* Whether each question has the same answer when everything is at hand.
 * Prints both answers where not; @bridge is as before afterwards. */
bool at_hand_answers(struct bridge *bridge, const struct world *world);

#endif
