/*
 * Preloaded into the bot: stops the process right after the commit that brings
 * the journal to a given row, or after the given note in its outbox, so that a
 * test can kill it from outside at just that point.  The bot itself knows
 * nothing of it.
 *
 *	STOP_AFTER=N LD_PRELOAD=./stop_after.so bridgekeeper run …
 *	STOP_AT_NOTE=N DISK=FOLDER LD_PRELOAD=./stop_after.so bridgekeeper run …
 *
 * In DISK is what a cut of the machine's power would leave of the journal
 * (tests/support/synced.h).
 *
 * Only statements of the program's own are seen; COMMIT is one.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

typedef int (*step_fn)(sqlite3_stmt *statement);

static int real_step(sqlite3_stmt *statement) {
	static step_fn next;
	if (next == NULL) {
		union {
			void *symbol;
			step_fn function;
		} found = { .symbol = dlsym(RTLD_NEXT, "sqlite3_step") };
		next = found.function;
	}
	return next(statement);
}

static long long last_row(sqlite3 *db) {
	sqlite3_stmt *statement = NULL;
	long long seq = 0;
	if (sqlite3_prepare_v2(db, "SELECT coalesce(max(seq), 0) FROM journal", -1,
				&statement, NULL) == SQLITE_OK &&
			real_step(statement) == SQLITE_ROW) {
		seq = sqlite3_column_int64(statement, 0);
	}
	sqlite3_finalize(statement);
	return seq;
}

static void after_commit(sqlite3 *db, long long limit) {
	static long long before;
	long long now = last_row(db);
	if (before < limit && now >= limit) {
		raise(SIGSTOP);
	}
	before = now;
}

static void after_note(long long limit) {
	static long long notes;
	if (++notes == limit) {
		raise(SIGSTOP);
	}
}

int sqlite3_step(sqlite3_stmt *statement) {
	int code = real_step(statement);
	const char *row = getenv("STOP_AFTER");
	const char *note = getenv("STOP_AT_NOTE");
	const char *sql = sqlite3_sql(statement);
	if (code != SQLITE_DONE || sql == NULL) {
		return code;
	}
	if (row != NULL && strncmp(sql, "COMMIT", 6) == 0) {
		after_commit(sqlite3_db_handle(statement), atoll(row));
	} else if (note != NULL &&
			(strncmp(sql, "UPDATE outbox SET first_try_ms", 30) == 0 ||
					strncmp(sql, "UPDATE outbox SET state = ?2", 28) == 0)) {
		after_note(atoll(note));
	}
	return code;
}
