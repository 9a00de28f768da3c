#ifndef CHAIN_H
#define CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"
#include "journal/journal.h"

/*
 * The hash chain over the journal's rows, and its verification.
 *
 * The hash of a row covers, in this order: the 64 hex digits of the row before
 * (a field), seq and at_ms (numbers), type, input and body (fields, in the
 * sense of base/sha256.h).  So a row that was edited, moved, put in or taken
 * out no longer follows from the one before it.
 *
 * Who can write the file can also compute every later hash anew, or cut the
 * tail off; no chain can show that by itself.  The heads that were posted in
 * the channel do: each must be the beginning of some row's hash.
 *
 * Nothing here reads a file: rows come in one at a time, findings go out.
 */

/* Shortest and longest head that can be asked for, in hex digits. */
#define CHAIN_HEAD_MIN 8
#define CHAIN_HEAD_MAX (SHA256_HEX - 1)

/* The predecessor of the first row: 64 zeros. */
void chain_origin(char hash[SHA256_HEX]);

/* The hash of @row behind a row with hash @before.  @row->hash is not read. */
void chain_hash(const char before[SHA256_HEX], const struct journal_row *row,
		char hash[SHA256_HEX]);

enum chain_fault {
	CHAIN_MISSING, // rows seq … last_seq are not there
	CHAIN_BROKEN,  // row seq does not follow from the one before it
	CHAIN_HEAD,    // head is the beginning of no row's hash
};

struct chain_finding {
	enum chain_fault fault;
	uint64_t seq;      // 0 for CHAIN_HEAD
	uint64_t last_seq; // CHAIN_MISSING only
	const char *head;  // CHAIN_HEAD only
};

typedef void (*chain_fn)(void *data, const struct chain_finding *finding);

/* A head as posted, and the row that it is found to be of. */
struct chain_head {
	const char *hex; // chain_is_head() holds
	uint64_t seq;    // 0: not found
};

/* A verification in progress. */
struct chain {
	chain_fn fn;
	void *data;
	uint64_t seq;          // of the row last seen
	char hash[SHA256_HEX]; // of it, as stored
	uint64_t rows;
	uint64_t faults;
	struct chain_head *heads;
	size_t head_count;
};

/*
 * Prepare to verify from the first row on, telling @fn of what is wrong.
 * @heads, @count of them, are borrowed until chain_end(), and their seq is set
 * as rows come in.
 */
void chain_begin(struct chain *chain, struct chain_head *heads, size_t count,
		chain_fn fn, void *data);

/* The next row, by its number.  @row->hash is as stored. */
void chain_add(struct chain *chain, const struct journal_row *row);

/* No more rows: check the heads.  Returns whether nothing was wrong. */
bool chain_end(struct chain *chain);

/* Whether @text could be a head: 8 to 64 lower-case hex digits. */
bool chain_is_head(const char *text);

/* A sentence for people.  Cut at @room bytes. */
void chain_describe(
		const struct chain_finding *finding, char *text, size_t room);

#endif
