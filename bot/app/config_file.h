#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "base/err.h"
#include "codec/config.h"
#include "core/runbook.h"

/*
 * The config where it stands on disk: found, read and parsed, with what was
 * found wrong, and the folder that its relative paths start from.
 */

struct config_file {
	char *path;            // as given or found; NULL: none was found
	char *dir;             // of it; "." for a bare name
	struct config *config; // NULL where there was any error
	struct findings findings;
};

/*
 * Read @path, or where that is NULL ./config.ini, else
 * /etc/bridgekeeper/config.ini.  False with @err where there is none, where it
 * cannot be read (ERR_IO), or where it holds errors (ERR_INVALID): @err tells
 * the first, @file->findings all.  Pair with config_file_finish(), on failure
 * too.
 */
bool config_file_read(struct config_file *file, const char *path,
		struct err *err) __attribute__((warn_unused_result));

/* Safe on a zeroed one. */
void config_file_finish(struct config_file *file);

/* The path of something that the config names.  Caller frees. */
char *config_file_path(const struct config_file *file, const char *path)
		__attribute__((returns_nonnull, warn_unused_result));

struct secret;

/* The bot's token, from the file or the credential that the config names.  NULL
 * with @err, which says that it is about the token. */
struct secret *config_file_token(const struct config_file *file,
		struct err *err) __attribute__((warn_unused_result));

#endif
