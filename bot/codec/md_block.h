#ifndef MD_BLOCK_H
#define MD_BLOCK_H

#include "codec/md_keys.h"

struct cmark_node;

/* Fenced blocks: what each is to the bot, and reading those that it runs. */

enum md_fence {
	MD_FENCE_SH,
	MD_FENCE_HTTP,
	MD_FENCE_EXPECT,
	MD_FENCE_REFUSED, // somebody meant it to run: bash, console, no language
	MD_FENCE_SHOWN,   // anything else, for people
};

/* What code block @node is. */
enum md_fence md_block_fence(struct cmark_node *node);

/* Whether it would be run, or would be the conditions of what is run. */
bool md_block_acts(struct cmark_node *node);

/* Whether an acting block stands anywhere in @node, or in a list in it. */
bool md_block_within(struct cmark_node *node);
bool md_block_within_lists(struct cmark_node *node);

/*
 * Read the sh or http block @node into a new block of @step; @keys are those of
 * the item.
 */
void md_block_read(struct md *md, struct cmark_node *node,
		const struct md_keys *keys, struct step *step);

/* Add a cell's command, the @text at @place, likewise. */
void md_block_read_cell(struct md *md, const char *text, struct place place,
		const struct md_keys *keys, struct step *step);

/* Add the conditions of the expect block @node to the last block of @step. */
void md_block_read_expect(
		struct md *md, struct cmark_node *node, struct step *step);

/* Add one condition, which stands at @place. */
void md_block_add_condition(struct md *md, struct block *block,
		const char *text, struct place place);

/* Refuse acting blocks anywhere in @node: they stand in no step. */
void md_block_refuse(struct md *md, struct cmark_node *node);

/* Refuse blocks in @node, which is part of a step, that somebody meant to run
 * but that have another language. */
void md_block_refuse_languages(struct md *md, struct cmark_node *node);

/* Lint of raw lines: blocks that nothing closes. */
void md_block_refuse_open(struct md *md);

#endif
