#include "exec/spelling.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "base/xalloc.h"

#define FORM_ROOM  16 // "\ud83d\ude80"
#define FORMS_MOST 4

/* One way to write what stands at a place of the value. */
struct form {
	char text[FORM_ROOM];
	size_t len;
	size_t takes; // bytes of the value
};

struct forms {
	struct form list[FORMS_MOST];
	size_t count;
};

static void add(struct forms *forms, size_t takes, const char *text) {
	struct form *form = &forms->list[forms->count++];
	form->takes = takes;
	form->len = strlen(text);
	memcpy(form->text, text, form->len + 1);
}

static void add_plain(struct forms *forms, char byte) {
	const char text[] = { byte, '\0' };
	add(forms, 1, text);
}

static void url_forms(struct forms *forms, const char *at) {
	char text[FORM_ROOM];
	snprintf(text, sizeof(text), "%%%02x", (unsigned char)*at);
	add(forms, 1, text);
	if (*at == ' ') {
		add(forms, 1, "+");
	}
	if (*at != '%') {
		add_plain(forms, *at);
	}
}

/* `\n` and its like, or 0. */
static char short_escape(char byte) {
	static const char bytes[] = "\"\\/\b\f\n\r\t";
	static const char names[] = "\"\\/bfnrt";
	const char *found = byte != '\0' ? strchr(bytes, byte) : NULL;
	return found != NULL ? names[found - bytes] : '\0';
}

static void json_forms(struct forms *forms, const char *at) {
	char text[FORM_ROOM];
	size_t takes = 0;
	uint32_t point = utf8_next(at, &takes);
	if (point > 0xFFFF) {
		snprintf(text, sizeof(text), "\\u%04" PRIx32 "\\u%04" PRIx32,
				0xD800 + ((point - 0x10000) >> 10),
				0xDC00 + ((point - 0x10000) & 0x3FF));
	} else {
		snprintf(text, sizeof(text), "\\u%04" PRIx32, point);
	}
	add(forms, takes, text);
	if (short_escape(*at) != '\0') {
		const char escape[] = { '\\', short_escape(*at), '\0' };
		add(forms, 1, escape);
	}
	if (*at != '"' && *at != '\\') {
		add_plain(forms, *at);
	}
}

static bool is_word(char byte) {
	return (byte >= '0' && byte <= '9') ||
			((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

static void shell_forms(struct forms *forms, const char *at) {
	char text[FORM_ROOM];
	const char escape[] = { '\\', *at, '\0' };
	if (*at == '\'') {
		add(forms, 1, "'\\''");
	}
	if (!is_word(*at)) {
		add(forms, 1, escape);
		snprintf(text, sizeof(text), "\\%03o", (unsigned char)*at);
		add(forms, 1, text);
	}
	add_plain(forms, *at);
}

static void forms_of(
		enum spelling spelling, const char *at, struct forms *forms) {
	forms->count = 0;
	switch (spelling) {
	case SPELLING_PLAIN:
		add_plain(forms, *at);
		break;
	case SPELLING_URL:
		url_forms(forms, at);
		break;
	case SPELLING_JSON:
		json_forms(forms, at);
		break;
	case SPELLING_SHELL:
		shell_forms(forms, at);
		break;
	}
}

bool spelling_differs(enum spelling spelling, const char *value) {
	for (const char *at = value; *at != '\0'; at++) {
		/* Writers of URLs escape little, and some writers of JSON (that of
		 * .NET) all but letters and digits. */
		if (!is_word(*at) && spelling != SPELLING_PLAIN) {
			return true;
		}
	}
	return false;
}

void spelling_begins(
		enum spelling spelling, const char *value, bool begins[256]) {
	struct forms forms;
	forms_of(spelling, value, &forms);
	for (size_t i = 0; i < forms.count; i++) {
		begins[(unsigned char)forms.list[i].text[0]] = true;
	}
}

/* Hexadecimal digits come in either case; a plain byte does not. */
static bool is_same(const struct form *form, const char *text, size_t len) {
	return form->len == 1 ? form->text[0] == text[0]
						  : strncasecmp(form->text, text, len) == 0;
}

size_t spelling_read(enum spelling spelling, const char *value,
		const char *text, size_t left, bool *cut) {
	size_t used = 0;
	*cut = false;
	while (*value != '\0') {
		struct forms forms;
		const struct form *fits = NULL;
		*cut = used == left;
		forms_of(spelling, value, &forms);
		for (size_t i = 0; i < forms.count && !*cut && fits == NULL; i++) {
			const struct form *form = &forms.list[i];
			size_t len = form->len < left - used ? form->len : left - used;
			if (is_same(form, text + used, len)) {
				fits = form;
				*cut = len < form->len;
			}
		}
		if (*cut || fits == NULL) {
			return 0;
		}
		used += fits->len;
		value += fits->takes;
	}
	return used;
}

/* The byte of @value at @i, of those that begin @before bytes earlier. */
static unsigned byte_at(
		const char *value, size_t len, unsigned before, size_t i) {
	return i < before || i >= before + len ? 0
										   : (unsigned char)value[i - before];
}

char *spelling_base64(const char *value, unsigned before, bool url) {
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
								  "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t len = strlen(value);
	size_t first = (8 * before + 5) / 6;
	size_t end = 8 * (before + len) / 6;
	char *out = xcalloc(end + 1, 1);
	size_t count = 0;
	for (size_t i = first; i < end; i++) {
		size_t bit = 6 * i;
		unsigned two = byte_at(value, len, before, bit / 8) << 8 |
				byte_at(value, len, before, bit / 8 + 1);
		unsigned six = two >> (10 - bit % 8) & 0x3F;
		out[count++] = six < 62 ? letters[six]
				: six == 62     ? (url ? '-' : '+')
								: (url ? '_' : '/');
	}
	return out;
}

char *spelling_hex(const char *value, bool upper) {
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	size_t len = strlen(value);
	char *out = xcalloc(2 * len + 1, 1);
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[(unsigned char)value[i] >> 4];
		out[2 * i + 1] = digits[(unsigned char)value[i] & 0xF];
	}
	return out;
}
