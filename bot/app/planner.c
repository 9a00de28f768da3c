#include "app/planner.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/git.h"
#include "app/readings.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "codec/lines.h"
#include "codec/secrets_text.h"
#include "journal/journal.h"
#include "sys/fd.h"
#include "sys/secret.h"

#define KEY_NAME "plan.key"

bool planner_key_get(struct journal *journal, struct planner_key *key) {
	return journal->api->get(journal, KEY_NAME, key->text, sizeof(key->text)) &&
			strlen(key->text) == 2 * ID_LEN;
}

bool planner_key_make(
		struct journal *journal, struct planner_key *key, struct err *err) {
	if (planner_key_get(journal, key)) {
		return true;
	}
	id_make(key->text);
	id_make(key->text + ID_LEN);
	return journal->api->put(journal, KEY_NAME, key->text, err);
}

static char *folder_of(const char *path) {
	const char *slash = strrchr(path, '/');
	if (slash == NULL) {
		return xstrdup(".");
	}
	return slash == path ? xstrdup("/")
						 : xstrndup(path, (size_t)(slash - path));
}

char *planner_workdir(const struct config *config, const char *base_dir,
		const struct config_target *target) {
	if (target->workdir != NULL) {
		return config_path(base_dir, target->workdir);
	}
	char *runbook = config_path(base_dir, config->bridge.runbook);
	char *folder = folder_of(runbook);
	free(runbook);
	return folder;
}

void planner_secret(const struct planner_key *key, const char *env,
		const char *name, const char *value, char hex[SHA256_HEX]) {
	size_t env_size = strlen(env) + 1;
	size_t name_size = strlen(name) + 1;
	size_t len = env_size + name_size + strlen(value);
	char *text = xcalloc(len, 1); // one piece: no copy is left behind
	memcpy(text, env, env_size);
	memcpy(text + env_size, name, name_size);
	memcpy(text + env_size + name_size, value, strlen(value));
	sha256_hmac(key->text, strlen(key->text), text, len, hex);
	lines_wipe(text, len);
	free(text);
}

/* The first error among @findings, as an err. */
static bool tell_first(
		const char *path, const struct findings *findings, struct err *err) {
	for (size_t i = 0; i < findings->count; i++) {
		if (findings->list[i].severity == SEVERITY_ERROR) {
			return err_set(err, ERR_INVALID, "%s:%u: %s", path,
					(unsigned)findings->list[i].place.line,
					findings->list[i].text);
		}
	}
	return err_set(err, ERR_INVALID, "%s cannot be used", path);
}

static bool parse_secrets(const char *path, const struct secret *secret,
		struct secret_values *values, struct err *err) {
	struct findings findings;
	findings_init(&findings);
	bool good = secrets_text_parse(values, secret_reveal(secret),
						secret_len(secret), &findings) ||
			tell_first(path, &findings, err);
	findings_finish(&findings);
	return good;
}

static void copy_secrets(const struct secret_values *from,
		struct plan_value **values, size_t *count) {
	*values = xcalloc(from->count, sizeof(**values));
	*count = from->count;
	for (size_t i = 0; i < from->count; i++) {
		(*values)[i] = (struct plan_value){
			.name = xstrdup(from->list[i].name),
			.value = xstrdup(from->list[i].value),
			.secret = true,
		};
	}
}

struct secret *planner_open_secrets(const char *base_dir,
		const struct config_env *env, char **name, struct err *err) {
	if (env->secrets_file != NULL) {
		*name = config_path(base_dir, env->secrets_file);
		return secret_read_file(*name, err);
	}
	*name = xstrdup(env->secrets_credential);
	return secret_read_credential(*name, err);
}

bool planner_read_secrets(const struct config *config, const char *base_dir,
		const char *name, struct plan_value **values, size_t *count,
		struct err *err) {
	const struct config_env *env = config_env(config, name);
	*values = NULL;
	*count = 0;
	if (env == NULL) {
		return err_set(
				err, ERR_INVALID, "the config has no section [env %s]", name);
	}
	if (env->secrets_file == NULL && env->secrets_credential == NULL) {
		return true;
	}
	char *path = NULL;
	struct secret_values parsed = { 0 };
	struct secret *secret = planner_open_secrets(base_dir, env, &path, err);
	bool good = secret != NULL;
	if (!good) {
		err_wrap(err, "[env %s]: ", name);
	} else {
		good = parse_secrets(path, secret, &parsed, err);
	}
	if (good) {
		copy_secrets(&parsed, values, count);
	}
	secrets_text_finish(&parsed);
	secret_destroy(secret);
	free(path);
	return good;
}

void planner_wipe(struct plan_value *values, size_t count) {
	for (size_t i = 0; i < count; i++) {
		free(values[i].name);
		if (values[i].value != NULL) {
			lines_wipe(values[i].value, strlen(values[i].value));
		}
		free(values[i].value);
	}
	free(values);
}

static bool is_variable(const struct config_env *env, const char *name) {
	for (size_t i = 0; i < env->variable_count; i++) {
		if (strcmp(env->variables[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

static bool add_env(const struct config *config, const char *base_dir,
		const char *name, const struct planner_key *key, struct plan *plan,
		struct err *err) {
	struct plan_value *secrets = NULL;
	size_t count = 0;
	if (!planner_read_secrets(config, base_dir, name, &secrets, &count, err)) {
		return false;
	}
	const struct config_env *env = config_env(config, name);
	plan_add_env(plan, name);
	for (size_t i = 0; i < env->variable_count; i++) {
		plan_add_env_value(plan, name, env->variables[i].name,
				env->variables[i].value, false);
	}
	bool good = true;
	for (size_t i = 0; i < count && good; i++) {
		char hex[SHA256_HEX];
		good = !is_variable(env, secrets[i].name) ||
				err_set(err, ERR_INVALID,
						"%s is in [env %s] and in its secrets file; drop one",
						secrets[i].name, name);
		planner_secret(key, name, secrets[i].name, secrets[i].value, hex);
		plan_add_env_value(plan, name, secrets[i].name, hex, true);
	}
	planner_wipe(secrets, count);
	return good;
}

static bool add_file(struct plan_target *target, const char *workdir,
		const char *path, struct err *err) {
	struct str text;
	char hash[SHA256_HEX];
	const char *relative = path + strlen(workdir);
	relative += strspn(relative, "/");
	if (target->file_count >= PLANNER_FILES_MAX) {
		return err_set(err, ERR_INVALID,
				"[target %s] names more than %d files; name fewer",
				target->name, PLANNER_FILES_MAX);
	}
	str_init(&text, PLANNER_FILE_MAX_BYTES + 1);
	bool good = fd_read_file(path, PLANNER_FILE_MAX_BYTES, &text, err);
	if (good) {
		sha256_of(str_text(&text), text.len, hash);
		plan_target_add_file(target, relative, hash);
	} else {
		err_wrap(err, "[target %s]: ", target->name);
	}
	str_finish(&text);
	return good;
}

/* @text with a backslash before what glob() would take for a pattern. */
static void add_escaped(struct str *out, const char *text) {
	for (; *text != '\0'; text++) {
		if (strchr("*?[]\\", *text) != NULL) {
			str_add_char(out, '\\');
		}
		str_add_char(out, *text);
	}
}

static bool add_pattern(struct plan_target *target, const char *workdir,
		const char *pattern, struct err *err) {
	struct str full = { 0 };
	glob_t found = { 0 };
	add_escaped(&full, workdir);
	str_addf(&full, "/%s", pattern);
	int result = glob(str_text(&full), 0, NULL, &found);
	bool good = result == 0;
	if (result == GLOB_NOMATCH) {
		err_set(err, ERR_NOT_FOUND,
				"[target %s] names the file %s, and there is none below %s: "
				"put it there, or mend `files`",
				target->name, pattern, workdir);
	} else if (!good) {
		err_set(err, ERR_IO, "cannot look for %s below %s", pattern, workdir);
	}
	for (size_t i = 0; good && i < found.gl_pathc; i++) {
		good = add_file(target, workdir, found.gl_pathv[i], err);
	}
	globfree(&found);
	str_finish(&full);
	return good;
}

static bool read_files(const struct config_target *from,
		struct plan_target *target, const char *workdir, struct err *err) {
	struct stat about;
	if (stat(workdir, &about) < 0 || !S_ISDIR(about.st_mode)) {
		return err_set(err, ERR_NOT_FOUND,
				"the workdir %s of [target %s] is not there: make it, or mend "
				"`workdir`",
				workdir, from->name);
	}
	for (size_t i = 0; i < from->files.count; i++) {
		if (!add_pattern(target, workdir, from->files.items[i], err)) {
			return false;
		}
	}
	target->workdir = xstrdup(workdir);
	return true;
}

static const struct reading *reading_of(
		const struct readings *readings, const char *target, const char *host) {
	return readings != NULL ? readings_of(readings, target, host) : NULL;
}

/* Add what @b lacks of @a, and what both have and is not the same, to @text. */
static void add_differences(struct str *text, const char *host_a,
		const struct reading *a, const char *host_b, const struct reading *b) {
	for (size_t i = 0; i < a->file_count; i++) {
		const char *path = a->files[i].path;
		const char *other = reading_hash(b, path);
		const char *gap = text->len > 0 ? "; " : "";
		if (other == NULL) {
			str_addf(text, "%s%s has %s and %s has not", gap, host_a, path,
					host_b);
		} else if (strcmp(a->files[i].hash, other) != 0) {
			str_addf(text, "%s%s of %s is not that of %s", gap, path, host_b,
					host_a);
		}
	}
}

/* Each host against the first. */
static bool hosts_agree(const struct readings *readings,
		const struct config_target *from, struct err *err) {
	const char *first = from->hosts[0].text;
	const struct reading *a = reading_of(readings, from->name, first);
	struct str text = { 0 };
	for (size_t i = 1; i < from->host_count; i++) {
		const char *other = from->hosts[i].text;
		const struct reading *b = reading_of(readings, from->name, other);
		struct str missing = { 0 };
		add_differences(&text, first, a, other, b);
		for (size_t k = 0; k < b->file_count; k++) {
			if (reading_hash(a, b->files[k].path) == NULL) {
				str_addf(&missing, "%s%s has %s and %s has not",
						text.len + missing.len > 0 ? "; " : "", other,
						b->files[k].path, first);
			}
		}
		str_add(&text, str_text(&missing));
		str_finish(&missing);
	}
	bool agree = text.len == 0 ||
			err_set(err, ERR_INVALID,
					"the hosts of [target %s] have different files: %s",
					from->name, str_text(&text));
	str_finish(&text);
	return agree;
}

static bool was_read(const struct reading *reading,
		const struct config_target *from, const char *host, struct err *err) {
	if (reading == NULL) {
		return err_set(err, ERR_IO, "%s of [target %s] was not asked yet", host,
				from->name);
	}
	return reading->problem == NULL ||
			err_set(err, reading->away ? ERR_IO : ERR_INVALID,
					"%s of [target %s]: %s", host, from->name,
					reading->problem);
}

/* The commit is that of the first host; where others have another, none. */
static void take_commit(
		struct plan_target *target, const struct reading *reading, bool first) {
	if (first) {
		target->commit = xstrdup(reading->commit);
	} else if (target->commit != NULL &&
			(reading->commit == NULL ||
					strcmp(target->commit, reading->commit) != 0)) {
		free(target->commit);
		target->commit = NULL;
	}
	target->dirty = target->dirty || reading->dirty;
}

static bool take_hosts(const struct readings *readings,
		const struct config_target *from, const char *only,
		struct plan_target *target, struct err *err) {
	const struct reading *reading = NULL;
	for (size_t i = 0; i < from->host_count; i++) {
		const char *host = from->hosts[i].text;
		if (only != NULL && strcmp(only, host) != 0) {
			continue;
		}
		bool first = reading == NULL;
		reading = reading_of(readings, from->name, host);
		if (!was_read(reading, from, host, err)) {
			return false;
		}
		take_commit(target, reading, first);
	}
	if (reading == NULL) {
		return err_set(err, ERR_INVALID,
				"%s is no longer a host of [target %s]", only, from->name);
	}
	if (only == NULL && !hosts_agree(readings, from, err)) {
		return false;
	}
	for (size_t i = 0; i < reading->file_count; i++) {
		plan_target_add_file(
				target, reading->files[i].path, reading->files[i].hash);
	}
	target->workdir = xstrdup(from->workdir);
	return true;
}

bool planner_read_target(const struct config *config, const char *base_dir,
		const struct readings *readings, const char *name, const char *host,
		struct plan *plan, struct err *err) {
	const struct config_target *from = config_target(config, name);
	if (from == NULL) {
		return err_set(err, ERR_INVALID,
				"the config has no section [target %s]", name);
	}
	struct plan_target *target = plan_add_target(plan, name);
	for (size_t i = 0; i < from->host_count; i++) {
		plan_target_add_host(target, from->hosts[i].text);
	}
	if (!config_target_is_local(from)) {
		target->parallel = (size_t)from->parallel;
		return take_hosts(readings, from, host, target, err);
	}
	char *workdir = planner_workdir(config, base_dir, from);
	bool good = read_files(from, target, workdir, err);
	free(workdir);
	return good;
}

/* Add what the runbook's steps name. */
static bool add_places(const struct config *config, const char *base_dir,
		const struct readings *readings, const struct planner_key *key,
		struct plan *plan, struct err *err) {
	const struct runbook *runbook = plan->runbook;
	for (size_t i = 0; i < runbook->step_count; i++) {
		const struct step *step = &runbook->steps[i];
		if (step->env != NULL && plan_env(plan, step->env) == NULL &&
				!add_env(config, base_dir, step->env, key, plan, err)) {
			return false;
		}
		for (size_t k = 0; k < step->block_count; k++) {
			const struct block *block = &step->blocks[k];
			/* A request is the bot's own, wherever commands run. */
			if (block->kind == BLOCK_SH &&
					plan_target(plan, block->on) == NULL &&
					!planner_read_target(config, base_dir, readings, block->on,
							NULL, plan, err)) {
				return false;
			}
		}
	}
	return true;
}

bool planner_build(const struct config *config, const char *base_dir,
		const struct readings *readings, const struct runbook *runbook,
		const struct planner_param *params, size_t count,
		const struct planner_key *key, struct plan *plan, struct err *err) {
	plan_init(plan, runbook);
	bool good = true;
	for (size_t i = 0; good && i < count; i++) {
		good = plan_set_param(plan, params[i].name, params[i].value, err);
	}
	good = good && plan_complete(plan, err) &&
			add_places(config, base_dir, readings, key, plan, err);
	for (size_t i = 0; good && i < plan->target_count; i++) {
		struct plan_target *target = &plan->targets[i];
		const struct config_target *from = config_target(config, target->name);
		if (config_target_is_local(from) &&
				!git_describe(
						target->workdir, &target->commit, &target->dirty)) {
			target->commit = NULL;
		}
	}
	if (good) {
		plan_seal(plan);
	} else {
		plan_finish(plan);
	}
	return good;
}
