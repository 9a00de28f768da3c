#ifndef POSTED_H
#define POSTED_H

#include <stdbool.h>
#include <stddef.h>

#include "core/bridge.h"
#include "core/request.h"

struct journal;
struct voice;

/*
 * Gates, polls and manual steps ask on posts that people tap on, and taps count
 * once the journal knows the post's id.  The outbox learns ids; here is found
 * which of them the state still lacks, after a crash too.
 */
struct posted {
	char **keys; // asked for in this life: asking again would change nothing
	size_t count;
};

struct posted_options {
	struct journal *journal;
	struct voice *voice;
	void (*ask)(void *data, const struct request *request, const char *input);
	void *data;
};

/* Ask for gate, poll and step posts to be noted whose ids are there now, or
 * which the server has refused. */
void posted_look(struct posted *posted, const struct posted_options *options,
		const struct bridge *bridge);

void posted_finish(struct posted *posted);

/* Whether taps on the post with @key mean something, or once did. */
bool posted_takes_taps(
		struct voice *voice, const struct bridge *bridge, const char *key);

#endif
