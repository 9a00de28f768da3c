#include "faults.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "gojson.h"

enum place {
	PLACE_REQUEST,
	PLACE_EVENT,
	PLACE_UPGRADE,
	PLACE_READ,
	PLACE_EDIT,
};

struct rule {
	struct rule *next;
	enum place place;
	struct fault fault;
	bool forever;
	unsigned times;
	char *method;
	char *event;
	char *user;
	char *path_text;
	regex_t path;
	char *as_given;
};

static const char *const places[] = {
	[PLACE_REQUEST] = "request",
	[PLACE_EVENT] = "event",
	[PLACE_UPGRADE] = "upgrade",
	[PLACE_READ] = "read",
	[PLACE_EDIT] = "edit",
};

static const struct {
	enum place place;
	const char *name;
	enum fault_kind kind;
	int status;
} kinds[] = {
	{ PLACE_REQUEST, "429", FAULT_STATUS, 429 },
	{ PLACE_REQUEST, "500", FAULT_STATUS, 500 },
	{ PLACE_REQUEST, "503", FAULT_STATUS, 503 },
	{ PLACE_REQUEST, "timeout", FAULT_TIMEOUT, 0 },
	{ PLACE_REQUEST, "reset", FAULT_RESET, 0 },
	{ PLACE_REQUEST, "delay", FAULT_DELAY, 0 },
	{ PLACE_REQUEST, "hold", FAULT_HOLD, 0 },
	{ PLACE_EVENT, "drop", FAULT_EVENT_DROP, 0 },
	{ PLACE_EVENT, "gap", FAULT_EVENT_GAP, 0 },
	{ PLACE_EVENT, "duplicate", FAULT_EVENT_DUPLICATE, 0 },
	{ PLACE_EVENT, "swap", FAULT_EVENT_SWAP, 0 },
	{ PLACE_EVENT, "delay", FAULT_EVENT_DELAY, 0 },
	{ PLACE_UPGRADE, "429", FAULT_STATUS, 429 },
	{ PLACE_UPGRADE, "503", FAULT_STATUS, 503 },
	{ PLACE_UPGRADE, "reset", FAULT_RESET, 0 },
	{ PLACE_UPGRADE, "silent", FAULT_SILENT, 0 },
	{ PLACE_UPGRADE, "refuse_resume", FAULT_REFUSE_RESUME, 0 },
	{ PLACE_READ, "stale", FAULT_STALE, 0 },
	{ PLACE_EDIT, "forget_reactions", FAULT_FORGET_REACTIONS, 0 },
};

int64_t real_now_us(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void free_rule(struct rule *rule) {
	free(rule->method);
	free(rule->event);
	free(rule->user);
	free(rule->as_given);
	if (rule->path_text != NULL) {
		regfree(&rule->path);
	}
	free(rule->path_text);
	free(rule);
}

void faults_finish(struct faults *faults) {
	faults_delete(faults, 0);
}

/* ---- making rules ---- */

static char *text_of(const cJSON *json, const char *key) {
	return xstrdup(
			cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key)));
}

static double number_of(const cJSON *json, const char *key, double otherwise) {
	const cJSON *node = cJSON_GetObjectItemCaseSensitive(json, key);
	return cJSON_IsNumber(node) ? node->valuedouble : otherwise;
}

static bool read_place(struct rule *rule, const cJSON *json, struct err *err) {
	const char *on = cJSON_GetStringValue(
			cJSON_GetObjectItemCaseSensitive(json, "on"));
	for (size_t i = 0; on != NULL && i < sizeof(places) / sizeof(*places);
			i++) {
		if (strcmp(on, places[i]) == 0) {
			rule->place = (enum place)i;
			return true;
		}
	}
	return err_set(err, ERR_INVALID,
			"\"on\" is request, event, upgrade, read or edit");
}

static bool read_kind(struct rule *rule, const cJSON *json, struct err *err) {
	const char *what = cJSON_GetStringValue(
			cJSON_GetObjectItemCaseSensitive(json, "do"));
	for (size_t i = 0; what != NULL && i < sizeof(kinds) / sizeof(*kinds);
			i++) {
		if (kinds[i].place == rule->place && strcmp(what, kinds[i].name) == 0) {
			rule->fault.kind = kinds[i].kind;
			rule->fault.status = kinds[i].status;
			return true;
		}
	}
	return err_set(err, ERR_INVALID, "no such \"do\" on %s: %s",
			places[rule->place], what != NULL ? what : "(none)");
}

static bool read_path(struct rule *rule, const cJSON *json, struct err *err) {
	char *path = text_of(json, "path");
	if (path == NULL) {
		return true;
	}
	if (regcomp(&rule->path, path, REG_EXTENDED | REG_NOSUB) != 0) {
		free(path);
		return err_set(err, ERR_INVALID, "\"path\" is no regular expression");
	}
	rule->path_text = path;
	return true;
}

static bool read_rule(struct rule *rule, const cJSON *json, struct err *err) {
	if (!read_place(rule, json, err) || !read_kind(rule, json, err) ||
			!read_path(rule, json, err)) {
		return false;
	}
	char *when = text_of(json, "when");
	rule->fault.after = when != NULL && strcmp(when, "after") == 0;
	free(when);
	rule->method = text_of(json, "method");
	rule->event = text_of(json, "event");
	rule->user = text_of(json, "user");
	rule->fault.ms = (int64_t)number_of(json, "ms", 0);
	rule->fault.retry_after_s = (int)number_of(json, "retry_after", 1);
	rule->times = (unsigned)number_of(json, "times", 1);
	/* A view of the past is not used up by looking. */
	rule->forever = rule->times == 0 || rule->fault.kind == FAULT_STALE;
	return true;
}

unsigned faults_add(struct faults *faults, const struct cJSON *json,
		int64_t last_stamp, struct err *err) {
	struct rule *rule = xcalloc(1, sizeof(*rule));
	if (!cJSON_IsObject(json) || !read_rule(rule, json, err)) {
		if (!cJSON_IsObject(json)) {
			err_set(err, ERR_INVALID, "a rule is a JSON object");
		}
		free_rule(rule);
		return 0;
	}
	struct str given;
	str_init(&given, 0);
	json_node(&given, NULL, json);
	rule->as_given = str_take(&given);
	rule->fault.id = ++faults->last_id;
	rule->fault.since_ms = last_stamp;
	struct rule **end = &faults->rules;
	while (*end != NULL) {
		end = &(*end)->next;
	}
	*end = rule;
	return rule->fault.id;
}

bool faults_delete(struct faults *faults, unsigned id) {
	bool found = id == 0;
	struct rule **at = &faults->rules;
	while (*at != NULL) {
		struct rule *rule = *at;
		if (id != 0 && rule->fault.id != id) {
			at = &rule->next;
			continue;
		}
		*at = rule->next;
		free_rule(rule);
		found = true;
	}
	return found;
}

bool faults_has(const struct faults *faults, unsigned id) {
	for (const struct rule *rule = faults->rules; rule != NULL;
			rule = rule->next) {
		if (rule->fault.id == id) {
			return true;
		}
	}
	return false;
}

void faults_show(const struct faults *faults, struct str *out) {
	json_open(out, "faults", '[');
	for (const struct rule *rule = faults->rules; rule != NULL;
			rule = rule->next) {
		json_open(out, NULL, '{');
		json_number(out, "id", rule->fault.id);
		json_number(out, "left", rule->forever ? -1 : (int64_t)rule->times);
		json_raw(out, "rule", rule->as_given);
		json_close(out, '}');
	}
	json_close(out, ']');
}

/* ---- using them ---- */

static bool fits(const char *wanted, const char *is) {
	return wanted == NULL || (is != NULL && strcmp(wanted, is) == 0);
}

/* What somebody does at a place. */
struct occasion {
	enum place place;
	const char *method;
	const char *target;
	const char *event;
	const char *user;
};

static bool bites(const struct rule *rule, const struct occasion *at) {
	if (rule->place != at->place || (!rule->forever && rule->times == 0)) {
		return false;
	}
	if (rule->path_text != NULL &&
			(at->target == NULL ||
					regexec(&rule->path, at->target, 0, NULL, 0) != 0)) {
		return false;
	}
	return fits(rule->method, at->method) && fits(rule->event, at->event) &&
			fits(rule->user, at->user);
}

static struct fault look_up(struct faults *faults, const struct occasion *at) {
	for (struct rule *rule = faults->rules; rule != NULL; rule = rule->next) {
		if (bites(rule, at)) {
			rule->times -= rule->times > 0;
			faults->fired++;
			return rule->fault;
		}
	}
	return (struct fault){ .kind = FAULT_NONE };
}

struct fault faults_on_request(struct faults *faults, const char *method,
		const char *target, const char *username) {
	return look_up(faults,
			&(struct occasion){ .place = PLACE_REQUEST,
					.method = method,
					.target = target,
					.user = username });
}

struct fault faults_on_upgrade(struct faults *faults, const char *username) {
	return look_up(faults,
			&(struct occasion){ .place = PLACE_UPGRADE, .user = username });
}

struct fault_event faults_on_event(
		struct faults *faults, const char *event, const char *username) {
	struct fault fault = look_up(faults,
			&(struct occasion){
					.place = PLACE_EVENT, .event = event, .user = username });
	return (struct fault_event){
		.kind = fault.kind,
		.not_before_us = fault.kind == FAULT_EVENT_DELAY
				? real_now_us() + fault.ms * 1000
				: 0,
	};
}

struct fault faults_on_read(struct faults *faults, const char *username) {
	return look_up(faults,
			&(struct occasion){ .place = PLACE_READ, .user = username });
}

struct fault faults_on_edit(struct faults *faults, const char *username) {
	return look_up(faults,
			&(struct occasion){ .place = PLACE_EDIT, .user = username });
}
