#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "codec/config.h"

/*
 * One function for each kind of value that the config knows.  Each reads all
 * of a value, trimmed and never empty, into a field, whose old content it
 * frees; on failure the error says what is wrong and what to write.
 */

/* How much of a value an error shows. */
#define CONFIG_SHOWN "%.60s"

bool config_value_text(const char *value, char **field, struct err *err);

/* https://HOST[:PORT][/PATH]; http:// on this machine only. */
bool config_value_url(const char *value, char **field, struct err *err);
bool config_value_proxy(const char *value, char **field, struct err *err);

/* Names as Mattermost has them. */
bool config_value_team(const char *value, char **field, struct err *err);
bool config_value_channel(const char *value, char **field, struct err *err);
bool config_value_user(const char *value, char **field, struct err *err);

/* What systemd takes for the name of a credential. */
bool config_value_credential(const char *value, char **field, struct err *err);

/* Of a run: one to eight capitals and digits, a capital first. */
bool config_value_prefix(const char *value, char **field, struct err *err);

/* Lists, separated by commas; nothing twice. */
bool config_value_users(
		const char *value, struct config_list *field, struct err *err);
bool config_value_roles(
		const char *value, struct config_list *field, struct err *err);
bool config_value_emojis(
		const char *value, struct config_list *field, struct err *err);
bool config_value_patterns(
		const char *value, struct config_list *field, struct err *err);

/* [USER@]HOST[:PORT]; what @host then holds is to be freed. */
bool config_value_host(
		const char *text, struct config_host *host, struct err *err);

/* `local`, or hosts for ssh; into the target's hosts. */
bool config_value_hosts(
		const char *value, struct config_target *target, struct err *err);

/* A duration or a number between @min and @max, or yes or no. */
bool config_value_time(const char *value, int64_t min, int64_t max,
		int64_t *field, struct err *err);
bool config_value_number(const char *value, int64_t min, int64_t max,
		int64_t *field, struct err *err);
bool config_value_yes_no(const char *value, bool *field, struct err *err);

#endif
