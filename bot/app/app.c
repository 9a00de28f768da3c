#include "app/app.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/engine.h"
#include "app/hostfiles.h"
#include "app/inbox.h"
#include "app/job.h"
#include "app/logbook.h"
#include "app/outbox.h"
#include "app/source.h"
#include "app/speech.h"
#include "app/tidy.h"
#include "base/xalloc.h"
#include "exec/steprunner.h"
#include "journal/journal.h"
#include "journal/sqlite.h"
#include "loop/http.h"
#include "loop/loop.h"
#include "mattermost/client.h"
#include "sys/boot.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/secret.h"

#define LOOK_MS    2000    // between looks at the files, real time
#define TIDY_MS    3600000 // between looks for what is kept no longer, real
#define TIDY_FIRST 60000
#define TIDY_NEXT  1000 // there was more than fits in one turn
#define MARK_MS    1000 // at most so often the mark is stored
#define FIRST_MS   20   // a bot that dies young must know where it began
#define MARK_NAME  "mark"
#define MARK_ROOM  256
#define CLOCK_NAME "bot"

struct app {
	const struct app_options *options;
	struct source *source;
	struct secret *token;
	char *state_dir;
	struct clock *clock;
	struct journal *journal;
	struct loop *loop;
	struct http *http;
	struct voice *voice;
	struct server *server;
	struct runner *runner;
	struct hostfiles *hostfiles;
	struct outbox *outbox;
	struct engine *engine;
	struct inbox *inbox;
	struct loop_timer *look;
	struct loop_timer *mark_timer;
	struct loop_timer *tidy;
	struct loop_signal *signals[3];
	struct server_mark mark;
	bool mark_waits;
	bool marked; // there is a stored mark
	struct logbook logbook;
	char *texts_broken; // what is wrong with the user's templates; NULL
	struct err failure; // why it ends, unless it was told to
	bool failed;
};

/* --- the mark: how far the server was read --- */

/* What was told before the mark must be in the journal before the mark is. */
static void store_mark(struct app *app) {
	struct err err = { 0 };
	char value[MARK_ROOM];
	if (!app->mark_waits || !engine_is_drained(app->engine)) {
		return;
	}
	snprintf(value, sizeof(value), "%" PRId64 " %" PRId64 " %" PRId64 " %s",
			app->mark.read_to_ms, app->mark.changed_to_ms, app->mark.next_seq,
			app->mark.connection_id);
	if (app->journal->api->put(app->journal, MARK_NAME, value, &err)) {
		app->mark_waits = false;
		app->marked = true;
	}
}

static struct server_mark read_mark(struct journal *journal) {
	struct server_mark mark = { 0 };
	char value[MARK_ROOM];
	if (!journal->api->get(journal, MARK_NAME, value, sizeof(value)) ||
			sscanf(value, "%" SCNd64 " %" SCNd64 " %" SCNd64 " %64s",
					&mark.read_to_ms, &mark.changed_to_ms, &mark.next_seq,
					mark.connection_id) < 3) {
		/* It died before it marked anything: it may have heard nothing. */
		int64_t first_ms = inbox_first_start_ms(journal);
		return (struct server_mark){
			.read_to_ms = first_ms,
			.changed_to_ms = first_ms,
		};
	}
	return mark;
}

static void store_mark_later(struct app *app) {
	loop_timer_start_real(app->mark_timer, app->marked ? MARK_MS : FIRST_MS);
}

static void on_mark_timer(void *data) {
	struct app *app = data;
	store_mark(app);
	if (app->mark_waits) {
		store_mark_later(app);
	}
}

static void on_marked(void *data, const struct server_mark *mark) {
	struct app *app = data;
	app->mark = *mark;
	if (!app->mark_waits) {
		app->mark_waits = true;
		store_mark_later(app);
	}
}

/* --- what the server tells --- */

static void on_post(void *data, const struct server_post *post) {
	inbox_post(((struct app *)data)->inbox, post);
}

static void on_post_changed(void *data, const struct server_post *post) {
	inbox_post_changed(((struct app *)data)->inbox, post);
}

static void on_taps(void *data, const char *post_id,
		const struct server_tap *taps, size_t count) {
	inbox_taps(((struct app *)data)->inbox, post_id, taps, count);
}

static void on_online(void *data) {
	struct app *app = data;
	log_info("server.online", "url=%s",
			source_config(app->source)->config->mattermost.url);
	inbox_online(app->inbox);
	engine_online(app->engine);
}

static void on_offline(void *data, const char *why) {
	struct app *app = data;
	log_warn("server.offline", "why=\"%s\"", why);
	engine_offline(app->engine, why);
}

static void on_people_changed(void *data) {
	struct app *app = data;
	source_people_changed(app->source);
	engine_refresh(app->engine);
}

static bool on_full(void *data) {
	return engine_is_full(((struct app *)data)->engine);
}

static void on_trouble(void *data, const char *what) {
	(void)data;
	log_error("server.trouble", "what=\"%s\"", what);
}

/* --- what the others tell --- */

static void on_ended(
		void *data, const char *id, const struct attempt_result *result) {
	engine_attempt_ended(((struct app *)data)->engine, id, result);
}

static void on_reach(
		void *data, const char *id, const struct attempt_reach *reach) {
	engine_attempt_reach(((struct app *)data)->engine, id, reach);
}

/* Say @take_text in the bridge about @row, once, however often it is refused. */
static void tell_dead(
		struct app *app, const struct outbox_row *row, char *take_text) {
	struct err err = { 0 };
	char *key = xasprintf("dead/%s", row->key);
	const struct outbox_row said = {
		.key = key,
		.kind = OUTBOX_POST,
		.target = "",
		.target_post = "",
		.text = take_text,
	};
	const struct journal_batch batch = { .outbox = &said, .outbox_count = 1 };
	if (!app->journal->api->has_key(app->journal, key) &&
			app->journal->api->append(app->journal, &batch, &err) ==
					JOURNAL_APPENDED) {
		outbox_wake(app->outbox);
	}
	free(take_text);
	free(key);
}

/* A step or a poll that nobody can see must not be waited for in silence (of a
 * gate its closing tells), nor may people believe that those were called who
 * were not. */
static void on_refused(
		void *data, const struct outbox_row *row, const char *why) {
	struct app *app = data;
	if (row->kind != OUTBOX_POST) {
		return;
	}
	if (row->channel[0] != '\0') {
		tell_dead(app, row,
				xasprintf("⚠️ **Not told in ~%s:** call them another way\n"
						  "`%s`\n"
						  "For the next time add me to that channel",
						row->channel, why));
	} else if (engine_takes_taps(app->engine, row->key) &&
			strstr(row->key, "/gate/") == NULL) {
		tell_dead(app, row,
				xasprintf("⚠️ **A post could not be made**\n`%s`\n"
						  "Nobody can tap on it. `!why` tells what waits:\n"
						  "a step takes `!done` and `!fail`, a poll\n"
						  "is asked for again with `!cutover poll`",
						why));
	}
}

static void on_settled(
		void *data, const struct outbox_row *row, bool sent, const char *why) {
	struct app *app = data;
	(void)row;
	(void)sent;
	(void)why;
	engine_posted(app->engine);
}

static bool on_takes_taps(void *data, const char *key) {
	return engine_takes_taps(((struct app *)data)->engine, key);
}

static void on_broken(void *data, const struct err *err) {
	struct app *app = data;
	app->failure = *err;
	app->failed = true;
	loop_stop(app->loop);
}

/* --- files and signals --- */

/* What of the user's templates cannot be used stops nothing: the old text, or
 * the built-in one, is said in its place. */
static void tell_texts_broken(struct app *app, const char *problem) {
	const struct request request = {
		.type = REQUEST_TEXTS_BROKEN,
		.problem = problem,
	};
	log_info("source.news", "what=\"%s\"", problem);
	engine_ask(app->engine, &request, NULL);
}

static void look_at_files(struct app *app, bool force) {
	char *text = NULL;
	char *texts_broken = NULL;
	enum source_news news = source_look(app->source, force, &text);
	struct request request = { .type = REQUEST_SOURCE_CHANGED };
	switch (news) {
	case SOURCE_SAME:
		return;
	case SOURCE_CHANGED:
		texts_broken = speech_reload(app->voice, source_templates(app->source));
		request.text = text;
		break;
	case SOURCE_BROKEN:
		request.type = REQUEST_SOURCE_BROKEN;
		request.problem = text;
		break;
	}
	log_info("source.news", "what=\"%s\"",
			request.problem != NULL ? request.problem : request.text);
	engine_ask(app->engine, &request, NULL);
	if (texts_broken != NULL) {
		tell_texts_broken(app, texts_broken);
	}
	free(texts_broken);
	free(text);
}

static void on_look(void *data) {
	struct app *app = data;
	look_at_files(app, false);
	loop_timer_start_real(app->look, LOOK_MS);
}

static bool on_may_go(void *data, const char *id) {
	return tidy_may_go(data, id);
}

static void on_tidy(void *data) {
	struct app *app = data;
	struct tidy tidy = {
		.bridge = engine_bridge(app->engine),
		.id_prefix = source_prefix(app->source),
		.keep_ms = source_config(app->source)->config->bridge.keep_output_ms,
		.now_ms = loop_now_ms(app->loop),
	};
	bool more = app->runner->api->sweep(app->runner, on_may_go, &tidy);
	loop_timer_start_real(app->tidy, more ? TIDY_NEXT : TIDY_MS);
}

static void on_hangup(void *data) {
	look_at_files(data, true);
}

static void on_stop(void *data) {
	struct app *app = data;
	log_info("app.stopping", "%s", "steps go on");
	loop_stop(app->loop);
}

/* --- putting it together --- */

static bool read_token(struct app *app, struct err *err) {
	app->token = config_file_token(source_config(app->source), err);
	return app->token != NULL;
}

/* A broken runbook is no reason to leave a run that is under way, which goes on
 * by the text in the journal.  Nothing else can be done with one. */
static bool refuse_runbook(const struct app *app, struct err *err) {
	return err_set(err, ERR_INVALID, "%s", source_broken(app->source));
}

/* What was broken when the last process ended has been mended since. */
static void tell_mended(struct app *app) {
	if (engine_bridge(app->engine)->source_broken) {
		const struct request request = {
			.type = REQUEST_SOURCE_CHANGED,
			.text = "config and runbook, while I was away",
		};
		engine_ask(app->engine, &request, NULL);
	}
}

/* Likewise a broken template: the built-in text is said in its place. */
static bool has_run_for_texts(struct app *app, struct err *err) {
	if (app->texts_broken == NULL) {
		return true;
	}
	if (bridge_current(engine_bridge(app->engine)) == NULL) {
		return err_set(err, ERR_INVALID, "%s", app->texts_broken);
	}
	tell_texts_broken(app, app->texts_broken);
	return true;
}

static bool has_run_for_it(struct app *app, struct err *err) {
	const char *broken = source_broken(app->source);
	if (broken == NULL) {
		tell_mended(app);
		return true;
	}
	if (bridge_current(engine_bridge(app->engine)) == NULL) {
		return refuse_runbook(app, err);
	}
	const struct request request = {
		.type = REQUEST_SOURCE_BROKEN,
		.problem = broken,
	};
	log_info("source.news", "what=\"%s\"", broken);
	engine_ask(app->engine, &request, NULL);
	return true;
}

static bool open_journal(struct app *app, struct err *err) {
	const struct config_file *file = source_config(app->source);
	char *dir = config_file_path(file, file->config->bridge.state_dir);
	if (source_broken(app->source) != NULL && access(dir, F_OK) != 0) {
		free(dir);
		return refuse_runbook(app, err); // there was never a run
	}
	app->journal = journal_sqlite_open(dir, err);
	char *absolute = app->journal != NULL ? realpath(dir, NULL) : NULL;
	free(dir);
	if (app->journal == NULL) {
		return false;
	}
	if (absolute == NULL) {
		return err_set(err, ERR_IO, "the state folder has gone");
	}
	app->state_dir = absolute;
	return source_use_journal(app->source, app->journal, err);
}

static bool make_clock(struct app *app, struct err *err) {
	const struct config_file *file = source_config(app->source);
	const char *name = file->config->sandbox.clock;
	if (name == NULL) {
		app->clock = clock_create_real();
		return true;
	}
	if (!config_is_loopback(file->config)) {
		return err_set(err, ERR_REFUSED,
				"[sandbox] clock is for a server on this machine only, and %s "
				"is none",
				file->config->mattermost.url);
	}
	char *path = config_file_path(file, name);
	app->clock = clock_join(path, CLOCK_NAME, CLOCK_ROLE_WORKER, err);
	free(path);
	return app->clock != NULL;
}

static bool make_server(struct app *app, struct err *err) {
	const struct config_file *file = source_config(app->source);
	const struct config_mattermost *mattermost = &file->config->mattermost;
	char *ca_file = mattermost->ca_file != NULL
			? config_file_path(file, mattermost->ca_file)
			: NULL;
	const struct server_sink sink = {
		.post = on_post,
		.post_changed = on_post_changed,
		.taps = on_taps,
		.online = on_online,
		.offline = on_offline,
		.people_changed = on_people_changed,
		.trouble = on_trouble,
		.marked = on_marked,
		.full = on_full,
	};
	const struct client_options options = {
		.url = mattermost->url,
		.team = mattermost->team,
		.channel = file->config->bridge.channel,
		.token = app->token,
		.ca_file = ca_file,
		.proxy = mattermost->proxy,
		.mark = read_mark(app->journal),
	};
	app->server = client_create(app->loop, &options, &sink, app, err);
	free(ca_file);
	return app->server != NULL;
}

static bool make_runner(struct app *app, struct err *err) {
	const struct config_file *file = source_config(app->source);
	const char *clock = file->config->sandbox.clock;
	char *clock_path = clock != NULL ? config_file_path(file, clock) : NULL;
	char *absolute = clock_path != NULL ? realpath(clock_path, NULL) : NULL;
	static const struct runner_sink sink = {
		.ended = on_ended,
		.reach = on_reach,
	};
	const struct steprunner_options options = {
		.loop = app->loop,
		.http = app->http,
		.state_dir = app->state_dir,
		.clock_path = absolute,
	};
	app->runner = steprunner_create(&options, &sink, app, err);
	free(absolute);
	free(clock_path);
	app->hostfiles = hostfiles_create(app->loop, app->state_dir);
	source_use_hostfiles(app->source, app->hostfiles);
	return app->runner != NULL;
}

static bool make_tools(struct app *app, struct err *err) {
	const struct http_options http = { 0 };
	app->loop = loop_create(app->clock, err);
	if (app->loop == NULL) {
		return false;
	}
	app->http = http_create(app->loop, &http, err);
	if (app->http == NULL) {
		return false;
	}
	app->voice = speech_create(source_templates(app->source),
			source_prefix(app->source), &app->texts_broken);
	return make_server(app, err) && make_runner(app, err);
}

static void on_drained(void *data) {
	struct app *app = data;
	struct sources *sources = source_base(app->source);
	const struct bridge *bridge = engine_bridge(app->engine);
	const struct world world = {
		.now_ms = loop_now_ms(app->loop),
		.settings = sources->api->settings(sources),
		.people = sources->api->people(sources),
		.bridge = bridge,
	};
	logbook_update(&app->logbook, app->voice, bridge, &world);
}

static bool make_engine(struct app *app, struct err *err) {
	char boot[BOOT_ROOM];
	boot_read(boot);
	logbook_init(&app->logbook, app->state_dir,
			source_config(app->source)->config->bridge.runbook);
	app->outbox = outbox_create(&(struct outbox_options){
			.loop = app->loop,
			.journal = app->journal,
			.server = app->server,
			.refused = on_refused,
			.settled = on_settled,
			.takes_taps = on_takes_taps,
			.boot = boot,
			.data = app,
	});
	app->engine = engine_create(
			&(struct engine_options){
					.loop = app->loop,
					.journal = app->journal,
					.server = app->server,
					.runner = app->runner,
					.sources = source_base(app->source),
					.outbox = app->outbox,
					.voice = app->voice,
					.version = app->options->version,
					.id_prefix = source_prefix(app->source),
					.state_dir = app->state_dir,
					.drained = on_drained,
					.broken = on_broken,
					.data = app,
			},
			err);
	if (app->engine == NULL) {
		return err_wrap(err, "the journal: ");
	}
	app->inbox = inbox_create(&(struct inbox_options){
			.journal = app->journal,
			.server = app->server,
			.engine = app->engine,
			.sources = source_base(app->source),
			.prefix = source_prefix(app->source),
	});
	return true;
}

/* An attempt of a run by a name that this journal gives to its own. */
struct left_over {
	char *start; // of the ids of run 0: "LB-0-"
	char *id;
};

static bool on_left_over(void *data, const char *id) {
	struct left_over *left = data;
	size_t len = strlen(left->start) - strlen("0-");
	if (left->id == NULL && strncmp(id, left->start, len) == 0 &&
			id[len] >= '1' && id[len] <= '9') {
		left->id = xstrdup(id);
	}
	return false; // it stays
}

/* A journal that knows no run beside what commands of runs have left: it was
 * taken away, or copied without its newest rows.  Nobody would hear of what was
 * approved, begun and locked. */
static bool is_of_this_folder(struct app *app, struct err *err) {
	struct left_over left = { 0 };
	if (engine_bridge(app->engine)->run_count > 0) {
		return true;
	}
	left.start = job_id_start(source_prefix(app->source), 0);
	app->runner->api->sweep(app->runner, on_left_over, &left);
	bool good = left.id == NULL ||
			err_set(err, ERR_INVALID,
					"%s: the journal knows of no run, and attempts/%s is "
					"beside it: put a backup back, or give me an empty folder "
					"and another prefix",
					app->state_dir, left.id);
	free(left.start);
	free(left.id);
	return good;
}

static void listen(struct app *app) {
	app->look = loop_timer_create(app->loop, on_look, app);
	app->mark_timer = loop_timer_create(app->loop, on_mark_timer, app);
	app->tidy = loop_timer_create(app->loop, on_tidy, app);
	app->signals[0] = loop_signal_create(app->loop, SIGTERM, on_stop, app);
	app->signals[1] = loop_signal_create(app->loop, SIGINT, on_stop, app);
	app->signals[2] = loop_signal_create(app->loop, SIGHUP, on_hangup, app);
	loop_timer_start_real(app->look, LOOK_MS);
	loop_timer_start_real(app->tidy, TIDY_FIRST);
	source_use_server(app->source, app->server);
}

static bool set_up(struct app *app, struct err *err) {
	signal(SIGXFSZ, SIG_IGN); // a file too large is an error, as a full disk is
	app->source = source_read(app->options->config_path, err);
	if (app->source == NULL || !read_token(app, err) || !make_clock(app, err) ||
			!open_journal(app, err) || !make_tools(app, err) ||
			!make_engine(app, err) || !is_of_this_folder(app, err) ||
			!has_run_for_texts(app, err) || !has_run_for_it(app, err)) {
		return false;
	}
	listen(app);
	return true;
}

/* Those who tell things go before those who are told. */
static void tear_down(struct app *app) {
	for (size_t i = 0; i < 3; i++) {
		loop_signal_destroy(app->signals[i]);
	}
	loop_timer_destroy(app->look);
	loop_timer_destroy(app->mark_timer);
	loop_timer_destroy(app->tidy);
	if (app->engine != NULL) {
		store_mark(app);
	}
	if (app->source != NULL) {
		source_use_server(app->source, NULL);
	}
	if (app->server != NULL) {
		app->server->api->destroy(app->server);
	}
	if (app->runner != NULL) {
		app->runner->api->destroy(app->runner);
	}
	if (app->source != NULL) {
		source_use_hostfiles(app->source, NULL);
	}
	hostfiles_destroy(app->hostfiles);
	inbox_destroy(app->inbox);
	engine_destroy(app->engine);
	outbox_destroy(app->outbox);
	speech_destroy(app->voice);
	if (app->http != NULL) {
		http_destroy(app->http);
	}
	loop_destroy(app->loop);
	if (app->journal != NULL) {
		app->journal->api->destroy(app->journal);
	}
	clock_destroy(app->clock);
	secret_destroy(app->token);
	source_destroy(app->source);
	logbook_finish(&app->logbook);
	free(app->texts_broken);
	free(app->state_dir);
}

enum app_end app_run(const struct app_options *options, struct err *err) {
	struct app app = { .options = options };
	enum app_end end = APP_REFUSED;
	if (set_up(&app, err)) {
		log_info("app.running", "version=%s state=%s", options->version,
				app.state_dir);
		app.server->api->start(app.server);
		loop_run(app.loop);
		end = app.failed ? APP_UNREACHABLE : APP_STOPPED;
		*err = app.failed ? app.failure : *err;
	}
	tear_down(&app);
	return end;
}
