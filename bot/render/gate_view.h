#ifndef GATE_VIEW_H
#define GATE_VIEW_H

#include "render/speak.h"

/*
 * A gate as its messages show it: who fills which slot, what speaks for
 * approving, what a rollback has to work with.
 */

struct gate_view {
	const struct gate_state *state;
	const struct gate *model;
	const struct plan_record *plan;
	const struct run *run; // NULL: the plan's own
	char *name;
	const char **filled; // by slot; NULL: empty
	size_t count;
	size_t full;
};

/* The gate of the speech's event; false where there is none.  Pair with
 * gate_view_finish() in either case. */
bool gate_view_init(const struct speech *speech, struct gate_view *view);
void gate_view_finish(struct gate_view *view);

/* `slots`; the first that @approver (or NULL) could fill is shown as filled.
 * `alone`: who asked, where nobody approves what they asked for themselves. */
void gate_view_put_slots(cJSON *context, const struct speech *speech,
		const struct gate_view *view, const char *approver);

/* `facts`: what approving lets happen, and on what grounds. */
void gate_view_put_facts(cJSON *context, const struct speech *speech,
		const struct gate_view *view);

/* `undo`: each value that the rollback needs, and how old it is. */
void gate_view_put_undo(
		cJSON *context, const struct speech *speech, const struct run *run);

/* Roles of the empty slots, in words.  Caller frees. */
char *gate_view_missing(const struct gate_view *view);

#endif
