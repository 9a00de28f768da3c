#ifndef SAYING_H
#define SAYING_H

#include "core/deciding.h"

/*
 * What the files that decide what people say have in common.
 */

/* Answer with a refusal; @text: why, who could, what now, a line each. */
void saying_refuse(struct deciding *d, const char *text);

/* Answer a question, or say how something stands; @text: its argument. */
void saying_answer(struct deciding *d, const char *text);

/* Whether the speaker is somebody and it was said in time; else refuses. */
bool saying_is_heard(struct deciding *d);

/* Whether the speaker leads; else refuses and says who does. */
bool saying_needs_lead(struct deciding *d, const struct runbook *runbook);

void saying_delegate(struct deciding *d); // decide_said_people.c
void saying_override(struct deciding *d);
void saying_review(struct deciding *d);
void saying_plan(struct deciding *d); // decide_said_start.c
void saying_rehearse(struct deciding *d);
void saying_poll(struct deciding *d);
void saying_start(struct deciding *d);

#endif
