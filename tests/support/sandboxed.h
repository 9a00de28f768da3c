#ifndef SANDBOXED_H
#define SANDBOXED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "loop/http.h"

struct loop;

/*
 * The sandbox (tests/sandbox) as a child process, and the people in it, driven
 * over its REST and its side door from the test's own loop.  The program is
 * named by SANDBOX in the environment.  Calls turn the loop until the answer is
 * there, so what runs on it goes on meanwhile.
 */

struct sandboxed;

/* @like: "11.6" or "5.37".  @scene: JSON. */
struct sandboxed *sandboxed_start(struct loop *loop, const char *like,
		const char *scene, struct err *err) __attribute__((warn_unused_result));
/* Ends it by SIGTERM.  Accepts NULL. */
void sandboxed_stop(struct sandboxed *sandbox);

const char *sandboxed_url(const struct sandboxed *sandbox);

/*
 * A request as @token ("": none).  Returns the status; *answer (if not NULL)
 * is the body, to be freed.
 */
int sandboxed_call(struct sandboxed *sandbox, const char *token,
		enum http_method method, const char *path, const char *body,
		char **answer);

/* The value of the first `"name":"…"` in @json behind @from, to be freed. */
char *sandboxed_text(const char *json, const char *from, const char *name);

/* Turn the loop for @ms real milliseconds. */
void sandboxed_pass(struct sandboxed *sandbox, int64_t ms);

#endif
