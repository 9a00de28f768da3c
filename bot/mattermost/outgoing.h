#ifndef OUTGOING_H
#define OUTGOING_H

#include "mattermost/server.h"

struct api;
struct loop;

/*
 * What the bot says and asks of single posts.  A new post carries its key
 * twice: in pending_post_id, for which the server gives the same post again
 * for half a minute, and in its props, by which find() recognises it later.
 * What is refused while the channel is archived or we are not in it is AGAIN.
 * A post for another channel is made where its name leads now; there a refusal
 * is for good, as long as our own channel is open to us.
 */

struct outgoing;

struct outgoing *outgoing_create(struct loop *loop, struct api *api,
		const char *team) __attribute__((warn_unused_result));
/* Callbacks of what is under way are never called. */
void outgoing_destroy(struct outgoing *outgoing);

/* Who we are and where; @max_message in runes. */
void outgoing_set_place(struct outgoing *outgoing, const char *own_id,
		const char *channel_id, size_t max_message);

/*
 * As in server.h; every answer comes from the loop.  Before the place is known
 * it is AGAIN.
 */
void outgoing_post(struct outgoing *outgoing,
		const struct server_new_post *post, server_reply_fn fn, void *data);
void outgoing_find(struct outgoing *outgoing,
		const struct server_new_post *post, server_reply_fn fn, void *data);
void outgoing_edit(struct outgoing *outgoing, const char *post_id,
		const char *message, server_reply_fn fn, void *data);
void outgoing_pin(struct outgoing *outgoing, const char *post_id, bool pinned,
		server_reply_fn fn, void *data);
void outgoing_react(struct outgoing *outgoing, const char *post_id,
		const char *emoji, server_reply_fn fn, void *data);
void outgoing_read(struct outgoing *outgoing, const char *post_id,
		server_reply_fn fn, void *data);
void outgoing_read_taps(struct outgoing *outgoing, const char *post_id,
		server_taps_fn fn, void *data);

#endif
