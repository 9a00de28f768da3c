#include "ledger.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

long long ledger_now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void put_string(FILE *out, const char *text, size_t len) {
	fputc('"', out);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '"' || c == '\\') {
			fprintf(out, "\\%c", c);
		} else if (c < 0x20) {
			fprintf(out, "\\u%04x", c);
		} else {
			fputc(c, out);
		}
	}
	fputc('"', out);
}

static void put_words(FILE *out, const struct world *world) {
	fputs("\"argv\":[", out);
	for (int i = 0; i < world->argc; i++) {
		fputs(i > 0 ? "," : "", out);
		put_string(out, world->argv[i], strlen(world->argv[i]));
	}
	fputs("]", out);
}

static void put_caller(FILE *out) {
	fputs("\"caller\":{", out);
	bool first = true;
	for (char **entry = environ; *entry != NULL; entry++) {
		const char *equals = strchr(*entry, '=');
		if (strncmp(*entry, "BRIDGE_", 7) != 0 || equals == NULL) {
			continue;
		}
		fputs(first ? "" : ",", out);
		put_string(out, *entry, (size_t)(equals - *entry));
		fputc(':', out);
		put_string(out, equals + 1, strlen(equals + 1));
		first = false;
	}
	fputs("}", out);
}

static void append(const struct world *world, const char *line, size_t size) {
	char path[TEXT_MAX + 16];
	snprintf(path, sizeof(path), "%s/ledger", world->root);
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, line, size) != (ssize_t)size) {
		perror(path);
		exit(125);
	}
	close(fd);
}

void ledger_add(const struct world *world, long long began_ms, int status) {
	char *line = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&line, &size);
	char cwd[TEXT_MAX];
	if (out == NULL || getcwd(cwd, sizeof(cwd)) == NULL) {
		perror("ledger");
		exit(125);
	}
	fprintf(out, "{\"began_ms\":%lld,\"ended_ms\":%lld,", began_ms,
			ledger_now_ms());
	put_words(out, world);
	fputs(",\"cwd\":", out);
	put_string(out, cwd, strlen(cwd));
	fprintf(out, ",\"exit\":%d,", status);
	put_caller(out);
	fputs("}\n", out);
	fclose(out);
	append(world, line, size);
	free(line);
}
