#ifndef FRAIL_JOURNAL_H
#define FRAIL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "journal/journal.h"

/*
 * A journal in memory that fails, or sees its bot die, just when the test
 * wants it.  What was committed outlives the bot.
 */

struct journal *frail_journal_create(void) __attribute__((warn_unused_result));

/* Durable writes so far: appends, tries, settlings, named values. */
size_t frail_journal_writes(const struct journal *journal);

/* Call @fn right after the @nth durable write from now; from then on every
 * write fails until frail_journal_revive(). */
void frail_journal_die_after(
		struct journal *journal, size_t nth, void (*fn)(void *), void *data);
void frail_journal_revive(struct journal *journal);

/* The @nth append from now fails, and @count after it. */
void frail_journal_fail(struct journal *journal, size_t nth, size_t count);

/* Appends with a row of @type are refused for good, until it is NULL: what the
 * journal says to a mistake of the bot's. */
void frail_journal_refuse_type(struct journal *journal, const char *type);

/* Whether first tries are forgotten, as if the machine lost its power before
 * they were on the disk. */
void frail_journal_forget_tries(struct journal *journal, bool forget);

/* The next @count settlings fail. */
void frail_journal_refuse_settling(struct journal *journal, size_t count);

#endif
