#include "cli/finding.h"

void finding_print(FILE *out, const char *path, const struct finding *finding) {
	fprintf(out, "%s:%u:%u: %s: %s [%s]\n", path, (unsigned)finding->place.line,
			(unsigned)finding->place.column,
			finding->severity == SEVERITY_ERROR ? "error" : "warning",
			finding->text, finding->rule);
}
