#ifndef PLAN_TEXT_H
#define PLAN_TEXT_H

#include <stdio.h>

#include "app/runbook_file.h"
#include "core/plan.h"

/*
 * A plan as text for people.  @plan may be NULL: then @digest is the
 * document's, and what a parameter excludes is not known.
 */
void plan_text_print(FILE *out, const struct runbook_file *file,
		const struct plan *plan, const char *digest);

#endif
