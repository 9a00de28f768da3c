#include "exec/published.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/xalloc.h"
#include "sys/fd.h"

void published_finish(struct published *published) {
	str_finish(&published->text);
	free(published->values);
	*published = (struct published){ 0 };
}

static size_t name_len(const char *line) {
	size_t len = 0;
	while (isalpha((unsigned char)line[len]) || line[len] == '_' ||
			(len > 0 && isdigit((unsigned char)line[len]))) {
		len++;
	}
	return len;
}

static bool is_text(const char *bytes, size_t len) {
	for (size_t i = 0; i < len;) {
		size_t n = utf8_char_len(bytes + i, len - i);
		if (n == 0 || bytes[i] == '\0') {
			return false;
		}
		i += n;
	}
	return true;
}

static struct attempt_value *find(
		const struct published *published, const char *name) {
	for (size_t i = 0; i < published->count; i++) {
		if (strcmp(published->values[i].name, name) == 0) {
			return &published->values[i];
		}
	}
	return NULL;
}

/* @line has a NUL at its end, and gets one behind its name. */
static bool take_line(struct published *published, char *line, size_t len,
		size_t number, struct err *err) {
	size_t name = name_len(line);
	if (name == 0 || line[name] != '=' || !is_text(line, len)) {
		return err_set(err, ERR_INVALID,
				"line %zu of $BRIDGE_OUTPUT is no `NAME=value`", number);
	}
	line[name] = '\0';
	struct attempt_value *value = find(published, line);
	if (value == NULL && published->count == PUBLISHED_MAX_VALUES) {
		return err_set(err, ERR_INVALID,
				"more than %zu values in $BRIDGE_OUTPUT", PUBLISHED_MAX_VALUES);
	}
	if (value == NULL) {
		value = &published->values[published->count++];
		value->name = line;
	}
	value->value = line + name + 1;
	return true;
}

static bool take_all(struct published *published, struct err *err) {
	char *text = published->text.data;
	size_t total = published->text.len;
	size_t number = 1;
	for (size_t i = 0; i < total; number++) {
		char *line = text + i;
		char *newline = memchr(line, '\n', total - i);
		size_t len = newline != NULL ? (size_t)(newline - line) : total - i;
		i += len + 1;
		if (len > 0 && line[len - 1] == '\r') {
			len--;
		}
		line[len] = '\0';
		if (len > 0 && !take_line(published, line, len, number, err)) {
			return false;
		}
	}
	return true;
}

bool published_read(
		const char *path, struct published *published, struct err *err) {
	*published = (struct published){ 0 };
	published->values = xcalloc(
			PUBLISHED_MAX_VALUES, sizeof(*published->values));
	struct err why = { 0 };
	bool ok = fd_read_file(path, PUBLISHED_MAX_BYTES, &published->text, &why);
	if (!ok && why.code == ERR_NOT_FOUND) {
		return true;
	}
	if (!ok) {
		err_set(err, ERR_INVALID,
				"$BRIDGE_OUTPUT cannot be read, or is over %zu bytes",
				PUBLISHED_MAX_BYTES);
	}
	ok = ok && take_all(published, err);
	if (!ok) {
		published_finish(published);
	}
	return ok;
}

static bool is_in(const char *name, const char *const *names) {
	for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
		if (strcmp(names[i], name) == 0) {
			return true;
		}
	}
	return false;
}

bool published_as_declared(const struct published *published,
		const char *const *sets, const char *const *may_set, struct err *err) {
	for (size_t i = 0; i < published->count; i++) {
		const char *name = published->values[i].name;
		if (!is_in(name, sets) && !is_in(name, may_set)) {
			return err_set(err, ERR_REFUSED,
					"`%.60s=` in $BRIDGE_OUTPUT is not declared with sets=",
					name);
		}
	}
	for (size_t i = 0; sets != NULL && sets[i] != NULL; i++) {
		if (find(published, sets[i]) == NULL) {
			return err_set(
					err, ERR_REFUSED, "no `%.60s=` in $BRIDGE_OUTPUT", sets[i]);
		}
	}
	return true;
}
