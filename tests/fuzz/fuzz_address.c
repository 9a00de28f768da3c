/* A server's URL: its parts can stand in a header and a path. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/input.h"
#include "mattermost/address.h"

static void check_printable(const char *text) {
	for (const char *at = text; *at != '\0'; at++) {
		assert((unsigned char)*at > 0x20 && (unsigned char)*at < 0x7f);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *url = fuzz_text(data, size);
	struct address address;
	struct err err = { 0 };
	if (address_parse(url, &address, &err)) {
		check_printable(address.host);
		check_printable(address.authority);
		check_printable(address.path);
		assert(address.host[0] != '\0');
		assert(address.port > 0 && address.port <= 65535);
		size_t len = strlen(address.path);
		assert(len == 0 ||
				(address.path[0] == '/' && address.path[len - 1] != '/'));
	} else {
		assert(err.text[0] != '\0');
	}
	free(url);
	return 0;
}
