#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "commands/command.h"
#include "commands/list.h"

#define PARAMS_MAX 64
#define PAIR_USAGE "`!cutover plan NAME=VALUE`"

/*
 * One NAME=VALUE at the start of what is left.  The value ends at a blank or
 * stands in quotes, straight or as a phone curls them.
 */
static const char pair_pattern[] =
		"^\\s*([a-z_][a-z0-9_]{0,63})=(?:[\"\xE2\x80\x9C\xE2\x80\x9D\xE2\x80\x9E]"
		"([^\"\xE2\x80\x9C\xE2\x80\x9D]*)[\"\xE2\x80\x9C\xE2\x80\x9D]|"
		"'([^']*)'|([^\\s\"'\xE2\x80\x9C\xE2\x80\x9D\xE2\x80\x9E]+))(?=\\s|$)";

static bool given_before(
		const struct command_match *out, const struct match_group *name) {
	for (size_t i = 0; i < out->param_count; i++) {
		if (strlen(out->params[i].name) == name->len &&
				memcmp(out->params[i].name, name->start, name->len) == 0) {
			return true;
		}
	}
	return false;
}

static void add(struct command_match *out, const struct match_found *found) {
	const struct match_group *name = &found->groups[1];
	const struct match_group *value = &found->groups[2];
	for (size_t i = 2; i < found->count; i++) {
		if (found->groups[i].start != NULL) {
			value = &found->groups[i];
		}
	}
	out->params = xreallocarray(
			out->params, out->param_count + 1, sizeof(*out->params));
	out->params[out->param_count] = (struct plan_value){
		.name = xstrndup(name->start, name->len),
		.value = xstrndup(value->start, value->len),
	};
	out->param_count++;
}

static void miss(struct command_match *out, const char *why, const char *word,
		size_t len) {
	char *quoted = command_quote(word, len);
	command_miss(out, "**%s** %s\n" PAIR_USAGE, why, quoted);
	free(quoted);
}

/* False when nothing but a miss can come of it. */
static bool take_pair(const struct match *pattern, const char **rest,
		struct command_match *out) {
	struct match_found found;
	struct err err = { 0 };
	size_t left = strlen(*rest);
	if (match_find(pattern, *rest, left, &found, &err) != MATCH_YES) {
		miss(out, "No NAME=VALUE:", *rest, strcspn(*rest, " \n"));
		return false;
	}
	if (given_before(out, &found.groups[1])) {
		miss(out, "Given twice:", found.groups[1].start, found.groups[1].len);
		return false;
	}
	if (out->param_count == PARAMS_MAX) {
		command_miss(out, "**Too many values:** at most %d", PARAMS_MAX);
		return false;
	}
	add(out, &found);
	*rest += found.groups[0].len;
	*rest += strspn(*rest, " \n");
	return true;
}

static void parse(const struct match_found *found, const char *rest,
		struct command_match *out) {
	if (found == NULL) {
		return;
	}
	size_t offset = 0;
	struct err err = { 0 };
	struct match *pattern = match_compile(pair_pattern,
			sizeof(pair_pattern) - 1, MATCH_IGNORE_CASE, &offset, &err);
	if (pattern == NULL) {
		abort();
	}
	if (strspn(rest, ".!?") == strlen(rest)) {
		rest = "";
	}
	while (*rest != '\0' && take_pair(pattern, &rest, out)) {
	}
	match_free(pattern);
}

const struct command command_plan = {
	.name = "plan",
	.cutover = true,
	.type = REQUEST_PLAN,
	.usage = "!cutover plan [NAME=VALUE …]",
	.summary = "fix the plan",
	.who = "the lead",
	.pattern = "^[\\s\\S]*$",
	.parse = parse,
};
