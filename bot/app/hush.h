#ifndef HUSH_H
#define HUSH_H

struct config_file;

/*
 * Keeps out of the record what somebody types by mistake: a message is kept for
 * ever, and its words come back in answers, cards and reports.
 */

/*
 * @text with what the config keeps secret hidden (exec/mask.h): the values of
 * all environments and the bot's token, as they are now on disk.  What cannot
 * be read there is not known, and nothing is said of it: no step that needs it
 * starts.  Caller frees.
 */
char *hush_text(const struct config_file *file, const char *text)
		__attribute__((returns_nonnull, warn_unused_result));

#endif
