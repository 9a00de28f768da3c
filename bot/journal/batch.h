#ifndef BATCH_H
#define BATCH_H

#include <stdbool.h>

#include "journal/journal.h"

/*
 * What every journal asks of a batch before it touches anything, so that the
 * one for tests refuses what the one on disk would.
 */

#define BATCH_TEXT_MAX  ((size_t)4 * 1024 * 1024) // a row's body, a post
#define BATCH_NAME_MAX  ((size_t)512)             // keys, inputs, types
#define BATCH_VALUE_MAX ((size_t)4096)            // a named value

/* Whether @batch can be stored; ERR_INVALID says which part cannot. */
bool batch_check(const struct journal_batch *batch, struct err *err)
		__attribute__((warn_unused_result));

/* Whether @name and @value can be put. */
bool batch_check_value(const char *name, const char *value, struct err *err)
		__attribute__((warn_unused_result));

/*
 * Whether outbox row @id may go from @before to @after: once, from pending, or
 * from superseded where the request was on its way when the newer edit came.
 * The same again is no error: an answer may be told twice.
 */
bool batch_may_settle(uint64_t id, enum outbox_state before,
		enum outbox_state after, struct err *err)
		__attribute__((warn_unused_result));

#define BATCH_MARK_ROOM 17

/* The mark of outbox rows that are committed with a head of @hash; @mark. */
const char *batch_mark(const char *hash, char mark[BATCH_MARK_ROOM]);

/* @text, or "" for NULL. */
const char *batch_text(const char *text);

#endif
