#include "commands/clean.h"

#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "base/xalloc.h"

#define FULLWIDTH_BANG 0xFF01u

/* Markdown takes four blanks at the start of a line for a code block. */
#define INDENT_MAX 3

static bool is_blank(uint32_t point) {
	return point == ' ' || point == '\t' || point == 0xA0 ||
			(point >= 0x2000 && point <= 0x200A) || point == 0x202F ||
			point == 0x205F || point == 0x3000;
}

/* Marks without a width, but for the joiner that emoji are built with. */
static bool is_unseen(uint32_t point) {
	return utf8_turns(point) || point == 0x200B || point == 0x2060 ||
			point == 0xFEFF || point == 0xAD || point == 0x7F;
}

static void add_point(
		struct str *out, const char *at, size_t len, uint32_t point) {
	if (point == '\n') {
		str_add_char(out, '\n');
	} else if (is_unseen(point) || point == '\r') {
		return;
	} else if (is_blank(point) || point < ' ') {
		str_add_char(out, ' ');
	} else if (point == UTF8_REPLACEMENT) {
		str_add(out, "\xEF\xBF\xBD");
	} else {
		str_add_bytes(out, at, len);
	}
}

static void add_plain(struct str *out, const char *text, const char *end) {
	while (text < end) {
		size_t len = 0;
		uint32_t point = utf8_next(text, &len);
		add_point(out, text, len, point);
		text += len;
	}
}

/* Where the first line with something on it begins to have it; NULL if it is
 * indented like code. */
static const char *find_start(const char *message) {
	unsigned indent = 0;
	for (size_t len = 0;; message += len) {
		uint32_t point = utf8_next(message, &len);
		if (point == '\n' || point == '\r') {
			indent = 0;
		} else if (point == '\t') {
			indent += INDENT_MAX + 1;
		} else if (is_blank(point)) {
			indent++;
		} else if (point == 0 || !is_unseen(point)) {
			return indent <= INDENT_MAX ? message : NULL;
		}
	}
}

static const char *trim_end(const char *start) {
	const char *end = start + strlen(start);
	while (end > start && strchr(" \t\r\n", end[-1]) != NULL) {
		end--;
	}
	return end;
}

static bool in_backticks(const char *start, const char *end) {
	return end - start > 2 && start[0] == '`' && end[-1] == '`' &&
			memchr(start + 1, '`', (size_t)(end - start) - 2) == NULL;
}

char *clean_message(const char *message, bool *quoted) {
	*quoted = false;
	const char *start = find_start(message);
	if (start == NULL) {
		return NULL;
	}
	const char *end = trim_end(start);
	if (in_backticks(start, end)) {
		*quoted = true;
		start++;
		end--;
	}
	size_t len = 0;
	uint32_t first = utf8_next(start, &len);
	if (start >= end || (first != '!' && first != FULLWIDTH_BANG)) {
		return NULL;
	}
	struct str out = { 0 };
	str_add_char(&out, '!');
	add_plain(&out, start + len, end);
	return str_take(&out);
}

char *clean_line(const char *text, size_t most) {
	struct str line = { 0 };
	size_t letters = 0;
	bool gap = false;
	for (size_t len = 0; *text != '\0'; text += len) {
		uint32_t point = utf8_next(text, &len);
		if (is_blank(point) || point == '\n' || point == '\r') {
			gap = line.len > 0;
			continue;
		}
		letters += gap ? 2u : 1u;
		if (letters > most) {
			str_add(&line, "…");
			break;
		}
		if (gap) {
			str_add_char(&line, ' ');
		}
		gap = false;
		add_point(&line, text, len, point);
	}
	return str_take(&line);
}

size_t clean_word(const char *text, size_t *whole) {
	static const char ellipsis[] = "…";
	size_t len = strcspn(text, " \n");
	*whole = len;
	while (len > 0) {
		if (strchr(".,:;!?", text[len - 1]) != NULL) {
			len--;
		} else if (len >= 3 && memcmp(text + len - 3, ellipsis, 3) == 0) {
			len -= 3;
		} else {
			break;
		}
	}
	return len;
}
