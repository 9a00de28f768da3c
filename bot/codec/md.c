#include "codec/md.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define TEXT_MAX 512

static void add(struct md *md, enum severity severity, const char *rule,
		struct place place, const char *format, va_list args)
		__attribute__((format(printf, 5, 0)));

static void add(struct md *md, enum severity severity, const char *rule,
		struct place place, const char *format, va_list args) {
	char text[TEXT_MAX];
	if (md->quiet) {
		return;
	}
	vsnprintf(text, sizeof(text), format, args);
	findings_add(md->findings, severity, rule, place, "%s", text);
}

void md_error(struct md *md, const char *rule, uint32_t line, uint32_t column,
		const char *format, ...) {
	va_list args;
	va_start(args, format);
	add(md, SEVERITY_ERROR, rule, (struct place){ line, column }, format, args);
	va_end(args);
}

void md_warn(struct md *md, const char *rule, uint32_t line, uint32_t column,
		const char *format, ...) {
	va_list args;
	va_start(args, format);
	add(md, SEVERITY_WARNING, rule, (struct place){ line, column }, format,
			args);
	va_end(args);
}

struct attributes *md_keep(struct md *md) {
	struct md_kept *kept = xcalloc(1, sizeof(*kept));
	kept->next = md->kept;
	md->kept = kept;
	return &kept->attributes;
}

void *md_grow(void *array, size_t count, size_t size) {
	bool full = (count & (count - 1)) == 0; // 0, 1, 2, 4, 8, ...
	char *grown = full ? xreallocarray(array, count > 0 ? count * 2 : 1, size)
					   : array;
	memset(grown + count * size, 0, size);
	return grown;
}
