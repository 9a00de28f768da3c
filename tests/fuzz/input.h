#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the fuzz targets share: bytes in the shapes that the readers take.
 * Where a target needs more than one text, a corpus file has them one after
 * the other, told apart by a line of their own, so that people can read it.
 * What a target claims beyond "it ends and leaks nothing" it asserts.
 */

/* The target, one for each executable; always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy that ends exactly behind its NUL, so that a sanitizer sees a reader
 * go past it.  Caller frees. */
char *fuzz_text(const uint8_t *data, size_t size);

/*
 * Cut @text at the first @mark, which becomes a NUL; the rest, or "" at the
 * end of @text where there is no mark.
 */
char *fuzz_cut(char *text, const char *mark);

/* Read every byte of @text, which may be NULL: it must still be there. */
void fuzz_touch(const char *text);

/* A file of these bytes in memory, for readers that take a path. */
struct fuzz_file {
	int fd;
	char path[40];
};

void fuzz_file_open(struct fuzz_file *file, const void *bytes, size_t len);
void fuzz_file_close(struct fuzz_file *file);

/* All findings can be shown, and none stands behind the end of @text. */
struct findings;
void fuzz_check_findings(
		const struct findings *findings, const char *text, size_t len);

#endif
