#include "mattermost/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "support/test.h"

/*
 * Transcripts: each step is one input and what must come of it.  An outcome is
 * the orders in the order in which they are to be obeyed, then the state.
 */
struct step {
	struct session_input in;
	const char *out;
};

static const struct session_pace pace = {
	.ping_ms = 12000,
	.pong_ms = 5000,
	.hello_ms = 10000,
	.backoff_ms = 250,
	.backoff_max_ms = 5000,
};

static void outcome(const struct session *session,
		const struct session_orders *orders, struct str *out) {
	str_add(out, orders->deliver ? "deliver " : "");
	str_add(out, orders->answered ? "answered " : "");
	str_add(out, orders->close ? "close " : "");
	if (orders->lost) {
		str_addf(out, "lost(%s) ", orders->why);
	}
	str_add(out, orders->doubt ? "doubt " : "");
	if (orders->connect && session->resuming) {
		str_addf(out, "resume(%s@%d) ", session->connection_id,
				(int)session->next_seq);
	} else if (orders->connect) {
		str_add(out, "connect ");
	}
	if (orders->ping) {
		str_addf(out, "ping%d ", (int)session->ping_seq);
	}
	str_add(out, orders->opened ? "opened " : "");
	str_addf(out, "| %s", session_state_name(session->state));
	if (session->due_ms != SESSION_NEVER) {
		str_addf(out, "@%d", (int)session->due_ms);
	}
}

static void play_from(
		struct session *session, const struct step *steps, size_t count) {
	for (size_t i = 0; i < count; i++) {
		struct session_orders orders = session_handle(session, &steps[i].in);
		struct str out;
		str_init(&out, 1024);
		outcome(session, &orders, &out);
		if (strcmp(str_text(&out), steps[i].out) != 0) {
			fail_msg("step %zu: %s\n  instead of %s", i + 1, str_text(&out),
					steps[i].out);
		}
		str_finish(&out);
	}
}

#define PLAY(connection, seq, ...) \
	do { \
		const struct step steps[] = { __VA_ARGS__ }; \
		struct session session; \
		session_init(&session, &pace, connection, seq); \
		play_from(&session, steps, sizeof(steps) / sizeof(steps[0])); \
	} while (0)

#define WITH(ms, kind, ...) \
	{ .type = SESSION_##kind, .now_ms = (ms), .random = 1000000, __VA_ARGS__ }
#define AT(ms, kind)        WITH(ms, kind, .seq = 0)
#define HELLO(ms, id)       WITH(ms, HELLO, .seq = 0, .connection_id = (id))
#define EVENT(ms, number)   WITH(ms, EVENT, .seq = (number))
#define REPLY(ms, number)   WITH(ms, REPLY, .seq = (number), .ok = true)
#define REFUSAL(ms, number) WITH(ms, REPLY, .seq = (number), .ok = false)
#define DOWN(ms)            WITH(ms, DOWN, .why = "cut")

static void the_first_connection_is_open_with_its_hello(void **state) {
	(void)state;
	PLAY("", 0, { AT(0, START), "connect | connecting@10000" },
			{ AT(20, UPGRADED), "ping1 | greeting@10000" },
			{ HELLO(30, "a"), "opened | open@5020" },
			{ REPLY(31, 1), "answered | open@12020" },
			{ EVENT(40, 1), "deliver | open@12020" },
			{ EVENT(41, 2), "deliver | open@12020" });
}

/* EnableReliableWebSockets can be switched off: the hello has no name then. */
static void without_a_name_every_connection_is_fresh(void **state) {
	(void)state;
	PLAY("", 0, { AT(0, START), "connect | connecting@10000" },
			{ AT(20, UPGRADED), "ping1 | greeting@10000" },
			{ HELLO(30, ""), "opened | open@5020" },
			{ REPLY(31, 1), "answered | open@12020" },
			{ EVENT(40, 1), "deliver | open@12020" },
			{ EVENT(41, 2), "deliver | open@12020" },
			{ DOWN(50), "lost(cut) connect | connecting@10050" },
			{ AT(60, UPGRADED), "ping1 | greeting@10050" },
			{ EVENT(61, 3),
					"close lost(event 3 came where 0 was due) "
					"| waiting@77" });
}

static void an_accepted_resume_is_open_with_the_barrier(void **state) {
	(void)state;
	PLAY("a", 7, { AT(0, START), "resume(a@7) | connecting@10000" },
			{ AT(20, UPGRADED), "ping1 | greeting@10000" },
			{ EVENT(30, 7), "deliver | greeting@10000" },
			{ EVENT(31, 8), "deliver | greeting@10000" },
			{ REPLY(32, 1), "answered opened | open@12020" },
			{ EVENT(40, 9), "deliver | open@12020" });
}

static void a_hello_to_a_resume_means_connect_fresh(void **state) {
	(void)state;
	PLAY("a", 7, { AT(0, START), "resume(a@7) | connecting@10000" },
			{ AT(20, UPGRADED), "ping1 | greeting@10000" },
			{ HELLO(30, "b"), "close connect | connecting@10030" },
			{ AT(40, UPGRADED), "ping1 | greeting@10030" },
			{ HELLO(50, "c"), "opened | open@5040" });
}

static void a_cut_socket_is_resumed_at_once_at_the_next_number(void **state) {
	(void)state;
	PLAY("", 0, { AT(0, START), "connect | connecting@10000" },
			{ AT(1, UPGRADED), "ping1 | greeting@10000" },
			{ HELLO(2, "a"), "opened | open@5001" },
			{ REPLY(3, 1), "answered | open@12001" },
			{ EVENT(4, 1), "deliver | open@12001" },
			{ DOWN(6000), "lost(cut) resume(a@2) | connecting@16000" });
}

static void a_gap_and_a_repeat_both_lose_the_connection(void **state) {
	(void)state;
	PLAY("", 0, { AT(0, START), "connect | connecting@10000" },
			{ AT(1, UPGRADED), "ping1 | greeting@10000" },
			{ HELLO(2, "a"), "opened | open@5001" },
			{ EVENT(6000, 2),
					"close lost(event 2 came where 1 was due) connect "
					"| connecting@16000" },
			{ AT(6001, UPGRADED), "ping1 | greeting@16000" },
			{ HELLO(6002, "b"), "opened | open@11001" },
			{ EVENT(6003, 1), "deliver | open@11001" },
			{ EVENT(12000, 1),
					"close lost(event 1 came where 2 was due) connect "
					"| connecting@22000" });
}

static void a_gap_in_a_replay_loses_it_too(void **state) {
	(void)state;
	PLAY("a", 7, { AT(0, START), "resume(a@7) | connecting@10000" },
			{ AT(1, UPGRADED), "ping1 | greeting@10000" },
			{ EVENT(2, 9),
					"close lost(event 9 came where 7 was due) connect "
					"| connecting@10002" });
}

static void an_event_before_the_hello_is_not_acted_on(void **state) {
	(void)state;
	PLAY("", 0, { AT(0, START), "connect | connecting@10000" },
			{ AT(1, UPGRADED), "ping1 | greeting@10000" },
			{ EVENT(2, 0),
					"close lost(event 0 came where 0 was due) connect "
					"| connecting@10002" });
}

static void a_second_hello_loses_the_connection(void **state) {
	(void)state;
	PLAY("", 0, { AT(0, START), "connect | connecting@10000" },
			{ AT(1, UPGRADED), "ping1 | greeting@10000" },
			{ HELLO(2, "a"), "opened | open@5001" },
			{ HELLO(3, "b"),
					"close lost(the server said hello twice) connect "
					"| connecting@10003" });
}

static void an_unanswered_ping_loses_the_connection(void **state) {
	(void)state;
	PLAY("", 0, { AT(0, START), "connect | connecting@10000" },
			{ AT(1, UPGRADED), "ping1 | greeting@10000" },
			{ HELLO(2, "a"), "opened | open@5001" },
			{ REPLY(3, 1), "answered | open@12001" },
			{ AT(12000, TIME), "| open@12001" },
			{ AT(12001, TIME), "ping2 | open@17001" },
			{ REPLY(12002, 1), "| open@17001" }, // not the one that is out
			{ AT(17001, TIME),
					"close lost(the server answers no ping) connect "
					"| connecting@27001" });
}

static void no_ping_is_sent_while_one_is_out(void **state) {
	(void)state;
	const struct session_pace slow = {
		.ping_ms = 1000,
		.pong_ms = 3000,
		.hello_ms = 10000,
	};
	struct session session;
	session_init(&session, &slow, "", 0);
	const struct step steps[] = {
		{ AT(0, START), "connect | connecting@10000" },
		{ AT(1, UPGRADED), "ping1 | greeting@10000" },
		{ HELLO(2, "a"), "opened | open@3001" },
		{ AT(1001, TIME), "| open@3001" },
		{ REPLY(1500, 1), "answered | open@1001" },
		{ AT(1501, TIME), "ping2 | open@4501" },
		{ AT(4501, TIME),
				"close lost(the server answers no ping) connect "
				"| connecting@14501" },
	};
	play_from(&session, steps, sizeof(steps) / sizeof(steps[0]));
}

static void a_refused_ping_asks_whether_the_token_is_good(void **state) {
	(void)state;
	PLAY("", 0, { AT(0, START), "connect | connecting@10000" },
			{ AT(1, UPGRADED), "ping1 | greeting@10000" },
			{ HELLO(2, "a"), "opened | open@5001" },
			{ REFUSAL(3, 1),
					"close lost(the server refuses our ping) doubt connect "
					"| connecting@10003" });
}

static void silence_after_the_upgrade_raises_the_same_doubt(void **state) {
	(void)state;
	PLAY("", 0, { AT(0, START), "connect | connecting@10000" },
			{ AT(1, UPGRADED), "ping1 | greeting@10000" },
			{ AT(5000, TIME), "| greeting@10000" },
			{ AT(10000, TIME),
					"close lost(the server says no hello) doubt connect "
					"| connecting@20000" },
			{ AT(10001, UPGRADED), "ping1 | greeting@20000" },
			{ DOWN(15001), "lost(cut) doubt | waiting@15017" });
}

static void a_server_that_never_answers_the_upgrade_is_left(void **state) {
	(void)state;
	PLAY("a", 7, { AT(0, START), "resume(a@7) | connecting@10000" },
			{ AT(10000, TIME),
					"close lost(the server does not answer) resume(a@7) "
					"| connecting@20000" });
}

static void a_resume_cut_before_the_barrier_is_not_tried_again(void **state) {
	(void)state;
	PLAY("a", 7, { AT(0, START), "resume(a@7) | connecting@10000" },
			{ AT(1, UPGRADED), "ping1 | greeting@10000" },
			{ DOWN(2), "lost(cut) doubt connect | connecting@10002" });
}

static void failures_wait_longer_and_longer_up_to_a_limit(void **state) {
	(void)state;
	struct session session;
	session_init(&session, &pace, "", 0);
	struct session_input start = AT(0, START);
	session_handle(&session, &start);
	static const int64_t longest[] = { 0, 250, 500, 1000, 2000, 4000, 5000,
		5000, 5000 };
	for (size_t i = 0; i < sizeof(longest) / sizeof(longest[0]); i++) {
		struct session_input down = DOWN(0);
		down.random = (uint32_t)longest[i]; // the most that jitter can make
		session_handle(&session, &down);
		if (longest[i] == 0) {
			assert_int_equal(session.state, SESSION_CONNECTING);
			continue;
		}
		assert_int_equal(session.state, SESSION_WAITING);
		assert_int_equal(session.due_ms, longest[i]);
		struct session_input due = AT(longest[i], TIME);
		struct session_orders orders = session_handle(&session, &due);
		assert_true(orders.connect);
	}
}

static void only_a_lasting_connection_resets_the_waiting(void **state) {
	(void)state;
	struct session session;
	session_init(&session, &pace, "", 0);
	struct session_input inputs[] = { AT(0, START), AT(1, UPGRADED),
		HELLO(2, "a"), DOWN(3), AT(4, UPGRADED), REPLY(5, 1), DOWN(6) };
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		inputs[i].random = 200;
		session_handle(&session, &inputs[i]);
	}
	assert_int_equal(session.state, SESSION_WAITING);
	assert_int_equal(session.due_ms, 206);
}

static void the_servers_retry_after_is_honoured(void **state) {
	(void)state;
	PLAY("", 0, { AT(0, START), "connect | connecting@10000" },
			{ WITH(1, DOWN, .why = "HTTP 429", .retry_ms = 3000),
					"lost(HTTP 429) | waiting@3001" },
			{ AT(3000, TIME), "| waiting@3001" },
			{ AT(3001, TIME), "connect | connecting@13001" });
}

static void nonsense_loses_the_connection_and_its_name(void **state) {
	(void)state;
	PLAY("a", 7, { AT(0, START), "resume(a@7) | connecting@10000" },
			{ AT(1, UPGRADED), "ping1 | greeting@10000" },
			{ WITH(2, NONSENSE, .why = "not JSON"),
					"close lost(not JSON) connect | connecting@10002" });
}

static void a_stopped_session_stays_away_until_it_is_started(void **state) {
	(void)state;
	PLAY("", 0, { AT(0, START), "connect | connecting@10000" },
			{ AT(1, STOP), "close | idle" }, { AT(2, TIME), "| idle" },
			{ AT(3, UPGRADED), "| idle" }, { HELLO(4, "a"), "| idle" },
			{ EVENT(5, 1), "| idle" }, { REPLY(6, 0), "| idle" },
			{ DOWN(7), "| idle" },
			{ WITH(8, NONSENSE, .why = "late"), "| idle" },
			{ AT(9, STOP), "| idle" },
			{ AT(10, START), "connect | connecting@10010" });
}

static void a_number_without_a_name_is_not_resumed(void **state) {
	(void)state;
	PLAY("a", 0, { AT(0, START), "connect | connecting@10000" });
	PLAY("", 9, { AT(0, START), "connect | connecting@10000" });
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_connection_is_open_with_its_hello),
		cmocka_unit_test(without_a_name_every_connection_is_fresh),
		cmocka_unit_test(an_accepted_resume_is_open_with_the_barrier),
		cmocka_unit_test(a_hello_to_a_resume_means_connect_fresh),
		cmocka_unit_test(a_cut_socket_is_resumed_at_once_at_the_next_number),
		cmocka_unit_test(a_gap_and_a_repeat_both_lose_the_connection),
		cmocka_unit_test(a_gap_in_a_replay_loses_it_too),
		cmocka_unit_test(an_event_before_the_hello_is_not_acted_on),
		cmocka_unit_test(a_second_hello_loses_the_connection),
		cmocka_unit_test(an_unanswered_ping_loses_the_connection),
		cmocka_unit_test(no_ping_is_sent_while_one_is_out),
		cmocka_unit_test(a_refused_ping_asks_whether_the_token_is_good),
		cmocka_unit_test(silence_after_the_upgrade_raises_the_same_doubt),
		cmocka_unit_test(a_server_that_never_answers_the_upgrade_is_left),
		cmocka_unit_test(a_resume_cut_before_the_barrier_is_not_tried_again),
		cmocka_unit_test(failures_wait_longer_and_longer_up_to_a_limit),
		cmocka_unit_test(only_a_lasting_connection_resets_the_waiting),
		cmocka_unit_test(the_servers_retry_after_is_honoured),
		cmocka_unit_test(nonsense_loses_the_connection_and_its_name),
		cmocka_unit_test(a_stopped_session_stays_away_until_it_is_started),
		cmocka_unit_test(a_number_without_a_name_is_not_resumed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
