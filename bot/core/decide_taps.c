#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "core/deciding.h"
#include "core/flow.h"
#include "core/gate.h"

#define ANEW_MS 10000 // between two posts that ask for one step

/*
 * Taps: what is on a watched post, read afresh, against what the journal knows.
 * The difference is what has happened; so a read that is told twice changes
 * nothing the second time.
 */

/* What one person has tapped; a ❌ beside a ✅ counts, the ✅ does not. */
struct hand {
	const char *user;
	const struct request_tap *yes;
	const struct request_tap *no;
};

struct hands {
	struct hand *list;
	size_t count;
};

static struct hand *hand_of(struct hands *hands, const char *user) {
	for (size_t i = 0; i < hands->count; i++) {
		if (strcmp(hands->list[i].user, user) == 0) {
			return &hands->list[i];
		}
	}
	return NULL;
}

static struct hands read_hands(const struct deciding *d) {
	const struct request *request = d->request;
	struct hands hands = {
		.list = xcalloc(request->tap_count, sizeof(struct hand)),
	};
	for (size_t i = 0; i < request->tap_count; i++) {
		const struct request_tap *tap = &request->taps[i];
		enum tap_meaning meaning = settings_tap(d->world->settings, tap->emoji);
		if (meaning == TAP_NOTHING) {
			continue;
		}
		struct hand *hand = hand_of(&hands, tap->user);
		if (hand == NULL) {
			hand = &hands.list[hands.count++];
			*hand = (struct hand){ .user = tap->user };
		}
		const struct request_tap **slot = meaning == TAP_YES ? &hand->yes
															 : &hand->no;
		if (*slot == NULL || (*slot)->server_ms < tap->server_ms) {
			*slot = tap;
		}
	}
	return hands;
}

static const struct approval *find(
		const struct approval *list, size_t count, const char *user) {
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i].user, user) == 0) {
			return &list[i];
		}
	}
	return NULL;
}

static bool listed(char *const *list, size_t count, const char *user) {
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], user) == 0) {
			return true;
		}
	}
	return false;
}

static struct event gate_event(const struct deciding *d, enum event_type type,
		const struct gate_state *gate, const char *user,
		const struct request_tap *tap) {
	struct event event = event_make(type, d->world->now_ms);
	event.gate = gate->id;
	event.run = gate->run;
	event.user = user;
	if (tap != NULL) {
		event.name = tap->emoji;
		event.server_ms = tap->server_ms;
	}
	return event;
}

static const char *slots_text(
		struct deciding *d, const struct gate_state *gate) {
	const struct gate *model = gate_state_model(d->bridge, gate);
	return model != NULL ? model->approvers : "";
}

static void refuse_tap(struct deciding *d, const struct gate_state *gate,
		const struct hand *hand, enum gate_standing standing) {
	if (listed(gate->refused_taps, gate->refused_tap_count, hand->user)) {
		return;
	}
	const struct request_tap *tap = hand->yes != NULL ? hand->yes : hand->no;
	struct event event = gate_event(
			d, EVENT_GATE_TAP_REFUSED, gate, hand->user, tap);
	if (standing == STANDING_ASKER) {
		event.text = "you asked for it: somebody else must approve";
	} else if (standing == STANDING_NOBODY) {
		event.text = "only active people of this channel count";
	} else {
		event.text = decision_print(
				d->decision, "it takes %s", slots_text(d, gate));
	}
	deciding_add(d, event);
}

/* A tap made after the gate's time, by the server's clock alone. */
static bool too_late(
		const struct gate_state *gate, const struct request_tap *tap) {
	return gate->posted_server_ms > 0 &&
			tap->server_ms >
			gate->posted_server_ms + (gate->until_ms - gate->opened_ms);
}

static void tap_yes(struct deciding *d, const struct gate_state *gate,
		const struct hand *hand) {
	if (find(gate->approvals, gate->approval_count, hand->user) != NULL ||
			gate->status != GATE_OPEN || too_late(gate, hand->yes)) {
		return;
	}
	enum gate_standing standing = gate_standing(
			d->bridge, d->world, gate, hand->user);
	if (standing == STANDING_COUNTS || standing == STANDING_LATER) {
		deciding_add(d,
				gate_event(
						d, EVENT_GATE_APPROVED, gate, hand->user, hand->yes));
	} else {
		refuse_tap(d, gate, hand, standing);
	}
}

/* The run that goes on under @gate; a plan's lets whichever executes. */
static const struct run *run_under(
		const struct bridge *bridge, const struct gate_state *gate) {
	if (gate->purpose != PURPOSE_PLAN) {
		return bridge_run(bridge, gate->run);
	}
	const struct run *run = bridge_executing(bridge);
	return run != NULL && flow_plan_gate(bridge, run) == gate ? run : NULL;
}

/* After the first command ❌ means hold. */
static void object_to_used(struct deciding *d, const struct gate_state *gate,
		const struct hand *hand) {
	const struct run *run = run_under(d->bridge, gate);
	if (run == NULL || !run_is_executing(run) || deciding_is_held(d, run)) {
		return;
	}
	if (run->status == RUN_ROLLING_BACK &&
			!deciding_leads(d, run->plan->runbook, hand->user)) {
		return;
	}
	struct event event = event_make(EVENT_RUN_HELD, d->world->now_ms);
	event.run = run->number;
	event.user = hand->user;
	event.text = decision_print(d->decision, "❌ on the approval of %s",
			gate_state_model(d->bridge, gate)->name);
	deciding_add(d, event);
}

/* While a gate is open only those say no who fill a place or could; once its
 * work has begun ❌ only holds, and anybody who holds one of its roles may. */
static bool may_say_no(const struct deciding *d, const struct gate_state *gate,
		const char *user) {
	if (!gate->begun) {
		return gate_may_object(d->bridge, d->world, gate, user);
	}
	enum gate_standing standing = gate_standing(
			d->bridge, d->world, gate, user);
	return standing != STANDING_NOBODY && standing != STANDING_NO_ROLE;
}

static void tap_no(struct deciding *d, const struct gate_state *gate,
		const struct hand *hand) {
	if (find(gate->objections, gate->objection_count, hand->user) != NULL) {
		return;
	}
	if (!may_say_no(d, gate, hand->user)) {
		if (gate->status == GATE_OPEN) {
			refuse_tap(d, gate, hand,
					gate_standing(d->bridge, d->world, gate, hand->user));
		}
		return;
	}
	deciding_add(
			d, gate_event(d, EVENT_GATE_OBJECTED, gate, hand->user, hand->no));
	if (gate->begun) {
		object_to_used(d, gate, hand);
	}
}

/* A ✅ beside a ❌ counts again once that is gone: an open gate hears it anew
 * then.  What has passed hears nothing new, so there it stands all the while,
 * if the ❌ does keep the gate shut. */
static bool stands_beside_no(const struct deciding *d,
		const struct gate_state *gate, const char *user) {
	return gate->status != GATE_OPEN &&
			(find(gate->objections, gate->objection_count, user) != NULL ||
					may_say_no(d, gate, user));
}

static void tap_gone(struct deciding *d, const struct gate_state *gate,
		struct hands *hands) {
	for (size_t i = 0; i < gate->approval_count; i++) {
		const struct approval *approval = &gate->approvals[i];
		const struct hand *hand = hand_of(hands, approval->user);
		bool no = hand != NULL && hand->no != NULL;
		bool yes = hand != NULL && hand->yes != NULL &&
				(!no || stands_beside_no(d, gate, approval->user));
		bool stands = approval->emoji == NULL ? !no : yes;
		if (!stands && !gate->begun) {
			deciding_add(d,
					gate_event(d, EVENT_GATE_WITHDRAWN, gate, approval->user,
							NULL));
		}
	}
	for (size_t i = 0; i < gate->objection_count; i++) {
		const char *user = gate->objections[i].user;
		const struct hand *hand = hand_of(hands, user);
		if (hand == NULL || hand->no == NULL) {
			deciding_add(d,
					gate_event(
							d, EVENT_GATE_OBJECTION_LIFTED, gate, user, NULL));
		}
	}
}

/* A fresh read that agrees with the journal lets what is due happen. */
static void settle_gate(struct deciding *d, const struct gate_state *gate) {
	if (gate->status != GATE_OPEN && gate->status != GATE_PASSED) {
		return;
	}
	if (d->world->now_ms >=
			gate_objection_due_ms(d->bridge, gate, d->world->now_ms)) {
		deciding_close_gate(
				d, gate, OUTCOME_REFUSED, gate->objections[0].user, NULL);
	} else if (gate->status == GATE_OPEN &&
			d->world->now_ms >= gate->until_ms) {
		if (gate_may_pass(d->bridge, gate) &&
				gate_is_full(d->bridge, d->world, gate)) {
			deciding_pass_gate(d, gate);
		} else {
			deciding_close_gate(d, gate, OUTCOME_EXPIRED, NULL, NULL);
		}
	}
}

static void taps_on_gate(struct deciding *d, const struct gate_state *gate) {
	if (gate->status == GATE_CLOSED) {
		return;
	}
	struct hands hands = read_hands(d);
	tap_gone(d, gate, &hands);
	for (size_t i = 0; i < hands.count; i++) {
		const struct hand *hand = &hands.list[i];
		if (hand->no != NULL) {
			tap_no(d, gate, hand);
		} else {
			tap_yes(d, gate, hand);
		}
	}
	if (d->decision->count == 0 && d->request->fresh) {
		settle_gate(d, gate);
	}
	free(hands.list);
}

/* --- polls --- */

static bool may_vote(const struct deciding *d, const struct poll_state *poll,
		const char *user) {
	const struct plan_record *record = bridge_plan(d->bridge);
	const struct person *person = people_by_id(d->world->people, user);
	if (record == NULL || person == NULL || !person_counts(person)) {
		return false;
	}
	size_t group = runbook_group(record->runbook, poll->group);
	if (group != RUNBOOK_NONE) {
		return deciding_holds_any(d, record->runbook,
				&record->runbook->groups[group].members, user);
	}
	size_t gate = runbook_gate(record->runbook, poll->group);
	if (gate == RUNBOOK_NONE) {
		return false;
	}
	const struct gate *model = &record->runbook->gates[gate];
	for (size_t i = 0; i < model->slot_count; i++) {
		if (deciding_holds_any(
					d, record->runbook, &model->slots[i].roles, user)) {
			return true;
		}
	}
	return false;
}

static enum outcome vote_of(const struct poll_state *poll, const char *user) {
	for (size_t i = 0; i < poll->vote_count; i++) {
		if (strcmp(poll->votes[i].user, user) == 0) {
			return poll->votes[i].outcome;
		}
	}
	return OUTCOME_NONE;
}

static void vote(struct deciding *d, const struct poll_state *poll,
		const char *user, enum outcome outcome, int64_t server_ms) {
	if (vote_of(poll, user) == outcome) {
		return;
	}
	struct event event = event_make(EVENT_POLL_VOTED, d->world->now_ms);
	event.gate = poll->id;
	event.user = user;
	event.outcome = outcome;
	event.server_ms = server_ms;
	deciding_add(d, event);
}

static void taps_on_poll(struct deciding *d, const struct poll_state *poll) {
	if (!poll->open) {
		return;
	}
	struct hands hands = read_hands(d);
	for (size_t i = 0; i < hands.count; i++) {
		const struct hand *hand = &hands.list[i];
		if (may_vote(d, poll, hand->user)) {
			const struct request_tap *tap = hand->no != NULL ? hand->no
															 : hand->yes;
			vote(d, poll, hand->user,
					hand->no != NULL ? OUTCOME_NO : OUTCOME_YES,
					tap->server_ms);
		}
	}
	for (size_t i = 0; i < poll->vote_count; i++) {
		if (hand_of(&hands, poll->votes[i].user) == NULL) {
			vote(d, poll, poll->votes[i].user, OUTCOME_NONE, 0);
		}
	}
	free(hands.list);
}

/* --- manual steps --- */

static struct event step_tap_event(const struct deciding *d,
		enum event_type type, const struct run *run, size_t step,
		const struct hand *hand) {
	struct event event = event_make(type, d->world->now_ms);
	event.run = run->number;
	event.step = (uint32_t)step;
	event.user = hand->user;
	return event;
}

static void refuse_step_tap(struct deciding *d, const struct run *run,
		size_t index, const struct hand *hand, const char *text) {
	const struct step_state *step = &run->steps[index];
	if (listed(step->refused_taps, step->refused_tap_count, hand->user)) {
		return;
	}
	struct event event = step_tap_event(
			d, EVENT_STEP_TAP_REFUSED, run, index, hand);
	event.text = text;
	deciding_add(d, event);
}

/* Whether the tap settled the step.  That it failed the lead may say, too. */
static bool tap_step(struct deciding *d, const struct run *run, size_t index,
		const struct hand *hand) {
	const struct runbook *runbook = run->plan->runbook;
	size_t lead = 0;
	struct role_set owner = step_owner(runbook, index, &lead);
	bool leads = hand->no != NULL && deciding_leads(d, runbook, hand->user);
	if (!leads && !deciding_holds_any(d, runbook, &owner, hand->user)) {
		refuse_step_tap(d, run, index, hand,
				decision_print(d->decision, "it is for %s",
						deciding_who(d, runbook, &owner)));
		return false;
	}
	if (hand->no == NULL && runbook->steps[index].evidence) {
		refuse_step_tap(d, run, index, hand,
				decision_print(d->decision,
						"it needs evidence: `!done %s TEXT`, or attach a file",
						runbook->steps[index].number));
		return false;
	}
	struct event event = step_tap_event(d, EVENT_STEP_ENDED, run, index, hand);
	event.outcome = hand->no != NULL ? OUTCOME_FAILED : OUTCOME_OK;
	deciding_add(d, event);
	return true;
}

static void taps_on_step(
		struct deciding *d, const struct run *run, size_t index) {
	if (run->steps[index].status != STEP_ASKED || !flow_is_active(run, index) ||
			run->plan->runbook->steps[index].kind != STEP_MANUAL) {
		return;
	}
	struct hands hands = read_hands(d);
	bool settled = false;
	for (size_t i = 0; i < hands.count && !settled; i++) {
		settled = tap_step(d, run, index, &hands.list[i]);
	}
	free(hands.list);
}

static bool is_post(const char *post, const char *id) {
	return post != NULL && strcmp(post, id) == 0;
}

void decide_taps(struct deciding *d) {
	const char *post = d->request->post;
	for (size_t i = d->bridge->gate_count; i > 0; i--) {
		if (is_post(d->bridge->gates[i - 1].post, post)) {
			taps_on_gate(d, &d->bridge->gates[i - 1]);
			return;
		}
	}
	for (size_t i = d->bridge->poll_count; i > 0; i--) {
		if (is_post(d->bridge->polls[i - 1].post, post)) {
			taps_on_poll(d, &d->bridge->polls[i - 1]);
			return;
		}
	}
	for (size_t i = d->bridge->run_count; i > 0; i--) {
		const struct run *run = &d->bridge->runs[i - 1];
		for (size_t j = 0; j < run->step_count; j++) {
			if (is_post(run->steps[j].post, post)) {
				taps_on_step(d, run, j);
				return;
			}
		}
	}
}

/* --- the posts themselves --- */

/* What nobody can tap on is not waited for.  A step can be settled by words. */
static void decide_unposted(struct deciding *d) {
	const struct gate_state *gate = bridge_gate(d->bridge, d->request->gate);
	const struct poll_state *poll = bridge_poll(d->bridge, d->request->gate);
	if (gate != NULL && gate->post == NULL && gate->status == GATE_OPEN) {
		deciding_close_gate(d, gate, OUTCOME_VOID, NULL, d->request->problem);
	} else if (poll != NULL && poll->post == NULL && poll->open) {
		deciding_close_poll(d, poll);
	}
}

void decide_posted(struct deciding *d) {
	const struct request *request = d->request;
	if (request->problem != NULL) {
		decide_unposted(d);
		return;
	}
	const struct gate_state *gate = bridge_gate(d->bridge, request->gate);
	const struct run *run = bridge_run(d->bridge, request->run);
	struct event event = { 0 };
	if (gate != NULL && gate->post == NULL) {
		event = event_make(EVENT_GATE_POSTED, d->world->now_ms);
		event.gate = gate->id;
		event.run = gate->run;
		event.server_ms = request->server_ms;
	} else if (gate == NULL && request->gate != 0) {
		const struct poll_state *poll = bridge_poll(d->bridge, request->gate);
		if (poll == NULL || poll->post != NULL) {
			return;
		}
		event = event_make(EVENT_POLL_POSTED, d->world->now_ms);
		event.gate = request->gate;
	} else if (gate == NULL && run != NULL &&
			request->step_index < run->step_count &&
			run->steps[request->step_index].status == STEP_ASKED &&
			run->steps[request->step_index].post == NULL) {
		event = event_make(EVENT_STEP_POSTED, d->world->now_ms);
		event.run = run->number;
		event.step = request->step_index;
	} else {
		return;
	}
	event.post = request->post;
	deciding_add(d, event);
}

/* An approval by asking stands until its author deletes the words. */
static void command_deleted(struct deciding *d, const struct gate_state *gate) {
	for (size_t i = 0; i < gate->approval_count; i++) {
		const struct approval *approval = &gate->approvals[i];
		if (approval->emoji == NULL &&
				is_post(approval->post, d->request->post)) {
			deciding_add(d,
					gate_event(d, EVENT_GATE_WITHDRAWN, gate, approval->user,
							NULL));
		}
	}
}

/* Where nobody can tap any more the step is asked for anew.  What is deleted
 * again within seconds, something deletes: the step can be settled by words. */
static void ask_anew(struct deciding *d, const struct run *run) {
	for (size_t i = 0; i < run->index.live_count; i++) {
		size_t index = run->index.live[i];
		const struct step_state *step = &run->steps[index];
		if (step->status == STEP_ASKED &&
				is_post(step->post, d->request->post) &&
				flow_is_active(run, index) &&
				d->world->now_ms - step->asked_ms >= ANEW_MS) {
			deciding_ask_step(
					d, run, index, "Asked again: its post was deleted");
		}
	}
}

/* What is no gate's, and took taps. */
static void tapped_post_deleted(struct deciding *d) {
	for (size_t i = d->bridge->first_open_run; i < d->bridge->run_count; i++) {
		ask_anew(d, &d->bridge->runs[i]);
	}
	for (size_t i = 0; i < d->bridge->poll_count; i++) {
		const struct poll_state *poll = &d->bridge->polls[i];
		if (poll->open && is_post(poll->post, d->request->post)) {
			deciding_close_poll(d, poll); // it can be asked for anew
		}
	}
}

/* Whether it is open, or lets something begin that has not. */
static bool can_be_lost(
		const struct deciding *d, const struct gate_state *gate) {
	bool guards = gate->purpose != PURPOSE_SUCCESS &&
			gate->purpose != PURPOSE_FILES;
	return gate->status == GATE_OPEN ||
			(gate_waits(gate) && guards &&
					deciding_guards_more(d, gate, false));
}

void decide_post_changed(struct deciding *d) {
	if (d->request->deleted) {
		tapped_post_deleted(d);
	}
	for (size_t i = 0; i < d->bridge->gate_count; i++) {
		const struct gate_state *gate = &d->bridge->gates[i];
		if (!can_be_lost(d, gate)) {
			continue;
		}
		if (is_post(gate->post, d->request->post)) {
			deciding_close_gate(d, gate, OUTCOME_VOID, NULL,
					d->request->deleted ? "its post was deleted"
										: "its post was edited");
		} else if (d->request->deleted) {
			command_deleted(d, gate);
		}
	}
}

/* --- just before the first command behind a gate --- */

static const char *verify_problem(
		struct deciding *d, const struct gate_state *gate) {
	const struct request *request = d->request;
	if (request->deleted || request->edited) {
		return request->deleted ? "its post was deleted"
								: "its post was edited";
	}
	if (gate_holders_changed(d->bridge, d->world, gate)) {
		return HOLDERS_CHANGED;
	}
	if (!gate_wants_plan(d->bridge, gate)) {
		return NULL;
	}
	if (request->plan == NULL) {
		return decision_print(d->decision, "the plan cannot be read: %s",
				request->plan_problem != NULL ? request->plan_problem : "");
	}
	const struct plan_record *record = gate_state_plan(d->bridge, gate);
	if (strcmp(request->plan->plan.digest, gate->digest) == 0) {
		return NULL;
	}
	char *difference = plan_difference(&record->plan, &request->plan->plan, 5);
	decision_own(d->decision, difference);
	return decision_print(d->decision, "the plan has changed\n%s", difference);
}

/* Whether bridge_next() still wants it verified: what came meanwhile may let
 * nothing begin, and later that look would be old. */
static bool is_wanted(const struct deciding *d, const struct gate_state *gate) {
	struct effects effects;
	bridge_next(d->bridge, d->world, &effects);
	bool wanted = false;
	for (size_t i = 0; i < effects.count; i++) {
		wanted = wanted ||
				(effects.list[i].type == EFFECT_VERIFY_GATE &&
						effects.list[i].gate == gate->id);
	}
	effects_finish(&effects);
	return wanted;
}

void decide_verified(struct deciding *d) {
	const struct gate_state *gate = bridge_gate(d->bridge, d->request->gate);
	if (gate == NULL || gate->status != GATE_PASSED || !d->request->fresh ||
			!is_wanted(d, gate)) {
		return;
	}
	taps_on_gate(d, gate);
	if (d->decision->count > 0) {
		return; // fold that first, then ask again
	}
	const char *problem = verify_problem(d, gate);
	if (problem != NULL) {
		deciding_close_gate(d, gate, OUTCOME_VOID, NULL, problem);
	} else if (d->world->now_ms >= gate_good_until_ms(gate)) {
		deciding_close_gate(d, gate, OUTCOME_EXPIRED, NULL,
				"the approval was not used in time");
	} else if (!gate_is_full(d->bridge, d->world, gate)) {
		if (gate->objection_count == 0) {
			deciding_close_gate(
					d, gate, OUTCOME_VOID, NULL, "an approval was withdrawn");
		}
	} else {
		deciding_add(d, gate_event(d, EVENT_GATE_USED, gate, NULL, NULL));
	}
}
