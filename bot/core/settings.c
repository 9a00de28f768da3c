#include "core/settings.h"

#include <string.h>
#include <strings.h>

/* Mattermost suffixes skin tones: "+1_medium_dark_skin_tone". */
static size_t folded_length(const char *name) {
	static const char *const tones[] = { "_medium_light_skin_tone",
		"_medium_dark_skin_tone", "_light_skin_tone", "_dark_skin_tone",
		"_medium_skin_tone" };
	size_t len = strlen(name);
	for (size_t i = 0; i < sizeof(tones) / sizeof(tones[0]); i++) {
		size_t tone = strlen(tones[i]);
		if (len > tone && strcmp(name + len - tone, tones[i]) == 0) {
			return len - tone;
		}
	}
	return len;
}

/* The server keeps aliases apart: one thumb is stored under two names. */
static bool same_emoji(const char *name, size_t len, const char *wanted) {
	if (strlen(wanted) == len && strncasecmp(name, wanted, len) == 0) {
		return true;
	}
	if (strcmp(wanted, "+1") == 0) {
		return len == 8 && strncasecmp(name, "thumbsup", len) == 0;
	}
	if (strcmp(wanted, "-1") == 0) {
		return len == 10 && strncasecmp(name, "thumbsdown", len) == 0;
	}
	return false;
}

enum tap_meaning settings_tap(
		const struct settings *settings, const char *name) {
	size_t len = folded_length(name);
	for (size_t i = 0; i < settings->yes_count; i++) {
		if (same_emoji(name, len, settings->yes[i])) {
			return TAP_YES;
		}
	}
	for (size_t i = 0; i < settings->no_count; i++) {
		if (same_emoji(name, len, settings->no[i])) {
			return TAP_NO;
		}
	}
	return TAP_NOTHING;
}

const struct holders *settings_holders(
		const struct settings *settings, const char *role) {
	for (size_t i = 0; i < settings->holder_count; i++) {
		if (strcasecmp(settings->holders[i].role, role) == 0) {
			return &settings->holders[i];
		}
	}
	return NULL;
}
