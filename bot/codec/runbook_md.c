#include "codec/runbook_md.h"

#include <stdlib.h>
#include <string.h>

#include <cmark-gfm.h>

#include "base/xalloc.h"
#include "codec/md.h"
#include "codec/md_block.h"
#include "codec/md_keys.h"
#include "codec/md_step.h"
#include "codec/md_table.h"
#include "codec/md_text.h"

#define LEVELS 7 // headings have levels 1 to 6

/* A heading that what follows stands under. */
struct level {
	bool open;
	char *number;   // "" of the title
	uint32_t below; // headings of the next deeper kind so far
	struct md_under under;
};

/* The walk through the document. */
struct walk {
	struct md *md;
	struct level levels[LEVELS]; // by a heading's level; [0] is the page
	int deepest;                 // the innermost open one
	int phase_level;             // of the heading that opened the phase; 0
	bool titled;
};

/* The heading's own leading number, "4.2" of "4.2 Apply" and of "4.2. Apply";
 * *rest is what follows it.  NULL if it has none. */
static char *leading_number(const char *text, const char **rest) {
	size_t len = 0;
	while (text[len] >= '0' && text[len] <= '9') {
		len += strspn(text + len, "0123456789");
		if (text[len] == '.' && text[len + 1] >= '0' && text[len + 1] <= '9') {
			len++;
		}
	}
	size_t end = len +
			(len > 0 && text[len] != '\0' && strchr(".:)", text[len]) != NULL);
	if (len == 0 || (text[end] != ' ' && text[end] != '\0')) {
		return NULL;
	}
	*rest = text + end + strspn(text + end, " ");
	return xstrndup(text, len);
}

static struct level *parent_of(struct walk *walk, int level) {
	int above = level - 1;
	while (above > 0 && !walk->levels[above].open) {
		above--;
	}
	return &walk->levels[above];
}

static void close_section(struct walk *walk, const struct level *level) {
	struct runbook *runbook = walk->md->runbook;
	if (level->under.section != RUNBOOK_NONE) {
		struct section *section = &runbook->sections[level->under.section];
		section->step_count = runbook->step_count - section->first_step;
	}
}

static void close_phase(struct walk *walk) {
	struct runbook *runbook = walk->md->runbook;
	struct phase *phase = &runbook->phases[runbook->phase_count - 1];
	phase->step_count = runbook->step_count - phase->first_step;
	walk->phase_level = 0;
}

/* Close every heading of @level and deeper. */
static void close_levels(struct walk *walk, int level) {
	for (int i = LEVELS - 1; i >= level; i--) {
		if (walk->levels[i].open) {
			close_section(walk, &walk->levels[i]);
			free(walk->levels[i].number);
			walk->levels[i] = (struct level){ 0 };
		}
	}
	if (walk->phase_level >= level && walk->phase_level > 0) {
		close_phase(walk);
	}
	walk->deepest = level - 1;
	while (walk->deepest > 0 && !walk->levels[walk->deepest].open) {
		walk->deepest--;
	}
}

/* Number a heading, and take the number off *title. */
static char *number_heading(
		struct level *parent, char **title, bool is_page_title) {
	const char *rest = NULL;
	char *number = leading_number(*title, &rest);
	if (number != NULL) {
		char *words = xstrdup(rest);
		free(*title);
		*title = words;
	}
	if (is_page_title) {
		return number != NULL ? number : xstrdup("");
	}
	parent->below++;
	if (number != NULL) {
		return number;
	}
	const char *above = parent->number != NULL ? parent->number : "";
	return xasprintf("%s%s%u", above, above[0] != '\0' ? "." : "",
			(unsigned)parent->below);
}

static void add_section(struct walk *walk, struct level *level,
		const char *title, int depth, struct place place) {
	struct runbook *runbook = walk->md->runbook;
	level->under.section = runbook->section_count;
	runbook->sections = md_grow(runbook->sections, runbook->section_count,
			sizeof(*runbook->sections));
	runbook->sections[runbook->section_count++] = (struct section){
		.number = xstrdup(level->number),
		.title = xstrdup(title),
		.phase = runbook->phase_count - 1,
		.level = (uint32_t)depth,
		.first_step = runbook->step_count,
		.place = place,
	};
}

static void add_phase(struct walk *walk, struct level *level, const char *title,
		const struct md_own *own, struct place place) {
	struct md *md = walk->md;
	struct runbook *runbook = md->runbook;
	size_t other = runbook_phase(runbook, own->kind);
	if (other != RUNBOOK_NONE) {
		md_error(md, "attribute", own->place.line, own->place.column,
				"there is a .%s phase already, in line %u; one heading opens "
				"it, with others below",
				phase_kind_name(own->kind),
				(unsigned)runbook->phases[other].place.line);
	}
	runbook->phases = md_grow(
			runbook->phases, runbook->phase_count, sizeof(*runbook->phases));
	runbook->phases[runbook->phase_count++] = (struct phase){
		.kind = own->kind,
		.number = xstrdup(level->number),
		.title = xstrdup(title),
		.place = place,
		.plan_gate = md_keys_gate(md, &level->under.keys, MD_KEY_PLAN),
		.success_gate = md_keys_gate(md, &level->under.keys, MD_KEY_SUCCESS),
		.first_step = runbook->step_count,
	};
}

/* Read a heading's attributes; true if it opens a phase. */
static bool read_keys(struct walk *walk, struct level *level, uint32_t line,
		struct md_own *own) {
	struct md *md = walk->md;
	enum phase_kind kind = PHASE_REHEARSAL;
	bool opens = md_keys_phase(md, line, &kind);
	if (opens && walk->phase_level > 0) {
		const struct md_site *site = md_source_site(&md->source, line);
		md_error(md, "attribute", line, (uint32_t)site->start + 1,
				"a phase within a phase; end the other one with a heading of "
				"its level");
		*own = (struct md_own){ 0 };
		return false;
	}
	enum md_where where = opens     ? MD_ON_PHASE
			: walk->phase_level > 0 ? MD_ON_HEADING
									: MD_ON_OTHER;
	md_keys_read_site(md, line, where, &level->under.keys, own);
	return opens && own->phase;
}

static void read_heading(struct walk *walk, cmark_node *node) {
	struct md *md = walk->md;
	int depth = cmark_node_get_heading_level(node);
	uint32_t line = md_source_heading_line(&md->source, node);
	struct place place = { (uint32_t)cmark_node_get_start_line(node),
		(uint32_t)cmark_node_get_start_column(node) };
	char *title = md_text_plain(node);
	enum phase_kind kind = PHASE_REHEARSAL;
	bool page_title = !walk->titled && depth == 1 &&
			!md_keys_phase(md, line, &kind);
	close_levels(walk, depth);
	struct level *parent = parent_of(walk, depth);
	struct level *level = &walk->levels[depth];
	level->open = true;
	level->under = (struct md_under){
		.section = RUNBOOK_NONE,
	};
	if (walk->phase_level > 0) {
		level->under.keys = parent->under.keys;
	}
	if (!walk->titled) {
		md->runbook->title = xstrdup(title);
		walk->titled = true;
	}
	level->number = number_heading(parent, &title, page_title);
	level->under.number = level->number;
	struct md_own own;
	if (read_keys(walk, level, line, &own)) {
		add_phase(walk, level, title, &own, place);
		walk->phase_level = depth;
	}
	if (walk->phase_level > 0) {
		add_section(walk, level, title, depth, place);
		level->under.phase = md->runbook->phase_count - 1;
		md_keys_refuse_stray(md, line, line);
	}
	walk->deepest = depth;
	free(title);
}

static void read_table(
		struct walk *walk, struct md_under *under, cmark_node *node) {
	struct md_header header = md_header_read(node);
	if (header.kind != MD_TABLE_TESTS) {
		return;
	}
	enum phase_kind kind = walk->md->runbook->phases[under->phase].kind;
	if (kind == PHASE_SMOKE || kind == PHASE_REHEARSAL) {
		md_step_read_tests(walk->md, under, node, &header);
	} else {
		md_step_refuse_tests(walk->md, node);
	}
}

/* Headings in quotes and lists open nothing; say so where one would. */
static void refuse_nested_phases(struct md *md, cmark_node *node) {
	cmark_iter *iter = cmark_iter_new(node);
	for (cmark_event_type event = cmark_iter_next(iter);
			event != CMARK_EVENT_DONE; event = cmark_iter_next(iter)) {
		cmark_node *at = cmark_iter_get_node(iter);
		uint32_t line = (uint32_t)cmark_node_get_start_line(at);
		if (event == CMARK_EVENT_ENTER &&
				cmark_node_get_type(at) == CMARK_NODE_HEADING &&
				md_keys_reads_as_phase(md, line)) {
			md_error(md, "attribute", line,
					(uint32_t)cmark_node_get_start_column(at),
					"a phase's heading stands on the page itself, not in a "
					"list or a quote");
		}
	}
	cmark_iter_free(iter);
}

/* Success is asked for once, behind the last test. */
static void refuse_second_success(struct md *md) {
	const struct runbook *runbook = md->runbook;
	size_t production = runbook_phase(runbook, PHASE_PRODUCTION);
	size_t smoke = runbook_phase(runbook, PHASE_SMOKE);
	if (production != RUNBOOK_NONE && smoke != RUNBOOK_NONE &&
			runbook->phases[production].success_gate != RUNBOOK_NONE) {
		struct place place = runbook->phases[production].place;
		md_error(md, "attribute", place.line, place.column,
				"`success` stands on the .smoke heading where there is one");
	}
}

static void read_node(struct walk *walk, cmark_node *node) {
	struct md *md = walk->md;
	cmark_node_type type = cmark_node_get_type(node);
	if (type == CMARK_NODE_HEADING) {
		read_heading(walk, node);
		return;
	}
	refuse_nested_phases(md, node);
	if (walk->phase_level == 0) {
		return;
	}
	struct md_under *under = &walk->levels[walk->deepest].under;
	if (type == CMARK_NODE_LIST) {
		md_step_read_list(md, under, node);
	} else if (md_text_is_table(node)) {
		read_table(walk, under, node);
	} else {
		md_block_refuse(md, node);
	}
}

static void read_document(struct md *md) {
	struct walk walk = { .md = md };
	walk.levels[0].number = xstrdup("");
	for (cmark_node *node = cmark_node_first_child(md->source.document);
			node != NULL; node = cmark_node_next(node)) {
		read_node(&walk, node);
	}
	close_levels(&walk, 1);
	free(walk.levels[0].number);
}

static void finish(struct md *md) {
	md_source_finish(&md->source);
	while (md->kept != NULL) {
		struct md_kept *kept = md->kept;
		md->kept = kept->next;
		attributes_finish(&kept->attributes);
		free(kept);
	}
}

struct runbook *runbook_md_parse(const char *file, const char *text, size_t len,
		struct findings *findings) {
	struct md md = {
		.runbook = xcalloc(1, sizeof(*md.runbook)),
		.findings = findings,
	};
	md.runbook->file = xstrdup(file);
	if (md_source_open(&md.source, text, len, findings)) {
		md_block_refuse_open(&md);
		md_table_read_all(&md);
		read_document(&md);
		refuse_second_success(&md);
		md_table_set_timers(&md);
	}
	if (md.runbook->title == NULL) {
		md.runbook->title = xstrdup("");
	}
	finish(&md);
	return md.runbook;
}
