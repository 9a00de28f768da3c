#include "codec/host_look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "support/test.h"

#define GOOD "begin\nmachine Linux x86_64\nclock 1000\nfree 2048000\n"

static char bin_web[] = "docker";
static char far_web[] = "./deploy.sh";
static char here[] = "rsync";

/* Of two targets, so that words there and names here are not the same. */
static struct tool list[] = {
	{ .on = "web", .step = "1.1", .name = bin_web },
	{ .on = "local", .step = "1.2", .name = here },
	{ .on = "web", .step = "1.3", .name = far_web },
};
static const struct tools tools = { list, 3 };

static char target_name[] = "web";
static char workdir[] = "/srv";
static const struct config_target target = {
	.name = target_name,
	.workdir = workdir,
	.line = 7,
};

static struct host_look look(void) {
	return (struct host_look){
		.target = &target,
		.host = "node1",
		.machine = "Linux x86_64",
		.asked_ms = 1000000,
		.answered_ms = 1002000,
		.tools = &tools,
	};
}

/* What is found, `severity: text [rule]` a line. */
static char *found(const char *answer, bool good) {
	struct findings findings;
	struct str text = { 0 };
	struct host_look one = look();
	findings_init(&findings);
	assert_int_equal(host_look_judge(&one, answer, &findings), good);
	for (size_t i = 0; i < findings.count; i++) {
		const struct finding *finding = &findings.list[i];
		assert_int_equal(finding->place.line, 7);
		str_addf(&text, "%s: %s [%s]\n",
				finding->severity == SEVERITY_ERROR ? "error" : "warning",
				finding->text, finding->rule);
	}
	findings_finish(&findings);
	return text.data != NULL ? str_take(&text) : xstrdup("");
}

static void assert_found(const char *answer, const char *wanted) {
	char *got = found(answer, true);
	assert_string_equal(got, wanted);
	free(got);
}

static void a_host_that_has_all_is_not_spoken_of(void **state) {
	(void)state;
	assert_found("Welcome!\nnoexec\n" GOOD "end\n", "");
}

static void the_words_are_the_workdir_and_the_tools_of_the_target(
		void **state) {
	(void)state;
	struct host_look one = look();
	const char **words = host_look_words(&one);
	const char *const wanted[] = { "/srv", "bash", "sha256sum", "docker",
		"./deploy.sh" };
	for (size_t i = 0; i < 5; i++) {
		assert_string_equal(words[i], wanted[i]);
	}
	assert_null(words[5]);
	free(words);
}

static void each_thing_that_is_amiss_is_said(void **state) {
	(void)state;
	static const struct {
		const char *line;
		const char *wanted;
	} cases[] = {
		{ "machine Linux riscv64",
				"error: node1 of [target web] is Linux riscv64, and steprun "
				"is for Linux x86_64, so no step can run there: run a bot on "
				"a machine of its kind [host]\n" },
		{ "homeless",
				"error: node1 of [target web] has no home folder that its "
				"user can write in: steprun goes to .bridgekeeper there "
				"[host]\n" },
		{ "noexec",
				"error: node1 of [target web] runs no programs in the home "
				"folder (noexec): steprun must run there [host]\n" },
		{ "lacks 1",
				"error: node1 of [target web] has no `sha256sum`, which the "
				"bot needs there: install it [tool]\n" },
		{ "lacks 2",
				"error: node1 of [target web] has no `docker`, which step 1.1 "
				"runs: install it, or put it into PATH there [tool]\n" },
		{ "lacks 3",
				"error: node1 of [target web] has no `./deploy.sh`, which "
				"step 1.3 runs: install it, or put it into PATH there "
				"[tool]\n" },
		{ "lacks 4", "" },
		{ "free 102399",
				"error: node1 of [target web] has 99 MB free in the home "
				"folder: make room, a night's output wants 1000 [disk]\n" },
		{ "free 1023999",
				"warning: node1 of [target web] has 999 MB free in the home "
				"folder: make room, a night's output wants 1000 [disk]\n" },
		{ "clock 994",
				"warning: node1 of [target web] has a clock 6 s behind this "
				"machine's: set them by one time server, for logs tell times "
				"by it [clock]\n" },
		{ "clock 1008",
				"warning: node1 of [target web] has a clock 6 s ahead of this "
				"machine's: set them by one time server, for logs tell times "
				"by it [clock]\n" },
		{ "clock 995", "" },
		{ "clock 1007", "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *answer = xasprintf(GOOD "%s\nend\n", cases[i].line);
		assert_found(answer, cases[i].wanted);
		free(answer);
	}
}

static void where_a_host_is_is_told_and_nothing_to_object_to(void **state) {
	(void)state;
	static const char answer[] = "Hi\nplace of peace\n\n" GOOD
								 "place 0ab node1 /root\nend\n";
	char *place = host_look_place(answer);
	assert_found(answer, "");
	assert_string_equal(place, "0ab node1 /root");
	assert_null(host_look_place("\n" GOOD "end\n"));
	assert_null(host_look_place("place of peace\n"));
	free(place);
}

static void an_answer_that_makes_no_sense_is_none(void **state) {
	(void)state;
	static const char *const cases[] = { "", "begin\n", GOOD, "end\n",
		"begin\nwhat\nend\n", "begin\nmachine\nend\n" };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		free(found(cases[i], false));
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_that_has_all_is_not_spoken_of),
		cmocka_unit_test(the_words_are_the_workdir_and_the_tools_of_the_target),
		cmocka_unit_test(each_thing_that_is_amiss_is_said),
		cmocka_unit_test(where_a_host_is_is_told_and_nothing_to_object_to),
		cmocka_unit_test(an_answer_that_makes_no_sense_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
