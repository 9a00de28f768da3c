#ifndef ATTRIBUTES_H
#define ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Attributes in the manner of Pandoc's: `{.class key=value key="two words"
 * flag}` at the end of a line or cell, or the same without braces after the
 * language of a fenced block.  This file knows how they are written and not
 * what they mean.
 */

enum attribute_kind {
	ATTRIBUTE_CLASS, // .production
	ATTRIBUTE_KEY,   // owner="DevOps lead"
	ATTRIBUTE_FLAG,  // evidence
};

struct attribute {
	enum attribute_kind kind;
	char *name;
	char *value;           // "" of a class or a flag
	uint32_t column;       // of the name, from 1
	uint32_t value_column; // of the value's first byte
};

struct attributes {
	struct attribute *list;
	size_t count;
};

enum attributes_found {
	ATTRIBUTES_NONE,
	ATTRIBUTES_FOUND,
	ATTRIBUTES_BROKEN, // the line ends like attributes that do not scan
};

/* Bytes of a line, end exclusive. */
struct attributes_range {
	size_t start; // of the opening brace
	size_t end;   // after the closing brace
};

/*
 * Look for attributes at the end of the @len bytes at @line: the last `{...}`,
 * after a space or at the beginning, outside a code span.  White space may
 * follow.
 */
enum attributes_found attributes_find(
		const char *line, size_t len, struct attributes_range *range);

/*
 * Look for a `{...}` that stands where attributes_find() does not look, that
 * is, not at the end of @line.  True with @range for the first one at or after
 * @from, which is 0 or the end of an earlier one.
 */
bool attributes_find_inside(const char *line, size_t len, size_t from,
		struct attributes_range *range);

/*
 * Read the @len bytes at @text, which are what stands between the braces;
 * @column is that of its first byte.  On failure false, the reason in @err, the
 * column in @bad, and what was read before it in @attributes.
 */
bool attributes_read(struct attributes *attributes, const char *text,
		size_t len, uint32_t column, uint32_t *bad, struct err *err)
		__attribute__((warn_unused_result));

/* Free what @attributes holds.  Safe on a zeroed one. */
void attributes_finish(struct attributes *attributes);

#endif
