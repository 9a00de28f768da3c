#include "codec/plan_json.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/xalloc.h"
#include "codec/runbook_md.h"

/* --- writing --- */

static void add_string(cJSON *object, const char *name, const char *text) {
	if (text != NULL) {
		cJSON_AddStringToObject(object, name, text);
	}
}

cJSON *plan_json_value(const struct plan_value *value) {
	cJSON *object = cJSON_CreateObject();
	add_string(object, "name", value->name);
	add_string(object, "value", value->value);
	if (value->secret) {
		cJSON_AddTrueToObject(object, "secret");
	}
	return object;
}

static void add_values(cJSON *object, const char *name,
		const struct plan_value *values, size_t count) {
	cJSON *list = cJSON_AddArrayToObject(object, name);
	for (size_t i = 0; i < count; i++) {
		cJSON_AddItemToArray(list, plan_json_value(&values[i]));
	}
}

static cJSON *env_object(const struct plan_env *env) {
	cJSON *object = cJSON_CreateObject();
	add_string(object, "name", env->name);
	add_values(object, "values", env->values, env->value_count);
	return object;
}

static cJSON *file_object(const struct plan_file *file) {
	cJSON *object = cJSON_CreateObject();
	add_string(object, "path", file->path);
	add_string(object, "hash", file->hash);
	return object;
}

static cJSON *target_object(const struct plan_target *target) {
	cJSON *object = cJSON_CreateObject();
	add_string(object, "name", target->name);
	cJSON *hosts = cJSON_AddArrayToObject(object, "hosts");
	for (size_t i = 0; i < target->host_count; i++) {
		cJSON_AddItemToArray(hosts, cJSON_CreateString(target->hosts[i]));
	}
	add_string(object, "workdir", target->workdir);
	cJSON *files = cJSON_AddArrayToObject(object, "files");
	for (size_t i = 0; i < target->file_count; i++) {
		cJSON_AddItemToArray(files, file_object(&target->files[i]));
	}
	if (target->parallel > 0) {
		cJSON_AddNumberToObject(object, "parallel", (double)target->parallel);
	}
	add_string(object, "commit", target->commit);
	if (target->dirty) {
		cJSON_AddTrueToObject(object, "dirty");
	}
	return object;
}

cJSON *plan_json_record(const struct plan_record *record) {
	const struct plan *plan = &record->plan;
	cJSON *object = cJSON_CreateObject();
	add_string(object, "file", record->runbook->file);
	add_string(object, "source", record->source);
	add_values(object, "params", plan->params, plan->param_count);
	cJSON *envs = cJSON_AddArrayToObject(object, "envs");
	for (size_t i = 0; i < plan->env_count; i++) {
		cJSON_AddItemToArray(envs, env_object(&plan->envs[i]));
	}
	cJSON *targets = cJSON_AddArrayToObject(object, "targets");
	for (size_t i = 0; i < plan->target_count; i++) {
		cJSON_AddItemToArray(targets, target_object(&plan->targets[i]));
	}
	add_string(object, "digest", plan->digest);
	return object;
}

/* --- reading --- */

/* The member @name of @object; NULL with @err when it is no string. */
static const char *need_string(
		const cJSON *object, const char *name, struct err *err) {
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
	if (!cJSON_IsString(item)) {
		err_set(err, ERR_INVALID, "a plan's \"%s\" must be a string", name);
		return NULL;
	}
	return item->valuestring;
}

/* Likewise, but it may be missing: *@text is NULL then. */
static bool optional_string(const cJSON *object, const char *name,
		const char **text, struct err *err) {
	*text = NULL;
	if (!cJSON_HasObjectItem(object, name)) {
		return true;
	}
	*text = need_string(object, name, err);
	return *text != NULL;
}

static const cJSON *need_list(
		const cJSON *object, const char *name, struct err *err) {
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, name);
	if (!cJSON_IsArray(list)) {
		err_set(err, ERR_INVALID, "a plan's \"%s\" must be a list", name);
		return NULL;
	}
	return list;
}

static bool read_flag(const cJSON *object, const char *name) {
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

bool plan_json_read_value(
		const cJSON *item, struct plan_value *value, struct err *err) {
	const char *name = need_string(item, "name", err);
	if (name == NULL) {
		return false;
	}
	const char *text = NULL;
	if (!optional_string(item, "value", &text, err)) {
		return false;
	}
	value->name = xstrdup(name);
	value->value = xstrdup(text);
	value->secret = read_flag(item, "secret");
	return true;
}

static bool read_params(
		const cJSON *object, struct plan *plan, struct err *err) {
	const cJSON *list = need_list(object, "params", err);
	if (list == NULL) {
		return false;
	}
	const cJSON *item;
	cJSON_ArrayForEach(item, list) {
		const char *name = need_string(item, "name", err);
		const char *value = name != NULL ? need_string(item, "value", err)
										 : NULL;
		if (value == NULL || !plan_set_param(plan, name, value, err)) {
			return false;
		}
	}
	return plan_complete(plan, err);
}

static bool read_env(const cJSON *object, struct plan *plan, struct err *err) {
	const char *env = need_string(object, "name", err);
	const cJSON *list = env != NULL ? need_list(object, "values", err) : NULL;
	if (list == NULL) {
		return false;
	}
	plan_add_env(plan, env);
	const cJSON *item;
	cJSON_ArrayForEach(item, list) {
		const char *name = need_string(item, "name", err);
		const char *value = name != NULL ? need_string(item, "value", err)
										 : NULL;
		if (value == NULL) {
			return false;
		}
		plan_add_env_value(plan, env, name, value, read_flag(item, "secret"));
	}
	return true;
}

static bool read_files(
		const cJSON *object, struct plan_target *target, struct err *err) {
	const cJSON *list = need_list(object, "files", err);
	if (list == NULL) {
		return false;
	}
	const cJSON *item;
	cJSON_ArrayForEach(item, list) {
		const char *path = need_string(item, "path", err);
		const char *hash = path != NULL ? need_string(item, "hash", err) : NULL;
		if (hash == NULL) {
			return false;
		}
		if (strlen(hash) != SHA256_HEX - 1) {
			return err_set(err, ERR_INVALID,
					"the hash of the plan's file \"%.80s\" is none", path);
		}
		plan_target_add_file(target, path, hash);
	}
	return true;
}

static bool read_target(
		const cJSON *object, struct plan *plan, struct err *err) {
	const char *name = need_string(object, "name", err);
	const cJSON *hosts = name != NULL ? need_list(object, "hosts", err) : NULL;
	if (hosts == NULL) {
		return false;
	}
	struct plan_target *target = plan_add_target(plan, name);
	const cJSON *host;
	cJSON_ArrayForEach(host, hosts) {
		if (!cJSON_IsString(host)) {
			return err_set(err, ERR_INVALID, "a plan's hosts must be strings");
		}
		plan_target_add_host(target, host->valuestring);
	}
	const char *workdir = NULL;
	const char *commit = NULL;
	if (!optional_string(object, "workdir", &workdir, err) ||
			!optional_string(object, "commit", &commit, err)) {
		return false;
	}
	const cJSON *parallel = cJSON_GetObjectItemCaseSensitive(
			object, "parallel");
	if (cJSON_IsNumber(parallel) && parallel->valuedouble >= 1 &&
			parallel->valuedouble <= 1000) {
		target->parallel = (size_t)parallel->valuedouble;
	}
	target->workdir = xstrdup(workdir);
	target->commit = xstrdup(commit);
	target->dirty = read_flag(object, "dirty");
	return read_files(object, target, err);
}

static bool read_all(const cJSON *object, const char *name, struct plan *plan,
		bool (*read)(const cJSON *item, struct plan *plan, struct err *err),
		struct err *err) {
	const cJSON *list = need_list(object, name, err);
	if (list == NULL) {
		return false;
	}
	const cJSON *item;
	cJSON_ArrayForEach(item, list) {
		if (!read(item, plan, err)) {
			return false;
		}
	}
	return true;
}

static bool read_runbook(
		const cJSON *object, struct plan_record *record, struct err *err) {
	const char *file = need_string(object, "file", err);
	const char *source = file != NULL ? need_string(object, "source", err)
									  : NULL;
	if (source == NULL) {
		return false;
	}
	struct findings findings;
	findings_init(&findings);
	record->runbook = runbook_md_parse(file, source, strlen(source), &findings);
	record->source = xstrdup(source);
	bool ok = findings_errors(&findings) == 0;
	if (!ok) {
		findings_sort(&findings);
		err_set(err, ERR_INVALID, "the plan's document has an error: %s",
				findings.list[0].text);
	}
	findings_finish(&findings);
	return ok;
}

static bool read_plan(
		const cJSON *object, struct plan_record *record, struct err *err) {
	struct plan *plan = &record->plan;
	const char *digest = need_string(object, "digest", err);
	if (digest == NULL || !read_runbook(object, record, err)) {
		return false;
	}
	plan_init(plan, record->runbook);
	if (!read_params(object, plan, err) ||
			!read_all(object, "envs", plan, read_env, err) ||
			!read_all(object, "targets", plan, read_target, err)) {
		return false;
	}
	plan_seal(plan);
	if (strcmp(plan->digest, digest) != 0) {
		return err_set(err, ERR_INVALID,
				"the plan's digest was %.12s and is now %.12s: this version "
				"reads the document in another way, or the row was changed",
				digest, plan->digest);
	}
	return true;
}

struct plan_record *plan_json_read_record(const cJSON *item, struct err *err) {
	if (!cJSON_IsObject(item)) {
		err_set(err, ERR_INVALID, "\"record\" must be an object");
		return NULL;
	}
	struct plan_record *record = xcalloc(1, sizeof(*record));
	if (!read_plan(item, record, err)) {
		plan_record_destroy(record);
		return NULL;
	}
	return record;
}
