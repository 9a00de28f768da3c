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
 * keys of what was said begin with it.  NULL with @err when a template cannot
 * be used.
 */
struct voice *speech_create(const char *folder, const char *prefix,
		struct err *err) __attribute__((warn_unused_result));

/*
 * The same for a run under way, which no text must keep from its bot: what
 * cannot be used is said by the built-in text.  @problem: the first of what was
 * wrong, in words, which the caller frees; NULL: nothing was.
 */
struct voice *speech_salvage(const char *folder, const char *prefix,
		char **problem) __attribute__((warn_unused_result));

/* Accepts NULL. */
void speech_destroy(struct voice *voice);

/* Read the templates again.  False with @err, the old ones staying in force. */
bool speech_reload(struct voice *voice, const char *folder, struct err *err)
		__attribute__((warn_unused_result));

#endif
