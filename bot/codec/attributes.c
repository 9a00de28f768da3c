#include "codec/attributes.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"

static bool is_blank(char c) {
	return c == ' ' || c == '\t';
}

static bool is_name(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '-' || c == '_';
}

static size_t run_of(const char *line, size_t len, size_t at, char c) {
	size_t n = 0;
	while (at + n < len && line[at + n] == c) {
		n++;
	}
	return n;
}

/* The byte after the code span that opens at @at, or after its backticks where
 * they open none (CommonMark 0.30, section 6.1). */
static size_t after_code(const char *line, size_t len, size_t at) {
	size_t ticks = run_of(line, len, at, '`');
	for (size_t i = at + ticks; i < len;) {
		size_t run = run_of(line, len, i, '`');
		if (run == ticks) {
			return i + run;
		}
		i += run > 0 ? run : 1;
	}
	return at + ticks;
}

/* Scan from an opening brace.  True with @end after the closing one, if quotes
 * are closed and no further brace opens. */
static bool scan_braces(
		const char *line, size_t len, size_t start, size_t *end) {
	bool quoted = false;
	for (size_t i = start + 1; i < len; i++) {
		char c = line[i];
		if (quoted && c == '\\' && i + 1 < len && line[i + 1] == '"') {
			i++;
		} else if (c == '"') {
			quoted = !quoted;
		} else if (!quoted && c == '{') {
			return false;
		} else if (!quoted && c == '}') {
			*end = i + 1;
			return true;
		}
	}
	return false;
}

/* The next brace at or after @at, which is in no code span, that could open
 * attributes; @len if none. */
static size_t next_opening(const char *line, size_t len, size_t at) {
	size_t i = at;
	while (i < len) {
		if (line[i] == '\\' && i + 1 < len) {
			i += 2;
		} else if (line[i] == '`') {
			i = after_code(line, len, i);
		} else if (line[i] == '{' && (i == 0 || is_blank(line[i - 1]))) {
			return i;
		} else {
			i++;
		}
	}
	return len;
}

static size_t trimmed(const char *line, size_t len) {
	while (len > 0 && is_blank(line[len - 1])) {
		len--;
	}
	return len;
}

enum attributes_found attributes_find(
		const char *line, size_t len, struct attributes_range *range) {
	len = trimmed(line, len);
	size_t last = len;
	for (size_t at = next_opening(line, len, 0); at < len;
			at = next_opening(line, len, at + 1)) {
		size_t end = 0;
		if (scan_braces(line, len, at, &end) && end == len) {
			*range = (struct attributes_range){ at, end };
			return ATTRIBUTES_FOUND;
		}
		last = at;
	}
	if (last < len && line[len - 1] == '}') {
		*range = (struct attributes_range){ last, len };
		return ATTRIBUTES_BROKEN;
	}
	return ATTRIBUTES_NONE;
}

bool attributes_find_inside(const char *line, size_t len, size_t from,
		struct attributes_range *range) {
	len = trimmed(line, len);
	for (size_t at = next_opening(line, len, from); at < len;
			at = next_opening(line, len, at + 1)) {
		size_t end = 0;
		if (scan_braces(line, len, at, &end) && end < len) {
			*range = (struct attributes_range){ at, end };
			return true;
		}
	}
	return false;
}

struct reader {
	const char *text;
	size_t len;
	size_t at;
	uint32_t column; // of text[0]
};

static uint32_t column_at(const struct reader *reader, size_t at) {
	return reader->column + (uint32_t)at;
}

/* Read a value up to its closing quote; false where there is none. */
static bool read_quoted(struct reader *reader, char **value) {
	struct str out;
	str_init(&out, 0);
	size_t i = reader->at + 1;
	while (i < reader->len && reader->text[i] != '"') {
		if (reader->text[i] == '\\' && i + 1 < reader->len &&
				reader->text[i + 1] == '"') {
			i++;
		}
		str_add_char(&out, reader->text[i]);
		i++;
	}
	if (i >= reader->len) {
		str_finish(&out);
		return false;
	}
	reader->at = i + 1;
	*value = str_take(&out);
	return true;
}

static char *read_bare(struct reader *reader) {
	size_t start = reader->at;
	while (reader->at < reader->len && !is_blank(reader->text[reader->at]) &&
			reader->text[reader->at] != '"') {
		reader->at++;
	}
	return xstrndup(reader->text + start, reader->at - start);
}

static bool read_value(struct reader *reader, struct attribute *attribute,
		uint32_t *bad, struct err *err) {
	if (reader->at < reader->len && reader->text[reader->at] == '"') {
		attribute->value_column = column_at(reader, reader->at + 1);
		*bad = column_at(reader, reader->at);
		if (!read_quoted(reader, &attribute->value)) {
			return err_set(err, ERR_INVALID,
					"the quote is not closed; write %s=\"...\"",
					attribute->name);
		}
	} else {
		attribute->value_column = column_at(reader, reader->at);
		*bad = attribute->value_column;
		attribute->value = read_bare(reader);
		if (attribute->value[0] == '\0') {
			return err_set(err, ERR_INVALID, "%s= has no value; write %s=...",
					attribute->name, attribute->name);
		}
	}
	*bad = column_at(reader, reader->at);
	if (reader->at < reader->len && !is_blank(reader->text[reader->at])) {
		return err_set(err, ERR_INVALID,
				"a space is missing after the value of %s", attribute->name);
	}
	return true;
}

static bool read_one(struct reader *reader, struct attribute *attribute,
		uint32_t *bad, struct err *err) {
	size_t start = reader->at;
	bool class = reader->text[start] == '.';
	reader->at += class;
	size_t name = reader->at;
	while (reader->at < reader->len && is_name(reader->text[reader->at])) {
		reader->at++;
	}
	*bad = column_at(reader, start);
	bool key = !class && reader->at < reader->len &&
			reader->text[reader->at] == '=';
	bool ended = reader->at == reader->len ||
			is_blank(reader->text[reader->at]);
	if (reader->at == name || (!key && !ended)) {
		size_t stop = start;
		while (stop < reader->len && !is_blank(reader->text[stop])) {
			stop++;
		}
		return err_set(err, ERR_INVALID,
				"cannot read `%.*s`; write .class, key=value, key=\"two "
				"words\" or a flag, with straight quotes",
				(int)(stop - start), reader->text + start);
	}
	attribute->kind = class ? ATTRIBUTE_CLASS
			: key           ? ATTRIBUTE_KEY
							: ATTRIBUTE_FLAG;
	attribute->name = xstrndup(reader->text + name, reader->at - name);
	attribute->column = column_at(reader, start);
	attribute->value_column = attribute->column;
	if (!key) {
		attribute->value = xstrdup("");
		return true;
	}
	reader->at++;
	return read_value(reader, attribute, bad, err);
}

bool attributes_read(struct attributes *attributes, const char *text,
		size_t len, uint32_t column, uint32_t *bad, struct err *err) {
	struct reader reader = { .text = text, .len = len, .column = column };
	for (;;) {
		while (reader.at < len && is_blank(text[reader.at])) {
			reader.at++;
		}
		if (reader.at == len) {
			return true;
		}
		struct attribute one = { 0 };
		if (!read_one(&reader, &one, bad, err)) {
			free(one.name);
			free(one.value);
			return false;
		}
		attributes->list = xreallocarray(attributes->list,
				attributes->count + 1, sizeof(*attributes->list));
		attributes->list[attributes->count++] = one;
	}
}

void attributes_finish(struct attributes *attributes) {
	for (size_t i = 0; i < attributes->count; i++) {
		free(attributes->list[i].name);
		free(attributes->list[i].value);
	}
	free(attributes->list);
	*attributes = (struct attributes){ 0 };
}
