#ifndef HOST_LOOK_H
#define HOST_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/config.h"
#include "codec/tools.h"
#include "core/runbook.h"

/*
 * What a host over ssh must have for a night: the script that looks there, and
 * what its answer means, as findings at the line of the target.  It changes
 * nothing there.
 */

struct host_look {
	const struct config_target *target;
	const char *host;    // as the config writes it
	const char *machine; // for which steprun was built, as `uname -sm` says it
	int64_t asked_ms;    // by this machine's clock
	int64_t answered_ms;
	const struct tools *tools; // of all targets; NULL: none are known
};

/* For sh there, with the words of host_look_words(). */
extern const char host_look_script[];

/* What follows the script: NULL-terminated, borrowed from @look.  Caller frees
 * the array. */
const char **host_look_words(const struct host_look *look)
		__attribute__((returns_nonnull));

/* False: the answer makes no sense, or its end is missing. */
bool host_look_judge(const struct host_look *look, const char *answer,
		struct findings *findings);

/* Machine and home folder, to be told from those of other hosts: where they are
 * the same a step runs twice in one place.  NULL: not said.  Caller frees. */
char *host_look_place(const char *answer) __attribute__((warn_unused_result));

#endif
