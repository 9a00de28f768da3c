#include "loop/resolve.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <uv.h>

#include "base/xalloc.h"
#include "loop/loop.h"

struct resolve {
	uv_getaddrinfo_t request;
	struct loop *loop;
	resolve_fn fn; // NULL: cancelled, free it when libuv is done with it
	void *data;
	bool early; // known at once, to be told from the loop
	int status; // uv_getaddrinfo's own refusal
};

/* What the name `localhost` stands for, whatever a resolver says of it. */
static const char *const loopback[] = { "::1", "127.0.0.1" };

static void add_addresses(
		struct resolve_answer *answer, const struct addrinfo *found) {
	const struct addrinfo *at = found;
	for (; at != NULL && answer->count < RESOLVE_ADDRESSES_MAX;
			at = at->ai_next) {
		char *text = answer->addresses[answer->count];
		if (getnameinfo(at->ai_addr, at->ai_addrlen, text, RESOLVE_ADDRESS_ROOM,
					NULL, 0, NI_NUMERICHOST) == 0) {
			answer->count++;
		}
	}
}

static void add_loopback(struct resolve_answer *answer) {
	for (size_t i = 0; i < sizeof(loopback) / sizeof(*loopback); i++) {
		snprintf(answer->addresses[answer->count++], RESOLVE_ADDRESS_ROOM, "%s",
				loopback[i]);
	}
}

static void finish(
		struct resolve *resolve, int status, struct resolve_answer *answer) {
	answer->ok = answer->count > 0;
	if (!answer->ok) {
		err_set(&answer->err, ERR_IO, "%s",
				status != 0 ? uv_strerror(status) : "no address");
	}
	if (resolve->fn != NULL) {
		resolve->fn(resolve->data, answer);
	}
	free(resolve);
}

static void on_resolved(
		uv_getaddrinfo_t *request, int status, struct addrinfo *found) {
	struct resolve_answer answer = { 0 };
	if (status == 0) {
		add_addresses(&answer, found);
	}
	finish(request->data, status, &answer);
	uv_freeaddrinfo(found);
}

static void on_early(void *data) {
	struct resolve *resolve = data;
	struct resolve_answer answer = { 0 };
	if (resolve->status == 0) {
		add_loopback(&answer);
	}
	finish(resolve, resolve->status, &answer);
}

struct resolve *resolve_start(
		struct loop *loop, const char *host, resolve_fn fn, void *data) {
	struct resolve *resolve = xcalloc(1, sizeof(*resolve));
	resolve->loop = loop;
	resolve->fn = fn;
	resolve->data = data;
	resolve->request.data = resolve;
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	resolve->early = strcasecmp(host, "localhost") == 0;
	if (!resolve->early) {
		resolve->status = uv_getaddrinfo(loop_native(loop), &resolve->request,
				on_resolved, host, NULL, &hints);
		resolve->early = resolve->status != 0;
	}
	if (resolve->early) {
		loop_defer(loop, on_early, resolve);
	}
	return resolve;
}

void resolve_cancel(struct resolve *resolve) {
	if (resolve == NULL) {
		return;
	}
	if (resolve->early) {
		loop_cancel_deferred(resolve->loop, resolve);
		free(resolve);
		return;
	}
	resolve->fn = NULL;
	uv_cancel((uv_req_t *)&resolve->request);
}
