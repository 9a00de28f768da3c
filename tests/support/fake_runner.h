#ifndef FAKE_RUNNER_H
#define FAKE_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exec/runner.h"

/*
 * A machine on which attempts take time and end as the test says, and the
 * bot's hold on it.  The machine outlives the bot: what was begun goes on, and
 * its ledger counts how often each attempt was begun.
 */

struct loop;
struct fake_machine;

struct fake_attempt {
	char *id;
	unsigned begun; // times; more than 1 is what must never be
	bool ended;
	bool cancelled;
	bool forgotten;
	char *env; // all its environment, a line each
	/* As the newest who follows it was told. */
	int64_t timeout_ms;
	size_t condition_count;
};

struct fake_machine *fake_machine_create(struct loop *loop)
		__attribute__((warn_unused_result));
void fake_machine_destroy(struct fake_machine *machine);

/* How long every attempt takes from now on. */
void fake_machine_takes(struct fake_machine *machine, int64_t ms);

/* Attempts whose id contains @part end so; the newest rule that fits. */
void fake_machine_will(
		struct fake_machine *machine, const char *part, enum attempt_end end);

/* No call of a bot's hold does anything any more, until the next one. */
void fake_machine_bot_died(struct fake_machine *machine);

struct runner *fake_runner_create(struct fake_machine *machine,
		const struct runner_sink *sink, void *data)
		__attribute__((warn_unused_result));

const struct fake_attempt *fake_machine_attempts(
		const struct fake_machine *machine, size_t *count);
const struct fake_attempt *fake_machine_attempt(
		const struct fake_machine *machine, const char *id);

#endif
