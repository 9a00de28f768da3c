#include "app/settings_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/xalloc.h"
#include "codec/config.h"
#include "journal/journal.h"
#include "sys/log.h"

#define ID_ROOM   64
#define NAME_ROOM 200

static bool stored_id(
		struct journal *journal, const char *username, char id[ID_ROOM]) {
	char name[NAME_ROOM];
	int len = snprintf(name, sizeof(name), "user:%s", username);
	for (char *c = name; *c != '\0'; c++) {
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	}
	return len < NAME_ROOM && journal->api->get(journal, name, id, ID_ROOM);
}

static void store_id(
		struct journal *journal, const char *username, const char *id) {
	char name[NAME_ROOM];
	struct err err = { 0 };
	snprintf(name, sizeof(name), "user:%s", username);
	for (char *c = name; *c != '\0'; c++) {
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	}
	if (!journal->api->put(journal, name, id, &err)) {
		log_warn("settings.id_unstored", "user=%s why=\"%s\"", username,
				err.text);
	}
}

/* The id of @username, owned by @built; NULL: nobody knows it yet. */
static const char *id_of(struct settings_built *built, const char *username,
		const struct people *people, struct journal *journal) {
	char id[ID_ROOM];
	if (username == NULL) {
		return NULL;
	}
	if (!stored_id(journal, username, id)) {
		const struct person *person = people_by_name(people, username);
		if (person == NULL || strlen(person->id) >= ID_ROOM) {
			return NULL;
		}
		strcpy(id, person->id);
		store_id(journal, username, id);
	}
	built->ids = xreallocarray(
			built->ids, built->id_count + 1, sizeof(built->ids[0]));
	built->ids[built->id_count] = xstrdup(id);
	built->id_count++;
	return built->ids[built->id_count - 1];
}

static void build_role(struct settings_built *built, size_t index,
		const struct config_role *role, const struct people *people,
		struct journal *journal) {
	const char **backups = xcalloc(
			role->backups.count, sizeof(*built->backups[0]));
	size_t count = 0;
	for (size_t i = 0; i < role->backups.count; i++) {
		backups[count] = id_of(built, role->backups.items[i], people, journal);
		count += backups[count] != NULL;
	}
	built->backups[index] = backups;
	built->holders[index] = (struct holders){
		.role = role->name,
		.primary = id_of(built, role->primary, people, journal),
		.backups = backups,
		.backup_count = count,
	};
}

void settings_build(struct settings_built *built, const struct config *config,
		const struct people *people, struct journal *journal) {
	const struct config_bridge *bridge = &config->bridge;
	*built = (struct settings_built){ 0 };
	built->holders = xcalloc(config->role_count, sizeof(built->holders[0]));
	built->backups = xcalloc(config->role_count, sizeof(built->backups[0]));
	for (size_t i = 0; i < config->role_count; i++) {
		build_role(built, i, &config->roles[i], people, journal);
	}
	built->settings = (struct settings){
		.prefix = bridge->prefix,
		.channel = bridge->channel,
		.status_every_ms = bridge->status_every_ms,
		.watch_status_every_ms = bridge->watch_status_every_ms,
		.rehearsal_valid_ms = bridge->rehearsal_valid_ms,
		.backup_after_ms = bridge->backup_after_ms,
		.step_timeout_ms = bridge->step_timeout_ms,
		.requester_approves = bridge->requester_approves,
		.escalate_after_ms = bridge->escalate_after_ms,
		.override_roles = (const char *const *)config->override.roles.items,
		.override_role_count = config->override.roles.count,
		.override_count = (size_t)config->override.count,
		.yes = (const char *const *)config->approve.yes.items,
		.yes_count = config->approve.yes.count,
		.no = (const char *const *)config->approve.no.items,
		.no_count = config->approve.no.count,
		.holders = built->holders,
		.holder_count = config->role_count,
	};
}

void settings_built_finish(struct settings_built *built) {
	for (size_t i = 0; i < built->settings.holder_count; i++) {
		free(built->backups[i]);
	}
	for (size_t i = 0; i < built->id_count; i++) {
		free(built->ids[i]);
	}
	free(built->holders);
	free(built->backups);
	free(built->ids);
	*built = (struct settings_built){ 0 };
}

static void add_name(const char ***names, size_t *count, const char *name) {
	for (size_t i = 0; name != NULL && i < *count; i++) {
		if (strcasecmp((*names)[i], name) == 0) {
			return;
		}
	}
	if (name != NULL) {
		*names = xreallocarray(*names, *count + 1, sizeof(**names));
		(*names)[*count] = name;
		(*count)++;
	}
}

const char **settings_usernames(const struct config *config, size_t *count) {
	const char **names = NULL;
	*count = 0;
	for (size_t i = 0; i < config->role_count; i++) {
		const struct config_role *role = &config->roles[i];
		add_name(&names, count, role->primary);
		for (size_t j = 0; j < role->backups.count; j++) {
			add_name(&names, count, role->backups.items[j]);
		}
	}
	return names;
}

void settings_remembered(struct people *people, const struct config *config,
		struct journal *journal) {
	size_t count = 0;
	const char **names = settings_usernames(config, &count);
	for (size_t i = 0; i < count; i++) {
		char id[ID_ROOM];
		if (stored_id(journal, names[i], id)) {
			char *name = xstrdup(names[i]);
			people_put(people, &(struct person){ .id = id, .name = name });
			free(name);
		}
	}
	free(names);
}
