#include "commands/command.h"
#include "commands/list.h"

const struct command command_pass = {
	.name = "pass",
	.type = REQUEST_PASS,
	.usage = "!pass STEP [WHY]",
	.summary = "no, it is not needed",
	.who = "the step's owner, the lead",
	.pattern = COMMAND_STEP_TEXT,
	.parse = command_parse_step_text,
};
