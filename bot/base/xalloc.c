#include "base/xalloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *xcalloc(size_t count, size_t size) {
	void *memory = calloc(count > 0 ? count : 1, size > 0 ? size : 1);
	if (memory == NULL) {
		abort();
	}
	return memory;
}

char *xstrdup(const char *text) {
	if (text == NULL) {
		return NULL;
	}
	size_t size = strlen(text) + 1;
	char *copy = xcalloc(1, size);
	memcpy(copy, text, size);
	return copy;
}

char *xstrndup(const char *text, size_t len) {
	char *copy = xcalloc(1, len + 1);
	memcpy(copy, text, len);
	return copy;
}

void *xreallocarray(void *memory, size_t count, size_t size) {
	if (size > 0 && count > SIZE_MAX / size) {
		abort();
	}
	size_t bytes = count * size;
	void *grown = realloc(memory, bytes > 0 ? bytes : 1);
	if (grown == NULL) {
		abort();
	}
	return grown;
}

/* gcc 12 sees a null format where only its own sanitizer looks for one. */
#pragma GCC diagnostic push
#ifndef __clang__ // which has no such warning
#pragma GCC diagnostic ignored "-Wformat-truncation"
#endif
char *xvasprintf(const char *format, va_list args) {
	va_list again;
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	if (len < 0) {
		abort();
	}
	char *text = xcalloc(1, (size_t)len + 1);
	vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	return text;
}
#pragma GCC diagnostic pop

char *xasprintf(const char *format, ...) {
	va_list args;
	va_start(args, format);
	char *text = xvasprintf(format, args);
	va_end(args);
	return text;
}
