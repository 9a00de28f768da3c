#ifndef ROSTER_H
#define ROSTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "codec/mattermost_json.h"
#include "core/people.h"

struct api;

/*
 * Who is who on the server: the accounts that were asked for by name, and any
 * that were met.  Read by REST, kept fresh by events in between; an answer
 * that an event overtook is read again.
 */

struct roster;
struct roster_read;

struct roster_sink {
	/* people() says something new. */
	void (*changed)(void *data);
};

/* @ok: a fresh answer; else @err. */
typedef void (*roster_fn)(void *data, bool ok, const struct err *err);

struct roster *roster_create(struct api *api, const struct roster_sink *sink,
		void *data) __attribute__((warn_unused_result));
void roster_destroy(struct roster *roster);

/* Membership is of this channel. */
void roster_set_channel(struct roster *roster, const char *channel_id);

/* Names to be known from the next read on; replaces those before. */
void roster_want(struct roster *roster, const char *const *names, size_t count);

/* Add an account of which only the id is known, to be read with the rest. */
void roster_add(struct roster *roster, const char *id);

/*
 * Read all that are wanted or met (somebody must be).  @fn may be NULL.  The
 * handle is valid until @fn was called.
 */
struct roster_read *roster_read_all(
		struct roster *roster, roster_fn fn, void *data);
/* Read these, at most 100. */
struct roster_read *roster_read_ids(struct roster *roster,
		const char *const *ids, size_t count, roster_fn fn, void *data);

/* @fn will not be called.  Accepts NULL. */
void roster_cancel(struct roster_read *read);

/* What events say. */
void roster_handle_user(
		struct roster *roster, const struct mattermost_user *user);
void roster_handle_member(
		struct roster *roster, const char *user_id, bool member);

const struct people *roster_people(const struct roster *roster);

#endif
