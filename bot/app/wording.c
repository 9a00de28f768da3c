#include "app/wording.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "base/str.h"
#include "base/utf8.h"
#include "journal/journal.h"
#include "sys/log.h"

#define NAME_ROOM  512
#define VALUE_ROOM (2 * SHA256_HEX + 1) // two hashes, the newer first

static bool name_of(const char *kind, const char *key, char name[NAME_ROOM]) {
	int len = snprintf(name, NAME_ROOM, "%s:%s", kind, key);
	return len > 0 && len < NAME_ROOM;
}

/* Servers and editors may drop white space at the end. */
static void hash_of(const char *text, char hash[SHA256_HEX]) {
	size_t len = strlen(text);
	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL) {
		len--;
	}
	sha256_of(text, len, hash);
}

bool wording_remember(struct journal *journal, const char *key,
		const char *text, struct err *err) {
	char name[NAME_ROOM];
	char before[VALUE_ROOM] = "";
	char hash[SHA256_HEX];
	char value[VALUE_ROOM];
	if (!name_of("said", key, name)) {
		return true;
	}
	journal->api->get(journal, name, before, sizeof(before));
	hash_of(text, hash);
	if (strncmp(before, hash, strlen(hash)) == 0) {
		return true; // tried before: the older one must not be forgotten
	}
	snprintf(value, sizeof(value), "%s %.64s", hash, before);
	return journal->api->put(journal, name, value, err);
}

bool wording_is_ours(
		struct journal *journal, const char *key, const char *text) {
	char name[NAME_ROOM];
	char known[VALUE_ROOM] = "";
	char hash[SHA256_HEX];
	if (!name_of("said", key, name) ||
			!journal->api->get(journal, name, known, sizeof(known))) {
		return true;
	}
	hash_of(text, hash);
	return strstr(known, hash) != NULL;
}

void wording_remember_time(
		struct journal *journal, const char *key, int64_t create_at_ms) {
	struct err err = { 0 };
	char name[NAME_ROOM];
	char value[32];
	snprintf(value, sizeof(value), "%" PRId64, create_at_ms);
	if (name_of("at", key, name) &&
			!journal->api->put(journal, name, value, &err)) {
		/* No reason to lose the post. */
		log_warn("wording.time_lost", "key=%s why=\"%s\"", key, err.text);
	}
}

int64_t wording_time(struct journal *journal, const char *key) {
	char name[NAME_ROOM];
	char value[32];
	return name_of("at", key, name) &&
					journal->api->get(journal, name, value, sizeof(value))
			? strtoll(value, NULL, 10)
			: 0;
}

char *wording_fit(const char *text, size_t most) {
	static const char mark[] = "\n" WORDING_CUT;
	struct str clean;
	str_init(&clean, 0);
	utf8_add_clean(&clean, text, strlen(text));
	if (most > 0 && utf8_prefix(str_text(&clean), most) < clean.len) {
		size_t kept = most > sizeof(mark) ? most - sizeof(mark) : 0;
		str_truncate(&clean, utf8_prefix(str_text(&clean), kept));
		str_add(&clean, mark);
	}
	return str_take(&clean);
}
