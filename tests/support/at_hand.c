#include "support/at_hand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "core/flow.h"

/* --- a look at everything --- */

static enum phase_kind kind_of(const struct run *run, size_t step) {
	const struct runbook *runbook = run->plan->runbook;
	return runbook->phases[runbook->steps[step].phase].kind;
}

static size_t running_of(const struct step_state *step) {
	size_t count = 0;
	for (size_t i = 0; i < step->attempt_count; i++) {
		count += step->attempts[i].ended_ms == 0;
	}
	return count;
}

static bool is_live(const struct step_state *step) {
	return running_of(step) > 0 ||
			(step->status != STEP_PENDING && step->status != STEP_ENDED);
}

static bool live_is_true(const struct run *run) {
	size_t live = 0;
	for (size_t i = 0; i < run->step_count; i++) {
		if (run->steps[i].running_count != running_of(&run->steps[i])) {
			return false;
		}
		if (is_live(&run->steps[i]) &&
				(live >= run->index.live_count ||
						run->index.live[live++] != i)) {
			return false;
		}
	}
	return live == run->index.live_count;
}

static bool left_is_true(const struct run *run) {
	size_t left[PHASE_KIND_COUNT];
	for (size_t i = 0; i < PHASE_KIND_COUNT; i++) {
		left[i] = run->step_count;
	}
	for (size_t i = run->step_count; i > 0; i--) {
		if (run->steps[i - 1].status != STEP_ENDED) {
			left[kind_of(run, i - 1)] = i - 1;
		}
	}
	return memcmp(left, run->index.first_left, sizeof(left)) == 0;
}

static bool tally_is_true(const struct run *run, size_t first, size_t count) {
	struct step_tally told = run_tally(run, first, count);
	struct step_tally seen = { 0 };
	for (size_t i = first; i < first + count && i < run->step_count; i++) {
		const struct step_state *step = &run->steps[i];
		if (step->outcome == OUTCOME_EXCLUDED) {
			continue;
		}
		bool begun = step->begun_ms > 0;
		seen.all++;
		seen.done += step->status == STEP_ENDED;
		seen.red += step->status == STEP_FAILED || step->status == STEP_UNKNOWN;
		seen.waits += step->status == STEP_ASKED;
		seen.begun += step->status != STEP_PENDING;
		if (begun && (seen.from_ms == 0 || step->begun_ms < seen.from_ms)) {
			seen.from_ms = step->begun_ms;
		}
		seen.to_ms = step->ended_ms > seen.to_ms ? step->ended_ms : seen.to_ms;
	}
	return memcmp(&told, &seen, sizeof(told)) == 0;
}

static bool tallies_are_true(const struct run *run) {
	const struct runbook *runbook = run->plan->runbook;
	bool all = tally_is_true(run, 0, run->step_count);
	for (size_t i = 0; i < runbook->phase_count && all; i++) {
		all = tally_is_true(run, runbook->phases[i].first_step,
				runbook->phases[i].step_count);
	}
	return all;
}

static bool rollback_needs(const struct run *run, const char *name) {
	for (size_t i = 0; i < run->step_count; i++) {
		if (kind_of(run, i) == PHASE_ROLLBACK &&
				run->steps[i].outcome != OUTCOME_EXCLUDED &&
				flow_mentions(&run->plan->runbook->steps[i], name)) {
			return true;
		}
	}
	return false;
}

/* Takes the next value off @at, where it is one of the step's. */
static bool undo_names(const struct run *run, size_t step, char *const *names,
		size_t count, size_t *at) {
	for (size_t i = 0; i < count; i++) {
		if (!rollback_needs(run, names[i])) {
			continue;
		}
		if (*at >= run->index.undo_count || run->index.undo[*at].step != step ||
				strcmp(run->index.undo[*at].name, names[i]) != 0 ||
				run->index.undo[*at].published !=
						(run_value(run, names[i]) != NULL)) {
			return false;
		}
		++*at;
	}
	return true;
}

static bool undo_is_true(const struct run *run) {
	size_t at = 0;
	bool same = true;
	for (size_t i = 0; i < run->step_count && same; i++) {
		const struct step *model = &run->plan->runbook->steps[i];
		if (kind_of(run, i) == PHASE_ROLLBACK ||
				run->steps[i].outcome == OUTCOME_EXCLUDED) {
			continue;
		}
		same = undo_names(run, i, model->sets, model->set_count, &at);
		for (size_t j = 0; j < model->block_count && same; j++) {
			same = undo_names(run, i, model->blocks[j].sets,
					model->blocks[j].set_count, &at);
		}
	}
	return same && at == run->index.undo_count;
}

static bool gate_lives(
		const struct bridge *bridge, const struct gate_state *gate) {
	const struct run *run = bridge_run(bridge, gate->run);
	return gate->status == GATE_OPEN || gate->status == GATE_PASSED ||
			(gate->status == GATE_USED &&
					(!gate->begun ||
							(run != NULL && run->status != RUN_CLOSED)));
}

static bool gates_are_true(const struct bridge *bridge) {
	size_t live = 0;
	for (size_t i = 0; i < bridge->gate_count; i++) {
		if (gate_lives(bridge, &bridge->gates[i]) &&
				(live >= bridge->live_gate_count ||
						bridge->live_gates[live++] != i)) {
			return false;
		}
	}
	return live == bridge->live_gate_count;
}

static bool newest_is_true(const struct bridge *bridge, uint32_t run) {
	for (size_t i = 0; i < PURPOSE_COUNT; i++) {
		enum gate_purpose purpose = (enum gate_purpose)i;
		const struct gate_state *newest = NULL;
		for (size_t j = 0; j < bridge->gate_count; j++) {
			const struct gate_state *gate = &bridge->gates[j];
			if (gate->run == run && gate->purpose == purpose) {
				newest = gate;
			}
		}
		if (bridge_gate_for(bridge, run, purpose) != newest) {
			return false;
		}
	}
	return true;
}

static bool first_gate_is_true(
		const struct bridge *bridge, const struct run *run) {
	for (size_t i = 0; i < run->first_gate; i++) {
		if (bridge->gates[i].run == run->number) {
			return false;
		}
	}
	return true;
}

static bool first_open_is_true(const struct bridge *bridge) {
	for (size_t i = 0; i < bridge->run_count; i++) {
		const struct run *run = &bridge->runs[i];
		bool over = run->status == RUN_CLOSED;
		for (size_t j = 0; j < run->step_count; j++) {
			over = over && running_of(&run->steps[j]) == 0;
		}
		if (!over) {
			return bridge->first_open_run == i;
		}
	}
	return bridge->first_open_run == bridge->run_count;
}

const char *at_hand_differs(const struct bridge *bridge) {
	for (size_t i = 0; i < bridge->run_count; i++) {
		const struct run *run = &bridge->runs[i];
		const char *what = !live_is_true(run) ? "steps that go on"
				: !left_is_true(run)          ? "first steps left"
				: !tallies_are_true(run)      ? "tallies"
				: !undo_is_true(run)          ? "undo values"
				: !newest_is_true(bridge, run->number) ||
						!first_gate_is_true(bridge, run)
				? "gates of a run"
				: NULL;
		if (what != NULL) {
			return what;
		}
	}
	return !gates_are_true(bridge)        ? "gates that live"
			: !newest_is_true(bridge, 0)  ? "gates of the plan"
			: !first_open_is_true(bridge) ? "the first open run"
										  : NULL;
}

/* --- all questions --- */

static void tell_decision(struct str *out, const struct bridge *bridge,
		const struct world *world, enum request_type type) {
	const struct request request = { .type = type, .fresh = true };
	struct decision decision;
	decision_init(&decision);
	decide(bridge, world, &request, &decision);
	for (size_t i = 0; i < decision.count; i++) {
		const struct event *event = &decision.events[i];
		str_addf(out, "%s run %u gate %u step %u %s until %lld %s\n",
				event_spec(event->type)->name, event->run, event->gate,
				event->step, outcome_name(event->outcome),
				(long long)event->until_ms,
				event->text != NULL ? event->text : "");
	}
	decision_finish(&decision);
}

static void tell_next(struct str *out, const struct bridge *bridge,
		const struct world *world) {
	struct effects effects;
	bridge_next(bridge, world, &effects);
	for (size_t i = 0; i < effects.count; i++) {
		const struct effect *effect = &effects.list[i];
		str_addf(out, "do %d run %u gate %u step %u.%u@%u#%u\n", effect->type,
				effect->run, effect->gate, effect->step, effect->block,
				effect->host, effect->attempt);
	}
	effects_finish(&effects);
	str_addf(out, "until %lld\n", (long long)bridge_deadline(bridge, world));
}

static void tell_taps(struct str *out, const struct bridge *bridge) {
	size_t count = 0;
	const char **posts = bridge_tap_posts(bridge, &count);
	for (size_t i = 0; i < count; i++) {
		str_addf(out, "taps on %s\n", posts[i]);
	}
	free(posts);
}

static void tell_waitings(struct str *out, const struct bridge *bridge,
		const struct world *world) {
	struct waitings waitings;
	bridge_waiting(bridge, world, &waitings);
	for (size_t i = 0; i < waitings.count; i++) {
		const struct waiting *waiting = &waitings.list[i];
		str_addf(out, "waits for %s:", waiting->what);
		for (size_t j = 0; j < waiting->user_count; j++) {
			str_addf(out, " %s", waiting->users[j]);
		}
		str_addf(out, "\n");
	}
	waitings_finish(&waitings);
}

static unsigned number_of(const struct run *run) {
	return run != NULL ? run->number : 0;
}

static void tell_runs(struct str *out, const struct bridge *bridge) {
	str_addf(out, "executing %u, current %u, holdable %u\n",
			number_of(bridge_executing(bridge)),
			number_of(bridge_current(bridge)),
			number_of(bridge_holdable(bridge)));
	for (size_t i = 0; i < bridge->run_count; i++) {
		const struct run *run = &bridge->runs[i];
		str_addf(out, "%u:%s%s%s%s", run->number,
				run_stands_still(bridge, run) ? " still" : "",
				run_has_running(run) ? " runs" : "",
				run_has_forward_running(run) ? " forward" : "",
				flow_is_green(run) ? " green" : "");
		for (size_t j = 0; j < PHASE_KIND_COUNT; j++) {
			str_addf(out, " %d", flow_is_over(run, (enum phase_kind)j));
		}
		for (size_t j = 0; j < run->step_count; j++) {
			const struct gate_state *gate = flow_gate_state(bridge, run, j);
			const struct attempt *runs = step_running(&run->steps[j]);
			str_addf(out, " %u/%u", gate != NULL ? gate->id : 0,
					runs != NULL ? runs->number : 0);
		}
		str_addf(out, "\n");
	}
}

static void tell_may(struct str *out, const struct bridge *bridge,
		const struct world *world) {
	static const char *const users[] = { "lead", "rep" };
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		str_addf(out, "%s may", users[i]);
		for (int type = REQUEST_HELP; type < REQUEST_MISSED; type++) {
			str_addf(out, " %d",
					bridge_may(
							bridge, world, users[i], (enum request_type)type));
		}
		str_addf(out, "\n");
	}
}

static char *answers(const struct bridge *bridge, const struct world *world) {
	struct str out = { 0 };
	tell_decision(&out, bridge, world, REQUEST_TICK);
	tell_next(&out, bridge, world);
	tell_taps(&out, bridge);
	tell_waitings(&out, bridge, world);
	tell_runs(&out, bridge);
	tell_may(&out, bridge, world);
	return str_take(&out);
}

/* --- everything at hand --- */

static size_t *count_up(size_t count) {
	size_t *list = xcalloc(count + 1, sizeof(*list));
	for (size_t i = 0; i < count; i++) {
		list[i] = i;
	}
	return list;
}

/* Swaps what is kept of @run for all of it; the second time, back. */
static void swap_run(struct run *run, struct run *kept, bool back) {
	if (back) {
		free(run->index.live);
		run->index = kept->index;
		run->first_gate = kept->first_gate;
		for (size_t i = 0; i < run->step_count; i++) {
			run->steps[i].running_count = running_of(&run->steps[i]);
		}
		return;
	}
	*kept = *run;
	run->index.live = count_up(run->step_count);
	run->index.live_count = run->step_count;
	memset(run->index.first_left, 0, sizeof(run->index.first_left));
	run->first_gate = 0;
	for (size_t i = 0; i < run->step_count; i++) {
		run->steps[i].running_count = run->steps[i].attempt_count;
	}
}

static char *plain_answers(struct bridge *bridge, const struct world *world) {
	struct bridge kept = *bridge;
	struct run *kept_runs = xcalloc(bridge->run_count + 1, sizeof(*kept_runs));
	bridge->live_gates = count_up(bridge->gate_count);
	bridge->live_gate_count = bridge->gate_count;
	bridge->first_open_run = 0;
	for (size_t i = 0; i < bridge->run_count; i++) {
		swap_run(&bridge->runs[i], &kept_runs[i], false);
	}
	char *text = answers(bridge, world);
	for (size_t i = 0; i < bridge->run_count; i++) {
		swap_run(&bridge->runs[i], &kept_runs[i], true);
	}
	free(kept_runs);
	free(bridge->live_gates);
	bridge->live_gates = kept.live_gates;
	bridge->live_gate_count = kept.live_gate_count;
	bridge->first_open_run = kept.first_open_run;
	return text;
}

bool at_hand_answers(struct bridge *bridge, const struct world *world) {
	char *at_hand = answers(bridge, world);
	char *plain = plain_answers(bridge, world);
	bool same = strcmp(at_hand, plain) == 0;
	if (!same) {
		printf("# at hand:\n%s# plain:\n%s", at_hand, plain);
	}
	free(plain);
	free(at_hand);
	return same;
}
