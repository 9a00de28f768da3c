#include "codec/findings_json.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/str.h"
#include "base/utf8.h"
#include "base/xalloc.h"

struct findings_json {
	cJSON *list;
	size_t errors;
	size_t warnings;
};

struct findings_json *findings_json_create(void) {
	struct findings_json *json = xcalloc(1, sizeof(*json));
	json->list = cJSON_CreateArray();
	return json;
}

/* A file's name, or a piece of it, may be bytes that are no text. */
static void add_text(cJSON *object, const char *name, const char *text) {
	struct str clean = { 0 };
	utf8_add_clean(&clean, text, strlen(text));
	cJSON_AddStringToObject(object, name, str_text(&clean));
	str_finish(&clean);
}

static cJSON *one(const char *path, const struct finding *finding) {
	bool error = finding->severity == SEVERITY_ERROR;
	cJSON *object = cJSON_CreateObject();
	add_text(object, "file", path);
	cJSON_AddNumberToObject(object, "line", finding->place.line);
	cJSON_AddNumberToObject(object, "column", finding->place.column);
	cJSON_AddStringToObject(object, "severity", error ? "error" : "warning");
	cJSON_AddStringToObject(object, "rule", finding->rule);
	add_text(object, "text", finding->text);
	return object;
}

void findings_json_add(struct findings_json *json, const char *path,
		const struct findings *findings) {
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->list[i];
		json->errors += finding->severity == SEVERITY_ERROR;
		json->warnings += finding->severity != SEVERITY_ERROR;
		cJSON_AddItemToArray(json->list, one(path, finding));
	}
}

char *findings_json_end(
		struct findings_json *json, const struct findings_scope *scope) {
	cJSON *whole = cJSON_CreateObject();
	cJSON_AddItemToObject(whole, "findings", json->list);
	cJSON_AddNumberToObject(whole, "errors", (double)json->errors);
	cJSON_AddNumberToObject(whole, "warnings", (double)json->warnings);
	cJSON_AddNumberToObject(whole, "files", (double)scope->files);
	cJSON_AddBoolToObject(whole, "config", scope->config);
	if (scope->asked) {
		cJSON_AddBoolToObject(whole, "reached", scope->reached);
	} else {
		cJSON_AddNullToObject(whole, "reached");
	}
	char *text = cJSON_PrintUnformatted(whole);
	cJSON_Delete(whole);
	free(json);
	return text;
}
