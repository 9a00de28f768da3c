#ifndef COMMAND_LINT_H
#define COMMAND_LINT_H

#include "core/lint.h"

/*
 * Rules that look into commands: what was never filled in, which variables
 * nothing sets, what does not end, what names the wrong environment.
 */

/* Add what the rules find; those that need a @config are left out where it is
 * NULL. */
void command_lint_check(const struct runbook *runbook,
		const struct lint_config *config, struct findings *findings);

#endif
