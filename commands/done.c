#include "commands/command.h"
#include "commands/list.h"

const struct command command_done = {
	.name = "done",
	.in_threads = true,
	.type = REQUEST_DONE,
	.usage = "!done STEP [evidence]",
	.summary = "it is done",
	.who = "the step's owner",
	.pattern = COMMAND_STEP_TEXT,
	.parse = command_parse_step_text,
};
