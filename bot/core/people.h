#ifndef PEOPLE_H
#define PEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Who is who, as the server said when it was last asked: the accounts that the
 * config names and those that have spoken or tapped in the channel.  Names can
 * change and are only shown; the id decides.
 */

struct person {
	char *id;    // the server's user id
	char *name;  // username, without @
	bool active; // not deactivated
	bool bot;
	bool guest;
	bool member; // of the bridge's channel
};

struct people {
	struct person *persons;
	size_t count;
};

/* Prepare an empty list.  Pair with people_finish(). */
void people_init(struct people *people);
void people_finish(struct people *people);

/* Add a copy of @person, or replace the one with its id. */
void people_put(struct people *people, const struct person *person);

/* The person with @id, or NULL.  Valid until the list changes. */
const struct person *people_by_id(const struct people *people, const char *id);

/* The person with username @name, case ignored, or NULL. */
const struct person *people_by_name(
		const struct people *people, const char *name);

/* Username of @id, or the id itself where it is not known. */
const char *people_name(const struct people *people, const char *id);

/* An active human account, no guest, member of the channel. */
bool person_counts(const struct person *person);

#endif
