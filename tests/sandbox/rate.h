#ifndef RATE_H
#define RATE_H

#include <stdbool.h>
#include <stdint.h>

struct answer;

/*
 * The server's rate limit, off by default: a bucket of @burst + 1 requests that
 * refills by @per_second, one for all of loopback.
 */
struct rate {
	int64_t per_second; // 0: no limit
	int64_t burst;
	int64_t used_us; // time until the bucket is full again
	int64_t at_us;   // as of then
};

/*
 * Count a request into @rate and put the headers into @answer.  False: refused,
 * and @answer says so.
 */
bool rate_allow(struct rate *rate, int64_t real_us, struct answer *answer);

/* Make @answer the one that is sent to who must wait for @retry_after_s. */
void rate_refuse(struct answer *answer, int64_t limit, int64_t retry_after_s,
		int64_t reset_s);

#endif
