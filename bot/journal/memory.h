#ifndef MEMORY_H
#define MEMORY_H

#include "journal/journal.h"

/*
 * The journal for tests and simulations: the same answers as the one on disk,
 * kept in memory and gone with it.  Lookups are linear.
 */

struct journal *journal_memory_create(void) __attribute__((warn_unused_result));

/* Let the next @count appends fail as on a full disk, nothing written. */
void journal_memory_fail(struct journal *journal, size_t count);

#endif
