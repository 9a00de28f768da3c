#ifndef RUN_H
#define RUN_H

/*
 * bridgekeeper run [--config FILE]: the bot, until SIGTERM or SIGINT.
 *
 * Refuses, with the reason, when the config or the runbook has errors, when
 * the token cannot be read or others may read it, when another bot holds the
 * state folder, or when the journal is damaged.  SIGHUP reads config and
 * runbook again; they are also read when they change.
 */

/*
 * argv[0] is "run".  Returns the exit status: 0 stopped by a signal, 1
 * refused, 2 wrong usage, 3 the journal failed while it ran.
 */
int run_main(int argc, char **argv);

#endif
