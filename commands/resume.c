#include "commands/command.h"
#include "commands/list.h"

const struct command command_resume = {
	.name = "resume",
	.cutover = true,
	.type = REQUEST_RESUME,
	.usage = "!cutover resume",
	.summary = "go on after a hold",
	.who = "the lead",
	.pattern = COMMAND_ALONE,
	.parse = command_parse_alone,
};
