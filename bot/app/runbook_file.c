#include "app/runbook_file.h"

#include <stdlib.h>
#include <string.h>

#include "app/planner.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "codec/config_use.h"
#include "codec/md_source.h"
#include "codec/runbook_check.h"
#include "sys/fd.h"

/* A config as the rules want it. */
struct input {
	struct lint_config lint;
	struct lint_role *roles;
	struct lint_env *envs;
	struct lint_target *targets;
	const char ***lists; // of holders and of variables, in no order
	size_t list_count;
	char **names; // of secrets
	size_t name_count;
};

static const char **new_list(struct input *input, size_t count) {
	input->lists = xreallocarray(
			input->lists, input->list_count + 1, sizeof(*input->lists));
	const char **list = xcalloc(count, sizeof(*list));
	input->lists[input->list_count++] = list;
	return list;
}

static void add_roles(struct input *input, const struct config *config) {
	input->roles = xcalloc(config->role_count, sizeof(*input->roles));
	for (size_t i = 0; i < config->role_count; i++) {
		const struct config_role *role = &config->roles[i];
		const char **holders = new_list(input, role->backups.count + 1);
		holders[0] = role->primary;
		for (size_t k = 0; k < role->backups.count; k++) {
			holders[k + 1] = role->backups.items[k];
		}
		input->roles[i] = (struct lint_role){
			.name = role->name,
			.holders = holders,
			.holder_count = role->backups.count + 1,
		};
	}
}

/* A secrets file that cannot be read is said where the plan is made. */
static size_t read_names(struct input *input, const struct config *config,
		const char *base_dir, const char *env, struct plan_value **secrets) {
	size_t count = 0;
	struct err err = { 0 };
	if (!planner_read_secrets(config, base_dir, env, secrets, &count, &err)) {
		*secrets = NULL;
		return 0;
	}
	input->names = xreallocarray(
			input->names, input->name_count + count + 1, sizeof(*input->names));
	for (size_t i = 0; i < count; i++) {
		input->names[input->name_count + i] = xstrdup((*secrets)[i].name);
	}
	return count;
}

static void add_envs(struct input *input, const struct config *config,
		const char *base_dir) {
	input->envs = xcalloc(config->env_count, sizeof(*input->envs));
	for (size_t i = 0; i < config->env_count; i++) {
		const struct config_env *env = &config->envs[i];
		struct plan_value *secrets = NULL;
		size_t count = read_names(input, config, base_dir, env->name, &secrets);
		const char **names = new_list(input, env->variable_count + count);
		for (size_t k = 0; k < env->variable_count; k++) {
			names[k] = env->variables[k].name;
		}
		for (size_t k = 0; k < count; k++) {
			names[env->variable_count + k] =
					input->names[input->name_count + k];
		}
		input->name_count += count;
		planner_wipe(secrets, count);
		input->envs[i] = (struct lint_env){
			.name = env->name,
			.variables = names,
			.variable_count = env->variable_count + count,
		};
	}
}

static void add_targets(struct input *input, const struct config *config) {
	input->targets = xcalloc(config->target_count, sizeof(*input->targets));
	for (size_t i = 0; i < config->target_count; i++) {
		input->targets[i] = (struct lint_target){
			.name = config->targets[i].name,
			.host_count = config->targets[i].host_count,
		};
	}
}

static void make_input(struct input *input, const struct config *config,
		const char *base_dir) {
	*input = (struct input){ 0 };
	add_roles(input, config);
	add_envs(input, config, base_dir);
	add_targets(input, config);
	input->lint = (struct lint_config){
		.roles = input->roles,
		.role_count = config->role_count,
		.envs = input->envs,
		.env_count = config->env_count,
		.targets = input->targets,
		.target_count = config->target_count,
		.requester_approves = config->bridge.requester_approves,
	};
}

static void finish_input(struct input *input) {
	for (size_t i = 0; i < input->list_count; i++) {
		free(input->lists[i]);
	}
	for (size_t i = 0; i < input->name_count; i++) {
		free(input->names[i]);
	}
	free(input->lists);
	free(input->names);
	free(input->roles);
	free(input->envs);
	free(input->targets);
}

static void check(struct runbook_file *file, const struct config *config,
		const char *base_dir) {
	if (config == NULL) {
		file->runbook = runbook_check_text(
				file->path, file->text, file->len, NULL, &file->findings);
		return;
	}
	struct input input;
	make_input(&input, config, base_dir);
	file->runbook = runbook_check_text(
			file->path, file->text, file->len, &input.lint, &file->findings);
	config_use_check(config, file->runbook, &file->findings);
	findings_sort(&file->findings);
	finish_input(&input);
}

bool runbook_file_read(struct runbook_file *file, const char *path,
		const struct config *config, const char *base_dir, struct err *err) {
	*file = (struct runbook_file){ .path = xstrdup(path) };
	findings_init(&file->findings);
	struct str text;
	str_init(&text, 0);
	/* A file that is somewhat too large is a finding, not a failure. */
	bool ok = fd_read_file(path, MD_SOURCE_MAX_BYTES * 64, &text, err);
	if (ok) {
		file->len = text.len;
		file->text = str_take(&text);
		check(file, config, base_dir);
	}
	str_finish(&text);
	return ok;
}

void runbook_file_finish(struct runbook_file *file) {
	free(file->path);
	free(file->text);
	runbook_destroy(file->runbook);
	findings_finish(&file->findings);
	*file = (struct runbook_file){ 0 };
}
