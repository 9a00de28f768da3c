#include "codec/lines.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/xalloc.h"

static const char *flaw_of(const char *line, size_t len) {
	if (len > LINES_MAX_BYTES) {
		return "the line is over 4096 bytes";
	}
	for (size_t i = 0; i < len;) {
		size_t char_len = utf8_char_len(line + i, len - i);
		if (char_len == 0) {
			return "the line is not UTF-8";
		}
		unsigned char c = (unsigned char)line[i];
		if ((c < ' ' && c != '\t') || c == 127) {
			return "the line holds a control character";
		}
		i += char_len;
	}
	return NULL;
}

void lines_wipe(char *text, size_t len) {
	for (volatile char *c = text; len > 0; len--) {
		*c++ = '\0';
	}
}

void lines_each(const char *text, size_t len, lines_fn fn, void *data) {
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	uint32_t line = 0;
	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t whole = end != NULL ? (size_t)(end - text) - at : len - at;
		bool cr = whole > 0 && text[at + whole - 1] == '\r';
		size_t line_len = cr ? whole - 1 : whole;
		char *copy = xstrndup(text + at, line_len);
		fn(data, ++line, copy, flaw_of(copy, line_len));
		lines_wipe(copy, line_len);
		free(copy);
		at += whole + 1;
	}
}
