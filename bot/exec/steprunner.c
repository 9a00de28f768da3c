#include "exec/steprunner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "exec/attempt.h"
#include "exec/attemptfolder.h"
#include "exec/far.h"
#include "exec/request.h"
#include "exec/spawner.h"
#include "exec/ssh.h"
#include "exec/stepfolder.h"
#include "exec/sweep.h"
#include "loop/http.h"
#include "loop/loop.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/id.h"
#include "sys/log.h"

#define POLL_MS       50 // real, where no descriptor can tell
#define ALIVE_POLL_MS 200
#define SPAWNS_MAX    5
#define SWEEP_MOST    50        // folders removed in one turn of the loop
#define BRIDGE_NAME   ".bridge" // in the folder of attempts: no id has a dot

struct followed {
	struct followed *next;
	struct steprunner *runner;
	struct attempt_copy *copy;
	char *folder;
	int inotify_id;
	struct spawned *child; // steprun, if it is ours
	int spawns;
	int pidfd; // steprun, if it is another bot's
	struct loop_watch *watch;
	struct loop_timer *poll;
	struct request *request;
	struct far *far;
	struct clock *seat; // on the run clock, for a command that cannot sit there
	bool holds_clock;   // until it runs it must not jump
	bool ended;
	struct attempt_judged judged;
};

struct steprunner {
	struct runner base; // first
	struct loop *loop;
	struct http *http;
	char *attempts; // folder
	struct spawner *spawner;
	struct ssh *ssh;
	char *program;
	char bridge[ID_ROOM]; // this journal's name on other machines
	char *clock_path;     // "": none
	size_t log_cap;
	const struct runner_sink *sink;
	void *data;
	int inotify_fd;
	struct loop_watch *inotify_watch;
	struct followed *followed;
};

static void look(struct followed *followed);

static struct steprunner *from_base(struct runner *base) {
	return (struct steprunner *)base;
}

static char *path_in(const struct followed *followed, const char *name) {
	return xasprintf("%s/%s", followed->folder, name);
}

static bool is_there(const struct followed *followed, const char *name) {
	char *path = path_in(followed, name);
	bool there = access(path, F_OK) == 0;
	free(path);
	return there;
}

static bool is_held(const struct followed *followed, const char *name) {
	char *path = path_in(followed, name);
	bool held = step_is_locked(path);
	free(path);
	return held;
}

/* ---- the life of what is followed ---- */

static void hold_clock(struct followed *followed) {
	if (!followed->holds_clock) {
		followed->holds_clock = true;
		loop_hold_clock(followed->runner->loop);
	}
}

static void release_clock(struct followed *followed) {
	if (followed->holds_clock) {
		followed->holds_clock = false;
		loop_release_clock(followed->runner->loop);
	}
}

static void on_poll(void *data) {
	look(data);
}

static void unlink_followed(struct followed *followed) {
	struct followed **at = &followed->runner->followed;
	while (*at != NULL && *at != followed) {
		at = &(*at)->next;
	}
	if (*at != NULL) {
		*at = followed->next;
	}
}

/* Stop all that could call back for it. */
static void stop_following(struct followed *followed) {
	struct steprunner *runner = followed->runner;
	unlink_followed(followed);
	loop_cancel_deferred(runner->loop, followed);
	if (followed->inotify_id >= 0) {
		inotify_rm_watch(runner->inotify_fd, followed->inotify_id);
		followed->inotify_id = -1;
	}
	spawned_abandon(followed->child);
	followed->child = NULL;
	loop_watch_destroy(followed->watch);
	followed->watch = NULL;
	fd_close(&followed->pidfd);
	loop_timer_destroy(followed->poll);
	followed->poll = NULL;
	request_destroy(followed->request);
	followed->request = NULL;
	far_destroy(followed->far);
	followed->far = NULL;
	clock_destroy(followed->seat);
	followed->seat = NULL;
	release_clock(followed);
}

static void followed_free(struct followed *followed) {
	attempt_judged_finish(&followed->judged);
	attempt_copy_destroy(followed->copy);
	free(followed->folder);
	free(followed);
}

static struct followed *find(const struct steprunner *runner, const char *id) {
	struct followed *followed = runner->followed;
	while (followed != NULL && strcmp(followed->copy->spec.id, id) != 0) {
		followed = followed->next;
	}
	return followed;
}

static char *folder_of(const struct steprunner *runner, const char *id) {
	return xasprintf("%s/%s", runner->attempts, id);
}

static struct followed *follow(
		struct steprunner *runner, const struct attempt_spec *spec) {
	struct followed *followed = xcalloc(1, sizeof(*followed));
	*followed = (struct followed){
		.next = runner->followed,
		.runner = runner,
		.copy = attempt_copy_create(spec),
		.folder = folder_of(runner, spec->id),
		.inotify_id = -1,
		.pidfd = -1,
	};
	followed->poll = loop_timer_create(runner->loop, on_poll, followed);
	runner->followed = followed;
	return followed;
}

/* ---- telling ---- */

/* A steprun on the run clock waits for this before it leaves the clock. */
static void say_seen(const struct steprunner *runner, const char *folder) {
	if (runner->clock_path[0] == '\0') {
		return;
	}
	char *path = xasprintf("%s/%s", folder, STEP_SEEN);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	fd_close(&fd);
	free(path);
}

static void tell(void *data) {
	struct followed *followed = data;
	struct steprunner *runner = followed->runner;
	stop_following(followed);
	runner->sink->ended(
			runner->data, followed->copy->spec.id, &followed->judged.result);
	say_seen(runner, followed->folder);
	followed_free(followed);
}

static void conclude(struct followed *followed) {
	followed->ended = true;
	loop_timer_stop(followed->poll);
	release_clock(followed);
	loop_defer(followed->runner->loop, tell, followed);
}

static void conclude_status(
		struct followed *followed, const struct step_status *status) {
	attempt_judge(
			&followed->judged, &followed->copy->spec, followed->folder, status);
	conclude(followed);
}

/* What was to run, with its secrets, where no runner has taken it away. */
static void remove_spec(const char *folder) {
	char *path = xasprintf("%s/%s", folder, STEP_SPEC);
	unlink(path);
	free(path);
}

static void conclude_not_started(
		struct followed *followed, const char *reason) {
	remove_spec(followed->folder);
	attempt_judge_not_started(&followed->judged, reason, followed->folder,
			loop_now_ms(followed->runner->loop));
	conclude(followed);
}

/* A runner that died sits on the run clock as a ghost until one of its name
 * comes and goes. */
static void free_clock_seat(const struct followed *followed) {
	const struct steprunner *runner = followed->runner;
	struct err err = { 0 };
	if (runner->clock_path[0] == '\0') {
		return;
	}
	char *name = step_clock_name(followed->copy->spec.id);
	struct clock *clock = clock_join(
			runner->clock_path, name, CLOCK_ROLE_COMMAND, &err);
	if (clock == NULL) {
		log_warn("step.clock", "attempt=%s why=\"%s\"", followed->copy->spec.id,
				err.text);
	}
	clock_destroy(clock);
	free(name);
}

static void conclude_unknown_for(struct followed *followed, const char *why) {
	remove_spec(followed->folder);
	attempt_judge_unknown(&followed->judged, &followed->copy->spec,
			followed->folder, why, loop_now_ms(followed->runner->loop));
	if (followed->copy->spec.host == NULL) {
		free_clock_seat(followed);
	}
	log_warn("step.unknown", "attempt=%s", followed->copy->spec.id);
	conclude(followed);
}

static void conclude_unknown(struct followed *followed) {
	conclude_unknown_for(followed, NULL);
}

/* True if there was one. */
static bool conclude_if_status(struct followed *followed) {
	char *path = path_in(followed, STEP_STATUS);
	struct step_status status = { 0 };
	struct err err = { 0 };
	bool there = step_status_read(path, &status, &err);
	if (there) {
		conclude_status(followed, &status);
	} else if (err.code != ERR_NOT_FOUND) {
		log_error("step.status", "attempt=%s why=\"%s\"",
				followed->copy->spec.id, err.text);
		conclude_unknown(followed);
		there = true;
	}
	step_status_finish(&status);
	free(path);
	return there;
}

/* ---- starting ---- */

static void on_child_end(void *data, int exit_code, const char *said) {
	struct followed *followed = data;
	followed->child = NULL;
	bool traces = is_there(followed, STEP_STARTED) ||
			is_there(followed, STEP_STATUS);
	if (followed->ended || exit_code == STEP_EXIT_OTHER || traces) {
		look(followed);
	} else if (exit_code == STEP_EXIT_DONE) {
		conclude_unknown(followed); // it did run: its folder was emptied
	} else {
		conclude_not_started(followed,
				said[0] != '\0' ? said : "its runner did not come up");
	}
}

static bool start_child(
		struct followed *followed, const char *option, struct err *err) {
	followed->child = spawner_start(followed->runner->spawner, option,
			followed->folder, on_child_end, followed, err);
	return followed->child != NULL;
}

static void start_script(struct followed *followed) {
	struct err err = { 0 };
	if (followed->spawns == SPAWNS_MAX) {
		conclude_not_started(followed, "its runner did not come up");
		return;
	}
	followed->spawns++;
	hold_clock(followed);
	if (!attempt_folder_arm(followed->folder, &followed->copy->spec,
				followed->runner->clock_path, followed->runner->log_cap,
				&err) ||
			!start_child(followed, NULL, &err)) {
		conclude_not_started(followed, err.text);
		return;
	}
	log_info("step.spawned", "attempt=%s", followed->copy->spec.id);
}

/* ---- looking ---- */

static void poll_again(struct followed *followed, int64_t delay_ms) {
	loop_timer_start_real(followed->poll, delay_ms);
}

static void on_runner_end(void *data) {
	struct followed *followed = data;
	loop_watch_destroy(followed->watch);
	followed->watch = NULL;
	fd_close(&followed->pidfd);
	look(followed);
}

/* Be told when the runner that another bot started is gone. */
static void watch_runner(struct followed *followed) {
	struct step_mark mark = { 0 };
	struct err err = { 0 };
	if (followed->child != NULL || followed->watch != NULL) {
		return;
	}
	char *path = path_in(followed, STEP_STARTED);
	if (step_mark_read(path, &mark, &err) && mark.pid > 0) {
		followed->pidfd = (int)syscall(SYS_pidfd_open, mark.pid, 0);
	}
	// Only now the number can be trusted: it is held by the descriptor.
	if (followed->pidfd >= 0 && step_mark_is(&mark, mark.pid)) {
		followed->watch = loop_watch_create(followed->runner->loop,
				followed->pidfd, on_runner_end, followed);
	} else {
		fd_close(&followed->pidfd);
		poll_again(followed, ALIVE_POLL_MS);
	}
	free(path);
}

/* Whether what is left without a runner has to go: it was cancelled, or its
 * time is up. */
static bool must_end(const struct followed *followed) {
	char *path = path_in(followed, STEP_STARTED);
	struct step_mark mark = { 0 };
	struct err err = { 0 };
	bool late = step_mark_read(path, &mark, &err) && mark.pid > 0 &&
			loop_now_ms(followed->runner->loop) - mark.started_ms >=
					followed->copy->spec.timeout_ms;
	free(path);
	return late || is_there(followed, STEP_CANCEL);
}

static void start_undertaker(struct followed *followed) {
	struct err err = { 0 };
	if (followed->child != NULL) {
		return;
	}
	if (start_child(followed, "--end", &err)) {
		log_warn("step.ending", "attempt=%s why=\"its runner died\"",
				followed->copy->spec.id);
	} else {
		log_error("step.ending", "attempt=%s why=\"%s\"",
				followed->copy->spec.id, err.text);
	}
}

/* There is a mark: it runs, has ended, or its runner has died. */
static void look_marked(struct followed *followed) {
	release_clock(followed);
	if (is_held(followed, STEP_LOCK)) {
		watch_runner(followed);
		return;
	}
	// It held the lock since before the mark: it is gone.  In this order.
	if (conclude_if_status(followed)) {
		return;
	}
	if (!is_held(followed, STEP_ALIVE)) {
		conclude_unknown(followed);
		return;
	}
	if (must_end(followed)) {
		start_undertaker(followed);
	}
	poll_again(followed, ALIVE_POLL_MS);
}

static void look_unmarked(struct followed *followed) {
	if (is_held(followed, STEP_LOCK)) {
		hold_clock(followed);
		poll_again(followed, POLL_MS);
		return;
	}
	if (is_there(followed, STEP_STARTED) || is_there(followed, STEP_STATUS)) {
		poll_again(followed, 0); // it came between two looks
		return;
	}
	if (followed->child == NULL) {
		start_script(followed);
	}
}

static void on_request_end(void *data) {
	struct followed *followed = data;
	request_destroy(followed->request);
	followed->request = NULL;
	look(followed);
}

static bool refuse_cancelled(struct followed *followed) {
	struct err err = { 0 };
	if (!request_refuse(followed->runner->loop, followed->folder, &err)) {
		conclude_not_started(followed, err.text);
		return false;
	}
	return true;
}

static void look_request(struct followed *followed) {
	struct steprunner *runner = followed->runner;
	struct err err = { 0 };
	if (followed->request != NULL) {
		return;
	}
	if (is_there(followed, STEP_STARTED)) {
		conclude_unknown(followed); // ours died with the bot that sent it
		return;
	}
	if (is_there(followed, STEP_CANCEL)) {
		if (refuse_cancelled(followed) && !conclude_if_status(followed)) {
			conclude_not_started(followed, "its result cannot be read");
		}
		return;
	}
	followed->request = request_start(runner->loop, runner->http,
			&followed->copy->spec, followed->folder, on_request_end, followed,
			&err);
	if (followed->request == NULL) {
		conclude_not_started(followed, err.text);
	}
}

static void conclude_far(
		struct followed *followed, enum far_end end, const char *reason) {
	switch (end) {
	case FAR_ENDED:
		if (!conclude_if_status(followed)) {
			conclude_unknown(followed);
		}
		return;
	case FAR_LOST:
		conclude_unknown_for(followed, reason);
		return;
	case FAR_CANCELLED:
		if (refuse_cancelled(followed) && !conclude_if_status(followed)) {
			conclude_not_started(followed, "its result cannot be read");
		}
		return;
	case FAR_NEVER:
		conclude_not_started(followed, reason);
		return;
	}
}

static void on_far_ended(void *data, enum far_end end, const char *reason) {
	struct followed *followed = data;
	if (!followed->ended) { // its status may have been seen in the folder
		conclude_far(followed, end, reason);
	}
	far_destroy(followed->far); // owns the reason
	followed->far = NULL;
}

static void on_far_reach(void *data, const struct attempt_reach *reach) {
	struct followed *followed = data;
	struct steprunner *runner = followed->runner;
	if (runner->sink->reach != NULL) {
		runner->sink->reach(runner->data, followed->copy->spec.id, reach);
	}
}

/* While it runs there the run clock goes no faster than for one here. */
static void take_seat(struct followed *followed) {
	const struct steprunner *runner = followed->runner;
	struct err err = { 0 };
	if (runner->clock_path[0] == '\0') {
		return;
	}
	char *name = step_clock_name(followed->copy->spec.id);
	followed->seat = clock_join(
			runner->clock_path, name, CLOCK_ROLE_COMMAND, &err);
	if (followed->seat != NULL) {
		clock_set_idle(followed->seat, CLOCK_NEVER);
	} else {
		log_warn("step.clock", "attempt=%s why=\"%s\"", followed->copy->spec.id,
				err.text);
	}
	free(name);
}

static void look_far(struct followed *followed) {
	static const struct far_sink far_sink = { on_far_ended, on_far_reach };
	struct steprunner *runner = followed->runner;
	if (followed->far != NULL) {
		return;
	}
	const struct far_options options = {
		.loop = runner->loop,
		.ssh = runner->ssh,
		.program = runner->program,
		.bridge = runner->bridge,
		.log_cap = runner->log_cap,
	};
	take_seat(followed);
	followed->far = far_start(&options, &followed->copy->spec, followed->folder,
			&far_sink, followed);
}

/* See what is in the folder and act on it.  May be called at any time. */
static void look(struct followed *followed) {
	if (followed->ended || conclude_if_status(followed)) {
		return;
	}
	if (followed->copy->spec.host != NULL) {
		look_far(followed);
	} else if (is_there(followed, STEP_OFFERED)) {
		conclude_unknown_for(
				followed, "its host is no longer one of the config's");
	} else if (followed->copy->spec.kind == ATTEMPT_HTTP) {
		look_request(followed);
	} else if (is_there(followed, STEP_STARTED)) {
		look_marked(followed);
	} else {
		look_unmarked(followed);
	}
}

static void look_at_all(struct steprunner *runner, int inotify_id) {
	struct followed *followed = runner->followed;
	while (followed != NULL) {
		struct followed *next = followed->next; // look() frees nothing
		if (inotify_id < 0 || followed->inotify_id == inotify_id) {
			look(followed);
		}
		followed = next;
	}
}

static void on_inotify(void *data) {
	struct steprunner *runner = data;
	_Alignas(struct inotify_event) char bytes[8192];
	ssize_t n = 0;
	while ((n = read(runner->inotify_fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *event = (const void *)(bytes + at);
			at += (ssize_t)(sizeof(*event) + event->len);
			if ((event->mask & IN_Q_OVERFLOW) != 0) {
				look_at_all(runner, -1);
			} else if ((event->mask & IN_IGNORED) == 0) {
				look_at_all(runner, event->wd);
			}
		}
	}
}

/* ---- the interface ---- */

/* Whether anything of it has begun, as far as its folder tells. */
static bool has_traces(const struct followed *followed) {
	return is_held(followed, STEP_LOCK) || is_there(followed, STEP_STARTED) ||
			is_there(followed, STEP_STATUS) || is_there(followed, STEP_OFFERED);
}

static bool steprunner_prepare(
		struct runner *base, const char *id, struct err *err) {
	if (!attempt_id_is_good(id)) {
		return err_set(err, ERR_INVALID, "its id is no name for a folder");
	}
	/* What is not on record as started has not begun: this is of a run by the
	 * same name, from before the journal was put back from a copy. */
	struct followed probe = { .folder = folder_of(from_base(base), id) };
	bool lost = has_traces(&probe);
	bool ok = attempt_folder_make(probe.folder, err) &&
			(!lost || attempt_folder_give_up(probe.folder, err));
	free(probe.folder);
	return ok;
}

static void steprunner_ensure(
		struct runner *base, const struct attempt_spec *spec) {
	struct steprunner *runner = from_base(base);
	struct err err = { 0 };
	if (find(runner, spec->id) != NULL) {
		return;
	}
	struct followed *followed = follow(runner, spec);
	if (!attempt_id_is_good(spec->id)) {
		conclude_not_started(followed, "its id is no name for a folder");
		return;
	}
	if (is_there(followed, STEP_LOST)) {
		conclude_unknown_for(
				followed, "it began for a run that my journal does not know");
		return;
	}
	if (!has_traces(followed) && !attempt_folder_is_whole(followed->folder)) {
		conclude_unknown_for(followed,
				"its folder is gone; it may have done its work or not");
		return;
	}
	followed->inotify_id = inotify_add_watch(
			runner->inotify_fd, followed->folder, IN_CREATE | IN_MOVED_TO);
	if (followed->inotify_id < 0) {
		// It could be started, but nobody would hear of its end.
		err_set(&err, ERR_IO, "cannot watch its folder: %s", strerror(errno));
		conclude_not_started(followed, err.text);
		return;
	}
	look(followed);
}

static void steprunner_cancel(struct runner *base, const char *id) {
	struct steprunner *runner = from_base(base);
	struct followed *followed = find(runner, id);
	struct err err = { 0 };
	if (!attempt_id_is_good(id)) {
		return;
	}
	char *folder = folder_of(runner, id);
	if (!attempt_folder_cancel(folder, &err)) {
		log_error("step.cancel", "attempt=%s why=\"%s\"", id, err.text);
	}
	if (followed == NULL) {
		remove_spec(folder); // else its runner does, and tells of the cancel
	}
	if (followed != NULL && followed->request != NULL) {
		request_cancel(followed->request);
		followed->request = NULL;
		look(followed);
	} else if (followed != NULL && followed->far != NULL) {
		far_cancel(followed->far);
	}
	free(folder);
}

static void steprunner_forget(struct runner *base, const char *id) {
	struct followed *followed = find(from_base(base), id);
	if (followed != NULL) {
		stop_following(followed);
		say_seen(followed->runner, followed->folder);
		followed_free(followed);
	}
}

static bool steprunner_has_begun(struct runner *base, const char *id) {
	struct steprunner *runner = from_base(base);
	if (!attempt_id_is_good(id)) {
		return false;
	}
	struct followed probe = { .folder = folder_of(runner, id) };
	bool begun = has_traces(&probe) || !attempt_folder_is_whole(probe.folder);
	free(probe.folder);
	return begun;
}

struct sweeping {
	const struct steprunner *runner;
	bool (*may_go)(void *data, const char *id);
	void *data;
};

static bool may_sweep(void *data, const char *id) {
	const struct sweeping *sweeping = data;
	return find(sweeping->runner, id) == NULL &&
			sweeping->may_go(sweeping->data, id);
}

static bool steprunner_sweep(struct runner *base,
		bool (*may_go)(void *data, const char *id), void *data) {
	const struct steprunner *runner = from_base(base);
	struct sweeping sweeping = { runner, may_go, data };
	return sweep_attempts(runner->attempts, SWEEP_MOST, may_sweep, &sweeping) ==
			SWEEP_MOST;
}

static void steprunner_destroy(struct runner *base) {
	struct steprunner *runner = from_base(base);
	while (runner->followed != NULL) {
		struct followed *followed = runner->followed;
		stop_following(followed);
		followed_free(followed);
	}
	spawner_destroy(runner->spawner);
	ssh_destroy(runner->ssh);
	loop_watch_destroy(runner->inotify_watch);
	fd_close(&runner->inotify_fd);
	free(runner->attempts);
	free(runner->clock_path);
	free(runner->program);
	free(runner);
}

static const struct runner_api steprunner_api = {
	.prepare = steprunner_prepare,
	.ensure = steprunner_ensure,
	.cancel = steprunner_cancel,
	.forget = steprunner_forget,
	.has_begun = steprunner_has_begun,
	.sweep = steprunner_sweep,
	.destroy = steprunner_destroy,
};

/* Two journals must not meet on another machine: each has a name of its own,
 * as long as its attempts are kept. */
static bool name_bridge(
		const char *attempts, char bridge[ID_ROOM], struct err *err) {
	char *path = xasprintf("%s/%s", attempts, BRIDGE_NAME);
	struct str text = { 0 };
	struct err why = { 0 };
	bool ok = fd_read_file(path, ID_LEN, &text, &why);
	if (ok && text.len == ID_LEN) {
		memcpy(bridge, text.data, ID_ROOM);
	} else if (ok || why.code == ERR_NOT_FOUND) {
		id_make(bridge);
		ok = fd_write_file(path, bridge, ID_LEN, 0600, err);
	} else {
		*err = why;
	}
	str_finish(&text);
	free(path);
	return ok;
}

struct runner *steprunner_create(const struct steprunner_options *options,
		const struct runner_sink *sink, void *data, struct err *err) {
	char *program = options->program != NULL ? xstrdup(options->program)
											 : spawner_find_program(err);
	char *attempts = xasprintf("%s/attempts", options->state_dir);
	char bridge[ID_ROOM] = "";
	int inotify_fd = -1;
	if (program == NULL || !attempt_folder_make_parent(attempts, err) ||
			!name_bridge(attempts, bridge, err)) {
		goto fail;
	}
	inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (inotify_fd < 0) {
		err_set(err, ERR_IO, "cannot watch folders: %s", strerror(errno));
		goto fail;
	}
	struct steprunner *runner = xcalloc(1, sizeof(*runner));
	*runner = (struct steprunner){
		.base = { .api = &steprunner_api },
		.loop = options->loop,
		.http = options->http,
		.attempts = attempts,
		.spawner = spawner_create(options->loop, program),
		.clock_path = options->clock_path != NULL
				? attempt_folder_absolute(options->clock_path)
				: xstrdup(""),
		.log_cap = options->log_cap,
		.sink = sink,
		.data = data,
		.inotify_fd = inotify_fd,
		.ssh = ssh_create(options->loop, options->state_dir),
		.program = program,
	};
	memcpy(runner->bridge, bridge, ID_ROOM);
	runner->inotify_watch = loop_watch_create(
			options->loop, inotify_fd, on_inotify, runner);
	return &runner->base;

fail:
	free(attempts);
	free(program);
	return NULL;
}
