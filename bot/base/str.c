#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

static size_t cap_of(const struct str *str) {
	return str->cap > 0 ? str->cap : STR_CAP_DEFAULT;
}

static void reserve(struct str *str, size_t len) {
	if (len + 1 <= str->room) {
		return;
	}
	size_t room = str->room > 0 ? str->room : 64;
	while (room < len + 1) {
		room *= 2;
	}
	str->data = xreallocarray(str->data, room, 1);
	str->room = room;
}

void str_init(struct str *str, size_t cap) {
	*str = (struct str){ .cap = cap };
}

void str_finish(struct str *str) {
	free(str->data);
	*str = (struct str){ .cap = str->cap };
}

void str_clear(struct str *str) {
	str_truncate(str, 0);
	str->cut = false;
}

const char *str_text(const struct str *str) {
	return str->data != NULL ? str->data : "";
}

char *str_take(struct str *str) {
	char *text = str->data != NULL ? str->data : xstrdup("");
	*str = (struct str){ .cap = str->cap };
	return text;
}

void str_add_bytes(struct str *str, const void *bytes, size_t len) {
	size_t left = cap_of(str) - str->len;
	if (len > left) {
		len = left;
		str->cut = true;
	}
	reserve(str, str->len + len);
	if (len > 0) {
		memcpy(str->data + str->len, bytes, len);
	}
	str->len += len;
	str->data[str->len] = '\0';
}

void str_add(struct str *str, const char *text) {
	str_add_bytes(str, text, strlen(text));
}

void str_add_char(struct str *str, char c) {
	str_add_bytes(str, &c, 1);
}

void str_addf(struct str *str, const char *format, ...) {
	va_list args;
	va_start(args, format);
	char *text = xvasprintf(format, args);
	va_end(args);
	str_add(str, text);
	free(text);
}

void str_truncate(struct str *str, size_t len) {
	if (len < str->len) {
		str->len = len;
		str->data[len] = '\0';
	}
}
