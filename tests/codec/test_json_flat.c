#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "codec/json_flat.h"
#include "support/test.h"

static const char *const plain[] = {
	"{}",
	"{\"a\":\"\"}",
	"{\"user\":\"lead\",\"run\":7,\"text\":\"a, b: {c} [d]\"}",
	"{\"n\":-0,\"m\":-12,\"at_ms\":1790000000000}",
	"{\"most\":999999999999999}",
	"{\"twice\":1,\"twice\":2}",
	"{\"text\":\"caf\xc3\xa9 \xf0\x9f\x9a\x80 \xff\"}",
};

/* Some are JSON, some are not: neither is this reader's. */
static const char *const others[] = {
	"",
	"{",
	"[]",
	"null",
	" {}",
	"{} ",
	"{}{}",
	"{\"a\": 1}",
	"{\"a\":1 }",
	"{\"a\":1,}",
	"{,\"a\":1}",
	"{\"a\"}",
	"{\"a\":}",
	"{\"a\":1",
	"{\"a\":\"b",
	"{\"a\":\"b\"",
	"{\"a",
	"{a:1}",
	"{\"a\":01}",
	"{\"a\":-}",
	"{\"a\":+1}",
	"{\"a\":1.5}",
	"{\"a\":1e3}",
	"{\"a\":1000000000000000}",
	"{\"a\":true}",
	"{\"a\":null}",
	"{\"a\":[1]}",
	"{\"a\":{\"b\":1}}",
	"{\"a\":\"b\\nc\"}",
	"{\"a\\u0062\":1}",
	"{\"a\":\"b\tc\"}",
};

static void the_plain_case_reads_as_cjson_reads_it(void **state) {
	(void)state;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		struct json_flat flat;
		char *text = xstrdup(plain[i]);
		assert_true(json_flat_read(&flat, text));
		cJSON *tree = cJSON_ParseWithOpts(plain[i], NULL, 1);
		char *wanted = cJSON_PrintUnformatted(tree);
		char *got = cJSON_PrintUnformatted(&flat.object);
		assert_string_equal(got, wanted);
		const cJSON *ours = flat.object.child;
		const cJSON *theirs;
		cJSON_ArrayForEach(theirs, tree) {
			assert_int_equal(ours->type, theirs->type);
			assert_true(ours->valuedouble == theirs->valuedouble);
			ours = ours->next;
		}
		assert_null(ours);
		cJSON_free(got);
		cJSON_free(wanted);
		cJSON_Delete(tree);
		free(text);
	}
}

static void what_is_not_plain_is_left_to_others(void **state) {
	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct json_flat flat;
		char *text = xstrdup(others[i]);
		if (json_flat_read(&flat, text)) {
			fail_msg("read: %s", others[i]);
		}
		free(text);
	}
}

static char *with_members(size_t count) {
	struct str text = { 0 };
	for (size_t i = 0; i < count; i++) {
		str_addf(&text, "%s\"m%zu\":%zu", i == 0 ? "{" : ",", i, i);
	}
	str_add(&text, "}");
	return str_take(&text);
}

static void there_is_room_for_so_many_members(void **state) {
	(void)state;
	struct json_flat flat;
	char *text = with_members(JSON_FLAT_MOST);
	assert_true(json_flat_read(&flat, text));
	assert_int_equal(cJSON_GetArraySize(&flat.object), JSON_FLAT_MOST);
	free(text);
	text = with_members(JSON_FLAT_MOST + 1);
	assert_false(json_flat_read(&flat, text));
	free(text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_plain_case_reads_as_cjson_reads_it),
		cmocka_unit_test(what_is_not_plain_is_left_to_others),
		cmocka_unit_test(there_is_room_for_so_many_members),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
