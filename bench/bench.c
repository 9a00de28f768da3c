/*
 * What the deciding half of the bot costs, each as a ratio against a yardstick
 * that runs beside it.  docs/performance.md tells what each means.
 *
 * usage: bench FOLDER [EVENTS [replay|runs|growth|decisions]]
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "app/record.h"
#include "app/recover.h"
#include "app/speech.h"
#include "app/voice.h"
#include "base/err.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "codec/runbook_md.h"
#include "core/decide.h"
#include "journal/journal.h"
#include "journal/sqlite.h"

#include "idle_journal.h"

#define START_MS INT64_C(1790000000000)
#define ROUNDS   5

static const struct holders holders[] = {
	{ .role = "Cutover lead", .primary = "lead" },
};
static const char *const yes[] = { "white_check_mark" };
static const char *const no[] = { "x" };
static const struct settings settings = {
	.prefix = "LB",
	.status_every_ms = 600000,
	.watch_status_every_ms = 3600000,
	.rehearsal_valid_ms = 86400000,
	.step_timeout_ms = 900000,
	.escalate_after_ms = 600000,
	.requester_approves = true,
	.yes = yes,
	.yes_count = 1,
	.no = no,
	.no_count = 1,
	.holders = holders,
	.holder_count = 1,
};

static void die(const char *what, const struct err *err) {
	fprintf(stderr, "bench: %s: %s\n", what, err->text);
	exit(1);
}

static double seconds_of(clockid_t clock) {
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu(void) {
	return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

static double wall(void) {
	return seconds_of(CLOCK_MONOTONIC);
}

static int by_size(const void *a, const void *b) {
	double left = *(const double *)a;
	double right = *(const double *)b;
	return (left > right) - (left < right);
}

static double median(double *list, size_t count) {
	qsort(list, count, sizeof(*list), by_size);
	return list[count / 2];
}

/* Remove a folder of files, if it is there. */
static void remove_all(const char *dir) {
	static const char *const names[] = { "journal.db", "journal.db-wal",
		"journal.db-shm", "lock" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = xasprintf("%s/%s", dir, names[i]);
		unlink(path);
		free(path);
	}
	rmdir(dir);
}

/* --- a bridge under way --- */

struct bench {
	struct record record;
	struct journal *journal;
	struct voice *voice;
	struct people people;
	int64_t now_ms;
	uint64_t said;
};

static struct plan_record *make_plan(size_t steps) {
	struct str text = { 0 };
	str_add(&text,
			"# Bench\n\n| Role | Primary | Backup | Contact |\n|---|---|---|---|\n"
			"| Cutover lead | a | b | c |\n\n## 1 Go {.production}\n\n");
	for (size_t i = 1; i <= steps; i++) {
		int in = snprintf(NULL, 0, "%zu. ", i); // what belongs to an item
		str_addf(&text, "%zu. Step %zu\n\n%*s```sh%s\n%*secho %zu\n%*s```\n\n",
				i, i, in, "", i % 10 == 1 ? " sets=BEFORE" : "", in, "", i, in,
				"");
	}
	str_add(&text,
			"## 2 Back {.rollback}\n\n1. Undo\n\n   ```sh\n"
			"   echo \"$BEFORE\"\n   ```\n");
	struct findings findings;
	struct err err = { 0 };
	findings_init(&findings);
	struct plan_record *record = xcalloc(1, sizeof(*record));
	record->runbook = runbook_md_parse(
			"bench.md", str_text(&text), text.len, &findings);
	findings_finish(&findings);
	record->source = str_take(&text);
	plan_init(&record->plan, record->runbook);
	if (!plan_complete(&record->plan, &err)) {
		die("plan", &err);
	}
	plan_target_add_host(plan_add_target(&record->plan, "local"), "local");
	plan_seal(&record->plan);
	return record;
}

static struct world world_of(const struct bench *bench) {
	return (struct world){
		.now_ms = bench->now_ms,
		.settings = &settings,
		.people = &bench->people,
	};
}

static bool put(
		struct bench *bench, const struct request *request, const char *input) {
	struct world world = world_of(bench);
	struct decision decision;
	decision_init(&decision);
	decide(&bench->record.bridge, &world, request, &decision);
	bool any = decision.count > 0;
	bool took = false;
	if (any &&
			record_commit(&bench->record, &world, &decision, input, &took) !=
					RECORD_DONE) {
		fprintf(stderr, "bench: a commit failed\n");
		exit(1);
	}
	decision_finish(&decision);
	return any;
}

static void put_due(struct bench *bench) {
	const struct request tick = { .type = REQUEST_TICK };
	while (put(bench, &tick, NULL)) {
	}
}

/* One event as the engine takes it: decide, commit, what is due, what next. */
static void note(struct bench *bench) {
	char post[32];
	char input[40];
	snprintf(post, sizeof(post), "post%020" PRIu64, ++bench->said);
	snprintf(input, sizeof(input), "post:%s", post);
	bench->now_ms += 10;
	const struct request request = {
		.type = REQUEST_NOTE,
		.user = "lead",
		.post = post,
		.command = "note",
		.words = "!note the queue is at 512 and falls by ten a minute",
		.text = "the queue is at 512 and falls by ten a minute",
	};
	put(bench, &request, input);
	put_due(bench);
	struct world world = world_of(bench);
	struct effects effects;
	bridge_next(&bench->record.bridge, &world, &effects);
	effects_finish(&effects);
	(void)bridge_deadline(&bench->record.bridge, &world);
	size_t count = 0;
	free(bridge_tap_posts(&bench->record.bridge, &count));
}

static void bench_init(struct bench *bench, struct journal *journal) {
	struct err err = { 0 };
	*bench = (struct bench){ .journal = journal, .now_ms = START_MS };
	char *problem = NULL; // of templates of one's own: there are none
	bench->voice = speech_create(NULL, "LB", &problem);
	people_init(&bench->people);
	char lead[] = "lead";
	people_put(&bench->people,
			&(struct person){
					.id = lead,
					.name = lead,
					.active = true,
					.member = true,
			});
	if (!record_init(&bench->record, journal, bench->voice, &err)) {
		die("journal", &err);
	}
}

static void start_run(struct bench *bench, size_t steps) {
	struct plan_record *plan = make_plan(steps);
	size_t plans = bench->record.bridge.plan_count;
	put(bench,
			&(struct request){
					.type = REQUEST_START,
					.user = "lead",
					.post = "start",
					.command = "start",
					.plan = plan,
			},
			NULL);
	if (bench->record.bridge.plan_count == plans) {
		plan_record_destroy(plan); // the one in force is the same
	}
	put_due(bench);
}

/* What the shell would do of @effect, at once and well. */
static bool carry_out(struct bench *bench, const struct effect *effect) {
	char name[] = "BEFORE";
	char seven[] = "7";
	const struct plan_value value = { .name = name, .value = seven };
	struct plan plan;
	struct request request = {
		.run = effect->run,
		.step_index = effect->step,
		.block = effect->block,
		.host = effect->host,
		.attempt = effect->attempt,
	};
	bool any = false;
	plan_init(&plan,
			bridge_run(&bench->record.bridge, effect->run)->plan->runbook);
	if (effect->type == EFFECT_START_ATTEMPT) {
		request.type = REQUEST_ATTEMPT_START;
		request.target = plan_add_target(&plan, "local");
		any = put(bench, &request, NULL);
	} else if (effect->type == EFFECT_FOLLOW_ATTEMPT) {
		request.type = REQUEST_ATTEMPT_ENDED;
		request.outcome = OUTCOME_OK;
		request.tail = "the queue is at 512\nand falls by ten a minute";
		request.lines = 2;
		request.log = "/var/lib/bridgekeeper/attempts/1/out.log";
		request.values = &value;
		request.value_count = effect->step % 10 == 0;
		any = put(bench, &request, NULL);
	}
	plan_finish(&plan);
	return any;
}

/* Go on until @steps have ended, or nothing more happens by itself. */
static void play(struct bench *bench, size_t steps) {
	bool any = true;
	while (any && bridge_current(&bench->record.bridge) != NULL &&
			bridge_current(&bench->record.bridge)->steps[steps - 1].status !=
					STEP_ENDED) {
		struct world world = world_of(bench);
		struct effects effects;
		bench->now_ms += 10;
		bridge_next(&bench->record.bridge, &world, &effects);
		any = false;
		for (size_t i = 0; i < effects.count; i++) {
			any = carry_out(bench, &effects.list[i]) || any;
		}
		effects_finish(&effects);
		put_due(bench);
	}
}

static void play_whole_run(struct bench *bench, size_t steps) {
	start_run(bench, steps);
	play(bench, steps);
	put(bench,
			&(struct request){
					.type = REQUEST_CLOSE,
					.user = "lead",
					.post = "close",
					.command = "close",
			},
			NULL);
	put_due(bench);
	if (bridge_current(&bench->record.bridge) != NULL) {
		fprintf(stderr, "bench: a run did not come to its end\n");
		exit(1);
	}
}

static void bench_finish(struct bench *bench) {
	record_finish(&bench->record);
	speech_destroy(bench->voice);
	people_finish(&bench->people);
	bench->journal->api->destroy(bench->journal);
}

/* --- growth_ratio, history_ratio --- */

/* Of a note in a run half done, after @runs whole ones. */
static double cost_of_event(size_t steps, size_t runs, size_t events) {
	struct bench bench;
	bench_init(&bench, idle_journal_create(NULL, NULL));
	for (size_t i = 0; i < runs; i++) {
		play_whole_run(&bench, steps);
	}
	start_run(&bench, steps);
	play(&bench, steps / 2);
	for (size_t i = 0; i < events / 10; i++) {
		note(&bench);
	}
	double from = cpu();
	for (size_t i = 0; i < events; i++) {
		note(&bench);
	}
	double took = (cpu() - from) / (double)events;
	bench_finish(&bench);
	return took;
}

static void bench_growth(size_t events) {
	double steps[ROUNDS];
	double runs[ROUNDS];
	double small = 0;
	for (size_t i = 0; i < ROUNDS; i++) {
		small = cost_of_event(20, 0, events);
		steps[i] = cost_of_event(2000, 0, events) / small;
		runs[i] = cost_of_event(20, 300, events) / small;
	}
	printf("bench: event_us %.1f\n", small * 1e6);
	printf("bench: growth_ratio %.2f\n", median(steps, ROUNDS));
	printf("bench: history_ratio %.2f\n", median(runs, ROUNDS));
}

/* --- decisions_ratio --- */

static double decisions(const char *folder, size_t events) {
	struct err err = { 0 };
	char *dir = xasprintf("%s/decisions", folder);
	struct journal *journal = journal_sqlite_open(dir, &err);
	if (journal == NULL) {
		die(dir, &err);
	}
	struct bench bench;
	bench_init(&bench, journal);
	double from = wall();
	for (size_t i = 0; i < events; i++) {
		note(&bench);
	}
	double took = wall() - from;
	bench_finish(&bench);
	remove_all(dir);
	free(dir);
	return (double)events / took;
}

static void run_sql(sqlite3 *db, const char *sql) {
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "bench: %s: %s\n", sql, sqlite3_errmsg(db));
		exit(1);
	}
}

/* One row of the size of a note's rows in all tables, one commit each. */
static double bare_commits(const char *folder, size_t events) {
	char *path = xasprintf("%s/bare.db", folder);
	sqlite3 *db = NULL;
	sqlite3_stmt *insert = NULL;
	if (sqlite3_open(path, &db) != SQLITE_OK) {
		exit(1);
	}
	run_sql(db,
			"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
			"CREATE TABLE row (seq INTEGER PRIMARY KEY, body TEXT)");
	sqlite3_prepare_v2(
			db, "INSERT INTO row (body) VALUES (?)", -1, &insert, NULL);
	char body[600];
	memset(body, 'x', sizeof(body));
	double from = wall();
	for (size_t i = 0; i < events; i++) {
		sqlite3_bind_text(insert, 1, body, sizeof(body), SQLITE_STATIC);
		if (sqlite3_step(insert) != SQLITE_DONE) {
			exit(1);
		}
		sqlite3_reset(insert);
	}
	double took = wall() - from;
	sqlite3_finalize(insert);
	sqlite3_close(db);
	unlink(path);
	free(path);
	return (double)events / took;
}

static void bench_decisions(const char *folder, size_t events) {
	double ratios[ROUNDS];
	double rate = 0;
	for (size_t i = 0; i < ROUNDS; i++) {
		double bare = bare_commits(folder, events);
		rate = decisions(folder, events);
		ratios[i] = rate / bare;
	}
	printf("bench: decisions_per_s %.0f\n", rate);
	printf("bench: decisions_ratio %.2f\n", median(ratios, ROUNDS));
}

/* --- ready_1m_ratio, rss_mb --- */

/* Rows to append to a journal, many at a time. */
struct filling {
	struct journal *journal;
	struct journal_row *rows;
	char **bodies;
	size_t count;
	size_t total;
};

#define BATCH 5000

static void flush(struct filling *filling) {
	struct err err = { 0 };
	const struct journal_batch batch = {
		.rows = filling->rows,
		.row_count = filling->count,
	};
	if (filling->count > 0 &&
			filling->journal->api->append(filling->journal, &batch, &err) !=
					JOURNAL_APPENDED) {
		die("fill", &err);
	}
	for (size_t i = 0; i < filling->count; i++) {
		free(filling->bodies[i]);
	}
	filling->count = 0;
}

static bool add_row(
		void *data, const struct journal_row *row, struct err *err) {
	(void)err;
	struct filling *filling = data;
	filling->bodies[filling->count] = xstrdup(row->body);
	filling->rows[filling->count] = (struct journal_row){
		.at_ms = row->at_ms,
		.type = row->type, // a constant's, as every event type's name
		.body = filling->bodies[filling->count],
	};
	filling->count++;
	filling->total++;
	if (filling->count == BATCH) {
		flush(filling);
	}
	return true;
}

static struct filling *filling_begin(const char *dir) {
	struct err err = { 0 };
	struct filling *filling = xcalloc(1, sizeof(*filling));
	filling->journal = journal_sqlite_open(dir, &err);
	if (filling->journal == NULL) {
		die(dir, &err);
	}
	filling->rows = xcalloc(BATCH, sizeof(*filling->rows));
	filling->bodies = xcalloc(BATCH, sizeof(*filling->bodies));
	return filling;
}

static void filling_end(struct filling *filling) {
	flush(filling);
	filling->journal->api->destroy(filling->journal);
	free(filling->rows);
	free(filling->bodies);
	free(filling);
}

static void fill_notes(const char *dir, size_t events) {
	struct filling *filling = filling_begin(dir);
	while (filling->total < events) {
		const struct journal_row row = {
			.at_ms = START_MS + (int64_t)filling->total,
			.type = "note.taken",
			.body = "{\"user\":\"nqf8a1c2b77d0a51\",\"post\":\"n1c2b77d0a\","
					"\"text\":\"the queue is at 512 and falls by ten\"}",
		};
		add_row(filling, &row, NULL);
	}
	filling_end(filling);
}

/* Whole runs of 30 steps, one after another. */
static void fill_runs(const char *dir, size_t events) {
	struct filling *filling = filling_begin(dir);
	struct bench bench;
	bench_init(&bench, idle_journal_create(add_row, filling));
	while (filling->total < events) {
		play_whole_run(&bench, 30);
	}
	bench_finish(&bench);
	filling_end(filling);
}

static double read_rows(const char *dir) {
	char *path = xasprintf("%s/journal.db", dir);
	sqlite3 *db = NULL;
	sqlite3_stmt *select = NULL;
	double from = cpu();
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
			sqlite3_prepare_v2(db,
					"SELECT seq, at_ms, type, input, body, hash FROM journal "
					"ORDER BY seq",
					-1, &select, NULL) != SQLITE_OK) {
		fprintf(stderr, "bench: %s: %s\n", path, sqlite3_errmsg(db));
		exit(1);
	}
	size_t bytes = 0;
	while (sqlite3_step(select) == SQLITE_ROW) {
		for (int i = 2; i < 6; i++) {
			const unsigned char *text = sqlite3_column_text(select, i);
			bytes += text != NULL ? strlen((const char *)text) : 0;
		}
	}
	sqlite3_finalize(select);
	sqlite3_close(db);
	free(path);
	return bytes > 0 ? cpu() - from : 0;
}

static double replay(const char *dir) {
	struct err err = { 0 };
	double from = cpu();
	struct journal *journal = journal_sqlite_open(dir, &err);
	struct bridge bridge;
	bridge_init(&bridge);
	if (journal == NULL || !recover(journal, &bridge, &err)) {
		die("replay", &err);
	}
	double took = cpu() - from;
	bridge_finish(&bridge);
	journal->api->destroy(journal);
	return took;
}

static double rss_mb(void) {
	char line[256];
	double kb = 0;
	FILE *file = fopen("/proc/self/status", "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "VmHWM:", 6) == 0) {
			kb = strtod(line + 6, NULL);
		}
	}
	if (file != NULL) {
		fclose(file);
	}
	return kb / 1024;
}

/* The replay in a process of its own, whose most memory is told. */
static void bench_rss(const char *dir, const char *name) {
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		replay(dir);
		printf("bench: %s %.1f\n", name, rss_mb());
		fflush(stdout);
		_exit(0);
	}
	int status = 0;
	waitpid(child, &status, 0);
}

static void bench_replay(const char *folder, size_t events) {
	char *dir = xasprintf("%s/long", folder);
	remove_all(dir); // of an earlier run
	fill_notes(dir, events);
	bench_rss(dir, "rss_mb");
	double ratios[3];
	for (size_t i = 0; i < 3; i++) {
		double bare = read_rows(dir);
		ratios[i] = replay(dir) / bare;
	}
	printf("bench: ready_1m_ratio %.2f\n", median(ratios, 3));
	remove_all(dir);
	free(dir);
}

static void bench_runs(const char *folder, size_t events) {
	char *dir = xasprintf("%s/runs", folder);
	remove_all(dir); // of an earlier run
	fill_runs(dir, events);
	bench_rss(dir, "rss_runs_mb");
	remove_all(dir);
	free(dir);
}

static bool is_wanted(int argc, char **argv, const char *part) {
	return argc < 4 || strcmp(argv[3], part) == 0;
}

int main(int argc, char **argv) {
	if (argc < 2 || argc > 4) {
		fprintf(stderr,
				"usage: bench FOLDER [EVENTS [replay|runs|growth|decisions]]\n");
		return 2;
	}
	mkdir(argv[1], 0755);
	size_t long_ones = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000;
	size_t short_ones = long_ones / 1000;
	if (is_wanted(argc, argv, "replay")) {
		bench_replay(argv[1], long_ones);
	}
	if (is_wanted(argc, argv, "runs")) {
		bench_runs(argv[1], long_ones / 10);
	}
	if (is_wanted(argc, argv, "growth")) {
		bench_growth(short_ones);
	}
	if (is_wanted(argc, argv, "decisions")) {
		bench_decisions(argv[1], short_ones);
	}
	return 0;
}
