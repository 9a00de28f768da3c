#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the config says that decisions need, with people already by id.  Built
 * by app from codec/config_ini and the server's accounts; borrowed here.
 */

/* Who holds a role.  Ids; a name that the server does not know is left out. */
struct holders {
	const char *role;    // as in the config; names ignore case
	const char *primary; // NULL: unknown to the server
	const char *const *backups;
	size_t backup_count;
};

/* Silence is escalated twice: to the backups, then to the lead and to the
 * role's contact. */
#define ESCALATIONS_MOST 2

struct settings {
	const char *prefix;  // "LB"
	const char *channel; // the bridge's
	int64_t status_every_ms;
	int64_t watch_status_every_ms;
	int64_t rehearsal_valid_ms;
	int64_t backup_after_ms; // 0: a backup counts at once
	int64_t step_timeout_ms;
	bool requester_approves;
	int64_t escalate_after_ms; // silence before others are called; 0: never
	const char *const *override_roles; // who may break the glass
	size_t override_role_count;        // 0: nobody
	size_t override_count;             // so many of them, each a person
	const char *const *yes;            // emoji names, without skin tones
	size_t yes_count;
	const char *const *no;
	size_t no_count;
	const struct holders *holders;
	size_t holder_count;
};

enum tap_meaning {
	TAP_NOTHING,
	TAP_YES,
	TAP_NO,
};

/* What emoji @name means; skin tones are folded, case is not. */
enum tap_meaning settings_tap(
		const struct settings *settings, const char *name);

/* Who holds @role, or NULL. */
const struct holders *settings_holders(
		const struct settings *settings, const char *role);

#endif
