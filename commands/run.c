#include "commands/command.h"
#include "commands/list.h"

const struct command command_run = {
	.name = "run",
	.type = REQUEST_RUN,
	.usage = "!run STEP",
	.summary = "yes, run what asks",
	.who = "the step's owner, the lead",
	.pattern = COMMAND_STEP,
	.parse = command_parse_step,
};
