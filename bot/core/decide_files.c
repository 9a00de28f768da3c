#include <stdlib.h>
#include <string.h>

#include "core/deciding.h"
#include "core/flow.h"

/*
 * What people attach: offered by what they say, fetched by the shell, and only
 * then evidence.
 */

bool deciding_offer_files(
		struct deciding *d, const struct run *run, uint32_t step) {
	const struct request *request = d->request;
	if (request->file_count > RUN_FILES - run->file_count) {
		return false;
	}
	for (size_t i = 0; i < request->file_count; i++) {
		struct event event = deciding_event(d, EVENT_FILE_OFFERED);
		event.run = run->number;
		event.step = step;
		event.index = (uint32_t)(run->file_count + i);
		event.name = request->files[i];
		bool said = request->text != NULL && request->text[0] != '\0';
		event.text = said ? request->text : NULL;
		deciding_add(d, event);
	}
	return true;
}

const char *deciding_no_room(struct deciding *d, const struct run *run) {
	return decision_print(d->decision,
			"%s can keep %d files and has %zu\nnothing was done",
			deciding_label(d, run), RUN_FILES, run->file_count);
}

static struct event settled(const struct deciding *d, enum event_type type,
		const struct run *run, const struct run_file *file) {
	struct event event = event_make(type, d->world->now_ms);
	event.run = run->number;
	event.step = file->step;
	event.user = file->user;
	event.post = file->post;
	event.root = file->root;
	return event;
}

/* Of the files that came with @file in one message: whether another is still
 * to be fetched, and whether any is kept. */
static void look_at_message(const struct run *run, const struct run_file *file,
		bool *more, bool *any) {
	for (size_t i = 0; i < run->file_count; i++) {
		const struct run_file *other = &run->files[i];
		if (other == file || other->post == NULL ||
				strcmp(other->post, file->post) != 0) {
			continue;
		}
		*more = *more || other->status == FILE_OFFERED;
		*any = *any || other->status == FILE_KEPT;
	}
}

/* One of blanks alone comes to none here. */
static const char *name_of(const struct request *request) {
	return request->file_name != NULL ? request->file_name : "file";
}

/* A step that asked for evidence is done when all of a message is settled and
 * something of it is kept. */
static void end_step(struct deciding *d, const struct run *run,
		const struct run_file *file, bool kept) {
	bool more = false;
	bool any = kept;
	if (file->step >= run->step_count || file->post == NULL) {
		return;
	}
	const struct step *model = &run->plan->runbook->steps[file->step];
	const struct step_state *step = &run->steps[file->step];
	look_at_message(run, file, &more, &any);
	if (more || !any || !model->evidence || model->kind != STEP_MANUAL ||
			step->status != STEP_ASKED || step->asked_count != file->asked ||
			!flow_is_active(run, file->step)) {
		return;
	}
	struct event event = settled(d, EVENT_STEP_ENDED, run, file);
	event.outcome = OUTCOME_OK;
	event.text = kept ? name_of(d->request) : NULL;
	deciding_add(d, event);
}

void decide_file_fetched(struct deciding *d) {
	const struct request *request = d->request;
	const struct run *run = bridge_run(d->bridge, request->run);
	if (run == NULL || request->file >= run->file_count ||
			run->files[request->file].status != FILE_OFFERED) {
		return; // told twice
	}
	const struct run_file *file = &run->files[request->file];
	bool kept = request->outcome == OUTCOME_OK;
	struct event event = settled(
			d, kept ? EVENT_FILE_KEPT : EVENT_FILE_LOST, run, file);
	event.index = request->file;
	event.name = kept ? name_of(request) : request->file_name;
	if (kept) {
		event.path = request->file_path;
		event.number = request->file_bytes;
		event.digest = request->file_digest;
	} else {
		event.text = request->reason;
	}
	deciding_add(d, event);
	end_step(d, run, file, kept);
}
