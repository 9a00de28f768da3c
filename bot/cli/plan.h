#ifndef CLI_PLAN_H
#define CLI_PLAN_H

/*
 * bridgekeeper plan RUNBOOK [--json] [--config FILE] [NAME=VALUE...]
 *
 * What the bot understood of a runbook: for people, or as docs/plan-json.md
 * says.  With a config the digest is the plan's, else the document's.
 */

/*
 * argv[0] is "plan".  Returns the exit status: 0 good, 1 the runbook has
 * errors or no plan can be made, 2 wrong usage.
 */
int plan_main(int argc, char **argv);

#endif
