#ifndef ATTEMPT_H
#define ATTEMPT_H

#include <stdbool.h>

#include "exec/published.h"
#include "exec/runner.h"
#include "exec/stepfolder.h"

/*
 * What is known of an attempt on this side: its spec, for as long as it is
 * followed, and how it ended, in the words of exec/runner.h.
 */

/* A copy of a spec that owns all it points to. */
struct attempt_copy {
	struct attempt_spec spec;
	struct attempt_block *blocks; // for the copy's own use
};

struct attempt_copy *attempt_copy_create(const struct attempt_spec *spec)
		__attribute__((warn_unused_result));

/* Wipes it, for it has secrets.  Accepts NULL. */
void attempt_copy_destroy(struct attempt_copy *copy);

/* Whether @id may be one: it becomes the name of a folder. */
bool attempt_id_is_good(const char *id);

/* A result that owns all it points to. */
struct attempt_judged {
	struct attempt_result result;
	char *reason;
	char *tail;
	char *log_path;
	struct published published;
};

void attempt_judged_finish(struct attempt_judged *judged);

/*
 * Judge an attempt that left a status in @folder: by its end, its conditions
 * and what it published.
 */
void attempt_judge(struct attempt_judged *judged,
		const struct attempt_spec *spec, const char *folder,
		const struct step_status *status);

/* Judge one that left a mark and no status, found out at @now_ms.  @why, for
 * people, or NULL: its runner, or the bot, died. */
void attempt_judge_unknown(struct attempt_judged *judged,
		const struct attempt_spec *spec, const char *folder, const char *why,
		int64_t now_ms);

/* Judge one of which nothing has begun. */
void attempt_judge_not_started(struct attempt_judged *judged,
		const char *reason, const char *folder, int64_t now_ms);

#endif
