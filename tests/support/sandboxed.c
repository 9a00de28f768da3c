#include "support/sandboxed.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "loop/loop.h"

struct sandboxed {
	struct loop *loop;
	struct http *http;
	struct loop_timer *timer;
	pid_t pid;
	char scene_path[64];
	char url[128];
	int status;
	char *answer;
};

static void run_child(int out, const char *like, const char *scene_path) {
	const char *program = getenv("SANDBOX");
	if (program == NULL || dup2(out, STDOUT_FILENO) < 0) {
		_exit(127);
	}
	execl(program, program, "--port", "0", "--like", like, "--scene",
			scene_path, (char *)NULL);
	_exit(127);
}

static bool write_scene(
		struct sandboxed *sandbox, const char *scene, struct err *err) {
	snprintf(sandbox->scene_path, sizeof(sandbox->scene_path),
			"/tmp/bridgekeeper-scene-XXXXXX");
	int fd = mkstemp(sandbox->scene_path);
	size_t len = strlen(scene);
	bool ok = fd >= 0 && write(fd, scene, len) == (ssize_t)len;
	if (fd >= 0) {
		close(fd);
	}
	return ok || err_set(err, ERR_IO, "cannot write the scene");
}

/* Its first line is "sandbox: listening on URL". */
static bool read_url(struct sandboxed *sandbox, int fd, struct err *err) {
	FILE *file = fdopen(fd, "r");
	char line[256] = "";
	bool ok = file != NULL && fgets(line, sizeof(line), file) != NULL &&
			sscanf(line, "sandbox: listening on %127s", sandbox->url) == 1;
	if (file != NULL) {
		fclose(file);
	} else {
		close(fd);
	}
	return ok || err_set(err, ERR_IO, "the sandbox said `%s`", line);
}

static void stop_loop(void *data) {
	struct sandboxed *sandbox = data;
	loop_stop(sandbox->loop);
}

struct sandboxed *sandboxed_start(struct loop *loop, const char *like,
		const char *scene, struct err *err) {
	struct sandboxed *sandbox = xcalloc(1, sizeof(*sandbox));
	int out[2] = { -1, -1 };
	sandbox->loop = loop;
	sandbox->pid = -1;
	sandbox->timer = loop_timer_create(loop, stop_loop, sandbox);
	sandbox->http = http_create(loop, &(struct http_options){ 0 }, err);
	if (sandbox->http == NULL || !write_scene(sandbox, scene, err) ||
			pipe(out) != 0) {
		goto out;
	}
	sandbox->pid = fork();
	if (sandbox->pid == 0) {
		close(out[0]);
		run_child(out[1], like, sandbox->scene_path);
	}
	close(out[1]);
	if (sandbox->pid > 0 && read_url(sandbox, out[0], err)) {
		return sandbox;
	}
out:
	sandboxed_stop(sandbox);
	return NULL;
}

void sandboxed_stop(struct sandboxed *sandbox) {
	if (sandbox == NULL) {
		return;
	}
	if (sandbox->pid > 0) {
		kill(sandbox->pid, SIGTERM);
		while (waitpid(sandbox->pid, NULL, 0) < 0 && errno == EINTR) {
		}
	}
	unlink(sandbox->scene_path);
	http_destroy(sandbox->http);
	loop_timer_destroy(sandbox->timer);
	free(sandbox->answer);
	free(sandbox);
}

const char *sandboxed_url(const struct sandboxed *sandbox) {
	return sandbox->url;
}

static void on_answer(void *data, const struct http_answer *answer) {
	struct sandboxed *sandbox = data;
	sandbox->status = answer->ok ? answer->status : -1;
	free(sandbox->answer);
	sandbox->answer = xstrdup(answer->body);
	loop_stop(sandbox->loop);
}

int sandboxed_call(struct sandboxed *sandbox, const char *token,
		enum http_method method, const char *path, const char *body,
		char **answer) {
	char *url = xasprintf("%s%s", sandbox->url, path);
	char *authorization = xasprintf("Authorization: Bearer %s", token);
	const char *const headers[] = { authorization, NULL };
	const struct http_call call = {
		.method = method,
		.url = url,
		.headers = token[0] != '\0' ? headers : NULL,
		.body = body,
		.body_len = body != NULL ? strlen(body) : 0,
		.repeatable = true,
		.timeout_ms = 10000,
	};
	sandbox->status = 0;
	http_start(sandbox->http, &call, on_answer, sandbox);
	while (sandbox->status == 0) {
		loop_run(sandbox->loop);
	}
	free(url);
	free(authorization);
	if (answer != NULL) {
		*answer = xstrdup(sandbox->answer);
	}
	return sandbox->status;
}

char *sandboxed_text(const char *json, const char *from, const char *name) {
	const char *at = from != NULL ? strstr(json, from) : json;
	char *key = xasprintf("\"%s\":\"", name);
	at = at != NULL ? strstr(at, key) : NULL;
	at = at != NULL ? at + strlen(key) : "";
	free(key);
	return xstrndup(at, strcspn(at, "\""));
}

void sandboxed_pass(struct sandboxed *sandbox, int64_t ms) {
	int64_t until_ms = loop_real_now_ms(sandbox->loop) + ms;
	int64_t left_ms = ms;
	while (left_ms > 0) {
		loop_timer_start_real(sandbox->timer, left_ms);
		loop_run(sandbox->loop);
		left_ms = until_ms - loop_real_now_ms(sandbox->loop);
	}
	loop_timer_stop(sandbox->timer);
}
