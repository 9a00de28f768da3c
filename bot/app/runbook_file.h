#ifndef RUNBOOK_FILE_H
#define RUNBOOK_FILE_H

#include <stddef.h>

#include "base/err.h"
#include "codec/config.h"
#include "core/runbook.h"

/*
 * A runbook where it stands on disk, read and checked: against a config too,
 * where there is one.
 */

struct runbook_file {
	char *path;
	char *text; // NUL-terminated, as the file holds it
	size_t len;
	struct runbook *runbook;  // as far as it could be read
	struct findings findings; // sorted
};

/*
 * Read and check the file @path.  @config may be NULL; @base_dir is its
 * folder.  False with @err where the file cannot be read; what is wrong with
 * the runbook is in file->findings and no failure.  Pair with
 * runbook_file_finish(), on failure too.
 */
bool runbook_file_read(struct runbook_file *file, const char *path,
		const struct config *config, const char *base_dir, struct err *err)
		__attribute__((warn_unused_result));

/* Safe on a zeroed one. */
void runbook_file_finish(struct runbook_file *file);

#endif
