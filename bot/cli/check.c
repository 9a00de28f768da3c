#include "cli/check.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/config_file.h"
#include "app/planner.h"
#include "app/runbook_file.h"
#include "app/speech.h"
#include "cli/check_hosts.h"
#include "cli/check_online.h"
#include "cli/finding.h"
#include "codec/findings_json.h"
#include "codec/secrets_text.h"
#include "exec/mask.h"
#include "sys/secret.h"

/* What the warning about short secrets says. */
_Static_assert(MASK_MIN_BYTES == SECRETS_TEXT_HIDDEN_BYTES,
		"what is too short to be hidden");

enum exit_status {
	EXIT_GOOD = 0,
	EXIT_WRONG = 1,
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3,
};

/* What was looked at and found so far. */
struct tally {
	size_t files;
	size_t errors;
	size_t warnings;
	bool asked; // the server
	bool unreached;
	struct findings_json *json; // instead of lines; NULL: lines
};

/* What the command line asks for. */
struct wanted {
	const char *config;
	bool online;
	bool json;
	bool help;
};

static int usage(void) {
	fputs("usage: bridgekeeper check [--json] RUNBOOK...\n"
		  "       bridgekeeper check [--config FILE] [--online] [--json] "
		  "[RUNBOOK...]\n",
			stderr);
	return EXIT_USAGE;
}

static void report(struct tally *tally, const char *path,
		const struct findings *findings) {
	tally->files++;
	if (tally->json != NULL) {
		findings_json_add(tally->json, path, findings);
	}
	for (size_t i = 0; i < findings->count && tally->json == NULL; i++) {
		finding_print(stdout, path, &findings->list[i]);
	}
	size_t errors = findings_errors(findings);
	tally->errors += errors;
	tally->warnings += findings->count - errors;
}

/* Add what went wrong with something that line @line of the config names. */
static void add_problem(
		struct findings *findings, uint32_t line, const struct err *err) {
	struct place place = { line > 0 ? line : 1, 1 };
	findings_add(findings, SEVERITY_ERROR, "file", place, "%s", err->text);
}

/* What has no place in a file of its own. */
static void report_error(struct tally *tally, const struct err *err) {
	struct findings findings;
	findings_init(&findings);
	add_problem(&findings, 1, err);
	if (tally->json != NULL) {
		findings_json_add(tally->json, "", &findings);
	} else {
		printf("error: %s\n", err->text);
	}
	findings_finish(&findings);
	tally->errors++;
}

static void check_runbook(struct tally *tally, const char *path,
		const struct config_file *config) {
	struct runbook_file file;
	struct err err = { 0 };
	if (runbook_file_read(&file, path, config != NULL ? config->config : NULL,
				config != NULL ? config->dir : NULL, &err)) {
		report(tally, path, &file.findings);
	} else {
		add_problem(&file.findings, 1, &err);
		report(tally, path, &file.findings);
	}
	runbook_file_finish(&file);
}

static void check_token(
		const struct config_file *file, struct findings *findings) {
	struct err err = { 0 };
	if (file->config->mattermost.token_file == NULL &&
			getenv("CREDENTIALS_DIRECTORY") == NULL) {
		return; // systemd will bring it
	}
	struct secret *token = config_file_token(file, &err);
	if (token == NULL) {
		bool in_file = file->config->mattermost.token_file != NULL;
		add_problem(findings,
				config_line_of(file->config, "[mattermost]",
						in_file ? "token_file" : "token_credential"),
				&err);
	}
	secret_destroy(token);
}

static void check_targets(
		const struct config_file *file, struct findings *findings) {
	struct runbook empty = { 0 };
	struct plan plan;
	plan_init(&plan, &empty);
	for (size_t i = 0; i < file->config->target_count; i++) {
		const struct config_target *target = &file->config->targets[i];
		struct err err = { 0 };
		if (config_target_is_local(target) &&
				!planner_read_target(file->config, file->dir, NULL,
						target->name, NULL, &plan, &err)) {
			add_problem(findings, target->line, &err);
		}
	}
	plan_finish(&plan);
}

/* The user's own message texts, each held to what its message has. */
static void check_templates(
		const struct config_file *file, struct findings *findings) {
	const char *folder = file->config->bridge.templates;
	if (folder == NULL) {
		return;
	}
	struct err err = { 0 };
	char *path = config_file_path(file, folder);
	char *problem = NULL;
	struct voice *voice = speech_create(path, "", &problem);
	if (problem != NULL) {
		err_set(&err, ERR_INVALID, "templates: %s", problem);
		add_problem(findings,
				config_line_of(file->config, "[bridge]", "templates"), &err);
	}
	speech_destroy(voice);
	free(problem);
	free(path);
}

/* What the config names beside the runbook; each adds what it finds. */
typedef void (*file_check)(
		const struct config_file *file, struct findings *findings);

static const file_check file_checks[] = {
	check_token,
	check_targets,
	check_hosts,
	check_templates,
};

/* One text of secrets: what is wrong in it stands at its own lines. */
static void check_secrets_file(struct tally *tally, struct config_file *file,
		const struct config_env *env) {
	struct err err = { 0 };
	char *path = NULL;
	struct secret *secret = planner_open_secrets(file->dir, env, &path, &err);
	if (secret == NULL) {
		err_wrap(&err, "the secrets of [env %s]: ", env->name);
		add_problem(&file->findings, env->line, &err);
	} else {
		struct secret_values values;
		struct findings findings;
		findings_init(&findings);
		if (!secrets_text_parse(&values, secret_reveal(secret),
					secret_len(secret), &findings)) {
			err_set(&err, ERR_INVALID, "%s cannot be used", path);
			add_problem(&file->findings, env->line, &err);
		}
		report(tally, path, &findings);
		secrets_text_finish(&values);
		findings_finish(&findings);
	}
	secret_destroy(secret);
	free(path);
}

static void check_secrets(struct tally *tally, struct config_file *file) {
	for (size_t i = 0; i < file->config->env_count; i++) {
		const struct config_env *env = &file->config->envs[i];
		bool brought = env->secrets_credential != NULL &&
				getenv("CREDENTIALS_DIRECTORY") != NULL;
		if (env->secrets_file != NULL || brought) {
			check_secrets_file(tally, file, env);
		}
	}
}

/* Against the server and the machine as they are now. */
static void look_online(struct tally *tally, struct config_file *file) {
	struct err err = { 0 };
	struct runbook_file runbook;
	char *path = config_file_path(file, file->config->bridge.runbook);
	bool read = runbook_file_read(
			&runbook, path, file->config, file->dir, &err);
	tally->asked = true;
	tally->unreached = !check_online(
			file, read ? runbook.runbook : NULL, &file->findings);
	runbook_file_finish(&runbook);
	free(path);
}

static void check_config(
		struct tally *tally, struct config_file *file, bool online) {
	for (size_t i = 0; i < sizeof(file_checks) / sizeof(file_checks[0]); i++) {
		file_checks[i](file, &file->findings);
	}
	check_secrets(tally, file);
	if (online) {
		look_online(tally, file);
	}
	findings_sort(&file->findings);
	report(tally, file->path, &file->findings);
	char *runbook = config_file_path(file, file->config->bridge.runbook);
	check_runbook(tally, runbook, file);
	free(runbook);
}

static const char *plural(size_t count) {
	return count == 1 ? "" : "s";
}

static void print_sum(const struct tally *tally, bool with_config) {
	printf("%zu error%s, %zu warning%s in %zu file%s%s\n", tally->errors,
			plural(tally->errors), tally->warnings, plural(tally->warnings),
			tally->files, plural(tally->files),
			with_config ? ""
						: "; the rules that need a config were left out "
						  "(--config FILE)");
}

static int sum_up(struct tally *tally, bool with_config) {
	if (tally->json != NULL) {
		const struct findings_scope scope = {
			.files = tally->files,
			.config = with_config,
			.asked = tally->asked,
			.reached = !tally->unreached,
		};
		char *text = findings_json_end(tally->json, &scope);
		puts(text);
		free(text);
	} else {
		print_sum(tally, with_config);
	}
	if (tally->unreached) {
		return EXIT_UNREACHABLE;
	}
	return tally->errors > 0 ? EXIT_WRONG : EXIT_GOOD;
}

static void check_with_config(struct tally *tally, const char *path,
		char **runbooks, int count, bool online) {
	struct config_file file;
	struct err err = { 0 };
	bool read = config_file_read(&file, path, &err);
	if (!read && file.findings.count > 0) {
		report(tally, file.path, &file.findings);
	} else if (!read) {
		report_error(tally, &err);
	} else if (count == 0) {
		check_config(tally, &file, online);
	}
	for (int i = 0; i < count && read; i++) {
		check_runbook(tally, runbooks[i], &file);
	}
	config_file_finish(&file);
}

static bool read_options(int argc, char **argv, struct wanted *wanted) {
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "online", no_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (option == 'c') {
			wanted->config = optarg;
		} else if (option == 'o') {
			wanted->online = true;
		} else if (option == 'j') {
			wanted->json = true;
		} else if (option == 'h') {
			wanted->help = true;
		} else {
			return false;
		}
	}
	return !wanted->online || optind == argc; // about the config's own runbook
}

int check_main(int argc, char **argv) {
	struct wanted wanted = { 0 };
	struct tally tally = { 0 };
	if (!read_options(argc, argv, &wanted)) {
		return usage();
	}
	if (wanted.help) {
		usage();
		return EXIT_GOOD;
	}
	char **runbooks = argv + optind;
	int count = argc - optind;
	bool with_config = wanted.config != NULL || count == 0;
	tally.json = wanted.json ? findings_json_create() : NULL;
	if (with_config) {
		check_with_config(
				&tally, wanted.config, runbooks, count, wanted.online);
	}
	for (int i = 0; i < count && !with_config; i++) {
		check_runbook(&tally, runbooks[i], NULL);
	}
	return sum_up(&tally, with_config);
}
