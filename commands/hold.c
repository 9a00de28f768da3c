#include "commands/command.h"
#include "commands/list.h"

const struct command command_hold = {
	.name = "hold",
	.cutover = true,
	.in_threads = true,
	.type = REQUEST_HOLD,
	.usage = "!cutover hold [WHY]",
	.summary = "stop before a step",
	.who = "everybody; a rollback only the lead",
	.pattern = COMMAND_TEXT,
	.parse = command_parse_text,
};
