#ifndef REST_H
#define REST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "players.h"

struct cJSON;
struct channel;
struct post;
struct sandbox;
struct user;

/* HTTP without sockets: a request in, an answer out. */

struct request {
	const char *method;
	const char *path;  // decoded
	const char *query; // decoded, a=b&c=d; "" if none
	const char *token; // of the Authorization header or cookie; "" if none
	const char *content_type;
	const char *body;
	size_t body_len;
	const void *owner; // who holds this request, if it is held; NULL: nobody
};

struct answer {
	int status;
	const char *content_type;
	struct str headers; // "Name: value\n" each
	struct str body;
	bool wait; // not yet: when `until` is over
	struct wait until;
};

void answer_init(struct answer *answer);
void answer_finish(struct answer *answer);

/* Answer @request; @user has the request's token, or is NULL. */
void rest_handle(struct sandbox *sandbox, const struct request *request,
		struct user *user, struct answer *answer);

/* The answer to a wait that is over because of @why. */
void rest_end_wait(
		struct sandbox *sandbox, struct answer *answer, const char *why);

/* ---- for the handlers (rest_*.c) ---- */

#define REST_ARGS 4

struct call {
	struct sandbox *sandbox;
	const struct request *request;
	struct answer *answer;
	struct user *user;
	char args[REST_ARGS][128]; // what stood for each * of the route
};

struct route {
	const char *method;
	const char *pattern; // segments; * stands for one
	void (*handle)(struct call *call);
};

/* Tables end with a row of NULL. */
extern const struct route rest_posts_routes[];
extern const struct route rest_reading_routes[];
extern const struct route rest_reactions_routes[];
extern const struct route rest_people_routes[];
extern const struct route rest_channels_routes[];
extern const struct route rest_files_routes[];
extern const struct route rest_rights_routes[];

/* Whether each of @roles, parted by blanks, is one. */
bool rest_knows_roles(const char *roles);
extern const struct route rest_side_routes[];
extern const struct route rest_server_routes[];

void rest_error(
		struct call *call, int status, const char *id, const char *message);
void rest_forbidden(struct call *call);
void rest_ok(struct call *call);
void rest_bad_param(struct call *call, const char *what);
void rest_side_error(struct call *call, const char *text);

/* The body as JSON, NULL if it is none.  The caller deletes it. */
struct cJSON *rest_json(const struct call *call, bool *has_nul);
const char *rest_member(const struct cJSON *json, const char *key);

/* The value of @key in the query, or false. */
bool rest_query(
		const struct call *call, const char *key, char *value, size_t room);

bool rest_can_read(const struct call *call, const struct channel *channel);
bool rest_can_write(const struct call *call, const struct channel *channel);

/* Whether the user may do that there: "create_post" and the like. */
bool rest_may(const struct call *call, const struct channel *channel,
		const char *permission);

/* args[i] as a post or channel that may be read; else answered and NULL. */
struct post *rest_post_arg(struct call *call, size_t i);
struct channel *rest_channel_arg(struct call *call, size_t i);

/* Used by more than one of the tables. */
void rest_announce(struct sandbox *sandbox, struct channel *channel,
		struct user *user, const char *type, const char *message,
		struct cJSON *take_props);

/* @request is held back: its pending_post_id is in progress from now on. */
void rest_note_pending(struct sandbox *sandbox, const struct request *request);

/* Drop what is remembered of pending_post_ids. */
void rest_forget_pendings(struct sandbox *sandbox);

#endif
