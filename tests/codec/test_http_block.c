#include <stdlib.h>
#include <string.h>

#include "codec/http_block.h"
#include "support/test.h"

static struct http_block parsed(const char *text) {
	struct http_block block;
	struct err err = { 0 };
	size_t offset = 0;
	if (!http_block_parse(text, &block, &offset, &err)) {
		fail_msg("at %zu: %s", offset, err.text);
	}
	return block;
}

/* What comes of @text with @env; its error as a block whose url it is. */
static struct http_block filled(const char *text, const char *const *env) {
	struct http_block block = parsed(text);
	struct http_block out;
	struct err err = { 0 };
	if (!http_block_fill(&block, env, &out, &err)) {
		assert_null(out.url);
		out.url = strdup(err.text);
	}
	http_block_finish(&block);
	return out;
}

static void assert_url(
		const char *template, const char *entry, const char *expected) {
	const char *const env[] = { entry, NULL };
	char text[256] = "GET ";
	strcat(text, template);
	struct http_block block = filled(text, env);
	assert_string_equal(block.url, expected);
	http_block_finish(&block);
}

static void a_block_has_a_first_line_headers_and_a_body(void **state) {
	(void)state;
	struct http_block block = parsed("POST https://a.example/x HTTP/1.1\r\n"
									 "Accept: text/plain\r\nX-Y:z\r\n\r\n"
									 "one\n\ntwo\n");
	assert_string_equal(block.method, "POST");
	assert_string_equal(block.url, "https://a.example/x");
	assert_string_equal(block.headers[0], "Accept: text/plain");
	assert_string_equal(block.headers[1], "X-Y:z");
	assert_null(block.headers[2]);
	assert_string_equal(block.body, "one\n\ntwo");
	http_block_finish(&block);
	block = parsed("GET https://a.example/healthz");
	assert_null(block.headers[0]);
	assert_null(block.body);
	http_block_finish(&block);
	http_block_finish(&block);
}

static void a_value_that_opens_the_url_is_checked_as_one(void **state) {
	(void)state;
	static const char opening[] = "{{ BASE }}/healthz";
	static const char bad[] = "{{BASE}} opens the URL: it must be "
							  "http(s)://host with a path at most";
	assert_url(opening, "BASE=https://a.example:8443/v1",
			"https://a.example:8443/v1/healthz");
	assert_url(opening, "BASE=http://[::1]:80", "http://[::1]:80/healthz");
	assert_url(opening, "BASE=https://a.example/?x=", bad);
	assert_url(opening, "BASE=https://a.example/#", bad);
	assert_url(opening, "BASE=https://good.example@evil.example", bad);
	assert_url(opening, "BASE=file:///etc/passwd", bad);
	assert_url(opening, "BASE=https://a b", bad);
	assert_url(opening, "BASE=https://", bad);
	assert_url(opening, "BASE=https://a\r\nX: y", bad);
	assert_url(opening, "BASE=", bad);
	assert_url("{{BASE}}", "BASE=https://a.example/x?y=1&z=2",
			"https://a.example/x?y=1&z=2");
	assert_url("{{BASE}}", "BASE=https://a.example/x y",
			"{{BASE}} must be a URL, http:// or https://");
}

static void a_value_in_the_host_is_checked_as_one(void **state) {
	(void)state;
	assert_url("https://{{H}}/x", "H=a.example", "https://a.example/x");
	assert_url("https://{{H}}", "H=a.example:8443", "https://a.example:8443");
	assert_url("https://{{H}}:80/", "H=10.0.0.1", "https://10.0.0.1:80/");
	assert_url("https://api.{{H}}?q", "H=example", "https://api.example?q");
	static const char *const bad[] = { "H=a/b", "H=a?b", "H=a#b", "H=a@b",
		"H=", "H=a b", "H=a:b", "H=a:123456", "H=[::1", "H=a\n", "H=a%2f" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_url("https://{{H}}/x", bad[i],
				"{{H}} must be a host, with a port at most");
	}
	assert_url(
			"https://{{H}}.example/", "H=a:80", "{{H}} must be a host's name");
}

static void a_value_elsewhere_in_the_url_is_percent_encoded(void **state) {
	(void)state;
	assert_url("https://a.example/{{P}}", "P=../x?y=1#z",
			"https://a.example/..%2Fx%3Fy%3D1%23z");
	assert_url("https://a.example/?q={{P}}&r=1", "P=a&b \xc3\xa9\n",
			"https://a.example/?q=a%26b%20%C3%A9%0A&r=1");
	const char *const env[] = { "B=https://a.example", "P=x/y", NULL };
	struct http_block block = filled("GET {{B}}/{{P}}", env);
	assert_string_equal(block.url, "https://a.example/x%2Fy");
	http_block_finish(&block);
}

static void a_value_in_a_header_has_no_line_break(void **state) {
	(void)state;
	static const char text[] = "GET https://a.example\n"
							   "Authorization: Bearer {{TOKEN}}";
	const char *const good[] = { "TOKEN=a\"b", NULL };
	struct http_block block = filled(text, good);
	assert_string_equal(block.headers[0], "Authorization: Bearer a\"b");
	http_block_finish(&block);
	const char *const bad[] = { "TOKEN=secret\r\nX: y", NULL };
	block = filled(text, bad);
	assert_string_equal(block.url, "{{TOKEN}} has a line break, in a header");
	http_block_finish(&block);
}

static void a_value_in_json_is_escaped_or_a_bare_scalar(void **state) {
	(void)state;
	static const char text[] = "POST https://a.example\n"
							   "Content-Type: application/json\n\n"
							   "{\"a\\\"{{A}}\": \"{{A}}\", \"n\": {{N}}}";
	const char *const good[] = { "A=\"\\\n\xc3\xa9", "N=-1.5e3", NULL };
	struct http_block block = filled(text, good);
	assert_string_equal(block.body,
			"{\"a\\\"\\\"\\\\\\u000a\xc3\xa9\": \"\\\"\\\\\\u000a\xc3\xa9\", "
			"\"n\": -1.5e3}");
	http_block_finish(&block);
	static const char *const bad[] = { "N=", "N=1, \"x\": 2", "N=\"a\"", "N=01",
		"N=1.", "N=-", "N=1e", "N=NaN", "N=1 " };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *const env[] = { "A=", bad[i], NULL };
		block = filled(text, env);
		assert_non_null(strstr(block.url, "stands outside quotes"));
		http_block_finish(&block);
	}
	const char *const bytes[] = { "A=\xff", "N=1", NULL };
	block = filled(text, bytes);
	assert_non_null(strstr(block.url, "is no UTF-8"));
	http_block_finish(&block);
}

static void other_bodies_take_a_value_by_their_type(void **state) {
	(void)state;
	const char *const env[] = { "A=x&y=\"z\"", NULL };
	struct http_block block = filled(
			"POST https://a.example\ncontent-type: "
			"application/x-www-form-urlencoded; charset=utf-8\n\n"
			"a={{A}}",
			env);
	assert_string_equal(block.body, "a=x%26y%3D%22z%22");
	http_block_finish(&block);
	block = filled(
			"PUT https://a.example\nContent-Type: text/plain\n\n{{A}}", env);
	assert_string_equal(block.body, "x&y=\"z\"");
	http_block_finish(&block);
	block = filled("PUT https://a.example\nContent-Type: "
				   "application/vnd.x+json\n\n[\"{{A}}\"]",
			env);
	assert_string_equal(block.body, "[\"x&y=\\\"z\\\"\"]");
	http_block_finish(&block);
	block = filled("PATCH https://a.example\n\n{\"a\": \"{{A}}\"}", env);
	assert_string_equal(block.body, "{\"a\": \"x&y=\\\"z\\\"\"}");
	assert_string_equal(http_block_implied_type(&block), "application/json");
	http_block_finish(&block);
}

static void a_value_that_is_not_set_is_an_error(void **state) {
	(void)state;
	const char *const env[] = { "NAMES=x", "NAM=y", NULL };
	static const char *const texts[] = { "GET https://a.example/{{NAME}}",
		"GET https://a.example/\nX: {{NAME}}",
		"POST https://a.example/\n\n{{NAME}}" };
	for (size_t i = 0; i < 3; i++) {
		struct http_block block = filled(texts[i], env);
		assert_string_equal(block.url, "{{NAME}} is not set");
		http_block_finish(&block);
	}
}

static void names_are_listed_once_each(void **state) {
	(void)state;
	char **names = http_block_names(
			"GET {{A}}/{{B_2}}\nX: {{ A }}\n\n{\"x\": {\"y\": \"{{C}}\"}}");
	assert_string_equal(names[0], "A");
	assert_string_equal(names[1], "B_2");
	assert_string_equal(names[2], "C");
	assert_null(names[3]);
	for (size_t i = 0; i < 3; i++) {
		free(names[i]);
	}
	free(names);
}

static void what_is_no_request_is_refused_where_it_goes_wrong(void **state) {
	(void)state;
	static const struct {
		const char *text;
		size_t offset;
		const char *says;
	} bad[] = {
		{ "", 0, "begins with GET" },
		{ "https://a.example", 0, "begins with GET" },
		{ "get https://a.example", 0, "begins with GET" },
		{ "TRACE https://a.example", 0, "begins with GET" },
		{ "GET", 0, "begins with GET" },
		{ "GET ", 4, "begins with http" },
		{ "GET /healthz", 4, "begins with http" },
		{ "GET ftp://a.example", 4, "begins with http" },
		{ "GET https:///x", 12, "no host" },
		{ "GET https://u:p@a.example/", 12, "name or password" },
		{ "GET https://a.example/x y", 23, "percent-encoded" },
		{ "GET https://a.example/#x", 22, "percent-encoded" },
		{ "GET https://a.example/\xc3\xa9", 22, "percent-encoded" },
		{ "GET {{A}}b", 9, "stands / or ?" },
		{ "GET https://a.example/{{a-b}}", 22, "a value is written" },
		{ "GET https://a.example/{{}}", 22, "a value is written" },
		{ "GET https://a.example\nX", 22, "Name: value" },
		{ "GET https://a.example\nX y: z", 22, "Name: value" },
		{ "GET https://a.example\nX: y\n{}", 27, "Name: value" },
		{ "GET https://a.example\ncontent-length: 3", 22, "by the bot" },
		{ "GET https://a.example\nX: a\x01", 22, "control character" },
		{ "GET https://a.example\n\nbody", 23, "has no body" },
		{ "POST https://a.example\n\n{\"a\": }", 24, "no JSON" },
		{ "POST https://a.example\n\n{\"a\": \"{{A}}\" {{B}}}", 24, "no JSON" },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct http_block block;
		struct err err = { 0 };
		size_t offset = 99;
		bool ok = http_block_parse(bad[i].text, &block, &offset, &err);
		if (ok || offset != bad[i].offset ||
				strstr(err.text, bad[i].says) == NULL) {
			fail_msg("%s: at %zu, %s", bad[i].text, offset, err.text);
		}
		assert_null(block.url);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_has_a_first_line_headers_and_a_body),
		cmocka_unit_test(a_value_that_opens_the_url_is_checked_as_one),
		cmocka_unit_test(a_value_in_the_host_is_checked_as_one),
		cmocka_unit_test(a_value_elsewhere_in_the_url_is_percent_encoded),
		cmocka_unit_test(a_value_in_a_header_has_no_line_break),
		cmocka_unit_test(a_value_in_json_is_escaped_or_a_bare_scalar),
		cmocka_unit_test(other_bodies_take_a_value_by_their_type),
		cmocka_unit_test(a_value_that_is_not_set_is_an_error),
		cmocka_unit_test(names_are_listed_once_each),
		cmocka_unit_test(what_is_no_request_is_refused_where_it_goes_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
