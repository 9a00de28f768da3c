#include "exec/attempt.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "codec/condition.h"
#include "exec/mask.h"
#include "exec/ssh.h"
#include "exec/steplog.h"
#include "sys/fd.h"

#define ID_MAX_BYTES   200
#define TAIL_MAX_BYTES ((size_t)4096)
#define OUTPUT_MAX     ((size_t)64 * 1024 * 1024)

struct attempt_block {
	struct attempt_block *next;
	void *memory;
	size_t len;
};

static void *keep(struct attempt_copy *copy, void *memory, size_t len) {
	struct attempt_block *block = xcalloc(1, sizeof(*block));
	*block = (struct attempt_block){ copy->blocks, memory, len };
	copy->blocks = block;
	return memory;
}

static const char *keep_text(struct attempt_copy *copy, const char *text) {
	return text != NULL ? keep(copy, xstrdup(text), strlen(text)) : NULL;
}

static const char *const *keep_list(
		struct attempt_copy *copy, const char *const *list) {
	size_t count = 0;
	while (list != NULL && list[count] != NULL) {
		count++;
	}
	const char **kept = xcalloc(count + 1, sizeof(*kept));
	for (size_t i = 0; i < count; i++) {
		kept[i] = keep_text(copy, list[i]);
	}
	return keep(copy, kept, 0);
}

static const struct ssh_host *keep_host(
		struct attempt_copy *copy, const struct ssh_host *host) {
	if (host == NULL) {
		return NULL;
	}
	struct ssh_host *kept = xcalloc(1, sizeof(*kept));
	*kept = (struct ssh_host){
		.name = keep_text(copy, host->name),
		.user = keep_text(copy, host->user),
		.port = host->port,
		.key = keep_text(copy, host->key),
		.known_hosts = keep_text(copy, host->known_hosts),
	};
	return keep(copy, kept, 0);
}

struct attempt_copy *attempt_copy_create(const struct attempt_spec *spec) {
	struct attempt_copy *copy = xcalloc(1, sizeof(*copy));
	copy->spec = (struct attempt_spec){
		.id = keep_text(copy, spec->id),
		.kind = spec->kind,
		.text = keep_text(copy, spec->text),
		.workdir = keep_text(copy, spec->workdir),
		.env = keep_list(copy, spec->env),
		.masked = keep_list(copy, spec->masked),
		.conditions = keep_list(copy, spec->conditions),
		.sets = keep_list(copy, spec->sets),
		.may_set = keep_list(copy, spec->may_set),
		.timeout_ms = spec->timeout_ms,
		.grace_ms = spec->grace_ms,
		.host = keep_host(copy, spec->host),
		.begin_by_ms = spec->begin_by_ms,
	};
	return copy;
}

void attempt_copy_destroy(struct attempt_copy *copy) {
	if (copy == NULL) {
		return;
	}
	while (copy->blocks != NULL) {
		struct attempt_block *block = copy->blocks;
		copy->blocks = block->next;
		explicit_bzero(block->memory, block->len);
		free(block->memory);
		free(block);
	}
	free(copy);
}

bool attempt_id_is_good(const char *id) {
	size_t len = strspn(id,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._"
			"-");
	return len > 0 && len <= ID_MAX_BYTES && id[len] == '\0' && id[0] != '.';
}

void attempt_judged_finish(struct attempt_judged *judged) {
	published_finish(&judged->published);
	free(judged->reason);
	free(judged->tail);
	free(judged->log_path);
	*judged = (struct attempt_judged){ 0 };
}

/* ---- judging ---- */

static bool needs_output(const char *const *conditions) {
	for (size_t i = 0; conditions != NULL && conditions[i] != NULL; i++) {
		struct err err = { 0 };
		size_t column = 0;
		struct condition *condition = condition_parse(
				conditions[i], &column, &err);
		bool needs = condition != NULL &&
				(condition_kind(condition) == CONDITION_CONTAINS ||
						condition_kind(condition) == CONDITION_MATCHES ||
						condition_kind(condition) == CONDITION_JSON);
		condition_free(condition);
		if (needs) {
			return true;
		}
	}
	return false;
}

/* Why part of the output is not there; NULL if all of it is. */
static const char *missing_part(
		const struct step_status *status, char *text, size_t size) {
	if (status->log_error != 0) {
		snprintf(text, size, "the output could not be kept: %s",
				strerror(status->log_error));
		return text;
	}
	if (status->left_out > 0) {
		snprintf(text, size, "%" PRIu64 " bytes of the output were left out",
				status->left_out);
		return text;
	}
	return NULL;
}

static bool conditions_hold(const struct attempt_spec *spec,
		const char *log_path, const struct step_status *status,
		struct err *err) {
	char missing[160];
	struct str output;
	str_init(&output, OUTPUT_MAX);
	struct condition_subject subject = {
		.http = spec->kind == ATTEMPT_HTTP,
		.exit_status = status->exit_status,
		.http_status = status->http_status,
		.duration_ms = status->took_ms,
		.output_missing = missing_part(status, missing, sizeof(missing)),
	};
	bool ok = true;
	if (needs_output(spec->conditions)) {
		ok = spec->kind == ATTEMPT_HTTP
				? fd_read_file(log_path, OUTPUT_MAX, &output, err)
				: steplog_read_output(log_path, &output, err);
	}
	subject.output = str_text(&output);
	subject.output_len = output.len;
	ok = ok && condition_all_hold(spec->conditions, &subject, err);
	str_finish(&output);
	return ok;
}

static void say(struct attempt_judged *judged, const char *reason) {
	free(judged->reason);
	judged->reason = xstrdup(reason);
	judged->result.reason = judged->reason;
}

static void say_signal(struct attempt_judged *judged, int number) {
	const char *name = sigabbrev_np(number);
	char text[40];
	if (name != NULL) {
		snprintf(text, sizeof(text), "killed by SIG%s", name);
	} else {
		snprintf(text, sizeof(text), "killed by signal %d", number);
	}
	say(judged, text);
}

static void say_timeout(struct attempt_judged *judged, int64_t timeout_ms) {
	char text[64];
	long long seconds = timeout_ms / 1000;
	if (seconds >= 60 && seconds % 60 == 0) {
		snprintf(text, sizeof(text), "did not end within %lldm", seconds / 60);
	} else if (seconds > 0) {
		snprintf(text, sizeof(text), "did not end within %llds", seconds);
	} else {
		snprintf(text, sizeof(text), "did not end within %lldms",
				(long long)timeout_ms);
	}
	say(judged, text);
}

static void judge_success(struct attempt_judged *judged,
		const struct attempt_spec *spec, const struct step_status *status,
		const struct err *published_err) {
	struct err err = { 0 };
	judged->result.end = ATTEMPT_FAILED;
	if (!conditions_hold(spec, judged->log_path, status, &err)) {
		say(judged, err.text);
	} else if (published_err->code != ERR_NONE) {
		say(judged, published_err->text);
	} else if (!published_as_declared(
					   &judged->published, spec->sets, spec->may_set, &err)) {
		say(judged, err.text);
	} else {
		judged->result.end = ATTEMPT_OK;
	}
}

static void judge_end(struct attempt_judged *judged,
		const struct attempt_spec *spec, const struct step_status *status,
		const struct err *published_err) {
	struct attempt_result *result = &judged->result;
	switch (status->end) {
	case STEP_EXITED:
	case STEP_ANSWERED:
		judge_success(judged, spec, status, published_err);
		return;
	case STEP_SIGNALLED:
		result->end = ATTEMPT_FAILED;
		say_signal(judged, status->signal);
		return;
	case STEP_TIMED_OUT:
		result->end = ATTEMPT_TIMED_OUT;
		say_timeout(judged, spec->timeout_ms);
		return;
	case STEP_CANCELLED:
		result->end = ATTEMPT_CANCELLED;
		say(judged, status->reason[0] != '\0' ? status->reason : "cancelled");
		return;
	case STEP_NOT_STARTED:
		result->end = ATTEMPT_NOT_STARTED;
		say(judged, status->reason);
		return;
	case STEP_UNANSWERED:
		result->end = ATTEMPT_FAILED;
		say(judged, status->reason);
		return;
	case STEP_BROKEN:
		result->end = ATTEMPT_UNKNOWN;
		say(judged, status->reason);
		return;
	}
}

static void open_result(struct attempt_judged *judged, const char *folder) {
	*judged = (struct attempt_judged){ 0 };
	judged->log_path = xasprintf("%s/%s", folder, STEP_LOG);
	say(judged, "");
	judged->result.exit_status = -1;
	judged->result.log_path = judged->log_path;
}

static void take_tail(struct attempt_judged *judged, enum attempt_kind kind,
		const char *recent) {
	struct str tail = { 0 };
	struct str body = { 0 };
	struct err err = { 0 };
	if (kind == ATTEMPT_HTTP) {
		if (fd_read_file(judged->log_path, OUTPUT_MAX, &body, &err)) {
			steplog_tail_of(str_text(&body), body.len, &tail, TAIL_MAX_BYTES);
		}
	} else if (recent != NULL) {
		steplog_tail_of_log(recent, strlen(recent), &tail, TAIL_MAX_BYTES);
	} else {
		steplog_read_tail(judged->log_path, &tail, TAIL_MAX_BYTES);
	}
	judged->tail = str_take(&tail);
	judged->result.tail = judged->tail;
	str_finish(&body);
}

/* What is published goes on record, and is shown before a rollback. */
static bool is_fit(const struct published *published, const char *const *masked,
		struct err *err) {
	struct mask *mask = mask_create(masked);
	bool fit = true;
	for (size_t i = 0; i < published->count && fit; i++) {
		if (mask_finds(mask, published->values[i].value)) {
			fit = err_set(err, ERR_REFUSED,
					"`%.60s=` in $BRIDGE_OUTPUT holds a secret: it would be on "
					"record",
					published->values[i].name);
		}
	}
	mask_destroy(mask);
	return fit;
}

static void take_published(struct attempt_judged *judged,
		const struct attempt_spec *spec, const char *folder, struct err *err) {
	char *path = xasprintf("%s/%s", folder, STEP_PUBLISHED);
	if (!published_read(path, &judged->published, err)) {
		free(path);
		return;
	}
	if (is_fit(&judged->published, spec->masked, err)) {
		judged->result.values = judged->published.values;
		judged->result.value_count = judged->published.count;
	} else {
		published_finish(&judged->published);
		unlink(path);
	}
	free(path);
}

void attempt_judge(struct attempt_judged *judged,
		const struct attempt_spec *spec, const char *folder,
		const struct step_status *status) {
	struct err published_err = { 0 };
	open_result(judged, folder);
	judged->result.exit_status = status->exit_status;
	judged->result.signal = status->signal;
	judged->result.http_status = status->http_status;
	judged->result.started_ms = status->started_ms;
	judged->result.ended_ms = status->ended_ms;
	judged->result.lines = status->lines;
	take_tail(judged, spec->kind, status->recent);
	take_published(judged, spec, folder, &published_err);
	judge_end(judged, spec, status, &published_err);
}

void attempt_judge_unknown(struct attempt_judged *judged,
		const struct attempt_spec *spec, const char *folder, const char *why,
		int64_t now_ms) {
	struct err err = { 0 };
	struct step_mark mark = { 0 };
	char *path = xasprintf("%s/%s", folder, STEP_STARTED);
	open_result(judged, folder);
	judged->result.end = ATTEMPT_UNKNOWN;
	judged->result.started_ms = step_mark_read(path, &mark, &err) &&
					mark.started_ms > 0
			? mark.started_ms
			: now_ms;
	judged->result.ended_ms = now_ms;
	if (spec->kind == ATTEMPT_SH) {
		judged->result.lines = steplog_count_lines(judged->log_path);
	}
	take_tail(judged, spec->kind, NULL);
	take_published(judged, spec, folder, &err);
	if (why == NULL) {
		why = spec->kind == ATTEMPT_SH
				? "its runner died; it may have done its work or not"
				: "the bot died while it was under way; it may have been "
				  "received or not";
	}
	say(judged, why);
	free(path);
}

void attempt_judge_not_started(struct attempt_judged *judged,
		const char *reason, const char *folder, int64_t now_ms) {
	open_result(judged, folder);
	judged->result.end = ATTEMPT_NOT_STARTED;
	judged->result.started_ms = now_ms;
	judged->result.ended_ms = now_ms;
	judged->tail = xstrdup("");
	judged->result.tail = judged->tail;
	say(judged, reason);
}
