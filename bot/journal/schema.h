#ifndef SCHEMA_H
#define SCHEMA_H

#include <stddef.h>

#include "base/err.h"

struct sqlite3;

/*
 * The tables of the journal's file, and how a file of an older version becomes
 * one of this.  Steps are only ever added at the end: step i leads from
 * version i to version i + 1, and an empty file is version 0.  The version
 * stands in the file's user_version; its application_id tells a journal from
 * any other SQLite file.
 */

#define SCHEMA_APPLICATION_ID 0x424b6a6c // "BKjl"

struct schema {
	const char *const *steps; // SQL, each in a transaction of its own
	size_t step_count;        // also the version that this program writes
};

/* The schema that this program writes. */
extern const struct schema schema_current;

/*
 * Bring @db to the version of @schema.  Refuses, untouched, a file that is of
 * a newer version or is no journal.  A step that fails leaves the version
 * before it.
 */
bool schema_bring(struct sqlite3 *db, const struct schema *schema,
		struct err *err) __attribute__((warn_unused_result));

/* Whether @db is a journal of exactly this version; says what else it is. */
bool schema_check(struct sqlite3 *db, const struct schema *schema,
		struct err *err) __attribute__((warn_unused_result));

#endif
