#ifndef SECRETS_TEXT_H
#define SECRETS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/runbook.h"

/*
 * What a secrets file holds: NAME=value lines, in which every byte behind the
 * `=` counts, quotes and blanks too; lines that begin with `#` and empty ones
 * are passed over.  No file is opened here, and no finding quotes a value.
 */

#define SECRETS_TEXT_MAX_BYTES ((size_t)256 * 1024)

/* A shorter value is found everywhere in output, and is not hidden there. */
#define SECRETS_TEXT_HIDDEN_BYTES ((size_t)8)

struct secret_value {
	char *name;
	char *value;
	uint32_t line;
};

struct secret_values {
	struct secret_value *list;
	size_t count;
};

/*
 * Read @len bytes at @text into @values, which need not be prepared.  False
 * where there is any error; what is wrong, and warnings, are added to
 * @findings (rule "secrets", column 1).  Pair with secrets_text_finish(), on
 * failure too.
 */
bool secrets_text_parse(struct secret_values *values, const char *text,
		size_t len, struct findings *findings)
		__attribute__((warn_unused_result));

/* The value of @name, or NULL. */
const char *secrets_text_value(
		const struct secret_values *values, const char *name);

/* Wipe and free.  Safe on a zeroed one. */
void secrets_text_finish(struct secret_values *values);

#endif
