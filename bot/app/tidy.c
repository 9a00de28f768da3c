#include "app/tidy.h"

#include <stdlib.h>
#include <string.h>

#include "app/job.h"

static bool is_of(const char *id, const char *prefix, uint32_t run) {
	char *start = job_id_start(prefix, run);
	bool same = strncmp(id, start, strlen(start)) == 0;
	free(start);
	return same;
}

static bool is_over(const struct tidy *tidy, const struct run *run) {
	return run->status == RUN_CLOSED && run->closed_ms > 0 &&
			tidy->now_ms - run->closed_ms >= tidy->keep_ms &&
			!run_has_running(run);
}

bool tidy_may_go(const struct tidy *tidy, const char *id) {
	for (size_t i = 0; tidy->keep_ms > 0 && i < tidy->bridge->run_count; i++) {
		const struct run *run = &tidy->bridge->runs[i];
		if (is_of(id, tidy->id_prefix, run->number)) {
			return is_over(tidy, run);
		}
	}
	return false;
}
