#ifndef SYNCED_H
#define SYNCED_H

/*
 * What is left of a journal when the machine loses its power: of each of its
 * files what it held when it was last brought to the disk.  SQLite calls the
 * fdatasync() of synced.c, in a program that is built with it or into which it
 * is preloaded; where DISK names a folder, it keeps such a copy there.
 */

extern unsigned synced_count; // copies so far

#endif
