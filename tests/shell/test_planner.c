#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config_file.h"
#include "app/hush.h"
#include "app/planner.h"
#include "app/runbook_file.h"
#include "base/xalloc.h"
#include "journal/memory.h"
#include "support/test.h"

#define RUNBOOK \
	"# Ship\n\n| Parameter | Value | Meaning |\n|--|--|--|\n" \
	"| RELEASE | ask | |\n| TOKEN | secret | |\n\n" \
	"## 1. Try {.rehearsal env=stage}\n\n1. Do\n\n" \
	"   ```sh on=web\n   deploy \"$RELEASE\" \"$TOKEN\"\n   ```\n\n" \
	"2. Ask\n\n   ```http\n   GET https://{{HOST}}/\n   ```\n"

#define CONFIG \
	"[mattermost]\nurl = https://chat.example.org\nteam = t\n" \
	"token_file = token\n[bridge]\nchannel = bridge\nrunbook = ship.md\n" \
	"state_dir = state\n[env stage]\nsecrets_file = stage.secrets\n" \
	"HOST = example.org\n[target web]\nworkdir = work\n" \
	"files = *.yaml, one.env\n"

/* A folder with a config, its runbook and what they name. */
struct fixture {
	char dir[64];
	struct config_file config;
	struct planner_key key;
};

static void write_file(const struct fixture *fixture, const char *name,
		const char *text, mode_t mode) {
	char *path = xasprintf("%s/%s", fixture->dir, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
	free(path);
}

static int set_up(void **state) {
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));
	snprintf(fixture->dir, sizeof(fixture->dir), "/tmp/planner-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->dir));
	char *work = xasprintf("%s/work", fixture->dir);
	assert_int_equal(mkdir(work, 0700), 0);
	free(work);
	write_file(fixture, "ship.md", RUNBOOK, 0644);
	write_file(fixture, "config.ini", CONFIG, 0644);
	write_file(fixture, "token", "t0k3n-of-bot", 0600);
	write_file(fixture, "stage.secrets", "TOKEN=hush hush\n", 0600);
	write_file(fixture, "work/a.yaml", "a: 1\n", 0644);
	write_file(fixture, "work/b.yaml", "b: 2\n", 0644);
	write_file(fixture, "work/one.env", "C=3\n", 0644);
	write_file(fixture, "work/untracked", "", 0644);
	struct err err = { 0 };
	char *path = xasprintf("%s/config.ini", fixture->dir);
	assert_true(config_file_read(&fixture->config, path, &err));
	free(path);
	snprintf(fixture->key.text, sizeof(fixture->key.text), "key");
	*state = fixture;
	return 0;
}

static int tear_down(void **state) {
	struct fixture *fixture = *state;
	char *command = xasprintf("rm -r '%s'", fixture->dir);
	assert_int_equal(system(command), 0);
	free(command);
	config_file_finish(&fixture->config);
	free(fixture);
	return 0;
}

/* The plan of the folder as it is now; "" with @err where there is none. */
static bool digest_now(const struct fixture *fixture, char hex[SHA256_HEX],
		struct plan *kept, struct err *err) {
	struct runbook_file file;
	struct plan plan;
	const struct planner_param release = { "RELEASE", "1.2" };
	char *path = xasprintf("%s/ship.md", fixture->dir);
	assert_true(runbook_file_read(
			&file, path, fixture->config.config, fixture->config.dir, err));
	bool good = planner_build(fixture->config.config, fixture->config.dir, NULL,
			file.runbook, &release, 1, &fixture->key, &plan, err);
	if (good) {
		memcpy(hex, plan.digest, SHA256_HEX);
	}
	if (good && kept != NULL) {
		*kept = plan;
		kept->runbook = NULL;
	} else if (good) {
		plan_finish(&plan);
	}
	runbook_file_finish(&file);
	free(path);
	return good;
}

static void assert_changes(const struct fixture *fixture, const char *name,
		const char *text, bool changes) {
	char before[SHA256_HEX];
	char after[SHA256_HEX];
	struct err err = { 0 };
	assert_true(digest_now(fixture, before, NULL, &err));
	write_file(fixture, name, text,
			strcmp(name, "stage.secrets") == 0 ? 0600 : 0644);
	assert_true(digest_now(fixture, after, NULL, &err));
	assert_int_equal(strcmp(before, after) != 0, changes);
}

static void secrets_that_systemd_brings_are_as_good_as_a_file(void **state) {
	struct fixture *fixture = *state;
	char with_file[SHA256_HEX];
	char with_credential[SHA256_HEX];
	struct err err = { 0 };
	assert_true(digest_now(fixture, with_file, NULL, &err));
	struct config_env *env = &fixture->config.config->envs[0];
	env->secrets_credential = env->secrets_file;
	env->secrets_file = NULL;
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_false(digest_now(fixture, with_credential, NULL, &err));
	assert_non_null(strstr(err.text, "[env stage]: systemd brought no "));
	setenv("CREDENTIALS_DIRECTORY", fixture->dir, 1);
	assert_true(digest_now(fixture, with_credential, NULL, &err));
	assert_string_equal(with_credential, with_file);
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void what_commands_read_is_in_the_digest(void **state) {
	assert_changes(*state, "work/a.yaml", "a: 2\n", true);
	assert_changes(*state, "work/one.env", "C=4\n", true);
	assert_changes(*state, "work/c.yaml", "new\n", true);
	assert_changes(*state, "work/untracked", "anything\n", false);
	assert_changes(*state, "work/a.yaml", "a: 2\n", false);
	assert_changes(*state, "stage.secrets", "TOKEN=hush\n", true);
	assert_changes(*state, "stage.secrets", "# again\nTOKEN=hush\n", false);
}

static void a_plan_never_holds_a_secret(void **state) {
	const struct fixture *fixture = *state;
	char hex[SHA256_HEX];
	struct err err = { 0 };
	struct plan plan;
	assert_true(digest_now(fixture, hex, &plan, &err));
	const struct plan_env *env = plan_env(&plan, "stage");
	assert_non_null(env);
	assert_int_equal(env->value_count, 2);
	assert_string_equal(env->values[1].name, "TOKEN");
	assert_true(env->values[1].secret);
	assert_null(strstr(env->values[1].value, "hush"));
	planner_secret(&fixture->key, "stage", "TOKEN", "hush hush", hex);
	assert_string_equal(env->values[1].value, hex);
	const struct plan_target *web = plan_target(&plan, "web");
	assert_non_null(web);
	assert_int_equal(web->file_count, 3);
	assert_string_equal(web->files[0].path, "a.yaml");
	assert_null(plan_target(&plan, "local")); // only a request is there
	plan_finish(&plan);
}

static void secrets_are_read_in_clear_where_they_are_needed(void **state) {
	const struct fixture *fixture = *state;
	struct plan_value *values = NULL;
	size_t count = 0;
	struct err err = { 0 };
	assert_true(planner_read_secrets(fixture->config.config,
			fixture->config.dir, "stage", &values, &count, &err));
	assert_int_equal(count, 1);
	assert_string_equal(values[0].value, "hush hush");
	planner_wipe(values, count);
}

static void assert_refused(const struct fixture *fixture, const char *says) {
	char hex[SHA256_HEX];
	struct err err = { 0 };
	assert_false(digest_now(fixture, hex, NULL, &err));
	if (strstr(err.text, says) == NULL) {
		fail_msg("\"%s\" does not say \"%s\"", err.text, says);
	}
	assert_null(strstr(err.text, "hush"));
}

static void what_is_missing_is_named(void **state) {
	struct fixture *fixture = *state;
	char *file = xasprintf("%s/work/one.env", fixture->dir);
	unlink(file);
	assert_refused(fixture, "one.env");
	assert_int_equal(mkdir(file, 0700), 0);
	assert_refused(fixture, "one.env");
	assert_int_equal(rmdir(file), 0);
	free(file);
	write_file(fixture, "work/one.env", "", 0644);
	write_file(fixture, "stage.secrets", "TOKEN=hush\nHOST=hush\n", 0600);
	assert_refused(fixture, "HOST is in [env stage] and in its secrets");
	write_file(fixture, "stage.secrets", "TOKEN = hush\n", 0600);
	assert_refused(fixture, "stage.secrets:1");
	write_file(fixture, "stage.secrets", "TOKEN=hush\n", 0644);
	assert_refused(fixture, "chmod 600");
}

static void the_commit_is_shown(void **state) {
	struct fixture *fixture = *state;
	char *command = xasprintf("cd '%s/work' && git init -q && "
							  "git add . && git -c user.name=a -c "
							  "user.email=a@example.org commit -qm a",
			fixture->dir);
	char hex[SHA256_HEX];
	struct err err = { 0 };
	struct plan plan;
	assert_true(digest_now(fixture, hex, &plan, &err));
	assert_null(plan_target(&plan, "web")->commit);
	plan_finish(&plan);
	assert_int_equal(system(command), 0);
	free(command);
	assert_true(digest_now(fixture, hex, &plan, &err));
	assert_int_equal(strlen(plan_target(&plan, "web")->commit), 40);
	assert_false(plan_target(&plan, "web")->dirty);
	plan_finish(&plan);
	write_file(fixture, "work/untracked", "changed", 0644);
	char after[SHA256_HEX];
	assert_true(digest_now(fixture, after, &plan, &err));
	assert_true(plan_target(&plan, "web")->dirty);
	assert_string_equal(hex, after);
	plan_finish(&plan);
}

static void the_journal_keeps_one_key(void **state) {
	(void)state;
	struct journal *journal = journal_memory_create();
	struct planner_key first = { 0 };
	struct planner_key second = { 0 };
	struct err err = { 0 };
	assert_false(planner_key_get(journal, &first));
	assert_true(planner_key_make(journal, &first, &err));
	assert_true(planner_key_make(journal, &second, &err));
	assert_string_equal(first.text, second.text);
	assert_true(planner_key_get(journal, &second));
	journal->api->destroy(journal);
	journal = journal_memory_create();
	assert_true(planner_key_make(journal, &second, &err));
	assert_string_not_equal(first.text, second.text);
	journal->api->destroy(journal);
}

static void what_the_config_keeps_secret_is_hidden_in_words(void **state) {
	struct fixture *fixture = *state;
	char *text = hush_text(
			&fixture->config, "is it t0k3n-of-bot or hush hush?");
	assert_string_equal(text, "is it *** or ***?");
	free(text);
	write_file(fixture, "stage.secrets", "TOKEN=quite another\n", 0600);
	text = hush_text(&fixture->config, "now quite another, not hush hush");
	assert_string_equal(text, "now ***, not hush hush");
	free(text);
	write_file(fixture, "stage.secrets", "TOKEN=quite another\n", 0644);
	text = hush_text(&fixture->config, "t0k3n-of-bot"); // the others still are
	assert_string_equal(text, "***");
	free(text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
				secrets_that_systemd_brings_are_as_good_as_a_file, set_up,
				tear_down),
		cmocka_unit_test_setup_teardown(
				what_commands_read_is_in_the_digest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
				a_plan_never_holds_a_secret, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
				secrets_are_read_in_clear_where_they_are_needed, set_up,
				tear_down),
		cmocka_unit_test_setup_teardown(
				what_the_config_keeps_secret_is_hidden_in_words, set_up,
				tear_down),
		cmocka_unit_test_setup_teardown(
				what_is_missing_is_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_commit_is_shown, set_up, tear_down),
		cmocka_unit_test(the_journal_keeps_one_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
