#ifndef FAULTS_H
#define FAULTS_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct cJSON;
struct str;

/*
 * What goes wrong on demand.  A rule says where it bites, how, how often, and
 * for whom (README.md); the first rule that fits is used, and used up.
 */

enum fault_kind {
	FAULT_NONE,
	FAULT_STATUS,  // answer with `status`
	FAULT_TIMEOUT, // never answer
	FAULT_RESET,   // RST
	FAULT_DELAY,   // answer later
	FAULT_HOLD,    // answer when the rule is deleted
	FAULT_SILENT,  // upgrade, then say nothing
	FAULT_REFUSE_RESUME,
	FAULT_EVENT_DROP,
	FAULT_EVENT_GAP,
	FAULT_EVENT_DUPLICATE,
	FAULT_EVENT_SWAP, // behind the next event
	FAULT_EVENT_DELAY,
	FAULT_STALE,
	FAULT_FORGET_REACTIONS,
};

struct fault {
	enum fault_kind kind;
	unsigned id; // of the rule, for those that hold
	int status;
	bool after; // the request is processed first
	int64_t ms;
	int retry_after_s;
	int64_t since_ms; // stale: the last change when the rule was made
};

struct fault_event {
	enum fault_kind kind;
	int64_t not_before_us;
};

struct rule;

struct faults {
	struct rule *rules;
	unsigned last_id;
	uint64_t fired;
};

void faults_finish(struct faults *faults);

/* Add the rule in @json; its id, or 0 with @err. */
unsigned faults_add(struct faults *faults, const struct cJSON *json,
		int64_t last_stamp, struct err *err);

/* Delete rule @id, or all for 0.  False if there is no such rule. */
bool faults_delete(struct faults *faults, unsigned id);

/* Whether rule @id is still there: what it holds stays held. */
bool faults_has(const struct faults *faults, unsigned id);

/* Add the list of rules, as JSON, to @out. */
void faults_show(const struct faults *faults, struct str *out);

/* What a request, an upgrade, an event, a read, an edit meets. */
struct fault faults_on_request(struct faults *faults, const char *method,
		const char *target, const char *username);
struct fault faults_on_upgrade(struct faults *faults, const char *username);
struct fault_event faults_on_event(
		struct faults *faults, const char *event, const char *username);
struct fault faults_on_read(struct faults *faults, const char *username);
struct fault faults_on_edit(struct faults *faults, const char *username);

/* The monotonic clock, in microseconds. */
int64_t real_now_us(void);

#endif
