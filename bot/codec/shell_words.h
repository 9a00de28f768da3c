#ifndef SHELL_WORDS_H
#define SHELL_WORDS_H

#include <stddef.h>

/* What codec/shell_scan reads a shell text into. */

/* A variable: a name and where it stands. */
struct shell_name {
	char *name;
	size_t offset;
};

/* A simple command: its words without quotes, expansions as `$`. */
struct shell_command {
	char **words;
	size_t *offsets;
	size_t count;
};

/* Add a copy of @len bytes at @name to one of the lists of names. */
void shell_words_add(struct shell_name **list, size_t *count, const char *name,
		size_t len, size_t offset);

#endif
