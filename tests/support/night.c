#include "support/night.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "codec/runbook_md.h"
#include "core/flow.h"
#include "support/at_hand.h"

/* A test that follows a null pointer has failed anyway, and says where. */
#pragma GCC diagnostic ignored "-Wnull-dereference"

#define GATES \
	"## Approvals\n\n" \
	"| Step | Required approvers | Record location |\n|---|---|---|\n" \
	"| Plan | CTO + DevOps lead | change |\n" \
	"| T0 | DevOps lead + Storage | channel |\n" \
	"| Success | DevOps lead + CTO | change |\n" \
	"| Back | DevOps lead + CTO | incident |\n\n"

const char night_small[] = NIGHT_ROLES
		"## 1 Go {.production}\n\n"
		"1. Say hello\n\n   ```sh\n   echo hello\n   ```\n"
		"2. Say bye\n\n   ```sh\n   echo bye\n   ```\n\n"
		"## 2 Back {.rollback}\n\n1. Undo\n\n   ```sh\n   echo undo\n   ```\n";

const char night_whole[] = NIGHT_ROLES GATES
		"## 3 Rehearse {.rehearsal}\n\n"
		"1. Try\n\n   ```sh\n   echo try\n   ```\n\n"
		"## 4 Go {.production plan=\"Plan\" gate=\"T0\"}\n\n"
		"1. Back up\n\n   ```sh sets=\"SNAP\"\n"
		"   echo SNAP=1 >>\"$BRIDGE_OUTPUT\"\n   ```\n"
		"2. Look at the board {owner=\"Storage\"}\n"
		"3. Deploy\n\n   ```sh\n   echo deploy\n   ```\n\n"
		"## 5 Smoke {.smoke success=\"Success\"}\n\n"
		"| Test | Command / action | Expected result |\n|---|---|---|\n"
		"| API | `echo ok` | `output contains \"ok\"` |\n"
		"| Scan | `echo scan` | `output contains \"scan\"` |\n"
		"| UI {owner=\"Storage\"} | look | fine |\n\n"
		"## 6 Back {.rollback gate=\"Back\"}\n\n"
		"1. Down\n\n   ```sh\n   echo down\n   ```\n"
		"2. Restore {owner=\"Storage\"}\n\n   ```sh ask\n"
		"   echo \"$SNAP\"\n   ```\n\n"
		"## 7 After {.post}\n\n"
		"- Watch\n\n   ```sh every=10m for=30m\n   echo fine\n   ```\n"
		"- Tell people {owner=\"CTO\"}\n";

static const char *const lead_backups[] = { "dep" };
static const struct holders holders[] = {
	{ .role = "Cutover lead", .primary = "lead" },
	{ .role = "DevOps lead",
			.primary = "lead",
			.backups = lead_backups,
			.backup_count = 1 },
	{ .role = "CTO", .primary = "cto" },
	{ .role = "Storage", .primary = "rep" },
};
static const char *const yes[] = { "white_check_mark", "+1" };
static const char *const no[] = { "x", "-1" };

static void add_person(struct night *night, const char *name, bool guest) {
	const struct person person = {
		.id = xstrdup(name),
		.name = xstrdup(name),
		.active = true,
		.guest = guest,
		.member = true,
	};
	people_put(&night->people, &person);
	free(person.id);
	free(person.name);
}

void night_set_active(struct night *night, const char *name, bool active) {
	char copy[16];
	snprintf(copy, sizeof(copy), "%s", name);
	const struct person person = {
		.id = copy,
		.name = copy,
		.active = active,
		.guest = strcmp(name, "guest") == 0,
		.member = true,
	};
	people_put(&night->people, &person);
}

void night_usual_holders(struct night *night) {
	night->settings.holders = holders;
	night->settings.holder_count = sizeof(holders) / sizeof(holders[0]);
}

void night_init(struct night *night, const char *text) {
	*night = (struct night){ .now_ms = NIGHT_START_MS };
	bridge_init(&night->bridge);
	people_init(&night->people);
	static const char *const names[] = { "lead", "cto", "rep", "dep", "other" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		add_person(night, names[i], false);
	}
	add_person(night, "guest", true);
	night->source = xstrdup(text);
	night->settings = (struct settings){
		.prefix = "LB",
		.channel = "launch-bridge",
		.status_every_ms = 600000,
		.watch_status_every_ms = 3600000,
		.rehearsal_valid_ms = 86400000,
		.step_timeout_ms = 900000,
		.requester_approves = true,
		.yes = yes,
		.yes_count = 2,
		.no = no,
		.no_count = 2,
	};
	night_usual_holders(night);
}

void night_finish(struct night *night) {
	bridge_finish(&night->bridge);
	people_finish(&night->people);
	str_finish(&night->log);
	str_finish(&night->shown);
	free(night->source);
}

const struct run *night_run(const struct night *night) {
	return night->bridge.run_count > 0
			? &night->bridge.runs[night->bridge.run_count - 1]
			: NULL;
}

/* Every other target that the runbook names has two hosts. */
static void add_targets(struct plan_record *record) {
	for (size_t i = 0; i < record->runbook->step_count; i++) {
		const struct step *step = &record->runbook->steps[i];
		for (size_t j = 0; j < step->block_count; j++) {
			const char *name = step->blocks[j].on;
			if (plan_target(&record->plan, name) == NULL) {
				struct plan_target *target = plan_add_target(
						&record->plan, name);
				plan_target_add_host(target, "node1");
				plan_target_add_host(target, "node2");
			}
		}
	}
}

static struct plan_record *make_plan(const struct night *night) {
	struct findings findings;
	findings_init(&findings);
	struct plan_record *record = xcalloc(1, sizeof(*record));
	record->runbook = runbook_md_parse(
			"night.md", night->source, strlen(night->source), &findings);
	for (size_t i = 0; i < findings.count; i++) {
		if (findings.list[i].severity == SEVERITY_ERROR) {
			printf("# night.md:%u: %s\n", findings.list[i].place.line,
					findings.list[i].text);
		}
	}
	assert(findings_errors(&findings) == 0);
	findings_finish(&findings);
	record->source = xstrdup(night->source);
	plan_init(&record->plan, record->runbook);
	struct err err = { 0 };
	bool complete = plan_complete(&record->plan, &err);
	assert(complete);
	struct plan_target *local = plan_add_target(&record->plan, "local");
	plan_target_add_host(local, "local");
	local->workdir = night->workdir != NULL ? xstrdup(night->workdir) : NULL;
	add_targets(record);
	plan_seal(&record->plan);
	return record;
}

/* --- what happened, in short --- */

static const char *number_of(
		const struct night *night, const struct event *event) {
	const struct run *run = bridge_run(&night->bridge, event->run);
	if (run == NULL || event->step >= run->step_count) {
		return NULL;
	}
	return run->plan->runbook->steps[event->step].number;
}

static void tell(struct night *night, const struct event *event) {
	struct str line = { 0 };
	str_add(&line, event_spec(event->type)->name);
	if (event->type == EVENT_GATE_OPENED) {
		str_addf(&line, " %s", purpose_name(event->purpose));
	}
	const char *number = number_of(night, event);
	if (number != NULL) {
		str_addf(&line, " %s", number);
	}
	if (event->attempt > 0) {
		str_addf(&line, "#%u", event->attempt);
	}
	if (event->attempt > 0 && event->host > 0) {
		str_addf(&line, "@%u", event->host + 1);
	}
	if (event->outcome != OUTCOME_NONE) {
		str_addf(&line, " %s", outcome_name(event->outcome));
	}
	if (event->user != NULL) {
		str_addf(&line, " by %s", event->user);
	}
	if (event->type == EVENT_COMMAND_REFUSED ||
			event->type == EVENT_GATE_CLOSED ||
			event->type == EVENT_RUN_REHEARSED) {
		str_addf(&line, ": %s", event->text != NULL ? event->text : "");
	}
	if (event->type == EVENT_STATUS_DUE) {
		str_addf(&line, " %llu, %u missed", (unsigned long long)event->number,
				event->count);
	}
	for (char *c = line.data; c != NULL && *c != '\0'; c++) {
		*c = *c == '\n' ? '/' : *c;
	}
	str_addf(&night->log, "%s\n", str_text(&line));
	str_addf(&night->shown, "%s\n", str_text(&line));
	str_finish(&line);
}

const char *night_shown(struct night *night) {
	static char text[16384];
	snprintf(text, sizeof(text), "%s", str_text(&night->shown));
	str_clear(&night->shown);
	return text;
}

/* --- invariants, before an event is folded --- */

static void violate(
		struct night *night, const char *what, const struct event *event) {
	if (night->violated[0] == '\0') {
		const char *number = number_of(night, event);
		snprintf(night->violated, sizeof(night->violated), "%s: %s %s", what,
				event_spec(event->type)->name, number != NULL ? number : "");
	}
}

static bool is_forward(const struct run *run, size_t step) {
	size_t phase = run->plan->runbook->steps[step].phase;
	return run->plan->runbook->phases[phase].kind != PHASE_ROLLBACK;
}

/* Whether any run is being rolled back, or that is asked for. */
static bool rolls_back(const struct bridge *bridge) {
	for (size_t i = 0; i < bridge->gate_count; i++) {
		const struct gate_state *gate = &bridge->gates[i];
		if (gate->purpose == PURPOSE_ROLLBACK && gate->status == GATE_OPEN) {
			return true;
		}
	}
	for (size_t i = 0; i < bridge->run_count; i++) {
		if (bridge->runs[i].status == RUN_ROLLING_BACK) {
			return true;
		}
	}
	return false;
}

static void check_started(struct night *night, const struct event *event) {
	const struct run *run = bridge_run(&night->bridge, event->run);
	const struct step_state *step = &run->steps[event->step];
	bool forward = is_forward(run, event->step);
	const struct gate_state *gate = flow_gate_state(
			&night->bridge, run, event->step);
	if (flow_gate_of(run, event->step) != RUNBOOK_NONE &&
			(gate == NULL || gate->status != GATE_USED)) {
		violate(night, "S1 no used gate", event);
	}
	size_t running = 0;
	for (size_t i = 0; i < step->attempt_count; i++) {
		const struct attempt *attempt = &step->attempts[i];
		bool here = attempt->block == event->block &&
				attempt->host == event->host;
		if (here && attempt->number == event->attempt) {
			violate(night, "S2 the same attempt twice", event);
		}
		if (attempt->ended_ms == 0 &&
				(here || attempt->block != event->block)) {
			violate(night, "S2 two at once", event);
		}
		running += attempt->ended_ms == 0;
	}
	if (running >= run_host_parallel(run, event->step, event->block)) {
		violate(night, "S2 more at once than it says", event);
	}
	const struct gate_state *rollback = bridge_gate_for(
			&night->bridge, run->number, PURPOSE_ROLLBACK);
	if (forward &&
			(run->rollback_ms > 0 ||
					(rollback != NULL && rollback->status == GATE_OPEN))) {
		violate(night, "S4 forward during rollback", event);
	}
	if (forward && run_is_executing(run) && rolls_back(&night->bridge)) {
		violate(night, "S4 forward during another's rollback", event);
	}
	if (forward && night->bridge.server_lost) {
		violate(night, "S7 forward while cut off", event);
	}
	if (run->held) {
		violate(night, "started while held", event);
	}
	night->started++;
}

static void check_used(struct night *night, const struct event *event) {
	const struct gate_state *gate = bridge_gate(&night->bridge, event->gate);
	const struct gate *model = gate_state_model(&night->bridge, gate);
	bool other = false;
	for (size_t i = 0; i < gate->filled_count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (gate->filled[i][0] != '\0' &&
					strcmp(gate->filled[i], gate->filled[j]) == 0) {
				violate(night, "S1 one person in two slots", event);
			}
		}
		other = other || gate->asker == NULL ||
				strcmp(gate->filled[i], gate->asker) != 0;
	}
	if (gate->overridden) {
		return; // break-glass: said by people of the config, loudly
	}
	if (gate->filled_count != model->slot_count || !other) {
		violate(night, "S1 slots", event);
	}
}

static void fold(struct night *night, const struct event *event) {
	if (event->type == EVENT_ATTEMPT_STARTED) {
		check_started(night, event);
	} else if (event->type == EVENT_GATE_USED) {
		check_used(night, event);
	}
	struct err err = { 0 };
	if (!bridge_fold(&night->bridge, event, &err)) {
		snprintf(night->violated, sizeof(night->violated), "%s", err.text);
		printf("# %s\n", err.text);
		return;
	}
	const char *wrong = at_hand_differs(&night->bridge);
	if (wrong != NULL) {
		violate(night, wrong, event);
	}
	tell(night, event);
}

static struct world world_of(const struct night *night) {
	return (struct world){
		.now_ms = night->now_ms,
		.settings = &night->settings,
		.people = &night->people,
	};
}

/* One request; whether it had consequences. */
static bool put(struct night *night, const struct request *request) {
	struct world world = world_of(night);
	struct decision decision;
	decision_init(&decision);
	decide(&night->bridge, &world, request, &decision);
	for (size_t i = 0; i < decision.count && night->violated[0] == '\0'; i++) {
		fold(night, &decision.events[i]);
		if (night->heard != NULL) {
			night->heard(night->heard_data, &world, &decision.events[i],
					decision.count - i - 1);
		}
	}
	if (decision.count > 0 && !at_hand_answers(&night->bridge, &world)) {
		violate(night, "not what a look at everything says",
				&decision.events[decision.count - 1]);
	}
	bool any = decision.count > 0;
	if (!any && request->type < REQUEST_FILES && night->violated[0] == '\0') {
		snprintf(night->violated, sizeof(night->violated),
				"said and not answered: request %d by %s", (int)request->type,
				request->user);
	}
	decision_finish(&decision);
	return any;
}

/* --- the server's part --- */

static size_t taps_on(
		const struct night *night, const char *post, struct request_tap *taps) {
	size_t count = 0;
	for (size_t i = 0; i < night->tap_count; i++) {
		if (strcmp(night->taps[i].post, post) == 0) {
			taps[count++] = (struct request_tap){
				.user = night->taps[i].user,
				.emoji = night->taps[i].emoji,
				.server_ms = night->taps[i].server_ms,
			};
		}
	}
	return count;
}

static bool read_taps(struct night *night, const char *post, bool fresh) {
	struct request_tap taps[NIGHT_TAPS];
	struct request request = {
		.type = REQUEST_TAPS,
		.post = post,
		.taps = taps,
		.tap_count = taps_on(night, post, taps),
		.fresh = fresh,
	};
	return put(night, &request);
}

static bool post_all(struct night *night) {
	bool any = false;
	struct request request = { .type = REQUEST_POSTED };
	char post[32];
	request.post = post;
	for (size_t i = 0; i < night->bridge.gate_count; i++) {
		if (night->bridge.gates[i].post == NULL) {
			request.gate = night->bridge.gates[i].id;
			request.server_ms = night->now_ms;
			request.problem = night->unpostable ? "it is refused" : NULL;
			snprintf(post, sizeof(post), "p%llu",
					(unsigned long long)++night->clock);
			any = put(night, &request) || any;
		}
	}
	request.problem = NULL;
	for (size_t i = 0; i < night->bridge.poll_count; i++) {
		if (night->bridge.polls[i].post == NULL) {
			request.gate = night->bridge.polls[i].id;
			snprintf(post, sizeof(post), "p%llu",
					(unsigned long long)++night->clock);
			any = put(night, &request) || any;
		}
	}
	request.gate = 0;
	for (size_t i = 0; i < night->bridge.run_count; i++) {
		const struct run *run = &night->bridge.runs[i];
		for (size_t j = 0; j < run->step_count; j++) {
			if (run->steps[j].status == STEP_ASKED &&
					run->steps[j].post == NULL &&
					run->plan->runbook->steps[j].kind == STEP_MANUAL) {
				request.run = run->number;
				request.step_index = (uint32_t)j;
				snprintf(post, sizeof(post), "p%llu",
						(unsigned long long)++night->clock);
				any = put(night, &request) || any;
			}
		}
	}
	return any;
}

/* --- the runner's part --- */

static enum outcome outcome_of(struct night *night, const char *number) {
	for (size_t i = 0; i < night->fail_count; i++) {
		if (strcmp(night->fails[i], number) == 0) {
			enum outcome outcome = night->fail_as[i];
			night->fail_count--;
			memmove(&night->fails[i], &night->fails[i + 1],
					(night->fail_count - i) * sizeof(night->fails[0]));
			memmove(&night->fail_as[i], &night->fail_as[i + 1],
					(night->fail_count - i) * sizeof(night->fail_as[0]));
			return outcome;
		}
	}
	return OUTCOME_OK;
}

static size_t declared(const struct step *step, struct plan_value *values) {
	size_t count = 0;
	for (size_t i = 0; i < step->set_count; i++) {
		values[count++] = (struct plan_value){ .name = step->sets[i] };
	}
	for (size_t i = 0; i < step->block_count; i++) {
		for (size_t j = 0; j < step->blocks[i].set_count; j++) {
			values[count++] =
					(struct plan_value){ .name = step->blocks[i].sets[j] };
		}
	}
	for (size_t i = 0; i < count; i++) {
		values[i].value = values[i].name;
	}
	return count;
}

static bool end_attempt(struct night *night, const struct run *run,
		size_t index, const struct attempt *attempt, enum outcome outcome) {
	struct plan_value values[16];
	struct request request = {
		.type = REQUEST_ATTEMPT_ENDED,
		.run = run->number,
		.step_index = (uint32_t)index,
		.block = attempt->block,
		.host = attempt->host,
		.attempt = attempt->number,
		.outcome = outcome,
		.reason = outcome == OUTCOME_OK ? NULL
				: night->reason != NULL ? night->reason
										: "exit 1",
		.exit_status = outcome == OUTCOME_OK ? 0 : 1,
		.values = values,
		.tail = night->tail,
		.lines = night->tail != NULL ? 412 : 0,
		.log = night->tail != NULL ? "/state/out.log" : NULL,
	};
	if (outcome == OUTCOME_OK ||
			(outcome == OUTCOME_UNKNOWN && night->leaves)) {
		request.value_count = declared(
				&run->plan->runbook->steps[index], values);
	}
	return put(night, &request);
}

static bool fetch_file(struct night *night, const struct effect *effect) {
	const char *why = night->unfetched;
	const struct request request = {
		.type = REQUEST_FILE_FETCHED,
		.run = effect->run,
		.file = effect->file,
		.outcome = why == NULL ? OUTCOME_OK : OUTCOME_FAILED,
		.reason = why,
		.file_name = "shot.png",
		.file_path = why == NULL ? "runs/LB-1/evidence/1-shot.png" : NULL,
		.file_bytes = 12345,
		.file_digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e"
					   "1b161e5c1fa7425e73043362938b9824",
	};
	return !night->fetching && put(night, &request);
}

static bool carry_out(struct night *night, const struct effect *effect) {
	const struct run *run = bridge_run(&night->bridge, effect->run);
	struct request_tap taps[NIGHT_TAPS];
	struct request request = {
		.gate = effect->gate,
		.run = effect->run,
		.step_index = effect->step,
		.block = effect->block,
		.host = effect->host,
		.attempt = effect->attempt,
	};
	const struct attempt *running = NULL;
	if (effect->type == EFFECT_FOLLOW_ATTEMPT ||
			effect->type == EFFECT_CANCEL_ATTEMPT) {
		running = step_running(&run->steps[effect->step]);
	}
	bool any = false;
	switch (effect->type) {
	case EFFECT_READ_TAPS:
		return !night->unverifiable &&
				read_taps(night,
						bridge_gate(&night->bridge, effect->gate)->post, true);
	case EFFECT_VERIFY_GATE: {
		const struct gate_state *gate = bridge_gate(
				&night->bridge, effect->gate);
		struct plan_record *plan = make_plan(night);
		request.type = REQUEST_GATE_VERIFIED;
		request.fresh = !night->unverifiable;
		request.taps = taps;
		request.tap_count = gate->post != NULL
				? taps_on(night, gate->post, taps)
				: 0;
		request.plan = plan;
		any = put(night, &request);
		plan_record_destroy(plan);
		return any;
	}
	case EFFECT_START_ATTEMPT: {
		struct plan plan;
		plan_init(&plan, run->plan->runbook);
		struct plan_target *target = plan_add_target(&plan,
				run->plan->runbook->steps[effect->step]
						.blocks[effect->block]
						.on);
		if (night->files_changed) {
			char hash[SHA256_HEX] = "ab";
			plan_target_add_file(target, "prod.env", hash);
		}
		request.type = REQUEST_ATTEMPT_START;
		request.target = target;
		any = put(night, &request);
		plan_finish(&plan);
		return any;
	}
	case EFFECT_FOLLOW_ATTEMPT:
		if (running == NULL || night->slow) {
			return false;
		}
		return end_attempt(night, run, effect->step, running,
				outcome_of(
						night, run->plan->runbook->steps[effect->step].number));
	case EFFECT_CANCEL_ATTEMPT:
		return running != NULL && !night->disobedient &&
				end_attempt(
						night, run, effect->step, running, OUTCOME_CANCELLED);
	case EFFECT_FETCH_FILE:
		return fetch_file(night, effect);
	}
	return false;
}

static bool carry_out_all(struct night *night) {
	struct world world = world_of(night);
	struct effects effects;
	bridge_next(&night->bridge, &world, &effects);
	bool any = false;
	for (size_t i = 0; i < effects.count && night->violated[0] == '\0'; i++) {
		any = carry_out(night, &effects.list[i]) || any;
	}
	effects_finish(&effects);
	return any;
}

void night_settle(struct night *night) {
	const struct request tick = { .type = REQUEST_TICK };
	if (night->away) {
		return;
	}
	for (size_t turn = 0;; turn++) {
		assert(turn < 5000);
		bool any = put(night, &tick);
		any = post_all(night) || any;
		any = carry_out_all(night) || any;
		if (!any || night->violated[0] != '\0') {
			return;
		}
	}
}

void night_put(struct night *night, const struct request *request) {
	put(night, request);
}

void night_ask(struct night *night, const struct request *request) {
	put(night, request);
	night_settle(night);
}

void night_say(struct night *night, const char *user, enum request_type type,
		const char *step, const char *text) {
	char post[32];
	snprintf(
			post, sizeof(post), "said%llu", (unsigned long long)++night->clock);
	struct plan_record *plan = NULL;
	if (type == REQUEST_PLAN || type == REQUEST_REHEARSE ||
			type == REQUEST_START) {
		plan = make_plan(night);
	}
	const struct request request = {
		.type = type,
		.user = user,
		.post = post,
		.command = night->command != NULL ? night->command : "said",
		.step = step,
		.text = text,
		.plan = plan,
	};
	size_t before = night->bridge.plan_count;
	put(night, &request);
	if (night->bridge.plan_count == before) {
		plan_record_destroy(plan);
	}
	night_settle(night);
}

/* --- people's part --- */

static const char *newest_post(const struct night *night) {
	size_t count = 0;
	const char **posts = bridge_tap_posts(&night->bridge, &count);
	const char *newest = NULL;
	for (size_t i = 0; i < count; i++) {
		if (newest == NULL || atoi(posts[i] + 1) > atoi(newest + 1)) {
			newest = posts[i];
		}
	}
	free(posts);
	return newest;
}

void night_tap(struct night *night, const char *user, const char *emoji) {
	night_tap_post(night, newest_post(night), user, emoji);
}

void night_tap_post(struct night *night, const char *post, const char *user,
		const char *emoji) {
	if (post == NULL || night->tap_count == NIGHT_TAPS) {
		return;
	}
	struct night_tap *tap = &night->taps[night->tap_count++];
	*tap = (struct night_tap){ .server_ms = night->now_ms };
	snprintf(tap->post, sizeof(tap->post), "%s", post);
	snprintf(tap->user, sizeof(tap->user), "%s", user);
	snprintf(tap->emoji, sizeof(tap->emoji), "%s", emoji);
	read_taps(night, tap->post, false);
	night_settle(night);
}

void night_untap(struct night *night, const char *user, const char *emoji) {
	night_untap_post(night, NULL, user, emoji);
}

void night_untap_post(struct night *night, const char *post, const char *user,
		const char *emoji) {
	for (size_t i = night->tap_count; i > 0; i--) {
		struct night_tap tap = night->taps[i - 1];
		if (strcmp(tap.user, user) == 0 && strcmp(tap.emoji, emoji) == 0 &&
				(post == NULL || strcmp(tap.post, post) == 0)) {
			night->tap_count--;
			memmove(&night->taps[i - 1], &night->taps[i],
					(night->tap_count - i + 1) * sizeof(night->taps[0]));
			read_taps(night, tap.post, false);
			night_settle(night);
			return;
		}
	}
}

void night_change(struct night *night, const char *text) {
	free(night->source);
	night->source = xstrdup(text);
	struct plan_record *plan = make_plan(night);
	night_ask(night,
			&(struct request){
					.type = REQUEST_SOURCE_CHANGED,
					.text = "runbook",
					.plan = plan,
			});
	plan_record_destroy(plan);
}

void night_pass(struct night *night, int64_t minutes) {
	for (int64_t i = 0; i < minutes; i++) {
		night_jump(night, 60000);
	}
}

void night_jump(struct night *night, int64_t ms) {
	night->now_ms += ms;
	night_settle(night);
}

void night_will(struct night *night, const char *step, enum outcome outcome) {
	if (night->fail_count < 16) {
		snprintf(night->fails[night->fail_count], 16, "%s", step);
		night->fail_as[night->fail_count++] = outcome;
	}
}

void night_end(struct night *night, const char *step, enum outcome outcome) {
	const struct run *run = night_run(night);
	size_t index = runbook_step(run->plan->runbook, step);
	const struct attempt *running = step_running(&run->steps[index]);
	if (running != NULL) {
		end_attempt(night, run, index, running, outcome);
		night_settle(night);
	}
}

void night_says(struct night *night, const char *user, enum request_type type) {
	night_say(night, user, type, NULL, NULL);
}

void night_begin(struct night *night) {
	night_init(night, night_whole);
	night_says(night, "lead", REQUEST_PLAN);
	night_tap(night, "lead", "white_check_mark");
	night_tap(night, "cto", "+1_medium_skin_tone");
	night_says(night, "lead", REQUEST_REHEARSE);
	night_says(night, "lead", REQUEST_START);
}

void night_approve_t0(struct night *night) {
	night_tap(night, "lead", "white_check_mark");
	night_tap(night, "rep", "white_check_mark");
}

void night_reach_success(struct night *night) {
	night_begin(night);
	night_approve_t0(night);
	night_say(night, "rep", REQUEST_DONE, "4.2", NULL);
	night_say(night, "rep", REQUEST_DONE, "5.3", NULL);
	night_shown(night);
}

void night_approve(struct night *night) {
	night_tap(night, "lead", "white_check_mark");
	night_tap(night, "cto", "white_check_mark");
}

const struct gate_state *night_gate(
		const struct night *night, enum gate_purpose purpose) {
	uint32_t run = purpose == PURPOSE_PLAN ? 0 : night_run(night)->number;
	return bridge_gate_for(&night->bridge, run, purpose);
}

int night_setup(void **state) {
	*state = calloc(1, sizeof(struct night));
	return 0;
}

int night_teardown(void **state) {
	struct night *night = *state;
	if (night->violated[0] != '\0') {
		printf("# %s\n%s", night->violated, str_text(&night->log));
	}
	int bad = night->violated[0] != '\0';
	night_finish(night);
	free(night);
	return bad;
}
