/*
 * An http block, and behind a line "---" the value of every name in it.  A
 * value cannot make another request of what people approved: the method and
 * the number of headers stay, no line is added to any, and no host is chosen
 * but where the block leaves it open.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/xalloc.h"
#include "codec/http_block.h"
#include "fuzz/input.h"

#define NAMES_MAX 16

/* The bytes of a URL up to its path. */
static size_t origin_len(const char *url) {
	const char *host = strstr(url, "://");
	size_t at = host != NULL ? (size_t)(host - url) + 3 : 0;
	return at + strcspn(url + at, "/?#");
}

static void check_url(const char *before, const char *after) {
	for (const char *at = after; *at != '\0'; at++) {
		assert((unsigned char)*at > 0x20 && (unsigned char)*at < 0x7f);
	}
	size_t len = origin_len(before);
	if (memmem(before, len, "{{", 2) == NULL && before[len] != '\0') {
		assert(strncmp(before, after, len + 1) == 0);
	}
	assert(strcspn(after, "@") >= origin_len(after));
}

static void check_filled(
		const struct http_block *before, const struct http_block *after) {
	assert(strcmp(before->method, after->method) == 0);
	check_url(before->url, after->url);
	size_t i = 0;
	for (; before->headers[i] != NULL; i++) {
		assert(after->headers[i] != NULL);
		assert(strpbrk(after->headers[i], "\r\n") == NULL);
	}
	assert(after->headers[i] == NULL);
	assert((before->body == NULL) == (after->body == NULL));
	const char *type = http_block_implied_type(before);
	if (type != NULL && strstr(type, "json") != NULL) {
		cJSON *json = cJSON_ParseWithOpts(after->body, NULL, true);
		assert(json != NULL);
		cJSON_Delete(json);
	}
}

static void fill(
		const struct http_block *block, const char *text, const char *value) {
	char *env[NAMES_MAX + 1] = { 0 };
	char **names = http_block_names(text);
	for (size_t i = 0; names[i] != NULL; i++) {
		if (i < NAMES_MAX) {
			env[i] = xasprintf("%s=%s", names[i], value);
		}
		free(names[i]);
	}
	free(names);
	struct http_block filled;
	struct err err = { 0 };
	if (http_block_fill(block, (const char *const *)env, &filled, &err)) {
		check_filled(block, &filled);
		http_block_finish(&filled);
	} else {
		assert(err.text[0] != '\0');
	}
	for (size_t i = 0; i < NAMES_MAX; i++) {
		free(env[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = fuzz_text(data, size);
	char *value = fuzz_cut(text, "\n---\n");
	struct http_block block;
	size_t offset = 0;
	struct err err = { 0 };
	if (http_block_parse(text, &block, &offset, &err)) {
		fill(&block, text, value);
		http_block_finish(&block);
	} else {
		assert(err.text[0] != '\0');
		assert(offset <= strlen(text));
	}
	free(text);
	return 0;
}
