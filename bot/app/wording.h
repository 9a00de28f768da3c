#ifndef WORDING_H
#define WORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct journal;

/*
 * What our posts said when they left, for those on which people tap: an admin
 * can rewrite any post, and what was tapped on must be what was asked.  Kept
 * as hashes among the journal's named values.
 */

/* Note, before it leaves, that the post with @key will say @text.  What it said
 * before stands too, until it is known that this has arrived. */
bool wording_remember(struct journal *journal, const char *key,
		const char *text, struct err *err) __attribute__((warn_unused_result));

/* Whether @text is what the post with @key was last made to say, or is about to
 * be.  True also where nothing was noted. */
bool wording_is_ours(
		struct journal *journal, const char *key, const char *text);

/* Note, and tell, when the server made the post with @key, by its own clock,
 * ms; 0: not known. */
void wording_remember_time(
		struct journal *journal, const char *key, int64_t create_at_ms);
int64_t wording_time(struct journal *journal, const char *key);

/* Says so where something had to be cut: all that happened is journalled. */
#define WORDING_CUT "… cut: the rest stands in the journal"

/* @text as valid UTF-8 of at most @most characters (0: no limit), with
 * WORDING_CUT where it had to be cut.  Caller frees. */
char *wording_fit(const char *text, size_t most)
		__attribute__((warn_unused_result));

#endif
