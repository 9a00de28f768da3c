#ifndef PLAIN_VOICE_H
#define PLAIN_VOICE_H

#include "app/voice.h"

/*
 * A voice for tests of what happens around it: every event is one post that
 * names it, gates, polls and manual steps get a post of their own with both
 * emojis, every run a pinned card.  Of notes it gets the key wrong: all have one.
 */
struct voice *plain_voice_create(void) __attribute__((warn_unused_result));
void plain_voice_destroy(struct voice *voice);

#endif
