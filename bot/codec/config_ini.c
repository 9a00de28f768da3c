#include "codec/config_ini.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/near.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "codec/config_check.h"
#include "codec/config_keys.h"
#include "codec/config_value.h"
#include "codec/lines.h"
#include "core/variable.h"

#define RULE             "config"
#define SECTION_NAME_MAX 64

struct parser {
	struct config *config;
	struct findings *findings;
	uint32_t line;
	size_t errors;
	enum config_section section;
	char title[SECTION_NAME_MAX + 16]; // "[role CTO]"
	uint32_t title_line;               // of the present section
	uint32_t seen[CONFIG_KEYS_MAX];    // line of each of its keys; 0: not given
	uint32_t lines[SECTION_COUNT];     // of sections without a name
	bool refused;     // what stands here belongs to a section that was refused
	bool any_refused; // one that is missing may be meant by it
};

static void complain(struct parser *parser, uint32_t line, const char *format,
		...) __attribute__((format(printf, 3, 4)));

static void complain(
		struct parser *parser, uint32_t line, const char *format, ...) {
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	parser->errors++;
	findings_add(parser->findings, SEVERITY_ERROR, RULE,
			(struct place){ .line = line, .column = 1 }, "%s", text);
}

/* Sections */

/* The struct that the present section's keys go into. */
static void *section_struct(struct parser *parser) {
	struct config *config = parser->config;
	switch (parser->section) {
	case SECTION_MATTERMOST:
		return &config->mattermost;
	case SECTION_BRIDGE:
		return &config->bridge;
	case SECTION_ROLE:
		return &config->roles[config->role_count - 1];
	case SECTION_ENV:
		return &config->envs[config->env_count - 1];
	case SECTION_TARGET:
		return &config->targets[config->target_count - 1];
	case SECTION_APPROVE:
		return &config->approve;
	case SECTION_OVERRIDE:
		return &config->override;
	case SECTION_SANDBOX:
		return &config->sandbox;
	case SECTION_NONE:
		break;
	}
	return NULL;
}

static void add_role(struct config *config, const char *name, uint32_t line) {
	config->roles = xreallocarray(
			config->roles, config->role_count + 1, sizeof(config->roles[0]));
	config->roles[config->role_count++] =
			(struct config_role){ .name = xstrdup(name), .line = line };
}

static void add_env(struct config *config, const char *name, uint32_t line) {
	config->envs = xreallocarray(
			config->envs, config->env_count + 1, sizeof(config->envs[0]));
	config->envs[config->env_count++] =
			(struct config_env){ .name = xstrdup(name), .line = line };
}

static void add_target(struct config *config, const char *name, uint32_t line) {
	config->targets = xreallocarray(config->targets, config->target_count + 1,
			sizeof(config->targets[0]));
	struct config_target *target = &config->targets[config->target_count++];
	*target = (struct config_target){
		.name = xstrdup(name),
		.parallel = CONFIG_LIST_MAX,
		.line = line,
	};
	struct err never;
	bool ok = config_value_hosts("local", target, &never);
	assert(ok);
	(void)ok;
}

/* The line of the section of this kind and name; 0 if it is new. */
static uint32_t line_of(const struct parser *parser,
		enum config_section section, const char *name) {
	const struct config *config = parser->config;
	for (size_t i = 0; section == SECTION_ROLE && i < config->role_count; i++) {
		if (strcasecmp(config->roles[i].name, name) == 0) {
			return config->roles[i].line;
		}
	}
	for (size_t i = 0; section == SECTION_ENV && i < config->env_count; i++) {
		if (strcasecmp(config->envs[i].name, name) == 0) {
			return config->envs[i].line;
		}
	}
	for (size_t i = 0; section == SECTION_TARGET && i < config->target_count;
			i++) {
		if (strcasecmp(config->targets[i].name, name) == 0) {
			return config->targets[i].line;
		}
	}
	return config_sections[section].named ? 0 : parser->lines[section];
}

/* Whether the present section has this key, well-formed or not. */
static bool was_given(const struct parser *parser, const char *name) {
	const struct config_key *keys = config_sections[parser->section].keys;
	for (size_t i = 0; i < config_sections[parser->section].key_count; i++) {
		if (strcmp(keys[i].name, name) == 0) {
			return parser->seen[i] != 0;
		}
	}
	return false;
}

static void check_token(struct parser *parser) {
	bool file = was_given(parser, "token_file");
	bool credential = was_given(parser, "token_credential");
	if (file && credential) {
		complain(parser, parser->title_line,
				"[mattermost] has token_file and token_credential: leave one "
				"out");
	} else if (!file && !credential) {
		complain(parser, parser->title_line,
				"[mattermost] needs token_file: a file with the bot's token, "
				"mode 0600; or token_credential");
	}
}

static void check_secrets(struct parser *parser) {
	if (was_given(parser, "secrets_file") &&
			was_given(parser, "secrets_credential")) {
		complain(parser, parser->title_line,
				"%s has secrets_file and secrets_credential: leave one out",
				parser->title);
	}
}

/* What the section's keys left out. */
static void end_section(struct parser *parser) {
	if (parser->section == SECTION_NONE) {
		return;
	}
	const struct config_key *keys = config_sections[parser->section].keys;
	for (size_t i = 0; i < config_sections[parser->section].key_count; i++) {
		if (keys[i].needed != NULL && parser->seen[i] == 0) {
			complain(parser, parser->title_line, "%s needs %s: %s",
					parser->title, keys[i].name, keys[i].needed);
		}
	}
	if (parser->section == SECTION_MATTERMOST) {
		check_token(parser);
	} else if (parser->section == SECTION_ENV) {
		check_secrets(parser);
	}
	parser->section = SECTION_NONE;
}

static void add_named(
		struct parser *parser, enum config_section section, const char *name) {
	if (section == SECTION_ROLE) {
		add_role(parser->config, name, parser->line);
	} else if (section == SECTION_ENV) {
		add_env(parser->config, name, parser->line);
	} else if (section == SECTION_TARGET) {
		add_target(parser->config, name, parser->line);
	}
}

/* A role's name is joined by these in a runbook; other names are words. */
static bool is_section_name(enum config_section section, const char *name) {
	if (section == SECTION_ROLE) {
		return strpbrk(name, ",+[]") == NULL;
	}
	return strspn(name,
				   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789._-") == strlen(name);
}

/* Whether @name may follow the kind; says what is wrong if not. */
static bool check_section_name(
		struct parser *parser, enum config_section section, const char *name) {
	const char *kind = config_sections[section].name;
	if (!config_sections[section].named) {
		if (name[0] == '\0') {
			return true;
		}
		complain(parser, parser->line, "[%s] takes no name: write [%s]", kind,
				kind);
		return false;
	}
	if (name[0] == '\0') {
		complain(parser, parser->line, "[%s] needs a name: write [%s NAME]",
				kind, kind);
		return false;
	}
	if (strlen(name) > SECTION_NAME_MAX) {
		complain(parser, parser->line, "the name of a section is over %d bytes",
				SECTION_NAME_MAX);
		return false;
	}
	if (!is_section_name(section, name)) {
		complain(parser, parser->line,
				section == SECTION_ROLE
						? "`%s` is no name of a role: it has no `,`, `+` or "
						  "brackets"
						: "`%s` is no name here: letters, digits, `.`, `_` and "
						  "`-`",
				name);
		return false;
	}
	return true;
}

static enum config_section section_named(const char *kind) {
	for (size_t i = 0; i < SECTION_COUNT; i++) {
		if (strcmp(config_sections[i].name, kind) == 0) {
			return (enum config_section)i;
		}
	}
	return SECTION_NONE;
}

static void unknown_section(struct parser *parser, const char *kind) {
	const char *names[SECTION_COUNT];
	for (size_t i = 0; i < SECTION_COUNT; i++) {
		names[i] = config_sections[i].name;
	}
	const char *near = near_word(kind, names, SECTION_COUNT);
	if (near != NULL) {
		complain(parser, parser->line,
				"there is no kind of section called `%.60s`: write [%s%s]",
				kind, near,
				config_sections[section_named(near)].named ? " NAME" : "");
		return;
	}
	complain(parser, parser->line,
			"there is no kind of section called `%.60s`: they are mattermost, "
			"bridge, role, env, target, approve, override and sandbox",
			kind);
}

/* @text is what stands between the brackets, trimmed; it is changed. */
static void begin_section(struct parser *parser, char *text) {
	end_section(parser);
	parser->refused = true;
	size_t kind_len = strcspn(text, " \t");
	char *name = text + kind_len;
	if (*name != '\0') {
		*name++ = '\0';
		name += strspn(name, " \t");
	}
	enum config_section section = section_named(text);
	if (section == SECTION_NONE) {
		parser->any_refused = true;
		unknown_section(parser, text);
		return;
	}
	if (!check_section_name(parser, section, name)) {
		parser->any_refused = true;
		return;
	}
	snprintf(parser->title, sizeof(parser->title), "[%s%s%.64s]", text,
			name[0] != '\0' ? " " : "", name);
	uint32_t before = line_of(parser, section, name);
	if (before != 0) {
		complain(parser, parser->line,
				"%s stands at line %u already: put its keys there",
				parser->title, before);
		return;
	}
	add_named(parser, section, name);
	parser->refused = false;
	parser->section = section;
	parser->title_line = parser->line;
	parser->lines[section] = parser->line;
	memset(parser->seen, 0, sizeof(parser->seen));
	config_note_line(parser->config, parser->title, NULL, parser->line);
}

/* Keys */

/* The known key that @name was meant to be, or NULL. */
static const char *meant(enum config_section section, const char *name) {
	const char *names[CONFIG_KEYS_MAX];
	size_t count = config_sections[section].key_count;
	assert(count <= CONFIG_KEYS_MAX);
	for (size_t i = 0; i < count; i++) {
		names[i] = config_sections[section].keys[i].name;
	}
	const char *near = near_word(name, names, count);
	for (size_t i = 0; near == NULL && i < count; i++) {
		size_t len = strlen(name);
		if (len >= 3 && strncasecmp(names[i], name, len) == 0) {
			near = names[i]; // token for token_file
		}
	}
	return near;
}

static void unknown_key(struct parser *parser, const char *name) {
	const char *near = meant(parser->section, name);
	if (near != NULL) {
		complain(parser, parser->line, "%s has no key `%.60s`: write %s",
				parser->title, name, near);
		return;
	}
	struct str known;
	str_init(&known, 0);
	for (size_t i = 0; i < config_sections[parser->section].key_count; i++) {
		str_addf(&known, "%s%s", i > 0 ? ", " : "",
				config_sections[parser->section].keys[i].name);
	}
	complain(parser, parser->line, "%s has no key `%.60s`: it knows %s%s",
			parser->title, name, str_text(&known),
			parser->section == SECTION_ENV ? ", and variables in capitals"
										   : "");
	str_finish(&known);
}

static void complain_comment(struct parser *parser, const char *name) {
	complain(parser, parser->line,
			"%s in %s: a comment behind a value begins with `;`, not `#`", name,
			parser->title);
}

static void add_variable(
		struct parser *parser, const char *name, const char *value) {
	struct config *config = parser->config;
	struct config_env *env = &config->envs[config->env_count - 1];
	for (size_t i = 0; i < env->variable_count; i++) {
		if (strcmp(env->variables[i].name, name) == 0) {
			complain(parser, parser->line, "%s has %s at line %u already",
					parser->title, name, env->variables[i].line);
			return;
		}
	}
	if (variable_is_reserved(name)) {
		complain(parser, parser->line,
				"%s cannot be set: a shell, a loader or the bot itself acts on "
				"that name",
				name);
		return;
	}
	if (strstr(value, " #") != NULL) {
		complain_comment(parser, name);
		return;
	}
	env->variables = xreallocarray(
			env->variables, env->variable_count + 1, sizeof(env->variables[0]));
	env->variables[env->variable_count++] = (struct config_variable){
		.name = xstrdup(name),
		.value = xstrdup(value),
		.line = parser->line,
	};
}

static void read_key(struct parser *parser, size_t index, const char *value) {
	const struct config_key *key =
			&config_sections[parser->section].keys[index];
	struct err err = { 0 };
	if (parser->seen[index] != 0) {
		complain(parser, parser->line, "%s has %s at line %u already",
				parser->title, key->name, parser->seen[index]);
		return;
	}
	parser->seen[index] = parser->line;
	config_note_line(parser->config, parser->title, key->name, parser->line);
	if (value[0] == '\0') {
		complain(parser, parser->line,
				"%s in %s has no value: leave the line out for the default",
				key->name, parser->title);
	} else if (strstr(value, " #") != NULL) {
		complain_comment(parser, key->name);
	} else if (!config_key_read(key, value, section_struct(parser), &err)) {
		complain(parser, parser->line, "%s in %s: %s", key->name, parser->title,
				err.text);
	}
}

static void key_value(
		struct parser *parser, const char *name, const char *value) {
	if (parser->section == SECTION_NONE) {
		if (!parser->refused) {
			complain(parser, parser->line,
					"`%.60s` stands before the first section: begin with "
					"[mattermost]",
					name);
		}
		parser->refused = true; // one finding is enough
		return;
	}
	for (size_t i = 0; i < config_sections[parser->section].key_count; i++) {
		if (strcmp(config_sections[parser->section].keys[i].name, name) == 0) {
			read_key(parser, i, value);
			return;
		}
	}
	if (parser->section == SECTION_ENV && variable_is_capital(name)) {
		add_variable(parser, name, value);
		return;
	}
	unknown_key(parser, name);
}

/* Lines */

static char *trimmed(char *text) {
	text += strspn(text, " \t");
	size_t len = strlen(text);
	while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL) {
		text[--len] = '\0';
	}
	return text;
}

/* Cut a comment off: `;` behind a blank. */
static void cut_comment(char *text) {
	for (char *c = text; *c != '\0'; c++) {
		if (*c == ';' && c > text && (c[-1] == ' ' || c[-1] == '\t')) {
			*c = '\0';
			return;
		}
	}
}

/* One line without its end; @text is changed. */
static void read_line(struct parser *parser, char *text) {
	text = trimmed(text);
	if (text[0] == '\0' || text[0] == ';' || text[0] == '#') {
		return;
	}
	cut_comment(text);
	text = trimmed(text);
	if (text[0] == '[') {
		char *end = strchr(text, ']');
		if (end == NULL || end[1] != '\0') {
			complain(parser, parser->line,
					"a section's line ends with its `]`: `%.60s`", text);
			end_section(parser);
			parser->refused = true;
			parser->any_refused = true;
			return;
		}
		*end = '\0';
		begin_section(parser, trimmed(text + 1));
		return;
	}
	char *equals = strchr(text, '=');
	if (equals == NULL || equals == text) {
		complain(parser, parser->line,
				"neither [section] nor key = value; a value ends with its "
				"line: `%.60s`",
				text);
		return;
	}
	*equals = '\0';
	key_value(parser, trimmed(text), trimmed(equals + 1));
}

static void config_line(
		void *data, uint32_t line, char *text, const char *flaw) {
	struct parser *parser = data;
	parser->line = line;
	if (flaw != NULL) {
		complain(parser, line, "%s", flaw);
		return;
	}
	read_line(parser, text);
}

/* The whole */

/* "LB" of launch-bridge; R where the name has no word that begins so. */
static char *initials(const char *channel) {
	struct str text;
	str_init(&text, 8);
	for (const char *c = channel; *c != '\0'; c++) {
		bool first = c == channel || c[-1] == '-' || c[-1] == '_';
		if (first && *c >= 'a' && *c <= 'z') {
			str_add_char(&text, (char)(*c - 'a' + 'A'));
		}
	}
	if (text.len == 0) {
		str_add(&text, "R");
	}
	return str_take(&text);
}

static void check_sections(struct parser *parser) {
	for (size_t i = 0; i < SECTION_COUNT; i++) {
		if (config_sections[i].needed && parser->lines[i] == 0 &&
				!parser->any_refused) {
			complain(parser, 1, "there is no section [%s]",
					config_sections[i].name);
		}
	}
}

static void complete(struct parser *parser) {
	struct config *config = parser->config;
	if (config_target(config, "local") == NULL) {
		add_target(config, "local", 0);
	}
	if (config->bridge.prefix == NULL && config->bridge.channel != NULL) {
		config->bridge.prefix = initials(config->bridge.channel);
	}
}

struct config *config_parse(
		const char *text, size_t len, struct findings *findings) {
	struct config *config = xcalloc(1, sizeof(*config));
	struct parser parser = {
		.config = config,
		.findings = findings,
		.section = SECTION_NONE,
	};
	config_set_defaults(config);
	if (len > CONFIG_MAX_BYTES) {
		complain(&parser, 1, "the file is over %zu bytes", CONFIG_MAX_BYTES);
	} else {
		lines_each(text, len, config_line, &parser);
		end_section(&parser);
		config->override.line = parser.lines[SECTION_OVERRIDE];
		config->approve.line = parser.lines[SECTION_APPROVE];
		config->sandbox.line = parser.lines[SECTION_SANDBOX];
		check_sections(&parser);
		complete(&parser);
		parser.errors += config_check(config, findings);
	}
	if (parser.errors > 0) {
		config_destroy(config);
		return NULL;
	}
	return config;
}
