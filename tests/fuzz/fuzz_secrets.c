/* A secrets file, and the same bytes as a file that is one secret: read or
 * refused, and no finding shows a value. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/secrets_text.h"
#include "fuzz/input.h"
#include "sys/secret.h"

/* Long enough not to stand in a sentence by chance. */
#define TELLING 12

static void check_unsaid(
		const struct findings *findings, const struct secret_value *secret) {
	if (strlen(secret->value) < TELLING) {
		return;
	}
	for (size_t i = 0; i < findings->count; i++) {
		// A name may be the same text, and names are said.
		assert(strstr(findings->list[i].text, secret->value) == NULL ||
				strstr(secret->name, secret->value) != NULL);
	}
}

static void read_values(const char *text, size_t len) {
	struct secret_values values;
	struct findings findings;
	findings_init(&findings);
	bool ok = secrets_text_parse(&values, text, len, &findings);
	assert(ok == (findings_errors(&findings) == 0));
	fuzz_check_findings(&findings, text, len);
	for (size_t i = 0; i < values.count; i++) {
		const struct secret_value *secret = &values.list[i];
		assert(secrets_text_value(&values, secret->name) != NULL);
		check_unsaid(&findings, secret);
	}
	secrets_text_finish(&values);
	findings_finish(&findings);
}

static void read_whole(const char *text, size_t len) {
	struct fuzz_file file;
	struct err err = { 0 };
	fuzz_file_open(&file, text, len);
	struct secret *secret = secret_read_file(file.path, &err);
	if (secret != NULL) {
		assert(secret_len(secret) > 0);
		assert(strlen(secret_reveal(secret)) == secret_len(secret));
	} else {
		assert(err.text[0] != '\0');
	}
	secret_destroy(secret);
	fuzz_file_close(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char *text = fuzz_text(data, size);
	read_values(text, size);
	read_whole(text, size);
	free(text);
	return 0;
}
