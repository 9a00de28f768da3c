#include "commands/command.h"
#include "commands/list.h"

const struct command command_who = {
	.name = "who",
	.type = REQUEST_WHO,
	.usage = "!who",
	.summary = "who holds which role",
	.who = "everybody",
	.pattern = COMMAND_ALONE,
	.parse = command_parse_alone,
};
