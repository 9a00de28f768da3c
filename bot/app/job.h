#ifndef JOB_H
#define JOB_H

#include <stdbool.h>
#include <stddef.h>

#include "app/sources.h"
#include "app/ssh_way.h"
#include "base/err.h"
#include "codec/config.h"
#include "core/bridge.h"
#include "core/decide.h"
#include "exec/runner.h"

/*
 * An attempt as the runner wants it, made from the plan in the journal: what
 * the runbook said when it was approved, never what the file says now.
 */
struct job {
	struct attempt_spec spec;
	char **env;    // NULL-terminated; secrets among them: wiped when freed
	char **masked; // likewise
	size_t env_count;
	size_t masked_count;
	const char **conditions;
	const char **sets;
	const char **may_set;
	struct config_host where;
	struct ssh_way way; // to it
};

/*
 * The identity of the attempt that @effect names: "LB-7-4.2.1-b1-local-1".
 * @prefix must be the same for the whole life of a journal: an attempt that
 * changed its name would be started again.  Caller frees.
 */
char *job_id(const char *prefix, const struct run *run,
		const struct effect *effect) __attribute__((warn_unused_result));

/* How the identities of all attempts of run @run begin.  Caller frees. */
char *job_id_start(const char *prefix, uint32_t run)
		__attribute__((warn_unused_result));

/*
 * Fill @job for the attempt that @effect names; @id is borrowed.  False with
 * @err where it cannot be run: a secret is gone, its target is.  What one that
 * has begun is followed and judged by is filled in even then.  Pair with
 * job_finish(), on failure too.
 */
bool job_make(struct job *job, const char *id, const struct run *run,
		const struct effect *effect, struct sources *sources, struct err *err)
		__attribute__((warn_unused_result));

void job_finish(struct job *job);

/* The block that @effect is about, and its target's host. */
const struct block *job_block(
		const struct run *run, const struct effect *effect);
const char *job_host(const struct run *run, const struct effect *effect);

#endif
