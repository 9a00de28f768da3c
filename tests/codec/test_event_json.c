#include "codec/event_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "codec/runbook_md.h"
#include "support/test.h"

/* --- a plan --- */

static const char document[] =
		"# Move the bridge\n"
		"\n"
		"| Parameter | Value | Meaning |\n"
		"|---|---|---|\n"
		"| COLOUR | `red`, `blue` | of the \"bridge\" \\\\ — ünïcode |\n"
		"\n"
		"## 4 Production {.production env=prod}\n"
		"\n"
		"1. Paint it\n"
		"\n"
		"   ```sh\n"
		"   echo \"$COLOUR\"\t>> paint\n"
		"   ```\n";

static const char *const zeros =
		"0000000000000000000000000000000000000000000000000000000000000000";

static struct plan_record *make_record(void) {
	struct plan_record *record = xcalloc(1, sizeof(*record));
	struct findings findings;
	struct err err = { 0 };
	findings_init(&findings);
	record->source = xstrdup(document);
	record->runbook = runbook_md_parse(
			"bridge.md", document, strlen(document), &findings);
	assert_int_equal(findings_errors(&findings), 0);
	findings_finish(&findings);
	struct plan *plan = &record->plan;
	plan_init(plan, record->runbook);
	assert_true(plan_set_param(plan, "COLOUR", "blue", &err));
	assert_true(plan_complete(plan, &err));
	plan_add_env(plan, "prod");
	plan_add_env_value(plan, "prod", "NAMESPACE", "stella", false);
	plan_add_env_value(plan, "prod", "TOKEN", zeros, true);
	struct plan_target *target = plan_add_target(plan, "local");
	plan_target_add_host(target, "local");
	plan_target_add_file(target, "deploy/prod.env", zeros);
	target->workdir = xstrdup("/srv/bridge");
	target->commit = xstrdup("abc123");
	target->dirty = true;
	plan_seal(plan);
	return record;
}

/* --- round trips --- */

static const struct plan_value some_values[] = {
	{ .name = (char[]){ "SNAPSHOT" }, .value = (char[]){ "/b/launch-0158" } },
	{ .name = (char[]){ "EMPTY" }, .value = (char[]){ "" } },
	{ .name = (char[]){ "KEY" }, .value = (char[]){ "hmac" }, .secret = true },
};

/* An event in which every field that its type carries has a value of its own,
 * numbers at their limits. */
static struct event full_event(
		enum event_type type, const struct plan_record *record) {
	struct event event = event_make(type, INT64_C(1795658400123));
	unsigned fields = event_spec(type)->fields;
	const struct event all = {
		.type = type,
		.at_ms = event.at_ms,
		.run = 7,
		.gate = UINT32_MAX,
		.step = 0,
		.block = 2,
		.host = 3,
		.attempt = 4,
		.index = 5,
		.count = 6,
		.number = UINT64_MAX,
		.kind = RUN_PRODUCTION,
		.purpose = PURPOSE_ROLLBACK,
		.outcome = OUTCOME_PASSED_OVER,
		.exit_status = INT32_MIN,
		.until_ms = INT64_MAX,
		.valid_ms = INT64_MIN,
		.duration_ms = (INT64_C(1) << 53) + 1,
		.server_ms = INT64_C(1795658400999),
		.user = "u1",
		.post = "p1",
		.root = "r1",
		.name = "white_check_mark",
		.text = "„why“ \\ \"quoted\"\n\ttwo lines </script> \x01",
		.detail = "",
		.path = "/var/lib/x",
		.digest = zeros,
		.values = some_values,
		.value_count = 3,
		.record = record,
	};
	event = all;
	event.step = (fields & FIELD_STEP) != 0 ? 0 : EVENT_NO_STEP;
	return event;
}

static void same_text(const char *a, const char *b) {
	if (a == NULL || b == NULL) {
		assert_ptr_equal(a, b);
	} else {
		assert_string_equal(a, b);
	}
}

#define CARRIES(bit)      ((fields & (bit)) != 0)
#define SAME(bit, member) assert_true(!CARRIES(bit) || a->member == b->member)
#define SAME_TEXT(bit, member) \
	if (CARRIES(bit)) { \
		same_text(a->member, b->member); \
	}

static void same_event(const struct event *a, const struct event *b) {
	unsigned fields = event_spec(a->type)->fields;
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->at_ms, b->at_ms);
	SAME(FIELD_RUN, run);
	SAME(FIELD_GATE, gate);
	SAME(FIELD_STEP, step);
	SAME(FIELD_BLOCK, block);
	SAME(FIELD_HOST, host);
	SAME(FIELD_ATTEMPT, attempt);
	SAME(FIELD_INDEX, index);
	SAME(FIELD_COUNT, count);
	SAME(FIELD_NUMBER, number);
	SAME(FIELD_KIND, kind);
	SAME(FIELD_PURPOSE, purpose);
	SAME(FIELD_OUTCOME, outcome);
	SAME(FIELD_EXIT, exit_status);
	SAME(FIELD_UNTIL, until_ms);
	SAME(FIELD_VALID, valid_ms);
	SAME(FIELD_DURATION, duration_ms);
	SAME(FIELD_SERVER, server_ms);
	SAME_TEXT(FIELD_USER, user);
	SAME_TEXT(FIELD_POST, post);
	SAME_TEXT(FIELD_ROOT, root);
	SAME_TEXT(FIELD_NAME, name);
	SAME_TEXT(FIELD_TEXT, text);
	SAME_TEXT(FIELD_DETAIL, detail);
	SAME_TEXT(FIELD_PATH, path);
	SAME_TEXT(FIELD_DIGEST, digest);
	SAME(FIELD_VALUES, value_count);
	for (size_t i = 0; CARRIES(FIELD_VALUES) && i < a->value_count; i++) {
		same_text(a->values[i].name, b->values[i].name);
		same_text(a->values[i].value, b->values[i].value);
		assert_int_equal(a->values[i].secret, b->values[i].secret);
	}
}

static char *write_event(const struct event *event) {
	struct err err = { 0 };
	char *body = event_json_write(event, &err);
	if (body == NULL) {
		print_message("# %s\n", err.text);
	}
	assert_non_null(body);
	return body;
}

static void every_event_is_read_back_as_it_was_written(void **state) {
	(void)state;
	struct plan_record *record = make_record();
	for (unsigned type = 0; type < EVENT_TYPE_COUNT; type++) {
		struct event event = full_event((enum event_type)type, record);
		char *body = write_event(&event);
		struct event_row row;
		struct err err = { 0 };
		bool ok = event_json_read(&row, 12, event.at_ms,
				event_spec(event.type)->name, body, &err);
		if (!ok) {
			print_message("# %s\n# %s\n", err.text, body);
		}
		assert_true(ok);
		same_event(&event, &row.event);
		char *again = write_event(&row.event);
		assert_string_equal(body, again);
		free(again);
		free(body);
		event_row_finish(&row);
	}
	plan_record_destroy(record);
}

static void what_an_event_does_not_have_is_not_written(void **state) {
	(void)state;
	struct event event = event_make(EVENT_SERVER_LOST, 1);
	char *body = write_event(&event);
	assert_string_equal(body, "{}");
	free(body);
	event = event_make(EVENT_RUN_BEGUN, 1);
	event.run = 7;
	event.digest = zeros;
	event.kind = RUN_REHEARSAL;
	body = write_event(&event);
	assert_non_null(strstr(body, "{\"run\":7,\"kind\":\"rehearsal\","));
	assert_null(strstr(body, "user"));
	free(body);
}

static void an_event_without_a_required_field_is_not_written(void **state) {
	(void)state;
	struct err err = { 0 };
	struct event event = event_make(EVENT_STEP_ENDED, 1);
	event.run = 7;
	event.outcome = OUTCOME_OK;
	assert_null(event_json_write(&event, &err));
	assert_string_equal(err.text, "a step.ended event without its step");
}

/* --- plans --- */

static void a_plan_is_made_again_from_its_row(void **state) {
	(void)state;
	struct plan_record *record = make_record();
	struct event event = full_event(EVENT_PLAN_FIXED, record);
	char *body = write_event(&event);
	struct event_row row;
	struct err err = { 0 };
	assert_true(event_json_read(&row, 1, 5, "plan.fixed", body, &err));
	const struct plan_record *read = row.event.record;
	assert_string_equal(read->source, document);
	assert_string_equal(read->runbook->file, "bridge.md");
	assert_string_equal(read->plan.digest, record->plan.digest);
	assert_string_equal(plan_param(&read->plan, "COLOUR"), "blue");
	const struct plan_target *target = plan_target(&read->plan, "local");
	assert_string_equal(target->workdir, "/srv/bridge");
	assert_string_equal(target->commit, "abc123");
	assert_true(target->dirty);
	assert_true(plan_env(&read->plan, "prod")->values[1].secret);
	assert_ptr_equal(read->plan.runbook, read->runbook);
	event_row_finish(&row);
	free(body);
	plan_record_destroy(record);
}

/* Replace the first @from in the body of a good plan by @to. */
static char *spoilt(const char *from, const char *to) {
	struct plan_record *record = make_record();
	struct event event = full_event(EVENT_PLAN_FIXED, record);
	char *body = write_event(&event);
	char *at = strstr(body, from);
	assert_non_null(at);
	struct str text = { 0 };
	str_add_bytes(&text, body, (size_t)(at - body));
	str_add(&text, to);
	str_add(&text, at + strlen(from));
	free(body);
	plan_record_destroy(record);
	return str_take(&text);
}

static void plan_refused(
		const char *from, const char *to, const char *expected) {
	char *body = spoilt(from, to);
	struct event_row row;
	struct err err = { 0 };
	assert_false(event_json_read(&row, 3, 5, "plan.fixed", body, &err));
	if (strstr(err.text, expected) == NULL) {
		print_message("# %s\n", err.text);
	}
	assert_non_null(strstr(err.text, "row 3, plan.fixed: "));
	assert_non_null(strstr(err.text, expected));
	free(body);
}

static void a_plan_that_no_longer_gives_its_digest_is_refused(void **state) {
	(void)state;
	plan_refused("Paint it", "Burn it", "the plan's digest was ");
	plan_refused("\"value\":\"blue\"", "\"value\":\"red\"", "digest was ");
	plan_refused("\"value\":\"stella\"", "\"value\":\"other\"", "digest was ");
	plan_refused("prod.env\",\"hash\":\"0", "prod.env\",\"hash\":\"1",
			"digest was ");
}

static void a_damaged_plan_says_what_is_wrong(void **state) {
	(void)state;
	plan_refused("\"source\"", "\"sauce\"", "\"source\" must be a string");
	plan_refused("\"params\":[", "\"params\":7,\"x\":[",
			"\"params\" must be a list");
	plan_refused("\"value\":\"blue\"", "\"value\":\"green\"", "green");
	plan_refused(
			"\"hosts\":[\"local\"]", "\"hosts\":[1]", "hosts must be strings");
	plan_refused("\"commit\":\"abc123\"", "\"commit\":3",
			"\"commit\" must be a string");
	plan_refused(".production", ".produktion", "has an error");
	plan_refused("\"record\":{", "\"record\":7,\"x\":{", "must be an object");
	plan_refused(
			"prod.env\",\"hash\":\"0000", "prod.env\",\"hash\":\"", "is none");
}

/* --- bad rows --- */

static void refused(const char *type, const char *body, const char *expected) {
	struct event_row row;
	struct err err = { 0 };
	bool ok = event_json_read(&row, 41, 1000, type, body, &err);
	if (ok || strcmp(err.text, expected) != 0) {
		print_message("# %s\n", ok ? "was read" : err.text);
	}
	assert_false(ok);
	assert_int_equal(err.code, ERR_INVALID);
	assert_string_equal(err.text, expected);
}

static void a_bad_row_is_refused_by_its_number(void **state) {
	(void)state;
	refused("step.exploded", "{}",
			"row 41: no event is called \"step.exploded\"");
	refused("server.lost", "",
			"row 41, server.lost: its body is no JSON object");
	refused("server.lost", "[]",
			"row 41, server.lost: its body is no JSON object");
	refused("server.lost", "{} {}",
			"row 41, server.lost: its body is no JSON object");
	refused("server.lost", "{\"text\":\"a\"",
			"row 41, server.lost: its body is no JSON object");
	refused("server.lost", "{\"text\":7}",
			"row 41, server.lost: \"text\" must be a string");
	refused("server.lost", "{\"text\":null}",
			"row 41, server.lost: \"text\" must be a string");
	refused("server.lost", "{\"gate\":7}",
			"row 41, server.lost: it carries no \"gate\"");
	refused("server.lost", "{\"colour\":7}",
			"row 41, server.lost: it carries no \"colour\"");
	refused("server.lost", "{\"text\":\"a\",\"text\":\"b\"}",
			"row 41, server.lost: \"text\" stands twice");
	refused("run.t0", "{\"run\":7}", "row 41, run.t0: \"until_ms\" is missing");
	refused("run.t0", "{\"run\":\"x\",\"until_ms\":1}",
			"row 41, run.t0: \"run\" must be a whole number from 0 to "
			"4294967295");
	refused("run.t0", "{\"run\":-1,\"until_ms\":1}",
			"row 41, run.t0: \"run\" must be a whole number from 0 to "
			"4294967295");
	refused("run.t0", "{\"run\":4294967296,\"until_ms\":1}",
			"row 41, run.t0: \"run\" must be a whole number from 0 to "
			"4294967295");
	refused("run.t0", "{\"run\":7.5,\"until_ms\":1}",
			"row 41, run.t0: \"run\" must be a whole number from 0 to "
			"4294967295");
	refused("run.t0", "{\"run\":7,\"until_ms\":1e300}",
			"row 41, run.t0: \"until_ms\" must be a whole number");
	refused("run.t0", "{\"run\":7,\"until_ms\":\"9223372036854775808\"}",
			"row 41, run.t0: \"until_ms\" must be a whole number");
	refused("run.t0", "{\"run\":7,\"until_ms\":\"12 \"}",
			"row 41, run.t0: \"until_ms\" must be a whole number");
	refused("run.t0", "{\"run\":7,\"until_ms\":true}",
			"row 41, run.t0: \"until_ms\" must be a whole number");
	refused("gate.closed", "{\"gate\":1,\"outcome\":\"won\"}",
			"row 41, gate.closed: \"outcome\" is \"won\", which is no outcome");
	refused("gate.closed", "{\"gate\":1,\"outcome\":4}",
			"row 41, gate.closed: \"outcome\" must be a string");
	refused("run.begun", "{\"run\":1,\"kind\":\"dress\",\"digest\":\"a\"}",
			"row 41, run.begun: \"kind\" is \"dress\", which is no kind");
	refused("gate.passed", "{\"gate\":1,\"values\":{}}",
			"row 41, gate.passed: \"values\" must be a list");
	refused("gate.passed", "{\"gate\":1,\"values\":[{\"value\":\"a\"}]}",
			"row 41, gate.passed: \"values\": a plan's \"name\" must be a "
			"string");
	refused("attempt.ended",
			"{\"run\":1,\"step\":0,\"attempt\":1,\"outcome\":\"ok\","
			"\"exit_status\":2147483648}",
			"row 41, attempt.ended: \"exit_status\" must be a whole number of "
			"32 bits");
	refused("plan.fixed", "{\"user\":\"u\",\"digest\":\"d\"}",
			"row 41, plan.fixed: \"record\" is missing");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_event_is_read_back_as_it_was_written),
		cmocka_unit_test(what_an_event_does_not_have_is_not_written),
		cmocka_unit_test(an_event_without_a_required_field_is_not_written),
		cmocka_unit_test(a_plan_is_made_again_from_its_row),
		cmocka_unit_test(a_plan_that_no_longer_gives_its_digest_is_refused),
		cmocka_unit_test(a_damaged_plan_says_what_is_wrong),
		cmocka_unit_test(a_bad_row_is_refused_by_its_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
