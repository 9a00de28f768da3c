#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "render/markdown.h"
#include "render/speak.h"
#include "render/words.h"

/*
 * Answers to what was said: refusals, and what was asked to be shown.
 */

#define FIRST_LETTERS 38 // beside the sign in front
#define LINE_LETTERS  46
#define ASKED_LETTERS 28 // behind "you are asked"
#define LIST_MAX      9

/* --- refusals --- */

/* What did not happen, by command. */
static const struct {
	const char *command;
	const char *head;
} heads[] = {
	{ "plan", "Not planned" },
	{ "rehearse", "Not rehearsed" },
	{ "poll", "No poll" },
	{ "start", "Not started" },
	{ "hold", "Not held" },
	{ "resume", "Not resumed" },
	{ "decide", "Not decided" },
	{ "abort", "Not aborted" },
	{ "close", "Not closed" },
	{ "rollback", "No rollback" },
	{ "done", "Not done" },
	{ "fail", "Not failed" },
	{ "run", "Not run" },
	{ "pass", "Not passed" },
	{ "retry", "Not retried" },
	{ "skip", "Not skipped" },
	{ "claim", "Not claimed" },
	{ "note", "Not noted" },
	{ "edit", "Not done again" },
};

static const char *head_of(const char *command) {
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		if (command != NULL && strcmp(heads[i].command, command) == 0) {
			return heads[i].head;
		}
	}
	return "No";
}

static void wrap_into(struct str *out, const char *text) {
	markdown_add_wrapped(out, text, FIRST_LETTERS, LINE_LETTERS);
}

static void say_refused(const struct speech *speech) {
	const struct event *event = speech->event;
	cJSON *context = speak_context(speech, NULL);
	struct str text = { 0 };
	if (strncmp(event->text, "**", 2) == 0) {
		// The answer to a near miss has its own head and line breaks.
		markdown_add_uncalled(&text, event->text);
	} else {
		char *prose = words_prose(event->text);
		char *whole = xasprintf("**%s:** %s", head_of(event->name), prose);
		wrap_into(&text, whole);
		free(whole);
		free(prose);
	}
	speak_put_raw(context, "text", str_text(&text));
	str_finish(&text);
	speak_answer(speech, "refused", context);
}

/* --- help --- */

static const struct message_command *command_named(
		const struct speech *speech, const char *name) {
	for (size_t i = 0; i < speech->in->command_count; i++) {
		if (strcasecmp(speech->in->commands[i].name, name) == 0) {
			return &speech->in->commands[i];
		}
	}
	return NULL;
}

/* Questions and notes, which everybody may say at any time. */
static bool is_always(enum request_type type) {
	return type == REQUEST_HELP || type == REQUEST_STATUS ||
			type == REQUEST_WHO || type == REQUEST_WHY || type == REQUEST_NOTE;
}

/* Taps and steps that wait for who asks: no command says that. */
static void add_asked(cJSON *list, const struct speech *speech) {
	struct waitings waitings;
	bridge_waiting(speech->bridge, speech->world, &waitings);
	for (size_t i = 0; i < waitings.count; i++) {
		const struct waiting *waiting = &waitings.list[i];
		bool asked = false;
		for (size_t j = 0; j < waiting->user_count; j++) {
			asked = asked ||
					strcmp(waiting->users[j], speech->event->user) == 0;
		}
		if (asked && cJSON_GetArraySize(list) < LIST_MAX) {
			char *brief = words_short(waiting->what, ASKED_LETTERS);
			speak_take_raw(speak_add(list), "what", words_prose(brief));
			free(brief);
		}
	}
	waitings_finish(&waitings);
}

static bool is_of_steps(enum request_type type) {
	return type >= REQUEST_DONE && type <= REQUEST_CLAIM;
}

/* `!done 4.1.2 [evidence]` where it could be said to that step alone. */
static char *usage_now(
		const struct speech *speech, const struct message_command *command) {
	const char *word = strstr(command->usage, "STEP");
	size_t count = 0;
	size_t *steps = word != NULL && is_of_steps(command->type)
			? bridge_may_steps(speech->bridge, speech->world,
					  speech->event->user, command->type, &count)
			: NULL;
	char *usage = NULL;
	if (count == 1) {
		const struct run *run = bridge_current(speech->bridge);
		usage = xasprintf("%.*s%s%s", (int)(word - command->usage),
				command->usage, run->plan->runbook->steps[steps[0]].number,
				word + strlen("STEP"));
	}
	free(steps);
	return usage != NULL ? usage : xstrdup(command->usage);
}

/* Those that the asker may say now: of @steps, or all others. */
static void add_may(cJSON *list, const struct speech *speech, bool steps) {
	for (size_t i = 0; i < speech->in->command_count; i++) {
		const struct message_command *command = &speech->in->commands[i];
		if (!is_always(command->type) && is_of_steps(command->type) == steps &&
				bridge_may(speech->bridge, speech->world, speech->event->user,
						command->type)) {
			cJSON *line = speak_add(list);
			speak_take_raw(line, "usage", usage_now(speech, command));
			speak_put(line, "summary", command->summary);
		}
	}
}

static void say_help(const struct speech *speech) {
	cJSON *context = speak_context(speech, NULL);
	add_asked(speak_put_list(context, "asked"), speech);
	// What is asked first, then how to answer it, then the rest.
	cJSON *list = speak_put_list(context, "may");
	add_may(list, speech, true);
	add_may(list, speech, false);
	struct str always = { 0 };
	for (size_t i = 0; i < speech->in->command_count; i++) {
		const struct message_command *command = &speech->in->commands[i];
		if (is_always(command->type)) {
			str_addf(&always, "%s`%s`", always.len > 0 ? " " : "",
					command->usage);
		}
	}
	struct str lines = { 0 };
	markdown_add_wrapped(
			&lines, str_text(&always), LINE_LETTERS - 8, LINE_LETTERS);
	speak_put_raw(context, "always", str_text(&lines));
	str_finish(&lines);
	str_finish(&always);
	speak_answer(speech, "help", context);
}

static void say_help_about(const struct speech *speech) {
	cJSON *context = speak_context(speech, NULL);
	const struct message_command *command = command_named(
			speech, speech->event->text);
	speak_put_flag(context, "known", command != NULL);
	speak_put_raw(context, "usage", command != NULL ? command->usage : NULL);
	speak_put(context, "summary", command != NULL ? command->summary : NULL);
	speak_put(context, "who", command != NULL ? command->who : NULL);
	speak_take_raw(context, "asked", words_said(speech->event->text));
	speak_answer(speech, "help_command", context);
}

/* --- who --- */

static const struct runbook *runbook_now(const struct speech *speech) {
	const struct run *run = bridge_current(speech->bridge);
	const struct plan_record *plan = bridge_plan(speech->bridge);
	if (run != NULL) {
		return run->plan->runbook;
	}
	return plan != NULL ? plan->runbook : NULL;
}

/* Who stands in for @role at this time, if anybody does. */
static void put_deputy(
		cJSON *line, const struct speech *speech, const char *role) {
	const struct deputy *deputy = world_deputy(speech->world, role);
	speak_put(line, "deputy",
			deputy != NULL ? people_name(speech->world->people, deputy->user)
						   : NULL);
	speak_take(line, "until",
			deputy != NULL
					? words_clock(deputy->until_ms, speech->world->now_ms)
					: NULL);
}

static void add_role(
		cJSON *list, const struct speech *speech, const char *role) {
	const struct holders *holders = settings_holders(
			speech->world->settings, role);
	cJSON *line = speak_add(list);
	speak_put(line, "role", role);
	const char *primary = holders->primary != NULL
			? people_name(speech->world->people, holders->primary)
			: "nobody";
	speak_put(line, "primary", primary);
	struct str backups = { 0 };
	for (size_t i = 0; i < holders->backup_count; i++) {
		if (holders->backups[i] != NULL) {
			str_addf(&backups, "%s%s", backups.len > 0 ? ", " : "",
					people_name(speech->world->people, holders->backups[i]));
		}
	}
	size_t letters = utf8_count(role) + utf8_count(primary) + backups.len;
	speak_put_flag(line, "wide", backups.len > 0 && letters > 34);
	speak_take(line, "backups", str_take(&backups));
	put_deputy(line, speech, role);
}

static void say_who(const struct speech *speech) {
	cJSON *context = speak_context(speech, NULL);
	cJSON *list = speak_put_list(context, "roles");
	const struct runbook *runbook = runbook_now(speech);
	for (size_t i = 0; runbook != NULL && i < runbook->role_count; i++) {
		const char *role = runbook->roles[i].name;
		// A role that nobody holds is one that nothing asks: see lint.
		if (settings_holders(speech->world->settings, role) != NULL) {
			add_role(list, speech, role);
		}
	}
	speak_answer(speech, "who", context);
}

/* --- why, and nothing at all --- */

/* A production run that ended badly, and no good rehearsal since, where the
 * runbook has one. */
static bool is_locked(
		const struct bridge *bridge, const struct plan_record *plan) {
	bool rehearsed = false;
	for (size_t i = 0; i < bridge->run_count; i++) {
		const struct run *run = &bridge->runs[i];
		rehearsed = rehearsed ||
				(run->kind == RUN_REHEARSAL && run->rehearsed_ok &&
						run->number > bridge->locked_run);
	}
	return bridge->locked_run > 0 && !rehearsed && plan != NULL &&
			runbook_phase(plan->runbook, PHASE_REHEARSAL) != RUNBOOK_NONE;
}

static void say_nothing_runs(const struct speech *speech) {
	cJSON *context = speak_context(speech, NULL);
	const struct plan_record *plan = bridge_plan(speech->bridge);
	const struct bridge *bridge = speech->bridge;
	if (plan != NULL) {
		speak_put_digest(context, "plan", plan->plan.digest, 8);
	} else {
		speak_put(context, "plan", NULL);
	}
	const struct gate_state *gate = bridge_gate_for(bridge, 0, PURPOSE_PLAN);
	bool stands = gate != NULL && plan != NULL &&
			strcmp(gate->digest, plan->plan.digest) == 0;
	speak_put(context, "gate",
			!stands                               ? NULL
					: gate->status == GATE_OPEN   ? "its gate is open"
					: gate->status == GATE_CLOSED ? "not approved"
												  : "approved");
	const struct run *last = bridge->run_count > 0
			? &bridge->runs[bridge->run_count - 1]
			: NULL;
	char *label = last != NULL ? words_run(speech->world, last) : NULL;
	speak_take(context, "last",
			last != NULL
					? xasprintf("%s, %s%s", label,
							  last->kind == RUN_PRODUCTION ? "production " : "",
							  words_outcome(last))
					: NULL);
	speak_put_flag(context, "locked", is_locked(bridge, plan));
	free(label);
	speak_answer(speech, "nothing_runs", context);
}

static void add_waiting(cJSON *list, const struct speech *speech,
		const struct waiting *waiting) {
	cJSON *line = speak_add(list);
	speak_take_raw(line, "what", words_prose(waiting->what));
	if (waiting->user_count > 0) {
		speak_take_list(line, "names",
				words_names(speech->world, (const char *const *)waiting->users,
						waiting->user_count, 5));
		return;
	}
	struct str roles = { 0 };
	for (size_t i = 0; i < waiting->role_count; i++) {
		str_addf(&roles, "%s%s", i > 0 ? ", " : "", waiting->roles[i]);
	}
	speak_take_list(line, "names", str_take(&roles));
}

static void say_why(const struct speech *speech) {
	struct waitings waitings;
	bridge_waiting(speech->bridge, speech->world, &waitings);
	const struct run *run = bridge_current(speech->bridge);
	if (waitings.count == 0 && run == NULL) {
		say_nothing_runs(speech);
	} else {
		cJSON *context = speak_context(speech, run);
		cJSON *list = speak_put_list(context, "waiting");
		for (size_t i = 0; i < waitings.count && i < LIST_MAX; i++) {
			add_waiting(list, speech, &waitings.list[i]);
		}
		char *running = run != NULL ? speak_running(run) : xstrdup("");
		speak_take(context, "state",
				*running != '\0' ? xasprintf("%s runs", running) : NULL);
		free(running);
		speak_answer(speech, "why", context);
	}
	waitings_finish(&waitings);
}

/* --- answers about a gate that is there already --- */

static void say_plan_same(const struct speech *speech) {
	cJSON *context = speak_context(speech, NULL);
	const struct plan_record *plan = bridge_plan(speech->bridge);
	const struct gate_state *gate = bridge_gate_for(
			speech->bridge, 0, PURPOSE_PLAN);
	speak_put_digest(
			context, "digest", plan != NULL ? plan->plan.digest : "", 12);
	bool open = gate != NULL && gate->status == GATE_OPEN;
	char *until = gate != NULL
			? words_clock(
					  open ? gate->until_ms : gate->passed_ms + gate->valid_ms,
					  speech->world->now_ms)
			: NULL;
	speak_take(context, "gate",
			gate == NULL   ? NULL
					: open ? xasprintf("open till %s UTC", until)
						   : xasprintf("approved, good till %s UTC", until));
	speak_put(context, "next",
			open || plan == NULL ? NULL : speak_next_command(speech, plan));
	free(until);
	speak_answer(speech, "plan_same", context);
}

static void say_rollback_asked(
		const struct speech *speech, const struct run *run) {
	cJSON *context = speak_context(speech, run);
	const struct gate_state *gate = bridge_gate_for(
			speech->bridge, run->number, PURPOSE_ROLLBACK);
	const struct gate *model = gate != NULL
			? gate_state_model(speech->bridge, gate)
			: NULL;
	if (model == NULL) {
		cJSON_Delete(context);
		return;
	}
	size_t count = 0;
	size_t full = 0;
	const char **filled = gate_filled(
			speech->bridge, speech->world, gate, &count);
	struct str missing = { 0 };
	for (size_t i = 0; i < count; i++) {
		if (filled[i] != NULL) {
			full++;
			continue;
		}
		char *roles = words_roles(run->plan->runbook, &model->slots[i].roles);
		str_addf(&missing, "%s%s", missing.len > 0 ? ", " : "", roles);
		free(roles);
	}
	free(filled);
	speak_put_count(context, "filled", full);
	speak_put_count(context, "needed", count);
	speak_take_list(context, "missing", str_take(&missing));
	speak_take(context, "until",
			words_clock(gate->until_ms, speech->world->now_ms));
	speak_answer(speech, "rollback_asked", context);
}

static void say_text(const struct speech *speech) {
	const char *text = speech->event->text;
	if (text == NULL || text[0] == '\0') {
		return;
	}
	cJSON *context = speak_context(speech, NULL);
	char *prose = words_prose(text);
	struct str lines = { 0 };
	wrap_into(&lines, prose);
	speak_put_raw(context, "text", str_text(&lines));
	str_finish(&lines);
	free(prose);
	speak_answer(speech, "answer", context);
}

static void say_answered(const struct speech *speech) {
	const struct event *event = speech->event;
	const struct run *run = bridge_run(speech->bridge, event->run);
	const char *name = event->name != NULL ? event->name : "";
	bool text = event->text != NULL && event->text[0] != '\0';
	if (strcmp(name, "help") == 0) {
		(text ? say_help_about : say_help)(speech);
	} else if (strcmp(name, "who") == 0) {
		say_who(speech);
	} else if (strcmp(name, "why") == 0) {
		say_why(speech);
	} else if (strcmp(name, "status") == 0) {
		(run != NULL ? speak_of_status : say_nothing_runs)(speech);
	} else if (strcmp(name, "decide") == 0 && run != NULL) {
		speak_of_run(speech);
	} else if (strcmp(name, "plan") == 0) {
		say_plan_same(speech);
	} else if (strcmp(name, "rollback") == 0 && run != NULL) {
		say_rollback_asked(speech, run);
	} else {
		say_text(speech);
	}
}

static void say_deputy(const struct speech *speech) {
	const struct event *event = speech->event;
	cJSON *context = speak_context(speech, NULL);
	speak_put(context, "role", event->name);
	speak_put(context, "by", people_name(speech->world->people, event->user));
	speak_take_raw(
			context, "who", words_calls(speech->world, &event->detail, 1));
	speak_take(context, "until",
			words_clock(event->until_ms, speech->world->now_ms));
	speak_post(speech,
			speak_key(speech, NULL, "deputy/%llu",
					(unsigned long long)speech->bridge->event_count),
			NULL, "deputy", context);
}

void speak_of_command(const struct speech *speech) {
	if (speech->event->type == EVENT_DEPUTY_NAMED) {
		say_deputy(speech);
	} else if (speech->event->type == EVENT_NOTE_TAKEN) {
		speak_ack(speech, "memo");
	} else if (speech->event->type == EVENT_COMMAND_REFUSED) {
		say_refused(speech);
	} else {
		say_answered(speech);
	}
}
