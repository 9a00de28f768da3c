#ifndef PLAYERS_H
#define PLAYERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct sandbox;
struct str;

/*
 * Scripted people on the run clock, who live elsewhere and speak HTTP.  A
 * player holds a slot of the clock, which is busy unless he waits.
 */
struct player;

struct players {
	struct player *first;
};

/* One `POST /sandbox/wait` that is being waited for. */
struct wait {
	char player[64];
	bool has_after;
	uint64_t after;
	int64_t until_ms; // CLOCK_NEVER: any time
	int64_t real_until_us;
};

void players_finish(struct players *players);

/* Begin @wait: its player, who joins if he is new, is idle. */
bool players_begin_wait(
		struct sandbox *sandbox, const struct wait *wait, struct err *err);

/* Why @wait is over ("event", "due", "real"), or NULL.  Over: busy again. */
const char *players_is_over(struct sandbox *sandbox, const struct wait *wait);

/* Let the idle ones take their turn, as a loop would. */
void players_turn(struct players *players);

bool players_leave(struct players *players, const char *name);

#endif
