#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "support/night.h"
#include "support/test.h"

/*
 * Who may say what, when, and what it does: beyond the nights of
 * test_decide.c.
 */

static const char polled[] =
		"# Polled\n\n"
		"| Role | Primary | Backup | Contact |\n|---|---|---|---|\n"
		"| Cutover lead | a | b | c |\n| DevOps lead | a | b | c |\n"
		"| CTO | a | b | c |\n| Storage | a | b | c |\n\n"
		"| Group | Roles |\n|---|---|\n| Reps | Storage, CTO |\n\n"
		"| Step | Required approvers | Record location |\n|---|---|---|\n"
		"| T0 | Reps | channel |\n| Alone | DevOps lead | channel |\n\n"
		"## 1 Go {.production gate=\"T0\"}\n\n"
		"1. One\n\n   ```sh\n   echo one\n   ```\n"
		"2. Proof {owner=\"Storage\" evidence}\n"
		"3. Maybe {owner=\"Storage\"}\n\n   ```sh ask\n   echo x\n   ```\n\n"
		"### 1.1 Later {gate=\"Alone\"}\n\n"
		"1. Two\n\n   ```sh retries=1 delay=1m\n   echo two\n   ```\n\n"
		"## 2 Back {.rollback}\n\n1. Undo\n\n   ```sh\n   echo undo\n   ```\n";

static void start_polled(struct night *night) {
	night_init(night, polled);
	night_says(night, "lead", REQUEST_START);
	night_tap(night, "rep", "white_check_mark");
	night_tap(night, "cto", "white_check_mark");
}

static void night_delegate(struct night *night, const char *user,
		const char *role, const char *who, const char *until) {
	night_ask(night,
			&(struct request){
					.type = REQUEST_DELEGATE,
					.user = user,
					.post = "said",
					.command = "delegate",
					.role = role,
					.who = who,
					.until = until,
			});
}

static void night_override(struct night *night, const char *user,
		const char *gate, const char *why) {
	night_ask(night,
			&(struct request){
					.type = REQUEST_OVERRIDE,
					.user = user,
					.post = "said",
					.command = "override",
					.role = gate,
					.text = why,
			});
}

static void a_poll_is_of_a_group_and_only_its_people_vote(void **state) {
	struct night *night = *state;
	night_init(night, polled);
	night_says(night, "lead", REQUEST_POLL);
	assert_non_null(strstr(night_shown(night), "there is no plan yet"));
	night_says(night, "lead", REQUEST_PLAN);
	night_shown(night);
	night_says(night, "cto", REQUEST_POLL);
	assert_non_null(strstr(night_shown(night), "command.refused by cto"));
	night_say(night, "lead", REQUEST_POLL, NULL, "nobody");
	assert_string_equal(night_shown(night),
			"command.refused by lead: the runbook has no group nobody\n");
	night_say(night, "lead", REQUEST_POLL, NULL, "reps");
	assert_string_equal(
			night_shown(night), "poll.opened by lead\npoll.posted\n");
	night_say(night, "lead", REQUEST_POLL, NULL, "Reps");
	assert_non_null(strstr(night_shown(night), "that poll is open already"));
	night_tap(night, "other", "white_check_mark");
	assert_string_equal(night_shown(night), "");
	night_tap(night, "rep", "white_check_mark");
	night_tap(night, "cto", "x");
	assert_string_equal(night_shown(night),
			"poll.voted yes by rep\npoll.voted no by cto\n");
	night_untap(night, "cto", "x");
	assert_string_equal(night_shown(night), "poll.voted by cto\n");
}

static void a_poll_of_the_gate_ends_at_t0(void **state) {
	struct night *night = *state;
	night_init(night, polled);
	night_says(night, "lead", REQUEST_PLAN);
	night_says(night, "lead", REQUEST_POLL);
	night_tap(night, "cto", "x");
	night_says(night, "lead", REQUEST_START); // does not refuse for it
	night_shown(night);
	night_tap(night, "rep", "white_check_mark");
	night_tap(night, "cto", "white_check_mark");
	assert_non_null(strstr(night_shown(night), "run.t0\npoll.closed\n"));
	night_says(night, "lead", REQUEST_POLL);
	assert_non_null(strstr(night_shown(night), "T0 has passed"));
}

static void evidence_is_asked_for(void **state) {
	struct night *night = *state;
	start_polled(night);
	night_shown(night);
	night_tap(night, "rep", "white_check_mark");
	assert_string_equal(night_shown(night), "step.tap_refused 1.2 by rep\n");
	night_says(night, "lead", REQUEST_STATUS);
	night_shown(night);
	night_say(night, "rep", REQUEST_DONE, "1.2", "");
	assert_non_null(strstr(night_shown(night), "needs evidence"));
	night_ask(night,
			&(struct request){
					.type = REQUEST_DONE,
					.user = "rep",
					.post = "with-file",
					.command = "done",
					.step = "1.2",
					.files = (const char *const[]){ "file1" },
					.file_count = 1,
			});
	assert_string_equal(night_shown(night),
			"file.offered 1.2 by rep\n"
			"file.kept 1.2 by rep\n"
			"step.ended 1.2 ok by rep\n"
			"step.asked 1.3\n");
	night_say(night, "rep", REQUEST_DONE, "1.2", "and the log");
	assert_string_equal(night_shown(night), "step.evidence 1.2 by rep\n");
	night_say(night, "rep", REQUEST_DONE, "1.2", NULL);
	assert_non_null(strstr(night_shown(night), "1.2 is done already"));
}

static void night_attach(struct night *night, enum request_type type,
		const char *step, const char *text, size_t count) {
	static const char *const files[RUN_FILES + 1] = { "file1", "file2" };
	night_ask(night,
			&(struct request){
					.type = type,
					.user = "rep",
					.post = step != NULL ? step : "note",
					.root = "thread",
					.command = "done",
					.step = step,
					.text = text,
					.files = files,
					.file_count = count,
			});
}

static void a_step_waits_for_the_file_that_is_its_evidence(void **state) {
	struct night *night = *state;
	start_polled(night);
	night->fetching = true;
	night_shown(night);
	night_attach(night, REQUEST_DONE, "1.2", NULL, 2);
	assert_string_equal(night_shown(night),
			"file.offered 1.2 by rep\n"
			"file.offered 1.2 by rep\n");
	struct waitings waitings;
	const struct world world = {
		.now_ms = night->now_ms,
		.settings = &night->settings,
		.people = &night->people,
	};
	bridge_waiting(&night->bridge, &world, &waitings);
	assert_string_equal(waitings.list[0].what, "1.2 file is being fetched");
	waitings_finish(&waitings);
	night->fetching = false;
	night_settle(night);
	assert_string_equal(night_shown(night),
			"file.kept 1.2 by rep\n"
			"file.kept 1.2 by rep\n"
			"step.ended 1.2 ok by rep\n"
			"step.asked 1.3\n");
	const struct run_file *file = &night_run(night)->files[1];
	assert_string_equal(file->path, "runs/LB-1/evidence/1-shot.png");
	assert_int_equal(file->bytes, 12345);
}

static void files_are_fetched_one_after_the_other(void **state) {
	struct night *night = *state;
	start_polled(night);
	night->fetching = true;
	night_attach(night, REQUEST_DONE, "1.2", NULL, 2);
	struct effects effects;
	const struct world world = {
		.now_ms = night->now_ms,
		.settings = &night->settings,
		.people = &night->people,
	};
	bridge_next(&night->bridge, &world, &effects);
	assert_int_equal(effects.count, 1);
	assert_int_equal(effects.list[0].type, EFFECT_FETCH_FILE);
	assert_int_equal(effects.list[0].file, 0);
	effects_finish(&effects);
}

static void a_file_that_cannot_be_had_is_no_evidence(void **state) {
	struct night *night = *state;
	start_polled(night);
	night->unfetched = "it is gone from the server (HTTP 404)";
	night_shown(night);
	night_attach(night, REQUEST_DONE, "1.2", NULL, 1);
	assert_string_equal(night_shown(night),
			"file.offered 1.2 by rep\n"
			"file.lost 1.2 by rep\n");
	night_attach(night, REQUEST_DONE, "1.2", "seen by all", 1); // words do
	assert_non_null(strstr(night_shown(night), "step.ended 1.2 ok by rep"));
}

static void a_file_fetched_too_late_ends_nothing_else(void **state) {
	struct night *night = *state;
	start_polled(night);
	night->fetching = true;
	night_attach(night, REQUEST_DONE, "1.2", NULL, 1);
	night_say(night, "rep", REQUEST_FAIL, "1.2", "the wrong picture");
	night_say(night, "lead", REQUEST_RETRY, "1.2", NULL);
	night_shown(night);
	night->fetching = false;
	night_settle(night);
	assert_string_equal(night_shown(night), "file.kept 1.2 by rep\n");
}

/* One of blanks alone comes to none. */
static void a_file_without_a_name_is_kept_all_the_same(void **state) {
	struct night *night = *state;
	start_polled(night);
	night->fetching = true;
	night_attach(night, REQUEST_DONE, "1.2", NULL, 1);
	night_shown(night);
	night_ask(night,
			&(struct request){
					.type = REQUEST_FILE_FETCHED,
					.run = 1,
					.outcome = OUTCOME_OK,
					.file_path = "runs/LB-1/evidence/1-file",
					.file_bytes = 5,
					.file_digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e"
								   "1b161e5c1fa7425e73043362938b9824",
			});
	assert_non_null(strstr(night_shown(night), "step.ended 1.2 ok by rep\n"));
	assert_string_equal(night_run(night)->files[0].name, "file");
}

static void files_are_kept_with_notes_and_failures_too(void **state) {
	struct night *night = *state;
	start_polled(night);
	night_shown(night);
	night_attach(night, REQUEST_NOTE, NULL, "how it looked", 1);
	assert_non_null(strstr(night_shown(night), "file.kept by rep\n"));
	night_attach(night, REQUEST_FAIL, "1.2", "it is red", 1);
	assert_non_null(strstr(night_shown(night), "file.kept 1.2 by rep\n"));
	night_attach(night, REQUEST_NOTE, NULL, "all of it", RUN_FILES);
	assert_non_null(
			strstr(night_shown(night), "LB-1 can keep 200 files and has 2"));
}

/* Posts are read again after an outage, and in between. */
static void a_picture_from_before_the_question_does_not_answer_it(
		void **state) {
	struct night *night = *state;
	static const char *const files[] = { "file1" };
	struct request request = {
		.type = REQUEST_FILES,
		.user = "rep",
		.post = "picture",
		.root = "thread",
		.command = "done",
		.files = files,
		.file_count = 1,
		.late_ms = 30000,
	};
	start_polled(night);
	night_shown(night);
	night_ask(night, &request);
	assert_string_equal(night_shown(night), "");
	request.late_ms = 0;
	night_ask(night, &request);
	assert_non_null(strstr(night_shown(night), "step.ended 1.2 ok by rep\n"));
}

static void without_a_run_there_is_no_place_for_a_file(void **state) {
	struct night *night = *state;
	night_init(night, polled);
	night_shown(night);
	night_attach(night, REQUEST_NOTE, NULL, "look", 1);
	assert_non_null(strstr(night_shown(night), "no run is open"));
}

static void a_secret_given_by_mistake_is_not_put_on_record(void **state) {
	struct night *night = *state;
	static const struct plan_value params[] = {
		{ .name = (char *)(uintptr_t) "RELEASE",
				.value = (char *)(uintptr_t) "1.0" },
		{ .name = (char *)(uintptr_t) "PASSWORD",
				.value = (char *)(uintptr_t) "hunter2hunter2" },
	};
	night_init(night, polled);
	struct decision decision;
	decision_init(&decision);
	const struct world world = {
		.now_ms = night->now_ms,
		.settings = &night->settings,
		.people = &night->people,
	};
	decide(&night->bridge, &world,
			&(struct request){
					.type = REQUEST_PLAN,
					.user = "lead",
					.post = "said",
					.command = "plan",
					.words =
							"!cutover plan RELEASE=1.0 PASSWORD=hunter2hunter2",
					.params = params,
					.param_count = 2,
					.plan_problem = "PASSWORD is secret",
			},
			&decision);
	assert_int_equal(decision.count, 1);
	assert_string_equal(
			decision.events[0].detail, "!cutover plan RELEASE=… PASSWORD=…");
	decision_finish(&decision);
}

static void an_ask_step_is_run_or_passed_by_its_owner(void **state) {
	struct night *night = *state;
	start_polled(night);
	night_say(night, "rep", REQUEST_DONE, "1.2", "seen");
	night_shown(night);
	night_say(night, "cto", REQUEST_RUN, "1.3", NULL);
	assert_string_equal(night_shown(night),
			"command.refused by cto: 1.3 is not yours to settle/rep can\n");
	night_say(night, "rep", REQUEST_DONE, "1.3", NULL);
	assert_non_null(strstr(night_shown(night), "1.3 asks: `!run` or `!pass`"));
	night_say(night, "rep", REQUEST_PASS, "1.3", "not needed");
	assert_string_equal(night_shown(night),
			"step.ended 1.3 passed by rep\n"
			"gate.opened step\n"
			"gate.posted\n");
	night_say(night, "rep", REQUEST_RUN, "1.3", NULL);
	assert_non_null(strstr(night_shown(night), "1.3 is settled already"));
}

static void a_later_heading_has_its_own_gate(void **state) {
	struct night *night = *state;
	start_polled(night);
	night_say(night, "rep", REQUEST_DONE, "1.2", "seen");
	night_say(night, "rep", REQUEST_PASS, "1.3", NULL);
	night_will(night, "1.1.1", OUTCOME_FAILED);
	night_shown(night);
	night_tap(night, "cto", "white_check_mark");
	assert_string_equal(night_shown(night), "gate.tap_refused by cto\n");
	night_tap(night, "lead", "white_check_mark");
	assert_string_equal(night_shown(night),
			"gate.approved by lead\n"
			"gate.passed\n"
			"gate.used\n"
			"attempt.started 1.1.1#1\n"
			"attempt.ended 1.1.1#1 failed\n");
	night_pass(night, 1); // its one retry, by itself
	assert_string_equal(night_shown(night),
			"attempt.started 1.1.1#2\n"
			"attempt.ended 1.1.1#2 ok\n"
			"step.ended 1.1.1 ok\n"
			"run.deciding\n"
			"run.succeeded\n"
			"run.watched\n");
	assert_int_equal(night_run(night)->interventions, 0);
}

static void a_gate_on_the_way_that_is_refused_holds(void **state) {
	struct night *night = *state;
	start_polled(night);
	night_say(night, "rep", REQUEST_DONE, "1.2", "seen");
	night_say(night, "rep", REQUEST_PASS, "1.3", NULL);
	night_tap(night, "lead", "x");
	night_shown(night);
	night_jump(night, 10000);
	assert_string_equal(
			night_shown(night), "gate.closed refused by lead: \nrun.held\n");
	night_says(night, "lead", REQUEST_RESUME);
	assert_string_equal(night_shown(night),
			"run.resumed by lead\ngate.opened step\ngate.posted\n");
}

static void a_backup_counts_when_its_time_has_come(void **state) {
	struct night *night = *state;
	night_init(night, night_whole);
	night->settings.backup_after_ms = 600000;
	night_says(night, "lead", REQUEST_PLAN);
	night_tap(night, "cto", "white_check_mark");
	night_tap(night, "dep", "white_check_mark");
	night_pass(night, 9);
	assert_null(strstr(night_shown(night), "gate.passed"));
	night_pass(night, 1);
	assert_string_equal(
			night_shown(night), "gate.backup_called\ngate.passed\n");
}

static void the_asker_may_be_kept_from_approving(void **state) {
	struct night *night = *state;
	night_init(night, night_whole);
	night->settings.requester_approves = false;
	night_says(night, "lead", REQUEST_PLAN);
	night_shown(night);
	night_tap(night, "lead", "white_check_mark");
	assert_string_equal(night_shown(night), "gate.tap_refused by lead\n");
	night_tap(night, "dep", "white_check_mark");
	night_tap(night, "cto", "white_check_mark");
	assert_non_null(strstr(night_shown(night), "gate.passed"));
}

static void a_gate_of_one_slot_needs_somebody_else(void **state) {
	struct night *night = *state;
	night_init(night,
			"# One\n\n"
			"| Role | Primary | Backup | Contact |\n|---|---|---|---|\n"
			"| Cutover lead | a | b | c |\n| DevOps lead | a | b | c |\n\n"
			"| Step | Required approvers | Record location |\n"
			"|---|---|---|\n| T0 | DevOps lead | channel |\n\n"
			"## 1 Go {.production gate=\"T0\"}\n\n"
			"1. One\n\n   ```sh\n   echo one\n   ```\n\n"
			"## 2 Back {.rollback}\n\n1. U\n\n   ```sh\n   echo u\n   ```\n");
	night_says(night, "lead", REQUEST_START);
	night_tap(night, "lead", "white_check_mark");
	assert_null(strstr(night_shown(night), "gate.passed"));
	night_tap(night, "dep", "white_check_mark");
	assert_non_null(strstr(night_shown(night), "attempt.started 1.1#1"));
}

static void who_could_fill_two_slots_starves_nobody(void **state) {
	struct night *night = *state;
	night_init(night,
			"# Two\n\n"
			"| Role | Primary | Backup | Contact |\n|---|---|---|---|\n"
			"| Cutover lead | a | b | c |\n| DevOps lead | a | b | c |\n\n"
			"| Step | Required approvers | Record location |\n"
			"|---|---|---|\n| T0 | DevOps lead + Cutover lead | channel |\n\n"
			"## 1 Go {.production gate=\"T0\"}\n\n"
			"1. One\n\n   ```sh\n   echo one\n   ```\n\n"
			"## 2 Back {.rollback}\n\n1. U\n\n   ```sh\n   echo u\n   ```\n");
	night_says(night, "lead", REQUEST_START);
	night_tap(night, "lead", "white_check_mark"); // could be either
	night_tap(night, "dep", "white_check_mark");  // only DevOps lead
	assert_non_null(strstr(night_shown(night), "attempt.started 1.1#1"));
	const struct gate_state *gate = bridge_gate_for(
			&night->bridge, night_run(night)->number, PURPOSE_START);
	assert_string_equal(gate->filled[0], "dep");
	assert_string_equal(gate->filled[1], "lead");
}

static void a_deputy_counts_for_a_time(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_shown(night);
	night_delegate(night, "other", "Storage", "other", "30m");
	assert_string_equal(night_shown(night),
			"command.refused by other: only its primary names a deputy/"
			"rep holds Storage\n");
	night_delegate(night, "rep", "storage", "lead", "30m");
	assert_string_equal(night_shown(night),
			"command.refused by rep: lead fills another place of T0/"
			"one person cannot fill two\n");
	night_delegate(night, "rep", "storage", "guest", NULL);
	assert_non_null(strstr(night_shown(night), "guest is no active person"));
	night_delegate(night, "rep", "storage", "other", "soon");
	assert_non_null(strstr(night_shown(night), "until when?"));
	night_delegate(night, "rep", "storage", "other", "20m");
	assert_string_equal(night_shown(night), "deputy.named by rep\n");
	night_tap(night, "other", "white_check_mark"); // the gate is not void
	assert_string_equal(night_shown(night), "gate.approved by other\n");
	night_pass(night, 21);
	night_tap(night, "lead", "white_check_mark");
	assert_null(strstr(night_shown(night), "gate.passed"));
	night_delegate(night, "rep", "storage", "other", "23:59");
	night_jump(night, 1000);
	assert_non_null(strstr(night_shown(night), "attempt.started 4.1#1"));
	night_say(night, "other", REQUEST_DONE, "4.2", NULL); // owns it too
	assert_non_null(strstr(night_shown(night), "step.ended 4.2 ok by other"));
}

static void silence_is_escalated_twice(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->settings.escalate_after_ms = 600000;
	night->settings.status_every_ms = INT64_C(86400000);
	night_shown(night);
	night_pass(night, 25);
	assert_string_equal(night_shown(night), "gate.escalated\ngate.escalated\n");
	night_approve_t0(night);
	night_shown(night);
	night_pass(night, 10);
	assert_string_equal(night_shown(night), "step.escalated 4.2\n");
	night_say(night, "rep", REQUEST_CLAIM, "4.2", NULL);
	night_pass(night, 30);
	assert_string_equal(night_shown(night), "step.claimed 4.2 by rep\n");
}

/* It waits for what a gate that is full waits for too, and no longer. */
static void a_broken_glass_waits_for_a_slipped_thumb_and_broken_files(
		void **state) {
	struct night *night = *state;
	static const char *const roles[] = { "CTO", "DevOps lead" };
	night_begin(night);
	night->settings.override_roles = roles;
	night->settings.override_role_count = 2;
	night->settings.override_count = 2;
	night_tap(night, "rep", "x");
	night_override(night, "cto", "t0", "nobody of storage is there");
	night_override(night, "dep", "t0", "I agree");
	night_ask(night,
			&(struct request){
					.type = REQUEST_SOURCE_BROKEN, .problem = "line 3" });
	night_untap(night, "rep", "x");
	night_shown(night);
	night_pass(night, 1);
	assert_string_equal(night_shown(night), "");
	night_ask(night,
			&(struct request){
					.type = REQUEST_SOURCE_CHANGED, .text = "runbook" });
	assert_non_null(strstr(
			night_shown(night), "source.changed\ngate.overridden\nrun.t0\n"));
}

static void breaking_the_glass_takes_two_and_a_review(void **state) {
	struct night *night = *state;
	static const char *const roles[] = { "CTO", "DevOps lead" };
	night_begin(night);
	night_shown(night);
	night_override(night, "cto", "t0", "nobody of storage is there");
	assert_string_equal(night_shown(night),
			"command.refused by cto: break-glass is off/"
			"no [override] in the config\n");
	night->settings.override_roles = roles;
	night->settings.override_role_count = 2;
	night->settings.override_count = 2;
	night_override(night, "other", "t0", "please");
	assert_string_equal(night_shown(night),
			"command.refused by other: you may not break the glass/"
			"CTO, DevOps lead may\n");
	night_override(night, "cto", "rollback", "now");
	assert_string_equal(night_shown(night),
			"command.refused by cto: no such gate is open\n");
	night_tap(night, "lead", "white_check_mark");
	night_override(night, "cto", "t0", "nobody of storage is there");
	night_override(night, "cto", "t0", "nobody of storage is there");
	assert_string_equal(night_shown(night),
			"gate.approved by lead\n"
			"gate.override_said by cto\n"
			"command.refused by cto: you have said so already/"
			"it takes 2 people\n");
	night_override(night, "dep", "T0", "I agree");
	assert_string_equal(night_shown(night),
			"gate.override_said by dep\n"
			"gate.overridden\n"
			"run.t0\n"
			"gate.used\n"
			"gate.used\n"
			"attempt.started 4.1#1\n"
			"attempt.ended 4.1#1 ok\n"
			"step.ended 4.1 ok\n"
			"step.asked 4.2\n"
			"step.posted 4.2\n");
	night_say(night, "lead", REQUEST_ABORT, NULL, "enough");
	night_shown(night);
	night_says(night, "lead", REQUEST_CLOSE);
	assert_string_equal(night_shown(night),
			"command.refused by lead: an override awaits its review/"
			"one who was passed over says `!review WHY`\n");
	night_say(night, "cto", REQUEST_REVIEW, NULL, "fine");
	assert_string_equal(night_shown(night),
			"command.refused by cto: one who was passed over reviews it/"
			"rep\n");
	night_say(night, "rep", REQUEST_REVIEW, NULL, "I was asleep");
	night_says(night, "lead", REQUEST_CLOSE);
	assert_string_equal(
			night_shown(night), "gate.reviewed by rep\nrun.closed by lead\n");
}

static void success_waits_while_a_rollback_is_asked_for(void **state) {
	struct night *night = *state;
	night_reach_success(night);
	night_tap(night, "lead", "white_check_mark"); // success: 1 of 2
	night_says(night, "other", REQUEST_ROLLBACK);
	const struct gate_state *success = bridge_gate_for(
			&night->bridge, night_run(night)->number, PURPOSE_SUCCESS);
	struct night_tap *tap = &night->taps[night->tap_count++];
	*tap = (struct night_tap){ .user = "cto", .emoji = "+1" };
	snprintf(tap->post, sizeof(tap->post), "%s", success->post);
	night_shown(night);
	night_ask(night,
			&(struct request){
					.type = REQUEST_TAPS,
					.post = success->post,
					.taps =
							(const struct request_tap[]){
									{ .user = "lead",
											.emoji = "white_check_mark" },
									{ .user = "cto", .emoji = "+1" },
							},
					.tap_count = 2,
			});
	assert_string_equal(night_shown(night), "gate.approved by cto\n");
	night_tap(night, "lead", "x");
	night_jump(night, 10000);
	assert_non_null(strstr(night_shown(night), "gate.closed refused by lead"));
}

static void abort_closes_what_is_open(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_shown(night);
	night_say(night, "cto", REQUEST_ABORT, NULL, "no");
	assert_non_null(strstr(night_shown(night), "command.refused by cto"));
	night_say(night, "lead", REQUEST_ABORT, NULL, "no");
	assert_string_equal(night_shown(night),
			"gate.closed void: the run was aborted\nrun.aborted by lead\n");
	night_says(night, "lead", REQUEST_CLOSE);
	night_says(night, "lead", REQUEST_START); // nothing ran: not locked
	assert_non_null(strstr(night_shown(night), "gate.opened start"));
}

static void a_rehearsal_that_is_aborted_does_not_count(void **state) {
	struct night *night = *state;
	night_init(night, night_whole);
	night_says(night, "lead", REQUEST_PLAN);
	night_approve(night);
	night_will(night, "3.1", OUTCOME_FAILED);
	night_says(night, "lead", REQUEST_REHEARSE);
	night_say(night, "lead", REQUEST_ABORT, NULL, "no");
	night_shown(night);
	night_says(night, "lead", REQUEST_START);
	assert_non_null(strstr(night_shown(night), "rehearsal LB-1 did not pass"));
}

static void plan_and_rehearse(struct night *night, const char *command) {
	char *changed = strstr(night->source, "echo try");
	memcpy(changed, command, strlen(command));
	night_says(night, "lead", REQUEST_PLAN);
	night_approve(night);
	night_says(night, "lead", REQUEST_REHEARSE);
	memcpy(changed, "echo try", 8);
}

static void plan_again(struct night *night) {
	night_says(night, "lead", REQUEST_PLAN);
	night_approve(night);
	night_shown(night);
}

static void another_plans_rehearsal_takes_nothing_from_this_one(void **state) {
	struct night *night = *state;
	night_init(night, night_whole);
	plan_and_rehearse(night, "echo try");
	plan_and_rehearse(night, "echo two");
	plan_again(night);
	night_says(night, "lead", REQUEST_START);
	assert_non_null(strstr(night_shown(night), "gate.opened start"));
}

static void a_newer_rehearsal_of_the_same_plan_that_failed_counts(
		void **state) {
	struct night *night = *state;
	night_init(night, night_whole);
	plan_and_rehearse(night, "echo try");
	night_will(night, "3.1", OUTCOME_FAILED);
	night_says(night, "lead", REQUEST_REHEARSE);
	night_say(night, "lead", REQUEST_ABORT, NULL, "no");
	plan_and_rehearse(night, "echo two");
	plan_again(night);
	night_says(night, "lead", REQUEST_START);
	assert_non_null(strstr(night_shown(night), "rehearsal LB-2 did not pass"));
}

static void a_plan_that_was_never_rehearsed_is_told_so(void **state) {
	struct night *night = *state;
	night_init(night, night_whole);
	plan_and_rehearse(night, "echo two");
	plan_again(night);
	night_says(night, "lead", REQUEST_START);
	assert_non_null(
			strstr(night_shown(night), "rehearsal LB-1 was of another plan"));
}

static void an_old_rehearsal_does_not_count(void **state) {
	struct night *night = *state;
	night_init(night, night_whole);
	night_says(night, "lead", REQUEST_PLAN);
	night_approve(night);
	night_says(night, "lead", REQUEST_REHEARSE);
	night_jump(night, INT64_C(26) * 3600000);
	night_shown(night);
	night_says(night, "lead", REQUEST_START);
	assert_string_equal(night_shown(night),
			"command.refused by lead: rehearsal LB-1 too old/"
			"26 h, limit 24 h. Run `!cutover rehearse`\n");
}

static void a_skipped_step_spoils_a_rehearsal(void **state) {
	struct night *night = *state;
	night_init(night, night_whole);
	night_says(night, "lead", REQUEST_PLAN);
	night_will(night, "3.1", OUTCOME_FAILED);
	night_says(night, "lead", REQUEST_REHEARSE);
	night_shown(night);
	night_say(night, "lead", REQUEST_SKIP, "3.1", "never mind");
	assert_non_null(strstr(night_shown(night),
			"run.rehearsed failed: step 3.1 was skipped\n"));
}

static void a_broken_document_starts_nothing(void **state) {
	struct night *night = *state;
	night_init(night, night_small);
	night_ask(night,
			&(struct request){ .type = REQUEST_SOURCE_BROKEN,
					.problem = "launch.md:3:1: no such role" });
	night_shown(night);
	night_says(night, "lead", REQUEST_START);
	assert_non_null(strstr(night_shown(night), "on disk is broken"));
	assert_int_equal(night->started, 0);
}

static void a_failing_step_can_be_stopped_by_hand(void **state) {
	struct night *night = *state;
	night_begin(night);
	night->slow = true;
	night_approve_t0(night);
	night_shown(night);
	night_say(night, "rep", REQUEST_FAIL, "4.1", "it hangs");
	assert_non_null(strstr(night_shown(night), "4.1 is not yours to settle"));
	night_say(night, "lead", REQUEST_FAIL, "4.1", "it hangs");
	assert_string_equal(night_shown(night),
			"step.cancelling 4.1 by lead\n"
			"attempt.ended 4.1#1 cancelled\n"
			"step.ended 4.1 failed by lead\n");
	night->slow = false;
	night_say(night, "lead", REQUEST_RETRY, "4.1", NULL);
	assert_non_null(strstr(night_shown(night), "step.ended 4.1 ok\n"));
}

static void a_manual_step_that_failed_is_asked_again(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	night_shown(night);
	night_say(night, "rep", REQUEST_FAIL, "4.2", "red");
	assert_string_equal(night_shown(night), "step.ended 4.2 failed by rep\n");
	night_say(night, "rep", REQUEST_RETRY, "4.2", NULL);
	assert_string_equal(night_shown(night),
			"step.retried 4.2 by rep\nstep.asked 4.2\nstep.posted 4.2\n");
	assert_int_equal(night_run(night)->interventions, 1);
}

static void no_on_a_used_gate_holds(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	const struct gate_state *start = bridge_gate_for(
			&night->bridge, night_run(night)->number, PURPOSE_START);
	night_shown(night);
	night_ask(night,
			&(struct request){
					.type = REQUEST_TAPS,
					.post = start->post,
					.taps =
							(const struct request_tap[]){
									{ .user = "lead", .emoji = "+1" },
									{ .user = "rep", .emoji = "x" },
							},
					.tap_count = 2,
			});
	assert_string_equal(
			night_shown(night), "gate.objected by rep\nrun.held by rep\n");
}

static void put_taps(struct night *night, const struct gate_state *gate,
		const struct request_tap *taps, size_t count) {
	const struct request request = {
		.type = REQUEST_TAPS,
		.post = gate->post,
		.taps = taps,
		.tap_count = count,
	};
	night_put(night, &request);
}

/* What came while the server was away is read before anything is due. */
static void a_full_gate_does_not_pass_once_its_plan_is_void(void **state) {
	struct night *night = *state;
	static const struct request_tap taps[] = {
		{ .user = "lead", .emoji = "+1" },
		{ .user = "rep", .emoji = "+1" },
	};
	night_begin(night);
	night_shown(night);
	put_taps(night,
			bridge_gate_for(
					&night->bridge, night_run(night)->number, PURPOSE_START),
			taps, 2);
	put_taps(night, bridge_gate_for(&night->bridge, 0, PURPOSE_PLAN), taps, 1);
	night_settle(night);
	assert_string_equal(night_shown(night),
			"gate.approved by lead\n"
			"gate.approved by rep\n"
			"gate.withdrawn by cto\n"
			"gate.closed void: an approval was withdrawn\n"
			"gate.closed void: the approval of the plan is gone\n");
}

static void a_backup_holds_by_no_on_a_used_gate(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	const struct gate_state *start = bridge_gate_for(
			&night->bridge, night_run(night)->number, PURPOSE_START);
	night_shown(night);
	night_ask(night,
			&(struct request){
					.type = REQUEST_TAPS,
					.post = start->post,
					.taps =
							(const struct request_tap[]){
									{ .user = "dep", .emoji = "x" },
									{ .user = "other", .emoji = "x" },
							},
					.tap_count = 2,
			});
	assert_string_equal(
			night_shown(night), "gate.objected by dep\nrun.held by dep\n");
}

static void a_claim_and_a_note_are_recorded(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	night_shown(night);
	night_say(night, "cto", REQUEST_CLAIM, "4.2", NULL);
	assert_non_null(strstr(night_shown(night), "command.refused by cto"));
	night_say(night, "rep", REQUEST_CLAIM, "4.2", NULL);
	night_say(night, "other", REQUEST_NOTE, NULL, "the graph dips");
	assert_string_equal(night_shown(night),
			"step.claimed 4.2 by rep\nnote.taken by other\n");
}

static void unknown_and_distant_steps_are_told_apart(void **state) {
	struct night *night = *state;
	night_init(night, night_whole);
	night_say(night, "lead", REQUEST_DONE, "4.1", NULL);
	assert_non_null(strstr(night_shown(night), "no run is open"));
	night_finish(night);
	night_begin(night);
	night_approve_t0(night);
	night_shown(night);
	night_say(night, "lead", REQUEST_DONE, "9.9", NULL);
	assert_string_equal(night_shown(night),
			"command.refused by lead: there is no step 9.9/now: 4.2\n");
	night_say(night, "lead", REQUEST_DONE, "6.1", NULL);
	assert_non_null(strstr(night_shown(night), "6.1 is not up now"));
	night_say(night, "lead", REQUEST_DONE, "3.1", NULL);
	assert_non_null(strstr(night_shown(night), "3.1 is not up now"));
}

static void a_deleted_gate_post_voids_the_gate(void **state) {
	struct night *night = *state;
	night_begin(night);
	const struct gate_state *start = bridge_gate_for(
			&night->bridge, night_run(night)->number, PURPOSE_START);
	night_shown(night);
	night_ask(night,
			&(struct request){ .type = REQUEST_POST_CHANGED,
					.post = start->post,
					.deleted = true });
	assert_string_equal(
			night_shown(night), "gate.closed void: its post was deleted\n");
}

static void delete_post(struct night *night, const char *post) {
	char *id = xstrdup(post);
	night_ask(night,
			&(struct request){ .type = REQUEST_POST_CHANGED,
					.post = id,
					.deleted = true });
	free(id);
}

/* The post that asks for the step whose turn it is. */
static const char *asking_post(const struct night *night) {
	const struct run *run = night_run(night);
	for (size_t i = 0; i < run->step_count; i++) {
		if (run->steps[i].status == STEP_ASKED) {
			return run->steps[i].post;
		}
	}
	return NULL;
}

static void a_step_by_hand_whose_post_is_deleted_is_asked_anew(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	night_pass(night, 1);
	night_shown(night);
	delete_post(night, asking_post(night));
	assert_string_equal(
			night_shown(night), "step.asked 4.2\nstep.posted 4.2\n");
	delete_post(night, asking_post(night)); // at once: something eats them
	assert_string_equal(night_shown(night), "");
	night_pass(night, 1);
	delete_post(night, asking_post(night));
	assert_string_equal(
			night_shown(night), "step.asked 4.2\nstep.posted 4.2\n");
	night_tap(night, "rep", "white_check_mark");
	assert_non_null(strstr(night_shown(night), "step.ended 4.2 ok by rep\n"));
}

/* Who attached it was heard; the post alone is gone. */
static void a_file_for_a_post_that_was_deleted_is_evidence_still(void **state) {
	struct night *night = *state;
	start_polled(night);
	night->fetching = true;
	night_attach(night, REQUEST_DONE, "1.2", NULL, 1);
	night_pass(night, 1);
	delete_post(night, asking_post(night));
	night_shown(night);
	night->fetching = false;
	night_settle(night);
	assert_non_null(strstr(night_shown(night), "step.ended 1.2 ok by rep\n"));
}

static void a_poll_whose_post_is_deleted_can_be_asked_anew(void **state) {
	struct night *night = *state;
	night_init(night, polled);
	night_says(night, "lead", REQUEST_PLAN);
	night_says(night, "lead", REQUEST_POLL);
	night_shown(night);
	delete_post(night, night->bridge.polls[0].post);
	assert_string_equal(night_shown(night), "poll.closed\n");
	night_says(night, "lead", REQUEST_POLL);
	assert_string_equal(
			night_shown(night), "poll.opened by lead\npoll.posted\n");
}

static void an_asker_takes_a_rollback_back_by_deleting(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	night_says(night, "lead", REQUEST_ROLLBACK);
	char post[32];
	snprintf(post, sizeof(post), "said%llu",
			(unsigned long long)night->clock - 1);
	night_shown(night);
	night_ask(night,
			&(struct request){ .type = REQUEST_POST_CHANGED,
					.post = post,
					.deleted = true });
	assert_string_equal(night_shown(night), "gate.withdrawn by lead\n");
	night_says(night, "cto", REQUEST_ROLLBACK);
	assert_null(strstr(night_shown(night), "run.rolling_back"));
}

static void a_change_of_holders_voids_an_open_gate(void **state) {
	struct night *night = *state;
	static const struct holders others[] = {
		{ .role = "Cutover lead", .primary = "lead" },
		{ .role = "DevOps lead", .primary = "dep" },
		{ .role = "CTO", .primary = "cto" },
		{ .role = "Storage", .primary = "rep" },
	};
	night_begin(night);
	night_shown(night);
	night->settings.holders = others;
	night_jump(night, 1000);
	assert_non_null(strstr(night_shown(night),
			"gate.closed void: who holds its roles has changed"));
}

static bool may_start(const struct night *night) {
	const struct world world = {
		.now_ms = night->now_ms,
		.settings = &night->settings,
		.people = &night->people,
	};
	return bridge_may(&night->bridge, &world, "lead", REQUEST_START);
}

static void help_offers_a_start_when_it_would_not_be_refused(void **state) {
	struct night *night = *state;
	night_init(night, night_whole);
	assert_false(may_start(night));
	night_says(night, "lead", REQUEST_PLAN);
	assert_false(may_start(night)); // not approved
	night_approve(night);
	assert_false(may_start(night)); // not rehearsed
	night_says(night, "lead", REQUEST_REHEARSE);
	night_pass(night, 2);
	assert_true(may_start(night));
	night_says(night, "lead", REQUEST_START);
	assert_false(may_start(night));
	night_approve_t0(night);
	night_says(night, "lead", REQUEST_ABORT);
	night_say(night, "lead", REQUEST_ABORT, NULL, "no");
	night_say(night, "lead", REQUEST_ABORT, NULL, "no");
	night_says(night, "lead", REQUEST_CLOSE);
	assert_false(may_start(night)); // locked
	night_says(night, "lead", REQUEST_REHEARSE);
	night_pass(night, 2);
	assert_true(may_start(night));
	night_pass(night, 25 * 60); // too old, and so is the plan's approval
	assert_false(may_start(night));
}

static void help_knows_who_may_do_what(void **state) {
	struct night *night = *state;
	night_begin(night);
	night_approve_t0(night);
	const struct world world = {
		.now_ms = night->now_ms,
		.settings = &night->settings,
		.people = &night->people,
	};
	const struct bridge *bridge = &night->bridge;
	assert_true(bridge_may(bridge, &world, "rep", REQUEST_DONE));
	assert_false(bridge_may(bridge, &world, "cto", REQUEST_DONE));
	assert_false(bridge_may(bridge, &world, "lead", REQUEST_RUN));
	assert_true(bridge_may(bridge, &world, "other", REQUEST_HOLD));
	assert_true(bridge_may(bridge, &world, "other", REQUEST_ROLLBACK));
	assert_false(bridge_may(bridge, &world, "other", REQUEST_ABORT));
	assert_true(bridge_may(bridge, &world, "lead", REQUEST_ABORT));
	assert_false(bridge_may(bridge, &world, "lead", REQUEST_RESUME));
	assert_false(bridge_may(bridge, &world, "lead", REQUEST_PLAN));
	assert_false(bridge_may(bridge, &world, "lead", REQUEST_CLOSE));
	struct waitings waitings;
	bridge_waiting(bridge, &world, &waitings);
	assert_int_equal(waitings.count, 1);
	assert_string_equal(waitings.list[0].what, "4.2 Look at the board");
	assert_string_equal(waitings.list[0].users[0], "rep");
	waitings_finish(&waitings);
}

#define claim(name) \
	cmocka_unit_test_setup_teardown(name, night_setup, night_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		claim(a_poll_is_of_a_group_and_only_its_people_vote),
		claim(a_poll_of_the_gate_ends_at_t0),
		claim(evidence_is_asked_for),
		claim(a_step_waits_for_the_file_that_is_its_evidence),
		claim(files_are_fetched_one_after_the_other),
		claim(a_file_that_cannot_be_had_is_no_evidence),
		claim(a_file_fetched_too_late_ends_nothing_else),
		claim(a_file_for_a_post_that_was_deleted_is_evidence_still),
		claim(a_file_without_a_name_is_kept_all_the_same),
		claim(files_are_kept_with_notes_and_failures_too),
		claim(a_picture_from_before_the_question_does_not_answer_it),
		claim(without_a_run_there_is_no_place_for_a_file),
		claim(a_secret_given_by_mistake_is_not_put_on_record),
		claim(an_ask_step_is_run_or_passed_by_its_owner),
		claim(a_later_heading_has_its_own_gate),
		claim(a_gate_on_the_way_that_is_refused_holds),
		claim(a_backup_counts_when_its_time_has_come),
		claim(the_asker_may_be_kept_from_approving),
		claim(a_gate_of_one_slot_needs_somebody_else),
		claim(who_could_fill_two_slots_starves_nobody),
		claim(a_deputy_counts_for_a_time),
		claim(silence_is_escalated_twice),
		claim(breaking_the_glass_takes_two_and_a_review),
		claim(a_broken_glass_waits_for_a_slipped_thumb_and_broken_files),
		claim(success_waits_while_a_rollback_is_asked_for),
		claim(abort_closes_what_is_open),
		claim(a_rehearsal_that_is_aborted_does_not_count),
		claim(another_plans_rehearsal_takes_nothing_from_this_one),
		claim(a_newer_rehearsal_of_the_same_plan_that_failed_counts),
		claim(a_plan_that_was_never_rehearsed_is_told_so),
		claim(an_old_rehearsal_does_not_count),
		claim(a_skipped_step_spoils_a_rehearsal),
		claim(a_broken_document_starts_nothing),
		claim(a_failing_step_can_be_stopped_by_hand),
		claim(a_manual_step_that_failed_is_asked_again),
		claim(no_on_a_used_gate_holds),
		claim(a_full_gate_does_not_pass_once_its_plan_is_void),
		claim(a_backup_holds_by_no_on_a_used_gate),
		claim(a_claim_and_a_note_are_recorded),
		claim(unknown_and_distant_steps_are_told_apart),
		claim(a_deleted_gate_post_voids_the_gate),
		claim(a_poll_whose_post_is_deleted_can_be_asked_anew),
		claim(a_step_by_hand_whose_post_is_deleted_is_asked_anew),
		claim(an_asker_takes_a_rollback_back_by_deleting),
		claim(a_change_of_holders_voids_an_open_gate),
		claim(help_offers_a_start_when_it_would_not_be_refused),
		claim(help_knows_who_may_do_what),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
