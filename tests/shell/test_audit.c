#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <sqlite3.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "cli/audit.h"
#include "codec/row_json.h"
#include "journal/sqlite.h"
#include "support/folder.h"
#include "support/test.h"

/* A state folder and a config that names it. */
struct fixture {
	char dir[64];
	char state[80];
	char config[80];
	struct journal *journal;
};

static void write_config(const struct fixture *fixture) {
	FILE *file = fopen(fixture->config, "w");
	assert_non_null(file);
	fputs("[mattermost]\nurl = https://chat.example.org\nteam = t\n"
		  "token_file = token\n[bridge]\nchannel = launch-bridge\n"
		  "runbook = r.md\nstate_dir = state\n",
			file);
	assert_int_equal(fclose(file), 0);
}

static int set_up(void **state) {
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));
	snprintf(fixture->dir, sizeof(fixture->dir), "/tmp/audit-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->dir));
	snprintf(fixture->state, sizeof(fixture->state), "%s/state", fixture->dir);
	snprintf(fixture->config, sizeof(fixture->config), "%s/config.ini",
			fixture->dir);
	write_config(fixture);
	struct err err = { 0 };
	fixture->journal = journal_sqlite_open(fixture->state, &err);
	assert_non_null(fixture->journal);
	*state = fixture;
	return 0;
}

static int tear_down(void **state) {
	struct fixture *fixture = *state;
	fixture->journal->api->destroy(fixture->journal);
	folder_remove(fixture->state);
	folder_remove(fixture->dir);
	free(fixture);
	return 0;
}

static void append(struct fixture *fixture, const char *type, const char *input,
		const char *body) {
	const struct journal_row row = {
		.at_ms = 1761447483123,
		.type = type,
		.body = body,
	};
	const struct journal_batch batch = {
		.input = input,
		.rows = &row,
		.row_count = 1,
	};
	struct err err = { 0 };
	assert_true(fixture->journal->api->append(fixture->journal, &batch, &err) ==
			JOURNAL_APPENDED);
}

static void head(struct fixture *fixture, char hash[SHA256_HEX]) {
	uint64_t seq;
	fixture->journal->api->head(fixture->journal, &seq, hash);
}

#define ARGS_MAX 8

/* Run `audit` with @args; what it prints on @fd comes back, caller frees. */
static char *audit(int fd, int expected_status, const char *const *args) {
	char *copies[ARGS_MAX + 1] = { NULL };
	int count = 0;
	copies[count++] = xstrdup("audit");
	for (; *args != NULL; args++) {
		assert_true(count < ARGS_MAX);
		copies[count++] = xstrdup(*args);
	}
	fflush(NULL);
	FILE *file = tmpfile();
	FILE *other = tmpfile();
	assert_non_null(file);
	assert_non_null(other);
	int out = dup(STDOUT_FILENO);
	int err = dup(STDERR_FILENO);
	dup2(fileno(fd == STDOUT_FILENO ? file : other), STDOUT_FILENO);
	dup2(fileno(fd == STDERR_FILENO ? file : other), STDERR_FILENO);
	int status = audit_main(count, copies);
	fflush(NULL);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(out);
	close(err);
	struct str text;
	str_init(&text, 0);
	rewind(file);
	for (int c; (c = fgetc(file)) != EOF;) {
		str_add_char(&text, (char)c);
	}
	fclose(file);
	fclose(other);
	for (int i = 0; i < count; i++) {
		free(copies[i]);
	}
	if (status != expected_status) {
		printf("# status %d: %s\n", status, str_text(&text));
	}
	assert_int_equal(status, expected_status);
	return str_take(&text);
}

#define OUT(status, ...) \
	audit(STDOUT_FILENO, status, (const char *const[]){ __VA_ARGS__, NULL })
#define ERR(status, ...) \
	audit(STDERR_FILENO, status, (const char *const[]){ __VA_ARGS__, NULL })

static void assert_printed(char *text, const char *expected) {
	assert_string_equal(text, expected);
	free(text);
}

/* As somebody with a shell on the host. */
static void tamper(const struct fixture *fixture, const char *sql) {
	char path[96];
	snprintf(path, sizeof(path), "%s/journal.db", fixture->state);
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void a_good_journal_is_verified_beside_the_bot(void **state) {
	struct fixture *fixture = *state;
	assert_printed(OUT(0, "verify", "--state", fixture->state),
			"0 rows: the journal is empty\n");
	char early[SHA256_HEX];
	char late[SHA256_HEX];
	append(fixture, "run.begun", "post:1", "{}");
	head(fixture, early);
	append(fixture, "run.held", NULL, "{}");
	head(fixture, late);
	char expected[256];
	snprintf(expected, sizeof(expected), "2 rows, all follow, head %s\n", late);
	assert_printed(OUT(0, "verify", "--config", fixture->config), expected);
	char posted[9];
	snprintf(posted, sizeof(posted), "%.8s", early);
	snprintf(expected, sizeof(expected),
			"head %s is row 1\nhead %s is row 2\n"
			"2 rows, all follow, head %s\n",
			posted, late, late);
	assert_printed(OUT(0, "verify", "--state", fixture->state, "--head", posted,
						   "--head", late),
			expected);
}

static void a_changed_journal_is_told_with_the_row(void **state) {
	struct fixture *fixture = *state;
	for (int i = 0; i < 5; i++) {
		append(fixture, "step.asked", NULL, "{}");
	}
	tamper(fixture,
			"DROP TRIGGER journal_no_update;"
			"UPDATE journal SET body = '{\"a\":1}' WHERE seq = 3");
	assert_printed(
			OUT(1, "verify", "--state", fixture->state, "--head", "01234567"),
			"wrong: row 3 does not follow from row 2: one of them was changed, "
			"moved or put in\n"
			"wrong: the trigger journal_no_update was taken away\n"
			"wrong: head 01234567 is the hash of no row: rows were cut off the "
			"end, or the journal was written anew\n"
			"5 rows, 3 wrong\n");
}

static void many_faults_are_counted_and_not_all_told(void **state) {
	struct fixture *fixture = *state;
	for (int i = 0; i < 60; i++) {
		append(fixture, "step.asked", NULL, "{}");
	}
	tamper(fixture,
			"DROP TRIGGER journal_no_update;"
			"UPDATE journal SET at_ms = at_ms + 1");
	char *text = OUT(1, "verify", "--state", fixture->state);
	assert_non_null(strstr(text, "\nand 41 more\n60 rows, 61 wrong\n"));
	free(text);
}

static void a_file_that_is_none_is_wrong(void **state) {
	struct fixture *fixture = *state;
	char path[96];
	snprintf(path, sizeof(path), "%s/journal.db", fixture->dir);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 1000; i++) {
		fputs("no database", file);
	}
	assert_int_equal(fclose(file), 0);
	char *text = ERR(1, "verify", "--state", fixture->dir);
	assert_non_null(strstr(text, "file is not a database"));
	free(text);
}

static void the_tail_is_for_people(void **state) {
	struct fixture *fixture = *state;
	append(fixture, "run.begun", NULL, "{}");
	append(fixture, "note.taken", "post:2", "{\"text\":\"a\x1b\xc2\x9b b\"}");
	append(fixture, "run.held", "post:3", "{\"é\":1}");
	assert_printed(OUT(0, "tail", "-n", "2", "--config", fixture->config),
			"2  2025-10-26T02:58:03.123Z  note.taken  {\"text\":\"a?? b\"}\n"
			"3  2025-10-26T02:58:03.123Z  run.held  {\"é\":1}\n");
	char *all = OUT(0, "tail", "--state", fixture->state);
	assert_true(strncmp(all, "1  ", 3) == 0);
	free(all);
}

static void a_long_body_is_cut_in_the_tail_only(void **state) {
	struct fixture *fixture = *state;
	char *body = xcalloc(1, 1002);
	memset(body, 'x', 1001);
	memcpy(body, "{\"t\":\"", 6);
	memcpy(body + 999, "\"}", 2);
	append(fixture, "x", NULL, body);
	char *line = OUT(0, "tail", "--state", fixture->state);
	assert_true(strlen(line) < 260);
	assert_non_null(strstr(line, "xxx…\n"));
	free(line);
	line = OUT(0, "export", "--state", fixture->state);
	assert_non_null(strstr(line, body));
	free(line);
	free(body);
}

static void an_export_is_one_object_a_line(void **state) {
	struct fixture *fixture = *state;
	append(fixture, "run.begun", "post:\"1\"", "{\"n\":1e2,\"s\":\"\\u00e9\"}");
	char hash[SHA256_HEX];
	head(fixture, hash);
	append(fixture, "odd", NULL, "{\n}");
	append(fixture, "odd", NULL, "1");
	char *text = OUT(0, "export", "--json", "--state", fixture->state);
	char expected[400];
	snprintf(expected, sizeof(expected),
			"{\"seq\":1,\"at_ms\":1761447483123,"
			"\"at\":\"2025-10-26T02:58:03.123Z\",\"type\":\"run.begun\","
			"\"input\":\"post:\\\"1\\\"\","
			"\"body\":{\"n\":1e2,\"s\":\"\\u00e9\"},\"hash\":\"%s\"}\n",
			hash);
	assert_true(strncmp(text, expected, strlen(expected)) == 0);
	size_t lines = 0;
	for (char *line = strtok(text, "\n"); line != NULL;
			line = strtok(NULL, "\n")) {
		cJSON *json = cJSON_ParseWithOpts(line, NULL, 1);
		assert_true(cJSON_IsObject(json));
		lines++;
		const cJSON *body = cJSON_GetObjectItemCaseSensitive(json, "body");
		assert_true(lines == 1 ? cJSON_IsObject(body) : cJSON_IsString(body));
		cJSON_Delete(json);
	}
	assert_int_equal(lines, 3);
	free(text);
}

static void a_time_before_1970_is_written_right(void **state) {
	(void)state;
	struct str out;
	str_init(&out, 0);
	const struct row_json row = {
		.seq = 1, .at_ms = -1, .type = "t", .body = "{}", .hash = "h"
	};
	row_json_add_short(&out, &row, 10);
	assert_string_equal(str_text(&out), "1  1969-12-31T23:59:59.999Z  t  {}");
	str_finish(&out);
}

static void wrong_usage_is_told(void **state) {
	struct fixture *fixture = *state;
	static const char *const wrong[][4] = {
		{ "verify", "--head", "xyz", NULL },
		{ "verify", "-n", "3", NULL },
		{ "tail", "-n", "0", NULL },
		{ "tail", "--head", "01234567", NULL },
		{ "tail", "more", NULL, NULL },
		{ "burn", NULL, NULL, NULL },
		{ "verify", "--what", NULL, NULL },
		{ NULL, NULL, NULL, NULL },
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char *text = audit(STDERR_FILENO, 2, wrong[i]);
		assert_non_null(strstr(text, "usage: bridgekeeper audit verify"));
		free(text);
	}
	char *text = ERR(
			2, "tail", "--state", fixture->state, "--config", fixture->config);
	assert_non_null(strstr(text, "--config or --state, not both"));
	free(text);
}

static void a_journal_that_is_not_there_is_said(void **state) {
	struct fixture *fixture = *state;
	char expected[200];
	snprintf(expected, sizeof(expected),
			"bridgekeeper audit: there is no journal in %s\n", fixture->dir);
	assert_printed(ERR(3, "verify", "--state", fixture->dir), expected);
	char missing[100];
	snprintf(missing, sizeof(missing), "%s/none.ini", fixture->dir);
	char *text = ERR(2, "verify", "--config", missing);
	assert_non_null(strstr(text, missing));
	free(text);
	FILE *file = fopen(fixture->config, "a");
	assert_non_null(file);
	fputs("colour = blue\nnoise = loud\n", file);
	assert_int_equal(fclose(file), 0);
	snprintf(expected, sizeof(expected),
			"bridgekeeper audit: 2 errors in the config, the first: %s:9: ",
			fixture->config);
	text = ERR(2, "verify", "--config", fixture->config);
	assert_true(strncmp(text, expected, strlen(expected)) == 0);
	free(text);
}

#define WITH_JOURNAL(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		WITH_JOURNAL(a_good_journal_is_verified_beside_the_bot),
		WITH_JOURNAL(a_changed_journal_is_told_with_the_row),
		WITH_JOURNAL(many_faults_are_counted_and_not_all_told),
		WITH_JOURNAL(a_file_that_is_none_is_wrong),
		WITH_JOURNAL(the_tail_is_for_people),
		WITH_JOURNAL(a_long_body_is_cut_in_the_tail_only),
		WITH_JOURNAL(an_export_is_one_object_a_line),
		cmocka_unit_test(a_time_before_1970_is_written_right),
		WITH_JOURNAL(wrong_usage_is_told),
		WITH_JOURNAL(a_journal_that_is_not_there_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
