#include "codec/mattermost_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "support/test.h"

/* Texts as the servers send them: 5.37 tight, 11.6 with blanks. */
#define POST_5 \
	"{\\\"id\\\":\\\"p1\\\",\\\"create_at\\\":1795423636694," \
	"\\\"update_at\\\":1795423636695,\\\"edit_at\\\":0,\\\"delete_at\\" \
	"\":0," \
	"\\\"user_id\\\":\\\"u1\\\",\\\"channel_id\\\":\\\"c1\\\"," \
	"\\\"root_id\\\":\\\"\\\",\\\"parent_id\\\":\\\"\\\"," \
	"\\\"original_id\\\":\\\"\\\",\\\"message\\\":\\\"!cutover status " \
	"\\\\u003cb\\\\u003e\\\"," \
	"\\\"type\\\":\\\"\\\",\\\"props\\\":{\\\"from_bot\\\":\\\"true\\" \
	"\"," \
	"\\\"bridgekeeper\\\":\\\"LB-7/status/1\\\"},\\\"participants\\\":" \
	"null}"

static void read_ok(const char *text, struct mattermost_frame *frame) {
	struct err err = { 0 };
	if (!mattermost_json_read_frame(text, strlen(text), frame, &err)) {
		fail_msg("%s", err.text);
	}
}

static void a_hello_names_its_connection(void **state) {
	(void)state;
	struct mattermost_frame frame;
	read_ok("{\"event\":\"hello\",\"data\":{\"connection_id\":\"k1\","
			"\"server_version\":\"5.37.0\"},\"broadcast\":{\"omit_users\":null,"
			"\"user_id\":\"u0\",\"channel_id\":\"\",\"team_id\":\"\"},"
			"\"seq\":0}\n",
			&frame);
	assert_int_equal(frame.kind, MATTERMOST_FRAME_HELLO);
	assert_string_equal(frame.connection_id, "k1");
	assert_int_equal(frame.seq, 0);
	mattermost_json_finish_frame(&frame);
}

/* With EnableReliableWebSockets switched off. */
static void a_hello_without_a_name_is_one_too(void **state) {
	(void)state;
	struct mattermost_frame frame;
	read_ok("{\"event\":\"hello\",\"data\":{\"connection_id\":null,"
			"\"server_version\":\"5.37.0\"},\"broadcast\":{},\"seq\":0}",
			&frame);
	assert_int_equal(frame.kind, MATTERMOST_FRAME_HELLO);
	assert_string_equal(frame.connection_id, "");
	mattermost_json_finish_frame(&frame);
}

static void a_posted_event_holds_json_in_json(void **state) {
	(void)state;
	struct mattermost_frame frame;
	read_ok("{\"event\": \"posted\", \"data\": {\"channel_type\":\"O\","
			"\"post\":\"" POST_5 "\",\"sender_name\":\"@cto\"}, "
			"\"broadcast\": {\"channel_id\":\"c1\",\"connection_id\":\"\"}, "
			"\"seq\": 2}",
			&frame);
	assert_int_equal(frame.kind, MATTERMOST_FRAME_POSTED);
	assert_string_equal(frame.channel_id, "c1");
	assert_int_equal(frame.posts.count, 1);
	const struct mattermost_post *post = &frame.posts.posts[0];
	assert_string_equal(post->message, "!cutover status <b>");
	assert_string_equal(post->key, "LB-7/status/1");
	assert_true(post->from_bot);
	assert_false(post->from_webhook);
	assert_int_equal(post->create_at_ms, 1795423636694);
	assert_int_equal(post->update_at_ms, 1795423636695);
	assert_int_equal(post->file_count, 0);
	mattermost_json_finish_frame(&frame);
}

static void a_reaction_event_says_where_to_look(void **state) {
	(void)state;
	struct mattermost_frame frame;
	read_ok("{\"event\":\"reaction_removed\",\"data\":{\"reaction\":"
			"\"{\\\"user_id\\\":\\\"u1\\\",\\\"post_id\\\":\\\"p7\\\","
			"\\\"emoji_name\\\":\\\"+1\\\",\\\"create_at\\\":0}\"},"
			"\"broadcast\":{\"channel_id\":\"c1\"},\"seq\":9}",
			&frame);
	assert_int_equal(frame.kind, MATTERMOST_FRAME_REACTION);
	assert_string_equal(frame.post_id, "p7");
	assert_string_equal(frame.channel_id, "c1");
	mattermost_json_finish_frame(&frame);
}

static void who_was_removed_is_known_in_both_forms(void **state) {
	(void)state;
	struct mattermost_frame frame;
	read_ok("{\"event\":\"user_removed\",\"data\":{\"channel_id\":\"c1\","
			"\"remover_id\":\"u2\"},\"broadcast\":{\"user_id\":\"me\","
			"\"channel_id\":\"\"},\"seq\":3}",
			&frame);
	assert_string_equal(frame.user_id, "me");
	assert_string_equal(frame.channel_id, "c1");
	mattermost_json_finish_frame(&frame);
	read_ok("{\"event\":\"user_removed\",\"data\":{\"user_id\":\"u3\","
			"\"remover_id\":\"u2\"},\"broadcast\":{\"user_id\":\"\","
			"\"channel_id\":\"c1\"},\"seq\":4}",
			&frame);
	assert_string_equal(frame.user_id, "u3");
	assert_string_equal(frame.channel_id, "c1");
	mattermost_json_finish_frame(&frame);
}

static void an_updated_user_comes_as_an_object(void **state) {
	(void)state;
	struct mattermost_frame frame;
	read_ok("{\"event\":\"user_updated\",\"data\":{\"user\":{\"id\":\"u1\","
			"\"delete_at\":1795423663934,\"username\":\"old.cto\","
			"\"roles\":\"system_guest\",\"is_bot\":true}},"
			"\"broadcast\":{},\"seq\":2}",
			&frame);
	assert_int_equal(frame.users.count, 1);
	assert_string_equal(frame.users.users[0].name, "old.cto");
	assert_false(frame.users.users[0].active);
	assert_true(frame.users.users[0].bot);
	assert_true(frame.users.users[0].guest);
	mattermost_json_finish_frame(&frame);
}

static void replies_and_unknown_events_are_told_apart(void **state) {
	(void)state;
	struct mattermost_frame frame;
	read_ok("{\"status\":\"OK\",\"data\":{\"text\":\"pong\"},\"seq_reply\":1}",
			&frame);
	assert_int_equal(frame.kind, MATTERMOST_FRAME_REPLY);
	assert_true(frame.reply_ok);
	assert_int_equal(frame.seq_reply, 1);
	mattermost_json_finish_frame(&frame);
	read_ok("{\"status\":\"FAIL\",\"error\":{\"id\":"
			"\"api.web_socket_router.not_authenticated.app_error\","
			"\"message\":\"token secret\"},\"seq_reply\":2}",
			&frame);
	assert_false(frame.reply_ok);
	assert_string_equal(frame.error_id,
			"api.web_socket_router.not_authenticated.app_error");
	mattermost_json_finish_frame(&frame);
	read_ok("{\"event\":\"thread_updated\",\"data\":{},\"broadcast\":null,"
			"\"seq\":300}",
			&frame);
	assert_int_equal(frame.kind, MATTERMOST_FRAME_OTHER);
	assert_int_equal(frame.seq, 300);
	mattermost_json_finish_frame(&frame);
}

#define EVENT(event, data) \
	"{\"event\":\"" event "\",\"data\":" data ",\"broadcast\":{},\"seq\":1}"

static void a_bad_frame_is_refused_with_what_is_wrong(void **state) {
	(void)state;
	static const char *const bad[][2] = {
		{ "", "not JSON" },
		{ "hello", "not JSON" },
		{ "{\"event\":\"posted\"", "not JSON" },
		{ "{} trailing", "not JSON" },
		{ "[]", "not an object" },
		{ "null", "not an object" },
		{ "{}", "neither an event nor a reply" },
		{ "{\"event\":7,\"seq\":1}", "neither an event nor a reply" },
		{ "{\"event\":\"posted\",\"seq\":\"1\"}", "neither an event" },
		{ "{\"event\":\"x\",\"seq\":-1}", "`seq` is no usable number" },
		{ "{\"event\":\"x\",\"seq\":1.5}", "`seq` is no usable number" },
		{ "{\"event\":\"x\",\"seq\":1e300}", "`seq` is no usable number" },
		{ "{\"event\":\"\xff\",\"seq\":1}", "not UTF-8" },
		{ "{\"event\":\"a\\u0000b\",\"seq\":1}", "a NUL in a string" },
		{ "{\"status\":\"OK\",\"seq_reply\":{}}", "`seq_reply`" },
		{ EVENT("hello", "{\"connection_id\":\"../x\"}"), "`connection_id`" },
		{ EVENT("posted", "{}"), "posted: no `post`" },
		{ EVENT("posted", "{\"post\":{}}"), "posted: no `post`" },
		{ EVENT("posted", "{\"post\":\"{\"}"), "`post`: not JSON" },
		{ EVENT("posted", "{\"post\":\"[]\"}"), "a post is no object" },
		{ EVENT("posted", "{\"post\":\"{}\"}"), "no `message`" },
		{ EVENT("posted", "{\"post\":\"{\\\"message\\\":\\\"\\\\u0000\\\"}\"}"),
				"a NUL in a string" },
		{ EVENT("posted", "{\"post\":\"{\\\"message\\\":\\\"\\\"}\"}"),
				"no usable `id`" },
		{ EVENT("posted",
				  "{\"post\":\"{\\\"message\\\":\\\"\\\",\\\"id\\\":\\\"p1\\\","
				  "\\\"channel_id\\\":\\\"c1\\\",\\\"user_id\\\":\\\"u1\\\","
				  "\\\"create_at\\\":\\\"today\\\"}\"}"),
				"`create_at` is no usable number" },
		{ EVENT("posted",
				  "{\"post\":\"{\\\"message\\\":\\\"\\\",\\\"id\\\":\\\"p1\\\","
				  "\\\"channel_id\\\":\\\"c1\\\",\\\"user_id\\\":\\\"u1\\\","
				  "\\\"file_ids\\\":[\\\"f1\\\",7]}\"}"),
				"no usable id in `file_ids`" },
		{ EVENT("reaction_added", "{\"reaction\":\"{}\"}"), "`post_id`" },
		{ EVENT("reaction_added", "null"), "no `reaction`" },
		{ EVENT("user_updated", "{\"user\":\"u1\"}"), "no `user`" },
		{ EVENT("user_updated", "{\"user\":{\"id\":\"u1\"}}"), "`username`" },
		{ EVENT("user_added", "{\"user_id\":\"a b\"}"), "`user_id`" },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct mattermost_frame frame;
		struct err err = { 0 };
		assert_false(mattermost_json_read_frame(
				bad[i][0], strlen(bad[i][0]), &frame, &err));
		if (strstr(err.text, bad[i][1]) == NULL) {
			fail_msg("%s: \"%s\" is not in \"%s\"", bad[i][0], bad[i][1],
					err.text);
		}
	}
	struct mattermost_frame frame;
	struct err err = { 0 };
	assert_false(mattermost_json_read_frame("{}\0{}", 5, &frame, &err));
	assert_string_equal(err.text, "a frame with a NUL");
}

static void a_backslash_before_u0000_is_a_text_not_a_nul(void **state) {
	(void)state;
	struct mattermost_frame frame;
	read_ok("{\"event\":\"x\",\"data\":{\"a\":\"\\\\u0000\"},\"seq\":1}",
			&frame);
	mattermost_json_finish_frame(&frame);
}

static void a_page_keeps_the_order_that_the_server_gives(void **state) {
	(void)state;
	struct mattermost_posts page;
	struct err err = { 0 };
	assert_true(mattermost_json_read_page(
			"{\"order\":[\"p2\",\"p1\"],\"posts\":{"
			"\"p1\":{\"id\":\"p1\",\"channel_id\":\"c1\",\"user_id\":\"u1\","
			"\"message\":\"one\",\"file_ids\":[\"f1\",\"f2\"],\"props\":null},"
			"\"p2\":{\"id\":\"p2\",\"channel_id\":\"c1\",\"user_id\":\"u1\","
			"\"message\":\"two\",\"file_ids\":null,\"props\":"
			"{\"from_webhook\":false,\"bridgekeeper\":\"has a blank\"}}},"
			"\"next_post_id\":\"\",\"prev_post_id\":\"\"}",
			&page, &err));
	assert_int_equal(page.count, 2);
	assert_string_equal(page.posts[0].message, "two");
	assert_true(page.posts[0].from_webhook);
	assert_string_equal(page.posts[0].key, "");
	assert_string_equal(page.posts[1].file_ids[1], "f2");
	mattermost_json_finish_posts(&page);
	assert_true(mattermost_json_read_page(
			"{\"order\":null,\"posts\":null}", &page, &err));
	assert_int_equal(page.count, 0);
	mattermost_json_finish_posts(&page);
}

static void a_bad_answer_is_refused_with_what_is_wrong(void **state) {
	(void)state;
	struct mattermost_posts page;
	struct mattermost_taps taps;
	struct mattermost_users users;
	struct mattermost_ids ids;
	char id[65];
	struct err err = { 0 };
	assert_false(mattermost_json_read_page("<html>", &page, &err));
	assert_string_equal(err.text, "a page of posts: not JSON at byte 0 of 6");
	assert_false(mattermost_json_read_page("null", &page, &err));
	assert_false(mattermost_json_read_page("{\"order\":{}}", &page, &err));
	assert_string_equal(err.text, "a page of posts: `order` is no list");
	assert_false(mattermost_json_read_page(
			"{\"order\":[\"p1\"],\"posts\":{}}", &page, &err));
	assert_string_equal(
			err.text, "a page of posts: number 1: a post is no object");
	assert_false(mattermost_json_read_post("{\"id\":\"p1\"}", &page, &err));
	assert_string_equal(err.text, "a post: a post has no `message`");
	assert_false(mattermost_json_read_taps("[]", &taps, &err));
	assert_false(mattermost_json_read_taps("{\"p1\":{}}", &taps, &err));
	assert_string_equal(err.text, "reactions: `p1` is no list");
	assert_false(mattermost_json_read_taps("{\"p1\":[{}]}", &taps, &err));
	assert_false(mattermost_json_read_taps("{\"a/b\":[]}", &taps, &err));
	assert_false(mattermost_json_read_users("[{\"id\":\"u1\"}]", &users, &err));
	assert_false(mattermost_json_read_users("\"\"", &users, &err));
	assert_false(mattermost_json_read_members("[1]", &ids, &err));
	assert_string_equal(err.text, "members: no usable `user_id`");
	assert_false(
			mattermost_json_read_files("{\"file_infos\":[{}]}", &ids, &err));
	assert_false(mattermost_json_read_id("{\"id\":\"\"}", id, NULL, &err));
	assert_int_equal(mattermost_json_read_max_post("{\"MaxPostSize\":7}"), 0);
	assert_int_equal(mattermost_json_read_max_post("no"), 0);
}

static void null_is_an_empty_list_of_taps(void **state) {
	(void)state;
	struct mattermost_taps taps;
	struct err err = { 0 };
	assert_true(mattermost_json_read_taps(
			"{\"p1\":null,\"p2\":[{\"user_id\":\"u1\",\"post_id\":\"p2\","
			"\"emoji_name\":\"+1\",\"create_at\":1,\"update_at\":5,"
			"\"delete_at\":0},{\"user_id\":\"u2\",\"emoji_name\":\"x\","
			"\"update_at\":6,\"delete_at\":7},{\"user_id\":\"u3\","
			"\"emoji_name\":\"\xe2\x9c\x85\",\"update_at\":8}]}",
			&taps, &err));
	assert_int_equal(taps.count, 2);
	assert_int_equal(taps.posts[0].count, 0);
	assert_int_equal(taps.posts[1].count, 2);
	assert_string_equal(taps.posts[1].taps[0].emoji, "+1");
	assert_int_equal(taps.posts[1].taps[0].update_at_ms, 5);
	assert_string_equal(taps.posts[1].taps[1].user_id, "u3");
	mattermost_json_finish_taps(&taps);
}

static void lookups_are_read(void **state) {
	(void)state;
	struct err err = { 0 };
	struct mattermost_users users;
	assert_true(mattermost_json_read_users(
			"[{\"id\":\"u1\",\"username\":\"cto\",\"roles\":\"system_user\"},"
			"{\"id\":\"u2\",\"username\":\"g\",\"roles\":\"a system_guest\"}]",
			&users, &err));
	assert_int_equal(users.count, 2);
	assert_true(users.users[0].active);
	assert_false(users.users[0].guest);
	assert_true(users.users[1].guest);
	mattermost_json_finish_users(&users);
	struct mattermost_ids ids;
	assert_true(mattermost_json_read_members(
			"[{\"user_id\":\"u1\"},{\"user_id\":\"u2\"}]", &ids, &err));
	assert_string_equal(ids.ids[1], "u2");
	mattermost_json_finish_ids(&ids);
	assert_true(mattermost_json_read_files(
			"{\"file_infos\":[{\"id\":\"f1\"}]}", &ids, &err));
	assert_string_equal(ids.ids[0], "f1");
	mattermost_json_finish_ids(&ids);
	char id[65];
	bool archived = false;
	assert_true(mattermost_json_read_id(
			"{\"id\":\"c1\",\"delete_at\":12}", id, &archived, &err));
	assert_string_equal(id, "c1");
	assert_true(archived);
	assert_int_equal(
			mattermost_json_read_max_post("{\"MaxPostSize\":\"16383\"}"),
			16383);
}

static void a_refusal_says_its_id_and_one_clean_line(void **state) {
	(void)state;
	struct mattermost_error error;
	const char *json = "{\"id\":\"api.x.app_error\",\"message\":\"No\\n\\u0007"
					   "way.\",\"status_code\":403}";
	mattermost_json_read_error(json, strlen(json), &error);
	assert_string_equal(error.id, "api.x.app_error");
	assert_string_equal(error.message, "No  way.");
	mattermost_json_read_error("limit exceeded\n", 15, &error);
	assert_string_equal(error.id, "");
	assert_string_equal(error.message, "limit exceeded");
	mattermost_json_read_error("\xff\x01\0x", 4, &error);
	assert_string_equal(error.message, "\xef\xbf\xbd");
}

static void the_mark_of_a_post_can_be_read(void **state) {
	(void)state;
	static const struct {
		const char *props;
		const char *mark;
	} cases[] = {
		{ "{\"bridgekeeper\":\"k\",\"bridgekeeper_mark\":\"m\"}", "m" },
		{ "{\"bridgekeeper\":\"k\"}", "" },
		{ "{\"bridgekeeper_mark\":7}", "" }, // a prankster's
		{ "null", "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mattermost_posts posts = { 0 };
		struct err err = { 0 };
		char *text = xasprintf("{\"id\":\"p\",\"channel_id\":\"c\","
							   "\"user_id\":\"u\",\"message\":\"\","
							   "\"props\":%s}",
				cases[i].props);
		assert_true(mattermost_json_read_post(text, &posts, &err));
		assert_string_equal(posts.posts[0].mark, cases[i].mark);
		mattermost_json_finish_posts(&posts);
		free(text);
	}
}

static void what_is_written_is_what_the_server_takes(void **state) {
	(void)state;
	char *text = mattermost_json_write_post(&(struct mattermost_new_post){
			.channel_id = "c1",
			.root_id = "",
			.message = "a \"b\"\n",
			.pending_post_id = "u0:k",
			.key = "k",
			.mark = "m",
			.file_id = "f1",
	});
	assert_string_equal(text,
			"{\"channel_id\":\"c1\",\"root_id\":\"\","
			"\"message\":\"a \\\"b\\\"\\n\",\"pending_post_id\":\"u0:k\","
			"\"props\":{\"bridgekeeper\":\"k\","
			"\"bridgekeeper_mark\":\"m\"},\"file_ids\":[\"f1\"]}");
	free(text);
	text = mattermost_json_write_patch("x");
	assert_string_equal(text, "{\"message\":\"x\"}");
	free(text);
	text = mattermost_json_write_reaction("u0", "p1", "+1");
	assert_string_equal(text,
			"{\"user_id\":\"u0\",\"post_id\":\"p1\",\"emoji_name\":\"+1\"}");
	free(text);
	text = mattermost_json_write_list((const char *const[]){ "a", "b" }, 2);
	assert_string_equal(text, "[\"a\",\"b\"]");
	free(text);
	text = mattermost_json_write_action("ping", 12);
	assert_string_equal(text, "{\"action\":\"ping\",\"seq\":12}");
	free(text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hello_names_its_connection),
		cmocka_unit_test(a_hello_without_a_name_is_one_too),
		cmocka_unit_test(a_posted_event_holds_json_in_json),
		cmocka_unit_test(a_reaction_event_says_where_to_look),
		cmocka_unit_test(who_was_removed_is_known_in_both_forms),
		cmocka_unit_test(an_updated_user_comes_as_an_object),
		cmocka_unit_test(replies_and_unknown_events_are_told_apart),
		cmocka_unit_test(a_bad_frame_is_refused_with_what_is_wrong),
		cmocka_unit_test(a_backslash_before_u0000_is_a_text_not_a_nul),
		cmocka_unit_test(a_page_keeps_the_order_that_the_server_gives),
		cmocka_unit_test(a_bad_answer_is_refused_with_what_is_wrong),
		cmocka_unit_test(null_is_an_empty_list_of_taps),
		cmocka_unit_test(lookups_are_read),
		cmocka_unit_test(a_refusal_says_its_id_and_one_clean_line),
		cmocka_unit_test(the_mark_of_a_post_can_be_read),
		cmocka_unit_test(what_is_written_is_what_the_server_takes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
