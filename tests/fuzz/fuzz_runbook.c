/* libFuzzer: reading and checking any text as a runbook ends, and leaks
 * nothing. */
#include <stddef.h>
#include <stdint.h>

#include "codec/runbook_check.h"
#include "core/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct findings findings;
	char digest[SHA256_HEX];
	findings_init(&findings);
	struct runbook *runbook = runbook_check_text(
			"fuzz.md", (const char *)data, size, NULL, &findings);
	plan_document_digest(runbook, digest);
	runbook_destroy(runbook);
	findings_finish(&findings);
	return 0;
}
