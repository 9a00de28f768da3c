#include "base/xalloc.h"
#include "commands/command.h"
#include "commands/list.h"

static void parse(const struct match_found *found, const char *rest,
		struct command_match *out) {
	(void)rest;
	if (found != NULL) {
		out->role = xstrndup(found->groups[1].start, found->groups[1].len);
		command_take_text(out, &found->groups[2]);
	}
	if (out->text == NULL) {
		command_miss(out,
				"**Which gate, and why?** Nothing was done\n"
				"`!override T0 WHY`\n"
				"plan, T0, success, rollback or files");
	}
}

const struct command command_override = {
	.name = "override",
	.type = REQUEST_OVERRIDE,
	.usage = "!override GATE WHY",
	.summary = "break the glass",
	.who = "whom the config names in [override]",
	.pattern = "^(plan|t0|start|success|rollback|files|step)"
			   "(?:\\s+(\\S[\\s\\S]*))?$",
	.parse = parse,
};
