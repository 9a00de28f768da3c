#ifndef LOCATE_H
#define LOCATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct api;

/*
 * Who we are, where the channel is, and whether the token is still good.
 *
 *	asking: account, channel, limits --found--> known
 *	   |                                          |  asked again each me_ms
 *	   +---401---> refused <---------401----------+
 *	                  +--good again--> asking or known
 *
 * Our own account is read again and again without If-None-Match: that finds a
 * token that was revoked, keeps the server's five minutes for a resume from
 * running out, and keeps the HTTP connection warm.
 */

struct locate;

struct locate_options {
	const char *team;
	const char *channel;
	int64_t me_ms;
	int64_t refused_ms;
	int64_t backoff_ms;
	int64_t backoff_max_ms;
};

struct locate_place {
	char own_id[65];
	char channel_id[65];
	size_t max_message; // in runes
	bool archived;
};

struct locate_sink {
	/* All is known, for the first time.  Borrowed until destroy. */
	void (*found)(void *data, const struct locate_place *place);
	/* Not known yet, and why; @lasting: a person must do something. */
	void (*failed)(void *data, const char *why, bool lasting);
	/* The token is refused; said again with each refusal. */
	void (*refused)(void *data);
	/* It is not any more. */
	void (*accepted)(void *data);
};

struct locate *locate_create(struct loop *loop, struct api *api,
		const struct locate_options *options, const struct locate_sink *sink,
		void *data) __attribute__((warn_unused_result));
void locate_destroy(struct locate *locate);

void locate_start(struct locate *locate);

/* Something hints that the token is not good: ask now. */
void locate_doubt(struct locate *locate);
/* A request was answered 401. */
void locate_refuse(struct locate *locate);

bool locate_is_known(const struct locate *locate);
bool locate_is_refused(const struct locate *locate);

/* "" and the least that any server takes, before it is known. */
const struct locate_place *locate_place(const struct locate *locate);

#endif
