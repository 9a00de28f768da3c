#ifndef ALARM_H
#define ALARM_H

#include <stdbool.h>

struct loop;
struct server;
struct voice;

/*
 * Tells the channel that the journal cannot be written, which cannot go through
 * the journal, and that it can again.  Once each: what fails for a moment only
 * is not spoken of.
 *
 *	quiet --fails--> waits --still fails--> tells --posted--> told
 *	  ^                |                      |                 |
 *	  +----written-----+---------written------+                 |
 *	  +------posted------ tells that it can again <---written---+
 */
struct alarm;

/* All is borrowed until alarm_destroy(). */
struct alarm *alarm_create(struct loop *loop, struct server *server,
		struct voice *voice) __attribute__((warn_unused_result));

/* The server must be gone already, or must not answer any more.  Accepts
 * NULL. */
void alarm_destroy(struct alarm *alarm);

/* The journal could not be written, and @why; or it was (NULL). */
void alarm_note(struct alarm *alarm, const char *why);

#endif
