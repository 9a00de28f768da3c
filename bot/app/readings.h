#ifndef READINGS_H
#define READINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/plan.h"

/*
 * What each host of a target over ssh was last seen to have of the tracked
 * files: data, which app/hostfiles.h brings.
 */

struct reading {
	struct reading *next;
	char *target;
	char *host;     // as the config writes it
	char *problem;  // why it could not be read, for people; NULL: it was
	bool away;      // it may be read again in a moment
	bool unreached; // no shell answered there
	struct plan_file *files; // in the order in which they came
	size_t file_count;
	char *commit; // NULL: none
	bool dirty;
};

struct readings {
	struct reading *first;
};

/* NULL: it was never read. */
const struct reading *readings_of(
		const struct readings *readings, const char *target, const char *host);

/* One that nothing is known of yet.  Free with reading_destroy(). */
struct reading *reading_make(const char *target, const char *host)
		__attribute__((returns_nonnull, warn_unused_result));

/* Accepts NULL. */
void reading_destroy(struct reading *reading);

/* From now on it is what was read last there, in place of the one before. */
void readings_put(struct readings *readings, struct reading *take_reading);

/*
 * Take a line of what a host says: "file HASH PATH", "none PATTERN", "bad
 * PATH", "nowhere", "commit HASH", "dirty".  False: it makes no sense.
 */
bool reading_take_line(struct reading *reading, const char *line);

/* The hash of @path there; NULL: there is none. */
const char *reading_hash(const struct reading *reading, const char *path);

void readings_finish(struct readings *readings);

#endif
