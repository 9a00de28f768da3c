/* A journal row, type in the first line and body behind it: what is read is
 * written again, and that is read to the same. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/event_json.h"
#include "fuzz/input.h"

static char *write_row(const struct event *event) {
	struct err err = { 0 };
	char *body = event_json_write(event, &err);
	assert(body != NULL);
	return body;
}

static void check_again(const char *type, const struct event *event) {
	struct event_row again;
	struct err err = { 0 };
	char *first = write_row(event);
	bool ok = event_json_read(&again, 1, 1, type, first, &err);
	assert(ok);
	char *second = write_row(&again.event);
	assert(strcmp(first, second) == 0);
	event_row_finish(&again);
	free(second);
	free(first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *type = fuzz_text(data, size);
	char *body = fuzz_cut(type, "\n");
	struct event_row row;
	struct err err = { 0 };
	if (event_json_read(&row, 1, 1, type, body, &err)) {
		check_again(type, &row.event);
		event_row_finish(&row);
	} else {
		assert(err.text[0] != '\0');
	}
	free(type);
	return 0;
}
