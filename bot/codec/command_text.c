#include "codec/command_text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

#define ELLIPSIS "\xe2\x80\xa6"

static bool is_wordy(char c) {
	return isalnum((unsigned char)c) || c == '_';
}

static bool is_blank(char c) {
	return c == ' ' || c == '\t';
}

/* Dots or the character of three: its length at @at; 0 if none stands there. */
static size_t ellipsis_len(const char *text, size_t at) {
	if (strncmp(text + at, ELLIPSIS, strlen(ELLIPSIS)) == 0) {
		return strlen(ELLIPSIS);
	}
	size_t dots = strspn(text + at, ".");
	return dots >= 3 ? dots : 0;
}

static bool is_todo(const char *text, size_t at) {
	return strncmp(text + at, "TODO", 4) == 0 && !is_wordy(text[at + 4]) &&
			(at == 0 || !is_wordy(text[at - 1]));
}

/* The length of `<some name>` at @at; 0 if there is none.  *words tells whether
 * it has blanks. */
static size_t angle_len(const char *text, size_t at, bool *words) {
	size_t i = at + 1;
	*words = false;
	if (!isalpha((unsigned char)text[i])) {
		return 0;
	}
	while (is_wordy(text[i]) || text[i] == '-' || text[i] == '.' ||
			(text[i] == ' ' && is_wordy(text[i + 1]))) {
		*words = *words || text[i] == ' ';
		i++;
	}
	return text[i] == '>' ? i + 1 - at : 0;
}

/* Whether `<in>out` or `<in arg> out` reads as redirections. */
static bool redirects(const char *text, size_t at, size_t len, bool words) {
	bool glued = at > 0 && !is_blank(text[at - 1]) &&
			strchr("\n;&|(", text[at - 1]) == NULL;
	const char *after = text + at + len;
	if (glued) {
		return false;
	}
	if (words) {
		after += strspn(after, " \t");
		return *after != '\0' && strchr("\n;&|)\"'-<", *after) == NULL;
	}
	return is_wordy(*after) ||
			(*after != '\0' && strchr("$\"'~>&|", *after) != NULL) ||
			strncmp(after, "./", 2) == 0 || strncmp(after, "/dev/", 5) == 0;
}

static size_t placeholder_len(
		const char *text, size_t at, enum shell_byte kind) {
	bool words = false;
	size_t len = ellipsis_len(text, at);
	if (kind == SHELL_HEREDOC) {
		return 0;
	}
	if (is_todo(text, at)) {
		return 4;
	}
	if (kind == SHELL_COMMENT) {
		return 0;
	}
	if (len > 0) {
		bool path = at > 0 && text[at - 1] == '/';
		return path && text[at] == '.' ? 0 : len;
	}
	if (text[at] != '<' || kind != SHELL_PLAIN) {
		return 0;
	}
	len = angle_len(text, at, &words);
	return len > 0 && !redirects(text, at, len, words) ? len : 0;
}

bool command_text_placeholder(const char *text, const struct shell_scan *scan,
		size_t from, struct command_spot *spot) {
	for (size_t at = from; at < scan->len; at++) {
		size_t len = placeholder_len(
				text, at, (enum shell_byte)scan->bytes[at]);
		if (len > 0) {
			*spot = (struct command_spot){ at, len };
			return true;
		}
		if (ellipsis_len(text, at) > 0) {
			at += ellipsis_len(text, at) - 1; // a run counts as a whole
		}
	}
	return false;
}

bool command_text_request_placeholder(
		const char *text, size_t from, struct command_spot *spot) {
	const char *body = strstr(text, "\n\n");
	size_t end = body != NULL ? (size_t)(body - text) : strlen(text);
	for (size_t at = from; at < end; at++) {
		bool words = false;
		size_t len = ellipsis_len(text, at);
		if (len == 0 && is_todo(text, at)) {
			len = 4;
		}
		if (len == 0 && text[at] == '<') {
			len = angle_len(text, at, &words);
		}
		if (len > 0) {
			*spot = (struct command_spot){ at, len };
			return true;
		}
	}
	return false;
}

static const char *base_name(const char *path) {
	const char *slash = strrchr(path, '/');
	return slash != NULL ? slash + 1 : path;
}

static bool is_one_of(const char *word, const char *const *words) {
	for (size_t i = 0; words[i] != NULL; i++) {
		if (strcmp(word, words[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* Commands that run another, and their options that take a word. */
static const struct wrapper {
	const char *name;
	const char *with_word;
} wrappers[] = {
	{ "sudo", "CghpRrTtUu" },
	{ "env", "CSu" },
	{ "nice", "n" },
	{ "exec", "a" },
	{ "time", "fo" },
	{ "stdbuf", "" },
	{ "nohup", "" },
	{ "setsid", "" },
	{ "command", "" },
	{ "builtin", "" },
};

static const struct wrapper *find_wrapper(const char *name) {
	for (size_t i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++) {
		if (strcmp(wrappers[i].name, name) == 0) {
			return &wrappers[i];
		}
	}
	return NULL;
}

/* The index of the word that names what runs, behind sudo and the like;
 * *bounded where one of them is `timeout`. */
static size_t first_word(const struct shell_command *command, bool *bounded) {
	size_t i = 0;
	while (i < command->count) {
		const char *name = base_name(command->words[i]);
		const struct wrapper *wrapper = find_wrapper(name);
		*bounded = *bounded || strcmp(name, "timeout") == 0;
		if (wrapper == NULL) {
			break;
		}
		i++;
		while (i < command->count &&
				(command->words[i][0] == '-' ||
						strchr(command->words[i], '=') != NULL)) {
			const char *word = command->words[i];
			bool takes_word = word[0] == '-' && word[1] != '\0' &&
					word[2] == '\0' &&
					strchr(wrapper->with_word, word[1]) != NULL;
			i += takes_word ? 2 : 1;
		}
	}
	return i;
}

/* Whether @word is a cluster of short options, all of @allowed, with @option
 * among them. */
static bool has_short(
		const char *word, const char *allowed, const char *option) {
	return word[0] == '-' && word[1] != '-' && word[1] != '\0' &&
			strspn(word + 1, allowed) == strlen(word + 1) &&
			strpbrk(word + 1, option) != NULL;
}

static bool is_long(const char *word, const char *option) {
	size_t len = strlen(option);
	return strncmp(word, option, len) == 0 &&
			(word[len] == '\0' ||
					(word[len] == '=' && strcmp(word + len, "=false") != 0));
}

/* Whether word @index makes the command, which is @name, follow for ever. */
static bool follows(const struct shell_command *command, size_t index,
		const char *name, bool logs) {
	static const char *const followed[] = { "tail", "journalctl", NULL };
	static const char *const quoting[] = { "echo", "printf", "grep", NULL };
	const char *word = command->words[index];
	if (is_one_of(name, quoting)) {
		return false;
	}
	if (is_long(word, "--watch") || is_long(word, "--watch-only")) {
		return true;
	}
	if (strcmp(name, "kubectl") == 0 || strcmp(name, "oc") == 0) {
		if (strcmp(word, "-w") == 0 || strcmp(word, "-w=true") == 0) {
			return true;
		}
	}
	if (is_one_of(name, followed)) {
		return has_short(word, "0123456789fFnqvu", "fF") ||
				is_long(word, "--follow");
	}
	return logs &&
			(has_short(word, "ft", "f") || is_long(word, "--follow") ||
					strcmp(word, "-f=true") == 0);
}

/* `top -bn 1` ends. */
static bool counts(const struct shell_command *command, size_t from) {
	for (size_t i = from; i < command->count; i++) {
		if (command->words[i][0] == '-' &&
				strchr(command->words[i], 'n') != NULL) {
			return true;
		}
	}
	return false;
}

static bool command_endless(
		const struct shell_command *command, size_t *offset, const char **why) {
	bool bounded = false;
	size_t first = first_word(command, &bounded);
	if (bounded || first >= command->count) {
		return false;
	}
	const char *name = base_name(command->words[first]);
	if (strcmp(name, "watch") == 0 ||
			(strcmp(name, "top") == 0 && !counts(command, first + 1))) {
		*offset = command->offsets[first];
		*why = command->words[first];
		return true;
	}
	bool logs = false;
	for (size_t i = first + 1; i < command->count; i++) {
		if (follows(command, i, name, logs)) {
			*offset = command->offsets[i];
			*why = command->words[i];
			return true;
		}
		logs = logs || strcmp(command->words[i], "logs") == 0;
	}
	return false;
}

bool command_text_endless(
		const struct shell_scan *scan, size_t *offset, const char **why) {
	for (size_t i = 0; i < scan->command_count; i++) {
		if (command_endless(&scan->commands[i], offset, why)) {
			return true;
		}
	}
	return false;
}

bool command_text_find_word(
		const char *text, const char *word, size_t *offset) {
	size_t len = strlen(word);
	for (size_t at = 0; text[at] != '\0'; at++) {
		if (strncasecmp(text + at, word, len) == 0 &&
				(at == 0 || !isalnum((unsigned char)text[at - 1])) &&
				!isalnum((unsigned char)text[at + len])) {
			*offset = at;
			return true;
		}
	}
	return false;
}

/* --- what nobody sees --- */

static bool is_unseen(uint32_t point) {
	static const struct {
		uint32_t first;
		uint32_t last;
	} ranges[] = {
		{ 0x00, 0x08 },       // controls, but tab and newline
		{ 0x0B, 0x1F },       //
		{ 0x7F, 0x9F },       // delete, and the controls of Latin 1
		{ 0xAD, 0xAD },       // soft hyphen
		{ 0x180E, 0x180E },   // Mongolian vowel separator
		{ 0x200B, 0x200B },   // no width
		{ 0x2028, 0x2029 },   // line separators
		{ 0x2060, 0x2064 },   // joiners
		{ 0xFEFF, 0xFEFF },   // byte order mark
		{ 0xFFF9, 0xFFFB },   // annotations
		{ 0xE0000, 0xE007F }, // tags
	};
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (point >= ranges[i].first && point <= ranges[i].last) {
			return true;
		}
	}
	return false;
}

/* Joiners are at home in emoji and some scripts, never beside ASCII. */
static bool is_lone_joiner(const char *text, size_t at, uint32_t point) {
	bool joiner = point == 0x200C || point == 0x200D;
	return joiner &&
			(at == 0 || ((unsigned char)text[at - 1] & 0x80u) == 0 ||
					((unsigned char)text[at + 3] & 0x80u) == 0);
}

bool command_text_unseen(
		const char *text, struct command_spot *spot, uint32_t *point) {
	for (size_t at = 0, len = 0; text[at] != '\0'; at += len) {
		*point = utf8_next(text + at, &len);
		if (utf8_turns(*point) || is_unseen(*point) ||
				is_lone_joiner(text, at, *point)) {
			*spot = (struct command_spot){ .start = at, .len = len };
			return true;
		}
	}
	return false;
}
