#ifndef EVENT_JSON_H
#define EVENT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/event.h"

/*
 * Events as the journal keeps them: a type's name, a time and a JSON object
 * with the fields that event_specs gives the type, under the names of the
 * struct's members.  What is not there is 0, NULL or "no step".
 *
 * Whole numbers that a double cannot hold are written as strings of digits, so
 * that times and counts are exact.  A plan is kept as what it was made from
 * (the document byte for byte, parameters, environments, targets) and made
 * again when it is read; secrets are there only as HMACs.
 */

/* An event read back, with what it borrows. */
struct event_row {
	struct event event;
	struct plan_record *record; // event.record; NULL it when it was taken over
	char *flat; // the body, where the strings stand in it; NULL: they are owned
	void **owned;
	size_t owned_count;
};

/*
 * The body of @event's row; the caller frees it.  NULL with ERR_INVALID when a
 * field that its type requires is missing: whoever made it has a bug.
 */
char *event_json_write(const struct event *event, struct err *err)
		__attribute__((warn_unused_result));

/*
 * Read row @seq.  False with ERR_INVALID, naming the row and the field, when
 * the type is unknown, the body is no JSON object, a required field is missing
 * or has another type, a name is unknown, or a plan's text no longer gives its
 * digest.  Fields that the type does not carry are an error too: nothing in a
 * journal is silently ignored.  Pair with event_row_finish().
 */
bool event_json_read(struct event_row *row, uint64_t seq, int64_t at_ms,
		const char *type, const char *body, struct err *err)
		__attribute__((warn_unused_result));

/* Accepts a zeroed row. */
void event_row_finish(struct event_row *row);

#endif
