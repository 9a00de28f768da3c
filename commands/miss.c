#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "commands/clean.h"
#include "commands/command.h"

#define QUOTE_LETTERS 60
#define MISS_BYTES    600

void command_miss(struct command_match *out, const char *format, ...) {
	struct str text;
	str_init(&text, MISS_BYTES);
	char line[MISS_BYTES + 1];
	va_list args;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	str_add(&text, line);
	free(out->text);
	out->text = str_take(&text);
	out->request.type = REQUEST_MISSED;
}

char *command_quote(const char *text, size_t len) {
	char *copy = xstrndup(text, len);
	for (char *c = copy; *c != '\0'; c++) {
		if (*c == '`') {
			*c = '\'';
		}
	}
	char *line = clean_line(copy, QUOTE_LETTERS);
	char *quoted = xasprintf("`%s`", *line != '\0' ? line : " ");
	free(line);
	free(copy);
	return quoted;
}
