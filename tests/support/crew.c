#include "support/crew.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/deciding.h"

#define ROUNDS_MOST 150

static void give_up(struct night *night, const char *what, const char *of) {
	if (night->violated[0] == '\0') {
		snprintf(night->violated, sizeof(night->violated), "dead end: %s %s",
				what, of);
	}
}

static struct world world_of(const struct night *night) {
	return (struct world){
		.now_ms = night->now_ms,
		.settings = &night->settings,
		.people = &night->people,
		.bridge = &night->bridge,
	};
}

static bool begins(const char *text, const char *start) {
	return strncmp(text, start, strlen(start)) == 0;
}

/* --- gates --- */

static bool has_tapped(const struct night *night, const char *post,
		const char *user, const char *emoji) {
	for (size_t i = 0; i < night->tap_count; i++) {
		if (strcmp(night->taps[i].post, post) == 0 &&
				strcmp(night->taps[i].user, user) == 0 &&
				strcmp(night->taps[i].emoji, emoji) == 0) {
			return true;
		}
	}
	return false;
}

static void agree(struct night *night, const struct waiting *waiting) {
	for (size_t i = 0; i < night->bridge.gate_count; i++) {
		for (size_t j = 0; j < waiting->user_count; j++) {
			const struct gate_state *gate = &night->bridge.gates[i];
			const char *user = waiting->users[j];
			if (gate->status != GATE_OPEN || gate->post == NULL) {
				continue;
			}
			char post[32];
			snprintf(post, sizeof(post), "%s", gate->post);
			if (has_tapped(night, post, user, "x")) {
				night_untap_post(night, post, user, "x");
			}
			/* It did not count when it was made; so once more. */
			night_untap_post(night, post, user, "white_check_mark");
			night_tap_post(night, post, user, "white_check_mark");
		}
	}
}

/* --- steps --- */

static void settle_step(struct night *night, const struct waiting *waiting) {
	char number[16] = "";
	sscanf(waiting->what, "%15s", number);
	const char *user = waiting->users[0];
	bool unknown = strstr(waiting->what, " ended unknown") != NULL;
	if (unknown && night->bridge.event_count % 2 == 0) {
		night_say(night, user, REQUEST_DONE, number, "it is there");
		return;
	}
	if (unknown || strstr(waiting->what, " failed") != NULL) {
		night_say(night, user, REQUEST_RETRY, number, NULL);
		return;
	}
	const struct run *run = bridge_current(&night->bridge);
	size_t index = runbook_step(run->plan->runbook, number);
	static const enum request_type tries[] = { REQUEST_DONE, REQUEST_RUN,
		REQUEST_PASS };
	for (size_t i = 0; i < 3 && index != RUNBOOK_NONE; i++) {
		run = bridge_current(&night->bridge);
		if (run != NULL && run->steps[index].status == STEP_ASKED) {
			night_say(night, user, tries[i], number, "seen");
		}
	}
}

/* --- the rest --- */

static void start(struct night *night, const char *user) {
	size_t gates = night->bridge.gate_count;
	night_says(night, user, REQUEST_START);
	if (night->bridge.gate_count == gates) {
		night_says(night, user, REQUEST_PLAN);
		night_says(night, user, REQUEST_REHEARSE);
	}
}

static void rehearse(struct night *night, const char *user) {
	night_says(night, user, REQUEST_PLAN);
	night_says(night, user, REQUEST_REHEARSE);
}

static void roll_back(struct night *night, const struct waiting *waiting) {
	for (size_t i = 0; i < waiting->user_count; i++) {
		night_says(night, waiting->users[i], REQUEST_ROLLBACK);
	}
}

static void close_run(struct night *night, const char *user) {
	static const char *const people[] = { "lead", "cto", "rep" };
	for (size_t i = 0; i < 3; i++) {
		night_say(night, people[i], REQUEST_REVIEW, NULL, "looked at");
	}
	night_says(night, user, REQUEST_CLOSE);
}

static void serve(struct night *night, const struct waiting *waiting) {
	const char *what = waiting->what;
	if (begins(what, "a mended ") || begins(what, "a fresh read ") ||
			begins(what, "the chat server")) {
		return; // nobody's
	}
	bool is_gate = strstr(what, " gate, ") != NULL ||
			begins(what, "changed files, ");
	if (waiting->user_count == 0 && is_gate) {
		return; // full, and kept back by what is said beside it
	}
	if (waiting->user_count == 0) {
		give_up(night, "waits for nobody:", what);
	} else if (is_gate) {
		agree(night, waiting);
	} else if (begins(what, "held: ")) {
		night_says(night, waiting->users[0], REQUEST_RESUME);
	} else if (begins(what, "`!cutover start`")) {
		start(night, waiting->users[0]);
	} else if (begins(what, "`!cutover rehearse`")) {
		rehearse(night, waiting->users[0]);
	} else if (begins(what, "`!cutover close`")) {
		close_run(night, waiting->users[0]);
	} else if (begins(what, "the decision: ")) {
		night_says(night, waiting->users[0], REQUEST_DECIDE);
	} else if (begins(what, "approval: `!rollback`")) {
		roll_back(night, waiting);
	} else {
		settle_step(night, waiting);
	}
}

static void look(const struct night *night, struct waitings *waitings) {
	struct world world = world_of(night);
	*waitings = (struct waitings){ 0 };
	bridge_waiting(&night->bridge, &world, waitings);
}

void crew_help(struct night *night, size_t choice) {
	struct waitings waitings;
	look(night, &waitings);
	if (waitings.count > 0 && !night->away) {
		serve(night, &waitings.list[choice % waitings.count]);
	}
	waitings_finish(&waitings);
}

/* --- to the end --- */

/* Time goes on to when something is due; whether anything is. */
static bool wait(struct night *night) {
	struct world world = world_of(night);
	int64_t due = bridge_deadline(&night->bridge, &world);
	if (due == INT64_MAX) {
		return false;
	}
	night_jump(night, due - night->now_ms);
	return true;
}

bool crew_sees_a_way(const struct night *night) {
	struct world world = world_of(night);
	const struct run *run = bridge_executing(&night->bridge);
	if (run == NULL || run_has_running(run) || night->unverifiable ||
			bridge_deadline(&night->bridge, &world) != INT64_MAX) {
		return true;
	}
	struct waitings waitings;
	look(night, &waitings);
	bool any = waitings.count > 0;
	waitings_finish(&waitings);
	return any;
}

/* Nothing is waited for: close what has ended, or let time pass. */
static void move_on(struct night *night) {
	const struct run *run = bridge_current(&night->bridge);
	bool ended = run->status == RUN_ROLLED_BACK || run->status == RUN_ABORTED ||
			(run->status == RUN_SUCCEEDED && run->watched);
	if (!ended) {
		if (!wait(night)) {
			give_up(night, "nobody and nothing is waited for:",
					run_status_name(run->status));
		}
		return;
	}
	uint32_t number = run->number;
	close_run(night, "lead");
	if (bridge_run(&night->bridge, number)->status != RUN_CLOSED) {
		give_up(night, "cannot be closed:", run_status_name(run->status));
	}
}

static bool is_quiet(const struct night *night) {
	bool open = bridge_current(&night->bridge) != NULL;
	for (size_t i = 0; i < night->bridge.gate_count; i++) {
		open = open || night->bridge.gates[i].status == GATE_OPEN;
	}
	return !open;
}

void crew_finish_runs(struct night *night, bool undo) {
	size_t round = 0;
	if (undo) {
		night_says(night, "lead", REQUEST_ROLLBACK);
		night_says(night, "cto", REQUEST_ROLLBACK);
	}
	for (; round < ROUNDS_MOST && !is_quiet(night) &&
			night->violated[0] == '\0';
			round++) {
		struct waitings waitings;
		uint64_t before = night->bridge.event_count;
		look(night, &waitings);
		size_t count = waitings.count;
		for (size_t i = 0; i < count; i++) {
			serve(night, &waitings.list[i]);
		}
		if (count == 0) {
			move_on(night);
		} else if (night->bridge.event_count == before && !wait(night)) {
			give_up(night, "nothing comes of it:", waitings.list[0].what);
		}
		waitings_finish(&waitings);
		if (round % 5 == 4 && !is_quiet(night)) {
			wait(night); // a refusal is an event too
		}
	}
	if (round == ROUNDS_MOST) {
		const struct run *run = bridge_current(&night->bridge);
		give_up(night, "no end is in sight:",
				run != NULL ? run_status_name(run->status) : "a gate");
	}
}

void crew_make_run(struct night *night) {
	night_jump(night, 1800000); // a ❌ may still stand on the plan
	night_says(night, "lead", REQUEST_PLAN);
	crew_finish_runs(night, false);
	night_says(night, "lead", REQUEST_REHEARSE);
	crew_finish_runs(night, false);
	size_t before = night->bridge.run_count;
	night_says(night, "lead", REQUEST_START);
	if (night->bridge.run_count == before) {
		give_up(night, "no run begins", "");
	}
	crew_finish_runs(night, false);
	const struct run *run = night_run(night);
	if (run->closed_from != RUN_SUCCEEDED) {
		give_up(night, "a run that nothing is wrong with is",
				run_status_name(run->closed_from));
	}
}
