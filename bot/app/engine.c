#include "app/engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/asked.h"
#include "app/outbox.h"
#include "app/perform.h"
#include "app/recover.h"
#include "app/sources.h"
#include "app/voice.h"
#include "base/xalloc.h"
#include "codec/event_json.h"
#include "core/decide.h"
#include "journal/journal.h"
#include "loop/loop.h"
#include "mattermost/server.h"
#include "sys/log.h"

#define LOST_MS    60000 // without a fresh answer, real time
#define PULSE_MS   1000
#define RETRY_MS   500
#define RETRY_MAX  30000
#define TURN_MOST  64   // requests in one turn of the loop
#define TICKS_MOST 1000 // rounds after one commit; more is a bug
#define QUEUE_MOST 20000
#define INPUT_ROOM 300
#define POST_ROOM  64

struct engine {
	struct engine_options options;
	struct bridge bridge;
	struct perform *perform;
	struct asked *head;
	struct asked *tail;
	size_t queued;
	bool turning; // a turn is deferred
	bool online;
	bool begun;       // the server was reached and read, or given up for now
	bool holding;     // the run clock
	bool stale;       // the state is ahead of the journal: read it back
	bool dead;        // the journal is damaged
	bool reach_asked; // lost or back: waits in the queue
	bool said;        // the outbox has new rows
	unsigned failures;
	int64_t created_real;
	char why_offline[sizeof(((struct err *)NULL)->text)];
	char **cards; // text last committed, by run
	size_t card_count;
	char **posted; // keys whose posts were asked to be noted, in this life
	size_t posted_count;
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
		.fresh = engine->online && !engine->bridge.server_lost &&
				silence_ms(engine) < LOST_MS,
	};
}

/* While the connection is being made again time must not run away: what was
 * said meanwhile comes before what is due. */
static void update_hold(struct engine *engine) {
	bool hold = !engine->online && !engine->bridge.server_lost &&
			silence_ms(engine) < LOST_MS;
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
	bool lost = silence_ms(engine) >= LOST_MS;
	if (lost) {
		engine->begun = true;
	}
	if (lost && !engine->bridge.server_lost) {
		ask_reach(engine, REQUEST_SERVER_LOST);
	}
	if (!lost && engine->online && engine->bridge.server_lost) {
		ask_reach(engine, REQUEST_SERVER_BACK);
	}
	update_hold(engine);
}

static void on_pulse(void *data) {
	struct engine *engine = data;
	bool fresh = reach_of(engine).fresh;
	check_reach(engine);
	if (fresh != reach_of(engine).fresh) {
		turn_soon(engine);
	}
	loop_timer_start_real(engine->pulse, PULSE_MS);
}

/* --- cards --- */

static void card_remember(struct engine *engine, uint32_t run, char *text) {
	while (engine->card_count < run) {
		engine->cards = xreallocarray(engine->cards, engine->card_count + 1,
				sizeof(engine->cards[0]));
		engine->cards[engine->card_count] = NULL;
		engine->card_count++;
	}
	free(engine->cards[run - 1]);
	engine->cards[run - 1] = text;
}

static const char *card_known(const struct engine *engine, uint32_t run) {
	return run <= engine->card_count ? engine->cards[run - 1] : NULL;
}

static bool touches(const struct decision *decision, uint32_t run) {
	for (size_t i = 0; i < decision->count; i++) {
		if (decision->events[i].run == run ||
				decision->events[i].type == EVENT_BOT_STARTED) {
			return true;
		}
	}
	return false;
}

/* What the cards should say after this commit, by run; NULL: as before. */
struct card_texts {
	char **texts;
	size_t count;
};

static void add_card_edit(struct said *said, const char *card, const char *text,
		uint64_t number) {
	char *key = xasprintf("%s/edit/%" PRIu64, card, number);
	const struct outbox_row row = {
		.key = key,
		.kind = OUTBOX_EDIT,
		.target = card,
		.text = text,
	};
	said_add(said, &row);
	free(key);
}

static void say_card(struct engine *engine, const struct voice_scene *scene,
		const struct run *run, struct said *said, char **news) {
	struct voice *voice = engine->options.voice;
	char *text = voice->api->card(voice, scene, run);
	char *key = voice->api->card_key(voice, run);
	const char *known = card_known(engine, run->number);
	struct outbox_row *fresh = said_find(said, key);
	if (known != NULL && strcmp(known, text) == 0) {
		free(text);
		text = NULL;
	} else if (fresh != NULL) { // posted by this very commit
		said_take_text(fresh, xstrdup(text));
	} else {
		add_card_edit(said, key, text, engine->bridge.event_count);
	}
	*news = text;
	free(key);
}

static void say_cards(struct engine *engine, const struct voice_scene *scene,
		const struct decision *decision, struct said *said,
		struct card_texts *news) {
	const struct run *current = bridge_current(&engine->bridge);
	news->count = engine->bridge.run_count;
	news->texts = xcalloc(news->count, sizeof(news->texts[0]));
	for (size_t i = 0; i < engine->bridge.run_count; i++) {
		const struct run *run = &engine->bridge.runs[i];
		bool closed = run->status == RUN_CLOSED &&
				card_known(engine, run->number) == NULL;
		if ((run == current || touches(decision, run->number)) && !closed) {
			say_card(engine, scene, run, said, &news->texts[i]);
		}
	}
}

static void cards_settle(
		struct engine *engine, struct card_texts *news, bool committed) {
	for (size_t i = 0; i < news->count; i++) {
		if (committed && news->texts[i] != NULL) {
			card_remember(engine, (uint32_t)i + 1, news->texts[i]);
		} else {
			free(news->texts[i]);
		}
	}
	free(news->texts);
}

/* --- committing --- */

/* The last lock against starting an attempt twice is the journal's own: the
 * start has an identity, whoever asked for it. */
static const char *identity_of(const struct decision *decision,
		const char *input, char room[INPUT_ROOM]) {
	for (size_t i = 0; input == NULL && i < decision->count; i++) {
		const struct event *event = &decision->events[i];
		if (event->type == EVENT_ATTEMPT_STARTED) {
			snprintf(room, INPUT_ROOM, "attempt:%u.%u.%u.%u.%u:started",
					event->run, event->step, event->block, event->host,
					event->attempt);
			return room;
		}
	}
	return input;
}

static void finish_rows(struct journal_row *rows, size_t count) {
	for (size_t i = 0; i < count; i++) {
		union {
			const char *borrowed;
			void *owned;
		} body = { .borrowed = rows[i].body };
		free(body.owned);
	}
	free(rows);
}

/* Fold the events one by one, writing each down and saying what is said of
 * it.  False: an event that cannot be; the state must be read back. */
static bool fold_events(struct engine *engine, struct voice_scene *scene,
		const struct decision *decision, struct asked *asked,
		struct journal_row *rows, struct said *said, struct err *err) {
	struct voice *voice = engine->options.voice;
	for (size_t i = 0; i < decision->count; i++) {
		const struct event *event = &decision->events[i];
		rows[i].at_ms = event->at_ms;
		rows[i].type = event_spec(event->type)->name;
		rows[i].body = event_json_write(event, err);
		if (rows[i].body == NULL || !bridge_fold(&engine->bridge, event, err)) {
			return false;
		}
		if (event->type == EVENT_PLAN_FIXED && asked != NULL) {
			asked->request.plan = NULL; // the bridge has taken it over
		}
		scene->following = event + 1;
		scene->following_count = decision->count - i - 1;
		voice->api->say(voice, scene, event, said);
	}
	return true;
}

static void log_events(const struct decision *decision) {
	for (size_t i = 0; i < decision->count; i++) {
		const struct event *event = &decision->events[i];
		log_info(event_spec(event->type)->name,
				"run=%u gate=%u step=%d attempt=%u user=%s", event->run,
				event->gate,
				event->step == EVENT_NO_STEP ? -1 : (int)event->step,
				event->attempt, event->user != NULL ? event->user : "-");
	}
}

static enum commit append(struct engine *engine,
		const struct journal_batch *batch, struct err *err) {
	struct journal *journal = engine->options.journal;
	switch (journal->api->append(journal, batch, err)) {
	case JOURNAL_APPENDED:
		if (engine->failures > 0) {
			log_info("journal.writable", "failures=%u", engine->failures);
		}
		engine->failures = 0;
		engine->said = engine->said || batch->outbox_count > 0;
		return COMMIT_DONE;
	case JOURNAL_REPEATED:
		return COMMIT_DROPPED;
	case JOURNAL_FAILED:
		if (err->code == ERR_INVALID) {
			log_error("journal.refused", "why=\"%s\"", err->text);
			return COMMIT_DROPPED;
		}
		if (engine->failures == 0) {
			log_error("journal.unwritable", "why=\"%s\"", err->text);
		}
		engine->failures++;
		return COMMIT_LATER;
	}
	return COMMIT_LATER;
}

static enum commit commit_events(struct engine *engine,
		const struct world *world, const struct decision *decision,
		struct asked *asked, const char *input) {
	struct err err = { 0 };
	struct said said = { 0 };
	struct card_texts cards = { 0 };
	char room[INPUT_ROOM];
	char head[SHA256_HEX];
	uint64_t seq = 0;
	struct journal *journal = engine->options.journal;
	struct voice_scene scene = {
		.bridge = &engine->bridge,
		.world = world,
		.head = head,
	};
	enum commit result = COMMIT_DROPPED;
	struct journal_row *rows = xcalloc(decision->count, sizeof(*rows));
	journal->api->head(journal, &seq, head);
	input = identity_of(decision, input, room);
	if (!fold_events(engine, &scene, decision, asked, rows, &said, &err)) {
		log_error("decision.impossible", "why=\"%s\"", err.text);
		goto out;
	}
	say_cards(engine, &scene, decision, &said, &cards);
	for (size_t i = 0; i < decision->count; i++) {
		rows[i].input = input;
	}
	const struct journal_batch batch = {
		.input = input,
		.rows = rows,
		.row_count = decision->count,
		.outbox = said.rows,
		.outbox_count = said.count,
	};
	result = append(engine, &batch, &err);
out:
	engine->stale = result != COMMIT_DONE;
	if (result == COMMIT_DONE) {
		log_events(decision);
	}
	cards_settle(engine, &cards, result == COMMIT_DONE);
	said_finish(&said);
	finish_rows(rows, decision->count);
	return result;
}

static enum commit commit(struct engine *engine, const struct request *request,
		struct asked *asked, const char *input) {
	struct world world = world_of(engine);
	struct decision decision;
	decision_init(&decision);
	decide(&engine->bridge, &world, request, &decision);
	enum commit result = COMMIT_NOTHING;
	if (decision.count > 0) {
		result = commit_events(engine, &world, &decision, asked, input);
	}
	decision_finish(&decision);
	return result;
}

/* Make the state again from the journal. */
static bool read_back(struct engine *engine) {
	struct err err = { 0 };
	struct bridge bridge;
	bridge_init(&bridge);
	if (!recover(engine->options.journal, &bridge, &err)) {
		bridge_finish(&bridge);
		if (err.code == ERR_INVALID) {
			log_error("journal.damaged", "why=\"%s\"", err.text);
			engine->dead = true;
			engine->options.broken(engine->options.data, &err);
		}
		return false;
	}
	bridge_finish(&engine->bridge);
	engine->bridge = bridge;
	engine->stale = false;
	return true;
}

/* --- requests --- */

/* Whether @type is decided against the plan as it now is. */
static bool wants_plan(enum request_type type) {
	return type == REQUEST_PLAN || type == REQUEST_REHEARSE ||
			type == REQUEST_START || type == REQUEST_GATE_VERIFIED ||
			type == REQUEST_SOURCE_CHANGED;
}

/* The plan that a gate verified belongs to: its run's, else the current. */
static const struct plan_record *plan_meant(
		const struct engine *engine, const struct request *request) {
	const struct gate_state *gate = bridge_gate(&engine->bridge, request->gate);
	const struct plan_record *record = gate != NULL
			? gate_state_plan(&engine->bridge, gate)
			: NULL;
	return record != NULL ? record : bridge_plan(&engine->bridge);
}

static struct plan_record *make_plan(
		const struct engine *engine, struct request *request, struct err *err) {
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

/* Read the target that an attempt would run on into @plan. */
static const struct plan_target *read_target(const struct engine *engine,
		const struct request *request, struct plan *plan, struct err *err) {
	struct sources *sources = engine->options.sources;
	const struct run *run = bridge_run(&engine->bridge, request->run);
	if (run == NULL || request->step_index >= run->step_count ||
			request->block >= run->plan->runbook->steps[request->step_index]
									  .block_count) {
		err_set(err, ERR_NOT_FOUND, "there is no such step");
		return NULL;
	}
	const struct step *step = &run->plan->runbook->steps[request->step_index];
	const char *name = step->blocks[request->block].on;
	plan_init(plan, run->plan->runbook);
	if (!sources->api->target(sources, name, plan, err)) {
		return NULL;
	}
	return plan_target(plan, name);
}

/* Decide one request with what it needs to be read for it. */
static enum commit decide_asked(struct engine *engine, struct asked *asked) {
	struct request *request = &asked->request;
	struct plan_record *plan = NULL;
	struct plan target = { 0 };
	struct err plan_err = { 0 };
	struct err target_err = { 0 };
	if (wants_plan(request->type)) {
		plan = make_plan(engine, request, &plan_err);
		request->plan = plan;
		request->plan_problem = plan == NULL ? plan_err.text : NULL;
	}
	if (request->type == REQUEST_ATTEMPT_START) {
		request->target = read_target(engine, request, &target, &target_err);
		request->problem = request->target == NULL ? target_err.text : NULL;
	}
	enum commit result = commit(engine, request, asked, asked->input);
	if (request->plan != NULL) { // else nobody has taken it over
		plan_record_destroy(plan);
	}
	request->plan = NULL;
	request->target = NULL;
	if (wants_plan(request->type)) {
		request->plan_problem = NULL;
	}
	if (request->type == REQUEST_ATTEMPT_START) {
		request->problem = NULL;
	}
	plan_finish(&target);
	return result;
}

static bool is_known(const struct engine *engine, const struct asked *asked) {
	struct journal *journal = engine->options.journal;
	return asked->input != NULL &&
			journal->api->has_input(journal, asked->input);
}

static void pop(struct engine *engine) {
	struct asked *asked = engine->head;
	engine->head = asked->next;
	if (engine->head == NULL) {
		engine->tail = NULL;
	}
	engine->queued--;
	asked_destroy(asked);
}

/* Process the head of the queue; false: it must wait. */
static bool process(struct engine *engine) {
	struct asked *asked = engine->head;
	if (!is_known(engine, asked)) {
		if (decide_asked(engine, asked) == COMMIT_LATER) {
			return false;
		}
		perform_answered(engine->perform, &asked->request);
	}
	pop(engine);
	return true;
}

/* --- what is due --- */

/* What fell due while the server was out of reach may have been answered there
 * in time: it is decided when that was read, or when nobody can say. */
static bool may_tick(const struct engine *engine) {
	return engine->online || engine->bridge.server_lost;
}

/* False: the journal cannot be written. */
static bool tick(struct engine *engine) {
	const struct request request = { .type = REQUEST_TICK };
	for (unsigned i = 0; i < TICKS_MOST && may_tick(engine); i++) {
		switch (commit(engine, &request, NULL, NULL)) {
		case COMMIT_NOTHING:
			return true;
		case COMMIT_DONE:
			break;
		case COMMIT_DROPPED: // a bug, or damage; with growing delay
			engine->failures++;
			return false;
		case COMMIT_LATER:
			return false;
		}
	}
	if (may_tick(engine)) {
		log_error("engine.restless", "ticks=%d", TICKS_MOST);
	}
	return true;
}

/* --- what follows from the state --- */

static bool was_posted(const struct engine *engine, const char *key) {
	for (size_t i = 0; i < engine->posted_count; i++) {
		if (strcmp(engine->posted[i], key) == 0) {
			return true;
		}
	}
	return false;
}

static void note_posted(struct engine *engine, const char *key) {
	engine->posted = xreallocarray(engine->posted, engine->posted_count + 1,
			sizeof(engine->posted[0]));
	engine->posted[engine->posted_count] = xstrdup(key);
	engine->posted_count++;
}

/* Takes @key. */
static void ask_posted(struct engine *engine, char *key, uint32_t gate,
		uint32_t run, uint32_t step) {
	struct journal *journal = engine->options.journal;
	char post[POST_ROOM];
	char input[INPUT_ROOM];
	if (!was_posted(engine, key) &&
			journal->api->post_of(journal, key, post, sizeof(post))) {
		note_posted(engine, key);
		snprintf(input, sizeof(input), "posted:%s", key);
		const struct request request = {
			.type = REQUEST_POSTED,
			.post = post,
			.gate = gate,
			.run = run,
			.step_index = step,
			.server_ms = outbox_posted_at(engine->options.outbox, key),
		};
		engine_ask(engine, &request, input);
	}
	free(key);
}

static bool awaits_post(const struct run *run, size_t step) {
	return run->status != RUN_CLOSED && run->steps[step].status == STEP_ASKED &&
			run->steps[step].post == NULL;
}

/* Posts that take taps and have got their id since: the journal must know. */
static void look_for_posts(struct engine *engine) {
	struct voice *voice = engine->options.voice;
	const struct bridge *bridge = &engine->bridge;
	for (size_t i = 0; i < bridge->gate_count; i++) {
		const struct gate_state *gate = &bridge->gates[i];
		if (gate->status == GATE_OPEN && gate->post == NULL) {
			ask_posted(
					engine, voice->api->gate_key(voice, gate), gate->id, 0, 0);
		}
	}
	for (size_t i = 0; i < bridge->poll_count; i++) {
		const struct poll_state *poll = &bridge->polls[i];
		if (poll->open && poll->post == NULL) {
			ask_posted(
					engine, voice->api->poll_key(voice, poll), poll->id, 0, 0);
		}
	}
	for (size_t i = 0; i < bridge->run_count; i++) {
		const struct run *run = &bridge->runs[i];
		for (uint32_t j = 0; j < run->step_count; j++) {
			if (awaits_post(run, j)) {
				ask_posted(engine, voice->api->step_key(voice, run, j), 0,
						run->number, j);
			}
		}
	}
}

static void watch_taps(struct engine *engine) {
	struct server *server = engine->options.server;
	size_t count = 0;
	const char **posts = bridge_tap_posts(&engine->bridge, &count);
	server->api->watch_taps(server, posts, count);
	free(posts);
}

static void arm_due(struct engine *engine, const struct world *world) {
	int64_t due = bridge_deadline(&engine->bridge, world);
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
	if (engine->said) {
		engine->said = false;
		outbox_wake(engine->options.outbox);
	}
	perform_update(engine->perform, &engine->bridge, &world, reach_of(engine));
	arm_due(engine, &world);
}

static void retry_later(struct engine *engine) {
	int64_t delay = RETRY_MS;
	for (unsigned i = 1; i < engine->failures && delay < RETRY_MAX; i++) {
		delay *= 2;
	}
	loop_timer_start_real(engine->retry, delay < RETRY_MAX ? delay : RETRY_MAX);
}

static void tell_drained(struct engine *engine) {
	if (engine->head == NULL && engine->options.drained != NULL) {
		engine->options.drained(engine->options.data);
	}
}

/* One turn: what was asked, in order, then what is due, then what follows. */
static void turn(void *data) {
	struct engine *engine = data;
	engine->turning = false;
	if (engine->dead || !engine->begun) {
		return;
	}
	unsigned left = TURN_MOST;
	bool ok = true;
	while (ok && left > 0 && engine->head != NULL) {
		ok = (!engine->stale || read_back(engine)) && process(engine);
		left--;
	}
	ok = ok && (!engine->stale || read_back(engine));
	if (ok && engine->head == NULL) {
		ok = tick(engine);
	}
	if (!ok) {
		retry_later(engine);
		return;
	}
	if (engine->head != NULL) {
		turn_soon(engine);
		return;
	}
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
	struct asked *last = NULL;
	while (*link != NULL) {
		struct asked *asked = *link;
		if (asked->request.type == REQUEST_TAPS && !asked->request.fresh &&
				strcmp(asked->request.post, request->post) == 0) {
			*link = asked->next;
			engine->queued--;
			asked_destroy(asked);
		} else {
			last = asked;
			link = &asked->next;
		}
	}
	engine->tail = last;
}

void engine_ask(struct engine *engine, const struct request *request,
		const char *input) {
	drop_older_taps(engine, request);
	if (engine->queued >= QUEUE_MOST) {
		log_error("engine.overrun", "input=%s", input != NULL ? input : "-");
		return;
	}
	struct asked *asked = asked_create(request, input);
	if (engine->tail != NULL) {
		engine->tail->next = asked;
	} else {
		engine->head = asked;
	}
	engine->tail = asked;
	engine->queued++;
	turn_soon(engine);
}

static void on_perform_ask(
		void *data, const struct request *request, const char *input) {
	engine_ask(data, request, input);
}

static bool on_is_ours(void *data, const char *post_id, const char *text) {
	struct engine *engine = data;
	struct journal *journal = engine->options.journal;
	char key[INPUT_ROOM];
	return !journal->api->key_of(journal, post_id, key, sizeof(key)) ||
			outbox_said(engine->options.outbox, key, text);
}

static struct perform *make_perform(struct engine *engine) {
	const struct perform_options options = {
		.loop = engine->options.loop,
		.server = engine->options.server,
		.runner = engine->options.runner,
		.sources = engine->options.sources,
		.id_prefix = engine->options.id_prefix,
		.ask = on_perform_ask,
		.is_ours = on_is_ours,
		.again = on_turn_timer,
		.data = engine,
	};
	return perform_create(&options);
}

struct engine *engine_create(
		const struct engine_options *options, struct err *err) {
	struct bridge bridge;
	bridge_init(&bridge);
	if (!recover(options->journal, &bridge, err)) {
		bridge_finish(&bridge);
		return NULL;
	}
	struct engine *engine = xcalloc(1, sizeof(*engine));
	engine->options = *options;
	engine->bridge = bridge;
	engine->created_real = loop_real_now_ms(options->loop);
	engine->perform = make_perform(engine);
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
	loop_timer_destroy(engine->retry);
	loop_timer_destroy(engine->due);
	loop_timer_destroy(engine->pulse);
	while (engine->head != NULL) {
		pop(engine);
	}
	for (size_t i = 0; i < engine->card_count; i++) {
		free(engine->cards[i]);
	}
	free(engine->cards);
	for (size_t i = 0; i < engine->posted_count; i++) {
		free(engine->posted[i]);
	}
	free(engine->posted);
	if (engine->holding) {
		loop_release_clock(engine->options.loop);
	}
	bridge_finish(&engine->bridge);
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

void engine_posted(struct engine *engine) {
	turn_soon(engine);
}

void engine_refresh(struct engine *engine) {
	turn_soon(engine);
}

/* Whether @key is @other, which is freed. */
static bool is_key(const char *key, char *take_other) {
	bool same = strcmp(key, take_other) == 0;
	free(take_other);
	return same;
}

bool engine_takes_taps(const struct engine *engine, const char *key) {
	struct voice *voice = engine->options.voice;
	const struct bridge *bridge = &engine->bridge;
	for (size_t i = 0; i < bridge->gate_count; i++) {
		if (is_key(key, voice->api->gate_key(voice, &bridge->gates[i]))) {
			return true;
		}
	}
	for (size_t i = 0; i < bridge->poll_count; i++) {
		if (is_key(key, voice->api->poll_key(voice, &bridge->polls[i]))) {
			return true;
		}
	}
	for (size_t i = 0; i < bridge->run_count; i++) {
		const struct run *run = &bridge->runs[i];
		for (uint32_t j = 0; j < run->step_count; j++) {
			if (run->steps[j].asked_count > 0 &&
					is_key(key, voice->api->step_key(voice, run, j))) {
				return true;
			}
		}
	}
	return false;
}

const struct bridge *engine_bridge(const struct engine *engine) {
	return &engine->bridge;
}

bool engine_is_drained(const struct engine *engine) {
	return engine->head == NULL;
}
