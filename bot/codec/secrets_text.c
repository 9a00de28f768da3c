#include "codec/secrets_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "codec/lines.h"
#include "core/variable.h"

#define RULE "secrets"
#define FORM "write NAME=value, no blank around the `=`"

struct parser {
	struct secret_values *values;
	struct findings *findings;
	size_t errors;
};

static void find(struct parser *parser, enum severity severity, uint32_t line,
		const char *text) {
	parser->errors += severity == SEVERITY_ERROR;
	findings_add(parser->findings, severity, RULE,
			(struct place){ .line = line, .column = 1 }, "%s", text);
}

static const char *name_flaw(const struct parser *parser, const char *name) {
	if (!variable_is_name(name)) {
		return "what stands before the `=` is no variable's name: " FORM;
	}
	if (variable_is_reserved(name)) {
		return "a variable of this name cannot be set: a shell, a loader or "
			   "the bot itself acts on it";
	}
	if (secrets_text_value(parser->values, name) != NULL) {
		return "this name was given a value in a line above already";
	}
	return NULL;
}

static void add(struct parser *parser, uint32_t line, const char *name,
		const char *value) {
	struct secret_values *values = parser->values;
	values->list = xreallocarray(
			values->list, values->count + 1, sizeof(values->list[0]));
	values->list[values->count++] = (struct secret_value){
		.name = xstrdup(name),
		.value = xstrdup(value),
		.line = line,
	};
	size_t len = strlen(value);
	if (len >= 2 && (value[0] == '"' || value[0] == '\'') &&
			value[len - 1] == value[0]) {
		find(parser, SEVERITY_WARNING, line,
				"the quotes around this value are part of it: leave them out "
				"unless they are meant");
	}
	if (len == 0) {
		find(parser, SEVERITY_WARNING, line, "this value is empty");
	} else if (len < SECRETS_TEXT_HIDDEN_BYTES) {
		find(parser, SEVERITY_WARNING, line,
				"this value has fewer than 8 bytes, so it is not hidden in "
				"output: make it longer, or a variable if it is no secret");
	}
}

static void read_line(void *data, uint32_t line, char *text, const char *flaw) {
	struct parser *parser = data;
	if (flaw != NULL) {
		find(parser, SEVERITY_ERROR, line, flaw);
		return;
	}
	if (text[0] == '#' || text[strspn(text, " \t")] == '\0') {
		return;
	}
	char *equals = strchr(text, '=');
	if (equals == NULL) {
		find(parser, SEVERITY_ERROR, line, "the line has no `=`: " FORM);
		return;
	}
	*equals = '\0';
	flaw = name_flaw(parser, text);
	if (flaw != NULL) {
		find(parser, SEVERITY_ERROR, line, flaw);
	} else {
		add(parser, line, text, equals + 1);
	}
	*equals = '='; // so that all of it is wiped
}

bool secrets_text_parse(struct secret_values *values, const char *text,
		size_t len, struct findings *findings) {
	*values = (struct secret_values){ 0 };
	struct parser parser = { .values = values, .findings = findings };
	if (len > SECRETS_TEXT_MAX_BYTES) {
		find(&parser, SEVERITY_ERROR, 1, "the file is over 256 kB");
	} else {
		lines_each(text, len, read_line, &parser);
	}
	return parser.errors == 0;
}

const char *secrets_text_value(
		const struct secret_values *values, const char *name) {
	for (size_t i = 0; i < values->count; i++) {
		if (strcmp(values->list[i].name, name) == 0) {
			return values->list[i].value;
		}
	}
	return NULL;
}

void secrets_text_finish(struct secret_values *values) {
	for (size_t i = 0; i < values->count; i++) {
		free(values->list[i].name);
		lines_wipe(values->list[i].value, strlen(values->list[i].value));
		free(values->list[i].value);
	}
	free(values->list);
	*values = (struct secret_values){ 0 };
}
