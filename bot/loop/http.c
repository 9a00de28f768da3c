#include "loop/http.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>
#include <uv.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "loop/loop.h"

#define TIMEOUT_DEFAULT_MS ((int64_t)30 * 1000)
#define CONNECT_TIMEOUT_MS 10000L
#define ANSWER_CAP_DEFAULT ((size_t)4 * 1024 * 1024)
#define REDIRECTS_MAX      5L
#define CONNECTIONS_MAX    16L
#define STALL_S            30L

/*
 *	(start) --> in flight --> done --deferred--> told, freed
 */
struct http_request {
	struct http *http;
	struct http_request *next; // in http->in_flight or http->done
	struct http_request *prev;
	http_fn fn;
	void *data;
	CURL *easy;
	struct curl_slist *headers;
	curl_mime *mime;
	char *body;
	struct str answer;
	http_body_fn body_fn;
	void *body_data;
	bool too_large;
	bool done;
	CURLcode result;
	int64_t started_ms;
	char reason[CURL_ERROR_SIZE];
};

struct request_list {
	struct http_request *head;
	struct http_request *tail;
};

struct http {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer; // when curl wants to be called at the latest
	char *ca_file;
	char *proxy;
	struct request_list in_flight;
	struct request_list done;
};

/* What watches one of curl's sockets. */
struct http_socket {
	uv_poll_t poll; // first: freed when libuv has closed it
	struct http *http;
	curl_socket_t fd;
};

static void list_add(struct request_list *list, struct http_request *request) {
	request->prev = list->tail;
	request->next = NULL;
	if (list->tail != NULL) {
		list->tail->next = request;
	} else {
		list->head = request;
	}
	list->tail = request;
}

static void list_remove(
		struct request_list *list, struct http_request *request) {
	if (request->prev != NULL) {
		request->prev->next = request->next;
	} else {
		list->head = request->next;
	}
	if (request->next != NULL) {
		request->next->prev = request->prev;
	} else {
		list->tail = request->prev;
	}
}

static void request_free(struct http_request *request) {
	curl_easy_cleanup(request->easy);
	curl_mime_free(request->mime);
	curl_slist_free_all(request->headers);
	str_finish(&request->answer);
	free(request->body);
	loop_release_clock(request->http->loop);
	free(request);
}

static int64_t number_header(CURL *easy, const char *name) {
	struct curl_header *header = NULL;
	if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) !=
			CURLHE_OK) {
		return -1;
	}
	char *end = NULL;
	long long value = strtoll(header->value, &end, 10);
	bool whole = end != header->value && *end == '\0';
	return whole && value >= 0 ? (int64_t)value : -1;
}

static int64_t date_header(CURL *easy) {
	struct curl_header *header = NULL;
	if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &header) !=
			CURLHE_OK) {
		return 0;
	}
	time_t when = curl_getdate(header->value, NULL);
	return when > 0 ? (int64_t)when * 1000 : 0;
}

/* Seconds or, by RFC 9110 10.2.3, a date. */
static int64_t retry_after(CURL *easy, int64_t date_ms) {
	const int64_t longest_s = 24 * 3600;
	int64_t seconds = number_header(easy, "Retry-After");
	if (seconds >= 0) {
		return (seconds < longest_s ? seconds : longest_s) * 1000;
	}
	struct curl_header *header = NULL;
	if (curl_easy_header(easy, "Retry-After", 0, CURLH_HEADER, -1, &header) !=
					CURLHE_OK ||
			date_ms == 0) {
		return -1;
	}
	time_t when = curl_getdate(header->value, NULL);
	if (when <= 0) {
		return -1;
	}
	int64_t wait_ms = (int64_t)when * 1000 - date_ms;
	return wait_ms > 0 ? wait_ms : 0;
}

static const char *reason_of(const struct http_request *request) {
	return request->reason[0] != '\0' ? request->reason
									  : curl_easy_strerror(request->result);
}

static void fill_failure(
		const struct http_request *request, struct http_answer *answer) {
	long request_bytes = 0;
	curl_easy_getinfo(request->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
	answer->sent = request_bytes > 0;
	if (request->too_large) {
		err_set(&answer->err, ERR_IO, "the answer is larger than %zu bytes",
				request->answer.cap);
		return;
	}
	err_set(&answer->err, ERR_IO, "%s", reason_of(request));
}

static void tell(const struct http_request *request) {
	struct http_answer answer = {
		.ok = request->result == CURLE_OK,
		.retry_after_ms = -1,
		.rate_remaining = -1,
		.body = str_text(&request->answer),
		.body_len = request->answer.len,
		.duration_ms = loop_real_now_ms(request->http->loop) -
				request->started_ms,
	};
	long status = 0;
	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	answer.status = (int)status;
	if (answer.ok) {
		answer.date_ms = date_header(request->easy);
		answer.retry_after_ms = retry_after(request->easy, answer.date_ms);
		answer.rate_remaining = number_header(
				request->easy, "X-Ratelimit-Remaining");
	} else {
		fill_failure(request, &answer);
	}
	request->fn(request->data, &answer);
}

/* Tells the oldest one that is done.  Deferred, one call for each, so that
 * whoever is told may start or cancel any other. */
static void tell_next(void *data) {
	struct http *http = data;
	struct http_request *request = http->done.head;
	if (request == NULL) {
		return; // cancelled in the meantime
	}
	list_remove(&http->done, request);
	tell(request);
	request_free(request);
}

static void finish(struct http_request *request, CURLcode result) {
	struct http *http = request->http;
	request->result = result;
	request->done = true;
	list_remove(&http->in_flight, request);
	list_add(&http->done, request);
	loop_defer(http->loop, tell_next, http);
}

static void collect(struct http *http) {
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE) {
			continue;
		}
		struct http_request *request = NULL;
		CURL *easy = message->easy_handle;
		CURLcode result = message->data.result;
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&request);
		curl_multi_remove_handle(http->multi, easy);
		finish(request, result);
	}
}

static void act(struct http *http, curl_socket_t fd, int events) {
	int running;
	curl_multi_socket_action(http->multi, fd, events, &running);
	collect(http);
}

static void on_timer(void *data) {
	act(data, CURL_SOCKET_TIMEOUT, 0);
}

/* curl's timer callback: calling back into curl from here is forbidden, so
 * even "now" goes through the loop. */
static int on_curl_timer(CURLM *multi, long timeout_ms, void *data) {
	(void)multi;
	struct http *http = data;
	if (timeout_ms < 0) {
		loop_timer_stop(http->timer);
	} else {
		loop_timer_start_real(http->timer, timeout_ms);
	}
	return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events) {
	struct http_socket *socket = poll->data;
	int flags = 0;
	if (loop_is_settling(socket->http->loop)) {
		return; // told again on the next real turn
	}
	if (status < 0) {
		// CURL_CSELECT_ERR would say only that; the socket says what it is.
		flags = CURL_CSELECT_IN | CURL_CSELECT_OUT;
	}
	if ((events & UV_READABLE) != 0) {
		flags |= CURL_CSELECT_IN;
	}
	if ((events & UV_WRITABLE) != 0) {
		flags |= CURL_CSELECT_OUT;
	}
	act(socket->http, socket->fd, flags);
}

static void on_closed_free(uv_handle_t *handle) {
	free(handle);
}

static struct http_socket *socket_watch(struct http *http, curl_socket_t fd) {
	struct http_socket *watched = xcalloc(1, sizeof(*watched));
	watched->http = http;
	watched->fd = fd;
	watched->poll.data = watched;
	int rc = uv_poll_init_socket(loop_native(http->loop), &watched->poll, fd);
	assert(rc == 0);
	curl_multi_assign(http->multi, fd, watched);
	return watched;
}

static int on_curl_socket(
		CURL *easy, curl_socket_t fd, int what, void *data, void *assigned) {
	(void)easy;
	struct http *http = data;
	struct http_socket *watched = assigned;
	if (what == CURL_POLL_REMOVE) {
		if (watched != NULL) {
			uv_poll_stop(&watched->poll);
			uv_close((uv_handle_t *)&watched->poll, on_closed_free);
			curl_multi_assign(http->multi, fd, NULL);
		}
		return 0;
	}
	if (watched == NULL) {
		watched = socket_watch(http, fd);
	}
	int events = 0;
	if (what != CURL_POLL_OUT) {
		events |= UV_READABLE;
	}
	if (what != CURL_POLL_IN) {
		events |= UV_WRITABLE;
	}
	uv_poll_start(&watched->poll, events, on_poll);
	return 0;
}

/* curl 7.88 leaves its sockets open across exec; a command must not get one. */
static curl_socket_t open_cloexec(
		void *data, curlsocktype purpose, struct curl_sockaddr *address) {
	(void)data;
	(void)purpose;
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
			address->protocol);
}

static bool is_good(const struct http_request *request) {
	long status = 0;
	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	return status >= 200 && status <= 299;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *data) {
	struct http_request *request = data;
	if (request->body_fn != NULL && is_good(request)) {
		bool taken = request->body_fn(request->body_data, bytes, size * count);
		return taken ? size * count : 0;
	}
	str_add_bytes(&request->answer, bytes, size * count);
	if (request->answer.cut) {
		request->too_large = true;
		return 0; // ends the transfer
	}
	return size * count;
}

struct http *http_create(struct loop *loop, const struct http_options *options,
		struct err *err) {
	if (options->ca_file != NULL && access(options->ca_file, R_OK) != 0) {
		err_set(err, ERR_INVALID, "cannot read the CA file %s",
				options->ca_file);
		return NULL;
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		err_set(err, ERR_IO, "libcurl does not start");
		return NULL;
	}
	struct http *http = xcalloc(1, sizeof(*http));
	http->loop = loop;
	http->ca_file = xstrdup(options->ca_file);
	http->proxy = xstrdup(options->proxy);
	http->timer = loop_timer_create(loop, on_timer, http);
	http->multi = curl_multi_init();
	assert(http->multi != NULL);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	curl_multi_setopt(
			http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS_MAX);
	return http;
}

void http_destroy(struct http *http) {
	if (http == NULL) {
		return;
	}
	while (http->in_flight.head != NULL) {
		http_cancel(http->in_flight.head);
	}
	while (http->done.head != NULL) {
		http_cancel(http->done.head);
	}
	loop_cancel_deferred(http->loop, http);
	curl_multi_cleanup(http->multi);
	loop_timer_destroy(http->timer);
	free(http->ca_file);
	free(http->proxy);
	free(http);
	curl_global_cleanup();
}

static void set_method(CURL *easy, const struct http_call *call) {
	static const char *const names[] = {
		[HTTP_GET] = "GET",
		[HTTP_POST] = "POST",
		[HTTP_PUT] = "PUT",
		[HTTP_DELETE] = "DELETE",
		[HTTP_HEAD] = "HEAD",
		[HTTP_PATCH] = "PATCH",
	};
	curl_easy_setopt(easy, CURLOPT_NOBODY, call->method == HTTP_HEAD ? 1L : 0L);
	if (call->method != HTTP_HEAD) {
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, names[call->method]);
	}
}

static bool is_repeatable(const struct http_call *call) {
	return call->repeatable || call->method == HTTP_GET ||
			call->method == HTTP_HEAD;
}

static CURLcode set_headers(
		struct http_request *request, const struct http_call *call) {
	// An empty one takes curl's own away: no waiting for "100 Continue".
	request->headers = curl_slist_append(NULL, "Expect:");
	for (size_t i = 0; call->headers != NULL && call->headers[i] != NULL; i++) {
		if (strpbrk(call->headers[i], "\r\n") != NULL) {
			snprintf(request->reason, sizeof(request->reason),
					"a line break in a header");
			return CURLE_BAD_FUNCTION_ARGUMENT;
		}
		struct curl_slist *longer = curl_slist_append(
				request->headers, call->headers[i]);
		assert(longer != NULL);
		request->headers = longer;
	}
	curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
	return CURLE_OK;
}

static void set_body(
		struct http_request *request, const struct http_call *call) {
	if (call->body == NULL) {
		if (call->method == HTTP_POST || call->method == HTTP_PUT ||
				call->method == HTTP_PATCH) {
			curl_easy_setopt(request->easy, CURLOPT_POSTFIELDS, "");
			curl_easy_setopt(request->easy, CURLOPT_POSTFIELDSIZE, 0L);
		}
		return;
	}
	request->body = xreallocarray(NULL, call->body_len + 1, 1);
	memcpy(request->body, call->body, call->body_len);
	curl_easy_setopt(request->easy, CURLOPT_POSTFIELDS, request->body);
	curl_easy_setopt(request->easy, CURLOPT_POSTFIELDSIZE_LARGE,
			(curl_off_t)call->body_len);
}

static CURLcode set_form(
		struct http_request *request, const struct http_call *call) {
	request->mime = curl_mime_init(request->easy);
	const char *const *field = call->form;
	for (; field != NULL && field[0] != NULL; field += 2) {
		curl_mimepart *part = curl_mime_addpart(request->mime);
		curl_mime_name(part, field[0]);
		curl_mime_data(part, field[1], CURL_ZERO_TERMINATED);
	}
	curl_mimepart *part = curl_mime_addpart(request->mime);
	curl_mime_name(part, "files");
	CURLcode result = curl_mime_filedata(part, call->upload_file);
	curl_mime_filename(part, call->upload_name);
	curl_easy_setopt(request->easy, CURLOPT_MIMEPOST, request->mime);
	return result;
}

static void set_network(
		const struct http *http, CURL *easy, const struct http_call *call) {
	int64_t timeout_ms = call->timeout_ms > 0 ? call->timeout_ms
											  : TIMEOUT_DEFAULT_MS;
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	if (call->body_fn != NULL) {
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, STALL_S);
	}
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(
			easy, CURLOPT_FOLLOWLOCATION, call->follow_redirects ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	// Both empty: the environment's http_proxy and no_proxy are not read.
	curl_easy_setopt(
			easy, CURLOPT_PROXY, http->proxy != NULL ? http->proxy : "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	if (http->ca_file != NULL) {
		// The system's folder of certificates stays in CURLOPT_CAPATH.
		curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
	}
	// On a connection that the server has closed meanwhile curl sends again
	// by itself, not knowing whether the first was acted on.
	curl_easy_setopt(
			easy, CURLOPT_FRESH_CONNECT, is_repeatable(call) ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_cloexec);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
}

static CURLcode prepare(
		struct http_request *request, const struct http_call *call) {
	CURL *easy = request->easy;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->reason);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "bridgekeeper");
	set_network(request->http, easy, call);
	curl_easy_setopt(easy, CURLOPT_URL, call->url);
	CURLcode result = set_headers(request, call);
	if (result == CURLE_OK && call->upload_file != NULL) {
		result = set_form(request, call);
	} else {
		set_body(request, call);
	}
	set_method(easy, call);
	return result;
}

struct http_request *http_start(struct http *http, const struct http_call *call,
		http_fn fn, void *data) {
	struct http_request *request = xcalloc(1, sizeof(*request));
	request->http = http;
	request->fn = fn;
	request->data = data;
	request->body_fn = call->body_fn;
	request->body_data = call->body_data;
	request->started_ms = loop_real_now_ms(http->loop);
	str_init(&request->answer,
			call->answer_cap > 0 ? call->answer_cap : ANSWER_CAP_DEFAULT);
	request->easy = curl_easy_init();
	assert(request->easy != NULL);
	loop_hold_clock(http->loop);
	list_add(&http->in_flight, request);
	CURLcode result = prepare(request, call);
	if (result == CURLE_OK &&
			curl_multi_add_handle(http->multi, request->easy) != CURLM_OK) {
		result = CURLE_FAILED_INIT;
	}
	if (result != CURLE_OK) {
		finish(request, result);
	}
	return request;
}

void http_cancel(struct http_request *request) {
	if (request == NULL) {
		return;
	}
	struct http *http = request->http;
	if (request->done) {
		list_remove(&http->done, request);
	} else {
		curl_multi_remove_handle(http->multi, request->easy);
		list_remove(&http->in_flight, request);
	}
	request_free(request);
}
