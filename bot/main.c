/*
 * bridgekeeper: one program, one subcommand for each thing that it does.
 */
#include <stdio.h>
#include <string.h>

#include "cli/audit.h"
#include "cli/check.h"
#include "cli/plan.h"
#include "cli/run.h"

#define EXIT_USAGE 2

struct subcommand {
	const char *name;
	const char *about;
	int (*run)(int argc, char **argv);
};

static int version_main(int argc, char **argv);
static int help_main(int argc, char **argv);

static const struct subcommand subcommands[] = {
	{ "run", "be the bot, until SIGTERM", run_main },
	{ "check", "find what is wrong with a config and a runbook", check_main },
	{ "plan", "show what the bot understood of a runbook", plan_main },
	{ "audit", "verify, show or export a journal", audit_main },
	{ "version", "print the version", version_main },
	{ "help", "print this", help_main },
};

#define SUBCOMMAND_COUNT (sizeof(subcommands) / sizeof(subcommands[0]))

static void print_usage(FILE *out) {
	fputs("usage: bridgekeeper COMMAND [ARGUMENTS]\n\n", out);
	for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
		fprintf(out, "  %-8s %s\n", subcommands[i].name, subcommands[i].about);
	}
	fputs("\nbridgekeeper COMMAND --help tells more.\n", out);
}

static int version_main(int argc, char **argv) {
	(void)argc;
	(void)argv;
	puts("bridgekeeper " BRIDGEKEEPER_VERSION);
	return 0;
}

static int help_main(int argc, char **argv) {
	(void)argc;
	(void)argv;
	print_usage(stdout);
	return 0;
}

/* "--version" and "-h" for those who try them first. */
static const char *command_name(const char *word) {
	if (strcmp(word, "--version") == 0) {
		return "version";
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		return "help";
	}
	return word;
}

int main(int argc, char **argv) {
	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	const char *name = command_name(argv[1]);
	for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
		if (strcmp(subcommands[i].name, name) == 0) {
			return subcommands[i].run(argc - 1, argv + 1);
		}
	}
	fprintf(stderr, "bridgekeeper: there is no command %s\n", argv[1]);
	print_usage(stderr);
	return EXIT_USAGE;
}
