#include "journal/sqlite.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "journal/batch.h"
#include "journal/chain.h"
#include "journal/lock.h"
#include "journal/schema.h"

/* A reader that recovers or checkpoints makes a writer wait, never long. */
#define BUSY_MS 2000

/* A journal of so many bytes is examined whole on opening. */
#define EXAMINE_BYTES ((off_t)32 * 1024 * 1024)

enum statement {
	BEGIN,
	COMMIT,
	HAS_INPUT,
	ADD_INPUT,
	ADD_ROW,
	SUPERSEDE,
	ADD_OUTBOX,
	HAS_KEY,
	PENDING,
	POST_OF,
	IS_DEAD,
	AGAIN,
	KEY_OF,
	TRIED,
	STATE_OF,
	SETTLE,
	GET,
	PUT,
	STATEMENT_COUNT,
};

static const char *const sql_of[STATEMENT_COUNT] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[HAS_INPUT] = "SELECT 1 FROM input WHERE identity = ?1",
	[ADD_INPUT] = "INSERT INTO input (identity, seq) VALUES (?1, ?2)",
	[ADD_ROW] = "INSERT INTO journal (seq, at_ms, type, input, body, hash)"
				" VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[SUPERSEDE] = "UPDATE outbox SET state = 'superseded'"
				  " WHERE state = 'pending' AND kind = 'edit'"
				  " AND target = ?1 AND target_post = ?2",
	[ADD_OUTBOX] = "INSERT INTO outbox (key, kind, target, target_post, text,"
				   " file_path, file_name, channel, mark)"
				   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[HAS_KEY] = "SELECT 1 FROM outbox WHERE key = ?1",
	[PENDING] = "SELECT id, key, kind, target, target_post, text, file_path,"
				" file_name, state, post_id, first_try_ms, channel, mark"
				" FROM outbox"
				" WHERE state = 'pending' ORDER BY id",
	[POST_OF] = "SELECT post_id FROM outbox WHERE key = ?1 AND post_id <> ''",
	[IS_DEAD] = "SELECT 1 FROM outbox WHERE key = ?1 AND state = 'dead'",
	[AGAIN] = "UPDATE outbox SET state = 'pending', post_id = '',"
			  " first_try_ms = 0 WHERE state <> 'pending' AND ("
			  "(key = ?1 AND kind = 'post') OR (target = ?1 AND kind = 'pin')"
			  " OR id = (SELECT max(id) FROM outbox"
			  " WHERE target = ?1 AND kind = 'edit'))",
	[KEY_OF] = "SELECT key FROM outbox"
			   " WHERE post_id = ?1 AND post_id <> '' AND kind = 'post'",
	[TRIED] = "UPDATE outbox SET first_try_ms = ?2"
			  " WHERE id = ?1 AND first_try_ms = 0",
	[STATE_OF] = "SELECT state FROM outbox WHERE id = ?1",
	[SETTLE] = "UPDATE outbox SET state = ?2, post_id = ?3 WHERE id = ?1",
	[GET] = "SELECT value FROM value WHERE name = ?1",
	[PUT] = "INSERT INTO value (name, value) VALUES (?1, ?2)"
			" ON CONFLICT (name) DO UPDATE SET value = excluded.value",
};

static const char *const kind_names[] = {
	[OUTBOX_POST] = "post",
	[OUTBOX_EDIT] = "edit",
	[OUTBOX_PIN] = "pin",
	[OUTBOX_UNPIN] = "unpin",
	[OUTBOX_REACT] = "react",
};

static const char *const state_names[] = {
	[OUTBOX_PENDING] = "pending",
	[OUTBOX_SENT] = "sent",
	[OUTBOX_DEAD] = "dead",
	[OUTBOX_SUPERSEDED] = "superseded",
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

struct journal_sqlite {
	struct journal journal;
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENT_COUNT];
	int lock; // -1 when read only
	uint64_t seq;
	char hash[SHA256_HEX];
};

static struct journal_sqlite *of(struct journal *journal) {
	return (struct journal_sqlite *)journal;
}

/* Whether the file is no longer where it was opened: what is written to it now
 * nobody would find again. */
static bool has_moved(struct journal_sqlite *self) {
	int moved = 0;
	return sqlite3_file_control(self->db, NULL, SQLITE_FCNTL_HAS_MOVED,
				   &moved) == SQLITE_OK &&
			moved != 0;
}

/* Say what SQLite, or the system below it, says. */
static bool failed(
		struct journal_sqlite *self, const char *what, struct err *err) {
	if (has_moved(self)) {
		return err_set(err, ERR_IO,
				"the journal %s: its file was moved or removed", what);
	}
	int code = sqlite3_errcode(self->db);
	int number = sqlite3_system_errno(self->db);
	if (code == SQLITE_FULL || (code == SQLITE_IOERR && number == ENOSPC)) {
		return err_set(err, ERR_IO, "the journal %s: the disk is full", what);
	}
	if (code == SQLITE_IOERR && number != 0) {
		return err_set(
				err, ERR_IO, "the journal %s: %s", what, strerror(number));
	}
	return err_set(
			err, ERR_IO, "the journal %s: %s", what, sqlite3_errmsg(self->db));
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text) {
	/* NULL binds NULL.  Callers keep the text until the statement is reset. */
	int code = sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
	assert(code == SQLITE_OK);
	(void)code;
}

static void bind_number(sqlite3_stmt *statement, int at, int64_t number) {
	int code = sqlite3_bind_int64(statement, at, number);
	assert(code == SQLITE_OK);
	(void)code;
}

/* Run a statement that yields nothing, and make it ready for the next use. */
static bool run(struct journal_sqlite *self, enum statement which) {
	sqlite3_stmt *statement = self->statements[which];
	bool first = sqlite3_get_autocommit(self->db) != 0;
	int code = first && has_moved(self) ? SQLITE_IOERR
										: sqlite3_step(statement);
	/* Resets return the step's error again; errcode stays what it was. */
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return code == SQLITE_DONE;
}

static const char *column(sqlite3_stmt *statement, int at) {
	return batch_text((const char *)sqlite3_column_text(statement, at));
}

static const char *column_or_null(sqlite3_stmt *statement, int at) {
	return (const char *)sqlite3_column_text(statement, at);
}

/* The one text that a statement yields, into @text; false when none or long. */
static bool fetch(struct journal_sqlite *self, enum statement which,
		const char *parameter, char *text, size_t room) {
	sqlite3_stmt *statement = self->statements[which];
	bind_text(statement, 1, parameter);
	bool found = sqlite3_step(statement) == SQLITE_ROW;
	if (found) {
		int len = snprintf(text, room, "%s", column(statement, 0));
		found = len >= 0 && (size_t)len < room;
	}
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return found;
}

static bool sqlite_has_input(struct journal *journal, const char *input) {
	char one[2];
	return fetch(of(journal), HAS_INPUT, input, one, sizeof(one));
}

static bool sqlite_has_key(struct journal *journal, const char *key) {
	char one[2];
	return fetch(of(journal), HAS_KEY, key, one, sizeof(one));
}

/* Appending */

static bool add_rows(struct journal_sqlite *self,
		const struct journal_batch *batch, uint64_t *seq,
		char hash[SHA256_HEX]) {
	sqlite3_stmt *statement = self->statements[ADD_ROW];
	for (size_t i = 0; i < batch->row_count; i++) {
		struct journal_row row = batch->rows[i];
		row.seq = ++*seq;
		row.input = batch->input;
		chain_hash(hash, &row, row.hash);
		bind_number(statement, 1, (int64_t)row.seq);
		bind_number(statement, 2, row.at_ms);
		bind_text(statement, 3, row.type);
		bind_text(statement, 4, row.input);
		bind_text(statement, 5, row.body);
		bind_text(statement, 6, row.hash);
		if (!run(self, ADD_ROW)) {
			return false;
		}
		memcpy(hash, row.hash, SHA256_HEX);
	}
	return true;
}

static bool supersede(
		struct journal_sqlite *self, const struct outbox_row *row) {
	sqlite3_stmt *statement = self->statements[SUPERSEDE];
	bind_text(statement, 1, batch_text(row->target));
	bind_text(statement, 2, batch_text(row->target_post));
	return run(self, SUPERSEDE);
}

/* @hash of the head that the row is committed with. */
static bool add_outbox(struct journal_sqlite *self,
		const struct outbox_row *row, const char *hash) {
	char mark[BATCH_MARK_ROOM];
	if (row->kind == OUTBOX_EDIT && !supersede(self, row)) {
		return false;
	}
	sqlite3_stmt *statement = self->statements[ADD_OUTBOX];
	bind_text(statement, 1, row->key);
	bind_text(statement, 2, kind_names[row->kind]);
	bind_text(statement, 3, batch_text(row->target));
	bind_text(statement, 4, batch_text(row->target_post));
	bind_text(statement, 5, batch_text(row->text));
	bind_text(statement, 6, row->file_path);
	bind_text(statement, 7, row->file_name);
	bind_text(statement, 8, batch_text(row->channel));
	bind_text(statement, 9, batch_mark(hash, mark));
	return run(self, ADD_OUTBOX);
}

static bool add_input(struct journal_sqlite *self, const char *input) {
	if (input == NULL) {
		return true;
	}
	bind_text(self->statements[ADD_INPUT], 1, input);
	bind_number(self->statements[ADD_INPUT], 2, (int64_t)self->seq);
	return run(self, ADD_INPUT);
}

/* The batch inside its transaction; @err on failure. */
static bool write_batch(struct journal_sqlite *self,
		const struct journal_batch *batch, uint64_t *seq, char hash[SHA256_HEX],
		struct err *err) {
	if (!run(self, BEGIN) || !add_input(self, batch->input) ||
			!add_rows(self, batch, seq, hash)) {
		return failed(self, "cannot be written", err);
	}
	for (size_t i = 0; i < batch->outbox_count; i++) {
		const struct outbox_row *row = &batch->outbox[i];
		if (add_outbox(self, row, hash)) {
			continue;
		}
		if (sqlite3_extended_errcode(self->db) == SQLITE_CONSTRAINT_UNIQUE) {
			return err_set(err, ERR_INVALID,
					"the outbox has a row with key %s already", row->key);
		}
		return failed(self, "cannot be written", err);
	}
	return run(self, COMMIT) || failed(self, "cannot be written", err);
}

static enum journal_append_result sqlite_append(struct journal *journal,
		const struct journal_batch *batch, struct err *err) {
	struct journal_sqlite *self = of(journal);
	if (!batch_check(batch, err)) {
		return JOURNAL_FAILED;
	}
	if (batch->input != NULL && sqlite_has_input(journal, batch->input)) {
		return JOURNAL_REPEATED;
	}
	uint64_t seq = self->seq;
	char hash[SHA256_HEX];
	memcpy(hash, self->hash, sizeof(hash));
	if (!write_batch(self, batch, &seq, hash, err)) {
		if (!sqlite3_get_autocommit(self->db)) {
			sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
		}
		return JOURNAL_FAILED;
	}
	self->seq = seq;
	memcpy(self->hash, hash, sizeof(hash));
	return JOURNAL_APPENDED;
}

/* Reading the rows */

/* Prepare a query of its own, for its callback may read too. */
static sqlite3_stmt *query(
		struct journal_sqlite *self, const char *sql, struct err *err) {
	sqlite3_stmt *statement = NULL;
	if (sqlite3_prepare_v2(self->db, sql, -1, &statement, NULL) != SQLITE_OK) {
		failed(self, "cannot be read", err);
	}
	return statement;
}

static void row_from(sqlite3_stmt *statement, struct journal_row *row) {
	*row = (struct journal_row){
		.seq = (uint64_t)sqlite3_column_int64(statement, 0),
		.at_ms = sqlite3_column_int64(statement, 1),
		.type = column(statement, 2),
		.input = column_or_null(statement, 3),
		.body = column(statement, 4),
	};
	const char *hash = column(statement, 5);
	size_t len = strnlen(hash, sizeof(row->hash) - 1);
	memcpy(row->hash, hash, len);
	row->hash[len] = '\0';
}

/* Rows from @from on to @fn, as they are stored. */
static bool each_row(struct journal_sqlite *self, uint64_t from,
		journal_row_fn fn, void *data, struct err *err) {
	sqlite3_stmt *statement = query(self,
			"SELECT seq, at_ms, type, input, body, hash FROM journal"
			" WHERE seq >= ?1 ORDER BY seq",
			err);
	if (statement == NULL) {
		return false;
	}
	bind_number(statement, 1, from > INT64_MAX ? INT64_MAX : (int64_t)from);
	bool ok = true;
	int code = SQLITE_ROW;
	while (ok && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		struct journal_row row;
		row_from(statement, &row);
		ok = fn(data, &row, err);
	}
	if (ok && code != SQLITE_DONE) {
		ok = failed(self, "cannot be read", err);
	}
	sqlite3_finalize(statement);
	return ok;
}

struct verified_read {
	uint64_t seq; // of the row before
	char hash[SHA256_HEX];
	journal_row_fn fn; // NULL: only verify
	void *data;
};

static bool pass_verified(
		void *data, const struct journal_row *row, struct err *err) {
	struct verified_read *verified = data;
	char hash[SHA256_HEX];
	chain_hash(verified->hash, row, hash);
	if (row->seq != verified->seq + 1 || strcmp(hash, row->hash) != 0) {
		return err_set(err, ERR_INVALID,
				"the journal was tampered with or damaged at row %" PRIu64
				": `bridgekeeper audit verify` says more",
				verified->seq + 1);
	}
	verified->seq = row->seq;
	memcpy(verified->hash, hash, sizeof(hash));
	return verified->fn == NULL || verified->fn(verified->data, row, err);
}

static bool take_hash(
		void *data, const struct journal_row *row, struct err *err) {
	(void)err;
	struct verified_read *verified = data;
	if (row->seq == verified->seq) {
		memcpy(verified->hash, row->hash, sizeof(verified->hash));
	}
	return false; // one row is enough
}

static bool read_verified(struct journal_sqlite *self,
		struct verified_read *verified, uint64_t from, struct err *err) {
	chain_origin(verified->hash);
	verified->seq = from > 0 ? from - 1 : 0;
	if (verified->seq > 0) {
		struct err ignored;
		each_row(self, verified->seq, take_hash, verified, &ignored);
	}
	return each_row(self, verified->seq + 1, pass_verified, verified, err);
}

static bool sqlite_read(struct journal *journal, uint64_t from_seq,
		journal_row_fn fn, void *data, struct err *err) {
	struct verified_read verified = { .fn = fn, .data = data };
	return read_verified(of(journal), &verified, from_seq, err);
}

bool journal_sqlite_read_raw(struct journal *journal, uint64_t from_seq,
		journal_row_fn fn, void *data, struct err *err) {
	return each_row(of(journal), from_seq, fn, data, err);
}

/* The one text of each row that @sql yields to @fn, but for @good. */
static bool each_text(struct journal_sqlite *self, const char *sql,
		const char *good, void (*fn)(void *data, const char *finding),
		void *data, struct err *err) {
	sqlite3_stmt *statement = query(self, sql, err);
	if (statement == NULL) {
		return false;
	}
	int code;
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *text = column(statement, 0);
		if (strcmp(text, good) != 0) {
			fn(data, text);
		}
	}
	bool ok = code == SQLITE_DONE || failed(self, "cannot be read", err);
	sqlite3_finalize(statement);
	return ok;
}

bool journal_sqlite_examine(struct journal *journal,
		void (*fn)(void *data, const char *finding), void *data,
		struct err *err) {
	struct journal_sqlite *self = of(journal);
	static const struct {
		const char *sql;
		const char *good;
	} questions[] = {
		{ "PRAGMA integrity_check(20)", "ok" },
		{ "WITH wanted (name) AS (VALUES ('journal_no_gap'),"
		  " ('journal_no_update'), ('journal_no_delete'), ('input_no_update'),"
		  " ('input_no_delete'), ('outbox_no_update'), ('outbox_no_delete'))"
		  " SELECT 'the trigger ' || name || ' was taken away' FROM wanted"
		  " WHERE name NOT IN"
		  " (SELECT name FROM sqlite_schema WHERE type = 'trigger')",
				"" },
		{ "SELECT 'row ' || min(seq) || ': its input is not among those"
		  " remembered' FROM journal WHERE input IS NOT NULL AND"
		  " input NOT IN (SELECT identity FROM input)"
		  " GROUP BY input ORDER BY min(seq) LIMIT 20",
				"" },
	};
	for (size_t i = 0; i < LENGTH(questions); i++) {
		if (!each_text(
					self, questions[i].sql, questions[i].good, fn, data, err)) {
			return false;
		}
	}
	return true;
}

static void sqlite_head(
		struct journal *journal, uint64_t *seq, char hash[SHA256_HEX]) {
	const struct journal_sqlite *self = of(journal);
	*seq = self->seq;
	memcpy(hash, self->hash, SHA256_HEX);
}

/* The outbox */

static int index_of(const char *const *names, size_t count, const char *name) {
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0) {
			return (int)i;
		}
	}
	return 0; // the table's CHECK lets no other name in
}

static void outbox_from(sqlite3_stmt *statement, struct outbox_row *row) {
	*row = (struct outbox_row){
		.id = (uint64_t)sqlite3_column_int64(statement, 0),
		.key = column(statement, 1),
		.kind = (enum outbox_kind)index_of(
				kind_names, LENGTH(kind_names), column(statement, 2)),
		.target = column(statement, 3),
		.target_post = column(statement, 4),
		.text = column(statement, 5),
		.file_path = column_or_null(statement, 6),
		.file_name = column_or_null(statement, 7),
		.state = (enum outbox_state)index_of(
				state_names, LENGTH(state_names), column(statement, 8)),
		.post_id = column(statement, 9),
		.first_try_ms = sqlite3_column_int64(statement, 10),
		.channel = column(statement, 11),
		.mark = column(statement, 12),
	};
}

static bool sqlite_pending(struct journal *journal, outbox_row_fn fn,
		void *data, struct err *err) {
	struct journal_sqlite *self = of(journal);
	sqlite3_stmt *statement = self->statements[PENDING];
	int code;
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		struct outbox_row row;
		outbox_from(statement, &row);
		fn(data, &row);
	}
	bool ok = code == SQLITE_DONE || failed(self, "cannot be read", err);
	sqlite3_reset(statement);
	return ok;
}

static bool sqlite_post_of(
		struct journal *journal, const char *key, char *post_id, size_t room) {
	return fetch(of(journal), POST_OF, key, post_id, room);
}

static bool sqlite_is_dead(struct journal *journal, const char *key) {
	char one[2];
	return fetch(of(journal), IS_DEAD, key, one, sizeof(one));
}

static bool sqlite_again(
		struct journal *journal, const char *key, struct err *err) {
	struct journal_sqlite *self = of(journal);
	bind_text(self->statements[AGAIN], 1, key);
	return run(self, AGAIN) || failed(self, "cannot be written", err);
}

static bool sqlite_key_of(
		struct journal *journal, const char *post_id, char *key, size_t room) {
	return fetch(of(journal), KEY_OF, post_id, key, room);
}

/*
 * Without waiting for the disk.  The death of the program takes nothing of it;
 * that of the machine may, until the next append, which brings to the disk what
 * came before it too.
 */
static bool run_lightly(struct journal_sqlite *self, enum statement which) {
	bool ok = sqlite3_exec(self->db, "PRAGMA synchronous = NORMAL", NULL, NULL,
					  NULL) == SQLITE_OK &&
			run(self, which);
	return sqlite3_exec(self->db, "PRAGMA synchronous = FULL", NULL, NULL,
				   NULL) == SQLITE_OK &&
			ok;
}

static bool sqlite_tried(
		struct journal *journal, uint64_t id, int64_t at_ms, struct err *err) {
	struct journal_sqlite *self = of(journal);
	bind_number(self->statements[TRIED], 1, (int64_t)id);
	bind_number(self->statements[TRIED], 2, at_ms);
	return run_lightly(self, TRIED) || failed(self, "cannot be written", err);
}

/* The state of outbox row @id, or false with @err. */
static bool state_of(struct journal_sqlite *self, uint64_t id,
		enum outbox_state *state, struct err *err) {
	sqlite3_stmt *statement = self->statements[STATE_OF];
	bind_number(statement, 1, (int64_t)id);
	int code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		*state = (enum outbox_state)index_of(
				state_names, LENGTH(state_names), column(statement, 0));
	} else if (code == SQLITE_DONE) {
		err_set(err, ERR_NOT_FOUND, "the outbox has no row %" PRIu64, id);
	} else {
		failed(self, "cannot be read", err);
	}
	sqlite3_reset(statement);
	return code == SQLITE_ROW;
}

static bool sqlite_settled(struct journal *journal, uint64_t id,
		enum outbox_state state, const char *post_id, struct err *err) {
	struct journal_sqlite *self = of(journal);
	enum outbox_state before = OUTBOX_PENDING;
	if (!state_of(self, id, &before, err)) {
		return false;
	}
	if (!batch_may_settle(id, before, state, err)) {
		return false;
	}
	sqlite3_stmt *statement = self->statements[SETTLE];
	bind_number(statement, 1, (int64_t)id);
	bind_text(statement, 2, state_names[state]);
	bind_text(statement, 3, batch_text(post_id));
	return run_lightly(self, SETTLE) || failed(self, "cannot be written", err);
}

/* Named values */

static bool sqlite_get(
		struct journal *journal, const char *name, char *value, size_t room) {
	return fetch(of(journal), GET, name, value, room);
}

static bool sqlite_put(struct journal *journal, const char *name,
		const char *value, struct err *err) {
	struct journal_sqlite *self = of(journal);
	if (!batch_check_value(name, value, err)) {
		return false;
	}
	bind_text(self->statements[PUT], 1, name);
	bind_text(self->statements[PUT], 2, value);
	return run(self, PUT) || failed(self, "cannot be written", err);
}

/* Opening and closing */

static void sqlite_destroy(struct journal *journal) {
	struct journal_sqlite *self = of(journal);
	for (size_t i = 0; i < STATEMENT_COUNT; i++) {
		sqlite3_finalize(self->statements[i]);
	}
	sqlite3_close(self->db);
	lock_release(self->lock);
	free(self);
}

static const struct journal_api sqlite_api = {
	.append = sqlite_append,
	.has_input = sqlite_has_input,
	.read = sqlite_read,
	.head = sqlite_head,
	.pending = sqlite_pending,
	.has_key = sqlite_has_key,
	.post_of = sqlite_post_of,
	.is_dead = sqlite_is_dead,
	.again = sqlite_again,
	.key_of = sqlite_key_of,
	.tried = sqlite_tried,
	.settled = sqlite_settled,
	.get = sqlite_get,
	.put = sqlite_put,
	.destroy = sqlite_destroy,
};

static struct journal_sqlite *create(void) {
	struct journal_sqlite *self = xcalloc(1, sizeof(*self));
	self->journal.api = &sqlite_api;
	self->lock = -1;
	chain_origin(self->hash);
	return self;
}

static bool fsync_dir(const char *dir) {
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0) {
		close(fd);
	}
	return ok;
}

/* The file is ours alone; SQLite would make it readable to all. */
static bool make_file(const char *dir, const char *path, struct err *err) {
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || !fsync_dir(dir)) {
		err_set(err, ERR_IO, "cannot be made: %s", strerror(errno));
		if (fd >= 0) {
			close(fd);
		}
		return false;
	}
	close(fd);
	return true;
}

static bool open_db(struct journal_sqlite *self, const char *path, int flags,
		struct err *err) {
	int code = sqlite3_open_v2(
			path, &self->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
	if (code != SQLITE_OK) {
		return err_set(err, ERR_IO, "cannot be opened: %s",
				self->db != NULL ? sqlite3_errmsg(self->db) : "no memory");
	}
	sqlite3_extended_result_codes(self->db, 0);
	sqlite3_busy_timeout(self->db, BUSY_MS);
	sqlite3_db_config(self->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return true;
}

static bool set_up(
		struct journal_sqlite *self, const char *pragmas, struct err *err) {
	if (sqlite3_exec(self->db, pragmas, NULL, NULL, NULL) != SQLITE_OK) {
		return err_set(
				err, ERR_IO, "cannot be set up: %s", sqlite3_errmsg(self->db));
	}
	return true;
}

/* A file system without shared memory keeps the old mode, without an error. */
static bool turn_wal_on(struct journal_sqlite *self, struct err *err) {
	sqlite3_stmt *statement = query(self, "PRAGMA journal_mode = WAL", err);
	if (statement == NULL) {
		return false;
	}
	bool ok = sqlite3_step(statement) == SQLITE_ROW &&
			strcmp(column(statement, 0), "wal") == 0;
	sqlite3_finalize(statement);
	return ok ||
			err_set(err, ERR_IO,
					"cannot be put into WAL mode: is the state folder on a "
					"local disk?");
}

static bool prepare(struct journal_sqlite *self, struct err *err) {
	for (size_t i = 0; i < STATEMENT_COUNT; i++) {
		if (sqlite3_prepare_v3(self->db, sql_of[i], -1,
					SQLITE_PREPARE_PERSISTENT, &self->statements[i],
					NULL) != SQLITE_OK) {
			return err_set(err, ERR_INVALID,
					"its tables are not as they should be: %s",
					sqlite3_errmsg(self->db));
		}
	}
	return true;
}

static bool load_head(struct journal_sqlite *self, struct err *err) {
	sqlite3_stmt *statement = query(self,
			"SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1", err);
	if (statement == NULL) {
		return false;
	}
	int code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		self->seq = (uint64_t)sqlite3_column_int64(statement, 0);
		snprintf(self->hash, sizeof(self->hash), "%s", column(statement, 1));
	}
	bool ok = code == SQLITE_ROW || code == SQLITE_DONE ||
			failed(self, "cannot be read", err);
	sqlite3_finalize(statement);
	return ok;
}

static bool verify_tail(struct journal_sqlite *self, struct err *err) {
	struct verified_read verified = { 0 };
	uint64_t from = self->seq > JOURNAL_TAIL ? self->seq - JOURNAL_TAIL : 1;
	return read_verified(self, &verified, from, err);
}

static off_t size_of(const char *path, const char *ending) {
	char *whole = xasprintf("%s%s", path, ending);
	struct stat info;
	off_t size = stat(whole, &info) == 0 ? info.st_size : 0;
	free(whole);
	return size;
}

/* SQLite would take an empty file for a new one, and remove the newest rows
 * that are beside it. */
static bool check_emptied(const char *path, struct err *err) {
	return size_of(path, "") > 0 || size_of(path, "-wal") == 0 ||
			err_set(err, ERR_INVALID,
					"is empty or gone, but journal.db-wal beside it is not: "
					"keep that, and put a backup back");
}

static void keep_first(void *data, const char *finding) {
	char **first = data;
	if (*first == NULL) {
		*first = xstrdup(finding);
		for (char *c = *first; *c != '\0'; c++) {
			*c = (char)(*c == '\n' ? ' ' : *c);
		}
	}
}

/* What the chain does not cover takes as long as reading all there is: of a
 * large journal it is left to audits. */
static bool examine_small(
		struct journal_sqlite *self, const char *path, struct err *err) {
	char *first = NULL;
	bool ok = size_of(path, "") + size_of(path, "-wal") > EXAMINE_BYTES ||
			journal_sqlite_examine(&self->journal, keep_first, &first, err);
	if (first != NULL) {
		ok = err_set(err, ERR_INVALID, "is damaged: %s", first);
	}
	free(first);
	return ok;
}

static bool open_to_write(struct journal_sqlite *self, const char *dir,
		const char *path, const struct schema *schema, struct err *err) {
	return check_emptied(path, err) && make_file(dir, path, err) &&
			open_db(self, path, SQLITE_OPEN_READWRITE, err) &&
			set_up(self,
					"PRAGMA trusted_schema = OFF;"
					"PRAGMA cell_size_check = ON",
					err) &&
			schema_bring(self->db, schema, err) && turn_wal_on(self, err) &&
			set_up(self, "PRAGMA synchronous = FULL", err) &&
			prepare(self, err) && load_head(self, err) &&
			verify_tail(self, err) && examine_small(self, path, err);
}

struct journal *journal_sqlite_open_schema(
		const char *dir, const struct schema *schema, struct err *err) {
	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		err_set(err, ERR_IO, "cannot make state folder %s: %s", dir,
				strerror(errno));
		return NULL;
	}
	struct journal_sqlite *self = create();
	char *path = xasprintf("%s/journal.db", dir);
	self->lock = lock_take(dir, err);
	bool ok = self->lock >= 0;
	if (ok && !open_to_write(self, dir, path, schema, err)) {
		ok = err_wrap(err, "%s: ", path);
	}
	free(path);
	if (!ok) {
		sqlite_destroy(&self->journal);
		return NULL;
	}
	return &self->journal;
}

struct journal *journal_sqlite_open(const char *dir, struct err *err) {
	return journal_sqlite_open_schema(dir, &schema_current, err);
}

/* A file: URI of @path, in which ?, # and % would mean something. */
static char *uri_of(const char *path, const char *query_part) {
	struct str uri;
	str_init(&uri, 0);
	str_add(&uri, "file:");
	for (const char *c = path; *c != '\0'; c++) {
		if (strchr("?#%", *c) != NULL) {
			str_addf(&uri, "%%%02X", (unsigned)*c);
		} else {
			str_add_char(&uri, *c);
		}
	}
	str_add(&uri, query_part);
	return str_take(&uri);
}

/*
 * A reader of a WAL file needs DIR/journal.db-shm and may have to make it.  An
 * auditor who may not write to the folder reads a file that no bot has open as
 * an immutable one; a left-over WAL holds rows, so then that would be a lie.
 */
static bool can_be_immutable(const char *path) {
	char *wal = xasprintf("%s-wal", path);
	struct stat info;
	bool absent = stat(wal, &info) != 0 ? errno == ENOENT : info.st_size == 0;
	free(wal);
	return absent;
}

static bool open_to_read(struct journal_sqlite *self, const char *path,
		const char *query_part, struct err *err) {
	char *uri = uri_of(path, query_part);
	bool ok = open_db(self, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err) &&
			set_up(self,
					"PRAGMA trusted_schema = OFF;"
					"PRAGMA cell_size_check = ON;"
					"PRAGMA query_only = ON",
					err) &&
			schema_check(self->db, &schema_current, err) &&
			prepare(self, err) && load_head(self, err);
	free(uri);
	return ok;
}

struct journal *journal_sqlite_open_read_only(
		const char *dir, struct err *err) {
	struct journal_sqlite *self = create();
	char *path = xasprintf("%s/journal.db", dir);
	if (access(path, F_OK) != 0 && errno == ENOENT) {
		err_set(err, ERR_NOT_FOUND, "there is no journal in %s", dir);
		free(path);
		sqlite_destroy(&self->journal);
		return NULL;
	}
	bool ok = open_to_read(self, path, "", err);
	if (!ok && err->code == ERR_IO && access(path, R_OK) == 0 &&
			can_be_immutable(path)) {
		sqlite_destroy(&self->journal);
		self = create();
		ok = open_to_read(self, path, "?immutable=1", err);
	}
	if (!ok) {
		err_wrap(err, "%s: ", path);
		sqlite_destroy(&self->journal);
		self = NULL;
	}
	free(path);
	return self != NULL ? &self->journal : NULL;
}
