#ifndef WORLD_H
#define WORLD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The demo's world: stand-ins for docker, helm, kubectl, mongodump,
 * mongorestore, mongosh, mc, curl, date and stellaops-cli.  One program is put under
 * all those names into WORLD/bin; it finds WORLD by its own place and keeps in
 *
 *	WORLD/state/    what is up, pulled, dumped, applied: small text files
 *	WORLD/ledger    one line of JSON a call, of which a caller is not told
 *
 * so that a step that is left out, run twice or run in the wrong place fails,
 * or shows.  Nothing here reaches out of WORLD.  Faults are asked for by files:
 *
 *	state/fail/NAME    a count, a pattern for the whole call, a message:
 *	                   the next so many calls that match fail with it
 *	state/slow/NAME    a count, a pattern, milliseconds: they take so long
 *
 * (three lines each; the pattern is fnmatch's; a count of -1 has no end).
 */

#define TEXT_MAX 1024 // of a path, a line, a message

struct world {
	char root[TEXT_MAX];
	int argc;
	char **argv;          // argv[0] is the plain name of the tool
	char fault[TEXT_MAX]; // what a web request must fail with, or ""
};

/* What one tool does: prints as the tool would, returns its exit status. */
typedef int (*tool_fn)(struct world *world);

int curl_run(struct world *world);
int date_run(struct world *world);
int docker_run(struct world *world);
int helm_run(struct world *world);
int kubectl_run(struct world *world);
int mc_run(struct world *world);
int mongodump_run(struct world *world);
int mongorestore_run(struct world *world);
int mongosh_run(struct world *world);
int site_run(struct world *world);
int stellaops_cli_run(struct world *world);

/* Say what is wrong on standard error; returns the status 1. */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The value of `--name VALUE` or `--name=VALUE`, or NULL. */
const char *option(const struct world *world, const char *name);

/* Whether a word of the call is @word. */
bool has_word(const struct world *world, const char *word);

/*
 * The words of the call that are neither options nor values of one.
 * @with_value lists the options that take a value, NULL-terminated.  Fills at
 * most @max and returns how many there are.
 */
size_t plain_words(const struct world *world, const char *const *with_value,
		const char **words, size_t max);

/* Whether a file of the caller's folder can be read. */
bool file_exists(const char *path);

/*
 * The first line of @path that begins with @key (blanks before it do not
 * count), less the key, quotes and blanks.  False where there is none.
 */
bool file_value(const char *path, const char *key, char *value, size_t size);

/* Calls @each with the value of every line of @path that begins with @key. */
void file_values(const char *path, const char *key,
		void (*each)(void *data, const char *value), void *data);

/* Whether one line of @path is @key and then exactly @word. */
bool file_lists(const char *path, const char *key, const char *word);

/* Path of a thing in state/; the parts of @format name it. */
void state_path(const struct world *world, char *path, const char *format, ...)
		__attribute__((format(printf, 3, 4)));

/* State is read and written by whole paths, as state_path() gives them. */
bool state_has(const char *path);
void state_write(const char *path, const char *text);
void state_append(const char *path, const char *text);
void state_remove(const char *path);
void state_make_folder(const char *path);

/* Copy every file of folder @from into folder @to; returns how many. */
size_t state_copy_folder(const char *from, const char *to, bool overwrite);

#endif
