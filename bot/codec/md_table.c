#include "codec/md_table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmark-gfm.h>

#include "base/duration.h"
#include "base/xalloc.h"
#include "codec/md_roles.h"
#include "codec/md_text.h"
#include "core/variable.h"

#define RULE           "table"
#define OWN_COMMAND    "!cutover"
#define PLAN_OPEN_MS   ((int64_t)24 * 3600 * 1000)
#define PLAN_VALID_MS  ((int64_t)36 * 3600 * 1000)
#define OTHER_TIMER_MS ((int64_t)30 * 60 * 1000)

struct md_cell md_table_cell(const struct md *md, cmark_node *row,
		const struct md_header *header, size_t column) {
	uint32_t line = (uint32_t)cmark_node_get_start_line(row);
	struct md_cell cell = { .place = { line, 1 } };
	size_t index = header->columns[column];
	if (index != MD_COLUMN_NONE) {
		cell.node = cmark_node_first_child(row);
		for (size_t i = 0; i < index && cell.node != NULL; i++) {
			cell.node = cmark_node_next(cell.node);
		}
		struct md_line text = md_source_line(&md->source, line);
		struct md_span span;
		if (md_text_cell(text.text, text.len, index, &span)) {
			cell.place.column = (uint32_t)span.start + 1;
		}
	}
	cell.text = cell.node != NULL ? md_text_plain(cell.node) : xstrdup("");
	return cell;
}

struct place md_table_code_place(
		const struct md *md, const struct md_cell *cell, size_t index) {
	struct md_line line = md_source_line(&md->source, cell->place.line);
	struct place place = cell->place;
	struct md_span span = { cell->place.column - 1, line.len };
	size_t end = span.start;
	while (end < line.len &&
			(line.text[end] != '|' ||
					(end > 0 && line.text[end - 1] == '\\'))) {
		end++;
	}
	span.end = end;
	struct md_span code;
	if (md_text_code_span(line.text, span, index, &code)) {
		while (code.start < code.end && line.text[code.start] == ' ') {
			code.start++;
		}
		place.column = (uint32_t)code.start + 1;
	}
	return place;
}

static void fail(struct md *md, struct place place, const char *format, ...)
		__attribute__((format(printf, 3, 4)));

static void fail(struct md *md, struct place place, const char *format, ...) {
	char text[400];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	md_error(md, RULE, place.line, place.column, "%s", text);
}

#define CHANNEL_LETTERS 64 // of a channel's name, on any server

/* The channel that a contact names, `~authority` or `#authority`, or NULL. */
static char *channel_of(const char *contact) {
	for (const char *at = contact; *at != '\0'; at++) {
		bool begins = at == contact || strchr(" \t(,;", at[-1]) != NULL;
		if (begins && (*at == '~' || *at == '#')) {
			size_t len = strspn(at + 1,
					"abcdefghijklmnopqrstuvwxyz"
					"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
			while (len > 0 && at[len] == '.') {
				len--; // the end of a sentence
			}
			if (len > 0) {
				return xstrndup(at + 1, len);
			}
		}
	}
	return NULL;
}

/* The bot posts into it, so a name that can be none is an error. */
static void check_channel(
		struct md *md, const char *channel, struct place place) {
	if (channel == NULL) {
		return;
	}
	if (strlen(channel) > CHANNEL_LETTERS) {
		fail(md, place,
				"the contact names a channel in more than %d letters; write "
				"its name as in its address",
				CHANNEL_LETTERS);
	} else if (strpbrk(channel, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL) {
		fail(md, place,
				"the contact names the channel `~%s`, and channels' names have "
				"no capitals; write it as in the channel's address",
				channel);
	}
}

static void read_role(
		struct md *md, cmark_node *row, const struct md_header *header) {
	struct runbook *runbook = md->runbook;
	struct md_cell name = md_table_cell(md, row, header, MD_ROLE_NAME);
	if (name.text[0] == '\0') {
		fail(md, name.place, "the role has no name");
	} else if (runbook_role(runbook, name.text) != RUNBOOK_NONE) {
		fail(md, name.place, "the role `%s` has a row already; keep one",
				name.text);
	} else {
		runbook->roles = md_grow(
				runbook->roles, runbook->role_count, sizeof(*runbook->roles));
		struct role *role = &runbook->roles[runbook->role_count++];
		role->name = xstrdup(name.text);
		role->primary = md_table_cell(md, row, header, MD_ROLE_PRIMARY).text;
		role->backup = md_table_cell(md, row, header, MD_ROLE_BACKUP).text;
		struct md_cell contact = md_table_cell(
				md, row, header, MD_ROLE_CONTACT);
		role->contact = contact.text;
		role->channel = channel_of(role->contact);
		role->contact_place = contact.place;
		check_channel(md, role->channel, contact.place);
		role->place = name.place;
	}
	free(name.text);
}

static void read_group(
		struct md *md, cmark_node *row, const struct md_header *header) {
	struct runbook *runbook = md->runbook;
	struct md_cell name = md_table_cell(md, row, header, MD_GROUP_NAME);
	struct md_cell roles = md_table_cell(md, row, header, MD_GROUP_ROLES);
	if (name.text[0] == '\0' || roles.text[0] == '\0') {
		fail(md, name.place, "a group needs a name and at least one role");
	} else if (runbook_group(runbook, name.text) != RUNBOOK_NONE ||
			runbook_role(runbook, name.text) != RUNBOOK_NONE) {
		fail(md, name.place, "`%s` is a role or a group already; rename it",
				name.text);
	} else {
		struct role_set members = md_roles_members(md, roles.text, roles.place);
		runbook->groups = md_grow(runbook->groups, runbook->group_count,
				sizeof(*runbook->groups));
		struct group *group = &runbook->groups[runbook->group_count++];
		group->name = xstrdup(name.text);
		group->members = members;
		group->place = name.place;
	}
	free(name.text);
	free(roles.text);
}

static void add_choices(struct parameter *parameter, cmark_node *cell) {
	for (cmark_node *code = md_text_next_code(cell, NULL); code != NULL;
			code = md_text_next_code(cell, code)) {
		parameter->choices = xreallocarray(parameter->choices,
				parameter->choice_count + 1, sizeof(*parameter->choices));
		parameter->choices[parameter->choice_count++] = xstrdup(
				cmark_node_get_literal(code));
	}
}

static bool same_choice_twice(const struct parameter *parameter) {
	for (size_t i = 0; i < parameter->choice_count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(parameter->choices[i], parameter->choices[k]) == 0) {
				return true;
			}
		}
	}
	return false;
}

/* Whether the Value cell was understood. */
static bool read_value(
		struct parameter *parameter, const struct md_cell *value) {
	bool ask = strcasecmp(value->text, "ask") == 0;
	bool secret = strcasecmp(value->text, "secret") == 0;
	add_choices(parameter, value->node);
	if (parameter->choice_count == 0) {
		parameter->kind = secret ? PARAMETER_SECRET : PARAMETER_ASK;
		return ask || secret;
	}
	parameter->kind = parameter->choice_count > 1 ? PARAMETER_CHOICE
												  : PARAMETER_DEFAULT;
	// "ask, for instance `4`": is it a default or not?
	return strncasecmp(value->text, "ask", 3) != 0 ||
			strcmp(value->text, parameter->choices[0]) == 0;
}

static void read_parameter(
		struct md *md, cmark_node *row, const struct md_header *header) {
	struct runbook *runbook = md->runbook;
	struct md_cell name = md_table_cell(md, row, header, MD_PARAMETER_NAME);
	struct md_cell value = md_table_cell(md, row, header, MD_PARAMETER_VALUE);
	size_t other = runbook_parameter(runbook, name.text);
	if (!variable_is_name(name.text)) {
		fail(md, name.place,
				"`%s` is no name for a parameter; write letters, digits and _",
				name.text);
	} else if (other != RUNBOOK_NONE) {
		md_error(md, "name-reserved", name.place.line, name.place.column,
				"the parameter `%s` stands in line %u already; rename one",
				name.text, (unsigned)runbook->parameters[other].place.line);
	} else {
		runbook->parameters = md_grow(runbook->parameters,
				runbook->parameter_count, sizeof(*runbook->parameters));
		struct parameter *parameter =
				&runbook->parameters[runbook->parameter_count++];
		parameter->name = xstrdup(name.text);
		parameter->place = name.place;
		parameter->meaning =
				md_table_cell(md, row, header, MD_PARAMETER_MEANING).text;
		if (!read_value(parameter, &value)) {
			fail(md, value.place,
					"cannot tell what values `%s` may have; write a code span "
					"for a default, several for a choice, or `ask` or "
					"`secret` as a plain word alone",
					name.text);
		} else if (same_choice_twice(parameter)) {
			fail(md, value.place, "a choice of `%s` stands here twice",
					name.text);
		}
	}
	free(name.text);
	free(value.text);
}

static int64_t read_timer(struct md *md, cmark_node *row,
		const struct md_header *header, size_t column) {
	struct md_cell cell = md_table_cell(md, row, header, column);
	int64_t ms = 0;
	if (cell.text[0] != '\0' && (!duration_parse(cell.text, &ms) || ms <= 0)) {
		fail(md, cell.place, "`%s` is no time; write 30m or 24h", cell.text);
		ms = 0;
	}
	free(cell.text);
	return ms;
}

static void read_gate(
		struct md *md, cmark_node *row, const struct md_header *header) {
	struct runbook *runbook = md->runbook;
	struct md_cell name = md_table_cell(md, row, header, MD_GATE_STEP);
	if (name.text[0] == '\0') {
		fail(md, name.place, "the gate has no name");
	} else if (runbook_gate(runbook, name.text) != RUNBOOK_NONE) {
		fail(md, name.place, "the gate `%s` has a row already; keep one",
				name.text);
	} else {
		struct md_cell who = md_table_cell(md, row, header, MD_GATE_APPROVERS);
		runbook->gates = md_grow(
				runbook->gates, runbook->gate_count, sizeof(*runbook->gates));
		struct gate *gate = &runbook->gates[runbook->gate_count++];
		gate->name = xstrdup(name.text);
		gate->approvers = who.text;
		gate->record = md_table_cell(md, row, header, MD_GATE_RECORD).text;
		gate->slots = md_roles_slots(
				md, who.text, who.place, &gate->slot_count);
		gate->open_ms = read_timer(md, row, header, MD_GATE_OPEN);
		gate->valid_ms = read_timer(md, row, header, MD_GATE_VALID);
		gate->place = name.place;
	}
	free(name.text);
}

/* "T-24h", "T0", "T+1h30m"; the minus may be typeset. */
static bool read_offset(const char *text, int64_t *offset_s) {
	static const char minus[] = "\xe2\x88\x92";
	if (text[0] != 'T' && text[0] != 't') {
		return false;
	}
	text++;
	text += strspn(text, " ");
	if (strcmp(text, "0") == 0) {
		*offset_s = 0;
		return true;
	}
	bool before = text[0] == '-';
	bool typeset = strncmp(text, minus, strlen(minus)) == 0;
	if (!before && !typeset && text[0] != '+') {
		return false;
	}
	text += typeset ? strlen(minus) : 1;
	text += strspn(text, " ");
	int64_t total = 0;
	while (*text != '\0') {
		size_t len = strspn(text, "0123456789");
		len += strspn(text + len, "smhd");
		char *part = xstrndup(text, len);
		int64_t ms = 0;
		bool good = len > 0 && duration_parse(part, &ms) && ms % 1000 == 0;
		free(part);
		if (!good || total + ms > DURATION_MAX_MS) {
			return false;
		}
		total += ms;
		text += len;
	}
	*offset_s = (before || typeset ? -total : total) / 1000;
	return true;
}

/* What follows @word in @text, where it is the first word; else NULL. */
static const char *after_word(const char *text, const char *word) {
	size_t len = strlen(word);
	if (strncmp(text, word, len) != 0 ||
			(text[len] != '\0' && text[len] != ' ')) {
		return NULL;
	}
	text += len;
	return text + strspn(text, " ");
}

static bool names_people(const struct md *md, const char *name) {
	return name[0] == '\0' ||
			runbook_group(md->runbook, name) != RUNBOOK_NONE ||
			runbook_role(md->runbook, name) != RUNBOOK_NONE;
}

/* Take the command in a code span that begins with `!`. */
static void read_command(struct md *md, struct milestone *milestone,
		const char *code, struct place place) {
	const char *rule = "milestone-command";
	const char *rest = after_word(code, OWN_COMMAND);
	const char *group = rest != NULL ? after_word(rest, "poll") : NULL;
	bool plain = rest != NULL &&
			(strcmp(rest, "decide") == 0 || strcmp(rest, "ready") == 0);
	if (group == NULL && !plain) {
		md_error(md, rule, place.line, place.column,
				"`%s` is no command for a milestone; only `!cutover poll`, "
				"`!cutover decide` and `!cutover ready` are",
				code);
	} else if (milestone->command != NULL) {
		md_error(md, rule, place.line, place.column,
				"a second command in one milestone; give it a row of its own");
	} else if (group != NULL && !names_people(md, group)) {
		md_error(md, "role-unknown", place.line, place.column,
				"`%s` is no group and no role; add it to the groups table",
				group);
	} else {
		milestone->command = xstrdup(rest);
	}
}

static void read_commands(struct md *md, struct milestone *milestone,
		const struct md_cell *activity) {
	size_t index = 0;
	for (cmark_node *code = md_text_next_code(activity->node, NULL);
			code != NULL; code = md_text_next_code(activity->node, code)) {
		const char *text = cmark_node_get_literal(code);
		if (text[0] == '!') {
			read_command(md, milestone, text,
					md_table_code_place(md, activity, index));
		}
		index++;
	}
}

/* Milestones run forwards, and none is there twice. */
static void check_order(struct md *md, const struct milestone *milestone) {
	const struct runbook *runbook = md->runbook;
	size_t count = runbook->milestone_count - 1;
	const struct milestone *before = count > 0 ? &runbook->milestones[count - 1]
											   : NULL;
	if (before != NULL && before->offset_s > milestone->offset_s) {
		md_error(md, "milestone-order", milestone->place.line,
				milestone->place.column,
				"%s is earlier than %s in the row before; sort the rows",
				milestone->label, before->label);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const struct milestone *other = &runbook->milestones[i];
		if (other->offset_s == milestone->offset_s &&
				strcasecmp(other->activity, milestone->activity) == 0) {
			md_error(md, "milestone-order", milestone->place.line,
					milestone->place.column,
					"%s has this activity already, in line %u; drop one",
					milestone->label, (unsigned)other->place.line);
			return;
		}
	}
}

static void read_milestone(
		struct md *md, cmark_node *row, const struct md_header *header) {
	struct runbook *runbook = md->runbook;
	struct md_cell time = md_table_cell(md, row, header, MD_MILESTONE_TIME);
	int64_t offset_s = 0;
	if (!read_offset(time.text, &offset_s)) {
		fail(md, time.place, "`%s` is no time; write T-24h, T0 or T+45m",
				time.text);
		free(time.text);
		return;
	}
	struct md_cell activity = md_table_cell(
			md, row, header, MD_MILESTONE_ACTIVITY);
	struct md_cell owner = md_table_cell(md, row, header, MD_MILESTONE_OWNER);
	runbook->milestones = md_grow(runbook->milestones, runbook->milestone_count,
			sizeof(*runbook->milestones));
	struct milestone *milestone =
			&runbook->milestones[runbook->milestone_count++];
	milestone->label = time.text;
	milestone->offset_s = offset_s;
	milestone->activity = activity.text;
	milestone->owner = md_roles_any(md, owner.text, owner.place);
	milestone->owner_text = owner.text;
	milestone->place = time.place;
	read_commands(md, milestone, &activity);
	check_order(md, milestone);
}

static void read_log_row(
		struct md *md, cmark_node *row, const struct md_header *header) {
	(void)header;
	md->runbook->log_line = (uint32_t)cmark_node_get_start_line(row) + 1;
}

typedef void (*row_reader)(
		struct md *md, cmark_node *row, const struct md_header *header);

static void read_rows(
		struct md *md, enum md_table_kind kind, row_reader reader) {
	for (cmark_node *node = cmark_node_first_child(md->source.document);
			node != NULL; node = cmark_node_next(node)) {
		if (!md_text_is_table(node)) {
			continue;
		}
		struct md_header header = md_header_read(node);
		if (header.kind != kind) {
			continue;
		}
		if (kind == MD_TABLE_LOG) { // without a row the delimiter row is last
			md->runbook->log_line = (uint32_t)cmark_node_get_end_line(node) + 1;
		}
		for (cmark_node *row = cmark_node_next(cmark_node_first_child(node));
				row != NULL; row = cmark_node_next(row)) {
			reader(md, row, &header);
		}
	}
}

static void warn_of_near_misses(struct md *md) {
	for (cmark_node *node = cmark_node_first_child(md->source.document);
			node != NULL; node = cmark_node_next(node)) {
		if (!md_text_is_table(node)) {
			continue;
		}
		struct md_header header = md_header_read(node);
		if (header.kind == MD_TABLE_PROSE && header.near != MD_TABLE_PROSE) {
			md_warn(md, RULE, (uint32_t)cmark_node_get_start_line(node), 1,
					"read as prose: a column `%s` would make it the table of "
					"%s",
					header.missing, md_header_name(header.near));
		}
	}
}

/* The first pipe that would end a cell within a code span; @len if none. */
static size_t cut_at(const char *line, size_t len) {
	size_t at = 0;
	struct md_span code;
	while (md_text_next_span(line, len, at, &code, &at)) {
		for (size_t i = code.start; i < code.end; i++) {
			if (line[i] == '|' && line[i - 1] != '\\') {
				return i;
			}
		}
	}
	return len;
}

/* cmark-gfm puts the header of a table that follows a paragraph at once on the
 * paragraph's line; the rows below are right. */
static uint32_t line_of_row(cmark_node *row) {
	cmark_node *next = cmark_node_next(row);
	bool header = cmark_node_previous(row) == NULL;
	return header && next != NULL
			? (uint32_t)cmark_node_get_start_line(next) - 2
			: (uint32_t)cmark_node_get_start_line(row);
}

static void refuse_cut_cells(struct md *md) {
	cmark_iter *iter = cmark_iter_new(md->source.document);
	for (cmark_event_type event = cmark_iter_next(iter);
			event != CMARK_EVENT_DONE; event = cmark_iter_next(iter)) {
		cmark_node *node = cmark_iter_get_node(iter);
		if (event != CMARK_EVENT_ENTER || !md_text_is_row(node)) {
			continue;
		}
		uint32_t number = line_of_row(node);
		struct md_line line = md_source_line(&md->source, number);
		size_t at = cut_at(line.text, line.len);
		if (at < line.len) {
			md_error(md, "cell-cut", number, (uint32_t)at + 1,
					"this pipe ends the cell although it stands in a code "
					"span, and what follows would be lost; write \\|");
		}
	}
	cmark_iter_free(iter);
}

void md_table_read_all(struct md *md) {
	read_rows(md, MD_TABLE_ROLES, read_role);
	read_rows(md, MD_TABLE_GROUPS, read_group);
	read_rows(md, MD_TABLE_PARAMETERS, read_parameter);
	read_rows(md, MD_TABLE_GATES, read_gate);
	read_rows(md, MD_TABLE_MILESTONES, read_milestone);
	read_rows(md, MD_TABLE_LOG, read_log_row);
	warn_of_near_misses(md);
	refuse_cut_cells(md);
}

/* A plan's approval has time to be collected; the others stand before people
 * who are waiting. */
void md_table_set_timers(struct md *md) {
	struct runbook *runbook = md->runbook;
	size_t plan = runbook_plan_gate(runbook);
	for (size_t i = 0; i < runbook->gate_count; i++) {
		struct gate *gate = &runbook->gates[i];
		if (gate->open_ms == 0) {
			gate->open_ms = i == plan ? PLAN_OPEN_MS : OTHER_TIMER_MS;
		}
		if (gate->valid_ms == 0) {
			gate->valid_ms = i == plan ? PLAN_VALID_MS : OTHER_TIMER_MS;
		}
	}
}
