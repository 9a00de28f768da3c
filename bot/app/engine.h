#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "core/bridge.h"
#include "core/request.h"

struct attempt_reach;
struct attempt_result;
struct journal;
struct loop;
struct outbox;
struct runner;
struct server;
struct sources;
struct voice;

/*
 * The one place where something comes to have happened:
 *
 *	asked --> decided --> folded, put into words --> appended --> performed
 *	  ^                                                 |
 *	  +---- the state is read back, tried again <-- disk full
 *
 * Requests wait in one queue and are never nested.  The events of a request
 * and all that is said of them are one append; nothing is said or done that is
 * not in the journal.  An append that fails changes nothing: the state is made
 * again from the journal, and the request waits at the head of the queue, with
 * growing delay, until it can be written.
 *
 * A request that hosts must be asked for first stays in its place meanwhile.
 * What was asked after it goes on, but for orders: what people tell the bridge
 * or a run to do is decided in the order in which it was said, so that a hold
 * after a start finds what it is to hold.
 *
 * Nothing is decided before the server was first reached and read, or has been
 * out of reach for a minute: what was tapped while no bot ran comes before
 * what is due.
 */
struct engine;

struct engine_options {
	struct loop *loop;
	struct journal *journal;
	struct server *server;
	struct runner *runner;
	struct sources *sources;
	struct outbox *outbox;
	struct voice *voice;
	const char *version;   // of the program, for the record
	const char *id_prefix; // of attempts; for ever the same in one journal
	const char *state_dir; // where files of people's are kept; absolute
	/* All that was asked so far is in the journal.  May be NULL. */
	void (*drained)(void *data);
	/* The journal can no longer be believed: the process should end. */
	void (*broken)(void *data, const struct err *err);
	void *data;
};

/*
 * Read the journal and ask for bot.started.  NULL with @err when it is
 * damaged.  The server and the runner may tell things from now on.
 */
struct engine *engine_create(const struct engine_options *options,
		struct err *err) __attribute__((warn_unused_result));

/* The server and the runner must not tell anything any more.  Accepts NULL. */
void engine_destroy(struct engine *engine);

/*
 * Ask for @request, which is copied.  @input is its identity: what has one
 * that the journal knows is dropped.  NULL: asking twice is no harm.
 */
void engine_ask(struct engine *engine, const struct request *request,
		const char *input);

/* Connected and reconciled; cut off, and why in words. */
void engine_online(struct engine *engine);
void engine_offline(struct engine *engine, const char *why);

/* The runner's sink. */
void engine_attempt_ended(struct engine *engine, const char *id,
		const struct attempt_result *result);
void engine_attempt_reach(struct engine *engine, const char *id,
		const struct attempt_reach *reach);

/* The outbox has settled something: a post may have got its id. */
void engine_posted(struct engine *engine);

/* Somebody deleted @post_id: a card or a board is made anew (app/cards.h). */
void engine_post_deleted(struct engine *engine, const char *post_id);

/* Config, runbook or people are other ones: look again at what is due. */
void engine_refresh(struct engine *engine);

/* Whether taps on the post with @key mean something, or did. */
bool engine_takes_taps(const struct engine *engine, const char *key);

/* The state as the journal has it; until the loop turns. */
const struct bridge *engine_bridge(const struct engine *engine);

/* Whether requests wait. */
bool engine_is_drained(const struct engine *engine);

/* Whether so many wait that no more should be told for now: none is dropped. */
bool engine_is_full(const struct engine *engine);

#endif
