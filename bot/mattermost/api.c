#include "mattermost/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "codec/mattermost_json.h"
#include "loop/loop.h"
#include "sys/secret.h"

#define PAUSE_DEFAULT_MS 1000
#define PAUSE_MAX_MS     60000
#define PAUSE_SPENT_MS   200 // nothing remains of the rate limit's bucket
#define PENDING_RETRY_MS 500
#define FORM_MAX         8

/*
 *	(start) --> waiting --> in flight --> told, freed
 */
struct api_request {
	struct api *api;
	struct api_request *next;
	api_fn fn;
	void *data;
	struct http_request *http; // NULL: waiting for the pause to end
	enum http_method method;
	char *path;
	char *body;
	char *upload_file;
	char *upload_name;
	char *form[FORM_MAX + 1];
	int64_t timeout_ms;
	http_body_fn body_fn;
	void *body_data;
};

struct api {
	struct loop *loop;
	struct http *http;
	struct address address;
	const struct secret *token;
	int64_t refused_ms;
	void (*refused)(void *data);
	void *data;
	char *authorization;          // the whole header line; wiped
	struct api_request *requests; // oldest first
	struct loop_timer *pause;
	bool paused;
	int64_t last_answer_ms;
	int64_t server_time_ms; // of the last Date header
	int64_t server_time_at; // by the loop's clock, when that came
};

static void send_waiting(struct api *api);

static void tell_refused(void *data) {
	struct api *api = data;
	api->refused(api->data);
}

static void on_pause_over(void *data) {
	struct api *api = data;
	api->paused = false;
	send_waiting(api);
}

struct api *api_create(
		struct loop *loop, const struct api_options *options, struct err *err) {
	const struct http_options http_options = {
		.ca_file = options->ca_file,
		.proxy = options->proxy,
	};
	struct http *http = http_create(loop, &http_options, err);
	if (http == NULL) {
		return NULL;
	}
	struct api *api = xcalloc(1, sizeof(*api));
	api->loop = loop;
	api->http = http;
	api->address = options->address;
	api->token = options->token;
	api->refused_ms = options->refused_ms;
	api->refused = options->refused;
	api->data = options->data;
	api->authorization = xasprintf(
			"Authorization: Bearer %s", secret_reveal(options->token));
	api->pause = loop_timer_create(loop, on_pause_over, api);
	return api;
}

void api_destroy(struct api *api) {
	if (api == NULL) {
		return;
	}
	while (api->requests != NULL) {
		api_cancel(api->requests);
	}
	loop_cancel_deferred(api->loop, api);
	loop_timer_destroy(api->pause);
	http_destroy(api->http);
	explicit_bzero(api->authorization, strlen(api->authorization));
	free(api->authorization);
	free(api);
}

static void request_unlink(struct api_request *request) {
	struct api_request **at = &request->api->requests;
	while (*at != request) {
		at = &(*at)->next;
	}
	*at = request->next;
}

static void request_free(struct api_request *request) {
	for (size_t i = 0; i < FORM_MAX; i++) {
		free(request->form[i]);
	}
	free(request->upload_file);
	free(request->upload_name);
	free(request->path);
	free(request->body);
	free(request);
}

static void pause_for(struct api *api, int64_t ms) {
	api->paused = true;
	loop_timer_start_real(api->pause, ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS);
}

static void redact(const struct api *api, struct err *err) {
	const char *token = secret_reveal(api->token);
	const char *at = strstr(err->text, token);
	if (at == NULL) {
		return;
	}
	struct str clean;
	str_init(&clean, sizeof(err->text) - 1);
	const char *from = err->text;
	for (; at != NULL; at = strstr(from, token)) {
		str_add_bytes(&clean, from, (size_t)(at - from));
		str_add(&clean, secret_shown(api->token));
		from = at + strlen(token);
	}
	str_add(&clean, from);
	err_set(err, err->code, "%s", str_text(&clean));
	str_finish(&clean);
}

static void judge_refusal(struct api *api, const struct http_answer *from,
		struct api_answer *answer) {
	struct mattermost_error error;
	mattermost_json_read_error(from->body, from->body_len, &error);
	snprintf(answer->error_id, sizeof(answer->error_id), "%s", error.id);
	err_set(&answer->err, ERR_IO, "HTTP %d%s%s%s%s%s", from->status,
			error.message[0] != '\0' ? ": " : "", error.message,
			error.id[0] != '\0' ? " (" : "", error.id,
			error.id[0] != '\0' ? ")" : "");
	/* A proxy whose backend is being restarted knows no path; Mattermost's own
	 * 404 has a name.  Whatever was asked, it did not reach the server. */
	bool astray = from->status == 404 && error.id[0] == '\0';
	bool pending = strcmp(error.id,
						   "api.post.deduplicate_create_post.pending") == 0;
	if (from->status == 429) {
		answer->result = SERVER_AGAIN;
		answer->retry_ms = from->retry_after_ms >= 0 ? from->retry_after_ms
													 : PAUSE_DEFAULT_MS;
		pause_for(api, answer->retry_ms);
	} else if (from->status == 401) {
		answer->result = SERVER_AGAIN;
		answer->retry_ms = api->refused_ms;
		if (api->refused != NULL) {
			loop_defer(api->loop, tell_refused, api);
		}
	} else if (pending) {
		answer->result = SERVER_AGAIN;
		answer->retry_ms = PENDING_RETRY_MS;
	} else if (astray) {
		answer->result = SERVER_AGAIN;
		answer->status = 0; // no word of the server's
	} else if ((from->status >= 500 && from->status != 501) ||
			from->status == 408) {
		answer->result = SERVER_DOUBT;
	} else {
		answer->result = SERVER_NEVER;
		answer->err.code = ERR_REFUSED;
	}
}

static void judge(struct api *api, const struct http_answer *from,
		struct api_answer *answer) {
	answer->status = from->ok ? from->status : 0;
	answer->body = from->body;
	answer->date_ms = from->date_ms;
	if (!from->ok) {
		answer->result = from->sent ? SERVER_DOUBT : SERVER_AGAIN;
		answer->err = from->err;
		return;
	}
	if (from->date_ms > 0) {
		api->server_time_ms = from->date_ms;
		api->server_time_at = loop_now_ms(api->loop);
	}
	if (from->status < 200 || from->status > 299) {
		judge_refusal(api, from, answer);
		return;
	}
	answer->result = SERVER_OK;
	api_note_answer(api);
	if (from->rate_remaining == 0) {
		pause_for(api, PAUSE_SPENT_MS);
	}
}

static void on_answer(void *data, const struct http_answer *from) {
	struct api_request *request = data;
	struct api *api = request->api;
	struct api_answer answer = { 0 };
	judge(api, from, &answer);
	redact(api, &answer.err);
	request_unlink(request);
	request->fn(request->data, &answer);
	request_free(request);
}

static void send_now(struct api_request *request) {
	struct api *api = request->api;
	const struct address *at = &api->address;
	const char *headers[] = { api->authorization, NULL, NULL };
	if (request->body != NULL) {
		headers[1] = "Content-Type: application/json";
	}
	char *url = xasprintf("%s://%s%s/api/v4%s", at->tls ? "https" : "http",
			at->authority, at->path, request->path);
	const struct http_call call = {
		.method = request->method,
		.url = url,
		.headers = headers,
		.body = request->body,
		.body_len = request->body != NULL ? strlen(request->body) : 0,
		.upload_file = request->upload_file,
		.upload_name = request->upload_name,
		.form = (const char *const *)request->form,
		.timeout_ms = request->timeout_ms,
		.body_fn = request->body_fn,
		.body_data = request->body_data,
		// Creating a post carries its pending_post_id, all else is idempotent.
		.repeatable = true,
	};
	request->http = http_start(api->http, &call, on_answer, request);
	free(url);
}

static void send_waiting(struct api *api) {
	struct api_request *request = api->requests;
	for (; request != NULL && !api->paused; request = request->next) {
		if (request->http == NULL) {
			send_now(request);
			loop_release_clock(api->loop);
		}
	}
}

static void copy_form(struct api_request *request, const char *const *form) {
	for (size_t i = 0; form != NULL && form[i] != NULL && i < FORM_MAX; i++) {
		request->form[i] = xstrdup(form[i]);
	}
}

struct api_request *api_start(
		struct api *api, const struct api_call *call, api_fn fn, void *data) {
	struct api_request *request = xcalloc(1, sizeof(*request));
	request->api = api;
	request->fn = fn;
	request->data = data;
	request->method = call->method;
	request->path = xstrdup(call->path);
	request->body = xstrdup(call->body);
	request->upload_file = xstrdup(call->upload_file);
	request->upload_name = xstrdup(call->upload_name);
	request->timeout_ms = call->timeout_ms;
	request->body_fn = call->body_fn;
	request->body_data = call->body_data;
	copy_form(request, call->form);
	struct api_request **at = &api->requests;
	while (*at != NULL) {
		at = &(*at)->next;
	}
	*at = request;
	if (api->paused) {
		loop_hold_clock(api->loop);
	} else {
		send_now(request);
	}
	return request;
}

void api_cancel(struct api_request *request) {
	if (request == NULL) {
		return;
	}
	if (request->http != NULL) {
		http_cancel(request->http);
	} else {
		loop_release_clock(request->api->loop);
	}
	request_unlink(request);
	request_free(request);
}

int64_t api_last_answer_ms(const struct api *api) {
	return api->last_answer_ms;
}

void api_note_answer(struct api *api) {
	api->last_answer_ms = loop_real_now_ms(api->loop);
}

int64_t api_server_time_ms(const struct api *api) {
	int64_t since = loop_now_ms(api->loop) - api->server_time_at;
	return api->server_time_ms == 0 || since < 0 ? api->server_time_ms
												 : api->server_time_ms + since;
}
