#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "codec/config.h"

/*
 * The sections and keys that a config may have, as tables: what reads each
 * value, between which limits, and where it goes.
 */

enum config_section {
	SECTION_MATTERMOST,
	SECTION_BRIDGE,
	SECTION_ROLE,
	SECTION_ENV,
	SECTION_TARGET,
	SECTION_APPROVE,
	SECTION_OVERRIDE,
	SECTION_SANDBOX,
	SECTION_NONE, // before the first, or within one that was refused
};
#define SECTION_COUNT SECTION_NONE

enum value_kind {
	VALUE_TEXT, // a path, too
	VALUE_URL,
	VALUE_PROXY,
	VALUE_TEAM,
	VALUE_CHANNEL,
	VALUE_USER,
	VALUE_CREDENTIAL,
	VALUE_PREFIX,
	VALUE_USERS,
	VALUE_ROLES,
	VALUE_EMOJIS,
	VALUE_PATTERNS,
	VALUE_HOSTS,
	VALUE_TIME,
	VALUE_NUMBER,
	VALUE_YES_NO,
};

struct config_key {
	const char *name;
	enum value_kind kind;
	size_t offset; // in the section's struct
	int64_t min;   // VALUE_TIME, VALUE_NUMBER
	int64_t max;
	const char *needed; // not NULL: the section must have it; what it is
};

#define CONFIG_KEYS_MAX 16 // of one section

struct config_section_kind {
	const char *name;
	bool named;  // [role NAME]
	bool needed; // every config has it
	const struct config_key *keys;
	size_t key_count;
};

extern const struct config_section_kind config_sections[SECTION_COUNT];

/* Read @value into its field of the section's struct at @base. */
bool config_key_read(const struct config_key *key, const char *value,
		void *base, struct err *err);

/* What holds where the file says nothing; @config is zeroed. */
void config_set_defaults(struct config *config);

#endif
