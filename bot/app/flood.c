#include "app/flood.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define VOICES    64 // at once; of more the one heard longest ago is forgotten
#define USER_ROOM 65

struct voice_heard {
	char user[USER_ROOM];
	int64_t since_ms;
	unsigned count;
	uint64_t posts[FLOOD_MOST + 1]; // hashes of the first so many
};

struct flood {
	struct voice_heard voices[VOICES];
};

struct flood *flood_create(void) {
	return xcalloc(1, sizeof(struct flood));
}

void flood_destroy(struct flood *flood) {
	free(flood);
}

static struct voice_heard *find(struct flood *flood, const char *user) {
	struct voice_heard *oldest = &flood->voices[0];
	for (size_t i = 0; i < VOICES; i++) {
		struct voice_heard *voice = &flood->voices[i];
		if (strcmp(voice->user, user) == 0) {
			return voice;
		}
		if (voice->since_ms < oldest->since_ms) {
			oldest = voice;
		}
	}
	*oldest = (struct voice_heard){ .since_ms = INT64_MIN };
	snprintf(oldest->user, sizeof(oldest->user), "%s", user);
	return oldest;
}

/* FNV-1a: two posts of one hash would count as one, which harms nobody. */
static uint64_t hash_of(const char *text) {
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (; *text != '\0'; text++) {
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	}
	return hash;
}

unsigned flood_count(struct flood *flood, const char *user, const char *post,
		int64_t at_ms) {
	uint64_t hash = hash_of(post);
	struct voice_heard *voice = find(flood, user);
	/* What is read again after a gap is older: a window of its own. */
	if (at_ms < voice->since_ms || voice->since_ms == INT64_MIN ||
			at_ms - voice->since_ms >= FLOOD_MS) {
		voice->since_ms = at_ms;
		voice->count = 0;
	}
	for (unsigned i = 0; i < voice->count && i <= FLOOD_MOST; i++) {
		if (voice->posts[i] == hash) {
			return i + 1;
		}
	}
	if (voice->count <= FLOOD_MOST) {
		voice->posts[voice->count] = hash;
	}
	voice->count++;
	return voice->count;
}
