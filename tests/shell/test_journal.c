#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "journal/chain.h"
#include "journal/memory.h"
#include "journal/schema.h"
#include "journal/sqlite.h"
#include "support/folder.h"
#include "support/test.h"

/* A state folder that is gone after the test, and the journal in it. */
struct fixture {
	char dir[64];
	struct journal *journal;
};

static void make_dir(struct fixture *fixture) {
	snprintf(fixture->dir, sizeof(fixture->dir), "/tmp/journal-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->dir));
}

static struct journal *open_journal(const char *dir) {
	struct err err = { 0 };
	struct journal *journal = journal_sqlite_open(dir, &err);
	if (journal == NULL) {
		printf("# %s\n", err.text);
	}
	assert_non_null(journal);
	return journal;
}

static void close_journal(struct fixture *fixture) {
	if (fixture->journal != NULL) {
		fixture->journal->api->destroy(fixture->journal);
	}
	fixture->journal = NULL;
}

static void reopen(struct fixture *fixture) {
	close_journal(fixture);
	fixture->journal = open_journal(fixture->dir);
}

static int set_up_sqlite(void **state) {
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));
	make_dir(fixture);
	fixture->journal = open_journal(fixture->dir);
	*state = fixture;
	return 0;
}

static int set_up_memory(void **state) {
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));
	fixture->journal = journal_memory_create();
	*state = fixture;
	return 0;
}

static int tear_down(void **state) {
	struct fixture *fixture = *state;
	close_journal(fixture);
	if (fixture->dir[0] != '\0') {
		folder_remove(fixture->dir);
	}
	free(fixture);
	return 0;
}

static enum journal_append_result append(
		struct journal *journal, const char *input, const char *type) {
	const struct journal_row row = {
		.at_ms = 1000,
		.type = type,
		.body = "{\"a\":1}",
	};
	const struct journal_batch batch = {
		.input = input,
		.rows = &row,
		.row_count = 1,
	};
	struct err err = { 0 };
	enum journal_append_result result = journal->api->append(
			journal, &batch, &err);
	assert_true((result == JOURNAL_FAILED) == (err.code != ERR_NONE));
	return result;
}

static enum journal_append_result say(struct journal *journal,
		const struct outbox_row *rows, size_t count, struct err *err) {
	const struct journal_batch batch = { .outbox = rows,
		.outbox_count = count };
	return journal->api->append(journal, &batch, err);
}

static uint64_t head_seq(struct journal *journal) {
	uint64_t seq = 0;
	char hash[SHA256_HEX];
	journal->api->head(journal, &seq, hash);
	return seq;
}

static bool add_line(
		void *data, const struct journal_row *row, struct err *err) {
	(void)err;
	str_addf(data, "%" PRIu64 " %" PRId64 " %s %s %s\n", row->seq, row->at_ms,
			row->type, row->input != NULL ? row->input : "-", row->body);
	return true;
}

static void add_pending(void *data, const struct outbox_row *row) {
	str_addf(data, "%" PRIu64 " %s %d [%s] [%s] %" PRId64 "\n", row->id,
			row->key, (int)row->kind, row->target, row->text,
			row->first_try_ms);
}

static void assert_rows(
		struct journal *journal, uint64_t from, const char *expected) {
	struct str text;
	str_init(&text, 0);
	struct err err = { 0 };
	assert_true(journal->api->read(journal, from, add_line, &text, &err));
	assert_string_equal(str_text(&text), expected);
	str_finish(&text);
}

static void assert_pending(struct journal *journal, const char *expected) {
	struct str text;
	str_init(&text, 0);
	struct err err = { 0 };
	assert_true(journal->api->pending(journal, add_pending, &text, &err));
	assert_string_equal(str_text(&text), expected);
	str_finish(&text);
}

/* On both implementations */

static void an_empty_journal_has_a_head_of_zeros(void **state) {
	struct fixture *fixture = *state;
	uint64_t seq = 7;
	char hash[SHA256_HEX];
	fixture->journal->api->head(fixture->journal, &seq, hash);
	assert_int_equal(seq, 0);
	char zeros[SHA256_HEX];
	chain_origin(zeros);
	assert_string_equal(hash, zeros);
	assert_rows(fixture->journal, 1, "");
}

static void rows_are_read_in_the_order_they_came(void **state) {
	struct fixture *fixture = *state;
	struct journal *journal = fixture->journal;
	const struct journal_row rows[] = {
		{ .at_ms = 5, .type = "run.requested", .body = "{}" },
		{ .at_ms = -6, .type = "gate.opened", .body = "{\"é\":\"\\u0000\"}" },
	};
	const struct journal_batch batch = {
		.input = "post:abc",
		.rows = rows,
		.row_count = 2,
	};
	struct err err = { 0 };
	assert_true(
			journal->api->append(journal, &batch, &err) == JOURNAL_APPENDED);
	assert_true(append(journal, NULL, "timer.fired") == JOURNAL_APPENDED);
	assert_rows(journal, 1,
			"1 5 run.requested post:abc {}\n"
			"2 -6 gate.opened post:abc {\"é\":\"\\u0000\"}\n"
			"3 1000 timer.fired - {\"a\":1}\n");
	assert_rows(journal, 3, "3 1000 timer.fired - {\"a\":1}\n");
	assert_rows(journal, 4, "");
}

static bool stop_at_two(
		void *data, const struct journal_row *row, struct err *err) {
	*(uint64_t *)data = row->seq;
	return row->seq < 2 || err_set(err, ERR_REFUSED, "enough");
}

static void reading_stops_when_it_is_told_to(void **state) {
	struct fixture *fixture = *state;
	for (int i = 0; i < 4; i++) {
		assert_true(append(fixture->journal, NULL, "x") == JOURNAL_APPENDED);
	}
	uint64_t last = 0;
	struct err err = { 0 };
	assert_false(fixture->journal->api->read(
			fixture->journal, 1, stop_at_two, &last, &err));
	assert_int_equal(last, 2);
	assert_string_equal(err.text, "enough");
}

/* The chain as the header describes it, computed here anew. */
static void the_hash_is_the_documented_one(void **state) {
	struct fixture *fixture = *state;
	struct journal *journal = fixture->journal;
	assert_true(append(journal, "in", "x.y") == JOURNAL_APPENDED);
	char hash[SHA256_HEX];
	uint64_t seq;
	journal->api->head(journal, &seq, hash);
	char before[SHA256_HEX];
	memset(before, '0', 64);
	before[64] = '\0';
	struct sha256 *sha = sha256_begin();
	sha256_add_field(sha, before);
	sha256_add_number(sha, 1);
	sha256_add_number(sha, 1000);
	sha256_add_field(sha, "x.y");
	sha256_add_field(sha, "in");
	sha256_add_field(sha, "{\"a\":1}");
	char expected[SHA256_HEX];
	sha256_end(sha, expected);
	assert_string_equal(hash, expected);
}

static void a_repeated_input_changes_nothing(void **state) {
	struct fixture *fixture = *state;
	struct journal *journal = fixture->journal;
	assert_false(journal->api->has_input(journal, "post:1"));
	assert_true(append(journal, "post:1", "x") == JOURNAL_APPENDED);
	assert_true(journal->api->has_input(journal, "post:1"));
	assert_true(append(journal, "post:1", "x") == JOURNAL_REPEATED);
	assert_true(append(journal, "post:2", "x") == JOURNAL_APPENDED);
	assert_int_equal(head_seq(journal), 2);
}

static void an_input_that_caused_no_event_is_remembered_too(void **state) {
	struct fixture *fixture = *state;
	struct journal *journal = fixture->journal;
	const struct outbox_row refusal = { .key = "no/1", .text = "No." };
	const struct journal_batch batch = {
		.input = "post:1",
		.outbox = &refusal,
		.outbox_count = 1,
	};
	struct err err = { 0 };
	assert_true(
			journal->api->append(journal, &batch, &err) == JOURNAL_APPENDED);
	assert_true(
			journal->api->append(journal, &batch, &err) == JOURNAL_REPEATED);
	assert_pending(journal, "1 no/1 0 [] [No.] 0\n");
}

static void a_batch_is_stored_whole_or_not_at_all(void **state) {
	struct fixture *fixture = *state;
	struct journal *journal = fixture->journal;
	const struct journal_row row = { .type = "x", .body = "{}" };
	const struct outbox_row twice[] = { { .key = "a", .text = "1" },
		{ .key = "a", .text = "2" } };
	const struct journal_batch batch = {
		.input = "in",
		.rows = &row,
		.row_count = 1,
		.outbox = twice,
		.outbox_count = 2,
	};
	struct err err = { 0 };
	assert_true(journal->api->append(journal, &batch, &err) == JOURNAL_FAILED);
	assert_string_equal(err.text, "the outbox has a row with key a already");
	assert_int_equal(head_seq(journal), 0);
	assert_false(journal->api->has_input(journal, "in"));
	assert_rows(journal, 1, "");
	assert_pending(journal, "");
	assert_true(append(journal, "in", "x") == JOURNAL_APPENDED);
}

static void what_cannot_be_stored_is_refused(void **state) {
	struct fixture *fixture = *state;
	struct journal *journal = fixture->journal;
	struct err err = { 0 };
	const struct journal_row rows[] = { { .type = "", .body = "{}" },
		{ .type = "x", .body = NULL } };
	for (size_t i = 0; i < 2; i++) {
		const struct journal_batch batch = { .rows = &rows[i], .row_count = 1 };
		assert_true(
				journal->api->append(journal, &batch, &err) == JOURNAL_FAILED);
		assert_int_equal(err.code, ERR_INVALID);
	}
	const struct outbox_row aimless = { .key = "k", .kind = OUTBOX_EDIT };
	assert_true(say(journal, &aimless, 1, &err) == JOURNAL_FAILED);
	assert_string_equal(
			err.text, "outbox row k does not say which post it is about");
	assert_false(journal->api->put(journal, "", "x", &err));
}

static void a_newer_edit_supersedes_one_that_is_pending(void **state) {
	struct fixture *fixture = *state;
	struct journal *journal = fixture->journal;
	struct err err = { 0 };
	const struct outbox_row rows[] = {
		{ .key = "card", .kind = OUTBOX_POST, .text = "c" },
		{ .key = "card/1",
				.kind = OUTBOX_EDIT,
				.target = "card",
				.text = "c1" },
		{ .key = "gate/1",
				.kind = OUTBOX_EDIT,
				.target = "gate",
				.text = "g1" },
		{ .key = "card/pin", .kind = OUTBOX_PIN, .target = "card" },
		{ .key = "card/2",
				.kind = OUTBOX_EDIT,
				.target = "card",
				.text = "c2" },
	};
	assert_true(say(journal, rows, 5, &err) == JOURNAL_APPENDED);
	assert_pending(journal,
			"1 card 0 [] [c] 0\n"
			"3 gate/1 1 [gate] [g1] 0\n"
			"4 card/pin 2 [card] [] 0\n"
			"5 card/2 1 [card] [c2] 0\n");
	/* It was on its way when the newer one came: its answer is no error. */
	assert_true(journal->api->settled(journal, 2, OUTBOX_SENT, "p1", &err));
	/* What was sent is not superseded any more. */
	assert_true(journal->api->settled(journal, 5, OUTBOX_SENT, "p1", &err));
	const struct outbox_row third = {
		.key = "card/3", .kind = OUTBOX_EDIT, .target = "card", .text = "c3"
	};
	assert_true(say(journal, &third, 1, &err) == JOURNAL_APPENDED);
	assert_false(journal->api->settled(journal, 5, OUTBOX_DEAD, "", &err));
	assert_string_equal(
			err.text, "outbox row 5 was settled the other way already");
}

static void a_sent_post_is_found_by_key_and_by_id(void **state) {
	struct fixture *fixture = *state;
	struct journal *journal = fixture->journal;
	struct err err = { 0 };
	const struct outbox_row rows[] = {
		{ .key = "gate/7", .text = "?" },
		{ .key = "gate/7/react",
				.kind = OUTBOX_REACT,
				.target = "gate/7",
				.text = "x" },
	};
	assert_true(say(journal, rows, 2, &err) == JOURNAL_APPENDED);
	char text[64];
	assert_false(journal->api->post_of(journal, "gate/7", text, sizeof(text)));
	assert_true(journal->api->tried(journal, 1, 42, &err));
	assert_pending(journal,
			"1 gate/7 0 [] [?] 42\n"
			"2 gate/7/react 4 [gate/7] [x] 0\n");
	assert_true(journal->api->settled(journal, 2, OUTBOX_SENT, "pid", &err));
	assert_false(journal->api->key_of(journal, "pid", text, sizeof(text)));
	assert_true(journal->api->settled(journal, 1, OUTBOX_SENT, "pid", &err));
	assert_true(journal->api->settled(journal, 1, OUTBOX_SENT, "pid", &err));
	assert_true(journal->api->post_of(journal, "gate/7", text, sizeof(text)));
	assert_string_equal(text, "pid");
	assert_true(journal->api->key_of(journal, "pid", text, sizeof(text)));
	assert_string_equal(text, "gate/7");
	assert_false(journal->api->key_of(journal, "", text, sizeof(text)));
	assert_false(journal->api->post_of(journal, "gate/7", text, 3));
	assert_pending(journal, "");
	assert_false(journal->api->settled(journal, 9, OUTBOX_SENT, "x", &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void a_post_that_is_gone_is_pending_anew_with_its_newest_edit(
		void **state) {
	struct fixture *fixture = *state;
	struct journal *journal = fixture->journal;
	struct err err = { 0 };
	char text[16];
	const struct outbox_row rows[] = {
		{ .key = "card", .text = "one" },
		{ .key = "pin", .kind = OUTBOX_PIN, .target = "card" },
		{ .key = "e1", .kind = OUTBOX_EDIT, .target = "card", .text = "two" },
		{ .key = "below", .target = "card", .text = "a reply" },
	};
	const struct outbox_row newer = {
		.key = "e2", .kind = OUTBOX_EDIT, .target = "card", .text = "three"
	};
	assert_true(say(journal, rows, 4, &err) == JOURNAL_APPENDED);
	for (uint64_t i = 1; i <= 4; i++) {
		assert_true(journal->api->tried(journal, i, 42, &err));
		assert_true(journal->api->settled(journal, i,
				i == 4 ? OUTBOX_DEAD : OUTBOX_SENT, i == 1 ? "p" : "", &err));
	}
	assert_true(say(journal, &newer, 1, &err) == JOURNAL_APPENDED);
	assert_true(journal->api->settled(journal, 5, OUTBOX_SENT, "", &err));
	assert_true(journal->api->is_dead(journal, "below"));
	assert_false(journal->api->is_dead(journal, "card"));
	assert_false(journal->api->is_dead(journal, "nothing"));
	assert_true(journal->api->again(journal, "card", &err));
	assert_false(journal->api->post_of(journal, "card", text, sizeof(text)));
	assert_false(journal->api->key_of(journal, "p", text, sizeof(text)));
	assert_pending(journal,
			"1 card 0 [] [one] 0\n"
			"2 pin 2 [card] [] 0\n"
			"5 e2 1 [card] [three] 0\n");
	assert_true(journal->api->settled(journal, 1, OUTBOX_SENT, "q", &err));
	assert_true(journal->api->post_of(journal, "card", text, sizeof(text)));
	assert_string_equal(text, "q");
}

static void keep_mark(void *data, const struct outbox_row *row) {
	snprintf(data, 65, "%s", row->mark);
}

/* A copy that was put back says other things under the same keys. */
static void what_goes_on_from_a_copy_has_other_marks(void **state) {
	struct fixture *fixture = *state;
	struct journal *other = journal_memory_create();
	struct journal *both[] = { fixture->journal, other };
	char marks[2][65] = { "", "" };
	for (size_t i = 0; i < 2; i++) {
		struct err err = { 0 };
		const struct journal_row row = {
			.at_ms = 1 + (int64_t)i, .type = "note.taken", .body = "{}"
		};
		const struct outbox_row said = { .key = "gate/1", .text = "t" };
		const struct journal_batch batch = {
			.rows = &row,
			.row_count = 1,
			.outbox = &said,
			.outbox_count = 1,
		};
		assert_true(append(both[i], "in:1", "shared") == JOURNAL_APPENDED);
		assert_true(both[i]->api->append(both[i], &batch, &err) ==
				JOURNAL_APPENDED);
		assert_true(both[i]->api->pending(both[i], keep_mark, marks[i], &err));
	}
	assert_int_equal(strlen(marks[0]), 16);
	assert_string_not_equal(marks[0], marks[1]);
	other->api->destroy(other);
}

static void the_first_try_is_kept(void **state) {
	struct fixture *fixture = *state;
	struct journal *journal = fixture->journal;
	struct err err = { 0 };
	const struct outbox_row row = { .key = "k", .text = "t" };
	assert_true(say(journal, &row, 1, &err) == JOURNAL_APPENDED);
	assert_true(journal->api->tried(journal, 1, 42, &err));
	assert_true(journal->api->tried(journal, 1, 99, &err));
	struct str text;
	str_init(&text, 0);
	assert_true(journal->api->pending(journal, add_pending, &text, &err));
	assert_string_equal(str_text(&text), "1 k 0 [] [t] 42\n");
	str_finish(&text);
}

static void named_values_are_kept_and_replaced(void **state) {
	struct fixture *fixture = *state;
	struct journal *journal = fixture->journal;
	struct err err = { 0 };
	char value[8];
	assert_false(journal->api->get(journal, "seq", value, sizeof(value)));
	assert_true(journal->api->put(journal, "seq", "12", &err));
	assert_true(journal->api->put(journal, "seq", "13", &err));
	assert_true(journal->api->get(journal, "seq", value, sizeof(value)));
	assert_string_equal(value, "13");
	assert_true(journal->api->put(journal, "long", "12345678", &err));
	assert_false(journal->api->get(journal, "long", value, sizeof(value)));
}

static void the_one_in_memory_fails_when_told(void **state) {
	struct fixture *fixture = *state;
	journal_memory_fail(fixture->journal, 1);
	assert_true(append(fixture->journal, "in", "x") == JOURNAL_FAILED);
	assert_int_equal(head_seq(fixture->journal), 0);
	assert_true(append(fixture->journal, "in", "x") == JOURNAL_APPENDED);
}

/* On disk */

/* A connection beside the journal's, as somebody with a shell has it. */
static bool tamper(const char *dir, const char *sql) {
	char path[96];
	snprintf(path, sizeof(path), "%s/journal.db", dir);
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	bool ok = sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
	sqlite3_close(db);
	return ok;
}

#define NO_TRIGGERS \
	"DROP TRIGGER journal_no_gap; DROP TRIGGER journal_no_update;" \
	"DROP TRIGGER journal_no_delete;"

static void fill(struct fixture *fixture, int count) {
	for (int i = 0; i < count; i++) {
		char input[32];
		snprintf(input, sizeof(input), "in:%d", i);
		assert_true(append(fixture->journal, input, "step.started") ==
				JOURNAL_APPENDED);
	}
}

static void it_is_all_there_after_opening_again(void **state) {
	struct fixture *fixture = *state;
	struct err err = { 0 };
	fill(fixture, 2);
	const struct outbox_row row = {
		.key = "k", .text = "t", .file_path = "/f", .file_name = "f.log"
	};
	assert_true(say(fixture->journal, &row, 1, &err) == JOURNAL_APPENDED);
	assert_true(fixture->journal->api->put(fixture->journal, "n", "v", &err));
	reopen(fixture);
	assert_true(append(fixture->journal, "in:1", "x") == JOURNAL_REPEATED);
	assert_true(append(fixture->journal, "in:9", "x") == JOURNAL_APPENDED);
	assert_int_equal(head_seq(fixture->journal), 3);
	assert_pending(fixture->journal, "1 k 0 [] [t] 0\n");
	char value[8];
	assert_true(fixture->journal->api->get(
			fixture->journal, "n", value, sizeof(value)));
	assert_rows(fixture->journal, 3, "3 1000 x in:9 {\"a\":1}\n");
}

static void rows_cannot_be_changed_or_removed_with_sql(void **state) {
	struct fixture *fixture = *state;
	fill(fixture, 3);
	static const char *const attempts[] = {
		"UPDATE journal SET body = '{}' WHERE seq = 2",
		"DELETE FROM journal WHERE seq = 3",
		"INSERT OR REPLACE INTO journal SELECT seq, at_ms, type, input, '{}',"
		" hash FROM journal WHERE seq = 2",
		"INSERT INTO journal SELECT 9, at_ms, type, input, body, hash"
		" FROM journal WHERE seq = 3",
		"UPDATE input SET identity = 'x'",
		"DELETE FROM input",
		"INSERT INTO outbox (key, kind, target, target_post, text)"
		" VALUES ('k', 'shout', '', '', '')",
	};
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		assert_false(tamper(fixture->dir, attempts[i]));
	}
	assert_rows(fixture->journal, 3, "3 1000 step.started in:2 {\"a\":1}\n");
}

static void an_outbox_row_keeps_what_it_says(void **state) {
	struct fixture *fixture = *state;
	struct err err = { 0 };
	const struct outbox_row row = { .key = "k", .text = "t" };
	assert_true(say(fixture->journal, &row, 1, &err) == JOURNAL_APPENDED);
	assert_false(tamper(fixture->dir, "UPDATE outbox SET text = 'u'"));
	assert_false(tamper(fixture->dir, "DELETE FROM outbox"));
	assert_true(tamper(fixture->dir, "UPDATE outbox SET first_try_ms = 1"));
}

static void add_finding(void *data, const struct chain_finding *finding) {
	char text[200];
	chain_describe(finding, text, sizeof(text));
	str_addf(data, "%s\n", text);
}

static bool add_to_chain(
		void *data, const struct journal_row *row, struct err *err) {
	(void)err;
	chain_add(data, row);
	return true;
}

/* What an audit of @dir finds, one finding a line. */
static void assert_audit(const char *dir, struct chain_head *heads,
		size_t head_count, const char *expected) {
	struct err err = { 0 };
	struct journal *journal = journal_sqlite_open_read_only(dir, &err);
	assert_non_null(journal);
	struct str text;
	str_init(&text, 0);
	struct chain chain;
	chain_begin(&chain, heads, head_count, add_finding, &text);
	assert_true(
			journal_sqlite_read_raw(journal, 0, add_to_chain, &chain, &err));
	bool good = chain_end(&chain);
	assert_string_equal(str_text(&text), expected);
	assert_true(good == (expected[0] == '\0'));
	str_finish(&text);
	journal->api->destroy(journal);
}

/* Close, tamper, see what an audit finds and that the bot does not start. */
static void assert_found(
		struct fixture *fixture, const char *sql, const char *expected) {
	fill(fixture, 6);
	close_journal(fixture);
	assert_audit(fixture->dir, NULL, 0, "");
	assert_true(tamper(fixture->dir, NO_TRIGGERS));
	assert_true(tamper(fixture->dir, sql));
	assert_audit(fixture->dir, NULL, 0, expected);
	struct err err = { 0 };
	assert_null(journal_sqlite_open(fixture->dir, &err));
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.text, "tampered with or damaged at row "));
}

static void an_edited_row_is_found(void **state) {
	assert_found(*state, "UPDATE journal SET body = '{\"a\":2}' WHERE seq = 3",
			"row 3 does not follow from row 2: one of them was changed, moved "
			"or put in\n");
}

static void an_edited_time_is_found(void **state) {
	assert_found(*state, "UPDATE journal SET at_ms = at_ms + 1 WHERE seq = 6",
			"row 6 does not follow from row 5: one of them was changed, moved "
			"or put in\n");
}

static void an_input_taken_away_is_found(void **state) {
	assert_found(*state, "UPDATE journal SET input = NULL WHERE seq = 1",
			"row 1 does not follow from row 0: one of them was changed, moved "
			"or put in\n");
}

static void a_removed_row_is_found(void **state) {
	assert_found(*state, "DELETE FROM journal WHERE seq = 4",
			"row 4 is missing; the row after it cannot be checked\n");
}

static void removed_rows_closed_up_are_found(void **state) {
	assert_found(*state,
			"DELETE FROM journal WHERE seq IN (2, 3);"
			"UPDATE journal SET seq = seq - 2 WHERE seq > 3",
			"row 2 does not follow from row 1: one of them was changed, moved "
			"or put in\n"
			"row 3 does not follow from row 2: one of them was changed, moved "
			"or put in\n"
			"row 4 does not follow from row 3: one of them was changed, moved "
			"or put in\n");
}

static void reordered_rows_are_found(void **state) {
	assert_found(*state,
			"UPDATE journal SET seq = 100 WHERE seq = 2;"
			"UPDATE journal SET seq = 2 WHERE seq = 3;"
			"UPDATE journal SET seq = 3 WHERE seq = 100",
			"row 2 does not follow from row 1: one of them was changed, moved "
			"or put in\n"
			"row 3 does not follow from row 2: one of them was changed, moved "
			"or put in\n"
			"row 4 does not follow from row 3: one of them was changed, moved "
			"or put in\n");
}

/* No chain shows a cut tail by itself: the posted heads do. */
static void a_cut_tail_is_found_by_a_posted_head(void **state) {
	struct fixture *fixture = *state;
	char early[9];
	char late[9];
	char hash[SHA256_HEX];
	uint64_t seq;
	fill(fixture, 3);
	fixture->journal->api->head(fixture->journal, &seq, hash);
	snprintf(early, sizeof(early), "%.8s", hash);
	assert_true(append(fixture->journal, NULL, "x") == JOURNAL_APPENDED);
	fixture->journal->api->head(fixture->journal, &seq, hash);
	snprintf(late, sizeof(late), "%.8s", hash);
	struct chain_head heads[] = { { .hex = early }, { .hex = late } };
	assert_audit(fixture->dir, heads, 2, "");
	assert_int_equal(heads[0].seq, 3);
	assert_int_equal(heads[1].seq, 4);
	close_journal(fixture);
	assert_true(tamper(
			fixture->dir, NO_TRIGGERS "DELETE FROM journal WHERE seq = 4"));
	assert_audit(fixture->dir, NULL, 0, "");
	assert_audit(fixture->dir, heads, 1, "");
	char expected[128];
	snprintf(expected, sizeof(expected),
			"head %s is the hash of no row: rows were cut off the end, or the "
			"journal was written anew\n",
			late);
	assert_audit(fixture->dir, heads, 2, expected);
}

static void add_text(void *data, const char *finding) {
	str_addf(data, "%s\n", finding);
}

static void a_forgotten_input_is_found(void **state) {
	struct fixture *fixture = *state;
	fill(fixture, 3);
	struct str text;
	str_init(&text, 0);
	struct err err = { 0 };
	assert_true(
			journal_sqlite_examine(fixture->journal, add_text, &text, &err));
	assert_string_equal(str_text(&text), "");
	assert_true(tamper(fixture->dir,
			"DROP TRIGGER input_no_delete;"
			"DELETE FROM input WHERE identity = 'in:1'"));
	assert_true(
			journal_sqlite_examine(fixture->journal, add_text, &text, &err));
	assert_string_equal(str_text(&text),
			"the trigger input_no_delete was taken away\n"
			"row 2: its input is not among those remembered\n");
	str_finish(&text);
}

static void only_hex_digits_are_a_head(void **state) {
	(void)state;
	assert_true(chain_is_head("7f3ac019"));
	assert_false(chain_is_head("7f3ac01"));
	assert_false(chain_is_head("7F3AC019"));
	assert_false(chain_is_head("7f3ac01g"));
	char longest[SHA256_HEX + 1];
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_false(chain_is_head(longest));
	assert_true(chain_is_head(longest + 1));
}

static void an_edit_older_than_the_tail_is_found_while_reading(void **state) {
	struct fixture *fixture = *state;
	fill(fixture, JOURNAL_TAIL + 10);
	close_journal(fixture);
	/* By somebody who leaves no other trace. */
	assert_true(tamper(fixture->dir,
			"DROP TRIGGER journal_no_update;"
			"UPDATE journal SET body = '{}' WHERE seq = 5;"
			"CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal"
			" BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"));
	fixture->journal = open_journal(fixture->dir);
	struct str text;
	str_init(&text, 0);
	struct err err = { 0 };
	assert_false(fixture->journal->api->read(
			fixture->journal, 1, add_line, &text, &err));
	assert_string_equal(err.text,
			"the journal was tampered with or damaged at row 5: `bridgekeeper "
			"audit verify` says more");
	str_finish(&text);
}

static void assert_refused(const struct fixture *fixture, const char *words) {
	struct err err = { 0 };
	assert_null(journal_sqlite_open(fixture->dir, &err));
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.text, words));
	assert_null(strchr(err.text, '\n'));
}

/* The chain holds, and what was said would be acted on once more. */
static void a_journal_that_forgot_an_input_is_not_opened(void **state) {
	struct fixture *fixture = *state;
	fill(fixture, 3);
	close_journal(fixture);
	assert_true(tamper(fixture->dir,
			"DROP TRIGGER input_no_delete;"
			"DELETE FROM input WHERE identity = 'in:1';"
			"CREATE TRIGGER input_no_delete BEFORE DELETE ON input"
			" BEGIN SELECT RAISE(ABORT, 'inputs are append-only'); END"));
	assert_refused(fixture, "row 2: its input is not among those remembered");
}

static void a_file_that_is_damaged_beside_its_rows_is_not_opened(void **state) {
	struct fixture *fixture = *state;
	fill(fixture, 3);
	close_journal(fixture);
	assert_true(tamper(fixture->dir,
			"PRAGMA writable_schema = ON;"
			"DELETE FROM sqlite_schema WHERE name = 'outbox_post'"));
	assert_refused(fixture, "is damaged: ");
}

/* What an emptied file leaves beside it are the newest rows. */
static void a_file_that_was_emptied_costs_no_row(void **state) {
	struct fixture *fixture = *state;
	fill(fixture, 3);
	char *copy = xasprintf("cd %s && cp journal.db-wal kept && cp journal.db "
						   "whole",
			fixture->dir);
	assert_int_equal(system(copy), 0);
	close_journal(fixture);
	char *back = xasprintf(
			"cd %s && mv kept journal.db-wal && : > journal.db", fixture->dir);
	assert_int_equal(system(back), 0);
	assert_refused(fixture, "is empty or gone");
	char *whole = xasprintf("cd %s && mv whole journal.db", fixture->dir);
	assert_int_equal(system(whole), 0);
	fixture->journal = open_journal(fixture->dir);
	assert_int_equal(head_seq(fixture->journal), 3);
	free(whole);
	free(back);
	free(copy);
}

static void a_second_bot_is_turned_away(void **state) {
	struct fixture *fixture = *state;
	struct err err = { 0 };
	assert_null(journal_sqlite_open(fixture->dir, &err));
	assert_int_equal(err.code, ERR_REFUSED);
	char expected[160];
	snprintf(expected, sizeof(expected),
			"state folder %s is in use by process %ld: one bot a folder",
			fixture->dir, (long)getpid());
	assert_string_equal(err.text, expected);
	close_journal(fixture);
	fixture->journal = open_journal(fixture->dir);
}

/* What a bot killed in the middle of starting a program leaves for a moment. */
static void a_killed_bots_child_turns_nobody_away(void **state) {
	struct fixture *fixture = *state;
	pid_t child = fork();
	if (child == 0) {
		poll(NULL, 0, 200);
		_exit(0);
	}
	assert_true(child > 0);
	close_journal(fixture);
	fixture->journal = open_journal(fixture->dir);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void an_audit_reads_while_the_bot_writes(void **state) {
	struct fixture *fixture = *state;
	fill(fixture, 2);
	struct err err = { 0 };
	struct journal *audit = journal_sqlite_open_read_only(fixture->dir, &err);
	assert_non_null(audit);
	fill(fixture, 0);
	assert_true(append(fixture->journal, "later", "x") == JOURNAL_APPENDED);
	assert_rows(audit, 3, "3 1000 x later {\"a\":1}\n");
	assert_true(append(audit, "by-audit", "x") == JOURNAL_FAILED);
	assert_false(audit->api->put(audit, "n", "v", &err));
	audit->api->destroy(audit);
}

static void an_audit_reads_a_folder_that_it_may_not_write(void **state) {
	struct fixture *fixture = *state;
	fill(fixture, 2);
	close_journal(fixture);
	assert_int_equal(chmod(fixture->dir, 0500), 0);
	assert_audit(fixture->dir, NULL, 0, "");
	assert_int_equal(chmod(fixture->dir, 0700), 0);
}

static void an_audit_of_nothing_says_so(void **state) {
	(void)state;
	struct err err = { 0 };
	assert_null(journal_sqlite_open_read_only("/tmp/no-such-folder", &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_string_equal(err.text, "there is no journal in /tmp/no-such-folder");
}

static void the_files_are_for_the_bot_alone(void **state) {
	struct fixture *fixture = *state;
	fill(fixture, 1);
	static const char *const names[] = { "journal.db", "journal.db-wal",
		"journal.db-shm", "lock" };
	for (size_t i = 0; i < 4; i++) {
		char path[96];
		snprintf(path, sizeof(path), "%s/%s", fixture->dir, names[i]);
		struct stat info;
		assert_int_equal(stat(path, &info), 0);
		assert_int_equal(info.st_mode & 0777, 0600);
	}
}

static void a_state_folder_is_made(void **state) {
	struct fixture *fixture = *state;
	char dir[80];
	snprintf(dir, sizeof(dir), "%s/new", fixture->dir);
	struct journal *journal = open_journal(dir);
	journal->api->destroy(journal);
	struct stat info;
	assert_int_equal(stat(dir, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	folder_remove(dir);
	char deep[96];
	snprintf(deep, sizeof(deep), "%s/a/b", fixture->dir);
	struct err err = { 0 };
	assert_null(journal_sqlite_open(deep, &err));
	assert_int_equal(err.code, ERR_IO);
}

/* Crashes and full disks */

/* Append for ever, telling @fd each number once it is acknowledged. */
static void append_for_ever(const char *dir, int fd) {
	struct err err = { 0 };
	struct journal *journal = journal_sqlite_open(dir, &err);
	if (journal == NULL) {
		_exit(1);
	}
	for (;;) {
		const struct journal_row rows[] = {
			{ .at_ms = 1, .type = "a", .body = "{}" },
			{ .at_ms = 2, .type = "b", .body = "{}" },
		};
		const struct outbox_row post = { .key = "", .text = "t" };
		char key[32];
		uint64_t seq = head_seq(journal) + 2;
		snprintf(key, sizeof(key), "k%" PRIu64, seq);
		struct outbox_row named = post;
		named.key = key;
		const struct journal_batch batch = {
			.input = key,
			.rows = rows,
			.row_count = 2,
			.outbox = &named,
			.outbox_count = 1,
		};
		if (journal->api->append(journal, &batch, &err) != JOURNAL_APPENDED ||
				write(fd, &seq, sizeof(seq)) != sizeof(seq)) {
			_exit(1);
		}
	}
}

static void count_pending(void *data, const struct outbox_row *row) {
	(void)row;
	++*(uint64_t *)data;
}

static void what_was_acknowledged_outlives_a_kill(void **state) {
	struct fixture *fixture = *state;
	close_journal(fixture);
	uint64_t before = 0;
	for (int round = 0; round < 5; round++) {
		int pipe_fds[2];
		assert_int_equal(pipe(pipe_fds), 0);
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			append_for_ever(fixture->dir, pipe_fds[1]);
		}
		close(pipe_fds[1]);
		uint64_t acknowledged = before;
		for (int i = 0; i < 7 * round + 1; i++) {
			assert_int_equal(
					read(pipe_fds[0], &acknowledged, sizeof(acknowledged)),
					sizeof(acknowledged));
		}
		assert_int_equal(kill(child, SIGKILL), 0);
		while (read(pipe_fds[0], &acknowledged, sizeof(acknowledged)) > 0) {
		}
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		close(pipe_fds[0]);

		fixture->journal = open_journal(fixture->dir);
		uint64_t seq = head_seq(fixture->journal);
		assert_true(acknowledged > before);
		/* At most the one on its way came on top, whole. */
		assert_true(seq == acknowledged || seq == acknowledged + 2);
		struct err err = { 0 };
		uint64_t posts = 0;
		assert_true(fixture->journal->api->pending(
				fixture->journal, count_pending, &posts, &err));
		assert_int_equal(posts * 2, seq);
		before = seq;
		close_journal(fixture);
		assert_audit(fixture->dir, NULL, 0, "");
	}
}

static void the_lock_goes_with_its_holder(void **state) {
	struct fixture *fixture = *state;
	close_journal(fixture);
	int pipe_fds[2];
	assert_int_equal(pipe(pipe_fds), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		append_for_ever(fixture->dir, pipe_fds[1]);
	}
	uint64_t seq;
	assert_int_equal(read(pipe_fds[0], &seq, sizeof(seq)), sizeof(seq));
	struct err err = { 0 };
	assert_null(journal_sqlite_open(fixture->dir, &err));
	char who[40];
	snprintf(who, sizeof(who), "in use by process %ld:", (long)child);
	assert_non_null(strstr(err.text, who));
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	fixture->journal = open_journal(fixture->dir);
}

/* A limit on the size of files stands for a disk that fills up. */
static void limit_files(rlim_t bytes) {
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_loses_nothing_and_passes(void **state) {
	struct fixture *fixture = *state;
	struct journal *journal = fixture->journal;
	void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
	limit_files(200 * 1024);
	char *big = xcalloc(1, 30001);
	memset(big, 'x', 30000);
	uint64_t appended = 0;
	enum journal_append_result result = JOURNAL_APPENDED;
	struct err err = { 0 };
	struct journal_batch batch = { 0 };
	char input[32];
	const struct journal_row row = { .type = "x", .body = big };
	for (int i = 0; i < 50 && result == JOURNAL_APPENDED; i++) {
		snprintf(input, sizeof(input), "in:%d", i);
		batch = (struct journal_batch){
			.input = input, .rows = &row, .row_count = 1
		};
		result = journal->api->append(journal, &batch, &err);
		appended += result == JOURNAL_APPENDED;
	}
	assert_true(result == JOURNAL_FAILED);
	assert_int_equal(err.code, ERR_IO);
	assert_true(appended > 0);
	assert_int_equal(head_seq(journal), appended);
	assert_false(journal->api->has_input(journal, input));
	/* Still full: still refused, still whole. */
	assert_true(journal->api->append(journal, &batch, &err) == JOURNAL_FAILED);
	limit_files(RLIM_INFINITY);
	signal(SIGXFSZ, old);
	assert_true(
			journal->api->append(journal, &batch, &err) == JOURNAL_APPENDED);
	assert_int_equal(head_seq(journal), appended + 1);
	reopen(fixture);
	assert_int_equal(head_seq(fixture->journal), appended + 1);
	assert_audit(fixture->dir, NULL, 0, "");
	free(big);
}

/* What is written to a file that nobody finds again is not on record. */
/* The bot that starts then ends at once, and must say what to do. */
static void a_disk_too_full_to_open_the_journal_is_told_of(void **state) {
	struct fixture *fixture = *state;
	struct err err = { 0 };
	fill(fixture, 3);
	close_journal(fixture);
	void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
	limit_files(1);
	assert_null(journal_sqlite_open(fixture->dir, &err));
	limit_files(RLIM_INFINITY);
	signal(SIGXFSZ, old);
	assert_non_null(strstr(err.text, strerror(EFBIG)));
	reopen(fixture);
	assert_int_equal(head_seq(fixture->journal), 3);
}

static void a_journal_that_was_taken_away_takes_nothing(void **state) {
	struct fixture *fixture = *state;
	struct journal *journal = fixture->journal;
	struct err err = { 0 };
	const struct journal_row row = { .type = "x", .body = "{}" };
	const struct outbox_row said = { .key = "k", .kind = OUTBOX_POST };
	const struct journal_batch first = {
		.rows = &row, .row_count = 1, .outbox = &said, .outbox_count = 1
	};
	const struct journal_batch batch = { .rows = &row, .row_count = 1 };
	assert_true(
			journal->api->append(journal, &first, &err) == JOURNAL_APPENDED);
	char *path = xasprintf("%s/journal.db", fixture->dir);
	char *other = xasprintf("%s/elsewhere.db", fixture->dir);
	assert_int_equal(rename(path, other), 0);
	assert_true(journal->api->append(journal, &batch, &err) == JOURNAL_FAILED);
	assert_int_equal(err.code, ERR_IO);
	assert_non_null(strstr(err.text, "moved or removed"));
	assert_false(journal->api->tried(journal, 1, 5, &err));
	assert_false(journal->api->settled(journal, 1, OUTBOX_SENT, "p", &err));
	assert_false(journal->api->put(journal, "n", "v", &err));
	assert_int_equal(rename(other, path), 0);
	assert_true(
			journal->api->append(journal, &batch, &err) == JOURNAL_APPENDED);
	assert_true(journal->api->tried(journal, 1, 5, &err));
	assert_int_equal(head_seq(journal), 2);
	free(other);
	free(path);
}

/* Versions */

static const char first_version[] =
		"CREATE TABLE journal (seq INTEGER PRIMARY KEY, at_ms INTEGER,"
		" type TEXT, input TEXT, body TEXT, hash TEXT) STRICT";

static void set_application(const char *dir, int version) {
	char sql[160];
	snprintf(sql, sizeof(sql),
			"PRAGMA application_id = %d; PRAGMA user_version = %d;",
			SCHEMA_APPLICATION_ID, version);
	assert_true(tamper(dir, sql));
}

static void a_newer_file_is_refused(void **state) {
	struct fixture *fixture = *state;
	fill(fixture, 1);
	close_journal(fixture);
	set_application(fixture->dir, (int)schema_current.step_count + 1);
	struct err err = { 0 };
	assert_null(journal_sqlite_open(fixture->dir, &err));
	assert_int_equal(err.code, ERR_INVALID);
	char expected[200];
	snprintf(expected, sizeof(expected),
			"%s/journal.db: this journal is of version %zu, newer than this "
			"program's %zu: use the newer program",
			fixture->dir, schema_current.step_count + 1,
			schema_current.step_count);
	assert_string_equal(err.text, expected);
	assert_null(journal_sqlite_open_read_only(fixture->dir, &err));
	assert_string_equal(err.text, expected);
}

static void an_older_file_is_brought_up_to_date(void **state) {
	struct fixture *fixture = *state;
	fill(fixture, 3);
	close_journal(fixture);
	/* A program of the next version, whose step keeps the rows. */
	static const char *const steps[] = { first_version, first_version,
		first_version,
		"ALTER TABLE outbox ADD COLUMN priority INTEGER NOT NULL DEFAULT 5;"
		"CREATE INDEX outbox_priority ON outbox (priority)" };
	const struct schema next = { .steps = steps, .step_count = 4 };
	assert_int_equal(schema_current.step_count, 3);
	struct err err = { 0 };
	fixture->journal = journal_sqlite_open_schema(fixture->dir, &next, &err);
	assert_non_null(fixture->journal);
	assert_int_equal(head_seq(fixture->journal), 3);
	assert_true(append(fixture->journal, "in:1", "x") == JOURNAL_REPEATED);
	const struct outbox_row row = { .key = "k", .text = "t" };
	assert_true(say(fixture->journal, &row, 1, &err) == JOURNAL_APPENDED);
	assert_true(tamper(
			fixture->dir, "UPDATE outbox SET priority = 1 WHERE id = 1"));
	close_journal(fixture);
	assert_null(journal_sqlite_open(fixture->dir, &err));
	assert_non_null(strstr(err.text, "use the newer program"));
}

static void list_new(void *data, const struct outbox_row *row) {
	str_addf(data, "%s:%s:%s ", row->key, row->channel,
			row->mark[0] != '\0' ? "marked" : "");
}

static void a_journal_of_the_first_version_learns_of_channels_and_marks(
		void **state) {
	struct fixture *fixture = *state;
	struct err err = { 0 };
	fill(fixture, 2);
	const struct outbox_row old = { .key = "old", .text = "t" };
	assert_true(say(fixture->journal, &old, 1, &err) == JOURNAL_APPENDED);
	close_journal(fixture);
	assert_true(tamper(fixture->dir,
			"DROP TRIGGER outbox_no_update;"
			"ALTER TABLE outbox DROP COLUMN channel;"
			"ALTER TABLE outbox DROP COLUMN mark;"
			"CREATE TRIGGER outbox_no_update BEFORE UPDATE OF id ON outbox"
			" BEGIN SELECT RAISE(ABORT, 'no'); END"));
	set_application(fixture->dir, 1);
	assert_null(journal_sqlite_open_read_only(fixture->dir, &err));
	assert_non_null(strstr(err.text, "the bot brings it up to date"));
	fixture->journal = open_journal(fixture->dir);
	assert_int_equal(head_seq(fixture->journal), 2);
	const struct outbox_row row = {
		.key = "new", .text = "t", .channel = "authority"
	};
	assert_true(say(fixture->journal, &row, 1, &err) == JOURNAL_APPENDED);
	struct str channels = { 0 };
	assert_true(fixture->journal->api->pending(
			fixture->journal, list_new, &channels, &err));
	assert_string_equal(str_text(&channels), "old:: new:authority:marked ");
	str_finish(&channels);
	close_journal(fixture);
	assert_false(tamper(fixture->dir, "UPDATE outbox SET channel = 'other'"));
	assert_false(tamper(fixture->dir, "UPDATE outbox SET mark = 'other'"));
}

static void a_step_that_fails_leaves_the_old_version(void **state) {
	struct fixture *fixture = *state;
	fill(fixture, 2);
	close_journal(fixture);
	static const char *const steps[] = { first_version, first_version,
		first_version, "CREATE TABLE half (a); CREATE TABLE journal (seq)" };
	const struct schema next = { .steps = steps, .step_count = 4 };
	struct err err = { 0 };
	assert_null(journal_sqlite_open_schema(fixture->dir, &next, &err));
	assert_non_null(strstr(err.text,
			"cannot be brought from version 3 to 4: table journal already "
			"exists"));
	assert_true(tamper(fixture->dir, "CREATE TABLE half (a); DROP TABLE half"));
	fixture->journal = open_journal(fixture->dir);
	assert_int_equal(head_seq(fixture->journal), 2);
}

static void a_file_of_another_program_is_left_alone(void **state) {
	struct fixture *fixture = *state;
	close_journal(fixture);
	char path[96];
	snprintf(path, sizeof(path), "%s/journal.db", fixture->dir);
	assert_int_equal(unlink(path), 0);
	assert_true(tamper(fixture->dir, "CREATE TABLE photos (name TEXT)"));
	struct err err = { 0 };
	assert_null(journal_sqlite_open(fixture->dir, &err));
	assert_non_null(
			strstr(err.text, "this file is no journal of Bridgekeeper's"));
	assert_true(tamper(fixture->dir, "INSERT INTO photos VALUES ('a')"));
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 500; i++) {
		fputs("this is no database\n", file);
	}
	assert_int_equal(fclose(file), 0);
	assert_null(journal_sqlite_open(fixture->dir, &err));
	assert_non_null(strstr(err.text, "file is not a database"));
	assert_int_equal(err.code, ERR_INVALID);
}

#define ON_SQLITE(test) \
	{ #test, test, set_up_sqlite, tear_down, NULL }
#define ON_BOTH(test) \
	{ #test "_on_disk", test, set_up_sqlite, tear_down, NULL }, { \
#test "_in_memory", test, set_up_memory, tear_down, NULL \
	}

int main(void) {
	const struct CMUnitTest tests[] = {
		ON_BOTH(an_empty_journal_has_a_head_of_zeros),
		ON_BOTH(rows_are_read_in_the_order_they_came),
		ON_BOTH(reading_stops_when_it_is_told_to),
		ON_BOTH(the_hash_is_the_documented_one),
		ON_BOTH(a_repeated_input_changes_nothing),
		ON_BOTH(an_input_that_caused_no_event_is_remembered_too),
		ON_BOTH(a_batch_is_stored_whole_or_not_at_all),
		ON_BOTH(what_cannot_be_stored_is_refused),
		ON_BOTH(a_newer_edit_supersedes_one_that_is_pending),
		ON_BOTH(a_sent_post_is_found_by_key_and_by_id),
		ON_BOTH(a_post_that_is_gone_is_pending_anew_with_its_newest_edit),
		ON_BOTH(what_goes_on_from_a_copy_has_other_marks),
		ON_BOTH(the_first_try_is_kept),
		ON_BOTH(named_values_are_kept_and_replaced),
		{ "the_one_in_memory_fails_when_told",
				the_one_in_memory_fails_when_told, set_up_memory, tear_down,
				NULL },
		ON_SQLITE(it_is_all_there_after_opening_again),
		ON_SQLITE(rows_cannot_be_changed_or_removed_with_sql),
		ON_SQLITE(an_outbox_row_keeps_what_it_says),
		ON_SQLITE(an_edited_row_is_found),
		ON_SQLITE(an_edited_time_is_found),
		ON_SQLITE(an_input_taken_away_is_found),
		ON_SQLITE(a_removed_row_is_found),
		ON_SQLITE(removed_rows_closed_up_are_found),
		ON_SQLITE(reordered_rows_are_found),
		ON_SQLITE(a_cut_tail_is_found_by_a_posted_head),
		ON_SQLITE(a_forgotten_input_is_found),
		cmocka_unit_test(only_hex_digits_are_a_head),
		ON_SQLITE(an_edit_older_than_the_tail_is_found_while_reading),
		ON_SQLITE(a_journal_that_forgot_an_input_is_not_opened),
		ON_SQLITE(a_file_that_is_damaged_beside_its_rows_is_not_opened),
		ON_SQLITE(a_file_that_was_emptied_costs_no_row),
		ON_SQLITE(a_second_bot_is_turned_away),
		ON_SQLITE(a_killed_bots_child_turns_nobody_away),
		ON_SQLITE(an_audit_reads_while_the_bot_writes),
		ON_SQLITE(an_audit_reads_a_folder_that_it_may_not_write),
		cmocka_unit_test(an_audit_of_nothing_says_so),
		ON_SQLITE(the_files_are_for_the_bot_alone),
		ON_SQLITE(a_state_folder_is_made),
		ON_SQLITE(what_was_acknowledged_outlives_a_kill),
		ON_SQLITE(the_lock_goes_with_its_holder),
		ON_SQLITE(a_full_disk_loses_nothing_and_passes),
		ON_SQLITE(a_disk_too_full_to_open_the_journal_is_told_of),
		ON_SQLITE(a_journal_that_was_taken_away_takes_nothing),
		ON_SQLITE(a_newer_file_is_refused),
		ON_SQLITE(an_older_file_is_brought_up_to_date),
		ON_SQLITE(a_journal_of_the_first_version_learns_of_channels_and_marks),
		ON_SQLITE(a_step_that_fails_leaves_the_old_version),
		ON_SQLITE(a_file_of_another_program_is_left_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
