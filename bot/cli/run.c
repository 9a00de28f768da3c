#include "cli/run.h"

#include <getopt.h>
#include <stdio.h>

#include "app/app.h"

enum exit_status {
	EXIT_GOOD = 0,
	EXIT_WRONG = 1,
	EXIT_USAGE = 2,
	EXIT_UNREACHED = 3,
};

static int usage(FILE *out, int status) {
	fputs("usage: bridgekeeper run [--config FILE]\n", out);
	return status;
}

int run_main(int argc, char **argv) {
	static const struct option known[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct app_options options = { .version = BRIDGEKEEPER_VERSION };
	struct err err = { 0 };
	int letter;
	while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (letter == 'h') {
			return usage(stdout, EXIT_GOOD);
		}
		if (letter != 'c') {
			return usage(stderr, EXIT_USAGE); // getopt has said why
		}
		options.config_path = optarg;
	}
	if (optind != argc) {
		fputs("bridgekeeper run: nothing may follow the options\n", stderr);
		return usage(stderr, EXIT_USAGE);
	}
	enum app_end end = app_run(&options, &err);
	if (end == APP_STOPPED) {
		return EXIT_GOOD;
	}
	fprintf(stderr, "bridgekeeper run: %s\n", err.text);
	if (err.code == ERR_INVALID) {
		fputs("`bridgekeeper check` shows everything that is wrong\n", stderr);
	}
	return end == APP_REFUSED ? EXIT_WRONG : EXIT_UNREACHED;
}
