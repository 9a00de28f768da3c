#include "cli/check_hosts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "cli/hosts.h"
#include "cli/look_hosts.h"
#include "exec/child.h"
#include "sys/secret.h"

static struct place line_of(const struct config_target *target) {
	return (struct place){ target->line > 0 ? target->line : 1, 1 };
}

static void check_key(const struct config_file *file,
		const struct config_target *target, struct findings *findings) {
	struct err err = { 0 };
	char *path = config_file_path(file, target->ssh_key);
	struct secret *key = secret_read_file(path, &err);
	if (key == NULL) {
		findings_add(findings, SEVERITY_ERROR, "ssh-key", line_of(target),
				"the key of [target %s]: %s", target->name, err.text);
	}
	secret_destroy(key);
	free(path);
}

/* As known_hosts writes it (sshd(8)); ssh-keygen finds hashed names too. */
static bool is_known(const char *known_hosts, const struct config_host *host) {
	char program[] = "ssh-keygen";
	char find[] = "-F";
	char in[] = "-f";
	char *file = xstrdup(known_hosts);
	char *name = host->port != 0 && host->port != 22
			? xasprintf("[%s]:%u", host->name, host->port)
			: xstrdup(host->name);
	char *const argv[] = { program, find, name, in, file, NULL };
	const int fds[3] = { -1, -1, -1 };
	pid_t pid = 0;
	int status = 0;
	// Where there is no ssh-keygen there is no ssh, which is said elsewhere.
	bool asked = child_spawn(argv, fds, &pid) == 0;
	while (asked && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	free(name);
	free(file);
	return !asked || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void check_known(const struct config_file *file,
		const struct config_target *target, struct findings *findings) {
	char *path = config_file_path(file, target->ssh_known_hosts);
	if (access(path, R_OK) != 0) {
		findings_add(findings, SEVERITY_ERROR, "ssh-known-hosts",
				line_of(target),
				"the known_hosts file of [target %s] cannot be read: %s: %s: "
				"put the hosts' keys there, as ssh-keyscan tells them",
				target->name, path, strerror(errno));
		free(path);
		return;
	}
	for (size_t i = 0; i < target->host_count; i++) {
		const struct config_host *host = &target->hosts[i];
		if (!is_known(path, host)) {
			findings_add(findings, SEVERITY_ERROR, "ssh-known-hosts",
					line_of(target),
					"%s of [target %s] is not in %s: get its key with "
					"ssh-keyscan, compare it on the host, add it",
					host->text, target->name, path);
		}
	}
	free(path);
}

void check_hosts(const struct config_file *file, struct findings *findings) {
	for (size_t i = 0; i < file->config->target_count; i++) {
		const struct config_target *target = &file->config->targets[i];
		if (!config_target_is_local(target)) {
			check_key(file, target, findings);
			check_known(file, target, findings);
		}
	}
}

static void check_answers(const struct config_target *target,
		const struct readings *readings, struct findings *findings) {
	for (size_t i = 0; i < target->host_count; i++) {
		const char *host = target->hosts[i].text;
		const struct reading *reading = readings_of(
				readings, target->name, host);
		if (reading != NULL && reading->problem != NULL) {
			// What ssh says has no colon, and no word on what to do.
			bool bare = strchr(reading->problem, ':') == NULL;
			findings_add(findings, SEVERITY_ERROR, "host", line_of(target),
					"%s of [target %s]: %s%s", host, target->name,
					reading->problem,
					bare ? ": log in there with ssh, this key and as this user,"
						   " and see"
						 : "");
		}
	}
}

void check_hosts_online(const struct config_file *file,
		const struct tools *tools, struct findings *findings) {
	struct hosts hosts;
	struct err err = { 0 };
	if (!hosts_ask(&hosts, file, &err)) {
		findings_add(findings, SEVERITY_ERROR, "host", (struct place){ 1, 1 },
				"hosts cannot be asked: %s", err.text);
	}
	for (size_t i = 0; hosts.files != NULL && i < file->config->target_count;
			i++) {
		check_answers(&file->config->targets[i],
				hostfiles_readings(hosts.files), findings);
	}
	if (hosts.files != NULL) {
		look_hosts(file, hostfiles_readings(hosts.files), tools, findings);
	}
	hosts_finish(&hosts);
}
