#include "fuzz/mattermost.h"

#include <assert.h>
#include <string.h>

#include "fuzz/input.h"

void check_id(const char *id) {
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
								  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+";
	size_t len = strlen(id);
	assert(len > 0 && len <= 64);
	assert(strspn(id, allowed) == len);
}

void check_id_or_none(const char *id) {
	if (id != NULL && *id != '\0') {
		check_id(id);
	}
}

static void check_post(const struct mattermost_post *post) {
	check_id(post->id);
	check_id_or_none(post->channel_id);
	check_id_or_none(post->user_id);
	check_id_or_none(post->root_id);
	check_id_or_none(post->original_id);
	fuzz_touch(post->message);
	fuzz_touch(post->type);
	fuzz_touch(post->key);
	assert(post->create_at_ms >= 0 && post->update_at_ms >= 0);
	assert(post->edit_at_ms >= 0 && post->delete_at_ms >= 0);
	for (size_t i = 0; i < post->file_count; i++) {
		check_id(post->file_ids[i]);
	}
}

void check_posts(const struct mattermost_posts *posts) {
	for (size_t i = 0; i < posts->count; i++) {
		check_post(&posts->posts[i]);
	}
}

void check_taps(const struct mattermost_taps *taps) {
	for (size_t i = 0; i < taps->count; i++) {
		const struct mattermost_tapped *post = &taps->posts[i];
		check_id(post->post_id);
		for (size_t k = 0; k < post->count; k++) {
			check_id(post->taps[k].user_id);
			fuzz_touch(post->taps[k].emoji);
			assert(post->taps[k].update_at_ms >= 0);
		}
	}
}

void check_users(const struct mattermost_users *users) {
	for (size_t i = 0; i < users->count; i++) {
		check_id(users->users[i].id);
		fuzz_touch(users->users[i].name);
	}
}

void check_ids(const struct mattermost_ids *ids) {
	for (size_t i = 0; i < ids->count; i++) {
		check_id(ids->ids[i]);
	}
}
