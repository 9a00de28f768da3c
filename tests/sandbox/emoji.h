#ifndef EMOJI_H
#define EMOJI_H

#include <stdbool.h>

/* Whether 11.6 would know the emoji @name.  A part of its list: common ones. */
bool emoji_is_known(const char *name);

#endif
