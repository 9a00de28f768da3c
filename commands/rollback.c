#include "commands/command.h"
#include "commands/list.h"

const struct command command_rollback = {
	.name = "rollback",
	.in_threads = true,
	.type = REQUEST_ROLLBACK,
	.usage = "!rollback [WHY]",
	.summary = "ask to roll back",
	.who = "everybody may ask",
	.pattern = COMMAND_TEXT,
	.parse = command_parse_text,
};
