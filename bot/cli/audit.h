#ifndef AUDIT_H
#define AUDIT_H

/*
 * bridgekeeper audit verify|tail|export: the journal, read on its own, also
 * while the bot runs.  Nothing is written.
 *
 *	verify [--head HEX]…   recompute every row; heads as posted must be there
 *	tail [-n N]            the last rows, for people
 *	export [--json]        every row, a JSON object a line
 *
 * All take --config FILE, or --state DIR for a state folder without its config.
 */

/*
 * argv[0] is "audit".  Returns the exit status: 0 good, 1 something is wrong
 * with the journal, 2 wrong usage or config, 3 no journal can be read.
 */
int audit_main(int argc, char **argv);

#endif
