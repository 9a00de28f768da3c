#ifndef RUNBOOK_MD_H
#define RUNBOOK_MD_H

#include <stddef.h>

#include "core/runbook.h"

/*
 * Reads a runbook from its Markdown (docs/runbook-format.md).
 *
 * Findings are what reading alone shows: what does not parse, what names
 * something that is not there, what would be cut off.  The rules over the whole
 * (core/lint.h, codec/command_lint.h) come after it: see codec/runbook_check.h,
 * which does all of it.
 */

/*
 * Read @len bytes at @text; @file is its name for findings.  The runbook comes
 * as far as it could be read: never run one with an error.  Free it with
 * runbook_destroy().  @findings is added to.
 */
struct runbook *runbook_md_parse(const char *file, const char *text, size_t len,
		struct findings *findings)
		__attribute__((warn_unused_result, returns_nonnull));

#endif
