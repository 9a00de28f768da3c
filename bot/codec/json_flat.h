#ifndef JSON_FLAT_H
#define JSON_FLAT_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

/*
 * The plain case of JSON, read in place: an object whose members are strings
 * without escapes and whole numbers of at most 15 digits, with no space
 * between.  That is what nearly every row of a journal is, and a tree of
 * allocations for each is most of what reading one costs.
 *
 * It accepts nothing that cJSON would not, and yields what cJSON would.
 */

#define JSON_FLAT_MOST 24 // members

struct json_flat {
	cJSON object; // its children are the members, in order
	cJSON members[JSON_FLAT_MOST];
};

/*
 * Read @text, which this changes: names and strings come to point into it.
 * False when it is not the plain case, whether or not it is JSON: ask cJSON,
 * with a copy that was not given here.
 */
bool json_flat_read(struct json_flat *flat, char *text)
		__attribute__((warn_unused_result));

#endif
