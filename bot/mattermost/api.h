#ifndef API_H
#define API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "loop/http.h"
#include "mattermost/address.h"
#include "mattermost/server.h"

struct loop;
struct secret;

/*
 * REST v4 requests to one Mattermost, each judged to be done, not done, in
 * doubt or refused for good.  A 429 makes every request wait for as long as
 * its Retry-After says; a request that is waiting holds the run clock.  The
 * token never gets into an error's text, whatever the server echoes.
 */

struct api;
struct api_request;

struct api_options {
	struct address address;
	const struct secret *token; // borrowed until destroy
	const char *ca_file;
	const char *proxy;
	int64_t refused_ms; // what AGAIN waits for after a 401
	/* Told from the loop after any 401.  May be NULL. */
	void (*refused)(void *data);
	void *data;
};

struct api_call {
	enum http_method method;
	const char *path;        // behind /api/v4, with the query
	const char *body;        // JSON; NULL: none
	const char *upload_file; // multipart; NULL: none
	const char *upload_name;
	const char *const *form; // further fields of the upload
	int64_t timeout_ms;      // 0: 30 s
	http_body_fn body_fn;    // as in http.h; the answer's body is then ""
	void *body_data;
};

struct api_answer {
	enum server_result result;
	int64_t retry_ms;   // AGAIN: 0 where the server named no time
	int status;         // 0: no HTTP answer
	const char *body;   // valid until the callback returns
	int64_t date_ms;    // the server's clock; 0: not said
	char error_id[128]; // "" if none
	struct err err;     // unless OK
};

typedef void (*api_fn)(void *data, const struct api_answer *answer);

struct api *api_create(struct loop *loop, const struct api_options *options,
		struct err *err) __attribute__((warn_unused_result));

/* Cancels what is waiting or in flight.  Never from a callback. */
void api_destroy(struct api *api);

/*
 * Everything in @call is copied.  @fn is called once, from the loop, never
 * before this returns; the handle is valid until then.
 */
struct api_request *api_start(
		struct api *api, const struct api_call *call, api_fn fn, void *data);

/* @fn will not be called.  Accepts NULL. */
void api_cancel(struct api_request *request);

/* When the server last answered us as ours (2xx), real monotonic ms; 0: never. */
int64_t api_last_answer_ms(const struct api *api);
/* The same, for an answer that came over the websocket. */
void api_note_answer(struct api *api);

/* The last Date header and what has passed since, ms; 0: none yet. */
int64_t api_server_time_ms(const struct api *api);

#endif
