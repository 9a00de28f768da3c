#include "app/voice.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

static const char *copy(const char *text) {
	return xstrdup(text != NULL ? text : "");
}

/* The journal's rows borrow; those of this list own. */
static void drop(const char *text) {
	union {
		const char *borrowed;
		void *owned;
	} both = { .borrowed = text };
	free(both.owned);
}

void said_add(struct said *said, const struct outbox_row *row) {
	said->rows = xreallocarray(
			said->rows, said->count + 1, sizeof(said->rows[0]));
	said->rows[said->count] = (struct outbox_row){
		.key = copy(row->key),
		.kind = row->kind,
		.target = copy(row->target),
		.target_post = copy(row->target_post),
		.channel = copy(row->channel),
		.text = copy(row->text),
		.file_path = xstrdup(row->file_path),
		.file_name = xstrdup(row->file_name),
	};
	said->count++;
}

struct outbox_row *said_find(struct said *said, const char *key) {
	for (size_t i = 0; i < said->count; i++) {
		if (said->rows[i].kind == OUTBOX_POST &&
				strcmp(said->rows[i].key, key) == 0) {
			return &said->rows[i];
		}
	}
	return NULL;
}

void said_take_text(struct outbox_row *row, char *text) {
	drop(row->text);
	row->text = text;
}

static void drop_row(const struct outbox_row *row) {
	drop(row->key);
	drop(row->target);
	drop(row->target_post);
	drop(row->channel);
	drop(row->text);
	drop(row->file_path);
	drop(row->file_name);
}

void said_drop(struct said *said, size_t index) {
	drop_row(&said->rows[index]);
	said->count--;
	memmove(&said->rows[index], &said->rows[index + 1],
			(said->count - index) * sizeof(said->rows[0]));
}

void said_finish(struct said *said) {
	for (size_t i = 0; i < said->count; i++) {
		drop_row(&said->rows[i]);
	}
	free(said->rows);
	*said = (struct said){ 0 };
}
