#ifndef OUTBOX_H
#define OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

struct journal;
struct loop;
struct outbox_row;
struct server;

/*
 * Says what the journal holds and the server has not: the rows that were
 * committed with the events, each once.
 *
 *	            .--again, later--.
 *	            v                |
 *	waits --> tried --sent--> settled
 *	  ^         |
 *	  |         +--doubt--> looked for --found--> settled
 *	  |                         |
 *	  +-------- not there ------+
 *
 * A row's first try is noted in the journal before anything leaves, so after a
 * crash a row that may have been sent is looked for before it is sent again.
 * The note does not wait for the disk: after another boot of the machine every
 * post that waits may have been sent.
 * What is said in one thread, and what is done to one post, keeps the order in
 * which it was committed; one post is on its way at a time.  A row that speaks
 * of a post waits until that post is there.  Delays are of real time.
 *
 * While rows are on their way and the server is in reach, the run clock is
 * held.
 */
struct outbox;

struct outbox_options {
	struct loop *loop;
	struct journal *journal;
	struct server *server;
	/*
	 * @row is refused for good, and why.  Told before the journal notes it,
	 * so that what is committed here about it is not lost to a crash: it may
	 * be told again.  May be NULL.
	 */
	void (*refused)(void *data, const struct outbox_row *row, const char *why);
	/* @row was settled: sent with a post's id, or refused for good. */
	void (*settled)(void *data, const struct outbox_row *row, bool sent,
			const char *why);
	/* Whether taps on the post with @key mean something: what it says is
	 * remembered (app/wording.h). */
	bool (*takes_taps)(void *data, const char *key);
	const char *boot; // the machine's (sys/boot.h); "": not known
	void *data;
};

struct outbox *outbox_create(const struct outbox_options *options)
		__attribute__((warn_unused_result));

/*
 * The server must be gone already, or must not answer any more: requests in
 * flight are forgotten.  Accepts NULL.
 */
void outbox_destroy(struct outbox *outbox);

/* Rows may have been committed: read them, and go on on the next turn. */
void outbox_wake(struct outbox *outbox);

/* Whether the server is in reach.  Nothing is sent before it first was. */
void outbox_set_online(struct outbox *outbox, bool online);

/* Rows that are not yet settled. */
size_t outbox_count(const struct outbox *outbox);

#endif
