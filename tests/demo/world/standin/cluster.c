#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void read_history(struct cluster *cluster) {
	char path[TEXT_MAX], line[TEXT_MAX];
	cluster_path(cluster, path, "history");
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return;
	}
	while (cluster->count < REVISIONS_KEPT &&
			fgets(line, sizeof(line), file) != NULL) {
		struct revision *revision = &cluster->history[cluster->count];
		if (sscanf(line, "%d %31s %63s", &revision->number, revision->status,
					revision->release) == 3) {
			cluster->count++;
		}
	}
	fclose(file);
}

static void write_history(const struct cluster *cluster) {
	char path[TEXT_MAX], text[TEXT_MAX] = "";
	size_t first = cluster->count > REVISIONS_KEPT
			? cluster->count - REVISIONS_KEPT
			: 0;
	for (size_t i = first; i < cluster->count; i++) {
		size_t used = strlen(text);
		snprintf(text + used, sizeof(text) - used, "%d %s %s\n",
				cluster->history[i].number, cluster->history[i].status,
				cluster->history[i].release);
	}
	cluster_path(cluster, path, "history");
	state_write(path, text);
}

bool cluster_open_named(
		struct cluster *cluster, const struct world *world, const char *name) {
	*cluster = (struct cluster){ .world = world };
	snprintf(cluster->name, sizeof(cluster->name), "%s", name);
	snprintf(cluster->folder, sizeof(cluster->folder), "kube/%.60s/stellaops",
			name);
	read_history(cluster);
	return cluster->count > 0;
}

bool cluster_open(struct cluster *cluster, const struct world *world) {
	const char *config = getenv("KUBECONFIG");
	const char *space = option(world, "--namespace");
	if (space == NULL) {
		space = option(world, "-n");
	}
	if (config == NULL || config[0] == '\0') {
		complain("The connection to the server localhost:8080 was refused: "
				 "KUBECONFIG is not set");
		return false;
	}
	const char *slash = strrchr(config, '/');
	*cluster = (struct cluster){ .world = world };
	snprintf(cluster->name, sizeof(cluster->name), "%s",
			slash != NULL ? slash + 1 : config);
	char *dot = strchr(cluster->name, '.');
	if (dot != NULL) {
		*dot = '\0';
	}
	snprintf(cluster->folder, sizeof(cluster->folder), "kube/%.60s/%.60s",
			cluster->name, space != NULL ? space : "default");
	read_history(cluster);
	return true;
}

const struct revision *cluster_deployed(const struct cluster *cluster) {
	for (size_t i = 0; i < cluster->count; i++) {
		if (strcmp(cluster->history[i].status, "deployed") == 0) {
			return &cluster->history[i];
		}
	}
	return NULL;
}

void cluster_deploy(struct cluster *cluster, const char *release) {
	int last = 0;
	for (size_t i = 0; i < cluster->count; i++) {
		struct revision *revision = &cluster->history[i];
		snprintf(revision->status, sizeof(revision->status), "superseded");
		last = revision->number > last ? revision->number : last;
	}
	struct revision *fresh = &cluster->history[cluster->count++];
	fresh->number = last + 1;
	snprintf(fresh->status, sizeof(fresh->status), "deployed");
	snprintf(fresh->release, sizeof(fresh->release), "%s", release);
	write_history(cluster);
}

void cluster_path(const struct cluster *cluster, char *path, const char *name) {
	state_path(cluster->world, path, "%.200s/%.200s", cluster->folder, name);
}
