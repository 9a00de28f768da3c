#include "base/xalloc.h"
#include "commands/command.h"
#include "commands/list.h"

static char *take(const struct match_group *group) {
	return group->start != NULL && group->len > 0
			? xstrndup(group->start, group->len)
			: NULL;
}

static void parse(const struct match_found *found, const char *rest,
		struct command_match *out) {
	(void)rest;
	if (found == NULL) {
		command_miss(out,
				"**Which role, and to whom?**\n"
				"`!delegate ROLE @user until 4h`");
		return;
	}
	out->role = take(&found->groups[1]);
	out->who = take(&found->groups[2]);
	out->until = take(&found->groups[3]);
}

const struct command command_delegate = {
	.name = "delegate",
	.type = REQUEST_DELEGATE,
	.usage = "!delegate ROLE @user [until TIME]",
	.summary = "name your stand-in",
	.who = "the role's primary",
	.pattern = "^([^@]*[^@\\s])\\s+@([a-z0-9][a-z0-9._-]*[a-z0-9])"
			   "(?:\\s+until\\s+(\\S+)(?:\\s+UTC)?)?[.!?]*$",
	.parse = parse,
};
