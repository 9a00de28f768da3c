#ifndef FINDING_H
#define FINDING_H

#include <stdio.h>

#include "core/runbook.h"

/* `FILE:LINE:COLUMN: error: text [rule]`, with a line end. */
void finding_print(FILE *out, const char *path, const struct finding *finding);

#endif
