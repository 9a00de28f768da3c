#include "app/readings.h"

#include <stdlib.h>
#include <string.h>

#include "app/planner.h"
#include "base/xalloc.h"

static struct reading *find(
		const struct readings *readings, const char *target, const char *host) {
	struct reading *reading = readings->first;
	while (reading != NULL &&
			(strcmp(reading->target, target) != 0 ||
					strcmp(reading->host, host) != 0)) {
		reading = reading->next;
	}
	return reading;
}

const struct reading *readings_of(
		const struct readings *readings, const char *target, const char *host) {
	return find(readings, target, host);
}

struct reading *reading_make(const char *target, const char *host) {
	struct reading *reading = xcalloc(1, sizeof(*reading));
	reading->target = xstrdup(target);
	reading->host = xstrdup(host);
	return reading;
}

void reading_destroy(struct reading *reading) {
	if (reading == NULL) {
		return;
	}
	for (size_t i = 0; i < reading->file_count; i++) {
		free(reading->files[i].path);
	}
	free(reading->files);
	free(reading->commit);
	free(reading->problem);
	free(reading->target);
	free(reading->host);
	free(reading);
}

void readings_put(struct readings *readings, struct reading *take_reading) {
	struct reading *old = find(
			readings, take_reading->target, take_reading->host);
	struct reading **at = &readings->first;
	while (*at != old) {
		at = &(*at)->next;
	}
	take_reading->next = old != NULL ? old->next : NULL;
	*at = take_reading;
	reading_destroy(old);
}

void readings_finish(struct readings *readings) {
	while (readings->first != NULL) {
		struct reading *reading = readings->first;
		readings->first = reading->next;
		reading_destroy(reading);
	}
}

const char *reading_hash(const struct reading *reading, const char *path) {
	for (size_t i = 0; i < reading->file_count; i++) {
		if (strcmp(reading->files[i].path, path) == 0) {
			return reading->files[i].hash;
		}
	}
	return NULL;
}

static void add_file(
		struct reading *reading, const char *hash, const char *path) {
	reading->files = xreallocarray(
			reading->files, reading->file_count + 1, sizeof(*reading->files));
	struct plan_file *file = &reading->files[reading->file_count++];
	memcpy(file->hash, hash, SHA256_HEX - 1);
	file->hash[SHA256_HEX - 1] = '\0';
	file->path = xstrdup(path);
}

/* What follows @word and a blank in @line; NULL: it is another line. */
static const char *behind(const char *line, const char *word) {
	size_t len = strlen(word);
	return strncmp(line, word, len) == 0 && line[len] == ' ' ? line + len + 1
															 : NULL;
}

static bool is_hash(const char *text) {
	return strspn(text, "0123456789abcdef") == SHA256_HEX - 1 &&
			text[SHA256_HEX - 1] == ' ';
}

/* SHA-1 or SHA-256 (git's object formats). */
static bool is_commit(const char *text) {
	size_t len = strspn(text, "0123456789abcdef");
	return (len == 40 || len == 64) && text[len] == '\0';
}

bool reading_take_line(struct reading *reading, const char *line) {
	const char *rest = behind(line, "file");
	if (rest != NULL && is_hash(rest) &&
			reading->file_count < PLANNER_FILES_MAX) {
		add_file(reading, rest, rest + SHA256_HEX);
	} else if ((rest = behind(line, "commit")) != NULL && is_commit(rest)) {
		free(reading->commit);
		reading->commit = xstrdup(rest);
	} else if (strcmp(line, "dirty") == 0) {
		reading->dirty = true;
	} else if (strcmp(line, "nowhere") == 0) {
		free(reading->problem);
		reading->problem = xstrdup(
				"its workdir is not there: make it, or mend `workdir`");
	} else if ((rest = behind(line, "none")) != NULL) {
		free(reading->problem);
		reading->problem = xasprintf(
				"no file is there for %s: put it there, or mend `files`", rest);
	} else if ((rest = behind(line, "bad")) != NULL) {
		free(reading->problem);
		reading->problem = xasprintf("%s cannot be read", rest);
	} else {
		return false;
	}
	return true;
}
