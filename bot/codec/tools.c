#include "codec/tools.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "codec/shell_scan.h"

/* Words that bash itself understands. */
static bool is_of_the_shell(const char *word) {
	static const char *const words[] = { ".", ":", "[", "[[", "alias", "bg",
		"break", "builtin", "case", "cd", "command", "continue", "declare",
		"do", "done", "echo", "elif", "else", "esac", "eval", "exec", "exit",
		"export", "false", "fg", "fi", "for", "function", "getopts", "hash",
		"if", "in", "jobs", "kill", "let", "local", "mapfile", "popd", "printf",
		"pushd", "pwd", "read", "readarray", "readonly", "return", "select",
		"set", "shift", "shopt", "source", "test", "then", "time", "times",
		"trap", "true", "type", "typeset", "ulimit", "umask", "unalias",
		"unset", "until", "wait", "while", "{", "}", "!", "((" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i]) == 0) {
			return true;
		}
	}
	return strchr(word, '$') != NULL || strchr(word, '=') != NULL ||
			strspn(word,
					"0123456789abcdefghijklmnopqrstuvwxyz"
					"ABCDEFGHIJKLMNOPQRSTUVWXYZ._/+-") < strlen(word);
}

static void add(struct tools *tools, const struct step *step,
		const struct block *block, const char *name) {
	for (size_t i = 0; i < tools->count; i++) {
		if (strcmp(tools->list[i].on, block->on) == 0 &&
				strcmp(tools->list[i].name, name) == 0) {
			return;
		}
	}
	tools->list = xreallocarray(
			tools->list, tools->count + 1, sizeof(tools->list[0]));
	tools->list[tools->count++] = (struct tool){
		.on = block->on,
		.step = step->number,
		.name = xstrdup(name),
	};
}

static void find_in_block(struct tools *tools, const struct step *step,
		const struct block *block) {
	struct shell_scan scan;
	shell_scan_read(&scan, block->text);
	for (size_t i = 0; i < scan.command_count; i++) {
		const struct shell_command *command = &scan.commands[i];
		if (command->count > 0 && command->words[0][0] != '\0' &&
				!is_of_the_shell(command->words[0])) {
			add(tools, step, block, command->words[0]);
		}
	}
	shell_scan_finish(&scan);
}

void tools_find(struct tools *tools, const struct runbook *runbook) {
	*tools = (struct tools){ 0 };
	for (size_t i = 0; i < runbook->step_count; i++) {
		const struct step *step = &runbook->steps[i];
		for (size_t j = 0; j < step->block_count; j++) {
			if (step->blocks[j].kind == BLOCK_SH) {
				find_in_block(tools, step, &step->blocks[j]);
			}
		}
	}
}

void tools_finish(struct tools *tools) {
	for (size_t i = 0; i < tools->count; i++) {
		free(tools->list[i].name);
	}
	free(tools->list);
	*tools = (struct tools){ 0 };
}
