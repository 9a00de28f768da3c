#include "gojson.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/str.h"
#include "base/xalloc.h"

#define REPLACEMENT "\xef\xbf\xbd"

static void begin(struct str *out, const char *key) {
	char last = out->len > 0 ? out->data[out->len - 1] : '{';
	if (last != '{' && last != '[' && last != ':') {
		str_add_char(out, ',');
	}
	if (key != NULL) {
		str_addf(out, "\"%s\":", key);
	}
}

void json_open(struct str *out, const char *key, char bracket) {
	begin(out, key);
	str_add_char(out, bracket);
}

void json_close(struct str *out, char bracket) {
	str_add_char(out, bracket);
}

static void add_escaped(struct str *out, const char *text) {
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\') {
			str_add_char(out, '\\');
			str_add_char(out, *text);
		} else if (c == '\n') {
			str_add(out, "\\n");
		} else if (c == '\r') {
			str_add(out, "\\r");
		} else if (c == '\t') {
			str_add(out, "\\t");
		} else if (c < 0x20 || c == '<' || c == '>' || c == '&') {
			str_addf(out, "\\u%04x", c);
		} else if (strncmp(text, "\xe2\x80\xa8", 3) == 0 ||
				strncmp(text, "\xe2\x80\xa9", 3) == 0) {
			str_addf(out, "\\u202%c", text[2] == '\xa8' ? '8' : '9');
			text += 2;
		} else {
			str_add_char(out, *text);
		}
	}
}

void json_text(struct str *out, const char *key, const char *text) {
	begin(out, key);
	str_add_char(out, '"');
	add_escaped(out, text != NULL ? text : "");
	str_add_char(out, '"');
}

void json_number(struct str *out, const char *key, int64_t number) {
	begin(out, key);
	str_addf(out, "%lld", (long long)number);
}

void json_bool(struct str *out, const char *key, bool value) {
	json_raw(out, key, value ? "true" : "false");
}

void json_null(struct str *out, const char *key) {
	json_raw(out, key, "null");
}

void json_raw(struct str *out, const char *key, const char *json) {
	begin(out, key);
	str_add(out, json);
}

static int by_name(const void *a, const void *b) {
	const cJSON *const *left = a;
	const cJSON *const *right = b;
	return strcmp((*left)->string, (*right)->string);
}

static void add_object(struct str *out, const cJSON *node) {
	size_t count = 0;
	const cJSON *child;
	cJSON_ArrayForEach(child, node) {
		count++;
	}
	const cJSON **children = xcalloc(count, sizeof(*children));
	size_t i = 0;
	cJSON_ArrayForEach(child, node) {
		children[i++] = child;
	}
	qsort(children, count, sizeof(*children), by_name);
	str_add_char(out, '{');
	for (i = 0; i < count; i++) {
		json_text(out, NULL, children[i]->string);
		str_add_char(out, ':');
		json_node(out, NULL, children[i]);
	}
	str_add_char(out, '}');
	free(children);
}

static void add_number(struct str *out, double number) {
	if (floor(number) == number && fabs(number) < 1e15) {
		str_addf(out, "%.0f", number);
	} else {
		str_addf(out, "%.17g", number);
	}
}

void json_node(struct str *out, const char *key, const struct cJSON *node) {
	const cJSON *child;
	begin(out, key);
	if (cJSON_IsObject(node)) {
		add_object(out, node);
	} else if (cJSON_IsArray(node)) {
		str_add_char(out, '[');
		cJSON_ArrayForEach(child, node) {
			json_node(out, NULL, child);
		}
		str_add_char(out, ']');
	} else if (cJSON_IsString(node)) {
		str_add_char(out, '"');
		add_escaped(out, node->valuestring);
		str_add_char(out, '"');
	} else if (cJSON_IsNumber(node)) {
		add_number(out, node->valuedouble);
	} else if (cJSON_IsBool(node)) {
		str_add(out, cJSON_IsTrue(node) ? "true" : "false");
	} else {
		str_add(out, "null");
	}
}

/* ---- what comes in ---- */

/* Length of the UTF-8 sequence at @at, 0 if it is none. */
static size_t sequence_at(const unsigned char *at, size_t left) {
	static const struct {
		unsigned char mask, lead;
		size_t len;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0x00, 1, 0 },
		{ 0xe0, 0xc0, 2, 0x80 },
		{ 0xf0, 0xe0, 3, 0x800 },
		{ 0xf8, 0xf0, 4, 0x10000 },
	};
	for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		if ((at[0] & forms[f].mask) != forms[f].lead || left < forms[f].len) {
			continue;
		}
		uint32_t rune = at[0] & (unsigned char)~forms[f].mask;
		for (size_t i = 1; i < forms[f].len; i++) {
			if ((at[i] & 0xc0) != 0x80) {
				return 0;
			}
			rune = rune << 6 | (at[i] & 0x3f);
		}
		bool fits = rune >= forms[f].least && rune <= 0x10ffff &&
				(rune < 0xd800 || rune > 0xdfff);
		return fits ? forms[f].len : 0;
	}
	return 0;
}

/* The code unit of a \uXXXX at @at, or -1. */
static int unit_at(const char *at, size_t left) {
	if (left < 6 || at[0] != '\\' || at[1] != 'u') {
		return -1;
	}
	int unit = 0;
	for (int i = 2; i < 6; i++) {
		const char *digits = "0123456789abcdef0123456789ABCDEF";
		const char *digit = at[i] != '\0' ? strchr(digits, at[i]) : NULL;
		if (digit == NULL) {
			return -1;
		}
		unit = unit * 16 + (int)((digit - digits) % 16);
	}
	return unit;
}

/* Copy the escape at @at, mended; returns the bytes that it took. */
static size_t clean_escape(
		struct str *out, const char *at, size_t left, bool *has_nul) {
	int unit = unit_at(at, left);
	if (unit < 0) {
		size_t len = left < 2 ? left : 2;
		str_add_bytes(out, at, len);
		return len;
	}
	int next = unit_at(at + 6, left - 6);
	bool high = unit >= 0xd800 && unit < 0xdc00;
	bool low = unit >= 0xdc00 && unit < 0xe000;
	if (high && next >= 0xdc00 && next < 0xe000) {
		str_add_bytes(out, at, 12);
		return 12;
	}
	if (unit == 0) {
		*has_nul = true;
	}
	if (high || low || unit == 0) {
		str_add(out, "\\ufffd");
	} else {
		str_add_bytes(out, at, 6);
	}
	return 6;
}

char *json_clean(const char *body, size_t len, bool *has_nul) {
	struct str out;
	str_init(&out, 0);
	*has_nul = false;
	for (size_t i = 0; i < len;) {
		if (body[i] == '\\') {
			i += clean_escape(&out, body + i, len - i, has_nul);
			continue;
		}
		size_t n = sequence_at((const unsigned char *)body + i, len - i);
		if (n == 0 || body[i] == '\0') {
			str_add(&out, REPLACEMENT);
			i++;
		} else {
			str_add_bytes(&out, body + i, n);
			i += n;
		}
	}
	return str_take(&out);
}

size_t json_runes(const char *text) {
	size_t runes = 0;
	for (; *text != '\0'; text++) {
		runes += ((unsigned char)*text & 0xc0) != 0x80;
	}
	return runes;
}
