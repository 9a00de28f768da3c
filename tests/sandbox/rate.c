#include "rate.h"

#include "rest.h"

#define SECOND_US INT64_C(1000000)

static int64_t seconds_up(int64_t us) {
	return (us + SECOND_US - 1) / SECOND_US;
}

void rate_refuse(struct answer *answer, int64_t limit, int64_t retry_after_s,
		int64_t reset_s) {
	answer_finish(answer);
	answer_init(answer);
	answer->status = 429;
	answer->content_type = "text/plain; charset=utf-8";
	str_addf(&answer->headers,
			"Retry-After: %lld\nX-Ratelimit-Limit: %lld\n"
			"X-Ratelimit-Remaining: 0\nX-Ratelimit-Reset: %lld\n",
			(long long)retry_after_s, (long long)limit, (long long)reset_s);
	str_add(&answer->body, "limit exceeded\n");
}

bool rate_allow(struct rate *rate, int64_t real_us, struct answer *answer) {
	if (rate->per_second == 0) {
		return true;
	}
	int64_t slot_us = SECOND_US / rate->per_second;
	int64_t limit = rate->burst + 1;
	rate->used_us -= real_us - rate->at_us;
	rate->used_us = rate->used_us > 0 ? rate->used_us : 0;
	rate->at_us = real_us;
	int64_t over_us = rate->used_us + slot_us - limit * slot_us;
	if (over_us > 0) {
		rate_refuse(
				answer, limit, seconds_up(over_us), seconds_up(rate->used_us));
		return false;
	}
	rate->used_us += slot_us;
	str_addf(&answer->headers,
			"X-Ratelimit-Limit: %lld\nX-Ratelimit-Remaining: %lld\n"
			"X-Ratelimit-Reset: %lld\n",
			(long long)limit,
			(long long)((limit * slot_us - rate->used_us) / slot_us),
			(long long)seconds_up(rate->used_us));
	return true;
}
