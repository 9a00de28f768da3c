#include "commands/command.h"
#include "commands/list.h"

static void parse(const struct match_found *found, const char *rest,
		struct command_match *out) {
	command_parse_text(found, rest, out);
	if (out->text == NULL) {
		command_miss(out, "**What did you find?**\n`!review WHY`");
	}
}

const struct command command_review = {
	.name = "review",
	.type = REQUEST_REVIEW,
	.usage = "!review WHY",
	.summary = "look at an override afterwards",
	.who = "one who was passed over",
	.pattern = COMMAND_TEXT,
	.parse = parse,
};
