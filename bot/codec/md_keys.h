#ifndef MD_KEYS_H
#define MD_KEYS_H

#include "codec/md.h"

/*
 * What attributes mean: which keys there are, where each may stand, and how
 * those of a heading or an item pass down to what is below.
 */

enum md_key {
	MD_KEY_GATE,
	MD_KEY_PLAN,
	MD_KEY_SUCCESS,
	MD_KEY_ENV,
	MD_KEY_OWNER,
	MD_KEY_ON,
	MD_KEY_EVIDENCE,
	MD_KEY_TIMEOUT,
	MD_KEY_RETRIES,
	MD_KEY_DELAY,
	MD_KEY_REPEATABLE,
	MD_KEY_ASK,
	MD_KEY_EVERY,
	MD_KEY_FOR,
	MD_KEY_PARALLEL,
	MD_KEY_ON_ROLLBACK,
	MD_KEY_SETS,
	MD_KEY_WHEN, // several may hold at once: in md_keys.when
};
#define MD_KEY_COUNT (MD_KEY_WHEN + 1)

#define MD_WHEN_MAX 8

/* Where attributes stand; decides which keys they may have. */
enum md_where {
	MD_ON_PHASE,
	MD_ON_HEADING, // inside a phase
	MD_ON_ITEM,
	MD_ON_CELL, // a smoke test's
	MD_ON_BLOCK,
	MD_ON_OTHER, // a heading outside every phase: none
};

/* A key as it was written; NULL where it was not. */
struct md_value {
	const struct attribute *attribute;
	uint32_t line;
};

/* Keys in force at one place.  Copied to inherit; the texts belong to the md. */
struct md_keys {
	struct md_value at[MD_KEY_COUNT];
	struct md_value when[MD_WHEN_MAX];
	size_t when_count;
};

/* What stood in one set of attributes. */
struct md_own {
	bool has[MD_KEY_COUNT];
	bool phase; // one of the classes that open a phase
	enum phase_kind kind;
	struct place place; // of the class
};

/*
 * Read the attributes on line @line, if there are any: check them, lay them
 * over @keys, and say in @own what was there.
 */
void md_keys_read_site(struct md *md, uint32_t line, enum md_where where,
		struct md_keys *keys, struct md_own *own);

/* Likewise those of a fence's info string: @len bytes at @text, of which the
 * first is in @column. */
void md_keys_read_info(struct md *md, const char *text, size_t len,
		struct place place, struct md_keys *keys, struct md_own *own);

/* The class of the phase that line @line opens; false if none. */
bool md_keys_phase(const struct md *md, uint32_t line, enum phase_kind *kind);

/* Whether the raw line @line, a heading in a quote or a list, reads as if it
 * opened a phase. */
bool md_keys_reads_as_phase(const struct md *md, uint32_t line);

/* Refuse attributes in the middle of lines @first to @last, and at the end of
 * those after @first: they would be taken for prose. */
void md_keys_refuse_stray(struct md *md, uint32_t first, uint32_t last);

const char *md_keys_text(const struct md_keys *keys, enum md_key key);

/* In ms; 0 where the key is not there or does not parse (that was said). */
int64_t md_keys_duration(const struct md_keys *keys, enum md_key key);
uint32_t md_keys_number(
		const struct md_keys *keys, enum md_key key, uint32_t otherwise);

/* Index of the gate that @key names, or RUNBOOK_NONE. */
size_t md_keys_gate(
		const struct md *md, const struct md_keys *keys, enum md_key key);

/* The names of `sets`, and where they stand; the caller owns them. */
char **md_keys_sets(
		const struct md_keys *keys, size_t *count, struct place *place);

/* The conditions of `when`; the caller owns them. */
struct when *md_keys_when(const struct md_keys *keys, size_t *count);

/* Name of @key as it is written. */
const char *md_keys_name(enum md_key key);

#endif
