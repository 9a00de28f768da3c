#include "cli/look_hosts.h"

#include <stdlib.h>
#include <string.h>

#include "app/ssh_way.h"
#include "base/err.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "codec/host_look.h"
#include "exec/far.h"
#include "exec/ssh.h"
#include "loop/loop.h"
#include "sys/clock.h"

#define LOOK_MS    20000 // at one host
#define ANSWER_MAX ((size_t)64 * 1024)

struct looking {
	const struct config_file *file;
	struct findings *findings;
	struct clock *clock;
	struct loop *loop;
	struct ssh *ssh;
	char *machine;
	struct question *questions;
	size_t under_way;
};

struct question {
	struct question *next;
	struct looking *looking;
	struct host_look look;
	struct str answer;
	char *place; // NULL: not known
};

static void add_problem(const struct question *question, const char *problem) {
	const struct config_target *target = question->look.target;
	findings_add(question->looking->findings, SEVERITY_ERROR, "host",
			(struct place){ target->line > 0 ? target->line : 1, 1 },
			"%s of [target %s] cannot be looked at: %s", question->look.host,
			target->name, problem);
}

static void question_destroy(struct question *question) {
	str_finish(&question->answer);
	free(question->place);
	free(question);
}

static void on_output(void *data, const char *bytes, size_t len) {
	str_add_bytes(&((struct question *)data)->answer, bytes, len);
}

static void on_ended(void *data, const struct ssh_result *result) {
	struct question *question = data;
	struct looking *looking = question->looking;
	question->look.answered_ms = clock_now_ms(looking->clock);
	question->place = host_look_place(str_text(&question->answer));
	if (result->end != SSH_DONE) {
		add_problem(question, result->said);
	} else if (!host_look_judge(&question->look, str_text(&question->answer),
					   looking->findings)) {
		add_problem(question,
				result->said[0] != '\0' ? result->said
										: "what it says makes no sense: "
										  "log in there with ssh and see");
	}
	if (--looking->under_way == 0) {
		loop_stop(looking->loop);
	}
}

static bool is_same_place(const struct question *a, const struct question *b) {
	return a->look.target == b->look.target && a->place != NULL &&
			b->place != NULL && strcmp(a->place, b->place) == 0;
}

/* Say of each host whether an earlier one of its target is it. */
static void compare_places(const struct looking *looking) {
	for (const struct question *one = looking->questions; one != NULL;
			one = one->next) {
		const struct question *other = one->next;
		while (other != NULL && !is_same_place(one, other)) {
			other = other->next;
		}
		if (other != NULL) {
			const struct config_target *target = one->look.target;
			findings_add(looking->findings, SEVERITY_WARNING, "host",
					(struct place){ target->line > 0 ? target->line : 1, 1 },
					"%s and %s of [target %s] are one machine with one home, "
					"and each step runs there twice: name it once",
					other->look.host, one->look.host, target->name);
		}
	}
}

static void look_at(struct looking *looking, const struct config_target *target,
		const struct config_host *host, const struct tools *tools) {
	static const struct ssh_sink sink = { on_output, on_ended };
	struct err err = { 0 };
	struct question *question = xcalloc(1, sizeof(*question));
	*question = (struct question){
		.next = looking->questions, // the newest first
		.looking = looking,
		.look = {
			.target = target,
			.host = host->text,
			.machine = looking->machine,
			.asked_ms = clock_now_ms(looking->clock),
			.tools = tools,
		},
	};
	looking->questions = question;
	str_init(&question->answer, ANSWER_MAX);
	struct ssh_way way;
	ssh_way_init(&way, target, host, looking->file->dir);
	const char **words = host_look_words(&question->look);
	if (ssh_call_start(looking->ssh, &way.host, host_look_script, words, -1,
				LOOK_MS, &sink, question, &err) != NULL) {
		looking->under_way++;
	} else {
		add_problem(question, err.text);
	}
	free(words);
	ssh_way_finish(&way);
}

static void look_at_target(struct looking *looking,
		const struct config_target *target, const struct readings *readings,
		const struct tools *tools) {
	for (size_t i = 0; i < target->host_count; i++) {
		const struct config_host *host = &target->hosts[i];
		const struct reading *reading = readings_of(
				readings, target->name, host->text);
		if (reading != NULL && !reading->unreached) {
			look_at(looking, target, host, tools);
		}
	}
}

void look_hosts(const struct config_file *file, const struct readings *readings,
		const struct tools *tools, struct findings *findings) {
	struct err err = { 0 };
	struct looking looking = {
		.file = file,
		.findings = findings,
		.clock = clock_create_real(),
		.machine = far_machine(),
	};
	looking.loop = loop_create(looking.clock, &err);
	if (looking.loop == NULL) {
		findings_add(findings, SEVERITY_ERROR, "host", (struct place){ 1, 1 },
				"hosts cannot be looked at: %s", err.text);
	} else {
		looking.ssh = ssh_create(looking.loop, NULL);
		for (size_t i = 0; i < file->config->target_count; i++) {
			const struct config_target *target = &file->config->targets[i];
			if (!config_target_is_local(target)) {
				look_at_target(&looking, target, readings, tools);
			}
		}
		if (looking.under_way > 0) {
			loop_run(looking.loop);
		}
		compare_places(&looking);
		while (looking.questions != NULL) {
			struct question *question = looking.questions;
			looking.questions = question->next;
			question_destroy(question);
		}
		ssh_destroy(looking.ssh);
		loop_destroy(looking.loop);
	}
	free(looking.machine);
	clock_destroy(looking.clock);
}
