/*
 * docker: networks, compose stacks and their containers.
 *
 * A stack is known by its env file (prod.env is stack "prod").  Its release is
 * what the env file says; its containers are the container_name lines of the
 * compose file.  Images are never pulled by `up`, as the compose files say, so
 * a forgotten pull shows; and two stacks cannot hold one container name, so a
 * forgotten `down` shows.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

static const char *const compose_options[] = { "--env-file", "-f", "--format",
	"--tail", NULL };

struct stack {
	struct world *world;
	const char *compose_file;
	char name[TEXT_MAX];
	char release[TEXT_MAX];
	char up_path[TEXT_MAX]; // there while the stack is up
};

static int network_run(struct world *world) {
	const char *words[3];
	static const char *const none[] = { NULL };
	plain_words(world, none, words, 3);
	char path[TEXT_MAX];
	state_path(world, path, "networks/%s", words[2]);
	bool there = state_has(path);
	if (strcmp(words[1], "create") == 0) {
		if (there) {
			return complain("Error response from daemon: network with name %s "
							"already exists",
					words[2]);
		}
		state_write(path, "bridge\n");
		printf("%s\n", words[2]);
		return 0;
	}
	if (strcmp(words[1], "inspect") == 0) {
		if (!there) {
			return complain("Error response from daemon: network %s not found",
					words[2]);
		}
		printf("[{\"Name\":\"%s\",\"Driver\":\"bridge\"}]\n", words[2]);
		return 0;
	}
	return complain("docker network: no command %s here", words[1]);
}

static bool find_stack(struct world *world, struct stack *stack) {
	const char *env_file = option(world, "--env-file");
	stack->world = world;
	stack->compose_file = option(world, "-f");
	if (env_file == NULL || !file_exists(env_file)) {
		complain("couldn't find env file: %s", env_file ? env_file : "");
		return false;
	}
	if (stack->compose_file == NULL || !file_exists(stack->compose_file)) {
		complain("open %s: no such file or directory",
				stack->compose_file ? stack->compose_file : "");
		return false;
	}
	if (!file_value(
				env_file, "RELEASE=", stack->release, sizeof(stack->release)) ||
			!file_value(stack->compose_file, "name: stellaops-", stack->name,
					sizeof(stack->name))) {
		complain("%s: required variable RELEASE is missing a value",
				stack->compose_file);
		return false;
	}
	size_t len = strlen(stack->name);
	if (strncmp(env_file, stack->name, len) != 0 ||
			strcmp(env_file + len, ".env") != 0) {
		complain("%s is not the env file of stack %s", env_file, stack->name);
		return false;
	}
	state_path(world, stack->up_path, "stacks/%.200s", stack->name);
	return true;
}

static void print_image(void *data, const char *value) {
	(void)data;
	printf(" %s Pulled\n", value);
}

static int pull(struct stack *stack) {
	char path[TEXT_MAX];
	state_path(stack->world, path, "pulled/%.200s", stack->name);
	file_values(stack->compose_file, "container_name: ", print_image, NULL);
	state_write(path, stack->release);
	return 0;
}

/* Whether a stack that is up has a container called @container. */
static bool find_container(
		struct world *world, const char *container, char *owner, size_t size) {
	char folder[TEXT_MAX];
	state_path(world, folder, "stacks");
	DIR *dir = opendir(folder);
	if (dir == NULL) {
		return false;
	}
	bool found = false;
	for (struct dirent *entry = readdir(dir); entry != NULL && !found;
			entry = readdir(dir)) {
		char path[TEXT_MAX];
		state_path(world, path, "stacks/%s", entry->d_name);
		found = file_lists(path, "container ", container);
		if (found) {
			snprintf(owner, size, "%s", entry->d_name);
		}
	}
	closedir(dir);
	return found;
}

static void note_conflict(void *data, const char *container) {
	struct stack *stack = data;
	char owner[TEXT_MAX];
	if (stack->name[0] != '\0' &&
			find_container(stack->world, container, owner, sizeof(owner)) &&
			strcmp(owner, stack->name) != 0) {
		complain("Error response from daemon: Conflict. The container name "
				 "\"/%s\" is already in use by stack %s",
				container, owner);
		stack->name[0] = '\0'; // said once
	}
}

static void note_container(void *data, const char *container) {
	struct stack *stack = data;
	char line[TEXT_MAX + 16];
	snprintf(line, sizeof(line), "container %s\n", container);
	state_append(stack->up_path, line);
	printf(" Container %s  Started\n", container);
}

static int up(struct stack *stack) {
	char path[TEXT_MAX], pulled[TEXT_MAX], line[TEXT_MAX + 16];
	state_path(stack->world, path, "networks/stellaops_frontdoor");
	if (!state_has(path)) {
		return complain("network stellaops_frontdoor declared as external, but "
						"could not be found");
	}
	state_path(stack->world, path, "pulled/%.200s", stack->name);
	if (!file_value(path, "", pulled, sizeof(pulled)) ||
			strcmp(pulled, stack->release) != 0) {
		return complain("No such image: stellaops:%s", stack->release);
	}
	if (state_has(stack->up_path)) {
		printf(" Stack %s  Running\n", stack->name);
		return 0;
	}
	file_values(stack->compose_file, "container_name: ", note_conflict, stack);
	if (stack->name[0] == '\0') {
		return 1;
	}
	snprintf(line, sizeof(line), "release %s\n", stack->release);
	state_write(stack->up_path, line);
	file_values(stack->compose_file, "container_name: ", note_container, stack);
	return 0;
}

static void print_removed(void *data, const char *container) {
	(void)data;
	printf(" Container %s  Removed\n", container);
}

static int down(struct stack *stack) {
	if (!state_has(stack->up_path)) {
		return complain(
				"Warning: No resource found to remove for project stellaops-%s",
				stack->name);
	}
	file_values(stack->up_path, "container ", print_removed, NULL);
	state_remove(stack->up_path);
	return 0;
}

static void print_status(void *data, const char *container) {
	const struct stack *stack = data;
	printf("%-24s stellaops:%s  Up (healthy)\n", container, stack->release);
}

static void print_name(void *data, const char *container) {
	(void)data;
	printf("%s\n", container);
}

static void print_log(void *data, const char *container) {
	const struct stack *stack = data;
	printf("%s  | listening, release %s\n", container, stack->release);
}

static int compose_run(struct world *world) {
	const char *words[2];
	struct stack stack;
	plain_words(world, compose_options, words, 2);
	if (!find_stack(world, &stack)) {
		return 1;
	}
	const char *command = words[1];
	if (strcmp(command, "pull") == 0) {
		return pull(&stack);
	}
	if (strcmp(command, "up") == 0 && has_word(world, "-d")) {
		return up(&stack);
	}
	if (strcmp(command, "down") == 0) {
		return down(&stack);
	}
	if (strcmp(command, "config") == 0) {
		return 0;
	}
	if (strcmp(command, "ps") == 0) {
		bool quiet = has_word(world, "--quiet");
		file_values(stack.up_path, "container ",
				quiet ? print_name : print_status, &stack);
		return 0;
	}
	if (strcmp(command, "logs") == 0) {
		file_values(stack.up_path, "container ", print_log, &stack);
		return 0;
	}
	return complain("docker compose: no command %s here", command);
}

static int container_run(
		struct world *world, const char *command, const char *container) {
	char owner[TEXT_MAX];
	if (!find_container(world, container, owner, sizeof(owner))) {
		return complain(
				"Error response from daemon: No such container: %s", container);
	}
	if (strcmp(command, "logs") == 0) {
		printf("%s: listening\n%s: ready\n", container, container);
		return 0;
	}
	if (strcmp(command, "inspect") == 0) {
		puts("healthy");
		return 0;
	}
	if (!has_word(world, "health") || !has_word(world, "queue")) {
		return complain("exec: nothing but \"health queue\" is known here");
	}
	puts("queue: connected, depth 0");
	return 0;
}

int docker_run(struct world *world) {
	static const char *const with_value[] = { "--env-file", "-f", "--format",
		"--tail", NULL };
	const char *words[2];
	plain_words(world, with_value, words, 2);
	if (strcmp(words[0], "network") == 0) {
		return network_run(world);
	}
	if (strcmp(words[0], "compose") == 0) {
		return compose_run(world);
	}
	if (strcmp(words[0], "logs") == 0 || strcmp(words[0], "inspect") == 0 ||
			strcmp(words[0], "exec") == 0) {
		return container_run(world, words[0], words[1]);
	}
	return complain("docker: no command %s here", words[0]);
}
