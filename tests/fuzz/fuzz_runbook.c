/* Any text is read and checked as a runbook: that ends, every finding is of a
 * line that is there, and what was understood can be shown. */
#include <stdlib.h>

#include "codec/runbook_check.h"
#include "codec/runbook_json.h"
#include "core/plan.h"
#include "fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct findings findings;
	char digest[SHA256_HEX];
	char *text = fuzz_text(data, size);
	findings_init(&findings);
	struct runbook *runbook = runbook_check_text(
			"fuzz.md", text, size, NULL, &findings);
	fuzz_check_findings(&findings, text, size);
	plan_document_digest(runbook, digest);
	struct runbook_json what = {
		.runbook = runbook,
		.findings = &findings,
		.digest = digest,
		.digest_kind = "document",
	};
	free(runbook_json_text(&what));
	runbook_destroy(runbook);
	findings_finish(&findings);
	free(text);
	return 0;
}
