#include "commands/command.h"
#include "commands/list.h"

const struct command command_skip = {
	.name = "skip",
	.type = REQUEST_SKIP,
	.usage = "!skip STEP WHY",
	.summary = "go on without it",
	.who = "the lead",
	.pattern = COMMAND_STEP_TEXT,
	.parse = command_parse_step_why,
};
