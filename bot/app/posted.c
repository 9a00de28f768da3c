#include "app/posted.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/voice.h"
#include "app/wording.h"
#include "base/xalloc.h"
#include "journal/journal.h"

#define INPUT_ROOM 300
#define POST_ROOM  64

static bool was_asked(const struct posted *posted, const char *key) {
	for (size_t i = 0; i < posted->count; i++) {
		if (strcmp(posted->keys[i], key) == 0) {
			return true;
		}
	}
	return false;
}

static void note(struct posted *posted, const char *key) {
	posted->keys = xreallocarray(
			posted->keys, posted->count + 1, sizeof(posted->keys[0]));
	posted->keys[posted->count] = xstrdup(key);
	posted->count++;
}

/* Ask for @request to be noted if its post, whose key this takes, is there, or
 * will never be. */
static void ask(struct posted *posted, const struct posted_options *options,
		struct request request, char *take_key) {
	struct journal *journal = options->journal;
	char post[POST_ROOM];
	char input[INPUT_ROOM];
	request.type = REQUEST_POSTED;
	if (was_asked(posted, take_key)) {
		free(take_key);
		return;
	}
	if (journal->api->post_of(journal, take_key, post, sizeof(post))) {
		snprintf(input, sizeof(input), "posted:%s", take_key);
		request.post = post;
		request.server_ms = wording_time(journal, take_key);
	} else if (journal->api->is_dead(journal, take_key)) {
		snprintf(input, sizeof(input), "unposted:%s", take_key);
		request.problem = "the server refused its post";
	} else {
		free(take_key);
		return;
	}
	note(posted, take_key);
	options->ask(options->data, &request, input);
	free(take_key);
}

/* Only manual steps are answered by a tap. */
static bool takes_taps(const struct run *run, size_t step) {
	return run->plan->runbook->steps[step].kind == STEP_MANUAL &&
			run->steps[step].asked_count > 0;
}

static void look_at_run(struct posted *posted,
		const struct posted_options *options, const struct run *run) {
	struct voice *voice = options->voice;
	for (size_t j = 0; j < run->index.live_count; j++) {
		uint32_t i = (uint32_t)run->index.live[j];
		const struct step_state *step = &run->steps[i];
		if (takes_taps(run, i) && step->status == STEP_ASKED &&
				step->post == NULL) {
			ask(posted, options,
					(struct request){ .run = run->number, .step_index = i },
					voice->api->step_key(voice, run, i));
		}
	}
}

void posted_look(struct posted *posted, const struct posted_options *options,
		const struct bridge *bridge) {
	struct voice *voice = options->voice;
	for (size_t i = 0; i < bridge->live_gate_count; i++) {
		const struct gate_state *gate = &bridge->gates[bridge->live_gates[i]];
		/* One that was filled by words may pass before its post is there. */
		bool waits = gate->status == GATE_OPEN || gate->status == GATE_PASSED;
		if (waits && gate->post == NULL) {
			ask(posted, options, (struct request){ .gate = gate->id },
					voice->api->gate_key(voice, gate));
		}
	}
	for (size_t i = 0; i < bridge->poll_count; i++) {
		const struct poll_state *poll = &bridge->polls[i];
		if (poll->open && poll->post == NULL) {
			ask(posted, options, (struct request){ .gate = poll->id },
					voice->api->poll_key(voice, poll));
		}
	}
	for (size_t i = bridge->first_open_run; i < bridge->run_count; i++) {
		if (bridge->runs[i].status != RUN_CLOSED) {
			look_at_run(posted, options, &bridge->runs[i]);
		}
	}
}

void posted_finish(struct posted *posted) {
	for (size_t i = 0; i < posted->count; i++) {
		free(posted->keys[i]);
	}
	free(posted->keys);
	*posted = (struct posted){ 0 };
}

static bool is_key(const char *key, char *take_other) {
	bool same = strcmp(key, take_other) == 0;
	free(take_other);
	return same;
}

bool posted_takes_taps(
		struct voice *voice, const struct bridge *bridge, const char *key) {
	for (size_t i = 0; i < bridge->gate_count; i++) {
		if (is_key(key, voice->api->gate_key(voice, &bridge->gates[i]))) {
			return true;
		}
	}
	for (size_t i = 0; i < bridge->poll_count; i++) {
		if (is_key(key, voice->api->poll_key(voice, &bridge->polls[i]))) {
			return true;
		}
	}
	for (size_t i = 0; i < bridge->run_count; i++) {
		const struct run *run = &bridge->runs[i];
		for (uint32_t j = 0; j < run->step_count; j++) {
			if (takes_taps(run, j) &&
					is_key(key, voice->api->step_key(voice, run, j))) {
				return true;
			}
		}
	}
	return false;
}
