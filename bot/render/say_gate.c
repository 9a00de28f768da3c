#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "core/gate.h"
#include "render/contact.h"
#include "render/gate_view.h"
#include "render/markdown.h"
#include "render/words.h"

/*
 * Gates.  A gate's own post is written once and rewritten once, when it is
 * closed: an edit that races a tap hides the tap.
 */

#define LINE_LETTERS 46

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
	bool approves = rollback && asker_approves(speech, gate->id) &&
			gate_standing(speech->bridge, speech->world, gate, gate->asker) ==
					STANDING_COUNTS;
	gate_view_put_slots(context, speech, view, approves ? gate->asker : NULL);
	gate_view_put_facts(context, speech, view);
	if (rollback) {
		speak_put(context, "asker",
				gate->asker != NULL
						? people_name(speech->world->people, gate->asker)
						: "the bot");
		speak_take_raw(context, "why", words_said(gate->why));
		gate_view_put_undo(context, speech, view->run);
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
	speak_put_flag(context, "overridden", gate->overridden);
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
		enum event_type type = speech->in->following[i].type;
		if (type == EVENT_RUN_ABORTED || type == EVENT_RUN_ROLLING_BACK) {
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
	const char *again = words_again(view->run, view->state);
	speak_put(context, "again", again);
	speak_take_raw(context, "who",
			words_call_lead(speech->world, view->plan->runbook));
	speak_put_flag(context, "nothing_ran",
			view->run == NULL || !view->run->command_started);
	speak_take_list(context, "missing", gate_view_missing(view));
	speak_put_flag(context, "passed", view->state->passed_ms != 0);
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

/* Whether the approver was told before: who taps to and fro is told once. */
static bool knows_it_is_gone(
		const struct speech *speech, const struct gate_view *view) {
	size_t times = 0;
	for (size_t i = 0; i < view->state->withdrawn_count; i++) {
		times += strcmp(view->state->withdrawn[i], speech->event->user) == 0;
	}
	return times > 1;
}

static void say_withdrawn(
		const struct speech *speech, const struct gate_view *view) {
	if (objects_next(speech) || knows_it_is_gone(speech, view)) {
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

/* --- silence, and break-glass --- */

/* The contacts of the slots that are empty still. */
static void call_contacts(const struct speech *speech,
		const struct gate_view *view, const char *key) {
	struct role_set *slots = xcalloc(view->count, sizeof(*slots));
	size_t count = 0;
	for (size_t i = 0; i < view->count; i++) {
		if (view->filled[i] == NULL) {
			slots[count++] = view->model->slots[i].roles;
		}
	}
	char *title = view->state->purpose == PURPOSE_PLAN
			? xstrdup("Plan")
			: words_capital(view->name);
	contact_speak(speech,
			&(struct contact_call){
					.runbook = view->plan->runbook,
					.run = view->run,
					.key = key,
					.title = title,
					.since_ms = view->state->opened_ms,
					.slots = slots,
					.slot_count = count,
			});
	free(title);
	free(slots);
}

/* First the backups are called, then the lead beside the role's contact. */
static void say_escalated(
		const struct speech *speech, const struct gate_view *view) {
	cJSON *context = gate_context(speech, view);
	cJSON *list = speak_put_list(context, "slots");
	const struct runbook *runbook = view->plan->runbook;
	for (size_t i = 0; i < view->count; i++) {
		const struct role_set *roles = &view->model->slots[i].roles;
		if (view->filled[i] == NULL && roles->count > 0) {
			cJSON *line = speak_add(list);
			speak_take(line, "role", words_roles(runbook, roles));
			speak_take_raw(line, "who",
					words_call_next(speech->world, runbook, roles,
							speech->event->count));
		}
	}
	speak_take(context, "until",
			words_clock(view->state->until_ms, speech->world->now_ms));
	char *what = xasprintf("silence/%u", speech->event->count);
	char *key = below(speech, view, what, false);
	speak_post(speech, xstrdup(key), NULL, "gate_escalated", context);
	if (speech->event->count >= ESCALATIONS_MOST) {
		call_contacts(speech, view, key);
	}
	free(key);
	free(what);
}

static void say_override_said(
		const struct speech *speech, const struct gate_view *view) {
	size_t needed = speech->world->settings->override_count;
	/* Enough, and nothing keeps it back: it passes at once. */
	if (view->state->override_count >= needed &&
			view->state->objection_count == 0 &&
			gate_may_pass(speech->bridge, view->state)) {
		return; // what came of it is said
	}
	cJSON *context = gate_context(speech, view);
	speak_put(context, "user",
			people_name(speech->world->people, speech->event->user));
	speak_take_raw(context, "why", words_said(speech->event->text));
	speak_put_count(context, "said", view->state->override_count);
	speak_put_count(context, "needed", needed);
	speak_put_flag(context, "more", view->state->override_count < needed);
	speak_post(speech, below(speech, view, "override", true), NULL,
			"override_said", context);
}

/* Loud, and to those who were passed over. */
static void say_overridden(
		const struct speech *speech, const struct gate_view *view) {
	const struct gate_state *gate = view->state;
	cJSON *context = gate_context(speech, view);
	struct str by = { 0 };
	for (size_t i = 0; i < gate->override_count; i++) {
		str_addf(&by, "%s%s", i > 0 ? ", " : "",
				people_name(speech->world->people, gate->overrides[i].user));
	}
	speak_take_list(context, "by", str_take(&by));
	cJSON *list = speak_put_list(context, "slots");
	for (size_t i = 0; i < view->count; i++) {
		const struct role_set *roles = &view->model->slots[i].roles;
		if (view->filled[i] == NULL) {
			cJSON *line = speak_add(list);
			speak_take(line, "role", words_roles(view->plan->runbook, roles));
			speak_take_raw(line, "who",
					words_call_roles(
							speech->world, view->plan->runbook, roles));
		}
	}
	say_passed(speech, view);
	speak_post(speech, below(speech, view, "overridden", false), NULL,
			"overridden", context);
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
	if (!gate_view_init(speech, &view)) {
		gate_view_finish(&view);
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
	} else if (type == EVENT_GATE_ESCALATED) {
		say_escalated(speech, &view);
	} else if (type == EVENT_GATE_OVERRIDE_SAID) {
		say_override_said(speech, &view);
	} else if (type == EVENT_GATE_OVERRIDDEN) {
		say_overridden(speech, &view);
	} else if (type == EVENT_GATE_REVIEWED) {
		speak_ack(speech, "white_check_mark");
	}
	gate_view_finish(&view);
}
