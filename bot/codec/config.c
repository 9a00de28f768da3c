#include "codec/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/xalloc.h"

void config_list_finish(struct config_list *list) {
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i]);
	}
	free(list->items);
	*list = (struct config_list){ 0 };
}

void config_hosts_finish(struct config_target *target) {
	for (size_t i = 0; i < target->host_count; i++) {
		free(target->hosts[i].text);
		free(target->hosts[i].user);
		free(target->hosts[i].name);
	}
	free(target->hosts);
	target->hosts = NULL;
	target->host_count = 0;
}

static void free_variables(struct config_variable *variables, size_t count) {
	for (size_t i = 0; i < count; i++) {
		free(variables[i].name);
		free(variables[i].value);
	}
	free(variables);
}

static void free_sections(struct config *config) {
	for (size_t i = 0; i < config->role_count; i++) {
		free(config->roles[i].name);
		free(config->roles[i].primary);
		config_list_finish(&config->roles[i].backups);
	}
	for (size_t i = 0; i < config->env_count; i++) {
		free(config->envs[i].name);
		free(config->envs[i].secrets_file);
		free(config->envs[i].secrets_credential);
		free_variables(
				config->envs[i].variables, config->envs[i].variable_count);
	}
	for (size_t i = 0; i < config->target_count; i++) {
		free(config->targets[i].name);
		free(config->targets[i].workdir);
		free(config->targets[i].ssh_key);
		free(config->targets[i].ssh_known_hosts);
		config_list_finish(&config->targets[i].files);
		config_hosts_finish(&config->targets[i]);
	}
	free(config->roles);
	free(config->envs);
	free(config->targets);
}

void config_destroy(struct config *config) {
	if (config == NULL) {
		return;
	}
	free_sections(config);
	for (size_t i = 0; i < config->line_count; i++) {
		free(config->lines[i].title);
	}
	free(config->lines);
	free(config->mattermost.url);
	free(config->mattermost.team);
	free(config->mattermost.token_file);
	free(config->mattermost.token_credential);
	free(config->mattermost.ca_file);
	free(config->mattermost.proxy);
	free(config->bridge.channel);
	free(config->bridge.runbook);
	free(config->bridge.state_dir);
	free(config->bridge.prefix);
	free(config->bridge.templates);
	free(config->sandbox.clock);
	config_list_finish(&config->approve.yes);
	config_list_finish(&config->approve.no);
	config_list_finish(&config->override.roles);
	free(config);
}

const struct config_role *config_role(
		const struct config *config, const char *name) {
	for (size_t i = 0; i < config->role_count; i++) {
		if (strcasecmp(config->roles[i].name, name) == 0) {
			return &config->roles[i];
		}
	}
	return NULL;
}

const struct config_env *config_env(
		const struct config *config, const char *name) {
	for (size_t i = 0; i < config->env_count; i++) {
		if (strcmp(config->envs[i].name, name) == 0) {
			return &config->envs[i];
		}
	}
	return NULL;
}

const struct config_target *config_target(
		const struct config *config, const char *name) {
	for (size_t i = 0; i < config->target_count; i++) {
		if (strcmp(config->targets[i].name, name) == 0) {
			return &config->targets[i];
		}
	}
	return NULL;
}

uint32_t config_line_of(
		const struct config *config, const char *title, const char *key) {
	uint32_t found = 1;
	for (size_t i = 0; i < config->line_count; i++) {
		const struct config_key_line *line = &config->lines[i];
		if (strcmp(line->title, title) != 0) {
			continue;
		}
		if (line->key == NULL) {
			found = line->line;
		} else if (strcmp(line->key, key) == 0) {
			return line->line;
		}
	}
	return found;
}

void config_note_line(struct config *config, const char *title, const char *key,
		uint32_t line) {
	config->lines = xreallocarray(
			config->lines, config->line_count + 1, sizeof(config->lines[0]));
	config->lines[config->line_count++] = (struct config_key_line){
		.title = xstrdup(title),
		.key = key,
		.line = line,
	};
}

bool config_target_is_local(const struct config_target *target) {
	return target->host_count == 1 && target->hosts[0].user == NULL &&
			target->hosts[0].port == 0 &&
			strcmp(target->hosts[0].name, "local") == 0;
}

char *config_path(const char *base_dir, const char *path) {
	if (path[0] == '/' || base_dir[0] == '\0') {
		return xasprintf("%s", path);
	}
	return xasprintf("%s/%s", base_dir, path);
}
