#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "core/flow.h"
#include "render/markdown.h"
#include "render/speak.h"
#include "render/words.h"

#define BIT(n) (1u << (n))

/* Letters of a reason in a line that has more to say. */
#define WHAT_LETTERS 26

enum phase_kind speak_phase_of(const struct run *run, size_t step) {
	const struct runbook *runbook = run->plan->runbook;
	return runbook->phases[runbook->steps[step].phase].kind;
}

/* The phases that a run's progress is counted over. */
static unsigned counted_phases(const struct run *run) {
	if (run->kind == RUN_REHEARSAL) {
		return BIT(PHASE_REHEARSAL);
	}
	if (run->status == RUN_ROLLING_BACK || run->rollback_ms > 0) {
		return BIT(PHASE_ROLLBACK);
	}
	if (run->status == RUN_SUCCEEDED && !run->watched) {
		return BIT(PHASE_POST);
	}
	return BIT(PHASE_PRODUCTION) | BIT(PHASE_SMOKE);
}

char *speak_progress(const struct run *run) {
	unsigned phases = counted_phases(run);
	const struct runbook *runbook = run->plan->runbook;
	size_t all = 0;
	size_t done = 0;
	for (size_t i = 0; i < runbook->phase_count; i++) {
		const struct phase *phase = &runbook->phases[i];
		if ((phases & BIT(phase->kind)) != 0) {
			struct step_tally tally = run_tally(
					run, phase->first_step, phase->step_count);
			all += tally.all;
			done += tally.done;
		}
	}
	return xasprintf("%zu of %zu step%s", done, all, all == 1 ? "" : "s");
}

char *speak_next_milestone(
		const struct speech *speech, const struct run *run, bool brief) {
	const struct milestone *next = NULL;
	bool live = (run_is_executing(run) && run->rollback_ms == 0) ||
			(run->status == RUN_SUCCEEDED && !run->watched);
	int64_t now_ms = speech->world->now_ms;
	const struct runbook *runbook = run->plan->runbook;
	for (size_t i = 0; live && run->t0_ms > 0 && i < runbook->milestone_count;
			i++) {
		const struct milestone *milestone = &runbook->milestones[i];
		if (run->t0_ms + milestone->offset_s * 1000 > now_ms &&
				(next == NULL || milestone->offset_s < next->offset_s)) {
			next = milestone;
		}
	}
	if (next == NULL) {
		return xstrdup("");
	}
	if (brief) {
		return xstrdup(next->label);
	}
	char *at = words_clock(run->t0_ms + next->offset_s * 1000, now_ms);
	char *text = xasprintf("%s, %s", next->label, at);
	free(at);
	return text;
}

const char *speak_next_command(
		const struct speech *speech, const struct plan_record *plan) {
	return bridge_is_rehearsed(speech->bridge, speech->world, plan)
			? "!cutover start"
			: "!cutover rehearse";
}

char *speak_gate_so_far(
		const struct speech *speech, const struct gate_state *gate) {
	if (gate == NULL || gate->status != GATE_OPEN) {
		return NULL;
	}
	size_t count = 0;
	size_t full = 0;
	const char **filled = gate_filled(
			speech->bridge, speech->world, gate, &count);
	for (size_t i = 0; i < count; i++) {
		full += filled[i] != NULL;
	}
	free(filled);
	return xasprintf("%zu of %zu", full, count);
}

char *speak_plan_asked(
		const struct speech *speech, const struct plan_record *plan) {
	const struct gate_state *gate = bridge_gate_for(
			speech->bridge, 0, PURPOSE_PLAN);
	bool same = gate != NULL && strcmp(gate->digest, plan->plan.digest) == 0;
	return same ? speak_gate_so_far(speech, gate) : NULL;
}

/* --- is a rollback possible --- */

char *speak_undo_users(const struct run *run, const char *name) {
	struct str out = { 0 };
	for (size_t i = 0; i < run->step_count; i++) {
		if (speak_phase_of(run, i) == PHASE_ROLLBACK &&
				flow_needs(run, i, name)) {
			str_addf(&out, "%s%s", out.len > 0 ? ", " : "",
					run->plan->runbook->steps[i].number);
		}
	}
	return str_take(&out);
}

struct undo {
	size_t all;
	size_t published;
	int64_t oldest_ms; // when the oldest was published; 0: none
	const char *lacks; // one that will not be published any more; NULL
};

static struct undo undo_of(const struct run *run) {
	struct undo undo = { .all = run->index.undo_count };
	for (size_t i = 0; i < run->index.undo_count; i++) {
		const struct undo_value *value = &run->index.undo[i];
		int64_t at_ms = run->steps[value->step].ended_ms;
		if (!value->published) {
			bool over = run->steps[value->step].status == STEP_ENDED;
			undo.lacks = over ? value->name : undo.lacks;
			continue;
		}
		undo.published++;
		if (at_ms > 0 && (undo.oldest_ms == 0 || at_ms < undo.oldest_ms)) {
			undo.oldest_ms = at_ms;
		}
	}
	return undo;
}

char *speak_rollback_ready(
		const struct speech *speech, const struct run *run, bool brief) {
	bool can = run->kind == RUN_PRODUCTION && run->rollback_ms == 0 &&
			run->status != RUN_CLOSED &&
			runbook_phase(run->plan->runbook, PHASE_ROLLBACK) != RUNBOOK_NONE;
	if (!can) {
		return xstrdup("");
	}
	if (!run->command_started) {
		return xstrdup("Nothing to roll back yet");
	}
	struct undo undo = undo_of(run);
	if (undo.lacks != NULL) {
		char *name = words_short(undo.lacks, WHAT_LETTERS);
		char *users = speak_undo_users(run, undo.lacks);
		char *text = brief
				? xasprintf("Rollback lacks %s", name)
				: xasprintf("Rollback lacks %s: passes over %s", name, users);
		free(users);
		free(name);
		return text;
	}
	if (undo.published < undo.all) {
		return xasprintf("Rollback has %zu of %zu undo values", undo.published,
				undo.all);
	}
	if (undo.oldest_ms == 0) {
		return xstrdup("Rollback ready");
	}
	char *age = words_age(speech->world->now_ms - undo.oldest_ms);
	char *count = words_count(undo.all, "undo value");
	char *text = brief ? xasprintf("Rollback ready, undo %s old", age)
					   : xasprintf("Rollback ready: %s, %s old", count, age);
	free(count);
	free(age);
	return text;
}

/* --- what runs, and whom it waits for --- */

char *speak_running(const struct run *run) {
	struct str out = { 0 };
	for (size_t i = 0; i < run->index.live_count; i++) {
		size_t step = run->index.live[i];
		if (step_running(&run->steps[step]) != NULL) {
			str_addf(&out, "%s%s", out.len > 0 ? ", " : "",
					run->plan->runbook->steps[step].number);
		}
	}
	return str_take(&out);
}

static char *who_waits(const struct speech *speech,
		const struct waiting *waiting, bool calls) {
	const char *const *users = (const char *const *)waiting->users;
	if (waiting->user_count > 0 && calls) {
		return words_calls(speech->world, users, waiting->user_count);
	}
	if (waiting->user_count > 0) {
		char *names = words_names(speech->world, users, waiting->user_count, 1);
		char *plain = words_prose(names);
		free(names);
		return plain;
	}
	struct str roles = { 0 };
	for (size_t i = 0; i < waiting->role_count; i++) {
		str_addf(&roles, "%s%s", i > 0 ? ", " : "", waiting->roles[i]);
	}
	return str_take(&roles);
}

/* What is waited for, in few letters: of a step its number and what became of
 * it, or with @brief nothing, where a line above shows it. */
static char *short_what(const char *what, bool brief) {
	if (what[0] >= '0' && what[0] <= '9') {
		const char *gap = strchr(what, ' ');
		bool stopped = gap != NULL &&
				(strcmp(gap, " failed") == 0 ||
						strcmp(gap, " ended unknown") == 0);
		size_t len = gap != NULL && !stopped ? (size_t)(gap - what)
											 : strlen(what);
		return brief ? xstrdup("") : xstrndup(what, len);
	}
	const char *colon = strstr(what, ": `");
	if (utf8_count(what) > WHAT_LETTERS && colon != NULL) {
		return xstrndup(what, (size_t)(colon - what));
	}
	return words_short(what, WHAT_LETTERS);
}

char *speak_waiting(const struct speech *speech, bool calls, bool brief) {
	struct waitings waitings;
	struct str out = { 0 };
	bridge_waiting(speech->bridge, speech->world, &waitings);
	if (waitings.count == 0) {
		str_add(&out, "nobody");
	} else {
		const struct waiting *first = &waitings.list[0];
		char *who = who_waits(speech, first, calls);
		char *what = short_what(first->what, brief);
		char *prose = words_prose(what);
		bool both = *who != '\0' && *prose != '\0';
		str_addf(&out, "%s%s%s", who, both ? ": " : "", prose);
		if (waitings.count > 1) {
			str_addf(&out, " · %zu more", waitings.count - 1);
		}
		free(prose);
		free(what);
		free(who);
	}
	waitings_finish(&waitings);
	return str_take(&out);
}

char *speak_approvers(
		const struct speech *speech, uint32_t run, enum gate_purpose purpose) {
	const struct gate_state *gate = bridge_gate_for(
			speech->bridge, run, purpose);
	if (gate == NULL || gate->passed_ms == 0) {
		return xstrdup("");
	}
	return words_names(speech->world, (const char *const *)gate->filled,
			gate->filled_count, 6);
}

/* --- steps --- */

char *speak_first_step(const struct run *run, enum phase_kind kind) {
	for (size_t i = 0; i < run->step_count; i++) {
		if (speak_phase_of(run, i) == kind &&
				run->steps[i].outcome != OUTCOME_EXCLUDED) {
			const struct step *model = &run->plan->runbook->steps[i];
			char *title = words_short(model->title, 32);
			char *text = xasprintf("%s %s", model->number, title);
			free(title);
			return text;
		}
	}
	return xstrdup("");
}

/* "node2 " where the block runs on several hosts. */
static char *host_words(
		const struct run *run, size_t step, const struct attempt *attempt) {
	if (run_host_count(run, step, attempt->block) < 2) {
		return xstrdup("");
	}
	return xasprintf(
			"%s ", words_host(run, step, attempt->block, attempt->host));
}

char *speak_step_note(
		const struct speech *speech, const struct run *run, size_t step) {
	const struct step_state *state = &run->steps[step];
	const struct attempt *attempt = step_lost(state);
	if (attempt != NULL) {
		char *span = words_span(speech->world->now_ms - attempt->lost_ms);
		char *text = xasprintf("%s away %s",
				words_host(run, step, attempt->block, attempt->host), span);
		free(span);
		return text;
	}
	attempt = step_running(state);
	if (attempt != NULL) {
		int64_t gone = speech->world->now_ms - attempt->started_ms;
		int64_t most = attempt->until_ms - attempt->started_ms;
		char *host = host_words(run, step, attempt);
		char *text = xasprintf("%s%d of %d min", host, (int)(gone / 60000),
				(int)((most + 59999) / 60000));
		free(host);
		return text;
	}
	if (state->status == STEP_ASKED && run_step_fetches(run, step)) {
		return xstrdup("its file is being fetched");
	}
	if (state->status == STEP_ASKED && state->claimed != NULL) {
		return xstrdup(people_name(speech->world->people, state->claimed));
	}
	if (state->status == STEP_ASKED) {
		return xstrdup(run->plan->runbook->steps[step].kind == STEP_MANUAL
						? "by hand"
						: "needed?");
	}
	if (state->status == STEP_FAILED || state->status == STEP_UNKNOWN) {
		return xstrdup(state->status == STEP_FAILED ? "failed" : "unknown");
	}
	int64_t took_ms = step_took_ms(state);
	bool ran = state->attempt_count > 0 && state->outcome == OUTCOME_OK;
	return ran || took_ms > 0 ? words_span(took_ms) : xstrdup("");
}
