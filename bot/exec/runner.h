#ifndef RUNNER_H
#define RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Starts commands that outlive the bot, and tells how they ended.  An
 * interface, so that a simulation can stand in; exec/steprunner.h is the real
 * one.  It speaks of processes and requests and does not know what a run is.
 *
 * An *attempt* is one block on one host, once, under an id that is never used
 * again.  prepare() makes its place, before it goes on record that the attempt
 * starts.  ensure() is idempotent: the first call with an id starts it, any
 * later one (after a restart too) goes on following it, and one that has ended
 * is told as ended again.  Where the place is gone nobody knows what it did, and
 * it is not started.  So at most one process is ever started for an id:
 *
 *	(nothing) --prepare--> ready --ensure--> running --ends--> ended
 *	                                            |
 *	                place gone, no trace of its end --> unknown
 */

struct runner;
struct ssh_host;

enum attempt_kind {
	ATTEMPT_SH,
	ATTEMPT_HTTP,
};

struct attempt_spec {
	const char *id; // [A-Za-z0-9._-]+, also the name of its folder
	enum attempt_kind kind;
	const char *text;              // the script, or the request, byte for byte
	const char *workdir;           // where a script runs
	const char *const *env;        // "NAME=value", NULL-terminated: all it sees
								   // beside PATH, HOME, USER and LANG
	const char *const *masked;     // values to mask in output, NULL-terminated
	const char *const *conditions; // RUNBOOK-FORMAT section 5, NULL-terminated
	const char *const *sets;       // names it must publish, NULL-terminated
	const char *const *may_set;    // and may, when another block of its step
								   // can do it instead; NULL: none
	int64_t timeout_ms;            // in the run's time
	int64_t grace_ms;              // between TERM and KILL; 0: 10 s
	const struct ssh_host *host;   // NULL: this machine
	int64_t begin_by_ms;           // there: it does not begin later, in the
								   // run's time; 0: whenever it can
};

enum attempt_end {
	ATTEMPT_OK,          // ended, and every condition holds
	ATTEMPT_FAILED,      // ended, and something does not
	ATTEMPT_TIMED_OUT,   // was ended for its time
	ATTEMPT_CANCELLED,   // was ended because cancel() said so
	ATTEMPT_UNKNOWN,     // its runner died: it may have done its work or not
	ATTEMPT_NOT_STARTED, // the command never began; nothing has happened
};

struct attempt_value {
	const char *name;
	const char *value;
};

struct attempt_result {
	enum attempt_end end;
	int exit_status;    // -1 when it did not exit by itself
	int signal;         // 0 when none
	int http_status;    // 0 for a script
	int64_t started_ms; // the run's time
	int64_t ended_ms;
	const char *reason; // one line for people: "exit 1", "wanted …, got …"
	const char *tail;   // its last lines, masked, at most 4 KiB of valid UTF-8
	uint64_t lines;     // of output in all
	const char *log_path;               // whole masked output
	const struct attempt_value *values; // what it published
	size_t value_count;
};

/* Whether the machine that an attempt is on answers. */
struct attempt_reach {
	bool lost;       // it has not for ATTEMPT_LOST_MS
	bool may_run;    // lost: the attempt may have begun there
	const char *why; // lost: for people
};

#define ATTEMPT_LOST_MS 10000 // real

struct runner_sink {
	/* Told once per ensure() of an id, from the loop, never from inside it. */
	void (*ended)(
			void *data, const char *id, const struct attempt_result *result);
	/*
	 * The machine of a followed attempt was lost, or answers (told the first
	 * time too).  The attempt stays open, and is tried again.  May be NULL.
	 */
	void (*reach)(
			void *data, const char *id, const struct attempt_reach *reach);
};

struct runner_api {
	/* Make a place for an attempt that is not on record as started.  Durable;
	 * again does no harm.  One that has begun nevertheless is of a journal that is
	 * no longer: it ends unknown. */
	bool (*prepare)(struct runner *runner, const char *id, struct err *err);
	/* Start it, or go on following it.  @spec is copied. */
	void (*ensure)(struct runner *runner, const struct attempt_spec *spec);
	/* TERM, then KILL, to all of it.  Durable: holds across a restart. */
	void (*cancel)(struct runner *runner, const char *id);
	/*
	 * The attempt will not be heard of again (its host is gone, a person said
	 * so): stop following it.
	 */
	void (*forget)(struct runner *runner, const char *id);
	/*
	 * Whether an id that was journalled as started has begun, or may have
	 * because its place is gone; if not it can still be started safely.
	 */
	bool (*has_begun)(struct runner *runner, const char *id);
	/*
	 * Remove what is kept of attempts of which @may_go says so, and that are
	 * not followed; not all at once.  Whether there may be more.
	 */
	bool (*sweep)(struct runner *runner,
			bool (*may_go)(void *data, const char *id), void *data);
	void (*destroy)(struct runner *runner);
};

struct runner {
	const struct runner_api *api;
};

#endif
