#include "support/rig.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/engine.h"
#include "app/inbox.h"
#include "app/outbox.h"
#include "app/sources.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "codec/runbook_md.h"
#include "exec/mask.h"
#include "mattermost/server.h"
#include "support/fake_loop.h"
#include "support/fake_runner.h"
#include "support/fake_server.h"
#include "support/frail_journal.h"
#include "support/plain_voice.h"

/* --- sources --- */

struct rig_sources {
	struct sources sources;
	struct rig *rig;
	struct settings settings;
	char *runbook;
	bool files_broken;
	bool files_changed;
	bool secrets_broken;
	bool far;
	int64_t far_ms;
	struct loop_timer *answer; // that far hosts will give; NULL: none is due
	void (*fn)(void *data);
	void *fn_data;
};

static const char *const lead_backups[] = { "id-dep" };
static const struct holders holders[] = {
	{ .role = "Cutover lead", .primary = "id-lead" },
	{ .role = "DevOps lead",
			.primary = "id-lead",
			.backups = lead_backups,
			.backup_count = 1 },
	{ .role = "CTO", .primary = "id-cto" },
	{ .role = "Storage", .primary = "id-rep" },
};
static const char *const yes[] = { "white_check_mark", "+1" };
static const char *const no[] = { "x", "-1" };

static const struct rig_sources *of(const struct sources *sources) {
	return (const struct rig_sources *)sources;
}

static const struct settings *get_settings(const struct sources *sources) {
	return &of(sources)->settings;
}

static const struct people *get_people(const struct sources *sources) {
	const struct server *server = of(sources)->rig->server;
	return server->api->people(server);
}

static bool add_target(const struct rig_sources *self, const char *name,
		struct plan *plan, struct err *err) {
	if (self->files_broken) {
		return err_set(err, ERR_IO, "the test's files cannot be read");
	}
	struct plan_target *target = plan_add_target(plan, name);
	plan_target_add_host(target, "local");
	target->workdir = xstrdup("/srv");
	if (self->files_changed) {
		const char hash[SHA256_HEX] = "ab";
		plan_target_add_file(target, "prod.env", hash);
	}
	return true;
}

static bool read_target(struct sources *sources, const char *name,
		const char *host, struct plan *plan, struct err *err) {
	(void)host;
	return add_target(of(sources), name, plan, err);
}

static void forget_answer(struct rig_sources *self) {
	loop_timer_destroy(self->answer);
	self->answer = NULL;
}

static void on_answer(void *data) {
	struct rig_sources *self = data;
	forget_answer(self);
	self->fn(self->fn_data);
}

/* All hosts answer together, or turn out to be away together. */
static bool refresh(struct sources *sources, const char *target,
		const char *host, void (*fn)(void *data), void *data) {
	struct rig_sources *self = (struct rig_sources *)sources;
	(void)target;
	(void)host;
	assert(self->answer == NULL);
	if (self->far) {
		self->fn = fn;
		self->fn_data = data;
		self->answer = loop_timer_create(self->rig->loop, on_answer, self);
		loop_timer_start_real(self->answer, self->far_ms);
	}
	return self->far;
}

static struct plan_record *make_plan(struct sources *sources,
		const struct plan_value *params, size_t count, struct err *err) {
	const struct rig_sources *self = of(sources);
	struct findings findings;
	findings_init(&findings);
	struct plan_record *record = xcalloc(1, sizeof(*record));
	record->source = xstrdup(self->runbook);
	record->runbook = runbook_md_parse(
			"rig.md", self->runbook, strlen(self->runbook), &findings);
	assert(findings_errors(&findings) == 0);
	findings_finish(&findings);
	plan_init(&record->plan, record->runbook);
	bool ok = true;
	for (size_t i = 0; ok && i < count; i++) {
		ok = plan_set_param(
				&record->plan, params[i].name, params[i].value, err);
	}
	plan_add_env(&record->plan, "prod");
	plan_add_env_value(&record->plan, "prod", "NAMESPACE", "stella", false);
	plan_add_env_value(&record->plan, "prod", "TOKEN", "an-hmac", true);
	ok = ok && plan_complete(&record->plan, err) &&
			add_target(self, "local", &record->plan, err);
	plan_seal(&record->plan);
	if (!ok) {
		plan_record_destroy(record);
		return NULL;
	}
	return record;
}

static bool read_secrets(struct sources *sources, const struct plan_env *env,
		struct plan_value **values, size_t *count, struct err *err) {
	(void)env;
	if (of(sources)->secrets_broken) {
		return err_set(err, ERR_IO, "prod.secrets is gone");
	}
	*values = xcalloc(1, sizeof(**values));
	(*values)[0].name = xstrdup("TOKEN");
	(*values)[0].value = xstrdup("hush-hush");
	*count = 1;
	return true;
}

static char *hush(const struct sources *sources, const char *text) {
	static const char *const values[] = { "hush-hush", NULL };
	(void)sources;
	struct str out = { 0 };
	struct mask *mask = mask_create(values);
	size_t taken = mask_add(mask, text, strlen(text), true, &out);
	assert(taken == strlen(text));
	mask_destroy(mask);
	return str_take(&out);
}

static const struct sources_api sources_api = {
	.settings = get_settings,
	.people = get_people,
	.plan = make_plan,
	.target = read_target,
	.refresh = refresh,
	.secrets = read_secrets,
	.hush = hush,
};

static struct rig_sources *make_sources(struct rig *rig, const char *runbook) {
	struct rig_sources *self = xcalloc(1, sizeof(*self));
	self->sources.api = &sources_api;
	self->rig = rig;
	self->runbook = xstrdup(runbook);
	self->settings = (struct settings){
		.prefix = "LB",
		.status_every_ms = 600000,
		.watch_status_every_ms = 3600000,
		.rehearsal_valid_ms = 86400000,
		.step_timeout_ms = 900000,
		.requester_approves = true,
		.yes = yes,
		.yes_count = 2,
		.no = no,
		.no_count = 2,
		.holders = holders,
		.holder_count = sizeof(holders) / sizeof(holders[0]),
	};
	return self;
}

/* --- the bot's ears --- */

static void on_post(void *data, const struct server_post *post) {
	inbox_post(((struct rig *)data)->inbox, post);
}

static void on_changed(void *data, const struct server_post *post) {
	inbox_post_changed(((struct rig *)data)->inbox, post);
}

static void on_taps(void *data, const char *post_id,
		const struct server_tap *taps, size_t count) {
	inbox_taps(((struct rig *)data)->inbox, post_id, taps, count);
}

static void on_online(void *data) {
	inbox_online(((struct rig *)data)->inbox);
	engine_online(((struct rig *)data)->engine);
}

static void on_offline(void *data, const char *why) {
	engine_offline(((struct rig *)data)->engine, why);
}

static void on_ended(
		void *data, const char *id, const struct attempt_result *result) {
	engine_attempt_ended(((struct rig *)data)->engine, id, result);
}

static void on_settled(
		void *data, const struct outbox_row *row, bool sent, const char *why) {
	(void)row;
	(void)sent;
	(void)why;
	engine_posted(((struct rig *)data)->engine);
}

static bool on_takes_taps(void *data, const char *key) {
	return engine_takes_taps(((struct rig *)data)->engine, key);
}

static void on_drained(void *data) {
	((struct rig *)data)->drained++;
}

static void on_broken(void *data, const struct err *err) {
	struct rig *rig = data;
	free(rig->fate);
	rig->fate = xstrdup(err->text);
}

/* --- the bot --- */

static void make_bot(struct rig *rig) {
	const struct server_sink server_sink = {
		.post = on_post,
		.post_changed = on_changed,
		.taps = on_taps,
		.online = on_online,
		.offline = on_offline,
	};
	const struct runner_sink runner_sink = { .ended = on_ended };
	struct err err = { 0 };
	rig->server = fake_server_create(rig->chat, &server_sink, rig);
	rig->runner = fake_runner_create(rig->machine, &runner_sink, rig);
	rig->outbox = outbox_create(&(struct outbox_options){
			.loop = rig->loop,
			.journal = rig->journal,
			.server = rig->server,
			.settled = on_settled,
			.takes_taps = on_takes_taps,
			.boot = "one",
			.data = rig,
	});
	rig->engine = engine_create(
			&(struct engine_options){
					.loop = rig->loop,
					.journal = rig->journal,
					.server = rig->server,
					.runner = rig->runner,
					.sources = &rig->sources->sources,
					.outbox = rig->outbox,
					.voice = rig->voice,
					.version = "test",
					.id_prefix = "LB",
					.state_dir = rig->state_dir,
					.drained = on_drained,
					.broken = on_broken,
					.data = rig,
			},
			&err);
	if (rig->engine == NULL) {
		printf("# %s\n", err.text);
	}
	assert(rig->engine != NULL);
	rig->inbox = inbox_create(&(struct inbox_options){
			.journal = rig->journal,
			.server = rig->server,
			.engine = rig->engine,
			.sources = &rig->sources->sources,
			.prefix = "LB",
	});
}

void rig_start_offline(struct rig *rig) {
	rig->dead = false;
	frail_journal_revive(rig->journal);
	make_bot(rig);
}

void rig_start(struct rig *rig) {
	rig_start_offline(rig);
	fake_chat_connect(rig->chat);
}

void rig_bury(struct rig *rig) {
	if (rig->engine == NULL) {
		return;
	}
	rig->server->api->destroy(rig->server);
	rig->runner->api->destroy(rig->runner);
	engine_destroy(rig->engine);
	forget_answer(rig->sources);
	inbox_destroy(rig->inbox);
	outbox_destroy(rig->outbox);
	rig->engine = NULL;
	rig->server = NULL;
	rig->runner = NULL;
	assert(fake_loop_holds(rig->loop) == 0);
}

static void die(void *data) {
	struct rig *rig = data;
	rig->dead = true;
	fake_chat_bot_died(rig->chat);
	fake_machine_bot_died(rig->machine);
}

void rig_kill_after(struct rig *rig, size_t nth) {
	frail_journal_die_after(rig->journal, nth, die, rig);
}

void rig_go(struct rig *rig, int64_t ms) {
	fake_loop_go(rig->loop, ms);
}

/* --- the world --- */

void rig_init(struct rig *rig, const char *runbook) {
	*rig = (struct rig){ 0 };
	strcpy(rig->state_dir, "/tmp/rig-XXXXXX");
	char *made = mkdtemp(rig->state_dir);
	assert(made != NULL);
	rig->loop = fake_loop_create(RIG_START_MS);
	rig->journal = frail_journal_create();
	rig->chat = fake_chat_create(rig->loop);
	rig->machine = fake_machine_create(rig->loop);
	rig->sources = make_sources(rig, runbook);
	rig->voice = plain_voice_create();
	static const char *const names[] = { "lead", "cto", "rep", "dep", "other" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		fake_chat_person(rig->chat, names[i]);
	}
}

/* The fake server puts no file there; folders are all there is. */
static void take_away_folders(const struct rig *rig) {
	static const char *const folders[] = { "/runs/LB-1/evidence", "/runs/LB-1",
		"/runs", "" };
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		char *path = xasprintf("%s%s", rig->state_dir, folders[i]);
		rmdir(path);
		free(path);
	}
}

void rig_finish(struct rig *rig) {
	rig_bury(rig);
	take_away_folders(rig);
	plain_voice_destroy(rig->voice);
	free(rig->sources->runbook);
	free(rig->sources);
	fake_machine_destroy(rig->machine);
	fake_chat_destroy(rig->chat);
	rig->journal->api->destroy(rig->journal);
	loop_destroy(rig->loop);
	free(rig->fate);
}

void rig_runbook(struct rig *rig, const char *text) {
	free(rig->sources->runbook);
	rig->sources->runbook = xstrdup(text);
}

void rig_break_files(struct rig *rig, bool broken) {
	rig->sources->files_broken = broken;
}

void rig_far(struct rig *rig, int64_t ms) {
	rig->sources->far = true;
	rig->sources->far_ms = ms;
}

void rig_change_files(struct rig *rig, bool changed) {
	rig->sources->files_changed = changed;
}

void rig_break_secrets(struct rig *rig, bool broken) {
	rig->sources->secrets_broken = broken;
}

const struct bridge *rig_bridge(const struct rig *rig) {
	return engine_bridge(rig->engine);
}

/* --- what came of it --- */

struct counting {
	const char *type; // NULL: list them
	size_t count;
	struct str text;
};

static bool see_row(
		void *data, const struct journal_row *row, struct err *err) {
	struct counting *counting = data;
	(void)err;
	if (counting->type != NULL) {
		counting->count += strcmp(counting->type, row->type) == 0;
	} else if (strcmp(row->type, "bot.started") != 0 &&
			/* Each life reads a gate again before the first command. */
			strcmp(row->type, "gate.used") != 0 &&
			strstr(row->type, ".posted") == NULL) {
		str_addf(&counting->text, "%s\n", row->type);
	}
	return true;
}

static void see_rows(struct rig *rig, struct counting *counting) {
	struct err err = { 0 };
	bool ok = rig->journal->api->read(rig->journal, 1, see_row, counting, &err);
	assert(ok);
}

char *rig_events(struct rig *rig) {
	struct counting counting = { 0 };
	see_rows(rig, &counting);
	return str_take(&counting.text);
}

size_t rig_count(struct rig *rig, const char *type) {
	struct counting counting = { .type = type };
	see_rows(rig, &counting);
	return counting.count;
}

static int by_text(const void *a, const void *b) {
	const char *const *x = a;
	const char *const *y = b;
	return strcmp(*x, *y);
}

/* Posts of single events are numbered by the journal, which holds a
 * bot.started for each life: they are told apart by what they say. */
static char *post_line(const struct fake_post *post) {
	struct str line = { 0 };
	bool event = strncmp(post->key, "event/", 6) == 0;
	str_addf(&line, "%s| %s%s", event ? "event" : post->key, post->message,
			post->pinned ? " PINNED" : "");
	for (size_t i = 0; i < post->reacted_count; i++) {
		str_addf(&line, " :%s:", post->reacted[i]);
	}
	return str_take(&line);
}

char *rig_channel(struct rig *rig) {
	size_t count = 0;
	const struct fake_post *posts = fake_chat_posts(rig->chat, &count);
	char **lines = xcalloc(count, sizeof(*lines));
	size_t used = 0;
	for (size_t i = 0; i < count; i++) {
		bool ours = posts[i].key[0] != '\0';
		if (ours && strstr(posts[i].message, "bot.started") == NULL) {
			lines[used++] = post_line(&posts[i]);
		}
	}
	qsort(lines, used, sizeof(*lines), by_text);
	struct str text = { 0 };
	for (size_t i = 0; i < used; i++) {
		str_addf(&text, "%s\n", lines[i]);
		free(lines[i]);
	}
	free(lines);
	return str_take(&text);
}
