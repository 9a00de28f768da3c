#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/duration.h"
#include "base/xalloc.h"
#include "core/deciding.h"
#include "core/flow.h"
#include "core/saying.h"

/*
 * What people say about a step.
 */

/* So long after it was told to end; it had 10 s, then it was killed. */
#define DEAD_AFTER_MS 30000
/* The server's clock is known by the second. */
#define CLOCKS_MS 5000

struct said {
	struct deciding *d;
	const struct run *run;
	const struct step *model;
	const struct step_state *state;
	size_t index;
};

static void refuse(const struct said *s, const char *text) {
	saying_refuse(s->d,
			decision_print(s->d->decision, "%s %s", s->model->number, text));
}

static struct event said_event(const struct said *s, enum event_type type) {
	struct event event = deciding_event(s->d, type);
	event.run = s->run->number;
	event.step = (uint32_t)s->index;
	const char *text = s->d->request->text;
	event.text = text != NULL && text[0] != '\0' ? text : NULL;
	return event;
}

static void end(const struct said *s, enum outcome outcome) {
	struct event event = said_event(s, EVENT_STEP_ENDED);
	event.outcome = outcome;
	deciding_add(s->d, event);
}

/* Owner, or (where @lead_too) the lead; else refuses and says who could. */
static bool is_allowed(const struct said *s, bool owner_too, bool lead_too) {
	const struct runbook *runbook = s->run->plan->runbook;
	const char *user = s->d->request->user;
	size_t lead = 0;
	struct role_set owner = step_owner(runbook, s->index, &lead);
	if ((owner_too && deciding_holds_any(s->d, runbook, &owner, user)) ||
			(lead_too && deciding_leads(s->d, runbook, user))) {
		return true;
	}
	const char *who = owner_too ? deciding_who(s->d, runbook, &owner)
								: deciding_who_leads(s->d, runbook);
	saying_refuse(s->d,
			decision_print(s->d->decision, "%s is not yours to settle\n%s can",
					s->model->number, who));
	return false;
}

static const char *status_words(const struct said *s) {
	switch (s->state->status) {
	case STEP_PENDING:
		return "has not had its turn yet";
	case STEP_ASKED:
		return s->model->kind == STEP_MANUAL
				? "waits for its owner: `!done` or `!fail`"
				: "asks: `!run` or `!pass`";
	case STEP_RUNNING:
		return "is running: it ends by itself";
	case STEP_FAILED:
		return s->run->status == RUN_ROLLING_BACK ||
						s->run->kind == RUN_REHEARSAL
				? "has failed: `!retry`, `!skip` or `!cutover abort`"
				: "has failed: `!retry`, `!skip` or `!rollback`";
	case STEP_UNKNOWN:
		return "ended unknown: `!done`, `!fail` or `!retry`";
	case STEP_ENDED:
		return s->state->outcome == OUTCOME_OK ? "is done already"
											   : "is settled already";
	}
	return "";
}

static bool is_manual(const struct said *s) {
	return s->model->kind == STEP_MANUAL;
}

static bool asks(const struct said *s) {
	return s->state->status == STEP_ASKED && !is_manual(s);
}

static bool has_text(const struct said *s) {
	const char *text = s->d->request->text;
	return text != NULL && text[0] != '\0';
}

static bool has_evidence(const struct said *s) {
	return has_text(s) || s->d->request->file_count > 0;
}

/* What is attached is evidence of the step.  False: refused. */
static bool offer_files(const struct said *s) {
	if (deciding_offer_files(s->d, s->run, (uint32_t)s->index)) {
		return true;
	}
	saying_refuse(s->d, deciding_no_room(s->d, s->run));
	return false;
}

/* It is done with what was said, or when the file is on our disk: a file that
 * cannot be had is no evidence (decide_files.c). */
static void end_with_evidence(const struct said *s) {
	if (!s->model->evidence || has_text(s)) {
		end(s, OUTCOME_OK);
	}
}

/* --- what ended unknown is taken as done --- */

/* "6.2, 6.4": who needs @name still, in a rollback or else before it. */
static const char *who_needs(
		const struct said *s, const char *name, bool rollback) {
	const struct runbook *runbook = s->run->plan->runbook;
	const char *text = "";
	for (size_t i = 0; i < s->run->step_count; i++) {
		bool back = runbook->phases[runbook->steps[i].phase].kind ==
				PHASE_ROLLBACK;
		if (back == rollback && i != s->index &&
				s->run->steps[i].status != STEP_ENDED &&
				flow_needs(s->run, i, name)) {
			text = decision_print(s->d->decision, "%s%s%s", text,
					text[0] != '\0' ? ", " : "", runbook->steps[i].number);
		}
	}
	return text;
}

#define WORD_ENDS " ,;:.`"

static bool has_word(const char *text, const char *word) {
	size_t len = strlen(word);
	while (*text != '\0') {
		text += strspn(text, WORD_ENDS);
		size_t here = strcspn(text, WORD_ENDS);
		if (here == len && strncmp(text, word, len) == 0) {
			return true;
		}
		text += here;
	}
	return false;
}

/* Whether the words give @name up: "without NAME". */
static bool gives_up(const struct said *s, const char *name) {
	const char *text = s->d->request->text;
	return text != NULL && strncasecmp(text, "without ", 8) == 0 &&
			has_word(text + 8, name);
}

/* What its block should have published, is needed and is not there; the words
 * must say that this is meant.  "": nothing. */
static const char *given_up_unsaid(const struct said *s, const char **names) {
	const char *text = "";
	const char *name = NULL;
	bool unsaid = false;
	*names = "";
	for (size_t i = 0; (name = flow_published(s->model, i)) != NULL; i++) {
		if (!flow_lacks_value(s->run, s->index, name)) {
			continue;
		}
		unsaid = unsaid || !gives_up(s, name);
		*names = decision_print(s->d->decision, "%s%s%s", *names,
				(*names)[0] != '\0' ? ", " : "", name);
		const char *back = who_needs(s, name, true);
		const char *before = who_needs(s, name, false);
		text = decision_print(s->d->decision, "%s\nneeded by %s%s%s%s%s", text,
				before, before[0] != '\0' && back[0] != '\0' ? ", " : "",
				back[0] != '\0' ? "rollback " : "", back,
				back[0] != '\0' ? ": passed over without it" : "");
	}
	return unsaid ? text : "";
}

/* Take over with @event what step @publisher left as @name, if it did. */
static bool take_found(const struct said *s, size_t publisher, const char *name,
		struct event *event) {
	const char *value = flow_found_value(s->run, publisher, name);
	if (value == NULL) {
		return false;
	}
	struct plan_value *values = decision_own(
			s->d->decision, xcalloc(event->value_count + 1, sizeof(*values)));
	if (event->value_count > 0) {
		memcpy(values, event->values, event->value_count * sizeof(*values));
	}
	values[event->value_count++] = (struct plan_value){
		.name = decision_own(s->d->decision, xstrdup(name)),
		.value = decision_own(s->d->decision, xstrdup(value)),
	};
	event->values = values;
	return true;
}

/* Who says that it went well says that it published, too: what is needed later
 * is taken from what it left, or given up in so many words. */
static void confirm(const struct said *s) {
	const char *names = NULL;
	const char *needed = given_up_unsaid(s, &names);
	if (needed[0] != '\0') {
		refuse(s,
				decision_print(s->d->decision,
						"left no %s behind%s\n"
						"`!retry %s` makes it anew; or, as it is:\n"
						"`!done %s without %s`",
						names, needed, s->model->number, s->model->number,
						names));
		return;
	}
	struct event event = said_event(s, EVENT_STEP_CONFIRMED);
	event.block = s->state->block;
	const char *name = NULL;
	for (size_t i = 0; (name = flow_published(s->model, i)) != NULL; i++) {
		take_found(s, s->index, name, &event);
	}
	if (offer_files(s)) {
		deciding_add(s->d, event);
	}
}

static void say_done(const struct said *s) {
	if (!is_allowed(s, true, false)) {
		return;
	}
	if (s->state->status == STEP_UNKNOWN && !is_manual(s)) {
		confirm(s);
	} else if (s->state->status == STEP_ENDED && has_evidence(s)) {
		if (offer_files(s) && has_text(s)) {
			deciding_add(s->d, said_event(s, EVENT_STEP_EVIDENCE));
		}
	} else if (s->state->status != STEP_ASKED || !is_manual(s)) {
		refuse(s, status_words(s));
	} else if (s->model->evidence && !has_evidence(s)) {
		refuse(s,
				decision_print(s->d->decision,
						"needs evidence\n`!done %s TEXT`, or attach a file",
						s->model->number));
	} else if (offer_files(s)) {
		end_with_evidence(s);
	}
}

static void declare_dead(
		const struct said *s, const struct attempt *attempt, const char *why) {
	struct event event = event_make(EVENT_ATTEMPT_ENDED, s->d->world->now_ms);
	event.run = s->run->number;
	event.step = (uint32_t)s->index;
	event.block = attempt->block;
	event.host = attempt->host;
	event.attempt = attempt->number;
	event.outcome = OUTCOME_UNKNOWN;
	event.exit_status = -1;
	event.duration_ms = s->d->world->now_ms - attempt->started_ms;
	event.text = decision_print(s->d->decision,
			"%s; %s declared it dead, and it may still run", why,
			deciding_name(s->d, s->d->request->user));
	deciding_add(s->d, event);
}

/* Whether it may run where nobody can see it, nor end it. */
static bool is_out_of_reach(const struct attempt *attempt) {
	return attempt->lost_ms != 0 && attempt->may_run;
}

/* Of what runs: how much of it is out of reach. */
static size_t count_running(const struct said *s, bool out_of_reach) {
	size_t count = 0;
	for (size_t i = 0; i < s->state->attempt_count; i++) {
		const struct attempt *attempt = &s->state->attempts[i];
		count += attempt->ended_ms == 0 &&
				is_out_of_reach(attempt) == out_of_reach;
	}
	return count;
}

static void declare_all_dead(
		const struct said *s, bool out_of_reach, const char *why) {
	for (size_t i = 0; i < s->state->attempt_count; i++) {
		const struct attempt *attempt = &s->state->attempts[i];
		if (attempt->ended_ms == 0 &&
				is_out_of_reach(attempt) == out_of_reach) {
			declare_dead(s, attempt, why);
		}
	}
}

static void fail_running(const struct said *s) {
	int64_t asked_ms = s->state->cancelling_ms;
	int64_t now_ms = s->d->world->now_ms;
	int64_t left_ms = duration_end_ms(asked_ms, DEAD_AFTER_MS, now_ms) - now_ms;
	bool away = count_running(s, true) > 0;
	bool here = count_running(s, false) > 0;
	if (asked_ms == 0) {
		deciding_add(s->d, said_event(s, EVENT_STEP_CANCELLING));
	}
	if (away) {
		declare_all_dead(s, true, "its host cannot be reached");
	}
	if (here && asked_ms != 0 && left_ms <= 0) {
		// It hangs where no signal reaches, or whoever should end it does.
		declare_all_dead(s, false, "it could not be ended");
	} else if (here && asked_ms != 0 && !away) {
		refuse(s,
				decision_print(s->d->decision,
						"is being ended\n"
						"if it does not end, say `!fail %s WHY` again in %s",
						s->model->number, deciding_span(s->d, left_ms)));
	}
}

static void say_fail(const struct said *s) {
	if (!is_allowed(s, true, true)) {
		return;
	}
	bool waits = s->state->status == STEP_UNKNOWN ||
			(s->state->status == STEP_ASKED && is_manual(s));
	if (waits && !offer_files(s)) {
		return;
	}
	if (waits) {
		end(s, OUTCOME_FAILED);
	} else if (s->state->status == STEP_RUNNING &&
			step_running(s->state) != NULL) {
		fail_running(s);
	} else if (s->state->status == STEP_RUNNING) {
		end(s, OUTCOME_FAILED); // between two attempts
	} else {
		refuse(s, status_words(s));
	}
}

/* The first value that the step needs and that is nowhere, or NULL; what a step
 * of unknown outcome left is taken over with @event. */
static const char *missing_value(const struct said *s, struct event *event) {
	const struct runbook *runbook = s->run->plan->runbook;
	for (size_t i = 0; i < s->run->step_count; i++) {
		const char *name = NULL;
		for (size_t j = 0;
				(name = flow_published(&runbook->steps[i], j)) != NULL; j++) {
			bool lacks = i != s->index &&
					s->run->steps[i].outcome != OUTCOME_EXCLUDED &&
					flow_needs(s->run, s->index, name) &&
					run_value(s->run, name) == NULL;
			if (lacks && !take_found(s, i, name, event)) {
				return name;
			}
		}
	}
	return NULL;
}

static void say_run(const struct said *s) {
	if (!is_allowed(s, true, true)) {
		return;
	}
	if (!asks(s)) {
		refuse(s, status_words(s));
		return;
	}
	struct event event = said_event(s, EVENT_STEP_ALLOWED);
	const char *missing = missing_value(s, &event);
	if (missing != NULL) {
		refuse(s,
				decision_print(s->d->decision,
						"cannot run: %s was never published\nsay `!pass %s`",
						missing, s->model->number));
		return;
	}
	deciding_add(s->d, event);
}

static void say_pass(const struct said *s) {
	if (!is_allowed(s, true, true)) {
		return;
	}
	if (!asks(s)) {
		refuse(s, status_words(s));
		return;
	}
	end(s, OUTCOME_PASSED);
}

static bool has_stopped(const struct said *s) {
	return s->state->status == STEP_FAILED || s->state->status == STEP_UNKNOWN;
}

static void say_retry(const struct said *s) {
	if (!is_allowed(s, true, true)) {
		return;
	}
	if (!has_stopped(s)) {
		refuse(s, status_words(s));
		return;
	}
	deciding_add(s->d, said_event(s, EVENT_STEP_RETRIED));
}

static void say_skip(const struct said *s) {
	if (!is_allowed(s, false, true)) {
		return;
	}
	if (!has_stopped(s)) {
		refuse(s, status_words(s));
	} else if (flow_publishes_undo(s->run, s->index)) {
		refuse(s,
				"cannot be skipped: rollback needs what it publishes\n"
				"`!retry` it, or `!rollback`");
	} else {
		end(s, OUTCOME_SKIPPED);
	}
}

static void say_claim(const struct said *s) {
	if (!is_allowed(s, true, false)) {
		return;
	}
	if (s->state->status == STEP_ENDED) {
		refuse(s, status_words(s));
		return;
	}
	deciding_add(s->d, said_event(s, EVENT_STEP_CLAIMED));
}

/* A red smoke test can be settled while the run decides. */
static bool is_reachable(const struct run *run, size_t index) {
	if (flow_is_active(run, index)) {
		return true;
	}
	size_t phase = run->plan->runbook->steps[index].phase;
	enum phase_kind kind = run->plan->runbook->phases[phase].kind;
	return run->status == RUN_DECIDING &&
			(kind == PHASE_SMOKE || kind == PHASE_PRODUCTION);
}

static const char *steps_that_wait(struct deciding *d, const struct run *run) {
	const char *text = "";
	size_t count = 0;
	for (size_t i = 0; i < run->step_count && count < 5; i++) {
		enum step_status status = run->steps[i].status;
		bool live = status == STEP_ASKED || status == STEP_RUNNING ||
				status == STEP_FAILED || status == STEP_UNKNOWN;
		if (live && is_reachable(run, i)) {
			text = decision_print(d->decision, "%s%s%s", text,
					count > 0 ? ", " : "", run->plan->runbook->steps[i].number);
			count++;
		}
	}
	return text;
}

/* Whether step @number of @run waits for a word, or can be ended by one. */
static bool hears_of(
		const struct deciding *d, const struct run *run, const char *number) {
	size_t index = runbook_step(run->plan->runbook, number);
	if (index == RUNBOOK_NONE || run->status == RUN_CLOSED) {
		return false;
	}
	const struct step_state *state = &run->steps[index];
	return (is_reachable(run, index) && state->status != STEP_PENDING &&
				   state->status != STEP_ENDED) ||
			(d->request->type == REQUEST_FAIL && step_running(state) != NULL);
}

/* The run whose step is meant: the current one, unless the step waits in
 * another that is open beside it, and not there. */
static const struct run *run_meant(
		const struct deciding *d, const char *number) {
	const struct run *current = bridge_current(d->bridge);
	if (current == NULL || hears_of(d, current, number)) {
		return current;
	}
	for (size_t i = d->bridge->run_count; i > d->bridge->first_open_run; i--) {
		if (hears_of(d, &d->bridge->runs[i - 1], number)) {
			return &d->bridge->runs[i - 1];
		}
	}
	return current;
}

/* The run and the step that are meant; else refuses. */
static bool find(struct said *s) {
	struct deciding *d = s->d;
	const char *number = d->request->step;
	s->run = run_meant(d, number);
	if (s->run == NULL) {
		saying_refuse(d, "no run is open");
		return false;
	}
	s->index = runbook_step(s->run->plan->runbook, number);
	if (s->index == RUNBOOK_NONE) {
		const char *waits = steps_that_wait(d, s->run);
		saying_refuse(d,
				decision_print(d->decision, "there is no step %s%s%s", number,
						waits[0] != '\0' ? "\nnow: " : "", waits));
		return false;
	}
	s->model = &s->run->plan->runbook->steps[s->index];
	s->state = &s->run->steps[s->index];
	bool late_evidence = d->request->type == REQUEST_DONE &&
			s->state->status == STEP_ENDED &&
			s->state->outcome != OUTCOME_EXCLUDED;
	/* A rollback and an abort wait for what still runs of the phase before. */
	bool still_runs = d->request->type == REQUEST_FAIL &&
			step_running(s->state) != NULL;
	if (s->state->outcome == OUTCOME_EXCLUDED ||
			(!is_reachable(s->run, s->index) && !late_evidence &&
					!still_runs)) {
		refuse(s,
				decision_print(d->decision, "is not up now\n%s is %s",
						deciding_label(d, s->run),
						run_status_name(s->run->status)));
		return false;
	}
	return true;
}

/* --- files without a command --- */

static bool owns(const struct said *s) {
	const struct runbook *runbook = s->run->plan->runbook;
	size_t lead = 0;
	struct role_set owner = step_owner(runbook, s->index, &lead);
	return deciding_holds_any(s->d, runbook, &owner, s->d->request->user);
}

/* Whether what is said was said to the question: posts are read more than once,
 * and one that asked for nothing when it came must not answer later. */
static bool is_said_since_asked(const struct said *s) {
	int64_t said_ms = s->d->world->now_ms - s->d->request->late_ms;
	return said_ms + CLOCKS_MS >= s->state->asked_ms;
}

/* Whether step @index is the one that files in thread @root are meant for: its
 * own, or that of the run while it alone waits for evidence of this person. */
static bool is_meant(struct said *s, size_t index, bool own) {
	s->index = index;
	s->model = &s->run->plan->runbook->steps[index];
	s->state = &s->run->steps[index];
	if (own) {
		return is_manual(s) && s->state->post != NULL &&
				strcmp(s->state->post, s->d->request->root) == 0;
	}
	return is_manual(s) && s->model->evidence &&
			s->state->status == STEP_ASKED && is_reachable(s->run, index) &&
			is_said_since_asked(s) && owns(s);
}

static bool find_meant(struct said *s, bool own) {
	size_t found = RUNBOOK_NONE;
	for (size_t i = 0; i < s->run->step_count; i++) {
		if (is_meant(s, i, own)) {
			if (found != RUNBOOK_NONE) {
				return false;
			}
			found = i;
		}
	}
	return found != RUNBOOK_NONE && is_meant(s, found, own);
}

/* What is posted beside the bot's own question answers it, where it asks for
 * evidence; no picture confirms what did not ask for one. */
static void show_files(struct deciding *d) {
	struct said s = { .d = d, .run = bridge_current(d->bridge) };
	if (s.run == NULL || d->request->root == NULL ||
			(!find_meant(&s, true) && !find_meant(&s, false)) || !owns(&s) ||
			s.state->outcome == OUTCOME_EXCLUDED || !saying_is_heard(d)) {
		return;
	}
	bool answers = s.model->evidence && s.state->status == STEP_ASKED &&
			is_reachable(s.run, s.index);
	if (offer_files(&s) && answers) {
		end_with_evidence(&s);
	}
}

void decide_said_step(struct deciding *d) {
	struct said s = { .d = d };
	if (d->request->type == REQUEST_FILES) {
		show_files(d);
		return;
	}
	if (!saying_is_heard(d) || !find(&s)) {
		return;
	}
	if (d->request->type == REQUEST_DONE) {
		say_done(&s);
	} else if (d->request->type == REQUEST_FAIL) {
		say_fail(&s);
	} else if (d->request->type == REQUEST_RUN) {
		say_run(&s);
	} else if (d->request->type == REQUEST_PASS) {
		say_pass(&s);
	} else if (d->request->type == REQUEST_RETRY) {
		say_retry(&s);
	} else if (d->request->type == REQUEST_SKIP) {
		say_skip(&s);
	} else {
		say_claim(&s);
	}
}
