/* A script, or what is none: names and words that were found stand in it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/shell_scan.h"
#include "fuzz/input.h"

static void check_names(
		const struct shell_name *names, size_t count, size_t len) {
	for (size_t i = 0; i < count; i++) {
		fuzz_touch(names[i].name);
		assert(names[i].offset <= len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = fuzz_text(data, size);
	size_t len = strlen(text);
	struct shell_scan scan;
	shell_scan_read(&scan, text);
	assert(scan.len == len);
	check_names(scan.uses, scan.use_count, len);
	check_names(scan.sets, scan.set_count, len);
	for (size_t i = 0; i < scan.command_count; i++) {
		const struct shell_command *command = &scan.commands[i];
		for (size_t k = 0; k < command->count; k++) {
			fuzz_touch(command->words[k]);
			assert(command->offsets[k] <= len);
		}
	}
	shell_scan_finish(&scan);
	free(text);
	return 0;
}
