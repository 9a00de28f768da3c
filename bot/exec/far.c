#include "exec/far.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/sha256.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "exec/attemptfolder.h"
#include "exec/attend.h"
#include "exec/hearing.h"
#include "exec/ssh.h"
#include "exec/stepfolder.h"
#include "loop/loop.h"
#include "sys/fd.h"
#include "sys/log.h"

#define CALL_MS      20000 // of a call that does not follow, real
#define BACKOFF_MS   500
#define BACKOFF_MAX  10000
#define BRINGS_MOST  2
#define PROGRAM_MAX  ((size_t)64 * 1024 * 1024)
#define LOG_SLACK    ((size_t)1024 * 1024) // beyond the cap: remarks
#define LOG_CAP      ((size_t)50 * 1024 * 1024)
#define EXIT_NO_HOME 93
#define EXIT_OTHER   94 // another kind of machine
#define EXIT_CUT     95 // steprun did not arrive whole
#define EXIT_NO_RUN  96
#define EXIT_MISSING 97 // steprun is not there

/* $1: steprun's name there; the rest is for it. */
static const char run_script[] =
		"umask 077; cd \"$HOME\" || exit 93\n"
		"f=.bridgekeeper/bin/$1; [ -x \"$f\" ] || exit 97\n"
		"shift; exec \"./$f\" --far \"$@\"";

/* $1: its name, $2: its SHA-256, $3: for what machine; itself on stdin. */
static const char bring_script[] =
		"umask 077; cd \"$HOME\" || exit 93\n"
		"[ \"$(uname -sm)\" = \"$3\" ] || { uname -sm >&2; exit 94; }\n"
		"mkdir -p .bridgekeeper/bin && cd .bridgekeeper/bin || exit 93\n"
		"t=$1.$$; trap 'rm -f \"$t\"' EXIT\n"
		"cat > \"$t\" && [ \"$(sha256sum < \"$t\")\" = \"$2  -\" ] || exit 95\n"
		"chmod 700 \"$t\" && \"./$t\" --far hello || exit 96\n"
		"sync \"$t\" 2>/dev/null; mv -f \"$t\" \"$1\"";

enum far_call {
	CALL_NONE,
	CALL_MAKE,
	CALL_BRING,
	CALL_CANCEL,
	CALL_ATTEND,
};

struct far {
	struct loop *loop;
	struct ssh *ssh;
	const struct attempt_spec *spec;
	const char *folder;
	char *program;
	char *name;  // of steprun there
	char *there; // the attempt's folder, below the home there
	char hash[SHA256_HEX];
	size_t log_cap;
	struct far_sink sink;
	void *data;
	enum far_call calling;
	struct ssh_call *call;
	struct ssh_call *cancel_call; // beside an attend
	bool cancel_said;
	unsigned brings;
	unsigned tries;
	struct loop_timer *again;
	struct loop_timer *lost_timer;
	bool lost;     // told so
	bool answered; // told so
	char why[240]; // the last failure
	struct hearing hearing;
	bool ended;
	enum far_end end;
	char reason[240];
};

static void begin(struct far *far);

/* ---- the folder here ---- */

static char *path_in(const struct far *far, const char *name) {
	return xasprintf("%s/%s", far->folder, name);
}

static bool is_here(const struct far *far, const char *name) {
	char *path = path_in(far, name);
	bool here = access(path, F_OK) == 0;
	free(path);
	return here;
}

static bool keep(const struct far *far, const char *name, const char *bytes,
		size_t len, struct err *err) {
	char *path = path_in(far, name);
	bool ok = fd_write_file(path, bytes, len, 0600, err);
	free(path);
	return ok;
}

static off_t log_size(const struct far *far) {
	char *path = path_in(far, STEP_LOG);
	struct stat about;
	off_t size = stat(path, &about) == 0 ? about.st_size : 0;
	free(path);
	return size;
}

static bool keep_log(
		const struct far *far, const char *bytes, size_t len, struct err *err) {
	char *path = path_in(far, STEP_LOG);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	bool ok = fd >= 0 ? fd_write_all(fd, bytes, len, err)
					  : err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	fd_close(&fd);
	free(path);
	return ok;
}

/* ---- ending ---- */

static void tell_end(void *data) {
	struct far *far = data;
	far->sink.ended(far->data, far->end, far->reason);
}

static void end(struct far *far, enum far_end how, const char *reason) {
	if (far->ended) {
		return;
	}
	far->ended = true;
	far->end = how;
	snprintf(far->reason, sizeof(far->reason), "%s", reason);
	ssh_call_cancel(far->call);
	ssh_call_cancel(far->cancel_call);
	far->call = far->cancel_call = NULL;
	loop_timer_stop(far->again);
	loop_timer_stop(far->lost_timer);
	loop_defer(far->loop, tell_end, far);
}

/* ---- being reached ---- */

static void tell_reach(struct far *far) {
	const struct attempt_reach reach = {
		.lost = far->lost,
		.may_run = is_here(far, STEP_OFFERED),
		.why = far->why,
	};
	far->sink.reach(far->data, &reach);
}

static void on_lost(void *data) {
	struct far *far = data;
	if (far->why[0] == '\0') {
		snprintf(far->why, sizeof(far->why), "no answer yet");
	}
	far->lost = true;
	log_warn("step.host_lost", "attempt=%s host=%s why=\"%s\"", far->spec->id,
			far->spec->host->name, far->why);
	tell_reach(far);
}

/* It answers. */
static void reached(struct far *far) {
	bool news = far->lost || !far->answered;
	far->tries = 0;
	far->lost = false;
	far->answered = true;
	far->why[0] = '\0';
	loop_timer_stop(far->lost_timer);
	if (news) {
		tell_reach(far);
	}
}

/* From now on it is not known to answer. */
static void doubt(struct far *far) {
	if (far->tries == 0 && !far->lost) {
		loop_timer_start_real(far->lost_timer, ATTEMPT_LOST_MS);
	}
}

static void on_again(void *data) {
	begin(data);
}

static void try_later(struct far *far, const char *why) {
	int64_t delay = BACKOFF_MS;
	doubt(far);
	for (unsigned i = 0; i < far->tries && delay < BACKOFF_MAX; i++) {
		delay *= 2;
	}
	far->tries++;
	snprintf(far->why, sizeof(far->why), "%s", why);
	log_info("step.host_away", "attempt=%s host=%s why=\"%s\"", far->spec->id,
			far->spec->host->name, why);
	loop_timer_start_real(
			far->again, delay < BACKOFF_MAX ? delay : BACKOFF_MAX);
}

/* Nothing has happened, nor will it. */
static void refuse(struct far *far, const char *why) {
	const struct ssh_host *host = far->spec->host;
	bool colons = strchr(host->name, ':') != NULL;
	char *reason = host->port != 0
			? xasprintf("%s%s%s:%u: %s", colons ? "[" : "", host->name,
					  colons ? "]" : "", host->port, why)
			: xasprintf("%s: %s", host->name, why);
	end(far, FAR_NEVER, reason);
	free(reason);
}

/* Nothing that only waiting would mend: refused if nothing can have happened,
 * else it stays open, for it may be running there. */
static void blocked(struct far *far, const char *why) {
	if (is_here(far, STEP_OFFERED)) {
		try_later(far, why);
	} else {
		refuse(far, why);
	}
}

/* What was made sure of before it was to begin may not be so any more. */
static bool is_too_late(const struct far *far) {
	return far->spec->begin_by_ms > 0 &&
			loop_now_ms(far->loop) >= far->spec->begin_by_ms;
}

/* ---- hearing ---- */

/* Another connection may do better. */
static void break_off(struct far *far, const char *why) {
	ssh_call_cancel(far->call);
	far->call = NULL;
	try_later(far, why);
}

static void hear_frame(struct far *far, const struct heard *heard) {
	const char *bytes = heard->bytes;
	size_t len = heard->len;
	const char *word = heard->word;
	struct err err = { 0 };
	bool kept = true;
	if (strcmp(word, "begun") == 0) {
		kept = keep(far, STEP_STARTED, bytes, len, &err);
	} else if (strcmp(word, "published") == 0) {
		kept = keep(far, STEP_PUBLISHED, bytes, len, &err);
	} else if (strcmp(word, "status") == 0) {
		kept = keep(far, STEP_STATUS, bytes, len, &err);
		if (kept) {
			end(far, FAR_ENDED, "");
		}
	} else if (strcmp(word, "lost") == 0) {
		end(far, FAR_LOST, bytes);
	} else if (strcmp(word, "refused") == 0) {
		end(far, is_here(far, STEP_CANCEL) ? FAR_CANCELLED : FAR_NEVER, bytes);
	} else if (strcmp(word, "missing") == 0) {
		end(far, FAR_LOST,
				"its folder there is gone; it may have done its work or not");
	}
	if (!kept) { // room may come: it is there still
		break_off(far, err.text);
	}
}

static bool hear_log(
		struct far *far, const char *bytes, size_t len, struct err *err) {
	size_t cap = (far->log_cap > 0 ? far->log_cap : LOG_CAP) + LOG_SLACK;
	if ((size_t)log_size(far) + len > cap) {
		return err_set(err, ERR_REFUSED, "it sends more than it may keep");
	}
	return keep_log(far, bytes, len, err);
}

/* False: not kept. */
static bool hear(struct far *far, const struct heard *heard, struct err *err) {
	if (heard->word == NULL) {
		return true;
	}
	if (heard->whole) {
		reached(far);
	}
	if (strcmp(heard->word, "log") == 0) {
		return hear_log(far, heard->bytes, heard->len, err);
	}
	hear_frame(far, heard);
	return true;
}

static void on_output(void *data, const char *bytes, size_t len) {
	struct far *far = data;
	while (len > 0 && far->call != NULL) {
		struct heard heard;
		struct err err = { 0 };
		size_t taken = hearing_take(&far->hearing, bytes, len, &heard, &err);
		if (taken == 0 || !hear(far, &heard, &err)) {
			break_off(far, err.text);
			return;
		}
		bytes += taken;
		len -= taken;
	}
}

/* ---- calls ---- */

static void on_ended(void *data, const struct ssh_result *result);
static void on_cancel_ended(void *data, const struct ssh_result *result);

static void on_chatter(void *data, const char *bytes, size_t len) {
	(void)data;
	(void)bytes;
	(void)len;
}

static const struct ssh_sink attend_sink = { on_output, on_ended };
static const struct ssh_sink call_sink = { on_chatter, on_ended };
static const struct ssh_sink cancel_sink = { on_chatter, on_cancel_ended };

static bool start_call(struct far *far, enum far_call calling,
		const char *script, const char *const *args, int stdin_fd) {
	struct err err = { 0 };
	far->calling = calling;
	hearing_reset(&far->hearing);
	bool attends = calling == CALL_ATTEND;
	doubt(far);
	far->call = ssh_call_start(far->ssh, far->spec->host, script, args,
			stdin_fd, attends ? 0 : CALL_MS,
			attends ? &attend_sink : &call_sink, far, &err);
	if (far->call == NULL) {
		try_later(far, err.text);
	}
	return far->call != NULL;
}

static void call_make(struct far *far) {
	const char *const args[] = { far->name, "make", far->there, NULL };
	start_call(far, CALL_MAKE, run_script, args, -1);
}

static void call_cancel(struct far *far) {
	const char *const args[] = { far->name, "cancel", far->there, NULL };
	start_call(far, CALL_CANCEL, run_script, args, -1);
}

/* A file that is nowhere, for what must not be on a disk or in an argument. */
static int hidden_file(const void *bytes, size_t len, struct err *err) {
	int fd = memfd_create("spec", MFD_CLOEXEC);
	if (fd < 0) {
		err_set(err, ERR_IO, "no room in memory: %s", strerror(errno));
		return -1;
	}
	if (!fd_write_all(fd, bytes, len, err) || lseek(fd, 0, SEEK_SET) < 0) {
		fd_close(&fd);
	}
	return fd;
}

static void call_attend(struct far *far) {
	char offset[24];
	char timeout[24];
	struct str text = { 0 };
	struct err err = { 0 };
	int fd = -1;
	bool starts = far->spec->text != NULL && !is_here(far, STEP_STARTED) &&
			!is_here(far, STEP_CANCEL) && !is_too_late(far);
	if (starts) {
		bool ok = attempt_folder_format(&text, far->spec, far->log_cap, &err);
		fd = ok ? hidden_file(text.data, text.len, &err) : -1;
		explicit_bzero(text.data, text.len);
		str_finish(&text);
		if (fd < 0) {
			try_later(far, err.text);
			return;
		}
	}
	snprintf(offset, sizeof(offset), "%lld", (long long)log_size(far));
	snprintf(timeout, sizeof(timeout), "%" PRId64, far->spec->timeout_ms);
	const char *const args[] = { far->name, "attend", starts ? "start" : "look",
		offset, timeout, far->there, NULL };
	start_call(far, CALL_ATTEND, run_script, args, fd);
	fd_close(&fd);
}

char *far_machine(void) {
	struct utsname here;
	uname(&here);
	return xasprintf("%s %s", here.sysname, here.machine);
}

static void call_bring(struct far *far) {
	struct err err = { 0 };
	if (far->brings == BRINGS_MOST) {
		blocked(far, "steprun was brought there, and is gone again");
		return;
	}
	int fd = fd_open_file(far->program, &err);
	if (fd < 0) {
		blocked(far, err.text);
		return;
	}
	char *machine = far_machine();
	const char *const args[] = { far->name, far->hash, machine, NULL };
	start_call(far, CALL_BRING, bring_script, args, fd);
	free(machine);
	fd_close(&fd);
}

static bool offer(struct far *far) {
	struct err err = { 0 };
	if (!is_here(far, STEP_OFFERED) && !keep(far, STEP_OFFERED, "", 0, &err)) {
		try_later(far, err.text);
		return false;
	}
	return true;
}

/* Do what is next. */
static void begin(struct far *far) {
	bool offered = is_here(far, STEP_OFFERED);
	bool cancelled = is_here(far, STEP_CANCEL);
	if (far->ended || far->call != NULL) {
		return;
	}
	if (!offered && cancelled) {
		end(far, FAR_CANCELLED, "cancelled before it began");
	} else if (!offered && is_too_late(far)) {
		refuse(far,
				far->why[0] != '\0' ? far->why : "it did not answer in time");
	} else if (!offered) {
		call_make(far);
	} else if (cancelled && !far->cancel_said) {
		call_cancel(far);
	} else {
		call_attend(far);
	}
}

/* ---- what came of a call ---- */

static void tell_other_machine(struct far *far, const char *said) {
	char *machine = far_machine();
	char *why = xasprintf(
			"steprun cannot be run there: it is for %s, and the host is %s",
			machine, said);
	blocked(far, why);
	free(why);
	free(machine);
}

/* A call was answered, and not with 0. */
static void failed(struct far *far, const struct ssh_result *result) {
	switch (result->exit_status) {
	case EXIT_MISSING:
		call_bring(far);
		return;
	case ATTEND_USED: // the state folder here was put back from a copy
		end(far, FAR_LOST,
				"it began there for a run that my journal does not know");
		return;
	case EXIT_NO_HOME:
		blocked(far, "its user has no home folder to write in");
		return;
	case EXIT_OTHER:
		tell_other_machine(far, result->said);
		return;
	case EXIT_CUT:
		try_later(far,
				result->said[0] != '\0' ? result->said
										: "steprun did not arrive whole");
		return;
	case EXIT_NO_RUN:
	case 126:
	case 127: {
		if (result->exit_status != EXIT_NO_RUN && far->brings < BRINGS_MOST) {
			call_bring(far); // what has its name there is no program any more
			return;
		}
		char *why = xasprintf("steprun cannot be run there: %s",
				result->said[0] != '\0' ? result->said : "no reason given");
		blocked(far, why);
		free(why);
		return;
	}
	default:
		try_later(far,
				result->said[0] != '\0' ? result->said
										: "the connection ended");
	}
}

static void succeeded(struct far *far, enum far_call call) {
	reached(far);
	if (call == CALL_MAKE && (is_too_late(far) || offer(far))) {
		begin(far);
	} else if (call == CALL_CANCEL) {
		far->cancel_said = true;
		begin(far);
	} else if (call == CALL_BRING) {
		far->brings++;
		begin(far);
	} else if (call == CALL_ATTEND) {
		try_later(far, "the connection ended");
	}
}

static void on_ended(void *data, const struct ssh_result *result) {
	struct far *far = data;
	enum far_call call = far->calling;
	far->call = NULL;
	far->calling = CALL_NONE;
	if (result->end == SSH_UNREACHABLE) {
		try_later(far, result->said);
	} else if (result->end == SSH_REFUSED) {
		blocked(far, result->said);
	} else if (result->exit_status == 0) {
		succeeded(far, call);
	} else if (call == CALL_CANCEL && result->exit_status == 4) {
		far->cancel_said = true; // its folder is gone: attending tells
		begin(far);
	} else {
		failed(far, result);
	}
}

/* A cancel beside an attend: told again until it gets there. */
static void on_cancel_ended(void *data, const struct ssh_result *result) {
	struct far *far = data;
	far->cancel_call = NULL;
	far->cancel_said = result->end == SSH_DONE && result->exit_status == 0;
	if (!far->cancel_said && far->calling == CALL_ATTEND) {
		break_off(far, result->said);
	}
}

void far_cancel(struct far *far) {
	const char *const args[] = { far->name, "cancel", far->there, NULL };
	struct err err = { 0 };
	if (far->ended || far->cancel_said || far->cancel_call != NULL) {
		return;
	}
	if (!is_here(far, STEP_OFFERED)) {
		end(far, FAR_CANCELLED, "cancelled before it began");
	} else if (far->calling == CALL_ATTEND && far->call != NULL) {
		far->cancel_call = ssh_call_start(far->ssh, far->spec->host, run_script,
				args, -1, CALL_MS, &cancel_sink, far, &err);
	}
	if (err.code != ERR_NONE) {
		log_error("step.cancel", "attempt=%s why=\"%s\"", far->spec->id,
				err.text);
	}
}

/* ---- its life ---- */

static bool hash_program(struct far *far, struct err *err) {
	struct str bytes;
	str_init(&bytes, PROGRAM_MAX);
	bool ok = fd_read_file(far->program, PROGRAM_MAX, &bytes, err);
	if (ok) {
		sha256_of(str_text(&bytes), bytes.len, far->hash);
		far->name = xasprintf("steprun-%.16s", far->hash);
	}
	str_finish(&bytes);
	return ok;
}

struct far *far_start(const struct far_options *options,
		const struct attempt_spec *spec, const char *folder,
		const struct far_sink *sink, void *data) {
	struct far *far = xcalloc(1, sizeof(*far));
	struct err err = { 0 };
	*far = (struct far){
		.loop = options->loop,
		.ssh = options->ssh,
		.spec = spec,
		.folder = folder,
		.program = xstrdup(options->program),
		.there = xasprintf(
				".bridgekeeper/attempts/%s/%s", options->bridge, spec->id),
		.log_cap = options->log_cap,
		.sink = *sink,
		.data = data,
		.again = loop_timer_create(options->loop, on_again, far),
		.lost_timer = loop_timer_create(options->loop, on_lost, far),
	};
	hearing_init(&far->hearing);
	if (!hash_program(far, &err)) {
		far->name = xstrdup("steprun");
		blocked(far, err.text);
	} else {
		begin(far);
	}
	return far;
}

void far_destroy(struct far *far) {
	if (far == NULL) {
		return;
	}
	loop_cancel_deferred(far->loop, far);
	ssh_call_cancel(far->call);
	ssh_call_cancel(far->cancel_call);
	loop_timer_destroy(far->again);
	loop_timer_destroy(far->lost_timer);
	hearing_finish(&far->hearing);
	free(far->program);
	free(far->name);
	free(far->there);
	free(far);
}
