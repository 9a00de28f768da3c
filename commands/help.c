#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "commands/command.h"
#include "commands/list.h"

/* `!help`, `!help start`, and what people make of it: `!help !cutover start`.
 * The command's name is the last word. */
static void parse(const struct match_found *found, const char *rest,
		struct command_match *out) {
	if (found == NULL) {
		char *quoted = command_quote(rest, strlen(rest));
		command_miss(out, "**Help with what?** %s\n`!help`, or `!help start`",
				quoted);
		free(quoted);
		return;
	}
	const struct match_group *word = &found->groups[1];
	if (word->start == NULL) {
		return;
	}
	const struct command *about = command_find(word->start, word->len);
	out->text = about != NULL ? xstrdup(about->name)
							  : xstrndup(word->start, word->len);
}

const struct command command_help = {
	.name = "help",
	.type = REQUEST_HELP,
	.usage = "!help [command]",
	.summary = "what you may do now",
	.who = "everybody",
	.pattern = "^(?:(?:(?:me|with)\\s+)?!?(?:cutover\\s+!?)?([a-z]{1,20}))?"
			   "[.!?]*$",
	.parse = parse,
};
