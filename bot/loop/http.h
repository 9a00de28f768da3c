#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct loop;

/*
 * HTTP requests on the loop, by libcurl's multi interface.  The environment's
 * proxy settings are never read.  Sizes are capped, TLS is verified.
 */

struct http;
struct http_request;

struct http_options {
	const char *ca_file; // added to the system's; NULL: none
	const char *proxy;   // URL; NULL: none
};

enum http_method {
	HTTP_GET,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_HEAD,
	HTTP_PATCH,
};

/*
 * A piece of a good (2xx) answer's body; false ends the exchange with an error.
 * It may not start or cancel requests.
 */
typedef bool (*http_body_fn)(void *data, const void *bytes, size_t len);

struct http_call {
	enum http_method method;
	const char *url;
	const char *const *headers; // "Name: value", NULL-terminated; may be NULL
	const void *body;           // copied; NULL: none
	size_t body_len;
	const char *upload_file; // multipart field `files`; NULL: none
	const char *upload_name; // the name that the server is told
	const char *const *form; // further multipart fields: name, value, …, NULL
	int64_t timeout_ms;      // real time, the whole exchange; 0: 30 s
	size_t answer_cap;       // bytes of body kept; 0: 4 MiB.  More: an error
	bool follow_redirects;   // off for Mattermost
	http_body_fn body_fn;    // takes a good answer's body as it comes, instead
	void *body_data;         // of it being kept; a stall of 30 s ends it
	bool repeatable; // doing it twice does no harm, so a warm connection may be
					 // used, on which libcurl may send twice; GET and HEAD are
};

struct http_answer {
	bool ok;          // an HTTP answer was received whole
	struct err err;   // if not ok: what happened
	bool sent;        // if not ok: the request may have reached the server
	int status;       // 200, 404, …
	const char *body; // NUL-terminated; owned by http, until @fn returns
	size_t body_len;
	int64_t duration_ms;    // real
	int64_t date_ms;        // the server's Date header, 0 if none
	int64_t retry_after_ms; // Retry-After, -1 if none
	int64_t rate_remaining; // X-Ratelimit-Remaining, -1 if none
};

typedef void (*http_fn)(void *data, const struct http_answer *answer);

struct http *http_create(struct loop *loop, const struct http_options *options,
		struct err *err) __attribute__((warn_unused_result));

/*
 * Cancels what is in flight: its callbacks are never called.  Accepts NULL.
 * Never from inside a callback.
 */
void http_destroy(struct http *http);

/*
 * Begin @call; @fn is called once, from the loop, never before this returns.
 * Returns the handle for http_cancel(), valid until @fn is called.  While it
 * is in flight the run clock stands still.
 */
struct http_request *http_start(struct http *http, const struct http_call *call,
		http_fn fn, void *data);

/* Forget it: @fn will not be called.  Accepts NULL.  Not the one being told. */
void http_cancel(struct http_request *request);

#endif
