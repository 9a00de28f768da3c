#include "fault.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fault {
	long count; // -1: for ever
	char pattern[TEXT_MAX];
	char text[TEXT_MAX];
};

static void chomp(char *line) {
	line[strcspn(line, "\n")] = '\0';
}

static bool read_fault(const char *path, struct fault *fault) {
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return false;
	}
	char count[32];
	bool ok = fgets(count, sizeof(count), file) != NULL &&
			fgets(fault->pattern, sizeof(fault->pattern), file) != NULL &&
			fgets(fault->text, sizeof(fault->text), file) != NULL;
	fclose(file);
	if (ok) {
		fault->count = strtol(count, NULL, 10);
		chomp(fault->pattern);
		chomp(fault->text);
	}
	return ok;
}

static void count_down(const char *path, const struct fault *fault) {
	if (fault->count < 0) {
		return;
	}
	char text[3 * TEXT_MAX];
	snprintf(text, sizeof(text), "%ld\n%s\n%s\n", fault->count - 1,
			fault->pattern, fault->text);
	state_write(path, text);
}

static void whole_call(const struct world *world, char *call, size_t size) {
	size_t used = 0;
	call[0] = '\0';
	for (int i = 0; i < world->argc && used < size; i++) {
		int n = snprintf(call + used, size - used, "%s%s", i > 0 ? " " : "",
				world->argv[i]);
		used += n > 0 ? (size_t)n : 0;
	}
}

bool fault_take(
		const struct world *world, const char *kind, char *text, size_t size) {
	char folder[TEXT_MAX], call[4 * TEXT_MAX];
	state_path(world, folder, "%s", kind);
	DIR *dir = opendir(folder);
	if (dir == NULL) {
		return false;
	}
	whole_call(world, call, sizeof(call));
	bool taken = false;
	for (struct dirent *entry = readdir(dir); entry != NULL && !taken;
			entry = readdir(dir)) {
		char path[TEXT_MAX];
		struct fault fault;
		state_path(world, path, "%s/%s", kind, entry->d_name);
		if (entry->d_name[0] == '.' || !read_fault(path, &fault) ||
				fault.count == 0 || fnmatch(fault.pattern, call, 0) != 0) {
			continue;
		}
		count_down(path, &fault);
		snprintf(text, size, "%s", fault.text);
		taken = true;
	}
	closedir(dir);
	return taken;
}
