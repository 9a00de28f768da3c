#ifndef ROW_JSON_H
#define ROW_JSON_H

#include <stdint.h>

#include "base/str.h"

/* A row of the journal as text for audits. */

struct row_json {
	uint64_t seq;
	int64_t at_ms;
	const char *type;
	const char *input; // NULL: none
	const char *body;
	const char *hash;
};

/*
 * Add @row as one JSON object on one line:
 *
 *	{"seq":1,"at_ms":0,"at":"1970-01-01T00:00:00.000Z","type":"…",
 *	 "input":null,"body":{…},"hash":"…"}
 *
 * `body` stands byte for byte as it was hashed; one that is no JSON object on
 * one line (somebody changed it) becomes a string.
 */
void row_json_add(struct str *out, const struct row_json *row);

/*
 * Add @row for a person, on one line: number, time, type, body, of which at
 * most @body_max bytes.  What a terminal might act on becomes `?`.
 */
void row_json_add_short(
		struct str *out, const struct row_json *row, size_t body_max);

#endif
