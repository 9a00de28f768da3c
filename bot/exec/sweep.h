#ifndef SWEEP_H
#define SWEEP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Removes the folders of attempts that are kept no longer.  What still lives in
 * one (exec/stepfolder.h, `alive`) keeps it, and what is no attempt's folder is
 * not looked at.
 */

/*
 * Of the folders in @attempts remove those of which @may_go says so, at most
 * @most in one call.  How many were removed; one that cannot be is logged and
 * left.
 */
size_t sweep_attempts(const char *attempts, size_t most,
		bool (*may_go)(void *data, const char *id), void *data);

#endif
