#ifndef GATE_H
#define GATE_H

#include "core/decide.h"

/*
 * Gates: who could fill which slot, and the matching that fills most of them.
 * One person fills one slot, and a person who could fill two never starves
 * another (Kuhn's augmenting paths; slots and people are few).
 */

/* Why somebody's tap does not count. */
enum gate_standing {
	STANDING_COUNTS,
	STANDING_LATER,   // a backup, before backups count
	STANDING_ASKER,   // only the asker could not approve alone
	STANDING_NO_ROLE, // holds no role of this gate
	STANDING_NOBODY,  // a bot, a guest, deactivated, or not in the channel
};

/* Whether it can still be void: open, or approved and nothing has begun. */
bool gate_waits(const struct gate_state *gate);

/* How @user stands to @gate now. */
enum gate_standing gate_standing(const struct bridge *bridge,
		const struct world *world, const struct gate_state *gate,
		const char *user);

/* Whether backups count for @gate at @now_ms. */
bool gate_backups_count(const struct settings *settings,
		const struct gate_state *gate, int64_t now_ms);

/* When backups begin to count; INT64_MAX: at once or already. */
int64_t gate_backups_at(
		const struct settings *settings, const struct gate_state *gate);

/* Whether every slot is filled and nobody objects. */
bool gate_is_full(const struct bridge *bridge, const struct world *world,
		const struct gate_state *gate);

/* Whether anything may pass now: while what is on disk is broken only a
 * rollback does, and success does not while a test is red or a rollback is
 * asked for. */
bool gate_may_pass(const struct bridge *bridge, const struct gate_state *gate);

/* Whether @user fills a slot, or could fill one that is empty: may object. */
bool gate_may_object(const struct bridge *bridge, const struct world *world,
		const struct gate_state *gate, const char *user);

/* Hash of who holds the roles of @model. */
void gate_holders_hash(const struct world *world, const struct runbook *runbook,
		const struct gate *model, char hex[SHA256_HEX]);

/* Whether others hold the roles of @gate now than when it was opened. */
bool gate_holders_changed(const struct bridge *bridge,
		const struct world *world, const struct gate_state *gate);

/* Whether @gate is for what the files now make.  A rollback's is not, nor any
 * once a forward command of its run has begun: the journal's text runs. */
bool gate_wants_plan(
		const struct bridge *bridge, const struct gate_state *gate);

/* When the silence at an open gate is escalated next; INT64_MAX: never. */
int64_t gate_escalates_ms(
		const struct settings *settings, const struct gate_state *gate);

/* Until when a passed, unused gate is good: from passing, or from T0. */
int64_t gate_good_until_ms(const struct gate_state *gate);

/* When a standing ❌ counts: 10 s after it was seen, and after a restart 10 s
 * after that, by now at the latest where the clock was set back.  INT64_MAX:
 * there is none. */
int64_t gate_objection_due_ms(const struct bridge *bridge,
		const struct gate_state *gate, int64_t now_ms);

#endif
