#include "codec/match.h"

#include <stdint.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/xalloc.h"

/* Measured: `^(a+)+$` on a long line is given up in a millisecond. */
#define STEPS_MAX 100000
/* PCRE2 counts its steps anew from every place where a match could begin:
 * without a sum over all of them `a*a*d` took 80 s on 10 kB. */
#define ITEMS_MAX     4000000
#define BYTES_OF_ITEM 16
#define DEPTH_MAX     250
#define HEAP_MAX_KIB  1024

struct match {
	pcre2_code *code;
	pcre2_match_context *limits;
};

static uint32_t options_of(unsigned flags) {
	uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF |
			PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
	if ((flags & MATCH_IGNORE_CASE) != 0) {
		options |= PCRE2_CASELESS;
	}
	if ((flags & MATCH_EXTENDED) != 0) {
		options |= PCRE2_EXTENDED;
	}
	return options;
}

struct match *match_compile(const char *pattern, size_t len, unsigned flags,
		size_t *offset, struct err *err) {
	*offset = 0;
	if (len > MATCH_PATTERN_MAX) {
		err_set(err, ERR_INVALID, "a pattern of %zu bytes; at most %zu", len,
				MATCH_PATTERN_MAX);
		return NULL;
	}
	int number = 0;
	PCRE2_SIZE where = 0;
	pcre2_code *code = pcre2_compile(
			(PCRE2_SPTR)pattern, len, options_of(flags), &number, &where, NULL);
	if (code == NULL) {
		char text[160] = "";
		pcre2_get_error_message(number, (PCRE2_UCHAR *)text, sizeof(text));
		*offset = where < len ? where : len;
		err_set(err, ERR_INVALID, "the pattern does not compile: %s", text);
		return NULL;
	}
	struct match *match = xcalloc(1, sizeof(*match));
	match->code = code;
	match->limits = pcre2_match_context_create(NULL);
	if (match->limits == NULL) {
		abort();
	}
	pcre2_set_match_limit(match->limits, STEPS_MAX);
	pcre2_set_depth_limit(match->limits, DEPTH_MAX);
	pcre2_set_heap_limit(match->limits, HEAP_MAX_KIB);
	return match;
}

void match_free(struct match *match) {
	if (match == NULL) {
		return;
	}
	pcre2_match_context_free(match->limits);
	pcre2_code_free(match->code);
	free(match);
}

static void fill_found(struct match_found *found, const char *subject,
		pcre2_match_data *data, uint32_t groups) {
	const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(data);
	*found = (struct match_found){ .count = groups };
	for (uint32_t i = 0; i < groups; i++) {
		PCRE2_SIZE start = ends[2 * i];
		PCRE2_SIZE end = ends[2 * i + 1];
		// \K in a lookahead can put the start behind the end.
		if (start != PCRE2_UNSET && start <= end) {
			found->groups[i].start = subject + start;
			found->groups[i].len = end - start;
		}
	}
}

/* What a match has cost so far. */
struct effort {
	uint64_t items;
	PCRE2_SIZE at; // in the subject
};

/* Called before every item of the pattern that is tried.  An item may have
 * read far ahead: so many bytes cost as much as an item. */
static int on_item(pcre2_callout_block *block, void *data) {
	struct effort *effort = data;
	PCRE2_SIZE at = block->current_position;
	PCRE2_SIZE read = at > effort->at ? at - effort->at : effort->at - at;
	effort->items += 1 + read / BYTES_OF_ITEM;
	effort->at = at;
	return effort->items > ITEMS_MAX ? PCRE2_ERROR_CALLOUT : 0;
}

static enum match_answer refuse(int code, struct err *err) {
	if (code == PCRE2_ERROR_MATCHLIMIT || code == PCRE2_ERROR_DEPTHLIMIT ||
			code == PCRE2_ERROR_HEAPLIMIT || code == PCRE2_ERROR_CALLOUT) {
		err_set(err, ERR_INVALID, "pattern too expensive");
		return MATCH_ERROR;
	}
	char text[160] = "";
	pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof(text));
	err_set(err, ERR_INVALID, "the pattern could not be tried: %s", text);
	return MATCH_ERROR;
}

enum match_answer match_find(const struct match *match, const char *subject,
		size_t len, struct match_found *found, struct err *err) {
	if (len > MATCH_SUBJECT_MAX) {
		err_set(err, ERR_INVALID,
				"%zu bytes to search; a pattern is tried on %zu at most", len,
				MATCH_SUBJECT_MAX);
		return MATCH_ERROR;
	}
	pcre2_match_data *data = pcre2_match_data_create_from_pattern(
			match->code, NULL);
	if (data == NULL) {
		abort();
	}
	struct effort effort = { 0 };
	pcre2_set_callout(match->limits, on_item, &effort);
	int code = pcre2_match(
			match->code, (PCRE2_SPTR)subject, len, 0, 0, data, match->limits);
	pcre2_set_callout(match->limits, NULL, NULL);
	enum match_answer answer = MATCH_NO;
	if (code >= 0) {
		answer = MATCH_YES;
		if (found != NULL) {
			uint32_t groups = pcre2_get_ovector_count(data);
			fill_found(found, subject, data,
					groups < MATCH_GROUPS_MAX ? groups : MATCH_GROUPS_MAX);
		}
	} else if (code != PCRE2_ERROR_NOMATCH) {
		answer = refuse(code, err);
	}
	pcre2_match_data_free(data);
	return answer;
}
