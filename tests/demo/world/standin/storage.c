/*
 * mongodump, mongorestore, mongosh and mc.  Absolute paths of dumps are taken
 * below state/disk, object stores below state/objects.  The database is one
 * file of events, the bucket a folder of objects.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "world.h"

static bool may_connect(const struct world *world, const char *uri) {
	char path[TEXT_MAX], expected[TEXT_MAX];
	state_path(world, path, "mongo/uri");
	if (uri == NULL || !file_value(path, "", expected, sizeof(expected)) ||
			strcmp(uri, expected) != 0) {
		complain("Failed: can't create session: Authentication failed");
		return false;
	}
	return true;
}

int mongodump_run(struct world *world) {
	const char *folder = option(world, "--out");
	char to[TEXT_MAX], from[TEXT_MAX];
	if (!may_connect(world, option(world, "--uri"))) {
		return 1;
	}
	if (folder == NULL || folder[0] != '/') {
		return complain("Failed: --out must be an absolute path");
	}
	state_path(world, to, "disk%.400s", folder);
	state_path(world, from, "mongo/data");
	if (state_has(to)) {
		return complain(
				"Failed: %s exists: a dump is never overwritten here", folder);
	}
	size_t count = state_copy_folder(from, to, true);
	printf("done dumping %zu collections to %s\n", count, folder);
	return count > 0 ? 0 : complain("Failed: nothing to dump");
}

int mongorestore_run(struct world *world) {
	static const char *const with_value[] = { "--uri", NULL };
	const char *folder[1];
	char from[TEXT_MAX], to[TEXT_MAX];
	plain_words(world, with_value, folder, 1);
	if (!may_connect(world, option(world, "--uri"))) {
		return 1;
	}
	state_path(world, from, "disk%.400s", folder[0]);
	state_path(world, to, "mongo/data");
	if (folder[0][0] != '/' || !state_has(from)) {
		return complain("Failed: file %s does not exist", folder[0]);
	}
	if (!has_word(world, "--drop")) {
		return complain("Failed: E11000 duplicate key error");
	}
	printf("%zu collection(s) restored successfully\n",
			state_copy_folder(from, to, true));
	return 0;
}

struct recent {
	long long since;
	int count;
};

static void count_recent(void *data, const char *value) {
	struct recent *recent = data;
	recent->count += strtoll(value, NULL, 10) >= recent->since;
}

int mongosh_run(struct world *world) {
	static const char *const with_value[] = { "--eval", NULL };
	const char *uri[1], *code = option(world, "--eval");
	plain_words(world, with_value, uri, 1);
	if (!may_connect(world, uri[0])) {
		return 1;
	}
	if (code == NULL || strstr(code, "runtime_events") == NULL) {
		return complain("ReferenceError: only runtime_events is known here");
	}
	char path[TEXT_MAX];
	struct recent recent = { .since = (long long)time(NULL) - 300 };
	state_path(world, path, "mongo/data/runtime_events");
	file_values(path, "event ", count_recent, &recent);
	printf("runtime_events: %d\n", recent.count);
	return 0;
}

int mc_run(struct world *world) {
	static const char *const none[] = { NULL };
	const char *words[3];
	char from[TEXT_MAX], to[TEXT_MAX];
	if (plain_words(world, none, words, 3) != 3 ||
			strcmp(words[0], "mirror") != 0) {
		return complain("mc: <ERROR> only mirror SOURCE TARGET is known here");
	}
	state_path(world, from, "objects/%.400s", words[1]);
	state_path(world, to, "objects/%.400s", words[2]);
	if (!state_has(from)) {
		return complain("mc: <ERROR> Failed to perform mirroring: `%s` does "
						"not exist",
				words[1]);
	}
	size_t count = state_copy_folder(from, to, has_word(world, "--overwrite"));
	printf("%s -> %s: %zu objects\n", words[1], words[2], count);
	return 0;
}
