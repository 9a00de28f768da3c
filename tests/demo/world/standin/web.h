#ifndef WEB_H
#define WEB_H

#include "world.h"

/*
 * The sites of the platform: `SERVICE.ENV.anything` where SERVICE is
 * authority, scanner, signer or prometheus and ENV is stage or prod.  They answer
 * by what is up: a compose stack of that name, or a chart deployed in the
 * cluster of that name.
 */

struct answer {
	int status; // 0: nobody listens there
	char body[TEXT_MAX];
};

/* Whether environment @env serves, and which @release. */
bool web_serves(
		const struct world *world, const char *env, char *release, size_t size);

/* What @method @url gives. */
void web_answer(const struct world *world, const char *method, const char *url,
		struct answer *answer);

#endif
