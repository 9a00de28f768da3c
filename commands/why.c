#include "commands/command.h"
#include "commands/list.h"

const struct command command_why = {
	.name = "why",
	.type = REQUEST_WHY,
	.usage = "!why",
	.summary = "what do we wait for?",
	.who = "everybody",
	.pattern = COMMAND_ALONE,
	.parse = command_parse_alone,
};
