#include "journal/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "journal/batch.h"
#include "journal/chain.h"

/* Strings of these copies are owned, whatever their type says. */
struct journal_memory {
	struct journal journal;
	struct journal_row *rows;
	size_t row_count;
	char **inputs;
	size_t input_count;
	struct outbox_row *outbox;
	size_t outbox_count;
	struct named_value {
		char *name;
		char *value;
	} * values;
	size_t value_count;
	size_t failures;
};

static struct journal_memory *of(struct journal *journal) {
	return (struct journal_memory *)journal;
}

static void free_text(const char *text) {
	union {
		const char *borrowed;
		void *owned;
	} both = { .borrowed = text };
	free(both.owned);
}

static bool copy_out(const char *text, char *out, size_t room) {
	size_t len = strlen(text);
	if (len >= room) {
		return false;
	}
	memcpy(out, text, len + 1);
	return true;
}

static bool memory_has_input(struct journal *journal, const char *input) {
	const struct journal_memory *self = of(journal);
	for (size_t i = 0; i < self->input_count; i++) {
		if (strcmp(self->inputs[i], input) == 0) {
			return true;
		}
	}
	return false;
}

static void memory_head(
		struct journal *journal, uint64_t *seq, char hash[SHA256_HEX]) {
	const struct journal_memory *self = of(journal);
	*seq = self->row_count;
	if (self->row_count > 0) {
		memcpy(hash, self->rows[self->row_count - 1].hash, SHA256_HEX);
	} else {
		chain_origin(hash);
	}
}

/* Appending */

static void add_input(struct journal_memory *self, const char *input) {
	self->inputs = xreallocarray(
			self->inputs, self->input_count + 1, sizeof(self->inputs[0]));
	self->inputs[self->input_count++] = xstrdup(input);
}

static void add_row(struct journal_memory *self, const struct journal_row *row,
		const char *input) {
	char before[SHA256_HEX];
	uint64_t seq;
	memory_head(&self->journal, &seq, before);
	self->rows = xreallocarray(
			self->rows, self->row_count + 1, sizeof(self->rows[0]));
	struct journal_row *copy = &self->rows[self->row_count++];
	*copy = (struct journal_row){
		.seq = seq + 1,
		.at_ms = row->at_ms,
		.type = xstrdup(row->type),
		.input = xstrdup(input),
		.body = xstrdup(row->body),
	};
	chain_hash(before, copy, copy->hash);
}

static void supersede(
		struct journal_memory *self, const struct outbox_row *newer) {
	for (size_t i = 0; i < self->outbox_count; i++) {
		struct outbox_row *row = &self->outbox[i];
		if (row->state == OUTBOX_PENDING && row->kind == OUTBOX_EDIT &&
				strcmp(row->target, batch_text(newer->target)) == 0 &&
				strcmp(row->target_post, batch_text(newer->target_post)) == 0) {
			row->state = OUTBOX_SUPERSEDED;
		}
	}
}

static void add_outbox(
		struct journal_memory *self, const struct outbox_row *row) {
	if (row->kind == OUTBOX_EDIT) {
		supersede(self, row);
	}
	self->outbox = xreallocarray(
			self->outbox, self->outbox_count + 1, sizeof(self->outbox[0]));
	uint64_t id = ++self->outbox_count;
	uint64_t seq = 0;
	char hash[SHA256_HEX];
	char mark[BATCH_MARK_ROOM];
	memory_head(&self->journal, &seq, hash);
	self->outbox[id - 1] = (struct outbox_row){
		.id = id,
		.key = xstrdup(row->key),
		.kind = row->kind,
		.target = xstrdup(batch_text(row->target)),
		.target_post = xstrdup(batch_text(row->target_post)),
		.channel = xstrdup(batch_text(row->channel)),
		.text = xstrdup(batch_text(row->text)),
		.file_path = xstrdup(row->file_path),
		.file_name = xstrdup(row->file_name),
		.state = OUTBOX_PENDING,
		.post_id = xstrdup(""),
		.mark = xstrdup(batch_mark(hash, mark)),
	};
}

static bool key_is_taken(const struct journal_memory *self,
		const struct journal_batch *batch, size_t at) {
	const char *key = batch->outbox[at].key;
	for (size_t i = 0; i < at; i++) {
		if (strcmp(batch->outbox[i].key, key) == 0) {
			return true;
		}
	}
	for (size_t i = 0; i < self->outbox_count; i++) {
		if (strcmp(self->outbox[i].key, key) == 0) {
			return true;
		}
	}
	return false;
}

static enum journal_append_result memory_append(struct journal *journal,
		const struct journal_batch *batch, struct err *err) {
	struct journal_memory *self = of(journal);
	if (!batch_check(batch, err)) {
		return JOURNAL_FAILED;
	}
	if (batch->input != NULL && memory_has_input(journal, batch->input)) {
		return JOURNAL_REPEATED;
	}
	if (self->failures > 0) {
		self->failures--;
		err_set(err, ERR_IO, "the journal cannot be written: the disk is full");
		return JOURNAL_FAILED;
	}
	for (size_t i = 0; i < batch->outbox_count; i++) {
		if (key_is_taken(self, batch, i)) {
			err_set(err, ERR_INVALID,
					"the outbox has a row with key %s already",
					batch->outbox[i].key);
			return JOURNAL_FAILED;
		}
	}
	if (batch->input != NULL) {
		add_input(self, batch->input);
	}
	for (size_t i = 0; i < batch->row_count; i++) {
		add_row(self, &batch->rows[i], batch->input);
	}
	for (size_t i = 0; i < batch->outbox_count; i++) {
		add_outbox(self, &batch->outbox[i]);
	}
	return JOURNAL_APPENDED;
}

static bool memory_read(struct journal *journal, uint64_t from_seq,
		journal_row_fn fn, void *data, struct err *err) {
	struct journal_memory *self = of(journal);
	size_t first = from_seq > 0 ? (size_t)from_seq - 1 : 0;
	for (size_t i = first; i < self->row_count; i++) {
		if (!fn(data, &self->rows[i], err)) {
			return false;
		}
	}
	return true;
}

/* The outbox */

static bool memory_pending(struct journal *journal, outbox_row_fn fn,
		void *data, struct err *err) {
	(void)err;
	const struct journal_memory *self = of(journal);
	for (size_t i = 0; i < self->outbox_count; i++) {
		if (self->outbox[i].state == OUTBOX_PENDING) {
			fn(data, &self->outbox[i]);
		}
	}
	return true;
}

static bool memory_has_key(struct journal *journal, const char *key) {
	const struct journal_memory *self = of(journal);
	for (size_t i = 0; i < self->outbox_count; i++) {
		if (strcmp(self->outbox[i].key, key) == 0) {
			return true;
		}
	}
	return false;
}

static bool memory_post_of(
		struct journal *journal, const char *key, char *post_id, size_t room) {
	const struct journal_memory *self = of(journal);
	for (size_t i = 0; i < self->outbox_count; i++) {
		const struct outbox_row *row = &self->outbox[i];
		if (strcmp(row->key, key) == 0 && row->post_id[0] != '\0') {
			return copy_out(row->post_id, post_id, room);
		}
	}
	return false;
}

static bool memory_is_dead(struct journal *journal, const char *key) {
	const struct journal_memory *self = of(journal);
	for (size_t i = 0; i < self->outbox_count; i++) {
		if (strcmp(self->outbox[i].key, key) == 0) {
			return self->outbox[i].state == OUTBOX_DEAD;
		}
	}
	return false;
}

static void renew(struct outbox_row *row) {
	if (row->state != OUTBOX_PENDING) {
		row->state = OUTBOX_PENDING;
		row->first_try_ms = 0;
		free_text(row->post_id);
		row->post_id = xstrdup("");
	}
}

static bool memory_again(
		struct journal *journal, const char *key, struct err *err) {
	struct journal_memory *self = of(journal);
	struct outbox_row *edit = NULL;
	(void)err;
	for (size_t i = 0; i < self->outbox_count; i++) {
		struct outbox_row *row = &self->outbox[i];
		bool about = strcmp(row->target, key) == 0;
		if ((row->kind == OUTBOX_POST && strcmp(row->key, key) == 0) ||
				(row->kind == OUTBOX_PIN && about)) {
			renew(row);
		} else if (row->kind == OUTBOX_EDIT && about) {
			edit = row;
		}
	}
	if (edit != NULL) {
		renew(edit);
	}
	return true;
}

static bool memory_key_of(
		struct journal *journal, const char *post_id, char *key, size_t room) {
	const struct journal_memory *self = of(journal);
	for (size_t i = 0; i < self->outbox_count; i++) {
		const struct outbox_row *row = &self->outbox[i];
		if (row->kind == OUTBOX_POST && row->post_id[0] != '\0' &&
				strcmp(row->post_id, post_id) == 0) {
			return copy_out(row->key, key, room);
		}
	}
	return false;
}

static struct outbox_row *outbox_by_id(
		struct journal_memory *self, uint64_t id) {
	return id >= 1 && id <= self->outbox_count ? &self->outbox[id - 1] : NULL;
}

static bool memory_tried(
		struct journal *journal, uint64_t id, int64_t at_ms, struct err *err) {
	(void)err;
	struct outbox_row *row = outbox_by_id(of(journal), id);
	if (row != NULL && row->first_try_ms == 0) {
		row->first_try_ms = at_ms;
	}
	return true;
}

static bool memory_settled(struct journal *journal, uint64_t id,
		enum outbox_state state, const char *post_id, struct err *err) {
	struct outbox_row *row = outbox_by_id(of(journal), id);
	if (row == NULL) {
		return err_set(
				err, ERR_NOT_FOUND, "the outbox has no row %" PRIu64, id);
	}
	if (!batch_may_settle(id, row->state, state, err)) {
		return false;
	}
	row->state = state;
	free_text(row->post_id);
	row->post_id = xstrdup(batch_text(post_id));
	return true;
}

/* Named values */

static struct named_value *value_named(
		struct journal_memory *self, const char *name) {
	for (size_t i = 0; i < self->value_count; i++) {
		if (strcmp(self->values[i].name, name) == 0) {
			return &self->values[i];
		}
	}
	return NULL;
}

static bool memory_get(
		struct journal *journal, const char *name, char *value, size_t room) {
	const struct named_value *found = value_named(of(journal), name);
	return found != NULL && copy_out(found->value, value, room);
}

static bool memory_put(struct journal *journal, const char *name,
		const char *value, struct err *err) {
	struct journal_memory *self = of(journal);
	if (!batch_check_value(name, value, err)) {
		return false;
	}
	struct named_value *found = value_named(self, name);
	if (found == NULL) {
		self->values = xreallocarray(
				self->values, self->value_count + 1, sizeof(self->values[0]));
		found = &self->values[self->value_count++];
		*found = (struct named_value){ .name = xstrdup(name) };
	}
	free(found->value);
	found->value = xstrdup(value);
	return true;
}

/* Beginning and end */

static void free_outbox(struct outbox_row *row) {
	free_text(row->key);
	free_text(row->target);
	free_text(row->target_post);
	free_text(row->channel);
	free_text(row->text);
	free_text(row->file_path);
	free_text(row->file_name);
	free_text(row->post_id);
	free_text(row->mark);
}

static void memory_destroy(struct journal *journal) {
	struct journal_memory *self = of(journal);
	for (size_t i = 0; i < self->row_count; i++) {
		free_text(self->rows[i].type);
		free_text(self->rows[i].input);
		free_text(self->rows[i].body);
	}
	for (size_t i = 0; i < self->input_count; i++) {
		free(self->inputs[i]);
	}
	for (size_t i = 0; i < self->outbox_count; i++) {
		free_outbox(&self->outbox[i]);
	}
	for (size_t i = 0; i < self->value_count; i++) {
		free(self->values[i].name);
		free(self->values[i].value);
	}
	free(self->rows);
	free(self->inputs);
	free(self->outbox);
	free(self->values);
	free(self);
}

static const struct journal_api memory_api = {
	.append = memory_append,
	.has_input = memory_has_input,
	.read = memory_read,
	.head = memory_head,
	.pending = memory_pending,
	.has_key = memory_has_key,
	.post_of = memory_post_of,
	.is_dead = memory_is_dead,
	.again = memory_again,
	.key_of = memory_key_of,
	.tried = memory_tried,
	.settled = memory_settled,
	.get = memory_get,
	.put = memory_put,
	.destroy = memory_destroy,
};

struct journal *journal_memory_create(void) {
	struct journal_memory *self = xcalloc(1, sizeof(*self));
	self->journal.api = &memory_api;
	return &self->journal;
}

void journal_memory_fail(struct journal *journal, size_t count) {
	of(journal)->failures = count;
}
