#include "app/recover.h"

#include <inttypes.h>
#include <string.h>

#include "codec/event_json.h"
#include "journal/chain.h"
#include "journal/journal.h"

/* A journal being read back.  Each row was verified against the one before it
 * by who passes it on: a second hash of a million rows would show nothing new. */
struct reading {
	struct bridge *bridge;
	uint64_t seq; // of the row before
	char hash[SHA256_HEX];
};

static bool check_order(struct reading *reading, const struct journal_row *row,
		struct err *err) {
	if (row->seq != reading->seq + 1) {
		return err_set(err, ERR_INVALID,
				"row %" PRIu64 " follows row %" PRIu64 ": rows are missing",
				row->seq, reading->seq);
	}
	reading->seq = row->seq;
	memcpy(reading->hash, row->hash, sizeof(reading->hash));
	return true;
}

static bool fold_row(
		void *data, const struct journal_row *row, struct err *err) {
	struct reading *reading = data;
	struct event_row event;
	if (!check_order(reading, row, err) ||
			!event_json_read(
					&event, row->seq, row->at_ms, row->type, row->body, err)) {
		return false;
	}
	bool ok = bridge_fold(reading->bridge, &event.event, err);
	if (ok) {
		event.record = NULL; // the bridge has taken it over
	} else {
		err_wrap(err, "row %" PRIu64 ": ", row->seq);
	}
	event_row_finish(&event);
	return ok;
}

bool recover(struct journal *journal, struct bridge *bridge, struct err *err) {
	struct reading reading = { .bridge = bridge };
	chain_origin(reading.hash);
	if (!journal->api->read(journal, 1, fold_row, &reading, err)) {
		return false;
	}
	uint64_t seq = 0;
	char head[SHA256_HEX];
	journal->api->head(journal, &seq, head);
	if (seq != reading.seq || strcmp(head, reading.hash) != 0) {
		return err_set(err, ERR_INVALID,
				"the journal's head is row %" PRIu64 ", and %" PRIu64
				" rows could be read",
				seq, reading.seq);
	}
	return true;
}
