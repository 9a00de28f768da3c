#include "support/frail_journal.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "journal/memory.h"

struct frail {
	struct journal journal;
	struct journal *inner;
	size_t writes;
	size_t die_after; // 0: never
	void (*died)(void *data);
	void *data;
	bool dead;
	size_t appends;
	size_t fail_from; // 0: never
	size_t fail_count;
	size_t settle_failures;
	bool forgets_tries;
	const char *refused_type;
};

static struct frail *of(struct journal *journal) {
	return (struct frail *)journal;
}

static bool refuse(struct err *err) {
	return err_set(err, ERR_IO, "the test's disk is full");
}

static void written(struct frail *self) {
	self->writes++;
	if (self->die_after != 0 && self->writes >= self->die_after) {
		self->die_after = 0;
		self->dead = true;
		self->died(self->data);
	}
}

static bool append_fails(struct frail *self) {
	self->appends++;
	return self->fail_from != 0 && self->appends >= self->fail_from &&
			self->appends < self->fail_from + self->fail_count;
}

static bool is_refused(
		const struct frail *self, const struct journal_batch *batch) {
	for (size_t i = 0; self->refused_type != NULL && i < batch->row_count;
			i++) {
		if (strcmp(batch->rows[i].type, self->refused_type) == 0) {
			return true;
		}
	}
	return false;
}

static enum journal_append_result frail_append(struct journal *journal,
		const struct journal_batch *batch, struct err *err) {
	struct frail *self = of(journal);
	if (is_refused(self, batch)) {
		err_set(err, ERR_INVALID, "the test says that this cannot be");
		return JOURNAL_FAILED;
	}
	if (self->dead || append_fails(self)) {
		refuse(err);
		return JOURNAL_FAILED;
	}
	enum journal_append_result result = self->inner->api->append(
			self->inner, batch, err);
	if (result == JOURNAL_APPENDED) {
		written(self);
	}
	return result;
}

static bool frail_has_input(struct journal *journal, const char *input) {
	struct journal *inner = of(journal)->inner;
	return inner->api->has_input(inner, input);
}

static bool frail_read(struct journal *journal, uint64_t from_seq,
		journal_row_fn fn, void *data, struct err *err) {
	struct journal *inner = of(journal)->inner;
	return inner->api->read(inner, from_seq, fn, data, err);
}

static void frail_head(
		struct journal *journal, uint64_t *seq, char hash[SHA256_HEX]) {
	struct journal *inner = of(journal)->inner;
	inner->api->head(inner, seq, hash);
}

static bool frail_pending(struct journal *journal, outbox_row_fn fn, void *data,
		struct err *err) {
	struct journal *inner = of(journal)->inner;
	return inner->api->pending(inner, fn, data, err);
}

static bool frail_has_key(struct journal *journal, const char *key) {
	struct journal *inner = of(journal)->inner;
	return inner->api->has_key(inner, key);
}

static bool frail_post_of(
		struct journal *journal, const char *key, char *post_id, size_t room) {
	struct journal *inner = of(journal)->inner;
	return inner->api->post_of(inner, key, post_id, room);
}

static bool frail_is_dead(struct journal *journal, const char *key) {
	struct journal *inner = of(journal)->inner;
	return inner->api->is_dead(inner, key);
}

static bool frail_again(
		struct journal *journal, const char *key, struct err *err) {
	struct frail *self = of(journal);
	if (self->dead) {
		return refuse(err);
	}
	bool ok = self->inner->api->again(self->inner, key, err);
	written(self);
	return ok;
}

static bool frail_key_of(
		struct journal *journal, const char *post_id, char *key, size_t room) {
	struct journal *inner = of(journal)->inner;
	return inner->api->key_of(inner, post_id, key, room);
}

static bool frail_tried(
		struct journal *journal, uint64_t id, int64_t at_ms, struct err *err) {
	struct frail *self = of(journal);
	if (self->dead) {
		return refuse(err);
	}
	bool ok = self->forgets_tries ||
			self->inner->api->tried(self->inner, id, at_ms, err);
	written(self);
	return ok;
}

static bool frail_settled(struct journal *journal, uint64_t id,
		enum outbox_state state, const char *post_id, struct err *err) {
	struct frail *self = of(journal);
	if (self->dead) {
		return refuse(err);
	}
	if (self->settle_failures > 0) {
		self->settle_failures--;
		return refuse(err);
	}
	bool ok = self->inner->api->settled(self->inner, id, state, post_id, err);
	written(self);
	return ok;
}

static bool frail_get(
		struct journal *journal, const char *name, char *value, size_t room) {
	struct journal *inner = of(journal)->inner;
	return inner->api->get(inner, name, value, room);
}

static bool frail_put(struct journal *journal, const char *name,
		const char *value, struct err *err) {
	struct frail *self = of(journal);
	if (self->dead) {
		return refuse(err);
	}
	bool ok = self->inner->api->put(self->inner, name, value, err);
	written(self);
	return ok;
}

static void frail_destroy(struct journal *journal) {
	struct frail *self = of(journal);
	self->inner->api->destroy(self->inner);
	free(self);
}

static const struct journal_api api = {
	.append = frail_append,
	.has_input = frail_has_input,
	.read = frail_read,
	.head = frail_head,
	.pending = frail_pending,
	.has_key = frail_has_key,
	.post_of = frail_post_of,
	.is_dead = frail_is_dead,
	.again = frail_again,
	.key_of = frail_key_of,
	.tried = frail_tried,
	.settled = frail_settled,
	.get = frail_get,
	.put = frail_put,
	.destroy = frail_destroy,
};

struct journal *frail_journal_create(void) {
	struct frail *self = xcalloc(1, sizeof(*self));
	self->journal.api = &api;
	self->inner = journal_memory_create();
	return &self->journal;
}

size_t frail_journal_writes(const struct journal *journal) {
	return ((const struct frail *)journal)->writes;
}

void frail_journal_die_after(
		struct journal *journal, size_t nth, void (*fn)(void *), void *data) {
	struct frail *self = of(journal);
	self->die_after = self->writes + nth;
	self->died = fn;
	self->data = data;
}

void frail_journal_revive(struct journal *journal) {
	of(journal)->dead = false;
}

void frail_journal_fail(struct journal *journal, size_t nth, size_t count) {
	struct frail *self = of(journal);
	self->fail_from = self->appends + nth;
	self->fail_count = count;
}

void frail_journal_refuse_type(struct journal *journal, const char *type) {
	of(journal)->refused_type = type;
}

void frail_journal_refuse_settling(struct journal *journal, size_t count) {
	of(journal)->settle_failures = count;
}

void frail_journal_forget_tries(struct journal *journal, bool forget) {
	of(journal)->forgets_tries = forget;
}
