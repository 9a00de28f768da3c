#ifndef MD_STEP_H
#define MD_STEP_H

#include "codec/md_header.h"
#include "codec/md_keys.h"

struct cmark_node;

/* Steps: list items, and the rows of smoke tests. */

/* What steps stand under: a heading in a phase, or a group. */
struct md_under {
	size_t phase;
	size_t section;
	char *number;      // borrowed
	uint32_t position; // of the last item, through all lists and tables
	struct md_keys keys;
};

/* Read the items of @list as steps and groups. */
void md_step_read_list(
		struct md *md, struct md_under *under, struct cmark_node *list);

/* Read the rows of a table of tests as steps. */
void md_step_read_tests(struct md *md, struct md_under *under,
		struct cmark_node *table, const struct md_header *header);

/* Say of a table of tests that it is not read. */
void md_step_refuse_tests(struct md *md, struct cmark_node *table);

#endif
