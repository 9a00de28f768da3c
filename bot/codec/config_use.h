#ifndef CONFIG_USE_H
#define CONFIG_USE_H

#include "codec/config.h"
#include "core/runbook.h"

/*
 * What a runbook asks of a config apart from people: every `env=` has its
 * section, every `on=` a target, and on one that commands can run.  Each is
 * said once, where the runbook first uses it.  The rules:
 *
 *	env-unknown     no [env NAME] of the config; error
 *	target-unknown  no [target NAME]; error
 */
void config_use_check(const struct config *config,
		const struct runbook *runbook, struct findings *findings);

#endif
