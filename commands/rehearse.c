#include "commands/command.h"
#include "commands/list.h"

const struct command command_rehearse = {
	.name = "rehearse",
	.cutover = true,
	.type = REQUEST_REHEARSE,
	.usage = "!cutover rehearse",
	.summary = "run the rehearsal",
	.who = "the lead",
	.pattern = COMMAND_ALONE,
	.parse = command_parse_alone,
};
