#include "mattermost/session.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BIT(n) (1u << (n))

/* Open for so long, a connection was a good one: the next failure is a first. */
#define STABLE_MS 5000

static const unsigned allowed_from[SESSION_STATE_COUNT] = {
	[SESSION_IDLE] = BIT(SESSION_IDLE) | BIT(SESSION_CONNECTING),
	[SESSION_WAITING] = BIT(SESSION_IDLE) | BIT(SESSION_CONNECTING),
	[SESSION_CONNECTING] = BIT(SESSION_IDLE) | BIT(SESSION_WAITING) |
			BIT(SESSION_CONNECTING) | BIT(SESSION_GREETING),
	[SESSION_GREETING] = BIT(SESSION_IDLE) | BIT(SESSION_WAITING) |
			BIT(SESSION_CONNECTING) | BIT(SESSION_OPEN),
	[SESSION_OPEN] = BIT(SESSION_IDLE) | BIT(SESSION_WAITING) |
			BIT(SESSION_CONNECTING),
};

/* The only writer of session->state. */
static void enter(struct session *session, enum session_state state) {
	assert((allowed_from[session->state] & BIT(state)) != 0);
	session->state = state;
}

void session_init(struct session *session, const struct session_pace *pace,
		const char *connection_id, int64_t next_seq) {
	*session = (struct session){
		.pace = *pace,
		.due_ms = SESSION_NEVER,
		.pong_due_ms = SESSION_NEVER,
		.ping_due_ms = SESSION_NEVER,
	};
	// Number 0 would be taken, and what was on its way lost without a word.
	if (next_seq > 0 &&
			strlen(connection_id) < sizeof(session->connection_id)) {
		snprintf(session->connection_id, sizeof(session->connection_id), "%s",
				connection_id);
		session->next_seq = next_seq;
	}
}

static void forget_connection(struct session *session) {
	session->connection_id[0] = '\0';
	session->next_seq = 0;
}

static bool has_socket(const struct session *session) {
	return session->state == SESSION_CONNECTING ||
			session->state == SESSION_GREETING ||
			session->state == SESSION_OPEN;
}

static void connect_now(struct session *session, int64_t now_ms,
		struct session_orders *orders) {
	enter(session, SESSION_CONNECTING);
	session->resuming = session->connection_id[0] != '\0';
	session->greeted = false;
	session->next_seq = session->resuming ? session->next_seq : 0;
	session->ping_seq = 0;
	session->pong_due_ms = SESSION_NEVER;
	session->ping_due_ms = SESSION_NEVER;
	session->due_ms = now_ms + session->pace.hello_ms;
	orders->connect = true;
}

/* At once the first time, then 1, 2, 4 … times the step, full jitter. */
static int64_t next_delay(struct session *session, uint32_t random) {
	unsigned failures = session->failures;
	session->failures++;
	if (failures == 0) {
		return 0;
	}
	int64_t longest = session->pace.backoff_ms;
	for (unsigned i = 1; i < failures && longest < session->pace.backoff_max_ms;
			i++) {
		longest *= 2;
	}
	if (longest > session->pace.backoff_max_ms) {
		longest = session->pace.backoff_max_ms;
	}
	return (int64_t)(random % (uint64_t)(longest + 1));
}

static void fail(struct session *session, const struct session_input *input,
		struct session_orders *orders, const char *why) {
	bool stable = session->state == SESSION_OPEN &&
			input->now_ms - session->opened_ms >= STABLE_MS;
	if (stable) {
		session->failures = 0;
	}
	// The server took the resume and then did not go through with it.
	if (session->state == SESSION_GREETING && session->resuming) {
		forget_connection(session);
	}
	orders->close = input->type != SESSION_DOWN;
	orders->lost = true;
	snprintf(orders->why, sizeof(orders->why), "%s", why);
	int64_t delay_ms = next_delay(session, input->random);
	if (input->retry_ms > delay_ms) {
		delay_ms = input->retry_ms;
	}
	if (delay_ms == 0) {
		connect_now(session, input->now_ms, orders);
		return;
	}
	enter(session, SESSION_WAITING);
	session->due_ms = input->now_ms + delay_ms;
}

static void fail_fresh(struct session *session,
		const struct session_input *input, struct session_orders *orders,
		const char *why) {
	forget_connection(session);
	session->resuming = false;
	fail(session, input, orders, why);
}

static void ping(struct session *session, int64_t now_ms,
		struct session_orders *orders) {
	session->ping_seq++;
	session->pong_due_ms = now_ms + session->pace.pong_ms;
	session->ping_due_ms = now_ms + session->pace.ping_ms;
	orders->ping = true;
}

/* What is due next on an open connection.  While a ping is out no other is
 * sent: that would put off the moment at which its answer is missed. */
static void set_due(struct session *session) {
	session->due_ms = session->pong_due_ms != SESSION_NEVER
			? session->pong_due_ms
			: session->ping_due_ms;
}

static void open(struct session *session, int64_t now_ms,
		struct session_orders *orders) {
	enter(session, SESSION_OPEN);
	session->opened_ms = now_ms;
	set_due(session);
	orders->opened = true;
}

static void handle_upgraded(struct session *session,
		const struct session_input *input, struct session_orders *orders) {
	if (session->state != SESSION_CONNECTING) {
		return;
	}
	int64_t hello_due_ms = session->due_ms;
	enter(session, SESSION_GREETING);
	ping(session, input->now_ms, orders);
	session->due_ms = hello_due_ms;
}

static void handle_hello(struct session *session,
		const struct session_input *input, struct session_orders *orders) {
	if (session->state == SESSION_OPEN) {
		fail_fresh(session, input, orders, "the server said hello twice");
		return;
	}
	if (session->state != SESSION_GREETING) {
		return;
	}
	if (session->resuming) {
		forget_connection(session);
		orders->close = true;
		connect_now(session, input->now_ms, orders);
		return;
	}
	snprintf(session->connection_id, sizeof(session->connection_id), "%s",
			input->connection_id);
	session->next_seq = input->seq + 1;
	session->greeted = true;
	open(session, input->now_ms, orders);
}

static void handle_event(struct session *session,
		const struct session_input *input, struct session_orders *orders) {
	if (session->state != SESSION_GREETING && session->state != SESSION_OPEN) {
		return;
	}
	bool numbered = session->greeted || session->resuming;
	if (input->seq != session->next_seq || !numbered) {
		char why[96];
		snprintf(why, sizeof(why),
				"event %" PRId64 " came where %" PRId64 " was due", input->seq,
				session->next_seq);
		fail_fresh(session, input, orders, why);
		return;
	}
	session->next_seq++;
	orders->deliver = true;
}

static void handle_reply(struct session *session,
		const struct session_input *input, struct session_orders *orders) {
	bool expected = (session->state == SESSION_GREETING ||
							session->state == SESSION_OPEN) &&
			input->seq == session->ping_seq;
	if (!expected) {
		return;
	}
	if (!input->ok) {
		orders->doubt = true;
		fail_fresh(session, input, orders, "the server refuses our ping");
		return;
	}
	session->pong_due_ms = SESSION_NEVER;
	orders->answered = true;
	if (session->state == SESSION_OPEN) {
		set_due(session);
	} else if (session->resuming) {
		open(session, input->now_ms, orders);
	}
}

static void handle_time(struct session *session,
		const struct session_input *input, struct session_orders *orders) {
	if (input->now_ms < session->due_ms) {
		return;
	}
	switch (session->state) {
	case SESSION_IDLE:
		session->due_ms = SESSION_NEVER;
		break;
	case SESSION_WAITING:
		connect_now(session, input->now_ms, orders);
		break;
	case SESSION_CONNECTING:
		fail(session, input, orders, "the server does not answer");
		break;
	case SESSION_GREETING:
		orders->doubt = true;
		fail_fresh(session, input, orders, "the server says no hello");
		break;
	case SESSION_OPEN:
		if (input->now_ms >= session->pong_due_ms) {
			fail_fresh(session, input, orders, "the server answers no ping");
			break;
		}
		ping(session, input->now_ms, orders);
		set_due(session);
		break;
	}
}

static void handle_down(struct session *session,
		const struct session_input *input, struct session_orders *orders) {
	if (!has_socket(session)) {
		return;
	}
	// A wrong token is upgraded, and cut off after 5 s of silence.
	orders->doubt = session->state == SESSION_GREETING;
	fail(session, input, orders, input->why);
}

static void handle_stop(
		struct session *session, struct session_orders *orders) {
	orders->close = has_socket(session);
	enter(session, SESSION_IDLE);
	session->due_ms = SESSION_NEVER;
}

struct session_orders session_handle(
		struct session *session, const struct session_input *input) {
	struct session_orders orders = { 0 };
	switch (input->type) {
	case SESSION_START:
		if (session->state == SESSION_IDLE) {
			connect_now(session, input->now_ms, &orders);
		}
		break;
	case SESSION_STOP:
		handle_stop(session, &orders);
		break;
	case SESSION_UPGRADED:
		handle_upgraded(session, input, &orders);
		break;
	case SESSION_HELLO:
		handle_hello(session, input, &orders);
		break;
	case SESSION_EVENT:
		handle_event(session, input, &orders);
		break;
	case SESSION_REPLY:
		handle_reply(session, input, &orders);
		break;
	case SESSION_NONSENSE:
		if (has_socket(session)) {
			fail_fresh(session, input, &orders, input->why);
		}
		break;
	case SESSION_DOWN:
		handle_down(session, input, &orders);
		break;
	case SESSION_TIME:
		handle_time(session, input, &orders);
		break;
	}
	return orders;
}

const char *session_state_name(enum session_state state) {
	static const char *const names[SESSION_STATE_COUNT] = {
		[SESSION_IDLE] = "idle",
		[SESSION_WAITING] = "waiting",
		[SESSION_CONNECTING] = "connecting",
		[SESSION_GREETING] = "greeting",
		[SESSION_OPEN] = "open",
	};
	return names[state];
}
