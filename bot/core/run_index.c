#include "core/run_index.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "core/bridge.h"
#include "core/flow.h"

/* A change counts so many steps again, a question adds up so many fewer. */
#define TALLY_STEPS 32

static enum phase_kind kind_of(const struct run *run, size_t step) {
	const struct runbook *runbook = run->plan->runbook;
	return runbook->phases[runbook->steps[step].phase].kind;
}

static bool is_left(const struct run *run, size_t step) {
	return run->steps[step].status != STEP_ENDED;
}

/* --- tallies --- */

static void tally_add(struct step_tally *sum, const struct step_tally *part) {
	sum->all += part->all;
	sum->done += part->done;
	sum->red += part->red;
	sum->waits += part->waits;
	sum->begun += part->begun;
	if (part->from_ms > 0 &&
			(sum->from_ms == 0 || part->from_ms < sum->from_ms)) {
		sum->from_ms = part->from_ms;
	}
	if (part->to_ms > sum->to_ms) {
		sum->to_ms = part->to_ms;
	}
}

static struct step_tally count(
		const struct run *run, size_t first, size_t end) {
	struct step_tally tally = { 0 };
	for (size_t i = first; i < end; i++) {
		const struct step_state *step = &run->steps[i];
		if (step->outcome == OUTCOME_EXCLUDED) {
			continue;
		}
		const struct step_tally one = {
			.all = 1,
			.done = step->status == STEP_ENDED,
			.red = step->status == STEP_FAILED || step->status == STEP_UNKNOWN,
			.waits = step->status == STEP_ASKED,
			.begun = step->status != STEP_PENDING,
			.from_ms = step->begun_ms,
			.to_ms = step->ended_ms,
		};
		tally_add(&tally, &one);
	}
	return tally;
}

static void count_again(struct run *run, size_t part) {
	size_t first = part * TALLY_STEPS;
	size_t end = first + TALLY_STEPS;
	run->index.tallies[part] = count(
			run, first, end < run->step_count ? end : run->step_count);
}

struct step_tally run_tally(const struct run *run, size_t first, size_t steps) {
	struct step_tally tally = { 0 };
	size_t end = first + steps < run->step_count ? first + steps
												 : run->step_count;
	while (first < end) {
		size_t next = (first / TALLY_STEPS + 1) * TALLY_STEPS;
		bool whole = first % TALLY_STEPS == 0 && next <= end;
		next = next < end ? next : end;
		const struct step_tally part = whole
				? run->index.tallies[first / TALLY_STEPS]
				: count(run, first, next);
		tally_add(&tally, &part);
		first = next;
	}
	return tally;
}

/* --- what goes on --- */

static void update_live(struct run *run, size_t step) {
	struct run_index *index = &run->index;
	enum step_status status = run->steps[step].status;
	bool live = (status != STEP_PENDING && status != STEP_ENDED) ||
			step_running(&run->steps[step]) != NULL;
	size_t at = 0;
	while (at < index->live_count && index->live[at] < step) {
		at++;
	}
	bool was = at < index->live_count && index->live[at] == step;
	size_t behind = index->live_count - at;
	if (live && !was) {
		index->live = xreallocarray(
				index->live, index->live_count + 1, sizeof(index->live[0]));
		memmove(&index->live[at + 1], &index->live[at],
				behind * sizeof(index->live[0]));
		index->live[at] = step;
		index->live_count++;
	} else if (!live && was) {
		memmove(&index->live[at], &index->live[at + 1],
				(behind - 1) * sizeof(index->live[0]));
		index->live_count--;
	}
}

static void update_left(struct run *run, size_t step) {
	enum phase_kind kind = kind_of(run, step);
	size_t *left = &run->index.first_left[kind];
	if (is_left(run, step) && step < *left) {
		*left = step;
	}
	while (*left < run->step_count &&
			(kind_of(run, *left) != kind || !is_left(run, *left))) {
		++*left;
	}
}

/* --- undo --- */

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

static void add_undo(
		struct run *run, size_t step, char *const *names, size_t name_count) {
	struct run_index *index = &run->index;
	for (size_t i = 0; i < name_count; i++) {
		if (rollback_needs(run, names[i])) {
			index->undo = xreallocarray(
					index->undo, index->undo_count + 1, sizeof(index->undo[0]));
			index->undo[index->undo_count++] = (struct undo_value){
				.step = step,
				.name = names[i],
			};
		}
	}
}

static void find_undo(struct run *run) {
	for (size_t i = 0; i < run->step_count; i++) {
		const struct step *model = &run->plan->runbook->steps[i];
		if (run->steps[i].outcome == OUTCOME_EXCLUDED ||
				kind_of(run, i) == PHASE_ROLLBACK) {
			continue;
		}
		add_undo(run, i, model->sets, model->set_count);
		for (size_t j = 0; j < model->block_count; j++) {
			add_undo(run, i, model->blocks[j].sets, model->blocks[j].set_count);
		}
	}
}

/* --- the surface --- */

void run_index_init(struct run *run) {
	size_t parts = (run->step_count + TALLY_STEPS - 1) / TALLY_STEPS;
	run->index = (struct run_index){
		.tallies = xcalloc(parts, sizeof(struct step_tally)),
	};
	for (size_t i = 0; i < PHASE_KIND_COUNT; i++) {
		run->index.first_left[i] = run->step_count;
	}
	for (size_t i = run->step_count; i > 0; i--) {
		if (is_left(run, i - 1)) {
			run->index.first_left[kind_of(run, i - 1)] = i - 1;
		}
	}
	for (size_t i = 0; i < parts; i++) {
		count_again(run, i);
	}
	find_undo(run);
}

void run_index_finish(struct run *run) {
	free(run->index.live);
	free(run->index.tallies);
	free(run->index.undo);
	run->index = (struct run_index){ 0 };
}

void run_index_update(struct run *run, size_t step) {
	update_live(run, step);
	update_left(run, step);
	count_again(run, step / TALLY_STEPS);
}

void run_index_publish(struct run *run, const char *name) {
	for (size_t i = 0; i < run->index.undo_count; i++) {
		struct undo_value *value = &run->index.undo[i];
		value->published = value->published || strcmp(value->name, name) == 0;
	}
}
