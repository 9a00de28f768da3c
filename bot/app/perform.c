#include "app/perform.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/job.h"
#include "app/planner.h"
#include "app/sources.h"
#include "base/xalloc.h"
#include "core/flow.h"
#include "exec/runner.h"
#include "loop/loop.h"
#include "mattermost/server.h"
#include "sys/log.h"

#define BACKOFF_MS  500
#define BACKOFF_MAX 15000
#define HOLD_TRIES  3 // after so many the run clock goes on without us
#define INPUT_ROOM  300
#define FILE_TRIES  8 // about a minute, while the server answers at all
#define FILE_BYTES  (UINT64_C(100) << 20)
#define SPARE_BYTES (UINT64_C(200) << 20)
#define OLD_LOOK_MS 60000 // so long a look at a gate serves across a crash

enum stage {
	STAGE_READY, // not begun, or worth another try
	STAGE_BUSY,  // a read is in flight, or what it gave is being decided
	STAGE_LATER, // after not_before
	STAGE_DONE,  // of an attempt: the runner has it
};

/* One effect under way. */
struct effort {
	struct perform *perform;
	struct effort *next;
	struct effect effect;
	enum stage stage;
	bool wanted;
	bool reading; // a callback of the server will come
	unsigned tries;
	int64_t not_before; // real

	/* attempts */
	char *id;
	bool ended;
	bool fresh; // asked for in this life and not kept back: all was just read

	/* gates */
	char *post;
	struct request_tap *taps;
	size_t tap_count;

	/* files */
	char *folder; // below the state folder
};

struct perform {
	struct perform_options options;
	struct effort *efforts;
	struct loop_timer *timer;
	bool holding; // the run clock: a gate or an attempt is being read
};

/* --- efforts --- */

static void forget_taps(struct effort *effort) {
	for (size_t i = 0; i < effort->tap_count; i++) {
		union {
			const char *borrowed;
			void *owned;
		} user = { .borrowed = effort->taps[i].user },
		  emoji = { .borrowed = effort->taps[i].emoji };
		free(user.owned);
		free(emoji.owned);
	}
	free(effort->taps);
	effort->taps = NULL;
	effort->tap_count = 0;
}

static void effort_destroy(struct effort *effort) {
	forget_taps(effort);
	free(effort->post);
	free(effort->id);
	free(effort->folder);
	free(effort);
}

static bool same_effect(const struct effect *a, const struct effect *b) {
	return a->type == b->type && a->gate == b->gate && a->run == b->run &&
			a->step == b->step && a->block == b->block && a->host == b->host &&
			a->attempt == b->attempt && a->file == b->file;
}

static struct effort *find_effort(
		const struct perform *perform, const struct effect *effect) {
	for (struct effort *e = perform->efforts; e != NULL; e = e->next) {
		if (same_effect(&e->effect, effect)) {
			return e;
		}
	}
	return NULL;
}

static struct effort *take_effort(
		struct perform *perform, const struct effect *effect) {
	struct effort *effort = find_effort(perform, effect);
	if (effort == NULL) {
		struct effect start = *effect;
		start.type = EFFECT_START_ATTEMPT;
		effort = xcalloc(1, sizeof(*effort));
		effort->fresh = effect->type == EFFECT_FOLLOW_ATTEMPT &&
				find_effort(perform, &start) != NULL;
		effort->perform = perform;
		effort->next = perform->efforts;
		perform->efforts = effort;
	}
	effort->effect = *effect;
	effort->wanted = true;
	return effort;
}

static int64_t real_now(const struct perform *perform) {
	return loop_real_now_ms(perform->options.loop);
}

static void put_off(struct effort *effort) {
	int64_t delay = BACKOFF_MS;
	for (unsigned i = 0; i < effort->tries && delay < BACKOFF_MAX; i++) {
		delay *= 2;
	}
	effort->tries++;
	effort->stage = STAGE_LATER;
	effort->not_before = real_now(effort->perform) +
			(delay < BACKOFF_MAX ? delay : BACKOFF_MAX);
}

static void ask(struct effort *effort, const struct request *request,
		const char *input) {
	const struct perform_options *options = &effort->perform->options;
	options->ask(options->data, request, input);
}

/* A read has come back to an effort that nobody wants any more; should somebody
 * do so again, it begins anew. */
static bool is_stale(struct effort *effort) {
	effort->reading = false;
	if (effort->wanted) {
		return false;
	}
	effort->stage = STAGE_READY;
	effort->perform->options.again(effort->perform->options.data);
	return true;
}

/* --- gates: read afresh --- */

static void keep_taps(
		struct effort *effort, const struct server_taps_reply *reply) {
	forget_taps(effort);
	effort->taps = xcalloc(reply->count, sizeof(effort->taps[0]));
	for (size_t i = 0; i < reply->count; i++) {
		effort->taps[i] = (struct request_tap){
			.user = xstrdup(reply->taps[i].user_id),
			.emoji = xstrdup(reply->taps[i].emoji),
			.server_ms = reply->taps[i].update_at_ms,
		};
	}
	effort->tap_count = reply->count;
}

static struct request gate_request(
		const struct effort *effort, enum request_type type) {
	return (struct request){
		.type = type,
		.post = effort->post,
		.gate = effort->effect.gate,
		.run = effort->effect.run,
		.taps = effort->taps,
		.tap_count = effort->tap_count,
	};
}

/* Say that the gate could not be read; the engine's answer puts it off. */
static void gate_failed(struct effort *effort, const char *problem) {
	log_warn("gate.unread", "gate=%u why=\"%s\"", effort->effect.gate, problem);
	if (effort->effect.type != EFFECT_VERIFY_GATE) {
		put_off(effort);
		effort->perform->options.again(effort->perform->options.data);
		return;
	}
	struct request request = gate_request(effort, REQUEST_GATE_VERIFIED);
	request.problem = problem;
	ask(effort, &request, NULL);
}

static void on_gate_post(void *data, const struct server_reply *reply) {
	struct effort *effort = data;
	const struct perform_options *options = &effort->perform->options;
	if (is_stale(effort)) {
		return;
	}
	struct request request = gate_request(effort, REQUEST_GATE_VERIFIED);
	if (reply->result == SERVER_NEVER) {
		request.deleted = true; // it is not there any more
	} else if (reply->result != SERVER_OK) {
		gate_failed(effort, reply->err.text);
		return;
	} else {
		request.deleted = reply->delete_at_ms != 0;
		request.edited = !request.deleted && reply->message != NULL &&
				!options->is_ours(options->data, effort->post, reply->message);
	}
	request.fresh = true;
	ask(effort, &request, NULL);
}

static void on_gate_taps(void *data, const struct server_taps_reply *reply) {
	struct effort *effort = data;
	struct server *server = effort->perform->options.server;
	if (is_stale(effort)) {
		return;
	}
	if (!reply->ok) {
		gate_failed(effort, reply->err.text);
		return;
	}
	keep_taps(effort, reply);
	if (effort->effect.type == EFFECT_VERIFY_GATE) {
		effort->reading = true;
		server->api->read_post(server, effort->post, on_gate_post, effort);
		return;
	}
	struct request request = gate_request(effort, REQUEST_TAPS);
	request.fresh = true;
	ask(effort, &request, NULL);
}

static void on_people(void *data, const struct server_reply *reply) {
	struct effort *effort = data;
	struct server *server = effort->perform->options.server;
	if (is_stale(effort)) {
		return;
	}
	if (reply->result != SERVER_OK) {
		gate_failed(effort, reply->err.text);
		return;
	}
	effort->reading = true;
	server->api->read_taps(server, effort->post, on_gate_taps, effort);
}

static void read_gate(struct effort *effort, const struct bridge *bridge,
		struct perform_reach reach) {
	struct server *server = effort->perform->options.server;
	const struct gate_state *gate = bridge_gate(bridge, effort->effect.gate);
	if (!reach.online || gate == NULL || gate->post == NULL) {
		return; // the engine calls again when that changes
	}
	free(effort->post);
	effort->post = xstrdup(gate->post);
	effort->stage = STAGE_BUSY;
	effort->reading = true;
	server->api->refresh_people(server, on_people, effort);
}

/* --- files --- */

static void ask_fetched(struct effort *effort, struct request *request) {
	char input[INPUT_ROOM];
	snprintf(input, sizeof(input), "file:%u.%u", effort->effect.run,
			effort->effect.file);
	request->type = REQUEST_FILE_FETCHED;
	request->run = effort->effect.run;
	request->file = effort->effect.file;
	effort->stage = STAGE_DONE;
	ask(effort, request, input);
}

static void on_fetched(void *data, const struct server_fetched *fetched) {
	struct effort *effort = data;
	struct request request = { 0 };
	if (is_stale(effort)) {
		return;
	}
	request.file_name = fetched->name[0] != '\0' ? fetched->name : NULL;
	if (fetched->result == SERVER_OK) {
		char *path = xasprintf("%s/%s", effort->folder, fetched->place);
		request.outcome = OUTCOME_OK;
		request.file_path = path;
		request.file_bytes = fetched->bytes;
		request.file_digest = fetched->digest;
		ask_fetched(effort, &request);
		free(path);
		return;
	}
	log_warn("file.unfetched", "run=%u file=%u tries=%u why=\"%s\"",
			effort->effect.run, effort->effect.file, effort->tries,
			fetched->err.text);
	if (fetched->result == SERVER_NEVER || effort->tries + 1 >= FILE_TRIES) {
		request.outcome = OUTCOME_FAILED;
		request.reason = fetched->err.text;
		ask_fetched(effort, &request);
		return;
	}
	put_off(effort);
	effort->perform->options.again(effort->perform->options.data);
}

/* Make the folder of the run's files; for us alone. */
static bool make_folder(const char *state_dir, const char *folder) {
	char *path = xasprintf("%s/%s/", state_dir, folder);
	size_t from = strlen(state_dir) + 1;
	bool ok = true;
	for (char *slash = strchr(path + from, '/'); ok && slash != NULL;
			slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		ok = mkdir(path, 0700) == 0 || errno == EEXIST;
		*slash = '/';
	}
	free(path);
	return ok;
}

static void fetch_file(struct effort *effort, const struct bridge *bridge,
		struct perform_reach reach) {
	const struct perform_options *options = &effort->perform->options;
	const struct run *run = bridge_run(bridge, effort->effect.run);
	if (!reach.online || run == NULL ||
			effort->effect.file >= run->file_count) {
		return; // the engine calls again when that changes
	}
	free(effort->folder);
	effort->folder = xasprintf(
			"runs/%s-%u/evidence", options->id_prefix, run->number);
	if (!make_folder(options->state_dir, effort->folder)) {
		log_warn("file.no_folder", "folder=%s why=\"%s\"", effort->folder,
				strerror(errno)); // the fetch says it to people
	}
	uint64_t room = run_file_room(run);
	char *folder = xasprintf("%s/%s", options->state_dir, effort->folder);
	char *prefix = xasprintf("%u-", effort->effect.file + 1);
	const struct server_fetch fetch = {
		.file_id = run->files[effort->effect.file].id,
		.folder = folder,
		.prefix = prefix,
		.cap_bytes = room < FILE_BYTES ? room : FILE_BYTES,
		.spare_bytes = SPARE_BYTES,
	};
	effort->stage = STAGE_BUSY;
	effort->reading = true;
	options->server->api->fetch(options->server, &fetch, on_fetched, effort);
	free(prefix);
	free(folder);
}

/* --- attempts --- */

static struct request attempt_request(
		const struct effort *effort, enum request_type type) {
	const struct effect *effect = &effort->effect;
	return (struct request){
		.type = type,
		.run = effect->run,
		.step_index = effect->step,
		.block = effect->block,
		.host = effect->host,
		.attempt = effect->attempt,
	};
}

static void ask_ended(struct effort *effort, struct request *request) {
	char input[INPUT_ROOM];
	snprintf(input, sizeof(input), "attempt:%s:ended", effort->id);
	effort->ended = true;
	ask(effort, request, input);
}

/* It was journalled as started and never began: say so, for good. */
static void never_began(struct effort *effort, const char *why) {
	struct request request = attempt_request(effort, REQUEST_ATTEMPT_ENDED);
	log_warn("attempt.not_started", "id=%s why=\"%s\"", effort->id, why);
	request.outcome = OUTCOME_NOT_STARTED;
	request.exit_status = -1;
	request.reason = why;
	effort->stage = STAGE_DONE;
	ask_ended(effort, &request);
}

static bool has_begun(const struct effort *effort) {
	struct runner *runner = effort->perform->options.runner;
	return runner->api->has_begun(runner, effort->id);
}

static void ask_start(struct effort *effort, struct perform_reach reach) {
	if (effort->effect.forward && !reach.fresh) {
		return;
	}
	struct runner *runner = effort->perform->options.runner;
	struct request request = attempt_request(effort, REQUEST_ATTEMPT_START);
	struct err err = { 0 };
	if (!runner->api->prepare(runner, effort->id, &err)) {
		log_error("attempt.place", "id=%s why=\"%s\"", effort->id, err.text);
		request.reason = err.text;
	}
	effort->stage = STAGE_BUSY;
	ask(effort, &request, NULL);
}

/* Whether the machine knows of @attempt of step @step, which is on record as
 * started. */
static bool is_begun(const struct perform *perform, const struct run *run,
		size_t step, const struct attempt *attempt) {
	struct runner *runner = perform->options.runner;
	const struct effect effect = {
		.step = (uint32_t)step,
		.block = attempt->block,
		.host = attempt->host,
		.attempt = attempt->number,
	};
	char *id = job_id(perform->options.id_prefix, run, &effect);
	bool begun = runner->api->has_begun(runner, id);
	free(id);
	return begun;
}

/* Whether a command that gate @gate_id let begin runs, or did. */
static bool has_begun_behind(const struct perform *perform,
		const struct run *run, uint32_t gate_id) {
	for (size_t i = 0; i < run->step_count; i++) {
		const struct step_state *step = &run->steps[i];
		for (size_t j = 0; j < step->attempt_count; j++) {
			const struct attempt *attempt = &step->attempts[j];
			if (attempt->gate == gate_id &&
					attempt->outcome != OUTCOME_NOT_STARTED &&
					(attempt->ended_ms != 0 ||
							is_begun(perform, run, i, attempt))) {
				return true;
			}
		}
	}
	return false;
}

/* Whether it would be the first command behind a gate that was looked at in an
 * earlier life, or before it was kept back: what was taken back since nobody
 * has seen. */
static bool is_looked_at_too_long_ago(
		const struct effort *effort, const struct run *run) {
	const struct effect *effect = &effort->effect;
	const struct attempt *attempt = step_attempt(&run->steps[effect->step],
			effect->block, effect->host, effect->attempt);
	return attempt != NULL && effect->forward && !effort->fresh &&
			attempt->gate != 0 &&
			loop_now_ms(effort->perform->options.loop) - attempt->started_ms >
			OLD_LOOK_MS &&
			!has_begun_behind(effort->perform, run, attempt->gate);
}

/* It was journalled as started just before a crash, and meanwhile people may
 * have said what forbids that anything begins.  Whether it must wait, or will
 * not begin any more; looked at again, as the bot before us may just have had
 * it begun. */
static bool is_kept_back(struct effort *effort, const struct bridge *bridge,
		const struct run *run, struct perform_reach reach) {
	struct runner *runner = effort->perform->options.runner;
	if (effort->effect.forward && run->status == RUN_ROLLING_BACK) {
		runner->api->cancel(runner, effort->id);
		never_began(effort, "it had not begun when the rollback did");
		return true;
	}
	if (effort->effect.forward && !reach.fresh) {
		effort->fresh = false;
		return true; // nobody could stop it now
	}
	if (run_stands_still(bridge, run)) {
		effort->fresh = false;
		put_off(effort);
		return true;
	}
	if (is_looked_at_too_long_ago(effort, run)) {
		runner->api->cancel(runner, effort->id);
		never_began(effort, "it was kept from beginning for too long");
		return true;
	}
	return false;
}

/* Nobody knows how long ago its files were read: are they still those that
 * were approved?  Of hosts over ssh that is not known without asking them. */
static bool may_still_begin(
		const struct effort *effort, const struct run *run, struct err *err) {
	struct sources *sources = effort->perform->options.sources;
	const char *name = job_block(run, &effort->effect)->on;
	const char *host = job_host(run, &effort->effect);
	struct plan plan = { 0 };
	if (effort->fresh || !effort->effect.forward ||
			strcmp(host, "local") != 0) {
		return true;
	}
	plan_init(&plan, run->plan->runbook);
	bool ok = sources->api->target(sources, name, host, &plan, err);
	if (ok && !flow_files_stand(run, plan_target(&plan, name))) {
		ok = err_set(err, ERR_REFUSED,
				"files of %s changed before it had begun", name);
	}
	plan_finish(&plan);
	return ok;
}

static void follow(struct effort *effort, const struct bridge *bridge,
		const struct run *run, struct perform_reach reach) {
	const struct perform_options *options = &effort->perform->options;
	bool begun = has_begun(effort);
	if (!begun && is_kept_back(effort, bridge, run, reach)) {
		return;
	}
	struct job job;
	struct err err = { 0 };
	bool made = job_make(
			&job, effort->id, run, &effort->effect, options->sources, &err);
	if (begun || (made && may_still_begin(effort, run, &err))) {
		/* One that has begun needs no secrets, nor its host's key. */
		effort->stage = STAGE_DONE;
		options->runner->api->ensure(options->runner, &job.spec);
	} else {
		never_began(effort, err.text);
	}
	job_finish(&job);
}

/* Whether the runner was told of the attempt in this life. */
static bool is_followed(const struct effort *effort) {
	struct effect followed = effort->effect;
	followed.type = EFFECT_FOLLOW_ATTEMPT;
	const struct effort *other = find_effort(effort->perform, &followed);
	return other != NULL && other->stage == STAGE_DONE;
}

static void cancel(struct effort *effort) {
	struct runner *runner = effort->perform->options.runner;
	bool begun = is_followed(effort) || has_begun(effort);
	effort->stage = STAGE_DONE;
	/* Also where it has not begun: the bot before us may just have asked. */
	runner->api->cancel(runner, effort->id);
	if (!begun) {
		never_began(effort, "cancelled before it began");
	}
}

static void perform_attempt(struct effort *effort, const struct bridge *bridge,
		struct perform_reach reach) {
	const struct run *run = bridge_run(bridge, effort->effect.run);
	if (run == NULL) {
		return;
	}
	if (effort->id == NULL) {
		effort->id = job_id(
				effort->perform->options.id_prefix, run, &effort->effect);
	}
	switch (effort->effect.type) {
	case EFFECT_START_ATTEMPT:
		ask_start(effort, reach);
		break;
	case EFFECT_FOLLOW_ATTEMPT:
		follow(effort, bridge, run, reach);
		break;
	case EFFECT_CANCEL_ATTEMPT:
		cancel(effort);
		break;
	case EFFECT_READ_TAPS:
	case EFFECT_VERIFY_GATE:
	case EFFECT_FETCH_FILE:
		break;
	}
}

/* --- the round --- */

static void begin(struct effort *effort, const struct bridge *bridge,
		struct perform_reach reach) {
	switch (effort->effect.type) {
	case EFFECT_READ_TAPS:
	case EFFECT_VERIFY_GATE:
		read_gate(effort, bridge, reach);
		break;
	case EFFECT_START_ATTEMPT:
	case EFFECT_FOLLOW_ATTEMPT:
	case EFFECT_CANCEL_ATTEMPT:
		perform_attempt(effort, bridge, reach);
		break;
	case EFFECT_FETCH_FILE:
		fetch_file(effort, bridge, reach);
		break;
	}
}

/* A person declared dead what the runner still follows. */
static void leave(struct effort *effort) {
	struct runner *runner = effort->perform->options.runner;
	if (effort->effect.type == EFFECT_FOLLOW_ATTEMPT &&
			effort->stage == STAGE_DONE && !effort->ended) {
		runner->api->forget(runner, effort->id);
	}
}

static void drop_unwanted(struct perform *perform) {
	struct effort **link = &perform->efforts;
	while (*link != NULL) {
		struct effort *effort = *link;
		if (effort->wanted || effort->reading) {
			link = &effort->next;
			continue;
		}
		leave(effort);
		*link = effort->next;
		effort_destroy(effort);
	}
}

/* What a cancelled attempt must not do is begin: cancels come first. */
static void begin_all(struct perform *perform, const struct bridge *bridge,
		struct perform_reach reach, bool cancels) {
	int64_t now = real_now(perform);
	for (struct effort *e = perform->efforts; e != NULL; e = e->next) {
		bool is_cancel = e->effect.type == EFFECT_CANCEL_ATTEMPT;
		bool ready = e->stage == STAGE_READY ||
				(e->stage == STAGE_LATER && e->not_before <= now);
		if (e->wanted && ready && is_cancel == cancels) {
			begin(e, bridge, reach);
		}
	}
}

/* The attempt was ended here before the runner knew it: do not follow it. */
static bool is_settled(
		const struct perform *perform, const struct effect *effect) {
	for (struct effort *e = perform->efforts; e != NULL; e = e->next) {
		struct effect same = e->effect;
		same.type = effect->type;
		if (e->ended && same_effect(&same, effect)) {
			return true;
		}
	}
	return false;
}

static void settle_followers(struct perform *perform) {
	for (struct effort *e = perform->efforts; e != NULL; e = e->next) {
		if (e->effect.type == EFFECT_FOLLOW_ATTEMPT && !e->ended &&
				is_settled(perform, &e->effect)) {
			e->ended = true;
			e->stage = STAGE_DONE;
		}
	}
}

static void arm(struct perform *perform, struct perform_reach reach) {
	int64_t next = INT64_MAX;
	bool busy = false;
	for (struct effort *e = perform->efforts; e != NULL; e = e->next) {
		if (e->stage == STAGE_LATER && e->not_before < next) {
			next = e->not_before;
		}
		busy = busy || e->stage == STAGE_BUSY ||
				(e->stage == STAGE_LATER && e->tries <= HOLD_TRIES);
	}
	if (next != INT64_MAX) {
		int64_t left = next - real_now(perform);
		loop_timer_start_real(perform->timer, left > 0 ? left : 1);
	}
	bool hold = busy && reach.online;
	if (hold && !perform->holding) {
		loop_hold_clock(perform->options.loop);
	} else if (!hold && perform->holding) {
		loop_release_clock(perform->options.loop);
	}
	perform->holding = hold;
}

void perform_update(struct perform *perform, const struct bridge *bridge,
		const struct world *world, struct perform_reach reach) {
	struct effects effects = { 0 };
	bridge_next(bridge, world, &effects);
	for (struct effort *e = perform->efforts; e != NULL; e = e->next) {
		e->wanted = false;
	}
	for (size_t i = 0; i < effects.count; i++) {
		take_effort(perform, &effects.list[i]);
	}
	effects_finish(&effects);
	drop_unwanted(perform);
	begin_all(perform, bridge, reach, true);
	settle_followers(perform);
	begin_all(perform, bridge, reach, false);
	arm(perform, reach);
}

/* --- what comes back --- */

static bool answers(
		const struct effort *effort, const struct request *request) {
	const struct effect *effect = &effort->effect;
	switch (effect->type) {
	case EFFECT_READ_TAPS:
		return request->type == REQUEST_TAPS && request->fresh &&
				request->gate == effect->gate;
	case EFFECT_VERIFY_GATE:
		return request->type == REQUEST_GATE_VERIFIED &&
				request->gate == effect->gate;
	case EFFECT_START_ATTEMPT:
		return request->type == REQUEST_ATTEMPT_START &&
				request->run == effect->run &&
				request->step_index == effect->step &&
				request->block == effect->block &&
				request->host == effect->host &&
				request->attempt == effect->attempt;
	case EFFECT_FOLLOW_ATTEMPT:
	case EFFECT_CANCEL_ATTEMPT:
	case EFFECT_FETCH_FILE:
		return false;
	}
	return false;
}

void perform_answered(struct perform *perform, const struct request *request) {
	for (struct effort *e = perform->efforts; e != NULL; e = e->next) {
		if (e->stage == STAGE_BUSY && answers(e, request)) {
			put_off(e);
		}
	}
}

static enum outcome outcome_of(enum attempt_end end) {
	switch (end) {
	case ATTEMPT_OK:
		return OUTCOME_OK;
	case ATTEMPT_FAILED:
		return OUTCOME_FAILED;
	case ATTEMPT_TIMED_OUT:
		return OUTCOME_TIMED_OUT;
	case ATTEMPT_CANCELLED:
		return OUTCOME_CANCELLED;
	case ATTEMPT_UNKNOWN:
		return OUTCOME_UNKNOWN;
	case ATTEMPT_NOT_STARTED:
		return OUTCOME_NOT_STARTED;
	}
	return OUTCOME_UNKNOWN;
}

static struct plan_value *values_of(const struct attempt_result *result) {
	struct plan_value *values = xcalloc(result->value_count, sizeof(*values));
	for (size_t i = 0; i < result->value_count; i++) {
		values[i].name = xstrdup(result->values[i].name);
		values[i].value = xstrdup(result->values[i].value);
	}
	return values;
}

static struct effort *find_follower(
		const struct perform *perform, const char *id) {
	struct effort *effort = perform->efforts;
	while (effort != NULL &&
			(effort->effect.type != EFFECT_FOLLOW_ATTEMPT ||
					effort->id == NULL || strcmp(effort->id, id) != 0)) {
		effort = effort->next;
	}
	return effort;
}

void perform_reach(struct perform *perform, const char *id,
		const struct attempt_reach *reach) {
	struct effort *effort = find_follower(perform, id);
	if (effort == NULL || effort->ended) {
		return;
	}
	struct request request = attempt_request(
			effort, reach->lost ? REQUEST_ATTEMPT_LOST : REQUEST_ATTEMPT_FOUND);
	request.problem = reach->lost ? reach->why : NULL;
	request.may_run = reach->may_run;
	ask(effort, &request, NULL);
}

void perform_ended(struct perform *perform, const char *id,
		const struct attempt_result *result) {
	struct effort *effort = find_follower(perform, id);
	if (effort == NULL || effort->ended) {
		log_warn("attempt.unexpected", "id=%s", id);
		return;
	}
	struct plan_value *values = values_of(result);
	struct request request = attempt_request(effort, REQUEST_ATTEMPT_ENDED);
	request.outcome = outcome_of(result->end);
	request.exit_status = result->exit_status;
	request.duration_ms = result->ended_ms - result->started_ms;
	request.reason = result->reason;
	request.tail = result->tail;
	request.log = result->log_path;
	request.lines = result->lines;
	request.values = values;
	request.value_count = result->value_count;
	ask_ended(effort, &request);
	planner_wipe(values, result->value_count);
}

static void on_timer(void *data) {
	struct perform *perform = data;
	perform->options.again(perform->options.data);
}

struct perform *perform_create(const struct perform_options *options) {
	struct perform *perform = xcalloc(1, sizeof(*perform));
	perform->options = *options;
	perform->timer = loop_timer_create(options->loop, on_timer, perform);
	return perform;
}

void perform_destroy(struct perform *perform) {
	if (perform == NULL) {
		return;
	}
	while (perform->efforts != NULL) {
		struct effort *effort = perform->efforts;
		perform->efforts = effort->next;
		effort_destroy(effort);
	}
	if (perform->holding) {
		loop_release_clock(perform->options.loop);
	}
	loop_timer_destroy(perform->timer);
	free(perform);
}
