#include "cli/plan.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/config_file.h"
#include "app/planner.h"
#include "app/runbook_file.h"
#include "base/xalloc.h"
#include "cli/hosts.h"
#include "cli/plan_text.h"
#include "codec/runbook_json.h"
#include "journal/journal.h"
#include "journal/sqlite.h"

enum exit_status {
	EXIT_GOOD = 0,
	EXIT_WRONG = 1,
	EXIT_USAGE = 2,
};

#define PARAMS_MAX 100

struct options {
	const char *runbook; // NULL: the config's
	const char *config;  // NULL: none
	bool json;
	struct planner_param params[PARAMS_MAX];
	size_t param_count;
};

static int usage(const char *wrong) {
	if (wrong != NULL) {
		fprintf(stderr, "bridgekeeper plan: %s\n", wrong);
	}
	fputs("usage: bridgekeeper plan RUNBOOK [--json] [--config FILE] "
		  "[NAME=VALUE...]\n"
		  "       bridgekeeper plan --config FILE [--json] [NAME=VALUE...]\n",
			stderr);
	return EXIT_USAGE;
}

static bool is_assignment(const char *word) {
	size_t len = strspn(word,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
	return len > 0 && word[len] == '=';
}

/* Take an argument that is no option; the value is cut off its name. */
static const char *add_word(struct options *options, char *word) {
	if (!is_assignment(word)) {
		if (options->runbook != NULL) {
			return "one runbook at a time";
		}
		options->runbook = word;
		return NULL;
	}
	if (options->param_count == PARAMS_MAX) {
		return "too many parameters";
	}
	char *equals = strchr(word, '=');
	*equals = '\0';
	options->params[options->param_count++] = (struct planner_param){ word,
		equals + 1 };
	return NULL;
}

/* The key that the bot uses for this state folder.  False without a journal:
 * there is none yet, and any will do to look at a plan. */
static bool find_key(
		const struct config_file *config, struct planner_key *key) {
	struct err err = { 0 };
	char *dir = config_file_path(config, config->config->bridge.state_dir);
	struct journal *journal = journal_sqlite_open_read_only(dir, &err);
	*key = (struct planner_key){ 0 };
	bool found = journal != NULL && planner_key_get(journal, key);
	if (journal != NULL) {
		journal->api->destroy(journal);
	}
	free(dir);
	return found;
}

static bool has_secrets(const struct plan *plan) {
	for (size_t i = 0; i < plan->env_count; i++) {
		for (size_t k = 0; k < plan->envs[i].value_count; k++) {
			if (plan->envs[i].values[k].secret) {
				return true;
			}
		}
	}
	return false;
}

/* The plan where it can be made; false with what stands in the way. */
static bool make_plan(const struct options *options,
		const struct config_file *config, const struct runbook_file *file,
		struct plan *plan, struct err *err) {
	if (findings_errors(&file->findings) > 0) {
		return err_set(err, ERR_INVALID,
				"the runbook has errors, so there is no plan of it");
	}
	struct planner_key key;
	struct hosts hosts;
	bool found = find_key(config, &key);
	bool made = hosts_ask(&hosts, config, err) &&
			planner_build(config->config, config->dir,
					hostfiles_readings(hosts.files), file->runbook,
					options->params, options->param_count, &key, plan, err);
	hosts_finish(&hosts);
	if (!made) {
		return false;
	}
	if (!found && has_secrets(plan)) {
		fputs("bridgekeeper plan: secrets are hashed under a key of the "
			  "journal's, and there is no journal yet: the bot's digest will "
			  "be another\n",
				stderr);
	}
	return true;
}

/* Without a config, whether the parameters could be given at all. */
static bool check_params(const struct options *options,
		const struct runbook *runbook, struct err *err) {
	struct plan plan;
	bool good = true;
	plan_init(&plan, runbook);
	for (size_t i = 0; good && i < options->param_count; i++) {
		good = plan_set_param(
				&plan, options->params[i].name, options->params[i].value, err);
	}
	plan_finish(&plan);
	return good;
}

static void print(const struct options *options,
		const struct runbook_file *file, const struct plan *plan) {
	char digest[SHA256_HEX];
	if (plan == NULL) {
		plan_document_digest(file->runbook, digest);
	}
	if (!options->json) {
		plan_text_print(stdout, file, plan, digest);
		return;
	}
	const struct runbook_json what = {
		.runbook = file->runbook,
		.findings = &file->findings,
		.digest = plan != NULL ? plan->digest : digest,
		.digest_kind = plan != NULL ? "plan" : "document",
	};
	char *text = runbook_json_text(&what);
	fputs(text, stdout);
	free(text);
}

static int show(const struct options *options, const struct config_file *config,
		const struct runbook_file *file) {
	struct err err = { 0 };
	struct plan plan;
	bool made = false;
	bool good = true;
	if (config != NULL) {
		good = made = make_plan(options, config, file, &plan, &err);
	} else {
		good = check_params(options, file->runbook, &err);
	}
	print(options, file, made ? &plan : NULL);
	if (!good) {
		fprintf(stderr, "bridgekeeper plan: %s\n", err.text);
	}
	if (made) {
		plan_finish(&plan);
	}
	return good && findings_errors(&file->findings) == 0 ? EXIT_GOOD
														 : EXIT_WRONG;
}

static int plan_runbook(
		const struct options *options, const struct config_file *config) {
	struct err err = { 0 };
	struct runbook_file file;
	char *path = options->runbook != NULL
			? xstrdup(options->runbook)
			: config_file_path(config, config->config->bridge.runbook);
	int status = EXIT_WRONG;
	if (runbook_file_read(&file, path, config != NULL ? config->config : NULL,
				config != NULL ? config->dir : NULL, &err)) {
		status = show(options, config, &file);
	} else {
		fprintf(stderr, "bridgekeeper plan: %s\n", err.text);
	}
	runbook_file_finish(&file);
	free(path);
	return status;
}

static int plan_with_config(const struct options *options) {
	struct config_file config;
	struct err err = { 0 };
	int status = EXIT_WRONG;
	if (config_file_read(&config, options->config, &err)) {
		status = plan_runbook(options, &config);
	} else {
		fprintf(stderr, "bridgekeeper plan: %s\n", err.text);
	}
	config_file_finish(&config);
	return status;
}

int plan_main(int argc, char **argv) {
	static const struct option long_options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct options options = { 0 };
	int option = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "c:jh", long_options, NULL)) !=
			-1) {
		switch (option) {
		case 'c':
			options.config = optarg;
			break;
		case 'j':
			options.json = true;
			break;
		case 'h':
			usage(NULL);
			return EXIT_GOOD;
		default:
			return usage(NULL);
		}
	}
	for (int i = optind; i < argc; i++) {
		const char *wrong = add_word(&options, argv[i]);
		if (wrong != NULL) {
			return usage(wrong);
		}
	}
	if (options.config != NULL) {
		return plan_with_config(&options);
	}
	if (options.runbook == NULL) {
		return usage("which runbook?");
	}
	return plan_runbook(&options, NULL);
}
