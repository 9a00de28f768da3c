#include "codec/command_lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "codec/command_text.h"
#include "codec/http_block.h"
#include "codec/shell_builtin.h"
#include "codec/shell_scan.h"

/* One block of the runbook, scanned. */
struct command {
	size_t step; // index
	size_t block;
	struct shell_scan scan;  // of an http block only its uses
	struct shell_name *uses; // each name once
	size_t use_count;
};

struct lint {
	const struct runbook *runbook;
	const struct lint_config *config;
	struct findings *findings;
	struct command *commands; // in document order
	size_t command_count;
};

static const struct step *step_of(
		const struct lint *lint, const struct command *command) {
	return &lint->runbook->steps[command->step];
}

static const struct block *block_of(
		const struct lint *lint, const struct command *command) {
	return &step_of(lint, command)->blocks[command->block];
}

static enum phase_kind phase_of(
		const struct lint *lint, const struct step *step) {
	return lint->runbook->phases[step->phase].kind;
}

static bool uses(const struct command *command, const char *name) {
	for (size_t i = 0; i < command->use_count; i++) {
		if (strcmp(command->uses[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

static void add_use(struct command *command, const struct shell_name *use) {
	if (uses(command, use->name)) {
		return;
	}
	command->uses = xreallocarray(
			command->uses, command->use_count + 1, sizeof(*command->uses));
	command->uses[command->use_count++] = *use;
}

/* The values that a request takes, and where each first stands. */
static void scan_request(struct command *command, const char *text) {
	char **names = http_block_names(text);
	for (size_t i = 0; names[i] != NULL; i++) {
		size_t offset = 0;
		char *written = xasprintf("{{%s}}", names[i]);
		const char *at = strstr(text, written);
		if (at != NULL) {
			offset = (size_t)(at - text);
		}
		free(written);
		shell_words_add(&command->scan.uses, &command->scan.use_count, names[i],
				strlen(names[i]), offset);
		free(names[i]);
	}
	free(names);
}

static void scan_block(struct command *command, const struct block *block) {
	if (block->kind == BLOCK_SH) {
		shell_scan_read(&command->scan, block->text);
	} else {
		scan_request(command, block->text);
	}
	for (size_t i = 0; i < command->scan.use_count; i++) {
		const struct shell_name *use = &command->scan.uses[i];
		if (!shell_scan_sets(&command->scan, use->name) &&
				!(block->kind == BLOCK_SH && shell_builtin_is_own(use->name))) {
			add_use(command, use);
		}
	}
}

static void scan_all(struct lint *lint) {
	size_t count = 0;
	for (size_t i = 0; i < lint->runbook->step_count; i++) {
		count += lint->runbook->steps[i].block_count;
	}
	lint->commands = xcalloc(count, sizeof(*lint->commands));
	for (size_t i = 0; i < lint->runbook->step_count; i++) {
		const struct step *step = &lint->runbook->steps[i];
		for (size_t k = 0; k < step->block_count; k++) {
			struct command *command = &lint->commands[lint->command_count++];
			command->step = i;
			command->block = k;
			scan_block(command, &step->blocks[k]);
		}
	}
}

/* Whether the run's parameters set it.  A secret one is a variable of the
 * environment's, and with a config that is looked for there. */
static bool is_parameter(const struct lint *lint, const char *name) {
	size_t index = runbook_parameter(lint->runbook, name);
	return index != RUNBOOK_NONE &&
			strcmp(lint->runbook->parameters[index].name, name) == 0 &&
			(lint->config == NULL ||
					lint->runbook->parameters[index].kind != PARAMETER_SECRET);
}

static bool is_env_variable(
		const struct lint *lint, const struct step *step, const char *name) {
	return lint->config != NULL && step->env != NULL &&
			lint_has_variable(lint->config, step->env, name);
}

static bool names(char *const *list, size_t count, const char *name) {
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], name) == 0) {
			return true;
		}
	}
	return false;
}

static bool publishes(const struct lint *lint, const struct command *command,
		const char *name) {
	const struct step *step = step_of(lint, command);
	const struct block *block = block_of(lint, command);
	return names(step->sets, step->set_count, name) ||
			names(block->sets, block->set_count, name);
}

/* Whether what @one publishes is there when @other runs: earlier in its phase,
 * or in a phase that has ended by then. */
static bool comes_before(const struct lint *lint, const struct command *one,
		const struct command *other) {
	enum phase_kind first = phase_of(lint, step_of(lint, one));
	enum phase_kind then = phase_of(lint, step_of(lint, other));
	if (first == then) {
		return one < other;
	}
	switch (then) {
	case PHASE_REHEARSAL:
	case PHASE_PRODUCTION:
		return false;
	case PHASE_SMOKE:
		return first == PHASE_PRODUCTION;
	case PHASE_ROLLBACK:
	case PHASE_POST:
		return first == PHASE_PRODUCTION || first == PHASE_SMOKE;
	}
	return false;
}

static const struct command *find_publisher(const struct lint *lint,
		const struct command *command, const char *name) {
	for (size_t i = 0; i < lint->command_count; i++) {
		const struct command *other = &lint->commands[i];
		if (publishes(lint, other, name) &&
				comes_before(lint, other, command) &&
				lint_go_together(
						step_of(lint, other), step_of(lint, command))) {
			return other;
		}
	}
	return NULL;
}

static void report(const struct lint *lint, const struct command *command,
		const char *rule, size_t offset, const char *format, ...)
		__attribute__((format(printf, 5, 6)));

static void report(const struct lint *lint, const struct command *command,
		const char *rule, size_t offset, const char *format, ...) {
	char text[400];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	findings_add(lint->findings, SEVERITY_ERROR, rule,
			block_place(block_of(lint, command), offset), "%s", text);
}

/* The config's environment that has a variable @name, or NULL. */
static const char *env_with(const struct lint *lint, const char *name) {
	for (size_t i = 0; lint->config != NULL && i < lint->config->env_count;
			i++) {
		const struct lint_env *env = &lint->config->envs[i];
		for (size_t j = 0; j < env->variable_count; j++) {
			if (strcmp(env->variables[j], name) == 0) {
				return env->name;
			}
		}
	}
	return NULL;
}

/* What every command sees that knows which one it is (app/job.c). */
static bool is_from_the_bot(const char *name) {
	return strcmp(name, "BRIDGE_RUN") == 0 ||
			strcmp(name, "BRIDGE_STEP") == 0 || strcmp(name, "BRIDGE_TRY") == 0;
}

static void check_unset(
		const struct lint *lint, const struct command *command) {
	const struct step *step = step_of(lint, command);
	for (size_t i = 0; i < command->use_count; i++) {
		const struct shell_name *use = &command->uses[i];
		if (is_parameter(lint, use->name) || is_from_the_bot(use->name) ||
				is_env_variable(lint, step, use->name) ||
				find_publisher(lint, command, use->name) != NULL) {
			continue;
		}
		const char *env = env_with(lint, use->name);
		if (env != NULL) {
			report(lint, command, "variable-unset", use->offset,
					"nothing sets `%s` here; [env %s] has it: write env=%s on "
					"the step or on a heading above it",
					use->name, env, env);
			continue;
		}
		report(lint, command, "variable-unset", use->offset,
				"nothing sets `%s`: no parameter, no variable of %s%s%s, no "
				"earlier step, and not this text; set it, or write ${%s:-...}",
				use->name, step->env != NULL ? "[env " : "an environment",
				step->env != NULL ? step->env : "",
				step->env != NULL ? "]" : "", use->name);
	}
}

/* Whether @undo depends on all that @step depends on. */
static bool depends_no_less(const struct step *undo, const struct step *step) {
	for (size_t i = 0; i < step->when_count; i++) {
		bool found = false;
		for (size_t k = 0; k < undo->when_count; k++) {
			found = found ||
					(strcmp(step->when[i].name, undo->when[k].name) == 0 &&
							strcmp(step->when[i].value, undo->when[k].value) ==
									0);
		}
		if (!found) {
			return false;
		}
	}
	return true;
}

/*
 * Without a config an environment's variables are not known.  One that a
 * forward command of the same environment takes too can only be such a
 * variable: nothing else gives it to that one either.
 */
static bool must_be_env_variable(const struct lint *lint,
		const struct command *command, const char *name) {
	const char *env = step_of(lint, command)->env;
	if (lint->config != NULL || env == NULL) {
		return false;
	}
	for (size_t i = 0; i < lint->command_count; i++) {
		const struct command *other = &lint->commands[i];
		const char *other_env = step_of(lint, other)->env;
		if (phase_of(lint, step_of(lint, other)) != PHASE_ROLLBACK &&
				other_env != NULL && strcmp(other_env, env) == 0 &&
				uses(other, name) &&
				find_publisher(lint, other, name) == NULL) {
			return true;
		}
	}
	return false;
}

static void check_undo_value(const struct lint *lint,
		const struct command *command, const struct shell_name *use) {
	const struct step *step = step_of(lint, command);
	const struct command *conditional = NULL;
	const struct command *later = NULL;
	for (size_t i = 0; i < lint->command_count; i++) {
		const struct command *other = &lint->commands[i];
		if (!publishes(lint, other, use->name)) {
			continue;
		}
		if (!comes_before(lint, other, command)) {
			later = other;
		} else if (block_of(lint, other)->ask ||
				!depends_no_less(step, step_of(lint, other))) {
			conditional = other;
		} else {
			return;
		}
	}
	if (conditional != NULL) {
		report(lint, command, "undo-unpublished", use->offset,
				"`%s` is published by step %s, which may not happen when this "
				"one does; let both depend on the same",
				use->name, step_of(lint, conditional)->number);
	} else if (later != NULL) {
		report(lint, command, "undo-unpublished", use->offset,
				"`%s` is published by step %s only, which does not come before "
				"this one in a run; publish it before what is undone",
				use->name, step_of(lint, later)->number);
	} else {
		report(lint, command, "undo-unpublished", use->offset,
				"no step publishes `%s`; write sets=\"%s\" on the block that "
				"knows it, before what is undone",
				use->name, use->name);
	}
}

static void check_undo(const struct lint *lint, const struct command *command) {
	const struct step *step = step_of(lint, command);
	for (size_t i = 0; i < command->use_count; i++) {
		const struct shell_name *use = &command->uses[i];
		if (!is_parameter(lint, use->name) && !is_from_the_bot(use->name) &&
				!is_env_variable(lint, step, use->name) &&
				!must_be_env_variable(lint, command, use->name)) {
			check_undo_value(lint, command, use);
		}
	}
}

/* Whether there was any. */
static bool check_placeholders(
		const struct lint *lint, const struct command *command) {
	const struct block *block = block_of(lint, command);
	struct command_spot spot = { 0, 0 };
	while (block->kind == BLOCK_SH
					? command_text_placeholder(block->text, &command->scan,
							  spot.start + spot.len, &spot)
					: command_text_request_placeholder(
							  block->text, spot.start + spot.len, &spot)) {
		report(lint, command, "placeholder", spot.start,
				"`%.*s` was never filled in; write what it stands for, as a "
				"variable if it differs from run to run",
				(int)spot.len, block->text + spot.start);
	}
	return spot.len > 0;
}

static void check_unseen(
		const struct lint *lint, const struct command *command) {
	struct command_spot spot = { 0, 0 };
	uint32_t point = 0;
	if (command_text_unseen(block_of(lint, command)->text, &spot, &point)) {
		report(lint, command, "unseen", spot.start,
				"U+%04X is not seen where this is read; take it out, or write "
				"it as an escape",
				(unsigned)point);
	}
}

static void check_endless(
		const struct lint *lint, const struct command *command) {
	const struct block *block = block_of(lint, command);
	size_t offset = 0;
	const char *why = NULL;
	if (block->kind == BLOCK_SH && !block->timeout_given &&
			command_text_endless(&command->scan, &offset, &why)) {
		report(lint, command, "endless", offset,
				"`%s` makes this command go on for ever; drop it, or write a "
				"timeout= on the block",
				why);
	}
}

static void check_request(
		const struct lint *lint, const struct command *command) {
	const struct block *block = block_of(lint, command);
	struct http_block request = { 0 };
	struct err err = { 0 };
	size_t offset = 0;
	if (block->kind == BLOCK_HTTP &&
			!http_block_parse(block->text, &request, &offset, &err)) {
		report(lint, command, "request", offset, "%s", err.text);
	}
	http_block_finish(&request);
}

static void warn_of_word(const struct lint *lint, const struct step *step,
		struct place place, const char *word) {
	findings_add(lint->findings, SEVERITY_WARNING, "stage-in-production", place,
			"a %s step names `%s`; make sure that this is meant",
			phase_kind_name(phase_of(lint, step)), word);
}

/* Say where step @step first names one of @words. */
static bool check_words(const struct lint *lint, const struct step *step,
		const char *const *words) {
	size_t offset = 0;
	for (size_t w = 0; words[w] != NULL; w++) {
		for (size_t i = 0; i < step->block_count; i++) {
			if (command_text_find_word(
						step->blocks[i].text, words[w], &offset)) {
				warn_of_word(lint, step, block_place(&step->blocks[i], offset),
						words[w]);
				return true;
			}
			if (command_text_find_word(step->blocks[i].on, words[w], &offset)) {
				warn_of_word(lint, step, step->blocks[i].place, words[w]);
				return true;
			}
		}
		if (command_text_find_word(step->title, words[w], &offset) ||
				(step->env != NULL &&
						command_text_find_word(step->env, words[w], &offset))) {
			warn_of_word(lint, step, step->place, words[w]);
			return true;
		}
	}
	return false;
}

static void check_stage(const struct lint *lint) {
	static const char *const staging[] = { "stage", "staging", NULL };
	static const char *const production[] = { "prod", "production", NULL };
	for (size_t i = 0; i < lint->runbook->step_count; i++) {
		const struct step *step = &lint->runbook->steps[i];
		enum phase_kind phase = phase_of(lint, step);
		if (phase == PHASE_PRODUCTION || phase == PHASE_ROLLBACK) {
			check_words(lint, step, staging);
		} else if (phase == PHASE_REHEARSAL) {
			check_words(lint, step, production);
		}
	}
}

void command_lint_check(const struct runbook *runbook,
		const struct lint_config *config, struct findings *findings) {
	struct lint lint = {
		.runbook = runbook,
		.config = config,
		.findings = findings,
	};
	scan_all(&lint);
	for (size_t i = 0; i < lint.command_count; i++) {
		const struct command *command = &lint.commands[i];
		if (!check_placeholders(&lint, command)) {
			check_request(&lint, command);
		}
		check_unseen(&lint, command);
		check_endless(&lint, command);
		if (phase_of(&lint, step_of(&lint, command)) == PHASE_ROLLBACK) {
			check_undo(&lint, command);
		} else if (config != NULL) {
			check_unset(&lint, command);
		}
	}
	check_stage(&lint);
	for (size_t i = 0; i < lint.command_count; i++) {
		shell_scan_finish(&lint.commands[i].scan);
		free(lint.commands[i].uses);
	}
	free(lint.commands);
}
