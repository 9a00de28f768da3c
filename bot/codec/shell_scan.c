#include "codec/shell_scan.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "codec/shell_builtin.h"

#define DEPTH_MAX    48 // of substitutions in substitutions
#define HEREDOCS_MAX 16

/* A here-document whose body begins on the next line. */
struct heredoc {
	char *end;
	bool quoted;
	bool tabs; // <<-
};

struct scanner {
	struct shell_scan *scan;
	const char *text;
	size_t len;
	size_t at;
	int depth;
	struct heredoc heredocs[HEREDOCS_MAX];
	size_t heredoc_count;
};

/* One list of commands, up to what ends it. */
struct list {
	char end;       // 0: the end of the text
	int cases;      // `case`s that are open
	bool case_word; // between `case` and `in`
	bool pattern;   // a pattern of a `case`, up to its `)`
	bool target;    // the next word is a redirection's
	bool function;  // the next word is a function's name
	struct shell_command command;
};

static char peek(const struct scanner *s, size_t ahead) {
	return s->at + ahead < s->len ? s->text[s->at + ahead] : '\0';
}

static bool done(const struct scanner *s) {
	return s->at >= s->len;
}

static bool is_blank(char c) {
	return c == ' ' || c == '\t';
}

static bool is_first(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c) {
	return c >= '0' && c <= '9';
}

static bool ends_word(char c) {
	return c == '\0' || c == '\n' || is_blank(c) ||
			strchr(";&|()<>", c) != NULL;
}

/* Go on by @n bytes, which are of @kind. */
static void skip(struct scanner *s, size_t n, enum shell_byte kind) {
	for (size_t i = 0; i < n && !done(s); i++) {
		s->scan->bytes[s->at++] = (unsigned char)kind;
	}
}

static size_t name_len(const struct scanner *s, size_t from) {
	size_t n = 0;
	if (from < s->len && is_first(s->text[from])) {
		while (from + n < s->len &&
				(is_first(s->text[from + n]) || is_digit(s->text[from + n]))) {
			n++;
		}
	}
	return n;
}

static void add_use(struct scanner *s, size_t from, size_t len, size_t offset) {
	shell_words_add(
			&s->scan->uses, &s->scan->use_count, s->text + from, len, offset);
}

static void add_set(struct scanner *s, size_t from, size_t len) {
	shell_words_add(
			&s->scan->sets, &s->scan->set_count, s->text + from, len, from);
}

static void read_list(struct scanner *s, char end);
static void read_dollar(struct scanner *s, bool quoted);

/* A substitution's commands; too deep ones are passed over. */
static void read_nested(struct scanner *s, char end) {
	if (s->depth < DEPTH_MAX) {
		s->depth++;
		read_list(s, end);
		s->depth--;
	}
}

static void read_backtick(struct scanner *s) {
	skip(s, 1, SHELL_PLAIN);
	read_nested(s, '`');
}

static void read_single(struct scanner *s) {
	skip(s, 1, SHELL_QUOTED);
	while (!done(s) && peek(s, 0) != '\'') {
		skip(s, 1, SHELL_QUOTED);
	}
	skip(s, 1, SHELL_QUOTED);
}

/* $'...' has escapes. */
static void read_ansi(struct scanner *s) {
	skip(s, 2, SHELL_QUOTED);
	while (!done(s) && peek(s, 0) != '\'') {
		skip(s, peek(s, 0) == '\\' ? 2 : 1, SHELL_QUOTED);
	}
	skip(s, 1, SHELL_QUOTED);
}

static void read_double(struct scanner *s) {
	skip(s, 1, SHELL_QUOTED);
	while (!done(s) && peek(s, 0) != '"') {
		char c = peek(s, 0);
		if (c == '\\') {
			skip(s, 2, SHELL_QUOTED);
		} else if (c == '$') {
			read_dollar(s, true);
		} else if (c == '`') {
			read_backtick(s);
		} else {
			skip(s, 1, SHELL_QUOTED);
		}
	}
	skip(s, 1, SHELL_QUOTED);
}

/* Whether the name that ends before @at is assigned by what follows. */
static bool assigns(const struct scanner *s, size_t at) {
	while (at < s->len && is_blank(s->text[at])) {
		at++;
	}
	char c = at < s->len ? s->text[at] : '\0';
	char next = at + 1 < s->len ? s->text[at + 1] : '\0';
	if (c == '=') {
		return next != '=';
	}
	return c != '\0' && strchr("+-*/%&|^", c) != NULL &&
			(next == '=' || (strchr("+-", c) != NULL && next == c));
}

/* An arithmetic expression, up to the @closing brackets that end it. */
static void read_arithmetic(struct scanner *s, const char *closing) {
	size_t len = strlen(closing);
	int open = 0;
	while (!done(s)) {
		char c = peek(s, 0);
		if (open == 0 && s->len - s->at >= len &&
				strncmp(s->text + s->at, closing, len) == 0) {
			skip(s, len, SHELL_PLAIN);
			return;
		}
		size_t name = name_len(s, s->at);
		if (name > 0) {
			if (assigns(s, s->at + name)) {
				add_set(s, s->at, name);
			} else {
				add_use(s, s->at, name, s->at);
			}
			skip(s, name, SHELL_ARITHMETIC);
			continue;
		}
		if (is_digit(c)) { // 0x1f, 16#ff
			while (is_digit(peek(s, 0)) || is_first(peek(s, 0)) ||
					peek(s, 0) == '#') {
				skip(s, 1, SHELL_ARITHMETIC);
			}
			continue;
		}
		open += c == '(';
		open -= c == ')' && open > 0;
		if (c == '$') {
			read_dollar(s, true);
		} else if (c == '`') {
			read_backtick(s);
		} else {
			skip(s, c == '\\' ? 2 : 1, SHELL_ARITHMETIC);
		}
	}
}

/* The word behind an expansion's operator, up to its brace. */
static void read_brace_word(struct scanner *s, bool quoted) {
	while (!done(s) && peek(s, 0) != '}') {
		char c = peek(s, 0);
		if (c == '\\') {
			skip(s, 2, SHELL_QUOTED);
		} else if (c == '\'' && !quoted) {
			read_single(s);
		} else if (c == '"') {
			read_double(s);
		} else if (c == '$') {
			read_dollar(s, quoted);
		} else if (c == '`') {
			read_backtick(s);
		} else {
			skip(s, 1, quoted ? SHELL_QUOTED : SHELL_PLAIN);
		}
	}
	skip(s, 1, SHELL_PLAIN);
}

/* `[...]` behind a name in an expansion. */
static void read_subscript(struct scanner *s) {
	if (peek(s, 0) != '[') {
		return;
	}
	skip(s, 1, SHELL_PLAIN);
	if ((peek(s, 0) == '@' || peek(s, 0) == '*') && peek(s, 1) == ']') {
		skip(s, 2, SHELL_PLAIN);
		return;
	}
	while (!done(s) && peek(s, 0) != ']' && peek(s, 0) != '}') {
		if (peek(s, 0) == '$') {
			read_dollar(s, true);
		} else {
			skip(s, 1, SHELL_ARITHMETIC);
		}
	}
	skip(s, peek(s, 0) == ']' ? 1 : 0, SHELL_PLAIN);
}

/* ${...}: the name counts as used unless it has a default. */
static void read_brace(struct scanner *s, bool quoted) {
	size_t dollar = s->at;
	skip(s, 2, SHELL_PLAIN);
	bool indirect = peek(s, 0) == '!';
	if ((peek(s, 0) == '#' || indirect) && is_first(peek(s, 1))) {
		skip(s, 1, SHELL_PLAIN);
	}
	size_t name = s->at;
	size_t len = name_len(s, name);
	skip(s, len, SHELL_PLAIN);
	read_subscript(s);
	char c = peek(s, 0);
	char next = peek(s, 1);
	char op = c == ':' ? next : c;
	bool by_default = op != '\0' && strchr("-=+", op) != NULL;
	bool listed = indirect && (c == '*' || c == '@') && next == '}';
	if (len > 0 && by_default && op == '=') {
		add_set(s, name, len);
	} else if (len > 0 && !by_default && !listed) {
		add_use(s, name, len, dollar);
	}
	if (len == 0 && c != '}') {
		skip(s, 1, SHELL_PLAIN); // a special parameter: ${@}, ${#}, ${1:-x}
	}
	read_brace_word(s, quoted);
}

static void read_dollar(struct scanner *s, bool quoted) {
	enum shell_byte kind = quoted ? SHELL_QUOTED : SHELL_PLAIN;
	char next = peek(s, 1);
	size_t len = name_len(s, s->at + 1);
	if (s->depth >= DEPTH_MAX) {
		skip(s, 1, kind);
		return;
	}
	s->depth++;
	if (len > 0) {
		add_use(s, s->at + 1, len, s->at);
		skip(s, 1 + len, kind);
	} else if (next == '(' && peek(s, 2) == '(') {
		skip(s, 3, SHELL_PLAIN);
		read_arithmetic(s, "))");
	} else if (next == '(') {
		skip(s, 2, SHELL_PLAIN);
		read_nested(s, ')');
	} else if (next == '{') {
		read_brace(s, quoted);
	} else if (next == '[') {
		skip(s, 2, SHELL_PLAIN);
		read_arithmetic(s, "]");
	} else if (next == '\'' && !quoted) {
		read_ansi(s);
	} else if (next == '"' && !quoted) {
		skip(s, 1, kind);
		read_double(s);
	} else {
		bool special = is_digit(next) ||
				(next != '\0' && strchr("@*#?$!-", next) != NULL);
		skip(s, special ? 2 : 1, kind);
	}
	s->depth--;
}

/* The body of one here-document, up to the line that ends it. */
static void read_body(struct scanner *s, const struct heredoc *heredoc) {
	size_t end_len = strlen(heredoc->end);
	while (!done(s)) {
		size_t at = s->at;
		while (heredoc->tabs && at < s->len && s->text[at] == '\t') {
			at++;
		}
		const char *newline = memchr(s->text + at, '\n', s->len - at);
		size_t stop = newline != NULL ? (size_t)(newline - s->text) : s->len;
		bool last = stop - at == end_len &&
				strncmp(s->text + at, heredoc->end, end_len) == 0;
		while (s->at < stop) {
			char c = peek(s, 0);
			if (last || heredoc->quoted || (c != '$' && c != '\\')) {
				skip(s, 1, SHELL_HEREDOC);
			} else if (c == '$') {
				size_t from = s->at;
				read_dollar(s, true);
				memset(s->scan->bytes + from, SHELL_HEREDOC, s->at - from);
			} else {
				skip(s, 2, SHELL_HEREDOC);
			}
		}
		skip(s, s->at == stop ? 1 : 0, SHELL_HEREDOC);
		if (last) {
			return;
		}
	}
}

static void read_bodies(struct scanner *s) {
	size_t count = s->heredoc_count;
	s->heredoc_count = 0; // a body may hold a substitution with its own
	struct heredoc heredocs[HEREDOCS_MAX];
	memcpy(heredocs, s->heredocs, sizeof(heredocs));
	for (size_t i = 0; i < count; i++) {
		read_body(s, &heredocs[i]);
		free(heredocs[i].end);
	}
}

/* The word behind `<<`, which ends the body. */
static void read_heredoc(struct scanner *s) {
	struct heredoc heredoc = { .tabs = peek(s, 2) == '-' };
	skip(s, heredoc.tabs ? 3 : 2, SHELL_OPERATOR);
	while (is_blank(peek(s, 0))) {
		skip(s, 1, SHELL_OPERATOR);
	}
	struct str end = { 0 };
	char quote = '\0';
	while (!done(s) && (quote != '\0' || !ends_word(peek(s, 0)))) {
		char c = peek(s, 0);
		if (c == '\n') {
			break;
		}
		if (quote != '\0' ? c == quote : c == '\'' || c == '"') {
			quote = quote == '\0' ? c : '\0';
			heredoc.quoted = true;
		} else if (c == '\\' && quote != '\'') {
			heredoc.quoted = true;
			skip(s, 1, SHELL_OPERATOR);
			str_add_bytes(&end, s->text + s->at, done(s) ? 0 : 1);
		} else {
			str_add_char(&end, c);
		}
		skip(s, 1, SHELL_OPERATOR);
	}
	heredoc.end = str_take(&end);
	if (s->heredoc_count < HEREDOCS_MAX) {
		s->heredocs[s->heredoc_count++] = heredoc;
	} else {
		free(heredoc.end);
	}
}

static void finish_command(struct shell_command *command) {
	for (size_t i = 0; i < command->count; i++) {
		free(command->words[i]);
	}
	free(command->words);
	free(command->offsets);
	*command = (struct shell_command){ 0 };
}

static void end_command(struct scanner *s, struct list *list) {
	struct shell_command *command = &list->command;
	list->target = false;
	list->function = false;
	if (command->count == 0) {
		return;
	}
	struct shell_scan *scan = s->scan;
	shell_builtin_sets(command, &scan->sets, &scan->set_count);
	if ((scan->command_count & (scan->command_count - 1)) == 0) {
		scan->commands = xreallocarray(scan->commands,
				scan->command_count > 0 ? scan->command_count * 2 : 1,
				sizeof(*scan->commands));
	}
	scan->commands[scan->command_count++] = *command;
	*command = (struct shell_command){ 0 };
}

static void add_word(
		struct shell_command *command, char *take_word, size_t offset) {
	size_t n = command->count++;
	if ((n & (n - 1)) == 0) {
		size_t room = n > 0 ? n * 2 : 1;
		command->words = xreallocarray(command->words, room, sizeof(char *));
		command->offsets = xreallocarray(
				command->offsets, room, sizeof(size_t));
	}
	command->words[n] = take_word;
	command->offsets[n] = offset;
}

/* Words of an array's assignment, `x=(a b)`. */
static void read_array(struct scanner *s);

/* Read one word; its text without quotes goes to @out. */
static void read_word(struct scanner *s, char end, struct str *out) {
	while (!done(s) && !(end == '`' && peek(s, 0) == '`')) {
		char c = peek(s, 0);
		size_t from = s->at;
		if (c == '\\') {
			skip(s, 2, SHELL_QUOTED);
			if (s->at - from == 2 && s->text[from + 1] != '\n') {
				str_add_char(out, s->text[from + 1]);
			}
		} else if (c == '\'') {
			read_single(s);
			str_add_bytes(out, s->text + from + 1,
					s->at - from > 2 ? s->at - from - 2 : 0);
		} else if (c == '"') {
			read_double(s);
			str_add_bytes(out, s->text + from + 1,
					s->at - from > 2 ? s->at - from - 2 : 0);
		} else if (c == '$') {
			read_dollar(s, false);
			str_add_char(out, '$');
		} else if (c == '`') {
			read_backtick(s);
			str_add_char(out, '$');
		} else if (c == '(' && out->len > 0 &&
				strchr("=@?*+!", out->data[out->len - 1]) != NULL) {
			read_array(s); // or an extended pattern, which looks alike
		} else if (ends_word(c)) {
			return;
		} else {
			skip(s, 1, SHELL_PLAIN);
			str_add_char(out, c);
		}
	}
}

static void read_array(struct scanner *s) {
	skip(s, 1, SHELL_PLAIN);
	struct str word = { 0 };
	while (!done(s) && peek(s, 0) != ')') {
		size_t from = s->at;
		if (s->depth < DEPTH_MAX) {
			s->depth++;
			read_word(s, '\0', &word);
			s->depth--;
		}
		str_clear(&word);
		if (s->at == from) {
			skip(s, 1, SHELL_PLAIN);
		}
	}
	skip(s, 1, SHELL_PLAIN);
	str_finish(&word);
}

/* The length of the name that an assignment at the cursor sets; 0 if none. */
static size_t assigned_name(const struct scanner *s) {
	size_t len = name_len(s, s->at);
	if (len == 0) {
		return 0;
	}
	size_t at = s->at + len;
	if (at < s->len && s->text[at] == '[') {
		while (at < s->len && s->text[at] != ']' && s->text[at] != '\n') {
			at++;
		}
		at++;
	}
	if (at < s->len && s->text[at] == '+') {
		at++;
	}
	return at < s->len && s->text[at] == '=' ? len : 0;
}

static bool is_reserved(const char *word) {
	static const char *const words[] = { "if", "then", "else", "elif", "fi",
		"do", "done", "while", "until", "!", "{", "}", "time", "in" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i], word) == 0) {
			return true;
		}
	}
	return false;
}

/* Take a plain word where it is one of the shell's; else false. */
static bool take_keyword(struct list *list, const char *word) {
	if (list->case_word && strcmp(word, "in") == 0) {
		list->case_word = false;
		list->pattern = true;
		finish_command(&list->command);
		return true;
	}
	if (list->command.count > 0) {
		return false;
	}
	if (strcmp(word, "esac") == 0 && list->cases > 0) {
		list->cases--;
		list->pattern = false;
		return true;
	}
	if (list->pattern) {
		return true;
	}
	if (strcmp(word, "case") == 0) {
		list->cases++;
		list->case_word = true;
		return true;
	}
	if (strcmp(word, "function") == 0) {
		list->function = true;
		return true;
	}
	return is_reserved(word);
}

static void read_command_word(struct scanner *s, struct list *list) {
	size_t from = s->at;
	if (list->command.count == 0 && !list->target && !list->pattern) {
		size_t name = assigned_name(s);
		if (name > 0) {
			struct str value = { 0 };
			add_set(s, from, name);
			read_word(s, list->end, &value);
			str_finish(&value);
			return;
		}
	}
	struct str word = { 0 };
	read_word(s, list->end, &word);
	bool plain = s->at - from == word.len;
	bool number = word.len > 0 && strspn(word.data, "0123456789") == word.len &&
			(peek(s, 0) == '<' || peek(s, 0) == '>');
	if (list->target || list->function || number) {
		list->target = list->target && number;
		list->function = false;
	} else if (!plain || !take_keyword(list, str_text(&word))) {
		if (!list->pattern) {
			add_word(&list->command, str_take(&word), from);
		}
	}
	str_finish(&word);
}

static void read_comment(struct scanner *s) {
	while (!done(s) && peek(s, 0) != '\n') {
		skip(s, 1, SHELL_COMMENT);
	}
}

static void read_angle(struct scanner *s, struct list *list) {
	char c = peek(s, 0);
	char next = peek(s, 1);
	if (next == '(') { // process substitution
		skip(s, 2, SHELL_PLAIN);
		read_nested(s, ')');
		list->target = false;
	} else if (c == '<' && next == '<' && peek(s, 2) != '<') {
		read_heredoc(s);
	} else {
		size_t n = 1;
		while (n < 3 && peek(s, n) != '\0' &&
				strchr("<>&|", peek(s, n)) != NULL) {
			n++;
		}
		skip(s, n, n > 1 ? SHELL_OPERATOR : SHELL_PLAIN);
		list->target = peek(s, 0) != '-';
	}
}

static void read_paren(struct scanner *s, struct list *list) {
	bool for_loop = list->command.count == 1 &&
			strcmp(list->command.words[0], "for") == 0;
	if (peek(s, 1) == '(' && (list->command.count == 0 || for_loop)) {
		skip(s, 2, SHELL_PLAIN);
		read_arithmetic(s, "))");
		return;
	}
	size_t at = 1;
	while (is_blank(peek(s, at))) {
		at++;
	}
	if (list->command.count == 1 && peek(s, at) == ')') { // name()
		skip(s, at + 1, SHELL_PLAIN);
		finish_command(&list->command);
	} else if (list->pattern) {
		skip(s, 1, SHELL_PLAIN);
	} else {
		skip(s, 1, SHELL_PLAIN);
		read_nested(s, ')');
	}
}

/* `;`, `&`, `|` and their doubles. */
static void read_separator(struct scanner *s, struct list *list) {
	char c = peek(s, 0);
	if (c == '&' && peek(s, 1) == '>') {
		skip(s, 2, SHELL_OPERATOR);
		list->target = true;
		return;
	}
	if (list->pattern && c == '|') {
		skip(s, 1, SHELL_PLAIN);
		return;
	}
	end_command(s, list);
	if (c == ';' && list->cases > 0 &&
			(peek(s, 1) == ';' || peek(s, 1) == '&')) {
		list->pattern = true;
		skip(s, 2, SHELL_PLAIN);
		return;
	}
	skip(s, 1, SHELL_PLAIN);
}

/* A closing bracket: of a pattern, of this list, or of nothing.  True at the
 * list's end. */
static bool read_closing(struct scanner *s, struct list *list) {
	if (list->pattern) {
		finish_command(&list->command);
		list->pattern = false;
		skip(s, 1, SHELL_PLAIN);
		return false;
	}
	end_command(s, list);
	skip(s, 1, SHELL_PLAIN);
	return list->end == ')';
}

/* Read commands up to @end, which is taken too. */
static void read_list(struct scanner *s, char end) {
	struct list list = { .end = end };
	while (!done(s)) {
		char c = peek(s, 0);
		if (is_blank(c)) {
			skip(s, 1, SHELL_PLAIN);
		} else if (c == '\\' && peek(s, 1) == '\n') {
			skip(s, 2, SHELL_PLAIN);
		} else if (c == '\n') {
			skip(s, 1, SHELL_PLAIN);
			if (!list.case_word) {
				end_command(s, &list);
			}
			read_bodies(s);
		} else if (c == '#') {
			read_comment(s);
		} else if (c == '`' && end == '`') {
			skip(s, 1, SHELL_PLAIN);
			break;
		} else if (strchr(";&|", c) != NULL) {
			read_separator(s, &list);
		} else if (c == '(') {
			read_paren(s, &list);
		} else if (c == ')') {
			if (read_closing(s, &list)) {
				break;
			}
		} else if (c == '<' || c == '>') {
			read_angle(s, &list);
		} else {
			read_command_word(s, &list);
		}
	}
	end_command(s, &list);
}

void shell_scan_read(struct shell_scan *scan, const char *text) {
	*scan = (struct shell_scan){ .len = strlen(text) };
	scan->bytes = xcalloc(scan->len + 1, 1);
	struct scanner scanner = { .scan = scan, .text = text, .len = scan->len };
	read_list(&scanner, '\0');
	for (size_t i = 0; i < scanner.heredoc_count; i++) {
		free(scanner.heredocs[i].end);
	}
}

static void free_names(struct shell_name *names, size_t count) {
	for (size_t i = 0; i < count; i++) {
		free(names[i].name);
	}
	free(names);
}

void shell_scan_finish(struct shell_scan *scan) {
	free_names(scan->uses, scan->use_count);
	free_names(scan->sets, scan->set_count);
	for (size_t i = 0; i < scan->command_count; i++) {
		finish_command(&scan->commands[i]);
	}
	free(scan->commands);
	free(scan->bytes);
	*scan = (struct shell_scan){ 0 };
}

bool shell_scan_sets(const struct shell_scan *scan, const char *name) {
	for (size_t i = 0; i < scan->set_count; i++) {
		if (strcmp(scan->sets[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}
