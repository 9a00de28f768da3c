/*
 * Output of a command, as it comes: the first byte says how many come at a
 * time.  Written as a log and read back it is the same, whatever is in it; and
 * the bytes themselves, taken for a log, are read too.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "exec/steplog.h"
#include "fuzz/input.h"

static void write_log(int fd, const char *bytes, size_t len, size_t piece) {
	struct mask *mask = mask_create(NULL);
	struct steplog *log = steplog_create(fd, mask, 0);
	int64_t now_ms = 1764000000000;
	for (size_t at = 0; at < len; at += piece) {
		size_t some = len - at < piece ? len - at : piece;
		steplog_add(log, STEP_STDOUT, bytes + at, some, now_ms++);
		if (at % 3 == 0) {
			steplog_add(log, STEP_STDERR, bytes + at, some, now_ms);
		}
	}
	steplog_end(log, now_ms);
	assert(steplog_totals(log).error == 0);
	steplog_destroy(log);
	mask_destroy(mask);
}

static void read_log(const char *path, size_t max, struct str *output) {
	struct str tail = { 0 };
	struct err err = { 0 };
	bool ok = steplog_read_output(path, output, &err);
	assert(ok);
	steplog_read_tail(path, &tail, max);
	assert(tail.len <= max);
	steplog_count_lines(path);
	str_finish(&tail);
}

static void round_trip(const char *bytes, size_t len, size_t piece) {
	struct fuzz_file file;
	struct str output = { 0 };
	fuzz_file_open(&file, "", 0);
	write_log(file.fd, bytes, len, piece);
	read_log(file.path, piece + 1, &output);
	assert(output.len == len);
	assert(len == 0 || memcmp(output.data, bytes, len) == 0);
	str_finish(&output);
	fuzz_file_close(&file);
}

static void take_for_a_log(const char *bytes, size_t len, size_t max) {
	struct fuzz_file file;
	struct str output = { 0 };
	struct str tail = { 0 };
	fuzz_file_open(&file, bytes, len);
	read_log(file.path, max, &output);
	steplog_tail_of(bytes, len, &tail, max);
	assert(tail.len <= max);
	str_clear(&tail);
	steplog_tail_of_log(bytes, len, &tail, max);
	assert(tail.len <= max);
	str_finish(&tail);
	str_finish(&output);
	fuzz_file_close(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size == 0) {
		return 0;
	}
	char *bytes = fuzz_text(data + 1, size - 1);
	round_trip(bytes, size - 1, (size_t)data[0] + 1);
	take_for_a_log(bytes, size - 1, (size_t)data[0] + 1);
	free(bytes);
	return 0;
}
