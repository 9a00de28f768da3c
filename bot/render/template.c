#include "render/template.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "render/markdown.h"

#define NAME_MAX_BYTES 40

enum node_type {
	NODE_TEXT,
	NODE_VARIABLE,
	NODE_RAW,
	NODE_SECTION,
	NODE_INVERTED,
};

struct node {
	enum node_type type;
	char *text;    // of a text; else the name
	size_t end;    // of a section: the node behind its last
	unsigned line; // where its tag stands, from 1
	unsigned column;
};

struct template {
	char *name;
	struct node *nodes;
	size_t count;
};

void template_destroy(struct template *template) {
	if (template == NULL) {
		return;
	}
	for (size_t i = 0; i < template->count; i++) {
		free(template->nodes[i].text);
	}
	free(template->nodes);
	free(template->name);
	free(template);
}

/* --- parsing --- */

struct parser {
	struct template *template;
	const char *text;
	const char *at;
	size_t open[TEMPLATE_DEPTH_MAX]; // sections, innermost last
	size_t depth;
	struct err *err;
};

struct tag {
	const char *start; // of its braces
	const char *end;   // behind them
	char sigil;        // one of "#^/!&{", 0 for a plain name
	char name[NAME_MAX_BYTES + 1];
};

static void locate(const struct parser *parser, const char *at, unsigned *line,
		unsigned *column) {
	*line = 1;
	*column = 1;
	for (const char *c = parser->text; c < at; c++) {
		if (*c == '\n') {
			(*line)++;
			*column = 1;
		} else if (((unsigned char)*c & 0xC0u) != 0x80u) {
			(*column)++;
		}
	}
}

static bool fail_at(
		const struct parser *parser, const char *at, const char *what) {
	unsigned line = 0;
	unsigned column = 0;
	locate(parser, at, &line, &column);
	return err_set(parser->err, ERR_INVALID, "%s:%u:%u: %s",
			parser->template->name, line, column, what);
}

static bool fail_node(const struct template *template, const struct node *node,
		struct err *err, const char *what) {
	return err_set(err, ERR_INVALID, "%s:%u:%u: {{%s}}: %s", template->name,
			node->line, node->column, node->text, what);
}

static bool add_node(struct parser *parser, enum node_type type,
		const char *text, size_t len, const char *at) {
	struct template *template = parser->template;
	if (template->count == TEMPLATE_NODES_MAX) {
		return fail_at(parser, at, "too many tags");
	}
	template->nodes = xreallocarray(
			template->nodes, template->count + 1, sizeof(*template->nodes));
	struct node *node = &template->nodes[template->count++];
	*node = (struct node){ .type = type, .text = xstrndup(text, len) };
	node->end = template->count;
	locate(parser, at, &node->line, &node->column);
	return true;
}

static bool is_name_char(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '_';
}

static bool read_name(struct parser *parser, struct tag *tag, const char *from,
		const char *to) {
	from += strspn(from, " \t\n");
	while (to > from && strchr(" \t\n", to[-1]) != NULL) {
		to--;
	}
	size_t len = to > from ? (size_t)(to - from) : 0;
	bool good = len > 0 && len <= NAME_MAX_BYTES;
	for (size_t i = 0; good && i < len; i++) {
		good = is_name_char(from[i]) || (len == 1 && from[i] == '.');
	}
	if (!good) {
		return fail_at(parser, tag->start,
				"a tag holds one name of letters, digits and _");
	}
	memcpy(tag->name, from, len);
	tag->name[len] = '\0';
	return true;
}

/* Read the tag whose braces open at @start. */
static bool read_tag(
		struct parser *parser, const char *start, struct tag *tag) {
	*tag = (struct tag){ .start = start };
	const char *from = start + 2;
	const char *closing = "}}";
	if (*from != '\0' && strchr("#^/!&{", *from) != NULL) {
		tag->sigil = *from;
		closing = *from == '{' ? "}}}" : "}}";
		from++;
	} else if (*from != '\0' && strchr(">=<$", *from) != NULL) {
		return fail_at(parser, start,
				"partials, blocks and other delimiters are not supported");
	}
	const char *to = strstr(from, closing);
	if (to == NULL) {
		return fail_at(parser, start, "the tag is not closed");
	}
	tag->end = to + strlen(closing);
	return tag->sigil == '!' || read_name(parser, tag, from, to);
}

/* Whether the tag stands alone on its line; then where the line begins and
 * where the next one does. */
static bool stands_alone(const struct parser *parser, const struct tag *tag,
		const char **line, const char **next) {
	if (tag->sigil == '\0' || strchr("#^/!", tag->sigil) == NULL) {
		return false;
	}
	*line = tag->start;
	while (*line > parser->text &&
			((*line)[-1] == ' ' || (*line)[-1] == '\t')) {
		(*line)--;
	}
	*next = tag->end + strspn(tag->end, " \t\r");
	bool begins = *line == parser->text || (*line)[-1] == '\n';
	bool ends = **next == '\n' || **next == '\0';
	// What was taken before is no longer there to be a line's start.
	if (!begins || !ends || *line < parser->at) {
		return false;
	}
	*next += **next == '\n';
	return true;
}

static bool open_section(
		struct parser *parser, const struct tag *tag, enum node_type type) {
	if (parser->depth == TEMPLATE_DEPTH_MAX) {
		return fail_at(parser, tag->start, "sections too deep");
	}
	parser->open[parser->depth++] = parser->template->count;
	return add_node(parser, type, tag->name, strlen(tag->name), tag->start);
}

static bool close_section(struct parser *parser, const struct tag *tag) {
	if (parser->depth == 0) {
		return fail_at(parser, tag->start, "no section is open here");
	}
	size_t opened = parser->open[--parser->depth];
	struct node *node = &parser->template->nodes[opened];
	if (strcmp(node->text, tag->name) != 0) {
		char what[NAME_MAX_BYTES + 60];
		snprintf(what, sizeof(what), "the section to close is {{/%s}}",
				node->text);
		return fail_at(parser, tag->start, what);
	}
	node->end = parser->template->count;
	return true;
}

static bool take_tag(struct parser *parser, const struct tag *tag) {
	size_t len = strlen(tag->name);
	switch (tag->sigil) {
	case '#':
		return open_section(parser, tag, NODE_SECTION);
	case '^':
		return open_section(parser, tag, NODE_INVERTED);
	case '/':
		return close_section(parser, tag);
	case '!':
		return true;
	case '&':
	case '{':
		return add_node(parser, NODE_RAW, tag->name, len, tag->start);
	default:
		return add_node(parser, NODE_VARIABLE, tag->name, len, tag->start);
	}
}

static bool take_text(struct parser *parser, const char *to) {
	return to <= parser->at ||
			add_node(parser, NODE_TEXT, parser->at, (size_t)(to - parser->at),
					parser->at);
}

static bool parse(struct parser *parser) {
	const char *start = NULL;
	while ((start = strstr(parser->at, "{{")) != NULL) {
		struct tag tag;
		if (!read_tag(parser, start, &tag)) {
			return false;
		}
		const char *text_end = start;
		const char *next = tag.end;
		const char *line = NULL;
		const char *next_line = NULL;
		if (stands_alone(parser, &tag, &line, &next_line)) {
			text_end = line;
			next = next_line;
		}
		if (!take_text(parser, text_end) || !take_tag(parser, &tag)) {
			return false;
		}
		parser->at = next;
	}
	if (parser->depth > 0) {
		const struct node *node =
				&parser->template->nodes[parser->open[parser->depth - 1]];
		return fail_node(parser->template, node, parser->err,
				"the section is not closed");
	}
	return take_text(parser, parser->at + strlen(parser->at));
}

struct template *template_parse(
		const char *name, const char *text, struct err *err) {
	struct template *template = xcalloc(1, sizeof(*template));
	template->name = xstrdup(name);
	struct parser parser = { .template = template, .text = text, .at = text };
	parser.err = err;
	bool ok = strlen(text) <= TEMPLATE_BYTES_MAX
			? parse(&parser)
			: err_set(err, ERR_INVALID, "%s: over %zu kB", name,
					  TEMPLATE_BYTES_MAX / 1024);
	if (!ok) {
		template_destroy(template);
		return NULL;
	}
	return template;
}

/* --- rendering --- */

/* The values that sections have entered, innermost last. */
struct stack {
	const cJSON *values[TEMPLATE_DEPTH_MAX + 1];
	size_t count;
};

struct walk {
	const struct template *template;
	struct stack stack;
	struct str *out; // NULL: only check the names
	struct err *err;
};

static const cJSON *look_up(const struct stack *stack, const char *name) {
	if (strcmp(name, ".") == 0) {
		return stack->values[stack->count - 1];
	}
	for (size_t i = stack->count; i > 0; i--) {
		const cJSON *found = cJSON_IsObject(stack->values[i - 1])
				? cJSON_GetObjectItemCaseSensitive(stack->values[i - 1], name)
				: NULL;
		if (found != NULL) {
			return found;
		}
	}
	return NULL;
}

/* Add @value; of a check, whether it could be added. */
static bool add_value(
		struct walk *walk, const struct node *node, const cJSON *value) {
	if (!cJSON_IsNumber(value) && !cJSON_IsRaw(value) &&
			!cJSON_IsString(value) && !cJSON_IsNull(value)) {
		return fail_node(
				walk->template, node, walk->err, "neither text nor a number");
	}
	if (walk->out == NULL) {
		return true;
	}
	if (cJSON_IsNumber(value)) {
		str_addf(walk->out, "%.15g", value->valuedouble);
	} else if (cJSON_IsRaw(value) ||
			(cJSON_IsString(value) && node->type == NODE_RAW)) {
		str_add(walk->out, value->valuestring);
	} else if (cJSON_IsString(value)) {
		markdown_add_text(walk->out, value->valuestring);
	}
	return true;
}

static bool is_shown(const cJSON *value) {
	if (cJSON_IsArray(value)) {
		return value->child != NULL;
	}
	if (cJSON_IsString(value) || cJSON_IsRaw(value)) {
		return value->valuestring[0] != '\0';
	}
	return cJSON_IsTrue(value) || cJSON_IsObject(value) ||
			(cJSON_IsNumber(value) && value->valuedouble != 0);
}

static bool walk_nodes(struct walk *walk, size_t from, size_t to);

static bool walk_inside(
		struct walk *walk, const cJSON *value, size_t from, size_t to) {
	walk->stack.values[walk->stack.count++] = value;
	bool ok = walk_nodes(walk, from, to);
	walk->stack.count--;
	return ok;
}

static bool walk_section(struct walk *walk, size_t index, const cJSON *value) {
	const struct node *node = &walk->template->nodes[index];
	size_t from = index + 1;
	if (node->type == NODE_INVERTED) {
		return (walk->out != NULL && is_shown(value)) ||
				walk_nodes(walk, from, node->end);
	}
	if (walk->out == NULL) {
		// A check enters every branch, with an element where there is one.
		const cJSON *inside = cJSON_IsArray(value) && value->child != NULL
				? value->child
				: value;
		return walk_inside(walk, inside, from, node->end);
	}
	if (!is_shown(value)) {
		return true;
	}
	if (!cJSON_IsArray(value)) {
		return walk_inside(walk, value, from, node->end);
	}
	const cJSON *element = NULL;
	cJSON_ArrayForEach(element, value) {
		if (!walk_inside(walk, element, from, node->end)) {
			return false;
		}
	}
	return true;
}

static bool walk_nodes(struct walk *walk, size_t from, size_t to) {
	for (size_t i = from; i < to; i++) {
		const struct node *node = &walk->template->nodes[i];
		if (node->type == NODE_TEXT) {
			if (walk->out != NULL) {
				str_add(walk->out, node->text);
			}
			continue;
		}
		const cJSON *value = look_up(&walk->stack, node->text);
		if (value == NULL) {
			return fail_node(walk->template, node, walk->err, "no such name");
		}
		bool section = node->type == NODE_SECTION ||
				node->type == NODE_INVERTED;
		if (section) {
			if (!walk_section(walk, i, value)) {
				return false;
			}
			i = node->end - 1;
		} else if (!add_value(walk, node, value)) {
			return false;
		}
	}
	return true;
}

bool template_render(const struct template *template, const cJSON *context,
		struct str *out, struct err *err) {
	struct str text;
	str_init(&text, TEMPLATE_OUTPUT_MAX);
	struct walk walk = { .template = template, .out = &text, .err = err };
	bool ok = walk_inside(&walk, context, 0, template->count);
	if (ok && text.cut) {
		ok = err_set(err, ERR_INVALID, "%s: says more than %zu kB",
				template->name, TEMPLATE_OUTPUT_MAX / 1024);
	}
	if (ok) {
		str_add(out, str_text(&text));
	}
	str_finish(&text);
	return ok;
}

bool template_check(
		const struct template *template, const cJSON *sample, struct err *err) {
	struct walk walk = { .template = template, .err = err };
	return walk_inside(&walk, sample, 0, template->count);
}
