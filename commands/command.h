#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "codec/match.h"
#include "core/request.h"

/*
 * What can be said to the bot, one file a command.  Words in, a request out;
 * whether it is granted is core/decide's to say.
 *
 * A command stands at the very start of a message.  Its words ignore case,
 * surplus blanks and punctuation behind them, and the characters that phones
 * put in (no-break spaces, fullwidth `!`, curly quotes).  What is nearly a
 * command is never run: it becomes REQUEST_MISSED with an answer.  What is
 * nothing like one becomes nothing.
 */

/* What a message was understood as.  Owns the strings of @request. */
struct command_match {
	bool found;                    // act on @request; false: it was talk
	const struct command *command; // NULL for a miss that is near no command
	struct request request; // type, command, words, step, text, params, …
	char *words;
	char *step;
	char *text;
	char *role; // of delegate; of override the gate
	char *who;
	char *until;
	struct plan_value *params;
	size_t param_count;
};

struct command {
	const char *name; // last word of what is typed: "start"
	bool cutover;     // said after `!cutover`
	bool in_threads;  // acts in the bot's own threads too
	enum request_type type;
	const char *usage;   // "!cutover hold [WHY]"
	const char *summary; // what it does, one line
	const char *who;     // may say it, in words
	/* Of what follows the name, trimmed; case is ignored. */
	const char *pattern;
	/*
	 * Fill @out from what the pattern found; @found is NULL where it did not
	 * match.  A form that cannot be used is answered with command_miss().
	 */
	void (*parse)(const struct match_found *found, const char *rest,
			struct command_match *out);
};

/* All of them, in the order in which help shows them. */
const struct command *const *command_table(size_t *count);

/* The command of that name, case ignored, or NULL. */
const struct command *command_find(const char *name, size_t len);

/* The command that makes requests of @type, or NULL. */
const struct command *command_of(enum request_type type);

/*
 * Understand @message.  @in_thread: it stands in one of the bot's own threads,
 * where only some commands act.  @out is filled in any case; pair with
 * command_match_finish().
 */
void command_parse(
		const char *message, bool in_thread, struct command_match *out);

/* Free what @match owns.  Safe on a zeroed or finished one. */
void command_match_finish(struct command_match *match);

/* --- for the commands' own files --- */

/* Patterns of the common forms. */
#define COMMAND_ALONE "^[.!?\xE2\x80\xA6]*$"
#define COMMAND_STEP  "^(?:step\\s+)?(\\d{1,5}(?:\\.\\d{1,5}){0,7})[.,:;!?]*$"
#define COMMAND_STEP_TEXT \
	"^(?:step\\s+)?(\\d{1,5}(?:\\.\\d{1,5}){0,7})[.,:;!?]*" \
	"(?:\\s+(?:[-:\xE2\x80\x93\xE2\x80\x94]+\\s*)?(\\S[\\s\\S]*))?$"
#define COMMAND_TEXT "^(?:[-:\xE2\x80\x93\xE2\x80\x94]+\\s*)?(\\S[\\s\\S]*)?$"

/* For `parse`: nothing follows. */
void command_parse_alone(const struct match_found *found, const char *rest,
		struct command_match *out);
/* A step, nothing else. */
void command_parse_step(const struct match_found *found, const char *rest,
		struct command_match *out);
/* A step and, if they like, words. */
void command_parse_step_text(const struct match_found *found, const char *rest,
		struct command_match *out);
/* A step and a reason. */
void command_parse_step_why(const struct match_found *found, const char *rest,
		struct command_match *out);
/* Words, if they like. */
void command_parse_text(const struct match_found *found, const char *rest,
		struct command_match *out);

/* Take @group as the command's words, unless they say nothing. */
void command_take_text(
		struct command_match *out, const struct match_group *group);

/* Turn @out into a miss with this answer, Markdown of short lines. */
void command_miss(struct command_match *out, const char *format, ...)
		__attribute__((format(printf, 2, 3)));

/* @text as people's words within an answer: inline code that it cannot break
 * out of, one line, cut short.  Caller frees. */
char *command_quote(const char *text, size_t len);

#endif
