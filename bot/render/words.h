#ifndef WORDS_H
#define WORDS_H

#include "core/decide.h"

/*
 * Facts as people read them.  What returns `char *` is the caller's to free.
 */

/* "LB-7" */
char *words_run(const struct world *world, const struct run *run);

/* "02:30", or "25 Nov 02:30" where it is not the day of @now_ms.  UTC. */
char *words_clock(int64_t at_ms, int64_t now_ms);

/* "2026-11-25" */
char *words_date(int64_t at_ms);

/* "T+20m", "T-1h05m" */
char *words_relative(int64_t ms);

/* "2 min 06 s", "1 h 05 min": as it was measured. */
char *words_span(int64_t ms);

/* "31 min", "26 h", "3 days": how old. */
char *words_age(int64_t ms);

/* "1 step", "2 steps" */
char *words_count(size_t count, const char *noun);

/* What is launched: the value of RELEASE, VERSION or TAG, or NULL. */
const char *words_release(const struct plan *plan);

/* @text cut behind @letters letters, with an ellipsis. */
char *words_short(const char *text, size_t letters);

/* @text as Markdown that formats nothing, on lines of @letters letters. */
char *words_wrapped(const char *text, size_t letters);

/* @text as Markdown that formats nothing but its code spans. */
char *words_prose(const char *text);

/* People's words as inline code; "" for none. */
char *words_said(const char *text);

/* "@ada @bob": Markdown that calls them. */
char *words_calls(
		const struct world *world, const char *const *ids, size_t count);

/* "ada, bob", at most @most of them, then "+2". */
char *words_names(const struct world *world, const char *const *ids,
		size_t count, size_t most);

/* Calls those who must act for any of @roles: each role's deputy where one
 * stands in, else its primary, or its backups where the primary cannot be
 * reached. */
char *words_call_roles(const struct world *world, const struct runbook *runbook,
		const struct role_set *roles);

/* Calls those who come next when nobody answers. @level 1: the backups of
 * @roles (their primary where there is none); 2: the lead, and the channels
 * that are the roles' contact, named, but for the bridge's own. */
char *words_call_next(const struct world *world, const struct runbook *runbook,
		const struct role_set *roles, uint32_t level);

/* Calls all who may speak for @roles: deputies, primaries and backups. */
char *words_call_all(const struct world *world, const struct runbook *runbook,
		const struct role_set *roles);

/* Calls a role's backups. */
char *words_call_backups(const struct world *world,
		const struct runbook *runbook, const struct role_set *roles);

/* "Storage or Observability" */
char *words_roles(const struct runbook *runbook, const struct role_set *roles);

/* Who leads: called, or by name; "" where nobody does. */
char *words_call_lead(const struct world *world, const struct runbook *runbook);
char *words_lead(const struct world *world, const struct runbook *runbook);

/* Who owns a step, called. */
char *words_call_owner(
		const struct world *world, const struct run *run, size_t step);

/* What a gate is called in a sentence: "T0", "the plan", "rollback". */
char *words_gate(const struct bridge *bridge, const struct gate_state *gate);

/* @text with its first letter in upper case. */
char *words_capital(const char *text);

/* The command that asks for the same gate again. */
const char *words_again(const struct run *run, const struct gate_state *gate);

/* "node2", of a step's block. */
const char *words_host(
		const struct run *run, size_t step, uint32_t block, uint32_t host);

/* "exit 1 after 3 min 41 s" */
char *words_reason(const struct attempt *attempt);

/* How a closed run came out: "succeeded", "rehearsal passed". */
const char *words_outcome(const struct run *run);

#endif
