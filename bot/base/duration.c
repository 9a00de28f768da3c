#include "base/duration.h"

#include <stddef.h>
#include <string.h>

#define SET_BACK_MS 60000

bool duration_parse(const char *text, int64_t *ms) {
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
		{ "d", 86400000 } };
	size_t digits = strspn(text, "0123456789");
	int64_t count = 0;
	for (size_t i = 0; i < digits; i++) {
		count = count * 10 + (text[i] - '0');
		if (count > DURATION_MAX_MS) {
			return false;
		}
	}
	if (digits > 0 && text[digits] == '\0' && count == 0) {
		*ms = 0;
		return true;
	}
	for (size_t i = 0; digits > 0 && i < sizeof(units) / sizeof(units[0]);
			i++) {
		if (strcmp(text + digits, units[i].name) == 0 &&
				count <= DURATION_MAX_MS / units[i].ms) {
			*ms = count * units[i].ms;
			return true;
		}
	}
	return false;
}

bool duration_is_ahead(int64_t since_ms, int64_t now_ms) {
	return since_ms > now_ms + SET_BACK_MS;
}

int64_t duration_end_ms(int64_t since_ms, int64_t lasting_ms, int64_t now_ms) {
	return duration_is_ahead(since_ms, now_ms) ? now_ms : since_ms + lasting_ms;
}
