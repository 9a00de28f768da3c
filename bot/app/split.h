#ifndef SPLIT_H
#define SPLIT_H

#include <stddef.h>

#include "app/voice.h"

/*
 * What is too long for one post is said in several, in order, each marked with
 * which of them it is.  Lines are kept whole where they can be, and a block of
 * output that is cut goes on as one.
 */

#define SPLIT_MOST 20 // parts; a text that needs more is cut, and says so

/* The parts of @text, of at most @most characters each, of which there are
 * *@count; one alone bears no mark.  Caller frees each and the array. */
char **split_text(const char *text, size_t most, size_t *count)
		__attribute__((warn_unused_result));

/* Split every post of @said that is too long: the first part keeps the key and
 * the file, those behind it have "/2", "/3" … after it.  @most 0: no limit. */
void split_said(struct said *said, size_t most);

#endif
