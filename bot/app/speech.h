#ifndef SPEECH_H
#define SPEECH_H

#include "app/voice.h"
#include "base/err.h"

/*
 * The voice that people hear: render/message over the built-in templates and
 * the user's own.
 */

/*
 * @folder holds the user's own templates, NAME.mustache; NULL: there are none.
 * @prefix is copied and must be the same for the whole life of a journal: the
 * keys of what was said begin with it.  One that cannot be used keeps no run
 * from its bot: the built-in text is said in its place.  @problem: the first of
 * what was wrong, in words, which the caller frees; NULL: nothing was.
 */
struct voice *speech_create(const char *folder, const char *prefix,
		char **problem) __attribute__((returns_nonnull, warn_unused_result));

/* Accepts NULL. */
void speech_destroy(struct voice *voice);

/* Read the templates again.  In the place of one that cannot be used the last
 * that could is said on; what was wrong as above, which the caller frees. */
char *speech_reload(struct voice *voice, const char *folder)
		__attribute__((warn_unused_result));

#endif
