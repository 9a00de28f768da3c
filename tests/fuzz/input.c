#include "fuzz/input.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "core/runbook.h"
#include "sys/fd.h"

char *fuzz_text(const uint8_t *data, size_t size) {
	char *text = xcalloc(1, size + 1);
	if (size > 0) {
		memcpy(text, data, size);
	}
	return text;
}

char *fuzz_cut(char *text, const char *mark) {
	char *at = strstr(text, mark);
	if (at == NULL) {
		return text + strlen(text);
	}
	*at = '\0';
	return at + strlen(mark);
}

void fuzz_touch(const char *text) {
	volatile size_t len = text != NULL ? strlen(text) : 0;
	(void)len;
}

void fuzz_file_open(struct fuzz_file *file, const void *bytes, size_t len) {
	struct err err = { 0 };
	file->fd = memfd_create("fuzz", MFD_CLOEXEC);
	bool ok = file->fd >= 0 && fchmod(file->fd, 0600) == 0 &&
			fd_write_all(file->fd, bytes, len, &err);
	assert(ok);
	snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
}

void fuzz_file_close(struct fuzz_file *file) {
	fd_close(&file->fd);
}

void fuzz_check_findings(
		const struct findings *findings, const char *text, size_t len) {
	size_t lines = 1;
	for (size_t i = 0; i < len; i++) {
		bool ends = text[i] == '\n' ||
				(text[i] == '\r' && (i + 1 == len || text[i + 1] != '\n'));
		lines += ends;
	}
	for (size_t i = 0; i < findings->count; i++) {
		fuzz_touch(findings->list[i].text);
		assert(findings->list[i].place.line >= 1);
		assert(findings->list[i].place.line <= lines);
		assert(findings->list[i].place.column >= 1);
	}
}
