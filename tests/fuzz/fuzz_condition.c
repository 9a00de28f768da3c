/* A condition in the first line, and the output that it is held against: a
 * mistake is shown at a byte that is there, and an answer is given. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/condition.h"
#include "fuzz/input.h"

static void hold(const struct condition *condition, const char *output) {
	struct err err = { 0 };
	struct condition_subject subject = {
		.exit_status = 0,
		.duration_ms = 1000,
		.output = output,
		.output_len = strlen(output),
	};
	if (!condition_holds(condition, &subject, &err)) {
		assert(err.code == ERR_REFUSED || err.code == ERR_INVALID);
		assert(err.text[0] != '\0');
	}
	subject.http = true;
	subject.http_status = 204;
	subject.output_missing = "it was too long";
	if (!condition_holds(condition, &subject, &err)) {
		assert(err.text[0] != '\0');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = fuzz_text(data, size);
	char *output = fuzz_cut(text, "\n");
	size_t column = 0;
	struct err err = { 0 };
	struct condition *condition = condition_parse(text, &column, &err);
	if (condition != NULL) {
		hold(condition, output);
		assert(condition_is_meant(text));
	} else {
		assert(err.text[0] != '\0');
		assert(column <= strlen(text));
	}
	condition_free(condition);
	free(text);
	return 0;
}
