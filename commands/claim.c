#include "commands/command.h"
#include "commands/list.h"

const struct command command_claim = {
	.name = "claim",
	.in_threads = true,
	.type = REQUEST_CLAIM,
	.usage = "!claim STEP",
	.summary = "you are on it",
	.who = "who holds the owner's role",
	.pattern = COMMAND_STEP,
	.parse = command_parse_step,
};
