#include "exec/request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "codec/http_block.h"
#include "exec/mask.h"
#include "exec/stepfolder.h"
#include "loop/http.h"
#include "loop/loop.h"
#include "sys/fd.h"
#include "sys/log.h"

#define STATUS_DRAFT "status.draft"

struct request {
	struct loop *loop;
	const struct attempt_spec *spec;
	char *folder;
	request_fn fn;
	void *data;
	enum http_method method;
	struct http_request *in_flight;
	int status_fd;
	struct mask *mask;
	struct step_status status;
};

static char *path_in(const char *folder, const char *name) {
	return xasprintf("%s/%s", folder, name);
}

static bool keep_status(const char *folder, int fd,
		const struct step_status *status, struct err *err) {
	char *from = path_in(folder, STATUS_DRAFT);
	char *to = path_in(folder, STEP_STATUS);
	bool ok = step_status_write(fd, from, to, status, err);
	free(to);
	free(from);
	return ok;
}

static int reserve(const char *folder, struct err *err) {
	char *path = path_in(folder, STATUS_DRAFT);
	int fd = step_status_reserve(path, err);
	free(path);
	return fd;
}

static enum http_method method_of(const char *name) {
	static const struct {
		const char *name;
		enum http_method method;
	} methods[] = {
		{ "GET", HTTP_GET },
		{ "POST", HTTP_POST },
		{ "PUT", HTTP_PUT },
		{ "PATCH", HTTP_PATCH },
		{ "DELETE", HTTP_DELETE },
		{ "HEAD", HTTP_HEAD },
	};
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(methods[i].name, name) == 0) {
			return methods[i].method;
		}
	}
	return HTTP_GET; // http_block_parse() lets no other name through
}

static bool is_harmless(enum http_method method) {
	return method == HTTP_GET || method == HTTP_HEAD;
}

void request_destroy(struct request *request) {
	if (request == NULL) {
		return;
	}
	http_cancel(request->in_flight);
	fd_close(&request->status_fd);
	mask_destroy(request->mask);
	free(request->folder);
	free(request);
}

/* Add @text with the secrets hidden; 0 or an errno. */
static int keep_body(struct request *request, const char *text, size_t len) {
	struct err err = { 0 };
	struct str masked = { 0 };
	char *path = path_in(request->folder, STEP_LOG);
	size_t taken = mask_add(request->mask, text, len, true, &masked);
	int error = 0;
	errno = 0;
	if (!fd_write_file(path, str_text(&masked), masked.len, 0600, &err)) {
		error = errno != 0 ? errno : EIO;
	}
	for (size_t i = 0; i < taken; i++) {
		request->status.lines += text[i] == '\n';
	}
	request->status.lines += len > 0 && text[len - 1] != '\n';
	free(path);
	str_finish(&masked);
	return error;
}

/* What was cut to fit may end within a secret: what could be the beginning of
 * one is left out. */
static void say(struct request *request, const char *text) {
	const size_t full = sizeof(((struct err *)NULL)->text) - 1;
	struct str masked = { 0 };
	size_t len = strlen(text);
	size_t taken = mask_add(request->mask, text, len, len < full, &masked);
	if (taken < len) {
		str_add(&masked, MASK_SHOWN);
	}
	snprintf(request->status.reason, sizeof(request->status.reason), "%s",
			str_text(&masked));
	str_finish(&masked);
}

/* No answer: what that means depends on whether asking again does harm. */
static void judge_failure(
		struct request *request, const struct http_answer *answer) {
	say(request, answer->err.text);
	if (answer->sent && !is_harmless(request->method)) {
		request->status.end = STEP_BROKEN;
	} else if (answer->duration_ms >= request->spec->timeout_ms) {
		request->status.end = STEP_TIMED_OUT;
	} else {
		request->status.end = STEP_UNANSWERED;
	}
}

static void on_answer(void *data, const struct http_answer *answer) {
	struct request *request = data;
	struct err err = { 0 };
	request->in_flight = NULL;
	request->status.ended_ms = loop_now_ms(request->loop);
	request->status.took_ms = answer->duration_ms;
	if (answer->ok) {
		request->status.end = STEP_ANSWERED;
		request->status.http_status = answer->status;
		request->status.log_error = keep_body(
				request, answer->body, answer->body_len);
	} else {
		judge_failure(request, answer);
	}
	if (!keep_status(
				request->folder, request->status_fd, &request->status, &err)) {
		log_error("request.status", "folder=%s why=\"%s\"", request->folder,
				err.text);
	}
	request->fn(request->data);
}

void request_cancel(struct request *request) {
	struct err err = { 0 };
	request->status.end = STEP_CANCELLED;
	request->status.ended_ms = loop_now_ms(request->loop);
	say(request, "cancelled while it was under way");
	if (!keep_status(
				request->folder, request->status_fd, &request->status, &err)) {
		log_error("request.status", "folder=%s why=\"%s\"", request->folder,
				err.text);
	}
	request_destroy(request);
}

static bool make_mark(struct request *request, struct err *err) {
	struct step_mark mark = { 0 };
	if (!step_mark_self(&mark, err)) {
		return false;
	}
	mark.started_ms = loop_now_ms(request->loop);
	request->status.started_ms = mark.started_ms;
	char *path = path_in(request->folder, STEP_STARTED);
	bool ok = step_mark_write(path, &mark, err);
	free(path);
	return ok;
}

static void send_block(struct request *request, struct http *http,
		const struct http_block *block) {
	size_t count = 0;
	while (block->headers[count] != NULL) {
		count++;
	}
	const char **headers = xcalloc(count + 2, sizeof(*headers));
	for (size_t i = 0; i < count; i++) {
		headers[i] = block->headers[i];
	}
	const char *type = http_block_implied_type(block);
	char *type_header = type != NULL ? xasprintf("Content-Type: %s", type)
									 : NULL;
	headers[count] = type_header;
	const struct http_call call = {
		.method = request->method,
		.url = block->url,
		.headers = headers,
		.body = block->body,
		.body_len = block->body != NULL ? strlen(block->body) : 0,
		.timeout_ms = request->spec->timeout_ms,
	};
	request->in_flight = http_start(http, &call, on_answer, request);
	free(type_header);
	free(headers);
}

static bool fill(const struct attempt_spec *spec, struct http_block *filled,
		struct err *err) {
	struct http_block block;
	size_t offset = 0;
	if (!http_block_parse(spec->text, &block, &offset, err)) {
		return false;
	}
	bool ok = http_block_fill(&block, spec->env, filled, err);
	http_block_finish(&block);
	return ok;
}

struct request *request_start(struct loop *loop, struct http *http,
		const struct attempt_spec *spec, const char *folder, request_fn fn,
		void *data, struct err *err) {
	struct http_block filled;
	if (!fill(spec, &filled, err)) {
		return NULL;
	}
	struct request *request = xcalloc(1, sizeof(*request));
	*request = (struct request){
		.loop = loop,
		.spec = spec,
		.folder = xstrdup(folder),
		.fn = fn,
		.data = data,
		.method = method_of(filled.method),
		.mask = mask_create(spec->masked),
		.status = { .exit_status = -1 },
	};
	request->status_fd = reserve(folder, err);
	if (request->status_fd < 0 || !make_mark(request, err)) {
		request_destroy(request);
		request = NULL;
	} else {
		send_block(request, http, &filled);
	}
	http_block_finish(&filled);
	return request;
}

bool request_refuse(struct loop *loop, const char *folder, struct err *err) {
	int fd = reserve(folder, err);
	if (fd < 0) {
		return false;
	}
	const struct step_status status = {
		.end = STEP_CANCELLED,
		.exit_status = -1,
		.started_ms = loop_now_ms(loop),
		.ended_ms = loop_now_ms(loop),
		.reason = "cancelled before it began",
	};
	bool ok = keep_status(folder, fd, &status, err);
	fd_close(&fd);
	return ok;
}
