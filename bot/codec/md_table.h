#ifndef MD_TABLE_H
#define MD_TABLE_H

#include "codec/md.h"
#include "codec/md_header.h"

struct cmark_node;

/*
 * The tables that are read before the steps: roles, groups, parameters, gates
 * and milestones, in whatever order they stand, and where the rehearsal log
 * ends.  Smoke tests are steps: see md_step.h.
 */
void md_table_read_all(struct md *md);

/* Give gates without timers of their own the usual ones; once the phases, which
 * say what is the plan's, are read. */
void md_table_set_timers(struct md *md);

/* A row's cell: its words, and where they stand. */
struct md_cell {
	struct cmark_node *node; // NULL where the table has no such column
	char *text;              // "" then; the caller frees it
	struct place place;
};

/* The cell of @row in column @column (an index of md_header's columns). */
struct md_cell md_table_cell(const struct md *md, struct cmark_node *row,
		const struct md_header *header, size_t column);

/* The place of code span @index of the cell. */
struct place md_table_code_place(
		const struct md *md, const struct md_cell *cell, size_t index);

#endif
