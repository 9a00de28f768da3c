#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bridge.h"
#include "core/decide.h"
#include "render/templates.h"

/*
 * What the bot says: an event and the state after it, out come the rows of the
 * outbox.  Pure, so that a journal replayed says the same again, and every row
 * has a key that follows from its event: what was said once is never said
 * twice.
 *
 * Keys: "LB-7/card", "LB-7/status/3", "LB-7/gate/12", "plan/3f9a1c2b/gate/3",
 * "poll/4", "LB-7/step/4.2.1/asked/1", "answer/<post id>/start" and so on.
 */

enum message_kind {
	MESSAGE_POST,  // a new post
	MESSAGE_EDIT,  // new text of the post with key `target`
	MESSAGE_PIN,   // pin the post with key `target`
	MESSAGE_UNPIN, // unpin it
	MESSAGE_REACT, // add emoji `text` to the post with key `target`
};

/* One row for the outbox; as in the journal's, "" is nothing. */
struct message_row {
	enum message_kind kind;
	char *key;         // identity, unique
	char *target;      // key of the post it is about; of the thread's root, for
					   // a post ("": the channel)
	char *target_post; // post id, where the target is not one of ours
	char *channel;   // a post's: another channel of the team; "": the bridge's
	char *text;      // message, or the emoji's name
	char *file_path; // NULL: none
	char *file_name;
};

struct message_rows {
	struct message_row *list;
	size_t count;
};

void message_rows_init(struct message_rows *rows);
void message_rows_finish(struct message_rows *rows);

/* One line of help; the commands' own table lies in another layer. */
struct message_command {
	const char *name;
	const char *usage;
	const char *summary;
	const char *who;
	enum request_type type;
};

/* All that is not in the bridge. */
struct message_world {
	const struct world *world;
	const struct templates *templates;
	const char *head; // hash of the journal's last row, hex
	const struct message_command *commands; // in the order of help
	size_t command_count;
	/*
	 * The events that the same decision has behind this one, in order, not
	 * folded yet: some messages are said otherwise when more follows.
	 */
	const struct event *following;
	size_t following_count;
};

/* What is to be said of @event, @after it was folded.  Adds to @out. */
void message_rows(const struct message_world *world, const struct bridge *after,
		const struct event *event, struct message_rows *out);

/*
 * The run's card as it should read now.  It is posted and pinned when the run
 * begins; whoever keeps its last text edits it when this says something else.
 * Caller frees.
 */
char *message_card(const struct message_world *world,
		const struct bridge *bridge, const struct run *run);

/* That nothing can be journalled, and @why, or (NULL) that it can again.  Caller
 * frees. */
char *message_alarm(const struct templates *templates, const char *why);

/* The run's row for the rehearsal log of the runbook, with a line break.
 * Caller frees. */
char *message_log_row(const struct message_world *world,
		const struct bridge *bridge, const struct run *run);

/* Keys of the posts that are found again later: the card, the board of smoke
 * tests, and those that take taps (of a step, the newest that asks for it).
 * Caller frees. */
char *message_card_key(const char *prefix, const struct run *run);
char *message_board_key(const char *prefix, const struct run *run);
char *message_gate_key(const char *prefix, const struct gate_state *gate);
char *message_poll_key(const struct poll_state *poll);
char *message_step_key(const char *prefix, const struct run *run, size_t step);

#endif
