#include "cli/check_online.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "codec/shell_scan.h"
#include "exec/spawner.h"
#include "loop/loop.h"
#include "mattermost/client.h"
#include "sys/clock.h"
#include "sys/secret.h"

#define PATIENCE_MS  8000 // real
#define SETTLE_MS    300  // after online: accounts may still be looked up
#define CLOCK_OFF_MS 5000
#define FREE_LEAST   (UINT64_C(100) * 1024 * 1024)
#define FREE_GOOD    (UINT64_C(1024) * 1024 * 1024)

struct online {
	const struct config_file *file;
	struct findings *findings;
	struct loop *loop;
	struct loop_timer *patience;
	struct server *server;
	bool reached;
	bool troubled;
	char why[240]; // it is not online
};

static struct place line_of(uint32_t line) {
	return (struct place){ line > 0 ? line : 1, 1 };
}

/* --- this machine --- */

static void check_runner(struct findings *findings) {
	struct err err = { 0 };
	char *program = spawner_find_program(&err);
	if (program == NULL) {
		findings_add(findings, SEVERITY_ERROR, "steprun", line_of(1), "%s",
				err.text);
	}
	free(program);
}

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

static void check_state(
		const struct config_file *file, struct findings *findings) {
	struct place place = line_of(0);
	char *dir = state_place(file);
	struct statvfs disk;
	if (access(dir, W_OK | X_OK) != 0) {
		findings_add(findings, SEVERITY_ERROR, "state-folder", place,
				"the state folder cannot be written: let this user write %s",
				dir);
	} else if (statvfs(dir, &disk) == 0) {
		uint64_t left = (uint64_t)disk.f_bavail * disk.f_frsize;
		if (left < FREE_GOOD) {
			findings_add(findings,
					left < FREE_LEAST ? SEVERITY_ERROR : SEVERITY_WARNING,
					"disk", place,
					"only %" PRIu64 " MB are free in %s: make room, a night's "
					"output wants 1000",
					left / (1024 * 1024), dir);
		}
	}
	free(dir);
}

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

/* Words that bash itself understands. */
static bool is_of_the_shell(const char *word) {
	static const char *const words[] = { ".", ":", "[", "[[", "alias", "bg",
		"break", "builtin", "case", "cd", "command", "continue", "declare",
		"do", "done", "echo", "elif", "else", "esac", "eval", "exec", "exit",
		"export", "false", "fg", "fi", "for", "function", "getopts", "hash",
		"if", "in", "jobs", "kill", "let", "local", "mapfile", "popd", "printf",
		"pushd", "pwd", "read", "readarray", "readonly", "return", "select",
		"set", "shift", "shopt", "source", "test", "then", "time", "times",
		"trap", "true", "type", "typeset", "ulimit", "umask", "unalias",
		"unset", "until", "wait", "while", "{", "}", "!", "((" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i]) == 0) {
			return true;
		}
	}
	return strchr(word, '$') != NULL || strchr(word, '=') != NULL ||
			strspn(word,
					"0123456789abcdefghijklmnopqrstuvwxyz"
					"ABCDEFGHIJKLMNOPQRSTUVWXYZ._/+-") < strlen(word);
}

static void check_command(const struct config_file *file,
		const struct step *step, const struct block *block, const char *name,
		struct str *told, struct findings *findings) {
	const struct config_target *target = config_target(file->config, block->on);
	if (target == NULL || !config_target_is_local(target)) {
		return;
	}
	char *workdir = target->workdir != NULL
			? config_file_path(file, target->workdir)
			: xstrdup(file->dir);
	char *once = xasprintf("\n%s %s\n", block->on, name);
	if (!is_there(name, workdir) && strstr(str_text(told), once) == NULL) {
		findings_add(findings, SEVERITY_ERROR, "tool", line_of(target->line),
				"step %s runs `%s`, which is not on %s: install it, or put it "
				"into PATH",
				step->number, name, block->on);
		str_add(told, once);
	}
	free(once);
	free(workdir);
}

static void check_block(const struct config_file *file, const struct step *step,
		const struct block *block, struct str *told,
		struct findings *findings) {
	if (block->kind != BLOCK_SH) {
		return;
	}
	struct shell_scan scan;
	shell_scan_read(&scan, block->text);
	for (size_t i = 0; i < scan.command_count; i++) {
		const struct shell_command *command = &scan.commands[i];
		if (command->count > 0 && command->words[0][0] != '\0' &&
				!is_of_the_shell(command->words[0])) {
			check_command(file, step, block, command->words[0], told, findings);
		}
	}
	shell_scan_finish(&scan);
}

static void check_tools(const struct config_file *file,
		const struct runbook *runbook, struct findings *findings) {
	struct str told = { 0 };
	for (size_t i = 0; i < runbook->step_count; i++) {
		const struct step *step = &runbook->steps[i];
		for (size_t j = 0; j < step->block_count; j++) {
			check_block(file, step, &step->blocks[j], &told, findings);
		}
	}
	str_finish(&told);
}

/* --- the server --- */

static void on_online(void *data) {
	struct online *self = data;
	self->reached = true;
	loop_timer_start_real(self->patience, SETTLE_MS);
}

static void on_offline(void *data, const char *why) {
	struct online *self = data;
	snprintf(self->why, sizeof(self->why), "%s", why);
}

static void on_trouble(void *data, const char *what) {
	struct online *self = data;
	if (!self->troubled) {
		findings_add(self->findings, SEVERITY_ERROR, "server", line_of(0), "%s",
				what);
	}
	self->troubled = true;
	loop_stop(self->loop);
}

static void on_patience(void *data) {
	loop_stop(((struct online *)data)->loop);
}

static void on_post(void *data, const struct server_post *post) {
	(void)data;
	(void)post;
}

static void on_taps(void *data, const char *post_id,
		const struct server_tap *taps, size_t count) {
	(void)data;
	(void)post_id;
	(void)taps;
	(void)count;
}

static void on_people(void *data) {
	(void)data;
}

static void on_marked(void *data, const struct server_mark *mark) {
	(void)data;
	(void)mark;
}

/* What keeps @name from approving; NULL: nothing. */
static const char *person_problem(const struct person *person) {
	if (person == NULL) {
		return "has no account on the server: mend the name";
	}
	if (!person->active) {
		return "is deactivated: name somebody else";
	}
	if (person->bot || person->guest) {
		return person->bot ? "is a bot, and bots do not approve"
						   : "is a guest, and guests do not approve";
	}
	return person->member ? NULL : "is not in the channel: invite them";
}

static void check_person(struct online *self, const struct config_role *role,
		const char *name, bool primary) {
	const struct people *people = self->server->api->people(self->server);
	const char *problem = person_problem(people_by_name(people, name));
	if (problem != NULL) {
		findings_add(self->findings,
				primary ? SEVERITY_ERROR : SEVERITY_WARNING, "person",
				line_of(role->line), "%s, %s of %s, %s", name,
				primary ? "primary" : "backup", role->name, problem);
	}
}

static void check_people(struct online *self) {
	const struct config *config = self->file->config;
	for (size_t i = 0; i < config->role_count; i++) {
		const struct config_role *role = &config->roles[i];
		check_person(self, role, role->primary, true);
		for (size_t j = 0; j < role->backups.count; j++) {
			check_person(self, role, role->backups.items[j], false);
		}
	}
}

static void check_clock(struct online *self, const struct clock *clock) {
	int64_t theirs = self->server->api->server_time_ms(self->server);
	int64_t off = clock_now_ms(clock) - theirs;
	if (theirs > 0 && (off > CLOCK_OFF_MS || off < -CLOCK_OFF_MS)) {
		findings_add(self->findings, SEVERITY_WARNING, "clock", line_of(0),
				"this machine's clock is %" PRId64 " s %s of the server's: "
				"set it, for posts tell times by it",
				(off < 0 ? -off : off) / 1000, off < 0 ? "behind" : "ahead");
	}
}

static void want_everybody(struct online *self) {
	const struct config *config = self->file->config;
	const char **names = NULL;
	size_t count = 0;
	for (size_t i = 0; i < config->role_count; i++) {
		const struct config_role *role = &config->roles[i];
		names = xreallocarray(
				names, count + 1 + role->backups.count, sizeof(*names));
		names[count++] = role->primary;
		for (size_t j = 0; j < role->backups.count; j++) {
			names[count++] = role->backups.items[j];
		}
	}
	self->server->api->want_people(self->server, names, count);
	free(names);
}

static const struct server_sink sink = {
	.post = on_post,
	.post_changed = on_post,
	.taps = on_taps,
	.online = on_online,
	.offline = on_offline,
	.people_changed = on_people,
	.trouble = on_trouble,
	.marked = on_marked,
};

static void ask_server(struct online *self, const struct secret *token,
		const struct clock *clock, struct err *err) {
	const struct config_mattermost *mattermost =
			&self->file->config->mattermost;
	char *ca_file = mattermost->ca_file != NULL
			? config_file_path(self->file, mattermost->ca_file)
			: NULL;
	const struct client_options options = {
		.url = mattermost->url,
		.team = mattermost->team,
		.channel = self->file->config->bridge.channel,
		.token = token,
		.ca_file = ca_file,
		.proxy = mattermost->proxy,
	};
	self->server = client_create(self->loop, &options, &sink, self, err);
	if (self->server != NULL) {
		want_everybody(self);
		self->server->api->start(self->server);
		loop_timer_start_real(self->patience, PATIENCE_MS);
		loop_run(self->loop);
		if (self->reached && !self->troubled) {
			check_people(self);
			check_clock(self, clock);
		}
		self->server->api->destroy(self->server);
	}
	free(ca_file);
}

static bool check_server(struct online *self) {
	struct err err = { 0 };
	struct clock *clock = clock_create_real();
	struct secret *token = config_file_token(self->file, &err);
	self->loop = token != NULL ? loop_create(clock, &err) : NULL;
	if (self->loop != NULL) {
		self->patience = loop_timer_create(self->loop, on_patience, self);
		ask_server(self, token, clock, &err);
		loop_timer_destroy(self->patience);
		loop_destroy(self->loop);
	}
	if (!self->reached && !self->troubled) {
		findings_add(self->findings, SEVERITY_ERROR, "server", line_of(0),
				"%s cannot be reached: %s", self->file->config->mattermost.url,
				self->why[0] != '\0'          ? self->why
						: err.text[0] != '\0' ? err.text
											  : "no answer in 8 s");
	}
	secret_destroy(token);
	clock_destroy(clock);
	return self->reached || self->troubled;
}

bool check_online(const struct config_file *file, const struct runbook *runbook,
		struct findings *findings) {
	struct online self = { .file = file, .findings = findings };
	check_runner(findings);
	check_state(file, findings);
	if (runbook != NULL) {
		check_tools(file, runbook, findings);
	}
	return check_server(&self);
}
