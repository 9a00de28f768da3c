#include "codec/md_block.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmark-gfm.h>

#include "base/xalloc.h"
#include "codec/condition.h"

static bool is_code(cmark_node *node) {
	return cmark_node_get_type(node) == CMARK_NODE_CODE_BLOCK;
}

static uint32_t line_of(cmark_node *node) {
	return (uint32_t)cmark_node_get_start_line(node);
}

static uint32_t column_of(cmark_node *node) {
	int column = cmark_node_get_start_column(node);
	return column > 0 ? (uint32_t)column : 1;
}

enum md_fence md_block_fence(cmark_node *node) {
	static const char *const meant[] = { "bash", "shell", "console",
		"shell-session", "shellsession", "zsh", "sh", "http", "expect" };
	const char *info = cmark_node_get_fence_info(node);
	info += strspn(info, " \t");
	size_t len = strcspn(info, " \t");
	if (len == 0) {
		return MD_FENCE_REFUSED;
	}
	if (len == 2 && strncmp(info, "sh", 2) == 0) {
		return MD_FENCE_SH;
	}
	if (len == 4 && strncmp(info, "http", 4) == 0) {
		return MD_FENCE_HTTP;
	}
	if (len == 6 && strncmp(info, "expect", 6) == 0) {
		return MD_FENCE_EXPECT;
	}
	size_t word = strcspn(info, " \t{"); // "sh{timeout=5m}"
	for (size_t i = 0; i < sizeof(meant) / sizeof(meant[0]); i++) {
		if (word == strlen(meant[i]) &&
				strncasecmp(info, meant[i], word) == 0) {
			return MD_FENCE_REFUSED;
		}
	}
	return MD_FENCE_SHOWN;
}

bool md_block_acts(cmark_node *node) {
	if (!is_code(node)) {
		return false;
	}
	enum md_fence fence = md_block_fence(node);
	return fence == MD_FENCE_SH || fence == MD_FENCE_HTTP ||
			fence == MD_FENCE_EXPECT;
}

typedef void (*visitor)(struct md *md, cmark_node *node);

/* Call @visit for each code block in @node that acts, or each that does not;
 * true if there was one. */
static bool visit_blocks(
		struct md *md, cmark_node *node, bool acting, visitor visit) {
	bool any = false;
	cmark_iter *iter = cmark_iter_new(node);
	for (cmark_event_type event = cmark_iter_next(iter);
			event != CMARK_EVENT_DONE; event = cmark_iter_next(iter)) {
		cmark_node *at = cmark_iter_get_node(iter);
		if (event == CMARK_EVENT_ENTER && is_code(at) &&
				md_block_acts(at) == acting) {
			any = true;
			if (visit == NULL) {
				break;
			}
			visit(md, at);
		}
	}
	cmark_iter_free(iter);
	return any;
}

bool md_block_within(cmark_node *node) {
	return visit_blocks(NULL, node, true, NULL);
}

bool md_block_within_lists(cmark_node *node) {
	for (cmark_node *child = cmark_node_first_child(node); child != NULL;
			child = cmark_node_next(child)) {
		if (cmark_node_get_type(child) == CMARK_NODE_LIST &&
				md_block_within(child)) {
			return true;
		}
	}
	return false;
}

static void refuse_outside(struct md *md, cmark_node *node) {
	md_error(md, "block-outside", line_of(node), column_of(node),
			"this block belongs to no step; indent it under a list item of "
			"its own");
}

void md_block_refuse(struct md *md, cmark_node *node) {
	visit_blocks(md, node, true, refuse_outside);
}

static void refuse_language(struct md *md, cmark_node *node) {
	if (md_block_fence(node) != MD_FENCE_REFUSED) {
		return;
	}
	const char *info = cmark_node_get_fence_info(node);
	int len = (int)strcspn(info, " \t");
	if (len > 0) {
		md_error(md, "block-language", line_of(node), column_of(node),
				"a `%.*s` block is not run; write `sh` to run it, `text` to "
				"show it",
				len, info);
	} else {
		md_error(md, "block-language", line_of(node), column_of(node),
				"a block without a language is not run; write `sh` to run "
				"it, `text` to show it");
	}
}

void md_block_refuse_languages(struct md *md, cmark_node *node) {
	visit_blocks(md, node, false, refuse_language);
}

static char *copy_name(const char *name, const char *otherwise) {
	return xstrdup(name != NULL ? name : otherwise);
}

static struct block *add_block(struct step *step, const struct md_keys *keys) {
	step->blocks = md_grow(
			step->blocks, step->block_count, sizeof(*step->blocks));
	struct block *block = &step->blocks[step->block_count++];
	const char *on_rollback = md_keys_text(keys, MD_KEY_ON_ROLLBACK);
	block->timeout_ms = md_keys_duration(keys, MD_KEY_TIMEOUT);
	block->timeout_given = block->timeout_ms > 0;
	block->on = copy_name(md_keys_text(keys, MD_KEY_ON), "local");
	block->on_given = md_keys_text(keys, MD_KEY_ON) != NULL;
	block->retries = md_keys_number(keys, MD_KEY_RETRIES, 0);
	block->delay_ms = md_keys_duration(keys, MD_KEY_DELAY);
	block->repeatable = md_keys_text(keys, MD_KEY_REPEATABLE) != NULL;
	block->ask = md_keys_text(keys, MD_KEY_ASK) != NULL;
	block->every_ms = md_keys_duration(keys, MD_KEY_EVERY);
	block->for_ms = md_keys_duration(keys, MD_KEY_FOR);
	block->parallel = md_keys_number(keys, MD_KEY_PARALLEL, 1);
	block->on_rollback = on_rollback != NULL && strcmp(on_rollback, "wait") == 0
			? ON_ROLLBACK_WAIT
			: ON_ROLLBACK_STOP;
	step->ask = step->ask || block->ask;
	return block;
}

/* Read what follows the language in the info string of @node. */
static void read_info(struct md *md, cmark_node *node, struct md_keys *keys,
		struct md_own *own) {
	uint32_t number = line_of(node);
	struct md_line line = md_source_line(&md->source, number);
	size_t at = column_of(node) - 1;
	while (at < line.len && (line.text[at] == '`' || line.text[at] == '~')) {
		at++;
	}
	while (at < line.len && (line.text[at] == ' ' || line.text[at] == '\t')) {
		at++;
	}
	while (at < line.len && line.text[at] != ' ' && line.text[at] != '\t') {
		at++;
	}
	md_keys_read_info(md, line.text + at, line.len - at,
			(struct place){ number, (uint32_t)at + 1 }, keys, own);
}

void md_block_read(struct md *md, cmark_node *node, const struct md_keys *keys,
		struct step *step) {
	struct md_keys all = *keys;
	all.at[MD_KEY_SETS] = (struct md_value){ 0 }; // the item's: by any block
	struct md_own own;
	read_info(md, node, &all, &own);
	struct block *block = add_block(step, &all);
	block->kind = md_block_fence(node) == MD_FENCE_SH ? BLOCK_SH : BLOCK_HTTP;
	block->text = xstrdup(cmark_node_get_literal(node));
	block->place = (struct place){ line_of(node), column_of(node) };
	block->text_place = (struct place){ line_of(node) + 1, column_of(node) };
	block->sets = md_keys_sets(&all, &block->set_count, &block->sets_place);
}

/* Whether @text reads like a request: `GET https://...`. */
static bool is_request(const char *text) {
	static const char *const methods[] = { "GET", "HEAD", "POST", "PUT",
		"PATCH", "DELETE", "OPTIONS" };
	size_t len = strcspn(text, " ");
	const char *url = text + len + strspn(text + len, " ");
	if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0 &&
			strncmp(url, "{{", 2) != 0) {
		return false;
	}
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strlen(methods[i]) == len && strncmp(methods[i], text, len) == 0) {
			return true;
		}
	}
	return false;
}

void md_block_read_cell(struct md *md, const char *text, struct place place,
		const struct md_keys *keys, struct step *step) {
	(void)md;
	struct block *block = add_block(step, keys);
	block->kind = is_request(text) ? BLOCK_HTTP : BLOCK_SH;
	block->text = xstrdup(text);
	block->place = place;
	block->text_place = place;
}

/* A condition that speaks of what the block cannot have. */
static const char *misfit(enum condition_kind kind, enum block_kind block) {
	if (kind == CONDITION_EXIT && block == BLOCK_HTTP) {
		return "a request has no exit status; write http 200";
	}
	if (kind == CONDITION_HTTP && block == BLOCK_SH) {
		return "a command has no HTTP status; make the request in an http "
			   "block, or check its output";
	}
	return NULL;
}

void md_block_add_condition(struct md *md, struct block *block,
		const char *text, struct place place) {
	struct err err = { 0 };
	size_t column = 0;
	struct condition *condition = condition_parse(text, &column, &err);
	if (condition == NULL) {
		md_error(md, "pattern", place.line, place.column + (uint32_t)column,
				"%s", err.text);
	} else {
		const char *problem = misfit(condition_kind(condition), block->kind);
		if (problem != NULL) {
			md_error(md, "pattern", place.line, place.column, "%s", problem);
		}
		condition_free(condition);
	}
	size_t n = block->condition_count++;
	block->conditions = xreallocarray(block->conditions, n + 1, sizeof(char *));
	block->condition_places = xreallocarray(
			block->condition_places, n + 1, sizeof(struct place));
	block->conditions[n] = xstrdup(text);
	block->condition_places[n] = place;
}

void md_block_read_expect(struct md *md, cmark_node *node, struct step *step) {
	if (step->block_count == 0) {
		md_error(md, "block-outside", line_of(node), column_of(node),
				"conditions stand behind the block that they judge");
		return;
	}
	struct block *block = &step->blocks[step->block_count - 1];
	const char *text = cmark_node_get_literal(node);
	size_t before = block->condition_count;
	size_t errors = findings_errors(md->findings);
	for (uint32_t line = line_of(node) + 1; *text != '\0'; line++) {
		size_t len = strcspn(text, "\n");
		size_t blank = strspn(text, " \t");
		size_t end = len;
		while (end > blank && strchr(" \t", text[end - 1]) != NULL) {
			end--;
		}
		if (end > blank) {
			char *one = xstrndup(text + blank, end - blank);
			md_block_add_condition(md, block, one,
					(struct place){ line, column_of(node) + (uint32_t)blank });
			free(one);
		}
		text += len + (text[len] == '\n');
	}
	if (block->condition_count == before &&
			errors == findings_errors(md->findings)) {
		md_error(md, "pattern", line_of(node), column_of(node),
				"the expect block is empty; write a condition a line, as in "
				"exit 0");
	}
}

/* Whether @line could close a fence of @len characters @c. */
static bool closes(struct md_line line, char c, size_t len) {
	size_t at = 0;
	while (at < line.len && strchr(" \t>", line.text[at]) != NULL) {
		at++;
	}
	size_t run = 0;
	while (at < line.len && line.text[at] == c) {
		at++;
		run++;
	}
	while (at < line.len && strchr(" \t", line.text[at]) != NULL) {
		at++;
	}
	return at == line.len && run >= len;
}

static size_t count_lines(const char *text) {
	size_t lines = 0;
	for (; *text != '\0'; text++) {
		lines += *text == '\n';
	}
	return lines;
}

/* Whether another code block begins on line @number: @next is the one behind
 * this one in the document. */
static bool begins_on(cmark_node *next, uint32_t number) {
	return next != NULL && line_of(next) == number;
}

static void check_closed(struct md *md, cmark_node *node, cmark_node *next) {
	int len = 0;
	int offset = 0;
	char c = 0;
	if (!cmark_node_get_fenced(node, &len, &offset, &c)) {
		return;
	}
	uint32_t last = line_of(node) +
			(uint32_t)count_lines(cmark_node_get_literal(node)) + 1;
	if (begins_on(next, last) ||
			!closes(md_source_line(&md->source, last), c, (size_t)len)) {
		md_error(md, "fence-open", line_of(node), column_of(node),
				"nothing closes this block; end it with a line of %d or more "
				"of %c, indented like this one",
				len, c);
	}
}

void md_block_refuse_open(struct md *md) {
	cmark_node *before = NULL;
	cmark_iter *iter = cmark_iter_new(md->source.document);
	for (cmark_event_type event = cmark_iter_next(iter);
			event != CMARK_EVENT_DONE; event = cmark_iter_next(iter)) {
		cmark_node *node = cmark_iter_get_node(iter);
		if (event != CMARK_EVENT_ENTER || !is_code(node)) {
			continue;
		}
		if (before != NULL) {
			check_closed(md, before, node);
		}
		before = node;
	}
	if (before != NULL) {
		check_closed(md, before, NULL);
	}
	cmark_iter_free(iter);
}
