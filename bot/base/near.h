#ifndef NEAR_H
#define NEAR_H

#include <stddef.h>

/* Which known word a misspelled one was meant to be. */

/*
 * The one of @words, @count of them, that is nearest to @word, case ignored,
 * counting letters put in, left out, changed or swapped with their neighbour;
 * NULL where none is near enough (a third of the longer one) to be meant.  Of
 * equally near ones the first.
 */
const char *near_word(const char *word, const char *const *words, size_t count);

/* How many such changes lead from @a to @b; SIZE_MAX if either is long. */
size_t near_distance(const char *a, const char *b);

#endif
