#include "codec/md_keys.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/near.h"
#include "base/xalloc.h"
#include "codec/md_header.h"
#include "codec/md_roles.h"
#include "core/variable.h"

#define RULE         "attribute"
#define RETRIES_MAX  100
#define PARALLEL_MAX 100
#define NAME_MAX_LEN 64

#define BIT(where) (1u << (where))

enum value_kind {
	VALUE_FLAG,
	VALUE_DURATION,
	VALUE_RETRIES,
	VALUE_PARALLEL,
	VALUE_NAME,
	VALUE_NAMES,
	VALUE_GATE,
	VALUE_OWNER,
	VALUE_WHEN,
	VALUE_STOP_WAIT,
};

#define HEADINGS (BIT(MD_ON_PHASE) | BIT(MD_ON_HEADING))
#define ITEMS    (BIT(MD_ON_ITEM) | BIT(MD_ON_CELL))
#define COMMANDS (BIT(MD_ON_ITEM) | BIT(MD_ON_BLOCK))

static const struct {
	const char *name;
	enum value_kind value;
	unsigned where;
} keys_known[MD_KEY_COUNT] = {
	[MD_KEY_GATE] = { "gate", VALUE_GATE, HEADINGS },
	[MD_KEY_PLAN] = { "plan", VALUE_GATE, BIT(MD_ON_PHASE) },
	[MD_KEY_SUCCESS] = { "success", VALUE_GATE, BIT(MD_ON_PHASE) },
	[MD_KEY_ENV] = { "env", VALUE_NAME, HEADINGS | ITEMS },
	[MD_KEY_OWNER] = { "owner", VALUE_OWNER, HEADINGS | ITEMS },
	[MD_KEY_ON] = { "on", VALUE_NAME, HEADINGS | ITEMS | BIT(MD_ON_BLOCK) },
	[MD_KEY_EVIDENCE] = { "evidence", VALUE_FLAG, ITEMS },
	[MD_KEY_TIMEOUT] = { "timeout", VALUE_DURATION, ITEMS | COMMANDS },
	[MD_KEY_RETRIES] = { "retries", VALUE_RETRIES, COMMANDS },
	[MD_KEY_DELAY] = { "delay", VALUE_DURATION, COMMANDS },
	[MD_KEY_REPEATABLE] = { "repeatable", VALUE_FLAG, COMMANDS },
	[MD_KEY_ASK] = { "ask", VALUE_FLAG, COMMANDS },
	[MD_KEY_EVERY] = { "every", VALUE_DURATION, COMMANDS },
	[MD_KEY_FOR] = { "for", VALUE_DURATION, COMMANDS },
	[MD_KEY_PARALLEL] = { "parallel", VALUE_PARALLEL, COMMANDS },
	[MD_KEY_ON_ROLLBACK] = { "on-rollback", VALUE_STOP_WAIT, COMMANDS },
	[MD_KEY_SETS] = { "sets", VALUE_NAMES, ITEMS | COMMANDS },
	[MD_KEY_WHEN] = { "when", VALUE_WHEN, HEADINGS | ITEMS },
};

static const char *const places[] = {
	[MD_ON_PHASE] = "a phase's heading",
	[MD_ON_HEADING] = "a heading that opens no phase",
	[MD_ON_ITEM] = "a list item",
	[MD_ON_CELL] = "a smoke test",
	[MD_ON_BLOCK] = "a block",
	[MD_ON_OTHER] = "a heading outside every phase",
};

/* One attribute being looked at. */
struct look {
	struct md *md;
	uint32_t line;
	enum md_where where;
	const struct attribute *attribute;
	enum md_key key;
};

static void refuse(const struct look *look, const char *format, ...)
		__attribute__((format(printf, 2, 3)));

/* An error at the attribute's value. */
static void refuse(const struct look *look, const char *format, ...) {
	char text[400];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	md_error(look->md, RULE, look->line, look->attribute->value_column, "%s",
			text);
}

/* The next blank-separated word of @text; NULL when there is none. */
static const char *next_word(const char *text, size_t *len) {
	text += strspn(text, " \t");
	*len = strcspn(text, " \t");
	return *len > 0 ? text : NULL;
}

static bool check_names(const struct look *look) {
	const char *text = look->attribute->value;
	size_t len = 0;
	size_t count = 0;
	for (const char *word = next_word(text, &len); word != NULL;
			word = next_word(word + len, &len)) {
		char *name = xstrndup(word, len);
		bool good = variable_is_name(name);
		free(name);
		if (!good) {
			refuse(look,
					"`%.*s` is no name for a value; write letters, digits and "
					"_, as in sets=\"SNAPSHOT_DIR\"",
					(int)len, word);
			return false;
		}
		count++;
	}
	if (count == 0) {
		refuse(look, "sets names nothing; write sets=\"NAME\"");
	}
	return count > 0;
}

static bool check_name(const struct look *look) {
	const char *value = look->attribute->value;
	size_t len = strlen(value);
	for (size_t i = 0; i < len; i++) {
		if (value[i] == ' ' || value[i] == '\t' || value[i] == ']') {
			len = 0;
		}
	}
	if (len == 0 || len > NAME_MAX_LEN) {
		refuse(look,
				"%s names a section of the config; write one word, as in "
				"%s=prod",
				look->attribute->name, look->attribute->name);
		return false;
	}
	return true;
}

static bool check_gate(const struct look *look) {
	const struct runbook *runbook = look->md->runbook;
	const char *name = look->attribute->value;
	if (runbook_gate(runbook, name) != RUNBOOK_NONE) {
		return true;
	}
	if (name[0] == '\0') {
		refuse(look, "%s names no gate; write the Step cell of its row",
				look->attribute->name);
		return false;
	}
	if (runbook->gate_count == 0) {
		char *columns = md_header_columns(MD_TABLE_GATES);
		md_error(look->md, "gate-unknown", look->line,
				look->attribute->value_column,
				"there is no table of approvals with a row for `%s`; its "
				"columns are %s",
				name, columns);
		free(columns);
		return false;
	}
	const char **names = xcalloc(runbook->gate_count, sizeof(*names));
	for (size_t i = 0; i < runbook->gate_count; i++) {
		names[i] = runbook->gates[i].name;
	}
	const char *near = near_word(name, names, runbook->gate_count);
	md_error(look->md, "gate-unknown", look->line,
			look->attribute->value_column,
			"`%s` has no row in the approvals table%s%s%s", name,
			near != NULL ? "; did you mean `" : "; add one",
			near != NULL ? near : "", near != NULL ? "`?" : "");
	free(names);
	return false;
}

static bool check_owner(const struct look *look) {
	struct role_set set = md_roles_any(look->md, look->attribute->value,
			(struct place){ look->line, look->attribute->value_column });
	if (look->attribute->value[0] == '\0') {
		refuse(look, "owner is empty; name a role, or leave it out");
	}
	bool good = set.count > 0;
	free(set.roles);
	free(set.text);
	return good;
}

/* Whether @value is one of a choice's values; any will do for the others. */
static bool may_be(const struct parameter *parameter, const char *value) {
	if (parameter->kind != PARAMETER_CHOICE) {
		return true;
	}
	for (size_t i = 0; i < parameter->choice_count; i++) {
		if (strcmp(parameter->choices[i], value) == 0) {
			return true;
		}
	}
	return false;
}

static bool check_when(const struct look *look) {
	const char *text = look->attribute->value;
	const char *equals = strchr(text, '=');
	if (equals == NULL || equals == text || equals[1] == '\0') {
		refuse(look, "write when=\"NAME=VALUE\", with a parameter's name");
		return false;
	}
	const struct runbook *runbook = look->md->runbook;
	char *name = xstrndup(text, (size_t)(equals - text));
	size_t index = runbook_parameter(runbook, name);
	const struct parameter *parameter = index != RUNBOOK_NONE
			? &runbook->parameters[index]
			: NULL;
	if (parameter == NULL || strcmp(parameter->name, name) != 0) {
		refuse(look, "`%s` is no parameter; add it to the parameters table",
				name);
		parameter = NULL;
	} else if (parameter->kind == PARAMETER_SECRET) {
		refuse(look, "`%s` is secret and decides nothing", name);
		parameter = NULL;
	} else if (!may_be(parameter, equals + 1)) {
		refuse(look, "`%s` is never `%s`; see the parameters table", name,
				equals + 1);
		parameter = NULL;
	}
	free(name);
	return parameter != NULL;
}

static bool read_number(const char *text, uint32_t most, uint32_t *number) {
	uint32_t value = 0;
	if (*text == '\0') {
		return false;
	}
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9' || value > most) {
			return false;
		}
		value = value * 10 + (uint32_t)(*text - '0');
	}
	*number = value;
	return value >= 1 && value <= most;
}

static bool check_number(const struct look *look, uint32_t most) {
	uint32_t number = 0;
	if (!read_number(look->attribute->value, most, &number)) {
		refuse(look, "%s is a number from 1 to %u", look->attribute->name,
				(unsigned)most);
		return false;
	}
	return true;
}

static bool check_duration(const struct look *look) {
	int64_t ms = 0;
	if (!duration_parse(look->attribute->value, &ms) || ms <= 0) {
		refuse(look, "`%s` is no time; write %s=90s, 15m or 4h",
				look->attribute->value, look->attribute->name);
		return false;
	}
	return true;
}

static bool check_stop_wait(const struct look *look) {
	const char *value = look->attribute->value;
	if (strcmp(value, "stop") == 0 || strcmp(value, "wait") == 0) {
		return true;
	}
	refuse(look, "write on-rollback=stop or on-rollback=wait");
	return false;
}

static bool check_value(const struct look *look) {
	switch (keys_known[look->key].value) {
	case VALUE_FLAG:
		return true;
	case VALUE_DURATION:
		return check_duration(look);
	case VALUE_RETRIES:
		return check_number(look, RETRIES_MAX);
	case VALUE_PARALLEL:
		return check_number(look, PARALLEL_MAX);
	case VALUE_NAME:
		return check_name(look);
	case VALUE_NAMES:
		return check_names(look);
	case VALUE_GATE:
		return check_gate(look);
	case VALUE_OWNER:
		return check_owner(look);
	case VALUE_WHEN:
		return check_when(look);
	case VALUE_STOP_WAIT:
		return check_stop_wait(look);
	}
	return false;
}

static bool known_class(const char *name, enum phase_kind *kind) {
	for (int i = 0; i < PHASE_KIND_COUNT; i++) {
		if (strcmp(phase_kind_name((enum phase_kind)i), name) == 0) {
			*kind = (enum phase_kind)i;
			return true;
		}
	}
	return false;
}

static bool known_key(const char *name, enum md_key *key) {
	for (int i = 0; i < MD_KEY_COUNT; i++) {
		if (strcmp(keys_known[i].name, name) == 0) {
			*key = (enum md_key)i;
			return true;
		}
	}
	return false;
}

static void read_class(const struct look *look, struct md_own *own) {
	enum phase_kind kind = PHASE_REHEARSAL;
	if (!known_class(look->attribute->name, &kind)) {
		refuse(look,
				"`.%s` is no class; write .rehearsal, .production, .smoke, "
				".rollback or .post",
				look->attribute->name);
	} else if (look->where != MD_ON_PHASE) {
		refuse(look, ".%s stands on a heading of the page, not on %s",
				look->attribute->name, places[look->where]);
	} else if (own->phase) {
		refuse(look, "a heading opens one phase; drop .%s",
				look->attribute->name);
	} else {
		own->phase = true;
		own->kind = kind;
		own->place = (struct place){ look->line, look->attribute->column };
	}
}

static void unknown_key(const struct look *look) {
	const char *names[MD_KEY_COUNT];
	size_t count = 0;
	for (int i = 0; i < MD_KEY_COUNT; i++) {
		if ((keys_known[i].where & BIT(look->where)) != 0) {
			names[count++] = keys_known[i].name;
		}
	}
	const char *near = near_word(look->attribute->name, names, count);
	md_error(look->md, RULE, look->line, look->attribute->column,
			"`%s` is no key%s%s%s", look->attribute->name,
			near != NULL ? "; did you mean `"
						 : "; a value of several words stands in quotes, "
						   "text in braces in a code span",
			near != NULL ? near : "", near != NULL ? "`?" : "");
}

/* Whether the key may stand here, written as it is. */
static bool check_form(const struct look *look) {
	const struct attribute *attribute = look->attribute;
	bool flag = keys_known[look->key].value == VALUE_FLAG;
	const char *problem = NULL;
	if ((keys_known[look->key].where & BIT(look->where)) == 0) {
		md_error(look->md, RULE, look->line, attribute->column,
				"`%s` means nothing on %s; see docs/runbook-format.md",
				attribute->name, places[look->where]);
		return false;
	}
	if (flag && attribute->kind != ATTRIBUTE_FLAG) {
		problem = "takes no value; write the word alone";
	} else if (!flag && attribute->kind == ATTRIBUTE_FLAG) {
		problem = "needs a value, as key=value";
	}
	if (problem != NULL) {
		md_error(look->md, RULE, look->line, attribute->column, "`%s` %s",
				attribute->name, problem);
	}
	return problem == NULL;
}

static bool same_name(const char *a, const char *b) {
	size_t len = strcspn(a, "=");
	return len == strcspn(b, "=") && strncmp(a, b, len) == 0;
}

static void add_when(const struct look *look, struct md_keys *keys) {
	const char *value = look->attribute->value;
	for (size_t i = 0; i < keys->when_count; i++) {
		const char *other = keys->when[i].attribute->value;
		if (strcmp(other, value) == 0) {
			return;
		}
		if (same_name(other, value)) {
			refuse(look, "never true: this stands under when=\"%s\" (line %u)",
					other, (unsigned)keys->when[i].line);
			return;
		}
	}
	if (keys->when_count == MD_WHEN_MAX) {
		refuse(look, "more than %d conditions; nest less", MD_WHEN_MAX);
		return;
	}
	keys->when[keys->when_count++] = (struct md_value){ look->attribute,
		look->line };
}

static void read_key(
		struct look *look, struct md_keys *keys, struct md_own *own) {
	if (!known_key(look->attribute->name, &look->key)) {
		unknown_key(look);
		return;
	}
	if (!check_form(look)) {
		return;
	}
	if (look->key == MD_KEY_WHEN) {
		own->has[look->key] = true;
		if (check_value(look)) {
			add_when(look, keys);
		}
		return;
	}
	if (own->has[look->key]) {
		md_error(look->md, RULE, look->line, look->attribute->column,
				"`%s` stands here twice; keep one", look->attribute->name);
		return;
	}
	own->has[look->key] = true;
	if (check_value(look)) {
		keys->at[look->key] = (struct md_value){ look->attribute, look->line };
	}
}

/* Keys that mean something only together. */
static void check_pairs(struct md *md, uint32_t line,
		const struct attributes *attributes, const struct md_keys *keys,
		const struct md_own *own) {
	const struct {
		enum md_key key;
		enum md_key needs;
	} pairs[] = {
		{ MD_KEY_DELAY, MD_KEY_RETRIES },
		{ MD_KEY_EVERY, MD_KEY_FOR },
		{ MD_KEY_FOR, MD_KEY_EVERY },
	};
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (own->has[pairs[i].key] && !own->has[pairs[i].needs] &&
				keys->at[pairs[i].needs].attribute == NULL) {
			md_error(md, RULE, line, attributes->list[0].column,
					"`%s` means nothing without `%s`; write both",
					keys_known[pairs[i].key].name,
					keys_known[pairs[i].needs].name);
		}
	}
	if (own->has[MD_KEY_EVERY] && own->has[MD_KEY_FOR] &&
			md_keys_duration(keys, MD_KEY_FOR) <
					md_keys_duration(keys, MD_KEY_EVERY)) {
		md_error(md, RULE, line, attributes->list[0].column,
				"a monitor's `for` is at least its `every`");
	}
}

/* plan and success name gates of one kind of phase only. */
static void check_phase_gates(struct md *md, const struct md_own *own) {
	if (own->has[MD_KEY_PLAN] && own->phase && own->kind != PHASE_PRODUCTION) {
		md_error(md, RULE, own->place.line, own->place.column,
				"`plan` stands on the .production heading");
	}
	if (own->has[MD_KEY_SUCCESS] && own->phase && own->kind != PHASE_SMOKE &&
			own->kind != PHASE_PRODUCTION) {
		md_error(md, RULE, own->place.line, own->place.column,
				"`success` stands on the .smoke heading, or on .production "
				"where there are no smoke tests");
	}
}

static void read_all(struct md *md, uint32_t line, enum md_where where,
		const struct attributes *attributes, struct md_keys *keys,
		struct md_own *own) {
	for (size_t i = 0; i < attributes->count; i++) {
		struct look look = {
			.md = md,
			.line = line,
			.where = where,
			.attribute = &attributes->list[i],
		};
		if (look.attribute->kind == ATTRIBUTE_CLASS) {
			read_class(&look, own);
		} else {
			read_key(&look, keys, own);
		}
	}
	if (attributes->count > 0) {
		check_pairs(md, line, attributes, keys, own);
		check_phase_gates(md, own);
	}
}

void md_keys_read_site(struct md *md, uint32_t line, enum md_where where,
		struct md_keys *keys, struct md_own *own) {
	*own = (struct md_own){ 0 };
	const struct md_site *site = md_source_site(&md->source, line);
	if (site == NULL) {
		return;
	}
	struct md_line text = md_source_line(&md->source, line);
	struct attributes *attributes = md_keep(md);
	struct err err = { 0 };
	uint32_t bad = (uint32_t)site->start + 1;
	bool read = attributes_read(attributes, text.text + site->start + 1,
			site->end - site->start - 2, (uint32_t)site->start + 2, &bad, &err);
	if (!read) {
		md_error(md, RULE, line, bad, "%s", err.text);
	} else if (site->broken) {
		md_error(md, RULE, line, (uint32_t)site->start + 1,
				"these braces are no attributes; write them in a code span");
	} else if (attributes->count == 0) {
		md_error(md, RULE, line, (uint32_t)site->start + 1,
				"nothing stands between the braces");
	}
	if (!site->broken) {
		read_all(md, line, where, attributes, keys, own);
	}
}

void md_keys_read_info(struct md *md, const char *text, size_t len,
		struct place place, struct md_keys *keys, struct md_own *own) {
	*own = (struct md_own){ 0 };
	size_t blank = strspn(text, " \t");
	if (blank < len && text[blank] == '{') {
		md_error(md, RULE, place.line, place.column + (uint32_t)blank,
				"after a block's language attributes stand without braces");
		return;
	}
	struct attributes *attributes = md_keep(md);
	struct err err = { 0 };
	uint32_t bad = place.column;
	if (!attributes_read(attributes, text, len, place.column, &bad, &err)) {
		md_error(md, RULE, place.line, bad, "%s", err.text);
	}
	read_all(md, place.line, MD_ON_BLOCK, attributes, keys, own);
}

/* Whether the attributes in @range of @line have a phase's class. */
static bool has_phase(struct md_line line, struct attributes_range range,
		enum phase_kind *kind) {
	struct attributes attributes = { 0 };
	struct err err = { 0 };
	uint32_t bad = 0;
	bool found = false;
	// what was read before an error counts too: the error is said later
	(void)!attributes_read(&attributes, line.text + range.start + 1,
			range.end - range.start - 2, 1, &bad, &err);
	for (size_t i = 0; i < attributes.count && !found; i++) {
		found = attributes.list[i].kind == ATTRIBUTE_CLASS &&
				known_class(attributes.list[i].name, kind);
	}
	attributes_finish(&attributes);
	return found;
}

bool md_keys_phase(const struct md *md, uint32_t line, enum phase_kind *kind) {
	const struct md_site *site = md_source_site(&md->source, line);
	if (site == NULL || site->broken) {
		return false;
	}
	struct attributes_range range = { site->start, site->end };
	return has_phase(md_source_line(&md->source, line), range, kind);
}

bool md_keys_reads_as_phase(const struct md *md, uint32_t line) {
	struct md_line text = md_source_line(&md->source, line);
	struct attributes_range range;
	enum phase_kind kind = PHASE_REHEARSAL;
	return attributes_find(text.text, text.len, &range) == ATTRIBUTES_FOUND &&
			has_phase(text, range, &kind);
}

/* Whether @range of @line reads like attributes and names a known one. */
static bool looks_meant(struct md_line line, struct attributes_range range) {
	struct attributes attributes = { 0 };
	struct err err = { 0 };
	uint32_t bad = 0;
	bool meant = false;
	if (range.end - range.start >= 2 &&
			attributes_read(&attributes, line.text + range.start + 1,
					range.end - range.start - 2, 1, &bad, &err)) {
		for (size_t i = 0; i < attributes.count && !meant; i++) {
			enum phase_kind kind = PHASE_REHEARSAL;
			enum md_key key = MD_KEY_GATE;
			const struct attribute *attribute = &attributes.list[i];
			meant = attribute->kind == ATTRIBUTE_CLASS
					? known_class(attribute->name, &kind)
					: known_key(attribute->name, &key);
		}
	}
	attributes_finish(&attributes);
	return meant;
}

void md_keys_refuse_stray(struct md *md, uint32_t first, uint32_t last) {
	for (uint32_t number = first; number <= last; number++) {
		struct md_line line = md_source_line(&md->source, number);
		const struct md_site *site = md_source_site(&md->source, number);
		struct attributes_range range = { 0 };
		while (attributes_find_inside(line.text, line.len, range.end, &range)) {
			bool read = site != NULL && site->start == range.start;
			if (!read && looks_meant(line, range)) {
				md_error(md, RULE, number, (uint32_t)range.start + 1,
						"attributes end the line; move these to its end");
			}
		}
		if (number > first &&
				attributes_find(line.text, line.len, &range) ==
						ATTRIBUTES_FOUND &&
				looks_meant(line, range)) {
			md_error(md, RULE, number, (uint32_t)range.start + 1,
					"attributes end the item's first line; move these there");
		}
	}
}

const char *md_keys_text(const struct md_keys *keys, enum md_key key) {
	const struct attribute *attribute = keys->at[key].attribute;
	return attribute != NULL ? attribute->value : NULL;
}

int64_t md_keys_duration(const struct md_keys *keys, enum md_key key) {
	int64_t ms = 0;
	const char *text = md_keys_text(keys, key);
	return text != NULL && duration_parse(text, &ms) ? ms : 0;
}

uint32_t md_keys_number(
		const struct md_keys *keys, enum md_key key, uint32_t otherwise) {
	uint32_t number = 0;
	const char *text = md_keys_text(keys, key);
	return text != NULL && read_number(text, RETRIES_MAX, &number) ? number
																   : otherwise;
}

size_t md_keys_gate(
		const struct md *md, const struct md_keys *keys, enum md_key key) {
	const char *name = md_keys_text(keys, key);
	return name != NULL ? runbook_gate(md->runbook, name) : RUNBOOK_NONE;
}

char **md_keys_sets(
		const struct md_keys *keys, size_t *count, struct place *place) {
	char **names = NULL;
	*count = 0;
	const struct md_value *value = &keys->at[MD_KEY_SETS];
	if (value->attribute != NULL) {
		*place = (struct place){ value->line, value->attribute->value_column };
	}
	const char *text = md_keys_text(keys, MD_KEY_SETS);
	size_t len = 0;
	for (const char *word = text != NULL ? next_word(text, &len) : NULL;
			word != NULL; word = next_word(word + len, &len)) {
		names = xreallocarray(names, *count + 1, sizeof(*names));
		names[(*count)++] = xstrndup(word, len);
	}
	return names;
}

struct when *md_keys_when(const struct md_keys *keys, size_t *count) {
	*count = keys->when_count;
	if (*count == 0) {
		return NULL;
	}
	struct when *list = xcalloc(*count, sizeof(*list));
	for (size_t i = 0; i < *count; i++) {
		const struct attribute *attribute = keys->when[i].attribute;
		const char *equals = strchr(attribute->value, '=');
		list[i].name = xstrndup(
				attribute->value, (size_t)(equals - attribute->value));
		list[i].value = xstrdup(equals + 1);
		list[i].place = (struct place){ keys->when[i].line,
			attribute->value_column };
	}
	return list;
}

const char *md_keys_name(enum md_key key) {
	return keys_known[key].name;
}
