#ifndef LINE_H
#define LINE_H

#include <stdbool.h>

#include "base/err.h"
#include "mattermost/client.h"
#include "mattermost/socket.h"

struct api;
struct feed;
struct locate_place;
struct loop;
struct roster;
struct taps;

/*
 * The line to the channel, kept up: the socket as the session orders, what its
 * events say, the reads that make good what they do not say, and the telling
 * of online and offline.
 *
 *	shut --open--> connecting --hello--> reading --> online
 *	  ^                ^                    |           |
 *	  |                +---gap, cut, silence+-----------+
 *	  +----------------------shut-----------------------+
 *
 * While it is cut off it holds the run clock, for some seconds at most.
 */

struct line;

struct line_options {
	const struct client_pace *pace; // without zeros
	const char *channel;            // its name, for people
	struct socket_options socket;
	struct server_mark mark;
	struct api *api;
	struct feed *feed;
	struct roster *roster;
	struct taps *taps;
};

struct line_sink {
	/* Something hints that the token is not good. */
	void (*doubt)(void *data);
};

struct line *line_create(struct loop *loop, const struct line_options *options,
		const struct line_sink *sink, void *data, struct err *err)
		__attribute__((warn_unused_result));
void line_destroy(struct line *line);

/* The run clock stands still until it is online, or some seconds are over. */
void line_await(struct line *line);

/* Connect, and stay connected; @place is borrowed until destroy. */
void line_open(struct line *line, const struct locate_place *place);

/* Drop it and stay away until line_open(); tells trouble. */
void line_shut(struct line *line, const char *why);

/* It cannot be opened yet; @lasting: until a person does something. */
void line_fail(struct line *line, const char *why, bool lasting);

/* What was trouble is over. */
void line_forgive(struct line *line);

#endif
