#include "codec/md_text.h"

#include <string.h>

#include <cmark-gfm.h>

#include "base/str.h"

static bool is_blank(char c) {
	return c == ' ' || c == '\t' || c == '\n';
}

bool md_text_is_table(cmark_node *node) {
	return strcmp(cmark_node_get_type_string(node), "table") == 0;
}

bool md_text_is_row(cmark_node *node) {
	const char *type = cmark_node_get_type_string(node);
	return strcmp(type, "table_row") == 0 || strcmp(type, "table_header") == 0;
}

/* Add @text with every run of white space as one space, none at the front. */
static void add_folded(struct str *out, const char *text) {
	for (; *text != '\0'; text++) {
		if (!is_blank(*text)) {
			str_add_char(out, *text);
		} else if (out->len > 0 && out->data[out->len - 1] != ' ') {
			str_add_char(out, ' ');
		}
	}
}

static void add_node(struct str *out, cmark_node *node) {
	cmark_node_type type = cmark_node_get_type(node);
	if (type == CMARK_NODE_TEXT || type == CMARK_NODE_CODE ||
			type == CMARK_NODE_HTML_INLINE) {
		add_folded(out, cmark_node_get_literal(node));
	} else if (type == CMARK_NODE_SOFTBREAK || type == CMARK_NODE_LINEBREAK) {
		add_folded(out, " ");
	}
}

char *md_text_plain(cmark_node *node) {
	struct str out;
	str_init(&out, 0);
	cmark_iter *iter = cmark_iter_new(node);
	for (cmark_event_type event = cmark_iter_next(iter);
			event != CMARK_EVENT_DONE; event = cmark_iter_next(iter)) {
		if (event == CMARK_EVENT_ENTER) {
			add_node(&out, cmark_iter_get_node(iter));
		}
	}
	cmark_iter_free(iter);
	while (out.len > 0 && out.data[out.len - 1] == ' ') {
		str_truncate(&out, out.len - 1);
	}
	return str_take(&out);
}

static bool is_code(cmark_node *node) {
	return cmark_node_get_type(node) == CMARK_NODE_CODE;
}

const char *md_text_sole_code(cmark_node *cell) {
	cmark_node *only = cmark_node_first_child(cell);
	if (only == NULL || !is_code(only) || cmark_node_next(only) != NULL) {
		return NULL;
	}
	return cmark_node_get_literal(only);
}

cmark_node *md_text_next_code(cmark_node *parent, cmark_node *node) {
	node = node == NULL ? cmark_node_first_child(parent)
						: cmark_node_next(node);
	while (node != NULL && !is_code(node)) {
		node = cmark_node_next(node);
	}
	return node;
}

/* The next pipe at or after @at that ends a cell; @len if none. */
static size_t next_pipe(const char *line, size_t len, size_t at) {
	while (at < len && (line[at] != '|' || (at > 0 && line[at - 1] == '\\'))) {
		at++;
	}
	return at;
}

static struct md_span trimmed(const char *line, struct md_span span) {
	while (span.start < span.end && is_blank(line[span.start])) {
		span.start++;
	}
	while (span.end > span.start && is_blank(line[span.end - 1])) {
		span.end--;
	}
	return span;
}

bool md_text_cell(
		const char *line, size_t len, size_t index, struct md_span *cell) {
	struct md_span row = trimmed(line, (struct md_span){ 0, len });
	size_t at = row.start;
	if (at < row.end && line[at] == '|') {
		at++;
	}
	for (size_t i = 0; at < row.end; i++) {
		size_t pipe = next_pipe(line, row.end, at);
		if (i == index) {
			*cell = trimmed(line, (struct md_span){ at, pipe });
			return true;
		}
		at = pipe + 1;
	}
	return false;
}

static size_t ticks_at(const char *line, size_t end, size_t at) {
	size_t n = 0;
	while (at + n < end && line[at + n] == '`') {
		n++;
	}
	return n;
}

bool md_text_next_span(const char *line, size_t end, size_t at,
		struct md_span *code, size_t *after) {
	while (at < end) {
		if (line[at] == '\\') {
			at += 2;
			continue;
		}
		size_t ticks = ticks_at(line, end, at);
		if (ticks == 0) {
			at++;
			continue;
		}
		for (size_t i = at + ticks; i < end;) {
			size_t run = ticks_at(line, end, i);
			if (run == ticks) {
				*code = (struct md_span){ at + ticks, i };
				*after = i + run;
				return true;
			}
			i += run > 0 ? run : 1;
		}
		at += ticks;
	}
	return false;
}

bool md_text_code_span(const char *line, struct md_span cell, size_t index,
		struct md_span *code) {
	size_t at = cell.start;
	for (size_t i = 0; md_text_next_span(line, cell.end, at, code, &at); i++) {
		if (i == index) {
			return true;
		}
	}
	return false;
}
