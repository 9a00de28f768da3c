/* What a host says of itself to `check`, and of its tracked files: a finding is
 * at its target and names it, a line of files makes sense or does not. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/readings.h"
#include "codec/host_look.h"
#include "fuzz/input.h"

static char name[] = "web";
static char workdir[] = "/srv";
static char program[] = "docker";

static void look(const char *answer) {
	const struct config_target target = {
		.name = name,
		.workdir = workdir,
		.line = 3,
	};
	struct tool tool = { .on = name, .step = "1.1", .name = program };
	const struct tools tools = { &tool, 1 };
	const struct host_look look = {
		.target = &target,
		.host = "node1",
		.machine = "Linux x86_64",
		.asked_ms = 1764000000000,
		.answered_ms = 1764000001000,
		.tools = &tools,
	};
	struct findings findings;
	findings_init(&findings);
	bool good = host_look_judge(&look, answer, &findings);
	assert(!good || strstr(answer, "begin") != NULL);
	char *place = host_look_place(answer);
	assert(place == NULL || strchr(place, '\n') == NULL);
	free(place);
	for (size_t i = 0; i < findings.count; i++) {
		assert(findings.list[i].place.line == 3);
		assert(strncmp(findings.list[i].text, "node1 of [target web]", 21) ==
				0);
	}
	findings_finish(&findings);
}

static void read_files(char *answer) {
	struct reading *reading = reading_make("web", "node1");
	while (*answer != '\0') {
		char *rest = fuzz_cut(answer, "\n");
		size_t before = reading->file_count;
		bool good = reading_take_line(reading, answer);
		assert(good || reading->file_count == before);
		answer = rest;
	}
	for (size_t i = 0; i < reading->file_count; i++) {
		fuzz_touch(reading->files[i].path);
		assert(reading_hash(reading, reading->files[i].path) != NULL);
	}
	assert(reading->commit == NULL || strlen(reading->commit) >= 40);
	reading_destroy(reading);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *answer = fuzz_text(data, size);
	look(answer);
	read_files(answer);
	free(answer);
	return 0;
}
