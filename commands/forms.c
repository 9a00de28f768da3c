#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "base/xalloc.h"
#include "commands/clean.h"
#include "commands/command.h"
#include "commands/near.h"

#define TEXT_LETTERS 2000

/* What stands in usages to be replaced, pasted as it is, says nothing. */
static bool is_placeholder(const char *text) {
	static const char *const words[] = { "WHY", "TEXT", "GROUP", "STEP",
		"evidence" };
	text += strspn(text, "<[{(\"'");
	size_t len = strcspn(text, ">]})\"'.!?");
	if (text[len + strspn(text + len, ">]})\"'.!?")] != '\0') {
		return false;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i]) == len && strncmp(words[i], text, len) == 0) {
			return true;
		}
	}
	return false;
}

/* Nothing but punctuation is no text either. */
static bool says_something(const char *text) {
	return text[strspn(text, " \n.,:;!?-")] != '\0' && !is_placeholder(text);
}

void command_take_text(
		struct command_match *out, const struct match_group *group) {
	if (group->start == NULL) {
		return;
	}
	char *text = xstrndup(group->start, group->len);
	if (says_something(text)) {
		text[utf8_prefix(text, TEXT_LETTERS)] = '\0';
		out->text = text;
	} else {
		free(text);
	}
}

static void take_step(
		struct command_match *out, const struct match_group *group) {
	out->step = xstrndup(group->start, group->len);
}

void command_parse_alone(const struct match_found *found, const char *rest,
		struct command_match *out) {
	if (found != NULL) {
		return;
	}
	char *quoted = command_quote(rest, utf8_prefix(rest, 16));
	command_miss(out, "**It stands alone:** not with %s\n`%s`", quoted,
			out->command->usage);
	free(quoted);
}

/* `4,2,1`, as a number pad types it. */
static bool suggest_dots(const char *rest, struct command_match *out) {
	size_t whole = 0;
	size_t len = clean_word(rest, &whole);
	if (len == 0 || strspn(rest, "0123456789.,") < len ||
			memchr(rest, ',', len) == NULL) {
		return false;
	}
	char *line = xstrdup(rest);
	for (size_t i = 0; i < len; i++) {
		if (line[i] == ',') {
			line[i] = '.';
		}
	}
	near_suggest(out, out->command, line);
	free(line);
	return true;
}

/* The answer to a form without a step, or with more than a step. */
static void miss_step(const char *rest, struct command_match *out) {
	size_t digits = strspn(rest, "0123456789.");
	if (suggest_dots(rest, out)) {
		return;
	}
	if (digits > 0 && (rest[digits] == ' ' || rest[digits] == '\n')) {
		const char *more = rest + digits + strspn(rest + digits, " \n");
		char *quoted = command_quote(more, utf8_prefix(more, 16));
		command_miss(out, "**Only the step, not** %s\n`!%s %.*s`", quoted,
				out->command->name, (int)(digits < 40 ? digits : 40), rest);
		free(quoted);
		return;
	}
	command_miss(
			out, "**Which step?** Say its number:\n`%s`", out->command->usage);
	out->request.wants_step = true;
	out->request.meant = out->command->type;
}

void command_parse_step(const struct match_found *found, const char *rest,
		struct command_match *out) {
	if (found == NULL) {
		miss_step(rest, out);
		return;
	}
	take_step(out, &found->groups[1]);
}

/* "4.2 and 4.3" behind a step is no evidence, it is two more steps. */
static bool is_more_steps(const char *text) {
	size_t dotted = 0;
	while (*text != '\0') {
		size_t whole = 0;
		size_t len = clean_word(text, &whole);
		bool number = len > 0 && strspn(text, "0123456789.") >= len;
		bool joins = (len == 3 && strncasecmp(text, "and", 3) == 0) ||
				(len == 1 && (*text == '+' || *text == '&'));
		if (!number && !joins) {
			return false;
		}
		dotted += number && memchr(text, '.', len) != NULL ? 1u : 0u;
		text += whole;
		text += strspn(text, " \n");
	}
	return dotted > 0;
}

void command_parse_step_text(const struct match_found *found, const char *rest,
		struct command_match *out) {
	if (found == NULL) {
		miss_step(rest, out);
		return;
	}
	take_step(out, &found->groups[1]);
	command_take_text(out, &found->groups[2]);
	if (out->text != NULL && is_more_steps(out->text)) {
		command_miss(out, "**One step at a time:** nothing done\n`!%s %s`",
				out->command->name, out->step);
	}
}

void command_parse_step_why(const struct match_found *found, const char *rest,
		struct command_match *out) {
	command_parse_step_text(found, rest, out);
	if (out->request.type != REQUEST_MISSED && out->text == NULL) {
		command_miss(out, "**Say why.** Nothing was done\n`!%s %s WHY`",
				out->command->name, out->step);
	}
}

void command_parse_text(const struct match_found *found, const char *rest,
		struct command_match *out) {
	(void)rest;
	if (found != NULL) {
		command_take_text(out, &found->groups[1]);
	}
}
