#ifndef MD_H
#define MD_H

#include <stdint.h>

#include "codec/attributes.h"
#include "codec/md_source.h"
#include "core/runbook.h"

/*
 * What the parts of the reader of runbooks share while they read one: the
 * text, the runbook as far as it is built, and what they found.
 */

/* Attributes that were read; kept to the end, for keys are inherited. */
struct md_kept {
	struct attributes attributes;
	struct md_kept *next;
};

struct md {
	struct md_source source;
	struct runbook *runbook;
	struct findings *findings;
	struct md_kept *kept;
	bool full;  // the most steps are there; said once
	bool quiet; // add no findings: this is read again
};

#define MD_STEPS_MAX 2000

/* Add an error at @line:@column. */
void md_error(struct md *md, const char *rule, uint32_t line, uint32_t column,
		const char *format, ...) __attribute__((format(printf, 5, 6)));
void md_warn(struct md *md, const char *rule, uint32_t line, uint32_t column,
		const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Keep an empty set of attributes until the end. */
struct attributes *md_keep(struct md *md);

/*
 * Room for one more in @array of @count members of @size bytes, zeroed; the
 * array, which may have moved.
 */
void *md_grow(void *array, size_t count, size_t size)
		__attribute__((warn_unused_result, returns_nonnull));

#endif
