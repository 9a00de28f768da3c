#ifndef BRIDGE_FIND_H
#define BRIDGE_FIND_H

#include "core/bridge.h"

/* Look-ups for the one writer, bridge_fold.c, which may change what it finds. */

struct run *bridge_find_run(const struct bridge *bridge, uint32_t number);
struct gate_state *bridge_find_gate(const struct bridge *bridge, uint32_t id);
struct poll_state *bridge_find_poll(const struct bridge *bridge, uint32_t id);

/* Let go of the steps of @run, which is closed and of which nothing goes on. */
void run_put_away(struct run *run);

/* The newest plan with @digest, or NULL. */
const struct plan_record *bridge_find_plan(
		const struct bridge *bridge, const char *digest);

#endif
