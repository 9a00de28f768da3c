#include "support/folder.h"

#include <dirent.h>
#include <unistd.h>

#include "support/test.h"

void folder_remove(const char *path) {
	DIR *listing = opendir(path);
	assert_non_null(listing);
	for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
		if (entry->d_name[0] != '.') {
			assert_int_equal(unlinkat(dirfd(listing), entry->d_name, 0), 0);
		}
	}
	closedir(listing);
	assert_int_equal(rmdir(path), 0);
}
