#ifndef CONTACT_H
#define CONTACT_H

#include "render/speak.h"

/*
 * The last call before a silence is left to itself: what waits, said in each
 * channel that is the contact of a role which does not answer.  The bridge's
 * own channel is none of them, for there it was said already.
 */

/* What waits. */
struct contact_call {
	const struct runbook *runbook;
	const struct run *run; // NULL: a plan's gate
	const char *key;       // of the call in the bridge's channel
	const char *title;     // "T0", "4.2.2 Deploy changes"
	int64_t since_ms;
	const struct role_set *slots; // each empty, or unanswered
	size_t slot_count;
};

void contact_speak(
		const struct speech *speech, const struct contact_call *call);

#endif
