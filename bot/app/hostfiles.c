#include "app/hostfiles.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/ssh_way.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "exec/ssh.h"
#include "loop/loop.h"

#define READ_MS    15000 // of one host, real
#define ANSWER_MAX ((size_t)1024 * 1024)
#define GIT \
	"GIT_OPTIONAL_LOCKS=0 git -c core.fsmonitor=false -c core.hooksPath=/dev/null "

/* $1: the workdir; then patterns.  Says a line a finding, and `end`. */
static const char script[] =
		"LC_ALL=C; export LC_ALL; printf '\\nbegin\\n'; w=$1; shift\n"
		"cd -- \"$w\" 2>/dev/null || { echo nowhere; echo end; exit; }\n"
		"IFS=; for p; do n=; for f in $p; do\n"
		"[ -e \"$f\" ] || continue; n=1\n"
		"[ -f \"$f\" ] && h=$(sha256sum < \"$f\") &&\n"
		"printf 'file %.64s %s\\n' \"$h\" \"$f\" || printf 'bad %s\\n' \"$f\"\n"
		"done; [ \"$n\" ] || printf 'none %s\\n' \"$p\"; done\n"
		"c=$(" GIT "rev-parse --verify HEAD 2>/dev/null) &&\n"
		"printf 'commit %s\\n' \"$c\" &&\n"
		"[ \"$(" GIT "status --porcelain --untracked-files=no 2>/dev/null |\n"
		"head -c 1)\" ] && echo dirty\n"
		"echo end";

/* One host of one target, while it is asked. */
struct question {
	struct question *next;
	struct hostfiles *hostfiles;
	struct reading *reading; // becomes the last one once it is done
	struct ssh_call *call;
	struct str answer;
};

struct hostfiles {
	struct loop *loop;
	struct ssh *ssh;
	struct readings readings;
	struct question *questions;
	hostfiles_fn fn; // NULL: nobody waits
	void *data;
};

struct hostfiles *hostfiles_create(struct loop *loop, const char *state_dir) {
	struct hostfiles *hostfiles = xcalloc(1, sizeof(*hostfiles));
	hostfiles->loop = loop;
	hostfiles->ssh = ssh_create(loop, state_dir);
	return hostfiles;
}

static void question_free(struct question *question) {
	struct question **at = &question->hostfiles->questions;
	while (*at != question) {
		at = &(*at)->next;
	}
	*at = question->next;
	ssh_call_cancel(question->call);
	reading_destroy(question->reading);
	str_finish(&question->answer);
	free(question);
}

void hostfiles_destroy(struct hostfiles *hostfiles) {
	if (hostfiles == NULL) {
		return;
	}
	loop_cancel_deferred(hostfiles->loop, hostfiles);
	while (hostfiles->questions != NULL) {
		question_free(hostfiles->questions);
	}
	readings_finish(&hostfiles->readings);
	ssh_destroy(hostfiles->ssh);
	free(hostfiles);
}

const struct readings *hostfiles_readings(const struct hostfiles *hostfiles) {
	return &hostfiles->readings;
}

/* ---- what a host says ---- */

static void take_answer(struct question *question) {
	struct reading *reading = question->reading;
	char *text = str_take(&question->answer);
	char *rest = NULL;
	bool begun = false;
	bool ended = false;
	bool good = text != NULL;
	for (char *line = good ? strtok_r(text, "\n", &rest) : NULL;
			line != NULL && good && !ended;
			line = strtok_r(NULL, "\n", &rest)) {
		ended = begun && strcmp(line, "end") == 0;
		good = !begun || ended || reading_take_line(reading, line);
		// Before that a login shell may say what it likes.
		begun = begun || strcmp(line, "begin") == 0;
	}
	if ((!good || !ended) && reading->problem == NULL) {
		reading->problem = xstrdup("what it says of its files makes no sense");
	}
	free(text);
}

static void on_output(void *data, const char *bytes, size_t len) {
	str_add_bytes(&((struct question *)data)->answer, bytes, len);
}

static void tell(void *data) {
	struct hostfiles *hostfiles = data;
	hostfiles_fn fn = hostfiles->fn;
	hostfiles->fn = NULL;
	fn(hostfiles->data);
}

/* Its reading is done, well or not. */
static void settle(struct question *question) {
	readings_put(&question->hostfiles->readings, question->reading);
	question->reading = NULL;
	question_free(question);
}

static void answered(struct question *question) {
	struct hostfiles *hostfiles = question->hostfiles;
	settle(question);
	if (hostfiles->questions == NULL) {
		loop_defer(hostfiles->loop, tell, hostfiles);
	}
}

static void on_ended(void *data, const struct ssh_result *result) {
	struct question *question = data;
	question->call = NULL;
	if (result->end != SSH_DONE) {
		question->reading->problem = xstrdup(result->said);
		question->reading->away = result->end == SSH_UNREACHABLE;
		question->reading->unreached = true;
	} else {
		take_answer(question);
	}
	answered(question);
}

/* ---- asking ---- */

static struct question *make_question(struct hostfiles *hostfiles,
		const struct config_target *target, const struct config_host *host) {
	struct question *question = xcalloc(1, sizeof(*question));
	*question = (struct question){
		.next = hostfiles->questions,
		.hostfiles = hostfiles,
		.reading = reading_make(target->name, host->text),
	};
	str_init(&question->answer, ANSWER_MAX);
	hostfiles->questions = question;
	return question;
}

/* False with @err: it could not even be asked. */
static bool ask(struct question *question, const struct config_target *target,
		const struct config_host *host, const char *base_dir, struct err *err) {
	static const struct ssh_sink sink = { on_output, on_ended };
	const char *args[CONFIG_LIST_MAX + 2] = { target->workdir };
	for (size_t i = 0; i < target->files.count; i++) {
		args[i + 1] = target->files.items[i];
	}
	struct ssh_way way;
	ssh_way_init(&way, target, host, base_dir);
	question->call = ssh_call_start(question->hostfiles->ssh, &way.host, script,
			args, -1, READ_MS, &sink, question, err);
	ssh_way_finish(&way);
	return question->call != NULL;
}

/* Whether any is meant; each is asked. */
static bool ask_each(struct hostfiles *hostfiles,
		const struct config_target *target, const char *base_dir,
		const char *only) {
	bool any = false;
	for (size_t i = 0; i < target->host_count; i++) {
		const struct config_host *host = &target->hosts[i];
		struct err err = { 0 };
		if (only != NULL && strcmp(host->text, only) != 0) {
			continue;
		}
		struct question *question = make_question(hostfiles, target, host);
		any = true;
		if (!ask(question, target, host, base_dir, &err)) {
			question->reading->problem = xstrdup(err.text);
			question->reading->unreached = true;
			settle(question);
		}
	}
	return any;
}

bool hostfiles_read(struct hostfiles *hostfiles, const struct config *config,
		const char *base_dir, const char *name, const char *host,
		hostfiles_fn fn, void *data) {
	bool any = false;
	assert(hostfiles->fn == NULL);
	for (size_t i = 0; i < config->target_count; i++) {
		const struct config_target *target = &config->targets[i];
		if (!config_target_is_local(target) &&
				(name == NULL || strcmp(target->name, name) == 0)) {
			any = ask_each(hostfiles, target, base_dir, host) || any;
		}
	}
	if (!any) {
		return false;
	}
	hostfiles->fn = fn;
	hostfiles->data = data;
	if (hostfiles->questions == NULL) { // none could be asked
		loop_defer(hostfiles->loop, tell, hostfiles);
	}
	return true;
}
