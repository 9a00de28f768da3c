#include "commands/command.h"
#include "commands/list.h"

const struct command command_retry = {
	.name = "retry",
	.type = REQUEST_RETRY,
	.usage = "!retry STEP",
	.summary = "repeat what failed",
	.who = "the step's owner, the lead",
	.pattern = COMMAND_STEP,
	.parse = command_parse_step,
};
