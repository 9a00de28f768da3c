#include "codec/http_block.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/str.h"
#include "base/utf8.h"
#include "base/xalloc.h"

#define HEADERS_MAX   64
#define URL_MAX_BYTES ((size_t)8192)

/* What a value must be to stand at some place. */
enum place {
	PLACE_OPENING, // opens the URL and is not all of it
	PLACE_URL,     // is the URL
	PLACE_HOST,    // in the host, with more of it to come
	PLACE_HOST_END,
	PLACE_ENCODED, // percent-encoded
	PLACE_HEADER,
	PLACE_JSON_TEXT,
	PLACE_JSON,
	PLACE_PLAIN,
};

/* A {{NAME}} found in a template. */
struct slot {
	const char *begin; // at the first brace
	const char *end;   // behind the last
	const char *name;
	size_t name_len;
};

static bool is_name_char(char c, bool first) {
	return isalpha((unsigned char)c) || c == '_' ||
			(!first && isdigit((unsigned char)c));
}

/* The slot that begins at @at, where "{{" stands; false if it is none. */
static bool read_slot(const char *at, struct slot *slot) {
	const char *name = at + 2 + strspn(at + 2, " ");
	size_t len = 0;
	while (is_name_char(name[len], len == 0)) {
		len++;
	}
	const char *close = name + len + strspn(name + len, " ");
	if (len == 0 || strncmp(close, "}}", 2) != 0) {
		return false;
	}
	*slot = (struct slot){
		.begin = at, .end = close + 2, .name = name, .name_len = len
	};
	return true;
}

/* The first slot at or behind @at. */
static bool next_slot(const char *at, struct slot *slot) {
	while ((at = strstr(at, "{{")) != NULL) {
		if (read_slot(at, slot)) {
			return true;
		}
		at++;
	}
	return false;
}

void http_block_finish(struct http_block *block) {
	free(block->method);
	free(block->url);
	for (size_t i = 0; block->headers != NULL && block->headers[i] != NULL;
			i++) {
		free(block->headers[i]);
	}
	free(block->headers);
	free(block->body);
	*block = (struct http_block){ 0 };
}

char **http_block_names(const char *text) {
	char **names = xcalloc(1, sizeof(*names));
	size_t count = 0;
	struct slot slot;
	for (const char *at = text; next_slot(at, &slot); at = slot.end) {
		size_t i = 0;
		while (i < count &&
				(strlen(names[i]) != slot.name_len ||
						memcmp(names[i], slot.name, slot.name_len) != 0)) {
			i++;
		}
		if (i == count) {
			names = xreallocarray(names, count + 2, sizeof(*names));
			names[count++] = xstrndup(slot.name, slot.name_len);
			names[count] = NULL;
		}
	}
	return names;
}

/* ---- values ---- */

static const char *value_of(const char *const *env, const struct slot *slot) {
	for (size_t i = 0; env != NULL && env[i] != NULL; i++) {
		if (strncmp(env[i], slot->name, slot->name_len) == 0 &&
				env[i][slot->name_len] == '=') {
			return env[i] + slot->name_len + 1;
		}
	}
	return NULL;
}

static bool is_host(const char *value, size_t len) {
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)value[i]) && value[i] != '-' &&
				value[i] != '.') {
			return false;
		}
	}
	return len > 0;
}

/* A port, or nothing. */
static bool is_port(const char *text, size_t len) {
	if (len == 0) {
		return true;
	}
	return text[0] == ':' && len >= 2 && len <= 6 &&
			strspn(text + 1, "0123456789") >= len - 1;
}

/* host, host:port, [v6] or [v6]:port */
static bool is_authority(const char *value, size_t len) {
	if (len > 0 && value[0] == '[') {
		const char *close = memchr(value, ']', len);
		size_t inner = strspn(value + 1, "0123456789abcdefABCDEF:.");
		return close != NULL && inner > 1 && value + 1 + inner == close &&
				is_port(close + 1, len - (size_t)(close + 1 - value));
	}
	const char *colon = memchr(value, ':', len);
	size_t host = colon != NULL ? (size_t)(colon - value) : len;
	return is_host(value, host) && is_port(value + host, len - host);
}

static size_t scheme_len(const char *url) {
	if (strncmp(url, "https://", 8) == 0) {
		return 8;
	}
	return strncmp(url, "http://", 7) == 0 ? 7 : 0;
}

/* Only characters that a path, and @further, may have as they are. */
static bool has_only(const char *text, const char *further) {
	for (; *text != '\0'; text++) {
		if (!isalnum((unsigned char)*text) &&
				strchr("-._~/%:", *text) == NULL &&
				strchr(further, *text) == NULL) {
			return false;
		}
	}
	return true;
}

/* What opens a URL has no query: it would swallow the rest. */
static bool is_url(const char *value, bool whole) {
	size_t scheme = scheme_len(value);
	const char *rest = value + scheme;
	size_t authority = strcspn(rest, "/?");
	return scheme > 0 && is_authority(rest, authority) &&
			has_only(rest + authority, whole ? "?&=+,;@!$'()*" : "");
}

static bool is_json_scalar(const char *value) {
	if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ||
			strcmp(value, "null") == 0) {
		return true;
	}
	const char *at = value + (*value == '-' ? 1 : 0);
	size_t whole = strspn(at, "0123456789");
	if (whole == 0 || (whole > 1 && at[0] == '0')) {
		return false;
	}
	at += whole;
	if (*at == '.') {
		size_t digits = strspn(at + 1, "0123456789");
		if (digits == 0) {
			return false;
		}
		at += 1 + digits;
	}
	if (*at == 'e' || *at == 'E') {
		at += 1 + (at[1] == '+' || at[1] == '-' ? 1 : 0);
		size_t digits = strspn(at, "0123456789");
		if (digits == 0) {
			return false;
		}
		at += digits;
	}
	return *at == '\0';
}

static bool is_utf8(const char *value) {
	size_t len = strlen(value);
	for (size_t i = 0; i < len;) {
		size_t n = utf8_char_len(value + i, len - i);
		if (n == 0) {
			return false;
		}
		i += n;
	}
	return true;
}

static bool has_control(const char *value) {
	for (; *value != '\0'; value++) {
		if (iscntrl((unsigned char)*value) && *value != '\t') {
			return true;
		}
	}
	return false;
}

/* RFC 3986, section 2.3: all but the unreserved. */
static void add_encoded(struct str *out, const char *value) {
	for (; *value != '\0'; value++) {
		if (isalnum((unsigned char)*value) || strchr("-._~", *value) != NULL) {
			str_add_char(out, *value);
		} else {
			str_addf(out, "%%%02X", (unsigned char)*value);
		}
	}
}

/* RFC 8259, section 7. */
static void add_json_text(struct str *out, const char *value) {
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;
		if (c == '"' || c == '\\') {
			str_addf(out, "\\%c", c);
		} else if (c < 0x20) {
			str_addf(out, "\\u%04x", c);
		} else {
			str_add_char(out, *value);
		}
	}
}

static bool refuse(const struct slot *slot, const char *must, struct err *err) {
	return err_set(err, ERR_INVALID, "{{%.*s}} %s",
			(int)(slot->name_len < 60 ? slot->name_len : 60), slot->name, must);
}

static bool add_value(struct str *out, const struct slot *slot,
		const char *value, enum place place, struct err *err) {
	switch (place) {
	case PLACE_OPENING:
		if (!is_url(value, false)) {
			return refuse(slot,
					"opens the URL: it must be http(s)://host with a path at "
					"most",
					err);
		}
		break;
	case PLACE_URL:
		if (!is_url(value, true)) {
			return refuse(slot, "must be a URL, http:// or https://", err);
		}
		break;
	case PLACE_HOST:
		if (!is_host(value, strlen(value))) {
			return refuse(slot, "must be a host's name", err);
		}
		break;
	case PLACE_HOST_END:
		if (!is_authority(value, strlen(value))) {
			return refuse(slot, "must be a host, with a port at most", err);
		}
		break;
	case PLACE_ENCODED:
		add_encoded(out, value);
		return true;
	case PLACE_HEADER:
		if (has_control(value)) {
			return refuse(slot, "has a line break, in a header", err);
		}
		break;
	case PLACE_JSON_TEXT:
		if (!is_utf8(value)) {
			return refuse(slot, "is no UTF-8, in a JSON text", err);
		}
		add_json_text(out, value);
		return true;
	case PLACE_JSON:
		if (!is_json_scalar(value)) {
			return refuse(slot,
					"stands outside quotes in a JSON body: it must be a "
					"number, true, false or null",
					err);
		}
		break;
	case PLACE_PLAIN:
		break;
	}
	str_add(out, value);
	return true;
}

/* ---- places ---- */

/* Where in the URL template @url the slot stands. */
static enum place place_in_url(const char *url, const struct slot *slot) {
	if (slot->begin == url) {
		return *slot->end == '\0' ? PLACE_URL : PLACE_OPENING;
	}
	size_t scheme = scheme_len(url);
	if (scheme == 0) {
		return PLACE_ENCODED; // behind the slot that opens it
	}
	const char *end = url + scheme;
	struct slot other;
	while (*end != '\0' && strchr("/?#", *end) == NULL) {
		end = strncmp(end, "{{", 2) == 0 && read_slot(end, &other) ? other.end
																   : end + 1;
	}
	if (slot->begin >= end) {
		return PLACE_ENCODED;
	}
	return slot->end == end ? PLACE_HOST_END : PLACE_HOST;
}

enum body_type {
	BODY_JSON,
	BODY_FORM,
	BODY_OTHER,
};

static const char *header_value(
		const struct http_block *block, const char *name) {
	size_t len = strlen(name);
	for (size_t i = 0; block->headers != NULL && block->headers[i] != NULL;
			i++) {
		const char *header = block->headers[i];
		if (strncasecmp(header, name, len) == 0 && header[len] == ':') {
			return header + len + 1 + strspn(header + len + 1, " \t");
		}
	}
	return NULL;
}

static enum body_type body_type(const struct http_block *block) {
	const char *type = header_value(block, "Content-Type");
	if (type == NULL) {
		char first = block->body[strspn(block->body, " \t\r\n")];
		return first == '{' || first == '[' ? BODY_JSON : BODY_OTHER;
	}
	size_t len = strcspn(type, "; \t");
	if (len == 33 &&
			strncasecmp(type, "application/x-www-form-urlencoded", len) == 0) {
		return BODY_FORM;
	}
	bool json = (len == 16 && strncasecmp(type, "application/json", 16) == 0) ||
			(len > 5 && strncasecmp(type + len - 5, "+json", 5) == 0);
	return json ? BODY_JSON : BODY_OTHER;
}

const char *http_block_implied_type(const struct http_block *block) {
	if (block->body == NULL || header_value(block, "Content-Type") != NULL) {
		return NULL;
	}
	return body_type(block) == BODY_JSON ? "application/json" : "text/plain";
}

/* Whether @to lies within a JSON text, if @from does or does not. */
static bool track_quotes(const char *from, const char *to, bool in_text) {
	for (const char *at = from; at < to; at++) {
		if (in_text && *at == '\\') {
			at++;
		} else if (*at == '"') {
			in_text = !in_text;
		}
	}
	return in_text;
}

static bool fill_url(const char *url, const char *const *env, struct str *out,
		struct err *err) {
	const char *at = url;
	struct slot slot;
	while (next_slot(at, &slot)) {
		const char *value = value_of(env, &slot);
		str_add_bytes(out, at, (size_t)(slot.begin - at));
		if (value == NULL) {
			return refuse(&slot, "is not set", err);
		}
		if (!add_value(out, &slot, value, place_in_url(url, &slot), err)) {
			return false;
		}
		at = slot.end;
	}
	str_add(out, at);
	if (out->len > URL_MAX_BYTES) {
		return err_set(
				err, ERR_INVALID, "the URL is over %zu bytes", URL_MAX_BYTES);
	}
	return true;
}

static bool fill_header(const char *header, const char *const *env,
		struct str *out, struct err *err) {
	const char *at = header;
	struct slot slot;
	while (next_slot(at, &slot)) {
		const char *value = value_of(env, &slot);
		str_add_bytes(out, at, (size_t)(slot.begin - at));
		if (value == NULL) {
			return refuse(&slot, "is not set", err);
		}
		if (!add_value(out, &slot, value, PLACE_HEADER, err)) {
			return false;
		}
		at = slot.end;
	}
	str_add(out, at);
	return true;
}

/* @any, if not NULL, stands for every value. */
static bool fill_body(const char *body, enum body_type type,
		const char *const *env, const char *any, struct str *out,
		struct err *err) {
	const char *at = body;
	bool in_text = false;
	struct slot slot;
	while (next_slot(at, &slot)) {
		const char *value = any != NULL ? any : value_of(env, &slot);
		str_add_bytes(out, at, (size_t)(slot.begin - at));
		in_text = track_quotes(at, slot.begin, in_text);
		enum place place = type == BODY_FORM ? PLACE_ENCODED : PLACE_PLAIN;
		if (type == BODY_JSON) {
			place = in_text ? PLACE_JSON_TEXT : PLACE_JSON;
		}
		if (value == NULL) {
			return refuse(&slot, "is not set", err);
		}
		if (!add_value(out, &slot, value, place, err)) {
			return false;
		}
		at = slot.end;
	}
	str_add(out, at);
	return true;
}

bool http_block_fill(const struct http_block *block, const char *const *env,
		struct http_block *filled, struct err *err) {
	struct str out = { 0 };
	size_t count = 0;
	*filled = (struct http_block){ .method = xstrdup(block->method) };
	bool ok = fill_url(block->url, env, &out, err);
	filled->url = str_take(&out);
	while (block->headers[count] != NULL) {
		count++;
	}
	filled->headers = xcalloc(count + 1, sizeof(*filled->headers));
	for (size_t i = 0; ok && i < count; i++) {
		ok = fill_header(block->headers[i], env, &out, err);
		filled->headers[i] = str_take(&out);
	}
	if (ok && block->body != NULL) {
		ok = fill_body(block->body, body_type(block), env, NULL, &out, err);
		filled->body = str_take(&out);
	}
	if (!ok) {
		http_block_finish(filled);
	}
	return ok;
}

/* ---- the template ---- */

/* One line of @text: its end, and the beginning of the next. */
static const char *line_end(const char *line, const char **next) {
	const char *end = line + strcspn(line, "\n");
	*next = *end == '\n' ? end + 1 : end;
	return end > line && end[-1] == '\r' ? end - 1 : end;
}

/* Braces that are no {{NAME}}: somebody meant one. */
static bool check_slots(const char *text, size_t *offset, struct err *err) {
	const char *at = text;
	struct slot slot;
	while ((at = strstr(at, "{{")) != NULL) {
		if (!read_slot(at, &slot)) {
			*offset = (size_t)(at - text);
			return err_set(err, ERR_INVALID,
					"a value is written {{NAME}}, with a name of letters, "
					"digits and _");
		}
		at = slot.end;
	}
	return true;
}

static bool parse_method(const char *line, const char *end, size_t *len,
		struct http_block *block, struct err *err) {
	static const char *const methods[] = { "GET", "POST", "PUT", "PATCH",
		"DELETE", "HEAD" };
	*len = strcspn(line, " \t\r\n");
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strlen(methods[i]) == *len && line + *len < end &&
				memcmp(methods[i], line, *len) == 0) {
			block->method = xstrdup(methods[i]);
			return true;
		}
	}
	return err_set(err, ERR_INVALID,
			"a request begins with GET, POST, PUT, PATCH, DELETE or HEAD and "
			"a URL");
}

static bool check_url(const char *url, size_t *offset, struct err *err) {
	struct slot slot;
	size_t scheme = scheme_len(url);
	*offset = 0;
	if (strncmp(url, "{{", 2) == 0 && read_slot(url, &slot)) {
		*offset = (size_t)(slot.end - url);
		if (*slot.end != '\0' && *slot.end != '/' && *slot.end != '?') {
			return err_set(err, ERR_INVALID,
					"behind the value that opens the URL stands / or ?");
		}
	} else if (scheme == 0) {
		return err_set(err, ERR_INVALID,
				"a URL begins with http://, https:// or a value");
	} else if (strcspn(url + scheme, "/?#") == 0) {
		*offset = scheme;
		return err_set(err, ERR_INVALID, "the URL has no host");
	} else if (strcspn(url + scheme, "@") < strcspn(url + scheme, "/?#")) {
		*offset = scheme;
		return err_set(err, ERR_INVALID,
				"a name or password in the URL would be shown; put it into a "
				"header");
	}
	for (const char *at = url; *at != '\0'; at++) {
		*offset = (size_t)(at - url);
		if (strncmp(at, "{{", 2) == 0 && read_slot(at, &slot)) {
			at = slot.end - 1;
		} else if ((unsigned char)*at <= 0x20 || (unsigned char)*at >= 0x7f ||
				strchr("\"<>\\^`{|}#", *at) != NULL) {
			return err_set(err, ERR_INVALID,
					"this character must be percent-encoded in a URL");
		}
	}
	return true;
}

static bool parse_first_line(const char *text, const char *end,
		struct http_block *block, size_t *offset, struct err *err) {
	size_t len = 0;
	*offset = 0;
	if (!parse_method(text, end, &len, block, err)) {
		return false;
	}
	const char *url = text + len + strspn(text + len, " \t");
	while (end > url && (end[-1] == ' ' || end[-1] == '\t')) {
		end--;
	}
	static const char version[] = " HTTP/1.1";
	size_t version_len = sizeof(version) - 1;
	if ((size_t)(end - url) > version_len &&
			memcmp(end - version_len, version, version_len) == 0) {
		end -= version_len;
	}
	block->url = xstrndup(url, end > url ? (size_t)(end - url) : 0);
	bool ok = check_url(block->url, offset, err);
	*offset += (size_t)(url - text);
	return ok;
}

static bool check_header(const char *header, struct err *err) {
	static const char *const ours[] = { "Content-Length", "Transfer-Encoding",
		"Connection" };
	size_t name = strspn(header,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			"!#$%&'*+-.^_`|~");
	if (name == 0 || header[name] != ':') {
		return err_set(err, ERR_INVALID,
				"a header is written `Name: value`; a blank line stands "
				"before the body");
	}
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (strlen(ours[i]) == name &&
				strncasecmp(header, ours[i], name) == 0) {
			return err_set(err, ERR_INVALID, "%s is set by the bot", ours[i]);
		}
	}
	if (has_control(header)) {
		return err_set(err, ERR_INVALID, "a control character in a header");
	}
	return true;
}

/* Take headers up to the blank line; @at is moved behind it. */
static bool parse_headers(
		const char **at, struct http_block *block, struct err *err) {
	size_t count = 0;
	block->headers = xcalloc(HEADERS_MAX + 1, sizeof(*block->headers));
	while (**at != '\0') {
		const char *next = NULL;
		const char *end = line_end(*at, &next);
		if (end == *at) {
			*at = next;
			return true;
		}
		if (count == HEADERS_MAX) {
			return err_set(
					err, ERR_INVALID, "more than %d headers", HEADERS_MAX);
		}
		block->headers[count] = xstrndup(*at, (size_t)(end - *at));
		if (!check_header(block->headers[count++], err)) {
			return false;
		}
		*at = next;
	}
	return true;
}

static bool check_json(const char *body, struct err *err) {
	struct str out = { 0 };
	bool ok = fill_body(body, BODY_JSON, NULL, "0", &out, err);
	if (ok) {
		cJSON *json = cJSON_ParseWithOpts(str_text(&out), NULL, true);
		ok = json != NULL || err_set(err, ERR_INVALID, "the body is no JSON");
		cJSON_Delete(json);
	}
	str_finish(&out);
	return ok;
}

static bool parse_body(
		const char *text, struct http_block *block, struct err *err) {
	size_t len = strlen(text);
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r')) {
		len--; // the fence's own line break is no part of it
	}
	if (len == 0) {
		return true;
	}
	block->body = xstrndup(text, len);
	if (strcmp(block->method, "GET") == 0 ||
			strcmp(block->method, "HEAD") == 0) {
		return err_set(
				err, ERR_INVALID, "a %s request has no body", block->method);
	}
	return body_type(block) != BODY_JSON || check_json(block->body, err);
}

bool http_block_parse(const char *text, struct http_block *block,
		size_t *offset, struct err *err) {
	const char *at = NULL;
	const char *end = line_end(text, &at);
	*block = (struct http_block){ 0 };
	bool ok = check_slots(text, offset, err) &&
			parse_first_line(text, end, block, offset, err);
	if (ok) {
		ok = parse_headers(&at, block, err);
		*offset = (size_t)(at - text);
	}
	if (ok) {
		ok = parse_body(at, block, err);
	}
	if (!ok) {
		http_block_finish(block);
	}
	return ok;
}
