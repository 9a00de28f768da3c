#ifndef MD_TEXT_H
#define MD_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct cmark_node;

/*
 * Small readings of Markdown: what a node says without its marks, and where
 * the cells of a table's raw row stand.
 */

/* cmark-gfm declares its table's node type nowhere. */
bool md_text_is_table(struct cmark_node *node);
bool md_text_is_row(struct cmark_node *node);

/* The node's words: no marks, code spans as their text, line breaks as spaces,
 * white space folded.  Caller frees. */
char *md_text_plain(struct cmark_node *node);

/* The one code span that a cell is made of, or NULL. */
const char *md_text_sole_code(struct cmark_node *cell);

/* The first inline child, and the next after @node, that is a code span. */
struct cmark_node *md_text_next_code(
		struct cmark_node *parent, struct cmark_node *node);

/* Bytes of a line, end exclusive. */
struct md_span {
	size_t start;
	size_t end;
};

/*
 * Cell @index, from 0, of a raw table row, without the white space around it.
 * A pipe ends a cell unless a backslash stands before it.  False where the row
 * has no such cell.
 */
bool md_text_cell(
		const char *line, size_t len, size_t index, struct md_span *cell);

/* The code span that opens at or after @at, before @end; *after is what follows
 * its backticks. */
bool md_text_next_span(const char *line, size_t end, size_t at,
		struct md_span *code, size_t *after);

/* Code span @index, from 0, within @cell of @line, without its backticks. */
bool md_text_code_span(const char *line, struct md_span cell, size_t index,
		struct md_span *code);

#endif
