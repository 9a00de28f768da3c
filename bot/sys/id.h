#ifndef ID_H
#define ID_H

/*
 * Identities that nobody can guess and nothing repeats, from the kernel's
 * random numbers.
 */

#define ID_LEN  26
#define ID_ROOM (ID_LEN + 1)

/* Write a new id: 26 lower-case letters and digits, 128 random bits and more. */
void id_make(char id[ID_ROOM]);

#endif
