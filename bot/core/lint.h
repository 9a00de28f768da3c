#ifndef LINT_H
#define LINT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/runbook.h"

/*
 * Rules over a whole runbook, once it is read: what names nothing, what is
 * missing, what the people and machines of a config cannot do.  Rules that look
 * into commands are in codec/command_lint.h; docs/runbook-format.md has all.
 */

/* What the rules need of a config.  Everything is borrowed. */
struct lint_role {
	const char *name; // names ignore case
	const char *const *holders;
	size_t holder_count;
};

struct lint_env {
	const char *name;
	const char *const *variables; // those of its secrets file too
	size_t variable_count;
};

struct lint_target {
	const char *name;
	size_t host_count;
};

struct lint_config {
	const struct lint_role *roles;
	size_t role_count;
	const struct lint_env *envs;
	size_t env_count;
	const struct lint_target *targets;
	size_t target_count;
	bool requester_approves; // who asks for a gate may fill a slot of it
};

/* Add what the rules find.  Without a @config (NULL) those that need one are
 * left out. */
void lint_runbook(const struct runbook *runbook,
		const struct lint_config *config, struct findings *findings);

/* Whether @env of @config has variable @name. */
bool lint_has_variable(
		const struct lint_config *config, const char *env, const char *name);

/* Whether both can happen in one run: no parameter would need two values. */
bool lint_go_together(const struct step *a, const struct step *b);

#endif
