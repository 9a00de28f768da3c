#include "codec/config_use.h"

#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "base/xalloc.h"

/* What was looked at already: names borrowed from the runbook. */
struct looked {
	const char **names;
	size_t count;
};

/* Whether @name is new; it is not from now on. */
static bool is_new(struct looked *looked, const char *name) {
	for (size_t i = 0; i < looked->count; i++) {
		if (strcmp(looked->names[i], name) == 0) {
			return false;
		}
	}
	looked->names = xreallocarray(
			looked->names, looked->count + 1, sizeof(looked->names[0]));
	looked->names[looked->count++] = name;
	return true;
}

static const char *near_env(const struct config *config, const char *name) {
	const char **names = xcalloc(config->env_count, sizeof(*names));
	for (size_t i = 0; i < config->env_count; i++) {
		names[i] = config->envs[i].name;
	}
	const char *near = near_word(name, names, config->env_count);
	free(names);
	return near;
}

static const char *near_target(const struct config *config, const char *name) {
	const char **names = xcalloc(config->target_count, sizeof(*names));
	for (size_t i = 0; i < config->target_count; i++) {
		names[i] = config->targets[i].name;
	}
	const char *near = near_word(name, names, config->target_count);
	free(names);
	return near;
}

static void check_env(const struct config *config, const struct step *step,
		struct findings *findings) {
	if (config_env(config, step->env) != NULL) {
		return;
	}
	const char *near = near_env(config, step->env);
	findings_add(findings, SEVERITY_ERROR, "env-unknown", step->place,
			"step %s runs in env=%s, and the config has no [env %s]%s%s",
			step->number, step->env, step->env,
			near != NULL ? ": write env=" : "", near != NULL ? near : "");
}

static void check_target(const struct config *config, const struct step *step,
		const struct block *block, struct findings *findings) {
	const struct config_target *target = config_target(config, block->on);
	if (target == NULL) {
		const char *near = near_target(config, block->on);
		findings_add(findings, SEVERITY_ERROR, "target-unknown", block->place,
				"step %s runs on=%s, and the config has no [target %s]%s%s",
				step->number, block->on, block->on,
				near != NULL ? ": write on=" : "", near != NULL ? near : "");
	}
}

void config_use_check(const struct config *config,
		const struct runbook *runbook, struct findings *findings) {
	struct looked envs = { 0 };
	struct looked targets = { 0 };
	for (size_t i = 0; i < runbook->step_count; i++) {
		const struct step *step = &runbook->steps[i];
		if (step->env != NULL && is_new(&envs, step->env)) {
			check_env(config, step, findings);
		}
		for (size_t j = 0; j < step->block_count; j++) {
			const struct block *block = &step->blocks[j];
			/* The bot makes requests itself, wherever commands run. */
			if (block->kind == BLOCK_SH && is_new(&targets, block->on)) {
				check_target(config, step, block, findings);
			}
		}
	}
	free(envs.names);
	free(targets.names);
}
