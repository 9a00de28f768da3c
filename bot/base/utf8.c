#include "base/utf8.h"

#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" // U+FFFD

static size_t announced_len(unsigned char first) {
	if (first < 0x80) {
		return 1;
	}
	if (first >= 0xc2 && first <= 0xdf) {
		return 2;
	}
	if (first >= 0xe0 && first <= 0xef) {
		return 3;
	}
	return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/* Table 3-7 of the Unicode standard: only the second byte has odd bounds. */
static int second_fits(unsigned char first, unsigned char second) {
	unsigned char low = 0x80;
	unsigned char high = 0xbf;
	switch (first) {
	case 0xe0:
		low = 0xa0;
		break;
	case 0xed:
		high = 0x9f;
		break;
	case 0xf0:
		low = 0x90;
		break;
	case 0xf4:
		high = 0x8f;
		break;
	default:
		break;
	}
	return second >= low && second <= high;
}

size_t utf8_char_len(const char *bytes, size_t len) {
	if (len == 0) {
		return 0;
	}
	const unsigned char *at = (const unsigned char *)bytes;
	size_t want = announced_len(at[0]);
	if (want == 0 || want > len || (want > 1 && !second_fits(at[0], at[1]))) {
		return 0;
	}
	for (size_t i = 2; i < want; i++) {
		if ((at[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	return want;
}

void utf8_add_clean(struct str *out, const char *bytes, size_t len) {
	for (size_t i = 0; i < len;) {
		size_t n = utf8_char_len(bytes + i, len - i);
		if (n == 0) {
			str_add(out, REPLACEMENT);
			i++;
		} else {
			str_add_bytes(out, bytes + i, n);
			i += n;
		}
	}
}

size_t utf8_cut(const char *text, size_t len, size_t max) {
	if (len <= max) {
		return len;
	}
	size_t cut = max;
	while (cut > 0 && ((unsigned char)text[cut] & 0xc0) == 0x80) {
		cut--;
	}
	return cut;
}

uint32_t utf8_next(const char *text, size_t *len) {
	static const unsigned char lead_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	*len = text[0] != '\0' ? 1 : 0;
	// A NUL is no continuation byte: nothing behind it is looked at.
	size_t have = strnlen(text, 4);
	size_t bytes = utf8_char_len(text, have);
	if (bytes == 0) {
		return *len > 0 ? UTF8_REPLACEMENT : 0;
	}
	uint32_t point = (unsigned char)text[0] & lead_bits[bytes];
	for (size_t i = 1; i < bytes; i++) {
		point = point << 6 | ((unsigned char)text[i] & 0x3fu);
	}
	*len = bytes;
	return point;
}

bool utf8_turns(uint32_t point) {
	return point == 0x061C || point == 0x200E || point == 0x200F ||
			(point >= 0x202A && point <= 0x202E) ||
			(point >= 0x2066 && point <= 0x2069);
}

size_t utf8_count(const char *text) {
	size_t count = 0;
	for (size_t len = 0; *text != '\0'; text += len) {
		utf8_next(text, &len);
		count++;
	}
	return count;
}

size_t utf8_prefix(const char *text, size_t most) {
	size_t bytes = 0;
	for (size_t i = 0; i < most && text[bytes] != '\0'; i++) {
		size_t len = 0;
		utf8_next(text + bytes, &len);
		bytes += len;
	}
	return bytes;
}
