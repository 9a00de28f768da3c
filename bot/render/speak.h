#ifndef SPEAK_H
#define SPEAK_H

#include <cjson/cJSON.h>

#include "render/message.h"

/*
 * How the message files of render say something: a context is made, a template
 * says it, a row is added.  Keys and contexts given here are taken over.
 */

struct speech {
	const struct message_world *in;
	const struct world *world;
	const struct bridge *bridge;
	const struct event *event;
	struct message_rows *rows;
};

/* What each family of events has to say; called for its own types only. */
void speak_of_gate(const struct speech *speech);
void speak_of_poll(const struct speech *speech);
void speak_of_run(const struct speech *speech);
void speak_of_status(const struct speech *speech);
void speak_of_step(const struct speech *speech);
void speak_of_file(const struct speech *speech);
/* Its board, where the step is a smoke test. */
void speak_of_smoke(
		const struct speech *speech, const struct run *run, size_t index);
void speak_of_command(const struct speech *speech);
void speak_of_plan(const struct speech *speech);
void speak_of_bot(const struct speech *speech);

/* --- rows --- */

/* Post in the channel, or in the thread of our post @thread_key (NULL: the
 * channel). */
void speak_post(const struct speech *speech, char *take_key,
		const char *thread_key, const char *template, cJSON *take_context);

/* Post in another channel of the team. */
void speak_elsewhere(const struct speech *speech, char *take_key,
		const char *channel, const char *template, cJSON *take_context);

/* Post where the event's command was said, under "answer/…". */
void speak_answer(
		const struct speech *speech, const char *template, cJSON *take_context);

/* The same under a key of its own: below the message that it is about. */
void speak_reply(const struct speech *speech, char *take_key,
		const char *template, cJSON *take_context);

/* Edit our post @target_key. */
void speak_edit(const struct speech *speech, const char *target_key,
		const char *template, cJSON *take_context);

/* Post @take_text in the channel. */
void speak_post_text(
		const struct speech *speech, char *take_key, char *take_text);

/* Attach a file to the row that was added last. */
void speak_attach(
		const struct speech *speech, const char *path, char *take_name);

/* Seed our post with the first yes and no of the settings. */
void speak_seed(const struct speech *speech, const char *target_key);

/* Acknowledge what a person said by tapping @emoji on it; the event's post. */
void speak_ack(const struct speech *speech, const char *emoji);

void speak_pin(const struct speech *speech, const char *target_key, bool pin);

/* A key below the run's or, with NULL, the bridge's own. */
char *speak_key(const struct speech *speech, const struct run *run,
		const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Keys of the posts that message.h names. */
char *speak_card_key(const struct speech *speech, const struct run *run);
char *speak_gate_key(
		const struct speech *speech, const struct gate_state *gate);
char *speak_step_key(
		const struct speech *speech, const struct run *run, size_t step);

/* Key of the post that says that a step failed, or asks how it ended. */
char *speak_stopped_key(
		const struct speech *speech, const struct run *run, size_t step);

/* --- contexts --- */

/* An object with `run`, `kind` and `release`; @run may be NULL. */
cJSON *speak_context(const struct speech *speech, const struct run *run);

/* Text that the template escapes; NULL or "" counts as absent. */
void speak_put(cJSON *object, const char *name, const char *text);
void speak_take(cJSON *object, const char *name, char *take_text);
/* Markdown. */
void speak_put_raw(cJSON *object, const char *name, const char *text);
void speak_take_raw(cJSON *object, const char *name, char *take_text);
/* A list of names or numbers, on lines of its own length. */
void speak_take_list(cJSON *object, const char *name, char *take_text);
void speak_put_flag(cJSON *object, const char *name, bool flag);
void speak_put_count(cJSON *object, const char *name, size_t count);
/* "3f9a1c2b77d0" */
void speak_put_digest(
		cJSON *object, const char *name, const char *digest, int digits);
/* An empty array under @name. */
cJSON *speak_put_list(cJSON *object, const char *name);
/* A new object at the end of @list. */
cJSON *speak_add(cJSON *list);

/* --- facts that several messages share --- */

/* "9 of 23 steps" of the phases that the run is about now. */
char *speak_progress(const struct run *run);

/* "T+45m, 02:45", @brief: "T+45m"; or "". */
char *speak_next_milestone(
		const struct speech *speech, const struct run *run, bool brief);

/* How many of an open @gate's places are filled, `1 of 2`, to be freed; NULL:
 * it is not open, or there is none. */
char *speak_gate_so_far(
		const struct speech *speech, const struct gate_state *gate);

/* "1 of 2": how far the approval of @plan is, or NULL where it is not open. */
char *speak_plan_asked(
		const struct speech *speech, const struct plan_record *plan);

/* What the lead says next once @plan is approved. */
const char *speak_next_command(
		const struct speech *speech, const struct plan_record *plan);

/* "Rollback ready: 3 undo values, 31 min old", @brief: without how many;
 * "Rollback lacks SNAP: passes over 6.2", @brief: "Rollback lacks SNAP"; "" where there is no rollback. */
char *speak_rollback_ready(
		const struct speech *speech, const struct run *run, bool brief);

/* "6.2, 6.4": the rollback's steps that need the value @name, or "". */
char *speak_undo_users(const struct run *run, const char *name);

/* "4.2.2, 5.1": steps of which an attempt runs; "" for none. */
char *speak_running(const struct run *run);

/* What the bridge waits for, as Markdown: "nobody", or whom and why; @calls:
 * mention them;
 * @brief: of a step, only whom. */
char *speak_waiting(const struct speech *speech, bool calls, bool brief);

/* Names of those whose approval let the newest passed gate of @purpose pass,
 * or "". */
char *speak_approvers(
		const struct speech *speech, uint32_t run, enum gate_purpose purpose);

/* "3 go, 1 no-go, 0 silent" */
char *speak_poll_tally(
		const struct speech *speech, const struct poll_state *poll);

/* Kind of the phase that a step belongs to. */
enum phase_kind speak_phase_of(const struct run *run, size_t step);

/* The first step of @kind that is part of the run: "4.1.1 Title", or "". */
char *speak_first_step(const struct run *run, enum phase_kind kind);

/* The step's line for status and card notes: "3 of 15 min". */
char *speak_step_note(
		const struct speech *speech, const struct run *run, size_t step);

#endif
