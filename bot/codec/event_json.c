#include "codec/event_json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "codec/json_flat.h"
#include "codec/plan_json.h"

#define EXACT_MAX (INT64_C(1) << 53) // whole numbers a double holds

enum kind {
	KIND_U32,
	KIND_STEP, // a u32 whose absence is EVENT_NO_STEP
	KIND_I32,
	KIND_I64,
	KIND_U64,
	KIND_STRING,
	KIND_RUN_KIND,
	KIND_PURPOSE,
	KIND_OUTCOME,
	KIND_VALUES,
	KIND_RECORD,
};

struct field {
	unsigned bit;
	const char *name;
	enum kind kind;
	size_t offset;
};

#define FIELD(bit, member, kind) \
	{ (bit), #member, (kind), offsetof(struct event, member) }

/* Every field of an event, in the order in which they are written. */
static const struct field fields[] = {
	FIELD(FIELD_RUN, run, KIND_U32),
	FIELD(FIELD_GATE, gate, KIND_U32),
	FIELD(FIELD_STEP, step, KIND_STEP),
	FIELD(FIELD_BLOCK, block, KIND_U32),
	FIELD(FIELD_HOST, host, KIND_U32),
	FIELD(FIELD_ATTEMPT, attempt, KIND_U32),
	FIELD(FIELD_INDEX, index, KIND_U32),
	FIELD(FIELD_COUNT, count, KIND_U32),
	FIELD(FIELD_NUMBER, number, KIND_U64),
	FIELD(FIELD_KIND, kind, KIND_RUN_KIND),
	FIELD(FIELD_PURPOSE, purpose, KIND_PURPOSE),
	FIELD(FIELD_OUTCOME, outcome, KIND_OUTCOME),
	FIELD(FIELD_EXIT, exit_status, KIND_I32),
	FIELD(FIELD_UNTIL, until_ms, KIND_I64),
	FIELD(FIELD_VALID, valid_ms, KIND_I64),
	FIELD(FIELD_DURATION, duration_ms, KIND_I64),
	FIELD(FIELD_SERVER, server_ms, KIND_I64),
	FIELD(FIELD_USER, user, KIND_STRING),
	FIELD(FIELD_POST, post, KIND_STRING),
	FIELD(FIELD_ROOT, root, KIND_STRING),
	FIELD(FIELD_NAME, name, KIND_STRING),
	FIELD(FIELD_TEXT, text, KIND_STRING),
	FIELD(FIELD_DETAIL, detail, KIND_STRING),
	FIELD(FIELD_PATH, path, KIND_STRING),
	FIELD(FIELD_DIGEST, digest, KIND_STRING),
	FIELD(FIELD_VALUES, values, KIND_VALUES),
	FIELD(FIELD_RECORD, record, KIND_RECORD),
};
#define FIELD_COUNT_ALL (sizeof(fields) / sizeof(fields[0]))

/* --- writing --- */

static uint32_t get_u32(const struct event *event, const struct field *field) {
	uint32_t value;
	memcpy(&value, (const char *)event + field->offset, sizeof(value));
	return value;
}

static int64_t get_i64(const struct event *event, const struct field *field) {
	int64_t value;
	memcpy(&value, (const char *)event + field->offset, sizeof(value));
	return value;
}

static const char *get_string(
		const struct event *event, const struct field *field) {
	const char *value;
	memcpy(&value, (const char *)event + field->offset, sizeof(value));
	return value;
}

/* A number that is exact for every reader: digits, quoted beyond 2^53. */
static void add_signed(cJSON *object, const char *name, int64_t value) {
	char text[32];
	bool exact = value >= -EXACT_MAX && value <= EXACT_MAX;
	snprintf(text, sizeof(text), exact ? "%" PRId64 : "\"%" PRId64 "\"", value);
	cJSON_AddRawToObject(object, name, text);
}

static void add_unsigned(cJSON *object, const char *name, uint64_t value) {
	char text[32];
	bool exact = value <= (uint64_t)EXACT_MAX;
	snprintf(text, sizeof(text), exact ? "%" PRIu64 : "\"%" PRIu64 "\"", value);
	cJSON_AddRawToObject(object, name, text);
}

static void write_values(cJSON *object, const struct event *event) {
	cJSON *list = cJSON_AddArrayToObject(object, "values");
	for (size_t i = 0; i < event->value_count; i++) {
		cJSON_AddItemToArray(list, plan_json_value(&event->values[i]));
	}
}

/* Add @field to @object; false when there is nothing to add. */
static bool write_field(cJSON *object, const struct event *event,
		const struct field *field, bool required) {
	switch (field->kind) {
	case KIND_U32:
		if (get_u32(event, field) == 0 && !required) {
			return false;
		}
		add_unsigned(object, field->name, get_u32(event, field));
		return true;
	case KIND_STEP:
		if (event->step == EVENT_NO_STEP) {
			return false;
		}
		add_unsigned(object, field->name, event->step);
		return true;
	case KIND_I32:
		if (event->exit_status != 0 || required) {
			add_signed(object, field->name, event->exit_status);
		}
		return true;
	case KIND_I64:
		if (get_i64(event, field) != 0 || required) {
			add_signed(object, field->name, get_i64(event, field));
		}
		return true;
	case KIND_U64:
		if (event->number != 0 || required) {
			add_unsigned(object, field->name, event->number);
		}
		return true;
	case KIND_STRING:
		if (get_string(event, field) == NULL) {
			return false;
		}
		cJSON_AddStringToObject(object, field->name, get_string(event, field));
		return true;
	case KIND_RUN_KIND:
		cJSON_AddStringToObject(
				object, field->name, run_kind_name(event->kind));
		return true;
	case KIND_PURPOSE:
		cJSON_AddStringToObject(
				object, field->name, purpose_name(event->purpose));
		return true;
	case KIND_OUTCOME:
		if (event->outcome == OUTCOME_NONE && !required) {
			return false;
		}
		cJSON_AddStringToObject(
				object, field->name, outcome_name(event->outcome));
		return true;
	case KIND_VALUES:
		if (event->value_count > 0 || required) {
			write_values(object, event);
		}
		return true;
	case KIND_RECORD:
		if (event->record == NULL) {
			return false;
		}
		cJSON_AddItemToObject(
				object, field->name, plan_json_record(event->record));
		return true;
	}
	return false;
}

char *event_json_write(const struct event *event, struct err *err) {
	const struct event_spec *spec = event_spec(event->type);
	cJSON *object = cJSON_CreateObject();
	char *text = NULL;
	for (size_t i = 0; i < FIELD_COUNT_ALL; i++) {
		const struct field *field = &fields[i];
		if ((spec->fields & field->bit) == 0) {
			continue;
		}
		bool required = (spec->required & field->bit) != 0;
		if (!write_field(object, event, field, required) && required) {
			err_set(err, ERR_INVALID, "a %s event without its %s", spec->name,
					field->name);
			goto out;
		}
	}
	text = cJSON_PrintUnformatted(object);
	if (text == NULL) {
		abort(); // out of memory
	}
out:
	cJSON_Delete(object);
	return text;
}

/* --- reading --- */

static void *keep(struct event_row *row, void *memory) {
	row->owned = xreallocarray(
			row->owned, row->owned_count + 1, sizeof(row->owned[0]));
	row->owned[row->owned_count] = memory;
	row->owned_count++;
	return memory;
}

static void put(struct event *event, const struct field *field,
		const void *value, size_t size) {
	memcpy((char *)event + field->offset, value, size);
}

static bool wrong(
		const struct field *field, const char *wanted, struct err *err) {
	return err_set(err, ERR_INVALID, "\"%s\" must be %s", field->name, wanted);
}

static bool read_unsigned(const cJSON *item, uint64_t max, uint64_t *value) {
	if (cJSON_IsNumber(item)) {
		double number = item->valuedouble;
		if (!(number >= 0 && number <= (double)EXACT_MAX)) {
			return false;
		}
		*value = (uint64_t)number;
		return (double)*value == number && *value <= max;
	}
	if (!cJSON_IsString(item)) {
		return false;
	}
	const char *digits = item->valuestring;
	size_t len = strlen(digits);
	if (len == 0 || len > 20 || strspn(digits, "0123456789") != len) {
		return false;
	}
	*value = 0;
	for (size_t i = 0; i < len; i++) {
		uint64_t digit = (uint64_t)(digits[i] - '0');
		if (*value > (UINT64_MAX - digit) / 10) {
			return false;
		}
		*value = *value * 10 + digit;
	}
	return *value <= max;
}

static bool read_signed(const cJSON *item, int64_t *value) {
	if (cJSON_IsNumber(item)) {
		double number = item->valuedouble;
		if (!(number >= -(double)EXACT_MAX && number <= (double)EXACT_MAX)) {
			return false;
		}
		*value = (int64_t)number;
		return (double)*value == number;
	}
	if (!cJSON_IsString(item)) {
		return false;
	}
	bool negative = item->valuestring[0] == '-';
	cJSON digits = *item;
	digits.valuestring += negative ? 1 : 0;
	uint64_t magnitude = 0;
	uint64_t max = (uint64_t)INT64_MAX + (negative ? 1 : 0);
	if (!read_unsigned(&digits, max, &magnitude)) {
		return false;
	}
	*value = (int64_t)(negative ? 0 - magnitude : magnitude);
	return true;
}

static bool read_u32_field(struct event_row *row, const struct field *field,
		const cJSON *item, struct err *err) {
	uint64_t number = 0;
	if (!read_unsigned(item, UINT32_MAX, &number)) {
		return wrong(field, "a whole number from 0 to 4294967295", err);
	}
	uint32_t value = (uint32_t)number;
	put(&row->event, field, &value, sizeof(value));
	return true;
}

static bool read_i64_field(struct event_row *row, const struct field *field,
		const cJSON *item, struct err *err) {
	int64_t value = 0;
	if (!read_signed(item, &value)) {
		return wrong(field, "a whole number", err);
	}
	put(&row->event, field, &value, sizeof(value));
	return true;
}

static bool read_i32_field(struct event_row *row, const struct field *field,
		const cJSON *item, struct err *err) {
	int64_t value = 0;
	if (!read_signed(item, &value) || value < INT32_MIN || value > INT32_MAX) {
		return wrong(field, "a whole number of 32 bits", err);
	}
	row->event.exit_status = (int32_t)value;
	return true;
}

static bool read_u64_field(struct event_row *row, const struct field *field,
		const cJSON *item, struct err *err) {
	if (!read_unsigned(item, UINT64_MAX, &row->event.number)) {
		return wrong(field, "a whole number from 0 on", err);
	}
	return true;
}

static bool read_string_field(struct event_row *row, const struct field *field,
		const cJSON *item, struct err *err) {
	if (!cJSON_IsString(item)) {
		return wrong(field, "a string", err);
	}
	const char *value = row->flat != NULL
			? item->valuestring // stands in row->flat
			: keep(row, xstrdup(item->valuestring));
	put(&row->event, field, &value, sizeof(value));
	return true;
}

static bool run_kind_by_name(const char *name, enum run_kind *kind) {
	for (enum run_kind k = RUN_REHEARSAL; k <= RUN_PRODUCTION; k++) {
		if (strcmp(run_kind_name(k), name) == 0) {
			*kind = k;
			return true;
		}
	}
	return false;
}

static bool read_name_field(struct event_row *row, const struct field *field,
		const cJSON *item, struct err *err) {
	struct event *event = &row->event;
	if (!cJSON_IsString(item)) {
		return wrong(field, "a string", err);
	}
	const char *name = item->valuestring;
	bool known = field->kind == KIND_OUTCOME
			? outcome_by_name(name, &event->outcome)
			: field->kind == KIND_PURPOSE
			? purpose_by_name(name, &event->purpose)
			: run_kind_by_name(name, &event->kind);
	if (!known) {
		return err_set(err, ERR_INVALID, "\"%s\" is \"%.40s\", which is no %s",
				field->name, name, field->name);
	}
	return true;
}

static bool read_values_field(struct event_row *row, const struct field *field,
		const cJSON *item, struct err *err) {
	if (!cJSON_IsArray(item)) {
		return wrong(field, "a list", err);
	}
	size_t count = (size_t)cJSON_GetArraySize(item);
	struct plan_value *values = keep(row, xcalloc(count, sizeof(*values)));
	size_t i = 0;
	const cJSON *entry;
	cJSON_ArrayForEach(entry, item) {
		bool ok = plan_json_read_value(entry, &values[i], err);
		keep(row, values[i].name);
		keep(row, values[i].value);
		if (!ok) {
			return err_wrap(err, "\"%s\": ", field->name);
		}
		i++;
	}
	row->event.values = values;
	row->event.value_count = count;
	return true;
}

static bool read_record_field(
		struct event_row *row, const cJSON *item, struct err *err) {
	row->record = plan_json_read_record(item, err);
	row->event.record = row->record;
	return row->record != NULL;
}

static bool read_field(struct event_row *row, const struct field *field,
		const cJSON *item, struct err *err) {
	switch (field->kind) {
	case KIND_U32:
	case KIND_STEP:
		return read_u32_field(row, field, item, err);
	case KIND_I32:
		return read_i32_field(row, field, item, err);
	case KIND_I64:
		return read_i64_field(row, field, item, err);
	case KIND_U64:
		return read_u64_field(row, field, item, err);
	case KIND_STRING:
		return read_string_field(row, field, item, err);
	case KIND_RUN_KIND:
	case KIND_PURPOSE:
	case KIND_OUTCOME:
		return read_name_field(row, field, item, err);
	case KIND_VALUES:
		return read_values_field(row, field, item, err);
	case KIND_RECORD:
		return read_record_field(row, item, err);
	}
	return false;
}

static const struct field *field_by_name(const char *name) {
	for (size_t i = 0; i < FIELD_COUNT_ALL; i++) {
		if (fields[i].name[0] == name[0] && strcmp(fields[i].name, name) == 0) {
			return &fields[i];
		}
	}
	return NULL;
}

static bool read_fields(struct event_row *row, const struct event_spec *spec,
		const cJSON *object, struct err *err) {
	unsigned seen = 0;
	const cJSON *item;
	cJSON_ArrayForEach(item, object) {
		const struct field *field = field_by_name(item->string);
		if (field == NULL || (spec->fields & field->bit) == 0) {
			return err_set(
					err, ERR_INVALID, "it carries no \"%.40s\"", item->string);
		}
		if ((seen & field->bit) != 0) {
			return err_set(
					err, ERR_INVALID, "\"%s\" stands twice", field->name);
		}
		seen |= field->bit;
		if (!read_field(row, field, item, err)) {
			return false;
		}
	}
	for (size_t i = 0; i < FIELD_COUNT_ALL; i++) {
		if ((spec->required & fields[i].bit & ~seen) != 0) {
			return err_set(
					err, ERR_INVALID, "\"%s\" is missing", fields[i].name);
		}
	}
	return true;
}

static bool read_tree(struct event_row *row, const struct event_spec *spec,
		const char *body, struct err *err) {
	cJSON *object = cJSON_ParseWithOpts(body, NULL, 1);
	bool ok = cJSON_IsObject(object)
			? read_fields(row, spec, object, err)
			: err_set(err, ERR_INVALID, "its body is no JSON object");
	cJSON_Delete(object);
	return ok;
}

static bool read_body(struct event_row *row, const struct event_spec *spec,
		const char *body, struct err *err) {
	struct json_flat flat;
	row->flat = xstrdup(body);
	if (json_flat_read(&flat, row->flat)) {
		return read_fields(row, spec, &flat.object, err);
	}
	free(row->flat);
	row->flat = NULL;
	return read_tree(row, spec, body, err);
}

bool event_json_read(struct event_row *row, uint64_t seq, int64_t at_ms,
		const char *type, const char *body, struct err *err) {
	*row = (struct event_row){ 0 };
	enum event_type known;
	if (!event_type_by_name(type, &known)) {
		return err_set(err, ERR_INVALID,
				"row %" PRIu64 ": no event is called \"%.60s\"", seq, type);
	}
	row->event = event_make(known, at_ms);
	if (read_body(row, event_spec(known), body, err)) {
		return true;
	}
	event_row_finish(row);
	return err_wrap(err, "row %" PRIu64 ", %s: ", seq, type);
}

void event_row_finish(struct event_row *row) {
	for (size_t i = 0; i < row->owned_count; i++) {
		free(row->owned[i]);
	}
	free(row->owned);
	free(row->flat);
	plan_record_destroy(row->record);
	*row = (struct event_row){ 0 };
}
