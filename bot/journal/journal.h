#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"

/*
 * The append-only, hash-chained record, and the outbox that is committed with
 * it.  An interface: journal/sqlite.h keeps it on disk, journal/memory.h for
 * tests.  It stores rows of JSON text and does not know what they mean.
 *
 * A row's hash is SHA-256 over the hash of the row before it, then seq, at_ms,
 * type, input and body (journal/chain.h).  The first row's predecessor is 64
 * zeros.
 *
 * One request is one append: its events and its outbox rows are committed in
 * one durable transaction or not at all.
 */

struct journal;

struct journal_row {
	uint64_t seq; // from 1, without gaps
	int64_t at_ms;
	const char *type;  // stable event name: "step.started"
	const char *input; // of the batch it came with; NULL: none
	const char *body;  // JSON object
	char hash[SHA256_HEX];
};

enum outbox_kind {
	OUTBOX_POST, // a new post
	OUTBOX_EDIT, // new text of the post with key `target`
	OUTBOX_PIN,  // pin the post with key `target`
	OUTBOX_UNPIN,
	OUTBOX_REACT, // add emoji `text` to the post with key `target`
};

enum outbox_state {
	OUTBOX_PENDING,
	OUTBOX_SENT,
	OUTBOX_DEAD,       // refused for good
	OUTBOX_SUPERSEDED, // a later edit of the same post made it needless
};

struct outbox_row {
	uint64_t id;     // order of commit; set by the journal
	const char *key; // identity, unique: "LB-7/status/12"
	enum outbox_kind kind;
	const char *target; // key of the post that it is about, or of the thread's
						// root for a post ("" for the channel)
	const char *target_post; // post id where the target is not one of ours; ""
	const char *channel;     // name of another channel of the team, for a post;
							 // "": the bridge's own
	const char *text;
	const char *file_path; // NULL: none
	const char *file_name;
	enum outbox_state state;
	const char *post_id;  // once sent; "" before
	int64_t first_try_ms; // real clock, Unix ms; 0: never tried
	const char *mark;     // set by the journal: no other journal's row of that
						  // key has it, nor one of a copy that goes on
};

/* One request's worth, in commit order. */
struct journal_batch {
	const char *input;              // identity of the input; unique; NULL: none
	const struct journal_row *rows; // at_ms, type and body are read
	size_t row_count;
	const struct outbox_row *outbox; // key … file_name are read
	size_t outbox_count;
};

enum journal_append_result {
	JOURNAL_APPENDED,
	JOURNAL_REPEATED, // the input is in the journal already: nothing was done
	JOURNAL_FAILED,   // nothing was written; @err says why; may be tried again
};

typedef bool (*journal_row_fn)(
		void *data, const struct journal_row *row, struct err *err);
typedef void (*outbox_row_fn)(void *data, const struct outbox_row *row);

struct journal_api {
	/*
	 * Commit @batch durably.  An edit that is still pending for the same
	 * target is superseded by a newer one in the same transaction.
	 */
	enum journal_append_result (*append)(struct journal *journal,
			const struct journal_batch *batch, struct err *err);
	/* Whether an input with this identity was committed. */
	bool (*has_input)(struct journal *journal, const char *input);
	/*
	 * Every row from @from_seq on, in order; stops when @fn returns false.
	 * Each is verified against the one before it first.
	 */
	bool (*read)(struct journal *journal, uint64_t from_seq, journal_row_fn fn,
			void *data, struct err *err);
	/* Hash of the last row; 64 zeros when empty. */
	void (*head)(struct journal *journal, uint64_t *seq, char hash[SHA256_HEX]);

	/* Every pending outbox row, in order of commit. */
	bool (*pending)(struct journal *journal, outbox_row_fn fn, void *data,
			struct err *err);
	/* Whether the outbox ever had a row with key @key. */
	bool (*has_key)(struct journal *journal, const char *key);
	/* The post id of outbox key @key, or false.  @post_id: room for 64. */
	bool (*post_of)(struct journal *journal, const char *key, char *post_id,
			size_t room);
	/* Whether the row with key @key was refused for good. */
	bool (*is_dead)(struct journal *journal, const char *key);
	/*
	 * The post with key @key, which was sent, is gone: it, its newest edit and
	 * its pin are pending anew, and it has no post id until it is sent.
	 */
	bool (*again)(struct journal *journal, const char *key, struct err *err);
	/* The outbox key of post @post_id, or false. */
	bool (*key_of)(struct journal *journal, const char *post_id, char *key,
			size_t room);
	/*
	 * Note the first try of a row, before it is sent; a later one is not.
	 * This and settled() outlive the program, but the machine only after the
	 * next append: what they say can be found out on the server.
	 */
	bool (*tried)(struct journal *journal, uint64_t id, int64_t at_ms,
			struct err *err);
	/*
	 * Settle a row: sent (with its post id) or dead.  Once, but the same again
	 * is no error.  A superseded one can be settled too: it was on its way.
	 */
	bool (*settled)(struct journal *journal, uint64_t id,
			enum outbox_state state, const char *post_id, struct err *err);

	/* Small named values beside the chain (resume numbers, the HMAC key). */
	bool (*get)(struct journal *journal, const char *name, char *value,
			size_t room);
	bool (*put)(struct journal *journal, const char *name, const char *value,
			struct err *err);

	void (*destroy)(struct journal *journal);
};

struct journal {
	const struct journal_api *api;
};

#endif
