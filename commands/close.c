#include "commands/command.h"
#include "commands/list.h"

const struct command command_close = {
	.name = "close",
	.cutover = true,
	.type = REQUEST_CLOSE,
	.usage = "!cutover close",
	.summary = "end the record",
	.who = "the lead",
	.pattern = COMMAND_ALONE,
	.parse = command_parse_alone,
};
