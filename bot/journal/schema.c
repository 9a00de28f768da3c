#include "journal/schema.h"

#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

/*
 * journal   one row an event, chained; nothing may change or leave.
 * input     the identities that were acted on.  A table of its own, for an
 *           input may cause no event (a refusal) or several.
 * outbox    what must be said; only its state moves.
 * value     small named values beside the chain.
 *
 * Version 2: a row of the outbox may be meant for another channel.
 * Version 3: it has a mark; those of before have none.
 *
 * The insert trigger also stops INSERT OR REPLACE, which fires no delete
 * trigger.
 */
static const char version_1[] =
		"CREATE TABLE journal ("
		" seq INTEGER PRIMARY KEY CHECK (seq > 0),"
		" at_ms INTEGER NOT NULL,"
		" type TEXT NOT NULL,"
		" input TEXT,"
		" body TEXT NOT NULL,"
		" hash TEXT NOT NULL CHECK (length(hash) = 64)"
		") STRICT;"
		"CREATE TRIGGER journal_no_gap BEFORE INSERT ON journal"
		" WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM journal)"
		" BEGIN SELECT RAISE(ABORT, 'the journal has no gaps'); END;"
		"CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal"
		" BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;"
		"CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal"
		" BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;"

		"CREATE TABLE input ("
		" identity TEXT PRIMARY KEY,"
		" seq INTEGER NOT NULL" // of the head it was decided on
		") STRICT, WITHOUT ROWID;"
		"CREATE TRIGGER input_no_update BEFORE UPDATE ON input"
		" BEGIN SELECT RAISE(ABORT, 'inputs are append-only'); END;"
		"CREATE TRIGGER input_no_delete BEFORE DELETE ON input"
		" BEGIN SELECT RAISE(ABORT, 'inputs are append-only'); END;"

		"CREATE TABLE outbox ("
		" id INTEGER PRIMARY KEY,"
		" key TEXT NOT NULL UNIQUE,"
		" kind TEXT NOT NULL"
		"  CHECK (kind IN ('post', 'edit', 'pin', 'unpin', 'react')),"
		" target TEXT NOT NULL,"
		" target_post TEXT NOT NULL,"
		" text TEXT NOT NULL,"
		" file_path TEXT,"
		" file_name TEXT,"
		" state TEXT NOT NULL DEFAULT 'pending'"
		"  CHECK (state IN ('pending', 'sent', 'dead', 'superseded')),"
		" post_id TEXT NOT NULL DEFAULT '',"
		" first_try_ms INTEGER NOT NULL DEFAULT 0"
		") STRICT;"
		"CREATE INDEX outbox_pending ON outbox (id) WHERE state = 'pending';"
		"CREATE INDEX outbox_edit ON outbox (target, target_post)"
		" WHERE state = 'pending' AND kind = 'edit';"
		"CREATE INDEX outbox_post ON outbox (post_id)"
		" WHERE kind = 'post' AND post_id <> '';"
		"CREATE TRIGGER outbox_no_delete BEFORE DELETE ON outbox"
		" BEGIN SELECT RAISE(ABORT, 'the outbox keeps its rows'); END;"
		"CREATE TRIGGER outbox_no_update BEFORE UPDATE OF"
		" id, key, kind, target, target_post, text, file_path, file_name"
		" ON outbox"
		" BEGIN SELECT RAISE(ABORT, 'the outbox keeps its rows'); END;"

		"CREATE TABLE value ("
		" name TEXT PRIMARY KEY,"
		" value TEXT NOT NULL"
		") STRICT, WITHOUT ROWID;";

static const char version_2[] =
		"ALTER TABLE outbox ADD COLUMN channel TEXT NOT NULL DEFAULT '';"
		"DROP TRIGGER outbox_no_update;"
		"CREATE TRIGGER outbox_no_update BEFORE UPDATE OF"
		" id, key, kind, target, target_post, channel, text, file_path,"
		" file_name ON outbox"
		" BEGIN SELECT RAISE(ABORT, 'the outbox keeps its rows'); END;";

static const char version_3[] =
		"ALTER TABLE outbox ADD COLUMN mark TEXT NOT NULL DEFAULT '';"
		"DROP TRIGGER outbox_no_update;"
		"CREATE TRIGGER outbox_no_update BEFORE UPDATE OF"
		" id, key, kind, target, target_post, channel, text, file_path,"
		" file_name, mark ON outbox"
		" BEGIN SELECT RAISE(ABORT, 'the outbox keeps its rows'); END;";

static const char *const steps[] = { version_1, version_2, version_3 };

const struct schema schema_current = {
	.steps = steps,
	.step_count = sizeof(steps) / sizeof(steps[0]),
};

/* The one number that @sql asks for. */
static bool ask(sqlite3 *db, const char *sql, int *number, struct err *err) {
	sqlite3_stmt *statement = NULL;
	bool ok = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
			sqlite3_step(statement) == SQLITE_ROW;
	if (ok) {
		*number = sqlite3_column_int(statement, 0);
	} else {
		int code = sqlite3_errcode(db);
		bool damaged = code == SQLITE_NOTADB || code == SQLITE_CORRUPT;
		/* Also to read needs room: for the file that readers share. */
		int cause = code == SQLITE_IOERR ? sqlite3_system_errno(db) : 0;
		err_set(err, damaged ? ERR_INVALID : ERR_IO, "cannot be read: %s",
				cause != 0 ? strerror(cause) : sqlite3_errmsg(db));
	}
	sqlite3_finalize(statement);
	return ok;
}

/* The file's version; refuses what is no journal or too new. */
static bool read_version(sqlite3 *db, const struct schema *schema,
		size_t *version, struct err *err) {
	int number = 0;
	int application = 0;
	int objects = 0;
	if (!ask(db, "PRAGMA user_version", &number, err) ||
			!ask(db, "PRAGMA application_id", &application, err) ||
			!ask(db, "SELECT count(*) FROM sqlite_schema", &objects, err)) {
		return false;
	}
	bool empty = number == 0 && application == 0 && objects == 0;
	if (!empty && (application != SCHEMA_APPLICATION_ID || number < 1)) {
		return err_set(
				err, ERR_INVALID, "this file is no journal of Bridgekeeper's");
	}
	*version = (size_t)number;
	if (*version > schema->step_count) {
		return err_set(err, ERR_INVALID,
				"this journal is of version %zu, newer than this program's %zu: "
				"use the newer program",
				*version, schema->step_count);
	}
	return true;
}

static bool execute(sqlite3 *db, const char *sql, struct err *err) {
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK) {
		return true;
	}
	return err_set(err, ERR_IO, "%s", sqlite3_errmsg(db));
}

/* One step and the version it leads to, both or neither. */
static bool step_from(sqlite3 *db, const struct schema *schema, size_t version,
		struct err *err) {
	char stamp[96];
	snprintf(stamp, sizeof(stamp),
			"PRAGMA application_id = %d; PRAGMA user_version = %zu;",
			SCHEMA_APPLICATION_ID, version + 1);
	if (execute(db, "BEGIN IMMEDIATE", err) &&
			execute(db, schema->steps[version], err) &&
			execute(db, stamp, err) && execute(db, "COMMIT", err)) {
		return true;
	}
	if (!sqlite3_get_autocommit(db)) {
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	}
	return err_wrap(err, "cannot be brought from version %zu to %zu: ", version,
			version + 1);
}

bool schema_bring(sqlite3 *db, const struct schema *schema, struct err *err) {
	size_t version = 0;
	if (!read_version(db, schema, &version, err)) {
		return false;
	}
	while (version < schema->step_count) {
		if (!step_from(db, schema, version, err)) {
			return false;
		}
		version++;
	}
	return true;
}

bool schema_check(sqlite3 *db, const struct schema *schema, struct err *err) {
	size_t version = 0;
	if (!read_version(db, schema, &version, err)) {
		return false;
	}
	if (version < schema->step_count) {
		return err_set(err, ERR_INVALID,
				"this journal is of version %zu, older than this program's "
				"%zu: the bot brings it up to date when it starts",
				version, schema->step_count);
	}
	return true;
}
