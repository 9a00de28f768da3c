#ifndef EVENT_H
#define EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/plan.h"

/*
 * One line of the journal: something that has happened and cannot be argued
 * with.  Names are in the past tense.  Add types at the end and never reuse
 * one: old journals must replay for ever.
 *
 * All events share one flat struct; event_specs says which fields a type
 * carries, and codec/event_json writes and reads just those.  An event borrows
 * its strings from whoever built it; bridge_fold() copies what it keeps.
 */

enum event_type {
	/* the bridge */
	EVENT_BOT_STARTED,    // text: version; number: events replayed
	EVENT_SERVER_LOST,    // no fresh answer for 60 s
	EVENT_SERVER_BACK,    // duration: how long it was lost
	EVENT_SOURCE_CHANGED, // runbook or config was read again; text: what of it
	EVENT_SOURCE_BROKEN,  // it does not parse: the old stays; text: why
	EVENT_COMMAND_ANSWERED, // a question: name: the command, text: its words
	EVENT_COMMAND_REFUSED,  // name: the command, text: why, who could, what now
	EVENT_NOTE_TAKEN,

	/* the plan */
	EVENT_PLAN_FIXED, // record; digest; user

	/* gates; `gate` is the instance's number */
	EVENT_GATE_OPENED, // index: gate of the runbook; purpose; user: the asker;
					   // until: closes; valid: how long good; digest; name:
					   // hash of the holders; text: WHY of a rollback
	EVENT_GATE_POSTED, // post; server_ms: its create_at
	EVENT_GATE_APPROVED,  // user, name: emoji, server_ms: update_at
	EVENT_GATE_ASKED,     // asking is approving: user, post: the command's
	EVENT_GATE_WITHDRAWN, // user; their ✅ is gone
	EVENT_GATE_OBJECTED,  // user, name, server_ms: ❌, counts in 10 s
	EVENT_GATE_OBJECTION_LIFTED, // user
	EVENT_GATE_TAP_REFUSED,      // user tapped and does not count; text: why
	EVENT_GATE_BACKUP_CALLED,    // backups count from now; until: since when
	EVENT_GATE_PASSED,           // values: slot=user, in slot order
	EVENT_GATE_CLOSED, // outcome: refused, expired, void; user; text: why
	EVENT_GATE_USED,   // read afresh: the first command behind it is about to
					   // start; again, if something came between

	/* polls; `gate` is the instance's number too */
	EVENT_POLL_OPENED, // name: group; user: asker
	EVENT_POLL_POSTED, // post
	EVENT_POLL_VOTED,  // user; outcome: yes, no, none (taken back)
	EVENT_POLL_CLOSED,

	/* runs */
	EVENT_RUN_BEGUN,    // run, kind, digest, user
	EVENT_RUN_T0,       // until: T0
	EVENT_RUN_HELD,     // user or NULL (the bot); text: why; cause
	EVENT_RUN_RESUMED,  // user or NULL
	EVENT_RUN_DECIDING, // the last smoke test has ended
	EVENT_RUN_SUCCEEDED,
	EVENT_RUN_ROLLING_BACK, // the gate has passed; values: undo values
	EVENT_RUN_ROLLED_BACK,
	EVENT_RUN_ABORT_ASKED, // must be said twice while a command runs
	EVENT_RUN_ABORTED,     // user, text
	EVENT_RUN_REHEARSED,   // outcome: ok or failed; text: why it does not count
	EVENT_RUN_WATCHED,     // .post has ended
	EVENT_RUN_CLOSED,
	EVENT_RUN_FILES_CHANGED,  // tracked files differ; text: which; digest: new
	EVENT_RUN_FILES_ACCEPTED, // the new ones run from now; digest
	EVENT_STATUS_DUE, // number: index on the grid; until: grid time; count:
					  // grid times missed before it

	/* steps */
	EVENT_STEP_ASKED,      // a manual step or an `ask` waits for its owner
	EVENT_STEP_POSTED,     // post: takes taps
	EVENT_STEP_CLAIMED,    // user
	EVENT_STEP_ALLOWED,    // `!run` of an ask step; user; values: taken over
						   // from a step of unknown outcome
	EVENT_ATTEMPT_STARTED, // step, block, host, attempt; until: timeout
	EVENT_ATTEMPT_ENDED,   // outcome, exit_status, duration, text: reason,
						   // detail: tail, path: log, number: lines, values
	EVENT_STEP_ENDED,   // outcome; user where a person said so; text: evidence
	EVENT_STEP_RETRIED, // user
	EVENT_STEP_CANCELLING,  // user: `!fail` while it runs; text
	EVENT_STEP_EVIDENCE,    // user, text: added to a step that has ended
	EVENT_STEP_TAP_REFUSED, // user tapped and does not count; text: why
	EVENT_STEP_CONFIRMED, // `!done` of an unknown outcome: its block went well;
						  // values: what it had published, taken over

	/* people */
	EVENT_DEPUTY_NAMED,       // user names detail, an id, for role name; until
	EVENT_GATE_OVERRIDE_SAID, // user, text: one of those that it takes
	EVENT_GATE_OVERRIDDEN,    // it passes; values as in passed, "" where empty
	EVENT_GATE_REVIEWED,      // user, text: one of the skipped has looked
	EVENT_STEP_ESCALATED, // count: 1 the backups, 2 the lead and the contact
	EVENT_GATE_ESCALATED,

	/* hosts */
	EVENT_ATTEMPT_LOST,  // its host cannot be reached; text: why; count: 1
						 // where it may have begun there
	EVENT_ATTEMPT_FOUND, // it answers again; duration: how long it did not

	/* the bridge again */
	EVENT_TEXTS_BROKEN, // some of the user's templates cannot be used, and the
						// built-in ones are; text: why
	EVENT_BOT_BEHIND,   // the channel has posts of ours that the journal does
			// not know; until: when the first was made, the server's

	/* files that people attached; `index` is the file's place in its run */
	EVENT_FILE_OFFERED, // name: the server's id, user, post, text: said with it
	EVENT_FILE_KEPT,    // name: as sent, path: below the state folder, number:
						// bytes, digest: SHA-256
	EVENT_FILE_LOST,    // name: as far as known, text: why
};
#define EVENT_TYPE_COUNT (EVENT_FILE_LOST + 1)

/* How something ended.  Stored by name. */
enum outcome {
	OUTCOME_NONE,
	OUTCOME_OK,
	OUTCOME_FAILED,
	OUTCOME_TIMED_OUT,
	OUTCOME_CANCELLED,
	OUTCOME_UNKNOWN,
	OUTCOME_NOT_STARTED,
	OUTCOME_SKIPPED,     // by the lead, after a failure
	OUTCOME_PASSED,      // `!pass`: not needed
	OUTCOME_PASSED_OVER, // a rollback step whose value was never published
	OUTCOME_EXCLUDED,    // its `when` does not hold
	OUTCOME_YES,
	OUTCOME_NO,
	OUTCOME_REFUSED,
	OUTCOME_EXPIRED,
	OUTCOME_VOID,
};
#define OUTCOME_COUNT (OUTCOME_VOID + 1)

enum run_kind {
	RUN_REHEARSAL,
	RUN_PRODUCTION,
};

/* What a gate's approval lets happen. */
enum gate_purpose {
	PURPOSE_PLAN,
	PURPOSE_START, // T0
	PURPOSE_STEP,  // a gate on a later heading
	PURPOSE_SUCCESS,
	PURPOSE_ROLLBACK,
	PURPOSE_FILES, // tracked files changed: the start's slots again
};
#define PURPOSE_COUNT (PURPOSE_FILES + 1)

/* A plan with the text it was made from: what runs, from then on. */
struct plan_record {
	struct plan plan; // plan.runbook is owned here
	struct runbook *runbook;
	char *source; // the document, byte for byte
};

#define EVENT_NO_STEP UINT32_MAX

struct event {
	enum event_type type;
	int64_t at_ms; // when it happened, Unix ms; the only clock the core knows
	uint32_t run;  // 7 of LB-7; 0: none
	uint32_t gate; // instance of a gate or poll; 0: none
	uint32_t step; // index in the run's plan; EVENT_NO_STEP
	uint32_t block;
	uint32_t host;
	uint32_t attempt; // from 1, of this block on this host
	uint32_t index;
	uint32_t count;
	uint64_t number;
	enum run_kind kind;
	enum gate_purpose purpose;
	enum outcome outcome;
	int32_t exit_status;
	int64_t until_ms;
	int64_t valid_ms;
	int64_t duration_ms;
	int64_t server_ms; // by the server's clock
	const char *user;  // who, by id; NULL: the bot by itself
	const char *post;  // a post's id
	const char *root;  // thread to answer in; NULL: the channel
	const char *name;
	const char *text;
	const char *detail;
	const char *path;
	const char *digest;
	const struct plan_value *values;
	size_t value_count;
	const struct plan_record *record; // plan.fixed only
};

/* Bits of event_spec.fields, one for each field above but type and at_ms. */
enum event_field {
	FIELD_RUN = 1u << 0,
	FIELD_GATE = 1u << 1,
	FIELD_STEP = 1u << 2,
	FIELD_BLOCK = 1u << 3,
	FIELD_HOST = 1u << 4,
	FIELD_ATTEMPT = 1u << 5,
	FIELD_INDEX = 1u << 6,
	FIELD_COUNT = 1u << 7,
	FIELD_NUMBER = 1u << 8,
	FIELD_KIND = 1u << 9,
	FIELD_PURPOSE = 1u << 10,
	FIELD_OUTCOME = 1u << 11,
	FIELD_EXIT = 1u << 12,
	FIELD_UNTIL = 1u << 13,
	FIELD_VALID = 1u << 14,
	FIELD_DURATION = 1u << 15,
	FIELD_SERVER = 1u << 16,
	FIELD_USER = 1u << 17,
	FIELD_POST = 1u << 18,
	FIELD_ROOT = 1u << 19,
	FIELD_NAME = 1u << 20,
	FIELD_TEXT = 1u << 21,
	FIELD_DETAIL = 1u << 22,
	FIELD_PATH = 1u << 23,
	FIELD_DIGEST = 1u << 24,
	FIELD_VALUES = 1u << 25,
	FIELD_RECORD = 1u << 26,
};

struct event_spec {
	const char *name;  // "step.started": stable, in every journal
	unsigned fields;   // that it carries; strings of it may still be NULL
	unsigned required; // that must not be missing when read back
};

const struct event_spec *event_spec(enum event_type type);

/* The type called @name; false if there is none. */
bool event_type_by_name(const char *name, enum event_type *type);

/* A zeroed event of @type with step set to EVENT_NO_STEP. */
struct event event_make(enum event_type type, int64_t at_ms);

const char *outcome_name(enum outcome outcome);
bool outcome_by_name(const char *name, enum outcome *outcome);
const char *purpose_name(enum gate_purpose purpose);
bool purpose_by_name(const char *name, enum gate_purpose *purpose);
const char *run_kind_name(enum run_kind kind);

/* Free a record and all it owns.  Accepts NULL. */
void plan_record_destroy(struct plan_record *record);

#endif
