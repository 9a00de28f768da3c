/* A file of an attempt's folder: the first line says which, the rest is what
 * the step runner, or a command in its place, left there. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "exec/published.h"
#include "exec/stepfolder.h"
#include "fuzz/input.h"

static bool read_spec(const char *path, struct err *err) {
	struct step_spec spec;
	bool ok = step_spec_read(path, &spec, err);
	fuzz_touch(spec.script);
	fuzz_touch(spec.workdir);
	fuzz_touch(spec.clock_path);
	fuzz_touch(spec.clock_name);
	for (size_t i = 0; spec.env != NULL && spec.env[i] != NULL; i++) {
		fuzz_touch(spec.env[i]);
	}
	assert(!ok || (spec.script != NULL && spec.workdir != NULL));
	step_spec_finish(&spec);
	return ok;
}

static bool read_status(const char *path, struct err *err) {
	struct step_status status;
	bool ok = step_status_read(path, &status, err);
	if (ok) {
		assert(status.end <= STEP_BROKEN);
		fuzz_touch(status.reason);
		fuzz_touch(status.recent);
		step_status_finish(&status);
	}
	return ok;
}

static bool read_mark(const char *path, struct err *err) {
	struct step_mark mark;
	bool ok = step_mark_read(path, &mark, err);
	fuzz_touch(mark.boot);
	return ok;
}

static bool read_published(const char *path, struct err *err) {
	static const char *const sets[] = { "SNAPSHOT", NULL };
	struct published published;
	struct err missing = { 0 };
	bool ok = published_read(path, &published, err);
	for (size_t i = 0; i < published.count; i++) {
		assert(published.values[i].name[0] != '\0');
		assert(strchr(published.values[i].value, '\n') == NULL);
	}
	if (!published_as_declared(&published, sets, NULL, &missing)) {
		assert(missing.text[0] != '\0');
	}
	published_finish(&published);
	return ok;
}

static bool read_one(const char *which, const char *path, struct err *err) {
	switch (which[0]) {
	case 's':
		return strcmp(which, STEP_SPEC) == 0 ? read_spec(path, err)
											 : read_status(path, err);
	case 'p':
		return read_published(path, err);
	default:
		return read_mark(path, err);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *which = fuzz_text(data, size);
	char *content = fuzz_cut(which, "\n");
	struct fuzz_file file;
	struct err err = { 0 };
	fuzz_file_open(&file, content, (size_t)(which + size - content));
	if (!read_one(which, file.path, &err)) {
		assert(err.text[0] != '\0');
	}
	fuzz_file_close(&file);
	free(which);
	return 0;
}
