#ifndef CHANCE_H
#define CHANCE_H

#include "support/night.h"

/*
 * What anybody may do at any time, and what may befall a server, a file, a
 * clock and a step meanwhile, drawn from a seed: the same for ever.
 */

/* Runbooks of several shapes. */
#define CHANCE_TEXTS 4
extern const char *const chance_texts[CHANCE_TEXTS];

/* Settings of the @number'th night, and in most of them a production run whose
 * T0 gate is open. */
void chance_begin(struct night *night, uint32_t number);

/* One act or accident in a night of the runbook @text. */
void chance_act(struct night *night, const char *text, uint32_t *seed);

/* The server, files and people are there again, and steps go well. */
void chance_mend(struct night *night, const char *text);

#endif
