#ifndef MATCH_H
#define MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * Patterns, over PCRE2 and nothing but its interpreter: the JIT compiler
 * ignores two of the three limits and needs writable code pages.  Text is
 * UTF-8; bytes that are none match nothing.
 *
 * A pattern that runs away is stopped, within a millisecond for most and a
 * tenth of a second for all, and that is an error: never take it for "no
 * match".
 */

#define MATCH_PATTERN_MAX ((size_t)4096)  // bytes of a pattern
#define MATCH_SUBJECT_MAX ((size_t)65536) // bytes that it is tried on
#define MATCH_GROUPS_MAX  10              // the whole match and nine groups

enum match_flags {
	MATCH_PLAIN = 0,
	MATCH_IGNORE_CASE = 1,
	MATCH_EXTENDED = 2, // blanks and comments in the pattern do not count
};

struct match; // a compiled pattern

struct match_group {
	const char *start; // within the subject; NULL: took no part in the match
	size_t len;
};

struct match_found {
	size_t count; // groups of the pattern + 1, at most MATCH_GROUPS_MAX
	struct match_group groups[MATCH_GROUPS_MAX]; // [0] is the whole match
};

/*
 * Compile the @len bytes at @pattern.  On failure NULL, the reason in *err
 * and in *offset the byte of the pattern where it stopped making sense.
 */
struct match *match_compile(const char *pattern, size_t len, unsigned flags,
		size_t *offset, struct err *err) __attribute__((warn_unused_result));

/* Accepts NULL. */
void match_free(struct match *match);

enum match_answer {
	MATCH_NO,
	MATCH_YES,
	MATCH_ERROR, // *err says why: too expensive, or the subject is too long
};

/* Look for the pattern anywhere in @subject.  @found may be NULL. */
enum match_answer match_find(const struct match *match, const char *subject,
		size_t len, struct match_found *found, struct err *err)
		__attribute__((warn_unused_result));

#endif
