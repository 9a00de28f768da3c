#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/engine.h"
#include "app/inbox.h"
#include "journal/journal.h"
#include "mattermost/server.h"
#include "support/fake_loop.h"
#include "support/fake_runner.h"
#include "support/fake_server.h"
#include "support/rig.h"
#include "support/test.h"

static const char runbook[] =
		"# Small launch\n\n"
		"| Role | Primary | Backup | Contact |\n|---|---|---|---|\n"
		"| Cutover lead | a | b | c |\n| CTO | a | b | c |\n\n"
		"| Step | Required approvers | Record location |\n|---|---|---|\n"
		"| Back | Cutover lead + CTO | channel |\n\n"
		"## 1 Go {.production}\n\n1. Say hello\n\n   ```sh\n   echo a\n   ```\n"
		"2. Look\n\n"
		"## 2 Back {.rollback gate=\"Back\"}\n\n"
		"1. Undo\n\n   ```sh\n   echo b\n   ```\n";

static int setup(void **state) {
	struct rig *rig = calloc(1, sizeof(*rig));
	rig_init(rig, runbook);
	rig_start(rig);
	rig_go(rig, 1000);
	*state = rig;
	return 0;
}

static int teardown(void **state) {
	struct rig *rig = *state;
	rig_finish(rig);
	free(rig);
	return 0;
}

/* A post as the server may tell it; what a test wants otherwise it changes. */
static struct server_post a_post(const struct rig *rig, const char *message) {
	return (struct server_post){
		.id = "told1",
		.user_id = "id-lead",
		.root_id = "",
		.message = message,
		.type = "",
		.key = "",
		.create_at_ms = loop_now_ms(rig->loop),
	};
}

static void tell(struct rig *rig, const struct server_post *post) {
	inbox_post(rig->inbox, post);
	rig_go(rig, 100);
}

static size_t heard(struct rig *rig) {
	return rig_count(rig, "note.taken");
}

static void a_person_in_the_channel_is_heard_once(void **state) {
	struct rig *rig = *state;
	struct server_post post = a_post(rig, "!note all is well");
	tell(rig, &post);
	tell(rig, &post);
	inbox_post(rig->inbox, &post);
	inbox_post(rig->inbox, &post);
	rig_go(rig, 100);
	assert_int_equal(heard(rig), 1);
}

static void what_is_nobodys_word_is_not_heard(void **state) {
	struct rig *rig = *state;
	struct server_post post = a_post(rig, "!note from a webhook");
	post.from_webhook = true;
	tell(rig, &post);
	post = a_post(rig, "!note from a bot");
	post.from_bot = true;
	tell(rig, &post);
	post = a_post(rig, "!note from myself");
	post.user_id = "bot";
	tell(rig, &post);
	post = a_post(rig, "!note by /me");
	post.type = "me";
	tell(rig, &post);
	post = a_post(rig, "!note that is gone");
	post.delete_at_ms = post.create_at_ms + 1;
	tell(rig, &post);
	post = a_post(rig, "!note by nobody");
	post.user_id = "";
	tell(rig, &post);
	assert_int_equal(heard(rig), 0);
}

static void what_was_edited_before_it_was_read_is_not_heard(void **state) {
	struct rig *rig = *state;
	struct server_post post = a_post(rig, "!note edited into a command");
	post.edit_at_ms = post.create_at_ms + 5;
	tell(rig, &post);
	assert_int_equal(heard(rig), 0);
	assert_int_equal(rig_count(rig, "note.taken"), 0);
	assert_non_null(fake_chat_newest(rig->chat, "nothing was done"));
	post = a_post(rig, "edited, and still talk");
	post.id = "told2";
	post.edit_at_ms = post.create_at_ms + 5;
	tell(rig, &post);
	assert_int_equal(rig_count(rig, "command.refused"), 1);
}

static void what_is_older_than_the_bot_is_not_heard(void **state) {
	struct rig *rig = *state;
	struct server_post post = a_post(rig, "!note of last week");
	post.create_at_ms = RIG_START_MS - 1;
	tell(rig, &post);
	assert_int_equal(heard(rig), 0);
	/* It stays so for the next one on the same journal. */
	rig_bury(rig);
	rig_go(rig, 60000);
	rig_start(rig);
	rig_go(rig, 1000);
	tell(rig, &post);
	assert_int_equal(heard(rig), 0);
	post = a_post(rig, "!note said while no bot ran");
	post.create_at_ms -= 30000;
	tell(rig, &post);
	assert_int_equal(heard(rig), 1);
}

static void one_person_cannot_talk_the_others_down(void **state) {
	struct rig *rig = *state;
	char id[16];
	for (int i = 0; i < 500; i++) {
		struct server_post post = a_post(rig, "!help");
		snprintf(id, sizeof(id), "flood%d", i);
		post.id = id;
		post.user_id = "id-other";
		inbox_post(rig->inbox, &post);
	}
	struct server_post post = a_post(rig, "!note from somebody else");
	tell(rig, &post);
	assert_int_equal(heard(rig), 1);
	assert_int_equal(rig_count(rig, "command.answered"), 60);
	assert_int_equal(rig_count(rig, "command.refused"), 1);
	post = a_post(rig, "!cutover hold it burns");
	post.id = "told2";
	post.user_id = "id-other";
	tell(rig, &post);
	assert_int_equal(rig_count(rig, "command.refused"), 2); // nothing runs
	rig_go(rig, 11000);
	post = a_post(rig, "!help");
	post.id = "told3";
	post.user_id = "id-other";
	tell(rig, &post);
	assert_int_equal(rig_count(rig, "command.answered"), 61);
}

/* A connection that comes and goes tells the same words again and again, before
 * the journal knows of any of them. */
static void what_is_told_again_is_no_flood(void **state) {
	struct rig *rig = *state;
	for (int i = 0; i < 100; i++) {
		char id[16];
		struct server_post post = a_post(rig, "!help");
		snprintf(id, sizeof(id), "word%d", i % 20);
		post.id = id;
		post.user_id = "id-other";
		inbox_post(rig->inbox, &post);
	}
	struct server_post post = a_post(rig, "!help");
	post.user_id = "id-other";
	tell(rig, &post);
	assert_int_equal(rig_count(rig, "command.answered"), 21);
	assert_int_equal(rig_count(rig, "command.refused"), 0);
}

static void a_giant_message_is_no_command(void **state) {
	struct rig *rig = *state;
	char *text = malloc(70000);
	memset(text, 'a', 69999);
	text[69999] = '\0';
	memcpy(text, "!note ", 6);
	struct server_post post = a_post(rig, text);
	tell(rig, &post);
	assert_int_equal(heard(rig), 0);
	free(text);
}

static void threads_of_others_are_not_listened_to(void **state) {
	struct rig *rig = *state;
	struct server_post post = a_post(rig, "!note in a stranger's thread");
	post.root_id = "somebodys-post";
	tell(rig, &post);
	assert_int_equal(heard(rig), 0);
	const struct fake_post *ours = fake_chat_newest(rig->chat, "bot.started");
	assert_non_null(ours);
	post.root_id = ours->id;
	tell(rig, &post);
	assert_int_equal(heard(rig), 1);
}

static void a_command_in_our_thread_is_sent_to_the_channel(void **state) {
	struct rig *rig = *state;
	const struct fake_post *ours = fake_chat_newest(rig->chat, "bot.started");
	fake_chat_reply(rig->chat, "lead", ours->id, "!cutover start");
	rig_go(rig, 500);
	assert_int_equal(rig_count(rig, "run.begun"), 0);
	assert_int_equal(rig_count(rig, "command.refused") +
					rig_count(rig, "command.answered"),
			1);
}

static void a_near_miss_is_answered_and_never_runs(void **state) {
	struct rig *rig = *state;
	fake_chat_say(rig->chat, "lead", "!cutover strat");
	rig_go(rig, 500);
	assert_int_equal(rig_count(rig, "run.begun"), 0);
	assert_int_equal(rig_count(rig, "command.refused") +
					rig_count(rig, "command.answered"),
			1);
	fake_chat_say(rig->chat, "lead", "we start the cutover at two");
	rig_go(rig, 500);
	assert_int_equal(rig_count(rig, "command.refused") +
					rig_count(rig, "command.answered"),
			1);
}

static void a_command_found_late_is_not_obeyed(void **state) {
	struct rig *rig = *state;
	fake_chat_cut(rig->chat);
	fake_chat_say(rig->chat, "lead", "!cutover start");
	fake_chat_say(rig->chat, "lead", "!note but this is kept");
	rig_go(rig, 180000);
	fake_chat_connect(rig->chat);
	rig_go(rig, 1000);
	assert_int_equal(rig_count(rig, "run.begun"), 0);
	assert_int_equal(rig_count(rig, "command.refused"), 1);
	assert_int_equal(heard(rig), 1);
}

static void a_command_found_soon_is_obeyed(void **state) {
	struct rig *rig = *state;
	fake_chat_cut(rig->chat);
	fake_chat_say(rig->chat, "lead", "!cutover start");
	rig_go(rig, 20000);
	fake_chat_connect(rig->chat);
	rig_go(rig, 1000);
	assert_int_equal(rig_count(rig, "run.begun"), 1);
}

static void an_edit_of_what_ran_is_answered_once(void **state) {
	struct rig *rig = *state;
	const char *post = fake_chat_say(rig->chat, "lead", "!note a");
	rig_go(rig, 500);
	fake_chat_edit(rig->chat, post, "!note b");
	rig_go(rig, 500);
	fake_chat_edit(rig->chat, post, "!cutover start");
	rig_go(rig, 500);
	assert_int_equal(heard(rig), 1);
	assert_int_equal(rig_count(rig, "run.begun"), 0);
	const struct fake_post *answer = fake_chat_newest(
			rig->chat, "Edits do not count");
	assert_non_null(answer);
	assert_int_equal(rig_count(rig, "command.refused") +
					rig_count(rig, "command.answered"),
			1);
	const char *talk = fake_chat_say(rig->chat, "lead", "just talk");
	fake_chat_edit(rig->chat, talk, "!cutover start");
	rig_go(rig, 500);
	assert_int_equal(rig_count(rig, "run.begun"), 0);
	assert_non_null(fake_chat_newest(rig->chat, "nothing was done"));
}

static void start_and_ask_for_rollback(struct rig *rig, const char **post) {
	fake_chat_say(rig->chat, "lead", "!cutover start");
	rig_go(rig, 6000);
	*post = fake_chat_say(rig->chat, "lead", "!rollback it smells");
	rig_go(rig, 500);
	assert_int_equal(rig_count(rig, "gate.opened"), 1);
	assert_int_equal(rig_count(rig, "gate.asked"), 1);
}

static void deleting_the_request_takes_the_approval_back(void **state) {
	struct rig *rig = *state;
	const char *post = NULL;
	start_and_ask_for_rollback(rig, &post);
	fake_chat_delete(rig->chat, post);
	rig_go(rig, 500);
	assert_int_equal(rig_count(rig, "gate.withdrawn"), 1);
}

static void a_deleted_gate_is_void(void **state) {
	struct rig *rig = *state;
	const char *post = NULL;
	start_and_ask_for_rollback(rig, &post);
	const struct fake_post *gate = fake_chat_newest(
			rig->chat, "gate.opened rollback");
	assert_non_null(gate);
	fake_chat_delete(rig->chat, gate->id);
	rig_go(rig, 500);
	assert_int_equal(rig_count(rig, "gate.closed"), 1);
}

static void our_own_edit_of_a_gate_is_no_strangers(void **state) {
	struct rig *rig = *state;
	const char *post = NULL;
	start_and_ask_for_rollback(rig, &post);
	const struct fake_post *gate = fake_chat_newest(
			rig->chat, "gate.opened rollback");
	fake_chat_tap(rig->chat, "cto", gate->id, "white_check_mark");
	rig_go(rig, 10000);
	assert_int_equal(rig_count(rig, "gate.passed"), 1);
	assert_int_equal(rig_count(rig, "gate.closed"), 0);
	assert_int_equal(rig_count(rig, "run.rolled_back"), 1);
	fake_chat_cut(rig->chat); // and is told again
	fake_chat_connect(rig->chat);
	rig_go(rig, 1000);
	assert_int_equal(rig_count(rig, "gate.closed"), 0);
}

static void our_own_post_that_the_journal_lacks_holds_once(void **state) {
	struct rig *rig = *state;
	fake_chat_say(rig->chat, "lead", "!cutover start");
	rig_go(rig, 2000);
	struct server_post post = a_post(rig, "✅ 1.2 Look");
	post.user_id = "bot";
	post.key = "ZZ-1/step/1.2/ok/9"; // another bridge, through our account
	tell(rig, &post);
	post.key = "bot/journal/x"; // of no run, and in no journal
	tell(rig, &post);
	post.user_id = "id-lead"; // who sets props like ours
	post.key = "";
	tell(rig, &post);
	assert_int_equal(rig_count(rig, "run.held"), 0);
	post.user_id = "bot";
	post.key = "LB-1/step/1.2/ok/9";
	tell(rig, &post);
	assert_int_equal(rig_count(rig, "run.held"), 1);
	fake_chat_say(rig->chat, "lead", "!cutover resume");
	rig_go(rig, 500);
	post.id = "told2";
	tell(rig, &post);
	assert_int_equal(rig_count(rig, "run.held"), 1);
	assert_int_equal(rig_count(rig, "run.resumed"), 1);
}

static void a_flood_of_taps_is_cut(void **state) {
	struct rig *rig = *state;
	const size_t count = 100000;
	struct server_tap *taps = calloc(count, sizeof(*taps));
	for (size_t i = 0; i < count; i++) {
		taps[i] = (struct server_tap){ .user_id = "id-other", .emoji = "x" };
	}
	for (int i = 0; i < 5; i++) {
		inbox_taps(rig->inbox, "no-post-of-ours", taps, count);
	}
	rig_go(rig, 100);
	assert_true(engine_is_drained(rig->engine));
	free(taps);
}

static void a_server_whose_clock_is_set_back_is_heard(void **state) {
	struct rig *rig = *state;
	struct server_post before = a_post(rig, "!cutover start");
	fake_loop_set_back(rig->loop, 3 * 3600000);
	struct server_post post = a_post(rig, "!note it is early again");
	tell(rig, &post);
	assert_int_equal(rig_count(rig, "note.taken"), 1);
	/* Nobody knows how long ago that was. */
	before.id = "told2";
	tell(rig, &before);
	assert_int_equal(rig_count(rig, "run.begun"), 0);
	assert_int_equal(rig_count(rig, "command.refused"), 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_person_in_the_channel_is_heard_once),
		TEST(what_is_nobodys_word_is_not_heard),
		TEST(what_was_edited_before_it_was_read_is_not_heard),
		TEST(what_is_older_than_the_bot_is_not_heard),
		TEST(one_person_cannot_talk_the_others_down),
		TEST(what_is_told_again_is_no_flood),
		TEST(a_giant_message_is_no_command),
		TEST(threads_of_others_are_not_listened_to),
		TEST(a_command_in_our_thread_is_sent_to_the_channel),
		TEST(a_near_miss_is_answered_and_never_runs),
		TEST(a_command_found_late_is_not_obeyed),
		TEST(a_command_found_soon_is_obeyed),
		TEST(an_edit_of_what_ran_is_answered_once),
		TEST(deleting_the_request_takes_the_approval_back),
		TEST(a_deleted_gate_is_void),
		TEST(our_own_edit_of_a_gate_is_no_strangers),
		TEST(our_own_post_that_the_journal_lacks_holds_once),
		TEST(a_flood_of_taps_is_cut),
		TEST(a_server_whose_clock_is_set_back_is_heard),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
