/* Any text is a config or is refused with at least one error, of a line that
 * is there; never both. */
#include <assert.h>
#include <stdlib.h>

#include "codec/config_ini.h"
#include "fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct findings findings;
	char *text = fuzz_text(data, size);
	findings_init(&findings);
	struct config *config = config_parse(text, size, &findings);
	assert((config == NULL) == (findings_errors(&findings) > 0));
	fuzz_check_findings(&findings, text, size);
	config_destroy(config);
	findings_finish(&findings);
	free(text);
	return 0;
}
