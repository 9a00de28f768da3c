#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "render/speak.h"
#include "render/words.h"

/*
 * Polls: go or no-go.  They change nothing, so only a no-go is news.
 */

#define NAMES_MAX 12

/* The roles that a poll asks, each as a set of one. */
struct asked {
	const struct runbook *runbook;
	size_t roles[64];
	size_t count;
};

static void add_roles(struct asked *asked, const struct role_set *roles) {
	for (size_t i = 0; i < roles->count; i++) {
		bool known = asked->count == sizeof(asked->roles) / sizeof(size_t);
		for (size_t j = 0; j < asked->count && !known; j++) {
			known = asked->roles[j] == roles->roles[i];
		}
		if (!known) {
			asked->roles[asked->count++] = roles->roles[i];
		}
	}
}

static struct asked asked_by(
		const struct speech *speech, const struct poll_state *poll) {
	struct asked asked = { 0 };
	const struct plan_record *plan = bridge_plan(speech->bridge);
	if (plan == NULL) {
		return asked;
	}
	asked.runbook = plan->runbook;
	size_t group = runbook_group(plan->runbook, poll->group);
	size_t gate = runbook_gate(plan->runbook, poll->group);
	if (group != RUNBOOK_NONE) {
		add_roles(&asked, &plan->runbook->groups[group].members);
	} else if (gate != RUNBOOK_NONE) {
		for (size_t i = 0; i < plan->runbook->gates[gate].slot_count; i++) {
			add_roles(&asked, &plan->runbook->gates[gate].slots[i].roles);
		}
	}
	return asked;
}

struct votes {
	const char *go[NAMES_MAX];
	size_t go_count;
	const char *no[NAMES_MAX];
	size_t no_count;
};

static struct votes count_votes(const struct poll_state *poll) {
	struct votes votes = { 0 };
	for (size_t i = 0; i < poll->vote_count; i++) {
		const struct vote *vote = &poll->votes[i];
		if (vote->outcome == OUTCOME_YES && votes.go_count < NAMES_MAX) {
			votes.go[votes.go_count++] = vote->user;
		} else if (vote->outcome == OUTCOME_NO && votes.no_count < NAMES_MAX) {
			votes.no[votes.no_count++] = vote->user;
		}
	}
	return votes;
}

/* Roles of which nobody has voted. */
static char *silent_roles(const struct speech *speech,
		const struct poll_state *poll, size_t *count) {
	struct asked asked = asked_by(speech, poll);
	struct str out = { 0 };
	*count = 0;
	for (size_t i = 0; i < asked.count; i++) {
		const char *role = asked.runbook->roles[asked.roles[i]].name;
		bool voted = false;
		for (size_t j = 0; j < poll->vote_count; j++) {
			voted = voted ||
					(poll->votes[j].outcome != OUTCOME_NONE &&
							world_holds(speech->world, poll->votes[j].user,
									role) > 0);
		}
		if (!voted) {
			str_addf(&out, "%s%s", out.len > 0 ? ", " : "", role);
			(*count)++;
		}
	}
	return str_take(&out);
}

char *speak_poll_tally(
		const struct speech *speech, const struct poll_state *poll) {
	struct votes votes = count_votes(poll);
	size_t silent = 0;
	free(silent_roles(speech, poll, &silent));
	return xasprintf("%zu go, %zu no-go, %zu silent", votes.go_count,
			votes.no_count, silent);
}

static void say_opened(
		const struct speech *speech, const struct poll_state *poll) {
	cJSON *context = speak_context(speech, NULL);
	struct asked asked = asked_by(speech, poll);
	speak_take(context, "group", words_short(poll->group, 24));
	speak_put(context, "asker",
			poll->asker != NULL
					? people_name(speech->world->people, poll->asker)
					: "the timeline");
	cJSON *list = speak_put_list(context, "slots");
	for (size_t i = 0; i < asked.count; i++) {
		struct role_set one = { .roles = &asked.roles[i], .count = 1 };
		cJSON *line = speak_add(list);
		speak_put(line, "role", asked.runbook->roles[asked.roles[i]].name);
		speak_take_raw(line, "who",
				words_call_roles(speech->world, asked.runbook, &one));
	}
	char *key = message_poll_key(poll);
	speak_post(speech, xstrdup(key), NULL, "poll", context);
	speak_seed(speech, key);
	free(key);
}

static void say_voted(
		const struct speech *speech, const struct poll_state *poll) {
	if (speech->event->outcome != OUTCOME_NO) {
		return;
	}
	cJSON *context = speak_context(speech, NULL);
	speak_put(context, "group", poll->group);
	speak_take_raw(context, "who",
			words_calls(speech->world, &speech->event->user, 1));
	speak_take(context, "tally", speak_poll_tally(speech, poll));
	speak_post(speech,
			speak_key(speech, NULL, "poll/%u/no/%llu", poll->id,
					(unsigned long long)speech->bridge->event_count),
			NULL, "poll_no", context);
}

static void say_closed(
		const struct speech *speech, const struct poll_state *poll) {
	cJSON *context = speak_context(speech, NULL);
	struct votes votes = count_votes(poll);
	size_t silent = 0;
	speak_take(context, "group", words_short(poll->group, 24));
	speak_take(context, "tally", speak_poll_tally(speech, poll));
	speak_take_list(context, "go",
			words_names(speech->world, votes.go, votes.go_count, NAMES_MAX));
	speak_take_list(context, "no",
			words_names(speech->world, votes.no, votes.no_count, NAMES_MAX));
	speak_take_list(context, "silent", silent_roles(speech, poll, &silent));
	char *key = message_poll_key(poll);
	speak_edit(speech, key, "poll_closed", context);
	free(key);
}

void speak_of_poll(const struct speech *speech) {
	const struct poll_state *poll = bridge_poll(
			speech->bridge, speech->event->gate);
	if (poll == NULL) {
		return;
	}
	if (speech->event->type == EVENT_POLL_OPENED) {
		say_opened(speech, poll);
	} else if (speech->event->type == EVENT_POLL_VOTED) {
		say_voted(speech, poll);
	} else if (speech->event->type == EVENT_POLL_CLOSED) {
		say_closed(speech, poll);
	}
}
