#include "commands/command.h"
#include "commands/list.h"

const struct command command_decide = {
	.name = "decide",
	.cutover = true,
	.type = REQUEST_DECIDE,
	.usage = "!cutover decide",
	.summary = "success, or what is red",
	.who = "the lead, or the timeline",
	.pattern = COMMAND_ALONE,
	.parse = command_parse_alone,
};
