#include "world.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int complain(const char *format, ...) {
	va_list args;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return 1;
}

const char *option(const struct world *world, const char *name) {
	size_t len = strlen(name);
	for (int i = 1; i < world->argc; i++) {
		const char *word = world->argv[i];
		if (strcmp(word, name) == 0) {
			return i + 1 < world->argc ? world->argv[i + 1] : NULL;
		}
		if (strncmp(word, name, len) == 0 && word[len] == '=') {
			return word + len + 1;
		}
	}
	return NULL;
}

bool has_word(const struct world *world, const char *word) {
	for (int i = 1; i < world->argc; i++) {
		if (strcmp(world->argv[i], word) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_one_of(const char *const *names, const char *word) {
	for (; *names != NULL; names++) {
		if (strcmp(*names, word) == 0) {
			return true;
		}
	}
	return false;
}

size_t plain_words(const struct world *world, const char *const *with_value,
		const char **words, size_t max) {
	size_t count = 0;
	for (int i = 1; i < world->argc; i++) {
		const char *word = world->argv[i];
		if (strcmp(word, "--") == 0) {
			break;
		}
		if (is_one_of(with_value, word)) {
			i++;
		} else if (word[0] != '-') {
			if (count < max) {
				words[count] = word;
			}
			count++;
		}
	}
	for (size_t i = count; i < max; i++) {
		words[i] = "";
	}
	return count;
}

bool file_exists(const char *path) {
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

struct first_value {
	char *value;
	size_t size;
	bool found;
};

static void keep_first(void *data, const char *value) {
	struct first_value *first = data;
	if (!first->found) {
		snprintf(first->value, first->size, "%s", value);
		first->found = true;
	}
}

bool file_value(const char *path, const char *key, char *value, size_t size) {
	struct first_value first = { .value = value, .size = size };
	file_values(path, key, keep_first, &first);
	return first.found;
}

static char *trim(char *text) {
	while (isspace((unsigned char)*text) || *text == '"') {
		text++;
	}
	size_t len = strlen(text);
	while (len > 0 &&
			(isspace((unsigned char)text[len - 1]) || text[len - 1] == '"')) {
		len--;
	}
	text[len] = '\0';
	return text;
}

void file_values(const char *path, const char *key,
		void (*each)(void *data, const char *value), void *data) {
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return;
	}
	char line[TEXT_MAX];
	size_t len = strlen(key);
	while (fgets(line, sizeof(line), file) != NULL) {
		char *text = trim(line);
		if (strncmp(text, key, len) == 0) {
			each(data, trim(text + len));
		}
	}
	fclose(file);
}

struct listed {
	const char *word;
	bool found;
};

static void compare(void *data, const char *value) {
	struct listed *listed = data;
	listed->found = listed->found || strcmp(value, listed->word) == 0;
}

bool file_lists(const char *path, const char *key, const char *word) {
	struct listed listed = { .word = word };
	file_values(path, key, compare, &listed);
	return listed.found;
}

void state_path(
		const struct world *world, char *path, const char *format, ...) {
	char name[TEXT_MAX / 2];
	va_list args;
	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	snprintf(path, TEXT_MAX, "%.500s/state/%s", world->root, name);
}

bool state_has(const char *path) {
	return access(path, F_OK) == 0;
}

/* All folders above the last part of @path. */
static void make_parents(const char *path) {
	char part[TEXT_MAX];
	for (const char *slash = strchr(path + 1, '/'); slash != NULL;
			slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdir(part, 0755) != 0 && errno != EEXIST) {
			perror(part);
			exit(125);
		}
	}
}

static void put(const char *path, const char *mode, const char *text) {
	make_parents(path);
	FILE *file = fopen(path, mode);
	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
		perror(path);
		exit(125);
	}
}

void state_write(const char *path, const char *text) {
	put(path, "we", text);
}

void state_append(const char *path, const char *text) {
	put(path, "ae", text);
}

void state_remove(const char *path) {
	if (unlink(path) != 0 && errno != ENOENT) {
		perror(path);
		exit(125);
	}
}

void state_make_folder(const char *path) {
	make_parents(path);
	if (mkdir(path, 0755) != 0 && errno != EEXIST) {
		perror(path);
		exit(125);
	}
}

static void copy_file(const char *from, const char *to) {
	char line[TEXT_MAX];
	FILE *in = fopen(from, "re");
	FILE *out = fopen(to, "we");
	if (in == NULL || out == NULL) {
		perror(in == NULL ? from : to);
		exit(125);
	}
	while (fgets(line, sizeof(line), in) != NULL) {
		fputs(line, out);
	}
	fclose(in);
	fclose(out);
}

size_t state_copy_folder(const char *from, const char *to, bool overwrite) {
	DIR *dir = opendir(from);
	if (dir == NULL) {
		return 0;
	}
	state_make_folder(to);
	size_t count = 0;
	for (struct dirent *entry = readdir(dir); entry != NULL;
			entry = readdir(dir)) {
		char source[2 * TEXT_MAX], target[2 * TEXT_MAX];
		snprintf(source, sizeof(source), "%s/%s", from, entry->d_name);
		snprintf(target, sizeof(target), "%s/%s", to, entry->d_name);
		if (!file_exists(source) || (!overwrite && state_has(target))) {
			continue;
		}
		copy_file(source, target);
		count++;
	}
	closedir(dir);
	return count;
}
