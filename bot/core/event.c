#include "core/event.h"

#include <assert.h>
#include <string.h>

#define COMMAND \
	(FIELD_RUN | FIELD_USER | FIELD_POST | FIELD_ROOT | FIELD_NAME | \
			FIELD_TEXT | FIELD_DETAIL)
#define TRY  (FIELD_RUN | FIELD_STEP | FIELD_BLOCK | FIELD_HOST | FIELD_ATTEMPT)
#define SAID (FIELD_RUN | FIELD_USER | FIELD_POST | FIELD_ROOT | FIELD_TEXT)
#define TAP \
	(FIELD_RUN | FIELD_GATE | FIELD_USER | FIELD_NAME | FIELD_SERVER | \
			FIELD_POST)

static const struct event_spec specs[EVENT_TYPE_COUNT] = {
	[EVENT_BOT_STARTED] = { "bot.started",
			FIELD_TEXT | FIELD_NUMBER | FIELD_DURATION, 0 },
	[EVENT_SERVER_LOST] = { "server.lost", FIELD_TEXT, 0 },
	[EVENT_SERVER_BACK] = { "server.back", FIELD_DURATION, 0 },
	[EVENT_SOURCE_CHANGED] = { "source.changed", FIELD_TEXT, 0 },
	[EVENT_SOURCE_BROKEN] = { "source.broken", FIELD_TEXT, FIELD_TEXT },
	[EVENT_COMMAND_ANSWERED] = { "command.answered", COMMAND,
			FIELD_USER | FIELD_NAME },
	[EVENT_COMMAND_REFUSED] = { "command.refused", COMMAND,
			FIELD_USER | FIELD_TEXT },
	[EVENT_NOTE_TAKEN] = { "note.taken", SAID, FIELD_USER | FIELD_TEXT },

	[EVENT_PLAN_FIXED] = { "plan.fixed",
			FIELD_USER | FIELD_POST | FIELD_ROOT | FIELD_DIGEST | FIELD_RECORD,
			FIELD_USER | FIELD_DIGEST | FIELD_RECORD },

	[EVENT_GATE_OPENED] = { "gate.opened",
			FIELD_RUN | FIELD_GATE | FIELD_INDEX | FIELD_PURPOSE | FIELD_USER |
					FIELD_UNTIL | FIELD_VALID | FIELD_DIGEST | FIELD_NAME |
					FIELD_TEXT | FIELD_POST | FIELD_ROOT,
			FIELD_GATE | FIELD_PURPOSE | FIELD_UNTIL | FIELD_DIGEST },
	[EVENT_GATE_POSTED] = { "gate.posted",
			FIELD_RUN | FIELD_GATE | FIELD_POST | FIELD_SERVER,
			FIELD_GATE | FIELD_POST },
	[EVENT_GATE_APPROVED] = { "gate.approved", TAP, FIELD_GATE | FIELD_USER },
	[EVENT_GATE_ASKED] = { "gate.asked",
			FIELD_RUN | FIELD_GATE | FIELD_USER | FIELD_POST | FIELD_ROOT |
					FIELD_TEXT,
			FIELD_GATE | FIELD_USER },
	[EVENT_GATE_WITHDRAWN] = { "gate.withdrawn", TAP | FIELD_TEXT,
			FIELD_GATE | FIELD_USER },
	[EVENT_GATE_OBJECTED] = { "gate.objected", TAP, FIELD_GATE | FIELD_USER },
	[EVENT_GATE_OBJECTION_LIFTED] = { "gate.objection_lifted", TAP,
			FIELD_GATE | FIELD_USER },
	[EVENT_GATE_TAP_REFUSED] = { "gate.tap_refused", TAP | FIELD_TEXT,
			FIELD_GATE | FIELD_USER | FIELD_TEXT },
	[EVENT_GATE_BACKUP_CALLED] = { "gate.backup_called", FIELD_RUN | FIELD_GATE,
			FIELD_GATE },
	[EVENT_GATE_PASSED] = { "gate.passed",
			FIELD_RUN | FIELD_GATE | FIELD_VALUES | FIELD_DIGEST, FIELD_GATE },
	[EVENT_GATE_CLOSED] = { "gate.closed",
			FIELD_RUN | FIELD_GATE | FIELD_OUTCOME | FIELD_USER | FIELD_TEXT,
			FIELD_GATE | FIELD_OUTCOME },
	[EVENT_GATE_USED] = { "gate.used", FIELD_RUN | FIELD_GATE, FIELD_GATE },

	[EVENT_POLL_OPENED] = { "poll.opened",
			FIELD_RUN | FIELD_GATE | FIELD_NAME | FIELD_USER | FIELD_POST |
					FIELD_ROOT,
			FIELD_GATE | FIELD_NAME },
	[EVENT_POLL_POSTED] = { "poll.posted", FIELD_GATE | FIELD_POST,
			FIELD_GATE | FIELD_POST },
	[EVENT_POLL_VOTED] = { "poll.voted",
			FIELD_GATE | FIELD_USER | FIELD_OUTCOME | FIELD_SERVER,
			FIELD_GATE | FIELD_USER },
	[EVENT_POLL_CLOSED] = { "poll.closed", FIELD_GATE, FIELD_GATE },

	[EVENT_RUN_BEGUN] = { "run.begun",
			FIELD_RUN | FIELD_KIND | FIELD_DIGEST | FIELD_USER | FIELD_POST |
					FIELD_ROOT,
			FIELD_RUN | FIELD_KIND | FIELD_DIGEST },
	[EVENT_RUN_T0] = { "run.t0", FIELD_RUN | FIELD_UNTIL,
			FIELD_RUN | FIELD_UNTIL },
	[EVENT_RUN_HELD] = { "run.held", SAID | FIELD_NAME,
			FIELD_RUN | FIELD_TEXT },
	[EVENT_RUN_RESUMED] = { "run.resumed", SAID, FIELD_RUN },
	[EVENT_RUN_DECIDING] = { "run.deciding", FIELD_RUN, FIELD_RUN },
	[EVENT_RUN_SUCCEEDED] = { "run.succeeded", FIELD_RUN, FIELD_RUN },
	[EVENT_RUN_ROLLING_BACK] = { "run.rolling_back",
			FIELD_RUN | FIELD_VALUES | FIELD_USER, FIELD_RUN },
	[EVENT_RUN_ROLLED_BACK] = { "run.rolled_back", FIELD_RUN, FIELD_RUN },
	[EVENT_RUN_ABORT_ASKED] = { "run.abort_asked", SAID, FIELD_RUN },
	[EVENT_RUN_ABORTED] = { "run.aborted", SAID, FIELD_RUN },
	[EVENT_RUN_REHEARSED] = { "run.rehearsed",
			FIELD_RUN | FIELD_OUTCOME | FIELD_TEXT, FIELD_RUN | FIELD_OUTCOME },
	[EVENT_RUN_WATCHED] = { "run.watched", FIELD_RUN, FIELD_RUN },
	[EVENT_RUN_CLOSED] = { "run.closed", SAID, FIELD_RUN },
	[EVENT_RUN_FILES_CHANGED] = { "run.files_changed",
			FIELD_RUN | FIELD_STEP | FIELD_TEXT | FIELD_DIGEST | FIELD_NAME,
			FIELD_RUN | FIELD_TEXT },
	[EVENT_RUN_FILES_ACCEPTED] = { "run.files_accepted",
			SAID | FIELD_DIGEST | FIELD_NAME, FIELD_RUN | FIELD_DIGEST },
	[EVENT_STATUS_DUE] = { "status.due",
			FIELD_RUN | FIELD_NUMBER | FIELD_UNTIL | FIELD_COUNT,
			FIELD_RUN | FIELD_NUMBER | FIELD_UNTIL },

	[EVENT_STEP_ASKED] = { "step.asked",
			FIELD_RUN | FIELD_STEP | FIELD_COUNT | FIELD_TEXT,
			FIELD_RUN | FIELD_STEP },
	[EVENT_STEP_POSTED] = { "step.posted", FIELD_RUN | FIELD_STEP | FIELD_POST,
			FIELD_RUN | FIELD_STEP | FIELD_POST },
	[EVENT_STEP_CLAIMED] = { "step.claimed", SAID | FIELD_STEP,
			FIELD_RUN | FIELD_STEP | FIELD_USER },
	[EVENT_STEP_ALLOWED] = { "step.allowed", SAID | FIELD_STEP | FIELD_VALUES,
			FIELD_RUN | FIELD_STEP | FIELD_USER },
	[EVENT_ATTEMPT_STARTED] = { "attempt.started",
			TRY | FIELD_UNTIL | FIELD_COUNT,
			FIELD_RUN | FIELD_STEP | FIELD_ATTEMPT },
	[EVENT_ATTEMPT_ENDED] = { "attempt.ended",
			TRY | FIELD_OUTCOME | FIELD_EXIT | FIELD_DURATION | FIELD_TEXT |
					FIELD_DETAIL | FIELD_PATH | FIELD_NUMBER | FIELD_VALUES,
			FIELD_RUN | FIELD_STEP | FIELD_ATTEMPT | FIELD_OUTCOME },
	[EVENT_STEP_ENDED] = { "step.ended",
			SAID | FIELD_STEP | FIELD_OUTCOME | FIELD_COUNT,
			FIELD_RUN | FIELD_STEP | FIELD_OUTCOME },
	[EVENT_STEP_RETRIED] = { "step.retried", SAID | FIELD_STEP,
			FIELD_RUN | FIELD_STEP },
	[EVENT_STEP_CANCELLING] = { "step.cancelling", SAID | FIELD_STEP,
			FIELD_RUN | FIELD_STEP },
	[EVENT_STEP_EVIDENCE] = { "step.evidence", SAID | FIELD_STEP,
			FIELD_RUN | FIELD_STEP | FIELD_USER },
	[EVENT_STEP_TAP_REFUSED] = { "step.tap_refused",
			SAID | FIELD_STEP | FIELD_NAME | FIELD_SERVER,
			FIELD_RUN | FIELD_STEP | FIELD_USER | FIELD_TEXT },
	[EVENT_STEP_CONFIRMED] = { "step.confirmed",
			SAID | FIELD_STEP | FIELD_BLOCK | FIELD_VALUES,
			FIELD_RUN | FIELD_STEP | FIELD_USER },

	[EVENT_DEPUTY_NAMED] = { "deputy.named",
			FIELD_USER | FIELD_POST | FIELD_ROOT | FIELD_NAME | FIELD_DETAIL |
					FIELD_UNTIL,
			FIELD_USER | FIELD_NAME | FIELD_DETAIL | FIELD_UNTIL },
	[EVENT_GATE_OVERRIDE_SAID] = { "gate.override_said", SAID | FIELD_GATE,
			FIELD_GATE | FIELD_USER | FIELD_TEXT },
	[EVENT_GATE_OVERRIDDEN] = { "gate.overridden",
			FIELD_RUN | FIELD_GATE | FIELD_VALUES | FIELD_DIGEST, FIELD_GATE },
	[EVENT_GATE_REVIEWED] = { "gate.reviewed", SAID | FIELD_GATE,
			FIELD_GATE | FIELD_USER | FIELD_TEXT },
	[EVENT_STEP_ESCALATED] = { "step.escalated",
			FIELD_RUN | FIELD_STEP | FIELD_COUNT,
			FIELD_RUN | FIELD_STEP | FIELD_COUNT },
	[EVENT_GATE_ESCALATED] = { "gate.escalated",
			FIELD_RUN | FIELD_GATE | FIELD_COUNT, FIELD_GATE | FIELD_COUNT },

	[EVENT_ATTEMPT_LOST] = { "attempt.lost", TRY | FIELD_TEXT | FIELD_COUNT,
			FIELD_RUN | FIELD_STEP | FIELD_ATTEMPT },
	[EVENT_ATTEMPT_FOUND] = { "attempt.found", TRY | FIELD_DURATION,
			FIELD_RUN | FIELD_STEP | FIELD_ATTEMPT },

	[EVENT_TEXTS_BROKEN] = { "texts.broken", FIELD_TEXT, FIELD_TEXT },
	[EVENT_BOT_BEHIND] = { "bot.behind", FIELD_UNTIL, FIELD_UNTIL },

	[EVENT_FILE_OFFERED] = { "file.offered",
			SAID | FIELD_STEP | FIELD_INDEX | FIELD_NAME,
			FIELD_RUN | FIELD_INDEX | FIELD_USER | FIELD_NAME },
	[EVENT_FILE_KEPT] = { "file.kept",
			FIELD_RUN | FIELD_STEP | FIELD_INDEX | FIELD_USER | FIELD_POST |
					FIELD_ROOT | FIELD_NAME | FIELD_PATH | FIELD_NUMBER |
					FIELD_DIGEST,
			FIELD_RUN | FIELD_INDEX | FIELD_NAME | FIELD_PATH | FIELD_NUMBER |
					FIELD_DIGEST },
	[EVENT_FILE_LOST] = { "file.lost",
			SAID | FIELD_STEP | FIELD_INDEX | FIELD_NAME,
			FIELD_RUN | FIELD_INDEX | FIELD_TEXT },
};

static const char *const outcome_names[OUTCOME_COUNT] = {
	[OUTCOME_NONE] = "none",
	[OUTCOME_OK] = "ok",
	[OUTCOME_FAILED] = "failed",
	[OUTCOME_TIMED_OUT] = "timed_out",
	[OUTCOME_CANCELLED] = "cancelled",
	[OUTCOME_UNKNOWN] = "unknown",
	[OUTCOME_NOT_STARTED] = "not_started",
	[OUTCOME_SKIPPED] = "skipped",
	[OUTCOME_PASSED] = "passed",
	[OUTCOME_PASSED_OVER] = "passed_over",
	[OUTCOME_EXCLUDED] = "excluded",
	[OUTCOME_YES] = "yes",
	[OUTCOME_NO] = "no",
	[OUTCOME_REFUSED] = "refused",
	[OUTCOME_EXPIRED] = "expired",
	[OUTCOME_VOID] = "void",
};

static const char *const purpose_names[PURPOSE_COUNT] = {
	[PURPOSE_PLAN] = "plan",
	[PURPOSE_START] = "start",
	[PURPOSE_STEP] = "step",
	[PURPOSE_SUCCESS] = "success",
	[PURPOSE_ROLLBACK] = "rollback",
	[PURPOSE_FILES] = "files",
};

const struct event_spec *event_spec(enum event_type type) {
	assert((unsigned)type < EVENT_TYPE_COUNT);
	return &specs[type];
}

bool event_type_by_name(const char *name, enum event_type *type) {
	for (unsigned i = 0; i < EVENT_TYPE_COUNT; i++) {
		if (specs[i].name[0] == name[0] && strcmp(specs[i].name, name) == 0) {
			*type = (enum event_type)i;
			return true;
		}
	}
	return false;
}

struct event event_make(enum event_type type, int64_t at_ms) {
	return (struct event){
		.type = type,
		.at_ms = at_ms,
		.step = EVENT_NO_STEP,
	};
}

static bool index_of(const char *const *names, unsigned count, const char *name,
		unsigned *index) {
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0) {
			*index = i;
			return true;
		}
	}
	return false;
}

const char *outcome_name(enum outcome outcome) {
	return outcome_names[outcome];
}

bool outcome_by_name(const char *name, enum outcome *outcome) {
	unsigned index = 0;
	bool found = index_of(outcome_names, OUTCOME_COUNT, name, &index);
	if (found) {
		*outcome = (enum outcome)index;
	}
	return found;
}

const char *purpose_name(enum gate_purpose purpose) {
	return purpose_names[purpose];
}

bool purpose_by_name(const char *name, enum gate_purpose *purpose) {
	unsigned index = 0;
	bool found = index_of(purpose_names, PURPOSE_COUNT, name, &index);
	if (found) {
		*purpose = (enum gate_purpose)index;
	}
	return found;
}

const char *run_kind_name(enum run_kind kind) {
	return kind == RUN_REHEARSAL ? "rehearsal" : "production";
}
