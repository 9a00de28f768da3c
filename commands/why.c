#include "commands/command.h"
#include "commands/list.h"

const struct command command_why = {
	.name = "why",
	.type = REQUEST_WHY,
	.usage = "!why",
	.summary = "what are we waiting for, and for whom",
	.who = "everybody",
	.pattern = COMMAND_ALONE,
	.parse = command_parse_alone,
};
