#include "codec/shell_words.h"

#include "base/xalloc.h"

void shell_words_add(struct shell_name **list, size_t *count, const char *name,
		size_t len, size_t offset) {
	if ((*count & (*count - 1)) == 0) {
		*list = xreallocarray(
				*list, *count > 0 ? *count * 2 : 1, sizeof(**list));
	}
	(*list)[(*count)++] = (struct shell_name){ xstrndup(name, len), offset };
}
