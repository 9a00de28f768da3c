#include "codec/md_step.h"

#include <stdlib.h>
#include <string.h>

#include <cmark-gfm.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "codec/condition.h"
#include "codec/md_block.h"
#include "codec/md_roles.h"
#include "codec/md_table.h"
#include "codec/md_text.h"

#define GROUP_LEVEL 7 // one deeper than the deepest heading

enum item_kind {
	ITEM_COMMAND,
	ITEM_GROUP,
	ITEM_MANUAL,
};

static cmark_node *first_paragraph(cmark_node *item) {
	cmark_node *node = cmark_node_first_child(item);
	while (node != NULL && cmark_node_get_type(node) != CMARK_NODE_PARAGRAPH) {
		node = cmark_node_next(node);
	}
	return node;
}

static bool runs(cmark_node *node) {
	return md_block_acts(node) && md_block_fence(node) != MD_FENCE_EXPECT;
}

static enum item_kind classify(cmark_node *item) {
	for (cmark_node *node = cmark_node_first_child(item); node != NULL;
			node = cmark_node_next(node)) {
		if (runs(node)) {
			return ITEM_COMMAND;
		}
	}
	return md_block_within_lists(item) ? ITEM_GROUP : ITEM_MANUAL;
}

/* The words of the item's first paragraph; a task's box is none of them. */
static char *read_title(cmark_node *paragraph) {
	char *text = md_text_plain(paragraph);
	if (text[0] == '[' && text[1] != '\0' && strchr(" xX", text[1]) != NULL &&
			text[2] == ']' && text[3] == ' ') {
		memmove(text, text + 4, strlen(text + 4) + 1);
	}
	return text;
}

/* Add the lines of @node as they are written, less its indentation. */
static void add_lines(struct md *md, struct str *out, cmark_node *node) {
	int column = cmark_node_get_start_column(node);
	size_t indent = column > 0 ? (size_t)column - 1 : 0;
	int last = cmark_node_get_end_line(node);
	size_t start = out->len > 0 ? out->len + 2 : 0;
	str_add(out, start > 0 ? "\n\n" : "");
	for (int n = cmark_node_get_start_line(node); n > 0 && n <= last; n++) {
		struct md_line line = md_source_line(&md->source, (uint32_t)n);
		size_t skip = 0;
		while (skip < indent && skip < line.len && line.text[skip] == ' ') {
			skip++;
		}
		str_add_bytes(out, line.text + skip, line.len - skip);
		str_add_char(out, '\n');
	}
	while (out->len > start && strchr(" \n", out->data[out->len - 1])) {
		str_truncate(out, out->len - 1);
	}
}

/* What the item says beside its title and what runs. */
static char *read_detail(
		struct md *md, cmark_node *item, const cmark_node *title) {
	struct str out;
	str_init(&out, 0);
	for (cmark_node *node = cmark_node_first_child(item); node != NULL;
			node = cmark_node_next(node)) {
		if (node != title && !md_block_acts(node)) {
			add_lines(md, &out, node);
		}
	}
	return str_take(&out);
}

static char *number_of(const struct md_under *under) {
	return under->number[0] != '\0'
			? xasprintf("%s.%u", under->number, (unsigned)under->position)
			: xasprintf("%u", (unsigned)under->position);
}

/* A new step under @under, or NULL where there are too many. */
static struct step *add_step(struct md *md, const struct md_under *under,
		struct place place, const struct md_keys *keys) {
	struct runbook *runbook = md->runbook;
	if (runbook->step_count == MD_STEPS_MAX) {
		if (!md->full) {
			md->full = true;
			md_error(md, "too-large", place.line, place.column,
					"more than %d steps; split the runbook", MD_STEPS_MAX);
		}
		return NULL;
	}
	const char *on = md_keys_text(keys, MD_KEY_ON);
	const struct md_value *owner = &keys->at[MD_KEY_OWNER];
	runbook->steps = md_grow(
			runbook->steps, runbook->step_count, sizeof(*runbook->steps));
	struct step *step = &runbook->steps[runbook->step_count++];
	step->number = number_of(under);
	step->place = place;
	step->phase = under->phase;
	step->section = under->section;
	step->kind = STEP_MANUAL;
	if (owner->attribute != NULL) {
		md->quiet = true; // an unknown name was found where it stands
		step->owner = md_roles_any(md, owner->attribute->value,
				(struct place){ owner->line, owner->attribute->value_column });
		md->quiet = false;
	} else {
		step->owner.text = xstrdup("");
	}
	step->when = md_keys_when(keys, &step->when_count);
	step->env = xstrdup(md_keys_text(keys, MD_KEY_ENV));
	step->on = xstrdup(on != NULL ? on : "local");
	step->gate = md_keys_gate(md, keys, MD_KEY_GATE);
	return step;
}

/* Refuse keys that were written here and that this kind of item cannot have. */
static void refuse_keys(struct md *md, const struct md_own *own, uint32_t line,
		const enum md_key *keys, size_t count, const char *why) {
	for (size_t i = 0; i < count; i++) {
		if (own->has[keys[i]]) {
			const struct md_site *site = md_source_site(&md->source, line);
			md_error(md, "attribute", line,
					site != NULL ? (uint32_t)site->start + 1 : 1, "`%s` %s",
					md_keys_name(keys[i]), why);
		}
	}
}

static void check_keys(struct md *md, enum item_kind kind,
		const struct md_own *own, uint32_t line) {
	static const enum md_key of_commands[] = { MD_KEY_TIMEOUT, MD_KEY_RETRIES,
		MD_KEY_DELAY, MD_KEY_REPEATABLE, MD_KEY_ASK, MD_KEY_EVERY, MD_KEY_FOR,
		MD_KEY_PARALLEL, MD_KEY_ON_ROLLBACK, MD_KEY_SETS };
	static const enum md_key of_people[] = { MD_KEY_EVIDENCE };
	static const enum md_key of_steps[] = { MD_KEY_SETS };
	switch (kind) {
	case ITEM_COMMAND:
		refuse_keys(md, own, line, of_people, 1,
				"is what a person shows; a command's output is kept anyway");
		break;
	case ITEM_MANUAL:
		refuse_keys(md, own, line, of_commands,
				sizeof(of_commands) / sizeof(of_commands[0]),
				"is of a command, and this step runs none");
		break;
	case ITEM_GROUP:
		refuse_keys(md, own, line, of_steps, 1,
				"is of the step that publishes; write it there");
		break;
	}
}

static void read_blocks(struct md *md, cmark_node *item,
		const struct md_keys *keys, struct step *step) {
	for (cmark_node *node = cmark_node_first_child(item); node != NULL;
			node = cmark_node_next(node)) {
		if (runs(node)) {
			md_block_read(md, node, keys, step);
		} else if (md_block_acts(node)) {
			md_block_read_expect(md, node, step);
		} else if (cmark_node_get_type(node) != CMARK_NODE_CODE_BLOCK) {
			md_block_refuse(md, node); // a list under a command is prose
		}
	}
}

/* Refuse what a group or a manual item has directly in it and nothing runs. */
static void refuse_blocks(struct md *md, cmark_node *item) {
	for (cmark_node *node = cmark_node_first_child(item); node != NULL;
			node = cmark_node_next(node)) {
		if (cmark_node_get_type(node) != CMARK_NODE_LIST) {
			md_block_refuse(md, node);
		}
	}
}

/* Tables of tests within items are no steps. */
static void refuse_tables(struct md *md, cmark_node *item) {
	for (cmark_node *node = cmark_node_first_child(item); node != NULL;
			node = cmark_node_next(node)) {
		if (md_text_is_table(node) &&
				md_header_read(node).kind == MD_TABLE_TESTS) {
			md_step_refuse_tests(md, node);
		}
	}
}

static void read_group(struct md *md, const struct md_under *under,
		cmark_node *item, const char *title, struct place place,
		const struct md_keys *keys, uint32_t level);

static void read_items(struct md *md, struct md_under *under, cmark_node *list,
		uint32_t level);

static void add_item(struct md *md, const struct md_under *under,
		cmark_node *item, cmark_node *paragraph, struct place place,
		const struct md_keys *keys, enum item_kind kind) {
	struct step *step = add_step(md, under, place, keys);
	if (step == NULL) {
		return;
	}
	step->title = paragraph != NULL ? read_title(paragraph) : xstrdup("");
	step->detail = read_detail(md, item, paragraph);
	if (kind == ITEM_COMMAND) {
		step->kind = STEP_COMMAND;
		step->sets = md_keys_sets(keys, &step->set_count, &step->sets_place);
		read_blocks(md, item, keys, step);
	} else {
		step->evidence = md_keys_text(keys, MD_KEY_EVIDENCE) != NULL;
		refuse_blocks(md, item);
	}
	md_block_refuse_languages(md, item);
	refuse_tables(md, item);
}

/* The last line of @paragraph, which begins on @first. */
static uint32_t last_line(cmark_node *paragraph, uint32_t first) {
	int last = cmark_node_get_end_line(paragraph);
	return last > (int)first ? (uint32_t)last : first;
}

static void read_item(struct md *md, const struct md_under *under,
		cmark_node *item, uint32_t level) {
	struct place place = { (uint32_t)cmark_node_get_start_line(item),
		(uint32_t)cmark_node_get_start_column(item) };
	enum item_kind kind = classify(item);
	struct md_keys keys = under->keys;
	cmark_node *paragraph = first_paragraph(item);
	char *title = NULL;
	if (paragraph != NULL) {
		uint32_t line = md_source_paragraph_line(item, paragraph);
		struct md_own own;
		md_keys_read_site(md, line, MD_ON_ITEM, &keys, &own);
		md_keys_refuse_stray(md, line, last_line(paragraph, line));
		check_keys(md, kind, &own, line);
		title = read_title(paragraph);
	}
	if (title == NULL || title[0] == '\0') {
		md_error(md, "step-untitled", place.line, place.column,
				"the step has no title; begin the item with a line of words");
	}
	if (kind == ITEM_GROUP) {
		read_group(md, under, item, title != NULL ? title : "", place, &keys,
				level);
	} else {
		add_item(md, under, item, paragraph, place, &keys, kind);
	}
	free(title);
}

static void read_group(struct md *md, const struct md_under *under,
		cmark_node *item, const char *title, struct place place,
		const struct md_keys *keys, uint32_t level) {
	struct runbook *runbook = md->runbook;
	size_t index = runbook->section_count;
	runbook->sections = md_grow(
			runbook->sections, index, sizeof(*runbook->sections));
	runbook->section_count++;
	char *number = number_of(under);
	runbook->sections[index] = (struct section){
		.number = number,
		.title = xstrdup(title),
		.phase = under->phase,
		.level = level,
		.first_step = runbook->step_count,
		.place = place,
	};
	struct md_under below = {
		.phase = under->phase,
		.section = index,
		.number = number,
		.keys = *keys,
	};
	refuse_blocks(md, item);
	refuse_tables(md, item);
	for (cmark_node *node = cmark_node_first_child(item); node != NULL;
			node = cmark_node_next(node)) {
		if (cmark_node_get_type(node) == CMARK_NODE_LIST) {
			read_items(md, &below, node, level + 1);
		} else {
			md_block_refuse_languages(md, node);
		}
	}
	runbook->sections[index].step_count = runbook->step_count -
			runbook->sections[index].first_step;
}

/* The number typed before an item of an ordered list. */
static uint32_t typed_number(struct md *md, cmark_node *item) {
	struct md_line line = md_source_line(
			&md->source, (uint32_t)cmark_node_get_start_line(item));
	uint32_t number = 0;
	for (size_t at = (size_t)cmark_node_get_start_column(item) - 1;
			at < line.len && line.text[at] >= '0' && line.text[at] <= '9';
			at++) {
		number = number * 10 + (uint32_t)(line.text[at] - '0');
	}
	return number; // CommonMark allows nine digits
}

/*
 * A printed number agrees with the item's position.  A list that is typed with
 * one number all through is printed as it counts on from there.
 */
static void check_number(struct md *md, const struct md_under *under,
		cmark_node *list, cmark_node *item) {
	if (cmark_node_get_list_type(list) != CMARK_ORDERED_LIST) {
		return;
	}
	uint32_t typed = typed_number(md, item);
	bool first = cmark_node_previous(item) == NULL;
	uint32_t start = (uint32_t)cmark_node_get_list_start(list);
	if (typed == under->position || (!first && typed == start)) {
		return;
	}
	md_error(md, typed < under->position ? "step-twice" : "step-number",
			(uint32_t)cmark_node_get_start_line(item),
			(uint32_t)cmark_node_get_start_column(item),
			"this item is number %u under its heading, for positions count on "
			"through all its lists; write %u",
			(unsigned)under->position, (unsigned)under->position);
}

static void read_items(struct md *md, struct md_under *under, cmark_node *list,
		uint32_t level) {
	if (level > GROUP_LEVEL + MD_SOURCE_MAX_NESTED) {
		md_error(md, "too-large", (uint32_t)cmark_node_get_start_line(list),
				(uint32_t)cmark_node_get_start_column(list),
				"lists within lists, more than %d deep", MD_SOURCE_MAX_NESTED);
		return;
	}
	for (cmark_node *item = cmark_node_first_child(list);
			item != NULL && !md->full; item = cmark_node_next(item)) {
		under->position++;
		check_number(md, under, list, item);
		read_item(md, under, item, level);
	}
}

void md_step_read_list(
		struct md *md, struct md_under *under, cmark_node *list) {
	read_items(md, under, list, GROUP_LEVEL);
}

static void read_conditions(
		struct md *md, struct block *block, const struct md_cell *expected) {
	size_t index = 0;
	for (cmark_node *code = md_text_next_code(expected->node, NULL);
			code != NULL; code = md_text_next_code(expected->node, code)) {
		const char *text = cmark_node_get_literal(code);
		if (condition_is_meant(text)) {
			md_block_add_condition(
					md, block, text, md_table_code_place(md, expected, index));
		}
		index++;
	}
}

/* An Owner cell, which says what the Test cell's `owner` would. */
static void read_owner(struct md *md, cmark_node *row,
		const struct md_header *header, const struct md_own *own,
		struct step *step) {
	struct md_cell cell = md_table_cell(md, row, header, MD_TEST_OWNER);
	if (cell.text[0] != '\0' && own->has[MD_KEY_OWNER]) {
		md_error(md, "attribute", cell.place.line, cell.place.column,
				"the Test cell names an owner too; keep one of them");
	} else if (cell.text[0] != '\0') {
		free(step->owner.roles);
		free(step->owner.text);
		step->owner = md_roles_any(md, cell.text, cell.place);
	}
	free(cell.text);
}

static void read_action(struct md *md, const struct md_cell *action,
		const struct md_cell *expected, const struct md_keys *keys,
		struct step *step) {
	const char *code = action->node != NULL ? md_text_sole_code(action->node)
											: NULL;
	step->test = true;
	step->expected = xstrdup(expected->text);
	step->detail = xstrdup(action->text);
	if (code == NULL) {
		step->evidence = md_keys_text(keys, MD_KEY_EVIDENCE) != NULL;
		return;
	}
	step->kind = STEP_COMMAND;
	step->sets = md_keys_sets(keys, &step->set_count, &step->sets_place);
	md_block_read_cell(
			md, code, md_table_code_place(md, action, 0), keys, step);
	if (expected->node != NULL) {
		read_conditions(md, &step->blocks[0], expected);
	}
}

static void read_row(struct md *md, const struct md_under *under,
		cmark_node *row, const struct md_header *header) {
	struct md_cell name = md_table_cell(md, row, header, MD_TEST_NAME);
	struct md_cell action = md_table_cell(md, row, header, MD_TEST_ACTION);
	struct md_cell expected = md_table_cell(md, row, header, MD_TEST_EXPECTED);
	struct md_keys keys = under->keys;
	struct md_own own;
	md_keys_read_site(md, name.place.line, MD_ON_CELL, &keys, &own);
	struct step *step = add_step(md, under, name.place, &keys);
	if (step != NULL) {
		step->title = xstrdup(name.text);
		read_action(md, &action, &expected, &keys, step);
		read_owner(md, row, header, &own, step);
		check_keys(md, step->kind == STEP_COMMAND ? ITEM_COMMAND : ITEM_MANUAL,
				&own, name.place.line);
	}
	if (name.text[0] == '\0') {
		md_error(md, "step-untitled", name.place.line, name.place.column,
				"the test has no name");
	}
	free(name.text);
	free(action.text);
	free(expected.text);
}

void md_step_read_tests(struct md *md, struct md_under *under,
		cmark_node *table, const struct md_header *header) {
	for (cmark_node *row = cmark_node_next(cmark_node_first_child(table));
			row != NULL && !md->full; row = cmark_node_next(row)) {
		under->position++;
		read_row(md, under, row, header);
	}
}

void md_step_refuse_tests(struct md *md, cmark_node *table) {
	md_error(md, "block-outside", (uint32_t)cmark_node_get_start_line(table), 1,
			"tests are run where their table stands directly under the heading "
			"of a .smoke or .rehearsal phase; move it there");
}
