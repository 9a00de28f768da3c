#include "cli/check_machine.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/planner.h"
#include "base/err.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "exec/spawner.h"
#include "sys/fd.h"

#define VERSION_ROOM 64

static struct place line_of(uint32_t line) {
	return (struct place){ line > 0 ? line : 1, 1 };
}

/* --- the step runner --- */

/* What `PROGRAM --version` prints, in one line; 0 or an errno. */
static int ask_version(const char *program, char said[VERSION_ROOM]) {
	int ends[2];
	pid_t pid = 0;
	char *copy = xstrdup(program);
	char option[] = "--version";
	char *const argv[] = { copy, option, NULL };
	char *const env[] = { NULL };
	posix_spawn_file_actions_t actions;
	said[0] = '\0';
	if (pipe2(ends, O_CLOEXEC) < 0) {
		free(copy);
		return errno;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	int code = posix_spawn(&pid, program, &actions, NULL, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	fd_close(&ends[1]);
	ssize_t n = code == 0 ? read(ends[0], said, VERSION_ROOM - 1) : 0;
	said[n > 0 ? n : 0] = '\0';
	said[strcspn(said, "\n")] = '\0';
	fd_close(&ends[0]);
	if (code == 0) {
		waitpid(pid, NULL, 0);
	}
	free(copy);
	return code;
}

static void check_runner(struct findings *findings) {
	struct err err = { 0 };
	char said[VERSION_ROOM];
	char *program = spawner_find_program(&err);
	int code = program != NULL ? ask_version(program, said) : 0;
	if (program == NULL) {
		findings_add(findings, SEVERITY_ERROR, "steprun", line_of(1),
				"%s: install it with the bot", err.text);
	} else if (code != 0) {
		findings_add(findings, SEVERITY_ERROR, "steprun", line_of(1),
				"%s cannot be run: %s; install it again", program,
				strerror(code));
	} else if (strcmp(said, "steprun " BRIDGEKEEPER_VERSION) != 0) {
		findings_add(findings, SEVERITY_ERROR, "steprun", line_of(1),
				"%s says it is `%s`, and this is bridgekeeper %s: install "
				"both together",
				program, said, BRIDGEKEEPER_VERSION);
	}
	free(program);
}

/* --- the state folder --- */

/* The state folder, or the one in which it would be made. */
static char *state_place(const struct config_file *file) {
	char *dir = config_file_path(file, file->config->bridge.state_dir);
	if (access(dir, F_OK) != 0) {
		char *slash = strrchr(dir, '/');
		if (slash != NULL && slash != dir) {
			*slash = '\0';
		}
	}
	return dir;
}

/* Why no journal can be kept in @dir; NULL: it can. */
static const char *state_problem(const char *dir) {
	struct stat about;
	if (stat(dir, &about) != 0) {
		return errno == EACCES ? "cannot be looked into: mend its rights"
							   : "is not there: make it";
	}
	if (!S_ISDIR(about.st_mode)) {
		return "is no folder: name another";
	}
	return access(dir, W_OK | X_OK) != 0
			? "cannot be written: give it to the user that runs this"
			: NULL;
}

static void check_state(
		const struct config_file *file, struct online_judge *judge) {
	char *dir = state_place(file);
	const char *problem = state_problem(dir);
	struct statfs disk;
	if (problem != NULL) {
		uint32_t line = config_line_of(file->config, "[bridge]", "state_dir");
		findings_add(judge->findings, SEVERITY_ERROR, "state-folder",
				line_of(line), "the state folder needs %s, which %s", dir,
				problem);
	} else if (statfs(dir, &disk) == 0) {
		online_judge_disk(
				judge, dir, (uint64_t)disk.f_bavail * (uint64_t)disk.f_frsize);
		online_judge_file_system(judge, dir, (uint64_t)(uint32_t)disk.f_type);
	}
	free(dir);
}

/* --- tools --- */

/* Whether a command of that name can be run: in PATH, or at its path below the
 * working folder. */
static bool is_there(const char *name, const char *workdir) {
	if (strchr(name, '/') != NULL) {
		char *path = name[0] == '/' ? xstrdup(name)
									: xasprintf("%s/%s", workdir, name);
		bool found = access(path, X_OK) == 0;
		free(path);
		return found;
	}
	const char *list = getenv("PATH");
	char *copy = xstrdup(list != NULL ? list : "/usr/bin:/bin");
	bool found = false;
	char *rest = NULL;
	for (char *dir = strtok_r(copy, ":", &rest); dir != NULL && !found;
			dir = strtok_r(NULL, ":", &rest)) {
		char *path = xasprintf("%s/%s", dir, name);
		found = access(path, X_OK) == 0;
		free(path);
	}
	free(copy);
	return found;
}

static void check_tools(const struct config_file *file,
		const struct tools *tools, struct findings *findings) {
	for (size_t i = 0; i < tools->count; i++) {
		const struct tool *tool = &tools->list[i];
		const struct config_target *target = config_target(
				file->config, tool->on);
		if (target == NULL || !config_target_is_local(target)) {
			continue;
		}
		char *workdir = planner_workdir(file->config, file->dir, target);
		if (!is_there(tool->name, workdir)) {
			findings_add(findings, SEVERITY_ERROR, "tool",
					line_of(target->line),
					"step %s runs `%s`, which is not on %s: install it, or put "
					"it into PATH",
					tool->step, tool->name, tool->on);
		}
		free(workdir);
	}
}

void check_machine(const struct config_file *file, const struct tools *tools,
		struct online_judge *judge) {
	check_runner(judge->findings);
	check_state(file, judge);
	check_tools(file, tools, judge->findings);
}
