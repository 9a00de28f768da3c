#ifndef VOICE_H
#define VOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bridge.h"
#include "core/decide.h"
#include "core/event.h"
#include "journal/journal.h"

/*
 * Puts what happened into words: rows for the outbox, under keys that a replay
 * of the journal makes again.  An interface, so that a test can speak plainly;
 * app/speech.h is the real one, over render/message.
 */

struct voice;

/* Rows being collected, in the order in which they are to be said. */
struct said {
	struct outbox_row *rows; // their strings are owned
	size_t count;
};

/* What the speaker knows besides the event. */
struct voice_scene {
	const struct bridge *bridge; // the state after the event
	const struct world *world;
	const char *head; // hash of the journal's last row, hex
	/* What the same decision has behind the event, not yet folded. */
	const struct event *following;
	size_t following_count;
};

struct voice_api {
	/* Add what is said of @event. */
	void (*say)(struct voice *voice, const struct voice_scene *scene,
			const struct event *event, struct said *said);
	/* The text of the run's card as it should read now.  Caller frees. */
	char *(*card)(struct voice *voice, const struct voice_scene *scene,
			const struct run *run);
	/* The run's row of the rehearsal log.  Caller frees. */
	char *(*log_row)(struct voice *voice, const struct voice_scene *scene,
			const struct run *run);
	/* That the journal cannot be written, and @why, or (NULL) that it can
	 * again: what is said past the journal.  Caller frees. */
	char *(*alarm)(struct voice *voice, const char *why);
	/* Keys of the run's card, of its board of smoke tests, and of the posts
	 * that take taps.  Caller frees. */
	char *(*card_key)(struct voice *voice, const struct run *run);
	char *(*board_key)(struct voice *voice, const struct run *run);
	char *(*gate_key)(struct voice *voice, const struct gate_state *gate);
	char *(*poll_key)(struct voice *voice, const struct poll_state *poll);
	char *(*step_key)(
			struct voice *voice, const struct run *run, uint32_t step);
};

struct voice {
	const struct voice_api *api;
};

/* Add a copy of @row; NULL strings become "" where the journal wants one. */
void said_add(struct said *said, const struct outbox_row *row);

/* The row that posts @key, or NULL. */
struct outbox_row *said_find(struct said *said, const char *key);

/* Give @row another text; takes @text over. */
void said_take_text(struct outbox_row *row, char *text);

/* Take row @index out of the list. */
void said_drop(struct said *said, size_t index);

/* Free all rows.  Safe on a zeroed list. */
void said_finish(struct said *said);

#endif
