#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "core/flow.h"
#include "render/markdown.h"
#include "render/speak.h"
#include "render/words.h"

/*
 * What happens to a run as a whole.
 */

#define LINE_LETTERS    46
#define NUMBERS_MAX     8
#define TITLE_LETTERS   30
#define WATCHED_LETTERS 22

static char *key_of(
		const struct speech *speech, const struct run *run, const char *what) {
	return speak_key(speech, run, "%s/%llu", what,
			(unsigned long long)speech->bridge->event_count);
}

static void put_user(cJSON *context, const struct speech *speech) {
	const char *user = speech->event->user;
	speak_put(context, "user",
			user != NULL ? people_name(speech->world->people, user) : NULL);
}

/* A person's reason is quoted, the bot's own words are wrapped. */
static void put_why(cJSON *context, const struct speech *speech) {
	const char *text = speech->event->text;
	if (speech->event->user != NULL) {
		speak_take_raw(context, "why", words_said(text));
		return;
	}
	char *prose = words_prose(text != NULL ? text : "");
	struct str lines = { 0 };
	markdown_add_wrapped(&lines, prose, LINE_LETTERS, LINE_LETTERS);
	speak_put_raw(context, "why", str_text(&lines));
	str_finish(&lines);
	free(prose);
}

static void put_lead(
		cJSON *context, const struct speech *speech, const struct run *run) {
	speak_take_raw(
			context, "who", words_call_lead(speech->world, run->plan->runbook));
}

/* --- begin --- */

static void say_begun(const struct speech *speech, const struct run *run) {
	char *key = speak_card_key(speech, run);
	speak_post_text(speech, xstrdup(key),
			message_card(speech->in, speech->bridge, run));
	speak_pin(speech, key, true);
	free(key);
}

static void say_t0(const struct speech *speech, const struct run *run) {
	cJSON *context = speak_context(speech, run);
	bool rehearsal = run->kind == RUN_REHEARSAL;
	speak_put_flag(context, "rehearsal", rehearsal);
	speak_take(context, "at",
			words_clock(speech->event->until_ms, speech->world->now_ms));
	speak_put_flag(context, "held", run->held);
	speak_take(context, "first",
			speak_first_step(
					run, rehearsal ? PHASE_REHEARSAL : PHASE_PRODUCTION));
	speak_post(speech, key_of(speech, run, "begins"), NULL, "begins", context);
}

/* --- hold --- */

static bool leads(const struct speech *speech, const struct run *run) {
	const struct runbook *runbook = run->plan->runbook;
	size_t lead = runbook_lead(runbook);
	return lead != RUNBOOK_NONE && speech->event->user != NULL &&
			world_holds(speech->world, speech->event->user,
					runbook->roles[lead].name) > 0;
}

static bool files_gate_follows(const struct speech *speech) {
	for (size_t i = 0; i < speech->in->following_count; i++) {
		const struct event *event = &speech->in->following[i];
		if (event->type == EVENT_GATE_OPENED &&
				event->purpose == PURPOSE_FILES) {
			return true;
		}
	}
	return false;
}

static void say_held(const struct speech *speech, const struct run *run) {
	cJSON *context = speak_context(speech, run);
	put_user(context, speech);
	put_why(context, speech);
	put_lead(context, speech, run);
	if (leads(speech, run)) {
		speak_put(context, "who", NULL); // the lead knows
	}
	speak_take(context, "running", speak_running(run));
	speak_put_flag(context, "gate", files_gate_follows(speech));
	speak_post(speech, key_of(speech, run, "held"), NULL, "held", context);
}

static void say_resumed(const struct speech *speech, const struct run *run) {
	cJSON *context = speak_context(speech, run);
	put_user(context, speech);
	speak_post(
			speech, key_of(speech, run, "resumed"), NULL, "resumed", context);
}

/* --- decide --- */

static void add_command(cJSON *list, char *take_text) {
	speak_take(speak_add(list), "command", take_text);
}

static bool is_test(const struct run *run, size_t index) {
	return speak_phase_of(run, index) == PHASE_SMOKE &&
			run->steps[index].outcome != OUTCOME_EXCLUDED;
}

static bool is_red(const struct step_state *step) {
	return step->status == STEP_FAILED || step->status == STEP_UNKNOWN;
}

static void add_test(cJSON *list, const struct run *run, size_t index) {
	const struct step *model = &run->plan->runbook->steps[index];
	cJSON *line = speak_add(list);
	speak_put(line, "number", model->number);
	speak_take(line, "title", words_short(model->title, TITLE_LETTERS));
}

static void add_red_commands(cJSON *list, const struct run *run) {
	for (size_t i = 0; i < run->step_count; i++) {
		if (is_test(run, i) && is_red(&run->steps[i])) {
			const char *number = run->plan->runbook->steps[i].number;
			add_command(list, xasprintf("!retry %s", number));
			add_command(list, xasprintf("!skip %s WHY", number));
			break; // the first stands for all: a long list is not read
		}
	}
	add_command(list, xstrdup("!rollback WHY"));
}

static void say_deciding(const struct speech *speech, const struct run *run) {
	cJSON *context = speak_context(speech, run);
	cJSON *tests = speak_put_list(context, "tests");
	size_t all = 0;
	size_t green = 0;
	for (size_t i = 0; i < run->step_count; i++) {
		if (!is_test(run, i)) {
			continue;
		}
		all++;
		green += run->steps[i].outcome == OUTCOME_OK;
		if (is_red(&run->steps[i])) {
			add_test(tests, run, i);
		}
	}
	add_red_commands(speak_put_list(context, "commands"), run);
	speak_put_count(context, "all", all);
	speak_put_count(context, "green", green);
	speak_put_count(context, "red", (size_t)cJSON_GetArraySize(tests));
	speak_put_flag(context, "gate",
			runbook_success_gate(run->plan->runbook) != RUNBOOK_NONE);
	put_lead(context, speech, run);
	speak_post(
			speech, key_of(speech, run, "deciding"), NULL, "deciding", context);
}

/* `decide` while it cannot ask for success: what is red, what is open. */
static void say_not_green(const struct speech *speech, const struct run *run) {
	cJSON *context = speak_context(speech, run);
	cJSON *red = speak_put_list(context, "red");
	cJSON *open = speak_put_list(context, "open");
	for (size_t i = 0; i < run->step_count; i++) {
		const struct step_state *step = &run->steps[i];
		enum phase_kind kind = speak_phase_of(run, i);
		bool counts = kind == PHASE_PRODUCTION || kind == PHASE_SMOKE;
		if (!counts || step->status == STEP_ENDED) {
			continue;
		}
		cJSON *list = is_red(step) ? red : open;
		if (cJSON_GetArraySize(list) < NUMBERS_MAX) {
			add_test(list, run, i);
		}
	}
	const struct gate_state *gate = bridge_gate_for(
			speech->bridge, run->number, PURPOSE_SUCCESS);
	char *asked = speak_gate_so_far(speech, gate);
	speak_take(context, "gate", asked);
	cJSON *commands = speak_put_list(context, "commands");
	if (asked == NULL) {
		add_red_commands(commands, run);
	}
	speak_answer(speech, "decide", context);
}

/* --- ends --- */

/* "7.1.1 Latency · 2 more"; NULL: nothing of @kind is watched. */
static char *watched_words(const struct run *run, enum phase_kind kind) {
	const struct step *first = NULL;
	size_t more = 0;
	for (size_t i = 0; i < run->step_count; i++) {
		if (speak_phase_of(run, i) != kind || !flow_is_monitor(run, i) ||
				run->steps[i].outcome == OUTCOME_EXCLUDED) {
			continue;
		}
		more += first != NULL;
		first = first != NULL ? first : &run->plan->runbook->steps[i];
	}
	if (first == NULL) {
		return NULL;
	}
	char *title = words_short(first->title, WATCHED_LETTERS);
	char *text = more > 0
			? xasprintf("%s %s · %zu more", first->number, title, more)
			: xasprintf("%s %s", first->number, title);
	free(title);
	return text;
}

static void say_succeeded(const struct speech *speech, const struct run *run) {
	cJSON *context = speak_context(speech, run);
	speak_take(context, "took",
			run->t0_ms > 0 ? words_age(run->ended_ms - run->t0_ms) : NULL);
	speak_take_list(context, "names",
			speak_approvers(speech, run->number, PURPOSE_SUCCESS));
	char *first = run->held ? NULL : speak_first_step(run, PHASE_POST);
	char *watch = run->held ? NULL : watched_words(run, PHASE_POST);
	speak_put(context, "watch", watch);
	speak_put(context, "next", watch == NULL ? first : NULL);
	speak_put_flag(context, "held", run->held);
	speak_put_flag(context, "ends",
			runbook_phase(run->plan->runbook, PHASE_POST) == RUNBOOK_NONE);
	speak_post(speech, key_of(speech, run, "succeeded"), NULL, "succeeded",
			context);
	free(watch);
	free(first);
}

static void drop_question(const struct speech *speech, const struct run *run,
		size_t index, char *take_key, const char *icon, const char *outcome) {
	const struct step *model = &run->plan->runbook->steps[index];
	cJSON *context = speak_context(speech, run);
	speak_put(context, "icon", icon);
	speak_put(context, "number", model->number);
	speak_take(context, "title", words_short(model->title, TITLE_LETTERS));
	speak_put(context, "outcome", outcome);
	speak_put(context, "user", NULL);
	speak_put(context, "text", NULL);
	speak_take(context, "at",
			words_clock(speech->event->at_ms, speech->world->now_ms));
	speak_edit(speech, take_key, "step_answered", context);
	free(take_key);
}

/* Steps that were asked of people, or stopped, and will not be waited for any
 * more: what is offered there would be refused.  Of one that stopped when its
 * phase was over nobody was told. */
static void drop_questions(const struct speech *speech, const struct run *run) {
	for (size_t i = 0; i < run->step_count; i++) {
		enum step_status status = run->steps[i].status;
		if (flow_is_active(run, i)) {
			continue;
		}
		if (status == STEP_ASKED) {
			drop_question(speech, run, i, speak_step_key(speech, run, i), "💤",
					"no longer asked");
		} else if (status == STEP_FAILED && !run->steps[i].left) {
			drop_question(speech, run, i, speak_stopped_key(speech, run, i),
					"🔴", "failed, and is left so");
		} else if (status == STEP_UNKNOWN && !run->steps[i].left) {
			drop_question(speech, run, i, speak_stopped_key(speech, run, i),
					"❔", "ended unknown, and is left so");
		}
	}
}

/* Number of a step whose host is away: without a word its end is awaited. */
static const char *lost_step(const struct run *run) {
	for (size_t i = 0; i < run->index.live_count; i++) {
		if (step_lost(&run->steps[run->index.live[i]]) != NULL) {
			return run->plan->runbook->steps[run->index.live[i]].number;
		}
	}
	return NULL;
}

static void say_rolling_back(
		const struct speech *speech, const struct run *run) {
	cJSON *context = speak_context(speech, run);
	speak_take(context, "at",
			words_clock(speech->event->at_ms, speech->world->now_ms));
	speak_take_list(context, "names",
			speak_approvers(speech, run->number, PURPOSE_ROLLBACK));
	speak_take(context, "running", speak_running(run));
	speak_put(context, "lost", lost_step(run));
	speak_take(context, "first", speak_first_step(run, PHASE_ROLLBACK));
	speak_post(speech, key_of(speech, run, "rolling"), NULL, "rolling_back",
			context);
	drop_questions(speech, run);
}

/* Its owner has said so, by `!pass`. */
static bool is_unneeded(const struct step_state *step) {
	return step->outcome == OUTCOME_PASSED;
}

static bool is_undone(const struct step_state *step) {
	return step->outcome != OUTCOME_EXCLUDED && !is_unneeded(step) &&
			(step->status != STEP_ENDED || step->outcome != OUTCOME_OK);
}

/* Numbers of the steps of @kind that are so. */
static char *numbers_of(const struct run *run, enum phase_kind kind,
		bool (*is_so)(const struct step_state *step)) {
	struct str out = { 0 };
	size_t count = 0;
	for (size_t i = 0; i < run->step_count; i++) {
		if (speak_phase_of(run, i) != kind || !is_so(&run->steps[i])) {
			continue;
		}
		if (++count > NUMBERS_MAX) {
			str_add(&out, " …");
			break;
		}
		str_addf(&out, "%s%s", count > 1 ? ", " : "",
				run->plan->runbook->steps[i].number);
	}
	return str_take(&out);
}

/* Whether @run, which has just ended, keeps production from starting until a
 * rehearsal has passed. */
static bool locks(const struct speech *speech, const struct run *run) {
	return speech->bridge->locked_run >= run->number &&
			run->kind == RUN_PRODUCTION &&
			runbook_phase(run->plan->runbook, PHASE_REHEARSAL) != RUNBOOK_NONE;
}

static void say_rolled_back(
		const struct speech *speech, const struct run *run) {
	cJSON *context = speak_context(speech, run);
	char *span = words_age(run->ended_ms - run->rollback_ms);
	speak_take(context, "took", xasprintf("in %s", span));
	speak_take_list(
			context, "left", numbers_of(run, PHASE_ROLLBACK, is_undone));
	speak_take_list(
			context, "unneeded", numbers_of(run, PHASE_ROLLBACK, is_unneeded));
	speak_put_flag(context, "locked", locks(speech, run));
	speak_post(speech, key_of(speech, run, "rolled-back"), NULL, "rolled_back",
			context);
	free(span);
}

static void say_abort_asked(
		const struct speech *speech, const struct run *run) {
	cJSON *context = speak_context(speech, run);
	speak_take(context, "running", speak_running(run));
	speak_post(
			speech, key_of(speech, run, "abort"), NULL, "abort_asked", context);
}

static bool closes_next(const struct speech *speech) {
	return speech->in->following_count > 0 &&
			speech->in->following[0].type == EVENT_RUN_CLOSED;
}

static void say_aborted(const struct speech *speech, const struct run *run) {
	cJSON *context = speak_context(speech, run);
	bool dropped = speech->event->user == NULL && !run->command_started;
	bool phase = runbook_phase(run->plan->runbook, PHASE_ROLLBACK) !=
			RUNBOOK_NONE;
	put_user(context, speech);
	put_why(context, speech);
	speak_put_flag(context, "can_roll_back",
			run->kind == RUN_PRODUCTION && run->command_started && phase);
	speak_put_flag(context, "locked", locks(speech, run));
	speak_put_flag(context, "closes", closes_next(speech));
	speak_post(speech, key_of(speech, run, "aborted"), NULL,
			dropped ? "dropped" : "aborted", context);
	drop_questions(speech, run);
}

static void say_rehearsed(const struct speech *speech, const struct run *run) {
	cJSON *context = speak_context(speech, run);
	char *prose = words_prose(
			speech->event->text != NULL ? speech->event->text : "");
	speak_put_flag(context, "passed", run->rehearsed_ok);
	speak_take(context, "took", words_age(run->ended_ms - run->begun_ms));
	speak_take(context, "steps", speak_progress(run));
	speak_put_digest(context, "digest", run->plan->plan.digest, 8);
	speak_take(context, "until",
			words_clock(
					run->ended_ms + speech->world->settings->rehearsal_valid_ms,
					speech->world->now_ms));
	speak_take(context, "asked", speak_plan_asked(speech, run->plan));
	speak_take_raw(context, "why", prose);
	speak_post(speech, key_of(speech, run, "rehearsed"), NULL, "rehearsed",
			context);
}

/* Where nothing was watched there is nothing to say that success did not. */
static void say_watched(const struct speech *speech, const struct run *run) {
	if (runbook_phase(run->plan->runbook, PHASE_POST) == RUNBOOK_NONE) {
		return;
	}
	cJSON *context = speak_context(speech, run);
	put_lead(context, speech, run);
	speak_post(
			speech, key_of(speech, run, "watched"), NULL, "watched", context);
}

/* --- the record --- */

static char *run_took(const struct run *run) {
	int64_t from = run->t0_ms > 0 ? run->t0_ms : run->begun_ms;
	return words_age(run->ended_ms > from ? run->ended_ms - from : 0);
}

char *message_log_row(const struct message_world *world,
		const struct bridge *bridge, const struct run *run) {
	(void)bridge;
	char *date = words_date(run->begun_ms);
	char *label = words_run(world->world, run);
	char *took = run_took(run);
	char *steps = speak_progress(run);
	const char *release = words_release(&run->plan->plan);
	char *interventions = words_count(run->interventions, "intervention");
	const char *why = run->kind == RUN_REHEARSAL && !run->rehearsed_ok &&
					run->rehearsed_why != NULL
			? run->rehearsed_why
			: "";
	char *row = xasprintf("| %s | %s: %s%s%s, plan %.8s | %s in %s; %s, %s | "
						  "%s |\n",
			date, label, run_kind_name(run->kind), release != NULL ? " " : "",
			release != NULL ? release : "", run->plan->plan.digest,
			words_outcome(run), took, steps, interventions, why);
	free(interventions);
	free(steps);
	free(took);
	free(label);
	free(date);
	for (char *c = row; *c != '\0' && c[1] != '\0'; c++) {
		if (*c == '\n') {
			*c = ' ';
		}
	}
	return row;
}

static char *gate_label(
		const struct speech *speech, const struct gate_state *gate) {
	char *name = gate->purpose == PURPOSE_PLAN
			? xstrdup("plan")
			: words_gate(speech->bridge, gate);
	char *label = xasprintf(
			"%s%s", name, gate->overridden ? ", overridden" : "");
	free(name);
	return label;
}

static void add_approval(cJSON *list, const struct speech *speech,
		const struct gate_state *gate) {
	if (gate->passed_ms == 0) {
		return;
	}
	cJSON *line = speak_add(list);
	speak_take(line, "gate", gate_label(speech, gate));
	speak_take_list(line, "names",
			words_names(speech->world, (const char *const *)gate->filled,
					gate->filled_count, 6));
}

static void put_approvals(
		cJSON *context, const struct speech *speech, const struct run *run) {
	cJSON *list = speak_put_list(context, "approvals");
	for (size_t i = 0; i < speech->bridge->gate_count; i++) {
		const struct gate_state *gate = &speech->bridge->gates[i];
		bool plan = gate->run == 0 && run->kind == RUN_PRODUCTION &&
				strcmp(gate->digest, run->plan->plan.digest) == 0;
		if (gate->run == run->number || plan) {
			add_approval(list, speech, gate);
		}
	}
}

/* "3 evidence files, 1 lost", or "". */
static char *evidence_words(const struct run *run) {
	size_t kept = 0;
	size_t lost = 0;
	for (size_t i = 0; i < run->file_count; i++) {
		kept += run->files[i].status == FILE_KEPT;
		lost += run->files[i].status == FILE_LOST;
	}
	if (kept + lost == 0) {
		return xstrdup("");
	}
	char *count = words_count(kept, "evidence file");
	char *words = lost > 0 ? xasprintf("%s, %zu lost", count, lost)
						   : xstrdup(count);
	free(count);
	return words;
}

static void say_closed(const struct speech *speech, const struct run *run) {
	char *card = speak_card_key(speech, run);
	if (run->command_started || run->ended_ms > 0) {
		cJSON *context = speak_context(speech, run);
		bool rehearsal = run->kind == RUN_REHEARSAL;
		char *row = message_log_row(speech->in, speech->bridge, run);
		struct str fenced = { 0 };
		markdown_add_fence(&fenced, row, 1, 400);
		speak_put(context, "kind", rehearsal ? "Rehearsal" : "Production");
		speak_put(context, "outcome", words_outcome(run));
		speak_take(context, "took", run_took(run));
		speak_take(context, "steps", speak_progress(run));
		speak_take(context, "evidence", evidence_words(run));
		speak_take(context, "interventions",
				words_count(run->interventions, "intervention"));
		put_approvals(context, speech, run);
		speak_take_list(context, "owed",
				run->closed_from == RUN_SUCCEEDED
						? numbers_of(run, PHASE_POST, is_undone)
						: NULL);
		speak_put_digest(context, "digest", run->plan->plan.digest, 12);
		speak_put_digest(context, "head", speech->in->head, 8);
		speak_put_raw(context, "log", str_text(&fenced));
		// A rehearsal closes itself, and has told already how it ended.
		speak_post(speech, key_of(speech, run, "closed"),
				rehearsal ? card : NULL, "closed", context);
		str_finish(&fenced);
		free(row);
	}
	if (run->closed_from == RUN_SUCCEEDED) { // else it was said before
		drop_questions(speech, run);
	}
	speak_pin(speech, card, false);
	free(card);
}

void speak_of_run(const struct speech *speech) {
	const struct run *run = bridge_run(speech->bridge, speech->event->run);
	if (run == NULL) {
		return;
	}
	enum event_type type = speech->event->type;
	if (type == EVENT_RUN_BEGUN) {
		say_begun(speech, run);
	} else if (type == EVENT_RUN_T0) {
		say_t0(speech, run);
	} else if (type == EVENT_RUN_HELD) {
		say_held(speech, run);
	} else if (type == EVENT_RUN_RESUMED) {
		say_resumed(speech, run);
	} else if (type == EVENT_RUN_DECIDING) {
		say_deciding(speech, run);
	} else if (type == EVENT_RUN_SUCCEEDED) {
		say_succeeded(speech, run);
	} else if (type == EVENT_RUN_ROLLING_BACK) {
		say_rolling_back(speech, run);
	} else if (type == EVENT_RUN_ROLLED_BACK) {
		say_rolled_back(speech, run);
	} else if (type == EVENT_RUN_ABORT_ASKED) {
		say_abort_asked(speech, run);
	} else if (type == EVENT_RUN_ABORTED) {
		say_aborted(speech, run);
	} else if (type == EVENT_RUN_REHEARSED) {
		say_rehearsed(speech, run);
	} else if (type == EVENT_RUN_WATCHED) {
		say_watched(speech, run);
	} else if (type == EVENT_RUN_CLOSED) {
		say_closed(speech, run);
	} else if (type == EVENT_COMMAND_ANSWERED) {
		say_not_green(speech, run);
	}
}
