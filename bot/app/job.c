#include "app/job.h"

#include <stdlib.h>
#include <string.h>

#include "app/planner.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "codec/config_value.h"

#define GRACE_MS 10000
/* On a host that was away: from when it was made sure that it may begin. */
#define BEGIN_WITHIN_MS 60000
#define NAME_MOST       64  // of a part of an id
#define NAME_ROOM       256 // one that is too long is refused, never cut

/* --- names --- */

const struct block *job_block(
		const struct run *run, const struct effect *effect) {
	return &run->plan->runbook->steps[effect->step].blocks[effect->block];
}

static const struct plan_target *target_of(
		const struct run *run, const struct effect *effect) {
	return plan_target(&run->plan->plan, job_block(run, effect)->on);
}

const char *job_host(const struct run *run, const struct effect *effect) {
	const struct plan_target *target = target_of(run, effect);
	if (target == NULL || effect->host >= target->host_count) {
		return "local";
	}
	return target->hosts[effect->host];
}

/* Add @text, if need be cut, with what a folder's name must not have replaced.
 * False: it is not all there. */
static bool add_safe(struct str *str, const char *text) {
	bool same = strlen(text) <= NAME_MOST;
	for (const char *c = text; *c != '\0' && c - text < NAME_MOST; c++) {
		bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
				(*c >= '0' && *c <= '9') || strchr("._-", *c) != NULL;
		str_add_char(str, plain ? *c : '_');
		same = same && plain;
	}
	return same;
}

char *job_id_start(const char *prefix, uint32_t run) {
	struct str start;
	str_init(&start, NAME_ROOM);
	add_safe(&start, prefix);
	str_addf(&start, "-%u-", run);
	return str_take(&start);
}

char *job_id(const char *prefix, const struct run *run,
		const struct effect *effect) {
	struct str id;
	char *start = job_id_start(prefix, run->number);
	str_init(&id, NAME_ROOM);
	str_add(&id, start);
	free(start);
	add_safe(&id, run->plan->runbook->steps[effect->step].number);
	str_addf(&id, "-b%u-", effect->block + 1);
	if (!add_safe(&id, job_host(run, effect))) {
		str_addf(&id, ".%u", effect->host);
	}
	str_addf(&id, "-%u", effect->attempt);
	return str_take(&id);
}

/* --- the environment --- */

static void push(char ***list, size_t *count, char *text) {
	*list = xreallocarray(*list, *count + 2, sizeof(**list));
	(*list)[*count] = text;
	(*count)++;
	(*list)[*count] = NULL;
}

static void add_env(struct job *job, const char *name, const char *value) {
	push(&job->env, &job->env_count, xasprintf("%s=%s", name, value));
}

static void add_values(
		struct job *job, const struct plan_value *values, size_t count) {
	for (size_t i = 0; i < count; i++) {
		if (!values[i].secret && values[i].value != NULL) {
			add_env(job, values[i].name, values[i].value);
		}
	}
}

static bool add_secrets(struct job *job, struct sources *sources,
		const struct plan_env *env, struct err *err) {
	struct plan_value *values = NULL;
	size_t count = 0;
	bool ok = sources->api->secrets(sources, env, &values, &count, err);
	for (size_t i = 0; ok && i < count; i++) {
		add_env(job, values[i].name, values[i].value);
		push(&job->masked, &job->masked_count, xstrdup(values[i].value));
	}
	planner_wipe(values, count);
	return ok;
}

static void add_informational(struct job *job, const char *prefix,
		const struct run *run, const struct effect *effect) {
	char number[24];
	struct str name;
	str_init(&name, 64);
	str_addf(&name, "%s-%u", prefix, run->number);
	add_env(job, "BRIDGE_RUN", str_text(&name));
	str_finish(&name);
	add_env(job, "BRIDGE_STEP", run->plan->runbook->steps[effect->step].number);
	struct str count;
	str_init(&count, sizeof(number));
	str_addf(&count, "%u", effect->attempt);
	add_env(job, "BRIDGE_TRY", str_text(&count));
	str_finish(&count);
}

static bool make_env(struct job *job, const struct run *run,
		const struct effect *effect, struct sources *sources, struct err *err) {
	const struct plan *plan = &run->plan->plan;
	const struct step *step = &run->plan->runbook->steps[effect->step];
	const struct settings *settings = sources->api->settings(sources);
	add_values(job, plan->params, plan->param_count);
	add_values(job, run->values, run->value_count);
	add_informational(job, settings->prefix, run, effect);
	if (step->env == NULL) {
		return true;
	}
	const struct plan_env *env = plan_env(plan, step->env);
	if (env == NULL) {
		return err_set(
				err, ERR_NOT_FOUND, "the plan has no [env %s]", step->env);
	}
	add_values(job, env->values, env->value_count);
	return add_secrets(job, sources, env, err);
}

/* --- the rest --- */

static const char **borrow(char *const *list, size_t count) {
	const char **copy = xcalloc(count + 1, sizeof(*copy));
	for (size_t i = 0; i < count; i++) {
		copy[i] = list[i];
	}
	return copy;
}

/* What the block must publish: what it declares, and of what its item
 * declares, if it is the last one, what is still missing. */
static void make_sets(struct job *job, const struct run *run,
		const struct step *step, const struct effect *effect) {
	const struct block *block = &step->blocks[effect->block];
	bool last = effect->block + 1 == step->block_count;
	size_t room = block->set_count + step->set_count + 1;
	job->sets = xcalloc(room, sizeof(*job->sets));
	job->may_set = xcalloc(room, sizeof(*job->may_set));
	size_t must = 0;
	size_t may = 0;
	for (size_t i = 0; i < block->set_count; i++) {
		job->sets[must++] = block->sets[i];
	}
	for (size_t i = 0; i < step->set_count; i++) {
		if (last && run_value(run, step->sets[i]) == NULL) {
			job->sets[must++] = step->sets[i];
		} else {
			job->may_set[may++] = step->sets[i];
		}
	}
}

/* NULL: it is not on record. */
static const struct attempt *attempt_of(
		const struct run *run, const struct effect *effect) {
	const struct step_state *state = &run->steps[effect->step];
	for (size_t i = 0; i < state->attempt_count; i++) {
		const struct attempt *attempt = &state->attempts[i];
		if (attempt->block == effect->block && attempt->host == effect->host &&
				attempt->number == effect->attempt) {
			return attempt;
		}
	}
	return NULL;
}

/* Where a command runs.  Requests are the bot's own, wherever those run. */
static bool find_host(struct job *job, const struct run *run,
		const struct effect *effect, struct sources *sources, struct err *err) {
	const struct block *block = job_block(run, effect);
	const char *text = job_host(run, effect);
	if (block->kind == BLOCK_HTTP || strcmp(text, "local") == 0) {
		return true;
	}
	if (!config_value_host(text, &job->where, err) ||
			!sources->api->ssh_way(
					sources, block->on, &job->where, &job->way, err)) {
		return false;
	}
	job->spec.host = &job->way.host;
	return true;
}

static bool check_target(const struct plan_target *target,
		const struct block *block, struct err *err) {
	bool there = block->kind == BLOCK_HTTP ||
			(target != NULL && target->workdir != NULL);
	return there || err_set(err, ERR_REFUSED, "its target has no workdir");
}

/* What it is judged by, which is known whatever became of the rest. */
static void make_spec(struct job *job, const char *id, const struct run *run,
		const struct effect *effect) {
	const struct step *step = &run->plan->runbook->steps[effect->step];
	const struct block *block = job_block(run, effect);
	const struct attempt *attempt = attempt_of(run, effect);
	make_sets(job, run, step, effect);
	job->conditions = borrow(block->conditions, block->condition_count);
	job->masked = xcalloc(1, sizeof(job->masked[0]));
	job->spec = (struct attempt_spec){
		.id = id,
		.kind = block->kind == BLOCK_HTTP ? ATTEMPT_HTTP : ATTEMPT_SH,
		.conditions = job->conditions,
		.sets = job->sets,
		.may_set = job->may_set,
		.timeout_ms = attempt != NULL ? attempt->until_ms - attempt->started_ms
									  : block->timeout_ms,
		.grace_ms = GRACE_MS,
		.begin_by_ms = attempt != NULL && effect->forward
				? attempt->started_ms + BEGIN_WITHIN_MS
				: 0,
	};
}

bool job_make(struct job *job, const char *id, const struct run *run,
		const struct effect *effect, struct sources *sources, struct err *err) {
	*job = (struct job){ 0 };
	const struct block *block = job_block(run, effect);
	const struct plan_target *target = target_of(run, effect);
	make_spec(job, id, run, effect);
	if (!find_host(job, run, effect, sources, err) ||
			!check_target(target, block, err) ||
			!make_env(job, run, effect, sources, err)) {
		return false;
	}
	job->spec.text = block->text;
	job->spec.workdir = target != NULL ? target->workdir : NULL;
	job->spec.env = (const char *const *)job->env;
	job->spec.masked = (const char *const *)job->masked;
	return true;
}

static void wipe(char **list, size_t count) {
	for (size_t i = 0; i < count; i++) {
		explicit_bzero(list[i], strlen(list[i]));
		free(list[i]);
	}
	free(list);
}

void job_finish(struct job *job) {
	wipe(job->env, job->env_count);
	wipe(job->masked, job->masked_count);
	free(job->conditions);
	free(job->sets);
	free(job->may_set);
	free(job->where.text);
	free(job->where.user);
	free(job->where.name);
	ssh_way_finish(&job->way);
	*job = (struct job){ 0 };
}
