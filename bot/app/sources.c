#include "app/sources.h"

#include <stdlib.h>
#include <string.h>

void sources_wipe(struct plan_value *values, size_t count) {
	for (size_t i = 0; i < count; i++) {
		if (values[i].value != NULL) {
			explicit_bzero(values[i].value, strlen(values[i].value));
		}
		free(values[i].value);
		free(values[i].name);
	}
	free(values);
}
