/* helm: upgrade, secrets upgrade, history, rollback and template. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"

static const char *const helm_options[] = { "-f", "--namespace", "-n",
	"--timeout", "--max", NULL };

/* The @nth file given by -f, or NULL. */
static const char *values_file(const struct world *world, int nth) {
	for (int i = 1; i + 1 < world->argc; i++) {
		if (strcmp(world->argv[i], "-f") == 0 && nth-- == 0) {
			return world->argv[i + 1];
		}
	}
	return NULL;
}

static bool find_chart(const struct world *world, const char *chart) {
	char path[TEXT_MAX];
	snprintf(path, sizeof(path), "%s/Chart.yaml", chart);
	if (!file_exists(path)) {
		complain("Error: path \"%s\" not found", chart);
		return false;
	}
	for (int i = 0; values_file(world, i) != NULL; i++) {
		if (!file_exists(values_file(world, i))) {
			complain("Error: open %s: no such file or directory",
					values_file(world, i));
			return false;
		}
	}
	if (values_file(world, 0) == NULL) {
		complain("Error: no values file");
		return false;
	}
	return true;
}

static void note_deployment(void *data, const char *name) {
	char line[TEXT_MAX + 8];
	snprintf(line, sizeof(line), "%s\n", name);
	state_append(data, line);
}

static void note_deployments(
		const struct cluster *cluster, const char *values) {
	char path[TEXT_MAX];
	cluster_path(cluster, path, "deployments");
	state_write(path, "");
	file_values(values, "- name: ", note_deployment, path);
}

static int upgrade(const struct world *world, const char *chart) {
	struct cluster cluster;
	char secret[TEXT_MAX], release[64], path[TEXT_MAX];
	if (!find_chart(world, chart) || !cluster_open(&cluster, world)) {
		return 1;
	}
	const char *values = values_file(world, 0);
	if (cluster_deployed(&cluster) == NULL) {
		return complain("Error: UPGRADE FAILED: \"stellaops\" has no deployed "
						"releases");
	}
	if (!file_value(values, "release: ", release, sizeof(release)) ||
			!file_value(values, "existingSecret: ", secret, sizeof(secret))) {
		return complain(
				"Error: %s: release and existingSecret are needed", values);
	}
	char name[TEXT_MAX / 4];
	snprintf(name, sizeof(name), "secrets/%.200s", secret);
	cluster_path(&cluster, path, name);
	if (!state_has(path)) {
		return complain(
				"Error: UPGRADE FAILED: secret \"%s\" not found", secret);
	}
	cluster_deploy(&cluster, release);
	note_deployments(&cluster, values);
	printf("Release \"stellaops\" has been upgraded. Happy Helming!\n"
		   "STATUS: deployed\nREVISION: %d\n",
			cluster_deployed(&cluster)->number);
	return 0;
}

/* `helm secrets upgrade`: the last file holds the secrets. */
static int secrets_upgrade(struct world *world, const char *chart) {
	struct cluster cluster;
	char name[TEXT_MAX / 4], secret[TEXT_MAX], path[TEXT_MAX];
	const char *file = values_file(world, 1);
	if (file == NULL || !file_exists(file) || !cluster_open(&cluster, world) ||
			!file_value(file, "name: ", secret, sizeof(secret))) {
		return complain("[helm-secrets] no secrets file");
	}
	snprintf(name, sizeof(name), "secrets/%.200s", secret);
	cluster_path(&cluster, path, name);
	state_write(path, file);
	return upgrade(world, chart);
}

static int history(const struct world *world) {
	struct cluster cluster;
	if (!cluster_open(&cluster, world)) {
		return 1;
	}
	if (cluster.count == 0) {
		return complain("Error: release: not found");
	}
	puts("REVISION\tSTATUS    \tCHART    \tAPP VERSION\tDESCRIPTION");
	for (size_t i = 0; i < cluster.count; i++) {
		printf("%-8d\t%-10s\tstellaops\t%s\tcomplete\n",
				cluster.history[i].number, cluster.history[i].status,
				cluster.history[i].release);
	}
	return 0;
}

static int rollback(const struct world *world, const char *number) {
	struct cluster cluster;
	if (!cluster_open(&cluster, world)) {
		return 1;
	}
	int wanted = (int)strtol(number, NULL, 10);
	for (size_t i = 0; i < cluster.count; i++) {
		const struct revision *revision = &cluster.history[i];
		if (revision->number != wanted) {
			continue;
		}
		if (strcmp(revision->status, "superseded") != 0) {
			return complain("Error: revision %d is deployed already", wanted);
		}
		char release[64];
		snprintf(release, sizeof(release), "%s", revision->release);
		cluster_deploy(&cluster, release);
		puts("Rollback was a success! Happy Helming!");
		return 0;
	}
	return complain("Error: release has no %s version", number);
}

int helm_run(struct world *world) {
	const char *words[4];
	plain_words(world, helm_options, words, 4);
	if (strcmp(words[0], "secrets") == 0 && strcmp(words[1], "upgrade") == 0 &&
			strcmp(words[2], "stellaops") == 0) {
		return secrets_upgrade(world, words[3]);
	}
	if (strcmp(words[1], "stellaops") != 0) {
		return complain("Error: release \"%s\": not found", words[1]);
	}
	if (strcmp(words[0], "upgrade") == 0) {
		return upgrade(world, words[2]);
	}
	if (strcmp(words[0], "history") == 0) {
		return history(world);
	}
	if (strcmp(words[0], "rollback") == 0) {
		return rollback(world, words[2]);
	}
	if (strcmp(words[0], "template") == 0) {
		return find_chart(world, words[2]) ? 0 : 1;
	}
	return complain("Error: unknown command \"%s\" for \"helm\"", words[0]);
}
