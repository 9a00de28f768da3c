#ifndef EXEC_REQUEST_H
#define EXEC_REQUEST_H

#include <stdbool.h>

#include "base/err.h"
#include "exec/runner.h"

struct http;
struct loop;

/*
 * An attempt that is an HTTP request, made by the bot itself.  It leaves in
 * its folder what a command under steprun leaves (exec/stepfolder.h): a mark
 * that is durable before a byte is sent, the body as its log, a status.  So
 * the same look at the folder tells what came of it, after a crash too.
 *
 *	(start) --> in flight --> answered --told--> (gone)
 *	                 └── request_cancel() ──────> (gone)
 */

struct request;

typedef void (*request_fn)(void *data);

/*
 * Fill the template of @spec, make the mark in @folder and send it.  @fn is
 * called once, from the loop, when a status is in the folder.  NULL with @err:
 * nothing has begun, and there is no mark.  @spec is borrowed until then.
 */
struct request *request_start(struct loop *loop, struct http *http,
		const struct attempt_spec *spec, const char *folder, request_fn fn,
		void *data, struct err *err) __attribute__((warn_unused_result));

/* Give it up and leave that as its status.  @fn is not called.  Frees it. */
void request_cancel(struct request *request);

/* Forget it, leaving a mark without a status.  Accepts NULL.  Frees it. */
void request_destroy(struct request *request);

/* Leave a status that says it was cancelled before it began. */
bool request_refuse(struct loop *loop, const char *folder, struct err *err)
		__attribute__((warn_unused_result));

#endif
