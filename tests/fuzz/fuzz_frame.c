/* A websocket frame, whatever it is, is read or refused; ids that come out of
 * it can stand in a path. */
#include <assert.h>
#include <stdlib.h>

#include "codec/mattermost_json.h"
#include "fuzz/input.h"
#include "fuzz/mattermost.h"

static void check(const struct mattermost_frame *frame) {
	fuzz_touch(frame->connection_id);
	fuzz_touch(frame->error_id);
	check_id_or_none(frame->channel_id);
	check_id_or_none(frame->post_id);
	check_id_or_none(frame->user_id);
	check_posts(&frame->posts);
	check_users(&frame->users);
	assert(frame->seq >= 0 && frame->seq_reply >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = fuzz_text(data, size);
	struct mattermost_frame frame;
	struct err err = { 0 };
	if (mattermost_json_read_frame(text, size, &frame, &err)) {
		check(&frame);
		mattermost_json_finish_frame(&frame);
	} else {
		assert(err.text[0] != '\0');
	}
	free(text);
	return 0;
}
