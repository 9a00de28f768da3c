#ifndef FINDINGS_JSON_H
#define FINDINGS_JSON_H

#include "core/runbook.h"

/* Findings as data, for other programs:
 *	{"findings":[{"file","line","column","severity","rule","text"}, …],
 *	 "errors":N,"warnings":N,"files":N,"reached":true}
 */
struct findings_json;

struct findings_json *findings_json_create(void)
		__attribute__((warn_unused_result));

/* All of @findings are about @path; "" where there is no file. */
void findings_json_add(struct findings_json *json, const char *path,
		const struct findings *findings);

/* The whole as a text of one line.  @reached: the server, if it was asked.
 * Caller frees it.  Frees @json. */
char *findings_json_end(struct findings_json *json, size_t files, bool reached)
		__attribute__((warn_unused_result));

#endif
