#include "codec/shell_builtin.h"

#include <string.h>

/* The names that are set. */
struct into {
	struct shell_name **list;
	size_t *count;
};

static bool is_first(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c) {
	return c >= '0' && c <= '9';
}

/* A word that begins with a name, alone or assigned to, sets it. */
static void add_set_word(struct into *into, const char *word, size_t offset) {
	size_t len = 0;
	while (is_first(word[len]) || (len > 0 && is_digit(word[len]))) {
		len++;
	}
	if (len > 0 && (word[len] == '\0' || strchr("=+[", word[len]) != NULL)) {
		shell_words_add(into->list, into->count, word, len, offset);
	}
}

static bool is_word(
		const struct shell_command *command, size_t index, const char *word) {
	return index < command->count && strcmp(command->words[index], word) == 0;
}

/* read, mapfile and the like: options of which some take a word, then names. */
static void add_read_names(struct into *into,
		const struct shell_command *command, size_t from, const char *with_word,
		bool array_option) {
	size_t i = from;
	while (i < command->count && command->words[i][0] == '-' &&
			command->words[i][1] != '\0') {
		const char *word = command->words[i++];
		const char *option = strpbrk(word + 1, with_word);
		if (option == NULL) {
			continue;
		}
		bool array = array_option && *option == 'a';
		if (option[1] != '\0') {
			if (array) {
				add_set_word(into, option + 1, command->offsets[i - 1]);
			}
		} else if (i < command->count) {
			if (array) {
				add_set_word(into, command->words[i], command->offsets[i]);
			}
			i++;
		}
	}
	for (; i < command->count; i++) {
		add_set_word(into, command->words[i], command->offsets[i]);
	}
}

/* Variables that the builtins of @command set. */
static void add_builtin_sets(
		struct into *into, const struct shell_command *command) {
	size_t first = 0;
	while (is_word(command, first, "builtin") ||
			is_word(command, first, "command")) {
		first++;
	}
	if (first >= command->count) {
		return;
	}
	const char *name = command->words[first];
	if (strcmp(name, "read") == 0) {
		add_read_names(into, command, first + 1, "adinNptu", true);
	} else if (strcmp(name, "mapfile") == 0 || strcmp(name, "readarray") == 0) {
		add_read_names(into, command, first + 1, "dnOsuCc", false);
	} else if (strcmp(name, "for") == 0 || strcmp(name, "select") == 0) {
		if (first + 1 < command->count) {
			add_set_word(into, command->words[first + 1],
					command->offsets[first + 1]);
		}
	} else if (strcmp(name, "getopts") == 0) {
		if (first + 2 < command->count) {
			add_set_word(into, command->words[first + 2],
					command->offsets[first + 2]);
		}
	} else if (strcmp(name, "printf") == 0 &&
			is_word(command, first + 1, "-v") && first + 2 < command->count) {
		add_set_word(
				into, command->words[first + 2], command->offsets[first + 2]);
	} else if (strcmp(name, "let") == 0 || strcmp(name, "coproc") == 0) {
		for (size_t i = first + 1; i < command->count; i++) {
			add_set_word(into, command->words[i], command->offsets[i]);
		}
	}
}

/* `local x`, `declare -A x=1`, `export x=1`: names, or only assignments. */
static void add_declared(
		struct into *into, const struct shell_command *command) {
	static const char *const bare[] = { "local", "declare", "typeset" };
	static const char *const assigned[] = { "export", "readonly" };
	bool names = false;
	bool values = false;
	for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
		names = names || is_word(command, 0, bare[i]);
	}
	for (size_t i = 0; i < sizeof(assigned) / sizeof(assigned[0]); i++) {
		values = values || is_word(command, 0, assigned[i]);
	}
	for (size_t i = 1; i < command->count && (names || values); i++) {
		if (command->words[i][0] != '-' &&
				(names || strchr(command->words[i], '=') != NULL)) {
			add_set_word(into, command->words[i], command->offsets[i]);
		}
	}
}

void shell_builtin_sets(const struct shell_command *command,
		struct shell_name **sets, size_t *count) {
	struct into into = { sets, count };
	add_builtin_sets(&into, command);
	add_declared(&into, command);
}

bool shell_builtin_is_own(const char *name) {
	static const char *const own[] = { "BASH", "BASHOPTS", "BASHPID", "COLUMNS",
		"COMPREPLY", "COPROC", "DIRSTACK", "EPOCHREALTIME", "EPOCHSECONDS",
		"EUID", "FUNCNAME", "GROUPS", "HISTCMD", "HOME", "HOSTNAME", "HOSTTYPE",
		"IFS", "LANG", "LINENO", "LINES", "MACHTYPE", "MAPFILE", "OLDPWD",
		"OPTARG", "OPTERR", "OPTIND", "OSTYPE", "PATH", "PIPESTATUS", "PPID",
		"PS4", "PWD", "RANDOM", "REPLY", "SECONDS", "SHELL", "SHELLOPTS",
		"SHLVL", "SRANDOM", "TERM", "UID", "USER", "_", "BRIDGE_OUTPUT" };
	if (strncmp(name, "BASH_", 5) == 0) {
		return true;
	}
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (strcmp(own[i], name) == 0) {
			return true;
		}
	}
	return false;
}
