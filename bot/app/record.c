#include "app/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/recover.h"
#include "app/split.h"
#include "app/voice.h"
#include "base/xalloc.h"
#include "codec/event_json.h"
#include "core/decide.h"
#include "journal/journal.h"
#include "sys/log.h"

#define INPUT_ROOM 100

/* The last lock against starting an attempt twice is the journal's own: the
 * start has an identity, whoever asked for it. */
static const char *identity_of(const struct decision *decision,
		const char *input, char room[INPUT_ROOM]) {
	for (size_t i = 0; input == NULL && i < decision->count; i++) {
		const struct event *event = &decision->events[i];
		if (event->type == EVENT_ATTEMPT_STARTED) {
			snprintf(room, INPUT_ROOM, "attempt:%u.%u.%u.%u.%u:started",
					event->run, event->step, event->block, event->host,
					event->attempt);
			return room;
		}
	}
	return input;
}

static void finish_rows(struct journal_row *rows, size_t count) {
	for (size_t i = 0; i < count; i++) {
		union {
			const char *borrowed;
			void *owned;
		} body = { .borrowed = rows[i].body };
		free(body.owned);
	}
	free(rows);
}

/* Fold the events one by one, writing each down and saying what is said of
 * it.  False: an event that cannot be; the state must be read back. */
static bool fold_events(struct record *record, struct voice_scene *scene,
		const struct decision *decision, struct journal_row *rows,
		struct said *said, bool *took_plan, struct err *err) {
	struct voice *voice = record->voice;
	for (size_t i = 0; i < decision->count; i++) {
		const struct event *event = &decision->events[i];
		rows[i].at_ms = event->at_ms;
		rows[i].type = event_spec(event->type)->name;
		rows[i].body = event_json_write(event, err);
		if (rows[i].body == NULL || !bridge_fold(&record->bridge, event, err)) {
			return false;
		}
		*took_plan = *took_plan || event->type == EVENT_PLAN_FIXED;
		scene->following = event + 1;
		scene->following_count = decision->count - i - 1;
		voice->api->say(voice, scene, event, said);
	}
	return true;
}

static bool is_said(const struct said *said, size_t count, const char *key) {
	for (size_t i = 0; i < count; i++) {
		if (strcmp(said->rows[i].key, key) == 0) {
			return true;
		}
	}
	return false;
}

/* Two things under one key are a mistake of the voice's.  What happened must
 * not be lost for it: the first stands, and the second is not said. */
static void drop_repeated(const struct record *record, struct said *said) {
	struct journal *journal = record->journal;
	for (size_t i = said->count; i > 0; i--) {
		const char *key = said->rows[i - 1].key;
		if (journal->api->has_key(journal, key) || is_said(said, i - 1, key)) {
			log_error("voice.repeated", "key=%s text=\"%s\"", key,
					said->rows[i - 1].text);
			said_drop(said, i - 1);
		}
	}
}

static void log_events(const struct decision *decision) {
	for (size_t i = 0; i < decision->count; i++) {
		const struct event *event = &decision->events[i];
		log_info(event_spec(event->type)->name,
				"run=%u gate=%u step=%d attempt=%u user=%s", event->run,
				event->gate,
				event->step == EVENT_NO_STEP ? -1 : (int)event->step,
				event->attempt, event->user != NULL ? event->user : "-");
	}
}

static enum record_result append(struct record *record,
		const struct journal_batch *batch, struct err *err) {
	struct journal *journal = record->journal;
	switch (journal->api->append(journal, batch, err)) {
	case JOURNAL_APPENDED:
		if (record->failures > 0) {
			log_info("journal.writable", "failures=%u", record->failures);
		}
		record->failures = 0;
		record->said = record->said || batch->outbox_count > 0;
		return RECORD_DONE;
	case JOURNAL_REPEATED:
		log_warn("journal.repeated", "input=%s", batch->input);
		return RECORD_DROPPED;
	case JOURNAL_FAILED:
		if (err->code == ERR_INVALID) {
			log_error("journal.refused", "why=\"%s\"", err->text);
			return RECORD_DROPPED;
		}
		if (record->failures == 0) {
			log_error("journal.unwritable", "why=\"%s\"", err->text);
		}
		record->failures++;
		record->failure = *err;
		return RECORD_LATER;
	}
	return RECORD_LATER;
}

enum record_result record_commit(struct record *record,
		const struct world *world, const struct decision *decision,
		const char *input, bool *took_plan) {
	struct err err = { 0 };
	struct said said = { 0 };
	struct cards_news news = { 0 };
	char room[INPUT_ROOM];
	char head[SHA256_HEX];
	uint64_t seq = 0;
	struct journal *journal = record->journal;
	struct voice_scene scene = {
		.bridge = &record->bridge,
		.world = world,
		.head = head,
	};
	enum record_result result = RECORD_DROPPED;
	struct journal_row *rows = xcalloc(decision->count, sizeof(*rows));
	journal->api->head(journal, &seq, head);
	input = identity_of(decision, input, room);
	*took_plan = false;
	if (!fold_events(record, &scene, decision, rows, &said, took_plan, &err)) {
		log_error("decision.impossible", "why=\"%s\"", err.text);
		goto out;
	}
	cards_say(&record->cards, record->voice, &scene, decision, &said, &news);
	split_said(&said, record->most);
	drop_repeated(record, &said); // of parts too
	for (size_t i = 0; i < decision->count; i++) {
		rows[i].input = input;
	}
	const struct journal_batch batch = {
		.input = input,
		.rows = rows,
		.row_count = decision->count,
		.outbox = said.rows,
		.outbox_count = said.count,
	};
	result = append(record, &batch, &err);
out:
	record->stale = result != RECORD_DONE;
	if (result == RECORD_DONE) {
		log_events(decision);
	}
	cards_settle(&record->cards, &news, result == RECORD_DONE);
	said_finish(&said);
	finish_rows(rows, decision->count);
	return result;
}

bool record_read_back(struct record *record, struct err *err) {
	struct bridge bridge;
	bridge_init(&bridge);
	if (!recover(record->journal, &bridge, err)) {
		bridge_finish(&bridge);
		return false;
	}
	bridge_finish(&record->bridge);
	record->bridge = bridge;
	record->stale = false;
	return true;
}

bool record_init(struct record *record, struct journal *journal,
		struct voice *voice, struct err *err) {
	*record = (struct record){ .journal = journal, .voice = voice };
	bridge_init(&record->bridge);
	return recover(journal, &record->bridge, err);
}

void record_finish(struct record *record) {
	cards_finish(&record->cards);
	bridge_finish(&record->bridge);
}
