#ifndef FLOOD_H
#define FLOOD_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How many commands one person is heard with in ten seconds: more than anybody
 * types, so that a script that talks to the bot by mistake, or in anger, keeps
 * nobody else's word from being heard.  Time is that of the server.  What is
 * told again after a gap, before the journal knows of it, is the same word.
 */
#define FLOOD_MOST 60
#define FLOOD_MS   10000

struct flood;

struct flood *flood_create(void) __attribute__((warn_unused_result));

/* Accepts NULL. */
void flood_destroy(struct flood *flood);

/*
 * Count the command @post of @user's, said at @at_ms; returns which of the
 * window's it is, from 1 on.
 */
unsigned flood_count(
		struct flood *flood, const char *user, const char *post, int64_t at_ms);

#endif
