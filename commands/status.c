#include "commands/command.h"
#include "commands/list.h"

const struct command command_status = {
	.name = "status",
	.in_threads = true,
	.type = REQUEST_STATUS,
	.usage = "!status",
	.summary = "where the run is now",
	.who = "everybody",
	.pattern = COMMAND_ALONE,
	.parse = command_parse_alone,
};
