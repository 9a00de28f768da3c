#ifndef PLANNER_H
#define PLANNER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/sha256.h"
#include "codec/config.h"
#include "core/plan.h"
#include "sys/id.h"

struct journal;
struct readings;

/*
 * Makes a plan of a runbook and a config: reads the environments' secrets files
 * and the files that commands read, which is all that a digest needs beside the
 * document.  Reads files and asks git while the caller waits; both have caps.
 * Of hosts over ssh it takes what was read last (app/readings.h).
 */

#define PLANNER_FILE_MAX_BYTES ((size_t)16 * 1024 * 1024) // of a tracked file
#define PLANNER_FILES_MAX      1000                       // of a target

struct planner_param {
	const char *name;
	const char *value; // NULL: its default
};

/* The key that secrets are hashed under: random, and kept by the journal. */
struct planner_key {
	char text[2 * ID_LEN + 1];
};

/* The journal's key.  False where it has none yet. */
bool planner_key_get(struct journal *journal, struct planner_key *key)
		__attribute__((warn_unused_result));

/* The same, made and kept where there was none. */
bool planner_key_make(struct journal *journal, struct planner_key *key,
		struct err *err) __attribute__((warn_unused_result));

/*
 * Make and seal @plan from @runbook, which it borrows.  @base_dir is the
 * config's folder.  False with @err (ERR_REFUSED: parameters; ERR_INVALID: the
 * config does not have what the runbook names; ERR_IO, ERR_NOT_FOUND: a file)
 * and nothing to free.  Pair with plan_finish() on success.
 */
bool planner_build(const struct config *config, const char *base_dir,
		const struct readings *readings, const struct runbook *runbook,
		const struct planner_param *params, size_t count,
		const struct planner_key *key, struct plan *plan, struct err *err)
		__attribute__((warn_unused_result));

struct secret;

/*
 * The text of @env's secrets (codec/secrets_text.h), from its file or its
 * credential; it has one of them.  *@name, which the caller frees, is what
 * findings in it are told by.  NULL with @err.
 */
struct secret *planner_open_secrets(const char *base_dir,
		const struct config_env *env, char **name, struct err *err)
		__attribute__((warn_unused_result));

/*
 * Add target @name, which @plan does not have, as it is now: its hosts and
 * tracked files, which must be the same on all of them; with @host only that
 * one is looked at.  Which commit those are of is asked only for a whole plan.
 */
bool planner_read_target(const struct config *config, const char *base_dir,
		const struct readings *readings, const char *name, const char *host,
		struct plan *plan, struct err *err) __attribute__((warn_unused_result));

/*
 * The secrets of @env in clear, which planner_wipe() overwrites and frees.
 * True with none where the environment has none.
 */
bool planner_read_secrets(const struct config *config, const char *base_dir,
		const char *env, struct plan_value **values, size_t *count,
		struct err *err) __attribute__((warn_unused_result));
void planner_wipe(struct plan_value *values, size_t count);

/* How a plan stands for secret @name of @env with @value. */
void planner_secret(const struct planner_key *key, const char *env,
		const char *name, const char *value, char hex[SHA256_HEX]);

/* The folder in which commands on @target run.  Caller frees. */
char *planner_workdir(const struct config *config, const char *base_dir,
		const struct config_target *target)
		__attribute__((returns_nonnull, warn_unused_result));

#endif
