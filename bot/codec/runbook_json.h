#ifndef RUNBOOK_JSON_H
#define RUNBOOK_JSON_H

#include "core/plan.h"
#include "core/runbook.h"

/* What the bot understood of a runbook, as docs/plan-json.md describes it. */

struct runbook_json {
	const struct runbook *runbook;
	const struct findings *findings;
	const char *digest;
	const char *digest_kind; // "plan" or "document"
};

/* The object as text, indented, with a line end.  Caller frees. */
char *runbook_json_text(const struct runbook_json *what)
		__attribute__((warn_unused_result, returns_nonnull));

#endif
