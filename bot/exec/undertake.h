#ifndef UNDERTAKE_H
#define UNDERTAKE_H

/*
 * Ends what is left of a command whose step runner was killed.  All of it has
 * the lock `alive` (exec/stepfolder.h) open, and is found by that.  No number
 * is trusted: a process is looked at again, through a descriptor that holds
 * it, before it is signalled.
 */

/*
 * End all that holds `alive` in the working directory: TERM, three seconds
 * later KILL.  Returns when nothing is left, with an exit code for steprun.
 */
int undertake(void);

#endif
