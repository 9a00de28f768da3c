#include "cli/audit.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/config_file.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "codec/event_json.h"
#include "codec/row_json.h"
#include "journal/chain.h"
#include "journal/sqlite.h"
#include "sys/filehash.h"

enum exit_status {
	EXIT_GOOD = 0,
	EXIT_WRONG = 1,
	EXIT_USAGE = 2,
	EXIT_UNREACHED = 3,
};

#define SHOWN_FAULTS 20
#define SHOWN_BODY   ((size_t)160)
#define TAIL_MAX     100000
#define HEADS_MAX    1000

struct options {
	const char *config;
	const char *state;
	struct chain_head heads[HEADS_MAX];
	size_t head_count;
	uint64_t tail;
	const char *dir; // the state folder that these come to
};

static void print_usage(FILE *out) {
	fputs("usage: bridgekeeper audit verify [--head HEX]...\n"
		  "       bridgekeeper audit tail [-n N]\n"
		  "       bridgekeeper audit export [--json]\n"
		  "each with --config FILE, or --state DIR for a state folder alone\n",
			out);
}

static int usage(const char *wrong) {
	if (wrong != NULL) {
		fprintf(stderr, "bridgekeeper audit: %s\n", wrong);
	}
	print_usage(stderr);
	return EXIT_USAGE;
}

/* verify */

struct verifying {
	struct chain chain;
	const char *dir; // the state folder
	uint64_t faults;
	uint64_t files; // of evidence
	uint64_t bad_files;
};

static void print_fault(struct verifying *verifying, const char *text) {
	verifying->faults++;
	if (verifying->faults <= SHOWN_FAULTS) {
		printf("wrong: %s\n", text);
	}
}

static void print_finding(void *data, const struct chain_finding *finding) {
	char text[200];
	chain_describe(finding, text, sizeof(text));
	print_fault(data, text);
}

static void print_damage(void *data, const char *finding) {
	print_fault(data, finding);
}

/* Whether @path stays below the folder that it is joined to. */
static bool stays_below(const char *path) {
	for (const char *part = path; part != NULL; part = strchr(part, '/')) {
		part += part > path;
		if (part[0] == '/' || part[0] == '\0' ||
				(strncmp(part, "..", 2) == 0 &&
						(part[2] == '/' || part[2] == '\0'))) {
			return false;
		}
	}
	return true;
}

/* What is wrong with a file that was kept; false with @err. */
static bool verify_kept(
		const char *dir, const struct event *event, struct err *err) {
	uint64_t bytes = 0;
	char digest[SHA256_HEX];
	if (!stays_below(event->path)) {
		return err_set(err, ERR_INVALID, "lies outside of the state folder");
	}
	char *path = xasprintf("%s/%s", dir, event->path);
	bool read = file_hash(path, &bytes, digest, err);
	free(path);
	if (!read) {
		return err->code == ERR_NOT_FOUND
				? err_set(err, ERR_NOT_FOUND, "is gone")
				: false;
	}
	if (strcmp(digest, event->digest) != 0 || bytes != event->number) {
		return err_set(err, ERR_INVALID,
				"is not what was kept: now %" PRIu64
				" bytes, SHA-256 %.12s; then %" PRIu64 " bytes, %.12s",
				bytes, digest, event->number, event->digest);
	}
	return true;
}

/* A file that a row tells of is held against what the row says of it. */
static void verify_file(
		struct verifying *verifying, const struct journal_row *row) {
	struct event_row kept;
	struct err err = { 0 };
	bool ok = event_json_read(
			&kept, row->seq, row->at_ms, row->type, row->body, &err);
	verifying->files++;
	if (ok) {
		ok = verify_kept(verifying->dir, &kept.event, &err) ||
				err_wrap(&err, "row %" PRIu64 ": the file %s ", row->seq,
						kept.event.path);
		event_row_finish(&kept);
	}
	if (!ok) {
		verifying->bad_files++;
		print_fault(verifying, err.text);
	}
}

static bool verify_row(
		void *data, const struct journal_row *row, struct err *err) {
	(void)err;
	struct verifying *verifying = data;
	chain_add(&verifying->chain, row);
	if (strcmp(row->type, event_spec(EVENT_FILE_KEPT)->name) == 0) {
		verify_file(verifying, row);
	}
	return true;
}

static void print_verdict(
		const struct verifying *verifying, const struct options *options) {
	const struct chain *chain = &verifying->chain;
	for (size_t i = 0; i < options->head_count; i++) {
		if (options->heads[i].seq != 0) {
			printf("head %s is row %" PRIu64 "\n", options->heads[i].hex,
					options->heads[i].seq);
		}
	}
	if (verifying->files > 0 && verifying->bad_files == 0) {
		printf("%" PRIu64 " evidence file%s, all as kept\n", verifying->files,
				verifying->files == 1 ? "" : "s");
	}
	if (verifying->faults > SHOWN_FAULTS) {
		printf("and %" PRIu64 " more\n", verifying->faults - SHOWN_FAULTS);
	}
	if (verifying->faults > 0) {
		printf("%" PRIu64 " rows, %" PRIu64 " wrong\n", chain->rows,
				verifying->faults);
	} else if (chain->rows == 0) {
		printf("0 rows: the journal is empty\n");
	} else {
		printf("%" PRIu64 " rows, all follow, head %s\n", chain->rows,
				chain->hash);
	}
}

static int verify(struct journal *journal, struct options *options) {
	struct verifying verifying = { .dir = options->dir };
	struct err err = { 0 };
	chain_begin(&verifying.chain, options->heads, options->head_count,
			print_finding, &verifying);
	bool read = journal_sqlite_read_raw(
						journal, 0, verify_row, &verifying, &err) &&
			journal_sqlite_examine(journal, print_damage, &verifying, &err);
	if (!read) {
		/* Rows that cannot be read are no rows: heads would only mislead. */
		print_fault(&verifying, err.text);
		verifying.chain.head_count = 0;
	}
	chain_end(&verifying.chain);
	print_verdict(&verifying, options);
	return verifying.faults > 0 ? EXIT_WRONG : EXIT_GOOD;
}

/* tail and export */

static struct row_json json_of(const struct journal_row *row) {
	return (struct row_json){
		.seq = row->seq,
		.at_ms = row->at_ms,
		.type = row->type,
		.input = row->input,
		.body = row->body,
		.hash = row->hash,
	};
}

static bool print_short(
		void *data, const struct journal_row *row, struct err *err) {
	struct str *line = data;
	struct row_json json = json_of(row);
	str_clear(line);
	row_json_add_short(line, &json, SHOWN_BODY);
	return puts(str_text(line)) >= 0 ||
			err_set(err, ERR_IO, "cannot write the output");
}

static bool print_json(
		void *data, const struct journal_row *row, struct err *err) {
	struct str *line = data;
	struct row_json json = json_of(row);
	str_clear(line);
	row_json_add(line, &json);
	return puts(str_text(line)) >= 0 ||
			err_set(err, ERR_IO, "cannot write the output");
}

static int print_rows(
		struct journal *journal, uint64_t from, journal_row_fn fn) {
	struct str line;
	str_init(&line, 0);
	struct err err = { 0 };
	bool ok = journal_sqlite_read_raw(journal, from, fn, &line, &err);
	if (ok && fflush(stdout) != 0) {
		ok = err_set(&err, ERR_IO, "cannot write the output");
	}
	if (!ok) {
		fprintf(stderr, "bridgekeeper audit: %s\n", err.text);
	}
	str_finish(&line);
	return ok ? EXIT_GOOD : EXIT_UNREACHED;
}

static int tail(struct journal *journal, struct options *options) {
	uint64_t seq;
	char hash[SHA256_HEX];
	journal->api->head(journal, &seq, hash);
	uint64_t from = seq > options->tail ? seq - options->tail + 1 : 1;
	return print_rows(journal, from, print_short);
}

static int export(struct journal *journal, struct options *options) {
	(void)options;
	return print_rows(journal, 0, print_json);
}

/* The command line */

static const struct {
	const char *name;
	const char *letters; // its options beside c and s
	int (*run)(struct journal *journal, struct options *options);
} subcommands[] = {
	{ "verify", "h", verify },
	{ "tail", "n", tail },
	{ "export", "j", export },
};
#define SUBCOMMAND_COUNT (sizeof(subcommands) / sizeof(subcommands[0]))

static bool read_count(const char *text, uint64_t *count) {
	size_t len = strlen(text);
	if (len == 0 || len > 6 || strspn(text, "0123456789") != len) {
		return false;
	}
	*count = strtoull(text, NULL, 10);
	return *count > 0 && *count <= TAIL_MAX;
}

/* One option's value into @options; what is wrong with it, or NULL. */
static const char *take_option(struct options *options, int letter) {
	switch (letter) {
	case 'c':
		options->config = optarg;
		return NULL;
	case 's':
		options->state = optarg;
		return NULL;
	case 'j':
		return NULL; // the only form there is
	case 'n':
		return read_count(optarg, &options->tail)
				? NULL
				: "-n takes a number from 1 to 100000";
	case 'h':
		if (!chain_is_head(optarg)) {
			return "--head takes 8 to 64 hex digits, as posted";
		}
		if (options->head_count == HEADS_MAX) {
			return "more than 1000 heads";
		}
		options->heads[options->head_count++].hex = optarg;
		return NULL;
	default:
		return "no such option";
	}
}

/* Whether the options could be read; says what is wrong if not. */
static bool read_options(
		int argc, char **argv, const char *letters, struct options *options) {
	static const struct option known[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "state", required_argument, NULL, 's' },
		{ "head", required_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	optind = 1;
	int letter;
	while ((letter = getopt_long(argc, argv, "n:", known, NULL)) != -1) {
		if (letter == '?') {
			usage(NULL); // getopt has said what is wrong
			return false;
		}
		const char *wrong = letter != 'c' && letter != 's' &&
						strchr(letters, letter) == NULL
				? "this option belongs to another subcommand"
				: take_option(options, letter);
		if (wrong != NULL) {
			usage(wrong);
			return false;
		}
	}
	if (optind < argc) {
		usage("nothing may follow the options");
		return false;
	}
	if (options->config != NULL && options->state != NULL) {
		usage("--config or --state, not both");
		return false;
	}
	return true;
}

/* The state folder that the options, or the config, name; NULL with @err. */
static char *state_dir(const struct options *options, struct err *err) {
	if (options->state != NULL) {
		return xstrdup(options->state);
	}
	struct config_file file;
	char *dir = NULL;
	if (config_file_read(&file, options->config, err)) {
		dir = config_file_path(&file, file.config->bridge.state_dir);
	}
	config_file_finish(&file);
	return dir;
}

/* What it means that no journal was opened. */
static int unopened(bool have_dir, const struct err *err) {
	if (!have_dir) {
		return EXIT_USAGE;
	}
	return err->code == ERR_INVALID ? EXIT_WRONG : EXIT_UNREACHED;
}

static int run(size_t which, struct options *options) {
	struct err err = { 0 };
	char *dir = state_dir(options, &err);
	struct journal *journal = dir != NULL
			? journal_sqlite_open_read_only(dir, &err)
			: NULL;
	int status;
	if (journal == NULL) {
		fprintf(stderr, "bridgekeeper audit: %s\n", err.text);
		status = unopened(dir != NULL, &err);
	} else {
		options->dir = dir;
		status = subcommands[which].run(journal, options);
		journal->api->destroy(journal);
	}
	free(dir);
	return status;
}

int audit_main(int argc, char **argv) {
	if (argc < 2) {
		return usage("which of verify, tail and export?");
	}
	if (strcmp(argv[1], "--help") == 0) {
		print_usage(stdout);
		return EXIT_GOOD;
	}
	for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
		if (strcmp(argv[1], subcommands[i].name) != 0) {
			continue;
		}
		struct options *options = xcalloc(1, sizeof(*options));
		options->tail = 20;
		int status = read_options(argc - 1, argv + 1, subcommands[i].letters,
							 options)
				? run(i, options)
				: EXIT_USAGE;
		free(options);
		return status;
	}
	return usage("the subcommands are verify, tail and export");
}
