#ifndef FLOW_H
#define FLOW_H

#include "core/decide.h"

/*
 * The order of a run: whose turn it is, what a step still needs, when a phase
 * is over.  Pure questions over one run; deciding and effects both ask them.
 *
 * In rehearsal, production and rollback one step at a time has its turn, and a
 * step that has not ended keeps it.  In smoke and post a step that failed or
 * waits for a person lets the next begin.  A monitor keeps no turn once it
 * watches.
 */

/* The kinds whose steps the run works through now, as bits; 0: none. */
unsigned flow_phases(const struct run *run);

/* Whether step @step belongs to one of the phases now worked through. */
bool flow_is_active(const struct run *run, size_t step);

bool flow_is_monitor(const struct run *run, size_t step);

/* When a monitor that has begun to watch will have watched for long enough;
 * INT64_MAX: it has not begun, or @step is none. */
int64_t flow_watched_ms(const struct run *run, size_t step);

/* Steps that have their turn now, by index; the caller frees the array. */
size_t *flow_turns(const struct run *run, size_t *count);

/* Whether every step of phases of @kind has ended (smoke: ended or red). */
bool flow_is_over(const struct run *run, enum phase_kind kind);

/* Whether every smoke test is green or was skipped by the lead. */
bool flow_is_green(const struct run *run);

/* The gate of the runbook that must have passed before @step, or
 * RUNBOOK_NONE. */
size_t flow_gate_of(const struct run *run, size_t step);

/* The newest instance of that gate for this run, or NULL. */
const struct gate_state *flow_gate_state(
		const struct bridge *bridge, const struct run *run, size_t step);

/* The gate that approved this run's plan, or NULL. */
const struct gate_state *flow_plan_gate(
		const struct bridge *bridge, const struct run *run);

/*
 * The attempts to be started for a step in its turn, each not before its
 * due_ms: none when it waits for a person, when as many run as may at once, or
 * when nothing is left.  Hosts come in the config's order; one on which the
 * block did not go well lets no other begin.  The caller frees the array.
 */
struct flow_attempt {
	uint32_t block;
	uint32_t host;
	uint32_t number;
	int64_t due_ms;
};
struct flow_attempt *flow_next_attempts(
		const struct run *run, size_t step, int64_t now_ms, size_t *count);

/* How a step that has nothing left to start must end; OUTCOME_NONE: it must
 * not end now. */
enum outcome flow_outcome(const struct run *run, size_t step, int64_t now_ms);

/* Whether @step's blocks name the variable @name. */
bool flow_mentions(const struct step *step, const char *name);

/* A value that @step needs and that nobody published: its name, and the index
 * of the step that should have; NULL: nothing is missing. */
const char *flow_missing_value(
		const struct run *run, size_t step, size_t *publisher);

/* The @index'th name that @step publishes, its blocks' behind its own; NULL
 * behind the last. */
const char *flow_published(const struct step *step, size_t index);

/* What an attempt of unknown outcome of @step left published under @name, the
 * newest; nobody has taken it over.  NULL: nothing, or the run has one by that
 * name, or hosts left different ones: which is meant, nobody knows. */
const char *flow_found_value(
		const struct run *run, size_t step, const char *name);

/* Whether @name, which @step publishes, is not there while @step is to be taken
 * as done as far as it got, and a step that is still to come needs it. */
bool flow_lacks_value(const struct run *run, size_t step, const char *name);

/* Whether step @user, part of the run, names the variable @name. */
bool flow_needs(const struct run *run, size_t user, const char *name);

/* Whether @step publishes a value that a rollback step needs. */
bool flow_publishes_undo(const struct run *run, size_t step);

/* Whether a rollback may stop the attempt of this block. */
bool flow_stops_on_rollback(const struct run *run, size_t step, uint32_t block);

/* Hash over a target's tracked files. */
void plan_target_hash(const struct plan_target *target, char hex[SHA256_HEX]);

/* Whether the tracked files of a target, as read in @now, are those that were
 * approved for @run: with its plan, or since. */
bool flow_files_stand(const struct run *run, const struct plan_target *now);

/* Whether an attempt of a phase other than rollback is running. */
bool run_has_forward_running(const struct run *run);

/* Whether a rollback of @run is asked for, or was just approved and is about to
 * begin. */
bool flow_rollback_is_asked(const struct bridge *bridge, const struct run *run);

/* Whether nothing of @run may begin now: held, cut off, a rollback asked for
 * (of another run too), or a rollback that awaits what still runs. */
bool run_stands_still(const struct bridge *bridge, const struct run *run);

/* Whether @step waits for a person who may settle it now. */
bool flow_waits(const struct run *run, size_t step);

/* When the silence about @step is escalated next; INT64_MAX: never. */
int64_t flow_escalates_ms(
		const struct run *run, size_t step, const struct settings *settings);

/* The next grid time of the status post after the newest one, and how the grid
 * runs now; INT64_MAX: the run has no status posts.  Where the clock was set
 * back since that one, the grid time that has just passed. */
int64_t flow_status_due_ms(
		const struct run *run, const struct settings *settings, int64_t now_ms);
int64_t flow_status_every_ms(
		const struct run *run, const struct settings *settings);

#endif
