#ifndef COMMAND_TEXT_H
#define COMMAND_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/shell_scan.h"

/* What one command's text shows by itself, for codec/command_lint. */

/* Bytes of the text. */
struct command_spot {
	size_t start;
	size_t len;
};

/*
 * The next thing at or after @from that somebody meant to fill in: <name>,
 * TODO, an ellipsis.  Not a quoted `<`, a redirection, a here-document or a
 * path's `./...`.
 */
bool command_text_placeholder(const char *text, const struct shell_scan *scan,
		size_t from, struct command_spot *spot);

/* Likewise in an http block, whose body is data and is left out. */
bool command_text_request_placeholder(
		const char *text, size_t from, struct command_spot *spot);

/*
 * The first character that nobody sees where the text is read, so that what is
 * approved could be other than what runs: a control character, a mark that
 * turns the direction or has no width.  What emoji are joined with is none.
 */
bool command_text_unseen(
		const char *text, struct command_spot *spot, uint32_t *point);

/* The first word of a command that does not end by itself, and why. */
bool command_text_endless(
		const struct shell_scan *scan, size_t *offset, const char **why);

/* Where @word stands in @text between punctuation, case ignored. */
bool command_text_find_word(const char *text, const char *word, size_t *offset);

#endif
