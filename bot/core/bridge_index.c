#include "core/bridge_index.h"

#include <string.h>

#include "base/xalloc.h"
#include "core/bridge_find.h"

/* Whether time, taps or people can still do something to @gate. */
static bool is_live(
		const struct bridge *bridge, const struct gate_state *gate) {
	const struct run *run = bridge_run(bridge, gate->run);
	switch (gate->status) {
	case GATE_OPEN:
	case GATE_PASSED:
		return true;
	case GATE_USED:
		return !gate->begun || (run != NULL && run->status != RUN_CLOSED);
	case GATE_CLOSED:
		return false;
	}
	return false;
}

static void update_live(struct bridge *bridge, size_t gate) {
	size_t at = bridge->live_gate_count;
	while (at > 0 && bridge->live_gates[at - 1] >= gate) {
		at--;
	}
	bool live = is_live(bridge, &bridge->gates[gate]);
	bool was = at < bridge->live_gate_count && bridge->live_gates[at] == gate;
	size_t behind = bridge->live_gate_count - at;
	if (live && !was) {
		bridge->live_gates = xreallocarray(bridge->live_gates,
				bridge->live_gate_count + 1, sizeof(bridge->live_gates[0]));
		memmove(&bridge->live_gates[at + 1], &bridge->live_gates[at],
				behind * sizeof(bridge->live_gates[0]));
		bridge->live_gates[at] = gate;
		bridge->live_gate_count++;
	} else if (!live && was) {
		memmove(&bridge->live_gates[at], &bridge->live_gates[at + 1],
				(behind - 1) * sizeof(bridge->live_gates[0]));
		bridge->live_gate_count--;
	}
}

static void update_gate(struct bridge *bridge, const struct gate_state *gate) {
	size_t index = (size_t)(gate - bridge->gates);
	struct run *run = bridge_find_run(bridge, gate->run);
	size_t *newest = run != NULL ? &run->newest_gate[gate->purpose]
								 : &bridge->newest_gate[gate->purpose];
	if (*newest < index + 1) {
		*newest = index + 1;
	}
	update_live(bridge, index);
}

static bool is_over(const struct run *run) {
	return run->status == RUN_CLOSED && !run_has_running(run) &&
			run->files_due == 0;
}

static void update_run(struct bridge *bridge, const struct run *run) {
	for (size_t i = bridge->live_gate_count; i > 0 && run->status == RUN_CLOSED;
			i--) {
		update_live(bridge, bridge->live_gates[i - 1]);
	}
	size_t index = (size_t)(run - bridge->runs);
	if (!is_over(run) && index < bridge->first_open_run) {
		bridge->first_open_run = index;
	}
	while (bridge->first_open_run < bridge->run_count &&
			is_over(&bridge->runs[bridge->first_open_run])) {
		bridge->first_open_run++;
	}
}

void bridge_index_update(struct bridge *bridge, uint32_t id, uint32_t run) {
	const struct gate_state *gate = id != 0 ? bridge_find_gate(bridge, id)
											: NULL;
	const struct run *state = bridge_find_run(bridge, run);
	if (gate != NULL) {
		update_gate(bridge, gate);
	}
	if (state != NULL) {
		update_run(bridge, state);
	}
}
