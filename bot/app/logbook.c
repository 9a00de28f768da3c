#include "app/logbook.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/voice.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "codec/patch.h"
#include "core/bridge.h"
#include "sys/fd.h"
#include "sys/log.h"

void logbook_init(
		struct logbook *logbook, const char *state_dir, const char *runbook) {
	const char *slash = strrchr(runbook, '/');
	*logbook = (struct logbook){
		.dir = xasprintf("%s/rehearsal-log", state_dir),
		.runbook = xstrdup(slash != NULL ? slash + 1 : runbook),
	};
}

void logbook_finish(struct logbook *logbook) {
	free(logbook->dir);
	free(logbook->runbook);
	*logbook = (struct logbook){ 0 };
}

/* False: it could not be written now. */
static bool write_patch(
		struct logbook *logbook, const char *run, const char *patch) {
	struct err err = { 0 };
	struct stat info;
	char *path = xasprintf("%s/%s.patch", logbook->dir, run);
	bool ok = stat(path, &info) == 0;
	if (!ok) {
		(void)mkdir(logbook->dir, 0755); // what matters shows below
		ok = fd_write_file(path, patch, strlen(patch), 0644, &err);
		if (ok) {
			log_info("log_row.written", "path=%s", path);
		} else {
			log_error("log_row.unwritten", "why=\"%s\"", err.text);
		}
	}
	free(path);
	return ok;
}

/* Whether a run is one that the log tells of. */
static bool is_told(const struct run *run) {
	return run->plan->runbook->log_line > 0 &&
			(run->kind == RUN_REHEARSAL ? run->ended_ms > 0
										: run->command_started);
}

static bool log_run(struct logbook *logbook, struct voice *voice,
		const struct voice_scene *scene, const struct run *run) {
	if (!is_told(run)) {
		return true;
	}
	char *row = voice->api->log_row(voice, scene, run);
	char *name = xasprintf(
			"%s-%u", scene->world->settings->prefix, run->number);
	char *patch = patch_insert(logbook->runbook, run->plan->source,
			run->plan->runbook->log_line, row);
	bool ok = patch == NULL || write_patch(logbook, name, patch);
	free(patch);
	free(name);
	free(row);
	return ok;
}

void logbook_update(struct logbook *logbook, struct voice *voice,
		const struct bridge *bridge, const struct world *world) {
	const struct voice_scene scene = { .bridge = bridge, .world = world };
	bool whole = true; // every run so far is closed
	for (size_t i = logbook->done; i < bridge->run_count; i++) {
		const struct run *run = &bridge->runs[i];
		bool closed = run->status == RUN_CLOSED;
		bool ok = !closed || log_run(logbook, voice, &scene, run);
		whole = whole && closed && ok;
		if (whole) {
			logbook->done = run->number;
		}
	}
}
