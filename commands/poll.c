#include "commands/command.h"
#include "commands/list.h"

const struct command command_poll = {
	.name = "poll",
	.cutover = true,
	.type = REQUEST_POLL,
	.usage = "!cutover poll [GROUP]",
	.summary = "ask: go or no-go?",
	.who = "the lead, or the timeline",
	.pattern = COMMAND_TEXT,
	.parse = command_parse_text,
};
