#ifndef HEARING_H
#define HEARING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

/*
 * What steprun says on the other end of a connection (exec/attend.h): a word,
 * a length, a newline and so many bytes, again and again.  Before its first
 * words a login shell may have said what it likes.
 *
 *	(chatter) --attend or missing--> head --> body --+
 *	                                   ^-------------+
 */

struct hearing {
	char head[64];
	size_t head_len;
	char word[16];
	size_t left; // of the bytes
	bool in_body;
	bool begun;
	struct str body;
};

/* What was heard: a piece of a log as it comes, or a whole frame. */
struct heard {
	const char *word; // NULL: nothing yet
	const char *bytes;
	size_t len;
	bool whole; // it is the end of the frame
};

void hearing_init(struct hearing *hearing);
void hearing_finish(struct hearing *hearing);

/* Another connection begins. */
void hearing_reset(struct hearing *hearing);

/*
 * Take some of the @len bytes, at least one; *@heard is valid until the next
 * call.  Returns how many; 0 with @err: it makes no sense, and the rest will
 * not either.
 */
size_t hearing_take(struct hearing *hearing, const char *bytes, size_t len,
		struct heard *heard, struct err *err)
		__attribute__((warn_unused_result));

#endif
