#ifndef DECISION_H
#define DECISION_H

#include "core/decide.h"

/*
 * How the deciding files of core build their answer: events in order, with the
 * strings made for them kept until decision_finish().
 */

/* Append a deep copy of @event, but for its record: what it borrows from the
 * state may be gone once an earlier event of the decision is folded. */
void decision_add(struct decision *decision, struct event event);

/* Let the decision free @memory; returns it. */
void *decision_own(struct decision *decision, void *memory);

/* A string made as by printf, owned by the decision. */
const char *decision_print(struct decision *decision, const char *format, ...)
		__attribute__((format(printf, 2, 3)));

#endif
