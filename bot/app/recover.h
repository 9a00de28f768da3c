#ifndef RECOVER_H
#define RECOVER_H

#include <stdbool.h>

#include "base/err.h"
#include "core/bridge.h"

struct journal;

/*
 * Fold the whole journal into @bridge, which must be initialised and empty.
 * False with @err when a row cannot be read, cannot follow the one before it,
 * or does not fit the chain: the journal is damaged, and nothing may be done
 * on its word.  @bridge is to be finished in any case.
 */
bool recover(struct journal *journal, struct bridge *bridge, struct err *err)
		__attribute__((warn_unused_result));

#endif
