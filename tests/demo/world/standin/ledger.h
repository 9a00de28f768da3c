#ifndef LEDGER_H
#define LEDGER_H

#include "world.h"

/*
 * Append one line to WORLD/ledger: when the call began and ended (milliseconds
 * since 1970), its words, its folder, its exit status, and whatever of the
 * environment begins with BRIDGE_, by which the caller's attempt is known.
 * Exits 125 if the line cannot be written: a call that left no trace would be
 * taken for one that never was.
 */
void ledger_add(const struct world *world, long long began_ms, int status);

long long ledger_now_ms(void);

#endif
