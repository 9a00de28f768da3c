#include "exec/stepfolder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "sys/boot.h"
#include "sys/fd.h"

#define SPEC_MAX_BYTES   ((size_t)2 * 1024 * 1024)
#define STATUS_MAX_BYTES ((size_t)16 * 1024)
#define LIST_MAX         4096
#define CLOCK_ID_MAX     ((size_t)56)

/* A record is "KEY LENGTH\n", that many bytes and a newline. */
struct record {
	char key[16];
	const char *value;
	size_t len;
};

static void add_text(struct str *out, const char *key, const char *value) {
	str_addf(out, "%s %zu\n", key, strlen(value));
	str_add(out, value);
	str_add_char(out, '\n');
}

static void add_number(struct str *out, const char *key, int64_t value) {
	char text[24];
	snprintf(text, sizeof(text), "%" PRId64, value);
	add_text(out, key, text);
}

/* Take the record at *at; false at the end, or with *broken set. */
static bool next_record(const struct str *text, size_t *at,
		struct record *record, bool *broken) {
	*broken = false;
	if (*at == text->len) {
		return false;
	}
	*broken = true;
	const char *line = text->data + *at;
	const char *newline = memchr(line, '\n', text->len - *at);
	const char *blank = newline != NULL
			? memchr(line, ' ', (size_t)(newline - line))
			: NULL;
	if (blank == NULL || (size_t)(blank - line) >= sizeof(record->key)) {
		return false;
	}
	memcpy(record->key, line, (size_t)(blank - line));
	record->key[blank - line] = '\0';
	char *end = NULL;
	unsigned long long len = strtoull(blank + 1, &end, 10);
	size_t begin = (size_t)(newline + 1 - text->data);
	if (end != newline || len >= text->len - begin ||
			text->data[begin + len] != '\n') {
		return false;
	}
	record->value = text->data + begin;
	record->len = (size_t)len;
	*at = begin + record->len + 1;
	*broken = false;
	return true;
}

static int64_t number_of(const struct record *record) {
	return strtoll(record->value, NULL, 10); // ends at the newline behind it
}

static bool is_number(const struct record *record) {
	size_t sign = record->len > 0 && record->value[0] == '-';
	size_t digits = strspn(record->value + sign, "0123456789");
	return digits > 0 && digits < 20 && sign + digits == record->len;
}

static bool is_key(const struct record *record, const char *key) {
	return strcmp(record->key, key) == 0;
}

static bool list_add(char ***list, size_t *count, const struct record *record) {
	if (*count == LIST_MAX) {
		return false;
	}
	*list = xreallocarray(*list, *count + 2, sizeof(**list));
	(*list)[(*count)++] = xstrndup(record->value, record->len);
	(*list)[*count] = NULL;
	return true;
}

static void list_finish(char ***list) {
	for (size_t i = 0; *list != NULL && (*list)[i] != NULL; i++) {
		explicit_bzero((*list)[i], strlen((*list)[i]));
		free((*list)[i]);
	}
	free(*list);
	*list = NULL;
}

char *step_clock_name(const char *id) {
	size_t len = strlen(id);
	// Of a long id its end, where ids differ.
	return xasprintf(
			"step %s", id + (len > CLOCK_ID_MAX ? len - CLOCK_ID_MAX : 0));
}

void step_spec_finish(struct step_spec *spec) {
	list_finish(&spec->env);
	list_finish(&spec->masked);
	free(spec->script);
	free(spec->workdir);
	free(spec->clock_path);
	free(spec->clock_name);
	*spec = (struct step_spec){ 0 };
}

bool step_spec_format(
		struct str *out, const struct step_spec *spec, struct err *err) {
	str_init(out, SPEC_MAX_BYTES);
	add_text(out, "script", spec->script);
	add_text(out, "workdir", spec->workdir);
	for (size_t i = 0; spec->env != NULL && spec->env[i] != NULL; i++) {
		add_text(out, "env", spec->env[i]);
	}
	for (size_t i = 0; spec->masked != NULL && spec->masked[i] != NULL; i++) {
		add_text(out, "masked", spec->masked[i]);
	}
	add_number(out, "timeout_ms", spec->timeout_ms);
	add_number(out, "grace_ms", spec->grace_ms);
	add_number(out, "log_cap", (int64_t)spec->log_cap);
	add_text(out, "clock_path", spec->clock_path);
	add_text(out, "clock_name", spec->clock_name);
	add_text(out, "end", "");
	return !out->cut ||
			err_set(err, ERR_INVALID,
					"the script and its variables are over %zu bytes",
					SPEC_MAX_BYTES);
}

bool step_spec_write(
		const char *path, const struct step_spec *spec, struct err *err) {
	struct str out = { 0 };
	bool ok = step_spec_format(&out, spec, err) &&
			fd_write_file(path, out.data, out.len, 0600, err);
	explicit_bzero(out.data, out.len);
	str_finish(&out);
	return ok;
}

static bool take_spec(struct step_spec *spec, const struct record *record,
		size_t *env_count, size_t *masked_count) {
	if (is_key(record, "script")) {
		free(spec->script);
		spec->script = xstrndup(record->value, record->len);
	} else if (is_key(record, "workdir")) {
		free(spec->workdir);
		spec->workdir = xstrndup(record->value, record->len);
	} else if (is_key(record, "env")) {
		return list_add(&spec->env, env_count, record);
	} else if (is_key(record, "masked")) {
		return list_add(&spec->masked, masked_count, record);
	} else if (is_key(record, "timeout_ms")) {
		spec->timeout_ms = number_of(record);
	} else if (is_key(record, "grace_ms")) {
		spec->grace_ms = number_of(record);
	} else if (is_key(record, "log_cap")) {
		spec->log_cap = (size_t)number_of(record);
	} else if (is_key(record, "clock_path")) {
		free(spec->clock_path);
		spec->clock_path = xstrndup(record->value, record->len);
	} else if (is_key(record, "clock_name")) {
		free(spec->clock_name);
		spec->clock_name = xstrndup(record->value, record->len);
	} else {
		return is_key(record, "end");
	}
	return true;
}

bool step_spec_read(const char *path, struct step_spec *spec, struct err *err) {
	*spec = (struct step_spec){ 0 };
	struct str text = { 0 };
	if (!fd_read_file(path, SPEC_MAX_BYTES, &text, err)) {
		str_finish(&text);
		return false;
	}
	struct record record = { 0 };
	size_t at = 0;
	size_t env_count = 0;
	size_t masked_count = 0;
	bool broken = false;
	bool known = true;
	while (known && next_record(&text, &at, &record, &broken)) {
		known = take_spec(spec, &record, &env_count, &masked_count);
	}
	if (text.len > 0) {
		explicit_bzero(text.data, text.len);
	}
	str_finish(&text);
	if (broken || !known || !is_key(&record, "end") || spec->script == NULL ||
			spec->workdir == NULL || spec->clock_path == NULL ||
			spec->clock_name == NULL) {
		return err_set(err, ERR_INVALID, "%s is broken", path);
	}
	return true;
}

/* Field 22 of /proc/PID/stat, counted behind the name, which may hold blanks
 * and parentheses (proc_pid_stat(5)); 0 if there is no such process. */
static uint64_t start_ticks_of(pid_t pid) {
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	char text[1024];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	fd_close(&fd);
	if (n <= 0) {
		return 0;
	}
	text[n] = '\0';
	const char *at = strrchr(text, ')');
	for (int field = 2; at != NULL && field < 22; field++) {
		at = strchr(at + 1, ' ');
	}
	return at != NULL ? strtoull(at + 1, NULL, 10) : 0;
}

bool step_mark_self(struct step_mark *mark, struct err *err) {
	mark->pid = getpid();
	mark->start_ticks = start_ticks_of(mark->pid);
	if (mark->start_ticks == 0 || !boot_read(mark->boot)) {
		return err_set(err, ERR_IO, "/proc cannot be read");
	}
	return true;
}

bool step_mark_is(const struct step_mark *mark, pid_t pid) {
	char boot[BOOT_ROOM];
	return pid > 0 && mark->pid == pid && boot_read(boot) &&
			strcmp(boot, mark->boot) == 0 &&
			start_ticks_of(pid) == mark->start_ticks;
}

bool step_mark_write(
		const char *path, const struct step_mark *mark, struct err *err) {
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST) {
		return err_set(err, ERR_REFUSED, "it has begun before");
	}
	if (fd < 0) {
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	}
	char text[160];
	int len = snprintf(text, sizeof(text), "%d %" PRIu64 " %s %" PRId64 "\n",
			(int)mark->pid, mark->start_ticks, mark->boot, mark->started_ms);
	bool ok = fd_write_all(fd, text, (size_t)len, err);
	if (ok && fsync(fd) < 0) {
		ok = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	}
	fd_close(&fd);
	ok = ok && fd_sync_folder_of(path, err);
	if (!ok) {
		unlink(path); // the lock is ours, and nothing was started
	}
	return ok;
}

bool step_mark_read(const char *path, struct step_mark *mark, struct err *err) {
	*mark = (struct step_mark){ 0 };
	struct str text = { 0 };
	if (!fd_read_file(path, 1024, &text, err)) {
		str_finish(&text);
		return false;
	}
	int pid = 0;
	if (sscanf(str_text(&text), "%d %" SCNu64 " %39s %" SCNd64, &pid,
				&mark->start_ticks, mark->boot, &mark->started_ms) == 4) {
		mark->pid = pid;
	}
	str_finish(&text);
	return true;
}

void step_status_finish(struct step_status *status) {
	free(status->recent);
	*status = (struct step_status){ 0 };
}

int step_status_reserve(const char *path, struct err *err) {
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
		return -1;
	}
	int code = posix_fallocate(fd, 0, (off_t)STATUS_MAX_BYTES);
	if (code != 0) {
		err_set(err, ERR_IO, "no room to keep a result: %s", strerror(code));
		fd_close(&fd);
	}
	return fd;
}

static void format_status(struct str *out, const struct step_status *status) {
	add_number(out, "end", status->end);
	add_number(out, "exit_status", status->exit_status);
	add_number(out, "signal", status->signal);
	add_number(out, "http_status", status->http_status);
	add_number(out, "started_ms", status->started_ms);
	add_number(out, "ended_ms", status->ended_ms);
	add_number(out, "took_ms", status->took_ms);
	add_number(out, "lines", (int64_t)status->lines);
	add_number(out, "left_out", (int64_t)status->left_out);
	add_number(out, "log_error", status->log_error);
	add_text(out, "reason", status->reason);
	if (status->recent != NULL) {
		add_text(out, "recent", status->recent);
	}
	add_text(out, "done", "");
}

bool step_status_write(int fd, const char *from, const char *to,
		const struct step_status *status, struct err *err) {
	struct str out;
	str_init(&out, STATUS_MAX_BYTES);
	format_status(&out, status);
	bool ok = true;
	ssize_t n = pwrite(fd, out.data, out.len, 0);
	if (n < 0 || (size_t)n != out.len || ftruncate(fd, n) < 0 ||
			fsync(fd) < 0 ||
			// Tried again after all but the last fsync went well: renamed.
			(rename(from, to) < 0 && errno != ENOENT)) {
		ok = err_set(
				err, ERR_IO, "the result cannot be kept: %s", strerror(errno));
	}
	str_finish(&out);
	return ok && fd_sync_folder_of(to, err);
}

/* False where it has a value that it cannot have. */
static bool take_status(struct step_status *status, const struct record *record,
		bool *has_end) {
	if (is_key(record, "reason")) {
		snprintf(status->reason, sizeof(status->reason), "%.*s",
				(int)record->len, record->value);
		return true;
	}
	if (is_key(record, "recent")) {
		free(status->recent);
		status->recent = xstrndup(record->value, record->len);
		return true;
	}
	if (is_key(record, "done")) {
		return true;
	}
	int64_t number = number_of(record);
	if (!is_number(record)) {
		return false;
	}
	if (is_key(record, "end")) {
		*has_end = number >= 0 && number <= STEP_BROKEN;
		status->end = (enum step_end)number;
		return *has_end;
	}
	if (is_key(record, "exit_status")) {
		status->exit_status = (int)number;
	} else if (is_key(record, "signal")) {
		status->signal = (int)number;
	} else if (is_key(record, "http_status")) {
		status->http_status = (int)number;
	} else if (is_key(record, "started_ms")) {
		status->started_ms = number;
	} else if (is_key(record, "ended_ms")) {
		status->ended_ms = number;
	} else if (is_key(record, "took_ms")) {
		status->took_ms = number;
	} else if (is_key(record, "lines")) {
		status->lines = (uint64_t)number;
	} else if (is_key(record, "left_out")) {
		status->left_out = (uint64_t)number;
	} else if (is_key(record, "log_error")) {
		status->log_error = (int)number;
	}
	return true;
}

bool step_status_read(
		const char *path, struct step_status *status, struct err *err) {
	*status = (struct step_status){ 0 };
	struct str text = { 0 };
	if (!fd_read_file(path, STATUS_MAX_BYTES, &text, err)) {
		str_finish(&text);
		return false;
	}
	struct record record = { 0 };
	size_t at = 0;
	bool broken = false;
	bool has_end = false;
	bool ok = true;
	while (ok && next_record(&text, &at, &record, &broken)) {
		ok = take_status(status, &record, &has_end);
	}
	ok = ok && has_end && !broken && is_key(&record, "done");
	str_finish(&text);
	if (!ok) {
		step_status_finish(status);
		return err_set(err, ERR_INVALID, "%s is broken", path);
	}
	return true;
}

static struct flock whole_file(void) {
	return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
}

int step_lock(const char *path, struct err *err) {
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
		return -1;
	}
	struct flock lock = whole_file();
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		bool held = errno == EAGAIN || errno == EACCES;
		err_set(err, held ? ERR_REFUSED : ERR_IO, "%s: %s", path,
				held ? "held by another" : strerror(errno));
		fd_close(&fd);
	}
	return fd;
}

bool step_is_locked(const char *path) {
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct flock lock = whole_file();
	bool locked = fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 &&
			lock.l_type != F_UNLCK;
	fd_close(&fd);
	return locked;
}
