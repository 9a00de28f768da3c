#include "codec/online_judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "base/xalloc.h"

#define CLOCK_OFF_MS 5000
#define MEGABYTE     (UINT64_C(1024) * 1024)
#define FREE_LEAST   (100 * MEGABYTE)
#define FREE_GOOD    (1000 * MEGABYTE)
#define BODY_LEAST   200
#define BODY_BEYOND  300

static const char rule_account[] = "account";
static const char rule_rights[] = "rights";

/* What the bot does, and the permission that lets it. */
static const struct right {
	const char *permission;
	const char *lets;
} rights[] = {
	{ "read_channel", "read and pin" },
	{ "create_post", "post" },
	{ "edit_post", "edit its own posts (the card)" },
	{ "add_reaction", "react" },
	{ "upload_file", "attach files" },
};

#define RIGHT_COUNT (sizeof(rights) / sizeof(rights[0]))

/* All the roles of the system that a bot needs, or that change nothing. */
static const char *const harmless_roles[] = { "system_user", "system_guest",
	"system_user_access_token" };

/* File systems of other machines, on which SQLite's WAL does not work: its
 * shared memory would be of one machine only (sqlite.org/wal.html). */
static const struct file_system {
	uint64_t type;
	const char *name;
} network[] = {
	{ 0x6969, "NFS" },
	{ 0x517b, "SMB" },
	{ 0xff534d42, "CIFS" },
	{ 0xfe534d42, "SMB" },
	{ 0x01021997, "9P" },
	{ 0x00c36400, "Ceph" },
	{ 0x0bd00bd0, "Lustre" },
	{ 0x5346414f, "AFS" },
};

void online_judge_init(struct online_judge *judge, const struct config *config,
		const struct runbook *runbook, struct findings *findings) {
	*judge = (struct online_judge){
		.config = config,
		.runbook = runbook,
		.findings = findings,
		.question = ONLINE_ACCOUNT,
	};
}

void online_judge_finish(struct online_judge *judge) {
	str_finish(&judge->roles);
}

bool online_judge_is_ready(const struct online_judge *judge) {
	return judge->question == ONLINE_NO_MORE && judge->channel_id[0] != '\0';
}

static struct place at(
		const struct online_judge *judge, const char *title, const char *key) {
	return (struct place){ config_line_of(judge->config, title, key), 1 };
}

static struct place at_server(
		const struct online_judge *judge, const char *key) {
	return at(judge, "[mattermost]", key);
}

static struct place at_channel(const struct online_judge *judge) {
	return at(judge, "[bridge]", "channel");
}

static struct place at_token(const struct online_judge *judge) {
	return at_server(judge,
			judge->config->mattermost.token_file != NULL ? "token_file"
														 : "token_credential");
}

static const char *string_of(const cJSON *json, const char *key) {
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, key);
	return cJSON_IsString(value) ? value->valuestring : "";
}

/* Ids go into paths; one that is none is as good as none. */
static void take_id(const cJSON *json, char id[65]) {
	const char *value = string_of(json, "id");
	size_t len = strlen(value);
	bool good = len <= 64 &&
			strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789") == len;
	memcpy(id, good ? value : "", good ? len + 1 : 1);
}

/* --- what is asked --- */

static char *list_of_roles(const struct online_judge *judge) {
	cJSON *list = cJSON_CreateArray();
	const char *name = str_text(&judge->roles);
	while (*name != '\0') {
		size_t len = strcspn(name, " ");
		char *copy = xstrndup(name, len);
		cJSON_AddItemToArray(list, cJSON_CreateString(copy));
		free(copy);
		name += len + 1;
	}
	char *text = cJSON_PrintUnformatted(list);
	cJSON_Delete(list);
	return text;
}

char *online_judge_ask(const struct online_judge *judge, char **body) {
	const char *team = judge->config->mattermost.team;
	*body = NULL;
	switch (judge->question) {
	case ONLINE_ACCOUNT:
		return xstrdup("/users/me");
	case ONLINE_VERSION:
		return xstrdup("/config/client?format=old");
	case ONLINE_TEAM:
		return xasprintf("/teams/name/%s", team);
	case ONLINE_TEAM_MEMBER:
		return xasprintf("/teams/%s/members/me", judge->team_id);
	case ONLINE_CHANNEL:
		return xasprintf("/teams/name/%s/channels/name/%s?include_deleted=true",
				team, judge->config->bridge.channel);
	case ONLINE_CHANNEL_MEMBER:
		return xasprintf("/channels/%s/members/me", judge->channel_id);
	case ONLINE_ROLES:
		*body = list_of_roles(judge);
		return xstrdup("/roles/names");
	case ONLINE_CONTACT:
		return xasprintf("/teams/name/%s/channels/name/%s?include_deleted=true",
				team, judge->runbook->roles[judge->contact].channel);
	case ONLINE_CONTACT_MEMBER:
		return xasprintf("/channels/%s/members/me", judge->contact_id);
	case ONLINE_NO_MORE:
		break;
	}
	return NULL;
}

/* --- contacts --- */

/* Whether the contact of @role is a channel of its own, and not asked about
 * for a role before it. */
static bool is_contact(const struct online_judge *judge, size_t role) {
	const struct role *roles = judge->runbook->roles;
	const char *channel = roles[role].channel;
	bool is = channel != NULL &&
			strcmp(channel, judge->config->bridge.channel) != 0;
	for (size_t i = 0; is && i < role; i++) {
		is = roles[i].channel == NULL || strcmp(roles[i].channel, channel) != 0;
	}
	return is;
}

/* Ask about the first contact from @role on, if there is one. */
static void ask_contact(struct online_judge *judge, size_t role) {
	size_t count = judge->runbook != NULL ? judge->runbook->role_count : 0;
	while (role < count && !is_contact(judge, role)) {
		role++;
	}
	judge->contact = role;
	judge->question = role < count ? ONLINE_CONTACT : ONLINE_NO_MORE;
}

/* What is wrong stands at the role in the config, for who reads it there is
 * who can mend it. */
static void tell_contact(struct online_judge *judge, const char *wrong) {
	const struct role *role = &judge->runbook->roles[judge->contact];
	struct place place = at_channel(judge);
	for (size_t i = 0; i < judge->config->role_count; i++) {
		const char *name = judge->config->roles[i].name;
		if (strcasecmp(name, role->name) == 0) {
			char *title = xasprintf("[role %s]", name);
			place = at(judge, title, "primary");
			free(title);
		}
	}
	findings_add(judge->findings, SEVERITY_WARNING, "contact", place,
			"the silence of %s will not be told in ~%s, its contact: %s",
			role->name, role->channel, wrong);
	ask_contact(judge, judge->contact + 1);
}

static void judge_contact(struct online_judge *judge, const cJSON *json) {
	const cJSON *gone = cJSON_GetObjectItemCaseSensitive(json, "delete_at");
	if (cJSON_IsNumber(gone) && gone->valuedouble > 0) {
		tell_contact(judge, "it is archived; restore it, or name another");
	}
}

static void judge_no_contact(
		struct online_judge *judge, const struct online_answer *answer) {
	char wrong[240];
	if (answer->status != 403 && answer->status != 404) {
		snprintf(wrong, sizeof(wrong), "the server answers with status %d: %s",
				answer->status, answer->text);
	} else if (judge->question == ONLINE_CONTACT) {
		snprintf(wrong, sizeof(wrong),
				"the bot can see no such channel; mend the name in the "
				"runbook, or say /invite @%s there",
				judge->own_name);
	} else {
		snprintf(wrong, sizeof(wrong),
				"%s is not in that channel; say /invite @%s there",
				judge->own_name, judge->own_name);
	}
	tell_contact(judge, wrong);
}

/* --- good answers --- */

/* The words of a member's or account's `roles`, as far as they are names. */
static void add_roles(struct online_judge *judge, const char *roles) {
	while (*roles != '\0') {
		size_t len = strcspn(roles, " ");
		if (len > 0 && len <= 64) {
			str_add_bytes(&judge->roles, roles, len);
			str_add_char(&judge->roles, ' ');
		}
		roles += len + (roles[len] == ' ');
	}
}

static bool is_harmless(const char *name, size_t len) {
	for (size_t i = 0; i < sizeof(harmless_roles) / sizeof(harmless_roles[0]);
			i++) {
		if (strlen(harmless_roles[i]) == len &&
				strncmp(harmless_roles[i], name, len) == 0) {
			return true;
		}
	}
	return false;
}

static void judge_account(struct online_judge *judge, const cJSON *json) {
	const char *roles = string_of(json, "roles");
	snprintf(judge->own_name, sizeof(judge->own_name), "%s",
			string_of(json, "username"));
	if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "is_bot"))) {
		findings_add(judge->findings, SEVERITY_WARNING, rule_account,
				at_token(judge),
				"the token is that of %s, who is no bot: make a bot account "
				"for it, so that nobody speaks in its name",
				judge->own_name);
	}
	add_roles(judge, roles);
	while (*roles != '\0') {
		size_t len = strcspn(roles, " ");
		if (len > 0 && !is_harmless(roles, len)) {
			findings_add(judge->findings, SEVERITY_WARNING, rule_account,
					at_token(judge),
					"%s has the role %.*s, more than a bot needs: leave it "
					"system_user alone",
					judge->own_name, (int)(len < 64 ? len : 64), roles);
		}
		roles += len + (roles[len] == ' ');
	}
}

static void judge_version(struct online_judge *judge, const cJSON *json) {
	const char *version = string_of(json, "Version");
	unsigned major = 0;
	unsigned minor = 0;
	if (sscanf(version, "%4u.%4u", &major, &minor) != 2) {
		findings_add(judge->findings, SEVERITY_WARNING, "version",
				at_server(judge, "url"),
				"the server does not say its version: ask for it, 5.37 to 11.6 "
				"are meant");
	} else if (major < 5 || (major == 5 && minor < 37)) {
		findings_add(judge->findings, SEVERITY_ERROR, "version",
				at_server(judge, "url"),
				"the server is Mattermost %u.%u, and 5.37 to 11.6 are meant: "
				"upgrade it",
				major, minor);
	} else if (major > 11 || (major == 11 && minor > 6)) {
		findings_add(judge->findings, SEVERITY_WARNING, "version",
				at_server(judge, "url"),
				"the server is Mattermost %u.%u, newer than any that was "
				"tried (11.6): rehearse on it first",
				major, minor);
	}
}

static void judge_channel(struct online_judge *judge, const cJSON *json) {
	const cJSON *gone = cJSON_GetObjectItemCaseSensitive(json, "delete_at");
	if (cJSON_IsNumber(gone) && gone->valuedouble > 0) {
		findings_add(judge->findings, SEVERITY_ERROR, "channel",
				at_channel(judge),
				"channel %s is archived: restore it, or name another",
				judge->config->bridge.channel);
		judge->channel_id[0] = '\0';
		judge->question = ONLINE_NO_MORE;
	}
}

static bool permits(const cJSON *roles, const char *permission) {
	const cJSON *role;
	const cJSON *word;
	cJSON_ArrayForEach(role, roles) {
		const cJSON *list = cJSON_GetObjectItemCaseSensitive(
				role, "permissions");
		cJSON_ArrayForEach(word, list) {
			if (cJSON_IsString(word) &&
					strcmp(word->valuestring, permission) == 0) {
				return true;
			}
		}
	}
	return false;
}

static void tell_rights_unknown(struct online_judge *judge, const char *why) {
	findings_add(judge->findings, SEVERITY_WARNING, rule_rights,
			at_channel(judge),
			"whether the bot may post and react in %s cannot be told (%s): "
			"rehearse there",
			judge->config->bridge.channel, why);
}

static void judge_roles(struct online_judge *judge, const cJSON *json) {
	if (cJSON_GetArraySize(json) == 0) {
		tell_rights_unknown(judge, "the server knows none of its roles");
		return;
	}
	for (size_t i = 0; i < RIGHT_COUNT; i++) {
		if (!permits(json, rights[i].permission)) {
			findings_add(judge->findings, SEVERITY_ERROR, rule_rights,
					at_channel(judge),
					"the bot may not %s in %s: give its roles the permission "
					"%s, or look at the channel's moderation",
					rights[i].lets, judge->config->bridge.channel,
					rights[i].permission);
		}
	}
}

static void judge_good(struct online_judge *judge, const cJSON *json) {
	enum online_question asked = judge->question;
	judge->question = (enum online_question)(asked + 1);
	switch (asked) {
	case ONLINE_ACCOUNT:
		judge_account(judge, json);
		break;
	case ONLINE_VERSION:
		judge_version(judge, json);
		break;
	case ONLINE_TEAM:
		break;
	case ONLINE_TEAM_MEMBER:
	case ONLINE_CHANNEL_MEMBER:
		add_roles(judge, string_of(json, "roles"));
		break;
	case ONLINE_CHANNEL:
		judge_channel(judge, json);
		break;
	case ONLINE_ROLES:
		judge_roles(judge, json);
		ask_contact(judge, 0);
		break;
	case ONLINE_CONTACT:
		judge_contact(judge, json);
		break;
	case ONLINE_CONTACT_MEMBER:
		ask_contact(judge, judge->contact + 1);
		break;
	case ONLINE_NO_MORE:
		break;
	}
}

/* --- refusals --- */

static bool is_absent(const struct online_answer *answer) {
	return answer->status == 403 || answer->status == 404;
}

/* A refusal that says what is wrong; false: it says nothing of that kind. */
static bool judge_absent(struct online_judge *judge) {
	const char *team = judge->config->mattermost.team;
	const char *channel = judge->config->bridge.channel;
	if (judge->question == ONLINE_TEAM) {
		findings_add(judge->findings, SEVERITY_ERROR, "team",
				at_server(judge, "team"),
				"there is no team %s that the bot can see: mend the name, as "
				"in the team's address, or add %s to it",
				team, judge->own_name);
	} else if (judge->question == ONLINE_TEAM_MEMBER) {
		findings_add(judge->findings, SEVERITY_ERROR, "team",
				at_server(judge, "team"),
				"%s is not in team %s: add it, then to the channel",
				judge->own_name, team);
	} else if (judge->question == ONLINE_CHANNEL) {
		findings_add(judge->findings, SEVERITY_ERROR, "channel",
				at_channel(judge),
				"there is no channel %s in team %s that the bot can see: mend "
				"the name, as in the channel's address, or /invite @%s there",
				channel, team, judge->own_name);
	} else if (judge->question == ONLINE_CHANNEL_MEMBER) {
		findings_add(judge->findings, SEVERITY_ERROR, "channel",
				at_channel(judge),
				"%s is not in channel %s: say /invite @%s there",
				judge->own_name, channel, judge->own_name);
	} else {
		return false;
	}
	return true;
}

static void judge_refusal(
		struct online_judge *judge, const struct online_answer *answer) {
	if (judge->question == ONLINE_ROLES) {
		tell_rights_unknown(judge, answer->text);
		ask_contact(judge, 0);
		return;
	}
	bool about_contact = judge->question == ONLINE_CONTACT ||
			judge->question == ONLINE_CONTACT_MEMBER;
	if (about_contact && answer->status != 401) {
		judge_no_contact(judge, answer);
		return;
	}
	if (answer->status == 401) {
		findings_add(judge->findings, SEVERITY_ERROR, "token", at_token(judge),
				"the server refuses the token: make a new one in the bot's "
				"account, or enable it");
	} else if (!is_absent(answer) || !judge_absent(judge)) {
		findings_add(judge->findings, SEVERITY_ERROR, "server",
				at_server(judge, "url"),
				"the server answers with status %d%s: %s", answer->status,
				answer->status >= 300 ? ", ask who runs it" : "", answer->text);
	}
	judge->channel_id[0] = '\0';
	judge->question = ONLINE_NO_MORE;
}

/* Whether @json is of the shape that the answer has; an id is taken. */
static bool is_answer(struct online_judge *judge, const cJSON *json) {
	if (judge->question == ONLINE_ROLES) {
		return cJSON_IsArray(json);
	}
	if (judge->question == ONLINE_TEAM) {
		take_id(json, judge->team_id);
		return judge->team_id[0] != '\0';
	}
	if (judge->question == ONLINE_CONTACT) {
		take_id(json, judge->contact_id);
		return judge->contact_id[0] != '\0';
	}
	if (judge->question == ONLINE_CHANNEL) {
		take_id(json, judge->channel_id);
		return judge->channel_id[0] != '\0';
	}
	return cJSON_IsObject(json);
}

void online_judge_take(
		struct online_judge *judge, const struct online_answer *answer) {
	if (answer->status < BODY_LEAST || answer->status >= BODY_BEYOND) {
		judge_refusal(judge, answer);
		return;
	}
	cJSON *json = cJSON_Parse(answer->body);
	if (!is_answer(judge, json)) {
		const struct online_answer odd = {
			.status = answer->status,
			.body = "",
			.text = "what it sends is none of Mattermost's answers, so `url` "
					"may lead elsewhere",
		};
		judge_refusal(judge, &odd);
	} else {
		judge_good(judge, json);
	}
	cJSON_Delete(json);
}

/* --- people and the machine --- */

/* What keeps a person from approving; NULL: nothing. */
static const char *person_problem(const struct person *person) {
	if (person == NULL) {
		return "has no account on the server: mend the name";
	}
	if (!person->active) {
		return "is deactivated: name somebody else";
	}
	if (person->bot || person->guest) {
		return person->bot ? "is a bot, and bots do not approve: "
							 "name a person"
						   : "is a guest, and guests do not "
							 "approve: name a member";
	}
	return person->member ? NULL : "is not in the channel: invite them";
}

void online_judge_person(struct online_judge *judge,
		const struct config_role *role, const char *name, bool primary,
		const struct person *person) {
	const char *problem = person_problem(person);
	const char *place = primary ? "primary" : "backup";
	if (problem != NULL) {
		char *title = xasprintf("[role %s]", role->name);
		findings_add(judge->findings,
				primary ? SEVERITY_ERROR : SEVERITY_WARNING, "person",
				at(judge, title, place), "%s, %s of %s, %s", name, place,
				role->name, problem);
		free(title);
	}
}

void online_judge_clock(struct online_judge *judge, int64_t off_ms) {
	if (off_ms > CLOCK_OFF_MS || off_ms < -CLOCK_OFF_MS) {
		findings_add(judge->findings, SEVERITY_WARNING, "clock",
				at_server(judge, "url"),
				"this machine's clock is %" PRId64 " s %s the server's: set "
				"them by one time server, for posts tell times by it",
				(off_ms < 0 ? -off_ms : off_ms) / 1000,
				off_ms < 0 ? "behind" : "ahead of");
	}
}

void online_judge_disk(
		struct online_judge *judge, const char *folder, uint64_t free_bytes) {
	if (free_bytes < FREE_GOOD) {
		findings_add(judge->findings,
				free_bytes < FREE_LEAST ? SEVERITY_ERROR : SEVERITY_WARNING,
				"disk", at(judge, "[bridge]", "state_dir"),
				"only %" PRIu64 " MB are free in %s: make room, a night's "
				"output wants 1000",
				free_bytes / MEGABYTE, folder);
	}
}

void online_judge_file_system(
		struct online_judge *judge, const char *folder, uint64_t type) {
	for (size_t i = 0; i < sizeof(network) / sizeof(network[0]); i++) {
		if (network[i].type == type) {
			findings_add(judge->findings, SEVERITY_ERROR, "file-system",
					at(judge, "[bridge]", "state_dir"),
					"%s is on another machine's disk (%s), where the journal "
					"cannot be kept safe: put it on a local disk",
					folder, network[i].name);
			return;
		}
	}
	if (type == 0x01021994 || type == 0x858458f6) {
		findings_add(judge->findings, SEVERITY_WARNING, "file-system",
				at(judge, "[bridge]", "state_dir"),
				"%s is in memory: a restart of the machine forgets the "
				"journal; put it on a disk",
				folder);
	}
}
