#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "codec/config_ini.h"
#include "codec/config_keys.h"
#include "codec/secrets_text.h"
#include "core/variable.h"
#include "support/test.h"

#define SERVER \
	"[mattermost]\n" \
	"url = https://chat.example.org\n" \
	"team = platform\n" \
	"token_file = token\n"
#define BRIDGE \
	"[bridge]\n" \
	"channel = launch-bridge\n" \
	"runbook = launch.md\n" \
	"state_dir = state\n"
#define GOOD SERVER BRIDGE /* nine lines with the next one */

/* Findings as lines: "9: error: text". */
static char *told(struct findings *findings) {
	struct str text;
	str_init(&text, 0);
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->list[i];
		str_addf(&text, "%u: %s: %s\n", finding->place.line,
				finding->severity == SEVERITY_ERROR ? "error" : "warning",
				finding->text);
	}
	findings_finish(findings);
	return str_take(&text);
}

static struct config *parse(const char *text, char **findings_text) {
	struct findings findings;
	findings_init(&findings);
	struct config *config = config_parse(text, strlen(text), &findings);
	*findings_text = told(&findings);
	return config;
}

static void assert_config_found(
		const char *text, bool usable, const char *expected) {
	char *found;
	struct config *config = parse(text, &found);
	assert_string_equal(found, expected);
	assert_true((config != NULL) == usable);
	config_destroy(config);
	free(found);
}

static struct config *good(const char *text) {
	char *found;
	struct config *config = parse(text, &found);
	assert_string_equal(found, "");
	free(found);
	assert_non_null(config);
	return config;
}

static void what_is_not_said_has_its_default(void **state) {
	(void)state;
	struct config *config = good(GOOD);
	assert_string_equal(config->bridge.prefix, "LB");
	assert_int_equal(config->bridge.status_every_ms, 600000);
	assert_int_equal(config->bridge.watch_status_every_ms, 3600000);
	assert_int_equal(config->bridge.opens_before_ms, 1800000);
	assert_int_equal(config->bridge.rehearsal_valid_ms, 86400000);
	assert_int_equal(config->bridge.backup_after_ms, 0);
	assert_int_equal(config->bridge.step_timeout_ms, 900000);
	assert_int_equal(config->bridge.keep_output_ms, INT64_C(7776000000));
	assert_true(config->bridge.requester_approves);
	assert_null(config->bridge.templates);
	assert_null(config->mattermost.token_credential);
	assert_null(config->sandbox.clock);
	assert_int_equal(config->approve.yes.count, 3);
	assert_string_equal(config->approve.yes.items[0], "white_check_mark");
	assert_int_equal(config->approve.no.count, 4);
	assert_string_equal(config->approve.no.items[0], "x");
	assert_int_equal(config->override.roles.count, 0);
	config_destroy(config);
}

static void this_machine_is_always_a_target(void **state) {
	(void)state;
	struct config *config = good(GOOD);
	const struct config_target *local = config_target(config, "local");
	assert_non_null(local);
	assert_true(config_target_is_local(local));
	assert_null(local->workdir);
	assert_int_equal(local->parallel, CONFIG_LIST_MAX);
	assert_null(config_target(config, "compose"));
	config_destroy(config);

	config = good(GOOD "[target local]\nworkdir = /srv\n");
	assert_int_equal(config->target_count, 1);
	assert_string_equal(config_target(config, "local")->workdir, "/srv");
	config_destroy(config);
}

static void every_key_is_read(void **state) {
	(void)state;
	struct config *config = good("\xef\xbb\xbf; a comment\r\n"
								 "[mattermost]\r\n"
								 "url=HTTP://LOCALHOST:8065/chat/\r\n"
								 "  team = platform ; said behind a blank\r\n"
								 "token_credential = bridge-token\r\n"
								 "ca_file = ca.pem\r\n"
								 "proxy = http://proxy:3128\r\n"
								 "# another\r\n"
								 "\r\n"
								 "[bridge]\n"
								 "channel = war_room-2\n"
								 "runbook = a;b.md\n"
								 "state_dir = /var/lib/b\n"
								 "prefix = X2\n"
								 "status_every = 90s\n"
								 "watch_status_every = 1h\n"
								 "opens_before = 0\n"
								 "rehearsal_valid = 2d\n"
								 "backup_after = 10m\n"
								 "requester_approves = no\n"
								 "step_timeout = 1m\n"
								 "templates = mine\n"
								 "keep_output = 0\n"
								 "[role DevOps lead]\n"
								 "primary = devops.lead\n"
								 "backup = platform.ops,sre_lead , b-2\n"
								 "[role Scanner / Queue]\n"
								 "primary = s\n"
								 "[env prod]\n"
								 "secrets_file = prod.secrets\n"
								 "NAMESPACE = stellaops\n"
								 "EMPTY =\n"
								 "QUERY = a = b#c\n"
								 "[target compose]\n"
								 "workdir = w\n"
								 "files = deploy/*.yaml, prod.env\n"
								 "ssh_key = key\n"
								 "ssh_known_hosts = known\n"
								 "parallel = 3\n"
								 "[approve]\n"
								 "yes = +1\n"
								 "no = x\n"
								 "[override]\n"
								 "roles = devops LEAD, Scanner / Queue\n"
								 "count = 1\n"
								 "[sandbox]\n"
								 "clock = clock");
	assert_string_equal(config->mattermost.url, "HTTP://LOCALHOST:8065/chat");
	assert_string_equal(config->mattermost.team, "platform");
	assert_null(config->mattermost.token_file);
	assert_string_equal(config->mattermost.token_credential, "bridge-token");
	assert_string_equal(config->mattermost.ca_file, "ca.pem");
	assert_string_equal(config->mattermost.proxy, "http://proxy:3128");
	assert_string_equal(config->bridge.runbook, "a;b.md");
	assert_string_equal(config->bridge.prefix, "X2");
	assert_int_equal(config->bridge.status_every_ms, 90000);
	assert_int_equal(config->bridge.opens_before_ms, 0);
	assert_int_equal(config->bridge.rehearsal_valid_ms, 172800000);
	assert_int_equal(config->bridge.backup_after_ms, 600000);
	assert_int_equal(config->bridge.step_timeout_ms, 60000);
	assert_int_equal(config->bridge.keep_output_ms, 0);
	assert_false(config->bridge.requester_approves);
	assert_string_equal(config->bridge.templates, "mine");
	const struct config_role *role = config_role(config, "DEVOPS lead");
	assert_non_null(role);
	assert_string_equal(role->name, "DevOps lead");
	assert_string_equal(role->primary, "devops.lead");
	assert_int_equal(role->backups.count, 3);
	assert_string_equal(role->backups.items[1], "sre_lead");
	assert_int_equal(role->line, 24);
	assert_non_null(config_role(config, "scanner / queue"));
	const struct config_env *env = config_env(config, "prod");
	assert_non_null(env);
	assert_string_equal(env->secrets_file, "prod.secrets");
	assert_int_equal(env->variable_count, 3);
	assert_string_equal(env->variables[0].name, "NAMESPACE");
	assert_string_equal(env->variables[1].value, "");
	assert_string_equal(env->variables[2].value, "a = b#c");
	const struct config_target *target = config_target(config, "compose");
	assert_non_null(target);
	assert_true(config_target_is_local(target));
	assert_int_equal(target->files.count, 2);
	assert_string_equal(target->files.items[0], "deploy/*.yaml");
	assert_string_equal(target->ssh_known_hosts, "known");
	assert_int_equal(target->parallel, 3);
	assert_int_equal(config->approve.yes.count, 1);
	assert_int_equal(config->override.count, 1);
	assert_int_equal(config->override.roles.count, 2);
	assert_string_equal(config->sandbox.clock, "clock");
	assert_true(config_is_loopback(config));
	config_destroy(config);
}

static void hosts_over_ssh_need_all_that_ssh_needs(void **state) {
	(void)state;
	char *found;
	struct config *config = parse(GOOD "[target compose]\n"
									   "hosts = node1\nworkdir = srv\n",
			&found);
	assert_null(config);
	assert_string_equal(found,
			"9: error: [target compose] has hosts over ssh and no ssh_key: "
			"name the file of a key without a passphrase\n"
			"9: error: [target compose] has hosts over ssh and no "
			"ssh_known_hosts: name a file with their keys\n"
			"9: error: [target compose] has hosts over ssh and no workdir from "
			"the root on: write workdir = /…\n");
	free(found);
}

static void hosts_over_ssh_are_read(void **state) {
	(void)state;
	char *found;
	struct config *config = parse(GOOD
			"[target compose]\n"
			"hosts = node1, deploy@node2:2222, root@[fe80::1]:22\n"
			"workdir = /srv\nssh_key = key\nssh_known_hosts = known\n",
			&found);
	assert_string_equal(found, "");
	free(found);
	assert_non_null(config);
	const struct config_target *target = config_target(config, "compose");
	assert_false(config_target_is_local(target));
	assert_int_equal(target->host_count, 3);
	assert_string_equal(target->hosts[0].name, "node1");
	assert_null(target->hosts[0].user);
	assert_int_equal(target->hosts[0].port, 0);
	assert_string_equal(target->hosts[1].text, "deploy@node2:2222");
	assert_string_equal(target->hosts[1].user, "deploy");
	assert_string_equal(target->hosts[1].name, "node2");
	assert_int_equal(target->hosts[1].port, 2222);
	assert_string_equal(target->hosts[2].name, "fe80::1");
	config_destroy(config);
}

static void paths_are_relative_to_the_file(void **state) {
	(void)state;
	static const char *const cases[][3] = {
		{ "/etc/b", "token", "/etc/b/token" },
		{ "/etc/b", "/run/token", "/run/token" },
		{ ".", "a/b", "./a/b" },
		{ "", "a", "a" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *path = config_path(cases[i][0], cases[i][1]);
		assert_string_equal(path, cases[i][2]);
		free(path);
	}
}

static void a_prefix_comes_from_the_channel(void **state) {
	(void)state;
	static const char *const cases[][2] = {
		{ "launch-bridge", "LB" },
		{ "ops", "O" },
		{ "2024_go-live", "GL" },
		{ "24-7", "R" },
		{ "a-b-c-d-e-f-g-h-i-j", "ABCDEFGH" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = xasprintf(SERVER
				"[bridge]\nchannel = %s\nrunbook = r\nstate_dir = s\n",
				cases[i][0]);
		struct config *config = good(text);
		assert_string_equal(config->bridge.prefix, cases[i][1]);
		config_destroy(config);
		free(text);
	}
}

static void only_this_machine_is_loopback(void **state) {
	(void)state;
	static const struct {
		const char *url;
		bool loopback;
	} cases[] = {
		{ "http://localhost", true },
		{ "http://127.0.0.1:8065", true },
		{ "http://127.8.9.10/x", true },
		{ "http://[::1]:80", true },
		{ "https://localhost.example.org", false },
		{ "https://127.0.0.1.example.org", false },
		{ "https://chat.example.org", false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = xasprintf("[mattermost]\nurl = %s\nteam = t\n"
							   "token_file = f\n" BRIDGE,
				cases[i].url);
		struct config *config = good(text);
		assert_true(config_is_loopback(config) == cases[i].loopback);
		config_destroy(config);
		free(text);
	}
}

struct bad {
	const char *text;
	const char *findings;
};

#define URL(value) \
	"[mattermost]\nurl = " value "\nteam = t\ntoken_file = f\n" BRIDGE
#define KEY(line) GOOD line "\n"
#define ROLE      "[role CTO]\nprimary = cto\n"

static const struct bad bad_configs[] = {
	/* the shape of the file */
	{ "",
			"1: error: there is no section [mattermost]\n"
			"1: error: there is no section [bridge]\n" },
	{ GOOD "what is this\n",
			"9: error: neither [section] nor key = value; a value ends with "
			"its line: `what is this`\n" },
	{ GOOD "= x\n",
			"9: error: neither [section] nor key = value; a value ends with "
			"its line: `= x`\n" },
	{ "team = platform\nurl = x\n" GOOD,
			"1: error: `team` stands before the first section: begin with "
			"[mattermost]\n" },
	{ GOOD "[role CTO\nprimary = cto\n",
			"9: error: a section's line ends with its `]`: `[role CTO`\n" },
	{ GOOD "[approve] yes = x\n",
			"9: error: a section's line ends with its `]`: `[approve] yes = "
			"x`\n" },
	{ GOOD "[env prod]\nA = b\x01\n",
			"10: error: the line holds a control character\n" },
	{ GOOD "[env prod]\nA = \xff\n", "10: error: the line is not UTF-8\n" },
	/* sections */
	{ SERVER "[brigde]\nchannel = x\n",
			"5: error: there is no kind of section called `brigde`: write "
			"[bridge]\n" },
	{ GOOD "[roles CTO]\nprimary = cto\n",
			"9: error: there is no kind of section called `roles`: write "
			"[role NAME]\n" },
	{ GOOD "[tickets]\n",
			"9: error: there is no kind of section called `tickets`: they are "
			"mattermost, bridge, role, env, target, approve, override and "
			"sandbox\n" },
	{ GOOD "[role]\nprimary = cto\n",
			"9: error: [role] needs a name: write [role NAME]\n" },
	{ SERVER "[bridge launch]\nchannel = x\n",
			"5: error: [bridge] takes no name: write [bridge]\n" },
	{ GOOD ROLE "[role cto]\nprimary = x\n",
			"11: error: [role cto] stands at line 9 already: put its keys "
			"there\n" },
	{ GOOD "[bridge]\nprefix = X\n",
			"9: error: [bridge] stands at line 5 already: put its keys "
			"there\n" },
	{ GOOD "[role CTO + Product owner]\nprimary = x\n",
			"9: error: `CTO + Product owner` is no name of a role: it has no "
			"`,`, `+` or brackets\n" },
	{ GOOD "[env pro d]\nA = b\n",
			"9: error: `pro d` is no name here: letters, digits, `.`, `_` and "
			"`-`\n" },
	/* keys */
	{ KEY("status_evry = 10m"),
			"9: error: [bridge] has no key `status_evry`: write "
			"status_every\n" },
	{ "[mattermost]\nurl = https://c\nteam = t\ntoken = abc\n" BRIDGE,
			"4: error: [mattermost] has no key `token`: write token_file\n"
			"1: error: [mattermost] needs token_file: a file with the bot's "
			"token, mode 0600; or token_credential\n" },
	{ GOOD ROLE "deputy = x\n",
			"11: error: [role CTO] has no key `deputy`: it knows primary, "
			"backup\n" },
	{ GOOD "[env prod]\nnamespace = x\n",
			"10: error: [env prod] has no key `namespace`: it knows "
			"secrets_file, secrets_credential, and variables in capitals\n" },
	{ GOOD "[env prod]\nsecrets_file = x\nsecrets_credential = y\n",
			"9: error: [env prod] has secrets_file and secrets_credential: "
			"leave one out\n" },
	{ GOOD "[env prod]\nSECRETS_FILE = x\nsecrets_fil = y\n",
			"11: error: [env prod] has no key `secrets_fil`: write "
			"secrets_file\n" },
	{ KEY("channel = other"),
			"9: error: [bridge] has channel at line 6 already\n" },
	{ GOOD "[env prod]\nA = b\nA = c\n",
			"11: error: [env prod] has A at line 10 already\n" },
	{ KEY("templates ="),
			"9: error: templates in [bridge] has no value: leave the line out "
			"for the default\n" },
	{ KEY("status_every = 10m # fast"),
			"9: error: status_every in [bridge]: a comment behind a value "
			"begins with `;`, not `#`\n" },
	{ GOOD "[env prod]\nPROJECT = shop # the name\n",
			"10: error: PROJECT in [env prod]: a comment behind a value "
			"begins with `;`, not `#`\n" },
	{ GOOD "[env prod]\nPATH = /bin\nLD_PRELOAD = x\n",
			"10: error: PATH cannot be set: a shell, a loader or the bot "
			"itself acts on that name\n"
			"11: error: LD_PRELOAD cannot be set: a shell, a loader or the bot "
			"itself acts on that name\n" },
	{ "[mattermost]\nurl = https://c\n" BRIDGE,
			"1: error: [mattermost] needs team: the team's name, as in its "
			"address\n"
			"1: error: [mattermost] needs token_file: a file with the bot's "
			"token, mode 0600; or token_credential\n" },
	{ SERVER "token_credential = t\n" BRIDGE,
			"1: error: [mattermost] has token_file and token_credential: leave "
			"one out\n" },
	{ GOOD "[role CTO]\nbackup = x\n",
			"9: error: [role CTO] needs primary: the username of who holds the "
			"role\n" },
	/* the server */
	{ URL("chat.example.org"),
			"2: error: url in [mattermost]: an address begins with https://, "
			"as in https://chat.example.org\n" },
	{ URL("http://chat.example.org"),
			"2: error: url in [mattermost]: http:// would send the token in "
			"the clear: write https://chat.example.org\n" },
	{ URL("https://bot:secret@chat.example.org"),
			"2: error: url in [mattermost]: no user and no password may stand "
			"in an address\n" },
	{ URL("https://:443"),
			"2: error: url in [mattermost]: the host is missing or too "
			"long\n" },
	{ URL("https://chat.example.org:99999"),
			"2: error: url in [mattermost]: the port is no number from 1 to "
			"65535\n" },
	{ URL("https://[2001:db8::1]:8065"),
			"2: error: url in [mattermost]: a certificate cannot be checked "
			"for an IPv6 address: write the server's name\n" },
	{ URL("https://chat example.org"),
			"2: error: url in [mattermost]: `chat example.org` is no name of a "
			"host\n" },
	{ URL("https://chat.example.org/?a=b"),
			"2: error: url in [mattermost]: only a path may follow the host, "
			"no `?`, `#` or blank\n" },
	{ SERVER "proxy = https://p:1\n" BRIDGE,
			"5: error: proxy in [mattermost]: a proxy is http://HOST:PORT, "
			"whatever the server's scheme\n" },
	{ SERVER "proxy = http://p\n" BRIDGE,
			"5: error: proxy in [mattermost]: a proxy is http://HOST:PORT and "
			"nothing behind it\n" },
	/* values */
	{ SERVER "[bridge]\nchannel = ~launch-bridge\nrunbook = r\nstate_dir = s\n",
			"6: error: channel in [bridge]: channel's name (as in its address) "
			"is written without `~`: `~launch-bridge`\n" },
	{ SERVER "[bridge]\nchannel = Launch Bridge\nrunbook = r\nstate_dir = s\n",
			"6: error: channel in [bridge]: `Launch Bridge` is no channel's "
			"name (as in its address): it has small letters, digits, `-` and "
			"`_`\n" },
	{ KEY("status_every = 10"),
			"9: error: status_every in [bridge]: `10` is no time: write 90s, "
			"10m or 24h\n" },
	{ KEY("status_every = 0"),
			"9: error: status_every in [bridge]: `0` is out of range: 1s to "
			"1d\n" },
	{ KEY("step_timeout = 8d"),
			"9: error: step_timeout in [bridge]: `8d` is out of range: 1s to "
			"7d\n" },
	{ KEY("requester_approves = true"),
			"9: error: requester_approves in [bridge]: `true` is neither yes "
			"nor no\n" },
	{ KEY("prefix = lb"),
			"9: error: prefix in [bridge]: `lb` is no prefix: one to eight "
			"capitals and digits, a capital first, as in LB\n" },
	{ GOOD "[role CTO]\nprimary = @cto\n",
			"10: error: primary in [role CTO]: username is written without "
			"`@`: `@cto`\n" },
	{ GOOD "[role CTO]\nprimary = C.T.O\n",
			"10: error: primary in [role CTO]: `C.T.O` is no username: it has "
			"small letters, digits, `.`, `_` and `-`\n" },
	{ GOOD ROLE "backup = a,,b\n",
			"11: error: backup in [role CTO]: an item of the list is empty: "
			"one comma between two items\n" },
	{ GOOD ROLE "backup = a, b, a\n",
			"11: error: backup in [role CTO]: `a` stands in the list twice\n" },
	{ GOOD ROLE "backup = a, cto\n",
			"9: error: [role CTO] has cto as primary and as backup\n" },
	{ GOOD "[target t]\nfiles = /etc/passwd\n",
			"10: error: files in [target t]: `/etc/passwd` leaves the workdir: "
			"write it relative to that, without `..`\n" },
	{ GOOD "[target t]\nfiles = a/../../b\n",
			"10: error: files in [target t]: `a/../../b` leaves the workdir: "
			"write it relative to that, without `..`\n" },
	{ GOOD "[target t]\nhosts = local, node1\n",
			"10: error: hosts in [target t]: `local` stands alone: a target is "
			"this machine or hosts over ssh\n" },
	{ GOOD "[target t]\nhosts = node1, node2, Node1:22\n",
			"10: error: hosts in [target t]: `Node1:22` is `node1`, which "
			"stands in the list already\n" },
	{ GOOD "[target t]\nhosts = -oProxyCommand=x\n",
			"10: error: hosts in [target t]: `-oProxyCommand=x` is no host: "
			"write `local`, or node1 or deploy@node2:2222\n" },
	{ GOOD "[target t]\nhosts = node1:0\n",
			"10: error: hosts in [target t]: host `node1:0`: the port is no "
			"number from 1 to 65535\n" },
	{ GOOD "[target local]\nhosts = node1\n",
			"9: error: [target local] is this machine: hosts = local\n" },
	{ GOOD "[target t]\nparallel = 0\n",
			"10: error: parallel in [target t]: `0` is no number from 1 to "
			"64\n" },
	{ GOOD "[approve]\nyes = :+1:\n",
			"10: error: yes in [approve]: emoji's name is written without `:`: "
			"`:+1:`\n" },
	{ GOOD "[approve]\nyes = +1, x\n",
			"9: error: [approve] has x for yes and for no\n" },
	{ GOOD ROLE "[override]\nroles = CTO, CEO\n",
			"11: error: [override] names the role CEO, which has no section: "
			"write [role CEO]\n" },
	{ GOOD ROLE "[override]\nroles = CTO\n",
			"11: error: [override] asks for 2 people of 1 roles: lower "
			"count\n" },
	{ GOOD "[sandbox]\nclock = clock\n",
			"9: error: clock in [sandbox]: only with a server on loopback; on "
			"a real one time is real\n" },
};

static void a_bad_config_is_refused_with_line_and_remedy(void **state) {
	(void)state;
	for (size_t i = 0; i < sizeof(bad_configs) / sizeof(bad_configs[0]); i++) {
		assert_config_found(
				bad_configs[i].text, false, bad_configs[i].findings);
	}
	printf("# %zu bad configs\n", sizeof(bad_configs) / sizeof(bad_configs[0]));
}

static void a_long_line_is_refused_and_never_cut(void **state) {
	(void)state;
	struct str text;
	str_init(&text, 0);
	str_add(&text, GOOD "[env prod]\nA = ");
	size_t head = strlen("A = ");
	for (size_t i = head; i < 4096; i++) {
		str_add_char(&text, 'x');
	}
	struct config *config = good(str_text(&text));
	assert_int_equal(strlen(config->envs[0].variables[0].value), 4096 - head);
	config_destroy(config);
	str_add_char(&text, 'x');
	assert_config_found(
			str_text(&text), false, "10: error: the line is over 4096 bytes\n");
	str_finish(&text);
}

static void a_long_name_of_a_section_is_refused(void **state) {
	(void)state;
	char name[66];
	memset(name, 'n', 65);
	name[65] = '\0';
	char *text = xasprintf(GOOD "[role %s]\nprimary = x\n", name);
	assert_config_found(
			text, false, "9: error: the name of a section is over 64 bytes\n");
	free(text);
	text = xasprintf(GOOD "[role %s]\nprimary = x\n", name + 1);
	struct config *config = good(text);
	assert_string_equal(config->roles[0].name, name + 1);
	config_destroy(config);
	free(text);
}

static void a_huge_file_is_refused(void **state) {
	(void)state;
	size_t len = 256 * 1024 + 1;
	char *text = xcalloc(1, len + 1);
	memset(text, '\n', len);
	assert_config_found(
			text, false, "1: error: the file is over 262144 bytes\n");
	free(text);
}

/* Every byte that a file may end at, and every single byte broken. */
static void a_damaged_config_never_crashes(void **state) {
	(void)state;
	static const char whole[] = GOOD ROLE
			"[target t]\nhosts = a@b:22\nfiles = a, b\n[approve]\nyes = +1\n"
			"[env e]\nA = b ; c\n";
	char text[sizeof(whole)];
	for (size_t i = 0; i < sizeof(whole); i++) {
		static const char bytes[] = { '\0', '\n', '[', ']', '=', ',', ' ', '@',
			':', ';', '\xff' };
		for (size_t j = 0; j < sizeof(bytes); j++) {
			memcpy(text, whole, sizeof(whole));
			text[i] = bytes[j];
			struct findings findings;
			findings_init(&findings);
			struct config *config = config_parse(
					text, sizeof(whole) - 1, &findings);
			assert_true((config == NULL) == (findings_errors(&findings) > 0));
			config_destroy(config);
			findings_finish(&findings);
		}
		struct findings findings;
		findings_init(&findings);
		config_destroy(config_parse(whole, i, &findings));
		findings_finish(&findings);
	}
}

static void assert_secrets(
		const char *text, bool usable, const char *expected) {
	struct findings findings;
	findings_init(&findings);
	struct secret_values values;
	assert_true(secrets_text_parse(&values, text, strlen(text), &findings) ==
			usable);
	char *found = told(&findings);
	assert_string_equal(found, expected);
	free(found);
	secrets_text_finish(&values);
}

static void secrets_are_taken_byte_for_byte(void **state) {
	(void)state;
	static const char text[] = "# the database\r\n"
							   "\n"
							   "MONGO_BACKUP_URI=mongodb://u:p=q@h/?a=b ; c\r\n"
							   "token2= 12345678 \n"
							   "LAST='12345678'";
	struct findings findings;
	findings_init(&findings);
	struct secret_values values;
	assert_true(secrets_text_parse(&values, text, strlen(text), &findings));
	assert_int_equal(values.count, 3);
	assert_string_equal(secrets_text_value(&values, "MONGO_BACKUP_URI"),
			"mongodb://u:p=q@h/?a=b ; c");
	assert_string_equal(secrets_text_value(&values, "token2"), " 12345678 ");
	assert_string_equal(secrets_text_value(&values, "LAST"), "'12345678'");
	assert_null(secrets_text_value(&values, "MISSING"));
	char *found = told(&findings);
	assert_string_equal(found,
			"5: warning: the quotes around this value are part of it: leave "
			"them out unless they are meant\n");
	free(found);
	secrets_text_finish(&values);
}

static void a_bad_secrets_file_is_refused_without_quoting_it(void **state) {
	(void)state;
	assert_secrets("hunter2\n", false,
			"1: error: the line has no `=`: write NAME=value, no blank around "
			"the `=`\n");
	assert_secrets("A = hunter2\n", false,
			"1: error: what stands before the `=` is no variable's name: write "
			"NAME=value, no blank around the `=`\n");
	assert_secrets("export A=hunter2\n", false,
			"1: error: what stands before the `=` is no variable's name: write "
			"NAME=value, no blank around the `=`\n");
	assert_secrets("A=hunter22\nA=hunter2\n", false,
			"2: error: this name was given a value in a line above already\n");
	assert_secrets("LD_PRELOAD=hunter2\n", false,
			"1: error: a variable of this name cannot be set: a shell, a "
			"loader or the bot itself acts on it\n");
	assert_secrets("A=hunter2\x1b\n", false,
			"1: error: the line holds a control character\n");
	assert_secrets("A=\n", true, "1: warning: this value is empty\n");
	assert_secrets("A=hunter22\nB=hunter2\n", true,
			"2: warning: this value has fewer than 8 bytes, so it is not hidden "
			"in output: make it longer, or a variable if it is no secret\n");
}

static void names_that_are_acted_on_are_reserved(void **state) {
	(void)state;
	static const char *const reserved[] = { "PATH", "IFS", "ENV", "LD_PRELOAD",
		"BASH_ENV", "BRIDGE_OUTPUT", "SHELLOPTS", "PS4" };
	static const char *const ours[] = { "NAMESPACE", "PATHS", "LDX", "_A",
		"ENVIRONMENT", "RELEASE" };
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		assert_true(variable_is_reserved(reserved[i]));
	}
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		assert_false(variable_is_reserved(ours[i]));
		assert_true(variable_is_capital(ours[i]));
	}
	assert_false(variable_is_name("1A"));
	assert_false(variable_is_name(""));
	assert_false(variable_is_name("A-B"));
	assert_true(variable_is_name("a"));
	assert_false(variable_is_capital("a"));
}

/* The example, as it is installed; meson says where it stands. */
static char *example_text;
static char *document_text; // docs/config.md

static char *read_file(const char *path) {
	FILE *file = fopen(path, "r");
	if (file == NULL) {
		printf("Bail out! cannot open %s\n", path);
		exit(1);
	}
	struct str text;
	str_init(&text, 0);
	char bytes[4096];
	for (size_t n; (n = fread(bytes, 1, sizeof(bytes), file)) > 0;) {
		str_add_bytes(&text, bytes, n);
	}
	fclose(file);
	return str_take(&text);
}

static void the_example_holds_what_the_runbook_asks_for(void **state) {
	(void)state;
	struct config *config = good(example_text);
	static const char *const roles[] = { "Cutover lead", "Authority stack",
		"Scanner / Queue", "Storage", "Observability", "Product owner", "CTO",
		"DevOps lead", "DevOps engineer" };
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		assert_non_null(config_role(config, roles[i]));
	}
	assert_non_null(config_env(config, "stage"));
	assert_string_equal(
			config_env(config, "prod")->secrets_file, "prod.secrets");
	static const char *const targets[] = { "local", "stage-jump", "compose" };
	for (size_t i = 0; i < 3; i++) {
		const struct config_target *target = config_target(config, targets[i]);
		assert_non_null(target);
		assert_true(config_target_is_local(target));
		assert_string_equal(target->workdir, "stellaops");
	}
	config_destroy(config);
}

static void the_document_tells_every_section_and_key(void **state) {
	(void)state;
	for (size_t i = 0; i < SECTION_COUNT; i++) {
		char form[40];
		snprintf(form, sizeof(form), "| **`[%s%s]`** |",
				config_sections[i].name,
				config_sections[i].named ? " NAME" : "");
		assert_non_null(strstr(document_text, form));
		for (size_t j = 0; j < config_sections[i].key_count; j++) {
			snprintf(form, sizeof(form), "`%s`",
					config_sections[i].keys[j].name);
			assert_non_null(strstr(document_text, form));
		}
	}
}

static void the_example_shows_every_section_and_key(void **state) {
	(void)state;
	for (size_t i = 0; i < SECTION_COUNT; i++) {
		char form[40];
		snprintf(form, sizeof(form), "\n[%s", config_sections[i].name);
		char commented[40];
		snprintf(commented, sizeof(commented), "\n;[%s",
				config_sections[i].name);
		assert_true(strstr(example_text, form) != NULL ||
				strstr(example_text, commented) != NULL);
		for (size_t j = 0; j < config_sections[i].key_count; j++) {
			const char *name = config_sections[i].keys[j].name;
			snprintf(form, sizeof(form), "\n%s = ", name);
			snprintf(commented, sizeof(commented), "\n;%s = ", name);
			bool shown = strstr(example_text, form) != NULL ||
					strstr(example_text, commented) != NULL ||
					(strstr(name, "_credential") != NULL && // in a sentence
							strstr(example_text, name) != NULL);
			if (!shown) {
				printf("# %s\n", name);
			}
			assert_true(shown);
		}
	}
}

/* The keys behind a `;` in a section of the example are its defaults. */
static void the_example_tells_the_true_defaults(void **state) {
	(void)state;
	struct str text;
	str_init(&text, 0);
	const char *line = example_text;
	size_t uncommented = 0;
	for (size_t len; *line != '\0'; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		bool key = line[0] == ';' && line[1] >= 'a' && line[1] <= 'z';
		static const char *const optional[] = { ";ca_file", ";proxy",
			";templates", ";ssh_", ";roles", ";count", ";clock" };
		for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
			key = key && strncmp(line, optional[i], strlen(optional[i])) != 0;
		}
		uncommented += key;
		str_add_bytes(&text, line + key, len - key);
		str_add_char(&text, '\n');
	}
	assert_int_equal(uncommented, 13);
	struct config *said = good(str_text(&text));
	struct config *unsaid = good(example_text);
	assert_string_equal(said->bridge.prefix, unsaid->bridge.prefix);
	assert_int_equal(
			said->bridge.status_every_ms, unsaid->bridge.status_every_ms);
	assert_int_equal(said->bridge.watch_status_every_ms,
			unsaid->bridge.watch_status_every_ms);
	assert_int_equal(
			said->bridge.opens_before_ms, unsaid->bridge.opens_before_ms);
	assert_int_equal(
			said->bridge.rehearsal_valid_ms, unsaid->bridge.rehearsal_valid_ms);
	assert_int_equal(
			said->bridge.backup_after_ms, unsaid->bridge.backup_after_ms);
	assert_int_equal(
			said->bridge.escalate_after_ms, unsaid->bridge.escalate_after_ms);
	assert_int_equal(
			said->bridge.step_timeout_ms, unsaid->bridge.step_timeout_ms);
	assert_int_equal(
			said->bridge.keep_output_ms, unsaid->bridge.keep_output_ms);
	assert_int_equal(
			said->bridge.requester_approves, unsaid->bridge.requester_approves);
	assert_int_equal(config_target(said, "compose")->parallel,
			config_target(unsaid, "compose")->parallel);
	assert_int_equal(said->approve.yes.count, unsaid->approve.yes.count);
	for (size_t i = 0; i < said->approve.yes.count; i++) {
		assert_string_equal(
				said->approve.yes.items[i], unsaid->approve.yes.items[i]);
	}
	assert_int_equal(said->approve.no.count, unsaid->approve.no.count);
	for (size_t i = 0; i < said->approve.no.count; i++) {
		assert_string_equal(
				said->approve.no.items[i], unsaid->approve.no.items[i]);
	}
	config_destroy(said);
	config_destroy(unsaid);
	str_finish(&text);
}

int main(int argc, char **argv) {
	if (argc != 3) {
		printf("Bail out! usage: test_config_ini EXAMPLE DOCUMENT\n");
		return 1;
	}
	example_text = read_file(argv[1]);
	document_text = read_file(argv[2]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_said_has_its_default),
		cmocka_unit_test(this_machine_is_always_a_target),
		cmocka_unit_test(every_key_is_read),
		cmocka_unit_test(hosts_over_ssh_are_read),
		cmocka_unit_test(hosts_over_ssh_need_all_that_ssh_needs),
		cmocka_unit_test(paths_are_relative_to_the_file),
		cmocka_unit_test(a_prefix_comes_from_the_channel),
		cmocka_unit_test(only_this_machine_is_loopback),
		cmocka_unit_test(a_bad_config_is_refused_with_line_and_remedy),
		cmocka_unit_test(a_long_line_is_refused_and_never_cut),
		cmocka_unit_test(a_long_name_of_a_section_is_refused),
		cmocka_unit_test(a_huge_file_is_refused),
		cmocka_unit_test(a_damaged_config_never_crashes),
		cmocka_unit_test(secrets_are_taken_byte_for_byte),
		cmocka_unit_test(a_bad_secrets_file_is_refused_without_quoting_it),
		cmocka_unit_test(names_that_are_acted_on_are_reserved),
		cmocka_unit_test(the_example_holds_what_the_runbook_asks_for),
		cmocka_unit_test(the_document_tells_every_section_and_key),
		cmocka_unit_test(the_example_shows_every_section_and_key),
		cmocka_unit_test(the_example_tells_the_true_defaults),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(example_text);
	free(document_text);
	return failed;
}
