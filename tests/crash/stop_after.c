/*
 * Preloaded into the bot: stops the process right after the commit that brings
 * the journal to a given row, so that a test can kill it from outside at just
 * that point.  The bot itself knows nothing of it.
 *
 *	STOP_AFTER=N LD_PRELOAD=./stop_after.so bridgekeeper run …
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

int sqlite3_step(sqlite3_stmt *statement) {
	static long long before;
	int code = real_step(statement);
	const char *wanted = getenv("STOP_AFTER");
	const char *sql = sqlite3_sql(statement);
	if (code != SQLITE_DONE || wanted == NULL || sql == NULL ||
			strncmp(sql, "COMMIT", 6) != 0) {
		return code;
	}
	long long limit = atoll(wanted);
	long long now = last_row(sqlite3_db_handle(statement));
	if (before < limit && now >= limit) {
		raise(SIGSTOP);
	}
	before = now;
	return code;
}
