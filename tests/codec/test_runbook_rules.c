/*
 * Every rule of docs/runbook-format.md has two runbooks in runbooks/: RULE-bad
 * trips it where the table here says and trips nothing else; RULE-good stands
 * as near to it as can be and trips nothing at all.
 *
 * Usage: test_runbook_rules FOLDER DOC
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "codec/runbook_check.h"
#include "support/test.h"

static const char *folder; // of the runbooks
static const char *doc;    // the page that lists the rules

static const char *const lead[] = { "ada", "bob" };
static const char *const cto[] = { "cy", "ada" };
static const char *const solo[] = { "ada" };

static const struct lint_role roles[] = {
	{ "lead", lead, 2 },
	{ "CTO", cto, 2 },
	{ "Solo", solo, 1 },
	{ "Twin", lead, 2 },
};

static const char *const stage_names[] = { "NAMESPACE", "TOKEN" };

static const struct lint_env envs[] = {
	{ "stage", stage_names, 2 },
	{ "other", NULL, 0 },
};

static const struct lint_target targets[] = {
	{ "local", 1 },
	{ "web", 1 },
	{ "cluster", 2 },
};

static const struct lint_config config = {
	.roles = roles,
	.role_count = 4,
	.envs = envs,
	.env_count = 2,
	.targets = targets,
	.target_count = 3,
	.requester_approves = true,
};

static const struct {
	const char *rule;
	bool needs_config;
	const char *found; // each "line:column", in the order they are said
} rules[] = {
	{ "attribute", false,
			"8:11 10:23 12:20 13:21 14:38 17:18 20:15 21:24 22:25 25:18 "
			"28:39 30:5 33:11 38:11 41:26 42:27 48:21 52:11 56:3 58:11 58:23" },
	{ "block-language", false, "7:4 12:4 17:4 22:8 27:6" },
	{ "block-outside", false, "9:1 21:6 26:4 30:3 38:1" },
	{ "cell-cut", false, "7:20 12:6" },
	{ "encoding", false, "6:7" },
	{ "endless", false, "8:28 11:21 14:21 19:36 22:28 27:4 30:8" },
	{ "fence-open", false, "7:4 16:1" },
	{ "gate-fragile", true, "14:3 13:3" }, // the rollback's first
	{ "gate-unknown", false, "12:29 16:52" },
	{ "gate-unsatisfiable", true, "13:3 14:3" },
	{ "gate-unused", false, "11:3" },
	{ "milestone-command", false, "10:12 11:13 12:12 13:34" },
	{ "milestone-order", false, "11:3 13:3" },
	{ "name-reserved", false, "6:3 7:3 8:3 14:16 17:36 24:16" },
	{ "no-rehearsal", false, "3:1" },
	{ "no-rollback", false, "14:24" },
	{ "on-forgotten", false, "19:17 31:4" },
	{ "pattern", false, "13:23 22:4 30:4 39:4 44:60" },
	{ "phase-empty", false, "3:1 7:1" },
	{ "placeholder", false,
			"8:40 9:16 10:28 15:32 16:31 21:11 21:18 26:28 31:30" },
	{ "request", false, "8:4" },
	{ "role-unheld", true, "9:3" },
	{ "role-unknown", false, "11:24 15:18 16:17 17:18 21:19 22:9 24:43 26:23" },
	{ "sets-many", true, "7:4 12:4" },
	{ "smoke-unchecked", false, "7:3 9:1" },
	{ "stage-in-production", false, "8:31 10:1 18:30 22:4 28:1" },
	{ "step-number", false, "6:1" },
	{ "step-twice", false, "12:1 18:1" },
	{ "step-untitled", false, "5:1 8:1" },
	{ "table", false,
			"6:20 7:3 11:3 16:27 17:3 18:11 19:18 23:3 24:13 25:10 29:3 31:1" },
	{ "undo-unpublished", false, "35:15 40:23 45:25 50:11 60:31" },
	{ "unseen", false, "8:10 13:4 18:10 23:6 28:15" },
	{ "variable-unset", true,
			"8:21 8:31 8:44 8:57 13:10 19:4 25:10 30:42 39:10" },
};

#define RULE_COUNT (sizeof(rules) / sizeof(rules[0]))

#define ROLES_TABLE \
	"| Role | Primary | Backup | Contact |\n|--|--|--|--|\n" \
	"| Lead | a | b | c |\n| CTO | a | b | c |\n\n"
#define GATES_TABLE \
	"| Step | Required approvers | Record location |\n|--|--|--|\n" \
	"| Go | Lead | x |\n\n"
#define TESTS_TABLE(columns, cells) \
	"## Try {.rehearsal}\n\n| Test | Command / action | Expected result |" columns \
	"\n|--|--|--|--|\n" cells "\n"

#define TWO_PLATFORMS \
	"| Parameter | Value | Meaning |\n|--|--|--|\n| P | `a` `b` | |\n\n" \
	"## Try {.rehearsal}\n- x\n\n## Go {.production}\n\n" \
	"1. x {when=\"P=a\" on=web}\n\n   ```sh\n   true\n   ```\n" \
	"2. y {when=\"P=b\"}\n\n   ```sh\n   true\n   ```\n\n" \
	"## Back {.rollback}\n\n"

/* Other ways to break a rule, beside those of its pair of runbooks; and what
 * does not break it. */
static const struct {
	const char *found;
	const char *bad;
	const char *good;
} other_ways[] = {
	{ "1:1 no-rollback",
			"## Go {.production}\n- x\n\n## Try {.rehearsal}\n- x\n",
			"## Go {.production}\n- x\n\n## Try {.rehearsal}\n- x\n\n"
			"## Back {.rollback}\n- x\n" },
	{ "5:4 block-outside",
			"## Try {.rehearsal}\n\n1. One\n\n   ```expect\n   exit 0\n   ```\n"
			"   ```sh\n   true\n   ```\n",
			"## Try {.rehearsal}\n\n1. One\n\n   ```sh\n   true\n   ```\n"
			"   ```expect\n   exit 0\n   ```\n" },
	{ "1:25 gate-unknown", "## Try {.rehearsal gate=Go}\n- x\n",
			ROLES_TABLE GATES_TABLE "## Try {.rehearsal gate=Go}\n- x\n" },
	{ "2:14 attribute", "## Try {.rehearsal}\n- x {on=here on=there}\n",
			"## Try {.rehearsal}\n- x {on=here}\n- y {on=there}\n" },
	{ "5:10 attribute",
			"## Try {.rehearsal}\n\n1. x\n\n   ```sh every=10m for=5m\n"
			"   true\n   ```\n",
			"## Try {.rehearsal}\n\n1. x\n\n   ```sh every=10m for=10m\n"
			"   true\n   ```\n" },
	{ "10:9 attribute",
			ROLES_TABLE GATES_TABLE "## Try {.rehearsal plan=Go}\n- x\n",
			ROLES_TABLE GATES_TABLE
			"## Go {.production plan=Go}\n- x\n\n## Try {.rehearsal}\n"
			"- x\n\n## Back {.rollback}\n- x\n" },
	{ "10:9 attribute",
			ROLES_TABLE GATES_TABLE "## Try {.rehearsal success=Go}\n- x\n",
			ROLES_TABLE GATES_TABLE "## See {.smoke success=Go}\n- x\n" },
	{ "2:5 attribute", "## Try {.rehearsal}\n- x {}\n",
			"## Try {.rehearsal}\n- x `{}`\n" },
	{ "2:5 attribute", "## Try {.rehearsal}\n- x {on=a{b}}\n",
			"## Try {.rehearsal}\n- x {on=a}\n" },
	{ "2:5 attribute", "## Try {.rehearsal}\n- x {on=a} {on=b}\n",
			"## Try {.rehearsal}\n- x `{on=a}` {on=b}\n" },
	{ "5:18 attribute",
			"## Try {.rehearsal}\n\n1. x\n\n   ```sh timeout=\"5m\n"
			"   true\n   ```\n",
			"## Try {.rehearsal}\n\n1. x\n\n   ```sh timeout=\"5m\"\n"
			"   true\n   ```\n" },
	{ "2:12 role-unknown", "## Try {.rehearsal}\n- x {owner=Lead}\n",
			ROLES_TABLE "## Try {.rehearsal}\n- x {owner=Lead}\n" },
	{ "8:8 table",
			ROLES_TABLE
			"| Step | Required approvers | Record location |\n|--|--|--|\n"
			"| Go | | x |\n\n## Try {.rehearsal gate=Go}\n- x\n",
			ROLES_TABLE GATES_TABLE "## Try {.rehearsal gate=Go}\n- x\n" },
	{ "10:35 attribute",
			ROLES_TABLE TESTS_TABLE(
					" Owner |", "| One {owner=CTO} | look | fine | Lead |"),
			ROLES_TABLE TESTS_TABLE(
					" Owner |", "| One | look | fine | Lead |") },
	{ "10:3 step-untitled",
			ROLES_TABLE TESTS_TABLE(" Owner |", "| | look | fine | Lead |"),
			ROLES_TABLE TESTS_TABLE(" Owner |", "| x | look | fine | |") },
	{ "25:4 on-forgotten",
			TWO_PLATFORMS "1. x {when=\"P=a\"}\n\n   ```sh\n   true\n   ```\n"
						  "2. y {when=\"P=b\"}\n",
			TWO_PLATFORMS "1. x {when=\"P=b\"}\n\n   ```sh\n   true\n   ```\n"
						  "2. y {when=\"P=a\"}\n" },
	{ "10:1 attribute",
			ROLES_TABLE GATES_TABLE
			"## Go {.production success=Go}\n- x\n\n## See {.smoke}\n- x\n\n"
			"## Try {.rehearsal}\n- x\n\n## Back {.rollback}\n- x\n",
			ROLES_TABLE GATES_TABLE
			"## Go {.production success=Go}\n- x\n\n"
			"## Try {.rehearsal}\n- x\n\n## Back {.rollback}\n- x\n" },
};

static char *read_file(const char *path, size_t *len) {
	struct str text = { 0 };
	char bytes[4096];
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		fail_msg("cannot read %s", path);
	}
	size_t n = 0;
	while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0) {
		str_add_bytes(&text, bytes, n);
	}
	fclose(file);
	*len = text.len;
	return str_take(&text);
}

/* What is found in RULE-KIND.md, as "line:column rule", a line each. */
static char *check_file(size_t rule, const char *kind) {
	char *path = xasprintf("%s/%s-%s.md", folder, rules[rule].rule, kind);
	size_t len = 0;
	char *text = read_file(path, &len);
	struct findings findings;
	findings_init(&findings);
	struct runbook *runbook = runbook_check_text(path, text, len,
			rules[rule].needs_config ? &config : NULL, &findings);
	struct str out = { 0 };
	for (size_t i = 0; i < findings.count; i++) {
		const struct finding *finding = &findings.list[i];
		str_addf(&out, "%u:%u %s\n", (unsigned)finding->place.line,
				(unsigned)finding->place.column, finding->rule);
	}
	runbook_destroy(runbook);
	findings_finish(&findings);
	free(text);
	free(path);
	return str_take(&out);
}

/* "8:4 9:1" -> "8:4 RULE\n9:1 RULE\n" */
static char *expected(size_t rule) {
	struct str out = { 0 };
	const char *at = rules[rule].found;
	while (*at != '\0') {
		size_t len = strcspn(at, " ");
		str_addf(&out, "%.*s %s\n", (int)len, at, rules[rule].rule);
		at += len + (at[len] == ' ');
	}
	return str_take(&out);
}

static void a_bad_runbook_trips_its_rule_where_it_stands(void **state) {
	(void)state;
	for (size_t i = 0; i < RULE_COUNT; i++) {
		char *found = check_file(i, "bad");
		char *wanted = expected(i);
		if (strcmp(found, wanted) != 0) {
			fail_msg("%s-bad.md: found\n%swanted\n%s", rules[i].rule, found,
					wanted);
		}
		free(found);
		free(wanted);
	}
}

static void a_good_runbook_trips_none(void **state) {
	(void)state;
	for (size_t i = 0; i < RULE_COUNT; i++) {
		char *found = check_file(i, "good");
		if (found[0] != '\0') {
			fail_msg("%s-good.md: found\n%s", rules[i].rule, found);
		}
		free(found);
	}
}

static char *check_text(const char *text, const struct lint_config *with) {
	struct findings findings;
	findings_init(&findings);
	struct runbook *runbook = runbook_check_text(
			"text.md", text, strlen(text), with, &findings);
	struct str out = { 0 };
	for (size_t i = 0; i < findings.count; i++) {
		const struct finding *finding = &findings.list[i];
		str_addf(&out, "%s%u:%u %s", i > 0 ? " " : "",
				(unsigned)finding->place.line, (unsigned)finding->place.column,
				finding->rule);
	}
	runbook_destroy(runbook);
	findings_finish(&findings);
	return str_take(&out);
}

static void other_ways_to_break_a_rule_are_found_where_they_stand(
		void **state) {
	(void)state;
	for (size_t i = 0; i < sizeof(other_ways) / sizeof(other_ways[0]); i++) {
		char *bad = check_text(other_ways[i].bad, NULL);
		char *good = check_text(other_ways[i].good, NULL);
		if (strcmp(bad, other_ways[i].found) != 0 || good[0] != '\0') {
			fail_msg("%s: found %s, and %s in\n%s", other_ways[i].bad, bad,
					good, other_ways[i].good);
		}
		free(bad);
		free(good);
	}
}

/* The sizes of `too-large` are made here. */
static void assert_found(const struct str *text, const char *wanted) {
	char *found = check_text(str_text(text), NULL);
	assert_string_equal(found, wanted);
	free(found);
}

static void a_file_a_line_and_steps_have_limits(void **state) {
	(void)state;
	struct str text = { 0 };
	str_add(&text, "# T\n\n## 1. Try {.rehearsal}\n\n");
	for (int i = 0; i < 2000; i++) {
		str_add(&text, "- step\n");
	}
	assert_found(&text, "");
	str_add(&text, "- one more\n");
	assert_found(&text, "2005:1 too-large");
	str_clear(&text);
	str_add(&text, "# T\n");
	for (int i = 0; i < 16 * 1024; i++) {
		str_add_char(&text, 'x');
	}
	assert_found(&text, "");
	str_add_char(&text, 'x');
	assert_found(&text, "2:1 too-large");
	str_clear(&text);
	for (int i = 0; i < 4 * 1024; i++) {
		str_addf(&text, "%063d\n", i);
	}
	assert_found(&text, "");
	str_add_char(&text, 'x');
	assert_found(&text, "1:1 too-large");
	str_clear(&text);
	for (int i = 0; i < 14000; i++) {
		str_add(&text, "| a `b|c` |\n|--|\n"); // takes cmark-gfm a minute
	}
	assert_found(&text, "2992:1 too-large");
	str_finish(&text);
}

static void assert_nested(int most, const char *wanted) {
	struct str text = { 0 };
	str_add(&text, "## Try {.rehearsal}\n\n");
	for (int depth = 0; depth < most; depth++) {
		str_addf(&text, "%*s- x\n", 2 * depth, "");
	}
	str_addf(&text, "\n%*s```sh\n%*strue\n%*s```\n", 2 * most, "", 2 * most, "",
			2 * most, "");
	char *found = check_text(str_text(&text), NULL);
	assert_string_equal(found, wanted);
	free(found);
	str_finish(&text);
}

static void lists_are_nested_only_so_deep(void **state) {
	(void)state;
	assert_nested(33, "");
	assert_nested(34, "1:1 phase-empty 36:67 too-large");
}

static void every_rule_has_its_pair_of_runbooks(void **state) {
	(void)state;
	const char *const *names = runbook_check_rules();
	for (size_t i = 0; names[i] != NULL; i++) {
		bool found = strcmp(names[i], "too-large") == 0;
		for (size_t k = 0; k < RULE_COUNT; k++) {
			found = found || strcmp(rules[k].rule, names[i]) == 0;
		}
		if (!found) {
			fail_msg("no runbooks for the rule %s", names[i]);
		}
	}
}

static void every_rule_is_in_the_page_on_the_format(void **state) {
	(void)state;
	size_t len = 0;
	char *text = read_file(doc, &len);
	const char *const *names = runbook_check_rules();
	for (size_t i = 0; names[i] != NULL; i++) {
		char *row = xasprintf("| `%s` |", names[i]);
		if (strstr(text, row) == NULL) {
			fail_msg("%s has no row %s", doc, row);
		}
		free(row);
	}
	free(text);
}

static void a_variable_of_another_environment_is_pointed_at(void **state) {
	(void)state;
	static const char text[] = "## Try {.rehearsal}\n\n1. See\n\n"
							   "   ```sh\n   echo $TOKEN\n   ```\n";
	struct findings findings;
	findings_init(&findings);
	struct runbook *runbook = runbook_check_text(
			"env.md", text, strlen(text), &config, &findings);
	assert_int_equal(findings.count, 1);
	assert_string_equal(findings.list[0].text,
			"nothing sets `TOKEN` here; [env stage] has it: write env=stage on "
			"the step or on a heading above it");
	runbook_destroy(runbook);
	findings_finish(&findings);
}

static void a_role_misspelled_in_the_config_is_pointed_at(void **state) {
	(void)state;
	static const char text[] =
			"| Role | Primary | Backup | Contact |\n|--|--|--|--|\n"
			"| Twins | a | b | c |\n\n# Try {.rehearsal}\n- x\n";
	struct findings findings;
	findings_init(&findings);
	struct runbook *runbook = runbook_check_text(
			"role.md", text, strlen(text), &config, &findings);
	assert_int_equal(findings.count, 1);
	assert_string_equal(findings.list[0].text,
			"nobody holds the role `Twins`; is it [role Twin] of the config, "
			"misspelled?");
	runbook_destroy(runbook);
	findings_finish(&findings);
}

static void without_a_config_its_rules_are_left_out(void **state) {
	(void)state;
	for (size_t i = 0; i < RULE_COUNT; i++) {
		if (!rules[i].needs_config) {
			continue;
		}
		char *path = xasprintf("%s/%s-bad.md", folder, rules[i].rule);
		size_t len = 0;
		char *text = read_file(path, &len);
		struct findings findings;
		findings_init(&findings);
		struct runbook *runbook = runbook_check_text(
				path, text, len, NULL, &findings);
		assert_int_equal(findings.count, 0);
		runbook_destroy(runbook);
		findings_finish(&findings);
		free(text);
		free(path);
	}
}

/* The rule found in @text with the config; "" if none. */
static const char *rule_in(const char *text) {
	struct findings findings;
	findings_init(&findings);
	struct runbook *runbook = runbook_check_text(
			"x.md", text, strlen(text), &config, &findings);
	const char *rule = findings.count > 0 ? findings.list[0].rule : "";
	runbook_destroy(runbook);
	findings_finish(&findings);
	return rule;
}

static void who_asks_for_a_gate_does_not_pass_it_alone(void **state) {
	(void)state;
#define ONE_GATE(lead, other) \
	"| Role | Primary | Backup | Contact |\n|--|--|--|--|\n| " lead \
	" | | | |\n| " other " | | | |\n\n" \
	"| Step | Required approvers | Record location |\n|--|--|--|\n" \
	"| Go | Solo | x |\n\n# Go {.rehearsal gate=Go}\n- x\n"
	assert_string_equal(
			rule_in(ONE_GATE("Solo", "Lead")), "gate-unsatisfiable");
	assert_string_equal(rule_in(ONE_GATE("Lead", "Solo")), "gate-fragile");
}

int main(int argc, char **argv) {
	if (argc != 3) {
		fprintf(stderr, "usage: test_runbook_rules FOLDER DOC\n");
		return 2;
	}
	folder = argv[1];
	doc = argv[2];
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_runbook_trips_its_rule_where_it_stands),
		cmocka_unit_test(a_good_runbook_trips_none),
		cmocka_unit_test(other_ways_to_break_a_rule_are_found_where_they_stand),
		cmocka_unit_test(a_file_a_line_and_steps_have_limits),
		cmocka_unit_test(lists_are_nested_only_so_deep),
		cmocka_unit_test(every_rule_has_its_pair_of_runbooks),
		cmocka_unit_test(every_rule_is_in_the_page_on_the_format),
		cmocka_unit_test(a_variable_of_another_environment_is_pointed_at),
		cmocka_unit_test(a_role_misspelled_in_the_config_is_pointed_at),
		cmocka_unit_test(without_a_config_its_rules_are_left_out),
		cmocka_unit_test(who_asks_for_a_gate_does_not_pass_it_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
