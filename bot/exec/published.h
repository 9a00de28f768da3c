#ifndef PUBLISHED_H
#define PUBLISHED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "exec/runner.h"

/*
 * What a command published: NAME=value lines in the file that $BRIDGE_OUTPUT
 * names.  A name given twice has its last value, as a variable would.  Lines
 * are UTF-8; a file with one that is not NAME=value is refused as a whole.
 */

#define PUBLISHED_MAX_BYTES  ((size_t)64 * 1024)
#define PUBLISHED_MAX_VALUES ((size_t)64)

struct published {
	struct str text; // what the values point into
	struct attempt_value *values;
	size_t count;
};

/*
 * Read the file @path; none is an empty one.  On false *published is empty.
 * Pair with published_finish() in any case.
 */
bool published_read(const char *path, struct published *published,
		struct err *err) __attribute__((warn_unused_result));

void published_finish(struct published *published);

/*
 * Whether all of @sets was published, and nothing that is in neither @sets nor
 * @may_set.  Both are NULL-terminated and may be NULL.
 */
bool published_as_declared(const struct published *published,
		const char *const *sets, const char *const *may_set, struct err *err)
		__attribute__((warn_unused_result));

#endif
