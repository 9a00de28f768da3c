#ifndef SHELL_SCAN_H
#define SHELL_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "codec/shell_words.h"

/*
 * Reads a shell text as far as is needed to tell which variables it uses and
 * sets, which commands it names, and what in it is quoted.  It knows quotes,
 * here-documents, expansions, arithmetic, substitutions, assignments and the
 * builtins that set variables (bash 5.2, "Shell Grammar" and "Shell
 * Expansions").  It runs nothing, and on a text that is no shell it says
 * something harmless.
 */

/* How a byte stands in the text. */
enum shell_byte {
	SHELL_PLAIN,
	SHELL_QUOTED,
	SHELL_HEREDOC, // the body of a here-document
	SHELL_COMMENT,
	SHELL_ARITHMETIC,
	SHELL_OPERATOR, // of a redirection or here-document, with its blanks
};

struct shell_scan {
	struct shell_name *uses; // that must be set: not those with a default
	size_t use_count;
	struct shell_name *sets; // assigned anywhere in the text
	size_t set_count;
	struct shell_command *commands;
	size_t command_count;
	unsigned char *bytes; // enum shell_byte of each byte of the text
	size_t len;
};

/* Read @text.  Pair with shell_scan_finish(). */
void shell_scan_read(struct shell_scan *scan, const char *text);
void shell_scan_finish(struct shell_scan *scan);

/* Whether the text assigns @name. */
bool shell_scan_sets(const struct shell_scan *scan, const char *name);

#endif
