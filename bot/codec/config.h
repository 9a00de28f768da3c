#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the config file says (docs/config.md), checked: codec/config_ini.h makes
 * it.  Relative paths stay as written; config_path() joins them.  Times are of
 * the run's clock.
 */

#define CONFIG_LIST_MAX 64

struct config_list {
	char **items;
	size_t count;
};

struct config_mattermost {
	char *url; // without a slash at its end
	char *team;
	char *token_file;       // one of these two is NULL
	char *token_credential; // the name of a systemd credential
	char *ca_file;          // NULL: none
	char *proxy;            // NULL: none
};

struct config_bridge {
	char *channel;
	char *runbook;
	char *state_dir;
	char *prefix; // of runs' names; from the channel's initials if not given
	int64_t status_every_ms;
	int64_t watch_status_every_ms;
	int64_t opens_before_ms;
	int64_t rehearsal_valid_ms;
	int64_t backup_after_ms;
	int64_t escalate_after_ms; // 0: silence is not escalated
	bool requester_approves;
	int64_t step_timeout_ms;
	char *templates;        // NULL: none
	int64_t keep_output_ms; // of a closed run's commands; 0: for ever
};

struct config_role {
	char *name;
	char *primary; // a username
	struct config_list backups;
	uint32_t line; // of its section, as below
};

struct config_variable {
	char *name;
	char *value;
	uint32_t line;
};

struct config_env {
	char *name;
	char *secrets_file;       // one of these two at most
	char *secrets_credential; // the name of a systemd credential
	struct config_variable *variables;
	size_t variable_count;
	uint32_t line;
};

struct config_host {
	char *text; // as written
	char *user; // NULL: ssh's default, as below
	char *name; // without brackets; "local": this machine, no ssh
	uint16_t port;
};

struct config_target {
	char *name;
	struct config_host *hosts; // one at least
	size_t host_count;
	char *workdir;            // NULL: the runbook's folder; over ssh absolute
	struct config_list files; // patterns below workdir
	char *ssh_key;            // NULL: none, and no hosts over ssh
	char *ssh_known_hosts;    // likewise
	int64_t parallel;         // most hosts at once, whatever a block says
	uint32_t line;            // 0: `local`, without a section
};

struct config_approve {
	struct config_list yes; // emoji names; the first is the one to show
	struct config_list no;
	uint32_t line; // 0: without a section
};

struct config_override {
	struct config_list roles; // empty: there is no break-glass
	int64_t count;
	uint32_t line;
};

struct config_sandbox {
	char *clock; // NULL: real time
	uint32_t line;
};

/* Where a key stands; the title is that of its section, "[role CTO]". */
struct config_key_line {
	char *title;
	const char *key; // constant; NULL: the section itself
	uint32_t line;
};

struct config {
	struct config_key_line *lines;
	size_t line_count;
	struct config_mattermost mattermost;
	struct config_bridge bridge;
	struct config_role *roles;
	size_t role_count;
	struct config_env *envs;
	size_t env_count;
	struct config_target *targets; // `local` is always among them
	size_t target_count;
	struct config_approve approve;
	struct config_override override;
	struct config_sandbox sandbox;
};

/* Accepts NULL. */
void config_destroy(struct config *config);

/* The role, ignoring case; the environment or target of exactly that name; or
 * NULL. */
const struct config_role *config_role(
		const struct config *config, const char *name);
const struct config_env *config_env(
		const struct config *config, const char *name);
const struct config_target *config_target(
		const struct config *config, const char *name);

/* The line of @key in the section @title ("[bridge]"), of the section where the
 * key is not given, or 1. */
uint32_t config_line_of(
		const struct config *config, const char *title, const char *key);

/* Note that @key stands there; @key is kept, not copied. */
void config_note_line(struct config *config, const char *title, const char *key,
		uint32_t line);

/* Whether all its commands run on this machine. */
bool config_target_is_local(const struct config_target *target);

/* Whether the server is on this machine, so that a run clock may be used. */
bool config_is_loopback(const struct config *config);

/* @path below @base_dir unless it is absolute.  Caller frees. */
char *config_path(const char *base_dir, const char *path)
		__attribute__((returns_nonnull, warn_unused_result));

void config_list_finish(struct config_list *list);
void config_hosts_finish(struct config_target *target);

#endif
