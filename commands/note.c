#include "commands/command.h"
#include "commands/list.h"

static void parse(const struct match_found *found, const char *rest,
		struct command_match *out) {
	command_parse_text(found, rest, out);
	if (out->request.type == REQUEST_NOTE && out->text == NULL) {
		command_miss(out, "**Note what?** Say it in one go:\n`!note TEXT`");
	}
}

const struct command command_note = {
	.name = "note",
	.in_threads = true,
	.type = REQUEST_NOTE,
	.usage = "!note TEXT",
	.summary = "put it on record",
	.who = "everybody",
	.pattern = COMMAND_TEXT,
	.parse = parse,
};
