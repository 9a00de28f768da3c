#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event.h"

/*
 * What a person, a tap, a timer, a step or the network asks of the bridge.
 * Strings are borrowed for the call.
 */

enum request_type {
	/* said in chat */
	REQUEST_HELP,
	REQUEST_PLAN,
	REQUEST_REHEARSE,
	REQUEST_POLL,
	REQUEST_START,
	REQUEST_HOLD,
	REQUEST_RESUME,
	REQUEST_DECIDE,
	REQUEST_ABORT,
	REQUEST_CLOSE,
	REQUEST_ROLLBACK,
	REQUEST_DONE,
	REQUEST_FAIL,
	REQUEST_RUN,
	REQUEST_PASS,
	REQUEST_RETRY,
	REQUEST_SKIP,
	REQUEST_CLAIM,
	REQUEST_NOTE,
	REQUEST_STATUS,
	REQUEST_WHO,
	REQUEST_WHY,
	REQUEST_DELEGATE,
	REQUEST_OVERRIDE,
	REQUEST_REVIEW,
	REQUEST_MISSED, // a near miss or an unusable form; text: the answer
	REQUEST_FILES,  // files without a command, in a thread of ours

	/* from the shell */
	REQUEST_TICK, // time has passed, or something was committed: what is due?
	REQUEST_TAPS, // everything tapped on a watched post, read afresh
	REQUEST_POSTED, // a post that takes taps is there, or (@problem) never will be
	REQUEST_POST_CHANGED,  // a watched post was edited or deleted, by whomever
	REQUEST_GATE_VERIFIED, // read afresh before the first command behind it
	REQUEST_ATTEMPT_START, // the files of its target were read again
	REQUEST_ATTEMPT_ENDED,
	REQUEST_ATTEMPT_LOST, // its host cannot be reached: @problem says why
	REQUEST_ATTEMPT_FOUND,
	REQUEST_FILE_FETCHED,   // it is on our disk, or will never be
	REQUEST_JOURNAL_BEHIND, // a post of ours, of @server_ms, is not known here
	REQUEST_SERVER_LOST,
	REQUEST_SERVER_BACK,
	REQUEST_SOURCE_CHANGED,
	REQUEST_SOURCE_BROKEN,
	REQUEST_TEXTS_BROKEN,
	REQUEST_BOT_STARTED,
};
#define REQUEST_TYPE_COUNT (REQUEST_BOT_STARTED + 1)

struct request_tap {
	const char *user;
	const char *emoji;
	int64_t server_ms; // update_at
};

struct request {
	enum request_type type;

	/* said in chat */
	const char *user; // id
	const char *post; // the message's id; for taps and posts: the watched post
	const char *root; // thread it stands in; NULL: the channel
	const char *command; // name as in commands/, for the record
	const char *words;   // the message, one line, capped
	int64_t late_ms;     // how long ago it was said, by the server's clock
	const char *step;    // a step's number as typed
	bool wants_step;     // a near miss of @meant, which did not say the step
	enum request_type meant;
	const char *text; // WHY, evidence, note, GROUP, or the near miss's answer
	const struct plan_value *params; // of plan: NAME=VALUE
	size_t param_count;
	const char *const *files; // attached to the message: the server's ids
	size_t file_count;
	const char *role;  // of delegate; of override the gate, as typed
	const char *who;   // of delegate: a username
	const char *until; // of delegate: "02:30" UTC or "4h"; NULL: not said

	/*
	 * plan, rehearse, start, gate verified: the plan as the files, the config
	 * and (plan) the parameters now make it, sealed; NULL with @plan_problem
	 * where it could not be made.  decide() takes nothing over: a plan.fixed
	 * event borrows @plan.
	 */
	const struct plan_record *plan;
	const char *plan_problem;

	/* taps, gate verified */
	const struct request_tap *taps;
	size_t tap_count;
	bool fresh; // taps: asked for by EFFECT_READ_TAPS; gate verified: all was
				// read afresh, else @problem says why not
	const char *problem;

	/* posted: which of them; post changed */
	uint32_t gate; // gate or poll instance; 0: a step's
	uint32_t run;
	uint32_t step_index;
	bool deleted;
	bool edited;
	int64_t server_ms; // posted: its create_at

	/* attempt start, ended, lost, found */
	uint32_t block;
	uint32_t host;
	uint32_t attempt;
	const struct plan_target *target; // as read now; NULL: no answer (@problem)
									  // start: @reason, if it cannot begin
	bool may_run;                     // lost: it may have begun there
	enum outcome outcome;
	int32_t exit_status;
	int64_t duration_ms;
	const char *reason;
	const char *tail;
	const char *log;
	uint64_t lines;
	const struct plan_value *values;
	size_t value_count;

	/* file fetched; outcome: ok, else @reason */
	uint32_t file;         // its place in the run
	const char *file_name; // as it was sent; NULL: not known
	const char *file_path; // below the state folder
	uint64_t file_bytes;
	const char *file_digest; // SHA-256, hex
};

#endif
