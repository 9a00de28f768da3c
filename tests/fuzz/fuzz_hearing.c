/*
 * What steprun on another machine says; the first byte says how many bytes
 * come at a time.  In whatever pieces it came the same is heard.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "exec/hearing.h"
#include "fuzz/input.h"

static void hear(struct str *got, const char *bytes, size_t len, size_t piece) {
	struct hearing hearing;
	size_t taken = 1;
	hearing_init(&hearing);
	for (size_t at = 0; at < len && taken > 0; at += taken) {
		struct heard heard;
		struct err err = { 0 };
		size_t some = len - at < piece ? len - at : piece;
		taken = hearing_take(&hearing, bytes + at, some, &heard, &err);
		assert(taken <= some);
		assert((taken == 0) == (err.code != ERR_NONE));
		if (heard.word != NULL) {
			bool log = strcmp(heard.word, "log") == 0;
			assert(log || heard.whole);
			str_add(got, log ? "" : heard.word);
			str_add_bytes(got, heard.bytes, heard.len);
			str_add(got, log ? "" : "\n");
		}
	}
	hearing_finish(&hearing);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	if (size == 0) {
		return 0;
	}
	char *bytes = fuzz_text(data + 1, size - 1);
	struct str whole = { 0 };
	struct str pieces = { 0 };
	hear(&whole, bytes, size - 1, size);
	hear(&pieces, bytes, size - 1, (size_t)(data[0] % 32) + 1);
	assert(whole.len == pieces.len);
	assert(strcmp(str_text(&whole), str_text(&pieces)) == 0);
	str_finish(&pieces);
	str_finish(&whole);
	free(bytes);
	return 0;
}
