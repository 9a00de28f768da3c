#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codec/config_ini.h"
#include "codec/config_use.h"
#include "codec/runbook_md.h"
#include "support/test.h"

#define CONFIG \
	"[mattermost]\n" \
	"url = https://chat.example.org\n" \
	"team = platform\n" \
	"token_file = token\n" \
	"[bridge]\n" \
	"channel = launch-bridge\n" \
	"runbook = launch.md\n" \
	"state_dir = state\n" \
	"[role Ops]\n" \
	"primary = ops\n" \
	"[env prod]\n" \
	"A = b\n" \
	"[target compose]\n" \
	"hosts = local\n" \
	"[target far]\n" \
	"hosts = node1\n" \
	"workdir = /srv\n" \
	"ssh_key = key\n" \
	"ssh_known_hosts = known_hosts\n"

#define RUNBOOK(attributes, block_attributes, kind, text) \
	"# Launch\n" \
	"\n" \
	"| Role | Primary | Backup | Contact |\n" \
	"|---|---|---|---|\n" \
	"| Ops | a | b | c |\n" \
	"\n" \
	"## 1. Go {.production " attributes "}\n" \
	"\n" \
	"1. First\n" \
	"\n" \
	"   ```" kind " " block_attributes "\n" \
	"   " text "\n" \
	"   ```\n" \
	"\n" \
	"2. Second\n" \
	"\n" \
	"   ```" kind " " block_attributes "\n" \
	"   " text "\n" \
	"   ```\n"

static struct config *parse_config(const char *text) {
	struct findings findings;
	findings_init(&findings);
	struct config *config = config_parse(text, strlen(text), &findings);
	assert_non_null(config);
	findings_finish(&findings);
	return config;
}

static void assert_use(const char *config_text, const char *runbook_text,
		const char *expected) {
	struct config *config = parse_config(config_text);
	struct findings findings;
	findings_init(&findings);
	struct runbook *runbook = runbook_md_parse(
			"launch.md", runbook_text, strlen(runbook_text), &findings);
	assert_int_equal(findings_errors(&findings), 0);
	findings_finish(&findings);
	config_use_check(config, runbook, &findings);
	struct str text;
	str_init(&text, 0);
	for (size_t i = 0; i < findings.count; i++) {
		str_addf(&text, "%u:%u %s [%s]\n", findings.list[i].place.line,
				findings.list[i].place.column, findings.list[i].text,
				findings.list[i].rule);
	}
	assert_string_equal(str_text(&text), expected);
	str_finish(&text);
	findings_finish(&findings);
	runbook_destroy(runbook);
	config_destroy(config);
}

static void what_the_config_has_may_be_used(void **state) {
	(void)state;
	assert_use(CONFIG, RUNBOOK("env=prod on=compose", "", "sh", "true"), "");
	assert_use(CONFIG, RUNBOOK("", "", "sh", "true"), "");
	assert_use(CONFIG, RUNBOOK("", "on=local", "sh", "true"), "");
}

static void an_unknown_env_is_said_once(void **state) {
	(void)state;
	assert_use(CONFIG, RUNBOOK("env=prodd", "", "sh", "true"),
			"9:1 step 1.1 runs in env=prodd, and the config has no [env "
			"prodd]: write env=prod [env-unknown]\n");
	assert_use(CONFIG, RUNBOOK("env=stage", "", "sh", "true"),
			"9:1 step 1.1 runs in env=stage, and the config has no [env stage] "
			"[env-unknown]\n");
}

static void an_unknown_target_is_said_once(void **state) {
	(void)state;
	assert_use(CONFIG, RUNBOOK("on=Compose", "", "sh", "true"),
			"11:4 step 1.1 runs on=Compose, and the config has no [target "
			"Compose]: write on=compose [target-unknown]\n");
}

static void a_target_over_ssh_is_a_target(void **state) {
	(void)state;
	assert_use(CONFIG, RUNBOOK("", "on=far", "sh", "true"), "");
}

static void a_request_runs_nowhere_but_here(void **state) {
	(void)state;
	assert_use(CONFIG,
			RUNBOOK("", "on=far", "http", "GET https://chat.example.org/"), "");
}

static char *example_text;
static char *runbook_text;

static void the_example_fits_the_launch_runbook(void **state) {
	(void)state;
	assert_use(example_text, runbook_text, "");
}

static char *read_file(const char *path) {
	FILE *file = fopen(path, "r");
	if (file == NULL) {
		printf("Bail out! cannot open %s\n", path);
		exit(1);
	}
	struct str text;
	str_init(&text, 0);
	char bytes[4096];
	for (size_t n; (n = fread(bytes, 1, sizeof(bytes), file)) > 0;) {
		str_add_bytes(&text, bytes, n);
	}
	fclose(file);
	return str_take(&text);
}

int main(int argc, char **argv) {
	if (argc != 3) {
		printf("Bail out! usage: test_config_use CONFIG RUNBOOK\n");
		return 1;
	}
	example_text = read_file(argv[1]);
	runbook_text = read_file(argv[2]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_config_has_may_be_used),
		cmocka_unit_test(an_unknown_env_is_said_once),
		cmocka_unit_test(an_unknown_target_is_said_once),
		cmocka_unit_test(a_target_over_ssh_is_a_target),
		cmocka_unit_test(a_request_runs_nowhere_but_here),
		cmocka_unit_test(the_example_fits_the_launch_runbook),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(example_text);
	free(runbook_text);
	return failed;
}
