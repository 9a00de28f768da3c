#include "app/hush.h"

#include <stdlib.h>
#include <string.h>

#include "app/config_file.h"
#include "app/planner.h"
#include "base/xalloc.h"
#include "exec/mask.h"
#include "sys/secret.h"

/* What is secret now, and a list of it for the mask. */
struct known {
	struct secret *token;
	struct plan_value **values; // by environment
	size_t *counts;
	const char **list;
	size_t count;
};

static void add(struct known *known, const char *value) {
	known->list = xreallocarray(
			known->list, known->count + 2, sizeof(known->list[0]));
	known->list[known->count++] = value;
	known->list[known->count] = NULL;
}

static void read_known(struct known *known, const struct config_file *file) {
	struct err err = { 0 };
	const struct config *config = file->config;
	known->values = xcalloc(config->env_count, sizeof(known->values[0]));
	known->counts = xcalloc(config->env_count, sizeof(known->counts[0]));
	known->token = config_file_token(file, &err);
	if (known->token != NULL) {
		add(known, secret_reveal(known->token));
	}
	for (size_t i = 0; i < config->env_count; i++) {
		if (!planner_read_secrets(config, file->dir, config->envs[i].name,
					&known->values[i], &known->counts[i], &err)) {
			known->counts[i] = 0;
		}
		for (size_t j = 0; j < known->counts[i]; j++) {
			add(known, known->values[i][j].value);
		}
	}
}

static void forget(struct known *known, size_t env_count) {
	for (size_t i = 0; i < env_count; i++) {
		planner_wipe(known->values[i], known->counts[i]);
	}
	secret_destroy(known->token);
	free(known->values);
	free(known->counts);
	free(known->list);
}

char *hush_text(const struct config_file *file, const char *text) {
	struct known known = { 0 };
	struct str hushed = { 0 };
	read_known(&known, file);
	struct mask *mask = mask_create(known.list);
	size_t len = strlen(text);
	size_t taken = mask_add(mask, text, len, true, &hushed);
	(void)taken; // all of it: nothing is to come
	mask_destroy(mask);
	forget(&known, file->config->env_count);
	return str_take(&hushed);
}
