#include "codec/config_keys.h"

#include <assert.h>

#include "codec/config_value.h"

#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define IN(type, field) offsetof(struct config_##type, field)

static const struct config_key mattermost_keys[] = {
	{ "url", VALUE_URL, IN(mattermost, url), 0, 0, "the server's address" },
	{ "team", VALUE_TEAM, IN(mattermost, team), 0, 0,
			"the team's name, as in its address" },
	{ "token_file", VALUE_TEXT, IN(mattermost, token_file) },
	{ "token_credential", VALUE_CREDENTIAL, IN(mattermost, token_credential) },
	{ "ca_file", VALUE_TEXT, IN(mattermost, ca_file) },
	{ "proxy", VALUE_PROXY, IN(mattermost, proxy) },
};

static const struct config_key bridge_keys[] = {
	{ "channel", VALUE_CHANNEL, IN(bridge, channel), 0, 0,
			"the channel's name, as in its address" },
	{ "runbook", VALUE_TEXT, IN(bridge, runbook), 0, 0, "the runbook's file" },
	{ "state_dir", VALUE_TEXT, IN(bridge, state_dir), 0, 0,
			"the folder for the journal" },
	{ "prefix", VALUE_PREFIX, IN(bridge, prefix) },
	{ "status_every", VALUE_TIME, IN(bridge, status_every_ms), SECOND, DAY },
	{ "watch_status_every", VALUE_TIME, IN(bridge, watch_status_every_ms),
			SECOND, DAY },
	{ "opens_before", VALUE_TIME, IN(bridge, opens_before_ms), 0, DAY },
	{ "rehearsal_valid", VALUE_TIME, IN(bridge, rehearsal_valid_ms), SECOND,
			366 * DAY },
	{ "backup_after", VALUE_TIME, IN(bridge, backup_after_ms), 0, DAY },
	{ "escalate_after", VALUE_TIME, IN(bridge, escalate_after_ms), 0, DAY },
	{ "requester_approves", VALUE_YES_NO, IN(bridge, requester_approves) },
	{ "step_timeout", VALUE_TIME, IN(bridge, step_timeout_ms), SECOND,
			7 * DAY },
	{ "templates", VALUE_TEXT, IN(bridge, templates) },
	{ "keep_output", VALUE_TIME, IN(bridge, keep_output_ms), 0, 3660 * DAY },
};

static const struct config_key role_keys[] = {
	{ "primary", VALUE_USER, IN(role, primary), 0, 0,
			"the username of who holds the role" },
	{ "backup", VALUE_USERS, IN(role, backups) },
};

static const struct config_key env_keys[] = {
	{ "secrets_file", VALUE_TEXT, IN(env, secrets_file) },
	{ "secrets_credential", VALUE_CREDENTIAL, IN(env, secrets_credential) },
};

static const struct config_key target_keys[] = {
	{ "hosts", VALUE_HOSTS, 0 },
	{ "workdir", VALUE_TEXT, IN(target, workdir) },
	{ "files", VALUE_PATTERNS, IN(target, files) },
	{ "ssh_key", VALUE_TEXT, IN(target, ssh_key) },
	{ "ssh_known_hosts", VALUE_TEXT, IN(target, ssh_known_hosts) },
	{ "parallel", VALUE_NUMBER, IN(target, parallel), 1, CONFIG_LIST_MAX },
};

static const struct config_key approve_keys[] = {
	{ "yes", VALUE_EMOJIS, IN(approve, yes) },
	{ "no", VALUE_EMOJIS, IN(approve, no) },
};

static const struct config_key override_keys[] = {
	{ "roles", VALUE_ROLES, IN(override, roles), 0, 0,
			"who may break the glass" },
	{ "count", VALUE_NUMBER, IN(override, count), 1, CONFIG_LIST_MAX },
};

static const struct config_key sandbox_keys[] = {
	{ "clock", VALUE_TEXT, IN(sandbox, clock), 0, 0, "the run clock's file" },
};

const struct config_section_kind config_sections[SECTION_COUNT] = {
	[SECTION_MATTERMOST] = { "mattermost", false, true, mattermost_keys,
			LENGTH(mattermost_keys) },
	[SECTION_BRIDGE] = { "bridge", false, true, bridge_keys,
			LENGTH(bridge_keys) },
	[SECTION_ROLE] = { "role", true, false, role_keys, LENGTH(role_keys) },
	[SECTION_ENV] = { "env", true, false, env_keys, LENGTH(env_keys) },
	[SECTION_TARGET] = { "target", true, false, target_keys,
			LENGTH(target_keys) },
	[SECTION_APPROVE] = { "approve", false, false, approve_keys,
			LENGTH(approve_keys) },
	[SECTION_OVERRIDE] = { "override", false, false, override_keys,
			LENGTH(override_keys) },
	[SECTION_SANDBOX] = { "sandbox", false, false, sandbox_keys,
			LENGTH(sandbox_keys) },
};

bool config_key_read(const struct config_key *key, const char *value,
		void *base, struct err *err) {
	void *field = (char *)base + key->offset;
	switch (key->kind) {
	case VALUE_TEXT:
		return config_value_text(value, field, err);
	case VALUE_URL:
		return config_value_url(value, field, err);
	case VALUE_PROXY:
		return config_value_proxy(value, field, err);
	case VALUE_TEAM:
		return config_value_team(value, field, err);
	case VALUE_CHANNEL:
		return config_value_channel(value, field, err);
	case VALUE_USER:
		return config_value_user(value, field, err);
	case VALUE_CREDENTIAL:
		return config_value_credential(value, field, err);
	case VALUE_PREFIX:
		return config_value_prefix(value, field, err);
	case VALUE_USERS:
		return config_value_users(value, field, err);
	case VALUE_ROLES:
		return config_value_roles(value, field, err);
	case VALUE_EMOJIS:
		return config_value_emojis(value, field, err);
	case VALUE_PATTERNS:
		return config_value_patterns(value, field, err);
	case VALUE_HOSTS:
		return config_value_hosts(value, base, err);
	case VALUE_TIME:
		return config_value_time(value, key->min, key->max, field, err);
	case VALUE_NUMBER:
		return config_value_number(value, key->min, key->max, field, err);
	case VALUE_YES_NO:
		return config_value_yes_no(value, field, err);
	}
	assert(false);
	return false;
}

void config_set_defaults(struct config *config) {
	config->bridge.status_every_ms = 10 * MINUTE;
	config->bridge.watch_status_every_ms = HOUR;
	config->bridge.opens_before_ms = 30 * MINUTE;
	config->bridge.rehearsal_valid_ms = DAY;
	config->bridge.requester_approves = true;
	config->bridge.step_timeout_ms = 15 * MINUTE;
	config->bridge.keep_output_ms = 90 * DAY;
	config->override.count = 2;
	config->bridge.escalate_after_ms = 600000;
	struct err never;
	bool ok = config_value_emojis("white_check_mark, heavy_check_mark, +1",
					  &config->approve.yes, &never) &&
			config_value_emojis("x, -1, no_entry, no_entry_sign",
					&config->approve.no, &never);
	assert(ok);
	(void)ok;
}
