/*
 * Gives a fuzz target its saved corpus, without libFuzzer and in any build:
 * what once was found stays found.  The only argument is the corpus folder;
 * an empty one fails, for then nothing was tried.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "fuzz/input.h"
#include "sys/fd.h"

#define FILE_MAX ((size_t)1024 * 1024)

static int is_shown(const struct dirent *entry) {
	return entry->d_name[0] != '.';
}

/* The name goes out first: a crash then says which file it was. */
static bool replay(const char *folder, const char *name) {
	struct err err = { 0 };
	struct str bytes = { 0 };
	char *path = xasprintf("%s/%s", folder, name);
	printf("# %s\n", name);
	fflush(stdout);
	bool ok = fd_read_file(path, FILE_MAX, &bytes, &err);
	if (ok) {
		LLVMFuzzerTestOneInput((const uint8_t *)str_text(&bytes), bytes.len);
	} else {
		printf("# %s\n", err.text);
	}
	str_finish(&bytes);
	free(path);
	return ok;
}

int main(int argc, char **argv) {
	struct dirent **entries = NULL;
	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	int count = scandir(argv[1], &entries, is_shown, alphasort);
	printf("TAP version 13\n1..2\n");
	printf("%s 1 - there is a corpus\n", count > 0 ? "ok" : "not ok");
	bool ok = count > 0;
	for (int i = 0; i < count; i++) {
		ok = replay(argv[1], entries[i]->d_name) && ok;
		free(entries[i]);
	}
	free(entries);
	printf("%s 2 - %d inputs went through\n", ok ? "ok" : "not ok",
			count > 0 ? count : 0);
	return ok ? 0 : 1;
}
