#include "codec/json_flat.h"

#include <string.h>

#define DIGITS_MOST 15 // fewer than a double can no longer tell apart

/* The string that begins at *@at, which moves behind it; NULL: not plain. */
static char *take_string(char **at) {
	if (**at != '"') {
		return NULL;
	}
	char *text = *at + 1;
	char *end = text;
	while (*end != '"' && *end != '\\' && (unsigned char)*end >= ' ') {
		end++;
	}
	if (*end != '"') {
		return NULL;
	}
	*end = '\0';
	*at = end + 1;
	return text;
}

static bool take_number(char **at, double *number) {
	char *digit = *at;
	bool negative = *digit == '-';
	digit += negative ? 1 : 0;
	char *first = digit;
	double value = 0;
	while (*digit >= '0' && *digit <= '9' && digit - first < DIGITS_MOST) {
		value = value * 10 + (*digit - '0');
		digit++;
	}
	bool whole = *digit == ',' || *digit == '}';
	if (digit == first || !whole || (*first == '0' && digit - first > 1)) {
		return false;
	}
	*number = negative ? -value : value;
	*at = digit;
	return true;
}

static bool take_member(char **at, cJSON *member) {
	*member = (cJSON){ .string = take_string(at) };
	if (member->string == NULL || **at != ':') {
		return false;
	}
	++*at;
	if (**at == '"') {
		member->type = cJSON_String;
		member->valuestring = take_string(at);
		return member->valuestring != NULL;
	}
	member->type = cJSON_Number;
	return take_number(at, &member->valuedouble);
}

bool json_flat_read(struct json_flat *flat, char *text) {
	flat->object = (cJSON){ .type = cJSON_Object };
	if (text[0] != '{') {
		return false;
	}
	if (strcmp(text, "{}") == 0) {
		return true;
	}
	flat->object.child = &flat->members[0];
	char *at = text + 1;
	for (size_t i = 0; i < JSON_FLAT_MOST; i++) {
		if (!take_member(&at, &flat->members[i])) {
			return false;
		}
		if (i > 0) {
			flat->members[i - 1].next = &flat->members[i];
		}
		if (*at == '}') {
			return at[1] == '\0';
		}
		if (*at != ',') {
			return false;
		}
		at++;
	}
	return false;
}
