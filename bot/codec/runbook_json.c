#include "codec/runbook_json.h"

#include <stdlib.h>

#include <cjson/cJSON.h>

#include "base/xalloc.h"

/* cJSON gives NULL when memory is short; here that aborts, as everywhere. */
static cJSON *checked(cJSON *item) {
	if (item == NULL) {
		abort();
	}
	return item;
}

static cJSON *add_object(cJSON *array) {
	cJSON *object = checked(cJSON_CreateObject());
	cJSON_AddItemToArray(array, object);
	return object;
}

static cJSON *add_array(cJSON *object, const char *name) {
	return checked(cJSON_AddArrayToObject(object, name));
}

static void add_text(cJSON *object, const char *name, const char *text) {
	if (text != NULL) {
		checked(cJSON_AddStringToObject(object, name, text));
	} else {
		checked(cJSON_AddNullToObject(object, name));
	}
}

static void add_number(cJSON *object, const char *name, double number) {
	checked(cJSON_AddNumberToObject(object, name, number));
}

static void add_flag(cJSON *object, const char *name, bool flag) {
	checked(cJSON_AddBoolToObject(object, name, flag));
}

static void add_seconds(cJSON *object, const char *name, int64_t ms) {
	if (ms > 0) {
		add_number(object, name, (double)ms / 1000);
	} else {
		add_text(object, name, NULL);
	}
}

static void add_string(cJSON *array, const char *text) {
	cJSON_AddItemToArray(array, checked(cJSON_CreateString(text)));
}

static void add_strings(
		cJSON *object, const char *name, char *const *texts, size_t count) {
	cJSON *array = add_array(object, name);
	for (size_t i = 0; i < count; i++) {
		add_string(array, texts[i]);
	}
}

static void add_role_names(cJSON *object, const struct runbook *runbook,
		const struct role_set *set) {
	cJSON *array = add_array(object, "roles");
	for (size_t i = 0; i < set->count; i++) {
		add_string(array, runbook->roles[set->roles[i]].name);
	}
}

static void add_roles(cJSON *root, const struct runbook *runbook) {
	cJSON *array = add_array(root, "roles");
	for (size_t i = 0; i < runbook->role_count; i++) {
		const struct role *role = &runbook->roles[i];
		cJSON *item = add_object(array);
		add_text(item, "name", role->name);
		add_text(item, "primary", role->primary);
		add_text(item, "backup", role->backup);
		add_text(item, "contact", role->contact);
		add_text(item, "channel", role->channel);
	}
	array = add_array(root, "groups");
	for (size_t i = 0; i < runbook->group_count; i++) {
		cJSON *item = add_object(array);
		add_text(item, "name", runbook->groups[i].name);
		add_role_names(item, runbook, &runbook->groups[i].members);
	}
}

static void add_parameters(cJSON *root, const struct runbook *runbook) {
	static const char *const kinds[] = {
		[PARAMETER_DEFAULT] = "default",
		[PARAMETER_CHOICE] = "choice",
		[PARAMETER_ASK] = "ask",
		[PARAMETER_SECRET] = "secret",
	};
	cJSON *array = add_array(root, "parameters");
	for (size_t i = 0; i < runbook->parameter_count; i++) {
		const struct parameter *parameter = &runbook->parameters[i];
		cJSON *item = add_object(array);
		add_text(item, "name", parameter->name);
		add_text(item, "kind", kinds[parameter->kind]);
		add_strings(
				item, "choices", parameter->choices, parameter->choice_count);
		add_text(item, "meaning", parameter->meaning);
	}
}

static void add_block(cJSON *array, const struct block *block) {
	cJSON *item = add_object(array);
	add_text(item, "kind", block->kind == BLOCK_SH ? "sh" : "http");
	add_text(item, "text", block->text);
	add_text(item, "on", block->on);
	add_seconds(item, "timeout_s", block->timeout_ms);
	add_number(item, "retries", block->retries);
	add_number(item, "delay_s", (double)block->delay_ms / 1000);
	add_flag(item, "repeatable", block->repeatable);
	add_flag(item, "ask", block->ask);
	add_seconds(item, "every_s", block->every_ms);
	add_seconds(item, "for_s", block->for_ms);
	add_number(item, "parallel", block->parallel);
	add_text(item, "on_rollback",
			block->on_rollback == ON_ROLLBACK_WAIT ? "wait" : "stop");
	add_strings(item, "sets", block->sets, block->set_count);
	add_strings(item, "conditions", block->conditions, block->condition_count);
	add_number(item, "line", block->place.line);
}

/* The parameters that decide whether it happens: "A=b", or "A=b and C=d". */
static void add_when(cJSON *item, const struct step *step) {
	char *text = NULL;
	for (size_t i = 0; i < step->when_count; i++) {
		char *longer = xasprintf("%s%s%s=%s", text != NULL ? text : "",
				text != NULL ? " and " : "", step->when[i].name,
				step->when[i].value);
		free(text);
		text = longer;
	}
	add_text(item, "when", text);
	free(text);
}

/* What it publishes, on the item and on its blocks. */
static void add_sets(cJSON *item, const struct step *step) {
	cJSON *array = add_array(item, "sets");
	for (size_t i = 0; i < step->set_count; i++) {
		add_string(array, step->sets[i]);
	}
	for (size_t i = 0; i < step->block_count; i++) {
		for (size_t k = 0; k < step->blocks[i].set_count; k++) {
			add_string(array, step->blocks[i].sets[k]);
		}
	}
}

static const char *owner_of(
		const struct runbook *runbook, const struct step *step) {
	size_t lead = runbook_lead(runbook);
	if (step->owner.text != NULL && step->owner.text[0] != '\0') {
		return step->owner.text;
	}
	return lead != RUNBOOK_NONE ? runbook->roles[lead].name : NULL;
}

static void add_step(
		cJSON *array, const struct runbook *runbook, const struct step *step) {
	cJSON *item = add_object(array);
	add_text(item, "number", step->number);
	add_text(item, "title", step->title);
	add_text(item, "kind", step->kind == STEP_COMMAND ? "command" : "manual");
	add_text(item, "owner", owner_of(runbook, step));
	add_text(item, "gate",
			step->gate != RUNBOOK_NONE ? runbook->gates[step->gate].name
									   : NULL);
	add_when(item, step);
	add_text(item, "on", step->on);
	add_text(item, "env", step->env);
	add_sets(item, step);
	cJSON *blocks = add_array(item, "blocks");
	for (size_t i = 0; i < step->block_count; i++) {
		add_block(blocks, &step->blocks[i]);
	}
}

static void add_phases(cJSON *root, const struct runbook *runbook) {
	cJSON *array = add_array(root, "phases");
	for (size_t i = 0; i < runbook->phase_count; i++) {
		const struct phase *phase = &runbook->phases[i];
		cJSON *item = add_object(array);
		add_text(item, "kind", phase_kind_name(phase->kind));
		add_text(item, "title", phase->title);
		cJSON *steps = add_array(item, "steps");
		for (size_t k = 0; k < phase->step_count; k++) {
			add_step(steps, runbook, &runbook->steps[phase->first_step + k]);
		}
	}
}

static void add_gates(cJSON *root, const struct runbook *runbook) {
	cJSON *array = add_array(root, "gates");
	for (size_t i = 0; i < runbook->gate_count; i++) {
		const struct gate *gate = &runbook->gates[i];
		cJSON *item = add_object(array);
		add_text(item, "name", gate->name);
		cJSON *slots = add_array(item, "slots");
		for (size_t k = 0; k < gate->slot_count; k++) {
			cJSON *slot = add_object(slots);
			size_t group = gate->slots[k].group;
			add_role_names(slot, runbook, &gate->slots[k].roles);
			add_text(slot, "group",
					group != RUNBOOK_NONE ? runbook->groups[group].name : NULL);
		}
		add_text(item, "record", gate->record);
		add_number(item, "open_s", (double)gate->open_ms / 1000);
		add_number(item, "valid_s", (double)gate->valid_ms / 1000);
	}
}

static void add_milestones(cJSON *root, const struct runbook *runbook) {
	cJSON *array = add_array(root, "milestones");
	for (size_t i = 0; i < runbook->milestone_count; i++) {
		const struct milestone *milestone = &runbook->milestones[i];
		cJSON *item = add_object(array);
		add_text(item, "label", milestone->label);
		add_number(item, "offset_s", (double)milestone->offset_s);
		add_text(item, "activity", milestone->activity);
		add_text(item, "owner", milestone->owner_text);
	}
}

static void add_findings(cJSON *root, const struct findings *findings) {
	cJSON *array = add_array(root, "warnings");
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->list[i];
		cJSON *item = add_object(array);
		add_text(item, "severity",
				finding->severity == SEVERITY_ERROR ? "error" : "warning");
		add_text(item, "rule", finding->rule);
		add_number(item, "line", finding->place.line);
		add_number(item, "column", finding->place.column);
		add_text(item, "text", finding->text);
	}
}

char *runbook_json_text(const struct runbook_json *what) {
	cJSON *root = checked(cJSON_CreateObject());
	add_text(root, "title", what->runbook->title);
	add_text(root, "digest", what->digest);
	add_text(root, "digest_kind", what->digest_kind);
	add_roles(root, what->runbook);
	add_parameters(root, what->runbook);
	add_phases(root, what->runbook);
	add_gates(root, what->runbook);
	add_milestones(root, what->runbook);
	add_findings(root, what->findings);
	char *json = cJSON_Print(root);
	cJSON_Delete(root);
	if (json == NULL) {
		abort();
	}
	char *text = xasprintf("%s\n", json);
	free(json);
	return text;
}
