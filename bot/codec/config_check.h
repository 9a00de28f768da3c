#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include <stddef.h>

#include "codec/config.h"
#include "core/runbook.h"

/*
 * What must hold between the parts of a config, each of which may be right by
 * itself.  Adds what does not to @findings; returns how many errors.  Copes
 * with a config that lacks what it needs, for one look should find all.
 */
size_t config_check(const struct config *config, struct findings *findings);

#endif
