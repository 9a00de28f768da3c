/*
 * Holds docs/commands.md to the table.  After a change of the table write it
 * anew: test_commands_document --write docs/commands.md
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "commands/command.h"
#include "support/test.h"

static const char *document_path;

static const char head[] =
		"# What can be said\n\n"
		"<!-- Written from the table in commands/ by a test; see "
		"tests/commands/test_document.c. -->\n\n"
		"A command stands at the start of a message in the bridge's channel. "
		"Its words ignore\ncase; surplus blanks, punctuation behind them and "
		"what phones put in do no harm. What is\nnearly a command is "
		"answered with what was probably meant, and never run.\n\n"
		"`STEP` is a step's number, as in `4.2.1`; `WHY` is a reason in your "
		"own words. Pasted as it\nstands, `WHY` is no reason: where one is "
		"needed the command is not run, where none is\nneeded it runs without "
		"one.\n\n"
		"| say | what it does | who may | in the bot's threads |\n"
		"|---|---|---|---|\n";

static const char foot[] =
		"\nApproving and refusing are no commands: tap ✅ or ❌ on the gate's "
		"own post. Once the first\ncommand behind a gate has started, ❌ holds "
		"the run instead; on the plan's gate as well. On a\nstep by hand ✅ is "
		"its owner's, ❌ also the lead's.\n\n"
		"Whoever broke the glass does not review it, unless nobody else was "
		"passed over.\n\n"
		"`!rollback` where no command of the run has started yet holds it: "
		"nothing is there to put\nback, and nothing begins before "
		"`!cutover resume`.\n\n"
		"In the bot's own threads, where people answer by reflex, only the "
		"commands marked so act;\nany other is answered with where to say "
		"it.\n\n"
		"A file attached to `!done`, `!fail` or `!note` is kept with the run "
		"and hashed (see\n[journal.md](journal.md)). Below a step's own "
		"question a file is enough, from the step's\nowner: where evidence "
		"is asked for it is the answer, elsewhere it is only kept. In the "
		"run's\nother threads it is the answer to the one step that waits "
		"for that person's evidence.\n";

static char *document(void) {
	struct str text = { 0 };
	str_add(&text, head);
	size_t count = 0;
	const struct command *const *table = command_table(&count);
	for (size_t i = 0; i < count; i++) {
		str_addf(&text, "| `%s` | %s | %s | %s |\n", table[i]->usage,
				table[i]->summary, table[i]->who,
				table[i]->in_threads ? "yes" : "");
	}
	str_add(&text, foot);
	return str_take(&text);
}

static char *read_file(const char *path) {
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	struct str text = { 0 };
	char part[4096];
	size_t len = 0;
	while ((len = fread(part, 1, sizeof(part), file)) > 0) {
		str_add_bytes(&text, part, len);
	}
	fclose(file);
	return str_take(&text);
}

static void the_page_says_what_the_table_says(void **state) {
	(void)state;
	char *wanted = document();
	char *found = read_file(document_path);
	assert_string_equal(found, wanted);
	free(found);
	free(wanted);
}

static int write_document(const char *path) {
	FILE *file = fopen(path, "w");
	if (file == NULL) {
		perror(path);
		return 1;
	}
	char *text = document();
	fputs(text, file);
	free(text);
	return fclose(file) == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
	if (argc == 3 && strcmp(argv[1], "--write") == 0) {
		return write_document(argv[2]);
	}
	if (argc != 2) {
		fprintf(stderr, "usage: %s [--write] docs/commands.md\n", argv[0]);
		return 2;
	}
	document_path = argv[1];
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_page_says_what_the_table_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
