#include "app/asked.h"

#include <stdlib.h>

#include "base/xalloc.h"

static void *keep(struct asked *asked, void *memory) {
	asked->owned = xreallocarray(
			asked->owned, asked->owned_count + 1, sizeof(asked->owned[0]));
	asked->owned[asked->owned_count] = memory;
	asked->owned_count++;
	return memory;
}

static char *copy(struct asked *asked, const char *text) {
	return text != NULL ? keep(asked, xstrdup(text)) : NULL;
}

static const struct plan_value *copy_values(
		struct asked *asked, const struct plan_value *values, size_t count) {
	if (count == 0) {
		return NULL;
	}
	struct plan_value *copies = keep(asked, xcalloc(count, sizeof(*copies)));
	for (size_t i = 0; i < count; i++) {
		copies[i].name = copy(asked, values[i].name);
		copies[i].value = copy(asked, values[i].value);
		copies[i].secret = values[i].secret;
	}
	return copies;
}

static const struct request_tap *copy_taps(
		struct asked *asked, const struct request_tap *taps, size_t count) {
	if (count == 0) {
		return NULL;
	}
	struct request_tap *copies = keep(asked, xcalloc(count, sizeof(*copies)));
	for (size_t i = 0; i < count; i++) {
		copies[i].user = copy(asked, taps[i].user);
		copies[i].emoji = copy(asked, taps[i].emoji);
		copies[i].server_ms = taps[i].server_ms;
	}
	return copies;
}

static const char *const *copy_files(
		struct asked *asked, const char *const *files, size_t count) {
	if (count == 0) {
		return NULL;
	}
	const char **copies = keep(asked, xcalloc(count, sizeof(*copies)));
	for (size_t i = 0; i < count; i++) {
		copies[i] = copy(asked, files[i]);
	}
	return copies;
}

struct asked *asked_create(const struct request *request, const char *input) {
	struct asked *asked = xcalloc(1, sizeof(*asked));
	struct request *r = &asked->request;
	asked->input = xstrdup(input);
	*r = *request;
	r->plan = NULL;
	r->target = NULL;
	r->user = copy(asked, request->user);
	r->post = copy(asked, request->post);
	r->root = copy(asked, request->root);
	r->command = copy(asked, request->command);
	r->words = copy(asked, request->words);
	r->step = copy(asked, request->step);
	r->text = copy(asked, request->text);
	r->role = copy(asked, request->role);
	r->who = copy(asked, request->who);
	r->until = copy(asked, request->until);
	r->plan_problem = copy(asked, request->plan_problem);
	r->problem = copy(asked, request->problem);
	r->reason = copy(asked, request->reason);
	r->tail = copy(asked, request->tail);
	r->log = copy(asked, request->log);
	r->params = copy_values(asked, request->params, request->param_count);
	r->values = copy_values(asked, request->values, request->value_count);
	r->file_name = copy(asked, request->file_name);
	r->file_path = copy(asked, request->file_path);
	r->file_digest = copy(asked, request->file_digest);
	r->files = copy_files(asked, request->files, request->file_count);
	r->taps = copy_taps(asked, request->taps, request->tap_count);
	return asked;
}

void asked_destroy(struct asked *asked) {
	if (asked == NULL) {
		return;
	}
	for (size_t i = 0; i < asked->owned_count; i++) {
		free(asked->owned[i]);
	}
	free(asked->owned);
	free(asked->input);
	free(asked);
}
