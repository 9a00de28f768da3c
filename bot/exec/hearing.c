#include "exec/hearing.h"

#include <stdio.h>
#include <string.h>

#define FRAME_MAX ((size_t)64 * 1024 + 1)

void hearing_init(struct hearing *hearing) {
	*hearing = (struct hearing){ 0 };
	str_init(&hearing->body, FRAME_MAX);
}

void hearing_finish(struct hearing *hearing) {
	str_finish(&hearing->body);
}

void hearing_reset(struct hearing *hearing) {
	hearing->head_len = 0;
	hearing->in_body = false;
	hearing->begun = false;
}

static bool is_log(const struct hearing *hearing) {
	return strcmp(hearing->word, "log") == 0;
}

/* "WORD LEN", and no more. */
static bool read_head(struct hearing *hearing) {
	int end = 0;
	hearing->head[hearing->head_len] = '\0';
	bool good = memchr(hearing->head, '\0', hearing->head_len) == NULL &&
			sscanf(hearing->head, "%15[a-z] %9zu%n", hearing->word,
					&hearing->left, &end) == 2 &&
			(size_t)end == hearing->head_len &&
			strspn(hearing->head + strlen(hearing->word) + 1, "0123456789") > 0;
	return good && (is_log(hearing) || hearing->left <= FRAME_MAX);
}

/* The head is whole: what follows. */
static bool take_head(struct hearing *hearing) {
	bool good = read_head(hearing);
	hearing->head_len = 0;
	if (!hearing->begun) {
		bool first = good && hearing->left == 0 &&
				(strcmp(hearing->word, "attend") == 0 ||
						strcmp(hearing->word, "missing") == 0);
		if (!first) {
			return true;
		}
		hearing->begun = true;
	}
	hearing->in_body = true;
	str_clear(&hearing->body);
	return good;
}

static bool take_char(struct hearing *hearing, char c) {
	bool full = hearing->head_len + 1 >= sizeof(hearing->head);
	if (c == '\n') {
		return take_head(hearing);
	}
	if (!full) {
		hearing->head[hearing->head_len++] = c;
	}
	return !full || !hearing->begun;
}

static void tell(struct hearing *hearing, const char *bytes, size_t len,
		struct heard *heard) {
	bool whole = hearing->left == 0;
	if (is_log(hearing)) {
		*heard = (struct heard){ hearing->word, bytes, len, whole };
	} else if (whole) {
		*heard = (struct heard){ hearing->word, str_text(&hearing->body),
			hearing->body.len, true };
	}
	hearing->in_body = !whole;
}

size_t hearing_take(struct hearing *hearing, const char *bytes, size_t len,
		struct heard *heard, struct err *err) {
	*heard = (struct heard){ 0 };
	size_t taken = 1;
	if (!hearing->in_body) {
		if (!take_char(hearing, bytes[0])) {
			err_set(err, ERR_INVALID, "what it says makes no sense");
			return 0;
		}
		if (hearing->in_body && hearing->left == 0) {
			tell(hearing, bytes, 0, heard);
		}
		return taken;
	}
	taken = len < hearing->left ? len : hearing->left;
	hearing->left -= taken;
	if (!is_log(hearing)) {
		str_add_bytes(&hearing->body, bytes, taken);
	}
	tell(hearing, bytes, taken, heard);
	return taken;
}
