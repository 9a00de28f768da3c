#include "core/decision.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/xalloc.h"

void decision_init(struct decision *decision) {
	*decision = (struct decision){ 0 };
}

void decision_finish(struct decision *decision) {
	for (size_t i = 0; i < decision->owned_count; i++) {
		free(decision->owned[i]);
	}
	free(decision->owned);
	free(decision->events);
	decision_init(decision);
}

static const char *keep(struct decision *decision, const char *text) {
	return text != NULL ? decision_own(decision, xstrdup(text)) : NULL;
}

static void keep_values(struct decision *decision, struct event *event) {
	struct plan_value *values = decision_own(
			decision, xcalloc(event->value_count, sizeof(*values)));
	for (size_t i = 0; i < event->value_count; i++) {
		values[i] = event->values[i];
		values[i].name = decision_own(decision, xstrdup(values[i].name));
		values[i].value = decision_own(decision, xstrdup(values[i].value));
	}
	event->values = values;
}

void decision_add(struct decision *decision, struct event event) {
	event.user = keep(decision, event.user);
	event.post = keep(decision, event.post);
	event.root = keep(decision, event.root);
	event.name = keep(decision, event.name);
	event.text = keep(decision, event.text);
	event.detail = keep(decision, event.detail);
	event.path = keep(decision, event.path);
	event.digest = keep(decision, event.digest);
	if (event.value_count > 0) {
		keep_values(decision, &event);
	}
	decision->events = xreallocarray(
			decision->events, decision->count + 1, sizeof(*decision->events));
	decision->events[decision->count++] = event;
}

void *decision_own(struct decision *decision, void *memory) {
	decision->owned = xreallocarray(decision->owned, decision->owned_count + 1,
			sizeof(*decision->owned));
	decision->owned[decision->owned_count++] = memory;
	return memory;
}

const char *decision_print(struct decision *decision, const char *format, ...) {
	va_list args;
	va_start(args, format);
	char *text = xvasprintf(format, args);
	va_end(args);
	return decision_own(decision, text);
}
