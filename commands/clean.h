#ifndef CLEAN_H
#define CLEAN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What people type, made plain before it is matched.
 */

/*
 * The message as a command line: it begins with a plain `!`, has Unix line
 * ends, plain blanks for all the kinds of blanks there are, and none of the
 * marks that cannot be seen.  NULL where it does not begin with `!`: talk, a
 * quote, a code block.  @quoted is set where all of it stood in one pair of
 * backticks.  Caller frees.
 */
char *clean_message(const char *message, bool *quoted);

/* @text on one line, at most @most letters.  Caller frees. */
char *clean_line(const char *text, size_t most);

/* Bytes of the word at @text without the punctuation behind it; the whole
 * word's in *whole. */
size_t clean_word(const char *text, size_t *whole);

#endif
