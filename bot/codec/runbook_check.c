#include "codec/runbook_check.h"

#include "codec/command_lint.h"
#include "codec/runbook_md.h"

struct runbook *runbook_check_text(const char *file, const char *text,
		size_t len, const struct lint_config *config,
		struct findings *findings) {
	struct runbook *runbook = runbook_md_parse(file, text, len, findings);
	lint_runbook(runbook, config, findings);
	command_lint_check(runbook, config, findings);
	findings_sort(findings);
	return runbook;
}

const char *const *runbook_check_rules(void) {
	static const char *const rules[] = {
		"attribute",
		"block-language",
		"block-outside",
		"cell-cut",
		"encoding",
		"endless",
		"fence-open",
		"gate-fragile",
		"gate-unknown",
		"gate-unsatisfiable",
		"gate-unused",
		"milestone-command",
		"milestone-order",
		"name-reserved",
		"no-rehearsal",
		"no-rollback",
		"on-forgotten",
		"pattern",
		"phase-empty",
		"placeholder",
		"request",
		"role-unheld",
		"role-unknown",
		"sets-many",
		"smoke-unchecked",
		"stage-in-production",
		"step-number",
		"step-twice",
		"step-untitled",
		"table",
		"too-large",
		"undo-unpublished",
		"unseen",
		"variable-unset",
		NULL,
	};
	return rules;
}
