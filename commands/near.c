#include "commands/near.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/xalloc.h"
#include "commands/clean.h"

#define WORD_MAX 16

/* Other words that people have for it. */
static const struct {
	const char *word;
	const char *command; // NULL: a tap, not a command
} other_words[] = {
	{ "approve", NULL },
	{ "approved", NULL },
	{ "confirm", NULL },
	{ "veto", NULL },
	{ "refuse", NULL },
	{ "reject", NULL },
	{ "stop", "hold" },
	{ "pause", "hold" },
	{ "halt", "hold" },
	{ "wait", "hold" },
	{ "continue", "resume" },
	{ "unhold", "resume" },
	{ "go", "start" },
	{ "begin", "start" },
	{ "launch", "start" },
	{ "undo", "rollback" },
	{ "revert", "rollback" },
	{ "roll", "rollback" },
	{ "cancel", "abort" },
	{ "end", "close" },
	{ "finish", "close" },
	{ "failed", "fail" },
	{ "ok", "done" },
	{ "finished", "done" },
	{ "again", "retry" },
	{ "rerun", "retry" },
	{ "repeat", "retry" },
	{ "vote", "poll" },
	{ "stat", "status" },
	{ "state", "status" },
	{ "rehearsal", "rehearse" },
	{ "mine", "claim" },
	{ "comment", "note" },
	{ "commands", "help" },
};

static bool is_word(const char *text, size_t len, const char *word) {
	return strlen(word) == len && strncasecmp(text, word, len) == 0;
}

static unsigned char lower(char c) {
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static size_t least(size_t a, size_t b) {
	return a < b ? a : b;
}

/* Letters to insert, delete, change or swap with the next to get from @a to
 * @b; both at most WORD_MAX long. */
static size_t distance(
		const char *a, size_t a_len, const char *b, size_t b_len) {
	size_t cost[WORD_MAX + 1][WORD_MAX + 1];
	for (size_t i = 0; i <= a_len; i++) {
		for (size_t j = 0; j <= b_len; j++) {
			if (i == 0 || j == 0) {
				cost[i][j] = i + j;
				continue;
			}
			bool same = lower(a[i - 1]) == lower(b[j - 1]);
			size_t best = cost[i - 1][j - 1] + (same ? 0 : 1);
			best = least(best, cost[i - 1][j] + 1);
			best = least(best, cost[i][j - 1] + 1);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
					lower(a[i - 2]) == lower(b[j - 1])) {
				best = least(best, cost[i - 2][j - 2] + 1);
			}
			cost[i][j] = best;
		}
	}
	return cost[a_len][b_len];
}

/* Of three letters only swapped ones are taken for a slip: `!fun` is talk. */
static bool is_like(const char *text, size_t len, const char *word) {
	size_t word_len = strlen(word);
	if (len < 3 || len > WORD_MAX || word_len > WORD_MAX) {
		return false;
	}
	size_t shorter = least(len, word_len);
	size_t far = distance(text, len, word, word_len);
	if (shorter >= 5) {
		return far <= 2;
	}
	if (shorter == 4) {
		return far <= 1;
	}
	return len == word_len && far == 1 &&
			((lower(text[0]) == lower(word[1]) &&
					 lower(text[1]) == lower(word[0])) ||
					(lower(text[1]) == lower(word[2]) &&
							lower(text[2]) == lower(word[1])));
}

static const struct command *like_command(const char *text, size_t len) {
	size_t count = 0;
	const struct command *const *table = command_table(&count);
	const struct command *best = NULL;
	size_t best_far = WORD_MAX;
	for (size_t i = 0; i < count; i++) {
		const char *name = table[i]->name;
		if (!is_like(text, len, name)) {
			continue;
		}
		size_t far = distance(text, len, name, strlen(name));
		if (far < best_far) {
			best = table[i];
			best_far = far;
		}
	}
	return best;
}

void near_suggest(struct command_match *out, const struct command *command,
		const char *rest) {
	if (strcmp(command->pattern, COMMAND_ALONE) == 0) {
		rest = ""; // with more it would be refused
	}
	char *line = xasprintf("!%s%s%s%s", command->cutover ? "cutover " : "",
			command->name, *rest != '\0' ? " " : "", rest);
	char *quoted = command_quote(line, strlen(line));
	out->command = command;
	command_miss(out, "**Did you mean this?** Nothing was done\n%s", quoted);
	free(quoted);
	free(line);
}

static bool other_word(const char *word, size_t len, const char *rest,
		struct command_match *out) {
	for (size_t i = 0; i < sizeof(other_words) / sizeof(other_words[0]); i++) {
		if (!is_word(word, len, other_words[i].word)) {
			continue;
		}
		const char *command = other_words[i].command;
		if (command == NULL) {
			command_miss(out,
					"**Nothing is approved by words**\n"
					"Tap ✅ or ❌ on the gate's own post");
		} else {
			if (strcmp(command, "rollback") == 0 &&
					strncasecmp(rest, "back", 4) == 0) {
				rest += 4;
				rest += strspn(rest, " ");
			}
			near_suggest(out, command_find(command, strlen(command)), rest);
		}
		return true;
	}
	return false;
}

/* What follows the word at @text, its punctuation and the blanks. */
static const char *behind(const char *text) {
	size_t whole = 0;
	clean_word(text, &whole);
	text += whole;
	return text + strspn(text, " \n");
}

static bool suggest_if_like(
		const char *text, const char *rest, struct command_match *out) {
	size_t whole = 0;
	size_t len = clean_word(text, &whole);
	const struct command *command = command_find(text, len);
	if (command == NULL) {
		command = like_command(text, len);
	}
	if (command == NULL) {
		return other_word(text, len, rest, out);
	}
	near_suggest(out, command, rest);
	return true;
}

void near_cutover(const char *rest, struct command_match *out) {
	if (*rest == '\0') {
		command_miss(out,
				"**`!cutover` and what?** One of\n"
				"plan, rehearse, poll, start, hold,\n"
				"resume, decide, abort, close");
		return;
	}
	if (suggest_if_like(rest, behind(rest), out)) {
		return;
	}
	size_t whole = 0;
	clean_word(rest, &whole);
	char *quoted = command_quote(rest, least(whole, 16));
	command_miss(out,
			"**Unknown:** `!cutover` with %s\n"
			"`!help` shows what you can say",
			quoted);
	free(quoted);
}

/* `!cutover-start`, `!cutoverstart`, `!cutover/start`. */
static bool glued(const char *line, struct command_match *out) {
	static const char cutover[] = "cutover";
	if (strncasecmp(line, cutover, sizeof(cutover) - 1) != 0) {
		return false;
	}
	const char *second = line + sizeof(cutover) - 1;
	second += strspn(second, "-_/.:,\\");
	return suggest_if_like(second, behind(second), out);
}

bool near_line(const char *line, struct command_match *out) {
	size_t whole = 0;
	size_t len = clean_word(line, &whole);
	const char *rest = behind(line);
	if (glued(line, out)) {
		return true;
	}
	if (is_word(line, len, "cut") && strncasecmp(rest, "over", 4) == 0) {
		near_cutover(behind(rest), out);
		return true;
	}
	if (is_like(line, len, "cutover")) {
		near_cutover(rest, out);
		return true;
	}
	return suggest_if_like(line, rest, out);
}
