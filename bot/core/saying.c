#include "core/saying.h"

#include "core/bridge.h"
#include "core/people.h"
#include "core/runbook.h"

/* The words of a refused command for the record, which is for ever: what was
 * given as a parameter's value may have been a secret, given by mistake. */
static const char *refused_words(struct deciding *d) {
	const struct request *request = d->request;
	if (request->type != REQUEST_PLAN || request->param_count == 0) {
		return request->words;
	}
	const char *words = "!cutover plan";
	for (size_t i = 0; i < request->param_count; i++) {
		words = decision_print(
				d->decision, "%s %s=…", words, request->params[i].name);
	}
	return words;
}

void saying_refuse(struct deciding *d, const char *text) {
	struct event event = deciding_event(d, EVENT_COMMAND_REFUSED);
	const struct run *run = bridge_current(d->bridge);
	event.run = run != NULL ? run->number : 0;
	event.name = d->request->command;
	event.detail = refused_words(d);
	event.text = text;
	deciding_add(d, event);
}

void saying_answer(struct deciding *d, const char *text) {
	struct event event = deciding_event(d, EVENT_COMMAND_ANSWERED);
	const struct run *run = bridge_current(d->bridge);
	event.run = run != NULL ? run->number : 0;
	event.name = d->request->command;
	event.detail = d->request->words;
	event.text = text;
	deciding_add(d, event);
}

/* Commands that hold when they are found late. */
static bool may_be_late(enum request_type type) {
	return type == REQUEST_HOLD || type == REQUEST_ROLLBACK ||
			type == REQUEST_DONE || type == REQUEST_FAIL ||
			type == REQUEST_NOTE || type == REQUEST_FILES;
}

bool saying_is_heard(struct deciding *d) {
	const struct person *person = people_by_id(
			d->world->people, d->request->user);
	if (person == NULL || !person_counts(person)) {
		saying_refuse(d,
				"only active people of this channel are heard\n"
				"no guests, no bots");
		return false;
	}
	if (d->request->late_ms > DECIDING_LATE_MS &&
			!may_be_late(d->request->type)) {
		saying_refuse(d,
				decision_print(d->decision,
						"said %s ago while I was away\n"
						"say it again if it still holds",
						deciding_span(d, d->request->late_ms)));
		return false;
	}
	return true;
}

bool saying_needs_lead(struct deciding *d, const struct runbook *runbook) {
	if (runbook == NULL || deciding_leads(d, runbook, d->request->user)) {
		return true;
	}
	saying_refuse(d,
			decision_print(d->decision, "that is the lead's to say\n%s can",
					deciding_who_leads(d, runbook)));
	return false;
}
