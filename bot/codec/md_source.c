#include "codec/md_source.h"

#include <stdlib.h>
#include <string.h>

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>

#include "base/str.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "codec/attributes.h"
#include "codec/md_header.h"
#include "codec/md_text.h"

#define DELIMITER_WORK_MAX ((size_t)16 * 1024 * 1024) // half a second

/* A copy with '\n' for every end of line and without a byte order mark. */
static char *normalised(const char *text, size_t len, size_t *out_len) {
	char *out = xcalloc(len + 1, 1);
	size_t n = 0;
	size_t at = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	for (; at < len; at++) {
		if (text[at] == '\r') {
			at += at + 1 < len && text[at + 1] == '\n';
			out[n++] = '\n';
		} else {
			out[n++] = text[at];
		}
	}
	*out_len = n;
	return out;
}

static void split_lines(struct md_source *source) {
	size_t count = 1;
	for (size_t i = 0; i < source->len; i++) {
		count += source->raw[i] == '\n';
	}
	source->lines = xcalloc(count, sizeof(*source->lines));
	size_t start = 0;
	for (size_t i = 0; i <= source->len; i++) {
		if (i == source->len || source->raw[i] == '\n') {
			source->lines[source->line_count++] =
					(struct md_line){ source->raw + start, i - start };
			start = i + 1;
		}
	}
}

/* The first byte of @line that is no text; its length if all is. */
static size_t first_bad_byte(struct md_line line) {
	size_t at = 0;
	while (at < line.len && line.text[at] != '\0') {
		size_t n = utf8_char_len(line.text + at, line.len - at);
		if (n == 0) {
			break;
		}
		at += n;
	}
	return at;
}

static bool check_lines(
		const struct md_source *source, struct findings *findings) {
	bool good = true;
	for (size_t i = 0; i < source->line_count; i++) {
		struct md_line line = source->lines[i];
		struct place place = { .line = (uint32_t)i + 1, .column = 1 };
		if (line.len > MD_SOURCE_MAX_LINE) {
			findings_add(findings, SEVERITY_ERROR, "too-large", place,
					"the line has %zu bytes, more than 16 kB; break it",
					line.len);
			good = false;
		}
		size_t bad = first_bad_byte(line);
		if (bad < line.len) {
			place.column = (uint32_t)bad + 1;
			findings_add(findings, SEVERITY_ERROR, "encoding", place,
					"this byte (0x%02x) is no UTF-8 text; save the file as "
					"UTF-8",
					(unsigned)(unsigned char)line.text[bad]);
			good = false;
		}
	}
	return good;
}

/* Whether @line could be the one below a table's header. */
static bool is_delimiter(struct md_line line) {
	bool dash = false;
	for (size_t i = 0; i < line.len; i++) {
		if (strchr(" \t|:->", line.text[i]) == NULL) {
			return false;
		}
		dash = dash || line.text[i] == '-';
	}
	return dash;
}

/*
 * At each such line cmark-gfm reads the whole paragraph above again, in search
 * of a header: thousands of them in one paragraph take it minutes.
 */
static bool check_delimiters(
		const struct md_source *source, struct findings *findings) {
	size_t paragraph = 0;
	size_t work = 0;
	for (size_t i = 0; i < source->line_count; i++) {
		struct md_line line = source->lines[i];
		paragraph = line.len > 0 ? paragraph + line.len : 0;
		work += is_delimiter(line) ? paragraph : 0;
		if (work > DELIMITER_WORK_MAX) {
			findings_add(findings, SEVERITY_ERROR, "too-large",
					(struct place){ (uint32_t)i + 1, 1 },
					"too many lines like the one below a table's header; put "
					"empty lines between the tables");
			return false;
		}
	}
	return true;
}

static cmark_node *parse(const char *text, size_t len) {
	cmark_gfm_core_extensions_ensure_registered();
	cmark_parser *parser = cmark_parser_new(CMARK_OPT_FULL_INFO_STRING);
	cmark_parser_attach_syntax_extension(
			parser, cmark_find_syntax_extension("table"));
	cmark_parser_feed(parser, text, len);
	cmark_node *document = cmark_parser_finish(parser);
	cmark_parser_free(parser);
	return document;
}

static void add_site(struct md_source *source, uint32_t number,
		struct md_span span, enum attributes_found found,
		const struct attributes_range *range) {
	size_t n = source->site_count;
	if (n > 0 && source->sites[n - 1].line >= number) {
		return; // an item within an item on one line: the first has it
	}
	source->sites = xreallocarray(source->sites, n + 1, sizeof(*source->sites));
	source->sites[n] = (struct md_site){
		.line = number,
		.start = span.start + range->start,
		.end = span.start + range->end,
		.broken = found == ATTRIBUTES_BROKEN,
	};
	source->site_count++;
}

/* Look for attributes in @span of line @number. */
static void find_site(
		struct md_source *source, uint32_t number, struct md_span span) {
	struct md_line line = md_source_line(source, number);
	struct attributes_range range;
	enum attributes_found found = attributes_find(
			line.text + span.start, span.end - span.start, &range);
	if (found != ATTRIBUTES_NONE) {
		add_site(source, number, span, found, &range);
	}
}

/* A heading's words: without the marks before and after them. */
static struct md_span heading_span(struct md_line line) {
	struct md_span span = { 0, line.len };
	while (span.start < span.end && strchr(" \t#", line.text[span.start])) {
		span.start++;
	}
	size_t end = span.end;
	while (end > span.start && strchr(" \t", line.text[end - 1])) {
		end--;
	}
	size_t hashes = end;
	while (hashes > span.start && line.text[hashes - 1] == '#') {
		hashes--;
	}
	if (hashes < end && hashes > span.start &&
			strchr(" \t", line.text[hashes - 1])) {
		end = hashes;
	}
	span.end = end;
	return span;
}

static void find_in_list(struct md_source *source, cmark_node *list, int depth);

static void find_in_item(
		struct md_source *source, cmark_node *item, int depth) {
	bool titled = false;
	for (cmark_node *node = cmark_node_first_child(item); node != NULL;
			node = cmark_node_next(node)) {
		cmark_node_type type = cmark_node_get_type(node);
		if (type == CMARK_NODE_LIST) {
			find_in_list(source, node, depth + 1);
		} else if (type == CMARK_NODE_PARAGRAPH && !titled) {
			uint32_t number = md_source_paragraph_line(item, node);
			titled = true;
			find_site(source, number,
					(struct md_span){ 0, md_source_line(source, number).len });
		}
	}
}

static void find_in_list(
		struct md_source *source, cmark_node *list, int depth) {
	for (cmark_node *item = cmark_node_first_child(list);
			item != NULL && depth < MD_SOURCE_MAX_NESTED;
			item = cmark_node_next(item)) {
		find_in_item(source, item, depth);
	}
}

static void find_in_table(struct md_source *source, cmark_node *table) {
	struct md_header header = md_header_read(table);
	if (header.kind != MD_TABLE_TESTS) {
		return;
	}
	for (cmark_node *row = cmark_node_next(cmark_node_first_child(table));
			row != NULL; row = cmark_node_next(row)) {
		uint32_t number = (uint32_t)cmark_node_get_start_line(row);
		struct md_line line = md_source_line(source, number);
		struct md_span cell;
		if (md_text_cell(
					line.text, line.len, header.columns[MD_TEST_NAME], &cell)) {
			find_site(source, number, cell);
		}
	}
}

static void find_sites(struct md_source *source, cmark_node *document) {
	for (cmark_node *node = cmark_node_first_child(document); node != NULL;
			node = cmark_node_next(node)) {
		cmark_node_type type = cmark_node_get_type(node);
		if (type == CMARK_NODE_HEADING) {
			uint32_t number = md_source_heading_line(source, node);
			find_site(source, number,
					heading_span(md_source_line(source, number)));
		} else if (type == CMARK_NODE_LIST) {
			find_in_list(source, node, 0);
		} else if (md_text_is_table(node)) {
			find_in_table(source, node);
		}
	}
}

static void blank_sites(struct md_source *source) {
	source->plain = xcalloc(source->len + 1, 1);
	memcpy(source->plain, source->raw, source->len);
	for (size_t i = 0; i < source->site_count; i++) {
		const struct md_site *site = &source->sites[i];
		size_t line = (size_t)(md_source_line(source, site->line).text -
				source->raw);
		memset(source->plain + line + site->start, ' ',
				site->end - site->start);
	}
}

bool md_source_open(struct md_source *source, const char *text, size_t len,
		struct findings *findings) {
	*source = (struct md_source){ 0 };
	if (len > MD_SOURCE_MAX_BYTES) {
		findings_add(findings, SEVERITY_ERROR, "too-large",
				(struct place){ 1, 1 },
				"the file has %zu bytes, more than 256 kB; move prose into "
				"another",
				len);
		return false;
	}
	source->raw = normalised(text, len, &source->len);
	split_lines(source);
	if (!check_lines(source, findings) || !check_delimiters(source, findings)) {
		return false;
	}
	cmark_node *first = parse(source->raw, source->len);
	find_sites(source, first);
	cmark_node_free(first);
	blank_sites(source);
	source->document = parse(source->plain, source->len);
	return true;
}

void md_source_finish(struct md_source *source) {
	free(source->raw);
	free(source->plain);
	free(source->lines);
	free(source->sites);
	if (source->document != NULL) {
		cmark_node_free(source->document);
	}
	*source = (struct md_source){ 0 };
}

struct md_line md_source_line(const struct md_source *source, uint32_t number) {
	if (number == 0 || number > source->line_count) {
		return (struct md_line){ "", 0 };
	}
	return source->lines[number - 1];
}

const struct md_site *md_source_site(
		const struct md_source *source, uint32_t number) {
	size_t low = 0;
	size_t high = source->site_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (source->sites[middle].line == number) {
			return &source->sites[middle];
		}
		if (source->sites[middle].line < number) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return NULL;
}

/* Whether a line underlines a heading (CommonMark 0.30, section 4.3). */
static bool underlines(struct md_line line) {
	size_t at = 0;
	while (at < line.len && line.text[at] == ' ') {
		at++;
	}
	char c = at < line.len ? line.text[at] : '\0';
	while (at < line.len && line.text[at] == c) {
		at++;
	}
	while (at < line.len && strchr(" \t", line.text[at]) != NULL) {
		at++;
	}
	return (c == '=' || c == '-') && at == line.len;
}

uint32_t md_source_heading_line(
		const struct md_source *source, cmark_node *heading) {
	uint32_t first = (uint32_t)cmark_node_get_start_line(heading);
	struct md_line line = md_source_line(source, first);
	size_t at = 0;
	while (at < line.len && line.text[at] == ' ') {
		at++;
	}
	if (at < line.len && line.text[at] == '#') {
		return first;
	}
	for (uint32_t n = first + 1; n <= source->line_count; n++) {
		if (underlines(md_source_line(source, n))) {
			return n - 1;
		}
	}
	return first;
}

uint32_t md_source_paragraph_line(cmark_node *item, cmark_node *paragraph) {
	int line = cmark_node_get_start_line(paragraph);
	if (line <= 0) {
		line = cmark_node_get_start_line(item);
	}
	return (uint32_t)line;
}
