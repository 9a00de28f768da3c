#include "render/contact.h"

#include <string.h>

#include "base/xalloc.h"
#include "render/words.h"

/* Whether one of @roles has @channel for its contact. */
static bool has_contact(const struct runbook *runbook,
		const struct role_set *roles, const char *channel) {
	for (size_t i = 0; i < roles->count; i++) {
		const char *its = runbook->roles[roles->roles[i]].channel;
		if (its != NULL && strcmp(its, channel) == 0) {
			return true;
		}
	}
	return false;
}

static bool any_has(const struct contact_call *call, const char *channel) {
	for (size_t i = 0; i < call->slot_count; i++) {
		if (has_contact(call->runbook, &call->slots[i], channel)) {
			return true;
		}
	}
	return false;
}

static void speak_in(const struct speech *speech,
		const struct contact_call *call, const char *channel) {
	cJSON *context = speak_context(speech, call->run);
	speak_put(context, "title", call->title);
	cJSON *list = speak_put_list(context, "slots");
	for (size_t i = 0; i < call->slot_count; i++) {
		const struct role_set *roles = &call->slots[i];
		if (has_contact(call->runbook, roles, channel)) {
			cJSON *line = speak_add(list);
			speak_take(line, "role", words_roles(call->runbook, roles));
			speak_take_raw(line, "who",
					words_call_all(speech->world, call->runbook, roles));
		}
	}
	speak_take_raw(context, "bridge",
			xasprintf("~%s", speech->world->settings->channel));
	speak_take(context, "since",
			words_clock(call->since_ms, speech->world->now_ms));
	speak_elsewhere(speech, xasprintf("%s/~%s", call->key, channel), channel,
			"contact", context);
}

/* Whether a role before @role has the same channel. */
static bool was_called(const struct runbook *runbook, size_t role) {
	for (size_t i = 0; i < role; i++) {
		const char *its = runbook->roles[i].channel;
		if (its != NULL && strcmp(its, runbook->roles[role].channel) == 0) {
			return true;
		}
	}
	return false;
}

void contact_speak(
		const struct speech *speech, const struct contact_call *call) {
	const struct runbook *runbook = call->runbook;
	const char *bridge = speech->world->settings->channel;
	for (size_t i = 0; i < runbook->role_count; i++) {
		const char *channel = runbook->roles[i].channel;
		if (channel != NULL && strcmp(channel, bridge) != 0 &&
				!was_called(runbook, i) && any_has(call, channel)) {
			speak_in(speech, call, channel);
		}
	}
}
