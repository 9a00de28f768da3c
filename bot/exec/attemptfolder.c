#include "exec/attemptfolder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "exec/stepfolder.h"
#include "sys/fd.h"

bool attempt_folder_make_parent(const char *path, struct err *err) {
	if (mkdir(path, 0700) == 0) {
		return fd_sync_folder_of(path, err);
	}
	if (errno == EEXIST) {
		return true;
	}
	return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
}

/* An empty file, durably. */
static bool put_mark(const char *folder, const char *name, struct err *err) {
	char *path = xasprintf("%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	bool ok = fd >= 0 || err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	fd_close(&fd);
	ok = ok && fd_sync_folder_of(path, err);
	free(path);
	return ok;
}

bool attempt_folder_make(const char *folder, struct err *err) {
	if (!attempt_folder_make_parent(folder, err)) {
		return false;
	}
	char *cancel = xasprintf("%s/%s", folder, STEP_CANCEL);
	bool ok = access(cancel, F_OK) == 0 || put_mark(folder, STEP_ARMED, err);
	free(cancel);
	return ok;
}

bool attempt_folder_give_up(const char *folder, struct err *err) {
	return put_mark(folder, STEP_LOST, err);
}

bool attempt_folder_is_whole(const char *folder) {
	char *armed = xasprintf("%s/%s", folder, STEP_ARMED);
	char *cancel = xasprintf("%s/%s", folder, STEP_CANCEL);
	bool whole = access(armed, F_OK) == 0 || access(cancel, F_OK) == 0;
	free(cancel);
	free(armed);
	return whole;
}

/* Copies of what is const to us and not to the one who frees it. */
static char **list_copy(const char *const *list) {
	size_t count = 0;
	while (list[count] != NULL) {
		count++;
	}
	char **copy = xcalloc(count + 1, sizeof(*copy));
	for (size_t i = 0; i < count; i++) {
		copy[i] = xstrdup(list[i]);
	}
	return copy;
}

char *attempt_folder_absolute(const char *path) {
	char *real = realpath(path != NULL ? path : ".", NULL);
	return real != NULL ? real : xstrdup(path != NULL ? path : ".");
}

static struct step_spec step_spec_of(const struct attempt_spec *spec,
		char *take_workdir, const char *clock_path, size_t log_cap) {
	return (struct step_spec){
		.script = xstrdup(spec->text),
		.workdir = take_workdir,
		.env = list_copy(spec->env),
		.masked = list_copy(spec->masked),
		.timeout_ms = spec->timeout_ms,
		.grace_ms = spec->grace_ms,
		.log_cap = log_cap,
		.clock_path = xstrdup(clock_path),
		.clock_name = step_clock_name(spec->id),
	};
}

bool attempt_folder_arm(const char *folder, const struct attempt_spec *spec,
		const char *clock_path, size_t log_cap, struct err *err) {
	struct step_spec step = step_spec_of(
			spec, attempt_folder_absolute(spec->workdir), clock_path, log_cap);
	char *path = xasprintf("%s/%s", folder, STEP_SPEC);
	bool ok = step_spec_write(path, &step, err);
	free(path);
	step_spec_finish(&step);
	return ok;
}

bool attempt_folder_format(struct str *out, const struct attempt_spec *spec,
		size_t log_cap, struct err *err) {
	struct step_spec step = step_spec_of(
			spec, xstrdup(spec->workdir), "", log_cap);
	bool ok = step_spec_format(out, &step, err);
	step_spec_finish(&step);
	return ok;
}

bool attempt_folder_cancel(const char *folder, struct err *err) {
	char *armed = xasprintf("%s/%s", folder, STEP_ARMED);
	char *cancel = xasprintf("%s/%s", folder, STEP_CANCEL);
	bool ok = true;
	if (rename(armed, cancel) < 0 && access(cancel, F_OK) != 0) {
		ok = err_set(err, ERR_IO, "%s: %s", cancel, strerror(errno));
	}
	ok = ok && fd_sync_folder_of(cancel, err);
	free(cancel);
	free(armed);
	return ok;
}
