#ifndef CONDITION_H
#define CONDITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * What must hold after a block has run for it to count as done: one line of
 * an `expect` block, or one code span of a smoke test's Expected cell.
 *
 *	exit 3                          the exit status
 *	http 200 · http 2xx             the answer's status
 *	within 5m                       how long it took (ms, s, m, h)
 *	output contains "Healthy"       standard output, or the body
 *	output matches /ok\s*=\s*true/  a pattern (codec/match.h)
 *	json .items[0]["name"] == "x"   the output as JSON; == != < <= > >=
 *
 * Texts are written as JSON strings.  A condition that could never fail (an
 * empty text, an empty pattern) does not parse.
 */

enum condition_kind {
	CONDITION_EXIT,
	CONDITION_HTTP,
	CONDITION_WITHIN,
	CONDITION_CONTAINS,
	CONDITION_MATCHES,
	CONDITION_JSON,
};

struct condition;

/* How a block ended. */
struct condition_subject {
	bool http;           // a request; else a script
	int exit_status;     // of a script; -1: it did not exit by itself
	int http_status;     // of a request; 0: none
	int64_t duration_ms; // in the run's time
	const char *output;  // standard output or the body, NUL-terminated
	size_t output_len;
	const char *output_missing; // why part of it is not there; NULL: it is
};

/*
 * Parse one condition.  On failure NULL, the reason and what to write instead
 * in *err, and in *column the byte of @text, counted from 0, that is wrong.
 */
struct condition *condition_parse(const char *text, size_t *column,
		struct err *err) __attribute__((warn_unused_result));

/* Accepts NULL. */
void condition_free(struct condition *condition);

enum condition_kind condition_kind(const struct condition *condition);

/* Whether @text begins with a condition's word: it means to be one. */
bool condition_is_meant(const char *text);

/*
 * Whether it holds.  If not, *err says in one line what was wanted and what
 * was found (ERR_REFUSED), or why that cannot be told (ERR_INVALID: the
 * pattern is too expensive, part of the output is not there, it is no JSON).
 */
bool condition_holds(const struct condition *condition,
		const struct condition_subject *subject, struct err *err)
		__attribute__((warn_unused_result));

/*
 * Whether all @texts (NULL-terminated, may be NULL) hold, and with them what
 * is implied where no condition names another: `exit 0` of a script, `http
 * 2xx` of a request.  *err tells of the first that does not.
 */
bool condition_all_hold(const char *const *texts,
		const struct condition_subject *subject, struct err *err)
		__attribute__((warn_unused_result));

#endif
