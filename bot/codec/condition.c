#include "codec/condition.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/str.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "codec/match.h"

#define PATH_STEPS_MAX 32
#define WITHIN_MAX_MS  ((int64_t)7 * 24 * 3600 * 1000)
#define SHOWN_MAX      ((size_t)60) // bytes of a value shown in a reason

enum comparison {
	EQ,
	NE,
	LT,
	LE,
	GT,
	GE
};

struct path_step {
	char *name; // NULL: @index into an array
	int index;
};

struct condition {
	enum condition_kind kind;
	int status;        // exit; http, or its first digit
	bool status_class; // http 2xx
	int64_t within_ms; // within
	char *needle;      // output contains
	char *pattern;     // output matches, as written
	struct match *match;
	struct path_step path[PATH_STEPS_MAX]; // json
	size_t path_len;
	char *path_text;
	enum comparison comparison;
	cJSON *literal;
};

/* The text being parsed. */
struct cursor {
	const char *text;
	size_t at;
};

static const struct {
	const char *sign;
	enum comparison comparison;
} comparisons[] = {
	// the longer of two that begin alike first
	{ "==", EQ },
	{ "!=", NE },
	{ "<=", LE },
	{ ">=", GE },
	{ "<", LT },
	{ ">", GT },
};

static const char *here(const struct cursor *in) {
	return in->text + in->at;
}

static void skip_blanks(struct cursor *in) {
	in->at += strspn(here(in), " \t");
}

/* Take the word @word if it stands here as a whole. */
static bool take_word(struct cursor *in, const char *word) {
	size_t len = strlen(word);
	const char *after = here(in) + len;
	if (strncmp(here(in), word, len) != 0 ||
			(*after != '\0' && *after != ' ' && *after != '\t')) {
		return false;
	}
	in->at += len;
	skip_blanks(in);
	return true;
}

static bool at_end(struct cursor *in, struct err *err) {
	skip_blanks(in);
	if (*here(in) == '\0') {
		return true;
	}
	return err_set(
			err, ERR_INVALID, "nothing may follow here: \"%.40s\"", here(in));
}

static bool parse_digits(struct cursor *in, int64_t max, int64_t *number) {
	size_t digits = strspn(here(in), "0123456789");
	if (digits == 0 || digits > 15) {
		return false;
	}
	int64_t value = strtoll(here(in), NULL, 10);
	if (value > max) {
		return false;
	}
	in->at += digits;
	*number = value;
	return true;
}

static bool parse_exit(
		struct cursor *in, struct condition *condition, struct err *err) {
	int64_t status = 0;
	if (!parse_digits(in, 255, &status)) {
		return err_set(err, ERR_INVALID,
				"an exit status is a number from 0 to 255, as in `exit 0`");
	}
	condition->status = (int)status;
	return at_end(in, err);
}

static bool parse_http(
		struct cursor *in, struct condition *condition, struct err *err) {
	const char *at = here(in);
	if (*at < '1' || *at > '5') {
		goto bad;
	}
	if (strncmp(at + 1, "xx", 2) == 0) {
		condition->status = *at - '0';
		condition->status_class = true;
	} else if (isdigit((unsigned char)at[1]) && isdigit((unsigned char)at[2])) {
		condition->status = (*at - '0') * 100 + (at[1] - '0') * 10 + at[2] -
				'0';
	} else {
		goto bad;
	}
	in->at += 3;
	return at_end(in, err);
bad:
	return err_set(err, ERR_INVALID,
			"a status is three digits or a class, as in `http 200` or `http "
			"2xx`");
}

static bool parse_within(
		struct cursor *in, struct condition *condition, struct err *err) {
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
		{ "h", 3600000 } };
	size_t begin = in->at;
	int64_t count = 0;
	if (parse_digits(in, WITHIN_MAX_MS, &count) && count > 0) {
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
			if (take_word(in, units[i].name) &&
					count <= WITHIN_MAX_MS / units[i].ms) {
				condition->within_ms = count * units[i].ms;
				return at_end(in, err);
			}
		}
	}
	in->at = begin;
	return err_set(err, ERR_INVALID,
			"a time is a number above 0 with ms, s, m or h and at most 7 days, "
			"as in `within 5m`");
}

/*
 * Take the JSON string that begins here.  cJSON cuts a string at \u0000, so
 * that one is refused.
 */
static char *parse_string(struct cursor *in, struct err *err) {
	const char *begin = here(in);
	const char *end = begin + 1;
	if (*begin != '"') {
		err_set(err, ERR_INVALID, "a text stands in double quotes");
		return NULL;
	}
	while (*end != '\0' && *end != '"') {
		end += *end == '\\' && end[1] != '\0' ? 2 : 1;
	}
	if (*end == '\0') {
		err_set(err, ERR_INVALID, "the text has no closing quote");
		return NULL;
	}
	char *raw = xstrndup(begin, (size_t)(end - begin) + 1);
	cJSON *json = strstr(raw, "\\u0000") == NULL
			? cJSON_ParseWithOpts(raw, NULL, true)
			: NULL;
	char *text = cJSON_IsString(json) ? xstrdup(json->valuestring) : NULL;
	if (text == NULL) {
		err_set(err, ERR_INVALID,
				"%.80s is no JSON string; a backslash is written \\\\, a quote "
				"\\\"",
				raw);
	} else {
		in->at += (size_t)(end - begin) + 1;
	}
	cJSON_Delete(json);
	free(raw);
	return text;
}

static bool parse_contains(
		struct cursor *in, struct condition *condition, struct err *err) {
	size_t begin = in->at;
	condition->needle = parse_string(in, err);
	if (condition->needle == NULL || !at_end(in, err)) {
		return false;
	}
	if (condition->needle[0] == '\0') {
		in->at = begin;
		return err_set(err, ERR_INVALID,
				"every output contains the empty text; this cannot fail");
	}
	return true;
}

static bool parse_matches(
		struct cursor *in, struct condition *condition, struct err *err) {
	const char *begin = here(in);
	size_t len = strlen(begin);
	while (len > 0 && (begin[len - 1] == ' ' || begin[len - 1] == '\t')) {
		len--;
	}
	if (len < 2 || begin[0] != '/' || begin[len - 1] != '/') {
		return err_set(err, ERR_INVALID,
				"a pattern stands between slashes with nothing after them, as "
				"in /ok=true/; options go inside, as in /(?i)ok/");
	}
	if (len == 2) {
		return err_set(err, ERR_INVALID,
				"the empty pattern matches anything; this cannot fail");
	}
	size_t offset = 0;
	condition->match = match_compile(
			begin + 1, len - 2, MATCH_PLAIN, &offset, err);
	if (condition->match == NULL) {
		in->at += 1 + offset;
		return false;
	}
	condition->pattern = xstrndup(begin, len);
	return true;
}

static bool parse_output(
		struct cursor *in, struct condition *condition, struct err *err) {
	if (take_word(in, "contains")) {
		condition->kind = CONDITION_CONTAINS;
		return parse_contains(in, condition, err);
	}
	if (take_word(in, "matches")) {
		condition->kind = CONDITION_MATCHES;
		return parse_matches(in, condition, err);
	}
	return err_set(err, ERR_INVALID,
			"write `output contains \"…\"` or `output matches /…/`");
}

static bool parse_bracket(
		struct cursor *in, struct path_step *step, struct err *err) {
	in->at++;
	if (*here(in) == '"') {
		step->name = parse_string(in, err);
		if (step->name == NULL) {
			return false;
		}
	} else {
		int64_t index = 0;
		if (!parse_digits(in, 1000000, &index)) {
			return err_set(err, ERR_INVALID,
					"in brackets stands a number or a quoted name");
		}
		step->index = (int)index;
	}
	if (*here(in) != ']') {
		return err_set(err, ERR_INVALID, "a closing bracket is missing");
	}
	in->at++;
	return true;
}

static bool parse_dotted(
		struct cursor *in, struct path_step *step, struct err *err) {
	const char *name = here(in) + 1;
	size_t len = 0;
	while (isalnum((unsigned char)name[len]) || name[len] == '_' ||
			name[len] == '-') {
		len++;
	}
	if (len == 0) {
		return err_set(err, ERR_INVALID,
				"after the dot stands a name of letters, digits, _ and -; any "
				"other is written [\"…\"]");
	}
	step->name = xstrndup(name, len);
	in->at += 1 + len;
	return true;
}

static bool parse_path(
		struct cursor *in, struct condition *condition, struct err *err) {
	size_t begin = in->at;
	while (*here(in) == '.' || *here(in) == '[') {
		if (condition->path_len == PATH_STEPS_MAX) {
			return err_set(err, ERR_INVALID, "a path of more than %d parts",
					PATH_STEPS_MAX);
		}
		struct path_step *step = &condition->path[condition->path_len++];
		if (!(*here(in) == '.' ? parse_dotted(in, step, err)
							   : parse_bracket(in, step, err))) {
			return false;
		}
	}
	if (in->at == begin) {
		return err_set(err, ERR_INVALID,
				"a path begins with .name, [\"name\"] or [0], as in `json "
				".status == \"ok\"`");
	}
	condition->path_text = xstrndup(in->text + begin, in->at - begin);
	skip_blanks(in);
	return true;
}

static bool parse_comparison(
		struct cursor *in, struct condition *condition, struct err *err) {
	for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++) {
		size_t len = strlen(comparisons[i].sign);
		if (strncmp(here(in), comparisons[i].sign, len) == 0) {
			condition->comparison = comparisons[i].comparison;
			in->at += len;
			skip_blanks(in);
			return true;
		}
	}
	return err_set(
			err, ERR_INVALID, "after the path stands ==, !=, <, <=, > or >=");
}

static bool parse_literal(
		struct cursor *in, struct condition *condition, struct err *err) {
	const char *text = here(in);
	if (*text == '\0' || strchr("\"-0123456789tfn", *text) == NULL ||
			strstr(text, "\\u0000") != NULL) {
		goto bad;
	}
	condition->literal = cJSON_ParseWithOpts(text, NULL, true);
	if (condition->literal == NULL) {
		goto bad;
	}
	if (cJSON_IsNumber(condition->literal) &&
			!isfinite(condition->literal->valuedouble)) {
		return err_set(
				err, ERR_INVALID, "no number as large as that can be compared");
	}
	if (condition->comparison != EQ && condition->comparison != NE &&
			!cJSON_IsNumber(condition->literal) &&
			!cJSON_IsString(condition->literal)) {
		return err_set(err, ERR_INVALID,
				"only numbers and texts have an order: compare it with == or "
				"!=");
	}
	return true;
bad:
	return err_set(err, ERR_INVALID,
			"the path is compared with a JSON text, number, true, false or "
			"null; a text stands in double quotes");
}

static bool parse_json(
		struct cursor *in, struct condition *condition, struct err *err) {
	return parse_path(in, condition, err) &&
			parse_comparison(in, condition, err) &&
			parse_literal(in, condition, err);
}

static const struct {
	const char *word;
	enum condition_kind kind;
	bool (*parse)(
			struct cursor *in, struct condition *condition, struct err *err);
} forms[] = {
	{ "exit", CONDITION_EXIT, parse_exit },
	{ "http", CONDITION_HTTP, parse_http },
	{ "within", CONDITION_WITHIN, parse_within },
	{ "output", CONDITION_CONTAINS, parse_output },
	{ "json", CONDITION_JSON, parse_json },
};
#define FORM_COUNT (sizeof(forms) / sizeof(forms[0]))

struct condition *condition_parse(
		const char *text, size_t *column, struct err *err) {
	struct cursor in = { .text = text };
	struct condition *condition = xcalloc(1, sizeof(*condition));
	skip_blanks(&in);
	for (size_t i = 0; i < FORM_COUNT; i++) {
		if (take_word(&in, forms[i].word)) {
			condition->kind = forms[i].kind;
			if (forms[i].parse(&in, condition, err)) {
				return condition;
			}
			goto fail;
		}
	}
	err_set(err, ERR_INVALID,
			"a condition begins with exit, http, within, output or json");
fail:
	*column = in.at;
	condition_free(condition);
	return NULL;
}

void condition_free(struct condition *condition) {
	if (condition == NULL) {
		return;
	}
	for (size_t i = 0; i < condition->path_len; i++) {
		free(condition->path[i].name);
	}
	free(condition->path_text);
	cJSON_Delete(condition->literal);
	free(condition->needle);
	free(condition->pattern);
	match_free(condition->match);
	free(condition);
}

enum condition_kind condition_kind(const struct condition *condition) {
	return condition->kind;
}

bool condition_is_meant(const char *text) {
	struct cursor in = { .text = text };
	skip_blanks(&in);
	for (size_t i = 0; i < FORM_COUNT; i++) {
		if (take_word(&in, forms[i].word)) {
			return true;
		}
	}
	return false;
}

/* A few bytes of @text, fit for one line. */
static char *shown(const char *text, size_t len) {
	struct str out;
	str_init(&out, 0);
	utf8_add_clean(&out, text, utf8_cut(text, len, SHOWN_MAX));
	for (size_t i = 0; i < out.len; i++) {
		if (iscntrl((unsigned char)out.data[i])) {
			out.data[i] = ' ';
		}
	}
	if (len > SHOWN_MAX) {
		str_add(&out, "…");
	}
	return str_take(&out);
}

static bool exit_holds(const struct condition *condition,
		const struct condition_subject *subject, struct err *err) {
	if (subject->http) {
		return err_set(err, ERR_INVALID, "a request has no exit status");
	}
	if (subject->exit_status == condition->status) {
		return true;
	}
	if (subject->exit_status < 0) {
		return err_set(err, ERR_REFUSED, "wanted exit %d, it did not exit",
				condition->status);
	}
	return err_set(err, ERR_REFUSED, "wanted exit %d, got %d",
			condition->status, subject->exit_status);
}

static bool http_holds(const struct condition *condition,
		const struct condition_subject *subject, struct err *err) {
	if (!subject->http) {
		return err_set(err, ERR_INVALID, "a script has no http status");
	}
	int got = condition->status_class ? subject->http_status / 100
									  : subject->http_status;
	if (got == condition->status) {
		return true;
	}
	return err_set(err, ERR_REFUSED, "wanted http %d%s, got %d",
			condition->status, condition->status_class ? "xx" : "",
			subject->http_status);
}

/* A time as people write it: 450ms, 3.2s, 3m41s, 2h05m. */
static void duration_text(int64_t ms, char *text, size_t size) {
	long long seconds = ms / 1000;
	if (ms < 1000) {
		snprintf(text, size, "%lldms", (long long)ms);
	} else if (seconds < 60) {
		snprintf(text, size, "%lld.%llds", seconds, (long long)ms % 1000 / 100);
	} else if (seconds < 3600) {
		snprintf(text, size, "%lldm%02llds", seconds / 60, seconds % 60);
	} else {
		snprintf(text, size, "%lldh%02lldm", seconds / 3600, seconds / 60 % 60);
	}
}

static bool within_holds(const struct condition *condition,
		const struct condition_subject *subject, struct err *err) {
	if (subject->duration_ms <= condition->within_ms) {
		return true;
	}
	char took[32];
	char wanted[32];
	duration_text(subject->duration_ms, took, sizeof(took));
	duration_text(condition->within_ms, wanted, sizeof(wanted));
	return err_set(err, ERR_REFUSED, "took %s, wanted within %s", took, wanted);
}

static bool contains_holds(const struct condition *condition,
		const struct condition_subject *subject, struct err *err) {
	if (memmem(subject->output, subject->output_len, condition->needle,
				strlen(condition->needle)) != NULL) {
		return true;
	}
	if (subject->output_missing != NULL) {
		return err_set(err, ERR_INVALID, "cannot be told: %s",
				subject->output_missing);
	}
	char *needle = shown(condition->needle, strlen(condition->needle));
	err_set(err, ERR_REFUSED, "output has no \"%s\"", needle);
	free(needle);
	return false;
}

static bool matches_holds(const struct condition *condition,
		const struct condition_subject *subject, struct err *err) {
	if (subject->output_missing != NULL) {
		return err_set(err, ERR_INVALID, "cannot be told: %s",
				subject->output_missing);
	}
	char *pattern = shown(condition->pattern, strlen(condition->pattern));
	bool holds = false;
	switch (match_find(condition->match, subject->output, subject->output_len,
			NULL, err)) {
	case MATCH_YES:
		holds = true;
		break;
	case MATCH_NO:
		err_set(err, ERR_REFUSED, "output does not match %s", pattern);
		break;
	case MATCH_ERROR:
		err_wrap(err, "%s: ", pattern);
		break;
	}
	free(pattern);
	return holds;
}

static const cJSON *walk(const struct condition *condition, const cJSON *json) {
	for (size_t i = 0; i < condition->path_len && json != NULL; i++) {
		const struct path_step *step = &condition->path[i];
		if (step->name != NULL) {
			json = cJSON_IsObject(json)
					? cJSON_GetObjectItemCaseSensitive(json, step->name)
					: NULL;
		} else {
			json = cJSON_IsArray(json) ? cJSON_GetArrayItem(json, step->index)
									   : NULL;
		}
	}
	return json;
}

/* <0, 0, >0, and whether the two can be ordered at all. */
static int order_of(const cJSON *a, const cJSON *b, bool *ordered) {
	*ordered = true;
	if (cJSON_IsNumber(a) && cJSON_IsNumber(b)) {
		return (a->valuedouble > b->valuedouble) -
				(a->valuedouble < b->valuedouble);
	}
	if (cJSON_IsString(a) && cJSON_IsString(b)) {
		return strcmp(a->valuestring, b->valuestring);
	}
	*ordered = false;
	bool same = (cJSON_IsBool(a) && cJSON_IsBool(b) &&
						cJSON_IsTrue(a) == cJSON_IsTrue(b)) ||
			(cJSON_IsNull(a) && cJSON_IsNull(b));
	return same ? 0 : 1;
}

static bool compare(
		enum comparison comparison, const cJSON *a, const cJSON *b) {
	bool ordered = false;
	int order = order_of(a, b, &ordered);
	switch (comparison) {
	case EQ:
		return order == 0;
	case NE:
		return order != 0;
	case LT:
		return ordered && order < 0;
	case LE:
		return ordered && order <= 0;
	case GT:
		return ordered && order > 0;
	case GE:
		return ordered && order >= 0;
	}
	return false;
}

/* Above 2^53 one double stands for many numbers: those that look the same may
 * be written otherwise. */
static bool can_be_told(const cJSON *a, const cJSON *b) {
	const double exact_max = 9007199254740992.0;
	bool ordered = false;
	return !cJSON_IsNumber(a) || !cJSON_IsNumber(b) ||
			order_of(a, b, &ordered) != 0 || fabs(a->valuedouble) < exact_max;
}

static char *json_shown(const cJSON *json) {
	if (cJSON_IsObject(json)) {
		return xstrdup("an object");
	}
	if (cJSON_IsArray(json)) {
		return xstrdup("a list");
	}
	if (cJSON_IsString(json)) {
		char *text = shown(json->valuestring, strlen(json->valuestring));
		char *quoted = xasprintf("\"%s\"", text);
		free(text);
		return quoted;
	}
	if (cJSON_IsNumber(json) && !isfinite(json->valuedouble)) {
		return xstrdup("a huge number");
	}
	char *printed = cJSON_PrintUnformatted(json);
	char *text = xstrdup(printed != NULL ? printed : "?");
	cJSON_free(printed);
	return text;
}

static bool value_holds(
		const struct condition *condition, const cJSON *json, struct err *err) {
	const cJSON *value = walk(condition, json);
	char *path = shown(condition->path_text, strlen(condition->path_text));
	bool holds = value != NULL &&
			compare(condition->comparison, value, condition->literal);
	if (value == NULL) {
		err_set(err, ERR_REFUSED, "output has no %s", path);
	} else if (!can_be_told(value, condition->literal)) {
		holds = err_set(err, ERR_INVALID,
				"%s is too large a number to compare exactly", path);
	} else if (!holds) {
		const char *sign = "";
		for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]);
				i++) {
			if (comparisons[i].comparison == condition->comparison) {
				sign = comparisons[i].sign;
			}
		}
		char *got = json_shown(value);
		char *wanted = json_shown(condition->literal);
		err_set(err, ERR_REFUSED, "%s is %s, wanted %s %s", path, got, sign,
				wanted);
		free(wanted);
		free(got);
	}
	free(path);
	return holds;
}

static bool is_utf8(const char *text, size_t len) {
	size_t step = 1;
	for (size_t at = 0; at < len && step > 0; at += step) {
		step = utf8_char_len(text + at, len - at);
	}
	return step > 0;
}

static bool json_holds(const struct condition *condition,
		const struct condition_subject *subject, struct err *err) {
	if (subject->output_missing != NULL) {
		return err_set(err, ERR_INVALID, "cannot be told: %s",
				subject->output_missing);
	}
	// cJSON would take a NUL, written as such or as \u0000, for an end.
	if (memchr(subject->output, '\0', subject->output_len) != NULL ||
			memmem(subject->output, subject->output_len, "\\u0000", 6) !=
					NULL) {
		return err_set(err, ERR_INVALID,
				"the output has a NUL character, which JSON conditions do not "
				"read");
	}
	cJSON *json = cJSON_ParseWithLengthOpts(
			subject->output, subject->output_len + 1, NULL, true);
	if (json == NULL || !is_utf8(subject->output, subject->output_len)) {
		cJSON_Delete(json);
		return err_set(err, ERR_REFUSED, "the output is no JSON");
	}
	bool holds = value_holds(condition, json, err);
	cJSON_Delete(json);
	return holds;
}

bool condition_holds(const struct condition *condition,
		const struct condition_subject *subject, struct err *err) {
	switch (condition->kind) {
	case CONDITION_EXIT:
		return exit_holds(condition, subject, err);
	case CONDITION_HTTP:
		return http_holds(condition, subject, err);
	case CONDITION_WITHIN:
		return within_holds(condition, subject, err);
	case CONDITION_CONTAINS:
		return contains_holds(condition, subject, err);
	case CONDITION_MATCHES:
		return matches_holds(condition, subject, err);
	case CONDITION_JSON:
		return json_holds(condition, subject, err);
	}
	return err_set(err, ERR_INVALID, "no such condition");
}

/* Whether one of @texts names the status that would else be implied. */
static bool names_status(const char *const *texts, const char *word) {
	for (size_t i = 0; texts != NULL && texts[i] != NULL; i++) {
		struct cursor in = { .text = texts[i] };
		skip_blanks(&in);
		if (take_word(&in, word)) {
			return true;
		}
	}
	return false;
}

static bool implied_holds(
		const struct condition_subject *subject, struct err *err) {
	if (!subject->http) {
		if (subject->exit_status == 0) {
			return true;
		}
		return err_set(err, ERR_REFUSED, "exit %d", subject->exit_status);
	}
	const struct condition good = {
		.kind = CONDITION_HTTP,
		.status = 2,
		.status_class = true,
	};
	return http_holds(&good, subject, err);
}

bool condition_all_hold(const char *const *texts,
		const struct condition_subject *subject, struct err *err) {
	if (!names_status(texts, subject->http ? "http" : "exit") &&
			!implied_holds(subject, err)) {
		return false;
	}
	for (size_t i = 0; texts != NULL && texts[i] != NULL; i++) {
		size_t column = 0;
		struct condition *condition = condition_parse(texts[i], &column, err);
		bool holds = condition != NULL &&
				condition_holds(condition, subject, err);
		condition_free(condition);
		if (!holds) {
			return false;
		}
	}
	return true;
}
