#include "commands/command.h"
#include "commands/list.h"

static void parse(const struct match_found *found, const char *rest,
		struct command_match *out) {
	command_parse_text(found, rest, out);
	if (out->request.type == REQUEST_ABORT && out->text == NULL) {
		command_miss(
				out, "**Say why.** Nothing was aborted\n`!cutover abort WHY`");
	}
}

const struct command command_abort = {
	.name = "abort",
	.cutover = true,
	.type = REQUEST_ABORT,
	.usage = "!cutover abort WHY",
	.summary = "end it, no rollback",
	.who = "the lead",
	.pattern = COMMAND_TEXT,
	.parse = parse,
};
