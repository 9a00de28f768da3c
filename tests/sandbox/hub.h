#ifndef HUB_H
#define HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys/id.h"
#include "world.h"

struct faults;
struct str;

/*
 * Who gets which event, numbered, and again after a cut.  A *connection* is
 * what the server keeps for one client; a *link* is its socket, which comes and
 * goes:
 *
 *	hello --> linked --socket gone--> down --resumed--> linked --> …
 *	            |                      |
 *	            | 256 events behind    | 256 events missed, or reaped
 *	            v                      v
 *	          closing                (gone)
 *
 * An event gets its number when it is written, and the last 128 written are
 * kept for a resume.  Replies go through the same queue without a number, so a
 * reply to a ping is behind everything that was queued before it.
 */

#define HUB_QUEUE 256 // events that may wait for one connection
#define HUB_DEAD  128 // events written that are kept

/* What is told.  Only some receivers get what stands between head and tail. */
enum event_extra {
	EXTRA_NONE,
	EXTRA_MENTIONS,   // 11.6: your own id, if you are mentioned; 5.37: all
	EXTRA_DELETED_BY, // admins
};

struct event {
	unsigned refs;
	char *name;
	char *head; // members of `data`, each followed by a comma
	char *tail; // members of `data` without a comma at the end
	enum event_extra extra;
	struct user **mentions;
	size_t mention_count;
	bool followers; // a mention in a thread
	struct user *deleted_by;
	struct user *user; // broadcast.user_id
	struct channel *channel;
	struct user *omit;
	bool team;
	bool sanitized; // 11.6 says so in the broadcast
	bool tight;     // 11.6 writes it without blanks
	bool minor;     // typing, status: dropped when half the queue is full
};

struct conn;

/* Told that there is something to write to a link. */
typedef void (*hub_wake)(void *link);

/* What an admin would have seen, for players and tests. */
struct record {
	uint64_t n;
	int64_t at_ms;
	struct event *event;
};

struct hub {
	struct world *world;
	struct faults *faults;
	hub_wake wake;
	struct conn *conns;
	struct record *records; // a ring
	size_t record_count;
	uint64_t last_record;
	int64_t reaped_us;
	int64_t hurry; // what the 5 minutes of a reap are divided by
};

void hub_init(struct hub *hub, struct world *world, struct faults *faults,
		hub_wake wake);
void hub_finish(struct hub *hub);

/* A new event named @name; @tail is taken. */
struct event *event_create(const char *name, char *tail);

/* Queue @event, which is taken, for all who should get it. */
void hub_publish(struct hub *hub, struct event *event);

/* The record with number @n; NULL when it is too old or not yet there. */
const struct record *hub_record(const struct hub *hub, uint64_t n);

/* How a client asks: `id` and `number` as in the URL, NULL when not given. */
struct hub_hail {
	struct user *user;
	const char *token;
	const char *id;
	const char *number;
	void *link;
	bool refuse_resume;
};

/*
 * Connect or resume by the rules of the version; NULL: hang up.  What is
 * returned stays valid until hub_link_gone().
 */
struct conn *hub_join(struct hub *hub, const struct hub_hail *hail);

/* The socket of @conn is gone. */
void hub_link_gone(struct hub *hub, struct conn *conn);

enum hub_next {
	HUB_FRAME,   // *frame is to be written now
	HUB_NOTHING, // until wake()
	HUB_LATER,   // a delayed event is first: ask again
	HUB_CLOSE,   // write an empty close frame and end
};

/* What to write to the link of @conn next. */
enum hub_next hub_next(
		struct hub *hub, struct conn *conn, int64_t real_us, struct str *frame);

/* Queue a reply. */
void hub_reply(struct hub *hub, struct conn *conn, const char *text);

/* Whether its token still opens the door. */
bool hub_is_authorised(const struct hub *hub, const struct conn *conn);
struct user *conn_user(const struct conn *conn);
const char *conn_token(const struct conn *conn);
const char *conn_id(const struct conn *conn);
size_t conn_waiting(const struct conn *conn);

/* No events and no replies for @conn until it is heard again. */
void conn_set_deaf(struct conn *conn, bool deaf);
bool conn_is_deaf(const struct conn *conn);

/* Forget connections that are down and whose user was idle for 5 minutes. */
void hub_reap(struct hub *hub, int64_t real_us);

/* Something waits to be written, now or later. */
bool hub_is_pending(const struct hub *hub);

#endif
