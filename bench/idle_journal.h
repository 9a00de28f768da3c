#ifndef IDLE_JOURNAL_H
#define IDLE_JOURNAL_H

#include "journal/journal.h"

/*
 * A journal that keeps nothing but its last hash: what remains of an event's
 * cost beside it is the bot's own.  @fn, if not NULL, is shown each row that
 * is appended, with its place and hash.
 */
struct journal *idle_journal_create(journal_row_fn fn, void *data);

#endif
