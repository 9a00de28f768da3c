/* People's words and commands' output, made fit for a message: nobody is
 * called, and code stays inside what encloses it. */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/input.h"
#include "render/markdown.h"

static void check_uncalled(const struct str *out) {
	const char *at = str_text(out);
	while ((at = strchr(at, '@')) != NULL) {
		at++;
		assert(!isalnum((unsigned char)*at));
	}
	assert(strchr(str_text(out), '\r') == NULL);
}

static void check_code(const struct str *out) {
	if (out->len == 0) {
		return;
	}
	const char *close = strchr(out->data + 1, '`');
	assert(out->data[0] == '`');
	assert(close == out->data + out->len - 1);
	assert(strchr(out->data, '\n') == NULL);
}

/* Only the last line is one that closes a fence: all others are inside. */
static void check_fence(const struct str *out) {
	const char *line = str_text(out);
	size_t ticks = strspn(line, "`");
	size_t closed = 0;
	assert(out->len == 0 || ticks >= 3);
	while ((line = strchr(line, '\n')) != NULL && *++line != '\0') {
		assert(closed == 0);
		size_t blanks = strspn(line, " \t");
		closed += strspn(line + blanks, "`") >= ticks;
	}
	assert(out->len == 0 || closed == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = fuzz_text(data, size);
	struct str out = { 0 };
	markdown_add_text(&out, text);
	check_uncalled(&out);
	assert(strchr(str_text(&out), '\n') == NULL);
	str_clear(&out);
	markdown_add_uncalled(&out, text);
	str_clear(&out);
	markdown_add_code(&out, text, MARKDOWN_WORDS);
	check_code(&out);
	str_clear(&out);
	markdown_add_fence(&out, text, 4, 40);
	check_fence(&out);
	str_clear(&out);
	markdown_add_wrapped(&out, text, 20, 40);
	markdown_add_finished(&out, text);
	str_finish(&out);
	free(markdown_last_line(text, 40));
	markdown_width(text, strlen(text));
	free(text);
	return 0;
}
