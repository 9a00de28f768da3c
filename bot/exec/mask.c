#include "exec/mask.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "exec/spelling.h"

/* The widths at which programs break lines of base64: RFC 2045 and RFC 7468;
 * and of hexadecimal: xxd. */
static const size_t wrapped_at[] = { 76, 64 };
#define HEX_WRAPPED_AT ((size_t)60)

struct piece {
	char *text;
	enum spelling spelling;
	bool begins[256]; // bytes that it can begin with
};

struct mask {
	struct piece *pieces;
	size_t count;
	bool begins[256]; // bytes that any of them can begin with
};

static void add_spelled(struct mask *mask, const char *text, size_t len,
		enum spelling spelling) {
	mask->pieces = xreallocarray(
			mask->pieces, mask->count + 1, sizeof(*mask->pieces));
	struct piece *piece = &mask->pieces[mask->count++];
	*piece = (struct piece){
		.text = xstrndup(text, len),
		.spelling = spelling,
	};
	spelling_begins(spelling, piece->text, piece->begins);
	spelling_begins(spelling, piece->text, mask->begins);
}

/* @text in each spelling in which it differs. */
static void add_text(struct mask *mask, const char *text, size_t len) {
	if (len < MASK_MIN_BYTES) {
		return;
	}
	add_spelled(mask, text, len, SPELLING_PLAIN);
	const char *kept = mask->pieces[mask->count - 1].text;
	for (int i = SPELLING_PLAIN + 1; i < SPELLING_COUNT; i++) {
		if (spelling_differs((enum spelling)i, kept)) {
			add_spelled(mask, kept, len, (enum spelling)i);
		}
	}
}

/* What lines of @width hold of @encoded, where it begins a line. */
static void add_wrapped(
		struct mask *mask, const char *encoded, size_t len, size_t width) {
	for (size_t at = 0; len > width && at < len; at += width) {
		size_t left = len - at;
		add_text(mask, encoded + at, left < width ? left : width);
	}
}

static void wipe(char *take_text) {
	explicit_bzero(take_text, strlen(take_text));
	free(take_text);
}

static void add_base64(
		struct mask *mask, const char *value, unsigned before, bool url) {
	char *encoded = spelling_base64(value, before, url);
	size_t len = strlen(encoded);
	if (!url || strpbrk(encoded, "-_") != NULL) {
		add_text(mask, encoded, len);
		for (size_t i = 0; before == 0 && i < 2; i++) {
			add_wrapped(mask, encoded, len, wrapped_at[i]);
		}
	}
	wipe(encoded);
}

/* The first @len bytes of @value. */
static void add_hex(struct mask *mask, const char *value, size_t len) {
	char *text = xstrndup(value, len);
	for (int upper = 0; len >= MASK_MIN_BYTES && upper < 2; upper++) {
		char *encoded = spelling_hex(text, upper == 1);
		add_text(mask, encoded, 2 * len);
		add_wrapped(mask, encoded, 2 * len, HEX_WRAPPED_AT);
		wipe(encoded);
	}
	wipe(text);
}

static void add_value(struct mask *mask, const char *value) {
	const char *line = value;
	while (*line != '\0') {
		size_t len = strcspn(line, "\r\n");
		add_text(mask, line, len);
		add_hex(mask, line, len);
		line += len + strspn(line + len, "\r\n");
	}
	if (strpbrk(value, "\r\n") != NULL) {
		add_hex(mask, value, strlen(value));
	}
	for (unsigned before = 0; strlen(value) >= MASK_MIN_BYTES && before < 3;
			before++) {
		add_base64(mask, value, before, false);
		add_base64(mask, value, before, true);
	}
}

struct mask *mask_create(const char *const *values) {
	struct mask *mask = xcalloc(1, sizeof(*mask));
	for (size_t i = 0; values != NULL && values[i] != NULL; i++) {
		add_value(mask, values[i]);
	}
	return mask;
}

void mask_destroy(struct mask *mask) {
	if (mask == NULL) {
		return;
	}
	for (size_t i = 0; i < mask->count; i++) {
		explicit_bzero(mask->pieces[i].text, strlen(mask->pieces[i].text));
		free(mask->pieces[i].text);
	}
	free(mask->pieces);
	free(mask);
}

/* Bytes hidden here, by the value that reaches furthest: 0 if none begins at
 * @at.  @unsure: one may have begun, and reaches beyond what there is. */
static size_t hidden_at(
		const struct mask *mask, const char *at, size_t left, bool *unsure) {
	size_t most = 0;
	*unsure = false;
	if (!mask->begins[(unsigned char)*at]) {
		return 0;
	}
	for (size_t i = 0; i < mask->count; i++) {
		const struct piece *piece = &mask->pieces[i];
		bool cut = false;
		if (!piece->begins[(unsigned char)*at]) {
			continue;
		}
		size_t len = spelling_read(
				piece->spelling, piece->text, at, left, &cut);
		most = len > most ? len : most;
		*unsure = *unsure || cut;
	}
	return most;
}

size_t mask_add(const struct mask *mask, const char *bytes, size_t len,
		bool last, struct str *out) {
	size_t plain = 0; // where what was not yet added begins
	size_t i = 0;
	while (i < len) {
		bool unsure = false;
		size_t hidden = hidden_at(mask, bytes + i, len - i, &unsure);
		if (unsure && !last) {
			break;
		}
		if (hidden > 0) {
			str_add_bytes(out, bytes + plain, i - plain);
			str_add(out, MASK_SHOWN);
			plain = i + hidden;
			i = plain;
		} else {
			i++;
		}
	}
	str_add_bytes(out, bytes + plain, i - plain);
	return i;
}

bool mask_finds(const struct mask *mask, const char *text) {
	size_t len = strlen(text);
	for (size_t i = 0; i < len; i++) {
		bool unsure = false;
		if (hidden_at(mask, text + i, len - i, &unsure) > 0) {
			return true;
		}
	}
	return false;
}
