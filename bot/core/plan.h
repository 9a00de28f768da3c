#ifndef PLAN_H
#define PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"
#include "core/runbook.h"

/*
 * A plan: a runbook with all that decides what would happen fixed, and the
 * digest that stands for it (docs/runbook-format.md, section 6).  The shell
 * reads the environments, targets and tracked files; here they are data.
 */

struct plan_value {
	char *name;
	char *value; // of a secret: its HMAC, never itself
	bool secret;
};

struct plan_env {
	char *name;
	struct plan_value *values;
	size_t value_count;
};

struct plan_file {
	char *path; // relative to the workdir
	char hash[SHA256_HEX];
};

struct plan_target {
	char *name;
	char **hosts;
	size_t host_count;
	size_t parallel;         // most of them at once; 0: as the runbook says
	char *workdir;           // shown; not part of the digest
	struct plan_file *files; // by path
	size_t file_count;
	char *commit; // shown, not part of the digest; NULL: none
	bool dirty;   // likewise: files differ from the commit
};

struct plan {
	const struct runbook *runbook; // borrowed
	struct plan_value *params;     // every parameter but secret ones, in order
	size_t param_count;
	struct plan_env *envs; // those that the runbook names, by name
	size_t env_count;
	struct plan_target *targets; // those that the runbook names, by name
	size_t target_count;
	char digest[SHA256_HEX]; // set by plan_seal()
};

void plan_init(struct plan *plan, const struct runbook *runbook);
void plan_finish(struct plan *plan);

/*
 * Give parameter @name a @value (NULL: its default).  False with @err when the
 * runbook has no such parameter, it is secret, or @value is none of its
 * choices; the error names what may be given.
 */
bool plan_set_param(struct plan *plan, const char *name, const char *value,
		struct err *err);

/* Fill defaults; false with @err naming every `ask` parameter not given. */
bool plan_complete(struct plan *plan, struct err *err);

/* Value of a parameter, or NULL. */
const char *plan_param(const struct plan *plan, const char *name);

void plan_add_env(struct plan *plan, const char *name);
void plan_add_env_value(struct plan *plan, const char *env, const char *name,
		const char *value, bool secret);
struct plan_target *plan_add_target(struct plan *plan, const char *name);
void plan_target_add_host(struct plan_target *target, const char *host);
void plan_target_add_file(struct plan_target *target, const char *path,
		const char hash[SHA256_HEX]);

const struct plan_env *plan_env(const struct plan *plan, const char *name);
const struct plan_target *plan_target(
		const struct plan *plan, const char *name);

/* Whether step @step happens with these parameters (all its `when`s hold). */
bool plan_includes(const struct plan *plan, size_t step);

/* Compute plan.digest: the full digest. */
void plan_seal(struct plan *plan);

/* The digest of the document alone: no parameters' values, no config. */
void plan_document_digest(const struct runbook *runbook, char hex[SHA256_HEX]);

/* Whether commands start in the same folders; no part of the digest. */
bool plan_has_same_folders(const struct plan *a, const struct plan *b);

/*
 * One line for each thing in which @now differs from @then ("4.2.1: its
 * commands changed", "prod.env changed"), '\n' between, at most @most lines.
 * Caller frees.  "" if nothing does.
 */
char *plan_difference(
		const struct plan *then, const struct plan *now, size_t most);

#endif
