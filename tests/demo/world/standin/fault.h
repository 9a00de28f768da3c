#ifndef FAULT_H
#define FAULT_H

#include "world.h"

/*
 * If a fault file in state/@kind matches the call, count it down and put its
 * third line into @text.  The call is all its words with blanks between.
 */
bool fault_take(
		const struct world *world, const char *kind, char *text, size_t size);

#endif
