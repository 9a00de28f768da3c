#include "commands/command.h"
#include "commands/list.h"

const struct command command_start = {
	.name = "start",
	.cutover = true,
	.type = REQUEST_START,
	.usage = "!cutover start",
	.summary = "check, then the T0 gate",
	.who = "the lead",
	.pattern = COMMAND_ALONE,
	.parse = command_parse_alone,
};
