#include "base/bytes.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

const char *bytes_words(uint64_t bytes, char words[BYTES_ROOM]) {
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	if (bytes < 1000) {
		snprintf(words, BYTES_ROOM, "%" PRIu64 " B", bytes);
		return words;
	}
	size_t unit = 0;
	uint64_t scale = 1000;
	while (bytes / scale >= 1000) {
		scale *= 1000;
		unit++;
	}
	uint64_t tenths = bytes / (scale / 10);
	if (tenths < 100) {
		snprintf(words, BYTES_ROOM, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10,
				tenths % 10, units[unit]);
	} else {
		snprintf(words, BYTES_ROOM, "%" PRIu64 " %s", tenths / 10, units[unit]);
	}
	return words;
}
