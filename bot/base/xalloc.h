#ifndef XALLOC_H
#define XALLOC_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Allocation that cannot fail: it aborts instead.  The journal is written
 * before the world is touched, so dying here costs a restart, not a run.
 */

/* Returns zeroed memory for @count objects of @size bytes; never NULL. */
void *xcalloc(size_t count, size_t size) __attribute__((returns_nonnull));

/*
 * Grow or shrink @memory to @count objects of @size bytes; new bytes are not
 * zeroed.  @memory may be NULL.
 */
void *xreallocarray(void *memory, size_t count, size_t size)
		__attribute__((returns_nonnull, warn_unused_result));

/* Returns a copy of the first @len bytes of @text, with a NUL behind them. */
char *xstrndup(const char *text, size_t len) __attribute__((returns_nonnull));

/* Returns a new string made as by printf. */
char *xasprintf(const char *format, ...)
		__attribute__((format(printf, 1, 2), returns_nonnull));
char *xvasprintf(const char *format, va_list args)
		__attribute__((format(printf, 1, 0), returns_nonnull));

/* Returns a copy of @text, or NULL if @text is NULL. */
char *xstrdup(const char *text);

#endif
