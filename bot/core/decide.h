#ifndef DECIDE_H
#define DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/bridge.h"
#include "core/people.h"
#include "core/request.h"
#include "core/settings.h"

/*
 * The decisions: (state, world, request) -> events.  Pure: the same journal,
 * world and request always give the same events.  A refusal is an event too
 * (command.refused), in words fit for the person in chat.
 */

/* So long without a fresh answer, and the server counts as lost. */
#define SERVER_LOST_MS 60000

/* What is true outside the journal, as of now. */
struct world {
	int64_t now_ms;
	const struct settings *settings;
	const struct people *people;
	const struct bridge *bridge; // for its deputies; set by those who are given
								 // one beside the world
};

/* Events with the strings that they borrow, in order. */
struct decision {
	struct event *events;
	size_t count;
	void **owned; // strings and arrays made for them
	size_t owned_count;
};

void decision_init(struct decision *decision);
void decision_finish(struct decision *decision);

/*
 * What follows from @request.  No events: nothing does.  Every request said in
 * chat gives at least one event, so that it is answered once.
 */
void decide(const struct bridge *bridge, const struct world *world,
		const struct request *request, struct decision *decision);

/* What the shell must do, derived from state, never stored.  Asking twice
 * changes nothing; the shell keeps what it has begun apart. */
enum effect_type {
	EFFECT_READ_TAPS,   // of the gate's post, then REQUEST_TAPS with fresh set
	EFFECT_VERIFY_GATE, // read afresh, then REQUEST_GATE_VERIFIED
	EFFECT_START_ATTEMPT,  // read files, then REQUEST_ATTEMPT_START
	EFFECT_FOLLOW_ATTEMPT, // started: ensure() it, then REQUEST_ATTEMPT_ENDED
	EFFECT_CANCEL_ATTEMPT,
	EFFECT_FETCH_FILE, // keep what was attached, then REQUEST_FILE_FETCHED
};

struct effect {
	enum effect_type type;
	uint32_t gate;
	uint32_t run;
	uint32_t step;
	uint32_t block;
	uint32_t host;
	uint32_t attempt;
	uint32_t file; // its place in the run
	bool forward;  // S7: not started while cut off
};

struct effects {
	struct effect *list;
	size_t count;
};

void effects_finish(struct effects *effects);

/* What to do now. */
void bridge_next(const struct bridge *bridge, const struct world *world,
		struct effects *effects);

/* When REQUEST_TICK is due next, Unix ms; INT64_MAX: not by itself. */
int64_t bridge_deadline(const struct bridge *bridge, const struct world *world);

/* The posts on which a tap still means something, borrowed ids; the caller
 * frees the array. */
const char **bridge_tap_posts(const struct bridge *bridge, size_t *count);

/* --- questions for those who show things --- */

/* What the bridge waits for, and for whom. */
struct waiting {
	char *what;   // "T0: 2 of 5", "4.2.2 failed"
	char **users; // ids of those who must act; may be empty
	size_t user_count;
	char **roles; // role names that are missing
	size_t role_count;
};

struct waitings {
	struct waiting *list;
	size_t count;
};

void waitings_finish(struct waitings *waitings);
void bridge_waiting(const struct bridge *bridge, const struct world *world,
		struct waitings *waitings);

/* Which slots of a gate are filled, by whom: one entry a slot, NULL: empty.
 * The matching that fills most.  Caller frees the array. */
const char **gate_filled(const struct bridge *bridge, const struct world *world,
		const struct gate_state *gate, size_t *count);

/* Whether @user holds @role now: 3 primary, 2 deputy, 1 backup, 0 not. */
int world_holds(const struct world *world, const char *user, const char *role);

/* Ids of all who hold any of @roles; primary first; caller frees the array. */
const char **world_holders_of(const struct world *world,
		const struct runbook *runbook, const struct role_set *roles,
		size_t *count);

/* The owner of a step: its own, or the lead's role.  Points into @lead or the
 * step. */
struct role_set step_owner(
		const struct runbook *runbook, size_t step, size_t *lead_storage);

/* The deputy of @role at this time, or NULL. */
const struct deputy *world_deputy(const struct world *world, const char *role);

/* Whether an overridden gate of @run, or of its plan, awaits its review; the
 * gate, or NULL. */
const struct gate_state *run_unreviewed(
		const struct bridge *bridge, const struct run *run);

/* Indexes of the steps of the current run to which @user could say command
 * @type now; the caller frees the array.  Of these bridge_may() asks too. */
size_t *bridge_may_steps(const struct bridge *bridge, const struct world *world,
		const char *user, enum request_type type, size_t *count);

/* Whether a rehearsal lets @plan start, or it needs none. */
bool bridge_is_rehearsed(const struct bridge *bridge, const struct world *world,
		const struct plan_record *plan);

/* Whether nothing that is on record would refuse a start now. */
bool bridge_may_start(const struct bridge *bridge, const struct world *world);

/* Whether @user may say command @type now; @step may be NULL.  For `help`. */
bool bridge_may(const struct bridge *bridge, const struct world *world,
		const char *user, enum request_type type);

#endif
