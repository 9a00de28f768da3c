#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "codec/runbook_md.h"
#include "core/plan.h"
#include "support/test.h"

#define DOCUMENT \
	"# Ship it\n\nProse.\n\n" \
	"| Role | Primary | Backup | Contact |\n|--|--|--|--|\n" \
	"| Ops | a | b | c |\n| CTO | d | e | f |\n\n" \
	"| Group | Roles |\n|--|--|\n| All | Ops, CTO |\n\n" \
	"| Step | Required approvers | Record location |\n|--|--|--|\n" \
	"| Start | Ops | ticket |\n\n" \
	"| Parameter | Value | Meaning |\n|--|--|--|\n" \
	"| RELEASE | ask | |\n| MODE | `fast` or `slow` | |\n" \
	"| COUNT | `3` | |\n| TOKEN | secret | |\n\n" \
	"## Go {.production gate=Start env=prod}\n\n" \
	"1. First {owner=Ops}\n\n   About it.\n\n" \
	"   ```sh timeout=5m on=web\n   ./deploy \"$RELEASE\"\n   ```\n" \
	"   ```expect\n   exit 0\n   ```\n" \
	"2. Slowly {when=\"MODE=slow\"}\n"

/* A document and the plan of it, as a config would complete it. */
struct made {
	char *text;
	struct runbook *runbook;
	struct plan plan;
};

static struct runbook *parse(const char *text) {
	struct findings findings;
	findings_init(&findings);
	struct runbook *runbook = runbook_md_parse(
			"test.md", text, strlen(text), &findings);
	assert_int_equal(findings.count, 0);
	findings_finish(&findings);
	return runbook;
}

static const char hash_a[SHA256_HEX] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
									   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char hash_b[SHA256_HEX] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
									   "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/* The plan of DOCUMENT with its first @from replaced by @to. */
static struct made make(const char *from, const char *to) {
	struct made made = { .text = xstrdup(DOCUMENT) };
	if (from != NULL) {
		char *at = strstr(made.text, from);
		assert_non_null(at);
		char *text = xasprintf("%.*s%s%s", (int)(at - made.text), made.text, to,
				at + strlen(from));
		free(made.text);
		made.text = text;
	}
	struct err err = { 0 };
	made.runbook = parse(made.text);
	plan_init(&made.plan, made.runbook);
	assert_true(plan_set_param(&made.plan, "RELEASE", "1.2", &err));
	assert_true(plan_complete(&made.plan, &err));
	plan_add_env_value(&made.plan, "prod", "TOKEN", "hmac-1", true);
	plan_add_env_value(&made.plan, "prod", "HOST", "example.org", false);
	struct plan_target *web = plan_add_target(&made.plan, "web");
	plan_target_add_host(web, "node1");
	plan_target_add_file(web, "prod.env", hash_a);
	plan_seal(&made.plan);
	return made;
}

static void unmake(struct made *made) {
	plan_finish(&made->plan);
	runbook_destroy(made->runbook);
	free(made->text);
}

/* Whether replacing @from by @to gives another digest; if so, the difference
 * has to say @says. */
static void assert_change(const char *from, const char *to, const char *says) {
	struct made then = make(NULL, NULL);
	struct made now = make(from, to);
	char *text = plan_difference(&then.plan, &now.plan, 20);
	if (says == NULL) {
		assert_string_equal(then.plan.digest, now.plan.digest);
		assert_string_equal(text, "");
	} else {
		assert_string_not_equal(then.plan.digest, now.plan.digest);
		if (strstr(text, says) == NULL) {
			fail_msg("%s -> %s: \"%s\" says no \"%s\"", from, to, text, says);
		}
	}
	free(text);
	unmake(&then);
	unmake(&now);
}

static void prose_does_not_change_the_digest(void **state) {
	(void)state;
	assert_change("Prose.", "Other prose, and more.", NULL);
	assert_change("About it.", "Nothing about it.", NULL);
	assert_change("# Ship it", "# Ship something", NULL);
	assert_change("| Ops | a | b | c |", "| Ops | x | y | ~z |", NULL);
	assert_change(
			"| Start | Ops | ticket |", "| Start | Ops | channel |", NULL);
}

static void each_thing_that_could_happen_changes_the_digest(void **state) {
	(void)state;
	assert_change("First {", "The first {", "1.1: its title changed");
	assert_change("{owner=Ops}", "{owner=CTO}", "1.1: its owner changed");
	assert_change("./deploy", "./destroy", "1.1: its commands changed");
	assert_change(
			"timeout=5m", "timeout=6m", "1.1: how its commands run changed");
	assert_change(" on=web", " on=db", "1.1: where it runs changed");
	assert_change("env=prod}", "env=stage}", "1.1: where it runs changed");
	assert_change("exit 0", "exit 3", "1.1: its conditions changed");
	assert_change("timeout=5m", "timeout=5m sets=X",
			"1.1: what it publishes changed");
	assert_change("MODE=slow", "MODE=fast", "1.2: when it happens changed");
	assert_change("gate=Start", "", "1.1: its gate changed");
	assert_change(".production", ".rehearsal", "1.1: its kind changed");
	assert_change("| Start | Ops |", "| Start | Ops + CTO |",
			"gate `Start`: who approves it changed");
	assert_change("| Start | Ops |", "| Start | Ops or CTO |",
			"gate `Start`: who approves it changed");
	assert_change("| All | Ops, CTO |", "| All | CTO |", "group `All` changed");
	assert_change("2. Slowly", "2. New\n3. Slowly", "1.3 is new");
}

static void assert_differs(struct made *now, const char *says) {
	struct made then = make(NULL, NULL);
	plan_seal(&now->plan);
	char *text = plan_difference(&then.plan, &now->plan, 20);
	assert_string_equal(text, says);
	if (says[0] != '\0') {
		assert_string_not_equal(then.plan.digest, now->plan.digest);
	} else {
		assert_string_equal(then.plan.digest, now->plan.digest);
	}
	free(text);
	unmake(&then);
	unmake(now);
}

static void values_hosts_and_files_change_the_digest(void **state) {
	(void)state;
	struct err err = { 0 };
	struct made now = make(NULL, NULL);
	assert_true(plan_set_param(&now.plan, "COUNT", "4", &err));
	assert_differs(&now, "parameter COUNT changed");
	now = make(NULL, NULL);
	plan_add_env_value(&now.plan, "prod", "TOKEN", "hmac-2", true);
	assert_differs(&now, "TOKEN of environment prod changed");
	now = make(NULL, NULL);
	plan_add_env_value(&now.plan, "prod", "HOST", "example.com", false);
	assert_differs(&now, "HOST of environment prod changed");
	now = make(NULL, NULL);
	plan_target_add_host(plan_add_target(&now.plan, "web"), "node2");
	assert_differs(&now, "target web: its hosts changed");
	now = make(NULL, NULL);
	plan_target_add_file(plan_add_target(&now.plan, "web"), "prod.env", hash_b);
	assert_differs(&now, "prod.env (target web) changed");
	now = make(NULL, NULL);
	plan_target_add_file(plan_add_target(&now.plan, "web"), "a.yaml", hash_b);
	assert_differs(&now, "a.yaml (target web) is new");
}

static void commit_and_workdir_are_shown_and_not_hashed(void **state) {
	(void)state;
	struct made now = make(NULL, NULL);
	struct plan_target *web = plan_add_target(&now.plan, "web");
	web->commit = xstrdup("0123456789");
	web->workdir = xstrdup("/srv");
	web->dirty = true;
	assert_differs(&now, "");
}

static void the_order_of_what_is_added_does_not_matter(void **state) {
	(void)state;
	struct made now = make(NULL, NULL);
	plan_add_env_value(&now.plan, "prod", "AAA", "1", false);
	plan_add_env_value(&now.plan, "prod", "ZZZ", "1", false);
	plan_seal(&now.plan);
	struct made other = make(NULL, NULL);
	plan_add_env_value(&other.plan, "prod", "ZZZ", "1", false);
	plan_add_env_value(&other.plan, "prod", "AAA", "1", false);
	plan_seal(&other.plan);
	assert_string_equal(now.plan.digest, other.plan.digest);
	unmake(&now);
	unmake(&other);
}

static void the_order_of_steps_matters(void **state) {
	(void)state;
	struct runbook *one = parse("# 1. A {.production}\n- x\n- y\n");
	struct runbook *two = parse("# 1. A {.production}\n- y\n- x\n");
	char first[SHA256_HEX];
	char second[SHA256_HEX];
	plan_document_digest(one, first);
	plan_document_digest(two, second);
	assert_string_not_equal(first, second);
	runbook_destroy(one);
	runbook_destroy(two);
}

static void a_difference_is_cut_where_asked(void **state) {
	(void)state;
	struct made then = make(NULL, NULL);
	struct made now = make("./deploy", "./other");
	plan_target_add_file(plan_add_target(&now.plan, "web"), "prod.env", hash_b);
	char *text = plan_difference(&then.plan, &now.plan, 1);
	assert_string_equal(text, "1.1: its commands changed");
	free(text);
	unmake(&then);
	unmake(&now);
}

static void a_document_digest_covers_what_parameters_may_be(void **state) {
	(void)state;
	struct made then = make(NULL, NULL);
	struct made now = make("`fast` or `slow`", "`slow` or `fast`");
	char first[SHA256_HEX];
	char second[SHA256_HEX];
	plan_document_digest(then.runbook, first);
	plan_document_digest(now.runbook, second);
	assert_string_not_equal(first, second);
	assert_string_not_equal(first, then.plan.digest);
	unmake(&then);
	unmake(&now);
}

static void parameters_are_given_as_the_runbook_says(void **state) {
	(void)state;
	struct err err = { 0 };
	struct runbook *runbook = parse(DOCUMENT);
	struct plan plan;
	plan_init(&plan, runbook);
	assert_false(plan_complete(&plan, &err));
	assert_non_null(strstr(err.text, "RELEASE"));
	assert_false(plan_set_param(&plan, "SPEED", "1", &err));
	assert_non_null(strstr(err.text, "`MODE`"));
	assert_false(plan_set_param(&plan, "MODE", "faster", &err));
	assert_non_null(strstr(err.text, "`fast` or `slow`"));
	assert_false(plan_set_param(&plan, "TOKEN", "x", &err));
	assert_false(plan_set_param(&plan, "RELEASE", NULL, &err));
	assert_false(plan_set_param(&plan, "RELEASE", "a\nb", &err));
	assert_true(plan_set_param(&plan, "release", "2", &err));
	assert_true(plan_complete(&plan, &err));
	assert_string_equal(plan_param(&plan, "RELEASE"), "2");
	assert_string_equal(plan_param(&plan, "MODE"), "fast");
	assert_null(plan_param(&plan, "TOKEN"));
	assert_false(plan_includes(&plan, 1));
	assert_true(plan_set_param(&plan, "MODE", "slow", &err));
	assert_true(plan_includes(&plan, 1));
	assert_true(plan_includes(&plan, 0));
	plan_finish(&plan);
	runbook_destroy(runbook);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prose_does_not_change_the_digest),
		cmocka_unit_test(each_thing_that_could_happen_changes_the_digest),
		cmocka_unit_test(values_hosts_and_files_change_the_digest),
		cmocka_unit_test(commit_and_workdir_are_shown_and_not_hashed),
		cmocka_unit_test(the_order_of_what_is_added_does_not_matter),
		cmocka_unit_test(the_order_of_steps_matters),
		cmocka_unit_test(a_difference_is_cut_where_asked),
		cmocka_unit_test(a_document_digest_covers_what_parameters_may_be),
		cmocka_unit_test(parameters_are_given_as_the_runbook_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
