#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>

#include "app/config_file.h"
#include "app/sources.h"
#include "base/err.h"

struct hostfiles;
struct journal;
struct server;

/*
 * The config and the runbook on disk, and the people of the server, behind
 * sources.h.  Files are read again when they change; what cannot be used
 * leaves what was read before in force, except that no plan can be made of it.
 */
struct source;

/*
 * Read the config at @path (NULL: where it is looked for) and its runbook.
 * NULL with @err when the config has errors: @err tells the first.  A runbook
 * with errors is told by source_broken().
 */
struct source *source_read(const char *path, struct err *err)
		__attribute__((warn_unused_result));

/* Why what is on disk cannot be used, in words; NULL: it can. */
const char *source_broken(const struct source *source);

/*
 * Take the journal into use, which keeps people's ids, the key of the secrets
 * and the prefix of the runs' names: that of the config when the journal was
 * new, whatever the config says now.
 */
bool source_use_journal(struct source *source, struct journal *journal,
		struct err *err) __attribute__((warn_unused_result));

/* Borrow what reads files of hosts over ssh; NULL: it is gone. */
void source_use_hostfiles(struct source *source, struct hostfiles *hostfiles);

/* Borrow the server for its people; NULL: it is gone. */
void source_use_server(struct source *source, struct server *server);

/* Accepts NULL. */
void source_destroy(struct source *source);

struct sources *source_base(struct source *source);
const struct config_file *source_config(const struct source *source);
const char *source_prefix(const struct source *source);

/* The folder of the user's templates, or NULL. */
const char *source_templates(const struct source *source);

/* The server knows other people, or others by these names. */
void source_people_changed(struct source *source);

enum source_news {
	SOURCE_SAME,
	SOURCE_CHANGED, // it is read and in force; @text says what
	SOURCE_BROKEN,  // it is not; @text says why
};

/*
 * Look whether a file has changed (cheap) and read it again if so, or in any
 * case if @force.  Told once for each change.  @text: caller frees; NULL when
 * it is the same.
 */
enum source_news source_look(struct source *source, bool force, char **text);

#endif
