#include "render/markdown.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/xalloc.h"

#define ZERO_WIDTH_SPACE   "\xE2\x80\x8B"
#define EMOJI_PRESENTATION "\xEF\xB8\x8F" // U+FE0F
#define ELLIPSIS           "…"
#define FE0F               0xFE0Fu

static bool is_alnum(char c) {
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			(c >= 'A' && c <= 'Z') || ((unsigned char)c & 0x80u) != 0;
}

static bool is_break(char c) {
	return c == '\n' || c == '\r' || c == '\t' || c == '\v' || c == '\f';
}

/* Whether the character formats where it stands.  Mattermost takes no
 * underscore within a word for emphasis. */
static bool formats(const char *text, size_t at) {
	char c = text[at];
	if (c == '_') {
		return at == 0 || !is_alnum(text[at - 1]) || !is_alnum(text[at + 1]);
	}
	if (c == '&') {
		return text[at + 1] == '#' || is_alnum(text[at + 1]);
	}
	return strchr("\\`*~[]<", c) != NULL;
}

/* At the start of a line some more do: headings, quotes, lists. */
static bool opens(const char *text) {
	if (strchr("#>-+=", *text) != NULL) {
		return true;
	}
	size_t digits = strspn(text, "0123456789");
	return digits > 0 && (text[digits] == '.' || text[digits] == ')') &&
			(text[digits + 1] == ' ' || text[digits + 1] == '\0');
}

static bool at_line_start(const struct str *out) {
	return out->len == 0 || out->data[out->len - 1] == '\n';
}

/* An opening that `opens()` found: digits stay, what follows them is escaped. */
static size_t add_opening(struct str *out, const char *text) {
	size_t digits = strspn(text, "0123456789");
	str_add_bytes(out, text, digits);
	str_add_char(out, '\\');
	str_add_char(out, text[digits]);
	return digits + 1;
}

void markdown_add_text(struct str *out, const char *text) {
	size_t i = 0;
	if (*text != '\0' && at_line_start(out) && opens(text)) {
		i = add_opening(out, text);
	}
	for (; text[i] != '\0'; i++) {
		char c = text[i];
		if (is_break(c)) {
			str_add_char(out, ' ');
			continue;
		}
		if ((unsigned char)c < ' ' || c == 0x7F) {
			continue;
		}
		if (formats(text, i)) {
			str_add_char(out, '\\');
		}
		str_add_char(out, c);
		if (c == '@') {
			str_add(out, ZERO_WIDTH_SPACE);
		}
	}
}

void markdown_add_uncalled(struct str *out, const char *text) {
	for (; *text != '\0'; text++) {
		str_add_char(out, *text);
		if (*text == '@') {
			str_add(out, ZERO_WIDTH_SPACE);
		}
	}
}

/* Terminals' escape sequences: ESC, and with `[` all to the final letter. */
static size_t escape_len(const char *text) {
	if (text[0] != '\x1b') {
		return 0;
	}
	if (text[1] != '[') {
		return text[1] != '\0' ? 2 : 1;
	}
	size_t len = 2;
	while (text[len] >= 0x20 && text[len] < 0x40) {
		len++;
	}
	return text[len] != '\0' ? len + 1 : len;
}

/* Add at most @letters of the @len bytes, printable ones; @swap_ticks takes
 * the backticks out.  False if something was cut off. */
static bool add_plain(struct str *out, const char *text, size_t len,
		size_t letters, bool swap_ticks) {
	for (size_t i = 0; i < len;) {
		size_t step = escape_len(text + i);
		if (step > 0) {
			i += step;
			continue;
		}
		uint32_t point = utf8_next(text + i, &step);
		if (point >= ' ' || is_break(text[i])) {
			if (letters-- == 0) {
				return false;
			}
		}
		if (is_break(text[i])) {
			str_add_char(out, ' ');
		} else if (point == '`' && swap_ticks) {
			str_add_char(out, '\'');
		} else if (point == UTF8_REPLACEMENT) {
			str_add(out, "\xEF\xBF\xBD");
		} else if (point >= ' ' && point != 0x7F) {
			str_add_bytes(out, text + i, step);
		}
		i += step;
	}
	return true;
}

static const char *skip_space(const char *text) {
	return text + strspn(text, " \t\r\n\v\f");
}

void markdown_add_code(struct str *out, const char *text, size_t most) {
	text = skip_space(text);
	size_t len = strlen(text);
	while (len > 0 && (text[len - 1] == ' ' || is_break(text[len - 1]))) {
		len--;
	}
	if (len == 0) {
		return;
	}
	str_add_char(out, '`');
	if (!add_plain(out, text, len, most, true)) {
		str_add(out, ELLIPSIS);
	}
	str_add_char(out, '`');
}

/* Where the last @lines lines of @text begin. */
static const char *last_lines(const char *text, size_t len, size_t lines) {
	const char *at = text + len;
	while (at > text && lines > 0) {
		at--;
		while (at > text && at[-1] != '\n') {
			at--;
		}
		lines--;
	}
	return at;
}

static size_t longest_ticks(const char *text) {
	size_t longest = 0;
	for (size_t run = 0; *text != '\0'; text++) {
		run = *text == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

static void add_ticks(struct str *out, size_t count) {
	for (size_t i = 0; i < count; i++) {
		str_add_char(out, '`');
	}
	str_add_char(out, '\n');
}

/* Add the lines from @line to @end, each cut behind @letters letters. */
static void add_lines(
		struct str *out, const char *line, const char *end, size_t letters) {
	while (line <= end) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t line_len = (size_t)((stop != NULL ? stop : end) - line);
		while (line_len > 0 && line[line_len - 1] == '\r') {
			line_len--;
		}
		if (!add_plain(out, line, line_len, letters, false)) {
			str_add(out, ELLIPSIS);
		}
		str_add_char(out, '\n');
		line = stop != NULL ? stop + 1 : end + 1;
	}
}

void markdown_add_fence(
		struct str *out, const char *output, size_t lines, size_t letters) {
	size_t len = strlen(output);
	while (len > 0 && (output[len - 1] == ' ' || is_break(output[len - 1]))) {
		len--;
	}
	if (len == 0) {
		return;
	}
	struct str inside = { 0 };
	add_lines(&inside, last_lines(output, len, lines), output + len, letters);
	// Counted in what is shown: what was left out may stand between them.
	size_t ticks = longest_ticks(str_text(&inside));
	ticks = ticks < 3 ? 3 : ticks + 1;
	add_ticks(out, ticks);
	str_add(out, str_text(&inside));
	add_ticks(out, ticks);
	str_finish(&inside);
}

char *markdown_last_line(const char *output, size_t letters) {
	size_t len = strlen(output);
	while (len > 0 && (output[len - 1] == ' ' || is_break(output[len - 1]))) {
		len--;
	}
	const char *line = last_lines(output, len, 1);
	struct str text = { 0 };
	const char *from = line;
	while (from < output + len && (*from == ' ' || is_break(*from))) {
		from++;
	}
	if (!add_plain(
				&text, from, (size_t)(output + len - from), letters, false)) {
		str_add(&text, ELLIPSIS);
	}
	return str_take(&text);
}

/* --- widths --- */

static bool is_wide(uint32_t point) {
	return point >= 0x1F000 || (point >= 0x2600 && point <= 0x27BF) ||
			(point >= 0x23E9 && point <= 0x23FA) || point == 0x25B6 ||
			point == 0x21A9 || point == 0x2B1C || point == 0x2B1B;
}

static bool is_unseen(uint32_t point) {
	return point == FE0F || point == 0x200B || point == 0x200D || point == '`';
}

size_t markdown_width(const char *line, size_t len) {
	size_t width = 0;
	bool code = false;
	size_t i = 0;
	while (i < len && line[i] == '#') {
		i++;
	}
	i = i > 0 && i < len && line[i] == ' ' ? i + 1 : 0;
	for (size_t step = 0; i < len; i += step) {
		uint32_t point = utf8_next(line + i, &step);
		code ^= point == '`';
		bool bold = !code && point == '*' && i + 1 < len && line[i + 1] == '*';
		if (bold) {
			step = 2;
		} else if (!code && point == '\\' && i + 1 < len) {
			continue;
		} else if (!is_unseen(point)) {
			width += is_wide(point) ? 2u : 1u;
		}
	}
	return width;
}

/* --- breaking lines --- */

/* Bytes of the next word: to a blank or line break outside a code span. */
static size_t word_len(const char *text) {
	bool code = false;
	size_t len = 0;
	while (text[len] != '\0' && text[len] != '\n' &&
			(code || text[len] != ' ')) {
		code ^= text[len] == '`';
		len++;
	}
	return len;
}

void markdown_add_wrapped(
		struct str *out, const char *text, size_t first, size_t others) {
	size_t room = first;
	size_t used = 0;
	while (*text != '\0') {
		if (*text == '\n') {
			str_add_char(out, '\n');
			text++;
			room = others;
			used = 0;
			continue;
		}
		text += strspn(text, " ");
		size_t len = word_len(text);
		size_t width = markdown_width(text, len);
		if (used > 0 && len > 0 && used + 1 + width > room) {
			str_add_char(out, '\n');
			room = others;
			used = 0;
		} else if (used > 0 && len > 0) {
			str_add_char(out, ' ');
			used++;
		}
		str_add_bytes(out, text, len);
		used += width;
		text += len;
	}
}

/* --- going out --- */

/* These are letters unless told to be emoji. */
static bool needs_presentation(uint32_t point) {
	static const uint32_t points[] = { 0x23F1, 0x25B6, 0x23F8, 0x21A9, 0x26A0,
		0x2139, 0x23ED, 0x2714, 0x2716, 0x270F, 0x1F6E0, 0x1F5D2 };
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		if (points[i] == point) {
			return true;
		}
	}
	return false;
}

static void trim_blanks(struct str *out) {
	while (out->len > 0 && out->data[out->len - 1] == ' ') {
		str_truncate(out, out->len - 1);
	}
}

void markdown_add_finished(struct str *out, const char *text) {
	struct str done = { 0 };
	size_t breaks = 2; // none at the very start
	for (size_t len = 0; *text != '\0'; text += len) {
		uint32_t point = utf8_next(text, &len);
		if (point == '\n') {
			trim_blanks(&done);
			if (++breaks <= 2) {
				str_add_char(&done, '\n');
			}
			continue;
		}
		if (utf8_turns(point)) {
			continue; // it would not end where the words end that it is in
		}
		breaks = 0;
		str_add_bytes(&done, text, len);
		size_t after = 0;
		if (needs_presentation(point) &&
				utf8_next(text + len, &after) != FE0F) {
			str_add(&done, EMOJI_PRESENTATION);
		}
	}
	while (done.len > 0 && strchr(" \n", done.data[done.len - 1]) != NULL) {
		str_truncate(&done, done.len - 1);
	}
	str_add(out, str_text(&done));
	str_finish(&done);
}
