#ifndef PERFORM_H
#define PERFORM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/bridge.h"
#include "core/decide.h"
#include "core/request.h"

struct attempt_reach;
struct attempt_result;
struct loop;
struct runner;
struct server;
struct sources;

/*
 * Does what bridge_next() says: reads gates afresh, asks for attempts to be
 * started, hands started ones to the runner.  What is under way is known only
 * here and is asked for again after a restart; the server's reads change
 * nothing, and the runner starts nothing twice.
 *
 *	wanted --> busy --asked--> answered --still wanted--> later --> busy …
 *	                               |
 *	                               +--no longer wanted--> gone
 *
 * What it learns it asks of the engine; it decides nothing.
 */
struct perform;

struct perform_options {
	struct loop *loop;
	struct server *server;
	struct runner *runner;
	struct sources *sources;
	const char *id_prefix; // of attempts; for ever the same in one journal
	const char *state_dir; // where files of people's are kept
	void (*ask)(void *data, const struct request *request, const char *input);
	/* Whether @text is what we said in our own post @post_id. */
	bool (*is_ours)(void *data, const char *post_id, const char *text);
	/* Something is worth trying again: call perform_update(). */
	void (*again)(void *data);
	void *data;
};

/* What the server's state allows. */
struct perform_reach {
	bool online;
	bool fresh; // it answered within the last 60 s
};

struct perform *perform_create(const struct perform_options *options)
		__attribute__((warn_unused_result));

/* The server and the runner must not answer any more.  Accepts NULL. */
void perform_destroy(struct perform *perform);

/* The state is @bridge now: do what it wants, leave what it no longer does. */
void perform_update(struct perform *perform, const struct bridge *bridge,
		const struct world *world, struct perform_reach reach);

/* A request that was asked here has been decided. */
void perform_answered(struct perform *perform, const struct request *request);

/* The runner's sink: the host of attempt @id was lost, or answers. */
void perform_reach(struct perform *perform, const char *id,
		const struct attempt_reach *reach);

/* The runner's sink: attempt @id has ended. */
void perform_ended(struct perform *perform, const char *id,
		const struct attempt_result *result);

#endif
