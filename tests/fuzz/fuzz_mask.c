/*
 * Secrets, one a line, then a line "---" and output: none of them is left in
 * it, and it does not matter in which pieces it came.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "exec/mask.h"
#include "fuzz/input.h"

static void mask_in_pieces(const struct mask *mask, const char *bytes,
		size_t len, size_t piece, struct str *out) {
	size_t done = 0;
	for (size_t end = piece; done < len; end += piece) {
		end = end < len ? end : len;
		done += mask_add(mask, bytes + done, end - done, end == len, out);
		assert(done <= end);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *secrets = fuzz_text(data, size);
	char *output = fuzz_cut(secrets, "\n---\n");
	size_t len = strlen(output);
	const char *const values[] = { secrets, NULL };
	struct mask *mask = mask_create(values);
	struct str whole = { 0 };
	size_t done = mask_add(mask, output, len, true, &whole);
	assert(done == len);
	// A secret of asterisks can stand in what hides another.
	assert(strchr(secrets, '*') != NULL || !mask_finds(mask, str_text(&whole)));
	for (size_t piece = 1; piece <= 9; piece += 4) {
		struct str parts = { 0 };
		mask_in_pieces(mask, output, len, piece, &parts);
		assert(strcmp(str_text(&parts), str_text(&whole)) == 0);
		str_finish(&parts);
	}
	str_finish(&whole);
	mask_destroy(mask);
	free(secrets);
	return 0;
}
