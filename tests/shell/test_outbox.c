#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/outbox.h"
#include "app/wording.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "journal/journal.h"
#include "mattermost/server.h"
#include "support/fake_loop.h"
#include "support/fake_server.h"
#include "support/frail_journal.h"
#include "support/test.h"

/* An outbox between a journal and a chat. */
struct bench {
	struct loop *loop;
	struct journal *journal;
	struct fake_chat *chat;
	struct server *server;
	struct outbox *outbox;
	const char *boot;
	struct str settled; // "KEY sent", "KEY dead", a line each
	struct str refused; // likewise "KEY why"
};

static void on_refused(
		void *data, const struct outbox_row *row, const char *why) {
	struct bench *bench = data;
	const char *name = row->channel[0] != '\0' ? row->channel : "ours";
	str_addf(&bench->refused, "%s in %s: %s\n", row->key, name, why);
}

static void on_settled(
		void *data, const struct outbox_row *row, bool sent, const char *why) {
	struct bench *bench = data;
	(void)why;
	str_addf(&bench->settled, "%s %s\n", row->key, sent ? "sent" : "dead");
}

static bool on_takes_taps(void *data, const char *key) {
	(void)data;
	return strncmp(key, "gate", 4) == 0;
}

static void hear_post(void *data, const struct server_post *post) {
	(void)data;
	(void)post;
}

static void hear_taps(void *data, const char *post_id,
		const struct server_tap *taps, size_t count) {
	(void)data;
	(void)post_id;
	(void)taps;
	(void)count;
}

static void hear_online(void *data) {
	outbox_set_online(((struct bench *)data)->outbox, true);
}

static void hear_offline(void *data, const char *why) {
	(void)why;
	outbox_set_online(((struct bench *)data)->outbox, false);
}

/* Another bot on the same journal and chat. */
static void live(struct bench *bench) {
	const struct server_sink sink = {
		.post = hear_post,
		.post_changed = hear_post,
		.taps = hear_taps,
		.online = hear_online,
		.offline = hear_offline,
	};
	bench->server = fake_server_create(bench->chat, &sink, bench);
	bench->outbox = outbox_create(&(struct outbox_options){
			.loop = bench->loop,
			.journal = bench->journal,
			.server = bench->server,
			.refused = on_refused,
			.settled = on_settled,
			.takes_taps = on_takes_taps,
			.boot = bench->boot,
			.data = bench,
	});
	outbox_wake(bench->outbox);
	fake_chat_connect(bench->chat);
}

static void die(struct bench *bench) {
	bench->server->api->destroy(bench->server);
	outbox_destroy(bench->outbox);
	assert_int_equal(fake_loop_holds(bench->loop), 0);
}

static int setup(void **state) {
	struct bench *bench = calloc(1, sizeof(*bench));
	bench->loop = fake_loop_create(1000000);
	bench->boot = "one";
	bench->journal = frail_journal_create();
	bench->chat = fake_chat_create(bench->loop);
	live(bench);
	fake_loop_go(bench->loop, 100);
	*state = bench;
	return 0;
}

static int teardown(void **state) {
	struct bench *bench = *state;
	die(bench);
	fake_chat_destroy(bench->chat);
	bench->journal->api->destroy(bench->journal);
	loop_destroy(bench->loop);
	str_finish(&bench->settled);
	str_finish(&bench->refused);
	free(bench);
	return 0;
}

static void commit(struct bench *bench, enum outbox_kind kind, const char *key,
		const char *target, const char *text) {
	struct err err = { 0 };
	const struct outbox_row row = {
		.key = key,
		.kind = kind,
		.target = target,
		.target_post = "",
		.text = text,
	};
	const struct journal_batch batch = { .outbox = &row, .outbox_count = 1 };
	assert_int_equal(bench->journal->api->append(bench->journal, &batch, &err),
			JOURNAL_APPENDED);
	outbox_wake(bench->outbox);
}

static void go(struct bench *bench, int64_t ms) {
	fake_loop_go(bench->loop, ms);
}

static size_t posts(const struct bench *bench) {
	size_t count = 0;
	fake_chat_posts(bench->chat, &count);
	return count;
}

static void rows_are_said_in_the_order_of_commit(void **state) {
	struct bench *bench = *state;
	commit(bench, OUTBOX_POST, "a", "", "first");
	commit(bench, OUTBOX_PIN, "a/pin", "a", "");
	commit(bench, OUTBOX_POST, "b", "a", "a reply");
	commit(bench, OUTBOX_POST, "c", "", "second");
	commit(bench, OUTBOX_EDIT, "a/edit/1", "a", "first, edited");
	go(bench, 1000);
	size_t count = 0;
	const struct fake_post *all = fake_chat_posts(bench->chat, &count);
	assert_int_equal(count, 3);
	assert_string_equal(all[0].key, "a");
	assert_string_equal(all[0].message, "first, edited");
	assert_true(all[0].pinned);
	assert_string_equal(all[1].root, all[0].id);
	assert_string_equal(all[2].message, "second");
	assert_int_equal(outbox_count(bench->outbox), 0);
}

static void a_reply_waits_for_its_thread(void **state) {
	struct bench *bench = *state;
	fake_chat_fault(bench->chat, FAULT_AGAIN, 1, 3);
	commit(bench, OUTBOX_POST, "a", "", "root");
	commit(bench, OUTBOX_POST, "b", "a", "reply");
	go(bench, 300);
	assert_int_equal(posts(bench), 0);
	go(bench, 5000);
	assert_string_equal(str_text(&bench->settled), "a sent\nb sent\n");
}

static void a_doubtful_post_is_looked_for(void **state) {
	struct bench *bench = *state;
	fake_chat_fault(bench->chat, FAULT_DONE, 1, 1);
	commit(bench, OUTBOX_POST, "a", "", "once");
	go(bench, 5000);
	assert_int_equal(posts(bench), 1);
	assert_string_equal(str_text(&bench->settled), "a sent\n");
	char post[64];
	assert_true(bench->journal->api->post_of(
			bench->journal, "a", post, sizeof(post)));
	assert_string_equal(post, "post1");
}

static void a_post_without_an_answer_is_looked_for_by_the_next_bot(
		void **state) {
	struct bench *bench = *state;
	fake_chat_fault(bench->chat, FAULT_NO_ANSWER, 1, 1);
	commit(bench, OUTBOX_POST, "a", "", "once");
	go(bench, 1000);
	assert_int_equal(posts(bench), 1);
	assert_int_equal(outbox_count(bench->outbox), 1);
	die(bench);
	live(bench);
	go(bench, 1000);
	assert_int_equal(posts(bench), 1);
	assert_string_equal(str_text(&bench->settled), "a sent\n");
}

/* That it was tried need not have come to the disk. */
static void after_another_boot_what_waits_is_looked_for(void **state) {
	struct bench *bench = *state;
	frail_journal_forget_tries(bench->journal, true);
	fake_chat_fault(bench->chat, FAULT_NO_ANSWER, 1, 1);
	commit(bench, OUTBOX_POST, "a", "", "once");
	go(bench, 1000);
	assert_int_equal(posts(bench), 1);
	die(bench);
	frail_journal_forget_tries(bench->journal, false);
	bench->boot = "two";
	live(bench);
	die(bench); // before it came to look
	live(bench);
	go(bench, 1000);
	assert_int_equal(posts(bench), 1);
	assert_string_equal(str_text(&bench->settled), "a sent\n");
}

static void where_the_boot_is_not_known_what_waits_is_looked_for(void **state) {
	struct bench *bench = *state;
	die(bench);
	bench->boot = "";
	live(bench);
	go(bench, 1000);
	frail_journal_forget_tries(bench->journal, true);
	fake_chat_fault(bench->chat, FAULT_NO_ANSWER, 1, 1);
	commit(bench, OUTBOX_POST, "a", "", "once");
	go(bench, 1000);
	die(bench);
	live(bench);
	go(bench, 1000);
	assert_int_equal(posts(bench), 1);
	assert_string_equal(str_text(&bench->settled), "a sent\n");
}

static void what_is_refused_for_good_is_a_dead_letter(void **state) {
	struct bench *bench = *state;
	fake_chat_fault(bench->chat, FAULT_NEVER, 1, 3);
	commit(bench, OUTBOX_POST, "a", "", "refused");
	commit(bench, OUTBOX_REACT, "a/yes", "a", "x");
	commit(bench, OUTBOX_POST, "b", "", "fine");
	go(bench, 5000);
	assert_string_equal(
			str_text(&bench->settled), "a dead\na/yes dead\nb sent\n");
	assert_int_equal(outbox_count(bench->outbox), 0);
}

/* Without its database 5.37 says 403 to what it allows. */
static void one_refusal_is_not_believed(void **state) {
	struct bench *bench = *state;
	fake_chat_fault(bench->chat, FAULT_NEVER, 1, 2);
	commit(bench, OUTBOX_POST, "a", "", "root");
	go(bench, 5000);
	fake_chat_fault(bench->chat, FAULT_NEVER, 1, 2);
	commit(bench, OUTBOX_EDIT, "a/1", "a", "edited");
	go(bench, 5000);
	assert_string_equal(str_text(&bench->settled), "a sent\na/1 sent\n");
	assert_string_equal(fake_chat_by_key(bench->chat, "a")->message, "edited");
}

static void a_reply_whose_thread_is_gone_is_said_in_the_channel(void **state) {
	struct bench *bench = *state;
	commit(bench, OUTBOX_POST, "a", "", "root");
	go(bench, 1000);
	fake_chat_fault(bench->chat, FAULT_NEVER, 1, 3);
	commit(bench, OUTBOX_POST, "b", "a", "reply");
	go(bench, 5000);
	const struct fake_post *reply = fake_chat_by_key(bench->chat, "b");
	assert_non_null(reply);
	assert_string_equal(reply->root, "");
}

static void commit_elsewhere(
		struct bench *bench, const char *key, const char *channel) {
	struct err err = { 0 };
	const struct outbox_row row = {
		.key = key, .channel = channel, .text = "nobody answers"
	};
	const struct journal_batch batch = { .outbox = &row, .outbox_count = 1 };
	assert_int_equal(bench->journal->api->append(bench->journal, &batch, &err),
			JOURNAL_APPENDED);
	outbox_wake(bench->outbox);
}

static void what_is_for_another_channel_is_said_there(void **state) {
	struct bench *bench = *state;
	commit_elsewhere(bench, "a", "authority");
	go(bench, 1000);
	assert_string_equal(
			fake_chat_by_key(bench->chat, "a")->channel, "authority");
	assert_string_equal(str_text(&bench->settled), "a sent\n");
}

static void a_channel_that_is_shut_keeps_nothing_else_waiting(void **state) {
	struct bench *bench = *state;
	fake_chat_shut(bench->chat, "authority");
	commit_elsewhere(bench, "a", "authority");
	commit(bench, OUTBOX_POST, "b", "", "ours");
	go(bench, 150);
	assert_string_equal(str_text(&bench->settled), "b sent\n");
	assert_string_equal(str_text(&bench->refused), "");
	go(bench, 5000);
	assert_string_equal(str_text(&bench->settled), "b sent\na dead\n");
	assert_string_equal(
			str_text(&bench->refused), "a in authority: the test says no\n");
}

/* Who hears of it commits something in the journal: the row is still pending
 * then, so that a bot that dies in between hears of it again. */
static void a_refusal_is_told_before_it_is_settled(void **state) {
	struct bench *bench = *state;
	fake_chat_shut(bench->chat, "authority");
	commit_elsewhere(bench, "a", "authority");
	frail_journal_refuse_settling(bench->journal, 1000);
	go(bench, 5000);
	assert_string_equal(
			str_text(&bench->refused), "a in authority: the test says no\n");
	die(bench);
	frail_journal_refuse_settling(bench->journal, 0);
	live(bench);
	go(bench, 5000);
	assert_string_equal(str_text(&bench->refused),
			"a in authority: the test says no\na in authority: the test says no\n");
	assert_string_equal(str_text(&bench->settled), "a dead\n");
}

static void only_the_last_of_waiting_edits_is_made(void **state) {
	struct bench *bench = *state;
	commit(bench, OUTBOX_POST, "a", "", "0");
	go(bench, 1000);
	fake_chat_cut(bench->chat);
	commit(bench, OUTBOX_EDIT, "a/1", "a", "1");
	commit(bench, OUTBOX_EDIT, "a/2", "a", "2");
	commit(bench, OUTBOX_EDIT, "a/3", "a", "3");
	go(bench, 10000);
	fake_chat_connect(bench->chat);
	go(bench, 10000);
	const struct fake_post *post = fake_chat_by_key(bench->chat, "a");
	assert_string_equal(post->message, "3");
	assert_int_equal(post->edits, 1);
	assert_int_equal(outbox_count(bench->outbox), 0);
}

static size_t made(const struct bench *bench, const char *key) {
	size_t count = 0;
	size_t found = 0;
	const struct fake_post *posts = fake_chat_posts(bench->chat, &count);
	for (size_t i = 0; i < count; i++) {
		found += strcmp(posts[i].key, key) == 0;
	}
	return found;
}

/* Its row is an old one, and stands before those that wait. */
static void a_post_made_anew_repeats_nothing_that_is_on_its_way(void **state) {
	struct bench *bench = *state;
	struct err err = { 0 };
	commit(bench, OUTBOX_POST, "a", "", "1");
	go(bench, 1000);
	fake_chat_delete(bench->chat, fake_chat_by_key(bench->chat, "a")->id);
	fake_chat_fault(bench->chat, FAULT_NO_ANSWER, 1, 1);
	commit(bench, OUTBOX_POST, "b", "", "2");
	go(bench, 1000);
	assert_true(bench->journal->api->again(bench->journal, "a", &err));
	outbox_wake(bench->outbox);
	commit(bench, OUTBOX_POST, "c", "", "3");
	outbox_wake(bench->outbox);
	assert_int_equal(outbox_count(bench->outbox), 3);
	die(bench);
	live(bench);
	go(bench, 10000);
	assert_int_equal(made(bench, "a"), 2); // one of them is deleted
	assert_int_equal(made(bench, "b"), 1);
	assert_int_equal(made(bench, "c"), 1);
	assert_int_equal(outbox_count(bench->outbox), 0);
}

static void a_long_message_is_cut_between_characters(void **state) {
	struct bench *bench = *state;
	struct str text = { 0 };
	for (int i = 0; i < 5000; i++) {
		str_add(&text, "ü");
	}
	commit(bench, OUTBOX_POST, "a", "", str_text(&text));
	str_finish(&text);
	go(bench, 1000);
	const struct fake_post *post = fake_chat_by_key(bench->chat, "a");
	assert_non_null(post);
	size_t runes = 0;
	for (const char *c = post->message; *c != '\0'; c++) {
		runes += ((unsigned char)*c & 0xC0) != 0x80;
	}
	assert_in_range(runes, 3900, 4000);
	assert_non_null(strstr(post->message, WORDING_CUT));
	assert_null(strstr(post->message, "\xEF\xBF\xBD"));
}

static void a_gates_text_is_remembered(void **state) {
	struct bench *bench = *state;
	commit(bench, OUTBOX_POST, "gate/1", "", "Approve?");
	go(bench, 1000);
	assert_true(wording_is_ours(bench->journal, "gate/1", "Approve?"));
	assert_true(wording_is_ours(bench->journal, "gate/1", "Approve?\n"));
	assert_false(wording_is_ours(bench->journal, "gate/1", "Approve all?"));
	assert_true(wording_time(bench->journal, "gate/1") >= 1000000);
	commit(bench, OUTBOX_EDIT, "gate/1/closed", "gate/1", "Approved");
	go(bench, 1000);
	assert_true(wording_is_ours(bench->journal, "gate/1", "Approved"));
	assert_true(wording_is_ours(bench->journal, "gate/1", "Approve?"));
	die(bench);
	live(bench);
	assert_false(wording_is_ours(bench->journal, "gate/1", "Approve all?"));
}

static void a_full_disk_behind_a_sent_post_does_not_send_it_again(
		void **state) {
	struct bench *bench = *state;
	commit(bench, OUTBOX_POST, "a", "", "once");
	frail_journal_refuse_settling(bench->journal, 3);
	go(bench, 10000);
	assert_int_equal(posts(bench), 1);
	assert_string_equal(str_text(&bench->settled), "a sent\n");
}

static void the_run_clock_is_held_while_something_is_on_its_way(void **state) {
	struct bench *bench = *state;
	assert_int_equal(fake_loop_holds(bench->loop), 0);
	fake_chat_fault(bench->chat, FAULT_AGAIN, 1, 3);
	commit(bench, OUTBOX_POST, "a", "", "text");
	go(bench, 100);
	assert_int_equal(fake_loop_holds(bench->loop), 1);
	fake_chat_cut(bench->chat);
	assert_int_equal(fake_loop_holds(bench->loop), 0);
	fake_chat_connect(bench->chat);
	go(bench, 10000);
	assert_int_equal(posts(bench), 1);
	assert_int_equal(fake_loop_holds(bench->loop), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(rows_are_said_in_the_order_of_commit),
		TEST(a_reply_waits_for_its_thread),
		TEST(a_doubtful_post_is_looked_for),
		TEST(a_post_without_an_answer_is_looked_for_by_the_next_bot),
		TEST(after_another_boot_what_waits_is_looked_for),
		TEST(where_the_boot_is_not_known_what_waits_is_looked_for),
		TEST(what_is_refused_for_good_is_a_dead_letter),
		TEST(one_refusal_is_not_believed),
		TEST(a_reply_whose_thread_is_gone_is_said_in_the_channel),
		TEST(what_is_for_another_channel_is_said_there),
		TEST(a_channel_that_is_shut_keeps_nothing_else_waiting),
		TEST(a_refusal_is_told_before_it_is_settled),
		TEST(only_the_last_of_waiting_edits_is_made),
		TEST(a_post_made_anew_repeats_nothing_that_is_on_its_way),
		TEST(a_long_message_is_cut_between_characters),
		TEST(a_gates_text_is_remembered),
		TEST(a_full_disk_behind_a_sent_post_does_not_send_it_again),
		TEST(the_run_clock_is_held_while_something_is_on_its_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
