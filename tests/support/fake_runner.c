#include "support/fake_runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "loop/loop.h"

/* A test that follows a null pointer has failed anyway, and says where. */
#pragma GCC diagnostic ignored "-Wnull-dereference"

struct process {
	struct fake_attempt seen; // first: the ledger shows it
	struct fake_machine *machine;
	struct loop_timer *timer;
	enum attempt_end end;
	int64_t started_ms;
	int64_t ended_ms;
	char **sets;
	size_t set_count;
	bool followed; // by the bot that now lives
};

struct rule {
	char *part;
	enum attempt_end end;
};

struct fake_machine {
	struct loop *loop;
	struct fake_runner *bot;
	struct process **processes;
	struct fake_attempt *ledger; // copies, for the test
	size_t count;
	struct rule *rules;
	size_t rule_count;
	int64_t takes_ms;
};

struct fake_runner {
	struct runner runner;
	struct fake_machine *machine;
	struct runner_sink sink;
	void *data;
	bool dead;
};

static struct fake_runner *of(struct runner *runner) {
	return (struct fake_runner *)runner;
}

static struct process *find(
		const struct fake_machine *machine, const char *id) {
	for (size_t i = 0; i < machine->count; i++) {
		if (strcmp(machine->processes[i]->seen.id, id) == 0) {
			return machine->processes[i];
		}
	}
	return NULL;
}

static const char *reason_of(enum attempt_end end) {
	switch (end) {
	case ATTEMPT_OK:
		return "";
	case ATTEMPT_FAILED:
		return "exit 1";
	case ATTEMPT_TIMED_OUT:
		return "out of time";
	case ATTEMPT_CANCELLED:
		return "cancelled";
	case ATTEMPT_UNKNOWN:
		return "its runner died";
	case ATTEMPT_NOT_STARTED:
		return "no such program";
	}
	return "";
}

static void tell_ended(void *data) {
	struct process *process = data;
	struct fake_runner *bot = process->machine->bot;
	if (bot == NULL || bot->dead || !process->followed) {
		return;
	}
	process->followed = false;
	struct attempt_value values[8];
	size_t count = 0;
	for (; process->end == ATTEMPT_OK && count < process->set_count; count++) {
		values[count] = (struct attempt_value){
			.name = process->sets[count],
			.value = "published",
		};
	}
	const struct attempt_result result = {
		.end = process->end,
		.exit_status = process->end == ATTEMPT_OK ? 0 : 1,
		.started_ms = process->started_ms,
		.ended_ms = process->ended_ms,
		.reason = reason_of(process->end),
		.tail = "a line of output",
		.lines = 1,
		.log_path = "/nowhere/log",
		.values = values,
		.value_count = count,
	};
	bot->sink.ended(bot->data, process->seen.id, &result);
}

static void end(struct process *process, enum attempt_end how) {
	if (process->seen.ended) {
		return;
	}
	process->seen.ended = true;
	process->end = how;
	process->ended_ms = loop_now_ms(process->machine->loop);
	loop_defer(process->machine->loop, tell_ended, process);
}

static void on_time(void *data) {
	struct process *process = data;
	enum attempt_end how = ATTEMPT_OK;
	const struct fake_machine *machine = process->machine;
	for (size_t i = 0; i < machine->rule_count; i++) {
		if (strstr(process->seen.id, machine->rules[i].part) != NULL) {
			how = machine->rules[i].end;
		}
	}
	end(process, how);
}

static void begin(
		struct fake_machine *machine, const struct attempt_spec *spec) {
	struct process *process = xcalloc(1, sizeof(*process));
	struct str env = { 0 };
	for (size_t i = 0; spec->env[i] != NULL; i++) {
		str_addf(&env, "%s\n", spec->env[i]);
	}
	process->machine = machine;
	process->seen.id = xstrdup(spec->id);
	process->seen.begun = 1;
	process->seen.env = str_take(&env);
	process->started_ms = loop_now_ms(machine->loop);
	for (size_t i = 0; spec->sets[i] != NULL && i < 8; i++) {
		process->sets = xreallocarray(process->sets, process->set_count + 1,
				sizeof(process->sets[0]));
		process->sets[process->set_count] = xstrdup(spec->sets[i]);
		process->set_count++;
	}
	process->timer = loop_timer_create(machine->loop, on_time, process);
	loop_timer_start_real(process->timer, machine->takes_ms);
	machine->processes = xreallocarray(machine->processes, machine->count + 1,
			sizeof(machine->processes[0]));
	machine->processes[machine->count] = process;
	machine->count++;
}

static bool runner_prepare(
		struct runner *runner, const char *id, struct err *err) {
	(void)runner;
	(void)id;
	(void)err;
	return true; // a place here is never lost
}

static void runner_ensure(
		struct runner *runner, const struct attempt_spec *spec) {
	struct fake_runner *self = of(runner);
	if (self->dead) {
		return;
	}
	struct process *process = find(self->machine, spec->id);
	if (process == NULL) {
		begin(self->machine, spec);
		process = find(self->machine, spec->id);
	}
	process->followed = true;
	process->seen.timeout_ms = spec->timeout_ms;
	process->seen.condition_count = 0;
	while (spec->conditions != NULL &&
			spec->conditions[process->seen.condition_count] != NULL) {
		process->seen.condition_count++;
	}
	if (process->seen.ended) {
		loop_defer(self->machine->loop, tell_ended, process);
	}
}

static void runner_cancel(struct runner *runner, const char *id) {
	struct fake_runner *self = of(runner);
	struct process *process = find(self->machine, id);
	if (!self->dead && process != NULL) {
		process->seen.cancelled = true;
		end(process, ATTEMPT_CANCELLED);
	}
}

static void runner_forget(struct runner *runner, const char *id) {
	struct fake_runner *self = of(runner);
	struct process *process = find(self->machine, id);
	if (!self->dead && process != NULL) {
		process->seen.forgotten = true;
		process->followed = false;
	}
}

static bool runner_has_begun(struct runner *runner, const char *id) {
	return find(of(runner)->machine, id) != NULL;
}

static bool runner_sweep(struct runner *runner,
		bool (*may_go)(void *data, const char *id), void *data) {
	(void)runner;
	(void)may_go;
	(void)data;
	return false; // nothing is kept here
}

static void runner_destroy(struct runner *runner) {
	struct fake_runner *self = of(runner);
	struct fake_machine *machine = self->machine;
	for (size_t i = 0; i < machine->count; i++) {
		loop_cancel_deferred(machine->loop, machine->processes[i]);
		machine->processes[i]->followed = false;
	}
	machine->bot = NULL;
	free(self);
}

static const struct runner_api api = {
	.prepare = runner_prepare,
	.ensure = runner_ensure,
	.cancel = runner_cancel,
	.forget = runner_forget,
	.has_begun = runner_has_begun,
	.sweep = runner_sweep,
	.destroy = runner_destroy,
};

struct runner *fake_runner_create(struct fake_machine *machine,
		const struct runner_sink *sink, void *data) {
	struct fake_runner *self = xcalloc(1, sizeof(*self));
	self->runner.api = &api;
	self->machine = machine;
	self->sink = *sink;
	self->data = data;
	machine->bot = self;
	return &self->runner;
}

struct fake_machine *fake_machine_create(struct loop *loop) {
	struct fake_machine *machine = xcalloc(1, sizeof(*machine));
	machine->loop = loop;
	machine->takes_ms = 3000;
	return machine;
}

void fake_machine_destroy(struct fake_machine *machine) {
	for (size_t i = 0; i < machine->count; i++) {
		struct process *process = machine->processes[i];
		loop_timer_destroy(process->timer);
		for (size_t j = 0; j < process->set_count; j++) {
			free(process->sets[j]);
		}
		free(process->sets);
		free(process->seen.id);
		free(process->seen.env);
		free(process);
	}
	for (size_t i = 0; i < machine->rule_count; i++) {
		free(machine->rules[i].part);
	}
	free(machine->rules);
	free(machine->processes);
	free(machine->ledger);
	free(machine);
}

void fake_machine_takes(struct fake_machine *machine, int64_t ms) {
	machine->takes_ms = ms;
}

void fake_machine_will(
		struct fake_machine *machine, const char *part, enum attempt_end how) {
	machine->rules = xreallocarray(
			machine->rules, machine->rule_count + 1, sizeof(machine->rules[0]));
	machine->rules[machine->rule_count] = (struct rule){ .part = xstrdup(part),
		.end = how };
	machine->rule_count++;
}

void fake_machine_bot_died(struct fake_machine *machine) {
	if (machine->bot != NULL) {
		machine->bot->dead = true;
	}
}

const struct fake_attempt *fake_machine_attempts(
		const struct fake_machine *machine, size_t *count) {
	union {
		const struct fake_machine *borrowed;
		struct fake_machine *owned;
	} both = { .borrowed = machine };
	struct fake_machine *self = both.owned;
	self->ledger = xreallocarray(
			self->ledger, self->count, sizeof(self->ledger[0]));
	for (size_t i = 0; i < self->count; i++) {
		self->ledger[i] = self->processes[i]->seen;
	}
	*count = self->count;
	return self->ledger;
}

const struct fake_attempt *fake_machine_attempt(
		const struct fake_machine *machine, const char *id) {
	const struct process *process = find(machine, id);
	return process != NULL ? &process->seen : NULL;
}
