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

#endif
