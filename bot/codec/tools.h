#ifndef TOOLS_H
#define TOOLS_H

#include <stddef.h>

#include "core/runbook.h"

/* The programs that the commands of a runbook call, as far as its text tells:
 * each name once a target, with the first step that calls it. */

struct tool {
	const char *on;   // the runbook's, as is the next
	const char *step; // its number
	char *name;       // of a program, or a path
};

struct tools {
	struct tool *list;
	size_t count;
};

/* @runbook outlives @tools.  Pair with tools_finish(). */
void tools_find(struct tools *tools, const struct runbook *runbook);
void tools_finish(struct tools *tools);

#endif
