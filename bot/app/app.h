#ifndef APP_H
#define APP_H

#include <stdbool.h>

#include "base/err.h"

/*
 * One bot, put together: journal, loop, server, runner, engine, and what lies
 * between them.
 */

struct app_options {
	const char *config_path; // NULL: where it is looked for
	const char *version;     // of the program
};

enum app_end {
	APP_STOPPED,     // by SIGTERM or SIGINT; steps go on without us
	APP_REFUSED,     // config, runbook, token, journal or lock: @err says
	APP_UNREACHABLE, // the journal cannot be read or written at all
};

/*
 * Run until a signal says to stop.  SIGHUP reads config and runbook again.
 * @err is set unless it was stopped.
 */
enum app_end app_run(const struct app_options *options, struct err *err)
		__attribute__((warn_unused_result));

#endif
