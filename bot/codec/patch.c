#include "codec/patch.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/str.h"

#define CONTEXT 3

/* Start of line @line of @text, or its end; NULL beyond that. */
static const char *line_at(const char *text, uint32_t line) {
	for (uint32_t i = 1; i < line; i++) {
		const char *end = strchr(text, '\n');
		if (end == NULL) {
			return i + 1 == line && *text != '\0' ? text + strlen(text) : NULL;
		}
		text = end + 1;
	}
	return text;
}

/* Adds one line behind @mark; whether it had a newline of its own. */
static bool add_line(struct str *out, char mark, const char *line) {
	const char *end = strchr(line, '\n');
	size_t len = end != NULL ? (size_t)(end - line) : strlen(line);
	str_add_char(out, mark);
	str_add_bytes(out, line, len);
	str_add_char(out, '\n');
	return end != NULL;
}

static void add_unended(struct str *out) {
	str_add(out, "\\ No newline at end of file\n");
}

/* A last line without a newline has to be given one before a row can follow. */
static void add_before(struct str *out, const char *line, bool is_last) {
	bool ended = strchr(line, '\n') != NULL;
	if (ended || !is_last) {
		add_line(out, ' ', line);
		return;
	}
	add_line(out, '-', line);
	add_unended(out);
	add_line(out, '+', line);
}

char *patch_insert(
		const char *path, const char *text, uint32_t line, const char *row) {
	if (line == 0 || line_at(text, line) == NULL) {
		return NULL;
	}
	uint32_t first = line > CONTEXT ? line - CONTEXT : 1;
	uint32_t before = line - first;
	uint32_t after = 0;
	const char *next = line_at(text, line);
	while (after < CONTEXT && next != NULL && *next != '\0') {
		after++;
		const char *end = strchr(next, '\n');
		next = end != NULL ? end + 1 : NULL;
	}
	struct str out = { 0 };
	str_addf(&out, "--- a/%s\n+++ b/%s\n", path, path);
	uint32_t count = before + after;
	str_addf(&out, "@@ -%u,%u +%u,%u @@\n", count > 0 ? first : 0, count, first,
			count + 1);
	for (uint32_t i = first; i < line; i++) {
		add_before(&out, line_at(text, i), i + 1 == line && after == 0);
	}
	add_line(&out, '+', row);
	for (uint32_t i = 0; i < after; i++) {
		if (!add_line(&out, ' ', line_at(text, line + i))) {
			add_unended(&out);
		}
	}
	return str_take(&out);
}
