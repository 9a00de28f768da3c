#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "core/flow.h"
#include "render/markdown.h"
#include "render/speak.h"
#include "render/words.h"

/*
 * Gates.  A gate's own post is written once and rewritten once, when it is
 * closed: an edit that races a tap hides the tap.
 */

#define LINE_LETTERS 46

struct gate_view {
	const struct gate_state *state;
	const struct gate *model;
	const struct plan_record *plan;
	const struct run *run; // NULL: the plan's own
	char *name;
	const char **filled; // by slot; NULL: empty
	size_t count;
	size_t full;
};

static bool view_init(const struct speech *speech, struct gate_view *view) {
	*view = (struct gate_view){ 0 };
	view->state = bridge_gate(speech->bridge, speech->event->gate);
	if (view->state == NULL) {
		return false;
	}
	view->model = gate_state_model(speech->bridge, view->state);
	view->plan = gate_state_plan(speech->bridge, view->state);
	if (view->model == NULL || view->plan == NULL) {
		return false;
	}
	view->run = bridge_run(speech->bridge, view->state->run);
	view->name = words_gate(speech->bridge, view->state);
	view->filled = gate_filled(
			speech->bridge, speech->world, view->state, &view->count);
	for (size_t i = 0; i < view->count; i++) {
		view->full += view->filled[i] != NULL;
	}
	return true;
}

static void view_finish(struct gate_view *view) {
	free(view->name);
	free(view->filled);
}

static cJSON *gate_context(
		const struct speech *speech, const struct gate_view *view) {
	cJSON *context = speak_context(speech, view->run);
	speak_put(context, "name", view->name);
	speak_take(context, "title",
			view->state->purpose == PURPOSE_PLAN ? xstrdup("Plan")
												 : words_capital(view->name));
	speak_put_count(context, "filled", view->full);
	speak_put_count(context, "needed", view->count);
	speak_put_digest(context, "digest", view->state->digest, 12);
	speak_take(context, "until",
			words_clock(view->state->until_ms, speech->world->now_ms));
	return context;
}

/* A key below the gate's; @number: the event's, where it can happen again. */
static char *below(const struct speech *speech, const struct gate_view *view,
		const char *what, bool number) {
	char *own = speak_gate_key(speech, view->state);
	char *key = number
			? xasprintf("%s/%s/%llu", own, what,
					  (unsigned long long)speech->bridge->event_count)
			: xasprintf("%s/%s", own, what);
	free(own);
	return key;
}

/* --- slots --- */

static bool same_roles(const struct role_set *a, const struct role_set *b) {
	return a->count == b->count &&
			memcmp(a->roles, b->roles, a->count * sizeof(a->roles[0])) == 0;
}

/* `2 of G` makes slots that are all alike: they are shown as one line. */
static size_t alike(const struct gate *model, size_t from) {
	size_t count = 1;
	while (from + count < model->slot_count &&
			same_roles(&model->slots[from].roles,
					&model->slots[from + count].roles)) {
		count++;
	}
	return count;
}

static char *slot_role(
		const struct gate_view *view, const struct slot *slot, size_t count) {
	const struct runbook *runbook = view->plan->runbook;
	if (count > 1 && slot->group != RUNBOOK_NONE) {
		return xasprintf("%zu of %s", count, runbook->groups[slot->group].name);
	}
	char *roles = words_roles(runbook, &slot->roles);
	char *text = count > 1 ? xasprintf("%zu of %s", count, roles)
						   : xstrdup(roles);
	free(roles);
	return text;
}

static void put_slots(cJSON *context, const struct speech *speech,
		const struct gate_view *view, const char *asker) {
	cJSON *list = speak_put_list(context, "slots");
	bool asked = false;
	for (size_t i = 0, n = 0; i < view->model->slot_count; i += n) {
		const struct slot *slot = &view->model->slots[i];
		n = alike(view->model, i);
		cJSON *line = speak_add(list);
		speak_take(line, "role", slot_role(view, slot, n));
		bool own = false;
		for (size_t j = 0; j < slot->roles.count && asker != NULL && !asked;
				j++) {
			size_t role = slot->roles.roles[j];
			own = own ||
					world_holds(speech->world, asker,
							view->plan->runbook->roles[role].name) > 0;
		}
		asked = asked || own;
		speak_put_flag(line, "filled", own);
		if (own) {
			speak_put(line, "who", people_name(speech->world->people, asker));
		} else {
			char *who = words_call_roles(
					speech->world, view->plan->runbook, &slot->roles);
			speak_put_raw(
					line, "who", *who != '\0' ? who : "(nobody is there)");
			free(who);
		}
	}
}

static char *missing_roles(const struct gate_view *view) {
	struct str out = { 0 };
	for (size_t i = 0; i < view->count; i++) {
		if (view->filled[i] == NULL) {
			char *roles = words_roles(
					view->plan->runbook, &view->model->slots[i].roles);
			str_addf(&out, "%s%s", out.len > 0 ? ", " : "", roles);
			free(roles);
		}
	}
	return str_take(&out);
}

/* --- facts under a gate --- */

static void add_fact(cJSON *list, char *take_text) {
	if (*take_text != '\0') {
		speak_put(speak_add(list), "fact", take_text);
	}
	free(take_text);
}

static size_t included(const struct plan_record *plan, enum phase_kind kind) {
	const struct runbook *runbook = plan->runbook;
	size_t count = 0;
	for (size_t i = 0; i < runbook->step_count; i++) {
		count += runbook->phases[runbook->steps[i].phase].kind == kind &&
				plan_includes(&plan->plan, i);
	}
	return count;
}

static size_t hosts_of(const struct run *run, enum phase_kind kind) {
	const struct runbook *runbook = run->plan->runbook;
	size_t most = 0;
	for (size_t i = 0; i < runbook->step_count; i++) {
		if (runbook->phases[runbook->steps[i].phase].kind != kind ||
				!plan_includes(&run->plan->plan, i)) {
			continue;
		}
		for (uint32_t j = 0; j < runbook->steps[i].block_count; j++) {
			size_t hosts = run_host_count(run, i, j);
			most = hosts > most ? hosts : most;
		}
	}
	return most;
}

static size_t undo_steps(const struct run *run) {
	size_t count = 0;
	for (size_t i = 0; i < run->step_count; i++) {
		count += run->steps[i].outcome != OUTCOME_EXCLUDED &&
				flow_publishes_undo(run, i);
	}
	return count;
}

static void add_production_facts(cJSON *list, const struct run *run) {
	char *steps = words_count(included(run->plan, PHASE_PRODUCTION), "step");
	char *hosts = words_count(hosts_of(run, PHASE_PRODUCTION), "host");
	size_t undo = undo_steps(run);
	char *undoing = words_count(undo, "step");
	add_fact(list,
			undo > 0 ? xasprintf("%s, %s · %s for undo", steps, hosts, undoing)
					 : xasprintf("%s, %s", steps, hosts));
	free(undoing);
	free(hosts);
	free(steps);
}

static void add_rehearsal_fact(
		cJSON *list, const struct speech *speech, const struct run *run) {
	for (size_t i = speech->bridge->run_count; i > 0; i--) {
		const struct run *old = &speech->bridge->runs[i - 1];
		if (old->kind != RUN_REHEARSAL || !old->rehearsed_ok ||
				old->plan != run->plan) {
			continue;
		}
		char *label = words_run(speech->world, old);
		char *age = words_age(speech->world->now_ms - old->ended_ms);
		add_fact(
				list, xasprintf("Rehearsal %s: %s ago, same plan", label, age));
		free(age);
		free(label);
		return;
	}
}

static void add_success_facts(
		cJSON *list, const struct speech *speech, const struct run *run) {
	size_t green = 0;
	size_t all = 0;
	(void)speech;
	for (size_t i = 0; i < run->step_count; i++) {
		if (speak_phase_of(run, i) == PHASE_SMOKE &&
				run->steps[i].outcome != OUTCOME_EXCLUDED) {
			all++;
			green += run->steps[i].outcome == OUTCOME_OK;
		}
	}
	char *interventions = words_count(run->interventions, "intervention");
	add_fact(list,
			xasprintf(
					"Smoke: %zu of %zu green · %s", green, all, interventions));
	free(interventions);
}

static void add_plan_facts(cJSON *list, const struct plan_record *plan) {
	char *steps = words_count(included(plan, PHASE_PRODUCTION), "step");
	char *tests = words_count(included(plan, PHASE_SMOKE), "smoke test");
	size_t back = included(plan, PHASE_ROLLBACK);
	add_fact(list, xasprintf("%s, %s, %zu to roll back", steps, tests, back));
	free(tests);
	free(steps);
}

/* What a rollback does not do unasked. */
static void add_asking_fact(cJSON *list, const struct run *run) {
	struct str out = { 0 };
	size_t count = 0;
	for (size_t i = 0; i < run->step_count; i++) {
		const struct step *model = &run->plan->runbook->steps[i];
		if (speak_phase_of(run, i) == PHASE_ROLLBACK && model->ask &&
				run->steps[i].outcome != OUTCOME_EXCLUDED) {
			str_addf(&out, "%s%s", count++ > 0 ? ", " : "", model->number);
		}
	}
	if (count > 0) {
		str_addf(&out, " ask%s again first", count == 1 ? "s" : "");
	}
	add_fact(list, str_take(&out));
}

static void put_facts(cJSON *context, const struct speech *speech,
		const struct gate_view *view) {
	cJSON *list = speak_put_list(context, "facts");
	switch (view->state->purpose) {
	case PURPOSE_PLAN:
		add_plan_facts(list, view->plan);
		break;
	case PURPOSE_START:
		add_production_facts(list, view->run);
		add_rehearsal_fact(list, speech, view->run);
		break;
	case PURPOSE_SUCCESS:
		add_success_facts(list, speech, view->run);
		break;
	case PURPOSE_FILES:
		add_fact(list,
				xasprintf("Changed: %s",
						view->state->why != NULL ? view->state->why : "?"));
		break;
	case PURPOSE_STEP:
		add_fact(list, speak_progress(view->run));
		break;
	case PURPOSE_ROLLBACK: {
		char *first = speak_first_step(view->run, PHASE_ROLLBACK);
		char *running = speak_running(view->run);
		if (*running != '\0') {
			add_fact(list, xasprintf("Stops or awaits %s", running));
		}
		char *steps = words_count(included(view->plan, PHASE_ROLLBACK), "step");
		add_fact(list, xasprintf("%s, first %s", steps, first));
		add_asking_fact(list, view->run);
		free(steps);
		free(running);
		free(first);
		break;
	}
	}
}

/* --- undo values --- */

static void add_undo(cJSON *list, const struct speech *speech,
		const struct run *run, size_t step, const char *name) {
	for (size_t i = 0; i < run->step_count; i++) {
		if (speak_phase_of(run, i) == PHASE_ROLLBACK &&
				run->steps[i].outcome != OUTCOME_EXCLUDED &&
				flow_mentions(&run->plan->runbook->steps[i], name)) {
			cJSON *line = speak_add(list);
			const struct step_state *state = &run->steps[step];
			speak_put(line, "name", name);
			if (run_value(run, name) == NULL) {
				speak_put(line, "state",
						state->status == STEP_UNKNOWN
								? "not known, its owner is asked"
								: "not there: passed over");
			} else {
				char *age = words_age(speech->world->now_ms - state->ended_ms);
				speak_take(line, "state", xasprintf("%s old", age));
				free(age);
			}
			return;
		}
	}
}

static void put_undo(
		cJSON *context, const struct speech *speech, const struct run *run) {
	cJSON *list = speak_put_list(context, "undo");
	for (size_t i = 0; i < run->step_count; i++) {
		const struct step *model = &run->plan->runbook->steps[i];
		if (run->steps[i].outcome == OUTCOME_EXCLUDED ||
				speak_phase_of(run, i) == PHASE_ROLLBACK) {
			continue;
		}
		for (size_t j = 0; j < model->set_count; j++) {
			add_undo(list, speech, run, i, model->sets[j]);
		}
		for (size_t j = 0; j < model->block_count; j++) {
			for (size_t k = 0; k < model->blocks[j].set_count; k++) {
				add_undo(list, speech, run, i, model->blocks[j].sets[k]);
			}
		}
	}
}

/* --- what is said --- */

/* Whether the decision goes on to count the asker's command as an approval. */
static bool asker_approves(const struct speech *speech, uint32_t gate) {
	for (size_t i = 0; i < speech->in->following_count; i++) {
		const struct event *event = &speech->in->following[i];
		if (event->type == EVENT_GATE_ASKED && event->gate == gate) {
			return true;
		}
	}
	return false;
}

static void say_opened(
		const struct speech *speech, const struct gate_view *view) {
	const struct gate_state *gate = view->state;
	cJSON *context = gate_context(speech, view);
	char *key = speak_gate_key(speech, gate);
	bool rollback = gate->purpose == PURPOSE_ROLLBACK && view->run != NULL;
	bool approves = rollback && asker_approves(speech, gate->id);
	put_slots(context, speech, view, approves ? gate->asker : NULL);
	put_facts(context, speech, view);
	if (rollback) {
		speak_put(context, "asker",
				gate->asker != NULL
						? people_name(speech->world->people, gate->asker)
						: "the bot");
		speak_take_raw(context, "why", words_said(gate->why));
		put_undo(context, speech, view->run);
	} else {
		const char *kind = view->run != NULL && view->run->kind == RUN_REHEARSAL
				? "Rehearsal"
				: "Production";
		speak_put(context, "kind", kind);
	}
	speak_post(speech, xstrdup(key), NULL, rollback ? "gate_rollback" : "gate",
			context);
	speak_seed(speech, key);
	free(key);
}

/* The post, once nobody can tap on it any more. */
static void edit_closed(
		const struct speech *speech, const struct gate_view *view) {
	const struct gate_state *gate = view->state;
	cJSON *context = gate_context(speech, view);
	bool passed = gate->status != GATE_CLOSED;
	bool expired = gate->outcome == OUTCOME_EXPIRED;
	speak_put_flag(context, "passed", passed);
	speak_take(context, "at",
			words_clock(speech->event->at_ms, speech->world->now_ms));
	speak_put(context, "outcome",
			gate->outcome == OUTCOME_REFUSED ? "refused"
					: expired                ? "ran out"
											 : "void");
	speak_put(context, "icon",
			gate->outcome == OUTCOME_REFUSED ? "❌"
					: expired                ? "⌛"
											 : "⚠️");
	if (passed) {
		speak_put_count(context, "filled", gate->filled_count);
	}
	speak_take_list(context, "names",
			words_names(speech->world, (const char *const *)gate->filled,
					gate->filled_count, 8));
	char *key = speak_gate_key(speech, gate);
	speak_edit(speech, key, "gate_closed", context);
	free(key);
}

static void say_passed(
		const struct speech *speech, const struct gate_view *view) {
	edit_closed(speech, view);
	if (view->state->purpose != PURPOSE_PLAN) {
		return; // what begins now says so
	}
	cJSON *context = gate_context(speech, view);
	speak_take_raw(context, "who",
			words_call_lead(speech->world, view->plan->runbook));
	speak_put(context, "next", speak_next_command(speech, view->plan));
	speak_post(speech, below(speech, view, "passed", false), NULL,
			"plan_approved", context);
}

static bool run_ends_next(const struct speech *speech) {
	for (size_t i = 0; i < speech->in->following_count; i++) {
		if (speech->in->following[i].type == EVENT_RUN_ABORTED) {
			return true;
		}
	}
	return false;
}

static void say_closed(
		const struct speech *speech, const struct gate_view *view) {
	const struct event *event = speech->event;
	edit_closed(speech, view);
	if (run_ends_next(speech)) {
		return; // which says why
	}
	cJSON *context = gate_context(speech, view);
	const char *again = words_again(view->state);
	speak_put(context, "again", again);
	speak_take_raw(context, "who",
			words_call_lead(speech->world, view->plan->runbook));
	speak_put_flag(context, "nothing_ran",
			view->run == NULL || !view->run->command_started);
	speak_take_list(context, "missing", missing_roles(view));
	char *prose = words_prose(event->text != NULL ? event->text : "");
	struct str why = { 0 };
	markdown_add_wrapped(&why, prose, LINE_LETTERS, LINE_LETTERS);
	speak_put_raw(context, "why", str_text(&why));
	str_finish(&why);
	free(prose);
	const char *template = "gate_void";
	if (event->outcome == OUTCOME_REFUSED) {
		template = "gate_refused";
		if (event->user != NULL) {
			speak_take_raw(context, "who",
					words_calls(speech->world, &event->user, 1));
		}
	} else if (event->outcome == OUTCOME_EXPIRED) {
		template = "gate_expired";
	}
	speak_post(speech, below(speech, view, "closed", false), NULL, template,
			context);
}

static void say_objected(
		const struct speech *speech, const struct gate_view *view) {
	if (view->state->status == GATE_USED) {
		return; // it means hold, and the hold says so
	}
	cJSON *context = gate_context(speech, view);
	speak_put(context, "user",
			people_name(speech->world->people, speech->event->user));
	bool lifted = speech->event->type == EVENT_GATE_OBJECTION_LIFTED;
	speak_post(speech, below(speech, view, lifted ? "lifted" : "no", true),
			NULL, lifted ? "gate_objection_lifted" : "gate_objection", context);
}

/* A ❌ beside a ✅ takes the ✅ back too: then only the ❌ is spoken of. */
static bool objects_next(const struct speech *speech) {
	for (size_t i = 0; i < speech->in->following_count; i++) {
		const struct event *event = &speech->in->following[i];
		if (event->type == EVENT_GATE_OBJECTED &&
				event->gate == speech->event->gate &&
				strcmp(event->user, speech->event->user) == 0) {
			return true;
		}
	}
	return false;
}

static void say_withdrawn(
		const struct speech *speech, const struct gate_view *view) {
	if (objects_next(speech)) {
		return;
	}
	cJSON *context = gate_context(speech, view);
	speak_take_raw(context, "who",
			words_calls(speech->world, &speech->event->user, 1));
	speak_post(speech, below(speech, view, "withdrawn", true), NULL,
			"gate_withdrawn", context);
}

static void say_tap_refused(
		const struct speech *speech, const struct gate_view *view) {
	cJSON *context = gate_context(speech, view);
	speak_put(context, "user",
			people_name(speech->world->people, speech->event->user));
	char *prose = words_prose(speech->event->text);
	struct str why = { 0 };
	markdown_add_wrapped(&why, prose, LINE_LETTERS, LINE_LETTERS);
	speak_put_raw(context, "why", str_text(&why));
	str_finish(&why);
	free(prose);
	char *thread = speak_gate_key(speech, view->state);
	speak_post(speech, below(speech, view, "tap", true), thread,
			"gate_tap_refused", context);
	free(thread);
}

static void say_backups(
		const struct speech *speech, const struct gate_view *view) {
	cJSON *context = gate_context(speech, view);
	cJSON *list = speak_put_list(context, "slots");
	for (size_t i = 0; i < view->count; i++) {
		const struct role_set *roles = &view->model->slots[i].roles;
		if (view->filled[i] != NULL) {
			continue;
		}
		char *who = words_call_backups(
				speech->world, view->plan->runbook, roles);
		if (*who != '\0') {
			cJSON *line = speak_add(list);
			speak_take(line, "role", words_roles(view->plan->runbook, roles));
			speak_put_raw(line, "who", who);
		}
		free(who);
	}
	speak_post(speech, below(speech, view, "backups", false), NULL,
			"gate_backups", context);
}

/* The first asker's approval shows in the gate's post; who joins is told that
 * it counts. */
static void say_asked(
		const struct speech *speech, const struct gate_view *view) {
	const char *asker = view->state->asker;
	if (asker == NULL || strcmp(asker, speech->event->user) != 0) {
		speak_ack(speech, "white_check_mark");
	}
}

void speak_of_gate(const struct speech *speech) {
	struct gate_view view;
	if (!view_init(speech, &view)) {
		view_finish(&view);
		return;
	}
	enum event_type type = speech->event->type;
	if (type == EVENT_GATE_OPENED) {
		say_opened(speech, &view);
	} else if (type == EVENT_GATE_PASSED) {
		say_passed(speech, &view);
	} else if (type == EVENT_GATE_CLOSED) {
		say_closed(speech, &view);
	} else if (type == EVENT_GATE_OBJECTED ||
			type == EVENT_GATE_OBJECTION_LIFTED) {
		say_objected(speech, &view);
	} else if (type == EVENT_GATE_WITHDRAWN) {
		say_withdrawn(speech, &view);
	} else if (type == EVENT_GATE_TAP_REFUSED) {
		say_tap_refused(speech, &view);
	} else if (type == EVENT_GATE_BACKUP_CALLED) {
		say_backups(speech, &view);
	} else if (type == EVENT_GATE_ASKED) {
		say_asked(speech, &view);
	}
	view_finish(&view);
}
