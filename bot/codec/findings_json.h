#ifndef FINDINGS_JSON_H
#define FINDINGS_JSON_H

#include "core/runbook.h"

/* Findings as data, for other programs; docs/check-json.md describes it. */
struct findings_json;

struct findings_json *findings_json_create(void)
		__attribute__((warn_unused_result));

/* All of @findings are about @path; "" where there is no file. */
void findings_json_add(struct findings_json *json, const char *path,
		const struct findings *findings);

/* What was looked at. */
struct findings_scope {
	size_t files;
	bool config;  // else the rules that need one were left out
	bool asked;   // the server was
	bool reached; // and it answered
};

/* The whole as a text of one line.  Caller frees it.  Frees @json. */
char *findings_json_end(struct findings_json *json,
		const struct findings_scope *scope) __attribute__((warn_unused_result));

#endif
