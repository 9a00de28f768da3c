#include "table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

struct table_entry {
	const char *key;
	void *value;
};

/* FNV-1a: keys are random ids and short names, nobody attacks a test. */
static uint64_t hash_of(const char *key) {
	uint64_t hash = UINT64_C(14695981039346656037);
	for (; *key != '\0'; key++) {
		hash = (hash ^ (unsigned char)*key) * UINT64_C(1099511628211);
	}
	return hash;
}

static struct table_entry *find(const struct table *table, const char *key) {
	size_t i = hash_of(key) & (table->room - 1);
	while (table->entries[i].key != NULL &&
			strcmp(table->entries[i].key, key) != 0) {
		i = (i + 1) & (table->room - 1);
	}
	return &table->entries[i];
}

static void grow(struct table *table) {
	struct table old = *table;
	table->room = old.room > 0 ? old.room * 2 : 64;
	table->entries = xcalloc(table->room, sizeof(*table->entries));
	for (size_t i = 0; i < old.room; i++) {
		if (old.entries[i].key != NULL) {
			*find(table, old.entries[i].key) = old.entries[i];
		}
	}
	free(old.entries);
}

void table_finish(struct table *table) {
	free(table->entries);
	*table = (struct table){ 0 };
}

void table_put(struct table *table, const char *key, void *value) {
	if (table->count * 4 >= table->room * 3) {
		grow(table);
	}
	struct table_entry *entry = find(table, key);
	if (entry->key == NULL) {
		entry->key = key;
		table->count++;
	}
	entry->value = value;
}

void *table_get(const struct table *table, const char *key) {
	if (table->room == 0) {
		return NULL;
	}
	return find(table, key)->value;
}
