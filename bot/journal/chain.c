#include "journal/chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void chain_origin(char hash[SHA256_HEX]) {
	memset(hash, '0', SHA256_HEX - 1);
	hash[SHA256_HEX - 1] = '\0';
}

void chain_hash(const char before[SHA256_HEX], const struct journal_row *row,
		char hash[SHA256_HEX]) {
	struct sha256 *sha = sha256_begin();
	sha256_add_field(sha, before);
	sha256_add_number(sha, row->seq);
	sha256_add_number(sha, (uint64_t)row->at_ms);
	sha256_add_field(sha, row->type);
	sha256_add_field(sha, row->input);
	sha256_add_field(sha, row->body);
	sha256_end(sha, hash);
}

static void find(struct chain *chain, struct chain_finding finding) {
	chain->faults++;
	chain->fn(chain->data, &finding);
}

void chain_begin(struct chain *chain, struct chain_head *heads, size_t count,
		chain_fn fn, void *data) {
	*chain = (struct chain){
		.fn = fn,
		.data = data,
		.heads = heads,
		.head_count = count,
	};
	for (size_t i = 0; i < count; i++) {
		heads[i].seq = 0;
	}
	chain_origin(chain->hash);
}

static void note_heads(struct chain *chain, const struct journal_row *row) {
	for (size_t i = 0; i < chain->head_count; i++) {
		struct chain_head *head = &chain->heads[i];
		if (head->seq == 0 &&
				strncmp(row->hash, head->hex, strlen(head->hex)) == 0) {
			head->seq = row->seq;
		}
	}
}

void chain_add(struct chain *chain, const struct journal_row *row) {
	uint64_t expected = chain->seq + 1;
	if (row->seq > expected) {
		/* What this row follows from is gone, so it cannot be checked. */
		find(chain,
				(struct chain_finding){ .fault = CHAIN_MISSING,
						.seq = expected,
						.last_seq = row->seq - 1 });
	} else {
		char hash[SHA256_HEX];
		chain_hash(chain->hash, row, hash);
		if (row->seq < expected || strcmp(hash, row->hash) != 0) {
			find(chain,
					(struct chain_finding){
							.fault = CHAIN_BROKEN, .seq = row->seq });
		}
	}
	/* Going on from the stored hash makes one edit one finding. */
	chain->seq = row->seq;
	snprintf(chain->hash, sizeof(chain->hash), "%s", row->hash);
	chain->rows++;
	note_heads(chain, row);
}

bool chain_end(struct chain *chain) {
	for (size_t i = 0; i < chain->head_count; i++) {
		if (chain->heads[i].seq == 0) {
			find(chain,
					(struct chain_finding){
							.fault = CHAIN_HEAD, .head = chain->heads[i].hex });
		}
	}
	return chain->faults == 0;
}

bool chain_is_head(const char *text) {
	size_t len = strlen(text);
	return len >= CHAIN_HEAD_MIN && len <= CHAIN_HEAD_MAX &&
			strspn(text, "0123456789abcdef") == len;
}

void chain_describe(
		const struct chain_finding *finding, char *text, size_t room) {
	switch (finding->fault) {
	case CHAIN_MISSING:
		if (finding->seq == finding->last_seq) {
			snprintf(text, room,
					"row %" PRIu64 " is missing; the row after it cannot be "
					"checked",
					finding->seq);
			return;
		}
		snprintf(text, room,
				"rows %" PRIu64 " to %" PRIu64 " are missing; the row after "
				"them cannot be checked",
				finding->seq, finding->last_seq);
		return;
	case CHAIN_BROKEN:
		snprintf(text, room,
				"row %" PRIu64 " does not follow from row %" PRIu64
				": one of them was changed, moved or put in",
				finding->seq, finding->seq - 1);
		return;
	case CHAIN_HEAD:
		snprintf(text, room,
				"head %s is the hash of no row: rows were cut off the end, or "
				"the journal was written anew",
				finding->head);
		return;
	}
}
