#ifndef SETTINGS_BUILD_H
#define SETTINGS_BUILD_H

#include <stddef.h>

#include "core/people.h"
#include "core/settings.h"

struct config;
struct journal;

/*
 * The config as decisions need it, with people by id.  A username is looked up
 * once, when the server first knows it, and kept in the journal's named
 * values: a person who is renamed keeps their roles, and who takes over the
 * name does not get them.
 */
struct settings_built {
	struct settings settings;
	struct holders *holders;
	const char ***backups; // one list a role
	char **ids;
	size_t id_count;
};

/* @config is borrowed for as long as @built is used. */
void settings_build(struct settings_built *built, const struct config *config,
		const struct people *people, struct journal *journal);

/* Safe on a zeroed one. */
void settings_built_finish(struct settings_built *built);

/* Every username that @config names, each once; the caller frees the array. */
const char **settings_usernames(const struct config *config, size_t *count);

/*
 * What is known of @config's people before the server was reached: their ids
 * and names for showing, none of whom counts for anything.
 */
void settings_remembered(struct people *people, const struct config *config,
		struct journal *journal);

#endif
