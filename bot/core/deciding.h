#ifndef DECIDING_H
#define DECIDING_H

#include "core/decision.h"

/* By the server's clock; what was said before and is found now is late. */
#define DECIDING_LATE_MS 120000

/*
 * The parts of decide(), one file a source of requests.  Each looks at the
 * state as it was folded last and appends what follows; none folds.
 */

struct deciding {
	const struct bridge *bridge;
	const struct world *world;
	const struct request *request;
	struct decision *decision;
};

void decide_tick(struct deciding *d); // decide_tick.c
void decide_taps(struct deciding *d); // decide_taps.c
void decide_posted(struct deciding *d);
void decide_post_changed(struct deciding *d);
void decide_verified(struct deciding *d);
void decide_attempt_start(struct deciding *d); // decide_step.c
void decide_attempt_ended(struct deciding *d);
void decide_attempt_reach(struct deciding *d);
void decide_said(struct deciding *d); // decide_said.c and decide_said_step.c
void decide_said_step(struct deciding *d);

/* decide_files.c */
void decide_file_fetched(struct deciding *d);
/* Offer what the message has attached, to be kept with @run; @step may be
 * EVENT_NO_STEP.  False: that many cannot be kept, and nothing was added. */
bool deciding_offer_files(
		struct deciding *d, const struct run *run, uint32_t step);

/* That it holds too many, in words. */
const char *deciding_no_room(struct deciding *d, const struct run *run);

/* An event of @type at this moment; for what was said, with who said it,
 * where, and which command. */
struct event deciding_event(const struct deciding *d, enum event_type type);

/* Append @event. */
void deciding_add(struct deciding *d, struct event event);

/* Ask for step @index of @run, which needs a person; @text, why, may be NULL. */
void deciding_ask_step(struct deciding *d, const struct run *run, size_t index,
		const char *text);

/* Close @poll, which is open. */
void deciding_close_poll(struct deciding *d, const struct poll_state *poll);

/* Open gate @model of @run (NULL: the plan's) for @purpose.  @user asked. */
void deciding_open_gate(struct deciding *d, const struct plan_record *record,
		const struct run *run, size_t model, enum gate_purpose purpose,
		const char *user, const char *why);

/* Close @gate; what that means for its run comes with it. */
void deciding_close_gate(struct deciding *d, const struct gate_state *gate,
		enum outcome outcome, const char *user, const char *text);

/* Void every gate of @run that is still open; nothing else comes of it. */
void deciding_void_gates(
		struct deciding *d, const struct run *run, const char *why);

/* Give up @run, which has begun nothing; its gates are the caller's to void. */
void deciding_drop_run(
		struct deciding *d, const struct run *run, const char *why);

/* Begin to roll @run back, as @event says, which gets the values to undo with;
 * what else was asked for, or approved and not begun, is void. */
void deciding_roll_back(
		struct deciding *d, const struct run *run, struct event event);

/* Whether @run is held, or will be by this decision: that is said once. */
bool deciding_is_held(const struct deciding *d, const struct run *run);

/* Whether this decision closes @gate: once, whatever speaks against it, and
 * nothing else comes of a gate that it closes. */
bool deciding_closes(const struct deciding *d, const struct gate_state *gate);

/* Why a gate is void whose roles others hold now. */
#define HOLDERS_CHANGED "who holds its roles has changed"

/* Whether a step behind @gate, or (@commands) a command, is still to come. */
bool deciding_guards_more(
		const struct deciding *d, const struct gate_state *gate, bool commands);

/* Let a full gate pass. */
void deciding_pass_gate(struct deciding *d, const struct gate_state *gate);

/* Username of @id, for words. */
const char *deciding_name(const struct deciding *d, const char *id);

/* "a, b or c": who holds any of @roles, by username, owned by the decision;
 * "nobody (ROLE is not in the config)" where none does. */
const char *deciding_who(struct deciding *d, const struct runbook *runbook,
		const struct role_set *roles);

/* Who leads, likewise. */
const char *deciding_who_leads(
		struct deciding *d, const struct runbook *runbook);

/* Whether @user holds any of @roles now. */
bool deciding_holds_any(const struct deciding *d, const struct runbook *runbook,
		const struct role_set *roles, const char *user);

/* Whether @user leads; nobody does where the runbook has no roles: then
 * everybody in the channel does. */
bool deciding_leads(const struct deciding *d, const struct runbook *runbook,
		const char *user);

/* "LB-7", owned by the decision. */
const char *deciding_label(struct deciding *d, const struct run *run);

/* "26 h", "3 min 41 s": owned by the decision. */
const char *deciding_span(struct deciding *d, int64_t ms);

/* "02:30", UTC. */
const char *deciding_clock(struct deciding *d, int64_t at_ms);

#endif
