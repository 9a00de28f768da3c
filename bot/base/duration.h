#ifndef DURATION_H
#define DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* Times as config and runbook write them: `90s`, `10m`, `24h`, `7d`, `0`. */

/* Longest that can be written: 366 days. */
#define DURATION_MAX_MS ((int64_t)366 * 24 * 3600 * 1000)

/*
 * Read all of @text: a whole number and one of ms, s, m, h, d; a bare 0 too.
 * False where it is anything else, or longer than DURATION_MAX_MS.
 */
bool duration_parse(const char *text, int64_t *ms)
		__attribute__((warn_unused_result));

/*
 * When @lasting_ms from @since_ms are over, at @now_ms.  A clock that was set
 * back since, by more than a minute, would hold up what waits for it for as
 * long: then they are over now.
 */
int64_t duration_end_ms(int64_t since_ms, int64_t lasting_ms, int64_t now_ms);

/* Whether the clock was set back since @since_ms, by more than a minute. */
bool duration_is_ahead(int64_t since_ms, int64_t now_ms);

#endif
