#include "commands/command.h"
#include "commands/list.h"

const struct command command_fail = {
	.name = "fail",
	.in_threads = true,
	.type = REQUEST_FAIL,
	.usage = "!fail STEP WHY",
	.summary = "it failed, or stop it",
	.who = "the step's owner, the lead",
	.pattern = COMMAND_STEP_TEXT,
	.parse = command_parse_step_why,
};
