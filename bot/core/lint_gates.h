#ifndef LINT_GATES_H
#define LINT_GATES_H

#include "core/lint.h"

/* The rules over people: can each gate be filled by those that the config
 * names?  Part of lint_runbook(). */
void lint_gates_check(const struct runbook *runbook,
		const struct lint_config *config, struct findings *findings);

#endif
