/*
 * Preloaded: every folder is on another machine's disk, as far as statfs(2)
 * tells.  Built as a library for tests/e2e/check_online.py.
 */
#include <dlfcn.h>
#include <sys/statfs.h>

#define NFS_SUPER_MAGIC 0x6969 // statfs(2)

int statfs(const char *file, struct statfs *buf) {
	int (*next)(const char *, struct statfs *);
	*(void **)&next = dlsym(RTLD_NEXT, "statfs");
	int status = next(file, buf);
	buf->f_type = NFS_SUPER_MAGIC;
	return status;
}
