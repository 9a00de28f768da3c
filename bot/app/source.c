#include "app/source.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/hostfiles.h"
#include "app/hush.h"
#include "app/planner.h"
#include "app/runbook_file.h"
#include "app/settings_build.h"
#include "app/ssh_way.h"
#include "base/xalloc.h"
#include "journal/journal.h"
#include "mattermost/server.h"
#include "sys/log.h"

#define PREFIX_NAME "prefix" // of the journal's named values
#define PREFIX_ROOM 64

/* What tells one state of a file from another without reading it. */
struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
	struct timespec ctime;
};

struct source {
	struct sources base;
	char *path; // of the config, as asked for; NULL: looked for
	struct config_file config;
	char *runbook_path;
	char *watched; // the runbook of the newest config, taken or not
	char *templates;
	struct stamp stamps[3]; // config, runbook, templates
	char *broken;           // why what is on disk cannot be used; NULL
	struct settings_built built;
	struct people people;
	struct journal *journal;
	struct server *server;
	struct hostfiles *hostfiles;
	struct planner_key key;
	char prefix[PREFIX_ROOM];
};

static const struct source *of(const struct sources *sources) {
	return (const struct source *)sources;
}

/* --- people --- */

/* The server's people; before it was reached those that are remembered. */
static void copy_people(struct source *source) {
	people_finish(&source->people);
	people_init(&source->people);
	settings_remembered(
			&source->people, source->config.config, source->journal);
	if (source->server == NULL) {
		return;
	}
	const struct people *now = source->server->api->people(source->server);
	for (size_t i = 0; i < now->count; i++) {
		people_put(&source->people, &now->persons[i]);
	}
}

static void build_settings(struct source *source) {
	settings_built_finish(&source->built);
	settings_build(&source->built, source->config.config, &source->people,
			source->journal);
	source->built.settings.prefix = source->prefix;
}

static void want_people(struct source *source) {
	if (source->server == NULL) {
		return;
	}
	size_t count = 0;
	const char **names = settings_usernames(source->config.config, &count);
	source->server->api->want_people(source->server, names, count);
	free(names);
}

void source_people_changed(struct source *source) {
	copy_people(source);
	build_settings(source);
}

void source_use_server(struct source *source, struct server *server) {
	source->server = server;
	if (server != NULL) {
		want_people(source);
		source_people_changed(source);
	}
}

void source_use_hostfiles(struct source *source, struct hostfiles *hostfiles) {
	source->hostfiles = hostfiles;
}

/* --- the interface --- */

static const struct settings *get_settings(const struct sources *sources) {
	return &of(sources)->built.settings;
}

static const struct people *get_people(const struct sources *sources) {
	return &of(sources)->people;
}

/* The first error among the runbook's findings. */
static bool tell_first(const struct runbook_file *file, struct err *err) {
	size_t errors = findings_errors(&file->findings);
	for (size_t i = 0; i < file->findings.count; i++) {
		const struct finding *finding = &file->findings.list[i];
		if (finding->severity == SEVERITY_ERROR) {
			err_set(err, ERR_INVALID, "%s:%u:%u: %s [%s]", file->path,
					finding->place.line, finding->place.column, finding->text,
					finding->rule);
			break;
		}
	}
	return errors == 1 ? false
					   : err_wrap(err, "%zu errors, the first: ", errors);
}

static bool read_runbook(const struct config_file *config, const char *path,
		struct runbook_file *file, struct err *err) {
	return runbook_file_read(file, path, config->config, config->dir, err) &&
			(findings_errors(&file->findings) == 0 || tell_first(file, err));
}

static struct planner_param *params_of(
		const struct plan_value *values, size_t count) {
	struct planner_param *params = xcalloc(count, sizeof(*params));
	for (size_t i = 0; i < count; i++) {
		params[i] = (struct planner_param){
			.name = values[i].name,
			.value = values[i].value,
		};
	}
	return params;
}

static const struct readings *readings_now(const struct source *source) {
	return source->hostfiles != NULL ? hostfiles_readings(source->hostfiles)
									 : NULL;
}

static bool fill_plan(const struct source *source, struct runbook_file *file,
		const struct plan_value *values, size_t count,
		struct plan_record *record, struct err *err) {
	struct planner_param *params = params_of(values, count);
	bool ok = planner_build(source->config.config, source->config.dir,
			readings_now(source), file->runbook, params, count, &source->key,
			&record->plan, err);
	free(params);
	if (ok) {
		record->runbook = file->runbook;
		record->source = file->text;
		file->runbook = NULL;
		file->text = NULL;
	}
	return ok;
}

static struct plan_record *make_plan(struct sources *sources,
		const struct plan_value *values, size_t count, struct err *err) {
	const struct source *source = of(sources);
	struct runbook_file file = { 0 };
	struct plan_record *record = xcalloc(1, sizeof(*record));
	bool ok = read_runbook(&source->config, source->runbook_path, &file, err) &&
			fill_plan(source, &file, values, count, record, err);
	runbook_file_finish(&file);
	if (!ok) {
		free(record);
		return NULL;
	}
	return record;
}

static bool read_target(struct sources *sources, const char *name,
		const char *host, struct plan *plan, struct err *err) {
	const struct source *source = of(sources);
	return planner_read_target(source->config.config, source->config.dir,
			readings_now(source), name, host, plan, err);
}

static bool refresh(struct sources *sources, const char *target,
		const char *host, void (*fn)(void *data), void *data) {
	const struct source *source = of(sources);
	return source->hostfiles != NULL &&
			hostfiles_read(source->hostfiles, source->config.config,
					source->config.dir, target, host, fn, data);
}

static bool make_ssh_way(const struct sources *sources, const char *name,
		const struct config_host *host, struct ssh_way *way, struct err *err) {
	const struct config_file *file = &of(sources)->config;
	const struct config_target *target = config_target(file->config, name);
	if (target == NULL || target->ssh_key == NULL ||
			target->ssh_known_hosts == NULL) {
		return err_set(err, ERR_REFUSED,
				"the config no longer says how to reach [target %s]", name);
	}
	ssh_way_init(way, target, host, file->dir);
	return true;
}

/* Whether what the file holds now is what was approved. */
static bool is_approved(const struct source *source, const struct plan_env *env,
		const struct plan_value *secret, struct err *err) {
	char hex[SHA256_HEX];
	planner_secret(&source->key, env->name, secret->name, secret->value, hex);
	for (size_t i = 0; i < env->value_count; i++) {
		const struct plan_value *value = &env->values[i];
		if (value->secret && strcmp(value->name, secret->name) == 0) {
			return strcmp(value->value, hex) == 0 ||
					err_set(err, ERR_REFUSED,
							"%s of [env %s] is no longer the one that was "
							"approved",
							secret->name, env->name);
		}
	}
	return true; // a new one: no step of the plan can ask for it
}

static bool has_all(const struct plan_env *env, const struct plan_value *values,
		size_t count, struct err *err) {
	for (size_t i = 0; i < env->value_count; i++) {
		bool found = !env->values[i].secret;
		for (size_t j = 0; !found && j < count; j++) {
			found = strcmp(env->values[i].name, values[j].name) == 0;
		}
		if (!found) {
			return err_set(err, ERR_REFUSED,
					"%s is gone from the secrets file of [env %s]",
					env->values[i].name, env->name);
		}
	}
	return true;
}

static bool read_secrets(struct sources *sources, const struct plan_env *env,
		struct plan_value **values, size_t *count, struct err *err) {
	const struct source *source = of(sources);
	if (!planner_read_secrets(source->config.config, source->config.dir,
				env->name, values, count, err)) {
		return false;
	}
	bool ok = has_all(env, *values, *count, err);
	for (size_t i = 0; ok && i < *count; i++) {
		ok = is_approved(source, env, &(*values)[i], err);
	}
	if (!ok) {
		planner_wipe(*values, *count);
		*values = NULL;
		*count = 0;
	}
	return ok;
}

static char *hush(const struct sources *sources, const char *text) {
	return hush_text(&of(sources)->config, text);
}

static const struct sources_api api = {
	.settings = get_settings,
	.people = get_people,
	.plan = make_plan,
	.target = read_target,
	.refresh = refresh,
	.ssh_way = make_ssh_way,
	.secrets = read_secrets,
	.hush = hush,
};

/* --- the files --- */

static struct stamp stamp_of(const char *path) {
	struct stat status;
	if (path == NULL || stat(path, &status) != 0) {
		return (struct stamp){ 0 };
	}
	return (struct stamp){
		.dev = status.st_dev,
		.ino = status.st_ino,
		.size = status.st_size,
		.mtime = status.st_mtim,
		.ctime = status.st_ctim,
	};
}

static bool same_time(struct timespec a, struct timespec b) {
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_stamp(const struct stamp *a, const struct stamp *b) {
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
			same_time(a->mtime, b->mtime) && same_time(a->ctime, b->ctime);
}

static struct timespec later(struct timespec a, struct timespec b) {
	bool first = a.tv_sec > b.tv_sec ||
			(a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
	return first ? a : b;
}

/* Of a folder and the files in it: a new text in an old file shows. */
static struct stamp folder_stamp(const char *path) {
	struct stamp stamp = stamp_of(path);
	DIR *dir = path != NULL ? opendir(path) : NULL;
	const struct dirent *entry;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.') {
			continue;
		}
		char *file = xasprintf("%s/%s", path, entry->d_name);
		struct stamp one = stamp_of(file);
		stamp.size += one.size;
		stamp.mtime = later(stamp.mtime, one.mtime);
		stamp.ctime = later(stamp.ctime, one.ctime);
		free(file);
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return stamp;
}

/* Note how the files stand; whether one of them has changed. */
static bool note_stamps(struct source *source) {
	const struct stamp now[3] = {
		stamp_of(source->config.path),
		stamp_of(source->watched),
		folder_stamp(source->templates),
	};
	bool same = true;
	for (size_t i = 0; i < 3; i++) {
		same = same && same_stamp(&now[i], &source->stamps[i]);
		source->stamps[i] = now[i];
	}
	return !same;
}

/* Note how the runbook at @take_path stands before it is read: what is written
 * meanwhile shows at the next look, and what mends a broken one does. */
static void watch_runbook(struct source *source, char *take_path) {
	free(source->watched);
	source->watched = take_path;
	source->stamps[1] = stamp_of(take_path);
}

static void take_config(struct source *source, struct config_file *file) {
	config_file_finish(&source->config);
	source->config = *file;
	*file = (struct config_file){ 0 };
	free(source->runbook_path);
	free(source->templates);
	const struct config_bridge *bridge = &source->config.config->bridge;
	source->runbook_path = config_file_path(&source->config, bridge->runbook);
	source->templates = bridge->templates != NULL
			? config_file_path(&source->config, bridge->templates)
			: NULL;
}

/* Read both files; what is in force changes only if both can be used. */
static bool read_files(struct source *source, struct err *err) {
	struct config_file config = { 0 };
	struct runbook_file runbook = { 0 };
	bool ok = config_file_read(&config, source->path, err);
	if (ok) {
		watch_runbook(source,
				config_file_path(&config, config.config->bridge.runbook));
		ok = read_runbook(&config, source->watched, &runbook, err);
	}
	if (ok) {
		take_config(source, &config);
	}
	runbook_file_finish(&runbook);
	config_file_finish(&config);
	return ok;
}

static bool same_text(const char *a, const char *b) {
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* What a running bot cannot take over: the words for it, or NULL. */
static const char *fixed_difference(
		const struct config *now, const struct config *then) {
	if (!same_text(now->mattermost.url, then->mattermost.url) ||
			!same_text(now->mattermost.team, then->mattermost.team) ||
			!same_text(now->bridge.channel, then->bridge.channel)) {
		return "the server and its channel stay until a restart";
	}
	if (!same_text(now->bridge.state_dir, then->bridge.state_dir)) {
		return "the state folder stays until a restart";
	}
	if (!same_text(now->bridge.prefix, then->bridge.prefix)) {
		return "the prefix of the runs' names stays as long as the journal";
	}
	return NULL;
}

static enum source_news news_broken(
		struct source *source, const struct err *err, char **text) {
	if (source->broken != NULL && strcmp(source->broken, err->text) == 0) {
		return SOURCE_SAME;
	}
	free(source->broken);
	source->broken = xstrdup(err->text);
	*text = xstrdup(err->text);
	return SOURCE_BROKEN;
}

enum source_news source_look(struct source *source, bool force, char **text) {
	struct err err = { 0 };
	*text = NULL;
	if (!note_stamps(source) && !force) {
		return SOURCE_SAME;
	}
	struct config_file before = source->config;
	source->config = (struct config_file){ 0 };
	bool ok = read_files(source, &err);
	if (!ok) {
		config_file_finish(&source->config);
		source->config = before;
		return news_broken(source, &err, text);
	}
	const char *stays = fixed_difference(source->config.config, before.config);
	free(source->broken);
	source->broken = NULL;
	source->stamps[2] = folder_stamp(source->templates); // they are read next
	build_settings(source); // before what it borrows from goes
	config_file_finish(&before);
	want_people(source);
	source_people_changed(source);
	*text = xasprintf("config and runbook were read again%s%s",
			stays != NULL ? "; " : "", stays != NULL ? stays : "");
	return SOURCE_CHANGED;
}

/* --- what the journal keeps --- */

static bool use_prefix(struct source *source, struct err *err) {
	struct journal *journal = source->journal;
	const char *wanted = source->config.config->bridge.prefix;
	if (journal->api->get(
				journal, PREFIX_NAME, source->prefix, sizeof(source->prefix))) {
		if (strcmp(source->prefix, wanted) != 0) {
			log_warn("config.prefix_kept", "journal=%s config=%s",
					source->prefix, wanted);
		}
		return true;
	}
	if (strlen(wanted) >= sizeof(source->prefix)) {
		return err_set(
				err, ERR_INVALID, "the prefix %.20s… is too long", wanted);
	}
	strcpy(source->prefix, wanted);
	return journal->api->put(journal, PREFIX_NAME, wanted, err);
}

bool source_use_journal(
		struct source *source, struct journal *journal, struct err *err) {
	source->journal = journal;
	if (!planner_key_make(journal, &source->key, err) ||
			!use_prefix(source, err)) {
		return false;
	}
	source_people_changed(source);
	return true;
}

/* --- its life --- */

struct source *source_read(const char *path, struct err *err) {
	struct source *source = xcalloc(1, sizeof(*source));
	struct config_file config = { 0 };
	struct runbook_file runbook = { 0 };
	struct err why = { 0 };
	source->base.api = &api;
	source->path = xstrdup(path);
	people_init(&source->people);
	/* Once to know where the files are.  They are read after they were looked
	 * at, so that what is written meanwhile is seen at the next look. */
	if (!config_file_read(&config, path, err)) {
		config_file_finish(&config);
		source_destroy(source);
		return NULL;
	}
	take_config(source, &config);
	note_stamps(source);
	if (!config_file_read(&config, path, err)) {
		config_file_finish(&config);
		source_destroy(source);
		return NULL;
	}
	take_config(source, &config);
	watch_runbook(source, xstrdup(source->runbook_path));
	if (!read_runbook(&source->config, source->runbook_path, &runbook, &why)) {
		source->broken = xstrdup(why.text);
	}
	runbook_file_finish(&runbook);
	return source;
}

const char *source_broken(const struct source *source) {
	return source->broken;
}

void source_destroy(struct source *source) {
	if (source == NULL) {
		return;
	}
	settings_built_finish(&source->built);
	config_file_finish(&source->config);
	people_finish(&source->people);
	explicit_bzero(&source->key, sizeof(source->key));
	free(source->path);
	free(source->runbook_path);
	free(source->watched);
	free(source->templates);
	free(source->broken);
	free(source);
}

struct sources *source_base(struct source *source) {
	return &source->base;
}

const struct config_file *source_config(const struct source *source) {
	return &source->config;
}

const char *source_prefix(const struct source *source) {
	return source->prefix;
}

const char *source_templates(const struct source *source) {
	return source->templates;
}
