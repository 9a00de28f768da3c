#include "codec/row_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "base/utf8.h"

static void add_time(struct str *out, int64_t at_ms) {
	time_t seconds = (time_t)(at_ms / 1000);
	int64_t ms = at_ms % 1000;
	if (ms < 0) {
		ms += 1000;
		seconds--;
	}
	struct tm tm;
	if (gmtime_r(&seconds, &tm) == NULL) {
		str_add(out, "?");
		return;
	}
	str_addf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
			tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
			(int)ms);
}

static void add_string(struct str *out, const char *text) {
	if (text == NULL) {
		str_add(out, "null");
		return;
	}
	cJSON *string = cJSON_CreateStringReference(text);
	char *printed = cJSON_PrintUnformatted(string);
	if (printed == NULL) {
		abort(); // out of memory
	}
	str_add(out, printed);
	cJSON_free(printed);
	cJSON_Delete(string);
}

static bool is_object_on_one_line(const char *text) {
	if (strpbrk(text, "\r\n") != NULL) {
		return false;
	}
	cJSON *parsed = cJSON_ParseWithOpts(text, NULL, 1);
	bool object = cJSON_IsObject(parsed);
	cJSON_Delete(parsed);
	return object;
}

void row_json_add(struct str *out, const struct row_json *row) {
	str_addf(out, "{\"seq\":%" PRIu64 ",\"at_ms\":%" PRId64 ",\"at\":\"",
			row->seq, row->at_ms);
	add_time(out, row->at_ms);
	str_add(out, "\",\"type\":");
	add_string(out, row->type);
	str_add(out, ",\"input\":");
	add_string(out, row->input);
	str_add(out, ",\"body\":");
	if (is_object_on_one_line(row->body)) {
		str_add(out, row->body);
	} else {
		add_string(out, row->body);
	}
	str_add(out, ",\"hash\":");
	add_string(out, row->hash);
	str_add(out, "}");
}

/* C0, DEL and C1 (U+0080 … U+009F), which begin a terminal's sequences. */
static bool is_control(const char *bytes, size_t len) {
	unsigned char first = (unsigned char)bytes[0];
	return (len == 1 && (first < ' ' || first == 127)) ||
			(len == 2 && first == 0xc2 && (unsigned char)bytes[1] < 0xa0);
}

static void add_shown(struct str *out, const char *text, size_t max) {
	size_t len = strlen(text);
	size_t shown = len <= max ? len : utf8_cut(text, len, max);
	for (size_t i = 0; i < shown;) {
		size_t char_len = utf8_char_len(text + i, shown - i);
		if (char_len == 0 || is_control(text + i, char_len)) {
			str_add_char(out, '?');
		} else {
			str_add_bytes(out, text + i, char_len);
		}
		i += char_len > 0 ? char_len : 1;
	}
	if (shown < len) {
		str_add(out, "…");
	}
}

void row_json_add_short(
		struct str *out, const struct row_json *row, size_t body_max) {
	str_addf(out, "%" PRIu64 "  ", row->seq);
	add_time(out, row->at_ms);
	str_add(out, "  ");
	add_shown(out, row->type, 64);
	str_add(out, "  ");
	add_shown(out, row->body, body_max);
}
