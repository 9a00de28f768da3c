#include "exec/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "exec/attempt.h"
#include "exec/stepfolder.h"
#include "sys/log.h"

#define DESCRIPTORS 16

static int remove_one(
		const char *path, const struct stat *info, int kind, struct FTW *ftw) {
	(void)info;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static bool is_alive(const char *folder) {
	char *alive = xasprintf("%s/%s", folder, STEP_ALIVE);
	char *lock = xasprintf("%s/%s", folder, STEP_LOCK);
	bool held = step_is_locked(alive) || step_is_locked(lock);
	free(lock);
	free(alive);
	return held;
}

/* A command may have put anything there; links are not followed. */
static bool remove_folder(const char *folder) {
	if (nftw(folder, remove_one, DESCRIPTORS,
				FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0) {
		return true;
	}
	log_warn("attempt.unremoved", "folder=%s why=\"%s\"", folder,
			strerror(errno));
	return false;
}

size_t sweep_attempts(const char *attempts, size_t most,
		bool (*may_go)(void *data, const char *id), void *data) {
	DIR *dir = opendir(attempts);
	size_t removed = 0;
	const struct dirent *entry;
	while (dir != NULL && removed < most && (entry = readdir(dir)) != NULL) {
		const char *id = entry->d_name;
		if (id[0] == '.' || !attempt_id_is_good(id) || !may_go(data, id)) {
			continue;
		}
		char *folder = xasprintf("%s/%s", attempts, id);
		removed += !is_alive(folder) && remove_folder(folder);
		free(folder);
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return removed;
}
