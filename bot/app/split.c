#include "app/split.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "app/wording.h"
#include "base/str.h"
#include "base/utf8.h"
#include "base/xalloc.h"

#define MARK_ROOM  (12 + sizeof(WORDING_CUT)) // "\n(20/1000)" and that
#define TICKS_MOST 12                         // a longer row of ticks is text
#define LEAST      64 // of characters in a part, whatever is asked

struct parts {
	char **list;
	size_t count;
	struct str text;  // of the part that is being filled
	size_t runes;     // in it, without what opens it
	size_t room;      // runes that it can have
	size_t ticks;     // of the fence that it is in; 0: none
	bool has_content; // beside what opens it
};

/* --- fences --- */

static void add_ticks(struct str *str, size_t count) {
	for (size_t i = 0; i < count; i++) {
		str_add_char(str, '`');
	}
}

/* Whether the line opens or closes a fence. */
static void follow_fence(struct parts *parts, const char *line, size_t len) {
	size_t at = 0;
	while (at < len && at < 3 && line[at] == ' ') {
		at++;
	}
	size_t ticks = 0;
	while (at + ticks < len && line[at + ticks] == '`') {
		ticks++;
	}
	if (ticks < 3 || ticks > TICKS_MOST) {
		return;
	}
	bool bare = at + ticks + strspn(line + at + ticks, " \t\r") >= len;
	if (parts->ticks == 0) {
		parts->ticks = ticks;
	} else if (bare && ticks >= parts->ticks) {
		parts->ticks = 0;
	}
}

/* --- parts --- */

static void open_part(struct parts *parts) {
	parts->runes = 0;
	parts->has_content = false;
	if (parts->ticks > 0) {
		add_ticks(&parts->text, parts->ticks);
		str_add_char(&parts->text, '\n');
	}
}

static void close_part(struct parts *parts) {
	if (parts->ticks > 0) {
		const char *text = str_text(&parts->text);
		size_t len = parts->text.len;
		if (len > 0 && text[len - 1] != '\n') {
			str_add_char(&parts->text, '\n');
		}
		add_ticks(&parts->text, parts->ticks);
	}
	parts->list = xreallocarray(
			parts->list, parts->count + 1, sizeof(parts->list[0]));
	parts->list[parts->count] = str_take(&parts->text);
	parts->count++;
}

static void add_bytes(struct parts *parts, const char *bytes, size_t len) {
	char *copy = xstrndup(bytes, len);
	parts->runes += utf8_count(copy);
	free(copy);
	str_add_bytes(&parts->text, bytes, len);
	parts->has_content = true;
}

static void next_part(struct parts *parts) {
	close_part(parts);
	open_part(parts);
}

/* A line that fits nowhere is cut between characters. */
static void add_line(struct parts *parts, const char *line, size_t len) {
	char *copy = xstrndup(line, len);
	if (parts->has_content && parts->runes + utf8_count(copy) > parts->room) {
		next_part(parts);
	}
	size_t at = 0;
	while (utf8_count(copy + at) > parts->room) {
		size_t piece = utf8_prefix(copy + at, parts->room);
		add_bytes(parts, copy + at, piece);
		next_part(parts);
		at += piece;
	}
	add_bytes(parts, copy + at, len - at);
	free(copy);
}

/* Which part of how many; the last that is said, which others should follow,
 * tells that they do not. */
static void mark(struct parts *parts) {
	size_t all = parts->count;
	while (parts->count > SPLIT_MOST) {
		parts->count--;
		free(parts->list[parts->count]);
	}
	for (size_t i = 0; i < parts->count; i++) {
		bool cut = i + 1 == parts->count && parts->count < all;
		size_t len = strlen(parts->list[i]);
		while (len > 0 && parts->list[i][len - 1] == '\n') {
			len--;
		}
		char *marked = xasprintf("%.*s\n(%zu/%zu)%s", (int)len, parts->list[i],
				i + 1, all, cut ? "\n" WORDING_CUT : "");
		free(parts->list[i]);
		parts->list[i] = marked;
	}
}

char **split_text(const char *text, size_t most, size_t *count) {
	size_t taken = MARK_ROOM + (TICKS_MOST + 1) * 2;
	struct parts parts = {
		.room = most > taken + LEAST ? most - taken : LEAST,
	};
	if (utf8_count(text) <= most) {
		parts.list = xcalloc(1, sizeof(parts.list[0]));
		parts.list[0] = xstrdup(text);
		*count = 1;
		return parts.list;
	}
	open_part(&parts);
	while (*text != '\0') {
		const char *end = strchr(text, '\n');
		size_t len = end != NULL ? (size_t)(end - text) + 1 : strlen(text);
		add_line(&parts, text, len);
		follow_fence(&parts, text, end != NULL ? len - 1 : len);
		text += len;
	}
	close_part(&parts);
	mark(&parts);
	*count = parts.count;
	return parts.list;
}

static void add_parts(
		struct said *to, const struct outbox_row *row, size_t most) {
	size_t count = 0;
	char **parts = split_text(row->text, most, &count);
	for (size_t i = 0; i < count; i++) {
		struct outbox_row part = *row;
		char *key = i == 0 ? xstrdup(row->key)
						   : xasprintf("%s/%zu", row->key, i + 1);
		part.key = key;
		part.text = parts[i];
		part.file_path = i == 0 ? row->file_path : NULL;
		part.file_name = i == 0 ? row->file_name : NULL;
		said_add(to, &part);
		free(key);
		free(parts[i]);
	}
	free(parts);
}

static bool is_long(const struct outbox_row *row, size_t most) {
	return row->kind == OUTBOX_POST && utf8_count(row->text) > most;
}

void split_said(struct said *said, size_t most) {
	bool any = false;
	for (size_t i = 0; most > 0 && i < said->count; i++) {
		any = any || is_long(&said->rows[i], most);
	}
	if (!any) {
		return;
	}
	struct said split = { 0 };
	for (size_t i = 0; i < said->count; i++) {
		if (is_long(&said->rows[i], most)) {
			add_parts(&split, &said->rows[i], most);
		} else {
			said_add(&split, &said->rows[i]);
		}
	}
	said_finish(said);
	*said = split;
}
