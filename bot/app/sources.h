#ifndef SOURCES_H
#define SOURCES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "core/event.h"
#include "core/people.h"
#include "core/plan.h"
#include "core/settings.h"

/*
 * What decisions are made from besides the journal, as it is now: the config,
 * the people, the runbook, the files and the secrets.  An interface, so that a
 * test can stand in; app/source.h is the real one.
 */

struct config_host;
struct sources;
struct ssh_way;

struct sources_api {
	/* Borrowed until the loop turns. */
	const struct settings *(*settings)(const struct sources *sources);
	const struct people *(*people)(const struct sources *sources);

	/*
	 * The plan that the files, the config and these parameters now make,
	 * sealed; free with plan_record_destroy().  NULL with @err when it cannot
	 * be made, or when what was read last is broken.
	 */
	struct plan_record *(*plan)(struct sources *sources,
			const struct plan_value *params, size_t count, struct err *err);

	/* Read one target's hosts and tracked files, those of @host, afresh into
	 * @plan. */
	bool (*target)(struct sources *sources, const char *name, const char *host,
			struct plan *plan, struct err *err);

	/*
	 * Ask hosts over ssh for the tracked files that plan() and target() take
	 * from them: @host of @target, or all of all targets with NULL.  True: @fn
	 * is called once, from the loop, and nothing is asked before; false: there
	 * is nothing to ask.  May be NULL.
	 */
	bool (*refresh)(struct sources *sources, const char *target,
			const char *host, void (*fn)(void *data), void *data);

	/* ssh_way_init() for @host by what @target now says.  NULL: none is over
	 * ssh. */
	bool (*ssh_way)(const struct sources *sources, const char *target,
			const struct config_host *host, struct ssh_way *way,
			struct err *err);

	/*
	 * The secrets of @env in clear, in @values; false when one is missing or
	 * is no longer the one that was approved.  Free them with planner_wipe().
	 */
	bool (*secrets)(struct sources *sources, const struct plan_env *env,
			struct plan_value **values, size_t *count, struct err *err);

	/* @text with every secret of the config's hidden.  Caller frees. */
	char *(*hush)(const struct sources *sources, const char *text);
};

struct sources {
	const struct sources_api *api;
};

#endif
