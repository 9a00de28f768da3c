#ifndef CHECK_ONLINE_H
#define CHECK_ONLINE_H

#include <stdbool.h>

#include "app/config_file.h"
#include "core/runbook.h"

/*
 * What only shows on the night's own machine and against the night's own
 * server: can it be reached, is the token good, is the channel there, is
 * everybody there who is named, and is the machine ready for the commands.
 * Nothing is posted.
 */

/*
 * Add what is found to @findings; each at the line of the config that it is
 * about.  @runbook: whose commands and roles are looked for; NULL: none.
 * False: the server could not be reached, which is a finding too.
 */
bool check_online(const struct config_file *file, const struct runbook *runbook,
		struct findings *findings);

#endif
