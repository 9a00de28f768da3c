#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "ledger.h"
#include "world.h"

static const struct {
	const char *name;
	tool_fn run;
	bool web; // a fault is an answer, not an end
} tools[] = {
	{ "curl", curl_run, true },
	{ "date", date_run, false },
	{ "docker", docker_run, false },
	{ "helm", helm_run, false },
	{ "kubectl", kubectl_run, false },
	{ "mc", mc_run, false },
	{ "mongodump", mongodump_run, false },
	{ "mongorestore", mongorestore_run, false },
	{ "mongosh", mongosh_run, false },
	{ "site", site_run, true },
	{ "stellaops-cli", stellaops_cli_run, false },
};

static volatile sig_atomic_t told_to_end;

static void note_signal(int signal) {
	told_to_end = signal;
}

/* WORLD is the folder above the one that this program was started from. */
static bool find_root(char *root) {
	char self[TEXT_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0) {
		return false;
	}
	self[n] = '\0';
	snprintf(root, TEXT_MAX, "%s", dirname(dirname(self)));
	return true;
}

static void dawdle(const struct world *world) {
	char text[TEXT_MAX];
	if (!fault_take(world, "slow", text, sizeof(text))) {
		return;
	}
	long ms = strtol(text, NULL, 10);
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };
	while (told_to_end == 0 && nanosleep(&left, &left) != 0 && errno == EINTR) {
	}
}

/* One call at a time changes the world. */
static int lock_world(const struct world *world) {
	char path[TEXT_MAX];
	state_path(world, path, ".lock");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || flock(fd, LOCK_EX) != 0) {
		perror(path);
		exit(125);
	}
	return fd;
}

static int run_tool(struct world *world, size_t tool) {
	dawdle(world);
	if (told_to_end != 0) {
		return 128 + told_to_end;
	}
	int lock = lock_world(world);
	int status = 0;
	if (fault_take(world, "fail", world->fault, sizeof(world->fault)) &&
			!tools[tool].web) {
		status = complain("%s", world->fault);
	} else {
		status = tools[tool].run(world);
	}
	fflush(stdout);
	close(lock);
	return status;
}

int main(int argc, char **argv) {
	long long began_ms = ledger_now_ms();
	struct world world = { .argc = argc, .argv = argv };
	if (argc < 1 || !find_root(world.root)) {
		return complain("standin: cannot find my own place");
	}
	argv[0] = basename(argv[0]);
	signal(SIGTERM, note_signal);
	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		if (strcmp(tools[i].name, argv[0]) == 0) {
			int status = run_tool(&world, i);
			ledger_add(&world, began_ms, status);
			return status;
		}
	}
	return complain("standin: no tool is called %s", argv[0]);
}
