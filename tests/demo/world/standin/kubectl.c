/* kubectl: apply, get, rollout status, exec and logs; never --watch. */
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "cluster.h"

static const char *const kubectl_options[] = { "-f", "-n", "--namespace",
	"--output", "--timeout", "--selector", "--tail", NULL };

static int apply_one(const struct cluster *cluster, const char *file) {
	char secret[TEXT_MAX], name[TEXT_MAX / 4], path[TEXT_MAX];
	if (!file_value(file, "name: ", secret, sizeof(secret))) {
		return complain("error: error parsing %s: no name", file);
	}
	snprintf(name, sizeof(name), "secrets/%.200s", secret);
	cluster_path(cluster, path, name);
	printf("secret/%s %s\n", secret,
			state_has(path) ? "configured" : "created");
	state_write(path, file);
	return 0;
}

static int apply(const struct world *world, const struct cluster *cluster) {
	const char *pattern = option(world, "-f");
	glob_t found;
	if (pattern == NULL || glob(pattern, 0, NULL, &found) != 0) {
		return complain("error: the path \"%s\" does not exist",
				pattern != NULL ? pattern : "");
	}
	int status = 0;
	for (size_t i = 0; i < found.gl_pathc && status == 0; i++) {
		status = apply_one(cluster, found.gl_pathv[i]);
	}
	globfree(&found);
	return status;
}

static void print_pod(void *data, const char *name) {
	(void)data;
	printf("%s-5d8f  1/1  Running  0\n", name);
}

static void print_deployment(void *data, const char *name) {
	(void)data;
	printf("deployment.apps/%s\n", name);
}

static int get(const struct cluster *cluster, const char *kind) {
	char path[TEXT_MAX];
	cluster_path(cluster, path, "deployments");
	bool pods = strcmp(kind, "pods") == 0;
	if (cluster_deployed(cluster) == NULL) {
		fputs("No resources found\n", stderr);
		return 0;
	}
	file_values(path, "", pods ? print_pod : print_deployment, NULL);
	return 0;
}

/* @name as "deployment/x" or "deployment.apps/x". */
static bool is_deployed(const struct cluster *cluster, const char *name) {
	const char *slash = strchr(name, '/');
	char path[TEXT_MAX];
	cluster_path(cluster, path, "deployments");
	return slash != NULL && cluster_deployed(cluster) != NULL &&
			file_lists(path, "", slash + 1);
}

static int rollout(const struct cluster *cluster, const char *name) {
	if (!is_deployed(cluster, name)) {
		return complain("Error from server (NotFound): %s not found", name);
	}
	printf("%s successfully rolled out\n", name);
	return 0;
}

static int exec(const struct world *world, const struct cluster *cluster,
		const char *name) {
	if (!is_deployed(cluster, name)) {
		return complain("Error from server (NotFound): %s not found", name);
	}
	if (!has_word(world, "health") || !has_word(world, "queue")) {
		return complain("exec: nothing but \"health queue\" is known here");
	}
	puts("queue: connected, depth 0");
	return 0;
}

static void print_log(void *data, const char *name) {
	(void)data;
	printf("[pod/%s-5d8f] listening\n", name);
}

int kubectl_run(struct world *world) {
	const char *words[3];
	struct cluster cluster;
	plain_words(world, kubectl_options, words, 3);
	if (!cluster_open(&cluster, world)) {
		return 1;
	}
	if (has_word(world, "--watch") || has_word(world, "-w")) {
		return complain("kubectl: --watch never ends");
	}
	if (strcmp(words[0], "apply") == 0) {
		return apply(world, &cluster);
	}
	if (strcmp(words[0], "get") == 0) {
		return get(&cluster, words[1]);
	}
	if (strcmp(words[0], "rollout") == 0 && strcmp(words[1], "status") == 0) {
		return rollout(&cluster, words[2]);
	}
	if (strcmp(words[0], "exec") == 0) {
		return exec(world, &cluster, words[1]);
	}
	if (strcmp(words[0], "logs") == 0) {
		char path[TEXT_MAX];
		cluster_path(&cluster, path, "deployments");
		file_values(path, "", print_log, NULL);
		return 0;
	}
	return complain("error: unknown command \"%s\"", words[0]);
}
