#ifndef BRIDGE_H
#define BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/event.h"
#include "core/run_index.h"

/*
 * All that a journal says about one bridge, folded: the plan, its gates, every
 * run and its steps.  State changes only in bridge_fold().  Nothing here reads
 * a clock or touches the world.
 *
 * A run:
 *
 *  planned -> at gate -> running <-> (held) -> deciding -> succeeded -> closed
 *                           |           |         |           |
 *                           +-----------+---> rolling back <--+
 *                                                  v
 *                                             rolled back -> closed
 *           any of the first five -> aborted -> (rolling back | closed)
 *
 * Held is a flag beside the status: what is held goes on where it stood.
 */

enum run_status {
	RUN_PLANNED, // has its number; the gate before it did not pass
	RUN_AT_GATE, // the gate before its first step is open
	RUN_RUNNING,
	RUN_DECIDING,  // every smoke test has ended
	RUN_SUCCEEDED, // .post goes on until `watched`
	RUN_ROLLING_BACK,
	RUN_ROLLED_BACK,
	RUN_ABORTED,
	RUN_CLOSED,
};
#define RUN_STATUS_COUNT (RUN_CLOSED + 1)

enum step_status {
	STEP_PENDING,
	STEP_ASKED,   // waits for its owner: manual, or `ask`
	STEP_RUNNING, // begun; between two blocks or attempts too
	STEP_FAILED,  // waits for retry, skip or rollback
	STEP_UNKNOWN, // waits for done, failed or run again
	STEP_ENDED,   // see outcome
};

enum gate_status {
	GATE_OPEN,
	GATE_PASSED, // and not yet used
	GATE_USED,   // read afresh: the first command behind it may start, or has
	GATE_CLOSED, // refused, expired or void
};

struct approval {
	char *user;
	char *emoji; // NULL where asking was approving
	char *post;  // the command's, where asking was approving
	int64_t server_ms;
	int64_t at_ms; // when the bot knew
};

/* One instance of a gate: one post, one question. */
struct gate_state {
	uint32_t id;  // counts all gates and polls of the bridge, from 1
	uint32_t run; // 0: the plan's
	size_t gate;  // index in the plan's runbook
	enum gate_purpose purpose;
	enum gate_status status;
	enum outcome outcome; // how it closed
	char *asker;
	char *why;                // of a rollback
	char *post;               // NULL until the server has it
	int64_t posted_server_ms; // its create_at, by the server's clock
	char digest[SHA256_HEX];
	char *holders; // hash of who holds its roles
	int64_t opened_ms;
	int64_t until_ms;
	int64_t valid_ms; // how long good once passed
	int64_t passed_ms;
	bool begun; // a command behind it has started
	bool backups_called;
	struct approval *approvals; // by those who could fill a slot
	size_t approval_count;
	struct approval *objections; // standing ❌
	size_t objection_count;
	char **filled; // who filled each slot, once passed
	size_t filled_count;
	char **refused_taps; // user ids that were told that they do not count
	size_t refused_tap_count;
	char **withdrawn; // whose approval was gone, each time; not who objected
	size_t withdrawn_count;
	struct approval *overrides; // who has said `!override`; post: the words
	size_t override_count;
	bool overridden;    // it passed so: some of `filled` are ""
	char *reviewed;     // who reviewed that afterwards; NULL: nobody yet
	uint32_t escalated; // how often its silence was escalated
};

/* Somebody stands in for a role, announced and for a time. */
struct deputy {
	char *role; // as in the runbook
	char *user;
	char *by;
	int64_t until_ms;
};

struct vote {
	char *user;
	enum outcome outcome;
};

struct poll_state {
	uint32_t id;
	char *group; // a group's or a gate's name, as asked
	char *asker;
	char *post;
	bool open;
	int64_t opened_ms;
	struct vote *votes;
	size_t vote_count;
};

struct attempt {
	uint32_t block;
	uint32_t host;
	uint32_t number; // from 1
	uint32_t gate;   // the instance that let it begin; 0: none
	int64_t started_ms;
	int64_t ended_ms; // 0: running, as far as is known
	int64_t until_ms;
	enum outcome outcome;
	int32_t exit_status;
	char *reason;
	char *tail;
	char *log;
	uint64_t lines;
	bool by_person;           // a person asked for this one (retry)
	struct plan_value *found; // what one of unknown outcome left published
	size_t found_count;
	int64_t lost_ms; // since when its host is known not to answer; 0: it does
	bool may_run;    // lost: it may have begun there
};

struct step_state {
	enum step_status status;
	enum outcome outcome; // STEP_ENDED, STEP_FAILED
	int64_t begun_ms;
	int64_t ended_ms;
	uint32_t block;        // in progress, or the next
	bool allowed;          // `!run` was said
	int64_t cancelling_ms; // when `!fail` was said while it ran; 0: not
	char *post;            // takes taps; NULL
	char *claimed;         // user id
	char **refused_taps;   // user ids that were told that they do not count
	size_t refused_tap_count;
	char *said_by; // who ended it, if a person did
	char *text;    // evidence, or why
	struct attempt *attempts;
	size_t attempt_count;
	size_t running_count; // of them, as far as is known
	size_t try_from;      // attempts before this one belong to an earlier try
	uint32_t asked_count; // how often it was asked; the newest has a post
	int64_t asked_ms;     // when it was last
	uint32_t ended_count; // how often it ended, well or not
	bool left;          // it stopped when its phase was over: nobody was asked
	int64_t waits_ms;   // since when it waits for a person; 0: it does not
	uint32_t escalated; // how often that silence was escalated
};

/* What people attach is kept up to so much a run. */
#define RUN_FILES      200
#define RUN_FILE_BYTES (UINT64_C(1) << 30)

enum file_status {
	FILE_OFFERED, // to be fetched from the server
	FILE_KEPT,
	FILE_LOST, // it could not be had, and its owner was told so
};

/* Something that a person attached: evidence of a step, or of the run. */
struct run_file {
	enum file_status status;
	char *id;       // the server's
	uint32_t step;  // EVENT_NO_STEP: of the run as a whole
	uint32_t asked; // the step's asked_count at that time
	char *user;
	char *post; // the message that it was attached to
	char *root;
	char *text; // said with it; NULL
	/* kept */
	char *name; // as it was sent
	char *path; // below the state folder
	uint64_t bytes;
	char digest[SHA256_HEX];
};

struct run {
	uint32_t number;
	enum run_kind kind;
	enum run_status status;
	enum run_status closed_from;    // RUN_CLOSED: what it was before
	const struct plan_record *plan; // the journal's text; owned by the bridge
	char *by;
	int64_t begun_ms;
	int64_t t0_ms;          // 0: not known
	int64_t ended_ms;       // succeeded, rolled back or aborted; 0
	int64_t closed_ms;      // 0: it is not
	int64_t status_grid_ms; // grid time of the newest status since active; 0
	uint64_t status_count;
	bool held;
	char *held_why;
	char *held_by; // NULL: the bot
	bool held_for_files;
	char *files_target; // whose files changed, while held for them; NULL
	char *files_digest; // of the changed files
	char *files_text;   // which they are
	struct plan_value *accepted; // target -> digest that runs since a change
	size_t accepted_count;
	bool command_started; // any, ever
	bool forward_begun;   // a command of a forward phase has started
	bool rehearsed_ok;
	char *rehearsed_why; // why it does not count
	bool watched;        // .post has ended
	/* The newest gate when it last began to decide, became active, or was
	 * rolled back: what a later one says is new.  The clock may go back, the
	 * numbers of gates do not. */
	uint32_t deciding_gate;
	uint32_t active_gate;
	uint32_t rollback_gate;
	int64_t active_ms; // when it last became active: the grid counts from then
	int64_t abort_asked_ms;
	uint32_t interventions;
	int64_t rollback_ms;      // its gate passed; 0
	struct step_state *steps; // one for each of the plan's
	size_t step_count;
	bool put_away; // closed before a later one began: its steps are gone
	struct run_index index;
	size_t first_gate;                 // gates before this one are of others
	size_t newest_gate[PURPOSE_COUNT]; // its index + 1; 0: none
	struct plan_value *values;         // published, last wins
	size_t value_count;
	struct run_file *files; // by order of being offered
	size_t file_count;
	size_t files_due; // of them still to be fetched
};

struct bridge {
	struct plan_record **plans; // all ever fixed, owned; the last is current
	size_t plan_count;
	char *plan_by;
	int64_t plan_ms;
	struct run *runs; // by number, from 1
	size_t run_count;
	struct gate_state *gates; // by order of opening
	size_t gate_count;
	/* See bridge_index.h. */
	size_t *live_gates; // open or passed, or used by a run not closed; ascending
	size_t live_gate_count;
	size_t newest_gate[PURPOSE_COUNT]; // of the plan: its index + 1; 0: none
	size_t first_open_run; // those before are closed, and nothing of them runs
	struct poll_state *polls;
	size_t poll_count;
	struct deputy *deputies; // named so far, also those whose time is over
	size_t deputy_count;
	uint32_t last_gate_id;
	int64_t locked_ms;   // since when production needs a new rehearsal; 0
	uint32_t locked_run; // the newest run then: one after it is new
	bool server_lost;
	int64_t server_lost_ms;
	bool source_broken;
	char *source_why;
	char *texts_why;    // what is wrong with the user's templates; NULL
	int64_t started_ms; // when the bot last started; 0: not in the journal
	uint64_t event_count;
};

void bridge_init(struct bridge *bridge);
void bridge_finish(struct bridge *bridge);

/*
 * Fold @event in.  An event that cannot follow the present state means the
 * journal is damaged: false with ERR_INVALID, @bridge unchanged.  A plan.fixed
 * event's record is taken over: the caller forgets it.
 */
bool bridge_fold(
		struct bridge *bridge, const struct event *event, struct err *err);

/* The plan in force, or NULL. */
const struct plan_record *bridge_plan(const struct bridge *bridge);

/* The run that executes (from its gate opened until succeeded, rolled back or
 * aborted), or NULL.  Of two the one that is rolled back: the other waits. */
const struct run *bridge_executing(const struct bridge *bridge);

/* The run that people mean when they name a step: the executing one, else the
 * newest that is not closed, else NULL. */
const struct run *bridge_current(const struct bridge *bridge);

/* The run that can be held: the executing one, else the newest that is not
 * closed, if it is watched or was left held; NULL. */
const struct run *bridge_holdable(const struct bridge *bridge);

/* The run that goes on after `resume`: the executing one if it is held, else
 * the newest that is; NULL. */
const struct run *bridge_held(const struct bridge *bridge);

/*
 * The rehearsal by which a plan of @digest (NULL: any) is judged: the newest one
 * of it that has ended, or NULL.  One that was aborted before a command ran is
 * none.
 */
const struct run *bridge_rehearsal(
		const struct bridge *bridge, const char *digest);

/* The run that `!rollback` means, however it stands: the newest production run
 * that is not closed and in which a command has started; NULL. */
const struct run *bridge_to_roll_back(const struct bridge *bridge);

const struct run *bridge_run(const struct bridge *bridge, uint32_t number);
const struct gate_state *bridge_gate(const struct bridge *bridge, uint32_t id);
const struct poll_state *bridge_poll(const struct bridge *bridge, uint32_t id);

/* The newest gate of @purpose for @run (0: the plan), or NULL. */
const struct gate_state *bridge_gate_for(
		const struct bridge *bridge, uint32_t run, enum gate_purpose purpose);

/* The plan that @gate belongs to, or NULL. */
const struct plan_record *gate_state_plan(
		const struct bridge *bridge, const struct gate_state *gate);

/* The gate of the runbook that @gate is an instance of, or NULL. */
const struct gate *gate_state_model(
		const struct bridge *bridge, const struct gate_state *gate);

/* The attempt of @step that runs as far as is known, or NULL. */
const struct attempt *step_running(const struct step_state *step);

/* Attempt @number of @block on @host, or NULL. */
const struct attempt *step_attempt(const struct step_state *step,
		uint32_t block, uint32_t host, uint32_t number);

/* One that runs, if it does, where nobody can see it; or NULL. */
const struct attempt *step_lost(const struct step_state *step);

/* How long a step that has ended took: its attempts, without what it waited for
 * people and retries between them; of a manual one, until somebody settled it. */
int64_t step_took_ms(const struct step_state *step);

/* The last attempt, or NULL. */
const struct attempt *step_last_attempt(const struct step_state *step);

/* Whether any attempt of the run is running. */
bool run_has_running(const struct run *run);

/* Whether the run is between its gate's opening and its end. */
bool run_is_executing(const struct run *run);

/* Whether a file of @step is still to be fetched. */
bool run_step_fetches(const struct run *run, size_t step);

/* How many more bytes may be kept with the run. */
uint64_t run_file_room(const struct run *run);

/* A published value, or NULL. */
const char *run_value(const struct run *run, const char *name);

/* Hosts of a block's target; at least 1. */
size_t run_host_count(const struct run *run, size_t step, uint32_t block);

/* On how many of them it runs at once. */
size_t run_host_parallel(const struct run *run, size_t step, uint32_t block);

/* Whether @block went well on @host, in whichever attempt. */
bool step_host_done(
		const struct step_state *step, uint32_t block, uint32_t host);

const char *run_status_name(enum run_status status);

/* The table of states: whether @to may follow @from. */
bool run_status_may_follow(enum run_status from, enum run_status to);

#endif
