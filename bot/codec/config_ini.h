#ifndef CONFIG_INI_H
#define CONFIG_INI_H

#include <stddef.h>

#include "codec/config.h"
#include "core/runbook.h"

/*
 * The config file: text in, a checked `struct config` out, and findings with
 * the line of each mistake.  No file is opened here.
 *
 * Strict: an unknown section or key, one given twice, a value that does not
 * parse, a line too long are errors that say what was meant.  Nothing is
 * ignored but comments: from `;` or `#` at the beginning of a line, or from a
 * `;` behind a blank.  A value ends with its line.
 *
 * Its own reader, not inih: that one cuts lines at 198 bytes and the names of
 * sections at 49 without a word, takes an indented line for more of the value
 * above, and hands out no line numbers.
 */

#define CONFIG_MAX_BYTES ((size_t)256 * 1024)

/*
 * Read @len bytes at @text.  NULL where there is any error; what is wrong, and
 * warnings, are added to @findings (rule "config", column 1).  Caller frees
 * with config_destroy().
 */
struct config *config_parse(const char *text, size_t len,
		struct findings *findings) __attribute__((warn_unused_result));

#endif
