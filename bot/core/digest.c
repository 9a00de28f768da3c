#include "core/digest.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"

#define DIGEST_FORM "bridgekeeper plan 1" // changes with what is hashed

/*
 * What a digest covers, thing by thing, so that two plans can be told apart in
 * words: @of is what people call the thing ("4.2.1"), @what a part of it ("its
 * commands", NULL: all of it).  The digest is the hash of this list, in order.
 */
struct fact {
	char *of;
	const char *what;
	char hash[SHA256_HEX];
};

struct facts {
	struct fact *list;
	size_t count;
};

/* Add a fact that takes over @of and @sha. */
static void add_fact(
		struct facts *facts, char *of, const char *what, struct sha256 *sha) {
	if ((facts->count & (facts->count - 1)) == 0) {
		facts->list = xreallocarray(facts->list,
				facts->count > 0 ? facts->count * 2 : 1, sizeof(*facts->list));
	}
	struct fact *fact = &facts->list[facts->count++];
	*fact = (struct fact){ .of = of, .what = what };
	sha256_end(sha, fact->hash);
}

static void finish_facts(struct facts *facts) {
	for (size_t i = 0; i < facts->count; i++) {
		free(facts->list[i].of);
	}
	free(facts->list);
}

static void add_names(struct sha256 *sha, char *const *names, size_t count) {
	sha256_add_number(sha, count);
	for (size_t i = 0; i < count; i++) {
		sha256_add_field(sha, names[i]);
	}
}

static void add_roles(struct sha256 *sha, const struct runbook *runbook,
		const struct role_set *set) {
	sha256_add_number(sha, set->count);
	for (size_t i = 0; i < set->count; i++) {
		sha256_add_field(sha, runbook->roles[set->roles[i]].name);
	}
}

static const char *gate_name(const struct runbook *runbook, size_t gate) {
	return gate != RUNBOOK_NONE ? runbook->gates[gate].name : NULL;
}

/* What of a step enters the digest, part by part. */
typedef void (*step_part)(struct sha256 *sha, const struct runbook *runbook,
		const struct step *step);

static void part_kind(struct sha256 *sha, const struct runbook *runbook,
		const struct step *step) {
	sha256_add_field(sha, phase_kind_name(runbook->phases[step->phase].kind));
	sha256_add_number(sha, (uint64_t)step->kind);
	sha256_add_number(sha, step->evidence);
}

static void part_title(struct sha256 *sha, const struct runbook *runbook,
		const struct step *step) {
	(void)runbook;
	sha256_add_field(sha, step->title);
}

static void part_owner(struct sha256 *sha, const struct runbook *runbook,
		const struct step *step) {
	sha256_add_field(sha, step->owner.text);
	add_roles(sha, runbook, &step->owner);
}

static void part_when(struct sha256 *sha, const struct runbook *runbook,
		const struct step *step) {
	(void)runbook;
	sha256_add_number(sha, step->when_count);
	for (size_t i = 0; i < step->when_count; i++) {
		sha256_add_field(sha, step->when[i].name);
		sha256_add_field(sha, step->when[i].value);
	}
}

static void part_where(struct sha256 *sha, const struct runbook *runbook,
		const struct step *step) {
	(void)runbook;
	sha256_add_field(sha, step->env);
	sha256_add_field(sha, step->on);
	for (size_t i = 0; i < step->block_count; i++) {
		sha256_add_field(sha, step->blocks[i].on);
	}
}

static void part_gate(struct sha256 *sha, const struct runbook *runbook,
		const struct step *step) {
	sha256_add_field(sha, gate_name(runbook, step->gate));
}

/* The cells of a test are what a person does and looks for. */
static void part_cells(struct sha256 *sha, const struct runbook *runbook,
		const struct step *step) {
	(void)runbook;
	sha256_add_number(sha, step->test);
	sha256_add_field(sha, step->test ? step->detail : NULL);
	sha256_add_field(sha, step->expected);
}

static void part_commands(struct sha256 *sha, const struct runbook *runbook,
		const struct step *step) {
	(void)runbook;
	sha256_add_number(sha, step->block_count);
	for (size_t i = 0; i < step->block_count; i++) {
		sha256_add_number(sha, (uint64_t)step->blocks[i].kind);
		sha256_add_field(sha, step->blocks[i].text);
	}
}

static void part_keys(struct sha256 *sha, const struct runbook *runbook,
		const struct step *step) {
	(void)runbook;
	for (size_t i = 0; i < step->block_count; i++) {
		const struct block *block = &step->blocks[i];
		sha256_add_number(sha, (uint64_t)block->timeout_ms);
		sha256_add_number(sha, block->retries);
		sha256_add_number(sha, (uint64_t)block->delay_ms);
		sha256_add_number(sha, block->repeatable);
		sha256_add_number(sha, block->ask);
		sha256_add_number(sha, (uint64_t)block->every_ms);
		sha256_add_number(sha, (uint64_t)block->for_ms);
		sha256_add_number(sha, block->parallel);
		sha256_add_number(sha, (uint64_t)block->on_rollback);
	}
}

static void part_sets(struct sha256 *sha, const struct runbook *runbook,
		const struct step *step) {
	(void)runbook;
	add_names(sha, step->sets, step->set_count);
	for (size_t i = 0; i < step->block_count; i++) {
		add_names(sha, step->blocks[i].sets, step->blocks[i].set_count);
	}
}

static void part_conditions(struct sha256 *sha, const struct runbook *runbook,
		const struct step *step) {
	(void)runbook;
	for (size_t i = 0; i < step->block_count; i++) {
		add_names(sha, step->blocks[i].conditions,
				step->blocks[i].condition_count);
	}
}

static const struct {
	const char *what;
	step_part add;
} step_parts[] = {
	{ "its kind", part_kind },
	{ "its title", part_title },
	{ "its owner", part_owner },
	{ "when it happens", part_when },
	{ "where it runs", part_where },
	{ "its gate", part_gate },
	{ "its cells", part_cells },
	{ "its commands", part_commands },
	{ "how its commands run", part_keys },
	{ "what it publishes", part_sets },
	{ "its conditions", part_conditions },
};

static void add_steps(struct facts *facts, const struct runbook *runbook) {
	for (size_t i = 0; i < runbook->step_count; i++) {
		const struct step *step = &runbook->steps[i];
		for (size_t k = 0; k < sizeof(step_parts) / sizeof(step_parts[0]);
				k++) {
			struct sha256 *sha = sha256_begin();
			step_parts[k].add(sha, runbook, step);
			add_fact(facts, xstrdup(step->number), step_parts[k].what, sha);
		}
	}
}

static void add_phases(struct facts *facts, const struct runbook *runbook) {
	for (size_t i = 0; i < runbook->phase_count; i++) {
		const struct phase *phase = &runbook->phases[i];
		struct sha256 *sha = sha256_begin();
		sha256_add_field(sha, gate_name(runbook, phase->plan_gate));
		sha256_add_field(sha, gate_name(runbook, phase->success_gate));
		add_fact(facts, xasprintf("phase %s", phase_kind_name(phase->kind)),
				"the gates that it names", sha);
	}
}

static void add_gates(struct facts *facts, const struct runbook *runbook) {
	for (size_t i = 0; i < runbook->gate_count; i++) {
		const struct gate *gate = &runbook->gates[i];
		struct sha256 *sha = sha256_begin();
		sha256_add_number(sha, gate->slot_count);
		for (size_t k = 0; k < gate->slot_count; k++) {
			size_t group = gate->slots[k].group;
			add_roles(sha, runbook, &gate->slots[k].roles);
			sha256_add_field(sha,
					group != RUNBOOK_NONE ? runbook->groups[group].name : NULL);
		}
		add_fact(facts, xasprintf("gate `%s`", gate->name), "who approves it",
				sha);
		sha = sha256_begin();
		sha256_add_number(sha, (uint64_t)gate->open_ms);
		sha256_add_number(sha, (uint64_t)gate->valid_ms);
		add_fact(facts, xasprintf("gate `%s`", gate->name), "its times", sha);
	}
	for (size_t i = 0; i < runbook->group_count; i++) {
		struct sha256 *sha = sha256_begin();
		add_roles(sha, runbook, &runbook->groups[i].members);
		add_fact(facts, xasprintf("group `%s`", runbook->groups[i].name), NULL,
				sha);
	}
}

/* Without values, what they may be. */
static void add_parameters(struct facts *facts, const struct runbook *runbook) {
	for (size_t i = 0; i < runbook->parameter_count; i++) {
		const struct parameter *parameter = &runbook->parameters[i];
		struct sha256 *sha = sha256_begin();
		sha256_add_number(sha, (uint64_t)parameter->kind);
		add_names(sha, parameter->choices, parameter->choice_count);
		add_fact(facts, xasprintf("parameter %s", parameter->name), NULL, sha);
	}
}

static void add_values(struct facts *facts, const struct plan *plan) {
	for (size_t i = 0; i < plan->param_count; i++) {
		struct sha256 *sha = sha256_begin();
		sha256_add_field(sha, plan->params[i].value);
		add_fact(facts, xasprintf("parameter %s", plan->params[i].name), NULL,
				sha);
	}
	for (size_t i = 0; i < plan->env_count; i++) {
		const struct plan_env *env = &plan->envs[i];
		struct sha256 *sha = sha256_begin();
		sha256_add_number(sha, env->value_count);
		add_fact(facts, xasprintf("environment %s", env->name),
				"how many variables it has", sha);
		for (size_t k = 0; k < env->value_count; k++) {
			sha = sha256_begin();
			sha256_add_number(sha, env->values[k].secret);
			sha256_add_field(sha, env->values[k].value);
			add_fact(facts,
					xasprintf("%s of environment %s", env->values[k].name,
							env->name),
					NULL, sha);
		}
	}
}

static void add_targets(struct facts *facts, const struct plan *plan) {
	for (size_t i = 0; i < plan->target_count; i++) {
		const struct plan_target *target = &plan->targets[i];
		struct sha256 *sha = sha256_begin();
		add_names(sha, target->hosts, target->host_count);
		add_fact(facts, xasprintf("target %s", target->name), "its hosts", sha);
		for (size_t k = 0; k < target->file_count; k++) {
			sha = sha256_begin();
			sha256_add_field(sha, target->files[k].hash);
			add_fact(facts,
					xasprintf("%s (target %s)", target->files[k].path,
							target->name),
					NULL, sha);
		}
	}
}

static void add_document(struct facts *facts, const struct runbook *runbook) {
	add_phases(facts, runbook);
	add_steps(facts, runbook);
	add_gates(facts, runbook);
}

static void list_plan(struct facts *facts, const struct plan *plan) {
	*facts = (struct facts){ 0 };
	add_document(facts, plan->runbook);
	add_values(facts, plan);
	add_targets(facts, plan);
}

static void hash_facts(
		const struct facts *facts, const char *kind, char hex[SHA256_HEX]) {
	struct sha256 *sha = sha256_begin();
	sha256_add_field(sha, DIGEST_FORM);
	sha256_add_field(sha, kind);
	for (size_t i = 0; i < facts->count; i++) {
		sha256_add_field(sha, facts->list[i].of);
		sha256_add_field(sha, facts->list[i].what);
		sha256_add_field(sha, facts->list[i].hash);
	}
	sha256_end(sha, hex);
}

void digest_plan(const struct plan *plan, char hex[SHA256_HEX]) {
	struct facts facts;
	list_plan(&facts, plan);
	hash_facts(&facts, "plan", hex);
	finish_facts(&facts);
}

void digest_document(const struct runbook *runbook, char hex[SHA256_HEX]) {
	struct facts facts = { 0 };
	add_document(&facts, runbook);
	add_parameters(&facts, runbook);
	hash_facts(&facts, "document", hex);
	finish_facts(&facts);
}

static int by_name(const void *a, const void *b) {
	const struct fact *one = a;
	const struct fact *two = b;
	int order = strcmp(one->of, two->of);
	if (order == 0) {
		order = strcmp(one->what != NULL ? one->what : "",
				two->what != NULL ? two->what : "");
	}
	return order;
}

/* A sorted copy of the list, which borrows its texts. */
static struct fact *sorted(const struct facts *facts) {
	struct fact *copy = xcalloc(facts->count, sizeof(*copy));
	if (facts->count > 0) {
		memcpy(copy, facts->list, facts->count * sizeof(*copy));
		qsort(copy, facts->count, sizeof(*copy), by_name);
	}
	return copy;
}

static int by_thing(const void *a, const void *b) {
	return strcmp(((const struct fact *)a)->of, ((const struct fact *)b)->of);
}

/* Lines of a difference, at most so many. */
struct lines {
	struct str text;
	size_t count;
	size_t most;
};

static void add_line(
		struct lines *lines, const struct fact *fact, const char *happened) {
	if (lines->count++ >= lines->most) {
		return;
	}
	str_addf(&lines->text, "%s%s%s%s %s", lines->count > 1 ? "\n" : "",
			fact->of, fact->what != NULL ? ": " : "",
			fact->what != NULL ? fact->what : "", happened);
}

/* Say of each thing in @list that is not among @others that it @happened. */
static void add_missing(struct lines *lines, const struct facts *list,
		const struct fact *others, size_t other_count, const char *happened) {
	const char *last = "";
	for (size_t i = 0; i < list->count; i++) {
		const struct fact *fact = &list->list[i];
		if (strcmp(fact->of, last) == 0 ||
				(other_count > 0 &&
						bsearch(fact, others, other_count, sizeof(*others),
								by_thing) != NULL)) {
			continue;
		}
		last = fact->of;
		struct fact whole = { .of = fact->of };
		add_line(lines, &whole, happened);
	}
}

static void add_changed(struct lines *lines, const struct facts *now,
		const struct fact *then, size_t then_count) {
	for (size_t i = 0; i < now->count && then_count > 0; i++) {
		const struct fact *fact = &now->list[i];
		const struct fact *old = bsearch(
				fact, then, then_count, sizeof(*then), by_name);
		if (old != NULL && strcmp(old->hash, fact->hash) != 0) {
			add_line(lines, fact, "changed");
		}
	}
}

char *digest_difference(
		const struct plan *then, const struct plan *now, size_t most) {
	struct facts old_facts;
	struct facts new_facts;
	list_plan(&old_facts, then);
	list_plan(&new_facts, now);
	struct fact *old_sorted = sorted(&old_facts);
	struct fact *new_sorted = sorted(&new_facts);
	struct lines lines = { .most = most };
	add_changed(&lines, &new_facts, old_sorted, old_facts.count);
	add_missing(&lines, &new_facts, old_sorted, old_facts.count, "is new");
	add_missing(&lines, &old_facts, new_sorted, new_facts.count, "is gone");
	if (lines.count == 0) {
		char then_hash[SHA256_HEX];
		char now_hash[SHA256_HEX];
		hash_facts(&old_facts, "plan", then_hash);
		hash_facts(&new_facts, "plan", now_hash);
		if (most > 0 && strcmp(then_hash, now_hash) != 0) {
			str_add(&lines.text, "the order of the steps changed");
		}
	}
	free(old_sorted);
	free(new_sorted);
	finish_facts(&old_facts);
	finish_facts(&new_facts);
	return str_take(&lines.text);
}
