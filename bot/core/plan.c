#include "core/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "core/digest.h"

#define VALUE_MAX 4096

void plan_init(struct plan *plan, const struct runbook *runbook) {
	*plan = (struct plan){ .runbook = runbook };
	plan->params = xcalloc(runbook->parameter_count, sizeof(*plan->params));
	for (size_t i = 0; i < runbook->parameter_count; i++) {
		const struct parameter *parameter = &runbook->parameters[i];
		if (parameter->kind != PARAMETER_SECRET) {
			plan->params[plan->param_count++].name = xstrdup(parameter->name);
		}
	}
}

static void free_values(struct plan_value *values, size_t count) {
	for (size_t i = 0; i < count; i++) {
		free(values[i].name);
		free(values[i].value);
	}
	free(values);
}

static void finish_target(struct plan_target *target) {
	free(target->name);
	for (size_t i = 0; i < target->host_count; i++) {
		free(target->hosts[i]);
	}
	free(target->hosts);
	free(target->workdir);
	for (size_t i = 0; i < target->file_count; i++) {
		free(target->files[i].path);
	}
	free(target->files);
	free(target->commit);
}

void plan_finish(struct plan *plan) {
	free_values(plan->params, plan->param_count);
	for (size_t i = 0; i < plan->env_count; i++) {
		free(plan->envs[i].name);
		free_values(plan->envs[i].values, plan->envs[i].value_count);
	}
	free(plan->envs);
	for (size_t i = 0; i < plan->target_count; i++) {
		finish_target(&plan->targets[i]);
	}
	free(plan->targets);
	*plan = (struct plan){ 0 };
}

static struct plan_value *find_param(
		const struct plan *plan, const char *name) {
	for (size_t i = 0; i < plan->param_count; i++) {
		if (strcasecmp(plan->params[i].name, name) == 0) {
			return &plan->params[i];
		}
	}
	return NULL;
}

/* "`a`, `b` or `c`" */
static void list_names(
		struct str *out, char *const *names, size_t count, const char *last) {
	for (size_t i = 0; i < count; i++) {
		str_addf(out, "%s`%s`",
				i == 0                   ? ""
						: i + 1 == count ? last
										 : ", ",
				names[i]);
	}
}

static bool refuse_choice(
		const struct parameter *parameter, const char *value, struct err *err) {
	struct str names = { 0 };
	list_names(&names, parameter->choices, parameter->choice_count, " or ");
	err_set(err, ERR_REFUSED, "%s cannot be `%s`; give %s", parameter->name,
			value, str_text(&names));
	str_finish(&names);
	return false;
}

static bool refuse_name(
		const struct plan *plan, const char *name, struct err *err) {
	struct str names = { 0 };
	for (size_t i = 0; i < plan->param_count; i++) {
		str_addf(&names, "%s`%s`", i > 0 ? ", " : "", plan->params[i].name);
	}
	err_set(err, ERR_REFUSED, "there is no parameter `%s`; %s%s", name,
			plan->param_count > 0 ? "there are " : "the runbook has none",
			str_text(&names));
	str_finish(&names);
	return false;
}

/* What goes into an environment variable and into a line of chat. */
static bool is_presentable(const char *value) {
	for (const char *at = value; *at != '\0'; at++) {
		unsigned char c = (unsigned char)*at;
		if ((c < 0x20 && c != '\t') || c == 0x7f) {
			return false;
		}
	}
	return strlen(value) <= VALUE_MAX;
}

static bool may_be(const struct parameter *parameter, const char *value) {
	for (size_t i = 0; i < parameter->choice_count; i++) {
		if (strcmp(parameter->choices[i], value) == 0) {
			return true;
		}
	}
	return parameter->kind != PARAMETER_CHOICE;
}

bool plan_set_param(struct plan *plan, const char *name, const char *value,
		struct err *err) {
	size_t index = runbook_parameter(plan->runbook, name);
	if (index == RUNBOOK_NONE) {
		return refuse_name(plan, name, err);
	}
	const struct parameter *parameter = &plan->runbook->parameters[index];
	if (parameter->kind == PARAMETER_SECRET) {
		return err_set(err, ERR_REFUSED,
				"%s is secret: it comes from the environment's secrets file",
				parameter->name);
	}
	if (value == NULL) {
		if (parameter->choice_count == 0) {
			return err_set(err, ERR_REFUSED, "%s has no default; give %s=...",
					parameter->name, parameter->name);
		}
		value = parameter->choices[0];
	}
	if (!may_be(parameter, value)) {
		return refuse_choice(parameter, value, err);
	}
	if (!is_presentable(value)) {
		return err_set(err, ERR_REFUSED,
				"the value of %s has a line break or another control "
				"character, or more than %d bytes",
				parameter->name, VALUE_MAX);
	}
	struct plan_value *param = find_param(plan, name);
	assert(param != NULL); // each parameter has had its place since plan_init()
	free(param->value);
	param->value = xstrdup(value);
	return true;
}

bool plan_complete(struct plan *plan, struct err *err) {
	struct str missing = { 0 };
	for (size_t i = 0; i < plan->param_count; i++) {
		struct plan_value *param = &plan->params[i];
		const struct parameter *parameter =
				&plan->runbook->parameters[runbook_parameter(
						plan->runbook, param->name)];
		if (param->value == NULL && parameter->choice_count > 0) {
			param->value = xstrdup(parameter->choices[0]);
		} else if (param->value == NULL) {
			str_addf(&missing, "%s%s=...", missing.len > 0 ? " " : "",
					param->name);
		}
	}
	bool complete = missing.len == 0;
	if (!complete) {
		err_set(err, ERR_REFUSED, "the runbook asks for a value; give %s",
				str_text(&missing));
	}
	str_finish(&missing);
	return complete;
}

const char *plan_param(const struct plan *plan, const char *name) {
	const struct plan_value *param = find_param(plan, name);
	return param != NULL ? param->value : NULL;
}

/* Make room for one more at @at in @array of @count members; zeroed. */
static void *insert(void *array, size_t count, size_t size, size_t at) {
	char *grown = xreallocarray(array, count + 1, size);
	memmove(grown + (at + 1) * size, grown + at * size, (count - at) * size);
	memset(grown + at * size, 0, size);
	return grown;
}

static struct plan_env *find_env(const struct plan *plan, const char *name) {
	for (size_t i = 0; i < plan->env_count; i++) {
		if (strcmp(plan->envs[i].name, name) == 0) {
			return &plan->envs[i];
		}
	}
	return NULL;
}

void plan_add_env(struct plan *plan, const char *name) {
	if (find_env(plan, name) != NULL) {
		return;
	}
	size_t at = 0;
	while (at < plan->env_count && strcmp(plan->envs[at].name, name) < 0) {
		at++;
	}
	plan->envs = insert(plan->envs, plan->env_count, sizeof(*plan->envs), at);
	plan->envs[at].name = xstrdup(name);
	plan->env_count++;
}

void plan_add_env_value(struct plan *plan, const char *env_name,
		const char *name, const char *value, bool secret) {
	plan_add_env(plan, env_name);
	struct plan_env *env = find_env(plan, env_name);
	assert(env != NULL); // it was added above
	size_t at = 0;
	while (at < env->value_count && strcmp(env->values[at].name, name) < 0) {
		at++;
	}
	if (at == env->value_count || strcmp(env->values[at].name, name) != 0) {
		env->values = insert(
				env->values, env->value_count, sizeof(*env->values), at);
		env->values[at].name = xstrdup(name);
		env->value_count++;
	}
	free(env->values[at].value);
	env->values[at].value = xstrdup(value);
	env->values[at].secret = secret;
}

struct plan_target *plan_add_target(struct plan *plan, const char *name) {
	size_t at = 0;
	while (at < plan->target_count &&
			strcmp(plan->targets[at].name, name) < 0) {
		at++;
	}
	if (at == plan->target_count || strcmp(plan->targets[at].name, name) != 0) {
		plan->targets = insert(
				plan->targets, plan->target_count, sizeof(*plan->targets), at);
		plan->targets[at].name = xstrdup(name);
		plan->target_count++;
	}
	return &plan->targets[at];
}

void plan_target_add_host(struct plan_target *target, const char *host) {
	target->hosts = xreallocarray(
			target->hosts, target->host_count + 1, sizeof(*target->hosts));
	target->hosts[target->host_count++] = xstrdup(host);
}

void plan_target_add_file(struct plan_target *target, const char *path,
		const char hash[SHA256_HEX]) {
	size_t at = 0;
	while (at < target->file_count &&
			strcmp(target->files[at].path, path) < 0) {
		at++;
	}
	if (at == target->file_count || strcmp(target->files[at].path, path) != 0) {
		target->files = insert(
				target->files, target->file_count, sizeof(*target->files), at);
		target->files[at].path = xstrdup(path);
		target->file_count++;
	}
	memcpy(target->files[at].hash, hash, SHA256_HEX);
}

const struct plan_env *plan_env(const struct plan *plan, const char *name) {
	return find_env(plan, name);
}

const struct plan_target *plan_target(
		const struct plan *plan, const char *name) {
	for (size_t i = 0; i < plan->target_count; i++) {
		if (strcmp(plan->targets[i].name, name) == 0) {
			return &plan->targets[i];
		}
	}
	return NULL;
}

bool plan_includes(const struct plan *plan, size_t index) {
	const struct step *step = &plan->runbook->steps[index];
	for (size_t i = 0; i < step->when_count; i++) {
		const char *value = plan_param(plan, step->when[i].name);
		if (value == NULL || strcmp(value, step->when[i].value) != 0) {
			return false;
		}
	}
	return true;
}

void plan_seal(struct plan *plan) {
	digest_plan(plan, plan->digest);
}

void plan_document_digest(const struct runbook *runbook, char hex[SHA256_HEX]) {
	digest_document(runbook, hex);
}

bool plan_has_same_folders(const struct plan *a, const struct plan *b) {
	for (size_t i = 0; i < a->target_count; i++) {
		const struct plan_target *one = &a->targets[i];
		const struct plan_target *other = plan_target(b, one->name);
		const char *here = one->workdir != NULL ? one->workdir : "";
		const char *there = other != NULL && other->workdir != NULL
				? other->workdir
				: "";
		if (strcmp(here, there) != 0) {
			return false;
		}
	}
	return true;
}

char *plan_difference(
		const struct plan *then, const struct plan *now, size_t most) {
	return digest_difference(then, now, most);
}
