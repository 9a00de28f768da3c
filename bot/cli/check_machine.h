#ifndef CHECK_MACHINE_H
#define CHECK_MACHINE_H

#include "app/config_file.h"
#include "codec/online_judge.h"
#include "codec/tools.h"

/*
 * What of this machine a night needs: the step runner, a state folder with
 * room on a disk of its own, and the programs that the runbook's commands call.
 * Runs `steprun --version` and nothing else, and writes nothing.
 *
 * @tools: what the runbook's commands call.
 */
void check_machine(const struct config_file *file, const struct tools *tools,
		struct online_judge *judge);

#endif
