#include "exec/mask.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

struct piece {
	char *text;
	size_t len;
};

struct mask {
	struct piece *pieces; // longest first, so that the longest wins
	size_t count;
	bool begins[256]; // bytes that a piece begins with
};

static void add_piece(struct mask *mask, const char *text, size_t len) {
	if (len < MASK_MIN_BYTES) {
		return;
	}
	mask->pieces = xreallocarray(
			mask->pieces, mask->count + 1, sizeof(*mask->pieces));
	mask->pieces[mask->count++] = (struct piece){
		.text = xstrndup(text, len),
		.len = len,
	};
	mask->begins[(unsigned char)text[0]] = true;
}

static int longest_first(const void *a, const void *b) {
	const struct piece *left = a;
	const struct piece *right = b;
	return (left->len < right->len) - (left->len > right->len);
}

struct mask *mask_create(const char *const *values) {
	struct mask *mask = xcalloc(1, sizeof(*mask));
	for (size_t i = 0; values != NULL && values[i] != NULL; i++) {
		const char *line = values[i];
		while (*line != '\0') {
			size_t len = strcspn(line, "\r\n");
			add_piece(mask, line, len);
			line += len + strspn(line + len, "\r\n");
		}
	}
	if (mask->count > 0) {
		qsort(mask->pieces, mask->count, sizeof(*mask->pieces), longest_first);
	}
	return mask;
}

void mask_destroy(struct mask *mask) {
	if (mask == NULL) {
		return;
	}
	for (size_t i = 0; i < mask->count; i++) {
		explicit_bzero(mask->pieces[i].text, mask->pieces[i].len);
		free(mask->pieces[i].text);
	}
	free(mask->pieces);
	free(mask);
}

/* Bytes hidden here: 0 if no value begins at @at. */
static size_t hidden_at(
		const struct mask *mask, const char *at, size_t left, bool *unsure) {
	*unsure = false;
	if (!mask->begins[(unsigned char)*at]) {
		return 0;
	}
	for (size_t i = 0; i < mask->count; i++) {
		const struct piece *piece = &mask->pieces[i];
		size_t common = piece->len < left ? piece->len : left;
		if (memcmp(piece->text, at, common) != 0) {
			continue;
		}
		if (common == piece->len) {
			return piece->len;
		}
		*unsure = true;
	}
	return 0;
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
