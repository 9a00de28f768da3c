#ifndef STEPFOLDER_H
#define STEPFOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "sys/boot.h"

struct str;

/*
 * An attempt's folder: what the bot and the step runner, who never speak to
 * each other, tell each other by.  Each file has one writer.
 *
 *	spec       bot      what to run; has secrets, gone once it began
 *	armed      bot      becomes `cancel`: a rename needs no room on the disk
 *	cancel     bot      end it
 *	seen       bot      the status was read
 *	lost       bot      all this is of a journal that is no longer
 *	lock       runner   locked while the runner lives
 *	alive      runner   locked while it or anything it started lives
 *	started    runner   the mark: made durable before the command is started
 *	log        runner   what the command said (exec/steplog.h), or the body
 *	published  command  NAME=value lines
 *	status     runner   how it ended; renamed into place, whole
 *	offered    bot      a host over ssh may have begun it (exec/far.h)
 *	attend     runner   locked while a connection is served (exec/attend.h)
 *	turn       runner   whose turn it is to serve one
 *
 * Locks are those of open file descriptions: they can be asked for without
 * being taken, and a child inherits them.
 */

#define STEP_SPEC      "spec"
#define STEP_ARMED     "armed"
#define STEP_CANCEL    "cancel"
#define STEP_SEEN      "seen"
#define STEP_LOST      "lost"
#define STEP_LOCK      "lock"
#define STEP_ALIVE     "alive"
#define STEP_STARTED   "started"
#define STEP_LOG       "log"
#define STEP_PUBLISHED "published"
#define STEP_STATUS    "status"
#define STEP_OFFERED   "offered"
#define STEP_ATTEND    "attend"
#define STEP_TURN      "turn"

/* How steprun exits. */
#define STEP_EXIT_DONE      0
#define STEP_EXIT_NOT_BEGUN 3 // nothing has happened; the reason is on stderr
#define STEP_EXIT_OTHER     4 // another runner has, or had, this attempt

struct step_spec {
	char *script;
	char *workdir; // absolute
	char **env;    // NULL-terminated
	char **masked; // NULL-terminated
	int64_t timeout_ms;
	int64_t grace_ms;
	size_t log_cap;   // bytes; 0: the default
	char *clock_path; // run clock; "" if the clock is the system's
	char *clock_name;
};

/* The name of attempt @id on the run clock; to be freed. */
char *step_clock_name(const char *id) __attribute__((warn_unused_result));

void step_spec_finish(struct step_spec *spec);

/* Add @spec to @out as it stands in a file.  It has secrets: to be wiped. */
bool step_spec_format(struct str *out, const struct step_spec *spec,
		struct err *err) __attribute__((warn_unused_result));

/* Write @spec to the file @path, mode 0600, whole or not at all. */
bool step_spec_write(const char *path, const struct step_spec *spec,
		struct err *err) __attribute__((warn_unused_result));

/* Read what step_spec_write() wrote.  *spec is to be finished even on false. */
bool step_spec_read(const char *path, struct step_spec *spec, struct err *err)
		__attribute__((warn_unused_result));

/* Who began it. */
struct step_mark {
	pid_t pid;
	uint64_t start_ticks; // of the process, since boot
	char boot[BOOT_ROOM]; // the kernel's id of this boot
	int64_t started_ms;
};

/* Fill in this process; false with ERR_IO where /proc cannot be read. */
bool step_mark_self(struct step_mark *mark, struct err *err)
		__attribute__((warn_unused_result));

/* Whether the process @pid of this boot is the one in @mark. */
bool step_mark_is(const struct step_mark *mark, pid_t pid);

/* Make the mark durable.  False with ERR_REFUSED if there is one. */
bool step_mark_write(const char *path, const struct step_mark *mark,
		struct err *err) __attribute__((warn_unused_result));

/* An empty or cut-off mark (the power failed) is still one, of pid 0. */
bool step_mark_read(const char *path, struct step_mark *mark, struct err *err)
		__attribute__((warn_unused_result));

enum step_end {
	STEP_EXITED,
	STEP_SIGNALLED,
	STEP_TIMED_OUT,
	STEP_CANCELLED,
	STEP_NOT_STARTED,
	STEP_ANSWERED,   // a request: http_status counts
	STEP_UNANSWERED, // a request: it was not received, or asking did no harm
	STEP_BROKEN,     // a request: it may have been received or not
};

#define STEP_REASON_ROOM 240
#define STEP_RECENT_MAX  4096

struct step_status {
	enum step_end end;
	int exit_status; // -1: did not exit by itself
	int signal;
	int http_status;
	int64_t started_ms;
	int64_t ended_ms;
	int64_t took_ms; // measured on the clock that the timeout is measured on
	uint64_t lines;
	uint64_t left_out; // bytes of output, for the cap
	int log_error;     // errno
	char reason[STEP_REASON_ROOM];
	char *recent; // last lines, where the log could not be written; or NULL
};

void step_status_finish(struct step_status *status);

/*
 * Reserve room for a status in the file @path, so that one can be written on a
 * full disk.  Returns the descriptor or -1.
 */
int step_status_reserve(const char *path, struct err *err)
		__attribute__((warn_unused_result));

/* Write @status into @fd and rename @from to @to.  May be tried again. */
bool step_status_write(int fd, const char *from, const char *to,
		const struct step_status *status, struct err *err)
		__attribute__((warn_unused_result));

/* ERR_NOT_FOUND if there is none. */
bool step_status_read(const char *path, struct step_status *status,
		struct err *err) __attribute__((warn_unused_result));

/* Open, creating it, and lock the file @path.  Returns the descriptor, or -1
 * with ERR_REFUSED if it is locked. */
int step_lock(const char *path, struct err *err)
		__attribute__((warn_unused_result));

/* Whether somebody holds a lock on the file @path; takes none itself. */
bool step_is_locked(const char *path);

#endif
