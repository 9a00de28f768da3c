#ifndef RUNBOOK_CHECK_H
#define RUNBOOK_CHECK_H

#include <stddef.h>

#include "core/lint.h"

/*
 * All that `check` finds in a runbook: what reading it shows, and every rule
 * over the whole (docs/runbook-format.md has the table).
 */

/*
 * Read and check @len bytes at @text; @config may be NULL.  Findings come
 * sorted.  Free the runbook with runbook_destroy().
 */
struct runbook *runbook_check_text(const char *file, const char *text,
		size_t len, const struct lint_config *config, struct findings *findings)
		__attribute__((warn_unused_result, returns_nonnull));

/* The name of every rule that may be found here, NULL-terminated, sorted. */
const char *const *runbook_check_rules(void);

#endif
