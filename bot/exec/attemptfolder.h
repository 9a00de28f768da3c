#ifndef ATTEMPTFOLDER_H
#define ATTEMPTFOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "exec/runner.h"

struct str;

/* The bot's share of an attempt's folder (exec/stepfolder.h). */

/* Create the folder @path, mode 0700, durably, if there is none. */
bool attempt_folder_make_parent(const char *path, struct err *err)
		__attribute__((warn_unused_result));

/* Create an attempt's folder, durably, with `armed` in it unless it was
 * cancelled. */
bool attempt_folder_make(const char *folder, struct err *err)
		__attribute__((warn_unused_result));

/* Note, durably, that what the folder tells is another journal's. */
bool attempt_folder_give_up(const char *folder, struct err *err)
		__attribute__((warn_unused_result));

/* Write the spec for steprun; @clock_path "" for the system's clock. */
bool attempt_folder_arm(const char *folder, const struct attempt_spec *spec,
		const char *clock_path, size_t log_cap, struct err *err)
		__attribute__((warn_unused_result));

/* The same spec as text, for a machine with a clock of its own. */
bool attempt_folder_format(struct str *out, const struct attempt_spec *spec,
		size_t log_cap, struct err *err) __attribute__((warn_unused_result));

/* Whether the folder is what was made: there is `armed` or `cancel`. */
bool attempt_folder_is_whole(const char *folder);

/* Make `armed` into `cancel`: durable, and possible on a full disk. */
bool attempt_folder_cancel(const char *folder, struct err *err)
		__attribute__((warn_unused_result));

/* @path from the root on, or as it is where there is nothing; to be freed. */
char *attempt_folder_absolute(const char *path)
		__attribute__((warn_unused_result));

#endif
