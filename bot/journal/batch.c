#include "journal/batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *batch_text(const char *text) {
	return text != NULL ? text : "";
}

const char *batch_mark(const char *hash, char mark[BATCH_MARK_ROOM]) {
	snprintf(mark, BATCH_MARK_ROOM, "%.16s", hash);
	return mark;
}

static bool is_name(const char *text) {
	return text != NULL && text[0] != '\0' && strlen(text) <= BATCH_NAME_MAX;
}

static bool fits(const char *text, size_t max) {
	return text == NULL || strlen(text) <= max;
}

static bool check_row(const struct journal_row *row, struct err *err) {
	if (!is_name(row->type)) {
		return err_set(err, ERR_INVALID, "a journal row has no usable type");
	}
	if (row->body == NULL || !fits(row->body, BATCH_TEXT_MAX)) {
		return err_set(err, ERR_INVALID,
				"the body of a %s row is missing or over %zu bytes", row->type,
				BATCH_TEXT_MAX);
	}
	return true;
}

static bool check_outbox(const struct outbox_row *row, struct err *err) {
	if (!is_name(row->key)) {
		return err_set(err, ERR_INVALID, "an outbox row has no usable key");
	}
	if (!fits(row->target, BATCH_NAME_MAX) ||
			!fits(row->target_post, BATCH_NAME_MAX) ||
			!fits(row->channel, BATCH_NAME_MAX) ||
			!fits(row->file_name, BATCH_NAME_MAX) ||
			!fits(row->file_path, BATCH_TEXT_MAX) ||
			!fits(row->text, BATCH_TEXT_MAX)) {
		return err_set(err, ERR_INVALID,
				"outbox row %s has a field that is too long", row->key);
	}
	if (row->kind != OUTBOX_POST && batch_text(row->target)[0] == '\0' &&
			batch_text(row->target_post)[0] == '\0') {
		return err_set(err, ERR_INVALID,
				"outbox row %s does not say which post it is about", row->key);
	}
	bool in_thread = batch_text(row->target)[0] != '\0' ||
			batch_text(row->target_post)[0] != '\0';
	if (batch_text(row->channel)[0] != '\0' &&
			(row->kind != OUTBOX_POST || in_thread)) {
		return err_set(err, ERR_INVALID,
				"outbox row %s is for another channel, where only new posts "
				"are made",
				row->key);
	}
	return true;
}

bool batch_check(const struct journal_batch *batch, struct err *err) {
	if (batch->input != NULL && !is_name(batch->input)) {
		return err_set(err, ERR_INVALID,
				"an input's identity is empty or over %zu bytes",
				BATCH_NAME_MAX);
	}
	for (size_t i = 0; i < batch->row_count; i++) {
		if (!check_row(&batch->rows[i], err)) {
			return false;
		}
	}
	for (size_t i = 0; i < batch->outbox_count; i++) {
		if (!check_outbox(&batch->outbox[i], err)) {
			return false;
		}
	}
	return true;
}

bool batch_check_value(const char *name, const char *value, struct err *err) {
	if (!is_name(name)) {
		return err_set(err, ERR_INVALID, "a named value has no usable name");
	}
	if (value == NULL || strlen(value) > BATCH_VALUE_MAX) {
		return err_set(err, ERR_INVALID,
				"the value of %s is missing or over %zu bytes", name,
				BATCH_VALUE_MAX);
	}
	return true;
}

bool batch_may_settle(uint64_t id, enum outbox_state before,
		enum outbox_state after, struct err *err) {
	if (after != OUTBOX_SENT && after != OUTBOX_DEAD) {
		return err_set(err, ERR_INVALID,
				"outbox row %" PRIu64 " can be settled as sent or dead only",
				id);
	}
	if (before == after || before == OUTBOX_PENDING ||
			before == OUTBOX_SUPERSEDED) {
		return true;
	}
	return err_set(err, ERR_INVALID,
			"outbox row %" PRIu64 " was settled the other way already", id);
}
