#ifndef ATTEND_H
#define ATTEND_H

/*
 * The far end of an attempt on another host (exec/far.h is the near one):
 * steprun as ssh starts it there, in the user's home folder.
 *
 *	steprun --far hello          nothing: it can be run here
 *	steprun --far make FOLDER    the attempt's folder, durably
 *	steprun --far cancel FOLDER  the file `cancel`
 *	steprun --far attend MODE OFFSET TIMEOUT_MS FOLDER
 *
 * `attend` takes the spec on stdin and starts a runner for it, in a session of
 * its own, unless one was started before; with MODE `look` it starts nothing.
 * Then it says on stdout what it sees, until all is said or nobody listens:
 *
 *	attend 0                 it is here
 *	begun LEN, mark          a runner has begun
 *	log LEN, bytes           of the log, from OFFSET on
 *	published LEN, bytes
 *	status LEN, bytes        how it ended; all is said
 *	lost LEN, reason         its runner died; all is said
 *	refused LEN, reason      it has not begun and never will; all is said
 *	missing 0                there is no such folder
 *
 * each LEN bytes follow a newline; a newline comes first.  One serves at a time: a newer one writes
 * `turn`, and the older leaves.  A refusal is made true by `cancel` before it
 * is said: a runner that is still on its way would see that first.
 */

/* The exit code of `make` where the attempt has begun already: whoever asks
 * for its place has not offered it yet, so that was another's. */
#define ATTEND_USED 98

/* @argv begins behind `--far`.  Returns an exit code. */
int attend_main(int argc, char **argv);

#endif
