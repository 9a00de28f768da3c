#ifndef SQLITE_JOURNAL_H
#define SQLITE_JOURNAL_H

#include "journal/journal.h"

struct schema;

/*
 * The journal on disk: DIR/journal.db, SQLite in WAL mode with
 * synchronous=FULL, so that what append() acknowledged outlives a crash and a
 * power cut.  Triggers refuse to change or delete a row, for whatever program
 * asks.  The chain is verified over the last rows when it opens, and over
 * every row that read() passes on.
 *
 * A full disk or an I/O error leaves nothing half-written; the same append
 * works once there is room.  All calls block for the time of an fdatasync.
 * The functions that @fn calls back into (read, pending) must not write.
 */

/* Most rows that are verified on opening; read() verifies them all. */
#define JOURNAL_TAIL 256

/*
 * Open the journal of state folder @dir, which is made (0700) if only its last
 * part is missing.  Takes the folder's lock (journal/lock.h) until destroy();
 * a file of an older version is brought up to date, one of a newer is refused,
 * as is one that was emptied beside its WAL, or in which
 * journal_sqlite_examine(), asked of all but very large ones, finds damage.
 * NULL with @err on failure.
 */
struct journal *journal_sqlite_open(const char *dir, struct err *err)
		__attribute__((warn_unused_result));

/* The same with another schema, for tests of the way up. */
struct journal *journal_sqlite_open_schema(
		const char *dir, const struct schema *schema, struct err *err)
		__attribute__((warn_unused_result));

/*
 * Open it to read only, without the lock and without verifying, also while a
 * bot writes to it.  Whatever writes fails.
 */
struct journal *journal_sqlite_open_read_only(const char *dir, struct err *err)
		__attribute__((warn_unused_result));

/*
 * For audits, of a journal from this file only.  Every row from @from_seq on as
 * it is stored, by number, nothing verified.
 */
bool journal_sqlite_read_raw(struct journal *journal, uint64_t from_seq,
		journal_row_fn fn, void *data, struct err *err)
		__attribute__((warn_unused_result));

/*
 * Likewise: what the chain does not cover.  A line to @fn for each thing that
 * SQLite finds damaged in the file, for each trigger that was taken away, and
 * for each row whose input is not among those remembered, so that it would be
 * acted on again.
 */
bool journal_sqlite_examine(struct journal *journal,
		void (*fn)(void *data, const char *finding), void *data,
		struct err *err) __attribute__((warn_unused_result));

#endif
