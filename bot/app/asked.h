#ifndef ASKED_H
#define ASKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/request.h"

enum asked_hosts {
	HOSTS_UNASKED,
	HOSTS_ASKED, // it waits for their answers
	HOSTS_READ,
};

/*
 * A request that waits for its turn, with copies of all that it points to and
 * the identity of the input that it came from.
 */
struct asked {
	struct asked *next;
	struct request request;
	char *input;            // identity; NULL: asking twice is no harm
	int64_t asked_ms;       // by the loop's clock
	enum asked_hosts hosts; // where what it is decided by is read from hosts
	void **owned;
	size_t owned_count;
};

/*
 * Copy @request deeply, its plan and target excepted: those are made when the
 * request is decided.  Free with asked_destroy().
 */
struct asked *asked_create(const struct request *request, const char *input)
		__attribute__((warn_unused_result));

/* Accepts NULL. */
void asked_destroy(struct asked *asked);

#endif
