#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "render/speak.h"
#include "render/words.h"

/*
 * The card: the whole run on one screen of a phone.
 */

#define PHASE_LINES_MAX 6
#define TITLE_LETTERS   28
#define WAITING_LETTERS 26 // for whom and what is next, in one line

/* @over: nothing of it goes on any more. */
static const char *tally_icon(const struct step_tally *tally, bool over) {
	if (tally->red > 0) {
		return "🔴";
	}
	if (tally->done == tally->all) {
		return "✅";
	}
	if (tally->begun == 0) {
		return "⬜";
	}
	if (over) {
		return "⏹️";
	}
	return tally->waits > 0 ? "⏳" : "▶️";
}

/* Whether the steps around @step were left where they stood. */
static bool is_over(const struct run *run, size_t step) {
	if (run->status == RUN_ABORTED || run->status == RUN_CLOSED) {
		return true;
	}
	return run->rollback_ms > 0 && speak_phase_of(run, step) != PHASE_ROLLBACK;
}

static char *tally_note(const struct step_tally *tally) {
	if (tally->done == tally->all && tally->to_ms > tally->from_ms) {
		return words_age(tally->to_ms - tally->from_ms);
	}
	if (tally->begun > 0 && tally->done < tally->all) {
		return xasprintf("%zu of %zu", tally->done, tally->all);
	}
	return xstrdup("");
}

static void add_line(cJSON *list, const struct run *run, const char *number,
		const char *title, size_t first, size_t count) {
	struct step_tally tally = run_tally(run, first, count);
	if (tally.all == 0) {
		return;
	}
	cJSON *line = speak_add(list);
	speak_put(line, "icon", tally_icon(&tally, is_over(run, first)));
	speak_put(line, "number", number);
	speak_take(line, "title", words_short(title, TITLE_LETTERS));
	speak_take(line, "note", tally_note(&tally));
}

/* The level of the headings right below a phase's own; 0: it has none. */
static uint32_t level_below(const struct runbook *runbook, size_t phase) {
	uint32_t level = 0;
	bool own = true;
	for (size_t i = 0; i < runbook->section_count; i++) {
		const struct section *section = &runbook->sections[i];
		if (section->phase != phase) {
			continue;
		}
		if (!own && section->level < 7 &&
				(level == 0 || section->level < level)) {
			level = section->level;
		}
		own = false;
	}
	return level;
}

/* A phase is one line, or one for each heading in it. */
static void add_phase(cJSON *list, const struct run *run, size_t index) {
	const struct runbook *runbook = run->plan->runbook;
	const struct phase *phase = &runbook->phases[index];
	uint32_t level = level_below(runbook, index);
	if (level == 0) {
		add_line(list, run, phase->number, phase->title, phase->first_step,
				phase->step_count);
		return;
	}
	for (size_t i = 0; i < runbook->section_count; i++) {
		const struct section *section = &runbook->sections[i];
		if (section->phase == index && section->level == level) {
			add_line(list, run, section->number, section->title,
					section->first_step, section->step_count);
		}
	}
}

static bool shows_phase(const struct run *run, enum phase_kind kind) {
	bool rolled = run->rollback_ms > 0;
	switch (kind) {
	case PHASE_REHEARSAL:
		return run->kind == RUN_REHEARSAL;
	case PHASE_PRODUCTION:
	case PHASE_SMOKE:
		return run->kind == RUN_PRODUCTION;
	case PHASE_POST:
		return run->kind == RUN_PRODUCTION && !rolled;
	case PHASE_ROLLBACK:
		return rolled;
	}
	return false;
}

/* Lines of what is done go first where there are too many. */
static void shorten(cJSON *list) {
	int done = 0;
	while (cJSON_GetArraySize(list) > PHASE_LINES_MAX) {
		const cJSON *icon = cJSON_GetObjectItemCaseSensitive(
				cJSON_GetArrayItem(list, 0), "icon");
		if (strcmp(icon->valuestring, "✅") != 0) {
			break;
		}
		cJSON_DeleteItemFromArray(list, 0);
		done++;
	}
	while (cJSON_GetArraySize(list) > PHASE_LINES_MAX) {
		cJSON_DeleteItemFromArray(list, PHASE_LINES_MAX);
	}
	if (done > 0) {
		cJSON *line = cJSON_CreateObject();
		if (line == NULL || !cJSON_InsertItemInArray(list, 0, line)) {
			abort();
		}
		speak_put(line, "icon", "✅");
		speak_take(line, "number", xasprintf("%d", done));
		speak_put(line, "title", "before");
		speak_put(line, "note", NULL);
	}
}

static void put_phases(cJSON *context, const struct run *run) {
	const struct runbook *runbook = run->plan->runbook;
	cJSON *list = speak_put_list(context, "phases");
	for (size_t i = 0; i < runbook->phase_count; i++) {
		if (shows_phase(run, runbook->phases[i].kind)) {
			add_phase(list, run, i);
		}
	}
	shorten(list);
}

/* --- the line of the state --- */

static const char *state_icon(const struct run *run) {
	if (run->held) {
		return "⏸️";
	}
	switch (run->status) {
	case RUN_PLANNED:
		return "💤";
	case RUN_AT_GATE:
		return "⏳";
	case RUN_RUNNING:
		return "▶️";
	case RUN_DECIDING:
		return "🧪";
	case RUN_SUCCEEDED:
		return "🎉";
	case RUN_ROLLING_BACK:
	case RUN_ROLLED_BACK:
		return "↩️";
	case RUN_ABORTED:
		return "🛑";
	case RUN_CLOSED:
		return "📕";
	}
	return "";
}

static char *state_words(const struct speech *speech, const struct run *run) {
	int64_t now_ms = speech->world->now_ms;
	const char *held = run->held ? "held " : "";
	if (run->status == RUN_RUNNING) {
		char *at = run->t0_ms > 0 ? words_relative(now_ms - run->t0_ms)
								  : words_age(now_ms - run->begun_ms);
		char *text = xasprintf("%s%s", held, at);
		free(at);
		return text;
	}
	if (run->status == RUN_CLOSED) {
		return xasprintf("closed: %s", words_outcome(run));
	}
	if (run->ended_ms > 0 && !run_is_executing(run)) {
		char *at = words_clock(run->ended_ms, now_ms);
		char *text = xasprintf("%s %s", run_status_name(run->status), at);
		free(at);
		return text;
	}
	return xasprintf("%s%s", held, run_status_name(run->status));
}

/* --- gates --- */

static const struct gate_state *open_gate(
		const struct speech *speech, const struct run *run) {
	const struct bridge *bridge = speech->bridge;
	for (size_t i = bridge->live_gate_count; i > 0; i--) {
		const struct gate_state *gate =
				&bridge->gates[bridge->live_gates[i - 1]];
		if (gate->run == run->number && gate->status == GATE_OPEN &&
				(run->ended_ms == 0 || gate->opened_ms >= run->ended_ms)) {
			return gate;
		}
	}
	return NULL;
}

static void put_open_gate(
		cJSON *context, const struct speech *speech, const struct run *run) {
	const struct gate_state *gate = open_gate(speech, run);
	const struct gate *model = gate != NULL
			? gate_state_model(speech->bridge, gate)
			: NULL;
	if (model == NULL) {
		speak_put(context, "gate", NULL);
		return;
	}
	cJSON *object = cJSON_AddObjectToObject(context, "gate");
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
	speak_take(object, "name", words_gate(speech->bridge, gate));
	speak_put_count(object, "filled", full);
	speak_put_count(object, "needed", count);
	speak_take(object, "until",
			words_clock(gate->until_ms, speech->world->now_ms));
	speak_take_list(object, "missing", words_short(str_text(&missing), 80));
	str_finish(&missing);
}

static const char *gate_icon(const struct gate_state *gate) {
	if (gate == NULL) {
		return "⬜";
	}
	if (gate->status == GATE_OPEN) {
		return "⏳";
	}
	return gate->status == GATE_CLOSED ? "❌" : "✅";
}

static void add_gate(
		struct str *out, const char *name, const struct gate_state *gate) {
	str_addf(out, "%s%s %s", out->len > 0 ? " · " : "", name, gate_icon(gate));
}

static const struct gate_state *plan_gate(
		const struct speech *speech, const struct run *run) {
	for (size_t i = speech->bridge->gate_count; i > 0; i--) {
		const struct gate_state *gate = &speech->bridge->gates[i - 1];
		if (gate->purpose == PURPOSE_PLAN &&
				strcmp(gate->digest, run->plan->plan.digest) == 0) {
			return gate;
		}
	}
	return NULL;
}

static char *gates_line(const struct speech *speech, const struct run *run) {
	const struct runbook *runbook = run->plan->runbook;
	const struct bridge *bridge = speech->bridge;
	struct str out = { 0 };
	if (run->kind == RUN_REHEARSAL) {
		return str_take(&out);
	}
	if (runbook_plan_gate(runbook) != RUNBOOK_NONE) {
		add_gate(&out, "plan", plan_gate(speech, run));
	}
	if (runbook_start_gate(runbook) != RUNBOOK_NONE) {
		add_gate(&out, "T0",
				bridge_gate_for(bridge, run->number, PURPOSE_START));
	}
	if (run->rollback_ms > 0) {
		add_gate(&out, "rollback",
				bridge_gate_for(bridge, run->number, PURPOSE_ROLLBACK));
	} else if (runbook_success_gate(runbook) != RUNBOOK_NONE) {
		add_gate(&out, "success",
				bridge_gate_for(bridge, run->number, PURPOSE_SUCCESS));
	}
	return str_take(&out);
}

char *message_card(const struct message_world *world,
		const struct bridge *bridge, const struct run *run) {
	struct world here = *world->world;
	here.bridge = bridge;
	const struct speech speech = {
		.in = world,
		.world = &here,
		.bridge = bridge,
	};
	cJSON *context = speak_context(&speech, run);
	bool open = run->status != RUN_CLOSED;
	speak_take(context, "t0",
			run->t0_ms > 0 ? words_clock(run->t0_ms, world->world->now_ms)
						   : NULL);
	speak_put(context, "icon", state_icon(run));
	speak_take(context, "state", state_words(&speech, run));
	speak_take(context, "progress", speak_progress(run));
	put_open_gate(context, &speech, run);
	speak_put_flag(context, "open", open);
	char *waiting = open ? speak_waiting(&speech, false, false) : xstrdup("");
	bool nobody = strcmp(waiting, "nobody") == 0;
	char *next = speak_next_milestone(&speech, run, !nobody);
	if (utf8_count(waiting) + utf8_count(next) > WAITING_LETTERS) {
		next[0] = '\0';
	}
	speak_take_raw(context, "waiting", waiting);
	speak_take(context, "next", next);
	put_phases(context, run);
	speak_take_raw(context, "gates", gates_line(&speech, run));
	speak_take(context, "lead", words_lead(world->world, run->plan->runbook));
	speak_take(context, "rollback", speak_rollback_ready(&speech, run, false));
	speak_take(context, "interventions",
			words_count(run->interventions, "intervention"));
	speak_put_digest(context, "digest", run->plan->plan.digest, 8);
	char *text = templates_say(world->templates, "card", context);
	cJSON_Delete(context);
	return text;
}
