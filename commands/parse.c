#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/xalloc.h"
#include "commands/clean.h"
#include "commands/command.h"
#include "commands/near.h"

#define WORDS_LETTERS 200

static bool is_cutover(const char *text, size_t len) {
	static const char word[] = "cutover";
	return len == sizeof(word) - 1 && strncasecmp(text, word, len) == 0;
}

static const char *skip_blanks(const char *text) {
	return text + strspn(text, " \n");
}

static bool begins_command(const char *line) {
	size_t whole = 0;
	size_t len = *line == '!' ? clean_word(line + 1, &whole) : 0;
	return len > 0 &&
			(is_cutover(line + 1, len) || command_find(line + 1, len) != NULL);
}

/* A second command on a line below would be swallowed as the first's text. */
static bool has_second_command(const char *line) {
	while ((line = strchr(line, '\n')) != NULL) {
		line = skip_blanks(line);
		if (begins_command(line)) {
			return true;
		}
	}
	return false;
}

/* A pattern of the table that does not compile, or runs away on what it is
 * given, is a bug that the tests find; here it only finds nothing. */
static void match_rest(const char *rest, struct command_match *out) {
	struct err err = { 0 };
	size_t offset = 0;
	const char *pattern = out->command->pattern;
	struct match *match = match_compile(
			pattern, strlen(pattern), MATCH_IGNORE_CASE, &offset, &err);
	if (match == NULL) {
		abort();
	}
	struct match_found found;
	enum match_answer answer = match_find(
			match, rest, strlen(rest), &found, &err);
	if (answer == MATCH_ERROR) {
		command_miss(out, "**Too long.** Nothing was done\n`%s`",
				out->command->usage);
	} else {
		out->command->parse(answer == MATCH_YES ? &found : NULL, rest, out);
	}
	match_free(match);
}

static void take_command(const struct command *command, const char *line,
		const char *rest, bool in_thread, struct command_match *out) {
	out->command = command;
	out->request.type = command->type;
	if (in_thread && !command->in_threads) {
		command_miss(out,
				"**Say it in the channel,** please,\n"
				"not in a thread: `%s`",
				command->usage);
	} else if (has_second_command(line)) {
		command_miss(out,
				"**One command a message,** please\n"
				"Nothing was done");
	} else {
		match_rest(rest, out);
	}
}

/* @line begins behind the `!`s; @loose: they were apart from it or several. */
static bool parse_line(const char *line, bool loose, bool in_thread,
		struct command_match *out) {
	size_t whole = 0;
	size_t len = clean_word(line, &whole);
	const char *rest = skip_blanks(line + whole);
	if (is_cutover(line, len)) {
		size_t second = clean_word(rest, &whole);
		const struct command *command = command_find(rest, second);
		if (command == NULL || !command->cutover) {
			near_cutover(rest, out);
		} else {
			take_command(
					command, line, skip_blanks(rest + whole), in_thread, out);
		}
		return true;
	}
	const struct command *command = command_find(line, len);
	if (command != NULL && !command->cutover) {
		take_command(command, line, rest, in_thread, out);
		return true;
	}
	return !loose && near_line(line, out);
}

/*
 * A command in backticks was shown, or copied with them; one behind several
 * `!`s may be a joke.  Neither is run, but whoever meant it must hear so.
 */
static void refuse_form(
		const char *why, const char *line, struct command_match *out) {
	char *quoted = command_quote(line, strlen(line));
	command_miss(out, "**Not run:** %s\n%s", why, quoted);
	free(quoted);
}

static void finish_request(const char *line, struct command_match *out) {
	out->words = clean_line(line, WORDS_LETTERS);
	out->request.words = out->words;
	out->request.command = out->command != NULL ? out->command->name : NULL;
	out->request.step = out->step;
	out->request.text = out->text;
	out->request.role = out->role;
	out->request.who = out->who;
	out->request.until = out->until;
	out->request.params = out->params;
	out->request.param_count = out->param_count;
}

void command_parse(
		const char *message, bool in_thread, struct command_match *out) {
	*out = (struct command_match){ 0 };
	bool quoted = false;
	char *line = clean_message(message, &quoted);
	if (line == NULL) {
		return;
	}
	size_t bangs = strspn(line, "!");
	const char *words = skip_blanks(line + bangs);
	bool loose = bangs > 1 || words > line + bangs;
	out->found = parse_line(words, loose, in_thread, out);
	if (out->found && out->request.type != REQUEST_MISSED) {
		if (quoted) {
			refuse_form("it stood in backticks", line, out);
		} else if (bangs > 1) {
			refuse_form("one ! is enough", line + bangs - 1, out);
		}
	}
	if (out->found) {
		finish_request(line, out);
	}
	free(line);
}

void command_match_finish(struct command_match *match) {
	for (size_t i = 0; i < match->param_count; i++) {
		free(match->params[i].name);
		free(match->params[i].value);
	}
	free(match->params);
	free(match->text);
	free(match->step);
	free(match->role);
	free(match->who);
	free(match->until);
	free(match->words);
	*match = (struct command_match){ 0 };
}
