/* A message, in the channel and in a thread: talk, a command, or a miss that
 * has an answer. */
#include <assert.h>
#include <stdlib.h>

#include "commands/command.h"
#include "fuzz/input.h"

static void understand(const char *message, bool in_thread) {
	struct command_match match;
	command_parse(message, in_thread, &match);
	fuzz_touch(match.words);
	fuzz_touch(match.step);
	fuzz_touch(match.role);
	fuzz_touch(match.who);
	fuzz_touch(match.until);
	for (size_t i = 0; i < match.param_count; i++) {
		fuzz_touch(match.params[i].name);
		fuzz_touch(match.params[i].value);
	}
	if (match.found && match.request.type == REQUEST_MISSED) {
		assert(match.text != NULL && *match.text != '\0');
	} else if (match.found) {
		assert(match.command != NULL);
		assert(match.request.type == match.command->type);
		assert(!in_thread || match.command->in_threads);
	}
	command_match_finish(&match);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *message = fuzz_text(data, size);
	understand(message, false);
	understand(message, true);
	free(message);
	return 0;
}
