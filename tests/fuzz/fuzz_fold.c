/*
 * A whole journal, a line a row: a type, a blank and a body.  However rows
 * follow each other, each is folded in or refused with a sentence, what was
 * folded can be asked for, and what is kept at hand is what is.
 */
#include <assert.h>
#include <stdlib.h>

#include "codec/event_json.h"
#include "core/bridge.h"
#include "fuzz/input.h"
#include "support/at_hand.h"

#define ROWS_MAX 200

static void look(const struct bridge *bridge) {
	bridge_plan(bridge);
	bridge_executing(bridge);
	const struct run *run = bridge_current(bridge);
	for (size_t i = 0; run != NULL && i < run->step_count; i++) {
		step_took_ms(&run->steps[i]);
		step_last_attempt(&run->steps[i]);
	}
	for (size_t i = 0; i < bridge->gate_count; i++) {
		gate_state_model(bridge, &bridge->gates[i]);
		fuzz_touch(bridge->gates[i].asker);
	}
}

static void fold(struct bridge *bridge, uint64_t seq, char *line) {
	struct event_row row;
	struct err err = { 0 };
	const char *body = fuzz_cut(line, " ");
	if (!event_json_read(&row, seq, (int64_t)seq * 1000, line, body, &err)) {
		return;
	}
	if (bridge_fold(bridge, &row.event, &err)) {
		row.record = NULL; // the bridge has taken it over
	} else {
		assert(err.text[0] != '\0');
	}
	assert(at_hand_differs(bridge) == NULL);
	event_row_finish(&row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = fuzz_text(data, size);
	struct bridge bridge;
	bridge_init(&bridge);
	char *line = text;
	for (uint64_t seq = 1; seq <= ROWS_MAX && *line != '\0'; seq++) {
		char *next = fuzz_cut(line, "\n");
		fold(&bridge, seq, line);
		line = next;
	}
	look(&bridge);
	bridge_finish(&bridge);
	free(text);
	return 0;
}
