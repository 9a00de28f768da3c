#include "app/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/alarm.h"
#include "app/asked.h"
#include "app/cards.h"
#include "app/job.h"
#include "app/outbox.h"
#include "app/perform.h"
#include "app/posted.h"
#include "app/record.h"
#include "app/sources.h"
#include "app/wording.h"
#include "base/xalloc.h"
#include "core/decide.h"
#include "core/gate.h"
#include "journal/journal.h"
#include "loop/loop.h"
#include "mattermost/server.h"
#include "sys/log.h"

#define PULSE_MS   1000
#define RETRY_MS   500
#define RETRY_MAX  5000
#define TURN_MOST  64   // requests in one turn of the loop
#define TICKS_MOST 1000 // rounds after one commit; more is a bug
#define FULL_AT    1000 // requests that wait: no more is to be told
#define INPUT_ROOM 300
#define HOSTS_MS   15000 // so long hosts may be away before it is said
/* They are asked again sooner: an answer of before is another matter's. */
#define HOSTS_LAST_MS 60000

struct engine {
	struct engine_options options;
	struct record record;
	struct posted posted;
	struct perform *perform;
	struct alarm *alarm;
	struct asked *head;
	struct asked **end;
	size_t queued;
	int64_t hosts_away;  // since when what is due is put off for them, real; 0
	int64_t hosts_asked; // when that was last looked at, real
	bool asking;         // hosts are being asked
	bool turning;        // a turn is deferred
	bool online;
	bool begun;       // the server was reached and read, or given up for now
	bool holding;     // the run clock
	bool dead;        // the journal is damaged
	bool reach_asked; // lost or back: waits in the queue
	unsigned stuck;   // how often in a row what is due could not be
	int64_t pulse_ms; // the run's time at the last one
	int64_t created_real;
	char why_offline[sizeof(((struct err *)NULL)->text)];
	struct loop_timer *retry;
	struct loop_timer *due;
	struct loop_timer *pulse;
};

enum commit {
	COMMIT_NOTHING, // no events: nothing follows
	COMMIT_DONE,
	COMMIT_DROPPED, // known already, or impossible: logged
	COMMIT_LATER,   // the journal cannot be written now
};

static void turn_soon(struct engine *engine);

static struct world world_of(const struct engine *engine) {
	struct sources *sources = engine->options.sources;
	return (struct world){
		.now_ms = loop_now_ms(engine->options.loop),
		.settings = sources->api->settings(sources),
		.people = sources->api->people(sources),
	};
}

/* --- the server's reach --- */

/* Real milliseconds since the server last answered. */
static int64_t silence_ms(const struct engine *engine) {
	struct server *server = engine->options.server;
	int64_t last = server->api->last_answer_ms(server);
	if (last < engine->created_real) {
		last = engine->created_real;
	}
	return loop_real_now_ms(engine->options.loop) - last;
}

static struct perform_reach reach_of(const struct engine *engine) {
	return (struct perform_reach){
		.online = engine->online,
		.fresh = engine->online && !engine->record.bridge.server_lost &&
				silence_ms(engine) < SERVER_LOST_MS,
	};
}

/* While the connection is being made again time must not run away: what was
 * said meanwhile comes before what is due. */
static void update_hold(struct engine *engine) {
	bool hold = !engine->online && !engine->record.bridge.server_lost &&
			silence_ms(engine) < SERVER_LOST_MS;
	if (hold == engine->holding) {
		return;
	}
	engine->holding = hold;
	if (hold) {
		loop_hold_clock(engine->options.loop);
	} else {
		loop_release_clock(engine->options.loop);
	}
}

static void ask_reach(struct engine *engine, enum request_type type) {
	if (!engine->reach_asked) {
		const struct request request = {
			.type = type,
			.problem = engine->why_offline[0] != '\0' ? engine->why_offline
													  : NULL,
		};
		engine->reach_asked = true;
		engine_ask(engine, &request, NULL);
	}
}

static void check_reach(struct engine *engine) {
	bool lost = silence_ms(engine) >= SERVER_LOST_MS;
	if (lost) {
		engine->begun = true;
	}
	if (lost && !engine->record.bridge.server_lost) {
		ask_reach(engine, REQUEST_SERVER_LOST);
	}
	if (!lost && engine->online && engine->record.bridge.server_lost) {
		ask_reach(engine, REQUEST_SERVER_BACK);
	}
	update_hold(engine);
}

static void on_pulse(void *data) {
	struct engine *engine = data;
	int64_t now = loop_now_ms(engine->options.loop);
	bool fresh = reach_of(engine).fresh;
	bool set_back = now < engine->pulse_ms; // what is due is due by this clock
	engine->pulse_ms = now;
	check_reach(engine);
	if (set_back || fresh != reach_of(engine).fresh) {
		turn_soon(engine);
	}
	loop_timer_start_real(engine->pulse, PULSE_MS);
}

/* --- deciding --- */

/* *@took_plan: the state has taken over the request's plan. */
static enum commit commit(struct engine *engine, const struct request *request,
		const char *input, bool *took_plan) {
	struct world world = world_of(engine);
	struct decision decision;
	decision_init(&decision);
	decide(&engine->record.bridge, &world, request, &decision);
	enum commit result = COMMIT_NOTHING;
	*took_plan = false;
	if (decision.count > 0) {
		struct server *server = engine->options.server;
		engine->record.most = server->api->max_message(server);
		switch (record_commit(
				&engine->record, &world, &decision, input, took_plan)) {
		case RECORD_DONE:
			result = COMMIT_DONE;
			break;
		case RECORD_DROPPED:
			result = COMMIT_DROPPED;
			break;
		case RECORD_LATER:
			result = COMMIT_LATER;
			break;
		}
	}
	decision_finish(&decision);
	if (result == COMMIT_DONE) {
		alarm_note(engine->alarm, NULL);
	} else if (result == COMMIT_LATER) {
		alarm_note(engine->alarm, engine->record.failure.text);
	}
	return result;
}

/* Make the state good again where it is not.  False: not yet, or never. */
static bool read_back(struct engine *engine) {
	struct err err = { 0 };
	if (!engine->record.stale || record_read_back(&engine->record, &err)) {
		return true;
	}
	if (err.code == ERR_INVALID) {
		log_error("journal.damaged", "why=\"%s\"", err.text);
		engine->dead = true;
		engine->options.broken(engine->options.data, &err);
	}
	return false;
}

/* --- requests --- */

/* Whether @request is decided against the plan as it now is. */
static bool wants_plan(
		const struct engine *engine, const struct request *request) {
	const struct bridge *bridge = &engine->record.bridge;
	if (request->type == REQUEST_GATE_VERIFIED) {
		const struct gate_state *gate = bridge_gate(bridge, request->gate);
		return gate != NULL && gate_wants_plan(bridge, gate);
	}
	return request->type == REQUEST_PLAN || request->type == REQUEST_REHEARSE ||
			request->type == REQUEST_START ||
			request->type == REQUEST_SOURCE_CHANGED;
}

/* The plan that a gate verified belongs to: its run's, else the current. */
static const struct plan_record *plan_meant(
		const struct engine *engine, const struct request *request) {
	const struct gate_state *gate = bridge_gate(
			&engine->record.bridge, request->gate);
	const struct plan_record *record = gate != NULL
			? gate_state_plan(&engine->record.bridge, gate)
			: NULL;
	return record != NULL ? record : bridge_plan(&engine->record.bridge);
}

static struct plan_record *make_plan(const struct engine *engine,
		const struct request *request, struct err *err) {
	struct sources *sources = engine->options.sources;
	const struct plan_value *params = request->params;
	size_t count = request->param_count;
	if (request->type != REQUEST_PLAN) {
		const struct plan_record *record = plan_meant(engine, request);
		params = record != NULL ? record->plan.params : NULL;
		count = record != NULL ? record->plan.param_count : 0;
	}
	return sources->api->plan(sources, params, count, err);
}

/* The target and the host that an attempt would run on; NULL: no such step. */
static const char *target_meant(const struct engine *engine,
		const struct request *request, const char **host) {
	const struct run *run = bridge_run(&engine->record.bridge, request->run);
	if (run == NULL || request->step_index >= run->step_count ||
			request->block >= run->plan->runbook->steps[request->step_index]
									  .block_count) {
		return NULL;
	}
	const struct effect effect = {
		.step = request->step_index,
		.block = request->block,
		.host = request->host,
	};
	*host = job_host(run, &effect);
	return job_block(run, &effect)->on;
}

/* Read the target that an attempt would run on into @plan. */
static const struct plan_target *read_target(const struct engine *engine,
		const struct request *request, struct plan *plan, struct err *err) {
	struct sources *sources = engine->options.sources;
	const struct run *run = bridge_run(&engine->record.bridge, request->run);
	const char *host = NULL;
	const char *name = target_meant(engine, request, &host);
	if (name == NULL) {
		err_set(err, ERR_NOT_FOUND, "there is no such step");
		return NULL;
	}
	plan_init(plan, run->plan->runbook);
	if (!sources->api->target(sources, name, host, plan, err)) {
		return NULL;
	}
	return plan_target(plan, name);
}

/* A host that is away for a moment is no reason to hold a run or to void an
 * approval: what was due is tried again. */
static bool put_off_for_hosts(
		struct engine *engine, const struct asked *asked, enum err_code code) {
	int64_t now = loop_real_now_ms(engine->options.loop);
	enum request_type type = asked->request.type;
	if (asked->hosts != HOSTS_READ ||
			(type != REQUEST_GATE_VERIFIED && type != REQUEST_ATTEMPT_START)) {
		return false;
	}
	if (engine->hosts_away == 0 || now - engine->hosts_asked > HOSTS_LAST_MS) {
		engine->hosts_away = now;
	}
	engine->hosts_asked = now;
	bool wait = code == ERR_IO && now - engine->hosts_away < HOSTS_MS;
	if (!wait) {
		engine->hosts_away = 0;
	}
	return wait;
}

/* Decide one request with what must be read for it. */
static enum commit decide_asked(
		struct engine *engine, const struct asked *asked) {
	struct request request = asked->request;
	/* It may have waited for the server, or for room on the disk. */
	request.late_ms += loop_now_ms(engine->options.loop) - asked->asked_ms;
	struct plan_record *plan = NULL;
	struct plan target = { 0 };
	struct err plan_err = { 0 };
	struct err target_err = { 0 };
	bool took_plan = false;
	if (wants_plan(engine, &request)) {
		plan = make_plan(engine, &request, &plan_err);
		request.plan = plan;
		request.plan_problem = plan == NULL ? plan_err.text : NULL;
	}
	if (request.type == REQUEST_ATTEMPT_START) {
		request.target = read_target(engine, &request, &target, &target_err);
		request.problem = request.target == NULL ? target_err.text : NULL;
	}
	const struct err *err = plan_err.code != ERR_NONE ? &plan_err : &target_err;
	enum commit result = COMMIT_NOTHING;
	if (put_off_for_hosts(engine, asked, err->code)) {
		log_warn("hosts.away", "why=\"%s\"", err->text);
	} else {
		result = commit(engine, &request, asked->input, &took_plan);
	}
	if (!took_plan) {
		plan_record_destroy(plan);
	}
	plan_finish(&target);
	return result;
}

static bool is_known(const struct engine *engine, const struct asked *asked) {
	struct journal *journal = engine->options.journal;
	return asked->input != NULL &&
			journal->api->has_input(journal, asked->input);
}

/* Take the request at @link out of the queue. */
static void drop(struct engine *engine, struct asked **link) {
	struct asked *asked = *link;
	*link = asked->next;
	if (engine->end == &asked->next) {
		engine->end = link;
	}
	engine->queued--;
	asked_destroy(asked);
}

/* --- what hosts must be asked first --- */

/* What people tell the bridge or a run to do, and what depends on that. */
static bool is_order(enum request_type type) {
	return type == REQUEST_PLAN || type == REQUEST_REHEARSE ||
			type == REQUEST_POLL || type == REQUEST_START ||
			type == REQUEST_HOLD || type == REQUEST_RESUME ||
			type == REQUEST_DECIDE || type == REQUEST_ABORT ||
			type == REQUEST_CLOSE || type == REQUEST_ROLLBACK ||
			type == REQUEST_OVERRIDE;
}

/* Whether @request is decided by what hosts have. */
static bool wants_hosts(
		const struct engine *engine, const struct request *request) {
	const struct bridge *bridge = &engine->record.bridge;
	const struct run *run = bridge_run(bridge, request->run);
	if (request->type == REQUEST_ATTEMPT_START) {
		// What is rolled back goes on whatever they have.
		return run != NULL && run->status != RUN_ROLLING_BACK;
	}
	if (is_order(request->type) && bridge_executing(bridge) != NULL) {
		return false; // no other run is begun meanwhile, whatever they have
	}
	return wants_plan(engine, request);
}

static void on_hosts(void *data) {
	struct engine *engine = data;
	for (struct asked *asked = engine->head; asked != NULL;
			asked = asked->next) {
		if (asked->hosts == HOSTS_ASKED) {
			asked->hosts = HOSTS_READ;
		}
	}
	engine->asking = false;
	loop_release_clock(engine->options.loop);
	turn_soon(engine);
}

/* One answer of all hosts serves all that wait for a plan. */
static void note_asked(struct engine *engine, struct asked *first) {
	first->hosts = HOSTS_ASKED;
	for (struct asked *asked = first->next;
			asked != NULL && wants_plan(engine, &first->request);
			asked = asked->next) {
		if (asked->hosts == HOSTS_UNASKED &&
				wants_plan(engine, &asked->request)) {
			asked->hosts = HOSTS_ASKED;
		}
	}
}

/* Ask hosts for what @asked is decided by; false: there is nothing to ask. */
static bool ask_hosts(struct engine *engine, struct asked *asked) {
	struct sources *sources = engine->options.sources;
	const char *host = NULL;
	const char *target = asked->request.type == REQUEST_ATTEMPT_START
			? target_meant(engine, &asked->request, &host)
			: NULL;
	if (!sources->api->refresh(sources, target, host, on_hosts, engine)) {
		return false;
	}
	note_asked(engine, asked);
	engine->asking = true;
	loop_hold_clock(engine->options.loop);
	return true;
}

/* Whether @asked cannot be decided before hosts have answered; they are asked,
 * for one after the other. */
static bool waits_for_hosts(struct engine *engine, struct asked *asked) {
	if (asked->hosts != HOSTS_UNASKED) {
		return asked->hosts == HOSTS_ASKED;
	}
	return engine->options.sources->api->refresh != NULL &&
			wants_hosts(engine, &asked->request) && !is_known(engine, asked) &&
			(engine->asking || ask_hosts(engine, asked));
}

/* The first request that can be decided now; NULL: none. */
static struct asked **next_ready(struct engine *engine) {
	bool ordered = false; // an order waits
	for (struct asked **link = &engine->head; *link != NULL;
			link = &(*link)->next) {
		bool order = is_order((*link)->request.type);
		bool waits = (ordered && order) || waits_for_hosts(engine, *link);
		if (!waits) {
			return link;
		}
		ordered = ordered || order;
	}
	return NULL;
}

/* Process the request at @link; false: it must wait. */
static bool process(struct engine *engine, struct asked **link) {
	struct asked *asked = *link;
	if (!is_known(engine, asked)) {
		if (decide_asked(engine, asked) == COMMIT_LATER) {
			return false;
		}
		perform_answered(engine->perform, &asked->request);
	}
	drop(engine, link);
	return true;
}

/* --- what is due --- */

/* What fell due while the server was out of reach may have been answered there
 * in time: it is decided when that was read, or when nobody can say. */
static bool may_tick(const struct engine *engine) {
	return engine->online || engine->record.bridge.server_lost;
}

enum ticked {
	TICK_DONE,
	TICK_LATER, // the journal cannot be written
	TICK_STUCK, // what is due cannot be: a bug, or damage
};

static enum ticked tick(struct engine *engine) {
	const struct request request = { .type = REQUEST_TICK };
	bool took_plan = false;
	for (unsigned i = 0; i < TICKS_MOST && may_tick(engine); i++) {
		switch (commit(engine, &request, NULL, &took_plan)) {
		case COMMIT_NOTHING:
			return TICK_DONE;
		case COMMIT_DONE:
			break;
		case COMMIT_DROPPED:
			engine->stuck++;
			log_error("engine.stuck", "times=%u", engine->stuck);
			return TICK_STUCK;
		case COMMIT_LATER:
			return TICK_LATER;
		}
	}
	if (may_tick(engine)) {
		log_error("engine.restless", "ticks=%d", TICKS_MOST);
	}
	return TICK_DONE;
}

/* --- what follows from the state --- */

static void on_ask(
		void *data, const struct request *request, const char *input) {
	engine_ask(data, request, input);
}

static void look_for_posts(struct engine *engine) {
	const struct posted_options options = {
		.journal = engine->options.journal,
		.voice = engine->options.voice,
		.ask = on_ask,
		.data = engine,
	};
	posted_look(&engine->posted, &options, &engine->record.bridge);
}

static void watch_taps(struct engine *engine) {
	struct server *server = engine->options.server;
	size_t count = 0;
	const char **posts = bridge_tap_posts(&engine->record.bridge, &count);
	server->api->watch_taps(server, posts, count);
	free(posts);
}

static void arm_due(struct engine *engine, const struct world *world) {
	int64_t due = bridge_deadline(&engine->record.bridge, world);
	if (due == INT64_MAX || !may_tick(engine)) {
		loop_timer_stop(engine->due);
	} else {
		loop_timer_start_at(
				engine->due, due > world->now_ms ? due : world->now_ms + 1);
	}
}

static void follow(struct engine *engine) {
	struct world world = world_of(engine);
	engine->reach_asked = false;
	check_reach(engine);
	look_for_posts(engine);
	watch_taps(engine);
	if (engine->record.said) {
		engine->record.said = false;
		outbox_wake(engine->options.outbox);
	}
	perform_update(
			engine->perform, &engine->record.bridge, &world, reach_of(engine));
	arm_due(engine, &world);
}

static void retry_later(struct engine *engine) {
	int64_t delay = RETRY_MS;
	unsigned failures = engine->record.failures + engine->stuck;
	for (unsigned i = 1; i < failures && delay < RETRY_MAX; i++) {
		delay *= 2;
	}
	loop_timer_start_real(engine->retry, delay < RETRY_MAX ? delay : RETRY_MAX);
}

static void tell_drained(struct engine *engine) {
	if (engine_is_drained(engine) && engine->options.drained != NULL) {
		engine->options.drained(engine->options.data);
	}
}

/* Decide what can be, in order.  False: the journal cannot be written, or not
 * be read. */
static bool work_off(struct engine *engine, bool *more) {
	for (unsigned i = 0; read_back(engine); i++) {
		struct asked **ready = next_ready(engine);
		*more = ready != NULL;
		if (ready == NULL || i == TURN_MOST) {
			return true;
		}
		if (!process(engine, ready)) {
			return false;
		}
	}
	return false;
}

/* One turn: what was asked, in order, then what is due, then what follows. */
static void turn(void *data) {
	struct engine *engine = data;
	bool more = false;
	engine->turning = false;
	if (engine->dead || !engine->begun) {
		return;
	}
	bool ok = work_off(engine, &more);
	if (ok && more) {
		turn_soon(engine);
		return;
	}
	enum ticked ticked = TICK_DONE;
	if (ok) {
		ticked = tick(engine);
		/* What cannot be is not decided; all else goes on without it. */
		ok = ticked == TICK_DONE || (ticked == TICK_STUCK && read_back(engine));
	}
	if (!ok || ticked == TICK_STUCK) {
		retry_later(engine);
	}
	if (!ok) {
		return;
	}
	engine->stuck = ticked == TICK_STUCK ? engine->stuck : 0;
	follow(engine);
	tell_drained(engine);
}

static void turn_soon(struct engine *engine) {
	if (!engine->turning) {
		engine->turning = true;
		loop_defer(engine->options.loop, turn, engine);
	}
}

static void on_turn_timer(void *data) {
	turn_soon(data);
}

/* --- the surface --- */

/* Taps are read whole: of two readings of one post that wait, the later one
 * says all.  Those read afresh for a purpose stay. */
static void drop_older_taps(
		struct engine *engine, const struct request *request) {
	if (request->type != REQUEST_TAPS || request->fresh) {
		return;
	}
	struct asked **link = &engine->head;
	while (*link != NULL) {
		const struct asked *asked = *link;
		if (asked->request.type == REQUEST_TAPS && !asked->request.fresh &&
				strcmp(asked->request.post, request->post) == 0) {
			drop(engine, link);
		} else {
			link = &(*link)->next;
		}
	}
}

void engine_ask(struct engine *engine, const struct request *request,
		const char *input) {
	drop_older_taps(engine, request);
	struct asked *asked = asked_create(request, input);
	asked->asked_ms = loop_now_ms(engine->options.loop);
	*engine->end = asked;
	engine->end = &asked->next;
	engine->queued++;
	turn_soon(engine);
}

static bool on_is_ours(void *data, const char *post_id, const char *text) {
	struct engine *engine = data;
	struct journal *journal = engine->options.journal;
	char key[INPUT_ROOM];
	return !journal->api->key_of(journal, post_id, key, sizeof(key)) ||
			wording_is_ours(journal, key, text);
}

static struct perform *make_perform(struct engine *engine) {
	const struct perform_options options = {
		.loop = engine->options.loop,
		.server = engine->options.server,
		.runner = engine->options.runner,
		.sources = engine->options.sources,
		.id_prefix = engine->options.id_prefix,
		.state_dir = engine->options.state_dir,
		.ask = on_ask,
		.is_ours = on_is_ours,
		.again = on_turn_timer,
		.data = engine,
	};
	return perform_create(&options);
}

struct engine *engine_create(
		const struct engine_options *options, struct err *err) {
	struct engine *engine = xcalloc(1, sizeof(*engine));
	engine->options = *options;
	engine->end = &engine->head;
	if (!record_init(&engine->record, options->journal, options->voice, err)) {
		record_finish(&engine->record);
		free(engine);
		return NULL;
	}
	engine->created_real = loop_real_now_ms(options->loop);
	engine->perform = make_perform(engine);
	engine->alarm = alarm_create(
			options->loop, options->server, options->voice);
	engine->retry = loop_timer_create(options->loop, on_turn_timer, engine);
	engine->due = loop_timer_create(options->loop, on_turn_timer, engine);
	engine->pulse = loop_timer_create(options->loop, on_pulse, engine);
	loop_timer_start_real(engine->pulse, PULSE_MS);
	const struct request started = {
		.type = REQUEST_BOT_STARTED,
		.text = options->version,
	};
	engine_ask(engine, &started, NULL);
	outbox_wake(options->outbox);
	update_hold(engine);
	return engine;
}

void engine_destroy(struct engine *engine) {
	if (engine == NULL) {
		return;
	}
	loop_cancel_deferred(engine->options.loop, engine);
	perform_destroy(engine->perform);
	alarm_destroy(engine->alarm);
	loop_timer_destroy(engine->retry);
	loop_timer_destroy(engine->due);
	loop_timer_destroy(engine->pulse);
	while (engine->head != NULL) {
		drop(engine, &engine->head);
	}
	if (engine->asking) {
		loop_release_clock(engine->options.loop);
	}
	posted_finish(&engine->posted);
	if (engine->holding) {
		loop_release_clock(engine->options.loop);
	}
	record_finish(&engine->record);
	free(engine);
}

static void set_online(struct engine *engine, bool online) {
	engine->online = online;
	engine->begun = engine->begun || online;
	outbox_set_online(engine->options.outbox, online);
	check_reach(engine);
	turn_soon(engine);
}

void engine_online(struct engine *engine) {
	set_online(engine, true);
}

void engine_offline(struct engine *engine, const char *why) {
	snprintf(engine->why_offline, sizeof(engine->why_offline), "%s", why);
	set_online(engine, false);
}

void engine_attempt_ended(struct engine *engine, const char *id,
		const struct attempt_result *result) {
	perform_ended(engine->perform, id, result);
}

void engine_attempt_reach(struct engine *engine, const char *id,
		const struct attempt_reach *reach) {
	perform_reach(engine->perform, id, reach);
}

void engine_posted(struct engine *engine) {
	turn_soon(engine);
}

void engine_post_deleted(struct engine *engine, const char *post_id) {
	struct err err = { 0 };
	if (engine->dead ||
			!cards_again(&engine->record.cards, engine->options.voice,
					engine->options.journal, &engine->record.bridge, post_id,
					loop_real_now_ms(engine->options.loop), &err)) {
		return;
	}
	if (err.code != ERR_NONE) {
		log_error("card.lost", "why=\"%s\"", err.text);
	}
	engine->record.said = true;
	turn_soon(engine);
}

void engine_refresh(struct engine *engine) {
	turn_soon(engine);
}

bool engine_takes_taps(const struct engine *engine, const char *key) {
	return posted_takes_taps(
			engine->options.voice, &engine->record.bridge, key);
}

const struct bridge *engine_bridge(const struct engine *engine) {
	return &engine->record.bridge;
}

bool engine_is_drained(const struct engine *engine) {
	return engine->head == NULL;
}

bool engine_is_full(const struct engine *engine) {
	/* Before it has begun all there is must be told: that is what it waits
	 * for. */
	return engine->begun && engine->queued >= FULL_AT;
}
