#ifndef MD_SOURCE_H
#define MD_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/runbook.h"

struct cmark_node;

/*
 * A runbook's text, line by line, beside the tree that cmark-gfm makes of it.
 * The tree tells what is a heading, an item or a cell; what is written there,
 * and in which column, is read here.  Line ends are '\n', whatever they were.
 *
 * Attributes are blanked with spaces before the tree is made, so that titles
 * come without them and columns stay what they were.
 */

#define MD_SOURCE_MAX_BYTES  ((size_t)256 * 1024) // cmark-gfm is quadratic
#define MD_SOURCE_MAX_LINE   ((size_t)16 * 1024)
#define MD_SOURCE_MAX_NESTED 32 // lists in lists

struct md_line {
	const char *text; // not NUL-terminated
	size_t len;
};

/* Attributes on one line; at most one set a line. */
struct md_site {
	uint32_t line;
	size_t start; // bytes within the line: of the opening brace
	size_t end;   // after the closing brace
	bool broken;  // they begin and end so, and cannot be read
};

struct md_source {
	char *raw;   // as written
	char *plain; // attributes blanked
	size_t len;
	struct md_line *lines; // of raw
	size_t line_count;
	struct md_site *sites; // by line
	size_t site_count;
	struct cmark_node *document; // of plain
};

/*
 * Read @text.  False, with findings and nothing to read, when it is too large
 * or no text.  Pair with md_source_finish() in any case.
 */
bool md_source_open(struct md_source *source, const char *text, size_t len,
		struct findings *findings);
void md_source_finish(struct md_source *source);

/* Line @number, from 1; an empty one outside the text. */
struct md_line md_source_line(const struct md_source *source, uint32_t number);

/* The attributes on line @number, or NULL. */
const struct md_site *md_source_site(
		const struct md_source *source, uint32_t number);

/* The line on which a heading's words end: the last before its underline. */
uint32_t md_source_heading_line(
		const struct md_source *source, struct cmark_node *heading);

/* The line on which an item's @paragraph begins.  cmark-gfm forgets where one
 * began that runs into a table; then it is the item's. */
uint32_t md_source_paragraph_line(
		struct cmark_node *item, struct cmark_node *paragraph);

#endif
