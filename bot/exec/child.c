#include "exec/child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"

/* PATH, HOME, USER and LANG: all that a command may see of ours. */
static char **passed_env(void) {
	static const char *const passed[] = { "PATH", "HOME", "USER", "LANG" };
	char **env = xcalloc(5, sizeof(*env));
	size_t count = 0;
	for (size_t i = 0; i < 4; i++) {
		const char *value = getenv(passed[i]);
		if (value != NULL) {
			env[count++] = xasprintf("%s=%s", passed[i], value);
		}
	}
	return env;
}

int child_spawn(char *const *argv, const int fds[3], pid_t *pid) {
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t all;
	sigset_t none;
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	for (int i = 0; i < 3; i++) {
		if (fds[i] >= 0) {
			posix_spawn_file_actions_adddup2(&actions, fds[i], i);
		} else {
			posix_spawn_file_actions_addopen(&actions, i, "/dev/null",
					i == STDIN_FILENO ? O_RDONLY : O_WRONLY, 0);
		}
	}
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr,
			POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
					POSIX_SPAWN_SETSIGMASK);
	char **env = passed_env();
	int code = posix_spawnp(pid, argv[0], &actions, &attr, argv, env);
	for (size_t i = 0; env[i] != NULL; i++) {
		free(env[i]);
	}
	free(env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return code;
}
