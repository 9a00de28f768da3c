#ifndef CHECK_H
#define CHECK_H

/*
 * bridgekeeper check RUNBOOK...                  runbooks by themselves
 *                    --config FILE [RUNBOOK...]  against a config; its runbook
 *                                                and files if none is named
 *                    (nothing)                   the config where it is found
 *
 * A line for each finding, `FILE:LINE:COLUMN: error: text [rule]`, and one that
 * sums up; with --json one document (docs/check-json.md).
 */

/*
 * argv[0] is "check".  Returns the exit status: 0 good (warnings too), 1
 * something is wrong, 2 wrong usage, 3 the server could not be reached.
 */
int check_main(int argc, char **argv);

#endif
