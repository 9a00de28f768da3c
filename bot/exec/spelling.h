#ifndef SPELLING_H
#define SPELLING_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The ways in which a program may write a text: as it is, within a URL, within
 * a JSON string, quoted for a shell, and in base64 or hexadecimal among other
 * bytes.
 */

enum spelling {
	SPELLING_PLAIN,
	SPELLING_URL,   // RFC 3986, section 2.1, and `+` for a blank
	SPELLING_JSON,  // RFC 8259, section 7, whatever is escaped without need
	SPELLING_SHELL, // bash's `set -x`, `printf %q` and $'...'
};
#define SPELLING_COUNT (SPELLING_SHELL + 1)

/* Whether somebody would write @value other than plainly. */
bool spelling_differs(enum spelling spelling, const char *value);

/* Note in @begins, by its number, each byte that @value can begin with. */
void spelling_begins(
		enum spelling spelling, const char *value, bool begins[256]);

/*
 * How many bytes of @text, which has @left, spell the NUL-terminated @value; 0
 * if they do not.  @cut: they do so far, and the text ends before the value.
 */
size_t spelling_read(enum spelling spelling, const char *value,
		const char *text, size_t left, bool *cut);

/*
 * Base64 (RFC 4648) of @value where @before bytes, 0 to 2, of something else
 * share its first group: only the characters that nothing but @value decides.
 * @url: with `-_` for `+/`.  NUL-terminated; caller wipes and frees.
 */
char *spelling_base64(const char *value, unsigned before, bool url)
		__attribute__((warn_unused_result));

/* Hexadecimal digits of @value, likewise; @upper: `AB` for `ab`. */
char *spelling_hex(const char *value, bool upper)
		__attribute__((warn_unused_result));

#endif
