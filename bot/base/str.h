#ifndef STR_H
#define STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A growable string with a cap.  Always NUL-terminated once anything was
 * added; @data is NULL before that, so print it with str_text().  An addition
 * that would pass the cap is cut at the cap and remembered in @cut: the caller
 * that must not lose bytes checks it once at the end.
 */
struct str {
	char *data;
	size_t len;  // bytes, without the NUL
	size_t room; // bytes allocated
	size_t cap;  // most bytes that @len may reach; 0 means STR_CAP_DEFAULT
	bool cut;    // something did not fit
};

#define STR_CAP_DEFAULT ((size_t)16 * 1024 * 1024)

/* Prepare @str; @cap in bytes, 0 for the default.  Pair with str_finish(). */
void str_init(struct str *str, size_t cap);

/* Free the text.  Safe on a zeroed or already finished string. */
void str_finish(struct str *str);

/* Empty it, keeping the memory. */
void str_clear(struct str *str);

/* The text; "" when nothing was added.  Valid until the next change. */
const char *str_text(const struct str *str);

/* Hand the text to the caller, who frees it; @str is empty afterwards. */
char *str_take(struct str *str) __attribute__((warn_unused_result));

void str_add(struct str *str, const char *text);
void str_add_bytes(struct str *str, const void *bytes, size_t len);
void str_add_char(struct str *str, char c);
void str_addf(struct str *str, const char *format, ...)
		__attribute__((format(printf, 2, 3)));

/* Shorten to @len bytes; does nothing if it is shorter already. */
void str_truncate(struct str *str, size_t len);

#endif
