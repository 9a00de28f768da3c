#ifndef STEPLOG_H
#define STEPLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "exec/mask.h"

/*
 * What a command said, in one append-only file that people can read:
 *
 *	2025-10-26T03:01:22.123Z | a line of standard output
 *	2025-10-26T03:01:22.456Z ! a line of standard error
 *	2025-10-26T03:01:23.001Z |+a part of a line that goes on, or never ended
 *	2025-10-26T03:01:24.000Z # a remark of the step runner's own
 *
 * Secret values are hidden before anything is written.  Beyond its cap the
 * file keeps the head and, written at the end, the tail, with a remark of how
 * much was left out.  A full disk does not stop the command: the tail is kept
 * in memory, and what was lost is told.
 */

enum step_stream {
	STEP_STDOUT,
	STEP_STDERR,
};

struct steplog; // the writer's side

/* What went into it. */
struct steplog_totals {
	uint64_t lines;
	uint64_t bytes;    // as the command wrote them
	uint64_t left_out; // bytes of the file, for its cap
	int error;         // errno of the first write that failed, or 0
};

/*
 * Write to @fd, an empty file, which is borrowed; @mask is borrowed too.
 * @cap in bytes of the file; 0: 50 MiB.
 */
struct steplog *steplog_create(int fd, const struct mask *mask, size_t cap)
		__attribute__((warn_unused_result));
void steplog_destroy(struct steplog *log); // accepts NULL

/* Add what was read from @stream at @now_ms.  Whole lines are written. */
void steplog_add(struct steplog *log, enum step_stream stream,
		const char *bytes, size_t len, int64_t now_ms);

/* Add a remark of one line. */
void steplog_remark(struct steplog *log, const char *text, int64_t now_ms);

/* Write what is held back: unfinished lines and the tail.  Then fsync. */
void steplog_end(struct steplog *log, int64_t now_ms);

struct steplog_totals steplog_totals(const struct steplog *log);

/* The last lines as they stand in memory, at most @max bytes, added to @out. */
void steplog_recent(const struct steplog *log, struct str *out, size_t max);

/*
 * The reader's side.  Add to @output the standard output in the log @path,
 * byte for byte but for what was hidden.
 */
bool steplog_read_output(const char *path, struct str *output, struct err *err)
		__attribute__((warn_unused_result));

/*
 * Add to @tail the last lines of both streams and the remarks, at most @max
 * bytes of UTF-8: without times, terminal sequences and what a carriage return
 * has overwritten.  Nothing is added where there is no log.
 */
void steplog_read_tail(const char *path, struct str *tail, size_t max);

/* The same of @text, which is lines of a log. */
void steplog_tail_of_log(
		const char *text, size_t len, struct str *tail, size_t max);

/* The same of plain @text, such as a body. */
void steplog_tail_of(
		const char *text, size_t len, struct str *tail, size_t max);

/* Lines in the log @path; 0 where there is none. */
uint64_t steplog_count_lines(const char *path);

#endif
